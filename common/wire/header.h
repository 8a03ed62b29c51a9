/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Framing: the headers of messages, messages inside of messages, and how large a message may be
 * (docs/spec/wire.md 8, 19; docs/spec/display.md 1.2). */
#ifndef WIRE_HEADER_H
#define WIRE_HEADER_H

#include "wire/wire.h"

enum {
    WIRE_MINI_HEADER_SIZE = 6,
    WIRE_FULL_HEADER_SIZE = 18,
    WIRE_SUB_MESSAGES_MAX = 16, /* in one list; deployed servers send two */
};

/* The header of a message. With mini headers only type and size are on the wire. */
typedef struct WireHeader {
    uint64_t serial; /* number of the message in its direction, from 1; the reader of a mini header
                        counts itself */
    uint16_t type;
    uint32_t size;     /* bytes of the body */
    uint32_t sub_list; /* offset of a list of sub-messages in the body, 0: none */
} WireHeader;

static inline size_t wire_header_size(bool mini)
{
    return mini ? WIRE_MINI_HEADER_SIZE : WIRE_FULL_HEADER_SIZE;
}
/* wire_header_size() bytes. With mini headers serial and sub_list become 0. */
void wire_header_read(bool mini, const uint8_t *bytes, WireHeader *header);
void wire_header_write(bool mini, const WireHeader *header, uint8_t *bytes);

/* Header and body of a message to the end of out. */
bool wire_write_message(bool mini, uint64_t serial, uint8_t channel_type, WireDirection dir,
                        uint16_t type, const void *message, WireBuffer *out);

/* Largest body that a receiver takes: a client (WIRE_TO_CLIENT) by docs/spec/client-glib.md 20, a
 * server by wire.md 19. */
uint32_t wire_max_body_size(uint8_t channel_type, WireDirection dir, uint16_t type);

/* One message inside of another. */
typedef struct WireSubMessage {
    uint16_t type;
    WireBytes
        body; /* up to the end of the container at most, whatever the size field says: deployed
               * servers fill in too much. What is beyond the message's content has no meaning. */
} WireSubMessage;

/* Read the list at 'offset' of a body: the header's sub_list, or 0 for the body of SPICE_MSG_LIST.
 * Fills at most WIRE_SUB_MESSAGES_MAX entries of subs and sets *n. They are to be handled in this
 * order, before their container. False: the list isn't inside the body, is too long, or holds a
 * list. */
bool wire_sub_list_read(const uint8_t *body, size_t size, uint32_t offset, WireSubMessage *subs,
                        unsigned *n, WireError *error);
/* The body of SPICE_MSG_LIST, for mini headers. */
bool wire_list_write(const WireSubMessage *subs, unsigned n, WireBuffer *out);
/* For full headers: sub-messages and their list behind the body that began at 'start' of out;
 * *sub_list is for its header. */
bool wire_sub_list_append(const WireSubMessage *subs, unsigned n, size_t start, WireBuffer *out,
                          uint32_t *sub_list);

#endif
