/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The body of a message on its way out: bytes of its own with pieces of others' memory between
 * them, so that pixels are not copied before they are written to the socket. */
#ifndef SERVER_CHANNEL_OUT_BODY_H
#define SERVER_CHANNEL_OUT_BODY_H

#include "wire/wire.h"

/* Memory that is shared by reference: encoded images, copied pixels. The count is atomic. */
typedef struct Blob {
    int refs;
    size_t size;
    uint8_t *data;
    void (*free_data)(uint8_t *data); /* g_free when the blob was made by blob_new() */
} Blob;
Blob *blob_new(size_t size); /* NULL: no memory */
Blob *blob_ref(Blob *blob);
void blob_unref(Blob *blob); /* NULL is fine */

typedef struct OutBody OutBody;
/* Serialise a message. Bytes of the message that lie inside one of the blobs (at most 4) and are 4
 * KiB or more are not copied: the body holds a reference to that blob. NULL: the message can't be
 * written. */
OutBody *out_body_new(uint8_t channel_type, uint16_t type, const void *message, Blob *const *blobs,
                      unsigned n_blobs);
size_t out_body_size(const OutBody *body);
void out_body_free(OutBody *body);

#endif
