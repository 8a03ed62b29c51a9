/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Non-blocking reads and writes through socket, TLS and security layer. See transport.h. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <openssl/err.h>
#include "session-private.h"
#include "transport.h"

#define MAX_PENDING_FDS 4 /* more than one per message that waits is hostile */
#define LAYER_CHUNK 8192  /* wire bytes given to a security layer at a time */

typedef struct Watch {
    GSource *source;
    SpiceTransportReady ready;
    GIOCondition condition; /* what the last try was waiting for */
    SpiceTransport *transport;
} Watch;

struct SpiceTransport {
    GIOStream *stream;
    GSocket *socket;
    int fd; /* of the socket */
    gboolean is_unix;
    gboolean direct; /* nothing stands between the stream and its socket */
    GPollableInputStream *input;
    GPollableOutputStream *output;
    Watch reads, writes;
    gpointer data;

    SSL *ssl;
    GError *raw_error; /* why the BIO failed */

    SpiceSecurityLayer layer;
    gboolean has_layer;
    gboolean layer_broken; /* it was given something that it cannot decode */
    GByteArray *decoded;   /* from the layer, not yet read */
    gsize decoded_offset;
    GByteArray *encoded; /* from the layer, not yet written */
    gsize encoded_offset;

    int fds[MAX_PENDING_FDS];
    guint n_fds;
};

SpiceTransport *spice_transport_new(GIOStream *stream, GSocket *socket)
{
    SpiceTransport *t = g_new0(SpiceTransport, 1);

    t->stream = g_object_ref(stream);
    t->socket = g_object_ref(socket);
    t->fd = g_socket_get_fd(socket);
    t->is_unix = g_socket_get_family(socket) == G_SOCKET_FAMILY_UNIX;
    t->direct = G_IS_SOCKET_CONNECTION(stream) && !G_IS_TCP_WRAPPER_CONNECTION(stream);
    t->input = G_POLLABLE_INPUT_STREAM(g_io_stream_get_input_stream(stream));
    t->output = G_POLLABLE_OUTPUT_STREAM(g_io_stream_get_output_stream(stream));
    t->reads.condition = G_IO_IN;
    t->writes.condition = G_IO_OUT;
    t->reads.transport = t->writes.transport = t;
    t->decoded = g_byte_array_new();
    t->encoded = g_byte_array_new();
    return t;
}

static void unwatch(Watch *watch)
{
    if (watch->source) {
        g_source_destroy(watch->source);
        g_clear_pointer(&watch->source, g_source_unref);
    }
}

void spice_transport_free(SpiceTransport *t)
{
    if (!t)
        return;
    unwatch(&t->reads);
    unwatch(&t->writes);
    if (t->ssl) {
        /* A courtesy to the peer; what doesn't fit into the socket now is not sent. */
        if (SSL_is_init_finished(t->ssl))
            SSL_shutdown(t->ssl);
        ERR_clear_error();
        SSL_free(t->ssl);
    }
    g_clear_error(&t->raw_error);
    if (t->has_layer)
        t->layer.free(t->layer.self);
    for (guint i = 0; i < t->n_fds; i++)
        close(t->fds[i]);
    /* Closing the socket directly: g_io_stream_close() of a wrapped stream may block. */
    g_socket_close(t->socket, NULL);
    g_object_unref(t->socket);
    g_object_unref(t->stream);
    g_byte_array_unref(t->decoded);
    g_byte_array_unref(t->encoded);
    g_free(t);
}

GSocket *spice_transport_get_socket(SpiceTransport *t)
{
    return t->socket;
}

gboolean spice_transport_is_unix(SpiceTransport *t)
{
    return t->is_unix;
}

gboolean spice_transport_is_tls(SpiceTransport *t)
{
    return t->ssl != NULL;
}

int spice_transport_get_tls_bits(SpiceTransport *t)
{
    return t->ssl ? SSL_get_cipher_bits(t->ssl, NULL) : 0;
}

SSL *spice_transport_get_ssl(SpiceTransport *t)
{
    return t->ssl;
}

/* --- watches --- */

static gboolean stream_ready(GObject *stream, gpointer data)
{
    Watch *watch = data;

    unwatch(watch);
    if (watch->ready)
        watch->ready(watch->transport->data);
    return G_SOURCE_REMOVE;
}

static void set_watch(SpiceTransport *t, Watch *watch, gboolean on)
{
    unwatch(watch);
    if (!on)
        return;
    if (watch->condition & G_IO_OUT)
        watch->source = g_pollable_output_stream_create_source(t->output, NULL);
    else
        watch->source = g_pollable_input_stream_create_source(t->input, NULL);
    g_source_set_priority(watch->source, G_PRIORITY_DEFAULT);
    g_source_set_callback(watch->source, G_SOURCE_FUNC(stream_ready), watch, NULL);
    g_source_attach(watch->source, spice_main_context());
}

gboolean spice_transport_is_direct(SpiceTransport *t)
{
    return (t->direct || t->is_unix) && !t->ssl && !t->has_layer;
}

