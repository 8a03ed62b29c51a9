/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The reading and writing of a channel's connection. Spec: client-glib.md 4.10, 20, 21.3.
 *
 * Reading: the pump takes steps (link stage or messages) while there are bytes, reads when there
 * are none, and sets a watch when the socket has none either. It stops while the channel is
 * blocked, and leaves the main loop to others after a while. Writing: messages gather in queues and
 * leave together once per turn of the main loop. */
#include <string.h>
#include "channel-state.h"

#define IN_CAPACITY (64 * 1024)
#define BODY_STEP                                                                  \
    (256 * 1024) /* first allocation for a large body: memory follows what arrives \
                  */
#define WRITE_CHUNK (32 * 1024)
#define PUMP_BUDGET 6000 /* microseconds */

SpiceConnection *spice_connection_new(SpiceTransport *transport)
{
    SpiceConnection *conn = g_new0(SpiceConnection, 1);

    conn->refs = 1;
    conn->transport = transport;
    conn->in = g_malloc(IN_CAPACITY);
    conn->wire = g_byte_array_new();
    conn->message_fd = -1;
    g_queue_init(&conn->replies);
    g_queue_init(&conn->queue);
    return conn;
}

SpiceConnection *spice_connection_ref(SpiceConnection *conn)
{
    conn->refs++;
    return conn;
}

void spice_connection_close(SpiceConnection *conn)
{
    g_clear_pointer(&conn->transport, spice_transport_free);
    g_clear_pointer(&conn->sasl, spice_sasl_free);
    g_queue_clear_full(&conn->replies, g_free);
    g_queue_clear_full(&conn->queue, g_free);
}

void spice_connection_unref(SpiceConnection *conn)
{
    if (--conn->refs > 0)
        return;
    spice_connection_close(conn);
    spice_connection_clear_message(conn);
    g_free(conn->in);
    g_free(conn->body);
    g_clear_error(&conn->held_error);
    g_byte_array_unref(conn->wire);
    g_free(conn);
}

/* --- reading --- */

static void readable(gpointer data)
{
    spice_channel_pump(data);
}

static void writable(gpointer data)
{
    SpiceChannel *channel = g_object_ref(data);

    spice_channel_flush_now(channel);
    g_object_unref(channel);
}

void spice_channel_adopt_connection(SpiceChannel *channel, SpiceConnection *conn)
{
    struct ChannelFields *f = &channel->priv->f;

    g_assert(f->conn == NULL);
    f->conn = conn;
    g_set_object(&f->socket, spice_transport_get_socket(conn->transport));
    spice_transport_set_callbacks(conn->transport, readable, writable, channel);
}

gboolean spice_channel_is_blocked(SpiceChannel *channel)
{
    const struct ChannelFields *f = &channel->priv->f;

    return f->paused || f->n_waits > 0 || f->end_idle != 0 || f->state == CHANNEL_MIGRATING ||
           (f->conn && f->conn->choked);
}

/* A large body grows with what has come, up to what was announced. */
static guint8 *body_room(SpiceConnection *conn, gsize *room)
{
    if (conn->body_have == conn->body_capacity) {
        gsize wanted =
            MIN((gsize)conn->header.size, MAX((gsize)BODY_STEP, conn->body_capacity * 2));
        guint8 *grown = g_try_realloc(conn->body, wanted);

        if (!grown)
            return NULL;
        conn->body = grown;
        conn->body_capacity = wanted;
    }
    *room = conn->body_capacity - conn->body_have;
    return conn->body + conn->body_have;
}

guint8 *spice_connection_room(SpiceConnection *conn, gsize *room)
{
    if (conn->have_header && conn->header.size > IN_CAPACITY) {
        gsize buffered;
        guint8 *to;

        while ((to = body_room(conn, room)) && (buffered = conn->in_end - conn->in_start) > 0) {
            buffered = MIN(*room, buffered);
            memcpy(to, conn->in + conn->in_start, buffered);
            conn->in_start += buffered;
            conn->body_have += buffered;
        }
        return to;
    }
    if (conn->in_start == conn->in_end) {
        conn->in_start = conn->in_end = 0;
    } else if (conn->in_end == IN_CAPACITY || conn->in_start > IN_CAPACITY / 2) {
        memmove(conn->in, conn->in + conn->in_start, conn->in_end - conn->in_start);
        conn->in_end -= conn->in_start;
        conn->in_start = 0;
    }
    *room = IN_CAPACITY - conn->in_end;
    return conn->in + conn->in_end;
}

