/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the parts of the engine share: the state of one connection, and the link between a
 * connection on its channel's loop and its client on the main thread. Private to channel/.
 * docs/spec/server-api.md 9, docs/spec/wire.md 8, 9 */
#ifndef SERVER_CHANNEL_ENGINE_H
#define SERVER_CHANNEL_ENGINE_H

#include <pthread.h>

#include "channel/channel.h"
#include "channel/out-body.h"
#include "log.h"
#include "server.h"

/* ---- Output queue ----
 * Bytes in order, in segments: own ones, that many small messages share, and references. */
typedef struct Segment {
    struct Segment *next;
    WireBuffer own; /* when blob is NULL */
    Blob *blob;
    const uint8_t *data; /* of the blob */
    size_t size;         /* bytes of the blob; own segments: own.size */
} Segment;

/* A PING that wasn't answered yet. */
typedef enum PingKind {
    PING_WARM_UP,  /* its round trip isn't used */
    PING_LATENCY,  /* on an idle connection */
    PING_FLOW,     /* between data: tells how far the client has got */
    PING_NET_TEST, /* of the main channel */
} PingKind;
typedef struct Ping {
    uint32_t id;
    PingKind kind;
    bool limited;       /* output was held back by room since it was sent */
    uint64_t sent_ns;   /* when the socket took it; 0: it is still queued */
    uint64_t position;  /* output bytes up to its end */
    uint64_t confirmed; /* bytes that were known to have arrived at that time */
} Ping;
enum { PINGS_MAX = 16 };

typedef struct ClientLink ClientLink;

typedef struct ChannelEngine {
    ChannelClient *cc;
    ClientLink *link;
    Loop *loop;
    int refs;       /* of the ChannelClient: the channel's list, posts, what is on the stack */
    int dispatch;   /* callbacks of this connection that are running */
    bool connected; /* the channel's kind knows it */
    bool closing, finished, close_posted;
    LogLimit log;

    /* Input. in[in_start .. in_end] has been read and not handled. */
    uint8_t *in;
    size_t in_start, in_end, in_capacity;
    WireArena arena;
    uint64_t received; /* bytes, ever */

    /* Output. */
    Segment *first, *last, *spare;
    unsigned n_spare;
    size_t first_sent;         /* bytes of the first segment that the socket has taken */
    size_t queued;             /* bytes in segments, not taken by the socket */
    uint64_t position;         /* bytes queued ever: where the next message begins */
    uint64_t sent;             /* bytes that the socket has taken */
    uint64_t serial;           /* of the last queued message */
    bool in_fill, wants_fill;  /* fill() is to be called when there is room */
    bool pump_posted, blocked; /* the socket takes no more now */
    int watched;               /* events of the watch */
    LoopWatch *watch;

    /* Acknowledgement window: where the messages end that are queued and not sent. */
    uint64_t *ends;
    size_t ends_first, n_ends, ends_capacity;
    uint32_t window, generation;
    uint32_t unacked; /* messages sent */
    bool acks_count;  /* the ACK_SYNC with our generation has come */

    /* Measurements. */
    LoopTimer *timer;
    bool silent;   /* pings are not answered for now: go by the socket alone */
    bool no_pings; /* a Unix socket */
    bool flow;     /* a display: PINGs between its data */
    uint64_t last_activity_ns;
    uint32_t next_ping_id;
    Ping pings[PINGS_MAX];
    unsigned n_pings;
    uint64_t confirmed;     /* output bytes that the client is known to have got */
    uint64_t probed;        /* position of the last flow ping */
    uint64_t next_probe_ns; /* of the latency */
    uint32_t rtt_us;
    uint64_t rate;  /* bytes per second */
    uint64_t pongs; /* of ours, ever */
    void (*net_test_done)(ChannelClient *cc, uint64_t latency_us, uint64_t bits_per_second);
    uint64_t net_test_rtt_us[3];
    unsigned net_test_pongs;
} ChannelEngine;

