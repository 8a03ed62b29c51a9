/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Messages: framing, sub-messages, the messages that every channel has, and the way to the
 * channel's class. Spec: client-glib.md 4.8 and 4.9, wire.md 8 and 9. */
#include <string.h>
#include <unistd.h>
#include "channel-state.h"

#define FIRST_OWN_MESSAGE 101
#define MAX_WAIT_DEPTH 16

static const SpiceChannelClassPrivate *class_of(SpiceChannel *channel)
{
    static const SpiceChannelClassPrivate none;
    const SpiceChannelClassPrivate *klass = SPICE_CHANNEL_GET_CLASS(channel)->priv;

    return klass ? klass : &none;
}

static void message_failed(SpiceChannel *channel, guint16 type, const gchar *text)
{
    const WireMessageInfo *info = wire_message_info(channel->priv->f.type, WIRE_TO_CLIENT, type);

    if (info && !g_str_has_prefix(text, info->title))
        spice_channel_fail(channel, "The server sent a malformed message: %s: %s", info->title,
                           text);
    else if (info)
        spice_channel_fail(channel, "The server sent a malformed message: %s", text);
    else
        spice_channel_fail(channel, "The server sent a malformed message of type %u: %s", type,
                           text);
}

void spice_connection_clear_message(SpiceConnection *conn)
{
    if (conn->message_fd >= 0)
        close(conn->message_fd);
    conn->message_fd = -1;
    g_clear_pointer(&conn->message_bytes, g_bytes_unref);
    if (conn->message && conn->message == conn->body) {
        g_clear_pointer(&conn->body, g_free);
        conn->body_capacity = 0;
    }
    conn->message = NULL;
    conn->dispatching = conn->in_body = conn->want_fd = conn->waited = FALSE;
    conn->n_subs = conn->next_sub = 0;
}

/* --- waiting for other channels --- */

/* Whether channel waits for target, directly or by way of others. */
static gboolean waits_for(SpiceChannel *channel, SpiceChannel *target, guint depth)
{
    struct ChannelFields *f = &channel->priv->f;

    for (guint i = 0; depth < MAX_WAIT_DEPTH && f->session && i < f->n_waits; i++) {
        SpiceChannel *other =
            spice_session_find_channel(f->session, f->waits[i].type, f->waits[i].id);

        if (other == target || (other && other != channel && waits_for(other, target, depth + 1)))
            return TRUE;
    }
    return FALSE;
}

/* A wait is over when its channel has got so far, and when it can never end: no such channel, not
 * connected, oneself, or a channel that waits for this one. */
static gboolean wait_is_over(SpiceChannel *channel, const ChannelWait *wait)
{
    SpiceSession *session = channel->priv->f.session;
    SpiceChannel *other =
        session ? spice_session_find_channel(session, wait->type, wait->id) : NULL;

    if (!other || other == channel || !other->priv->f.conn)
        return TRUE;
    if (spice_channel_get_handled_serial(other) >= wait->serial)
        return TRUE;
    if (waits_for(other, channel, 0)) {
        g_warning("%s: the server makes this channel and %s wait for each other; going on",
                  channel->priv->name, other->priv->name);
        return TRUE;
    }
    return FALSE;
}

void spice_channel_check_waits(SpiceChannel *channel)
{
    struct ChannelFields *f = &channel->priv->f;
    guint left = 0;

    if (f->n_waits == 0)
        return;
    for (guint i = 0; i < f->n_waits; i++) {
        ChannelWait wait = f->waits[i];

        if (!wait_is_over(channel, &wait))
            f->waits[left++] = wait;
    }
    f->n_waits = left;
    if (left == 0) {
        g_clear_pointer(&f->waits, g_free);
        if (f->conn)
            f->conn->waited = TRUE;
        spice_channel_schedule_pump(channel);
    }
}

