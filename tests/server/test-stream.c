/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Streams over socket pairs: every layer with input in pieces of every size, output into small
 * buffers, and what breaks the rules. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sasl/sasl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net-support.h"
#include "net/stream-setup.h"
#include "net/tls-context.h"
#include "tap.h"

static struct RedsState server;
static GRand *rnd;

static void fill_random(uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        data[i] = (uint8_t)g_rand_int(rnd);
}

static bool would_block(ssize_t n)
{
    return n < 0 && errno == EAGAIN;
}

/* Read all that is there; the bytes are appended. -1 with errno: an error; 0: the end; 1: nothing
 * now. */
static int drain(Stream *stream, GByteArray *into)
{
    for (;;) {
        uint8_t piece[3000];
        ssize_t n = stream_read(stream, piece, 1 + g_rand_int(rnd) % sizeof piece);

        if (n > 0)
            g_byte_array_append(into, piece, (guint)n);
        else if (n == 0)
            return 0;
        else
            return errno == EAGAIN ? 1 : -1;
    }
}

static void set_buffer(int fd, int size)
{
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
}

/* A peer takes what the stream wrote; decode turns it to the stream's bytes. */
typedef void (*PeerReadFunc)(void *peer, int fd, GByteArray *into);

static void read_plain(void *peer, int fd, GByteArray *into)
{
    uint8_t piece[5000];
    ssize_t n = recv(fd, piece, 1 + g_rand_int(rnd) % sizeof piece, MSG_DONTWAIT);

    if (n > 0)
        g_byte_array_append(into, piece, (guint)n);
}

/* Random parts go into the stream while the peer reads now and then: nothing is lost. */
static bool write_randomly(Stream *stream, int peer_fd, PeerReadFunc read_peer, void *peer,
                           size_t total)
{
    g_autofree uint8_t *data = g_malloc(total);
    g_autoptr(GByteArray) got = g_byte_array_new();
    size_t sent = 0;

    fill_random(data, total);
    for (unsigned rounds = 0; got->len < total && rounds < 200000; rounds++) {
        if (sent < total && g_rand_int(rnd) % 4) {
            struct iovec parts[40];
            size_t at = sent;
            int n = 0;

            for (; n < 40 && at < total; n++) {
                size_t size = g_rand_int(rnd) % (g_rand_int(rnd) % 8 ? 100 : 60000);

                size = MIN(size, total - at);
                parts[n] = (struct iovec){data + at, size};
                at += size;
            }
            ssize_t written = stream_writev(stream, parts, n);
            if (written < 0 && !would_block(written))
                return false;
            sent += written > 0 ? (size_t)written : 0;
        } else if (stream_has_pending_output(stream)) {
            if (stream_flush(stream) < 0)
                return false;
        }
        if (g_rand_int(rnd) % 2)
            read_peer(peer, peer_fd, got);
    }
    return CHECK(sent == total) && CHECK(got->len == total) &&
           CHECK(got->len == total && !memcmp(got->data, data, total)) &&
           CHECK(!stream_has_pending_output(stream));
}

/* ---- Plain ---- */

static void test_plain(void)
{
    int fds[2];
    Stream *stream;
    uint8_t byte;
    struct iovec part = {"abc", 3};

    tap_case("plain: bytes, ends, errors");
    net_pair(fds);
    set_buffer(fds[0], 4096);
    stream = stream_new(&server, fds[0]);
    CHECK(stream_fd(stream) == fds[0]);
    CHECK(stream_is_unix(stream) && !stream_is_encrypted(stream));
    CHECK(!strcmp(stream_peer_name(stream), "a local socket"));
    CHECK(!stream_set_nodelay(stream, true));
    CHECK(would_block(stream_read(stream, &byte, 1)));
    CHECK(!stream_has_buffered_input(stream));
    CHECK(stream_wanted_events(stream) == LOOP_READ);
    CHECK(write_randomly(stream, fds[1], read_plain, NULL, 2000000));
    CHECK(stream_unsent(stream) == 0);
    CHECK(stream_writev(stream, &part, 1) == 3 && stream_unsent(stream) > 0);
    CHECK(stream_writev(stream, &part, 0) == 0);
    CHECK(stream_flush(stream) == 1);
    CHECK(net_send(fds[1], "hello", 5));
    char text[6] = "";
    CHECK(stream_read(stream, text, 5) == 5 && !strcmp(text, "hello"));
    close(fds[1]);
    CHECK(stream_read(stream, &byte, 1) <= 0);
    /* no SIGPIPE */
    CHECK(stream_writev(stream, &part, 1) == -1 && errno == EPIPE);
    stream_close(stream);
    stream_close(NULL);
}