gboolean spice_transport_waits_for_input(SpiceTransport *t)
{
    return t->reads.condition == G_IO_IN;
}

void spice_transport_set_callbacks(SpiceTransport *t, SpiceTransportReady readable,
                                   SpiceTransportReady writable, gpointer data)
{
    t->reads.ready = readable;
    t->writes.ready = writable;
    t->data = data;
}

void spice_transport_watch_read(SpiceTransport *t, gboolean on)
{
    set_watch(t, &t->reads, on);
}

void spice_transport_watch_write(SpiceTransport *t, gboolean on)
{
    set_watch(t, &t->writes, on);
}

/* --- the socket --- */

static gboolean set_errno_error(GError **error, const gchar *what)
{
    int saved = errno;

    g_set_error(error, G_IO_ERROR, g_io_error_from_errno(saved), "%s: %s", what, g_strerror(saved));
    return FALSE;
}

/* On a Unix socket file descriptors may come beside the bytes; a plain read would lose them. */
static gssize read_socket(SpiceTransport *t, void *buffer, gsize size, GError **error)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int) * MAX_PENDING_FDS)];
    } control;
    struct iovec iov = {buffer, size};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
    ssize_t n;

    if (t->is_unix) {
        msg.msg_control = &control;
        msg.msg_controllen = sizeof control;
    }
    do
        n = recvmsg(t->fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n < 0) {
        set_errno_error(error, "Error receiving data");
        return -1;
    }
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
        gsize count;

        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (gsize i = 0; i < count; i++) {
            int fd;

            memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
            if (t->n_fds < MAX_PENDING_FDS)
                t->fds[t->n_fds++] = fd;
            else
                close(fd);
        }
    }
    return n;
}

static gssize raw_read(SpiceTransport *t, void *buffer, gsize size, GError **error)
{
    if (t->direct || t->is_unix)
        return read_socket(t, buffer, size, error);
    return g_pollable_input_stream_read_nonblocking(t->input, buffer, size, NULL, error);
}

static gssize raw_write(SpiceTransport *t, const void *buffer, gsize size, GError **error)
{
    return g_pollable_output_stream_write_nonblocking(t->output, buffer, size, NULL, error);
}

int spice_transport_take_fd(SpiceTransport *t)
{
    int fd;

    if (t->n_fds == 0)
        return -1;
    fd = t->fds[0];
    t->n_fds--;
    memmove(t->fds, t->fds + 1, t->n_fds * sizeof t->fds[0]);
    return fd;
}

/* --- TLS --- */

static int bio_result(SpiceTransport *t, BIO *bio, gssize n, GError *error, int retry)
{
    BIO_clear_retry_flags(bio);
    if (n >= 0)
        return (int)n;
    if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK)) {
        BIO_set_flags(bio, retry | BIO_FLAGS_SHOULD_RETRY);
        g_error_free(error);
    } else {
        g_clear_error(&t->raw_error);
        t->raw_error = error;
    }
    return -1;
}

static int bio_read(BIO *bio, char *buffer, int size)
{
    SpiceTransport *t = BIO_get_data(bio);
    GError *error = NULL;
    gssize n = raw_read(t, buffer, size, &error);

    return bio_result(t, bio, n, error, BIO_FLAGS_READ);
}

static int bio_write(BIO *bio, const char *buffer, int size)
{
    SpiceTransport *t = BIO_get_data(bio);
    GError *error = NULL;
    gssize n = raw_write(t, buffer, size, &error);

    return bio_result(t, bio, n, error, BIO_FLAGS_WRITE);
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    return command == BIO_CTRL_FLUSH;
}

static int bio_create(BIO *bio)
{
    BIO_set_init(bio, 1);
    return 1;
}

static BIO_METHOD *bio_method(void)
{
    static gsize method;

    if (g_once_init_enter(&method)) {
        BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "GIO stream");

        BIO_meth_set_read(m, bio_read);
        BIO_meth_set_write(m, bio_write);
        BIO_meth_set_ctrl(m, bio_ctrl);
        BIO_meth_set_create(m, bio_create);
        g_once_init_leave(&method, (gsize)m);
    }
    return (BIO_METHOD *)method;
}

void spice_transport_start_tls(SpiceTransport *t, SSL *ssl)
{
    BIO *bio = BIO_new(bio_method());

    BIO_set_data(bio, t);
    SSL_set_bio(ssl, bio, bio);
    SSL_set_connect_state(ssl);
    t->ssl = ssl;
}

/* Turn the result of an SSL call into bytes, end of stream, or an error; note what a retry waits
 * for. */
