/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SASL against the server half of the same library: DIGEST-MD5 with its security layer on plain
 * TCP, PLAIN inside TLS, refusals, and hostile lengths. Spec: client-glib.md 4.6, wire.md 6. */
#include <string.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sasl/sasl.h>
#include <sasl/saslplug.h>
#include "certificates.h"
#include "fake-server.h"
#include "recorder.h"

/* --- the password database: one user --- */

static int lookup(void *context, sasl_server_params_t *params, unsigned flags, const char *user,
                  unsigned size)
{
    const struct propval *wanted = params->utils->prop_get(params->propctx);

    if (size < 5 || memcmp(user, "alice", 5) != 0 || (size > 5 && user[5] != 64))
        return SASL_NOUSER;
    for (; wanted && wanted->name; wanted++)
        if (strcmp(wanted->name[0] == '*' ? wanted->name + 1 : wanted->name,
                   SASL_AUX_PASSWORD_PROP) == 0)
            params->utils->prop_set(params->propctx, wanted->name, "wonder", 6);
    return SASL_OK;
}

static int store(void *context, sasl_server_params_t *params, struct propctx *props,
                 const char *user, unsigned size)
{
    return SASL_NOUSER;
}

static sasl_auxprop_plug_t plugin = {
    .auxprop_lookup = lookup, .name = (char *)"testdb", .auxprop_store = store};

static int plugin_init(const sasl_utils_t *utils, int max, int *version, sasl_auxprop_plug_t **plug,
                       const char *name)
{
    *version = SASL_AUXPROP_PLUG_VERSION;
    *plug = &plugin;
    return SASL_OK;
}

static int get_option(void *context, const char *plugin_name, const char *option,
                      const char **result, unsigned *size)
{
    if (strcmp(option, "auxprop_plugin") == 0)
        *result = "testdb";
    else if (strcmp(option, "pwcheck_method") == 0)
        *result = "auxprop";
    else
        return SASL_FAIL;
    if (size)
        *size = strlen(*result);
    return SASL_OK;
}

static sasl_callback_t callbacks[] = {
    {SASL_CB_GETOPT, (int (*)(void))(void (*)(void))get_option, NULL},
    {SASL_CB_LIST_END, NULL, NULL}};

/* --- the server --- */

static gboolean read_word(FakeConn *conn, guint32 *word)
{
    guint8 bytes[4];

    if (!fake_read(conn, bytes, 4))
        return FALSE;
    *word = wire_link_word_read(bytes);
    return TRUE;
}

static gboolean write_word(FakeConn *conn, guint32 word)
{
    guint8 bytes[4];

    wire_link_word_write(bytes, word);
    return fake_write(conn, bytes, 4);
}

/* Data with their NUL counted; *data NULL: none. */
static gboolean read_data(FakeConn *conn, gchar **data, guint32 *size)
{
    *data = NULL;
    if (!read_word(conn, size))
        return FALSE;
    if (*size == 0)
        return TRUE;
    g_assert_cmpuint(*size, <=, 65536);
    *data = g_malloc(*size);
    if (!fake_read(conn, *data, *size))
        return FALSE;
    g_assert_cmpint((*data)[*size - 1], ==, 0);
    (*size)--;
    return TRUE;
}

static gboolean write_answer(FakeConn *conn, const char *out, unsigned size, gboolean done)
{
    guint8 complete = done;

    if (out && size > 0)
        return write_word(conn, size + 1) && fake_write(conn, out, size) &&
               fake_write(conn, "", 1) && fake_write(conn, &complete, 1);
    return write_word(conn, 0) && fake_write(conn, &complete, 1);
}

static gboolean write_layered(FakeConn *conn, sasl_conn_t *sasl, gboolean layer, const void *bytes,
                              unsigned size)
{
    const char *out;
    unsigned out_size;

    if (!layer)
        return fake_write(conn, bytes, size);
    g_assert_cmpint(sasl_encode(sasl, bytes, size, &out, &out_size), ==, SASL_OK);
    return fake_write(conn, out, out_size);
}

/* The link's result, INIT and NAME of a main channel. */
static const guint8 main_start[] = {
    0,    0,  0,    0, /* link result */
    0x67, 0,  0x20, 0, 0, 0, 0x34, 0x12, 0, 0, 1, 0, 0, 0,    3, 0, 0, 0, 1, 0, 0, 0, 0, 0,   0,
    0,    10, 0,    0, 0, 1, 1,    1,    0, 0, 0, 0, 4, 0x71, 0, 6, 0, 0, 0, 2, 0, 0, 0, 'x', 0};

