/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Streams inside TLS and inside a SASL security layer: input in pieces, output into small buffers,
 * and what breaks the rules. */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/tls-context.h"
#include "sasl-user.h"
#include "stream-support.h"
#include "tap.h"

static struct RedsState server;

/* ---- TLS ---- */

typedef struct TlsPeer {
    SSL *ssl;
    BIO *in, *out; /* memory: what goes to and comes from the peer */
} TlsPeer;

static TlsPeer tls_peer(SSL_CTX *context)
{
    TlsPeer peer = {SSL_new(context), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem())};

    BIO_set_mem_eof_return(peer.in, -1);
    SSL_set_bio(peer.ssl, peer.in, peer.out);
    SSL_set_connect_state(peer.ssl);
    return peer;
}

/* Bytes of the peer to the socket, in pieces, and back. */
static void tls_peer_move(TlsPeer *peer, int fd, size_t piece)
{
    uint8_t data[20000];
    int n = BIO_read(peer->out, data, (int)MIN(piece, sizeof data));
    ssize_t got;

    if (n > 0)
        net_send(fd, data, (size_t)n);
    got = recv(fd, data, MIN(piece, sizeof data), MSG_DONTWAIT);
    if (got > 0)
        BIO_write(peer->in, data, (int)got);
}

static void read_tls(void *user, int fd, GByteArray *into)
{
    TlsPeer *peer = user;
    uint8_t data[20000];
    int n;

    tls_peer_move(peer, fd, 1 + g_rand_int(rnd) % sizeof data);
    while ((n = SSL_read(peer->ssl, data, sizeof data)) > 0)
        g_byte_array_append(into, data, (guint)n);
    ERR_clear_error();
}

static bool tls_connect(Stream *stream, TlsPeer *peer, int fd, size_t piece)
{
    char error[200] = "";
    TlsStep step = TLS_STEP_WANTS_READ;

    for (unsigned i = 0; i < 20000; i++) {
        SSL_do_handshake(peer->ssl);
        tls_peer_move(peer, fd, piece);
        if (step != TLS_STEP_DONE)
            step = stream_tls_handshake(stream, error, sizeof error);
        if (step == TLS_STEP_FAILED)
            return false;
        if (step == TLS_STEP_DONE && SSL_is_init_finished(peer->ssl))
            return true;
    }
    return false;
}

static SSL_CTX *server_context(void)
{
    TlsFiles names = {net_files()->ca, net_files()->cert, net_files()->key, NULL, NULL, NULL};

    return tls_context_new(&names);
}

static void test_tls(int version)
{
    SSL_CTX *context = server_context(), *client = SSL_CTX_new(TLS_client_method());
    uint8_t small[2000];

    tap_case(version == TLS1_3_VERSION ? "TLS 1.3" : "TLS 1.2");
    SSL_CTX_set_min_proto_version(client, version);
    SSL_CTX_set_max_proto_version(client, version);
    SSL_CTX_load_verify_locations(client, net_files()->ca, NULL);
    SSL_CTX_set_verify(client, SSL_VERIFY_PEER, NULL);
    fill_random(small, sizeof small);
    for (size_t piece = 1; piece < 30000; piece = piece < 3 ? piece + 1 : piece * 9) {
        g_autoptr(GByteArray) got = g_byte_array_new();
        TlsPeer peer = tls_peer(client);
        int fds[2];
        Stream *stream;

        net_pair(fds);
        set_buffer(fds[0], 4096);
        stream = stream_new(&server, fds[0]);
        CHECK(stream_start_tls(stream, context));
        CHECK(stream_is_encrypted(stream));
        CHECK(tls_connect(stream, &peer, fds[1], piece));
        CHECK(stream_tls_bits(stream) >= 128);
        /* Bytes in, in pieces of this size. */
        CHECK(SSL_write(peer.ssl, small, 1000) == 1000);
        CHECK(SSL_write(peer.ssl, small + 1000, 1000) == 1000);
        for (unsigned i = 0; i < 5000 && got->len < sizeof small; i++) {
            tls_peer_move(&peer, fds[1], piece);
            /* one byte at a time: what OpenSSL holds is told */
            do {
                uint8_t byte;

                if (stream_read(stream, &byte, 1) == 1)
                    g_byte_array_append(got, &byte, 1);
            } while (stream_has_buffered_input(stream));
        }
        CHECK(got->len == sizeof small && !memcmp(got->data, small, sizeof small));
        CHECK(!stream_has_buffered_input(stream));
        if (piece > 100)
            CHECK(write_randomly(stream, fds[1], read_tls, &peer, 1500000));
        /* The peer's goodbye is the end; ours reaches it. */
        SSL_shutdown(peer.ssl);
        for (unsigned i = 0; i < 200; i++)
            tls_peer_move(&peer, fds[1], 30000);
        CHECK(stream_read(stream, small, 1) == 0);
        stream_close(stream);
        for (unsigned i = 0; i < 200; i++)
            tls_peer_move(&peer, fds[1], 30000);
        CHECK(SSL_read(peer.ssl, small, 1) <= 0);
        CHECK(SSL_get_shutdown(peer.ssl) & SSL_RECEIVED_SHUTDOWN);
        ERR_clear_error();
        SSL_free(peer.ssl);
        close(fds[1]);
    }
    SSL_CTX_free(client);
    SSL_CTX_free(context);
}

