/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Connections that fail: each ends in its own event and error, and the session can be used again.
 * Spec: client-glib.md 4.3 to 4.6 and 5.4. */
#include <string.h>
#include <glib/gstdio.h>
#include "fake-server.h"
#include "recorder.h"

static void expect(Recorder *r, const gchar *event, const gchar *before)
{
    g_autofree gchar *last = g_strdup_printf("main:0 %s\n", event);
    g_autofree gchar *all = g_strdup_printf("channel-new main:0\n%s%s", before, last);

    g_assert_true(spice_session_connect(r->session));
    recorder_wait(r, last);
    run_for(30);
    g_assert_cmpstr(r->lines->str, ==, all);
    g_assert_nonnull(recorder_channel(r, SPICE_CHANNEL_MAIN));
}

#define UPDATE "main:0 main-agent-update\n"

static void assert_error(Recorder *r, GQuark domain, gint code, const gchar *pattern)
{
    g_assert_nonnull(r->error_text);
    g_assert_cmpstr(g_quark_to_string(r->error_domain), ==, g_quark_to_string(domain));
    g_assert_cmpint(r->error_code, ==, code);
    if (!g_pattern_match_simple(pattern, r->error_text))
        g_error("\"%s\" is not like \"%s\"", r->error_text, pattern);
}

/* A port that nobody listens on: bound, and closed again. */
static guint16 closed_port(void)
{
    FakeServer *server = fake_server_new(fake_standard, NULL);
    guint16 port = fake_server_port(server);

    fake_server_free(server);
    return port;
}

static void test_port_closed(void)
{
    Recorder *r = recorder_new(closed_port(), 0);

    expect(r, "ERROR_CONNECT", UPDATE);
    assert_error(r, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED,
                 "Could not connect to 127.0.0.1: Connection refused");
    recorder_free(r);
}

static void test_unix_missing(void)
{
    Recorder *r = recorder_new(0, 0);

    g_object_set(r->session, "unix-path", "/nonexistent/socket", NULL);
    g_string_truncate(r->lines, 0);
    expect(r, "ERROR_CONNECT", UPDATE);
    assert_error(r, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "*");
    recorder_free(r);
}

static void test_name_unknown(void)
{
    Recorder *r = recorder_new(5900, 0);

    g_object_set(r->session, "host", "no-such-host.invalid", NULL);
    g_string_truncate(r->lines, 0);
    expect(r, "ERROR_CONNECT", UPDATE);
    g_assert_cmpstr(g_quark_to_string(r->error_domain), ==, g_quark_to_string(G_RESOLVER_ERROR));
    recorder_free(r);
}

static void test_no_port(void)
{
    Recorder *r = recorder_new(0, 0);

    expect(r, "ERROR_CONNECT", UPDATE);
    assert_error(r, SPICE_CLIENT_ERROR, SPICE_CLIENT_ERROR_FAILED, "*port*");
    recorder_free(r);
}

static void test_bad_port(void)
{
    Recorder *r = recorder_new(0, 0);

    g_object_set(r->session, "port", "65536", "tls-port", "12x", NULL);
    g_string_truncate(r->lines, 0);
    expect(r, "ERROR_CONNECT", UPDATE);
    recorder_free(r);
}

static void need_secured_script(FakeConn *conn, gpointer data)
{
    if (fake_read_link(conn))
        fake_write_reply_error(conn, SPICE_LINK_ERR_NEED_SECURED);
}

static void test_tls_wanted_without_port(void)
{
    FakeServer *server = fake_server_new(need_secured_script, NULL);
    Recorder *r = recorder_new(fake_server_port(server), 0);

    expect(r, "ERROR_CONNECT", UPDATE UPDATE);
    assert_error(r, SPICE_CLIENT_ERROR, SPICE_CLIENT_ERROR_FAILED,
                 "An encrypted connection is required, but *");
    recorder_free(r);
    fake_server_free(server);
}

static void link_error_script(FakeConn *conn, gpointer data)
{
    if (fake_read_link(conn))
        fake_write_reply_error(conn, GPOINTER_TO_UINT(data));
}