static void test_many_parts(void)
{
    enum { PARTS = 3000 };
    int fds[2];
    struct iovec parts[PARTS];
    uint8_t data[PARTS], got[PARTS];
    size_t sent = 0;
    Stream *stream;

    tap_case("plain: more parts than the system takes at once");
    net_tcp_pair(fds);
    stream = stream_new(&server, fds[0]);
    CHECK(!stream_is_unix(stream));
    CHECK(g_str_has_prefix(stream_peer_name(stream), "127.0.0.1:"));
    CHECK(stream_set_nodelay(stream, true));
    stream_cork(stream);
    fill_random(data, sizeof data);
    while (sent < PARTS) {
        for (size_t i = sent; i < PARTS; i++)
            parts[i - sent] = (struct iovec){data + i, 1};
        ssize_t n = stream_writev(stream, parts, (int)(PARTS - sent));
        if (!CHECK(n > 0))
            break;
        sent += (size_t)n;
    }
    stream_uncork(stream);
    CHECK(net_receive(fds[1], got, sizeof got, 2000, NULL) == PARTS);
    CHECK(!memcmp(got, data, PARTS));
    stream_close(stream);
    close(fds[1]);
}

/* ---- Channel events ---- */

static void test_events(void)
{
    int fds[2];
    Stream *stream;
    NetEvent *events;

    tap_case("channel events: one info, in order, with addresses");
    net_tcp_pair(fds);
    g_array_set_size(net_events, 0);
    stream = stream_new(&server, fds[0]);
    stream_tell_connected(stream);
    stream_tell_initialized(stream, 0xf0000001, SPICE_CHANNEL_INPUTS, 3);
    stream_close(stream);
    events = (NetEvent *)net_events->data;
    if (CHECK(net_events->len == 3)) {
        CHECK(events[0].event == 1 && events[1].event == 2 && events[2].event == 3);
        CHECK(events[0].pointer == events[1].pointer && events[1].pointer == events[2].pointer);
        CHECK(events[0].info.connection_id == 0 && events[0].info.type == 0);
        CHECK(events[0].info.flags == SPICE_CHANNEL_EVENT_FLAG_ADDR_EXT);
        CHECK(events[1].info.connection_id == (int)0xf0000001);
        CHECK(events[1].info.type == SPICE_CHANNEL_INPUTS && events[1].info.id == 3);
        CHECK(events[1].info.flags == SPICE_CHANNEL_EVENT_FLAG_ADDR_EXT);
        CHECK(!memcmp(&events[1].info, &events[2].info, sizeof events[1].info));
        CHECK(events[0].info.laddr_ext.ss_family == AF_INET && events[0].info.llen_ext == 16);
        CHECK(events[0].info.paddr_ext.ss_family == AF_INET && events[0].info.plen_ext == 16);
        CHECK(events[0].info.laddr.sa_family == AF_INET && events[0].info.llen == 16);
        CHECK(events[0].info.plen == 16);
    }
    close(fds[1]);

    tap_case("channel events: a local socket, and one that is given back");
    net_pair(fds);
    g_array_set_size(net_events, 0);
    stream = stream_new(&server, fds[0]);
    stream_tell_connected(stream);
    CHECK(stream_release(stream) == fds[0]);
    events = (NetEvent *)net_events->data;
    if (CHECK(net_events->len == 2)) {
        CHECK(events[1].event == 3 && events[0].pointer == events[1].pointer);
        CHECK(events[0].info.laddr_ext.ss_family == AF_UNIX && events[0].info.llen_ext == 2);
        CHECK(events[0].info.laddr.sa_family == AF_UNIX && events[0].info.llen == 2);
    }
    CHECK(fcntl(fds[0], F_GETFD) >= 0);
    close(fds[0]);
    close(fds[1]);

    tap_case("channel events: not for an application of minor version 2");
    net_core()->base.minor_version = 2;
    net_pair(fds);
    g_array_set_size(net_events, 0);
    stream = stream_new(&server, fds[0]);
    stream_tell_connected(stream);
    stream_close(stream);
    CHECK(net_events->len == 0);
    net_core()->base.minor_version = 3;
    close(fds[1]);
}

