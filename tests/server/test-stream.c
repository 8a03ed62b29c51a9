/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Streams over socket pairs, plain and in WebSocket frames: input in pieces of every size, output
 * into small buffers, what breaks the rules; and channel events. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "stream-support.h"
#include "tap.h"

static struct RedsState server;

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
    fill_random(data, sizeof data);
    while (sent < PARTS) {
        for (size_t i = sent; i < PARTS; i++)
            parts[i - sent] = (struct iovec){data + i, 1};
        ssize_t n = stream_writev(stream, parts, (int)(PARTS - sent));
        if (!CHECK(n > 0))
            break;
        sent += (size_t)n;
    }
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

int main(void)
{
    rnd = g_rand_new_with_seed(4711);
    server.core = net_core();
    test_plain();
    test_many_parts();
    test_events();
    test_websocket_reading();
    test_websocket_writing();
    test_websocket_control();
    test_websocket_violations();
    test_websocket_huge_frame();
    g_rand_free(rnd);
    return tap_done();
}