static void test_link_errors(void)
{
    static const guint codes[] = {SPICE_LINK_ERR_ERROR,
                                  SPICE_LINK_ERR_INVALID_MAGIC,
                                  SPICE_LINK_ERR_INVALID_DATA,
                                  SPICE_LINK_ERR_VERSION_MISMATCH,
                                  SPICE_LINK_ERR_NEED_UNSECURED,
                                  SPICE_LINK_ERR_PERMISSION_DENIED,
                                  SPICE_LINK_ERR_BAD_CONNECTION_ID,
                                  SPICE_LINK_ERR_CHANNEL_NOT_AVAILABLE,
                                  4711};

    for (gsize i = 0; i < G_N_ELEMENTS(codes); i++) {
        FakeServer *server = fake_server_new(link_error_script, GUINT_TO_POINTER(codes[i]));
        Recorder *r = recorder_new(fake_server_port(server), 0);

        expect(r, "ERROR_LINK", UPDATE);
        assert_error(r, SPICE_CLIENT_ERROR, SPICE_CLIENT_ERROR_FAILED,
                     "The server refused the connection: ?*");
        recorder_free(r);
        fake_server_free(server);
    }
}

typedef struct Bytes {
    const gchar *data;
    gsize size;
} Bytes;

static void bytes_script(FakeConn *conn, gpointer data)
{
    const Bytes *bytes = data;

    fake_write(conn, bytes->data, bytes->size);
}

static void check_bytes(const Bytes *bytes, const gchar *pattern)
{
    FakeServer *server = fake_server_new(bytes_script, (gpointer)bytes);
    Recorder *r = recorder_new(fake_server_port(server), 0);

    expect(r, "ERROR_LINK", UPDATE);
    assert_error(r, SPICE_CLIENT_ERROR, SPICE_CLIENT_ERROR_FAILED, pattern);
    recorder_free(r);
    fake_server_free(server);
}

static void test_not_spice(void)
{
    static const Bytes http = {"HTTP/1.1 400 Bad Request\r\n\r\n", 28},
                       ssh = {"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", 32};

    check_bytes(&http, "This is not a SPICE server*");
    check_bytes(&ssh, "This is not a SPICE server*");
}

static void test_version_mismatch(void)
{
    static const Bytes one = {"REDQ\1\0\0\0\2\0\0\0\262\0\0\0", 16};

    check_bytes(&one,
                "The server speaks version 1 of the SPICE protocol, this client speaks version 2");
}

/* CVE-2016-9578 from the client's side: sizes and counts of the link stage. */
static void test_cve_2016_9578_link_sizes(void)
{
    static const Bytes tiny = {"REDQ\2\0\0\0\2\0\0\0\1\0\0\0\0", 17},
                       huge = {"REDQ\2\0\0\0\2\0\0\0\377\377\377\377", 16};
    guint8 counts[16 + 178] = "REDQ\2\0\0\0\2\0\0\0\262\0\0\0";
    Bytes bytes = {(const gchar *)counts, sizeof counts};

    check_bytes(&tiny, "The server's greeting is damaged*");
    check_bytes(&huge, "The server's greeting is damaged*");
    memset(counts + 16 + 166, 0xff, 8); /* capability words */
    counts[16 + 174] = 178;
    check_bytes(&bytes, "The server's greeting is damaged*");
    memset(counts + 16 + 166, 0, 8);
    counts[16 + 166] = 1;
    memset(counts + 16 + 174, 0xff, 4); /* offset */
    check_bytes(&bytes, "The server's greeting is damaged*");
}

static void no_auth_script(FakeConn *conn, gpointer data)
{
    if (fake_read_link(conn) &&
        fake_write_reply(conn, 1u << SPICE_COMMON_CAP_PROTOCOL_AUTH_SELECTION, 0))
        fake_drain(conn);
}

static void test_no_authentication(void)
{
    FakeServer *server = fake_server_new(no_auth_script, NULL);
    Recorder *r = recorder_new(fake_server_port(server), 0);

    expect(r, "ERROR_LINK", UPDATE);
    recorder_free(r);
    fake_server_free(server);
}

static void zero_key_script(FakeConn *conn, gpointer data)
{
    WireLinkReply reply = {.common_caps = {1, {0xb}}};
    WireBuffer out = {0};

    if (!fake_read_link(conn))
        return;
    g_assert_true(wire_link_reply_write(&reply, &out));
    fake_write(conn, out.data, out.size);
    wire_buffer_clear(&out);
    fake_drain(conn);
}

static void test_bad_key(void)
{
    FakeServer *server = fake_server_new(zero_key_script, NULL);
    Recorder *r = recorder_new(fake_server_port(server), 0);

    expect(r, "ERROR_LINK", UPDATE);
    assert_error(r, SPICE_CLIENT_ERROR, SPICE_CLIENT_ERROR_FAILED, "The server's key*");
    recorder_free(r);
    fake_server_free(server);
}

static void refuse_script(FakeConn *conn, gpointer data)
{
    if (fake_read_link(conn) && fake_write_reply(conn, 0xb, 0) && fake_read_ticket(conn))
        fake_write_result(conn, SPICE_LINK_ERR_PERMISSION_DENIED);
}