void spice_connection_filled(SpiceConnection *conn, gsize n)
{
    if (conn->have_header && conn->header.size > IN_CAPACITY)
        conn->body_have += n;
    else
        conn->in_end += n;
}

/* Read once. > 0: there are new bytes. */
static gssize fill(SpiceChannel *channel, SpiceConnection *conn, GError **error)
{
    gsize room = 0;
    guint8 *to;
    gssize n;

    if (conn->held_error || conn->held_end) {
        conn->held_end = TRUE;
        if (!conn->held_error)
            return 0;
        g_propagate_error(error, g_steal_pointer(&conn->held_error));
        return -1;
    }
    to = spice_connection_room(conn, &room);
    if (!to) {
        g_set_error(error, SPICE_CLIENT_ERROR, SPICE_CLIENT_ERROR_FAILED,
                    "There is no memory for a message of %u bytes", conn->header.size);
        return -1;
    }
    n = spice_transport_read(conn->transport, to, room, error);
    if (n > 0) {
        spice_connection_filled(conn, n);
        __atomic_add_fetch(&channel->priv->f.total_read, n, __ATOMIC_RELAXED);
    }
    return n;
}

FillResult spice_connection_fill_beside(SpiceChannel *channel, SpiceConnection *conn)
{
    GError *error = NULL;
    gsize room = 0;
    gssize n;

    if (!conn->held_error && !conn->held_end)
        spice_connection_room(conn, &room);
    n = fill(channel, conn, &error);
    if (n > 0)
        return (gsize)n < room && spice_transport_is_direct(conn->transport) ? FILL_ALL : FILL_READ;
    if (n < 0 && g_error_matches(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK)) {
        g_error_free(error);
        /* When TLS wants to write first, the main context waits for that. */
        return spice_transport_waits_for_input(conn->transport) ? FILL_DRY : FILL_OVER;
    }
    conn->held_error = error;
    conn->held_end = error == NULL;
    return FILL_OVER;
}

/* The next n bytes, consumed, or NULL when they aren't there yet. They stay until the next read. */
const guint8 *spice_connection_take(SpiceConnection *conn, gsize n)
{
    const guint8 *bytes;

    if (n > IN_CAPACITY) {
        conn->header.size = n;
        conn->have_header = TRUE;
        if (conn->body_have < n)
            return NULL;
        conn->have_header = FALSE;
        conn->body_have = 0;
        return conn->body;
    }
    if (conn->in_end - conn->in_start < n)
        return NULL;
    bytes = conn->in + conn->in_start;
    conn->in_start += n;
    return bytes;
}

static gboolean is_ready_state(ChannelState state)
{
    return state == CHANNEL_READY || state == CHANNEL_MIGRATING ||
           state == CHANNEL_MIGRATION_HANDSHAKE;
}

/* The peer closed, or the socket failed. */
static void input_ended(SpiceChannel *channel, GError *error)
{
    struct ChannelFields *f = &channel->priv->f;

    if (is_ready_state(f->state)) {
        if (error)
            g_prefix_error(&error, "The connection to the server was lost: ");
        else
            g_set_error(&error, SPICE_CLIENT_ERROR, SPICE_CLIENT_ERROR_FAILED,
                        "The server closed the connection%s%s", f->conn->said_goodbye ? ": " : "",
                        f->conn->said_goodbye ? wire_link_error_text(f->conn->goodbye) : "");
        /* A plain end is CLOSED alone; the words go with it. */
        spice_channel_end(channel, SPICE_CHANNEL_NONE, error);
        return;
    }
    spice_channel_link_ended(channel, error);
}

