/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The image cache of a session (docs/spec/display.md 8): a map without a lock and without waiting;
 * shared.c adds both. */
#ifndef DISPLAY_IMAGE_CACHE_H
#define DISPLAY_IMAGE_CACHE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "canvas/image.h"

/* Owned by RendererShared, touched under its lock. */
typedef struct ImageCache {
    GHashTable *entries;
    uint64_t pixels;     /* of all entries, each counted once whatever its count */
    uint64_t max_pixels; /* beyond this image_cache_add() refuses */
} ImageCache;

void image_cache_init(ImageCache *cache, uint64_t max_pixels);
void image_cache_clear(ImageCache *cache); /* to empty; usable afterwards */
void image_cache_free(ImageCache *cache);

/* CACHE_ME: a new entry counts one; an entry that is there gets the new picture and mark, and
 * counts one more. With replace (CACHE_REPLACE_ME): an entry that is there gets the picture and
 * keeps its count. Takes a reference of its own. False, with nothing changed, when the limit would
 * be exceeded. */
bool image_cache_add(ImageCache *cache, uint64_t id, CanvasImage *image, bool lossy, bool replace);

/* A new reference, or NULL when there is no entry that will do. */
CanvasImage *image_cache_get(ImageCache *cache, uint64_t id, bool lossless);

/* INVAL_LIST: one less; the entry goes when nobody counts on it. */
void image_cache_invalidate(ImageCache *cache, uint64_t id);

unsigned int image_cache_size(const ImageCache *cache);
/* Memory held, converted copies included. */
uint64_t image_cache_bytes(const ImageCache *cache);

#endif