/* A client that asks for small records, and then goes without TLS's goodbye. */
static void test_tls_small_records(int version)
{
    SSL_CTX *context = server_context(), *client = SSL_CTX_new(TLS_client_method());
    TlsPeer peer;
    int fds[2];
    Stream *stream;
    uint8_t byte;

    tap_case("TLS: records of 512 bytes, and an end without goodbye");
    SSL_CTX_set_min_proto_version(client, version);
    SSL_CTX_set_max_proto_version(client, version);
    CHECK(SSL_CTX_set_tlsext_max_fragment_length(client, TLSEXT_max_fragment_length_512));
    peer = tls_peer(client);
    net_pair(fds);
    set_buffer(fds[0], 4096);
    stream = stream_new(&server, fds[0]);
    CHECK(stream_start_tls(stream, context));
    CHECK(tls_connect(stream, &peer, fds[1], 5000));
    CHECK(write_randomly(stream, fds[1], read_tls, &peer, 300000));
    CHECK(would_block(stream_read(stream, &byte, 1)));
    close(fds[1]);
    CHECK(stream_read(stream, &byte, 1) == 0);
    stream_close(stream);
    SSL_free(peer.ssl);
    SSL_CTX_free(client);
    SSL_CTX_free(context);
    ERR_clear_error();
}

