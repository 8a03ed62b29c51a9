/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The emission orders that applications rely on. Spec: client-glib.md 5. */
#include <sys/socket.h>
#include <unistd.h>
#include "fake-server.h"
#include "recorder.h"

/* The lines of one channel, or of the session: channels interleave freely. */
static gchar *lines_of(Recorder *r, const gchar *prefix)
{
    GString *out = g_string_new(NULL);
    g_auto(GStrv) lines = g_strsplit(r->lines->str, "\n", -1);

    for (gchar **l = lines; *l; l++)
        if (g_str_has_prefix(*l, prefix))
            g_string_append_printf(out, "%s\n", *l);
    return g_string_free(out, FALSE);
}

static void assert_lines(Recorder *r, const gchar *prefix, const gchar *expected)
{
    g_autofree gchar *lines = lines_of(r, prefix);

    g_assert_cmpstr(lines, ==, expected);
}

#define MAIN_START                  \
    "channel-new main:0\n"          \
    "main:0 OPENED\n"               \
    "main:0 main-mouse-update\n"    \
    "main:0 notify::mouse-mode 1\n" \
    "session mm-time-reset\n"       \
    "session notify::name\n"        \
    "session notify::uuid\n"        \
    "session notify::uuid\n"        \
    "channel-new cursor:0\n"        \
    "channel-new inputs:0\n"

static Recorder *connected(FakeServer *server)
{
    Recorder *r = recorder_new(fake_server_port(server), 0);

    g_assert_true(spice_session_connect(r->session));
    recorder_wait(r, "inputs:0 inputs-modifiers");
    recorder_wait(r, "cursor:0 cursor-hide");
    return r;
}

/* 5.1 */
static void test_connect(void)
{
    FakeServer *server = fake_server_new(fake_standard, NULL);
    Recorder *r = recorder_new(fake_server_port(server), 0);

    g_assert_true(spice_session_connect(r->session));
    g_assert_cmpstr(r->lines->str, ==, "channel-new main:0\n");
    recorder_wait(r, "inputs:0 inputs-modifiers");
    recorder_wait(r, "cursor:0 cursor-hide");
    g_assert_true(g_str_has_prefix(r->lines->str, MAIN_START));
    assert_lines(r, "inputs:0", "inputs:0 OPENED\ninputs:0 inputs-modifiers\n");
    assert_lines(r, "cursor:0", "cursor:0 OPENED\ncursor:0 cursor-hide\n");
    recorder_free(r);
    fake_server_free(server);
}

static void send_agent_announcement(FakeConn *conn)
{
    static const guint8 announce[28] = {1, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0,    0,    0, 0,
                                        0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0xe7, 0x8d, 3, 0};
    WireMsgMainAgentData data = {.data = {announce, sizeof announce}};

    fake_send(conn, SPICE_MSG_MAIN_AGENT_DATA, &data);
}

static void agent_script(FakeConn *conn, gpointer data)
{
    WireMsgMainAgentDisconnected gone = {0};
    WireMsgMainAgentConnectedTokens came = {.num_tokens = 10};

    if (!fake_link(conn, 0xf))
        return;
    fake_send_main_start(conn, TRUE);
    send_agent_announcement(conn);
    fake_send(conn, SPICE_MSG_MAIN_AGENT_DISCONNECTED, &gone);
    fake_send(conn, SPICE_MSG_MAIN_AGENT_CONNECTED_TOKENS, &came);
    fake_drain(conn);
}

/* 5.2 */
static void test_agent(void)
{
    FakeServer *server = fake_server_new(agent_script, NULL);
    Recorder *r = recorder_new(fake_server_port(server), 0);

    g_assert_true(spice_session_connect(r->session));
    recorder_wait_count(r, "notify::agent-connected TRUE", 2);
    recorder_wait_count(r, "main-agent-update", 4);
    assert_lines(r, "main:0",
                 "main:0 OPENED\n"
                 "main:0 main-mouse-update\n"
                 "main:0 notify::mouse-mode 1\n"
                 "main:0 notify::agent-connected TRUE\n"
                 "main:0 main-agent-update\n"
                 "main:0 main-agent-update\n"
                 "main:0 notify::agent-connected FALSE\n"
                 "main:0 main-agent-update\n"
                 "main:0 notify::agent-connected TRUE\n"
                 "main:0 main-agent-update\n");
    recorder_free(r);
    fake_server_free(server);
}

