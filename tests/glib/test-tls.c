/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* TLS: every way to check a certificate, and what is said when it fails. Spec: client-glib.md 4.5.
 */
#include <openssl/err.h>
#include <openssl/ssl.h>
#include "certificates.h"
#include "fake-server.h"
#include "recorder.h"

typedef struct TlsCase {
    const gchar *cert;    /* name of the server's certificate */
    const gchar *ca;      /* file name, or NULL */
    const gchar *host;    /* or NULL: localhost */
    const gchar *subject; /* or NULL */
    gint verify;          /* -1: as it is */
    gint pubkey;          /* 1: the right one, -1: a wrong one */
    const gchar *error;   /* pattern, or NULL: it works */
} TlsCase;

#define SUBJECT "C=IL,L=Raanana,O=Test Org,CN=spicehost"

static void run_case(const TlsCase *c)
{
    FakeServer *server = fake_server_new(fake_standard, NULL);
    guint16 tls_port =
        fake_server_add_tls(server, certificates_path(c->cert), certificates_path("key.pem"));
    Recorder *r = recorder_new(0, tls_port);
    g_autoptr(GByteArray) pubkey = c->pubkey ? certificates_pubkey() : NULL;

    if (c->pubkey < 0)
        pubkey->data[pubkey->len / 2] ^= 1;
    g_object_set(r->session, "host", c->host ? c->host : "localhost", "ca-file",
                 c->ca ? certificates_path(c->ca) : NULL, NULL);
    if (c->subject)
        g_object_set(r->session, "cert-subject", c->subject, NULL);
    if (pubkey)
        g_object_set(r->session, "pubkey", pubkey, NULL);
    if (c->verify >= 0)
        g_object_set(r->session, "verify", c->verify, NULL);
    g_string_truncate(r->lines, 0);
    g_assert_true(spice_session_connect(r->session));
    if (c->error) {
        recorder_wait(r, "main:0 ERROR_");
        run_for(20);
        g_assert_cmpstr(r->lines->str, ==,
                        "channel-new main:0\nmain:0 main-agent-update\nmain:0 ERROR_TLS\n");
        g_assert_cmpstr(g_quark_to_string(r->error_domain), ==, "spice-client-error-quark");
        if (!g_pattern_match_simple(c->error, r->error_text))
            g_error("\"%s\" is not like \"%s\"", r->error_text, c->error);
    } else {
        recorder_wait(r, "inputs:0 inputs-modifiers");
        g_assert_cmpuint(recorder_count(r, "ERROR"), ==, 0);
    }
    recorder_free(r);
    fake_server_free(server);
}

static void run_cases(const TlsCase *cases, gsize n)
{
    for (gsize i = 0; i < n; i++)
        run_case(&cases[i]);
}

static void test_host(void)
{
    static const TlsCase cases[] = {
        {"dns.pem", "ca.pem", NULL, NULL, -1, 0, NULL},
        {"cn.pem", "ca.pem", NULL, NULL, -1, 0, NULL},
        {"ip.pem", "ca.pem", "127.0.0.1", NULL, -1, 0, NULL},
        {"subject.pem", "ca.pem", NULL, NULL, -1, 0,
         "The certificate is not for the host \"localhost\" but for *spicehost*"},
        /* the address is not in a certificate for the name */
        {"dns.pem", "ca.pem", "127.0.0.1", NULL, -1, 0,
         "The certificate is not for the host \"127.0.0.1\"*"},
        /* alternative names rule the common name out */
        {"cn-and-dns.pem", "ca.pem", NULL, NULL, -1, 0, "The certificate is not for the host*"},
    };

    run_cases(cases, G_N_ELEMENTS(cases));
}

