/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* TLS contexts, and the check of the server's certificate. See tls.h. */
#include <string.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include "tls.h"

static gboolean fail(GError **error, const gchar *format, ...) G_GNUC_PRINTF(2, 3);

static gboolean fail(GError **error, const gchar *format, ...)
{
    va_list args;

    va_start(args, format);
    g_propagate_error(
        error, g_error_new_valist(SPICE_CLIENT_ERROR, SPICE_CLIENT_ERROR_FAILED, format, args));
    va_end(args);
    ERR_clear_error();
    return FALSE;
}

gchar *spice_tls_bare_host(const gchar *host)
{
    gsize size = host ? strlen(host) : 0;

    if (size > 2 && host[0] == '[' && host[size - 1] == ']')
        return g_strndup(host + 1, size - 2);
    return g_strdup(host ? host : "");
}

/* --- trust --- */

/* Number of certificates and revocation lists taken from PEM text. */
static guint load_pem(X509_STORE *store, const GByteArray *pem)
{
    BIO *bio = BIO_new_mem_buf(pem->data, (int)MIN(pem->len, G_MAXINT));
    STACK_OF(X509_INFO) *infos = bio ? PEM_X509_INFO_read_bio(bio, NULL, NULL, NULL) : NULL;
    guint n = 0;
    gboolean revocation = FALSE;

    for (int i = 0; infos && i < sk_X509_INFO_num(infos); i++) {
        X509_INFO *info = sk_X509_INFO_value(infos, i);

        if (info->x509 && X509_STORE_add_cert(store, info->x509))
            n++;
        if (info->crl && X509_STORE_add_crl(store, info->crl)) {
            n++;
            revocation = TRUE;
        }
    }
    if (revocation)
        X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK);
    sk_X509_INFO_pop_free(infos, X509_INFO_free);
    BIO_free(bio);
    ERR_clear_error();
    return n;
}

static gboolean load_trust(SSL_CTX *ctx, const SpiceTlsSettings *settings)
{
    gboolean loaded = FALSE;

    if (settings->ca_file) {
        loaded = SSL_CTX_load_verify_locations(ctx, settings->ca_file, NULL) == 1;
        if (!loaded)
            g_warning("no CA certificate could be read from %s", settings->ca_file);
    }
    if (settings->ca && settings->ca->len > 0) {
        if (load_pem(SSL_CTX_get_cert_store(ctx), settings->ca) > 0)
            loaded = TRUE;
        else
            g_warning("the CA data that was set holds no certificate in PEM form");
    }
    if (!loaded)
        loaded = SSL_CTX_set_default_verify_paths(ctx) == 1;
    ERR_clear_error();
    return loaded;
}

SSL *spice_tls_new(const SpiceTlsSettings *settings, GError **error)
{
    g_autofree gchar *host = spice_tls_bare_host(settings->host);
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL *ssl;

    if (!ctx) {
        fail(error, "TLS could not be set up: %s", ERR_reason_error_string(ERR_peek_last_error()));
        return NULL;
    }
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    /* The handshake goes on whatever the chain is worth: spice_tls_verify() decides, in SPICE's own
     * order. */
    SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
    if (!load_trust(ctx, settings) &&
        (settings->verify & (SPICE_SESSION_VERIFY_HOSTNAME | SPICE_SESSION_VERIFY_SUBJECT)) &&
        !(settings->verify & SPICE_SESSION_VERIFY_PUBKEY)) {
        fail(error, "No CA certificate could be loaded to check the server with. Set a CA file.");
        SSL_CTX_free(ctx);
        return NULL;
    }
    if (settings->ciphers && SSL_CTX_set_cipher_list(ctx, settings->ciphers) != 1) {
        g_warning("the cipher list \"%s\" is not valid and is ignored", settings->ciphers);
        ERR_clear_error();
    }
    ssl = SSL_new(ctx);
    SSL_CTX_free(ctx);
    if (!ssl) {
        fail(error, "TLS could not be set up: %s", ERR_reason_error_string(ERR_peek_last_error()));
        return NULL;
    }
    if (*host && !g_hostname_is_ip_address(host))
        SSL_set_tlsext_host_name(ssl, host);
    return ssl;
}

/* --- the certificate --- */

static gboolean pubkey_matches(X509 *cert, const GByteArray *pubkey)
{
    guint8 *der = NULL;
    int size = i2d_PUBKEY(X509_get0_pubkey(cert), &der);
    gboolean same =
        pubkey && size > 0 && (guint)size == pubkey->len && memcmp(der, pubkey->data, size) == 0;

    OPENSSL_free(der);
    return same;
}

static gchar *name_text(X509_NAME *name)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *data;
    long size;
    gchar *text;

    X509_NAME_print_ex(bio, name, 0,
                       (XN_FLAG_ONELINE & ~ASN1_STRFLGS_ESC_MSB & ~XN_FLAG_SPC_EQ) |
                           XN_FLAG_SEP_CPLUS_SPC);
    size = BIO_get_mem_data(bio, &data);
    text = g_strndup(data, size);
    BIO_free(bio);
    return text;
}

