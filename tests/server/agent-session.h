/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A made-up guest port and a made-up client with the agent's proxy between them: for tests of the
 * proxy and of character devices. */
#ifndef TESTS_SERVER_AGENT_SESSION_H
#define TESTS_SERVER_AGENT_SESSION_H

#include "channel-peer.h"
#include "main-fakes.h"
#include "main/agent-private.h"
#include "main/char-device.h"
#include "main/main-private.h"

typedef struct Port {
    SpiceCharDeviceInstance base;
    GByteArray *to_server, *to_guest;
    size_t taken;        /* of to_server */
    size_t read_at_most; /* in one call; 0: any */
    int write_room;      /* bytes that write() takes yet; -1: any */
    int write_at_most;   /* in one call; 0: any */
    int state, states;   /* the last one; how many calls */
    unsigned reads;
    bool wake_in_write, remove_in_read, remove_in_write;
} Port;

extern const SpiceCharDeviceInterface polled_interface; /* doesn't tell when it can be written to */
Port *port_new(const char *subtype);
void port_free(Port *port);
void wake(Port *port);
/* What the guest says; it is read when the port is woken up. */
void guest_bytes(Port *port, const void *bytes, size_t size);
void guest_chunk(Port *port, uint32_t number, const void *bytes, size_t size);
void guest_message(Port *port, uint32_t type, uint32_t size);
/* A message of that many bytes, whose data count up. */
GByteArray *make_message(uint32_t type, uint32_t size);

typedef struct Session {
    struct RedsState *server;
    Port *port;
    Peer *peer;
} Session;

/* A server with an agent and a client that has been told of it. */
Session open_session(bool started);
void close_session(Session *s);
Peer *link_client(struct RedsState *server);
void start(Session *s, uint32_t tokens);
bool is_closed(Session *s);
void client_bytes(Session *s, const void *data, size_t size);
void client_message(Session *s, uint32_t type, uint32_t size);
/* The guest has got exactly these bytes first, and they are taken. */
bool guest_has(Port *port, uint32_t number, const uint8_t *data, size_t size);
bool guest_has_message(Port *port, uint32_t type, uint32_t size);

/* Ends the program when it is not so: what follows has no meaning then. */
#define REQUIRE_THAT(condition)                \
    do {                                       \
        if (!(condition))                      \
            g_error("not so: %s", #condition); \
    } while (0)

#endif
