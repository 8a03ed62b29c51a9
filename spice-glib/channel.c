/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SpiceChannel: the object, and the life of its connections. Spec: client-glib.md 4. */
#include <string.h>
#include <unistd.h>
#include "channel-state.h"
#include "connect.h"

/**
 * SECTION:spice-channel
 * @short_description: one connection to the server
 * @title: SpiceChannel
 *
 * A session consists of channels, each a connection of its own: the main channel, and others for
 * screen, inputs and so on. This base class connects, authenticates and tells by
 * #SpiceChannel::channel-event how it goes.
 */

enum { PROP_0, PROP_SESSION, PROP_TYPE, PROP_ID, PROP_TOTAL_READ_BYTES, PROP_SOCKET };

#define ARENA_LIMIT (16 * 1024 * 1024)

guint spice_channel_signals[CHANNEL_N_SIGNALS];

G_DEFINE_TYPE_WITH_PRIVATE(SpiceChannel, spice_channel, G_TYPE_OBJECT)

/* --- events and the end of a connection --- */

void spice_channel_emit_event(SpiceChannel *channel, SpiceChannelEvent event, const GError *error)
{
    struct ChannelFields *f = &channel->priv->f;
    GError *saved = f->error;

    /* A handler may run a dialog for minutes, and the channel may fail again meanwhile. */
    f->error = error ? g_error_copy(error) : NULL;
    g_signal_emit(channel, spice_channel_signals[CHANNEL_EVENT], 0, event);
    g_clear_error(&f->error);
    f->error = saved;
}

/* Stop what runs before there is a connection. */
static void cancel_attempt(SpiceChannel *channel)
{
    struct ChannelFields *f = &channel->priv->f;

    if (f->cancellable) {
        g_cancellable_cancel(f->cancellable);
        g_clear_object(&f->cancellable);
    }
    spice_source_remove(&f->connect_idle);
    if (f->fd >= 0)
        close(f->fd);
    f->fd = -1;
}

void spice_channel_reset(SpiceChannel *channel, gboolean migrating)
{
    struct ChannelFields *f = &channel->priv->f;
    SpiceChannelClass *klass = SPICE_CHANNEL_GET_CLASS(channel);

    spice_channel_take_back(channel);
    cancel_attempt(channel);
    spice_source_remove(&f->pump_idle);
    spice_source_remove(&f->flush_idle);
    if (f->conn) {
        spice_channel_capture_closed(channel);
        spice_connection_close(f->conn);
        g_clear_pointer(&f->conn, spice_connection_unref);
    }
    g_clear_object(&f->socket);
    f->in_link = FALSE;
    f->paused = FALSE;
    spice_channel_clear_waits(channel);
    spice_channel_complete_flushes(channel, FALSE);
    if (klass->channel_reset)
        klass->channel_reset(channel, migrating);
    /* Who waits for this channel must not wait for ever. */
    if (f->session)
        spice_session_wake_waiters(f->session);
}

static gboolean tell_end(gpointer data)
{
    SpiceChannel *channel = data;
    struct ChannelFields *f = &channel->priv->f;
    g_autoptr(GError) error = NULL;
    SpiceChannelEvent event;
    gboolean was_ready;

    if (f->end_local) {
        f->end_local = FALSE;
        spice_channel_reset(channel, FALSE);
    }
    event = f->end_event;
    was_ready = f->end_was_ready;
    error = g_steal_pointer(&f->end_error);
    f->end_idle = 0;
    f->state = CHANNEL_UNCONNECTED;
    f->tls = FALSE;

    if (event != SPICE_CHANNEL_NONE)
        spice_channel_emit_event(channel, event, error);
    /* The handler may have connected again; CLOSED would belong to that connection then. */
    if (was_ready && f->state == CHANNEL_UNCONNECTED)
        spice_channel_emit_event(channel, SPICE_CHANNEL_CLOSED, error);
    if (f->connect_again && f->state == CHANNEL_UNCONNECTED && f->session) {
        f->connect_again = FALSE;
        spice_channel_connect(channel);
    }
    return G_SOURCE_REMOVE;
}

static gboolean was_ready(ChannelState state)
{
    return state == CHANNEL_READY || state == CHANNEL_MIGRATING ||
           state == CHANNEL_MIGRATION_HANDSHAKE || state == CHANNEL_SWITCHING;
}

