/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The guest-agent protocol (docs/spec/agent.md): messages between bytes and structures, their
 * header, cutting them into pieces for AGENT_DATA, chunks for the guest's port, and putting
 * messages together again. The structures are in agent-messages.h, which is generated from
 * agent.schema. Plain functions, as in wire/wire.h. */
#ifndef AGENT_AGENT_H
#define AGENT_AGENT_H

#include "agent/agent-messages.h"
#include "wire/link.h"

enum {
    AGENT_HEADER_SIZE = 20,
    AGENT_CHUNK_HEADER_SIZE = 8,
    AGENT_PIECE_MAX =
        VD_AGENT_MAX_DATA_SIZE, /* bytes of an AGENT_DATA body, or of a chunk to the guest */
};

/* What layouts depend on. */
enum {
    AGENT_WITH_SELECTION = 1,   /* both sides have announced CLIPBOARD_SELECTION */
    AGENT_WITH_GRAB_SERIAL = 2, /* both sides have announced CLIPBOARD_GRAB_SERIAL */
};
/* From both announcements; the capabilities are VD_AGENT_CAP_*. */
uint32_t agent_session(const WireCaps *own, const WireCaps *peer);
/* An announcement's words as a set. */
void agent_caps_read(const AgentAnnounceCapabilities *announce, WireCaps *caps);

/* NULL: no such message. Its parse, write and dump need a session: use the functions below. */
const WireMessageInfo *agent_message_info(uint32_t type);
const WireMessageInfo *agent_message_infos(size_t *n);

/* As wire_parse(): the data behind the header. A RELEASE that is cut after its first byte is
 * accepted. */
const void *agent_parse(uint32_t type, uint32_t session, const uint8_t *data, size_t size,
                        WireArena *arena, WireError *error);
/* As wire_write(): the data, without header. */
bool agent_write(uint32_t type, uint32_t session, const void *message, WireBuffer *out);
/* Header and data. */
bool agent_write_message(uint32_t type, uint32_t session, const void *message, WireBuffer *out);
/* Only a header, for data that are sent from elsewhere. */
bool agent_write_header(uint32_t type, uint32_t size, WireBuffer *out);
void agent_dump(uint32_t type, uint32_t session, const void *message, WireSink *sink);

/* The next piece of a message (header and data), and *rest without it; empty when there is none.
 * Each piece is the body of one AGENT_DATA, and costs one token. A message begins in a piece of its
 * own. */
WireBytes agent_next_piece(WireBytes *rest);
/* A piece as a chunk of the guest's port. port: VDP_CLIENT_PORT or VDP_SERVER_PORT. */
bool agent_write_chunk(uint32_t port, WireBytes piece, WireBuffer *out);

/* Details of FILE_XFER_STATUS, which may be missing: false. */
bool agent_file_status_space(const AgentFileXferStatus *status, uint64_t *free_bytes);
bool agent_file_status_error(const AgentFileXferStatus *status, uint8_t *error_type,
                             uint32_t *error_code);

/* A message that has arrived. */
typedef struct AgentMessage {
    uint32_t type;
    uint32_t size;  /* of the data, as the header says */
    WireBytes data; /* valid until the next call of agent_assembler_feed() */
    bool dropped;   /* larger than the limit: there are no data */
} AgentMessage;

typedef enum AgentFeed {
    AGENT_FEED_MORE,    /* the input is used up */
    AGENT_FEED_MESSAGE, /* a message; call again with what is left of the input */
    AGENT_FEED_BAD,     /* the stream is broken: nothing more can be read from it until a reset */
} AgentFeed;

/* Puts one direction's messages together, however they are cut. Memory grows with what has arrived,
 * not with what a header announces. Caller-owned, for one thread. */
typedef struct AgentAssembler {
    uint32_t limit;
    bool whole; /* each input must begin a message with its whole header, and end with it or before:
                 * what a server asks of clients and agents (agent.md 1.1) */
    bool bad;
    unsigned header_size;
    uint8_t header[AGENT_HEADER_SIZE];
    WireBuffer data;
    uint32_t got; /* bytes of the data so far, dropped or not */
} AgentAssembler;

/* limit: bytes of data; longer messages are skipped and reported as dropped. */
void agent_assembler_init(AgentAssembler *assembler, uint32_t limit, bool whole);
/* Forget a message that has begun. */
void agent_assembler_reset(AgentAssembler *assembler);
void agent_assembler_clear(AgentAssembler *assembler);
/* True: a message has begun and isn't complete. */
bool agent_assembler_is_inside(const AgentAssembler *assembler);
AgentFeed agent_assembler_feed(AgentAssembler *assembler, WireBytes *input, AgentMessage *message,
                               WireError *error);

#endif
