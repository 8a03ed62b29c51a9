/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* TLS as SPICE uses it: trust, ciphers, and the three ways to check a certificate. Spec:
 * client-glib.md 4.5. */
#pragma once

#include <gio/gio.h>
#include <openssl/ssl.h>
#include "spice-client.h"

G_BEGIN_DECLS

/* What one connection asks of TLS. Strings are borrowed. */
typedef struct SpiceTlsSettings {
    const gchar *host; /* brackets of an IPv6 address are dropped here */
    const gchar *ca_file;
    const GByteArray *ca; /* PEM: certificates and revocation lists */
    const gchar *ciphers;
    guint verify; /* SpiceSessionVerify */
    const GByteArray *pubkey;
    const gchar *subject;
} SpiceTlsSettings;

/* A connection object with trust and ciphers set. NULL and an error when it can't be made. */
SSL *spice_tls_new(const SpiceTlsSettings *settings, GError **error);
/* After the handshake: does the certificate satisfy the settings? The error says in words what
 * doesn't match. */
gboolean spice_tls_verify(SSL *ssl, const SpiceTlsSettings *settings, GError **error);

/* Host without the brackets of an IPv6 literal; free it. */
gchar *spice_tls_bare_host(const gchar *host);

G_END_DECLS