/* ---- WebSocket ---- */

static void put_frame(GByteArray *out, unsigned first, bool masked, const uint8_t *data,
                      size_t size, bool long_length)
{
    uint8_t header[14] = {(uint8_t)first};
    size_t n = 2;

    if (size < 126 && !long_length) {
        header[1] = (uint8_t)size;
    } else if (size < 65536 && !long_length) {
        header[1] = 126;
        header[2] = (uint8_t)(size >> 8);
        header[3] = (uint8_t)size;
        n = 4;
    } else {
        header[1] = 127;
        for (int i = 0; i < 8; i++)
            header[2 + i] = (uint8_t)((uint64_t)size >> (56 - 8 * i));
        n = 10;
    }
    uint8_t mask[4] = {0};
    if (masked) {
        header[1] |= 0x80;
        fill_random(mask, 4);
        memcpy(header + n, mask, 4);
        n += 4;
    }
    g_byte_array_append(out, header, (guint)n);
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = data[i] ^ mask[i & 3];

        g_byte_array_append(out, &byte, 1);
    }
}

/* Random frames that carry these bytes, with pings and pongs between them. */
static GByteArray *random_frames(const uint8_t *data, size_t size, size_t largest)
{
    GByteArray *out = g_byte_array_new();
    bool open = false;

    while (size || open) {
        size_t n = g_rand_int(rnd) % largest;
        bool fin = g_rand_int(rnd) % 2;

        n = MIN(size, n);
        put_frame(out, (fin ? 0x80 : 0) | (open ? 0 : 1 + g_rand_int(rnd) % 2), g_rand_int(rnd) % 2,
                  data, n, g_rand_int(rnd) % 8 == 0);
        data += n;
        size -= n;
        open = !fin;
        if (g_rand_int(rnd) % 3 == 0) {
            uint8_t control[125];

            fill_random(control, sizeof control);
            put_frame(out, 0x80 | (9 + g_rand_int(rnd) % 2), g_rand_int(rnd) % 2, control,
                      g_rand_int(rnd) % 126, false);
        }
    }
    return out;
}

/* Takes the frames of a server apart. */
typedef struct FrameReader {
    GByteArray *raw, *pongs;
    bool bad, closed;
} FrameReader;

static void read_frames(void *peer, int fd, GByteArray *into)
{
    FrameReader *reader = peer;

    read_plain(NULL, fd, reader->raw);
    for (;;) {
        const uint8_t *in = reader->raw->data;
        size_t have = reader->raw->len, n = 2, size;

        if (have < 2)
            return;
        size = in[1];
        if (size == 126) {
            n = 4;
            size = have < n ? 0 : in[2] << 8 | in[3];
            reader->bad |= have >= n && size < 126;
        } else if (size == 127) {
            n = 10;
            size = 0;
            for (int i = 0; i < 8 && have >= n; i++)
                size = size << 8 | in[2 + i];
            reader->bad |= have >= n && size < 65536;
        }
        if (have < n || have - n < size)
            return;
        if (in[0] == 0x82 && size > 0)
            g_byte_array_append(into, in + n, (guint)size);
        else if (in[0] == 0x8a)
            g_byte_array_append(reader->pongs, in, (guint)(n + size));
        else if (in[0] == 0x88 && size == 0)
            reader->closed = true;
        else
            reader->bad = true;
        g_byte_array_remove_range(reader->raw, 0, (guint)(n + size));
    }
}