/* FALSE: the message is malformed. */
static gboolean begin_wait(SpiceChannel *channel, SpiceConnection *conn, guint16 type,
                           const guint8 *body, gsize size)
{
    struct ChannelFields *f = &channel->priv->f;
    const WireMsgWaitForChannels *list;
    WireError error;

    wire_arena_reset(&f->arena);
    list = wire_parse(f->type, WIRE_TO_CLIENT, SPICE_MSG_WAIT_FOR_CHANNELS, body, size, &f->arena,
                      &error);
    if (!list) {
        message_failed(channel, type, error.text);
        return FALSE;
    }
    conn->waited = TRUE;
    if (list->n_wait_list == 0)
        return TRUE;
    f->waits = g_new(ChannelWait, list->n_wait_list);
    for (guint i = 0; i < list->n_wait_list; i++)
        f->waits[i] = (ChannelWait){list->wait_list[i].channel_type, list->wait_list[i].channel_id,
                                    list->wait_list[i].message_serial};
    f->n_waits = list->n_wait_list;
    conn->waited = FALSE;
    spice_channel_check_waits(channel);
    return TRUE;
}

guint64 spice_channel_get_handled_serial(SpiceChannel *channel)
{
    const SpiceRawClass *raw = class_of(channel)->raw;
    SpiceConnection *conn = channel->priv->f.conn;

    if (!conn)
        return 0;
    /* The class knows only the messages that it got: when it is through with those, the others
     * count too. */
    if (raw && raw->handled_serial) {
        guint64 serial = raw->handled_serial(channel);

        if (serial < __atomic_load_n(&conn->raw_serial, __ATOMIC_SEQ_CST))
            return serial;
    }
    return __atomic_load_n(&conn->handled_serial, __ATOMIC_SEQ_CST);
}

void spice_channel_serial_handled(SpiceChannel *channel)
{
    if (channel->priv->f.session)
        spice_session_wake_waiters(channel->priv->f.session);
}

/* --- messages of every channel --- */

static void set_ack(SpiceChannel *channel, SpiceConnection *conn, const WireMsgSetAck *message)
{
    WireMsgcAckSync sync = {.generation = message->generation};

    conn->ack_window = message->window;
    conn->ack_count = 0;
    spice_channel_send_reply(channel, SPICE_MSGC_ACK_SYNC, &sync);
}

static void notified(SpiceChannel *channel, const WireMsgNotify *message)
{
    g_autofree gchar *raw =
        g_strndup((const gchar *)message->message.data, MIN(message->message.size, 1024));
    g_autofree gchar *text = g_utf8_make_valid(raw, -1);

    g_debug("%s: the server says (severity %u): %s", channel->priv->name, message->severity, text);
}

static void handle_common(SpiceChannel *channel, SpiceConnection *conn, guint16 type,
                          const guint8 *body, gsize size)
{
    struct ChannelFields *f = &channel->priv->f;
    const void *message;
    WireError error;

    if (!wire_message_info(f->type, WIRE_TO_CLIENT, type)) {
        g_warning("%s: ignoring a message of the unknown type %u", channel->priv->name, type);
        return;
    }
    wire_arena_reset(&f->arena);
    message = wire_parse(f->type, WIRE_TO_CLIENT, type, body, size, &f->arena, &error);
    if (!message) {
        message_failed(channel, type, error.text);
        return;
    }
    switch (type) {
    case SPICE_MSG_MIGRATE:
        spice_channel_handle_migrate(channel, ((const WireMsgMigrate *)message)->flags);
        break;
    case SPICE_MSG_MIGRATE_DATA:
        spice_channel_handle_migrate_data(channel, body, size);
        break;
    case SPICE_MSG_SET_ACK:
        set_ack(channel, conn, message);
        break;
    case SPICE_MSG_PING: {
        const WireMsgPing *ping = message;
        WireMsgcPong pong = {.id = ping->id, .timestamp = ping->timestamp};

        spice_channel_send_reply(channel, SPICE_MSGC_PONG, &pong);
        break;
    }
    case SPICE_MSG_DISCONNECTING:
        conn->said_goodbye = TRUE;
        conn->goodbye = ((const WireMsgDisconnecting *)message)->reason;
        g_debug("%s: the server is going to disconnect: %s", channel->priv->name,
                wire_link_error_text(conn->goodbye));
        break;
    case SPICE_MSG_NOTIFY:
        notified(channel, message);
        break;
    default: /* WAIT_FOR_CHANNELS and LIST have been dealt with */
        break;
    }
}

