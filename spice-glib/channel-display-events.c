/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the renderer of a display says, on its way from its thread to signals in the main context.
 * Spec: client-glib.md 8 and 9. */
#include "config.h"

#include <unistd.h>

#include <gst/gst.h>

#include "spice-client.h"
#include "channel-display-private.h"

/* A second screen that is switched off is blank after this, unless it only changes its size. */
#define UNMARK_DELAY_MS 1000

/* ---- Events: from the renderer's thread
 * ---------------------------------------------------------------------------------- */

void spice_display_free_event(DisplayEvent *event)
{
    switch (event->event.type) {
    case RENDERER_PRIMARY_CREATED:
    case RENDERER_PRIMARY_DESTROYED:
        renderer_primary_unref(event->event.u.primary);
        break;
    case RENDERER_SEND:
        g_bytes_unref(event->event.u.message.body);
        break;
    case RENDERER_STREAM_BEGIN:
        if (event->event.u.stream.pipeline)
            gst_object_unref(event->event.u.stream.pipeline);
        break;
    case RENDERER_GL_SCANOUT:
        if (event->event.u.gl.fd >= 0)
            close(event->event.u.gl.fd);
        break;
    default:
        break;
    }
    pixman_region32_fini(&event->damage);
    g_clear_pointer(&event->monitors, g_array_unref);
    g_free(event->text);
    g_free(event);
}

/* Under the lock. The renderer sees to it that this isn't too often. */
static void schedule(SpiceDisplayChannelPrivate *priv)
{
    if (!priv->scheduled) {
        priv->scheduled = TRUE;
        g_source_set_ready_time(priv->news, 0);
    }
}

static void add_rects(DisplayEvent *event, const RendererEvent *from)
{
    for (guint i = 0; i < from->u.damage.n_rects; i++) {
        const RendererRect *rect = &from->u.damage.rects[i];

        pixman_region32_union_rect(&event->damage, &event->damage, rect->x, rect->y,
                                   (guint)rect->width, (guint)rect->height);
    }
}

static GArray *copy_monitors(const RendererEvent *from)
{
    GArray *monitors = g_array_new(FALSE, TRUE, sizeof(SpiceDisplayMonitorConfig));

    for (guint i = 0; i < from->u.monitors.n_monitors; i++) {
        const RendererMonitor *monitor = &from->u.monitors.monitors[i];
        SpiceDisplayMonitorConfig config = {
            .id = monitor->id,
            .surface_id = monitor->surface_id,
            .x = monitor->x,
            .y = monitor->y,
            .width = monitor->width,
            .height = monitor->height,
        };

        g_array_append_val(monitors, config);
    }
    return monitors;
}

static DisplayEvent *copy_event(const RendererEvent *from)
{
    DisplayEvent *event = g_new0(DisplayEvent, 1);

    event->event = *from;
    pixman_region32_init(&event->damage);
    switch (from->type) {
    case RENDERER_PRIMARY_CREATED:
    case RENDERER_PRIMARY_DESTROYED:
        renderer_primary_ref(from->u.primary);
        break;
    case RENDERER_DAMAGE:
        add_rects(event, from);
        break;
    case RENDERER_MONITORS:
        event->monitors = copy_monitors(from);
        break;
    case RENDERER_SEND:
        g_bytes_ref(from->u.message.body);
        break;
    case RENDERER_STREAM_BEGIN:
        if (from->u.stream.pipeline)
            gst_object_ref(from->u.stream.pipeline);
        break;
    case RENDERER_GL_DRAW:
        add_rects(event, from);
        break;
    case RENDERER_LOG:
    case RENDERER_FATAL:
        event->text = g_strdup(from->u.text);
        break;
    default:
        break;
    }
    return event;
}

void spice_display_on_event(void *ctx, const RendererEvent *event)
{
    SpiceDisplayChannel *self = ctx;
    SpiceDisplayChannelPrivate *priv = self->priv;
    DisplayEvent *last;

    pthread_mutex_lock(&priv->lock);
    last = g_queue_peek_tail(&priv->events);
    if (event->type == RENDERER_HANDLED) {
        priv->handled = event->u.number;
        priv->handled_grew = TRUE;
        if (spice_channel_is_any_waiting())
            schedule(priv);
    } else if (event->type == RENDERER_DAMAGE && last && last->event.type == RENDERER_DAMAGE) {
        add_rects(last, event);
    } else {
        g_queue_push_tail(&priv->events, copy_event(event));
        schedule(priv);
    }
    pthread_mutex_unlock(&priv->lock);
}

void spice_display_on_queue_room(void *ctx)
{
    SpiceDisplayChannel *self = ctx;
    SpiceDisplayChannelPrivate *priv = self->priv;

    pthread_mutex_lock(&priv->lock);
    priv->want_resume = TRUE;
    schedule(priv);
    pthread_mutex_unlock(&priv->lock);
}

