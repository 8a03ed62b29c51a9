/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The server object, and how its rooms find one another. Everything in it belongs to the main
 * thread (the application's calls, which never overlap), except what says otherwise. */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#define SPICE_SERVER_INTERNAL
#include "public/spice.h"

#include <glib.h>
#include <stdatomic.h>

#include "channel/channel.h"
#include "log.h"
#include "loop.h"

typedef struct Admission Admission; /* link/: listeners and links that are not authenticated yet */
typedef struct Clients Clients;     /* channel/clients.h */
typedef struct MainChannel MainChannel; /* main/main-channel.h */
typedef struct Inputs Inputs;           /* main/inputs.h */
typedef struct Agent Agent;             /* main/agent.h */
typedef struct EncodePool EncodePool;   /* display/encode.h */
typedef struct Recorder Recorder;       /* record/recorder.h */

/* What spice_server_set_*() stores; options.c. */
typedef struct Options {
    int port;
    char *address;
    int family; /* SPICE_ADDR_FLAG_* or 0 */
    int listen_fd;
    struct {
        int port; /* -1: off */
        char *ca_file, *cert_file, *key_file, *key_password, *dh_file, *ciphers;
    } tls;
    bool ticketing;
    char *ticket;         /* NULL: none */
    gint64 ticket_expiry; /* g_get_monotonic_time() / 1e6; G_MAXINT64: never */
    bool sasl;
    char *sasl_appname;
    unsigned default_security; /* bit 1: plain allowed, bit 2: TLS allowed */
    int channel_security[16];  /* by channel type; -1: default */
    SpiceImageCompression image_compression;
    spice_wan_compression_t jpeg, zlib_glz;
    int streaming;
    bool playback_compression, agent_mouse, agent_copypaste, agent_file_xfer;
    unsigned n_renderers; /* add_renderer() calls */
    bool exit_on_disconnect, seamless_migration, allow_multiple_clients;
    char *video_codecs; /* NULL: not set */
    char *name;
    bool has_uuid;
    uint8_t uuid[16];
} Options;

struct RedsState {
    Options options;
    SpiceCoreInterface *core; /* NULL: not initialised */
    Loop *loop;
    bool vm_running, vm_started; /* vm_started: has run, and so expects nobody to follow it here */
    bool destroying;
    GList *channels; /* Channel, the most recently registered first */
    Clients *clients;
    Admission *admission;
    MainChannel *main;
    Inputs *inputs;
    Agent *agent;
    GList *workers; /* Worker, the most recently added first */
    EncodePool *pool;
    Recorder *recorder;                        /* NULL: off */
    GList *char_devices, *playbacks, *records; /* instances */
    bool char_devices_stopped;                 /* char_devices_stop() was the last */
    SpiceMigrateInstance *migration;
    struct Migration *migration_state; /* migration.c */
    _Atomic uint64_t pointer;          /* any thread: where somebody points to; see below */
};

/* The pointer's place on a display, as it was told last: by a client that moves it, or by the guest
 * for one that doesn't. Any thread. */
static inline void server_set_pointer(struct RedsState *server, uint8_t display, int64_t x,
                                      int64_t y)
{
    atomic_store_explicit(&server->pointer,
                          1ull << 63 | (uint64_t)display << 48 |
                              (uint64_t)CLAMP(x, 0, 0xffffff) << 24 |
                              (uint64_t)CLAMP(y, 0, 0xffffff),
                          memory_order_relaxed);
}

/* False: it isn't known, or on another display. */
static inline bool server_get_pointer(struct RedsState *server, uint8_t display, int32_t *x,
                                      int32_t *y)
{
    uint64_t pointer = atomic_load_explicit(&server->pointer, memory_order_relaxed);

    *x = (int32_t)(pointer >> 24 & 0xffffff);
    *y = (int32_t)(pointer & 0xffffff);
    return pointer >> 48 == (1u << 15 | display);
}

/* The mouse rule may have changed (12.2): re-evaluate. Any thread that holds the host's lock; from
 * a worker: post it. main/inputs.c */
void server_update_mouse_mode(struct RedsState *server);

/* A whole client has just gone (clients_count() has changed): channel/ tells it, from the loop,
 * main thread. */
void server_client_gone(struct RedsState *server);

#endif
