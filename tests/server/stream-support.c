/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the tests of streams share. See stream-support.h. */
#include "stream-support.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

GRand *rnd;

void fill_random(uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        data[i] = (uint8_t)g_rand_int(rnd);
}

bool would_block(ssize_t n)
{
    return n < 0 && errno == EAGAIN;
}

int drain(Stream *stream, GByteArray *into)
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

void set_buffer(int fd, int size)
{
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
}

void read_plain(void *peer, int fd, GByteArray *into)
{
    uint8_t piece[5000];
    ssize_t n = recv(fd, piece, 1 + g_rand_int(rnd) % sizeof piece, MSG_DONTWAIT);

    if (n > 0)
        g_byte_array_append(into, piece, (guint)n);
}

/* Random parts go into the stream while the peer reads now and then: nothing is lost. */
bool write_randomly(Stream *stream, int peer_fd, PeerReadFunc read_peer, void *peer, size_t total)
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
    return sent == total && got->len == total && !memcmp(got->data, data, total) &&
           !stream_has_pending_output(stream);
}

void put_frame(GByteArray *out, unsigned first, bool masked, const uint8_t *data, size_t size,
               bool long_length)
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

GByteArray *random_frames(const uint8_t *data, size_t size, size_t largest)
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

void read_frames(void *peer, int fd, GByteArray *into)
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

FrameReader frame_reader(void)
{
    return (FrameReader){g_byte_array_new(), g_byte_array_new(), false, false};
}

void frame_reader_clear(FrameReader *reader)
{
    g_byte_array_unref(reader->raw);
    g_byte_array_unref(reader->pongs);
}
