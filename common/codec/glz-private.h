/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the GLZ decoder knows of the window and its images. Private to the room. */
#ifndef CODEC_GLZ_PRIVATE_H
#define CODEC_GLZ_PRIVATE_H

#include "sanitized.h"
#include "codec/glz.h"

#include <stdatomic.h>

struct GlzSlab;

struct GlzImage {
    atomic_uint refs;
    struct GlzSlab *slab; /* where it lies; NULL: in memory of its own */
    GlzInfo info;
    uint32_t n_units; /* width * height */
    _Alignas(16) uint32_t pixels[];
};

/* In slabs the address sanitizer sees no bounds of single images: each has memory of its own then.
 */
#define GLZ_SLABS (!SANITIZED_ADDRESS)

/* Where a window's images lie. Slabs hold at most max_bytes in all, whatever keeps them. The caller
 * locks; images are released by any thread, also when the memory has been freed. */
typedef struct GlzMemory GlzMemory;

GlzMemory *glz_memory_new(size_t max_bytes); /* NULL when there is no memory */
void glz_memory_free(GlzMemory *memory);     /* NULL is fine */
/* Room for an image; only its slab is set. NULL when there is no memory. */
GlzImage *glz_memory_image(GlzMemory *memory, size_t n_units);
void glz_image_release(GlzImage *image);

/* NULL when there is no memory. One reference. */
GlzImage *glz_window_new_image(GlzWindow *window, const GlzInfo *info);

/* May an image with this header be decoded now? On CODEC_MISSING *missing is set. *generation is to
 * be handed to glz_window_lookup() and glz_window_insert(). */
CodecResult glz_window_admit(GlzWindow *window, const GlzInfo *info, uint64_t *generation,
                             uint64_t *missing);

/* A new reference to the image with this id; CODEC_MISSING when it has still to come,
 * CODEC_BAD_DATA when it will not. */
CodecResult glz_window_lookup(GlzWindow *window, uint64_t generation, uint64_t id,
                              GlzImage **image);

/* Enter a decoded image (the window takes a reference of its own) and drop what no later image may
 * use. */
CodecResult glz_window_insert(GlzWindow *window, uint64_t generation, GlzImage *image);

#endif