static void test_tls_failures(void)
{
    SSL_CTX *context = server_context(), *client = SSL_CTX_new(TLS_client_method());
    char error[200];
    uint8_t byte;
    int fds[2];
    Stream *stream;
    TlsPeer peer;

    tap_case("TLS: 1.1 is refused, unless the environment asks for it");
    SSL_CTX_set_security_level(client, 0);
    SSL_CTX_set_min_proto_version(client, TLS1_1_VERSION);
    SSL_CTX_set_max_proto_version(client, TLS1_1_VERSION);
    for (int allowed = 0; allowed < 2; allowed++) {
        if (allowed) {
            SSL_CTX_free(context);
            g_setenv("SPICE_SERVER_TLS_MIN", "1.1", TRUE);
            context = server_context();
            g_unsetenv("SPICE_SERVER_TLS_MIN");
        }
        net_pair(fds);
        stream = stream_new(&server, fds[0]);
        stream_start_tls(stream, context);
        peer = tls_peer(client);
        CHECK(tls_connect(stream, &peer, fds[1], 5000) == allowed);
        ERR_clear_error();
        SSL_free(peer.ssl);
        stream_close(stream);
        close(fds[1]);
    }

    tap_case("TLS: no TLS, and a peer that goes away");
    net_pair(fds);
    stream = stream_new(&server, fds[0]);
    stream_start_tls(stream, context);
    CHECK(stream_tls_handshake(stream, error, sizeof error) == TLS_STEP_WANTS_READ);
    CHECK(net_send(fds[1], "REDQ\2\0\0\0\2\0\0\0", 12));
    error[0] = 0;
    CHECK(stream_tls_handshake(stream, error, sizeof error) == TLS_STEP_FAILED && error[0]);
    CHECK(stream_read(stream, &byte, 1) == -1);
    stream_close(stream);
    close(fds[1]);
    net_pair(fds);
    stream = stream_new(&server, fds[0]);
    stream_start_tls(stream, context);
    close(fds[1]);
    CHECK(stream_tls_handshake(stream, error, sizeof error) == TLS_STEP_FAILED && error[0]);
    stream_close(stream);

    tap_case("TLS: a forged record ends it");
    SSL_CTX_set_max_proto_version(client, TLS1_3_VERSION);
    SSL_CTX_set_min_proto_version(client, TLS1_3_VERSION);
    net_pair(fds);
    stream = stream_new(&server, fds[0]);
    stream_start_tls(stream, context);
    peer = tls_peer(client);
    CHECK(tls_connect(stream, &peer, fds[1], 5000));
    CHECK(net_send(fds[1], "\27\3\3\0\40abcdefghijklmnopqrstuvwxyz012345", 37));
    CHECK(stream_read(stream, &byte, 1) == -1 && errno == EPROTO);
    struct iovec part = {"x", 1};
    CHECK(stream_writev(stream, &part, 1) == -1);
    CHECK(stream_read(stream, &byte, 1) == -1);
    stream_close(stream);
    close(fds[1]);
    SSL_free(peer.ssl);
    SSL_CTX_free(client);
    SSL_CTX_free(context);
    ERR_clear_error();
}

static void test_cve_2021_20201(void)
{
    SSL_CTX *context = server_context(), *client = SSL_CTX_new(TLS_client_method());
    int fds[2];
    uint8_t data[100];
    Stream *stream;
    TlsPeer peer;

    tap_case("cve_2021_20201_renegotiation: a client that renegotiates gets no handshake");
    SSL_CTX_set_max_proto_version(client, TLS1_2_VERSION);
    net_pair(fds);
    stream = stream_new(&server, fds[0]);
    stream_start_tls(stream, context);
    peer = tls_peer(client);
    CHECK(tls_connect(stream, &peer, fds[1], 5000));
    CHECK(SSL_renegotiate(peer.ssl) == 1);
    SSL_do_handshake(peer.ssl);
    bool refused = false;
    for (unsigned i = 0; i < 200 && !refused; i++) {
        ssize_t n;

        tls_peer_move(&peer, fds[1], 5000);
        n = stream_read(stream, data, sizeof data);
        refused = n == 0 || (n < 0 && errno != EAGAIN);
        if (SSL_do_handshake(peer.ssl) != 1 && SSL_get_error(peer.ssl, -1) == SSL_ERROR_SSL)
            refused = true;
    }
    CHECK(refused);
    ERR_clear_error();
    stream_close(stream);
    close(fds[1]);
    SSL_free(peer.ssl);
    SSL_CTX_free(client);
    SSL_CTX_free(context);
}

static void test_tls_contexts(void)
{
    const NetFiles *names = net_files();
    TlsFiles good = {names->ca, names->cert, names->key, NULL, names->dh, "HIGH"};
    TlsFiles locked = {names->ca, names->cert, names->locked_key, "secret", NULL, NULL};
    g_autofree char *too_long = g_strnfill(5000, 'x');
    SSL_CTX *context;

    tap_case("TLS contexts: files that fit, and files that don't");
    context = tls_context_new(&good);
    CHECK(context);
    SSL_CTX_free(context);
    context = tls_context_new(&locked);
    CHECK(context);
    SSL_CTX_free(context);
    locked.key_password = "other";
    CHECK(!tls_context_new(&locked));
    locked.key_password = NULL;
    CHECK(!tls_context_new(&locked));
    locked.key_password = too_long;
    CHECK(!tls_context_new(&locked));
    for (int i = 0; i < 5; i++) {
        TlsFiles bad = good;
        const char **field[] = {&bad.ca_file, &bad.cert_file, &bad.key_file, &bad.dh_file,
                                &bad.ciphers};

        *field[i] = "/does/not/exist";
        CHECK(!tls_context_new(&bad));
    }
    good.key_file = names->cert;
    CHECK(!tls_context_new(&good));
}

