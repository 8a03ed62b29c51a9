/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading in a thread of its own: for classes that take their messages in another thread anyway
 * (the display), over plain sockets. The main thread would wake up for each message only to hand it
 * on.
 *
 * The reader has the input half of the connection (in, header, body, the serials and the ack count)
 * from spice_reader_start() to spice_reader_stop(); the main context leaves it alone meanwhile. It
 * does only the common case, and stops by itself before anything else: a message of every channel
 * (PING, SET_ACK, MIGRATE, ...), one that is too long, the end of the stream, an error. Then the
 * pump, which finds everything as if it had read it itself, does that, and starts the reader again
 * when the socket is empty. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include "capture.h"
#include "channel-state.h"

/* While messages come in quick succession they are read in batches, a nap apart: thousands of
 * wake-ups a second would cost more than the messages themselves. The first one after a pause is
 * read at once. */
#define NAP_MS 6
#define QUICK_US 12000

struct SpiceReader {
    SpiceChannel *channel; /* whose connection it is; outlives the reader */
    SpiceConnection *conn;
    const SpiceRawClass *raw;
    gsize max_body;
    int fd, wake; /* wake: an eventfd, written to end poll() */
    pthread_t thread;
    GSource *news; /* in the main context */

    guint stop, finished, acks; /* atomic */
    gint64 last_read;           /* the thread's */
};

typedef struct ReaderSource {
    GSource source;
    SpiceReader *reader;
} ReaderSource;

/* --- the thread --- */

static void tell_main(SpiceReader *reader)
{
    g_source_set_ready_time(reader->news, 0);
}

/* Wait for the socket or a wake-up; without a timeout that is -1. */
static void wait_for(SpiceReader *reader, gboolean input, int timeout)
{
    struct pollfd fds[2] = {{.fd = reader->wake, .events = POLLIN},
                            {.fd = reader->fd, .events = POLLIN}};
    guint64 count;

    if (poll(fds, input ? 2 : 1, timeout) > 0 && (fds[0].revents & POLLIN) &&
        read(reader->wake, &count, sizeof count) < 0)
        return; /* somebody else took it */
}

/* The socket is empty. */
static void wait_for_input(SpiceReader *reader)
{
    gint64 now = g_get_monotonic_time();

    if (__atomic_load_n(&reader->acks, __ATOMIC_SEQ_CST) > 0)
        tell_main(reader);
    if (now - reader->last_read < QUICK_US)
        wait_for(reader, FALSE, NAP_MS);
    wait_for(reader, TRUE, -1);
    reader->last_read = g_get_monotonic_time();
}

/* FALSE: nothing more will come, or the main context has to look at it. */
static gboolean read_more(SpiceReader *reader)
{
    SpiceConnection *conn = reader->conn;

    while (!__atomic_load_n(&reader->stop, __ATOMIC_SEQ_CST)) {
        gsize room = 0;
        guint8 *to = spice_connection_room(conn, &room);
        gssize n = to ? recv(reader->fd, to, room, MSG_DONTWAIT) : 0;

        if (n > 0) {
            spice_connection_filled(conn, n);
            __atomic_add_fetch(&reader->channel->priv->f.total_read, n, __ATOMIC_RELAXED);
            return TRUE;
        }
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            wait_for_input(reader);
        else if (n == 0 || errno != EINTR)
            return FALSE; /* the pump reads again, and says what is wrong */
    }
    return FALSE;
}

/* The next header, left where it is unless it's one for us. */
static StepResult next_header(SpiceReader *reader)
{
    SpiceConnection *conn = reader->conn;
    gsize size = wire_header_size(conn->mini);
    WireHeader header;

    if (conn->in_end - conn->in_start < size)
        return STEP_MORE;
    wire_header_read(conn->mini, conn->in + conn->in_start, &header);
    if ((header.type < SPICE_MSG_BASE_LAST && header.type != SPICE_MSG_WAIT_FOR_CHANNELS &&
         header.type != SPICE_MSG_LIST) ||
        header.size > reader->max_body)
        return STEP_STOP;
    conn->in_start += size;
    if (conn->mini)
        header.serial = ++conn->in_serial;
    conn->header = header;
    conn->in_body = TRUE;
    conn->body_have = 0;
    return STEP_DONE;
}

static void count_for_ack(SpiceReader *reader)
{
    SpiceConnection *conn = reader->conn;

    if (conn->ack_window == 0 || ++conn->ack_count < conn->ack_window)
        return;
    conn->ack_count = 0;
    /* One may wait until the socket is empty; with two the server would soon have to stop. */
    if (__atomic_add_fetch(&reader->acks, 1, __ATOMIC_SEQ_CST) == 2)
        tell_main(reader);
}