/* channel.c */
/* Around every callback into a ChannelClass; a close takes effect in the last leave. */
void engine_enter(ChannelEngine *engine);
void engine_leave(ChannelEngine *engine);
/* Events that the watch has to tell, after any change. */
void engine_update_watch(ChannelEngine *engine);

/* engine-in.c */
void engine_read(ChannelEngine *engine);
void engine_in_clear(ChannelEngine *engine);

/* engine-out.c */
/* Write what may be written, ask for more; sets what is to be waited for. */
void engine_pump(ChannelEngine *engine);
/* The same from the loop, soon. */
void engine_post_pump(ChannelEngine *engine);
void engine_ack(ChannelEngine *engine);
/* The first message of a channel with a window. */
void engine_set_ack(ChannelEngine *engine, uint32_t window);
bool engine_writes_blocked(const ChannelEngine *engine);
void engine_out_clear(ChannelEngine *engine);

/* engine-ping.c */
bool engine_pings_start(ChannelEngine *engine);
void engine_pings_stop(ChannelEngine *engine);
/* The socket has taken bytes: pings among them are on their way. */
void engine_pings_sent(ChannelEngine *engine);
void engine_pong(ChannelEngine *engine, const WireMsgcPong *pong);
/* A flow ping is queued behind the data, if one is due. */
void engine_probe_flow(ChannelEngine *engine);
/* Bytes that the connection holds and the client hasn't got. */
size_t engine_in_flight(const ChannelEngine *engine);
/* As many are wanted at most. */
size_t engine_flight_limit(const ChannelEngine *engine);
void engine_pings_limited(ChannelEngine *engine);

/* ---- Between loops ----
 * One connection as the main thread sees it. Created on the main thread, referenced by the client
 * (until the connection has gone) and by the engine. */
struct ClientLink {
    gint refs;
    Client *client;   /* a reference; main thread */
    Channel *channel; /* a reference */
    pthread_mutex_t lock;
    pthread_cond_t gone_cond;
    /* under the lock */
    bool closing; /* the main thread doesn't want it any more */
    bool gone;    /* the loop has let go of it: the stream may be closed */
    /* the channel's loop; NULL before it was attached and after it has gone */
    ChannelEngine *engine;
    Stream *stream; /* main thread, after gone, or while parked */
    bool parked;    /* main thread: its loop doesn't know of it yet (client_unpark()) */
    WireCaps common_caps, channel_caps;
};

ClientLink *client_link_ref(ClientLink *link);
void client_link_unref(ClientLink *link);

/* Main thread. A connection on its channel: from then on the stream belongs to the channel's loop,
 * until client_link_gone() is called (on the main thread). */
ClientLink *channel_attach(Channel *channel, Client *client, Stream *stream,
                           const WireCaps *common_caps, const WireCaps *channel_caps);
/* Main thread: end the connection and, if possible, return when it has let go of the stream. It
 * isn't possible inside a callback of that connection itself: then it follows from the loop. force:
 * even then (the channel is freed). */
void client_link_close(ClientLink *link, bool force);

/* clients.c, main thread: the connection begins; it has gone: closes the stream (repeats are fine).
 */
void client_link_attached(ClientLink *link);
void client_link_gone(ClientLink *link);
/* The connection of a parked client begins. */
void client_link_unpark(ClientLink *link);
/* clients.c: connected clients are told. */
void clients_channel_added(struct RedsState *server, Channel *channel);

/* Main channel only: three pings as in wire.md 9.2; done is called once, or never. */
void channel_client_net_test(ChannelClient *cc, void (*done)(ChannelClient *cc, uint64_t latency_us,
                                                             uint64_t bits_per_second));
/* For the connectivity monitor: is something queued that the socket doesn't take? Is a PONG
 * outstanding? Bytes moved so far in either direction, and PONGs that have come. */
typedef struct ChannelActivity {
    bool blocked, pong_due;
    uint64_t bytes_in, bytes_out, pongs;
} ChannelActivity;
void channel_client_activity(const ChannelClient *cc, ChannelActivity *activity);

#endif