/* Wrong, expired, or never set: the server says the same. */
static void test_password_refused(void)
{
    static const gchar *const passwords[] = {NULL, "", "wrong", "\303\244\303\266"};

    for (gsize i = 0; i < G_N_ELEMENTS(passwords); i++) {
        FakeServer *server = fake_server_new(refuse_script, NULL);
        Recorder *r = recorder_new(fake_server_port(server), 0);

        g_object_set(r->session, "password", passwords[i], NULL);
        g_string_truncate(r->lines, 0);
        expect(r, "ERROR_AUTH", UPDATE);
        assert_error(r, SPICE_CLIENT_ERROR, SPICE_CLIENT_ERROR_AUTH_NEEDS_PASSWORD,
                     "Authentication failed: wrong password?");
        recorder_free(r);
        fake_server_free(server);
    }
}

static void test_password_too_long(void)
{
    FakeServer *server = fake_server_new(refuse_script, NULL);
    Recorder *r = recorder_new(fake_server_port(server), 0);
    g_autofree gchar *password = g_strnfill(61, 'x');

    g_object_set(r->session, "password", password, NULL);
    g_string_truncate(r->lines, 0);
    expect(r, "ERROR_AUTH", UPDATE);
    assert_error(r, SPICE_CLIENT_ERROR, SPICE_CLIENT_ERROR_AUTH_NEEDS_PASSWORD,
                 "Authentication failed: password is too long");
    recorder_free(r);
    fake_server_free(server);
}

static void ticket_script(FakeConn *conn, gpointer data)
{
    gchar **seen = data;

    if (!fake_read_link(conn) || !fake_write_reply(conn, 0xb, 0) || !fake_read_ticket(conn))
        return;
    *seen = g_strdup(conn->password);
    fake_write_result(conn, SPICE_LINK_ERR_PERMISSION_DENIED);
}

/* A ticket decrypts to the password, whatever its length, and never to more than a server's buffer
 * of 61 bytes holds. */
static void test_cve_2013_4282_ticket_of_every_length(void)
{
    for (gsize n = 0; n <= 300; n = n < 64 ? n + 1 : n + 59) {
        gchar *seen = NULL;
        FakeServer *server = fake_server_new(ticket_script, &seen);
        Recorder *r = recorder_new(fake_server_port(server), 0);
        g_autofree gchar *password = g_strnfill(n, 'p');

        g_object_set(r->session, "password", password, NULL);
        g_string_truncate(r->lines, 0);
        expect(r, "ERROR_AUTH", UPDATE);
        recorder_free(r);
        fake_server_free(server);
        g_assert_cmpstr(seen, ==, n <= 60 ? password : NULL);
        g_free(seen);
    }
}

static void test_protocol_1(void)
{
    FakeServer *server = fake_server_new(fake_standard, NULL);
    Recorder *r = recorder_new(fake_server_port(server), 0);

    g_object_set(r->session, "protocol", 1, NULL);
    g_assert_false(spice_session_connect(r->session));
    run_for(30);
    g_assert_cmpuint(fake_server_count(server), ==, 0);
    recorder_free(r);
    fake_server_free(server);
}

/* --- the server goes away at every byte of the session's start --- */

typedef struct Cut {
    gsize after; /* bytes that are sent */
    GByteArray *start;
} Cut;

static void cut_script(FakeConn *conn, gpointer data)
{
    Cut *cut = data;
    gsize greeting = 16 + 186;
    guint8 ok[4] = {0};

    if (!fake_read_link(conn))
        return;
    fake_write(conn, cut->start->data, MIN(cut->after, greeting));
    if (cut->after <= greeting || !fake_read_ticket(conn))
        return;
    fake_write(conn, ok, MIN(cut->after - greeting, sizeof ok));
    if (cut->after > greeting + 4)
        fake_write(conn, cut->start->data + greeting,
                   MIN(cut->after - greeting - 4, cut->start->len - greeting));
}