/* --- the way to the class --- */

static const SpiceHandler *find_handler(const SpiceChannelClassPrivate *klass, guint16 type)
{
    for (guint i = 0; i < klass->n_handlers; i++)
        if (klass->handlers[i].type == type)
            return &klass->handlers[i];
    return NULL;
}

static void handle_parsed(SpiceChannel *channel, SpiceConnection *conn, guint16 type,
                          const guint8 *body, gsize size)
{
    struct ChannelFields *f = &channel->priv->f;
    const SpiceHandler *handler = find_handler(class_of(channel), type);
    SpiceMsgIn in = {.type = type, .serial = conn->header.serial, .body = body, .size = size};
    WireError error;

    if (!handler) {
        g_warning("%s: ignoring a message of the unknown type %u", channel->priv->name, type);
        return;
    }
    wire_arena_reset(&f->arena);
    in.parsed = wire_parse(f->type, WIRE_TO_CLIENT, type, body, size, &f->arena, &error);
    if (in.parsed)
        handler->function(channel, in.parsed, &in);
    else
        message_failed(channel, type, error.text);
}

static void handle_raw(SpiceChannel *channel, SpiceConnection *conn, const SpiceRawClass *raw,
                       guint16 type, const guint8 *body, gsize size, gboolean sub_message)
{
    SpiceRawMessage message = {
        .type = type, .sub_message = sub_message, .serial = conn->header.serial, .fd = -1};

    if (sub_message) {
        message.body = g_bytes_new_from_bytes(conn->message_bytes, body - conn->message, size);
    } else {
        message.body = g_steal_pointer(&conn->message_bytes);
        message.fd = conn->message_fd;
        conn->message_fd = -1;
    }
    conn->raw_serial = message.serial;
    raw->message(channel, &message);
}

static void handle_part(SpiceChannel *channel, SpiceConnection *conn, guint16 type,
                        const guint8 *body, gsize size, gboolean sub_message)
{
    const SpiceRawClass *raw = class_of(channel)->raw;

    if (type < FIRST_OWN_MESSAGE)
        handle_common(channel, conn, type, body, size);
    else if (channel->priv->f.ignore_messages)
        return;
    else if (raw)
        handle_raw(channel, conn, raw, type, body, size, sub_message);
    else
        handle_parsed(channel, conn, type, body, size);
}

/* --- framing --- */

static StepResult read_header(SpiceChannel *channel, SpiceConnection *conn)
{
    const SpiceChannelClassPrivate *klass = class_of(channel);
    const guint8 *bytes = spice_connection_take(conn, wire_header_size(conn->mini));
    gsize limit;

    if (!bytes)
        return STEP_MORE;
    wire_header_read(conn->mini, bytes, &conn->header);
    if (conn->mini)
        conn->header.serial = ++conn->in_serial;
    conn->in_body = TRUE;
    conn->body_have = 0;
    limit = wire_max_body_size(channel->priv->f.type, WIRE_TO_CLIENT, conn->header.type);
    if (klass->max_body > 0 && conn->header.type >= FIRST_OWN_MESSAGE)
        limit = klass->max_body;
    if (conn->header.size > limit) {
        g_autofree gchar *text =
            g_strdup_printf("it announces %u bytes, at most %" G_GSIZE_FORMAT " are allowed",
                            conn->header.size, limit);

        message_failed(channel, conn->header.type, text);
        return STEP_STOP;
    }
    return STEP_DONE;
}

