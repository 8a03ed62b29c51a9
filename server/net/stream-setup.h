/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How link/ makes a stream of an accepted socket, and what it puts around it. Main thread.
 * docs/spec/server-api.md 5.3, 8.1 to 8.4 */
#ifndef SERVER_NET_STREAM_SETUP_H
#define SERVER_NET_STREAM_SETUP_H

#include "net/stream.h"

struct RedsState;
struct ssl_ctx_st;
struct ssl_st;
struct sasl_conn;

/* Takes the (non-blocking) socket. Nobody is told yet. Never NULL. */
Stream *stream_new(struct RedsState *server, int fd);
/* Channel event CONNECTED; stream_close() will give DISCONNECTED, with the same info. */
void stream_tell_connected(Stream *stream);
void stream_tell_initialized(Stream *stream, uint32_t connection_id, uint8_t type, uint8_t id);
/* stream_close(), but the socket stays open and goes back to the caller. */
int stream_release(Stream *stream);

/* "192.0.2.1;5900", as SASL wants addresses ("localhost;" and the rest for a local socket). */
void stream_sasl_addresses(const Stream *stream, char *local, char *peer, size_t size);
/* What failures are counted by: the peer's IPv4 address, the upper half of an IPv6 one, or one
 * value for all local sockets. */
uint64_t stream_peer_key(const Stream *stream);

/* Put TLS (as server) on top. False: no memory. The handshake comes first; its steps may run on
 * another thread, while nobody else uses the stream. */
bool stream_start_tls(Stream *stream, struct ssl_ctx_st *context);
typedef enum TlsStep {
    TLS_STEP_DONE,
    TLS_STEP_WANTS_READ,
    TLS_STEP_WANTS_WRITE,
    TLS_STEP_FAILED, /* error: words */
} TlsStep;
TlsStep stream_tls_handshake(Stream *stream, char *error, size_t error_size);
/* Strength of the cipher in bits; 0 without TLS. */
unsigned stream_tls_bits(const Stream *stream);

/* From now on all bytes go through the security layer that conn has negotiated. Takes conn. */
void stream_start_sasl(Stream *stream, struct sasl_conn *conn);
/* From now on all bytes are in WebSocket frames. data: what was read already behind the upgrade
 * request. */
void stream_start_websocket(Stream *stream, const void *data, size_t size);

#endif
