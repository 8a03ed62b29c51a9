/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The TLS layer of a stream. Writes go out as full records; what OpenSSL has encrypted but could
 * not send counts as taken. docs/spec/server-api.md 7.2 */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <glib.h>
#include <string.h>

#include "net/layers.h"

enum { RECORD_MAX = SSL3_RT_MAX_PLAIN_LENGTH };

typedef struct TlsLayer {
    StreamLayer layer;
    SSL *ssl;
    uint8_t *staged;  /* RECORD_MAX bytes: small parts put together, or a record that waits */
    size_t n_waiting; /* of staged: a record that OpenSSL has taken but not sent */
    int below_errno;  /* of the last failure below, 0: none */
    bool ready, broken;
    bool ended;        /* below, with TLS's goodbye or without it */
    bool read_blocked; /* the last read found nothing: what is buffered is not a whole record */
    bool read_wants_write;
} TlsLayer;

/* ---- OpenSSL's way to the layer below ---- */

static BIO_METHOD *below_method;
static pthread_once_t below_method_once = PTHREAD_ONCE_INIT;

static int below_result(BIO *bio, TlsLayer *tls, ssize_t n, int retry)
{
    BIO_clear_retry_flags(bio);
    if (n >= 0)
        return (int)n;
    if (errno == EAGAIN || errno == EWOULDBLOCK)
        BIO_set_flags(bio, retry | BIO_FLAGS_SHOULD_RETRY);
    else
        tls->below_errno = errno;
    return -1;
}

static int below_write(BIO *bio, const char *data, int size)
{
    TlsLayer *tls = BIO_get_data(bio);
    struct iovec part = {(void *)data, (size_t)size};

    return below_result(bio, tls, layer_writev(tls->layer.below, &part, 1), BIO_FLAGS_WRITE);
}

static int below_read(BIO *bio, char *data, int size)
{
    TlsLayer *tls = BIO_get_data(bio);
    ssize_t n = layer_read(tls->layer.below, data, (size_t)size);

    tls->ended = n == 0;
    return below_result(bio, tls, n, BIO_FLAGS_READ);
}

static long below_control(BIO *bio, int command, long number, void *pointer)
{
    switch (command) {
    case BIO_CTRL_FLUSH:
        return 1;
    case BIO_CTRL_EOF:
        return ((TlsLayer *)BIO_get_data(bio))->ended;
    default: /* unknown */
        return 0;
    }
}

static void make_below_method(void)
{
    below_method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "spice stream");
    if (!below_method)
        return;
    BIO_meth_set_write(below_method, below_write);
    BIO_meth_set_read(below_method, below_read);
    BIO_meth_set_ctrl(below_method, below_control);
}

/* ---- Results ---- */

/* -1 with errno. */
static ssize_t fail(TlsLayer *tls, int ssl_error)
{
    int code = EPROTO;

    if (ssl_error == SSL_ERROR_SYSCALL)
        code = tls->below_errno ? tls->below_errno : ECONNRESET;
    tls->broken = true;
    ERR_clear_error();
    errno = code;
    return -1;
}

static ssize_t tls_read(StreamLayer *layer, void *data, size_t size)
{
    TlsLayer *tls = (TlsLayer *)layer;
    size_t n = 0;
    int error;

    if (tls->broken) {
        errno = EPROTO;
        return -1;
    }
    tls->read_wants_write = false;
    ERR_clear_error();
    if (SSL_read_ex(tls->ssl, data, size, &n)) {
        tls->read_blocked = false;
        return (ssize_t)n;
    }
    error = SSL_get_error(tls->ssl, 0);
    switch (error) {
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    case SSL_ERROR_WANT_WRITE:
        tls->read_wants_write = true;
        /* fall through */
    case SSL_ERROR_WANT_READ:
        tls->read_blocked = true;
        errno = EAGAIN;
        return -1;
    default:
        return fail(tls, error);
    }
}

/* 1: sent; 0: waits for the socket; -1 with errno. */
static int write_record(TlsLayer *tls, const void *data, size_t size)
{
    size_t n;
    int error;

    ERR_clear_error();
    if (SSL_write_ex(tls->ssl, data, size, &n))
        return 1;
    error = SSL_get_error(tls->ssl, 0);
    if (error == SSL_ERROR_WANT_WRITE || error == SSL_ERROR_WANT_READ)
        return 0;
    return (int)fail(tls, error);
}

static int tls_flush(StreamLayer *layer)
{
    TlsLayer *tls = (TlsLayer *)layer;
    int result = 1;

    if (tls->broken) {
        errno = EPROTO;
        return -1;
    }
    if (tls->n_waiting) {
        result = write_record(tls, tls->staged, tls->n_waiting);
        if (result == 1)
            tls->n_waiting = 0;
    }
    return result;
}

