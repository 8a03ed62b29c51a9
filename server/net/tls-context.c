/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The TLS context of a server. See tls-context.h. */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <string.h>

#include "net/tls-context.h"

#include "log.h"

static SSL_CTX *fail(SSL_CTX *context, const char *what, const char *file)
{
    unsigned long code = ERR_peek_last_error();
    const char *reason = code ? ERR_reason_error_string(code) : NULL;

    log_warning("TLS: %s%s%s: %s", what, file ? " " : "", file ? file : "",
                reason ? reason : "unknown error");
    ERR_clear_error();
    SSL_CTX_free(context);
    return NULL;
}

/* PEM password callback. A password that doesn't fit gives none. */
static int key_password(char *buffer, int size, int writing, void *data)
{
    const char *password = data;
    size_t length = password ? strlen(password) : 0;

    if (length >= (size_t)size)
        return 0;
    if (length)
        memcpy(buffer, password, length);
    buffer[length] = 0;
    return (int)length;
}

static bool use_dh_parameters(SSL_CTX *context, const char *file)
{
    BIO *bio = BIO_new_file(file, "r");
    bool done = false;

    if (!bio)
        return false;
#if OPENSSL_VERSION_NUMBER >= 0x30000000L
    EVP_PKEY *parameters = PEM_read_bio_Parameters(bio, NULL);

    done = parameters && EVP_PKEY_is_a(parameters, "DH") &&
           SSL_CTX_set0_tmp_dh_pkey(context, parameters) == 1;
    if (!done)
        EVP_PKEY_free(parameters);
#else
    DH *parameters = PEM_read_bio_DHparams(bio, NULL, NULL, NULL);

    done = parameters && SSL_CTX_set_tmp_dh(context, parameters) == 1;
    DH_free(parameters);
#endif
    BIO_free(bio);
    return done;
}

static bool given(const char *text)
{
    return text && text[0];
}

struct ssl_ctx_st *tls_context_new(const TlsFiles *files)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    bool old_clients = g_strcmp0(g_getenv("SPICE_SERVER_TLS_MIN"), "1.1") == 0;

    if (!context)
        return fail(NULL, "no context", NULL);
    /* A peer that closes without TLS's own goodbye just closes: our messages have lengths. */
    SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE);
#ifdef SSL_OP_IGNORE_UNEXPECTED_EOF
    SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
#endif
    if (SSL_CTX_set_min_proto_version(context, old_clients ? TLS1_1_VERSION : TLS1_2_VERSION) != 1)
        return fail(context, "the protocol versions can't be set", NULL);
    if (old_clients) /* the signatures of TLS 1.1 are below the library's usual level */
        SSL_CTX_set_security_level(context, 0);
    SSL_CTX_set_default_passwd_cb(context, key_password);
    SSL_CTX_set_default_passwd_cb_userdata(context, (void *)files->key_password);

    if (SSL_CTX_use_certificate_chain_file(context, files->cert_file) != 1)
        return fail(context, "can't use the certificate", files->cert_file);
    if (SSL_CTX_use_PrivateKey_file(context, files->key_file, SSL_FILETYPE_PEM) != 1)
        return fail(context, "can't use the private key", files->key_file);
    if (SSL_CTX_check_private_key(context) != 1)
        return fail(context, "the private key isn't the certificate's", files->key_file);
    if (SSL_CTX_load_verify_locations(context, files->ca_file, NULL) != 1)
        return fail(context, "can't use the CA's certificate", files->ca_file);
    if (given(files->dh_file) && !use_dh_parameters(context, files->dh_file))
        return fail(context, "can't use the DH parameters", files->dh_file);
    if (given(files->ciphers) && SSL_CTX_set_cipher_list(context, files->ciphers) != 1)
        return fail(context, "can't use the cipher list", files->ciphers);

    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_session_id_context(context, (const unsigned char *)"SPICE", 5);
    /* Clients come once for each channel, with no session of their own; keeping sessions would only
     * be memory that unauthenticated peers fill. */
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_default_passwd_cb_userdata(context, NULL);
    ERR_clear_error();
    return context;
}
