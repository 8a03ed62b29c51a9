/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the tests of streams share: random bytes through a stream, and WebSocket frames. */
#ifndef TESTS_SERVER_STREAM_SUPPORT_H
#define TESTS_SERVER_STREAM_SUPPORT_H

#include "net-support.h"
#include "net/stream-setup.h"

extern GRand *rnd;

void fill_random(uint8_t *data, size_t size);
/* A small send buffer, or a large one. */
void set_buffer(int fd, int size);
/* Nothing came, and nothing is wrong. */
bool would_block(ssize_t n);
/* Read all that is there; the bytes are appended. -1 with errno: an error; 0: the end; 1: nothing
 * now. */
int drain(Stream *stream, GByteArray *into);

/* A peer takes what the stream wrote; decode turns it to the stream's bytes. */
typedef void (*PeerReadFunc)(void *peer, int fd, GByteArray *into);

void read_plain(void *peer, int fd, GByteArray *into);
/* Random parts go into the stream while the peer reads now and then. False: something is lost or
 * wrong. */
bool write_randomly(Stream *stream, int peer_fd, PeerReadFunc read_peer, void *peer, size_t total);

/* One frame of a WebSocket client; first: its first byte. */
void put_frame(GByteArray *out, unsigned first, bool masked, const uint8_t *data, size_t size,
               bool long_length);
/* Random frames that carry these bytes, with pings and pongs between them. */
GByteArray *random_frames(const uint8_t *data, size_t size, size_t largest);

/* Takes the frames of a server apart. */
typedef struct FrameReader {
    GByteArray *raw, *pongs;
    bool bad, closed;
} FrameReader;

void read_frames(void *peer, int fd, GByteArray *into);
FrameReader frame_reader(void);
void frame_reader_clear(FrameReader *reader);

#endif