static FrameReader frame_reader(void)
{
    return (FrameReader){g_byte_array_new(), g_byte_array_new(), false, false};
}

static void frame_reader_clear(FrameReader *reader)
{
    g_byte_array_unref(reader->raw);
    g_byte_array_unref(reader->pongs);
}

/* Feed bytes in pieces; the first 'first' go behind the upgrade request. */
static bool feed(const GByteArray *frames, size_t first, size_t piece, const uint8_t *expected,
                 size_t size)
{
    g_autoptr(GByteArray) got = g_byte_array_new();
    uint8_t trash[512];
    int fds[2];
    Stream *stream;
    bool ok = true;

    net_pair(fds);
    stream = stream_new(&server, fds[0]);
    stream_start_websocket(stream, frames->data, first);
    CHECK(stream_has_buffered_input(stream) == (first > 0));
    ok &= drain(stream, got) == 1;
    for (size_t at = first; at < frames->len; at += piece) {
        ok &= net_send(fds[1], frames->data + at, MIN(piece, frames->len - at));
        ok &= drain(stream, got) == 1;
        ok &= !stream_has_buffered_input(stream);
        while (recv(fds[1], trash, sizeof trash, MSG_DONTWAIT) > 0)
            ;
    }
    ok &= got->len == size && !memcmp(got->data, expected, size);
    stream_close(stream);
    close(fds[1]);
    return ok;
}

static void test_websocket_reading(void)
{
    uint8_t small[300];
    g_autofree uint8_t *large = g_malloc(400000);

    tap_case("websocket: frames in two pieces, at every byte, and byte by byte");
    fill_random(small, sizeof small);
    fill_random(large, 400000);
    g_autoptr(GByteArray) frames = random_frames(small, sizeof small, 90);
    for (size_t split = 0; split < frames->len; split++)
        if (!CHECK(feed(frames, split, frames->len, small, sizeof small)))
            break;
    for (size_t piece = 1; piece < 20; piece++)
        CHECK(feed(frames, 0, piece, small, sizeof small));

    tap_case("websocket: random frames in random pieces");
    for (int i = 0; i < 60; i++) {
        size_t size = g_rand_int(rnd) % 20000;
        g_autoptr(GByteArray) more = random_frames(large, size, 1 + g_rand_int(rnd) % 2000);

        if (!CHECK(feed(more, g_rand_int(rnd) % MIN(more->len + 1, 4000),
                        1 + g_rand_int(rnd) % 5000, large, size)))
            break;
    }

    tap_case("websocket: large frames");
    g_autoptr(GByteArray) big = g_byte_array_new();
    put_frame(big, 0x82, true, large, 400000, false);
    CHECK(feed(big, 3, 50000, large, 400000));
}

static void test_websocket_writing(void)
{
    for (int round = 0; round < 3; round++) {
        FrameReader reader = frame_reader();
        int fds[2];
        Stream *stream;

        tap_case("websocket: writing, into a small buffer");
        net_pair(fds);
        set_buffer(fds[0], round ? 4096 : 400000);
        stream = stream_new(&server, fds[0]);
        stream_start_websocket(stream, NULL, 0);
        CHECK(write_randomly(stream, fds[1], read_frames, &reader, 3000000));
        CHECK(!reader.bad && reader.raw->len == 0);
        stream_close(stream);
        close(fds[1]);
        frame_reader_clear(&reader);
    }
}