void spice_channel_pump(SpiceChannel *channel)
{
    struct ChannelFields *f = &channel->priv->f;
    SpiceConnection *conn = f->conn;
    gint64 deadline;

    if (!conn || conn->pumping || !conn->transport)
        return;
    spice_channel_take_back(channel);
    g_object_ref(channel);
    spice_connection_ref(conn);
    conn->pumping = TRUE;
    spice_source_remove(&f->pump_idle);
    deadline = g_get_monotonic_time() + PUMP_BUDGET;
    /* A handler may have ended this connection, or the channel may have another one by now. */
    while (f->conn == conn && conn->transport && !spice_channel_is_blocked(channel)) {
        StepResult step = conn->step(channel, conn);
        g_autoptr(GError) error = NULL;
        gssize n;

        if (step == STEP_STOP)
            break; /* blocked or over: whoever ends that goes on */
        if (g_queue_get_length(&conn->replies) > SPICE_MAX_REPLIES) {
            conn->choked = TRUE;
            g_debug("%s: the server does not read our answers; not reading either",
                    channel->priv->name);
            break;
        }
        if (g_get_monotonic_time() >= deadline) {
            spice_channel_schedule_pump(channel);
            break;
        }
        if (step == STEP_DONE)
            continue;
        if (spice_channel_lend(channel, conn))
            break;
        n = fill(channel, conn, &error);
        if (n > 0)
            continue;
        if (n < 0 && g_error_matches(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK)) {
            spice_transport_watch_read(conn->transport, TRUE);
            break;
        }
        input_ended(channel, g_steal_pointer(&error));
        break;
    }
    conn->pumping = FALSE;
    spice_connection_unref(conn);
    g_object_unref(channel);
}

static gboolean pump_idle(gpointer data)
{
    SpiceChannel *channel = data;

    channel->priv->f.pump_idle = 0;
    spice_channel_pump(channel);
    return G_SOURCE_REMOVE;
}

void spice_channel_schedule_pump(SpiceChannel *channel)
{
    struct ChannelFields *f = &channel->priv->f;

    if (f->conn && !f->pump_idle)
        f->pump_idle = spice_idle_add_full(pump_idle, g_object_ref(channel), g_object_unref);
}

void spice_channel_pause(SpiceChannel *channel)
{
    struct ChannelFields *f = &channel->priv->f;

    f->paused = TRUE;
    spice_channel_take_back(channel);
    if (f->conn && f->conn->transport)
        spice_transport_watch_read(f->conn->transport, FALSE);
}

void spice_channel_resume(SpiceChannel *channel)
{
    struct ChannelFields *f = &channel->priv->f;

    if (!f->paused)
        return;
    f->paused = FALSE;
    spice_channel_schedule_pump(channel);
}

/* --- writing --- */

/* Move messages into the output buffer, headers in front. FALSE: nothing to write. */
static gboolean gather(SpiceChannel *channel, SpiceConnection *conn)
{
    OutMessage *out;

    if (conn->wire_offset < conn->wire->len)
        return TRUE;
    g_byte_array_set_size(conn->wire, 0);
    conn->wire_offset = 0;
    while (conn->wire->len < WRITE_CHUNK &&
           ((out = g_queue_pop_head(&conn->replies)) || (out = g_queue_pop_head(&conn->queue)))) {
        WireHeader header = {.serial = ++conn->out_serial, .type = out->type, .size = out->size};
        guint8 bytes[WIRE_FULL_HEADER_SIZE];

        spice_channel_capture_message(channel, FALSE, &header, out->body);
        wire_header_write(conn->mini, &header, bytes);
        g_byte_array_append(conn->wire, bytes, wire_header_size(conn->mini));
        g_byte_array_append(conn->wire, out->body, out->size);
        g_free(out);
    }
    return conn->wire->len > 0;
}

/* The peer took replies, or never will. */
static void unchoke(SpiceChannel *channel, SpiceConnection *conn)
{
    if (conn->choked && g_queue_get_length(&conn->replies) <= SPICE_MAX_REPLIES / 2) {
        conn->choked = FALSE;
        spice_channel_schedule_pump(channel);
    }
}

gboolean spice_connection_flush(SpiceChannel *channel, SpiceConnection *conn)
{
    g_autoptr(GError) error = NULL;

    if (conn->write_failed)
        return TRUE;
    while (gather(channel, conn)) {
        gssize n = spice_transport_write(conn->transport, conn->wire->data + conn->wire_offset,
                                         conn->wire->len - conn->wire_offset, &error);

        if (n < 0)
            goto failed;
        conn->wire_offset += n;
    }
    if (spice_transport_flush(conn->transport, &error))
        return TRUE;
failed:
    if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
        return FALSE;
    /* What the peer said before it closed is still to be read: the reading side tells the end. */
    conn->write_failed = TRUE;
    g_queue_clear_full(&conn->replies, g_free);
    g_queue_clear_full(&conn->queue, g_free);
    g_byte_array_set_size(conn->wire, 0);
    conn->wire_offset = 0;
    return TRUE;
}

