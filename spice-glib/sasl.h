/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The client's side of a SASL exchange, without I/O. Spec: client-glib.md 4.6, wire.md 6. */
#pragma once

#include "transport.h"
#include "spice-client.h"

G_BEGIN_DECLS

#define SPICE_SASL_MAX_MECHANISMS 300
#define SPICE_SASL_MAX_EXCHANGE (1024 * 1024)

typedef struct SpiceSasl SpiceSasl;

/* local and remote: "ip;port" or NULL. tls_bits: strength of TLS, 0 without. Credentials are
 * copied. */
SpiceSasl *spice_sasl_new(const gchar *host, const gchar *local, const gchar *remote, int tls_bits,
                          const gchar *username, const gchar *password, GError **error);
void spice_sasl_free(SpiceSasl *sasl);

/* Choose from the server's list. out: what to send first; NULL out: no data (not the same as empty
 * data). */
gboolean spice_sasl_start(SpiceSasl *sasl, const gchar *mechanisms, const gchar **name,
                          const gchar **out, guint *out_size, GError **error);
/* One answer of the server (NULL: no data). *done: the client has nothing more to do. */
gboolean spice_sasl_step(SpiceSasl *sasl, const gchar *in, guint in_size, const gchar **out,
                         guint *out_size, gboolean *done, GError **error);
gboolean spice_sasl_is_done(SpiceSasl *sasl);
/* Whether the result is strong enough for this connection. */
gboolean spice_sasl_check_strength(SpiceSasl *sasl, GError **error);
/* The layer for what follows; FALSE: bytes pass as they are. The layer takes the object over. */
gboolean spice_sasl_get_layer(SpiceSasl *sasl, SpiceSecurityLayer *layer);
/* The error code of a refusal: which credentials the mechanism asked for. */
SpiceClientError spice_sasl_refusal(SpiceSasl *sasl);

G_END_DECLS