static void password_script(FakeConn *conn, gpointer data)
{
    if (!fake_read_link(conn) || !fake_write_reply(conn, 0x0b, 0xf) || !fake_read_ticket(conn))
        return;
    if (!g_str_equal(conn->password, "right")) {
        fake_write_result(conn, SPICE_LINK_ERR_PERMISSION_DENIED);
        return;
    }
    fake_write_result(conn, SPICE_LINK_ERR_OK);
    fake_send_main_start(conn, FALSE);
    fake_drain(conn);
}

static void set_password_and_retry(Recorder *r, SpiceChannel *channel, SpiceChannelEvent event)
{
    if (event != SPICE_CHANNEL_ERROR_AUTH)
        return;
    g_assert_cmpint(r->error_code, ==, SPICE_CLIENT_ERROR_AUTH_NEEDS_PASSWORD);
    g_object_set(r->session, "password", "right", NULL);
    g_assert_true(spice_session_connect(r->session));
}

/* 5.3 */
static void test_wrong_password_then_right(void)
{
    FakeServer *server = fake_server_new(password_script, NULL);
    Recorder *r = recorder_new(fake_server_port(server), 0);

    r->on_event = set_password_and_retry;
    g_object_set(r->session, "password", "wrong", NULL);
    g_string_truncate(r->lines, 0);
    g_assert_true(spice_session_connect(r->session));
    recorder_wait(r, "session notify::name");
    g_assert_true(g_str_has_prefix(r->lines->str, "channel-new main:0\n"
                                                  "main:0 main-agent-update\n"
                                                  "main:0 ERROR_AUTH\n"
                                                  "session notify::password\n"
                                                  "main:0 OPENED\n"
                                                  "main:0 main-mouse-update\n"));
    g_assert_cmpstr(r->error_text, ==, "Authentication failed: wrong password?");
    recorder_free(r);
    fake_server_free(server);
}

/* 5.5 */
static void test_disconnect(void)
{
    FakeServer *server = fake_server_new(fake_standard, NULL);
    Recorder *r = connected(server);

    g_string_truncate(r->lines, 0);
    spice_session_disconnect(r->session);
    g_assert_cmpstr(r->lines->str, ==, "");
    recorder_wait(r, "session disconnected");
    g_assert_cmpstr(r->lines->str, ==,
                    "channel-destroy inputs:0\n"
                    "channel-destroy cursor:0\n"
                    "channel-destroy main:0\n"
                    "inputs:0 CLOSED\n"
                    "cursor:0 CLOSED\n"
                    "main:0 main-agent-update\n"
                    "main:0 CLOSED\n"
                    "session disconnected\n");
    g_assert_null(recorder_channel(r, SPICE_CHANNEL_MAIN));
    recorder_free(r);
    fake_server_free(server);
}

/* 5.6 */
static void test_server_quits(void)
{
    FakeServer *server = fake_server_new(fake_standard, NULL);
    Recorder *r = connected(server);
    g_autofree gchar *name = NULL;

    g_string_truncate(r->lines, 0);
    fake_server_drop_all(server);
    recorder_wait_count(r, "CLOSED", 3);
    run_for(50);
    assert_lines(r, "main:0", "main:0 main-agent-update\nmain:0 CLOSED\n");
    assert_lines(r, "inputs:0", "inputs:0 CLOSED\n");
    assert_lines(r, "cursor:0", "cursor:0 CLOSED\n");
    assert_lines(r, "channel-destroy", "");
    assert_lines(r, "session", "");
    g_object_get(r->session, "name", &name, NULL);
    g_assert_cmpstr(name, ==, "wire-vm");
    g_assert_nonnull(recorder_channel(r, SPICE_CHANNEL_INPUTS));
    recorder_free(r);
    fake_server_free(server);
}