static void test_websocket_control(void)
{
    g_autoptr(GByteArray) got = g_byte_array_new();
    FrameReader reader = frame_reader();
    uint8_t payload[125], byte;
    int fds[2];
    Stream *stream;
    struct iovec part;
    g_autofree uint8_t *data = g_malloc0(300000);

    tap_case("websocket: a ping is answered with its payload");
    net_pair(fds);
    set_buffer(fds[0], 4096);
    stream = stream_new(&server, fds[0]);
    stream_start_websocket(stream, NULL, 0);
    for (unsigned size = 0; size <= 125; size++) {
        g_autoptr(GByteArray) ping = g_byte_array_new();

        fill_random(payload, size);
        put_frame(ping, 0x89, size % 2, payload, size, false);
        CHECK(net_send(fds[1], ping->data, ping->len));
        CHECK(would_block(stream_read(stream, &byte, 1)));
        read_frames(&reader, fds[1], got);
        while (reader.pongs->len < 2 + size && reader.raw->len)
            read_frames(&reader, fds[1], got);
        CHECK(reader.pongs->len == 2 + size && reader.pongs->data[1] == size &&
              !memcmp(reader.pongs->data + 2, payload, size));
        g_byte_array_set_size(reader.pongs, 0);
    }

    tap_case("websocket: while output waits, the latest ping wins, between frames");
    part = (struct iovec){data, 300000};
    ssize_t written = stream_writev(stream, &part, 1);
    CHECK(written > 0 && stream_has_pending_output(stream));
    for (uint8_t i = 0; i < 5; i++) {
        g_autoptr(GByteArray) ping = g_byte_array_new();

        put_frame(ping, 0x89, true, &i, 1, false);
        CHECK(net_send(fds[1], ping->data, ping->len));
        CHECK(would_block(stream_read(stream, &byte, 1)));
    }
    for (unsigned i = 0; i < 100000 && stream_flush(stream) == 0; i++)
        read_frames(&reader, fds[1], got);
    for (unsigned i = 0; i < 1000; i++)
        read_frames(&reader, fds[1], got);
    CHECK(got->len == (size_t)written);
    CHECK(reader.pongs->len == 3 && reader.pongs->data[2] == 4 && !reader.bad);

    tap_case("websocket: a close is answered, and ends the stream");
    g_autoptr(GByteArray) last = g_byte_array_new();
    put_frame(last, 0x82, true, data, 2, false);
    put_frame(last, 0x88, true, (const uint8_t *)"\3\350bye", 5, false);
    put_frame(last, 0x82, true, data, 2, false);
    CHECK(net_send(fds[1], last->data, last->len));
    g_byte_array_set_size(got, 0);
    CHECK(drain(stream, got) == 0 && got->len == 2);
    CHECK(stream_read(stream, &byte, 1) == 0);
    CHECK(stream_flush(stream) == 1);
    for (unsigned i = 0; i < 100; i++)
        read_frames(&reader, fds[1], got);
    CHECK(reader.closed && !reader.bad);
    part = (struct iovec){data, 1};
    CHECK(stream_writev(stream, &part, 1) == -1 && errno == EPIPE);
    stream_close(stream);
    close(fds[1]);
    frame_reader_clear(&reader);
}