/* WebSocket inside TLS: both are coalesced and taken apart. */
static void read_tls_frames(void *user, int fd, GByteArray *into)
{
    void **both = user;
    FrameReader *reader = both[1];

    read_tls(both[0], fd, reader->raw);
    read_frames(reader, -1, into);
}

static void test_websocket_in_tls(void)
{
    SSL_CTX *context = server_context(), *client = SSL_CTX_new(TLS_client_method());
    FrameReader reader = frame_reader();
    TlsPeer peer = tls_peer(client);
    void *both[2] = {&peer, &reader};
    g_autofree uint8_t *data = g_malloc(100000);
    g_autoptr(GByteArray) got = g_byte_array_new();
    int fds[2];
    Stream *stream;

    tap_case("websocket inside TLS");
    net_pair(fds);
    set_buffer(fds[0], 4096);
    stream = stream_new(&server, fds[0]);
    stream_start_tls(stream, context);
    CHECK(tls_connect(stream, &peer, fds[1], 5000));
    stream_start_websocket(stream, NULL, 0);
    CHECK(write_randomly(stream, fds[1], read_tls_frames, both, 1000000));
    CHECK(!reader.bad);
    fill_random(data, 100000);
    g_autoptr(GByteArray) frames = random_frames(data, 100000, 3000);
    CHECK(SSL_write(peer.ssl, frames->data, (int)frames->len) == (int)frames->len);
    for (unsigned i = 0; i < 5000 && got->len < 100000; i++) {
        tls_peer_move(&peer, fds[1], 1 + g_rand_int(rnd) % 9000);
        CHECK(drain(stream, got) == 1);
        CHECK(!stream_has_buffered_input(stream));
    }
    CHECK(got->len == 100000 && !memcmp(got->data, data, 100000));
    stream_close(stream);
    close(fds[1]);
    frame_reader_clear(&reader);
    SSL_free(peer.ssl);
    SSL_CTX_free(client);
    SSL_CTX_free(context);
}

/* ---- SASL ---- */

/* Two ends that have authenticated with DIGEST-MD5 and agreed on encryption. */
static bool sasl_pair(sasl_conn_t **ours, sasl_conn_t **theirs)
{
    sasl_security_properties_t properties = {.min_ssf = 56, .max_ssf = 100000, .maxbufsize = 8192};
    const char *out, *name, *mechanism;
    unsigned size;
    int result, client;

    if (sasl_server_new("spice", "vm", "vm", NULL, NULL, NULL, SASL_SUCCESS_DATA, ours) ||
        sasl_client_new("spice", "vm", NULL, NULL, sasl_user, SASL_SUCCESS_DATA, theirs))
        return false;
    sasl_setprop(*ours, SASL_SEC_PROPS, &properties);
    sasl_setprop(*theirs, SASL_SEC_PROPS, &properties);
    if (sasl_client_start(*theirs, "DIGEST-MD5", NULL, &out, &size, &mechanism) != SASL_CONTINUE)
        return false;
    result = sasl_server_start(*ours, "DIGEST-MD5", out, size, &name, &size);
    client = SASL_CONTINUE;
    while (result == SASL_CONTINUE && client == SASL_CONTINUE) {
        client = sasl_client_step(*theirs, name, size, NULL, &out, &size);
        if (client == SASL_CONTINUE)
            result = sasl_server_step(*ours, out, size, &name, &size);
    }
    if (client == SASL_CONTINUE)
        client = sasl_client_step(*theirs, name, size, NULL, &out, &size);
    return result == SASL_OK && client == SASL_OK;
}

typedef struct SaslPeer {
    sasl_conn_t *conn;
    bool bad;
} SaslPeer;