/* 5.7 */
static void test_channel_disconnect(void)
{
    FakeServer *server = fake_server_new(fake_standard, NULL);
    Recorder *r = connected(server);

    g_string_truncate(r->lines, 0);
    spice_channel_disconnect(recorder_channel(r, SPICE_CHANNEL_MAIN), SPICE_CHANNEL_CLOSED);
    g_assert_cmpstr(r->lines->str, ==, "main:0 CLOSED with socket\n");
    recorder_wait_count(r, "main:0 CLOSED", 2);
    assert_lines(r, "main:0",
                 "main:0 CLOSED with socket\nmain:0 main-agent-update\nmain:0 CLOSED\n");
    g_assert_nonnull(recorder_channel(r, SPICE_CHANNEL_MAIN));
    recorder_free(r);
    fake_server_free(server);
}

/* 5.8, with the improvement that the new connection is made */
static void test_connect_while_connected(void)
{
    FakeServer *server = fake_server_new(fake_standard, NULL);
    Recorder *r = connected(server);

    g_string_truncate(r->lines, 0);
    g_assert_true(spice_session_connect(r->session));
    g_assert_cmpstr(r->lines->str, ==, "channel-destroy inputs:0\nchannel-destroy cursor:0\n");
    recorder_wait(r, "inputs:0 inputs-modifiers");
    g_assert_true(g_str_has_prefix(r->lines->str, "channel-destroy inputs:0\n"
                                                  "channel-destroy cursor:0\n"
                                                  "main:0 CLOSED\n") ||
                  g_str_has_prefix(r->lines->str, "channel-destroy inputs:0\n"
                                                  "channel-destroy cursor:0\n"
                                                  "inputs:0 CLOSED\n"
                                                  "cursor:0 CLOSED\n"
                                                  "main:0 main-agent-update\n"
                                                  "main:0 CLOSED\n"
                                                  "main:0 OPENED\n"
                                                  "session mm-time-reset\n"));
    assert_lines(r, "session disconnected", "");
    recorder_free(r);
    fake_server_free(server);
}

static int connect_socket(FakeServer *server)
{
    g_autoptr(GSocketClient) client = g_socket_client_new();
    g_autoptr(GSocketConnection) stream = NULL;
    int fd;

    stream =
        g_socket_client_connect_to_host(client, "127.0.0.1", fake_server_port(server), NULL, NULL);
    g_assert_nonnull(stream);
    fd = dup(g_socket_get_fd(g_socket_connection_get_socket(stream)));
    return fd;
}

static void give_fd(SpiceChannel *channel, gint with_tls, FakeServer *server)
{
    g_assert_cmpint(with_tls, ==, 0);
    g_assert_true(spice_channel_open_fd(channel, connect_socket(server)));
}

static void watch_for_fd(SpiceSession *session, SpiceChannel *channel, FakeServer *server)
{
    gint type;

    g_signal_connect(channel, "open-fd", G_CALLBACK(give_fd), server);
    g_object_get(channel, "channel-type", &type, NULL);
    if (type != SPICE_CHANNEL_MAIN)
        g_assert_true(spice_channel_open_fd(channel, -1));
}

/* 5.9 */
static void test_fd_session(void)
{
    FakeServer *server = fake_server_new(fake_standard, NULL);
    Recorder *r = recorder_new(0, 0);
    gboolean client_sockets;

    r->connect_channels = FALSE;
    g_signal_connect(r->session, "channel-new", G_CALLBACK(watch_for_fd), server);
    g_assert_true(spice_session_open_fd(r->session, -1));
    g_assert_cmpstr(r->lines->str, ==, "channel-new main:0\nmain:0 open-fd 0\n");
    g_object_get(r->session, "client-sockets", &client_sockets, NULL);
    g_assert_true(client_sockets);
    recorder_wait(r, "inputs:0 inputs-modifiers");
    recorder_wait(r, "cursor:0 cursor-hide");
    assert_lines(r, "inputs:0", "inputs:0 open-fd 0\ninputs:0 OPENED\ninputs:0 inputs-modifiers\n");
    recorder_free(r);
    fake_server_free(server);
}