static void test_chain(void)
{
    static const TlsCase cases[] = {
        {"dns.pem", "other-ca.pem", NULL, NULL, -1, 0,
         "The server's certificate is not trusted: *test-ca*CA file*"},
        {"dns.pem", NULL, NULL, NULL, -1, 0, "The server's certificate is not trusted: *"},
        {"expired.pem", "ca.pem", NULL, NULL, -1, 0,
         "The server's certificate is not trusted: *expired*"},
        /* nothing is checked */
        {"expired.pem", "other-ca.pem", NULL, NULL, 0, 0, NULL},
    };

    run_cases(cases, G_N_ELEMENTS(cases));
}

static void test_subject(void)
{
    static const TlsCase cases[] = {
        {"subject.pem", "ca.pem", NULL, SUBJECT, -1, 0, NULL},
        {"subject.pem", "ca.pem", NULL, " C=il,  L=RAANANA, O=test   org, commonName=spicehost", -1,
         0, NULL},
        {"subject.pem", "ca.pem", NULL, "CN=spicehost,O=Test Org,L=Raanana,C=IL", -1, 0,
         "The certificate subject does not match: expected \"CN=spicehost*\", the server shows "
         "\"*spicehost*\""},
        {"subject.pem", "ca.pem", NULL, "C=IL,L=Raanana,O=Test Org", -1, 0,
         "The certificate subject does not match*"},
        {"subject.pem", "ca.pem", NULL, "C=IL,L=Raanana,O=Test Org,CN=spicehost,CN=x", -1, 0,
         "The certificate subject does not*"},
        {"comma.pem", "ca.pem", NULL, "O=a\\,b\\\\c,CN=x", -1, 0, NULL},
        {"utf8.pem", "ca.pem", NULL, "CN=sp\303\257ce", -1, 0, NULL},
        {"subject.pem", "ca.pem", NULL, "nonsense", -1, 0,
         "The certificate subject to check*key=value*"},
        {"subject.pem", "ca.pem", NULL, "XX=1", -1, 0,
         "The certificate subject to check*unknown key*"},
        {"subject.pem", "ca.pem", NULL, "C=\\x", -1, 0,
         "The certificate subject to check*backslash*"},
        /* the chain is needed all the same */
        {"subject.pem", "other-ca.pem", NULL, SUBJECT, -1, 0,
         "The server's certificate is not trusted*"},
    };

    run_cases(cases, G_N_ELEMENTS(cases));
}

static void test_pubkey(void)
{
    static const TlsCase cases[] = {
        /* a pinned key is enough, whatever the chain is worth */
        {"expired.pem", "other-ca.pem", NULL, NULL, SPICE_SESSION_VERIFY_PUBKEY, 1, NULL},
        {"subject.pem", "other-ca.pem", NULL, NULL, -1, 1, NULL},
        {"dns.pem", "ca.pem", NULL, NULL, SPICE_SESSION_VERIFY_PUBKEY, -1,
         "The server's public key is not the expected one"},
        {"dns.pem", "other-ca.pem", NULL, NULL, SPICE_SESSION_VERIFY_PUBKEY, -1,
         "The server's certificate is not trusted*"},
        /* with another flag set, a key that doesn't match is not the end */
        {"dns.pem", "ca.pem", NULL, NULL, -1, -1, NULL},
    };

    run_cases(cases, G_N_ELEMENTS(cases));
}

static void test_ca_bytes(void)
{
    FakeServer *server = fake_server_new(fake_standard, NULL);
    guint16 tls_port =
        fake_server_add_tls(server, certificates_path("dns.pem"), certificates_path("key.pem"));
    g_autoptr(GByteArray) ca = certificates_read(certificates_path("ca.pem"));
    g_autoptr(GByteArray) both = certificates_read(certificates_path("other-ca.pem"));

    g_byte_array_append(both, ca->data, ca->len);
    for (guint i = 0; i < 2; i++) {
        Recorder *r = recorder_new(0, tls_port);

        g_object_set(r->session, "host", "localhost", "ca", i ? both : ca, NULL);
        g_assert_true(spice_session_connect(r->session));
        recorder_wait(r, "main:0 OPENED");
        recorder_free(r);
    }
    fake_server_free(server);
}