static void read_sasl(void *user, int fd, GByteArray *into)
{
    SaslPeer *peer = user;
    char data[3000];
    const char *out;
    unsigned size;
    ssize_t n = recv(fd, data, 1 + g_rand_int(rnd) % sizeof data, MSG_DONTWAIT);

    if (n <= 0)
        return;
    if (sasl_decode(peer->conn, data, (unsigned)n, &out, &size) != SASL_OK)
        peer->bad = true;
    else if (size)
        g_byte_array_append(into, (const guint8 *)out, size);
}

static void test_sasl_layer(void)
{
    SaslPeer peer = {0};
    sasl_conn_t *ours = NULL;
    g_autofree uint8_t *data = g_malloc(100000);
    int fds[2];
    Stream *stream;

    tap_case("SASL layer: writing and reading in pieces");
    net_pair(fds);
    set_buffer(fds[0], 4096);
    stream = stream_new(&server, fds[0]);
    if (!CHECK(sasl_pair(&ours, &peer.conn)))
        return;
    stream_start_sasl(stream, ours);
    CHECK(write_randomly(stream, fds[1], read_sasl, &peer, 1500000));
    CHECK(!peer.bad);
    fill_random(data, 100000);
    for (unsigned piece = 1; piece < 6000; piece = piece * 3 + 1) {
        g_autoptr(GByteArray) got = g_byte_array_new();
        size_t total = MIN(piece * 200, 100000);

        for (size_t at = 0; at < total;) {
            size_t n = 1 + g_rand_int(rnd) % 3000;
            const char *out;
            unsigned size;

            n = MIN(n, total - at);
            CHECK(sasl_encode(peer.conn, (const char *)data + at, (unsigned)n, &out, &size) ==
                  SASL_OK);
            for (unsigned i = 0; i < size; i += piece) {
                CHECK(net_send(fds[1], out + i, MIN(piece, size - i)));
                CHECK(drain(stream, got) == 1);
                CHECK(!stream_has_buffered_input(stream));
            }
            at += n;
        }
        CHECK(got->len == total && !memcmp(got->data, data, total));
    }

    tap_case("sasl_decode_infinite_loop_2017: packets without content, and forged ones");
    uint8_t byte;
    CHECK(net_send(fds[1], "\0\0\0\20abcdefghijklmnop", 20));
    CHECK(stream_read(stream, &byte, 1) == -1 && errno == EPROTO);
    CHECK(stream_read(stream, &byte, 1) == -1 && errno == EPROTO);
    stream_close(stream);
    close(fds[1]);
    sasl_dispose(&peer.conn);

    for (int i = 0; i < 4; i++) {
        static const char *const bad[] = {"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
                                          "\377\377\377\377aaaaaaaaaaaa",
                                          "\177\377\377\377aaaaaaaaaaaa", "\0\0\0\1aaaaaaaaaaaa"};
        ssize_t n;

        net_pair(fds);
        stream = stream_new(&server, fds[0]);
        CHECK(sasl_pair(&ours, &peer.conn));
        stream_start_sasl(stream, ours);
        CHECK(net_send(fds[1], bad[i], 16));
        n = stream_read(stream, &byte, 1);
        CHECK(n == -1 && (errno == EPROTO || errno == EAGAIN));
        shutdown(fds[1], SHUT_WR);
        CHECK(stream_read(stream, &byte, 1) <= 0);
        stream_close(stream);
        close(fds[1]);
        sasl_dispose(&peer.conn);
    }
}

int main(void)
{
    rnd = g_rand_new_with_seed(4712);
    server.core = net_core();
    net_sasl_init();
    sasl_client_init(sasl_user);
    test_tls(TLS1_2_VERSION);
    test_tls(TLS1_3_VERSION);
    test_tls_small_records(TLS1_2_VERSION);
    test_tls_small_records(TLS1_3_VERSION);
    test_tls_failures();
    test_cve_2021_20201();
    test_tls_contexts();
    test_websocket_in_tls();
    test_sasl_layer();
    g_rand_free(rnd);
    return tap_done();
}