static void schedule_end(SpiceChannel *channel, gboolean local, SpiceChannelEvent event,
                         GError *error)
{
    struct ChannelFields *f = &channel->priv->f;

    f->end_local = local;
    f->end_was_ready = was_ready(f->state);
    f->end_event = event;
    f->end_error = error;
    f->end_idle = spice_idle_add_full(tell_end, g_object_ref(channel), g_object_unref);
}

void spice_channel_end(SpiceChannel *channel, SpiceChannelEvent event, GError *error)
{
    struct ChannelFields *f = &channel->priv->f;

    if (f->end_idle || f->state == CHANNEL_UNCONNECTED) {
        g_clear_error(&error);
        return;
    }
    g_debug("%s: %s", channel->priv->name, error ? error->message : "the connection ends");
    schedule_end(channel, FALSE, event, error);
    spice_channel_reset(channel, FALSE);
}

void spice_channel_fail(SpiceChannel *channel, const gchar *format, ...)
{
    va_list args;
    GError *error;

    va_start(args, format);
    error = g_error_new_valist(SPICE_CLIENT_ERROR, SPICE_CLIENT_ERROR_FAILED, format, args);
    va_end(args);
    g_warning("%s: %s", channel->priv->name, error->message);
    spice_channel_end(channel, SPICE_CHANNEL_ERROR_IO, error);
}

/* Stop because this side wants it: the last messages go out if the socket takes them, the rest is
 * done in an idle. */
static void stop_local(SpiceChannel *channel)
{
    struct ChannelFields *f = &channel->priv->f;

    if (f->end_idle || f->state == CHANNEL_UNCONNECTED)
        return;
    spice_channel_take_back(channel);
    if (f->conn && f->conn->transport) {
        if (f->state == CHANNEL_READY)
            spice_channel_flush_now(channel);
        /* That may have told an application that all is sent, and it may have ended the rest. */
        if (f->end_idle || f->state == CHANNEL_UNCONNECTED)
            return;
        if (f->conn && f->conn->transport) {
            spice_transport_set_callbacks(f->conn->transport, NULL, NULL, NULL);
        }
    }
    cancel_attempt(channel);
    if (f->in_link)
        schedule_end(channel, TRUE, SPICE_CHANNEL_ERROR_LINK,
                     g_error_new(G_IO_ERROR, G_IO_ERROR_CANCELLED,
                                 "The connection was given up while it was set up"));
    else
        schedule_end(channel, TRUE, SPICE_CHANNEL_NONE, NULL);
}

/**
 * spice_channel_disconnect:
 * @channel: a #SpiceChannel
 * @reason: an event to emit at once, or %SPICE_CHANNEL_NONE
 *
 * Close the connection. The channel stays in its session and can be connected again. Nothing
 * happens when it is not connected.
 */
void spice_channel_disconnect(SpiceChannel *channel, SpiceChannelEvent reason)
{
    struct ChannelFields *f;

    g_return_if_fail(SPICE_IS_CHANNEL(channel));
    f = &channel->priv->f;
    f->connect_again = FALSE;
    if (f->state == CHANNEL_UNCONNECTED || f->end_idle)
        return;
    g_object_ref(channel);
    if (reason != SPICE_CHANNEL_NONE)
        spice_channel_emit_event(channel, reason, NULL);
    stop_local(channel);
    g_object_unref(channel);
}

/* --- connecting --- */

static void attempt_failed(SpiceChannel *channel, GError *error)
{
    spice_channel_end(channel, SPICE_CHANNEL_ERROR_CONNECT, error);
}

static void use_stream(SpiceChannel *channel, GSocketConnection *stream)
{
    GSocket *socket = g_socket_connection_get_socket(stream);

    spice_connect_tune(socket);
    spice_channel_adopt_connection(
        channel, spice_connection_new(spice_transport_new(G_IO_STREAM(stream), socket)));
    spice_channel_link_start(channel);
}

