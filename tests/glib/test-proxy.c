/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* HTTP proxies, and handlers that run a main loop of their own. Spec: client-glib.md 3.3, 2.1
 * and 4.6. */
#include <pthread.h>
#include <string.h>
#include "fake-server.h"
#include "recorder.h"

typedef struct Proxy {
    const gchar *reply; /* status line, or NULL: connect */
    gint asked;
    pthread_mutex_t lock; /* request */
    gchar request[1024];
} Proxy;

/* Proxy and server in one: after the answer it speaks SPICE. */
static void proxy_script(FakeConn *conn, gpointer data)
{
    Proxy *proxy = data;
    gchar request[1024] = "";
    gsize n = 0;

    while (!strstr(request, "\r\n\r\n") && n < sizeof request - 1 &&
           fake_read(conn, request + n, 1))
        n++;
    pthread_mutex_lock(&proxy->lock);
    memcpy(proxy->request, request, sizeof request);
    pthread_mutex_unlock(&proxy->lock);
    g_atomic_int_inc(&proxy->asked);
    if (proxy->reply) {
        fake_write(conn, proxy->reply, strlen(proxy->reply));
        return;
    }
    fake_write(conn, "HTTP/1.0 200 OK\r\n\r\n", 19);
    fake_standard(conn, NULL);
}

static Recorder *start(FakeServer *server, const gchar *user)
{
    Recorder *r = recorder_new(5900, 0);
    g_autofree gchar *text = g_strdup_printf("http://127.0.0.1:%u", fake_server_port(server));

    g_object_set(r->session, "host", "machine.invalid", "proxy", text, NULL);
    if (user) {
        spice_uri_set_user(spice_session_get_proxy_uri(r->session), user);
        spice_uri_set_password(spice_session_get_proxy_uri(r->session), "secret");
    }
    g_string_truncate(r->lines, 0);
    g_assert_true(spice_session_connect(r->session));
    return r;
}

static void test_connect(void)
{
    Proxy proxy = {.lock = PTHREAD_MUTEX_INITIALIZER};
    FakeServer *server = fake_server_new(proxy_script, &proxy);
    Recorder *r = start(server, "me");

    recorder_wait(r, "inputs:0 inputs-modifiers");
    recorder_wait(r, "cursor:0 cursor-hide");
    g_assert_cmpint(g_atomic_int_get(&proxy.asked), ==, 3);
    pthread_mutex_lock(&proxy.lock);
    /* the proxy resolves the name; the credentials go to it */
    g_assert_true(g_str_has_prefix(proxy.request, "CONNECT machine.invalid:5900 HTTP/1.0\r\n"));
    g_assert_nonnull(strstr(proxy.request, "Proxy-Authorization: Basic bWU6c2VjcmV0\r\n"));
    pthread_mutex_unlock(&proxy.lock);
    recorder_free(r);
    fake_server_free(server);
}

static void test_refused(void)
{
    static const struct {
        const gchar *reply, *user;
        gint code;
    } cases[] = {
        {"HTTP/1.0 407 Proxy Authentication Required\r\n\r\n", NULL, G_IO_ERROR_PROXY_NEED_AUTH},
        {"HTTP/1.0 407 Proxy Authentication Required\r\n\r\n", "me", G_IO_ERROR_PROXY_AUTH_FAILED},
        {"HTTP/1.0 403 Forbidden\r\n\r\n", NULL, G_IO_ERROR_PROXY_NOT_ALLOWED},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        Proxy proxy = {.reply = cases[i].reply, .lock = PTHREAD_MUTEX_INITIALIZER};
        FakeServer *server = fake_server_new(proxy_script, &proxy);
        Recorder *r = start(server, cases[i].user);

        recorder_wait(r, "main:0 ERROR_CONNECT");
        g_assert_cmpstr(g_quark_to_string(r->error_domain), ==, g_quark_to_string(G_IO_ERROR));
        g_assert_cmpint(r->error_code, ==, cases[i].code);
        recorder_free(r);
        fake_server_free(server);
    }
}

static void test_proxy_unknown(void)
{
    Recorder *r = recorder_new(5900, 0);

    g_object_set(r->session, "proxy", "http://proxy.invalid:8080", NULL);
    g_assert_true(spice_session_connect(r->session));
    recorder_wait(r, "main:0 ERROR_CONNECT");
    g_assert_true(g_str_has_prefix(r->error_text, "SPICE proxy: "));
    recorder_free(r);
}

