/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The TLS context of a server, made of its options. docs/spec/server-api.md 7.2 */
#ifndef SERVER_NET_TLS_CONTEXT_H
#define SERVER_NET_TLS_CONTEXT_H

struct ssl_ctx_st;

typedef struct TlsFiles {
    const char *ca_file, *cert_file, *key_file;   /* PEM; none is NULL */
    const char *key_password, *dh_file, *ciphers; /* NULL or "": not given */
} TlsFiles;

/* NULL: one log line says why. Freed with SSL_CTX_free(). TLS 1.2 and 1.3; with
 * SPICE_SERVER_TLS_MIN=1.1 in the environment also 1.1, for old clients. */
struct ssl_ctx_st *tls_context_new(const TlsFiles *files);

#endif
