/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the renderers of one session have in common, seen from inside the room: caches with waiting,
 * and peers. */
#ifndef DISPLAY_SHARED_H
#define DISPLAY_SHARED_H

#include "display/decode-pool.h"
#include "display/renderer.h"

typedef enum WaitResult {
    WAIT_DONE,
    WAIT_CANCELLED, /* the waiting channel was reset or is being freed */
    WAIT_HOPELESS,  /* everybody who could end the wait has gone or waits, too */
} WaitResult;

/* Who is told that a wait takes long; called without any lock. */
typedef struct WaitLog {
    void (*log)(void *ctx, const char *text);
    void *ctx;
} WaitLog;

/* Renderers join as peers that may wait. */
RendererPeer *shared_join_renderer(RendererShared *shared, uint8_t channel_id, const WaitLog *log);
/* A cancelled peer's waits end at once, until it is resumed. */
void shared_peer_cancel(RendererPeer *peer, bool cancelled);

/* The picture of a cached image, waiting until it is there. NULL unless WAIT_DONE. */
WaitResult shared_get_image(RendererPeer *peer, uint64_t id, bool lossless, CanvasImage **image);
/* The same without waiting. */
CanvasImage *shared_peek_image(RendererShared *shared, uint64_t id, bool lossless);
/* False when the cache would grow beyond what was announced. */
bool shared_add_image(RendererShared *shared, uint64_t id, CanvasImage *image, bool lossy,
                      bool replace);
void shared_invalidate_image(RendererShared *shared, uint64_t id);
void shared_clear_images(RendererShared *shared);

/* Wait until the channel has carried out message number (display.md 8.5). */
WaitResult shared_wait_for_channel(RendererPeer *peer, uint8_t channel_type, uint8_t channel_id,
                                   uint64_t number);

GlzWindow *shared_glz_window(RendererShared *shared);
/* An image has come into the window: others may have waited for it. */
void shared_glz_added(RendererShared *shared);
/* Wait until this image has come or won't come any more. */
WaitResult shared_wait_for_glz(RendererPeer *peer, uint64_t missing);

DecodePool *shared_pool(RendererShared *shared); /* NULL: none */
uint64_t shared_image_pixels(RendererShared *shared);

#endif