/* Revocation lists come with the CA's bytes. */
static void test_revoked(void)
{
    FakeServer *server = fake_server_new(fake_standard, NULL);
    guint16 tls_port =
        fake_server_add_tls(server, certificates_path("dns.pem"), certificates_path("key.pem"));
    g_autoptr(GByteArray) ca = certificates_read(certificates_path("ca.pem"));
    g_autoptr(GByteArray) crl = certificates_read(certificates_path("crl.pem"));
    Recorder *r = recorder_new(0, tls_port);

    g_byte_array_append(ca, crl->data, crl->len);
    g_object_set(r->session, "host", "localhost", "ca", ca, NULL);
    g_assert_true(spice_session_connect(r->session));
    recorder_wait(r, "main:0 ERROR_TLS");
    g_assert_true(g_pattern_match_simple("The server's certificate is not trusted: *revoked*",
                                         r->error_text));
    recorder_free(r);
    fake_server_free(server);
}

static void test_ciphers(void)
{
    static const gchar *const lists[] = {"ECDHE+AESGCM", "no such cipher"};
    FakeServer *server = fake_server_new(fake_standard, NULL);
    guint16 tls_port =
        fake_server_add_tls(server, certificates_path("dns.pem"), certificates_path("key.pem"));

    for (gsize i = 0; i < G_N_ELEMENTS(lists); i++) {
        Recorder *r = recorder_new(0, tls_port);

        g_object_set(r->session, "host", "localhost", "ca-file", certificates_path("ca.pem"),
                     "ciphers", lists[i], NULL);
        g_assert_true(spice_session_connect(r->session));
        recorder_wait(r, "main:0 OPENED");
        recorder_free(r);
    }
    fake_server_free(server);
}

static void http_script(FakeConn *conn, gpointer data)
{
    static const gchar text[] = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";

    fake_write(conn, text, sizeof text - 1);
    fake_drain(conn);
}

static void close_script(FakeConn *conn, gpointer data)
{
}

static void test_not_tls(void)
{
    static const struct {
        FakeScript script;
        const gchar *pattern;
    } cases[] = {{http_script, "The connection could not be encrypted: *"},
                 {close_script, "The connection could not be encrypted: *"}};

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        FakeServer *server = fake_server_new(cases[i].script, NULL);
        Recorder *r = recorder_new(0, fake_server_port(server));

        g_assert_true(spice_session_connect(r->session));
        recorder_wait(r, "main:0 ERROR_TLS");
        g_assert_true(g_pattern_match_simple(cases[i].pattern, r->error_text));
        recorder_free(r);
        fake_server_free(server);
    }
}

static void plain_to_tls_script(FakeConn *conn, gpointer data)
{
    g_assert_null(conn->ssl);
}

static void test_plain_to_tls_port(void)
{
    FakeServer *server = fake_server_new(plain_to_tls_script, NULL);
    guint16 tls_port =
        fake_server_add_tls(server, certificates_path("dns.pem"), certificates_path("key.pem"));
    Recorder *r = recorder_new(tls_port, 0);

    g_assert_true(spice_session_connect(r->session));
    recorder_wait(r, "main:0 ERROR_LINK");
    recorder_free(r);
    fake_server_free(server);
}

static void secured_script(FakeConn *conn, gpointer data)
{
    if (conn->ssl)
        fake_standard(conn, data);
    else if (fake_read_link(conn))
        fake_write_reply_error(conn, SPICE_LINK_ERR_NEED_SECURED);
}

/* The server asks for TLS on the plain port. */
static void test_need_secured(void)
{
    FakeServer *server = fake_server_new(secured_script, NULL);
    guint16 tls_port =
        fake_server_add_tls(server, certificates_path("dns.pem"), certificates_path("key.pem"));
    Recorder *r = recorder_new(fake_server_port(server), tls_port);

    g_object_set(r->session, "host", "localhost", "ca-file", certificates_path("ca.pem"), NULL);
    g_string_truncate(r->lines, 0);
    g_assert_true(spice_session_connect(r->session));
    recorder_wait(r, "inputs:0 inputs-modifiers");
    g_assert_true(g_str_has_prefix(
        r->lines->str, "channel-new main:0\nmain:0 main-agent-update\nmain:0 OPENED\n"));
    recorder_free(r);
    fake_server_free(server);
}

