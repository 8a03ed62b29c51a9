/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The renderer from inside: its parts and the functions by which its files call one another. */
#ifndef DISPLAY_RENDERER_PRIVATE_H
#define DISPLAY_RENDERER_PRIVATE_H

#include <pthread.h>

#include <spice/enums.h>

#include "canvas/canvas.h"
#include "display/handover.h"
#include "display/palette-cache.h"
#include "display/renderer.h"
#include "display/shared.h"
#include "display/streams.h"
#include "wire/wire.h"

/* What was done for a message before its turn: it is parsed, and its images are being decoded. */
typedef struct Ahead {
    struct Ahead *next_free;
    WireArena arena;
    const void *message; /* NULL: doesn't parse, see error */
    WireError error;
    uint64_t bytes; /* decoded pixels, as accounted */
    unsigned int n_jobs;
    DecodeJob jobs[CANVAS_MAX_IMAGES];
} Ahead;

typedef struct QueuedMessage {
    struct QueuedMessage *next;
    RendererInput input;
    Ahead *ahead; /* NULL: nothing was done yet */
} QueuedMessage;

typedef struct MessageList {
    QueuedMessage *first, *last;
} MessageList;

typedef struct Surface {
    uint32_t id;
    CanvasSurface *canvas;
    uint64_t bytes; /* as accounted; 0 for the primary */
} Surface;

/* The renderer's thread owns everything below that isn't said to be under the lock. */
struct Renderer {
    RendererConfig config;
    RendererShared *shared;
    RendererPeer *peer;
    Handover handover;

    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake; /* for the renderer's thread */
    pthread_cond_t done; /* for those who wait for it: reset, drain */
    /* under the lock */
    MessageList inbox;
    uint64_t queue_bytes; /* of inbox and pending */
    bool full, stop, video_ready;
    bool reset_wanted, held; /* held: not to go on after a reset before its caller is through */
    bool sleeping;           /* a push has to wake it */
    bool idle, failed_seen;  /* what drain() looks at */
    unsigned int frames_left;
    struct {
        uint32_t id;
        void *pipeline;
        bool shown;
    } answers[SPICE_MAX_NUM_STREAMS];
    unsigned int n_answers;

    MessageList pending;      /* taken from the inbox */
    QueuedMessage *next_look; /* the first of pending that wasn't looked at */
    Ahead *free_ahead;
    uint64_t ahead_bytes;
    WireArena arena;
    bool failed;

    GHashTable *surfaces; /* id -> Surface */
    RendererPrimary *primary;
    uint64_t surface_bytes;
    PaletteCache palettes;
    Streams streams;

    pixman_region32_t damage;
    int64_t damage_since; /* 0: none */
    int64_t last_flush;
    uint64_t handled, handled_told;
};

/* Parsed messages need a few times their size at most. */
#define RENDERER_ARENA_LIMIT (512u << 20)

/* renderer.c */
int64_t renderer_now(Renderer *renderer);
void renderer_emit(Renderer *renderer, const RendererEvent *event);
void renderer_log(Renderer *renderer, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* The channel can't go on. */
void renderer_fail(Renderer *renderer, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* Something is broken that the policy may forgive. */
void renderer_broken(Renderer *renderer, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* Tell the owner what has piled up: damage, and how far we are. */
void renderer_flush(Renderer *renderer);
void renderer_send(Renderer *renderer, uint16_t type, const void *message);
/* Take the picture for drawing on this surface. False: give up, the renderer is being reset. */
bool renderer_paint(Renderer *renderer, const Surface *surface);
/* Give the picture back: something long is coming. */
void renderer_rest(Renderer *renderer);
/* A decoder has a frame, or has failed; from any thread. */
void renderer_video_ready(Renderer *renderer);

/* execute.c */
void renderer_execute(Renderer *renderer, QueuedMessage *message);

/* surfaces.c */
Surface *renderer_surface(Renderer *renderer, uint32_t id);
bool renderer_is_primary(const Renderer *renderer, const Surface *surface);
void renderer_surface_create(Renderer *renderer, const WireMsgDisplaySurfaceCreate *message);
void renderer_surface_destroy(Renderer *renderer, uint32_t id);
void renderer_mode(Renderer *renderer, const WireMsgDisplayMode *message);
void renderer_clear_primary(Renderer *renderer);
void renderer_drop_surfaces(Renderer *renderer, bool primary_too);
void surface_free(void *surface);

/* draw.c */
void renderer_draw(Renderer *renderer, uint16_t type, const void *message, Ahead *ahead);
/* Start work for the messages that wait behind the current one. */
void renderer_look_ahead(Renderer *renderer);
void renderer_drop_ahead(Renderer *renderer, QueuedMessage *message);

#endif
