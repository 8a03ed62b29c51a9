/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The display's messages are read on the renderer's thread while the main context lends it the
 * connection: what else happens to the channel meanwhile must not disturb it, and nobody who waits
 * for it may be forgotten. For the thread sanitizer too. Spec: client-glib.md 21.1, 21.3. */
#include <sys/socket.h>
#include "certificates.h"
#include "fake-server.h"
#include "recorder.h"
#include "wire/wire.h"

#define WIDTH 64
#define HEIGHT 48

/* Beyond what the renderer's queue takes: who hands it over in the main context is paused. */
#define LARGE (5u << 20)

typedef struct Plan {
    gint stop;          /* atomic: the display's flood is over */
    gint display_is_up; /* atomic */
    gint cursor_asks;   /* atomic: the cursor channel waits for the display's message */
    gint cursor_is_on;  /* atomic: it waits no more */
    guint64 awaited;    /* serial */
} Plan;

static void serve_main(FakeConn *conn)
{
    static const WireChannelId channels[] = {{SPICE_CHANNEL_DISPLAY, 0}, {SPICE_CHANNEL_CURSOR, 0}};
    WireMsgMainChannelsList list = {.n_channels = G_N_ELEMENTS(channels), .channels = channels};
    FakeMessage message;

    fake_send_main_start(conn, FALSE);
    if (!fake_receive_type(conn, SPICE_MSGC_MAIN_ATTACH_CHANNELS, &message))
        return;
    fake_message_clear(&message);
    fake_send(conn, SPICE_MSG_MAIN_CHANNELS_LIST, &list);
    fake_drain(conn);
}

static void send_cursor_init(FakeConn *conn)
{
    WireMsgCursorInit init = {.visible = 1, .cursor = {.flags = SPICE_CURSOR_FLAGS_NONE}};

    fake_send(conn, SPICE_MSG_CURSOR_INIT, &init);
}

static gboolean await(FakeConn *conn, guint16 type)
{
    FakeMessage message;

    if (!fake_receive_type(conn, type, &message))
        return FALSE;
    fake_message_clear(&message);
    return TRUE;
}

/* A screen. */
static gboolean start_display(FakeConn *conn)
{
    WireMsgDisplaySurfaceCreate create = {.width = WIDTH,
                                          .height = HEIGHT,
                                          .format = SPICE_SURFACE_FMT_32_xRGB,
                                          .flags = SPICE_SURFACE_FLAGS_PRIMARY};

    return fake_send(conn, SPICE_MSG_SET_ACK, &(WireMsgSetAck){.generation = 1, .window = 5}) &&
           fake_send(conn, SPICE_MSG_DISPLAY_SURFACE_CREATE, &create) &&
           fake_send(conn, SPICE_MSG_DISPLAY_MARK, NULL);
}

static gboolean send_fill(FakeConn *conn, guint32 color)
{
    WireMsgDisplayDrawFill fill = {
        .base = {.box = {0, 0, HEIGHT, WIDTH}, .clip = {.type = SPICE_CLIP_TYPE_NONE}},
        .brush = {.type = SPICE_BRUSH_TYPE_SOLID, .u.color = color},
        .rop_descriptor = SPICE_ROPD_OP_PUT};

    return fake_send(conn, SPICE_MSG_DISPLAY_DRAW_FILL, &fill);
}

/* --- a wait for a message that only the reader sees --- */

static void waiting_script(FakeConn *conn, gpointer data)
{
    Plan *plan = data;

    if (!fake_link(conn, 0))
        return;
    if (conn->link.channel_type == SPICE_CHANNEL_MAIN) {
        serve_main(conn);
    } else if (conn->link.channel_type == SPICE_CHANNEL_DISPLAY) {
        if (!start_display(conn) || !await(conn, SPICE_MSGC_ACK_SYNC))
            return;
        g_atomic_int_set(&plan->display_is_up, 1);
        /* SET_ACK, SURFACE_CREATE, MARK, FILL, then the PING */
        send_fill(conn, 0x123456);
        while (!g_atomic_int_get(&plan->cursor_asks))
            g_usleep(1000);
        g_usleep(50000);
        fake_send(conn, SPICE_MSG_PING, &(WireMsgPing){.id = 7});
        fake_drain(conn);
    } else {
        WireWaitForChannel entry = {.channel_type = SPICE_CHANNEL_DISPLAY,
                                    .message_serial = plan->awaited};
        WireMsgWaitForChannels wait = {.n_wait_list = 1, .wait_list = &entry};

        while (!g_atomic_int_get(&plan->display_is_up))
            g_usleep(1000);
        send_cursor_init(conn);
        fake_send(conn, SPICE_MSG_PING, &(WireMsgPing){.id = 1});
        fake_send(conn, SPICE_MSG_WAIT_FOR_CHANNELS, &wait);
        fake_send(conn, SPICE_MSG_PING, &(WireMsgPing){.id = 2});
        if (!await(conn, SPICE_MSGC_PONG))
            return;
        g_atomic_int_set(&plan->cursor_asks, 1);
        if (!await(conn, SPICE_MSGC_PONG))
            return;
        g_atomic_int_set(&plan->cursor_is_on, 1);
        fake_drain(conn);
    }
}