static gssize tls_result(SpiceTransport *t, Watch *watch, int n, GError **error)
{
    int code;

    if (n > 0) {
        watch->condition = watch == &t->reads ? G_IO_IN : G_IO_OUT;
        return n;
    }
    code = SSL_get_error(t->ssl, n);
    switch (code) {
    case SSL_ERROR_ZERO_RETURN:
        ERR_clear_error();
        return 0;
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        watch->condition = code == SSL_ERROR_WANT_READ ? G_IO_IN : G_IO_OUT;
        g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK, "TLS waits for the socket");
        return -1;
    default:
        if (t->raw_error) {
            g_propagate_error(error, g_steal_pointer(&t->raw_error));
        } else {
            unsigned long reason = ERR_peek_last_error();
            const char *text = reason ? ERR_reason_error_string(reason) : NULL;

            if (ERR_GET_REASON(reason) == SSL_R_WRONG_VERSION_NUMBER)
                text =
                    "the server's answer is not TLS; is this the port for unencrypted connections?";
            if (!text && SSL_is_init_finished(t->ssl))
                return 0; /* the peer closed without a TLS goodbye, as deployed servers do */
            if (ERR_GET_REASON(reason) == SSL_R_UNEXPECTED_EOF_WHILE_READING &&
                SSL_is_init_finished(t->ssl)) {
                ERR_clear_error();
                return 0;
            }
            g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_FAILED,
                                text ? text
                                     : "the server closed the connection during the TLS handshake");
        }
        ERR_clear_error();
        return -1;
    }
}

gboolean spice_transport_handshake(SpiceTransport *t, GError **error)
{
    ERR_clear_error();
    gssize n = tls_result(t, &t->reads, SSL_do_handshake(t->ssl), error);

    if (n == 0)
        g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_FAILED,
                            "the server refused the TLS handshake");
    if (n > 0)
        t->reads.condition = G_IO_IN;
    return n > 0;
}

static gssize stream_read(SpiceTransport *t, void *buffer, gsize size, GError **error)
{
    if (!t->ssl)
        return raw_read(t, buffer, size, error);
    ERR_clear_error();
    return tls_result(t, &t->reads, SSL_read(t->ssl, buffer, (int)MIN(size, G_MAXINT)), error);
}

static gssize stream_write(SpiceTransport *t, const void *buffer, gsize size, GError **error)
{
    gssize n;

    if (!t->ssl)
        return raw_write(t, buffer, size, error);
    ERR_clear_error();
    n = tls_result(t, &t->writes, SSL_write(t->ssl, buffer, (int)MIN(size, G_MAXINT)), error);
    if (n == 0) {
        g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_BROKEN_PIPE,
                            "the peer has closed the TLS connection");
        return -1;
    }
    return n;
}

/* --- the security layer --- */

void spice_transport_add_layer(SpiceTransport *t, const SpiceSecurityLayer *layer,
                               const guint8 *surplus, gsize size)
{
    const guint8 *out;
    gsize out_size;

    t->layer = *layer;
    t->has_layer = TRUE;
    while (size > 0) {
        gsize piece = MIN(size, LAYER_CHUNK);

        if (!layer->decode(layer->self, surplus, piece, &out, &out_size)) {
            t->layer_broken = TRUE;
            break;
        }
        g_byte_array_append(t->decoded, out, out_size);
        surplus += piece;
        size -= piece;
    }
}

static gssize layer_failed(GError **error)
{
    g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                        "the security layer cannot decode what the server sent");
    return -1;
}

gssize spice_transport_read(SpiceTransport *t, void *buffer, gsize size, GError **error)
{
    guint8 wire[LAYER_CHUNK];

    if (!t->has_layer)
        return stream_read(t, buffer, size, error);
    while (t->decoded_offset == t->decoded->len) {
        const guint8 *out = NULL;
        gsize out_size = 0;
        gssize n;

        if (t->layer_broken)
            return layer_failed(error);
        n = stream_read(t, wire, sizeof wire, error);

        if (n <= 0)
            return n;
        if (!t->layer.decode(t->layer.self, wire, n, &out, &out_size))
            return layer_failed(error);
        g_byte_array_set_size(t->decoded, 0);
        t->decoded_offset = 0;
        if (out_size > 0)
            g_byte_array_append(t->decoded, out, out_size);
    }
    size = MIN(size, t->decoded->len - t->decoded_offset);
    memcpy(buffer, t->decoded->data + t->decoded_offset, size);
    t->decoded_offset += size;
    return size;
}

gboolean spice_transport_flush(SpiceTransport *t, GError **error)
{
    while (t->encoded_offset < t->encoded->len) {
        gssize n = stream_write(t, t->encoded->data + t->encoded_offset,
                                t->encoded->len - t->encoded_offset, error);

        if (n < 0)
            return FALSE;
        t->encoded_offset += n;
    }
    g_byte_array_set_size(t->encoded, 0);
    t->encoded_offset = 0;
    return TRUE;
}

gssize spice_transport_write(SpiceTransport *t, const void *buffer, gsize size, GError **error)
{
    const guint8 *out;
    gsize out_size;

    if (!t->has_layer)
        return stream_write(t, buffer, size, error);
    if (!spice_transport_flush(t, error))
        return -1;
    size = MIN(size, t->layer.max_plain);
    if (!t->layer.encode(t->layer.self, buffer, size, &out, &out_size))
        return layer_failed(error);
    g_byte_array_append(t->encoded, out, out_size);
    return size;
}