/* Count the message and take its list apart. */
static gboolean begin_message(SpiceChannel *channel, SpiceConnection *conn)
{
    const WireHeader *header = &conn->header;
    gboolean is_list = header->type == SPICE_MSG_LIST;
    WireError error;

    conn->dispatching = TRUE;
    conn->n_subs = conn->next_sub = 0;
    conn->waited = FALSE;
    spice_channel_capture_message(channel, TRUE, header, conn->message);
    if (conn->ack_window > 0 && ++conn->ack_count >= conn->ack_window) {
        conn->ack_count = 0;
        spice_channel_send_reply(channel, SPICE_MSGC_ACK, NULL);
    }
    if ((is_list || header->sub_list > 0) &&
        !wire_sub_list_read(conn->message, header->size, is_list ? 0 : header->sub_list, conn->subs,
                            &conn->n_subs, &error)) {
        message_failed(channel, header->type, error.text);
        return FALSE;
    }
    return TRUE;
}

static GBytes *own_body(SpiceConnection *conn, const guint8 *bytes, gsize size)
{
    if (bytes != conn->body)
        return g_bytes_new(bytes, size);
    conn->body_capacity = 0;
    return g_bytes_new_take(g_steal_pointer(&conn->body), size);
}

GBytes *spice_connection_take_body(SpiceConnection *conn)
{
    gsize size = conn->header.size;
    const guint8 *bytes = size > 0 ? spice_connection_take(conn, size) : (const guint8 *)"";

    return bytes ? own_body(conn, bytes, size) : NULL;
}

/* The body is there. Keep it where it stays until every part has been handled. */
static gboolean take_body(SpiceChannel *channel, SpiceConnection *conn)
{
    const SpiceRawClass *raw = class_of(channel)->raw;
    gsize size = conn->header.size;
    const guint8 *bytes = size > 0 ? spice_connection_take(conn, size) : (const guint8 *)"";

    if (!bytes)
        return FALSE;
    if (raw) {
        conn->message_bytes = own_body(conn, bytes, size);
        conn->message = g_bytes_get_data(conn->message_bytes, NULL);
        if (!conn->message)
            conn->message = (const guint8 *)"";
        conn->want_fd = raw->carries_fd && conn->header.type >= FIRST_OWN_MESSAGE &&
                        spice_transport_is_unix(conn->transport) &&
                        raw->carries_fd(channel, conn->header.type, conn->message, size);
    } else {
        conn->message = bytes;
    }
    return TRUE;
}

StepResult spice_channel_step_message(SpiceChannel *channel, SpiceConnection *conn)
{
    struct ChannelFields *f = &channel->priv->f;
    const SpiceRawClass *raw = class_of(channel)->raw;

    if (!conn->dispatching) {
        if (!conn->in_body) {
            StepResult result = read_header(channel, conn);

            if (result != STEP_DONE)
                return result;
        }
        if (!conn->message && !take_body(channel, conn))
            return STEP_MORE;
        if (conn->want_fd) {
            if (!spice_connection_take(conn, 1))
                return STEP_MORE;
            conn->want_fd = FALSE;
            conn->message_fd = spice_transport_take_fd(conn->transport);
        }
        if (!begin_message(channel, conn))
            return STEP_STOP;
    }
    while (conn->next_sub <= conn->n_subs) {
        gboolean sub = conn->next_sub < conn->n_subs;
        guint16 type = sub ? conn->subs[conn->next_sub].type : conn->header.type;
        const guint8 *body = sub ? conn->subs[conn->next_sub].body.data : conn->message;
        gsize size = sub ? conn->subs[conn->next_sub].body.size : conn->header.size;

        if (!conn->waited && (type == SPICE_MSG_WAIT_FOR_CHANNELS ||
                              (raw && raw->wait_type && type == raw->wait_type))) {
            if (!begin_wait(channel, conn, type, body, size))
                return STEP_STOP;
            if (f->n_waits > 0)
                return STEP_STOP;
        }
        conn->next_sub++;
        conn->waited = FALSE;
        handle_part(channel, conn, type, body, size, sub);
        if (f->conn != conn || !conn->transport || f->end_idle)
            return STEP_STOP;
        if (sub && spice_channel_is_blocked(channel))
            return STEP_STOP;
    }
    conn->dispatching = FALSE;
    conn->handled_serial = conn->header.serial;
    spice_connection_clear_message(conn);
    spice_channel_serial_handled(channel);
    return STEP_DONE;
}