void spice_display_media_time(void *ctx, RendererMediaTime *time)
{
    SpiceDisplayChannel *self = ctx;

    time->valid = TRUE;
    time->mm_time = spice_session_get_mm_time(self->priv->clock);
}

/* ---- Events: in the main context
 * ------------------------------------------------------------------------------------------ */

static gboolean unmark(gpointer data)
{
    SpiceDisplayChannel *self = data;

    self->priv->unmark_timer = 0;
    self->priv->marked = FALSE;
    g_signal_emit(self, spice_display_signals[SIGNAL_MARK], 0, FALSE);
    return G_SOURCE_REMOVE;
}

static void primary_created(SpiceDisplayChannel *self, RendererPrimary *primary)
{
    SpiceDisplayChannelPrivate *priv = self->priv;

    spice_source_remove(&priv->unmark_timer);
    priv->primary = renderer_primary_ref(primary);
    g_signal_emit(self, spice_display_signals[SIGNAL_PRIMARY_CREATE], 0, (gint)primary->format,
                  (gint)primary->width, (gint)primary->height, (gint)primary->stride, -1,
                  primary->data);
    if (!spice_channel_test_capability(SPICE_CHANNEL(self), SPICE_DISPLAY_CAP_MONITORS_CONFIG) &&
        priv->primary == primary) {
        SpiceDisplayMonitorConfig config = {.width = primary->width, .height = primary->height};

        g_array_set_size(priv->monitors, 0);
        g_array_append_val(priv->monitors, config);
        priv->monitors_max = 1;
        g_object_notify(G_OBJECT(self), "monitors");
    }
}

static void primary_destroyed(SpiceDisplayChannel *self)
{
    SpiceDisplayChannelPrivate *priv = self->priv;
    RendererPrimary *primary = priv->primary;

    if (!primary)
        return;
    g_signal_emit(self, spice_display_signals[SIGNAL_PRIMARY_DESTROY], 0);
    priv->primary = NULL;
    renderer_primary_unref(primary);
    /* A second screen that comes back within a second only changes its mode. */
    if (priv->marked && spice_channel_get_channel_id(SPICE_CHANNEL(self)) > 0 &&
        !priv->unmark_timer)
        priv->unmark_timer = spice_timeout_add(UNMARK_DELAY_MS, unmark, self);
}

static void damaged(SpiceDisplayChannel *self, pixman_region32_t *region)
{
    int n;
    const pixman_box32_t *boxes = pixman_region32_rectangles(region, &n);

    for (int i = 0; i < n; i++)
        g_signal_emit(self, spice_display_signals[SIGNAL_INVALIDATE], 0, boxes[i].x1, boxes[i].y1,
                      boxes[i].x2 - boxes[i].x1, boxes[i].y2 - boxes[i].y1);
}

static void mark_changed(SpiceDisplayChannel *self, gboolean on)
{
    self->priv->marked = on;
    g_signal_emit(self, spice_display_signals[SIGNAL_MARK], 0, (gint)on);
}

static void monitors_changed(SpiceDisplayChannel *self, GArray *monitors, guint max)
{
    SpiceDisplayChannelPrivate *priv = self->priv;

    /* Whoever has got the array keeps the same one. */
    g_array_set_size(priv->monitors, 0);
    g_array_append_vals(priv->monitors, monitors->data, monitors->len);
    priv->monitors_max = MIN(max, MAX_MONITORS);
    g_object_notify(G_OBJECT(self), "monitors");
}

void spice_display_set_scanout(SpiceDisplayChannel *self, RendererEvent *event)
{
    SpiceGlScanout *scanout = &self->priv->scanout;

    if (scanout->fd >= 0)
        close(scanout->fd);
    *scanout = (SpiceGlScanout){
        .fd = event->u.gl.fourcc != 0 ? event->u.gl.fd : -1,
        .width = event->u.gl.width,
        .height = event->u.gl.height,
        .stride = event->u.gl.stride,
        .format = event->u.gl.fourcc,
        .y0top = (event->u.gl.flags & SPICE_GL_SCANOUT_FLAGS_Y0TOP) != 0,
    };
    if (scanout->fd >= 0)
        event->u.gl.fd = -1;
    g_object_notify(G_OBJECT(self), "gl-scanout");
}

static void gl_draw(SpiceDisplayChannel *self, pixman_region32_t *region)
{
    const pixman_box32_t *box = pixman_region32_extents(region);

    if (self->priv->draws_pending++ == 0)
        g_object_notify(G_OBJECT(self), "draw-done-pending");
    if (g_signal_has_handler_pending(self, spice_display_signals[SIGNAL_GL_DRAW], 0, FALSE) &&
        self->priv->scanout.fd >= 0)
        g_signal_emit(self, spice_display_signals[SIGNAL_GL_DRAW], 0, (guint)box->x1,
                      (guint)box->y1, (guint)(box->x2 - box->x1), (guint)(box->y2 - box->y1));
    else
        spice_display_channel_gl_draw_done(self); /* the guest's screen must not freeze */
}

