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

#include "spice-client.h"
#include "channel-display-private.h"

/* At the end of a connection what came before it may still be drawn for so long. */
#define LAST_PICTURE_MS 200
#define MAX_BODY (256u << 20)

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

guint spice_display_signals[N_SIGNALS];

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

/* ---- The channel's life
 * ------------------------------------------------------------------------------------------------------
 */

/* On the renderer's thread. */
static RendererFeed feed(void *ctx, int *fd)
{
    SpiceDisplayChannel *self = ctx;

    switch (spice_reader_step(self->priv->reader, fd)) {
    case SPICE_READER_WAIT:
        return RENDERER_FEED_WAIT;
    case SPICE_READER_WAIT_REST:
        return RENDERER_FEED_WAIT_REST;
    case SPICE_READER_AGAIN:
        return RENDERER_FEED_AGAIN;
    case SPICE_READER_OFF:
        break;
    }
    return RENDERER_FEED_OFF;
}

static void start_renderer(SpiceDisplayChannel *self, const RendererConnection *connection)
{
    SpiceDisplayChannelPrivate *priv = self->priv;
    RendererConfig config;

    if (priv->renderer) {
        renderer_reset(priv->renderer, connection);
        return;
    }
    priv->reader = spice_channel_get_reader(SPICE_CHANNEL(self));
    renderer_config_init(&config);
    config.channel_id = (guint8)spice_channel_get_channel_id(SPICE_CHANNEL(self));
    config.stream_reports = connection->stream_reports;
    config.gl = connection->gl;
    config.video_overlay = true;
    config.event = spice_display_on_event;
    config.queue_room = spice_display_on_queue_room;
    config.feed = feed;
    config.media_time = spice_display_media_time;
    config.ctx = self;
    priv->news = spice_display_attach_news(self);
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

    /* Its thread may be reading, and hands over what it reads by priv->renderer. */
    spice_channel_take_back(SPICE_CHANNEL(self));
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
        spice_display_free_event(event);
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
    pthread_mutex_lock(&priv->lock);
    priv->handled = 0;
    pthread_mutex_unlock(&priv->lock);
    spice_display_handle_events(self);
    if (priv->draws_pending > 0) {
        priv->draws_pending = 0;
        g_object_notify(G_OBJECT(self), "draw-done-pending");
    }
    if (priv->scanout.fd >= 0) {
        RendererEvent none = {.type = RENDERER_GL_SCANOUT, .u.gl = {.fd = -1}};

        spice_display_set_scanout(self, &none);
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

/* --- the same on the renderer's thread --- */

static void message_beside(SpiceChannel *channel, SpiceRawMessage *message)
{
    RendererInput input = {
        .type = message->type, .number = message->serial, .body = message->body, .fd = -1};

    renderer_push(SPICE_DISPLAY_CHANNEL(channel)->priv->renderer, &input);
}

static gboolean takes_beside(guint16 type)
{
    return type != SPICE_MSG_DISPLAY_INVAL_ALL_PIXMAPS && type != SPICE_MSG_DISPLAY_GL_SCANOUT_UNIX;
}

static void wake_reader(SpiceChannel *channel)
{
    renderer_wake(SPICE_DISPLAY_CHANNEL(channel)->priv->renderer);
}

static guint64 handled_serial(SpiceChannel *channel)
{
    SpiceDisplayChannelPrivate *priv = SPICE_DISPLAY_CHANNEL(channel)->priv;
    guint64 handled;

    pthread_mutex_lock(&priv->lock);
    handled = priv->handled;
    pthread_mutex_unlock(&priv->lock);
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
    pthread_mutex_init(&priv->lock, NULL);
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
    pthread_mutex_destroy(&priv->lock);
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
    spice_display_signals[SIGNAL_PRIMARY_CREATE] = g_signal_new(
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
    spice_display_signals[SIGNAL_PRIMARY_DESTROY] =
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
    spice_display_signals[SIGNAL_INVALIDATE] =
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
    spice_display_signals[SIGNAL_MARK] =
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
    spice_display_signals[SIGNAL_GL_DRAW] =
        g_signal_new("gl-draw", type, 0, 0, NULL, NULL, NULL, G_TYPE_NONE, 4, G_TYPE_UINT,
                     G_TYPE_UINT, G_TYPE_UINT, G_TYPE_UINT);

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
    spice_display_signals[SIGNAL_GST_VIDEO_OVERLAY] = g_signal_new(
        "gst-video-overlay", type, 0, 0, NULL, NULL, NULL, G_TYPE_BOOLEAN, 1, GST_TYPE_PIPELINE);

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
    spice_display_signals[SIGNAL_STREAMING_MODE] =
        g_signal_new("streaming-mode", type, G_SIGNAL_DEPRECATED, 0, NULL, NULL, NULL,
                     G_TYPE_POINTER, 1, G_TYPE_BOOLEAN);
}

static void spice_display_channel_class_init(SpiceDisplayChannelClass *klass)
{
    static const SpiceBesideClass beside = {
        .takes = takes_beside,
        .message = message_beside,
        .wake = wake_reader,
    };
    static const SpiceRawClass raw = {
        .message = raw_message,
        .handled_serial = handled_serial,
        .carries_fd = carries_fd,
        .wait_type = SPICE_MSG_DISPLAY_INVAL_ALL_PIXMAPS,
        .beside = &beside,
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