static gboolean cursor_waits(gpointer data)
{
    return !g_atomic_int_get(&((Plan *)data)->cursor_is_on);
}

static void test_waited_for(void)
{
    Plan plan = {.awaited = 5};
    FakeServer *server = fake_server_new(waiting_script, &plan);
    Recorder *r = recorder_new(fake_server_port(server), 0);

    g_assert_true(spice_session_connect(r->session));
    run_while(cursor_waits, &plan);
    recorder_free(r);
    fake_server_free(server);
}

/* --- a flood, and a main context that does all kinds of things --- */

/* Messages for the reader, and between them such that it leaves to the main context. */
static void flood(FakeConn *conn, Plan *plan)
{
    g_autofree guint8 *large = g_malloc0(LARGE);
    gboolean ok = start_display(conn);

    for (guint n = 1; ok && !g_atomic_int_get(&plan->stop); n++) {
        ok = send_fill(conn, n);
        if (ok && n % 7 == 0)
            ok = fake_send(conn, SPICE_MSG_PING, &(WireMsgPing){.id = n});
        if (ok && n % 31 == 0)
            ok = fake_send(conn, SPICE_MSG_SET_ACK,
                           &(WireMsgSetAck){.generation = n, .window = n % 5});
        if (ok && n % 41 == 0)
            ok = fake_send(conn, SPICE_MSG_DISPLAY_INVAL_ALL_PIXMAPS,
                           &(WireMsgDisplayInvalAllPixmaps){.n_wait_list = 0});
        if (ok && n % 53 == 0)
            ok = fake_send(conn, SPICE_MSG_NOTIFY, &(WireMsgNotify){.severity = 0});
        /* an unknown message, ignored in its turn; with a list, which is empty, it takes the way
         * through the main context */
        if (ok && n % 499 == 0)
            ok = fake_send_with_list(conn, 199, large, LARGE, conn->mini ? 0 : LARGE - 2);
        if (n % 32 == 0)
            g_usleep(1000);
    }
}

static gpointer drain_thread(gpointer data)
{
    fake_drain(data);
    return NULL;
}

static void flooding_script(FakeConn *conn, gpointer data)
{
    GThread *reader;

    /* every other connection with full headers */
    if (!fake_read_link(conn) || !fake_write_reply(conn, conn->number % 2 ? 0x0b : 0x03, 0) ||
        !fake_read_ticket(conn) || !fake_write_result(conn, SPICE_LINK_ERR_OK))
        return;
    if (conn->link.channel_type == SPICE_CHANNEL_MAIN) {
        serve_main(conn);
    } else if (conn->link.channel_type != SPICE_CHANNEL_DISPLAY) {
        send_cursor_init(conn);
        fake_drain(conn);
    } else if (conn->ssl) {
        flood(conn, data); /* one thread at a time: the answers stay unread */
    } else if (await(conn, SPICE_MSGC_DISPLAY_INIT)) {
        reader = g_thread_new("fake-drain", drain_thread, conn);
        flood(conn, data);
        shutdown(g_socket_get_fd(g_socket_connection_get_socket(conn->stream)), SHUT_RDWR);
        g_thread_join(reader);
    }
}

typedef struct Client {
    Recorder *recorder;
    SpiceChannel *display;
    guint closed, opened; /* to be seen */
    guint invalidated;    /* since the last thing that was done */
    gboolean flushed;
} Client;

static void on_invalidate(SpiceChannel *display, gint x, gint y, gint width, gint height, Client *c)
{
    c->invalidated++;
}

static void on_flushed(GObject *display, GAsyncResult *result, gpointer data)
{
    Client *c = data;

    spice_channel_flush_finish(SPICE_CHANNEL(display), result, NULL);
    c->flushed = TRUE;
}