/* key=value pairs, commas between; a backslash escapes itself and the comma. */
static X509_NAME *parse_subject(const gchar *text, GError **error)
{
    X509_NAME *name = X509_NAME_new();
    const gchar *p = text;

    for (;;) {
        g_autoptr(GString) value = g_string_new(NULL);
        g_autofree gchar *key = NULL;
        const gchar *equals;

        while (*p == ' ')
            p++;
        equals = strchr(p, '=');
        if (!equals || equals == p) {
            fail(error, "The certificate subject to check, \"%s\", is not made of key=value pairs",
                 text);
            break;
        }
        key = g_strndup(p, equals - p);
        for (p = equals + 1; *p && *p != ','; p++) {
            if (*p == '\\') {
                p++;
                if (*p != '\\' && *p != ',')
                    break;
            }
            g_string_append_c(value, *p);
        }
        if (*p && *p != ',') {
            fail(error,
                 "The certificate subject to check, \"%s\", has a backslash before something else "
                 "than a backslash "
                 "or a comma",
                 text);
            break;
        }
        if (!X509_NAME_add_entry_by_txt(name, key, MBSTRING_UTF8, (const guint8 *)value->str,
                                        (int)value->len, -1, 0)) {
            fail(
                error,
                "The certificate subject to check, \"%s\", has the unknown key or bad value \"%s\"",
                text, key);
            break;
        }
        if (!*p)
            return name;
        p++;
    }
    X509_NAME_free(name);
    return NULL;
}

static gboolean check_subject(X509 *cert, const gchar *subject, GError **error)
{
    g_autofree gchar *actual = name_text(X509_get_subject_name(cert));
    X509_NAME *wanted = parse_subject(subject ? subject : "", error);
    gboolean same;

    if (!wanted)
        return FALSE;
    same = X509_NAME_cmp(wanted, X509_get_subject_name(cert)) == 0;
    X509_NAME_free(wanted);
    return same ? TRUE
                : fail(error,
                       "The certificate subject does not match: expected \"%s\", the server shows "
                       "\"%s\"",
                       subject, actual);
}

/* Whether the certificate names hosts in subjectAltName; then its common names do not count. */
static gboolean has_alternative_names(X509 *cert)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    gboolean found = FALSE;

    for (int i = 0; names && i < sk_GENERAL_NAME_num(names); i++) {
        int type = sk_GENERAL_NAME_value(names, i)->type;

        found = found || type == GEN_DNS || type == GEN_IPADD;
    }
    GENERAL_NAMES_free(names);
    return found;
}

static gboolean common_name_matches(X509 *cert, const gchar *host)
{
    X509_NAME *name = X509_get_subject_name(cert);

    for (int i = -1; (i = X509_NAME_get_index_by_NID(name, NID_commonName, i)) >= 0;) {
        guint8 *text = NULL;
        int size =
            ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, i)));
        gboolean same = size > 0 && strlen((char *)text) == (gsize)size &&
                        g_ascii_strcasecmp((char *)text, host) == 0;

        OPENSSL_free(text);
        if (same)
            return TRUE;
    }
    return FALSE;
}

static gboolean check_host(X509 *cert, const gchar *host, GError **error)
{
    g_autofree gchar *subject = NULL;
    gboolean is_address = g_hostname_is_ip_address(host);

    if (has_alternative_names(cert)) {
        if (is_address
                ? X509_check_ip_asc(cert, host, 0) == 1
                : X509_check_host(cert, host, 0, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, NULL) == 1)
            return TRUE;
    } else if (common_name_matches(cert, host) ||
               (!is_address && X509_check_host(cert, host, 0, 0, NULL) == 1)) {
        return TRUE;
    }
    subject = name_text(X509_get_subject_name(cert));
    return fail(error,
                "The certificate is not for the host \"%s\" but for \"%s\". Connect by the name in "
                "the certificate, or "
                "set the subject to check",
                host, subject);
}

gboolean spice_tls_verify(SSL *ssl, const SpiceTlsSettings *settings, GError **error)
{
    X509 *cert = SSL_get0_peer_certificate(ssl);
    g_autofree gchar *host = spice_tls_bare_host(settings->host);
    long chain;

    if (settings->verify == 0)
        return TRUE;
    if (!cert)
        return fail(error, "The server has no certificate");
    if ((settings->verify & SPICE_SESSION_VERIFY_PUBKEY) && pubkey_matches(cert, settings->pubkey))
        return TRUE;
    chain = SSL_get_verify_result(ssl);
    if (chain != X509_V_OK) {
        g_autofree gchar *issuer = name_text(X509_get_issuer_name(cert));

        return fail(error,
                    "The server's certificate is not trusted: %s (issued by \"%s\"). Set the CA "
                    "file that belongs to "
                    "this server",
                    X509_verify_cert_error_string(chain), issuer);
    }
    if (settings->verify & SPICE_SESSION_VERIFY_SUBJECT)
        return check_subject(cert, settings->subject, error);
    if (settings->verify & SPICE_SESSION_VERIFY_HOSTNAME)
        return check_host(cert, host, error);
    return fail(error, "The server's public key is not the expected one");
}