static void stream_connected(GObject *source, GAsyncResult *result, gpointer data)
{
    SpiceChannel *channel = data;
    struct ChannelFields *f = &channel->priv->f;
    GError *error = NULL;
    g_autoptr(GSocketConnection) stream = spice_connect_finish(result, &error);

    /* Another attempt may run by now; this one was cancelled then. */
    if (g_task_get_cancellable(G_TASK(result)) != f->cancellable) {
        g_clear_error(&error);
    } else {
        g_clear_object(&f->cancellable);
        if (stream)
            use_stream(channel, stream);
        else
            attempt_failed(channel, error);
    }
    g_object_unref(channel);
}

static gboolean parse_port(const gchar *text, guint16 *port)
{
    guint value = 0;
    const gchar *at = text;

    if (!text || !*text)
        return FALSE;
    /* Not g_ascii_string_to_unsigned(): it also fails when errno is set by what another thread
     * makes it wait for. */
    while (g_ascii_isdigit(*at) && value <= G_MAXUINT16)
        value = value * 10 + (guint)(*at++ - '0');
    if (*at || value < 1 || value > G_MAXUINT16) {
        g_warning("\"%s\" is not a port number", text);
        return FALSE;
    }
    *port = (guint16)value;
    return TRUE;
}

static void ask_for_fd(SpiceChannel *channel)
{
    g_signal_emit(channel, spice_channel_signals[CHANNEL_OPEN_FD], 0, channel->priv->f.tls ? 1 : 0);
}

static void start_network(SpiceChannel *channel)
{
    struct ChannelFields *f = &channel->priv->f;
    SpiceConnectTarget target = {.unix_path = spice_session_get_unix_path(f->session),
                                 .host = spice_session_get_host(f->session),
                                 .proxy = spice_session_get_proxy_uri(f->session)};

    if (!target.unix_path) {
        gboolean required = f->tls;

        if (!f->tls && !parse_port(spice_session_get_port(f->session), &target.port))
            f->tls = TRUE;
        if (f->tls && !parse_port(spice_session_get_tls_port(f->session), &target.port)) {
            attempt_failed(
                channel,
                g_error_new_literal(
                    SPICE_CLIENT_ERROR, SPICE_CLIENT_ERROR_FAILED,
                    required ? "An encrypted connection is required, but no valid TLS port is set"
                             : "Neither a valid port nor a valid TLS port is set"));
            return;
        }
    } else if (f->tls) {
        attempt_failed(
            channel,
            g_error_new_literal(
                SPICE_CLIENT_ERROR, SPICE_CLIENT_ERROR_FAILED,
                "The server requires an encrypted connection, which is not possible over a "
                "Unix socket"));
        return;
    }
    f->cancellable = g_cancellable_new();
    spice_connect_async(&target, f->cancellable, stream_connected, g_object_ref(channel));
}

static gboolean connect_idle(gpointer data)
{
    SpiceChannel *channel = data;
    struct ChannelFields *f = &channel->priv->f;

    f->connect_idle = 0;
    f->state = CHANNEL_CONNECTING;
    if (spice_session_get_client_provided_sockets(f->session)) {
        GError *error = NULL;
        gint fd = f->fd;
        g_autoptr(GSocketConnection) stream = NULL;

        f->fd = -1;
        stream = spice_connect_wrap_fd(fd, &error);
        if (stream)
            use_stream(channel, stream);
        else
            attempt_failed(channel, error);
    } else {
        start_network(channel);
    }
    return G_SOURCE_REMOVE;
}

static void schedule_connect(SpiceChannel *channel)
{
    struct ChannelFields *f = &channel->priv->f;

    if (!f->connect_idle)
        f->connect_idle = spice_idle_add_full(connect_idle, g_object_ref(channel), g_object_unref);
}

void spice_channel_start(SpiceChannel *channel)
{
    struct ChannelFields *f = &channel->priv->f;

    if (spice_session_get_client_provided_sockets(f->session) && f->fd < 0)
        ask_for_fd(channel);
    else
        schedule_connect(channel);
}

void spice_channel_restart_with_tls(SpiceChannel *channel)
{
    struct ChannelFields *f = &channel->priv->f;

    g_debug("%s: the server wants TLS", channel->priv->name);
    if (f->tls) {
        spice_channel_end(
            channel, SPICE_CHANNEL_ERROR_LINK,
            g_error_new_literal(
                SPICE_CLIENT_ERROR, SPICE_CLIENT_ERROR_FAILED,
                "The server asks for an encrypted connection on an encrypted connection"));
        return;
    }
    f->tls = TRUE;
    f->state = CHANNEL_RECONNECTING;
    spice_channel_reset(channel, FALSE);
    /* The reset's signals may have ended it all. */
    if (f->state != CHANNEL_RECONNECTING || !f->session)
        return;
    f->state = CHANNEL_CONNECTING;
    spice_channel_start(channel);
}