static void test_cut_at_every_byte(void)
{
    Cut cut = {.start = fake_reply_bytes(0xb, 0xf)};
    static const guint8 init[] = {0x67, 0, 0x20, 0, 0, 0, 0x34, 0x12, 0, 0, 1, 0, 0,
                                  0,    3, 0,    0, 0, 1, 0,    0,    0, 0, 0, 0, 0,
                                  10,   0, 0,    0, 1, 1, 1,    0,    0, 0, 0, 4};
    guint opened = 0;

    g_byte_array_append(cut.start, init, sizeof init);
    for (cut.after = 0; cut.after <= cut.start->len + 4;
         cut.after += cut.after < 190 && cut.after > 20 ? 13 : 1) {
        FakeServer *server = fake_server_new(cut_script, &cut);
        Recorder *r = recorder_new(fake_server_port(server), 0);
        gboolean ready = cut.after >= 16 + 186 + 4;

        g_assert_true(spice_session_connect(r->session));
        recorder_wait(r, ready ? "main:0 CLOSED" : "main:0 ERROR_LINK");
        g_assert_cmpuint(recorder_count(r, "OPENED"), ==, ready ? 1 : 0);
        g_assert_cmpuint(recorder_count(r, "CLOSED"), ==, ready ? 1 : 0);
        g_assert_nonnull(r->error_text);
        opened += ready;
        recorder_free(r);
        fake_server_free(server);
    }
    g_assert_cmpuint(opened, ==, sizeof init + 1);
    g_byte_array_unref(cut.start);
}

/* A server that is silent: the attempt is given up at once when the application wants it. */
static void silent_script(FakeConn *conn, gpointer data)
{
    fake_drain(conn);
}

static void test_give_up_while_linking(void)
{
    FakeServer *server = fake_server_new(silent_script, NULL);
    Recorder *r = recorder_new(fake_server_port(server), 0);

    g_assert_true(spice_session_connect(r->session));
    while (fake_server_count(server) == 0)
        run_for(10);
    run_for(30);
    spice_session_disconnect(r->session);
    recorder_wait(r, "session disconnected");
    g_assert_cmpuint(recorder_count(r, "main:0 ERROR_LINK"), ==, 1);
    g_assert_cmpuint(recorder_count(r, "CLOSED"), ==, 0);
    recorder_free(r);
    fake_server_free(server);
}

static void test_reconnect_after_failure(void)
{
    FakeServer *server = fake_server_new(fake_standard, NULL);
    Recorder *r = recorder_new(closed_port(), 0);
    g_autofree gchar *port = g_strdup_printf("%u", fake_server_port(server));

    for (guint i = 1; i <= 3; i++) {
        g_assert_true(spice_session_connect(r->session));
        recorder_wait_count(r, "ERROR_CONNECT", i);
    }
    g_object_set(r->session, "port", port, NULL);
    g_assert_true(spice_session_connect(r->session));
    recorder_wait(r, "inputs:0 inputs-modifiers");
    recorder_free(r);
    fake_server_free(server);
}

static void test_unix_socket(void)
{
    FakeServer *server = fake_server_new(fake_standard, NULL);
    g_autofree gchar *folder = g_dir_make_tmp("spice-test-XXXXXX", NULL);
    g_autofree gchar *path = g_build_filename(folder, "socket", NULL);
    Recorder *r = recorder_new(0, 0);

    fake_server_add_unix(server, path);
    g_object_set(r->session, "unix-path", path, NULL);
    g_assert_true(spice_session_connect(r->session));
    recorder_wait(r, "inputs:0 inputs-modifiers");
    recorder_free(r);
    fake_server_free(server);
    g_unlink(path);
    g_rmdir(folder);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_log_set_always_fatal(G_LOG_FATAL_MASK);
    g_test_add_func("/failures/port-closed", test_port_closed);
    g_test_add_func("/failures/unix-missing", test_unix_missing);
    g_test_add_func("/failures/name-unknown", test_name_unknown);
    g_test_add_func("/failures/no-port", test_no_port);
    g_test_add_func("/failures/bad-port", test_bad_port);
    g_test_add_func("/failures/tls-wanted-without-port", test_tls_wanted_without_port);
    g_test_add_func("/failures/link-errors", test_link_errors);
    g_test_add_func("/failures/not-spice", test_not_spice);
    g_test_add_func("/failures/version-mismatch", test_version_mismatch);
    g_test_add_func("/failures/cve_2016_9578_link_sizes", test_cve_2016_9578_link_sizes);
    g_test_add_func("/failures/no-authentication", test_no_authentication);
    g_test_add_func("/failures/bad-key", test_bad_key);
    g_test_add_func("/failures/password-refused", test_password_refused);
    g_test_add_func("/failures/password-too-long", test_password_too_long);
    g_test_add_func("/failures/cve_2013_4282_ticket_of_every_length",
                    test_cve_2013_4282_ticket_of_every_length);
    g_test_add_func("/failures/protocol-1", test_protocol_1);
    g_test_add_func("/failures/cut-at-every-byte", test_cut_at_every_byte);
    g_test_add_func("/failures/give-up-while-linking", test_give_up_while_linking);
    g_test_add_func("/failures/reconnect", test_reconnect_after_failure);
    g_test_add_func("/failures/unix-socket", test_unix_socket);
    return g_test_run();
}