static void test_websocket_violations(void)
{
    static const struct {
        const char *what;
        uint8_t bytes[14];
        size_t size;
    } wrong[] = {
        {"reserved bit 1", {0xc2, 0x00}, 2},
        {"reserved bit 2", {0xa2, 0x00}, 2},
        {"reserved bit 3", {0x92, 0x00}, 2},
        {"opcode 3", {0x83, 0x00}, 2},
        {"opcode 7", {0x87, 0x00}, 2},
        {"opcode 11", {0x8b, 0x00}, 2},
        {"opcode 15", {0x8f, 0x00}, 2},
        {"unfinished ping", {0x09, 0x00}, 2},
        {"unfinished close", {0x08, 0x00}, 2},
        {"ping of 126 bytes", {0x89, 126, 0, 126}, 4},
        {"pong of 2^32 bytes", {0x8a, 127, 0, 0, 0, 1, 0, 0, 0, 0}, 10},
        {"continuation without start", {0x80, 0x00}, 2},
        {"start inside a message", {0x02, 0x00, 0x82, 0x00}, 4},
        {"length of 2^63", {0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0}, 10},
        {"length of 2^64 - 1", {0x82, 127, 255, 255, 255, 255, 255, 255, 255, 255}, 10},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(wrong); i++) {
        uint8_t byte;
        int fds[2];
        Stream *stream;

        tap_case(wrong[i].what);
        net_pair(fds);
        stream = stream_new(&server, fds[0]);
        stream_start_websocket(stream, NULL, 0);
        CHECK(net_send(fds[1], wrong[i].bytes, wrong[i].size));
        CHECK(stream_read(stream, &byte, 1) == -1 && errno == EPROTO);
        CHECK(stream_read(stream, &byte, 1) == -1 && errno == EPROTO);
        CHECK(!stream_has_buffered_input(stream));
        stream_close(stream);
        close(fds[1]);
    }
}

/* A frame that announces 2^62 bytes costs nothing: its bytes come as they come. */
static void test_websocket_huge_frame(void)
{
    static const uint8_t header[10] = {0x82, 127, 0x40};
    g_autoptr(GByteArray) got = g_byte_array_new();
    int fds[2];
    Stream *stream;

    tap_case("websocket_overflow_2019: a frame of 2^62 bytes");
    net_pair(fds);
    stream = stream_new(&server, fds[0]);
    stream_start_websocket(stream, header, sizeof header);
    CHECK(net_send(fds[1], "some bytes", 10));
    CHECK(drain(stream, got) == 1 && got->len == 10);
    close(fds[1]);
    CHECK(drain(stream, got) == 0);
    stream_close(stream);
}

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

static int give_text(void *context, int id, const char **result, unsigned *size)
{
    *result = "alice";
    if (size)
        *size = 5;
    return SASL_OK;
}

static int give_secret(sasl_conn_t *conn, void *context, int id, sasl_secret_t **secret)
{
    static union {
        sasl_secret_t secret;
        char space[sizeof(sasl_secret_t) + 8];
    } password;

    password.secret.len = 6;
    memcpy(password.secret.data, "wonder", 7);
    *secret = &password.secret;
    return SASL_OK;
}

static sasl_callback_t client_callbacks[] = {
    {SASL_CB_USER, (int (*)(void))(void (*)(void))give_text, NULL},
    {SASL_CB_AUTHNAME, (int (*)(void))(void (*)(void))give_text, NULL},
    {SASL_CB_PASS, (int (*)(void))(void (*)(void))give_secret, NULL},
    {SASL_CB_LIST_END, NULL, NULL}};

/* Two ends that have authenticated with DIGEST-MD5 and agreed on encryption. */
static bool sasl_pair(sasl_conn_t **ours, sasl_conn_t **theirs)
{
    sasl_security_properties_t properties = {.min_ssf = 56, .max_ssf = 100000, .maxbufsize = 8192};
    const char *out, *name, *mechanism;
    unsigned size;
    int result, client;

    if (sasl_server_new("spice", "vm", "vm", NULL, NULL, NULL, SASL_SUCCESS_DATA, ours) ||
        sasl_client_new("spice", "vm", NULL, NULL, client_callbacks, SASL_SUCCESS_DATA, theirs))
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
    rnd = g_rand_new_with_seed(4711);
    server.core = net_core();
    net_sasl_init();
    sasl_client_init(client_callbacks);
    test_plain();
    test_many_parts();
    test_events();
    test_websocket_reading();
    test_websocket_writing();
    test_websocket_control();
    test_websocket_violations();
    test_websocket_huge_frame();
    test_tls(TLS1_2_VERSION);
    test_tls(TLS1_3_VERSION);
    test_tls_failures();
    test_cve_2021_20201();
    test_tls_contexts();
    test_websocket_in_tls();
    test_sasl_layer();
    g_rand_free(rnd);

    return tap_done();
}
