/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A display without a device and without sockets: a truth, views on it, clients that decode
 * everything, and a reference that executes each drawing at once. For tests of server/display. */
#ifndef TESTS_SERVER_DISPLAY_WORLD_H
#define TESTS_SERVER_DISPLAY_WORLD_H

#include <glib.h>

#include "channel/channel.h"
#include "display/renderer.h"
#include "display/truth.h"
#include "display/views.h"
#include "server.h"

enum { WORLD_SURFACES = 8, WORLD_CLIENTS = 6 };

/* One connection of a client's display channel. */
typedef struct Peer {
    struct World *world;
    ChannelClient *cc; /* NULL: gone */
    Client *client;
    size_t room;
    uint64_t serial; /* of the last message */
    uint32_t window; /* messages that may be sent; counts down; 0 also means no room */
    bool wants, closed;
    GString *reason;
    Renderer *renderer;
    RendererPrimary *primary;
    bool marked;
    unsigned n_marks, n_monitors;
    char *fatal;
    uint64_t bytes, messages;
    GArray *types;   /* uint16_t: of all messages */
    uint64_t pixels; /* of images that were sent with their data */
    GArray *boxes;   /* pixman_box32_t: where DRAW_COPY painted */
    unsigned n_lossy, n_from_cache;
    /* What spice-html5 has in its cache of the server's own images: the lower half of an id -> the
     * last image with it; and how often it would take a wrong one. */
    GHashTable *by_half;
    unsigned n_mistaken;
    bool mute;        /* messages are counted, not executed */
    uint64_t flushed; /* messages that had been queued when a flush was last asked for */
} Peer;

typedef struct World {
    struct RedsState server;
    Loop *loop;
    Truth *truth;
    Views *views;
    GRand *rand;
    struct {
        Surface *surface;
        uint8_t *memory;
        CanvasSurface *reference;
    } surfaces[WORLD_SURFACES];
    uint64_t serial;
    unsigned n_resources; /* not released */
    unsigned clients_changed;
    GList *peers;
    uint64_t cache_ids;
    GPtrArray *hoard; /* bitmaps that come again, with the cache flag */
} World;

World *world_new(uint32_t seed, uint8_t channel_id);
void world_free(World *world);

/* Surfaces: format xRGB for 0. */
void world_create(World *world, uint32_t id, uint32_t format, uint32_t width, uint32_t height,
                  bool keep_data);
void world_destroy(World *world, uint32_t id);
/* A drawing that the test has made: to the reference, the truth and the views; takes drawable over.
 */
void world_draw(World *world, uint16_t type, const DrawableMessage *message, uint8_t effect,
                Drawable *drawable);
void world_primary(World *world, uint32_t width, uint32_t height); /* with monitors and MARK */

/* Drawings; also executed on the reference. */
void world_fill(World *world, uint32_t id, pixman_box32_t box, uint32_t color, uint16_t rop);
void world_put(World *world, uint32_t id, int x, int y, uint32_t width, uint32_t height,
               const uint32_t *pixels, uint64_t cache_id, bool borrowed);
void world_copy_bits(World *world, uint32_t id, pixman_box32_t box, int src_x, int src_y);
/* How many times the bytes of a drawing's image were freed. */
uint64_t world_blobs_gone(void);
void world_random(World *world); /* any of the above and more */
/* A picture of text-like, smooth or noisy content. */
uint32_t *world_pixels(World *world, uint32_t width, uint32_t height, int kind);

/* Clients. jpeg, caps: as in World.server.options and the display capabilities. */
typedef struct PeerConfig {
    uint32_t caps; /* bits of SPICE_DISPLAY_CAP_* */
    int64_t cache_pixels;
    int32_t window_pixels;
    bool full_header, no_init;
    bool slow;      /* of low bandwidth */
    Client *client; /* another display of that client */
} PeerConfig;
Peer *world_connect(World *world, const PeerConfig *config);
void peer_init(Peer *peer, int64_t cache_pixels, int32_t window_pixels);
bool peer_message(Peer *peer, uint16_t type, const void *message);
void peer_disconnect(Peer *peer);
/* Let the views and the loop work until nothing moves any more. room, window: of each peer now. */
void world_run(World *world);
void peer_give(Peer *peer, size_t room, uint32_t window);
void world_give_all(World *world);
/* The whole truth is what the reference says. */
bool world_truth_is_right(World *world);
/* The client shows the reference's primary; tolerance: per channel. */
bool peer_is_right(Peer *peer, int tolerance);
unsigned peer_differs(Peer *peer, int tolerance); /* pixels */
uint64_t peer_cached_pixels(Peer *peer);
unsigned peer_count(const Peer *peer, uint16_t type);

#endif
