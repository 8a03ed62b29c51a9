/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The channel engine: framing, serials, acknowledgement windows, receive limits, latency pings,
 * bounded queues. A Channel is a service (type and id) that clients link to; a ChannelClient is one
 * such connection. Both belong to one loop: the main thread's, or a worker's.
 * docs/spec/server-api.md 9, docs/spec/wire.md 9 */
#ifndef SERVER_CHANNEL_CHANNEL_H
#define SERVER_CHANNEL_CHANNEL_H

#include <glib.h>

#include "channel/client.h"
#include "loop.h"
#include "net/stream.h"
#include "wire/header.h"
#include "wire/link.h"

typedef struct Channel Channel;
typedef struct ChannelClient ChannelClient;

/* What kind of channel it is. All functions are called on the channel's loop; none may free the
 * ChannelClient: they call channel_client_close(), which takes effect when they have returned. */
typedef struct ChannelClass {
    uint8_t type;        /* SPICE_CHANNEL_* */
    size_t client_size;  /* bytes of the ChannelClient structure of this kind, zeroed; begins with a
                            ChannelClient */
    uint32_t ack_window; /* 0: none is set (SET_ACK isn't sent); a client of low bandwidth gets
                            twice as much */
    uint32_t queue_limit; /* bytes that may be queued, 0: 16 MiB; beyond it the client is
                             disconnected */
    bool watch_latency;   /* ping again every 15 s instead of 5 min */

    /* The connection is ready; SET_ACK was queued. */
    void (*connected)(ChannelClient *cc);
    /* A valid message of the channel's own (type >= 101), parsed; body for those who need the
     * bytes. False: the channel is closed; say why with channel_client_close() first, else a
     * general line is logged. */
    bool (*message)(ChannelClient *cc, uint16_t type, const void *message, WireBytes body);
    /* There is room (channel_client_room() > 0) and the queue is empty: a display puts its next
     * messages in. NULL: everything goes through channel_client_send() as it comes. Called again
     * only after channel_client_want(), when something was sent, or when the client has told that
     * something arrived (ACK, PONG). */
    void (*fill)(ChannelClient *cc);
    /* The connection is gone; free what hangs on the structure (not itself). */
    void (*disconnected)(ChannelClient *cc);
    /* Capabilities that a new link is answered with. Main thread. NULL: none. */
    void (*capabilities)(Channel *channel, WireCaps *caps);
} ChannelClass;

struct Channel {
    const ChannelClass *class;
    struct RedsState *server;
    Loop *loop;
    uint8_t id;
    void *owner;    /* the object behind it: a worker, the inputs, ... */
    GList *clients; /* ChannelClient, on the channel's loop */
    /* private to channel/ below */
    gint refs;
    GList *links; /* connections as the main thread knows them */
};

/* Base of every connection. Read by all kinds; written by channel/ only. */
struct ChannelClient {
    Channel *channel;
    Client *client;
    Stream *stream;
    WireCaps common_caps, channel_caps; /* of the client */
    bool mini_header;
    struct ChannelEngine *engine; /* private to channel/ */
};

/* ---- Channels (main thread) ---- */

/* Register a service: clients can link to it, and connected clients are told. owner is kept. */
Channel *channel_new(struct RedsState *server, const ChannelClass *class, uint8_t id, Loop *loop,
                     void *owner);
/* Unregister and disconnect all its clients. For a channel on another loop: called on the main
 * thread while that loop's thread still runs; returns when no callback of the channel will come any
 * more. Frees the channel. */
void channel_free(Channel *channel);

/* ---- Connections (the channel's loop) ---- */

/* Room for output now, in bytes: 0 while the ACK window is used up, or the socket takes no more. On
 * a display's TCP connection also 0 while as much is under way as the link carries in its round
 * trip and 40 ms (64 KiB to 4 MiB); elsewhere, or when pings aren't answered, while the queue holds
 * 256 KiB. What is queued may go beyond it by one message. */
size_t channel_client_room(const ChannelClient *cc);
/* Ask for fill() soon (from the loop, not from inside this call). */
void channel_client_want(ChannelClient *cc);

/* From inside fill(): write what is queued now, as far as the socket takes it, before work that
 * takes a while. */
void channel_client_flush(ChannelClient *cc);

/* Queue a message, serialised now. False: it can't be written, or the queue is over its limit; the
 * connection is being closed. */
bool channel_client_send(ChannelClient *cc, uint16_t type, const void *message);
/* The same with large bytes by reference: body is what out_body_new() made. Takes body over in any
 * case. sub-messages before it (subs, n_subs: body views that are copied): with mini headers a
 * SPICE_MSG_LIST of its own, or single plain messages when n_subs is 1; with full headers the
 * sub-list of this message. */
typedef struct OutBody OutBody; /* channel/out-body.h */
bool channel_client_send_body(ChannelClient *cc, uint16_t type, OutBody *body,
                              const WireSubMessage *subs, unsigned n_subs);
/* The serial that the next queued message will have (sub-messages of a mini-header list take one of
 * their own). Ask before each message: the engine puts PINGs between them. */
uint64_t channel_client_next_serial(const ChannelClient *cc);

/* End this connection; for the main channel, the whole client. One log line with the reason (NULL:
 * no line, an orderly end). Nothing is sent or received any more; disconnected() comes from the
 * loop. */
void channel_client_close(ChannelClient *cc, const char *format, ...) G_GNUC_PRINTF(2, 3);
bool channel_client_is_closing(const ChannelClient *cc);

#endif