static gboolean shows_nothing(gpointer data)
{
    return ((Client *)data)->invalidated == 0;
}

static gboolean is_flushing(gpointer data)
{
    return !((Client *)data)->flushed;
}

/* The picture moves, so the reader is at work. */
static void wait_for_picture(Client *c)
{
    recorder_wait_count(c->recorder, "display:0 OPENED", c->opened);
    c->invalidated = 0;
    run_while(shows_nothing, c);
}

static void disturb(Client *c, Plan *plan, guint how)
{
    gulong total = 0;

    switch (how) {
    case 0: /* the end, and later a new beginning */
        spice_channel_disconnect(c->display, SPICE_CHANNEL_NONE);
        recorder_wait_count(c->recorder, "display:0 CLOSED", ++c->closed);
        g_assert_true(spice_channel_connect(c->display));
        c->opened++;
        break;
    case 1: /* at once */
        spice_channel_disconnect(c->display, SPICE_CHANNEL_NONE);
        g_assert_true(spice_channel_connect(c->display));
        c->closed++;
        c->opened++;
        break;
    case 2: /* the server ends it */
        g_atomic_int_set(&plan->stop, 1);
        recorder_wait_count(c->recorder, "display:0 CLOSED", ++c->closed);
        g_atomic_int_set(&plan->stop, 0);
        g_assert_true(spice_channel_connect(c->display));
        c->opened++;
        break;
    default: /* looks at it, and writes */
        g_object_get(c->display, "total-read-bytes", &total, NULL);
        g_assert_cmpuint(total, >, 0);
        c->flushed = FALSE;
        spice_channel_flush_async(c->display, NULL, on_flushed, c);
        run_while(is_flushing, c);
        break;
    }
}

static void on_new(SpiceSession *session, SpiceChannel *channel, Client *c)
{
    if (SPICE_IS_DISPLAY_CHANNEL(channel))
        g_signal_connect(channel, "display-invalidate", G_CALLBACK(on_invalidate), c);
}

static void run_flood(guint rounds, gboolean tls, gboolean dispose)
{
    Plan plan = {.stop = 0};
    FakeServer *server = fake_server_new(flooding_script, &plan);
    guint16 tls_port = tls ? fake_server_add_tls(server, certificates_path("dns.pem"),
                                                 certificates_path("key.pem"))
                           : 0;
    Client c = {.recorder = recorder_new(tls ? 0 : fake_server_port(server), tls_port),
                .opened = 1};

    if (tls)
        g_object_set(c.recorder->session, "host", "localhost", "ca-file",
                     certificates_path("ca.pem"), NULL);
    g_signal_connect(c.recorder->session, "channel-new", G_CALLBACK(on_new), &c);
    g_assert_true(spice_session_connect(c.recorder->session));
    recorder_wait(c.recorder, "display:0 OPENED");
    c.display = recorder_channel(c.recorder, SPICE_CHANNEL_DISPLAY);
    for (guint i = 0; i < rounds; i++) {
        wait_for_picture(&c);
        run_for(i % 3 * 7);
        disturb(&c, &plan, i % 4);
    }
    wait_for_picture(&c);
    g_assert_cmpuint(recorder_count(c.recorder, "ERROR"), ==, 0);
    /* The session or the object goes while messages keep coming. */
    if (dispose)
        g_object_run_dispose(G_OBJECT(c.display));
    g_signal_handlers_disconnect_by_data(c.display, &c);
    g_signal_handlers_disconnect_by_data(c.recorder->session, &c);
    recorder_free(c.recorder);
    g_atomic_int_set(&plan.stop, 1);
    fake_server_free(server);
}

static void test_flood(void)
{
    run_flood(16, FALSE, FALSE);
}

static void test_flood_tls(void)
{
    run_flood(8, TRUE, FALSE);
}

static void test_disposed(void)
{
    for (guint i = 0; i < 10; i++)
        run_flood(0, FALSE, TRUE);
}

int main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    certificates_init();
    certificates_make("dns.pem", "/CN=x", "subjectAltName=DNS:localhost");
    g_test_add_func("/reader/waited-for", test_waited_for);
    g_test_add_func("/reader/flood", test_flood);
    g_test_add_func("/reader/flood-tls", test_flood_tls);
    g_test_add_func("/reader/disposed", test_disposed);
    status = g_test_run();
    certificates_clean();
    return status;
}