static gboolean begin_connect(SpiceChannel *channel, gint fd)
{
    struct ChannelFields *f = &channel->priv->f;

    if (!f->session) {
        g_warning("%s: the channel has left its session", channel->priv->name);
        if (fd >= 0)
            close(fd);
        return FALSE;
    }
    if (spice_session_get_protocol(f->session) != SPICE_VERSION_MAJOR) {
        g_critical("only version 2 of the SPICE protocol can be used");
        if (fd >= 0)
            close(fd);
        return FALSE;
    }
    f->state = CHANNEL_CONNECTING;
    f->tls = spice_session_wants_tls(f->session, f->type);
    f->fd = fd;
    spice_channel_start(channel);
    return TRUE;
}

/**
 * spice_channel_connect:
 * @channel: a #SpiceChannel
 *
 * Start to connect. How it goes is told by #SpiceChannel::channel-event. A channel whose connection
 * is just ending is connected again when that is over.
 *
 * Returns: %TRUE if a connection is started or already runs
 */
gboolean spice_channel_connect(SpiceChannel *channel)
{
    struct ChannelFields *f;

    g_return_val_if_fail(SPICE_IS_CHANNEL(channel), FALSE);
    f = &channel->priv->f;
    if (f->end_idle) {
        f->connect_again = TRUE;
        return TRUE;
    }
    if (f->state != CHANNEL_UNCONNECTED)
        return TRUE;
    return begin_connect(channel, -1);
}

/**
 * spice_channel_open_fd:
 * @channel: a #SpiceChannel
 * @fd: a connected socket, which the library owns from then on; or -1 to be asked by
 * #SpiceChannel::open-fd
 *
 * Connect over a socket that the application provides. TLS is never spoken on it.
 *
 * Returns: %TRUE if a connection is started or already runs
 */
gboolean spice_channel_open_fd(SpiceChannel *channel, int fd)
{
    struct ChannelFields *f;

    g_return_val_if_fail(SPICE_IS_CHANNEL(channel), FALSE);
    g_return_val_if_fail(fd >= -1, FALSE);
    f = &channel->priv->f;
    if (f->end_idle && !f->connect_again) {
        f->connect_again = fd < 0;
        if (fd < 0)
            return TRUE;
        g_warning("%s: the last connection has not ended yet; the socket is not used",
                  channel->priv->name);
        return FALSE;
    }
    if (f->state == CHANNEL_UNCONNECTED)
        return begin_connect(channel, fd);
    if (f->state == CHANNEL_CONNECTING && !f->conn && !f->connect_idle && !f->cancellable) {
        if (fd < 0)
            return TRUE;
        f->fd = fd;
        schedule_connect(channel);
        return TRUE;
    }
    if (fd >= 0)
        g_warning("%s: the channel has a connection already; the socket is not used",
                  channel->priv->name);
    return TRUE;
}

/* --- the session --- */

void spice_channel_detach(SpiceChannel *channel)
{
    struct ChannelFields *f = &channel->priv->f;

    f->connect_again = FALSE;
    f->in_list = FALSE;
    stop_local(channel);
    g_clear_object(&f->session);
}

/**
 * spice_channel_new:
 * @s: the session
 * @type: a channel type (SPICE_CHANNEL_MAIN and so on)
 * @id: number among the channels of this type
 *
 * Create a channel of a session. #SpiceSession::channel-new is emitted before this returns.
 *
 * Returns: the channel, which belongs to the session; %NULL for a type that the session or this
 * library does not use
 */