static void serve_main(FakeConn *conn, sasl_conn_t *sasl, gboolean layer)
{
    guint8 wire[4096];
    GByteArray *got = g_byte_array_new();

    /* in two packets, the border inside a message */
    if (!write_layered(conn, sasl, layer, main_start, 20) ||
        !write_layered(conn, sasl, layer, main_start + 20, sizeof main_start - 20))
        goto out;
    /* ATTACH_CHANNELS and the mouse mode must come through the layer */
    while (got->len < 6 + 8) {
        const char *out = (const char *)wire;
        unsigned size = 1;

        if (!fake_read(conn, wire, 1))
            goto out;
        if (layer)
            g_assert_cmpint(sasl_decode(sasl, (const char *)wire, 1, &out, &size), ==, SASL_OK);
        if (size > 0)
            g_byte_array_append(got, (const guint8 *)out, size);
    }
    g_assert_cmpint(got->data[0], ==, SPICE_MSGC_MAIN_ATTACH_CHANNELS);
    g_assert_cmpint(got->data[6], ==, SPICE_MSGC_MAIN_MOUSE_MODE_REQUEST);
    fake_drain(conn);
out:
    g_byte_array_unref(got);
}

static void sasl_script(FakeConn *conn, gpointer data)
{
    const gchar *mechanism = data;
    g_autofree gchar *list = g_strdup_printf(",%s,", mechanism);
    sasl_security_properties_t props = {
        .min_ssf = 0, .max_ssf = conn->ssl ? 0 : 256, .maxbufsize = 8192};
    sasl_conn_t *sasl = NULL;
    g_autofree gchar *name = NULL, *in = NULL;
    const char *out = NULL;
    unsigned out_size = 0;
    guint32 word, size;
    int result;
    const void *ssf = NULL;

    if (!fake_read_link(conn) || !fake_write_reply(conn, 0x0d, 0xf) || !read_word(conn, &word))
        return;
    g_assert_cmpuint(word, ==, SPICE_COMMON_CAP_AUTH_SASL);
    write_word(conn, strlen(list));
    fake_write(conn, list, strlen(list));
    if (!read_word(conn, &size))
        return;
    g_assert_cmpuint(size, ==, strlen(mechanism));
    name = g_malloc0(size + 1);
    if (!fake_read(conn, name, size) || !read_data(conn, &in, &size))
        return;
    g_assert_cmpstr(name, ==, mechanism);
    g_assert_cmpint(
        sasl_server_new("spice", "vm", "vm", NULL, NULL, callbacks, SASL_SUCCESS_DATA, &sasl), ==,
        SASL_OK);
    sasl_setprop(sasl, SASL_SEC_PROPS, &props);
    result = sasl_server_start(sasl, name, in, in ? size : 0, &out, &out_size);
    while (result == SASL_CONTINUE) {
        write_answer(conn, out, out_size, FALSE);
        g_clear_pointer(&in, g_free);
        if (!read_data(conn, &in, &size))
            goto done;
        result = sasl_server_step(sasl, in, in ? size : 0, &out, &out_size);
    }
    if (result != SASL_OK) {
        g_debug("the SASL server says: %s", sasl_errdetail(sasl));
        goto done; /* a deployed server closes, without a word */
    }
    write_answer(conn, out, out_size, TRUE);
    write_word(conn, 0);
    sasl_getprop(sasl, SASL_SSF, &ssf);
    serve_main(conn, sasl, *(const sasl_ssf_t *)ssf > 0);
done:
    sasl_dispose(&sasl);
}

static Recorder *start(FakeServer *server, guint16 tls_port, const gchar *user,
                       const gchar *password)
{
    Recorder *r = recorder_new(tls_port ? 0 : fake_server_port(server), tls_port);

    g_object_set(r->session, "host", tls_port ? "localhost" : "127.0.0.1", "username", user,
                 "password", password, "ca-file", tls_port ? certificates_path("ca.pem") : NULL,
                 NULL);
    g_string_truncate(r->lines, 0);
    g_assert_true(spice_session_connect(r->session));
    return r;
}

static void test_digest_md5(void)
{
    FakeServer *server = fake_server_new(sasl_script, (gpointer) "DIGEST-MD5");
    Recorder *r = start(server, 0, "alice", "wonder");

    recorder_wait(r, "session notify::name");
    g_assert_cmpuint(recorder_count(r, "ERROR"), ==, 0);
    recorder_free(r);
    fake_server_free(server);
}