/* 4.3: the socket may come at any time later */
static void test_fd_later(void)
{
    FakeServer *server = fake_server_new(fake_standard, NULL);
    Recorder *r = recorder_new(0, 0);

    r->connect_channels = FALSE;
    g_assert_true(spice_session_open_fd(r->session, -1));
    run_for(30);
    g_assert_cmpstr(r->lines->str, ==, "channel-new main:0\nmain:0 open-fd 0\n");
    g_assert_true(
        spice_channel_open_fd(recorder_channel(r, SPICE_CHANNEL_MAIN), connect_socket(server)));
    recorder_wait(r, "main:0 OPENED");
    recorder_free(r);
    fake_server_free(server);
}

/* A session object that nobody holds lives on until its channels are gone (2.2), and goes then. */
static void test_drop_at_once(void)
{
    FakeServer *server = fake_server_new(fake_standard, NULL);
    SpiceSession *session = spice_session_new();
    gpointer weak = session;
    g_autofree gchar *port = g_strdup_printf("%u", fake_server_port(server));

    g_object_add_weak_pointer(G_OBJECT(session), &weak);
    g_object_set(session, "host", "127.0.0.1", "port", port, NULL);
    spice_session_connect(session);
    run_for(50);
    spice_session_disconnect(session);
    spice_session_disconnect(session);
    g_object_unref(session);
    g_assert_nonnull(weak);
    run_for(50);
    g_assert_null(weak);
    fake_server_free(server);
}

/* 3.4: a connect while the disconnect is pending is refused. */
static void test_connect_while_disconnecting(void)
{
    FakeServer *server = fake_server_new(fake_standard, NULL);
    Recorder *r = connected(server);

    spice_session_disconnect(r->session);
    g_assert_false(spice_session_connect(r->session));
    recorder_wait(r, "session disconnected");
    g_assert_true(spice_session_connect(r->session));
    recorder_wait_count(r, "inputs:0 inputs-modifiers", 2);
    recorder_free(r);
    fake_server_free(server);
}

static void flushed(GObject *channel, GAsyncResult *result, gpointer data)
{
    GError *error = NULL;
    gboolean done = spice_channel_flush_finish(SPICE_CHANNEL(channel), result, &error);

    recorder_note(data, "flushed %d %s", done, error ? error->message : "");
    g_clear_error(&error);
}

/* 4.10 */
static void test_flush(void)
{
    FakeServer *server = fake_server_new(fake_standard, NULL);
    Recorder *r = recorder_new(fake_server_port(server), 0);
    SpiceChannel *inputs;
    gulong before, after;

    g_assert_true(spice_session_connect(r->session));
    spice_channel_flush_async(recorder_channel(r, SPICE_CHANNEL_MAIN), NULL, flushed, r);
    recorder_wait(r, "flushed 0 The channel is not ready yet");
    recorder_wait(r, "inputs:0 inputs-modifiers");
    inputs = recorder_channel(r, SPICE_CHANNEL_INPUTS);
    spice_inputs_channel_key_press(SPICE_INPUTS_CHANNEL(inputs), 0x1e);
    spice_channel_flush_async(inputs, NULL, flushed, r);
    recorder_wait(r, "flushed 1 ");
    g_object_get(inputs, "total-read-bytes", &before, NULL);
    /* header, reply with two words, result, INIT */
    g_assert_cmpuint(before, ==, 16 + 186 + 4 + 8);
    spice_inputs_channel_key_release(SPICE_INPUTS_CHANNEL(inputs), 0x1e);
    spice_channel_flush_async(inputs, NULL, flushed, r);
    spice_channel_disconnect(inputs, SPICE_CHANNEL_NONE);
    recorder_wait(r, "inputs:0 CLOSED");
    recorder_wait_count(r, "flushed", 3);
    g_object_get(inputs, "total-read-bytes", &after, NULL);
    g_assert_cmpuint(after, ==, before);
    g_assert_true(spice_channel_connect(inputs));
    recorder_wait_count(r, "inputs:0 OPENED", 2);
    recorder_free(r);
    fake_server_free(server);
}