/* --- sending --- */

static gboolean allowed_read_only(gint channel_type, guint16 type)
{
    if (type < FIRST_OWN_MESSAGE - 1 || channel_type == SPICE_CHANNEL_DISPLAY)
        return TRUE;
    if (channel_type != SPICE_CHANNEL_MAIN)
        return FALSE;
    switch (type) {
    case SPICE_MSGC_MAIN_CLIENT_INFO:
    case SPICE_MSGC_MAIN_MIGRATE_CONNECTED:
    case SPICE_MSGC_MAIN_MIGRATE_CONNECT_ERROR:
    case SPICE_MSGC_MAIN_ATTACH_CHANNELS:
    case SPICE_MSGC_MAIN_MIGRATE_END:
    case SPICE_MSGC_MAIN_MIGRATE_DST_DO_SEAMLESS:
    case SPICE_MSGC_MAIN_MIGRATE_CONNECTED_SEAMLESS:
        return TRUE;
    default:
        return FALSE;
    }
}

gboolean spice_channel_queue(SpiceChannel *channel, guint16 type, const guint8 *body, gsize size,
                             gboolean reply)
{
    struct ChannelFields *f = &channel->priv->f;
    OutMessage *out;

    if (!f->conn || !f->conn->transport || f->in_link || f->end_idle ||
        f->state == CHANNEL_CONNECTING) {
        g_warning("%s: message queue is blocked, dropping message %u", channel->priv->name, type);
        return FALSE;
    }
    if (spice_channel_is_read_only(channel) && !allowed_read_only(f->type, type)) {
        g_warning("%s: the session is read-only, dropping message %u", channel->priv->name, type);
        return FALSE;
    }
    if (f->conn->write_failed)
        return FALSE;
    out = g_malloc(sizeof *out + size);
    out->type = type;
    out->size = size;
    if (size > 0)
        memcpy(out->body, body, size);
    g_queue_push_tail(reply ? &f->conn->replies : &f->conn->queue, out);
    spice_channel_schedule_flush(channel);
    return TRUE;
}

static gboolean write_and_queue(SpiceChannel *channel, guint16 type, const void *message,
                                gboolean reply)
{
    WireBuffer buffer = {0};
    gboolean ok =
        wire_write(channel->priv->f.type, WIRE_TO_SERVER, type, message, &buffer) && !buffer.failed;

    if (ok)
        ok = spice_channel_queue(channel, type, buffer.data, buffer.size, reply);
    else
        g_critical("%s: message %u can't be written", channel->priv->name, type);
    wire_buffer_clear(&buffer);
    return ok;
}

gboolean spice_channel_send(SpiceChannel *channel, guint16 type, const void *message)
{
    return write_and_queue(channel, type, message, FALSE);
}

gboolean spice_channel_send_reply(SpiceChannel *channel, guint16 type, const void *message)
{
    return write_and_queue(channel, type, message, TRUE);
}

gboolean spice_channel_send_body(SpiceChannel *channel, guint16 type, const guint8 *body,
                                 gsize size)
{
    return spice_channel_queue(channel, type, body, size, FALSE);
}
