/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The private state of SpiceDisplayChannel, for its files: channel-display.c (life and class),
 * channel-display-events.c (from the renderer to signals), channel-display-api.c (public
 * functions). */
#pragma once

#include <pixman.h>
#include <pthread.h>

#include "channel-private.h"
#include "display/renderer.h"
#include "session-private.h"
#include "wire/wire.h"

G_BEGIN_DECLS

/* How many monitors a display may have. */
#define MAX_MONITORS 256

typedef struct DisplayEvent {
    RendererEvent event; /* owns what it points to, by type */
    pixman_region32_t damage;
    GArray *monitors; /* SpiceDisplayMonitorConfig */
    char *text;
} DisplayEvent;

struct _SpiceDisplayChannelPrivate {
    Renderer *renderer;
    SpiceReader *reader; /* of the connection, on the renderer's thread */
    SpiceSession *clock; /* whose media clock the renderer asks; held while it is connected */
    GSource *turns, *news;

    RendererPrimary *primary;
    gboolean marked;
    guint unmark_timer;
    GArray *monitors;
    guint monitors_max;
    SpiceGlScanout scanout;
    guint draws_pending; /* GL_DRAWs that weren't answered */

    pthread_mutex_t lock; /* the rest */
    GQueue events;
    gboolean scheduled; /* the source is due */
    gboolean want_resume, handled_grew;
    guint64 handled;
};

enum {
    SIGNAL_PRIMARY_CREATE,
    SIGNAL_PRIMARY_DESTROY,
    SIGNAL_INVALIDATE,
    SIGNAL_MARK,
    SIGNAL_GL_DRAW,
    SIGNAL_GST_VIDEO_OVERLAY,
    SIGNAL_STREAMING_MODE,
    N_SIGNALS,
};
extern guint spice_display_signals[N_SIGNALS];

/* --- channel-display-events.c --- */
/* The renderer's callbacks; ctx is the channel. On the renderer's thread. */
void spice_display_on_event(void *ctx, const RendererEvent *event);
void spice_display_on_queue_room(void *ctx);
void spice_display_media_time(void *ctx, RendererMediaTime *time);
/* Turn what has come into signals. */
void spice_display_handle_events(SpiceDisplayChannel *self);
/* The source that does so when something has come. */
GSource *spice_display_attach_news(SpiceDisplayChannel *self);
void spice_display_free_event(DisplayEvent *event);
/* Takes the descriptor of event, if it keeps it. */
void spice_display_set_scanout(SpiceDisplayChannel *self, RendererEvent *event);

G_END_DECLS
