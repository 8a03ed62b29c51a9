/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every message of the protocol between bytes and structures. The structures are in
 * wire-messages.h, which is generated from spice.schema; docs/protocol.md shows them. All functions
 * may be called from any thread; what they are given (arena, buffer) belongs to one thread at a
 * time. */
#ifndef WIRE_WIRE_H
#define WIRE_WIRE_H

#include "wire/memory.h"
#include "wire/wire-messages.h"

typedef enum WireDirection {
    WIRE_TO_CLIENT,
    WIRE_TO_SERVER,
} WireDirection;

struct WireReader;
struct WireWriter;

/* What is known about a message. */
typedef struct WireMessageInfo {
    const char *name;  /* "SPICE_MSG_DISPLAY_DRAW_COPY" */
    const char *title; /* "DISPLAY_DRAW_COPY" */
    uint8_t channel;   /* SPICE_CHANNEL_*; 0: every channel; the first one where several share it */
    WireDirection direction;
    uint16_t type;        /* SPICE_MSG_* or SPICE_MSGC_* */
    int16_t capability;   /* channel capability that the receiver must have announced, or -1 */
    uint32_t min_size;    /* bytes of the shortest body */
    uint32_t struct_size; /* bytes of the structure, 0: the message is empty */
    bool (*parse)(struct WireReader *reader, size_t *at, void *message);
    bool (*write)(struct WireWriter *writer, const void *message);
    void (*dump)(const WireSink *sink, int depth, uint32_t session, const void *message);
} WireMessageInfo;

/* NULL: no such message on this channel in this direction. */
const WireMessageInfo *wire_message_info(uint8_t channel_type, WireDirection dir, uint16_t type);
/* All messages. */
const WireMessageInfo *wire_message_infos(size_t *n);
/* "display"; NULL: no such channel. */
const char *wire_channel_name(uint8_t channel_type);

/* Parse one body, by the rules of docs/spec/wire.md 2.3: whatever is there beyond the message is
 * ignored, blocks may lie anywhere and be shared (a shared block is one structure). NULL and *error
 * set when it isn't valid, or of an unknown type, or too large for the arena. The message lives in
 * arena and points into body: both must outlive it. An empty message gives a pointer that must not
 * be followed. The arena isn't reset. error may be NULL. */
const void *wire_parse(uint8_t channel_type, WireDirection dir, uint16_t type, const uint8_t *body,
                       size_t size, WireArena *arena, WireError *error);
/* Write one body (no header) to the end of out, in the layout of the deployed peers. message: the
 * structure, or anything when the message is empty. False, and out->failed: the message can't be
 * sent (a count beyond its field, a required block missing, data of another size than announced),
 * or there is no memory. */
bool wire_write(uint8_t channel_type, WireDirection dir, uint16_t type, const void *message,
                WireBuffer *out);
/* Tell a message in words, a line for each field, long arrays and bytes abbreviated. */
void wire_dump(uint8_t channel_type, WireDirection dir, uint16_t type, const void *message,
               WireSink *sink);

#endif