static void goodbye_script(FakeConn *conn, gpointer data)
{
    WireMsgDisconnecting goodbye = {.reason = SPICE_LINK_ERR_PERMISSION_DENIED};

    if (!fake_link(conn, 0xf))
        return;
    fake_send_main_start(conn, FALSE);
    fake_send(conn, SPICE_MSG_DISCONNECTING, &goodbye);
}

/* 21.5: why the server closed, if it says so; the order is that of 5.6. */
static void test_goodbye(void)
{
    FakeServer *server = fake_server_new(goodbye_script, NULL);
    Recorder *r = recorder_new(fake_server_port(server), 0);

    g_assert_true(spice_session_connect(r->session));
    recorder_wait(r, "main:0 CLOSED");
    g_assert_cmpuint(recorder_count(r, "ERROR"), ==, 0);
    g_assert_true(g_str_has_prefix(r->error_text, "The server closed the connection: "));
    recorder_free(r);
    fake_server_free(server);
}

static void count_opened(SpiceChannel *channel, SpiceChannelEvent event, guint *opened)
{
    *opened += event == SPICE_CHANNEL_OPENED;
}

static void connect_in_context(SpiceSession *session, SpiceChannel *channel, guint *opened)
{
    g_signal_connect(channel, "channel-event", G_CALLBACK(count_opened), opened);
    if (!SPICE_IS_MAIN_CHANNEL(channel))
        spice_channel_connect(channel);
}

/* Section 22: all sources of the library in a context of the application's choice. */
static void test_other_main_context(void)
{
    FakeServer *server = fake_server_new(fake_standard, NULL);
    GMainContext *context = g_main_context_new();
    SpiceSession *session;
    gpointer weak;
    guint opened = 0;
    g_autofree gchar *port = g_strdup_printf("%u", fake_server_port(server));

    run_pending();
    spice_util_set_main_context(context);
    weak = session = spice_session_new();
    g_object_add_weak_pointer(G_OBJECT(session), &weak);
    g_object_set(session, "host", "127.0.0.1", "port", port, NULL);
    g_signal_connect(session, "channel-new", G_CALLBACK(connect_in_context), &opened);
    g_assert_true(spice_session_connect(session));
    while (opened < 3)
        g_main_context_iteration(context, TRUE);
    g_assert_false(g_main_context_pending(NULL));
    spice_session_disconnect(session);
    g_object_unref(session);
    while (weak)
        g_main_context_iteration(context, TRUE);
    /* The channels end after their session. */
    while (g_main_context_iteration(context, FALSE))
        continue;
    spice_util_set_main_context(NULL);
    g_main_context_unref(context);
    fake_server_free(server);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_log_set_always_fatal(G_LOG_FATAL_MASK);
    g_test_add_func("/orders/connect", test_connect);
    g_test_add_func("/orders/agent", test_agent);
    g_test_add_func("/orders/wrong-password-then-right", test_wrong_password_then_right);
    g_test_add_func("/orders/disconnect", test_disconnect);
    g_test_add_func("/orders/server-quits", test_server_quits);
    g_test_add_func("/orders/channel-disconnect", test_channel_disconnect);
    g_test_add_func("/orders/connect-while-connected", test_connect_while_connected);
    g_test_add_func("/orders/connect-while-disconnecting", test_connect_while_disconnecting);
    g_test_add_func("/orders/fd-session", test_fd_session);
    g_test_add_func("/orders/fd-later", test_fd_later);
    g_test_add_func("/orders/drop-at-once", test_drop_at_once);
    g_test_add_func("/orders/flush", test_flush);
    g_test_add_func("/orders/goodbye", test_goodbye);
    g_test_add_func("/orders/other-main-context", test_other_main_context);
    return g_test_run();
}
