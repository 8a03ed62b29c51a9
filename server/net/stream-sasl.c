/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The SASL security layer of a stream: Cyrus encodes and decodes its packets.
 * docs/spec/wire.md 6 */
#include <errno.h>
#include <glib.h>
#include <sasl/sasl.h>
#include <string.h>

#include "net/layers.h"

enum {
    READ_MAX = 4096,       /* below the 8192 that we told the peer */
    CHUNK_MAX = 32 * 1024, /* of what is encoded in one packet */
    CHUNK_OF_UNKNOWN_LIMIT = 4096,
};

typedef struct SaslLayer {
    StreamLayer layer;
    sasl_conn_t *conn;
    const char *in, *out; /* conn's; valid until the next call of the same kind */
    unsigned n_in, n_out;
    size_t chunk_max; /* bytes that one packet may carry */
    uint8_t *chunk;
    bool broken;
} SaslLayer;

static ssize_t broken(SaslLayer *sasl)
{
    sasl->broken = true;
    errno = EPROTO;
    return -1;
}

static ssize_t sasl_layer_read(StreamLayer *layer, void *data, size_t size)
{
    SaslLayer *sasl = (SaslLayer *)layer;
    char packet[READ_MAX];

    if (sasl->broken)
        return broken(sasl);
    /* A packet may hold no byte, or not be whole yet. */
    for (int reads = 0; sasl->n_in == 0; reads++) {
        ssize_t n;

        if (reads >= LAYER_READS_MAX && !layer_has_buffered_input(layer->below)) {
            errno = EAGAIN;
            return -1;
        }
        n = layer_read(layer->below, packet, sizeof packet);
        if (n <= 0)
            return n;
        if (sasl_decode(sasl->conn, packet, (unsigned)n, &sasl->in, &sasl->n_in) != SASL_OK) {
            sasl->n_in = 0;
            return broken(sasl);
        }
    }
    size = MIN(size, sasl->n_in);
    memcpy(data, sasl->in, size);
    sasl->in += size;
    sasl->n_in -= size;
    return (ssize_t)size;
}

static int sasl_layer_flush(StreamLayer *layer)
{
    SaslLayer *sasl = (SaslLayer *)layer;

    while (sasl->n_out) {
        struct iovec part = {(void *)sasl->out, sasl->n_out};
        ssize_t n = layer_writev(layer->below, &part, 1);

        if (n < 0)
            return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
        sasl->out += n;
        sasl->n_out -= (unsigned)n;
    }
    return 1;
}

static ssize_t sasl_layer_writev(StreamLayer *layer, const struct iovec *parts, int n)
{
    SaslLayer *sasl = (SaslLayer *)layer;
    PartsCursor cursor = {parts, n, 0};
    size_t taken = 0;

    while (taken < LAYER_WRITE_MAX) {
        int result = sasl_layer_flush(layer);
        size_t size;

        if (result < 0)
            return -1;
        if (result == 0)
            break;
        size = parts_copy(&cursor, sasl->chunk, sasl->chunk_max);
        if (size == 0)
            return (ssize_t)taken;
        if (sasl_encode(sasl->conn, (const char *)sasl->chunk, (unsigned)size, &sasl->out,
                        &sasl->n_out) != SASL_OK) {
            sasl->n_out = 0;
            return broken(sasl);
        }
        taken += size;
    }
    if (taken) {
        int result = sasl_layer_flush(layer);

        return result < 0 ? -1 : (ssize_t)taken;
    }
    errno = EAGAIN;
    return -1;
}

static bool sasl_layer_has_pending_output(const StreamLayer *layer)
{
    return ((const SaslLayer *)layer)->n_out > 0;
}

static bool sasl_layer_has_buffered_input(const StreamLayer *layer)
{
    return ((const SaslLayer *)layer)->n_in > 0;
}

static void sasl_layer_free(StreamLayer *layer)
{
    SaslLayer *sasl = (SaslLayer *)layer;

    sasl_dispose(&sasl->conn);
    g_free(sasl->chunk);
    g_free(sasl);
}

static const StreamLayerClass sasl_class = {
    .read = sasl_layer_read,
    .writev = sasl_layer_writev,
    .flush = sasl_layer_flush,
    .has_pending_output = sasl_layer_has_pending_output,
    .has_buffered_input = sasl_layer_has_buffered_input,
    .free = sasl_layer_free,
};

void stream_start_sasl(Stream *stream, struct sasl_conn *conn)
{
    SaslLayer *sasl = g_new0(SaslLayer, 1);
    const void *value = NULL;

    sasl->layer.class = &sasl_class;
    sasl->conn = conn;
    sasl->chunk_max = CHUNK_OF_UNKNOWN_LIMIT;
    if (sasl_getprop(conn, SASL_MAXOUTBUF, &value) == SASL_OK && *(const unsigned *)value > 0)
        sasl->chunk_max = MIN(*(const unsigned *)value, CHUNK_MAX);
    sasl->chunk = g_malloc(sasl->chunk_max);
    stream_push(stream, &sasl->layer);
}
