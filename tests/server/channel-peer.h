/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A server without devices, and clients that are the other end of its sockets: for tests of what
 * stands on the channel engine. One thread runs both. */
#ifndef TESTS_SERVER_CHANNEL_PEER_H
#define TESTS_SERVER_CHANNEL_PEER_H

#include "channel/clients.h"
#include "server.h"

/* A server with a loop of its own (run by peer_run()) and no channels. Log lines are counted, not
 * written. */
struct RedsState *peer_server_new(void);
void peer_server_free(struct RedsState *server);
unsigned peer_log_lines(void);

/* One connection of a client. */
typedef struct Peer {
    struct RedsState *server;
    int fd;
    bool mini, closed; /* the server has closed it */
    uint8_t type;
    GByteArray *in;
    size_t handled;  /* bytes of it */
    uint64_t serial; /* messages received */
    WireArena arena;
    /* the last message that peer_next() gave */
    WireHeader header;
    WireBytes body;
} Peer;

typedef enum PeerSocket { PEER_UNIX, PEER_TCP } PeerSocket;
/* Link: connection_id 0 with a main channel is a new session. NULL caps: mini headers only; else
 * the client's main or display capabilities, and mini as told. NULL: refused. */
Peer *peer_link(struct RedsState *server, uint8_t type, uint8_t id, uint32_t connection_id,
                bool mini, const WireCaps *caps, PeerSocket socket);
void peer_free(Peer *peer);

/* Let the server do what it has to, until nothing more happens. */
void peer_run(struct RedsState *server);
void peer_run_ms(struct RedsState *server, unsigned ms);
/* A message to the server. */
void peer_send(Peer *peer, uint16_t type, const void *message);
void peer_send_bytes(Peer *peer, const void *bytes, size_t size);
void peer_send_raw(Peer *peer, uint16_t type, uint32_t announced, const void *body, size_t size);
/* Read what has come. */
void peer_receive(Peer *peer);
/* The next message: its type, or 0 when there is none. */
uint16_t peer_next(Peer *peer);
/* The same, parsed; NULL: the next one isn't of that type. Pings are left out. */
const void *peer_expect(Peer *peer, uint16_t type);
/* Messages of that type among all that have come and were not looked at; they are looked at now. */
unsigned peer_count(Peer *peer, uint16_t type);

#endif
