/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One accepted connection as a byte stream: plain, TLS, inside a SASL security layer, inside
 * WebSocket frames, or several of these. Non-blocking; never raises SIGPIPE. Used by one thread at
 * a time: by the link stage on the main thread, afterwards by the loop of its channel.
 * docs/spec/server-api.md 8 */
#ifndef SERVER_NET_STREAM_H
#define SERVER_NET_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

typedef struct Stream Stream;

/* Bytes read; 0: the peer has ended the stream; -1 with errno, EAGAIN: nothing now (wait for
 * stream_wanted_events()). */
ssize_t stream_read(Stream *stream, void *data, size_t size);
/* Bytes taken, maybe not all; -1 with errno. What was taken may still wait inside (a TLS record, a
 * frame): as long as stream_has_pending_output(), call stream_flush() when writable. n may be
 * large; large parts are not copied on plain connections. */
ssize_t stream_writev(Stream *stream, const struct iovec *parts, int n);
/* 1: all is out; 0: wait for writability; -1 with errno. */
int stream_flush(Stream *stream);
bool stream_has_pending_output(const Stream *stream);
/* Input that was taken from the socket already: read it before waiting for the descriptor. */
bool stream_has_buffered_input(const Stream *stream);
/* Events that the next read needs (TLS may have to write): usually LOOP_READ. */
int stream_wanted_events(const Stream *stream);

int stream_fd(const Stream *stream);
bool stream_is_encrypted(const Stream *stream);
bool stream_is_unix(const Stream *stream);
/* Bytes that the kernel holds and the peer has not acknowledged; 0 where that isn't known. */
size_t stream_unsent(const Stream *stream);

/* "127.0.0.1:40202" or "a local socket", for the log. */
const char *stream_peer_name(const Stream *stream);

/* Close the socket. Main thread only: channels of workers hand their streams back to it (channel/),
 * so the DISCONNECTED channel event is delivered before this returns. NULL is fine. */
void stream_close(Stream *stream);

#endif
