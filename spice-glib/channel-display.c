/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SpiceDisplayChannel: the renderer (display/renderer.h) as a GObject. Spec: client-glib.md 8
 * and 9.
 *
 * Whole messages go from the base channel to the renderer's queue. The renderer's thread puts
 * events into a queue here, and a source in the main context turns them into signals. The picture
 * is one buffer that both sides use in turns: the main thread gives it away while it sleeps in
 * poll() (class "turn source" below), so that between two dispatches the renderer may draw, and
 * within one it never does. */
#include "config.h"

#include <string.h>
#include <unistd.h>

#include <gst/gst.h>
#include <pixman.h>

#include "channel-private.h"
#include "display/renderer.h"
#include "session-private.h"
#include "spice-client.h"
#include "wire/wire.h"

/* At the end of a connection what came before it may still be drawn for so long. */
#define LAST_PICTURE_MS 200
/* A second screen that is switched off is blank after this, unless it only changes its size. */
#define UNMARK_DELAY_MS 1000
#define MAX_BODY (256u << 20)
#define MAX_MONITORS 256

typedef struct DisplayEvent {
    RendererEvent event; /* owns what it points to, by type */
    pixman_region32_t damage;
    GArray *monitors; /* SpiceDisplayMonitorConfig */
    char *text;
} DisplayEvent;

struct _SpiceDisplayChannelPrivate {
    Renderer *renderer;
    SpiceSession *clock; /* whose media clock the renderer asks; held while it is connected */
    GSource *turns, *news;

    RendererPrimary *primary;
    gboolean marked;
    guint unmark_timer;
    GArray *monitors;
    guint monitors_max;
    SpiceGlScanout scanout;
    guint draws_pending; /* GL_DRAWs that weren't answered */

    GMutex lock; /* the rest */
    GQueue events;
    gboolean scheduled; /* the source is due */
    gboolean want_resume, handled_grew;
    guint64 handled;
};

G_DEFINE_TYPE_WITH_PRIVATE(SpiceDisplayChannel, spice_display_channel, SPICE_TYPE_CHANNEL)

enum {
    PROP_0,
    PROP_WIDTH,
    PROP_HEIGHT,
    PROP_MONITORS,
    PROP_MONITORS_MAX,
    PROP_GL_SCANOUT,
    PROP_DRAW_DONE_PENDING,
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

static guint signals[N_SIGNALS];

/* ---- GL scanout, a boxed type
 * ---------------------------------------------------------------------------------------- */

static SpiceGlScanout *gl_scanout_copy(const SpiceGlScanout *scanout)
{
    SpiceGlScanout *copy = g_memdup2(scanout, sizeof *scanout);

    if (copy->fd >= 0)
        copy->fd = dup(scanout->fd);
    return copy;
}

/**
 * spice_gl_scanout_free: (skip)
 * @scanout: a #SpiceGlScanout
 *
 * Close the file descriptor of a copy and free it.
 *
 * Since: 0.31
 */
void spice_gl_scanout_free(SpiceGlScanout *scanout)
{
    g_return_if_fail(scanout != NULL);

    if (scanout->fd >= 0)
        close(scanout->fd);
    g_free(scanout);
}

G_DEFINE_BOXED_TYPE(SpiceGlScanout, spice_gl_scanout, gl_scanout_copy, spice_gl_scanout_free)

/* ---- What the channels of a session share
 * ------------------------------------------------------------------------------ */

typedef struct SessionState {
    RendererShared *shared;
    guint generation;
} SessionState;

static void session_state_free(gpointer data)
{
    SessionState *state = data;

    renderer_shared_unref(state->shared);
    g_free(state);
}

static guint64 cache_pixels(SpiceSession *session)
{
    return (guint64)MAX(spice_session_get_cache_size(session), 0) / 4;
}

static gint32 glz_pixels(SpiceSession *session)
{
    /* A larger window ends the deployed server. */
    return CLAMP(spice_session_get_glz_window_size(session) / 4, 0, 1 << 25);
}

/* Borrowed. Empty caches for each connect, and for migrations without state. */
static RendererShared *session_shared(SpiceSession *session)
{
    static const char key[] = "spice-display-shared";
    SessionState *state = g_object_get_data(G_OBJECT(session), key);
    guint generation = spice_session_get_cache_generation(session);

    if (!state || state->generation != generation) {
        RendererSharedLimits limits;

        renderer_shared_limits_init(&limits);
        limits.cache_pixels = cache_pixels(session);
        limits.glz_pixels = (guint64)glz_pixels(session);
        state = g_new(SessionState, 1);
        state->shared = renderer_shared_new(&limits);
        state->generation = generation;
        g_object_set_data_full(G_OBJECT(session), key, state, session_state_free);
    }
    return state->shared;
}

/* ---- The turn source: who has the picture
 * ------------------------------------------------------------------------------ */

typedef struct TurnSource {
    GSource source;
    Renderer *renderer;
    gboolean released;
} TurnSource;

static gboolean turn_prepare(GSource *source, gint *timeout)
{
    TurnSource *turn = (TurnSource *)source;

    *timeout = -1;
    if (!turn->released) {
        turn->released = TRUE;
        renderer_owner_release(turn->renderer);
    }
    return FALSE;
}

static gboolean turn_check(GSource *source)
{
    TurnSource *turn = (TurnSource *)source;

    if (turn->released) {
        turn->released = FALSE;
        renderer_owner_acquire(turn->renderer);
    }
    return FALSE;
}

static gboolean turn_dispatch(GSource *source, GSourceFunc callback, gpointer data)
{
    return G_SOURCE_CONTINUE;
}

static GSourceFuncs turn_funcs = {
    .prepare = turn_prepare, .check = turn_check, .dispatch = turn_dispatch};

/* ---- Events: from the renderer's thread
 * ---------------------------------------------------------------------------------- */

static void free_event(DisplayEvent *event)
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

static void on_event(void *ctx, const RendererEvent *event)
{
    SpiceDisplayChannel *self = ctx;
    SpiceDisplayChannelPrivate *priv = self->priv;
    DisplayEvent *last;

    g_mutex_lock(&priv->lock);
    last = g_queue_peek_tail(&priv->events);
    if (event->type == RENDERER_HANDLED) {
        priv->handled = event->u.number;
        priv->handled_grew = TRUE;
        schedule(priv);
    } else if (event->type == RENDERER_DAMAGE && last && last->event.type == RENDERER_DAMAGE) {
        add_rects(last, event);
    } else {
        g_queue_push_tail(&priv->events, copy_event(event));
        schedule(priv);
    }
    g_mutex_unlock(&priv->lock);
}

static void on_queue_room(void *ctx)
{
    SpiceDisplayChannel *self = ctx;
    SpiceDisplayChannelPrivate *priv = self->priv;

    g_mutex_lock(&priv->lock);
    priv->want_resume = TRUE;
    schedule(priv);
    g_mutex_unlock(&priv->lock);
}

static void media_time(void *ctx, RendererMediaTime *time)
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
    g_signal_emit(self, signals[SIGNAL_MARK], 0, FALSE);
    return G_SOURCE_REMOVE;
}