static void test_refused(void)
{
    static const gchar *const credentials[][2] = {
        {NULL, NULL}, {"alice", NULL}, {"alice", "wrong"}, {"bob", "wonder"}};

    for (gsize i = 0; i < G_N_ELEMENTS(credentials); i++) {
        FakeServer *server = fake_server_new(sasl_script, (gpointer) "DIGEST-MD5");
        Recorder *r = start(server, 0, credentials[i][0], credentials[i][1]);

        recorder_wait(r, "main:0 ERROR_");
        g_assert_cmpstr(r->lines->str, ==,
                        "channel-new main:0\nmain:0 main-agent-update\nmain:0 ERROR_AUTH\n");
        g_assert_cmpint(r->error_code, ==, SPICE_CLIENT_ERROR_AUTH_NEEDS_PASSWORD_AND_USERNAME);
        g_assert_cmpstr(r->error_text, ==, "Authentication failed");
        recorder_free(r);
        fake_server_free(server);
    }
}

static void test_plain_in_tls(void)
{
    FakeServer *server = fake_server_new(sasl_script, (gpointer) "PLAIN");
    guint16 tls_port =
        fake_server_add_tls(server, certificates_path("host.pem"), certificates_path("key.pem"));
    Recorder *r = start(server, tls_port, "alice", "wonder");

    recorder_wait(r, "session notify::name");
    recorder_free(r);
    fake_server_free(server);
}

/* Without TLS the password is not sent in clear. */
static void test_plain_without_tls(void)
{
    FakeServer *server = fake_server_new(sasl_script, (gpointer) "PLAIN");
    Recorder *r = start(server, 0, "alice", "wonder");

    recorder_wait(r, "main:0 ERROR_AUTH");
    recorder_free(r);
    fake_server_free(server);
}

typedef struct Hostile {
    guint32 list_size, answer_size;
} Hostile;

static void hostile_script(FakeConn *conn, gpointer data)
{
    const Hostile *h = data;
    guint32 word, size;
    g_autofree gchar *in = NULL;
    gchar name[16];

    if (!fake_read_link(conn) || !fake_write_reply(conn, 0x0d, 0xf) || !read_word(conn, &word))
        return;
    write_word(conn, h->list_size ? h->list_size : 12);
    fake_write(conn, ",DIGEST-MD5,", 12);
    if (!h->list_size && read_word(conn, &size) && size < sizeof name &&
        fake_read(conn, name, size) && read_data(conn, &in, &size))
        write_word(conn, h->answer_size);
    fake_drain(conn);
}

/* Lengths of the handshake: bounded before anything is allocated. */
static void test_hostile_lengths(void)
{
    static const Hostile cases[] = {
        {301, 0}, {0xffffffff, 0}, {0, 1024 * 1024 + 1}, {0, 0xffffffff}};

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        FakeServer *server = fake_server_new(hostile_script, (gpointer)&cases[i]);
        Recorder *r = start(server, 0, "alice", "wonder");

        recorder_wait(r, "main:0 ERROR_AUTH");
        recorder_free(r);
        fake_server_free(server);
    }
}

/* Log in for the security layer; NULL: the client is gone. */
static sasl_conn_t *log_in(FakeConn *conn)
{
    sasl_security_properties_t props = {.min_ssf = 56, .max_ssf = 256, .maxbufsize = 8192};
    sasl_conn_t *sasl = NULL;
    g_autofree gchar *in = NULL;
    gchar name[10];
    const char *out = NULL;
    unsigned out_size = 0;
    guint32 size;

    if (!fake_read_link(conn) || !fake_write_reply(conn, 0x0d, 0xf) || !read_word(conn, &size) ||
        !write_word(conn, 12) || !fake_write(conn, ",DIGEST-MD5,", 12) || !read_word(conn, &size) ||
        size != sizeof name || !fake_read(conn, name, size) || !read_data(conn, &in, &size))
        return NULL;
    g_assert_cmpint(
        sasl_server_new("spice", "vm", "vm", NULL, NULL, callbacks, SASL_SUCCESS_DATA, &sasl), ==,
        SASL_OK);
    sasl_setprop(sasl, SASL_SEC_PROPS, &props);
    g_assert_cmpint(sasl_server_start(sasl, "DIGEST-MD5", in, in ? size : 0, &out, &out_size), ==,
                    SASL_CONTINUE);
    g_clear_pointer(&in, g_free);
    if (!write_answer(conn, out, out_size, FALSE) || !read_data(conn, &in, &size)) {
        sasl_dispose(&sasl);
        return NULL;
    }
    g_assert_cmpint(sasl_server_step(sasl, in, in ? size : 0, &out, &out_size), ==, SASL_OK);
    write_answer(conn, out, out_size, TRUE);
    return sasl;
}

