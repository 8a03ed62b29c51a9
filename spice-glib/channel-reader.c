/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading a channel's messages on the thread that works on them, so that the main context isn't
 * woken for each.
 *
 * A connection belongs to the main context. Between two messages it may lend the input side to the
 * channel's reader; the class's own thread then reads and hands over the plain messages, and
 * answers SET_ACK and PING. Whatever else comes (sub-messages, waits, migration, file descriptors,
 * malformed headers, the end of the stream) is left unread, and the reader gives the connection
 * back: the main context takes that step by its usual rules, and lends again. The main context can
 * take the connection back at any time. The reader's lock guards the connection while it is lent;
 * writing, which both sides do, takes it too. It is a lock of pthread, which the thread sanitizer
 * knows. Spec: client-glib.md 21.1, 21.3. */
#include <pthread.h>
#include "capture.h"
#include "channel-state.h"

/* Messages handed over in one step: between two steps the thread draws. */
#define STEP_MESSAGES 64

struct SpiceReader {
    pthread_mutex_t lock;
    SpiceChannel *channel;
    SpiceConnection *conn; /* NULL: not lent */
    int fd;                /* its socket */
};

SpiceReader *spice_channel_get_reader(SpiceChannel *channel)
{
    struct ChannelFields *f = &channel->priv->f;

    if (!f->reader) {
        f->reader = g_new0(SpiceReader, 1);
        f->reader->channel = channel;
        pthread_mutex_init(&f->reader->lock, NULL);
    }
    return f->reader;
}

void spice_reader_free(SpiceReader *reader)
{
    if (!reader)
        return;
    pthread_mutex_destroy(&reader->lock);
    g_free(reader);
}

void spice_channel_lock(SpiceChannel *channel)
{
    if (channel->priv->f.reader)
        pthread_mutex_lock(&channel->priv->f.reader->lock);
}

void spice_channel_unlock(SpiceChannel *channel)
{
    if (channel->priv->f.reader)
        pthread_mutex_unlock(&channel->priv->f.reader->lock);
}

void spice_channel_take_back(SpiceChannel *channel)
{
    spice_channel_lock(channel);
    if (channel->priv->f.reader)
        channel->priv->f.reader->conn = NULL;
    spice_channel_unlock(channel);
}

gboolean spice_channel_lend(SpiceChannel *channel, SpiceConnection *conn)
{
    struct ChannelFields *f = &channel->priv->f;

    if (!f->reader || f->state != CHANNEL_READY || conn->step != spice_channel_step_message ||
        f->ignore_messages || spice_capture_get(f->session) ||
        !spice_transport_waits_for_input(conn->transport) ||
        !spice_connection_can_step_beside(channel, conn))
        return FALSE;
    pthread_mutex_lock(&f->reader->lock);
    f->reader->conn = conn;
    f->reader->fd = g_socket_get_fd(spice_transport_get_socket(conn->transport));
    pthread_mutex_unlock(&f->reader->lock);
    spice_channel_get_raw_class(channel)->beside->wake(channel);
    return TRUE;
}

static gboolean given_back(gpointer data)
{
    spice_channel_pump(data);
    return G_SOURCE_REMOVE;
}

static gboolean serial_grew(gpointer data)
{
    spice_channel_serial_handled(data);
    return G_SOURCE_REMOVE;
}

static gboolean to_be_flushed(gpointer data)
{
    spice_channel_flush_now(data);
    return G_SOURCE_REMOVE;
}

SpiceReaderState spice_reader_step(SpiceReader *reader, int *fd)
{
    SpiceChannel *channel = reader->channel;
    SpiceReaderState state = SPICE_READER_AGAIN;
    SpiceConnection *conn;
    gboolean has_read = FALSE, empty = FALSE;
    guint64 handled;

    pthread_mutex_lock(&reader->lock);
    conn = reader->conn;
    if (!conn) {
        pthread_mutex_unlock(&reader->lock);
        return SPICE_READER_OFF;
    }
    handled = conn->handled_serial;
    for (guint n = 0; n < STEP_MESSAGES; n++) {
        StepResult result = spice_channel_step_beside(channel, conn);

        if (result == STEP_MORE && !has_read) {
            FillResult filled = spice_connection_fill_beside(channel, conn);

            has_read = TRUE;
            if (filled == FILL_DRY) {
                state = conn->in_body ? SPICE_READER_WAIT_REST : SPICE_READER_WAIT;
                break;
            }
            empty = filled == FILL_ALL;
            if (filled == FILL_READ || filled == FILL_ALL)
                continue;
            result = STEP_STOP;
        }
        if (result == STEP_MORE) {
            if (empty)
                state = conn->in_body ? SPICE_READER_WAIT_REST : SPICE_READER_WAIT;
            break;
        }
        if (result == STEP_STOP) {
            state = SPICE_READER_OFF;
            reader->conn = NULL;
            spice_idle_add_full(given_back, g_object_ref(channel), g_object_unref);
            break;
        }
    }
    /* Another channel may wait for what the class doesn't know of. */
    if (conn->handled_serial != handled && conn->handled_serial != conn->raw_serial &&
        spice_channel_is_any_waiting())
        spice_idle_add_full(serial_grew, g_object_ref(channel), g_object_unref);
    *fd = reader->fd;
    if (!g_queue_is_empty(&conn->replies) && !spice_connection_flush(channel, conn))
        spice_idle_add_full(to_be_flushed, g_object_ref(channel), g_object_unref);
    pthread_mutex_unlock(&reader->lock);
    return state;
}