/* --- nested main loops --- */

static void refuse_first(FakeConn *conn, gpointer data)
{
    if (conn->number == 1) {
        if (fake_read_link(conn) && fake_write_reply(conn, 0x0b, 0xf) && fake_read_ticket(conn))
            fake_write_result(conn, SPICE_LINK_ERR_PERMISSION_DENIED);
        return;
    }
    fake_standard(conn, data);
}

/* The password dialog of a viewer: it connects again from inside, and stays for a while. */
static void nested_dialog(Recorder *r, SpiceChannel *channel, SpiceChannelEvent event)
{
    if (event != SPICE_CHANNEL_ERROR_AUTH)
        return;
    recorder_note(r, "-- dialog opens");
    run_for(50);
    g_assert_nonnull(spice_channel_get_error(channel));
    g_assert_true(spice_session_connect(r->session));
    recorder_wait(r, "inputs:0 inputs-modifiers");
    /* still the error of this event */
    g_assert_cmpstr(spice_channel_get_error(channel)->message, ==,
                    "Authentication failed: wrong password?");
    recorder_note(r, "-- dialog closes");
}

static void test_nested_dialog(void)
{
    FakeServer *server = fake_server_new(refuse_first, NULL);
    Recorder *r = recorder_new(fake_server_port(server), 0);

    r->on_event = nested_dialog;
    g_assert_true(spice_session_connect(r->session));
    recorder_wait(r, "-- dialog closes");
    run_for(30);
    g_assert_cmpuint(recorder_count(r, "CLOSED"), ==, 0);
    g_assert_cmpuint(recorder_count(r, "main:0 OPENED"), ==, 1);
    recorder_free(r);
    fake_server_free(server);
}

static guint depth, deepest, calls;

static void nested_in_message(SpiceSession *session, gpointer data)
{
    calls++;
    depth++;
    deepest = MAX(deepest, depth);
    if (calls < 4)
        run_for(30);
    depth--;
}

static void many_times(FakeConn *conn, gpointer data)
{
    if (!fake_link(conn, 0xf))
        return;
    fake_send_main_start(conn, FALSE);
    for (guint i = 0; i < 10; i++)
        fake_send(conn, SPICE_MSG_MAIN_MULTI_MEDIA_TIME,
                  &(WireMsgMainMultiMediaTime){.time = i * 100000});
    fake_drain(conn);
}

static gboolean few_calls(gpointer data)
{
    return calls < 11;
}

/* While a handler runs no further message of that channel is handled, not even in a loop of the
 * handler. */
static void test_nested_in_message(void)
{
    FakeServer *server = fake_server_new(many_times, NULL);
    Recorder *r = recorder_new(fake_server_port(server), 0);

    g_signal_connect(r->session, "mm-time-reset", G_CALLBACK(nested_in_message), NULL);
    g_assert_true(spice_session_connect(r->session));
    run_while(few_calls, NULL);
    g_assert_cmpuint(deepest, ==, 1);
    recorder_free(r);
    fake_server_free(server);
}

static void disconnect_in_message(SpiceSession *session, Recorder *r)
{
    spice_channel_disconnect(recorder_channel(r, SPICE_CHANNEL_MAIN), SPICE_CHANNEL_CLOSED);
}

/* A handler of a message ends the connection it came on. */
static void test_disconnect_in_message(void)
{
    FakeServer *server = fake_server_new(many_times, NULL);
    Recorder *r = recorder_new(fake_server_port(server), 0);

    g_signal_connect(r->session, "mm-time-reset", G_CALLBACK(disconnect_in_message), r);
    g_assert_true(spice_session_connect(r->session));
    recorder_wait_count(r, "main:0 CLOSED", 2);
    g_assert_cmpuint(recorder_count(r, "mm-time-reset"), ==, 1);
    recorder_free(r);
    fake_server_free(server);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_log_set_always_fatal(G_LOG_FATAL_MASK);
    g_test_add_func("/proxy/connect", test_connect);
    g_test_add_func("/proxy/refused", test_refused);
    g_test_add_func("/proxy/unknown", test_proxy_unknown);
    g_test_add_func("/nested/dialog", test_nested_dialog);
    g_test_add_func("/nested/in-message", test_nested_in_message);
    g_test_add_func("/nested/disconnect-in-message", test_disconnect_in_message);
    return g_test_run();
}