static void packets_script(FakeConn *conn, gpointer data)
{
    sasl_conn_t *sasl = log_in(conn);

    if (sasl) {
        write_word(conn, 0);
        fake_write(conn, data, 40);
        fake_drain(conn);
    }
    sasl_dispose(&sasl);
}

/* One byte at a time: most reads give the layer nothing to decode. */
static void dribble_script(FakeConn *conn, gpointer data)
{
    sasl_conn_t *sasl = log_in(conn);
    const char *out;
    unsigned size;

    if (!sasl)
        return;
    write_word(conn, 0);
    g_assert_cmpint(sasl_encode(sasl, (const char *)main_start, sizeof main_start, &out, &size), ==,
                    SASL_OK);
    g_socket_set_option(g_socket_connection_get_socket(conn->stream), IPPROTO_TCP, TCP_NODELAY, 1,
                        NULL);
    for (unsigned i = 0; i < size && fake_write(conn, out + i, 1); i++)
        g_usleep(200);
    fake_drain(conn);
    sasl_dispose(&sasl);
}

/* dangers.md, "SASL decode infinite loop (2017)": packets that are endless or forged end the
 * channel, those of no bytes are passed over, and pieces of good ones are put together. */
static void test_sasl_decode_infinite_loop_2017(void)
{
    static const guint8 packets[][40] = {
        {0xff, 0xff, 0xff, 0xff},             /* that never end */
        {0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff}, /* the same behind one of no bytes */
        {0, 0, 0, 36, 'x'},                   /* with a wrong code */
        {0, 0, 0, 1, 'x'},                    /* shorter than the code */
    };
    FakeServer *server;
    Recorder *r;

    for (gsize i = 0; i < G_N_ELEMENTS(packets); i++) {
        server = fake_server_new(packets_script, (gpointer)packets[i]);
        r = start(server, 0, "alice", "wonder");
        recorder_wait(r, "main:0 ERROR_");
        recorder_free(r);
        fake_server_free(server);
    }
    server = fake_server_new(dribble_script, NULL);
    r = start(server, 0, "alice", "wonder");
    recorder_wait(r, "session notify::name");
    g_assert_cmpuint(recorder_count(r, "ERROR"), ==, 0);
    recorder_free(r);
    fake_server_free(server);
}

static void test_reconnect_with_credentials(void)
{
    FakeServer *server = fake_server_new(sasl_script, (gpointer) "DIGEST-MD5");
    Recorder *r = start(server, 0, "alice", "wrong");

    recorder_wait(r, "main:0 ERROR_AUTH");
    g_object_set(r->session, "password", "wonder", NULL);
    g_assert_true(spice_session_connect(r->session));
    recorder_wait(r, "session notify::name");
    recorder_free(r);
    fake_server_free(server);
}

int main(int argc, char **argv)
{
    int result;

    g_test_init(&argc, &argv, NULL);
    g_log_set_always_fatal(G_LOG_FATAL_MASK);
    g_assert_cmpint(sasl_server_init(callbacks, "spice-test"), ==, SASL_OK);
    g_assert_cmpint(sasl_auxprop_add_plugin("testdb", plugin_init), ==, SASL_OK);
    certificates_init();
    certificates_make("host.pem", "/CN=localhost", NULL);
    g_test_add_func("/sasl/digest-md5", test_digest_md5);
    g_test_add_func("/sasl/refused", test_refused);
    g_test_add_func("/sasl/plain-in-tls", test_plain_in_tls);
    g_test_add_func("/sasl/plain-without-tls", test_plain_without_tls);
    g_test_add_func("/sasl/hostile-lengths", test_hostile_lengths);
    g_test_add_func("/sasl/sasl_decode_infinite_loop_2017", test_sasl_decode_infinite_loop_2017);
    g_test_add_func("/sasl/reconnect", test_reconnect_with_credentials);
    result = g_test_run();
    certificates_clean();
    return result;
}