SpiceChannel *spice_channel_new(SpiceSession *s, int type, int id)
{
    GType gtype;
    SpiceChannel *channel;
    gboolean listed;

    g_return_val_if_fail(SPICE_IS_SESSION(s), NULL);
    gtype = spice_channel_type_to_gtype(type);
    if (gtype == G_TYPE_INVALID) {
        g_debug("no channel object for type %d (%s)", type, spice_channel_type_to_string(type));
        return NULL;
    }
    channel = g_object_new(gtype, "spice-session", s, "channel-type", type, "channel-id", id, NULL);
    listed = channel->priv->f.in_list;
    g_object_unref(channel);
    return listed ? channel : NULL;
}

/**
 * spice_channel_destroy:
 * @channel: (transfer full): a #SpiceChannel
 *
 * Disconnect a channel and take it out of its session.
 *
 * Deprecated: 0.27: use spice_channel_disconnect()
 */
void spice_channel_destroy(SpiceChannel *channel)
{
    g_return_if_fail(SPICE_IS_CHANNEL(channel));
    if (channel->priv->f.in_list) {
        spice_session_drop_channel(channel->priv->f.session, channel);
    } else {
        spice_channel_disconnect(channel, SPICE_CHANNEL_NONE);
        g_object_unref(channel);
    }
}

/**
 * spice_channel_get_error:
 * @channel: a #SpiceChannel
 *
 * Get the error that goes with the event that is being emitted.
 *
 * Returns: (transfer none) (nullable): the error, valid until the handler returns
 *
 * Since: 0.24
 */
const GError *spice_channel_get_error(SpiceChannel *channel)
{
    g_return_val_if_fail(SPICE_IS_CHANNEL(channel), NULL);
    return channel->priv->f.error;
}

/* --- the object --- */

static void get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
    struct ChannelFields *f = &SPICE_CHANNEL(object)->priv->f;

    switch (id) {
    case PROP_SESSION:
        g_value_set_object(value, f->session);
        break;
    case PROP_TYPE:
        g_value_set_int(value, f->type);
        break;
    case PROP_ID:
        g_value_set_int(value, f->id);
        break;
    case PROP_TOTAL_READ_BYTES:
        g_value_set_ulong(value, __atomic_load_n(&f->total_read, __ATOMIC_RELAXED));
        break;
    case PROP_SOCKET:
        g_value_set_object(value, f->socket);
        break;
    default:
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
    }
}

static void set_property(GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
    struct ChannelFields *f = &SPICE_CHANNEL(object)->priv->f;

    switch (id) {
    case PROP_SESSION:
        f->session = g_value_dup_object(value);
        break;
    case PROP_TYPE:
        f->type = g_value_get_int(value);
        break;
    case PROP_ID:
        f->id = g_value_get_int(value);
        break;
    default:
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
    }
}

static void spice_channel_init(SpiceChannel *self)
{
    struct ChannelFields *f;

    self->priv = spice_channel_get_instance_private(self);
    f = &self->priv->f;
    f->fd = -1;
    g_weak_ref_init(&f->owner, NULL);
    wire_arena_init(&f->arena, ARENA_LIMIT);
    wire_caps_set(&f->common_caps, SPICE_COMMON_CAP_PROTOCOL_AUTH_SELECTION);
    wire_caps_set(&f->common_caps, SPICE_COMMON_CAP_AUTH_SASL);
    wire_caps_set(&f->common_caps, SPICE_COMMON_CAP_MINI_HEADER);
}

static void constructed(GObject *object)
{
    SpiceChannel *self = SPICE_CHANNEL(object);
    struct ChannelFields *f = &self->priv->f;
    const gchar *ignored = g_getenv("SPICE_DISABLE_CHANNELS");
    const gchar *type_name = spice_channel_type_to_string(f->type);

    G_OBJECT_CLASS(spice_channel_parent_class)->constructed(object);
    g_snprintf(self->priv->name, sizeof self->priv->name, "%s-%d:%d", type_name, f->type, f->id);
    f->ignore_messages = ignored && strstr(ignored, type_name);
    if (f->session) {
        g_weak_ref_set(&f->owner, f->session);
        f->in_list = TRUE;
        spice_session_add_channel(f->session, self);
    }
}