static ssize_t tls_writev(StreamLayer *layer, const struct iovec *parts, int n)
{
    TlsLayer *tls = (TlsLayer *)layer;
    PartsCursor cursor = {parts, n, 0};
    size_t taken = 0;
    int result = tls_flush(layer);

    if (result == 0) {
        errno = EAGAIN;
        return -1;
    }
    if (result < 0)
        return -1;
    while (taken < LAYER_WRITE_MAX) {
        size_t size = parts_size(&cursor, RECORD_MAX);
        const uint8_t *data;

        if (size == 0)
            break;
        if (cursor.parts->iov_len - cursor.offset >= size) {
            struct iovec view;

            parts_take(&cursor, size, &view, 1, &size);
            data = view.iov_base;
        } else {
            parts_copy(&cursor, tls->staged, size);
            data = tls->staged;
        }
        result = write_record(tls, data, size);
        if (result < 0)
            return -1;
        taken += size;
        if (result == 0) {
            if (data != tls->staged)
                memcpy(tls->staged, data, size);
            tls->n_waiting = size;
            break;
        }
    }
    return (ssize_t)taken;
}

static bool tls_has_pending_output(const StreamLayer *layer)
{
    return ((const TlsLayer *)layer)->n_waiting > 0;
}

static bool tls_has_buffered_input(const StreamLayer *layer)
{
    const TlsLayer *tls = (const TlsLayer *)layer;

    return tls->ready && !tls->broken && !tls->read_blocked && SSL_has_pending(tls->ssl);
}

static bool tls_read_needs_write(const StreamLayer *layer)
{
    return ((const TlsLayer *)layer)->read_wants_write;
}

static void tls_free(StreamLayer *layer)
{
    TlsLayer *tls = (TlsLayer *)layer;

    if (tls->ready && !tls->broken && !tls->n_waiting)
        SSL_shutdown(tls->ssl); /* one try, never waits */
    SSL_free(tls->ssl);
    ERR_clear_error();
    OPENSSL_cleanse(tls->staged, RECORD_MAX);
    g_free(tls->staged);
    g_free(tls);
}

static const StreamLayerClass tls_class = {
    .read = tls_read,
    .writev = tls_writev,
    .flush = tls_flush,
    .has_pending_output = tls_has_pending_output,
    .has_buffered_input = tls_has_buffered_input,
    .read_needs_write = tls_read_needs_write,
    .free = tls_free,
};

/* ---- Setting up ---- */

bool stream_start_tls(Stream *stream, struct ssl_ctx_st *context)
{
    TlsLayer *tls = g_new0(TlsLayer, 1);
    BIO *bio;

    pthread_once(&below_method_once, make_below_method);
    tls->ssl = SSL_new(context);
    bio = below_method ? BIO_new(below_method) : NULL;
    if (!tls->ssl || !bio) {
        SSL_free(tls->ssl);
        BIO_free(bio);
        g_free(tls);
        ERR_clear_error();
        return false;
    }
    tls->staged = g_malloc(RECORD_MAX);
    tls->layer.class = &tls_class;
    BIO_set_data(bio, tls);
    BIO_set_init(bio, 1);
    SSL_set_bio(tls->ssl, bio, bio);
    SSL_set_accept_state(tls->ssl);
    /* A record and its header in one read; several records in one, too. */
    SSL_set_read_ahead(tls->ssl, 1);
    /* No partial writes: what write_record() gives is taken as a whole, also when the peer has
     * asked for smaller records than ours. */
    SSL_set_mode(tls->ssl, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    stream_push(stream, &tls->layer);
    stream_mark_encrypted(stream);
    return true;
}

static TlsLayer *tls_of(const Stream *stream)
{
    for (StreamLayer *layer = stream_top((Stream *)stream); layer; layer = layer->below)
        if (layer->class == &tls_class)
            return (TlsLayer *)layer;
    return NULL;
}

TlsStep stream_tls_handshake(Stream *stream, char *error, size_t error_size)
{
    TlsLayer *tls = tls_of(stream);
    unsigned long code;
    int result;

    ERR_clear_error();
    result = SSL_do_handshake(tls->ssl);
    if (result == 1) {
        tls->ready = true;
        return TLS_STEP_DONE;
    }
    result = SSL_get_error(tls->ssl, result);
    if (result == SSL_ERROR_WANT_READ)
        return TLS_STEP_WANTS_READ;
    if (result == SSL_ERROR_WANT_WRITE)
        return TLS_STEP_WANTS_WRITE;
    code = ERR_peek_error();
    if (code)
        g_strlcpy(error,
                  ERR_reason_error_string(code) ? ERR_reason_error_string(code) : "unknown error",
                  error_size);
    else
        g_strlcpy(error, tls->below_errno ? g_strerror(tls->below_errno) : "the peer has closed it",
                  error_size);
    fail(tls, result);
    return TLS_STEP_FAILED;
}

unsigned stream_tls_bits(const Stream *stream)
{
    TlsLayer *tls = tls_of(stream);
    int bits = tls ? SSL_get_cipher_bits(tls->ssl, NULL) : 0;

    return bits > 0 ? (unsigned)bits : 0;
}
