/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* File descriptors beside the bytes of a Unix socket: the one that belongs to a message arrives
 * with it, others are closed. Spec: client-glib.md 8.5 and 20, wire.md 18. */
#include <sys/stat.h>
#include <unistd.h>
#include <gio/gunixfdmessage.h>
#include <glib/gstdio.h>
#include "fake-server.h"
#include "recorder.h"

typedef struct Plan {
    gint pipe[2];     /* its writing end is sent */
    guint unexpected; /* descriptors that come with messages which have none */
} Plan;

/* One byte with so many copies of the descriptor. */
static void send_fd_byte(FakeConn *conn, gint fd, guint n)
{
    GSocket *socket = g_socket_connection_get_socket(conn->stream);
    GSocketControlMessage *control = g_unix_fd_message_new();
    GOutputVector vector = {"@", 1};

    for (guint i = 0; i < n; i++)
        g_assert_true(g_unix_fd_message_append_fd(G_UNIX_FD_MESSAGE(control), fd, NULL));
    g_assert_cmpint(g_socket_send_message(socket, NULL, &vector, 1, &control, 1, 0, NULL, NULL), ==,
                    1);
    g_object_unref(control);
}

static void script(FakeConn *conn, gpointer data)
{
    static const WireChannelId channels[] = {{SPICE_CHANNEL_DISPLAY, 0}};
    WireMsgMainChannelsList list = {.n_channels = 1, .channels = channels};
    WireMsgDisplayGlScanoutUnix scanout = {
        .width = 64, .height = 32, .stride = 256, .drm_fourcc_format = 0x34325258};
    WireMsgDisplayGlScanoutUnix none = {.width = 0};
    Plan *plan = data;
    FakeMessage message;

    if (!fake_link(conn, 1u << SPICE_DISPLAY_CAP_GL_SCANOUT))
        return;
    if (conn->link.channel_type == SPICE_CHANNEL_MAIN) {
        fake_send_main_start(conn, FALSE);
        if (fake_receive_type(conn, SPICE_MSGC_MAIN_ATTACH_CHANNELS, &message))
            fake_message_clear(&message);
        fake_send(conn, SPICE_MSG_MAIN_CHANNELS_LIST, &list);
    } else if (fake_receive_type(conn, SPICE_MSGC_DISPLAY_INIT, &message)) {
        fake_message_clear(&message);
        if (plan->unexpected) {
            /* the first byte of a PING's header carries them */
            static const guint8 rest[17] = {0, 12};
            GSocket *socket = g_socket_connection_get_socket(conn->stream);
            GSocketControlMessage *control = g_unix_fd_message_new();
            GOutputVector vector = {"\4", 1};

            for (guint i = 0; i < plan->unexpected; i++)
                g_assert_true(
                    g_unix_fd_message_append_fd(G_UNIX_FD_MESSAGE(control), plan->pipe[1], NULL));
            g_socket_send_message(socket, NULL, &vector, 1, &control, 1, 0, NULL, NULL);
            g_object_unref(control);
            fake_write(conn, rest, sizeof rest);
        } else {
            fake_send(conn, SPICE_MSG_DISPLAY_GL_SCANOUT_UNIX, &scanout);
            send_fd_byte(conn, plan->pipe[1], 1);
            fake_send(conn, SPICE_MSG_PING, &(WireMsgPing){.id = 1});
            fake_send(conn, SPICE_MSG_DISPLAY_GL_SCANOUT_UNIX, &none);
        }
        if (fake_receive_type(conn, SPICE_MSGC_PONG, &message))
            fake_message_clear(&message);
    }
    fake_drain(conn);
}

static void on_scanout(SpiceDisplayChannel *channel, GParamSpec *pspec, Recorder *r)
{
    const SpiceGlScanout *scanout = spice_display_channel_get_gl_scanout(channel);

    if (scanout && scanout->fd >= 0) {
        recorder_note(r, "scanout %ux%u", scanout->width, scanout->height);
        g_assert_cmpint(write(scanout->fd, "x", 1), ==, 1);
    } else {
        recorder_note(r, "no scanout");
    }
}

static void on_new(SpiceSession *session, SpiceChannel *channel, Recorder *r)
{
    if (SPICE_IS_DISPLAY_CHANNEL(channel))
        g_signal_connect(channel, "notify::gl-scanout", G_CALLBACK(on_scanout), r);
}

static Recorder *start(FakeServer *server, const gchar *path)
{
    Recorder *r = recorder_new(0, 0);

    g_object_set(r->session, "unix-path", path, NULL);
    g_signal_connect(r->session, "channel-new", G_CALLBACK(on_new), r);
    g_assert_true(spice_session_connect(r->session));
    recorder_wait(r, "display:0 OPENED");
    return r;
}

/* Whether anybody still has the writing end: the reading end gets no end of file then. */
static void assert_closed(gint fd)
{
    gchar buffer[8];
    gssize n;

    while ((n = read(fd, buffer, sizeof buffer)) > 0)
        continue;
    g_assert_cmpint(n, ==, 0);
}

static void run(guint unexpected)
{
    Plan plan = {.unexpected = unexpected};
    g_autofree gchar *folder = g_dir_make_tmp("spice-test-XXXXXX", NULL);
    g_autofree gchar *path = g_build_filename(folder, "socket", NULL);
    FakeServer *server;
    Recorder *r;

    g_assert_cmpint(pipe(plan.pipe), ==, 0);
    server = fake_server_new(script, &plan);
    fake_server_add_unix(server, path);
    r = start(server, path);
    if (unexpected) {
        run_for(100);
    } else {
        recorder_wait(r, "scanout 64x32");
        recorder_wait(r, "no scanout");
    }
    recorder_free(r);
    fake_server_free(server);
    close(plan.pipe[1]);
    assert_closed(plan.pipe[0]);
    close(plan.pipe[0]);
    g_unlink(path);
    g_rmdir(folder);
}

static void test_scanout(void)
{
    run(0);
}

static void test_unexpected(void)
{
    run(1);
    run(3);
    run(30);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_log_set_always_fatal(G_LOG_FATAL_MASK);
    g_test_add_func("/fd/scanout", test_scanout);
    g_test_add_func("/fd/unexpected", test_unexpected);
    return g_test_run();
}