static void ask_overlay(SpiceDisplayChannel *self, const RendererEvent *event)
{
    gboolean shown = FALSE;

    g_signal_emit(self, spice_display_signals[SIGNAL_GST_VIDEO_OVERLAY], 0,
                  event->u.stream.pipeline, &shown);
    if (event->u.stream.pipeline && self->priv->renderer)
        renderer_stream_answer(self->priv->renderer, event->u.stream.id, event->u.stream.pipeline,
                               shown);
}

/* Sound has to be held back, so that it fits the late video (client-glib.md 9.4). */
static void video_is_late(SpiceDisplayChannel *self)
{
    SpiceSession *session = spice_channel_get_session(SPICE_CHANNEL(self));
    SpiceChannel *playback =
        session ? spice_session_find_channel(session, SPICE_CHANNEL_PLAYBACK, 0) : NULL;

    if (playback && g_object_class_find_property(G_OBJECT_GET_CLASS(playback), "min-latency"))
        g_object_notify(G_OBJECT(playback), "min-latency");
}

static void send_message(SpiceDisplayChannel *self, const RendererEvent *event)
{
    gsize size;
    const guint8 *body = g_bytes_get_data(event->u.message.body, &size);

    if (spice_channel_is_ready(SPICE_CHANNEL(self)))
        spice_channel_send_body(SPICE_CHANNEL(self), event->u.message.type, body, size);
}

static void handle_event(SpiceDisplayChannel *self, DisplayEvent *event)
{
    SpiceChannel *channel = SPICE_CHANNEL(self);

    switch (event->event.type) {
    case RENDERER_PRIMARY_CREATED:
        primary_created(self, event->event.u.primary);
        break;
    case RENDERER_PRIMARY_DESTROYED:
        primary_destroyed(self);
        break;
    case RENDERER_DAMAGE:
        if (self->priv->primary)
            damaged(self, &event->damage);
        break;
    case RENDERER_MARK:
        mark_changed(self, event->event.u.on);
        break;
    case RENDERER_MONITORS:
        monitors_changed(self, event->monitors, event->event.u.monitors.max_monitors);
        break;
    case RENDERER_SEND:
        send_message(self, &event->event);
        break;
    case RENDERER_STREAM_BEGIN:
        ask_overlay(self, &event->event);
        break;
    case RENDERER_LATE_VIDEO:
        video_is_late(self);
        break;
    case RENDERER_GL_SCANOUT:
        spice_display_set_scanout(self, &event->event);
        break;
    case RENDERER_GL_DRAW:
        gl_draw(self, &event->damage);
        break;
    case RENDERER_LOG:
        g_debug("%s: %s", spice_channel_get_label(channel), event->text);
        break;
    case RENDERER_FATAL:
        spice_channel_fail(channel, "%s", event->text);
        break;
    case RENDERER_HANDLED:
    case RENDERER_MESSAGE:
    case RENDERER_STREAM_END:
        break;
    }
}

/* A handler may end the connection, or the channel, while this is running: then channel_reset() has
 * emptied the queue. */
void spice_display_handle_events(SpiceDisplayChannel *self)
{
    SpiceDisplayChannelPrivate *priv = self->priv;
    gboolean resume, handled;
    DisplayEvent *event;

    pthread_mutex_lock(&priv->lock);
    priv->scheduled = FALSE;
    g_source_set_ready_time(priv->news, -1);
    resume = priv->want_resume;
    handled = priv->handled_grew;
    priv->want_resume = priv->handled_grew = FALSE;
    /* What comes while this runs has its own turn. */
    for (guint left = priv->events.length; left > 0 && (event = g_queue_pop_head(&priv->events));
         left--) {
        pthread_mutex_unlock(&priv->lock);
        handle_event(self, event);
        spice_display_free_event(event);
        pthread_mutex_lock(&priv->lock);
    }
    if (priv->events.length > 0)
        schedule(priv);
    pthread_mutex_unlock(&priv->lock);
    if (handled)
        spice_channel_serial_handled(SPICE_CHANNEL(self));
    if (resume) {
        spice_channel_resume(SPICE_CHANNEL(self));
    }
}

static gboolean news_dispatch(GSource *source, GSourceFunc callback, gpointer data)
{
    SpiceDisplayChannel *self = g_object_ref(data);

    spice_display_handle_events(self);
    g_object_unref(self);
    return G_SOURCE_CONTINUE;
}

static gboolean news_callback(gpointer data)
{
    return G_SOURCE_CONTINUE;
}

static GSourceFuncs news_funcs = {.dispatch = news_dispatch};

GSource *spice_display_attach_news(SpiceDisplayChannel *self)
{
    GSource *source = g_source_new(&news_funcs, sizeof(GSource));

    g_source_set_static_name(source, "spice-display-events");
    g_source_set_callback(source, news_callback, self, NULL);
    g_source_attach(source, spice_main_context());
    return source;
}