static void dispose(GObject *object)
{
    SpiceChannel *self = SPICE_CHANNEL(object);
    struct ChannelFields *f = &self->priv->f;

    /* Nothing is emitted any more: whoever held a reference has given it up. */
    spice_channel_take_back(self);
    cancel_attempt(self);
    spice_source_remove(&f->pump_idle);
    spice_source_remove(&f->flush_idle);
    if (f->conn) {
        spice_connection_close(f->conn);
        g_clear_pointer(&f->conn, spice_connection_unref);
    }
    spice_channel_complete_flushes(self, FALSE);
    g_clear_object(&f->socket);
    g_clear_object(&f->session);
    G_OBJECT_CLASS(spice_channel_parent_class)->dispose(object);
}

static void finalize(GObject *object)
{
    SpiceChannel *self = SPICE_CHANNEL(object);
    struct ChannelFields *f = &self->priv->f;
    SpiceSession *owner = g_weak_ref_get(&f->owner);

    g_weak_ref_clear(&f->owner);
    g_clear_error(&f->end_error);
    g_clear_error(&f->error);
    spice_channel_clear_waits(self);
    spice_reader_free(f->reader);
    wire_arena_clear(&f->arena);
    G_OBJECT_CLASS(spice_channel_parent_class)->finalize(object);
    if (owner) {
        spice_session_channel_finalized(owner);
        g_object_unref(owner);
    }
}

static void spice_channel_class_init(SpiceChannelClass *klass)
{
    GObjectClass *object_class = G_OBJECT_CLASS(klass);
    const GParamFlags construct =
        G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;
    const GParamFlags readable = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

    object_class->constructed = constructed;
    object_class->dispose = dispose;
    object_class->finalize = finalize;
    object_class->get_property = get_property;
    object_class->set_property = set_property;

    /**
     * SpiceChannel:spice-session:
     *
     * The session; %NULL after the channel has left it.
     */
    g_object_class_install_property(object_class, PROP_SESSION,
                                    g_param_spec_object("spice-session", "Spice session",
                                                        "Spice session", SPICE_TYPE_SESSION,
                                                        construct));
    /**
     * SpiceChannel:channel-type:
     *
     * The type: SPICE_CHANNEL_MAIN and so on.
     */
    g_object_class_install_property(object_class, PROP_TYPE,
                                    g_param_spec_int("channel-type", "Channel type", "Channel type",
                                                     -1, G_MAXINT, -1, construct));
    /**
     * SpiceChannel:channel-id:
     *
     * The number among the channels of this type, from 0.
     */
    g_object_class_install_property(
        object_class, PROP_ID,
        g_param_spec_int("channel-id", "Channel ID", "Channel ID", -1, G_MAXINT, -1, construct));
    /**
     * SpiceChannel:total-read-bytes:
     *
     * Bytes that this channel has read since it was created, without TLS. Not notified.
     */
    g_object_class_install_property(object_class, PROP_TOTAL_READ_BYTES,
                                    g_param_spec_ulong("total-read-bytes", "Total read bytes",
                                                       "Total read bytes", 0, G_MAXULONG, 0,
                                                       readable));
    /**
     * SpiceChannel:socket:
     *
     * The socket while there is one. Not notified.
     *
     * Since: 0.33
     */
    g_object_class_install_property(
        object_class, PROP_SOCKET,
        g_param_spec_object("socket", "Socket", "Underlying GSocket", G_TYPE_SOCKET, readable));

    /**
     * SpiceChannel::channel-event:
     * @channel: the channel
     * @event: what happened
     *
     * The connection was opened, failed or ended. spice_channel_get_error() says more in a handler.
     */
    spice_channel_signals[CHANNEL_EVENT] =
        g_signal_new("channel-event", SPICE_TYPE_CHANNEL, G_SIGNAL_RUN_FIRST,
                     G_STRUCT_OFFSET(SpiceChannelClass, channel_event), NULL, NULL, NULL,
                     G_TYPE_NONE, 1, SPICE_TYPE_CHANNEL_EVENT);
    /**
     * SpiceChannel::open-fd:
     * @channel: the channel
     * @with_tls: not 0 when the server wants TLS: the socket must lead through a TLS tunnel of the
     * application
     *
     * The channel needs a socket from the application: spice_channel_open_fd().
     */
    spice_channel_signals[CHANNEL_OPEN_FD] = g_signal_new(
        "open-fd", SPICE_TYPE_CHANNEL, G_SIGNAL_RUN_FIRST,
        G_STRUCT_OFFSET(SpiceChannelClass, open_fd), NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_INT);
}
