/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bodies that wait to be sent: what the writer made, and references to the large bytes between. */
#include "channel/out-body-private.h"

#include <stdlib.h>
#include <string.h>

enum { BY_REFERENCE = 4096 };

static void free_bytes(uint8_t *data)
{
    g_free(data);
}

Blob *blob_new(size_t size)
{
    Blob *blob = g_try_new0(Blob, 1);
    uint8_t *data = size ? g_try_malloc(size) : NULL;

    if (!blob || (size && !data)) {
        g_free(blob);
        g_free(data);
        return NULL;
    }
    blob->refs = 1;
    blob->size = size;
    blob->data = data;
    blob->free_data = free_bytes;
    return blob;
}

Blob *blob_ref(Blob *blob)
{
    g_atomic_int_inc(&blob->refs);
    return blob;
}

void blob_unref(Blob *blob)
{
    if (!blob || !g_atomic_int_dec_and_test(&blob->refs))
        return;
    if (blob->data && blob->free_data)
        blob->free_data(blob->data);
    g_free(blob);
}

OutBody *out_body_new(uint8_t channel_type, uint16_t type, const void *message, Blob *const *blobs,
                      unsigned n_blobs)
{
    OutBody *body = g_try_new(OutBody, 1);
    WireBytes sources[OUT_BODY_BLOBS];

    if (!body)
        return NULL;
    if (n_blobs > OUT_BODY_BLOBS)
        n_blobs = OUT_BODY_BLOBS; /* the others' bytes are copied */
    for (unsigned i = 0; i < n_blobs; i++)
        sources[i] = (WireBytes){blobs[i]->data, blobs[i]->size};
    body->bytes = (WireBuffer){.gather = &body->gather};
    body->gather.sources = sources;
    body->gather.n_sources = n_blobs;
    body->gather.minimum = BY_REFERENCE;
    body->gather.n_pieces = 0;
    body->gather.total = 0;
    if (!wire_write(channel_type, WIRE_TO_CLIENT, type, message, &body->bytes)) {
        wire_buffer_clear(&body->bytes);
        g_free(body);
        return NULL;
    }
    for (unsigned i = 0; i < body->gather.n_pieces; i++)
        body->blobs[i] = blob_ref(blobs[body->gather.pieces[i].source]);
    body->gather.sources = NULL;
    body->gather.n_sources = 0; /* what is appended later is copied */
    return body;
}

size_t out_body_size(const OutBody *body)
{
    return wire_buffer_length(&body->bytes);
}

void out_body_free(OutBody *body)
{
    if (!body)
        return;
    for (unsigned i = 0; i < body->gather.n_pieces; i++)
        blob_unref(body->blobs[i]);
    wire_buffer_clear(&body->bytes);
    g_free(body);
}
