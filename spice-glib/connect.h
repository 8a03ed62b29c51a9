/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Open a stream to a server: TCP (all addresses of a name), Unix socket, or through an HTTP proxy.
 */
#pragma once

#include "spice-client.h"

G_BEGIN_DECLS

typedef struct SpiceConnectTarget {
    const gchar *unix_path; /* wins over the rest */
    const gchar *host;
    guint16 port;
    SpiceURI *proxy; /* or NULL */
} SpiceConnectTarget;

void spice_connect_async(const SpiceConnectTarget *target, GCancellable *cancellable,
                         GAsyncReadyCallback callback, gpointer data);
GSocketConnection *spice_connect_finish(GAsyncResult *result, GError **error);
/* Wrap a socket that the application opened; the descriptor is taken over in any case. */
GSocketConnection *spice_connect_wrap_fd(int fd, GError **error);
/* Keepalive, no delay, no timeout. */
void spice_connect_tune(GSocket *socket);

G_END_DECLS