static void deliver(SpiceReader *reader, GBytes *body)
{
    SpiceConnection *conn = reader->conn;
    SpiceRawMessage message = {
        .type = conn->header.type,
        .serial = conn->header.serial,
        .sub_list = conn->header.sub_list,
        .body = body,
        .fd = -1,
    };
    gboolean room;

    conn->in_body = FALSE;
    __atomic_store_n(&conn->raw_serial, message.serial, __ATOMIC_SEQ_CST);
    __atomic_store_n(&conn->handled_serial, message.serial, __ATOMIC_SEQ_CST);
    count_for_ack(reader);
    room = reader->raw->message_in_thread(reader->channel, &message);
    while (!room && !__atomic_load_n(&reader->stop, __ATOMIC_SEQ_CST)) {
        wait_for(reader, FALSE, -1);
        room = reader->raw->has_room(reader->channel);
    }
}

static void *run_reader(void *data)
{
    SpiceReader *reader = data;
    SpiceConnection *conn = reader->conn;

    while (!__atomic_load_n(&reader->stop, __ATOMIC_SEQ_CST)) {
        GBytes *body = NULL;

        if (!conn->in_body) {
            StepResult result = next_header(reader);

            if (result == STEP_STOP || (result == STEP_MORE && !read_more(reader)))
                break;
            if (result == STEP_MORE)
                continue;
        }
        body = spice_connection_take_body(conn);
        if (body)
            deliver(reader, body);
        else if (!read_more(reader))
            break;
    }
    __atomic_store_n(&reader->finished, 1, __ATOMIC_SEQ_CST);
    tell_main(reader);
    return NULL;
}

/* --- the main context --- */

static void send_acks(SpiceReader *reader)
{
    guint acks = __atomic_exchange_n(&reader->acks, 0, __ATOMIC_SEQ_CST);

    while (acks-- > 0)
        spice_channel_send_reply(reader->channel, SPICE_MSGC_ACK, NULL);
}

static gboolean dispatch_news(GSource *source, GSourceFunc callback, gpointer data)
{
    SpiceReader *reader = ((ReaderSource *)source)->reader;
    SpiceChannel *channel = reader->channel;

    g_source_set_ready_time(source, -1);
    send_acks(reader);
    if (__atomic_load_n(&reader->finished, __ATOMIC_SEQ_CST)) {
        spice_reader_stop(reader->conn);
        spice_channel_pump(channel);
        return G_SOURCE_REMOVE;
    }
    return G_SOURCE_CONTINUE;
}

static GSourceFuncs news_funcs = {.dispatch = dispatch_news};

gboolean spice_reader_start(SpiceChannel *channel, SpiceConnection *conn)
{
    const SpiceChannelClassPrivate *klass = SPICE_CHANNEL_GET_CLASS(channel)->priv;
    const SpiceRawClass *raw = klass ? klass->raw : NULL;
    SpiceReader *reader;

    /* Who records a session sees each message in the main context. */
    if (spice_capture_get(channel->priv->f.session) || !raw || !raw->message_in_thread ||
        conn->dispatching || conn->message || conn->reader ||
        conn->step != spice_channel_step_message || !spice_transport_is_plain(conn->transport))
        return FALSE;
    reader = g_new0(SpiceReader, 1);
    reader->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    reader->channel = channel;
    reader->conn = conn;
    reader->raw = raw;
    reader->max_body = klass->max_body;
    reader->fd = g_socket_get_fd(spice_transport_get_socket(conn->transport));
    reader->news = g_source_new(&news_funcs, sizeof(ReaderSource));
    ((ReaderSource *)reader->news)->reader = reader;
    g_source_set_static_name(reader->news, "spice-reader");
    g_source_attach(reader->news, spice_main_context());
    conn->reader = reader;
    if (reader->wake < 0 || pthread_create(&reader->thread, NULL, run_reader, reader) != 0) {
        /* The main context can do it, too. */
        conn->reader = NULL;
        g_source_destroy(reader->news);
        g_source_unref(reader->news);
        if (reader->wake >= 0)
            close(reader->wake);
        g_free(reader);
        return FALSE;
    }
    return TRUE;
}

static void wake(SpiceReader *reader)
{
    guint64 one = 1;

    if (write(reader->wake, &one, sizeof one) < 0)
        return; /* it is awake */
}

void spice_reader_stop(SpiceConnection *conn)
{
    SpiceReader *reader = conn->reader;

    if (!reader)
        return;
    __atomic_store_n(&reader->stop, 1, __ATOMIC_SEQ_CST);
    wake(reader);
    pthread_join(reader->thread, NULL);
    conn->reader = NULL;
    if (reader->channel->priv->f.conn == conn &&
        __atomic_load_n(&reader->acks, __ATOMIC_SEQ_CST) > 0)
        send_acks(reader);
    g_source_destroy(reader->news);
    g_source_unref(reader->news);
    close(reader->wake);
    g_free(reader);
}

void spice_channel_wake_reader(SpiceChannel *channel)
{
    SpiceConnection *conn = channel->priv->f.conn;

    if (conn && conn->reader)
        wake(conn->reader);
}