static void main_only_tls_script(FakeConn *conn, gpointer data)
{
    guint *seen = data;

    if (conn->ssl)
        (*seen)++;
    fake_standard(conn, NULL);
}

static void test_secure_channels(void)
{
    static const gchar *const names[] = {"inputs", NULL};
    guint seen = 0;
    FakeServer *server = fake_server_new(main_only_tls_script, &seen);
    guint16 tls_port =
        fake_server_add_tls(server, certificates_path("dns.pem"), certificates_path("key.pem"));
    Recorder *r = recorder_new(fake_server_port(server), tls_port);

    g_object_set(r->session, "host", "localhost", "ca-file", certificates_path("ca.pem"),
                 "secure-channels", names, NULL);
    g_assert_true(spice_session_connect(r->session));
    recorder_wait(r, "inputs:0 inputs-modifiers");
    recorder_wait(r, "cursor:0 cursor-hide");
    recorder_free(r);
    fake_server_free(server);
    g_assert_cmpuint(seen, ==, 1);
}

/* A large message over TLS, and bytes that TLS has decrypted already when the reader looks. */
static void bulk_script(FakeConn *conn, gpointer data)
{
    gsize size = 12 + 256000;
    g_autofree guint8 *ping = g_malloc0(size);
    FakeMessage pong;

    if (!fake_link(conn, 0))
        return;
    fake_send_main_start(conn, FALSE);
    for (guint i = 1; i <= 20; i++) {
        ping[0] = i;
        fake_send_body(conn, SPICE_MSG_PING, ping, i % 2 ? size : 12);
        g_assert_true(fake_receive_type(conn, SPICE_MSGC_PONG, &pong));
        g_assert_cmpuint(pong.size, ==, 12);
        g_assert_cmpuint(pong.body[0], ==, i);
        fake_message_clear(&pong);
    }
    g_atomic_int_set((gint *)data, 1);
    fake_drain(conn);
}

static gboolean not_done(gpointer data)
{
    return !g_atomic_int_get((gint *)data);
}

static void test_bulk(void)
{
    gint done = 0;
    FakeServer *server = fake_server_new(bulk_script, &done);
    guint16 tls_port =
        fake_server_add_tls(server, certificates_path("dns.pem"), certificates_path("key.pem"));
    Recorder *r = recorder_new(0, tls_port);

    g_object_set(r->session, "host", "localhost", "ca-file", certificates_path("ca.pem"), NULL);
    g_assert_true(spice_session_connect(r->session));
    run_while(not_done, &done);
    recorder_free(r);
    fake_server_free(server);
}

/* Handshakes again and again cost a peer much: the client does none of them. */
static void renegotiation_script(FakeConn *conn, gpointer data)
{
    SSL *ssl = conn->ssl;
    guint8 byte;
    gboolean refused = FALSE;

    if (!fake_link(conn, 0))
        return;
    g_assert_cmpint(SSL_version(ssl), ==, TLS1_2_VERSION);
    ERR_clear_error();
    g_assert_cmpint(SSL_renegotiate(ssl), ==, 1);
    /* This asks for a handshake; the answer comes when reading. */
    SSL_do_handshake(ssl);
    while (!refused && SSL_renegotiate_pending(ssl)) {
        for (unsigned long error; (error = ERR_get_error()) != 0;)
            refused = refused || ERR_GET_REASON(error) == SSL_R_NO_RENEGOTIATION;
        if (!refused && !fake_read(conn, &byte, 1) && ERR_peek_error() == 0)
            break;
    }
    g_atomic_int_set((gint *)data, refused ? 1 : -1);
    fake_drain(conn);
}