void spice_channel_flush_now(SpiceChannel *channel)
{
    struct ChannelFields *f = &channel->priv->f;
    SpiceConnection *conn = f->conn;
    gboolean all, failed;

    if (!conn || !conn->transport)
        return;
    spice_channel_lock(channel);
    all = spice_connection_flush(channel, conn);
    failed = conn->write_failed;
    unchoke(channel, conn);
    /* With TLS, both sides note what a write waits for. */
    if (!all)
        spice_transport_watch_write(conn->transport, TRUE);
    spice_channel_unlock(channel);
    /* It may also have failed on the reader's thread. */
    if (all)
        spice_channel_complete_flushes(channel, !failed);
}

static gboolean flush_idle(gpointer data)
{
    SpiceChannel *channel = data;

    channel->priv->f.flush_idle = 0;
    spice_channel_flush_now(channel);
    return G_SOURCE_REMOVE;
}

void spice_channel_schedule_flush(SpiceChannel *channel)
{
    struct ChannelFields *f = &channel->priv->f;

    if (f->conn && !f->flush_idle)
        f->flush_idle = spice_idle_add_full(flush_idle, g_object_ref(channel), g_object_unref);
}

void spice_channel_write_bytes(SpiceChannel *channel, const guint8 *bytes, gsize size)
{
    SpiceConnection *conn = channel->priv->f.conn;

    g_byte_array_append(conn->wire, bytes, size);
    spice_channel_flush_now(channel);
}

void spice_channel_complete_flushes(SpiceChannel *channel, gboolean done)
{
    GList *tasks = g_steal_pointer(&channel->priv->f.flushes);

    for (GList *l = tasks; l; l = l->next) {
        if (done)
            g_task_return_boolean(l->data, TRUE);
        else
            g_task_return_new_error(l->data, SPICE_CLIENT_ERROR, SPICE_CLIENT_ERROR_FAILED,
                                    "The connection ended before everything was sent");
    }
    g_list_free_full(tasks, g_object_unref);
}

/**
 * spice_channel_flush_async:
 * @channel: a #SpiceChannel
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async) (closure user_data): called when the queue is empty
 * @user_data: for @callback
 *
 * Wait until everything that was queued has been written to the socket.
 *
 * Since: 0.15
 */
void spice_channel_flush_async(SpiceChannel *channel, GCancellable *cancellable,
                               GAsyncReadyCallback callback, gpointer user_data)
{
    struct ChannelFields *f;
    gboolean written;
    GTask *task;

    g_return_if_fail(SPICE_IS_CHANNEL(channel));
    f = &channel->priv->f;
    task = g_task_new(channel, cancellable, callback, user_data);
    g_task_set_source_tag(task, spice_channel_flush_async);
    spice_channel_lock(channel);
    written = f->conn && g_queue_is_empty(&f->conn->replies) && g_queue_is_empty(&f->conn->queue) &&
              f->conn->wire_offset == f->conn->wire->len;
    spice_channel_unlock(channel);
    if (f->state != CHANNEL_READY || !f->conn) {
        g_task_return_new_error(task, SPICE_CLIENT_ERROR, SPICE_CLIENT_ERROR_FAILED,
                                "The channel is not ready yet");
    } else if (written) {
        g_task_return_boolean(task, TRUE);
    } else {
        f->flushes = g_list_append(f->flushes, task);
        return;
    }
    g_object_unref(task);
}

/**
 * spice_channel_flush_finish:
 * @channel: a #SpiceChannel
 * @result: what the callback got
 * @error: (nullable): for an error
 *
 * Finish spice_channel_flush_async().
 *
 * Returns: whether everything was written
 *
 * Since: 0.15
 */
gboolean spice_channel_flush_finish(SpiceChannel *channel, GAsyncResult *result, GError **error)
{
    g_return_val_if_fail(g_task_is_valid(result, channel), FALSE);
    return g_task_propagate_boolean(G_TASK(result), error);
}