static void primary_created(SpiceDisplayChannel *self, RendererPrimary *primary)
{
    SpiceDisplayChannelPrivate *priv = self->priv;

    spice_source_remove(&priv->unmark_timer);
    priv->primary = renderer_primary_ref(primary);
    g_signal_emit(self, signals[SIGNAL_PRIMARY_CREATE], 0, (gint)primary->format,
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
    g_signal_emit(self, signals[SIGNAL_PRIMARY_DESTROY], 0);
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
        g_signal_emit(self, signals[SIGNAL_INVALIDATE], 0, boxes[i].x1, boxes[i].y1,
                      boxes[i].x2 - boxes[i].x1, boxes[i].y2 - boxes[i].y1);
}

static void mark_changed(SpiceDisplayChannel *self, gboolean on)
{
    self->priv->marked = on;
    g_signal_emit(self, signals[SIGNAL_MARK], 0, (gint)on);
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

static void set_scanout(SpiceDisplayChannel *self, RendererEvent *event)
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
    if (g_signal_has_handler_pending(self, signals[SIGNAL_GL_DRAW], 0, FALSE) &&
        self->priv->scanout.fd >= 0)
        g_signal_emit(self, signals[SIGNAL_GL_DRAW], 0, (guint)box->x1, (guint)box->y1,
                      (guint)(box->x2 - box->x1), (guint)(box->y2 - box->y1));
    else
        spice_display_channel_gl_draw_done(self); /* the guest's screen must not freeze */
}

static void ask_overlay(SpiceDisplayChannel *self, const RendererEvent *event)
{
    gboolean shown = FALSE;

    g_signal_emit(self, signals[SIGNAL_GST_VIDEO_OVERLAY], 0, event->u.stream.pipeline, &shown);
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
        set_scanout(self, &event->event);
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
static void handle_events(SpiceDisplayChannel *self)
{
    SpiceDisplayChannelPrivate *priv = self->priv;
    gboolean resume, handled;
    DisplayEvent *event;

    g_mutex_lock(&priv->lock);
    priv->scheduled = FALSE;
    g_source_set_ready_time(priv->news, -1);
    resume = priv->want_resume;
    handled = priv->handled_grew;
    priv->want_resume = priv->handled_grew = FALSE;
    /* What comes while this runs has its own turn. */
    for (guint left = priv->events.length; left > 0 && (event = g_queue_pop_head(&priv->events));
         left--) {
        g_mutex_unlock(&priv->lock);
        handle_event(self, event);
        free_event(event);
        g_mutex_lock(&priv->lock);
    }
    if (priv->events.length > 0)
        schedule(priv);
    g_mutex_unlock(&priv->lock);
    if (handled)
        spice_channel_serial_handled(SPICE_CHANNEL(self));
    if (resume) {
        spice_channel_resume(SPICE_CHANNEL(self));
        spice_channel_wake_reader(SPICE_CHANNEL(self));
    }
}

static gboolean news_dispatch(GSource *source, GSourceFunc callback, gpointer data)
{
    SpiceDisplayChannel *self = g_object_ref(data);

    handle_events(self);
    g_object_unref(self);
    return G_SOURCE_CONTINUE;
}

static gboolean news_callback(gpointer data)
{
    return G_SOURCE_CONTINUE;
}

static GSourceFuncs news_funcs = {.dispatch = news_dispatch};

/* ---- The channel's life
 * ------------------------------------------------------------------------------------------------------
 */

static void start_renderer(SpiceDisplayChannel *self, const RendererConnection *connection)
{
    SpiceDisplayChannelPrivate *priv = self->priv;
    RendererConfig config;

    if (priv->renderer) {
        renderer_reset(priv->renderer, connection);
        return;
    }
    renderer_config_init(&config);
    config.channel_id = (guint8)spice_channel_get_channel_id(SPICE_CHANNEL(self));
    config.stream_reports = connection->stream_reports;
    config.gl = connection->gl;
    config.video_overlay = true;
    config.event = on_event;
    config.queue_room = on_queue_room;
    config.media_time = media_time;
    config.ctx = self;
    priv->news = g_source_new(&news_funcs, sizeof(GSource));
    g_source_set_static_name(priv->news, "spice-display-events");
    g_source_set_callback(priv->news, news_callback, self, NULL);
    g_source_attach(priv->news, spice_main_context());
    priv->renderer = renderer_new(connection->shared, &config);
    if (!priv->renderer)
        return;
    priv->turns = g_source_new(&turn_funcs, sizeof(TurnSource));
    ((TurnSource *)priv->turns)->renderer = priv->renderer;
    /* First of all sources: whoever is dispatched must have the picture, and nobody's prepare()
     * looks at it. */
    g_source_set_priority(priv->turns, G_MININT);
    g_source_set_static_name(priv->turns, "spice-display-turns");
    g_source_attach(priv->turns, spice_main_context());
}

static void stop_renderer(SpiceDisplayChannel *self)
{
    SpiceDisplayChannelPrivate *priv = self->priv;
    DisplayEvent *event;

    if (priv->turns) {
        g_source_destroy(priv->turns);
        g_clear_pointer(&priv->turns, g_source_unref);
    }
    g_clear_pointer(&priv->renderer, renderer_free);
    if (priv->news) {
        g_source_destroy(priv->news);
        g_clear_pointer(&priv->news, g_source_unref);
    }
    while ((event = g_queue_pop_head(&priv->events)))
        free_event(event);
    g_clear_object(&priv->clock);
}

static void channel_up(SpiceChannel *channel)
{
    SpiceDisplayChannel *self = SPICE_DISPLAY_CHANNEL(channel);
    SpiceSession *session = spice_channel_get_session(channel);
    RendererConnection connection = {
        .shared = session_shared(session),
        .stream_reports = spice_channel_test_capability(channel, SPICE_DISPLAY_CAP_STREAM_REPORT),
        .gl = spice_channel_is_unix_socket(channel) && spice_session_get_gl_scanout(session),
    };
    WireMsgcDisplayInit init = {
        .pixmap_cache_id = 1,
        .pixmap_cache_size = (gint64)cache_pixels(session),
        .glz_dictionary_id = 1,
        .glz_dictionary_window_size = glz_pixels(session),
    };

    g_set_object(&self->priv->clock, session);
    start_renderer(self, &connection);
    if (!self->priv->renderer) {
        spice_channel_fail(channel, "There are not enough resources to show another display");
        return;
    }
    spice_channel_send(channel, SPICE_MSGC_DISPLAY_INIT, &init);
    g_object_notify(G_OBJECT(self), "monitors");
    if (spice_session_get_preferred_compression(session) != SPICE_IMAGE_COMPRESSION_INVALID)
        spice_display_channel_change_preferred_compression(
            channel, spice_session_get_preferred_compression(session));
}

static void channel_reset(SpiceChannel *channel, gboolean migrating)
{
    SpiceDisplayChannel *self = SPICE_DISPLAY_CHANNEL(channel);
    SpiceDisplayChannelPrivate *priv = self->priv;

    if (!priv->renderer)
        return;
    /* What has come belongs to the last picture, which stays visible. */
    renderer_owner_release(priv->renderer);
    renderer_drain(priv->renderer, false, LAST_PICTURE_MS);
    renderer_owner_acquire(priv->renderer);
    renderer_reset(priv->renderer, NULL);
    g_mutex_lock(&priv->lock);
    priv->handled = 0;
    g_mutex_unlock(&priv->lock);
    handle_events(self);
    if (priv->draws_pending > 0) {
        priv->draws_pending = 0;
        g_object_notify(G_OBJECT(self), "draw-done-pending");
    }
    if (priv->scanout.fd >= 0) {
        RendererEvent none = {.type = RENDERER_GL_SCANOUT, .u.gl = {.fd = -1}};

        set_scanout(self, &none);
    }
}

static void raw_message(SpiceChannel *channel, SpiceRawMessage *message)
{
    SpiceDisplayChannel *self = SPICE_DISPLAY_CHANNEL(channel);
    RendererInput input = {
        .type = message->type,
        .number = message->serial,
        .body = message->body,
        .sub_message = message->sub_message,
        .fd = message->fd,
    };

    if (!self->priv->renderer) {
        g_bytes_unref(message->body);
        if (message->fd >= 0)
            close(message->fd);
        return;
    }
    if (!renderer_push(self->priv->renderer, &input))
        spice_channel_pause(channel);
}

/* In a thread of the base class: the renderer does lists and waits by itself. */
static gboolean message_in_thread(SpiceChannel *channel, SpiceRawMessage *message)
{
    RendererInput input = {
        .type = message->type,
        .number = message->serial,
        .sub_list = message->sub_list,
        .body = message->body,
        .fd = message->fd,
    };

    return renderer_push(SPICE_DISPLAY_CHANNEL(channel)->priv->renderer, &input);
}

static gboolean has_room(SpiceChannel *channel)
{
    return renderer_has_room(SPICE_DISPLAY_CHANNEL(channel)->priv->renderer);
}

static guint64 handled_serial(SpiceChannel *channel)
{
    SpiceDisplayChannelPrivate *priv = SPICE_DISPLAY_CHANNEL(channel)->priv;
    guint64 handled;

    g_mutex_lock(&priv->lock);
    handled = priv->handled;
    g_mutex_unlock(&priv->lock);
    return handled;
}

/* Only a scanout that exists, over a socket that can pass it, brings a descriptor. */
static gboolean carries_fd(SpiceChannel *channel, guint16 type, const guint8 *body, gsize size)
{
    const WireMsgDisplayGlScanoutUnix *message;
    WireArena arena;
    gboolean carries;

    if (type != SPICE_MSG_DISPLAY_GL_SCANOUT_UNIX || !spice_channel_is_unix_socket(channel) ||
        !spice_session_get_gl_scanout(spice_channel_get_session(channel)))
        return FALSE;
    wire_arena_init(&arena, 4096);
    message = wire_parse(SPICE_CHANNEL_DISPLAY, WIRE_TO_CLIENT, type, body, size, &arena, NULL);
    carries = message && message->drm_fourcc_format != 0;
    wire_arena_clear(&arena);
    return carries;
}

static void set_capabilities(SpiceChannel *channel)
{
    static const guint always[] = {
        SPICE_DISPLAY_CAP_SIZED_STREAM,  SPICE_DISPLAY_CAP_MONITORS_CONFIG,
        SPICE_DISPLAY_CAP_COMPOSITE,     SPICE_DISPLAY_CAP_A8_SURFACE,
        SPICE_DISPLAY_CAP_STREAM_REPORT, SPICE_DISPLAY_CAP_LZ4_COMPRESSION,
        SPICE_DISPLAY_CAP_MULTI_CODEC,
    };
    static const struct {
        gint codec;
        guint cap;
    } codecs[] = {
        {SPICE_VIDEO_CODEC_TYPE_MJPEG, SPICE_DISPLAY_CAP_CODEC_MJPEG},
        {SPICE_VIDEO_CODEC_TYPE_VP8, SPICE_DISPLAY_CAP_CODEC_VP8},
        {SPICE_VIDEO_CODEC_TYPE_H264, SPICE_DISPLAY_CAP_CODEC_H264},
        {SPICE_VIDEO_CODEC_TYPE_VP9, SPICE_DISPLAY_CAP_CODEC_VP9},
        {SPICE_VIDEO_CODEC_TYPE_H265, SPICE_DISPLAY_CAP_CODEC_H265},
    };
    SpiceSession *session = spice_channel_get_session(channel);
    guint32 able = renderer_video_codecs(true);

    for (guint i = 0; i < G_N_ELEMENTS(always); i++)
        spice_channel_set_local_capability(channel, always[i], TRUE);
    for (guint i = 0; i < G_N_ELEMENTS(codecs); i++)
        spice_channel_set_local_capability(channel, codecs[i].cap,
                                           (able & 1u << codecs[i].codec) != 0);
    if (session && spice_session_get_gl_scanout(session))
        spice_channel_set_local_capability(channel, SPICE_DISPLAY_CAP_GL_SCANOUT, TRUE);
}

static void spice_display_channel_init(SpiceDisplayChannel *self)
{
    SpiceDisplayChannelPrivate *priv = spice_display_channel_get_instance_private(self);

    self->priv = priv;
    priv->monitors = g_array_new(FALSE, TRUE, sizeof(SpiceDisplayMonitorConfig));
    priv->monitors_max = 1;
    priv->scanout.fd = -1;
    g_mutex_init(&priv->lock);
    g_queue_init(&priv->events);
}

static void spice_display_channel_constructed(GObject *object)
{
    G_OBJECT_CLASS(spice_display_channel_parent_class)->constructed(object);
    set_capabilities(SPICE_CHANNEL(object));
}

static void spice_display_channel_dispose(GObject *object)
{
    SpiceDisplayChannel *self = SPICE_DISPLAY_CHANNEL(object);

    spice_source_remove(&self->priv->unmark_timer);
    stop_renderer(self);
    G_OBJECT_CLASS(spice_display_channel_parent_class)->dispose(object);
}

static void spice_display_channel_finalize(GObject *object)
{
    SpiceDisplayChannelPrivate *priv = SPICE_DISPLAY_CHANNEL(object)->priv;

    renderer_primary_unref(priv->primary);
    if (priv->scanout.fd >= 0)
        close(priv->scanout.fd);
    g_array_unref(priv->monitors);
    g_mutex_clear(&priv->lock);
    G_OBJECT_CLASS(spice_display_channel_parent_class)->finalize(object);
}

static void spice_display_channel_get_property(GObject *object, guint id, GValue *value,
                                               GParamSpec *pspec)
{
    SpiceDisplayChannel *self = SPICE_DISPLAY_CHANNEL(object);
    SpiceDisplayChannelPrivate *priv = self->priv;

    switch (id) {
    case PROP_WIDTH:
        g_value_set_uint(value, priv->primary ? priv->primary->width : 0);
        break;
    case PROP_HEIGHT:
        g_value_set_uint(value, priv->primary ? priv->primary->height : 0);
        break;
    case PROP_MONITORS:
        g_value_set_boxed(value, priv->monitors);
        break;
    case PROP_MONITORS_MAX:
        g_value_set_uint(value, priv->monitors_max);
        break;
    case PROP_GL_SCANOUT:
        g_value_set_boxed(value, spice_display_channel_get_gl_scanout(self));
        break;
    case PROP_DRAW_DONE_PENDING:
        g_value_set_boolean(value, priv->draws_pending > 0);
        break;
    default:
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
        break;
    }
}

/* ---- Public functions
 * -------------------------------------------------------------------------------------------------------
 */

/**
 * spice_display_channel_get_primary:
 * @channel: (type SpiceDisplayChannel): a #SpiceDisplayChannel
 * @surface_id: 0, or the surface that an entry of #SpiceDisplayChannel:monitors names
 * @primary: where to tell about it
 *
 * Describe the screen. The data is the live picture: it changes between dispatches of the main
 * context, and is valid until #SpiceDisplayChannel::display-primary-destroy. Spec:
 * client-glib.md 8.2.
 *
 * Returns: %TRUE if there is such a screen
 *
 * Since: 0.35
 */
gboolean spice_display_channel_get_primary(SpiceChannel *channel, guint32 surface_id,
                                           SpiceDisplayPrimary *primary)
{
    SpiceDisplayChannelPrivate *priv;

    g_return_val_if_fail(SPICE_IS_DISPLAY_CHANNEL(channel), FALSE);
    g_return_val_if_fail(primary != NULL, FALSE);

    priv = SPICE_DISPLAY_CHANNEL(channel)->priv;
    if (!priv->primary || priv->primary->surface_id != surface_id)
        return FALSE;
    *primary = (SpiceDisplayPrimary){
        .format = priv->primary->format,
        .width = (gint)priv->primary->width,
        .height = (gint)priv->primary->height,
        .stride = (gint)priv->primary->stride,
        .shmid = -1,
        .data = priv->primary->data,
        .marked = priv->marked,
    };
    return TRUE;
}

/**
 * spice_display_channel_change_preferred_compression:
 * @channel: (type SpiceDisplayChannel): a #SpiceDisplayChannel
 * @compression: a #SpiceImageCompression
 *
 * Ask the server to compress images this way from now on. Nothing happens when the server can't be
 * asked. Spec: client-glib.md 8.6.
 *
 * Since: 0.35
 */
void spice_display_channel_change_preferred_compression(SpiceChannel *channel, gint compression)
{
    WireMsgcDisplayPreferredCompression message = {.image_compression = (guint8)compression};

    g_return_if_fail(SPICE_IS_DISPLAY_CHANNEL(channel));
    g_return_if_fail(compression > SPICE_IMAGE_COMPRESSION_INVALID &&
                     compression < SPICE_IMAGE_COMPRESSION_ENUM_END);

    if (spice_channel_test_capability(channel, SPICE_DISPLAY_CAP_PREF_COMPRESSION))
        spice_channel_send(channel, SPICE_MSGC_DISPLAY_PREFERRED_COMPRESSION, &message);
}

/**
 * spice_display_channel_change_preferred_video_codec_types:
 * @channel: (type SpiceDisplayChannel): a #SpiceDisplayChannel
 * @codecs: (array length=ncodecs): #SpiceVideoCodecType values, the most wanted one first
 * @ncodecs: how many
 * @err: return location for an error, or %NULL
 *
 * Ask the server to prefer these video codecs, in this order. Spec: client-glib.md 8.6.
 *
 * Returns: %TRUE if the server was asked; %FALSE with @err set to %SPICE_CLIENT_ERROR_FAILED when
 * it doesn't understand that, or for a value that is no codec
 *
 * Since: 0.38
 */
gboolean spice_display_channel_change_preferred_video_codec_types(SpiceChannel *channel,
                                                                  const gint *codecs, gsize ncodecs,
                                                                  GError **err)
{
    WireMsgcDisplayPreferredVideoCodecType message = {0};
    guint8 list[G_MAXUINT8];

    g_return_val_if_fail(SPICE_IS_DISPLAY_CHANNEL(channel), FALSE);
    g_return_val_if_fail(codecs != NULL && ncodecs > 0 && ncodecs <= G_N_ELEMENTS(list), FALSE);

    if (!spice_channel_test_capability(channel, SPICE_DISPLAY_CAP_PREF_VIDEO_CODEC_TYPE)) {
        g_set_error_literal(
            err, SPICE_CLIENT_ERROR, SPICE_CLIENT_ERROR_FAILED,
            "Channel does not have capability to change the preferred video codec type");
        return FALSE;
    }
    for (gsize i = 0; i < ncodecs; i++) {
        if (codecs[i] < SPICE_VIDEO_CODEC_TYPE_MJPEG ||
            codecs[i] >= SPICE_VIDEO_CODEC_TYPE_ENUM_END) {
            g_set_error(err, SPICE_CLIENT_ERROR, SPICE_CLIENT_ERROR_FAILED,
                        "Invalid codec-type found (%d): it should be between %d and %d", codecs[i],
                        SPICE_VIDEO_CODEC_TYPE_MJPEG, SPICE_VIDEO_CODEC_TYPE_ENUM_END - 1);
            return FALSE;
        }
        list[i] = (guint8)codecs[i];
    }
    message.n_codecs = (guint32)ncodecs;
    message.codecs = list;
    spice_channel_send(channel, SPICE_MSGC_DISPLAY_PREFERRED_VIDEO_CODEC_TYPE, &message);
    return TRUE;
}

/**
 * spice_display_channel_change_preferred_video_codec_type:
 * @channel: (type SpiceDisplayChannel): a #SpiceDisplayChannel
 * @codec_type: a #SpiceVideoCodecType
 *
 * Ask the server to prefer one video codec.
 *
 * Since: 0.35
 * Deprecated: 0.38: use spice_display_channel_change_preferred_video_codec_types() instead.
 */
void spice_display_channel_change_preferred_video_codec_type(SpiceChannel *channel, gint codec_type)
{
    GError *error = NULL;

    g_return_if_fail(SPICE_IS_DISPLAY_CHANNEL(channel));
    g_return_if_fail(codec_type >= SPICE_VIDEO_CODEC_TYPE_MJPEG &&
                     codec_type < SPICE_VIDEO_CODEC_TYPE_ENUM_END);

    if (!spice_display_channel_change_preferred_video_codec_types(channel, &codec_type, 1,
                                                                  &error)) {
        g_debug("%s: %s", spice_channel_get_label(channel), error->message);
        g_error_free(error);
    }
}

/**
 * spice_display_channel_get_gl_scanout:
 * @channel: a #SpiceDisplayChannel
 *
 * The guest's picture in a buffer of the graphics card. It belongs to the channel. Spec:
 * client-glib.md 8.5.
 *
 * Returns: (nullable): the current GL scanout, or %NULL if there is none
 *
 * Since: 0.35
 */
const SpiceGlScanout *spice_display_channel_get_gl_scanout(SpiceDisplayChannel *channel)
{
    g_return_val_if_fail(SPICE_IS_DISPLAY_CHANNEL(channel), NULL);

    return channel->priv->scanout.fd >= 0 ? &channel->priv->scanout : NULL;
}

/**
 * spice_display_channel_gl_draw_done:
 * @channel: a #SpiceDisplayChannel
 *
 * The application has read the area that #SpiceDisplayChannel::gl-draw told it of: to be called
 * once for each such signal, otherwise the guest's screen freezes. Calls without one are ignored.
 * Spec: client-glib.md 8.5.
 *
 * Since: 0.35
 */
void spice_display_channel_gl_draw_done(SpiceDisplayChannel *channel)
{
    g_return_if_fail(SPICE_IS_DISPLAY_CHANNEL(channel));

    if (channel->priv->draws_pending == 0)
        return;
    if (spice_channel_is_ready(SPICE_CHANNEL(channel)))
        spice_channel_send(SPICE_CHANNEL(channel), SPICE_MSGC_DISPLAY_GL_DRAW_DONE, NULL);
    if (--channel->priv->draws_pending == 0)
        g_object_notify(G_OBJECT(channel), "draw-done-pending");
}

/**
 * spice_display_change_preferred_compression: (method)
 * @channel: (type SpiceDisplayChannel): a #SpiceDisplayChannel
 * @compression: a #SpiceImageCompression
 *
 * Since: 0.31
 * Deprecated: 0.35: use spice_display_channel_change_preferred_compression() instead.
 */
void spice_display_change_preferred_compression(SpiceChannel *channel, gint compression)
{
    spice_display_channel_change_preferred_compression(channel, compression);
}

/**
 * spice_display_change_preferred_video_codec_type: (method)
 * @channel: (type SpiceDisplayChannel): a #SpiceDisplayChannel
 * @codec_type: a #SpiceVideoCodecType
 *
 * Since: 0.34
 * Deprecated: 0.35: use spice_display_channel_change_preferred_video_codec_types() instead.
 */
void spice_display_change_preferred_video_codec_type(SpiceChannel *channel, gint codec_type)
{
    G_GNUC_BEGIN_IGNORE_DEPRECATIONS
    spice_display_channel_change_preferred_video_codec_type(channel, codec_type);
    G_GNUC_END_IGNORE_DEPRECATIONS
}

/**
 * spice_display_get_gl_scanout:
 * @channel: a #SpiceDisplayChannel
 *
 * Returns: (nullable): the current GL scanout, or %NULL if there is none
 *
 * Since: 0.31
 * Deprecated: 0.35: use spice_display_channel_get_gl_scanout() instead.
 */
const SpiceGlScanout *spice_display_get_gl_scanout(SpiceDisplayChannel *channel)
{
    return spice_display_channel_get_gl_scanout(channel);
}

/**
 * spice_display_get_primary: (method)
 * @channel: (type SpiceDisplayChannel): a #SpiceDisplayChannel
 * @surface_id: a surface id
 * @primary: where to tell about it
 *
 * Returns: %TRUE if there is such a screen
 *
 * Deprecated: 0.35: use spice_display_channel_get_primary() instead.
 */
gboolean spice_display_get_primary(SpiceChannel *channel, guint32 surface_id,
                                   SpiceDisplayPrimary *primary)
{
    return spice_display_channel_get_primary(channel, surface_id, primary);
}

/**
 * spice_display_gl_draw_done:
 * @channel: a #SpiceDisplayChannel
 *
 * Since: 0.31
 * Deprecated: 0.35: use spice_display_channel_gl_draw_done() instead.
 */
void spice_display_gl_draw_done(SpiceDisplayChannel *channel)
{
    spice_display_channel_gl_draw_done(channel);
}

/* ---- The class
 * ----------------------------------------------------------------------------------------------------------------
 */

static void install_properties(GObjectClass *object_class)
{
    const GParamFlags read = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

    g_object_class_install_property(object_class, PROP_HEIGHT,
                                    g_param_spec_uint("height", "Display height",
                                                      "The primary surface height", 0, G_MAXUINT, 0,
                                                      read));
    g_object_class_install_property(object_class, PROP_WIDTH,
                                    g_param_spec_uint("width", "Display width",
                                                      "The primary surface width", 0, G_MAXUINT, 0,
                                                      read));

    /**
     * SpiceDisplayChannel:monitors: (type GArray(SpiceDisplayMonitorConfig))
     *
     * The guest's monitors. The array is always the same one; it changes in place. Spec:
     * client-glib.md 8.4.
     *
     * Since: 0.13
     */
    g_object_class_install_property(object_class, PROP_MONITORS,
                                    g_param_spec_boxed("monitors", "Display monitors",
                                                       "The monitors configuration", G_TYPE_ARRAY,
                                                       read));

    /**
     * SpiceDisplayChannel:monitors-max:
     *
     * How many monitors the server or guest supports, 1 to 256. May change at any time. Spec:
     * client-glib.md 8.4.
     *
     * Since: 0.13
     */
    g_object_class_install_property(object_class, PROP_MONITORS_MAX,
                                    g_param_spec_uint("monitors-max", "Max display monitors",
                                                      "The current maximum number of monitors", 1,
                                                      MAX_MONITORS, 1, read));

    /**
     * SpiceDisplayChannel:gl-scanout: (getter get_gl_scanout)
     *
     * The last #SpiceGlScanout received. Spec: client-glib.md 8.5.
     *
     * Since: 0.31
     */
    g_object_class_install_property(
        object_class, PROP_GL_SCANOUT,
        g_param_spec_boxed("gl-scanout", "GL scanout", "GL scanout", SPICE_TYPE_GL_SCANOUT, read));

    /**
     * SpiceDisplayChannel:draw-done-pending:
     *
     * Whether a #SpiceDisplayChannel::gl-draw still waits for spice_display_channel_gl_draw_done().
     *
     * Since: 0.43
     */
    g_object_class_install_property(
        object_class, PROP_DRAW_DONE_PENDING,
        g_param_spec_boolean("draw-done-pending", "Draw done pending",
                             "Whether a drawing hasn't been reported as done", FALSE, read));
}

static void install_signals(GObjectClass *object_class)
{
    const GType type = G_OBJECT_CLASS_TYPE(object_class);

    /**
     * SpiceDisplayChannel::display-primary-create:
     * @display: the #SpiceDisplayChannel that emitted the signal
     * @format: %SPICE_SURFACE_FMT_32_xRGB or %SPICE_SURFACE_FMT_16_555
     * @width: width resolution
     * @height: height resolution
     * @stride: bytes from row to row, always 4 times @width
     * @shmid: -1
     * @imgdata: (nullable): the first byte of the top row; the picture is live
     *
     * There is a screen. Spec: client-glib.md 8.2.
     */
    signals[SIGNAL_PRIMARY_CREATE] = g_signal_new(
        "display-primary-create", type, G_SIGNAL_RUN_FIRST,
        G_STRUCT_OFFSET(SpiceDisplayChannelClass, display_primary_create), NULL, NULL, NULL,
        G_TYPE_NONE, 6, G_TYPE_INT, G_TYPE_INT, G_TYPE_INT, G_TYPE_INT, G_TYPE_INT, G_TYPE_POINTER);

    /**
     * SpiceDisplayChannel::display-primary-destroy:
     * @display: the #SpiceDisplayChannel that emitted the signal
     *
     * The screen goes away: its data must not be used when the handler has returned. Spec:
     * client-glib.md 8.2.
     */
    signals[SIGNAL_PRIMARY_DESTROY] =
        g_signal_new("display-primary-destroy", type, G_SIGNAL_RUN_FIRST,
                     G_STRUCT_OFFSET(SpiceDisplayChannelClass, display_primary_destroy), NULL, NULL,
                     g_cclosure_marshal_VOID__VOID, G_TYPE_NONE, 0);

    /**
     * SpiceDisplayChannel::display-invalidate:
     * @display: the #SpiceDisplayChannel that emitted the signal
     * @x: x position
     * @y: y position
     * @width: width
     * @height: height
     *
     * This part of the screen has changed. Changes of a few milliseconds are told together. Spec:
     * client-glib.md 8.2.
     */
    signals[SIGNAL_INVALIDATE] =
        g_signal_new("display-invalidate", type, G_SIGNAL_RUN_FIRST,
                     G_STRUCT_OFFSET(SpiceDisplayChannelClass, display_invalidate), NULL, NULL,
                     NULL, G_TYPE_NONE, 4, G_TYPE_INT, G_TYPE_INT, G_TYPE_INT, G_TYPE_INT);

    /**
     * SpiceDisplayChannel::display-mark:
     * @display: the #SpiceDisplayChannel that emitted the signal
     * @mark: %TRUE when the screen shows something sensible
     *
     * Show the screen, or blank it. Spec: client-glib.md 8.3.
     */
    signals[SIGNAL_MARK] =
        g_signal_new("display-mark", type, G_SIGNAL_RUN_FIRST,
                     G_STRUCT_OFFSET(SpiceDisplayChannelClass, display_mark), NULL, NULL,
                     g_cclosure_marshal_VOID__INT, G_TYPE_NONE, 1, G_TYPE_INT);

    /**
     * SpiceDisplayChannel::gl-draw:
     * @display: the #SpiceDisplayChannel that emitted the signal
     * @x: x position
     * @y: y position
     * @width: width
     * @height: height
     *
     * This part of the GL scanout has changed. Answer with spice_display_channel_gl_draw_done().
     * Spec: client-glib.md 8.5.
     *
     * Since: 0.31
     */
    signals[SIGNAL_GL_DRAW] = g_signal_new("gl-draw", type, 0, 0, NULL, NULL, NULL, G_TYPE_NONE, 4,
                                           G_TYPE_UINT, G_TYPE_UINT, G_TYPE_UINT, G_TYPE_UINT);

    /**
     * SpiceDisplayChannel::gst-video-overlay:
     * @display: the #SpiceDisplayChannel that emitted the signal
     * @pipeline: (nullable): the pipeline of a video that is the whole screen, not yet started;
     * %NULL: such a video comes through the screen's data
     *
     * A handler may arrange to present the pipeline by itself. Spec: client-glib.md 9.5.
     *
     * Returns: %TRUE if the application presents it
     *
     * Since: 0.36
     */
    signals[SIGNAL_GST_VIDEO_OVERLAY] = g_signal_new("gst-video-overlay", type, 0, 0, NULL, NULL,
                                                     NULL, G_TYPE_BOOLEAN, 1, GST_TYPE_PIPELINE);

    /**
     * SpiceDisplayChannel::streaming-mode:
     * @display: the #SpiceDisplayChannel that emitted the signal
     * @streaming_mode: %TRUE when it's streaming mode
     *
     * Never emitted.
     *
     * Returns: (nullable): nothing
     *
     * Since: 0.35
     * Deprecated: 0.36: use #SpiceDisplayChannel::gst-video-overlay instead
     */
    signals[SIGNAL_STREAMING_MODE] =
        g_signal_new("streaming-mode", type, G_SIGNAL_DEPRECATED, 0, NULL, NULL, NULL,
                     G_TYPE_POINTER, 1, G_TYPE_BOOLEAN);
}

static void spice_display_channel_class_init(SpiceDisplayChannelClass *klass)
{
    static const SpiceRawClass raw = {
        .message = raw_message,
        .handled_serial = handled_serial,
        .carries_fd = carries_fd,
        .wait_type = SPICE_MSG_DISPLAY_INVAL_ALL_PIXMAPS,
        .message_in_thread = message_in_thread,
        .has_room = has_room,
    };
    GObjectClass *object_class = G_OBJECT_CLASS(klass);
    SpiceChannelClass *channel_class = SPICE_CHANNEL_CLASS(klass);

    object_class->constructed = spice_display_channel_constructed;
    object_class->dispose = spice_display_channel_dispose;
    object_class->finalize = spice_display_channel_finalize;
    object_class->get_property = spice_display_channel_get_property;
    channel_class->channel_up = channel_up;
    channel_class->channel_reset = channel_reset;
    spice_channel_class_set_raw(channel_class, &raw, MAX_BODY);
    install_properties(object_class);
    install_signals(object_class);
}