static void test_cve_2021_20201_renegotiation(void)
{
    gint done = 0;
    FakeServer *server = fake_server_new(renegotiation_script, &done);
    guint16 tls_port =
        fake_server_add_tls(server, certificates_path("dns.pem"), certificates_path("key.pem"));
    Recorder *r = recorder_new(0, tls_port);

    fake_server_limit_tls(server, TLS1_2_VERSION);
    g_object_set(r->session, "host", "localhost", "ca-file", certificates_path("ca.pem"), NULL);
    g_assert_true(spice_session_connect(r->session));
    run_while(not_done, &done);
    g_assert_cmpint(done, ==, 1);
    recorder_free(r);
    fake_server_free(server);
    /* Versions whose renegotiation cannot be refused safely are not spoken at all. */
    server = fake_server_new(fake_standard, NULL);
    tls_port =
        fake_server_add_tls(server, certificates_path("dns.pem"), certificates_path("key.pem"));
    fake_server_limit_tls(server, TLS1_1_VERSION);
    r = recorder_new(0, tls_port);
    g_object_set(r->session, "host", "localhost", "ca-file", certificates_path("ca.pem"), NULL);
    g_assert_true(spice_session_connect(r->session));
    recorder_wait(r, "main:0 ERROR_TLS");
    recorder_free(r);
    fake_server_free(server);
}

static void make_certificates(void)
{
    certificates_init();
    certificates_make("dns.pem", "/O=x/CN=other", "subjectAltName=DNS:LocalHost,DNS:*.example.org");
    certificates_make("cn.pem", "/CN=localhost", NULL);
    certificates_make("ip.pem", "/CN=x", "subjectAltName=IP:127.0.0.1");
    certificates_make("cn-and-dns.pem", "/CN=localhost", "subjectAltName=DNS:elsewhere");
    certificates_make("subject.pem", "/C=IL/L=Raanana/O=Test Org/CN=spicehost", NULL);
    certificates_make("comma.pem", "/O=a,b\\\\\\\\c/CN=x", NULL);
    certificates_make("utf8.pem", "/CN=sp\303\257ce", NULL);
    certificates_make("expired.pem", "/CN=localhost", NULL);
    certificates_openssl("x509 -req -in expired.pem.csr -CA ca.pem -CAkey ca.key -CAcreateserial "
                         "-days -1 -out expired.pem");
    g_assert_true(g_file_set_contents(certificates_path("index.txt"), "", 0, NULL));
    g_assert_true(g_file_set_contents(
        certificates_path("ca.cnf"),
        "[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\ndefault_md=sha256\ndefault_crl_days=30\n", -1,
        NULL));
    certificates_openssl("ca -config ca.cnf -cert ca.pem -keyfile ca.key -revoke dns.pem");
    certificates_openssl("ca -config ca.cnf -cert ca.pem -keyfile ca.key -gencrl -out crl.pem");
}

int main(int argc, char **argv)
{
    int result;

    g_test_init(&argc, &argv, NULL);
    g_log_set_always_fatal(G_LOG_FATAL_MASK);
    make_certificates();
    g_test_add_func("/tls/host", test_host);
    g_test_add_func("/tls/chain", test_chain);
    g_test_add_func("/tls/subject", test_subject);
    g_test_add_func("/tls/pubkey", test_pubkey);
    g_test_add_func("/tls/ca-bytes", test_ca_bytes);
    g_test_add_func("/tls/revoked", test_revoked);
    g_test_add_func("/tls/ciphers", test_ciphers);
    g_test_add_func("/tls/not-tls", test_not_tls);
    g_test_add_func("/tls/plain-to-tls-port", test_plain_to_tls_port);
    g_test_add_func("/tls/need-secured", test_need_secured);
    g_test_add_func("/tls/secure-channels", test_secure_channels);
    g_test_add_func("/tls/bulk", test_bulk);
    g_test_add_func("/tls/cve_2021_20201_renegotiation", test_cve_2021_20201_renegotiation);
    result = g_test_run();
    certificates_clean();
    return result;
}
