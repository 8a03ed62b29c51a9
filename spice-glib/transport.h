/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The bytes of one connection: a stream socket (or a proxied stream), TLS over it, a SASL security
 * layer over that.
 *
 * Reads and writes never block; they fail with G_IO_ERROR_WOULD_BLOCK, and then a watch calls back
 * when it is worth another try. A reader must read until WOULD_BLOCK before it sets the watch:
 * layers keep decoded bytes. Owned by one SpiceLink, main context only. */
#pragma once

#include <gio/gio.h>
#include <openssl/ssl.h>

G_BEGIN_DECLS

typedef struct SpiceTransport SpiceTransport;
typedef void (*SpiceTransportReady)(gpointer data);

/* Takes references. socket: the one below the stream. */
SpiceTransport *spice_transport_new(GIOStream *stream, GSocket *socket);
/* Closes the connection; no callback comes any more. */
void spice_transport_free(SpiceTransport *transport);
GSocket *spice_transport_get_socket(SpiceTransport *transport); /* borrowed */
gboolean spice_transport_is_unix(SpiceTransport *transport);
gboolean spice_transport_is_tls(SpiceTransport *transport);
int spice_transport_get_tls_bits(SpiceTransport *transport);

/* Change who is called. */
void spice_transport_set_callbacks(SpiceTransport *transport, SpiceTransportReady readable,
                                   SpiceTransportReady writable, gpointer data);
void spice_transport_watch_read(SpiceTransport *transport, gboolean on);
/* A read of less than was asked for has emptied the socket. */
gboolean spice_transport_is_direct(SpiceTransport *transport);
/* A read that would have blocked waits for input (and not, as TLS may, for room to write). */
gboolean spice_transport_waits_for_input(SpiceTransport *transport);
void spice_transport_watch_write(SpiceTransport *transport, gboolean on);

/* Bytes read; 0 at the end of the stream; -1 and an error. */
gssize spice_transport_read(SpiceTransport *transport, void *buffer, gsize size, GError **error);
/* Bytes taken (a layer may hold them back: see flush); -1 and an error. */
gssize spice_transport_write(SpiceTransport *transport, const void *buffer, gsize size,
                             GError **error);
/* Push what a layer holds back. TRUE: nothing is left. */
gboolean spice_transport_flush(SpiceTransport *transport, GError **error);

/* Begin TLS with a prepared connection object, which is taken over. Then call handshake until it is
 * done. */
void spice_transport_start_tls(SpiceTransport *transport, SSL *ssl);
/* TRUE: done. FALSE with WOULD_BLOCK: again when readable or writable. */
gboolean spice_transport_handshake(SpiceTransport *transport, GError **error);
SSL *spice_transport_get_ssl(SpiceTransport *transport);

/* A security layer that turns bytes into other bytes. Functions return FALSE when the layer fails;
 * *out stays theirs until the next call. */
typedef struct SpiceSecurityLayer {
    gboolean (*encode)(gpointer self, const guint8 *in, gsize size, const guint8 **out,
                       gsize *out_size);
    gboolean (*decode)(gpointer self, const guint8 *in, gsize size, const guint8 **out,
                       gsize *out_size);
    void (*free)(gpointer self);
    gpointer self;
    gsize max_plain; /* largest piece that encode takes */
} SpiceSecurityLayer;
/* surplus: bytes that were read already and belong to the layer. */
void spice_transport_add_layer(SpiceTransport *transport, const SpiceSecurityLayer *layer,
                               const guint8 *surplus, gsize size);

/* The oldest file descriptor that came with the bytes read so far (Unix sockets), or -1. The caller
 * closes it. */
int spice_transport_take_fd(SpiceTransport *transport);

G_END_DECLS
