/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory for the images of a GLZ window. They are many, new, and stay for a while, so that page
 * faults cost more than decoding; the middling ones lie side by side in slabs of large pages. */
#include "codec/glz-private.h"
#include "codec/lz-private.h"

#include <stdlib.h>

enum { SLAB_SIZE = 8 << 20, SMALLEST = 16 << 10, LARGEST = 2 << 20, ALIGNMENT = 64 };

typedef struct GlzSlab {
    atomic_uint refs; /* its images, and the memory that fills it */
    GlzMemory *memory;
    size_t used;
} GlzSlab;

struct GlzMemory {
    atomic_uint refs; /* the window and the slabs */
    atomic_size_t n_slabs;
    size_t max_slabs;
    GlzSlab *slab; /* the one that is filled, or NULL */
};

GlzMemory *glz_memory_new(size_t max_bytes)
{
    GlzMemory *memory = calloc(1, sizeof *memory);

    if (memory) {
        atomic_init(&memory->refs, 1);
        memory->max_slabs = GLZ_SLABS ? max_bytes / SLAB_SIZE : 0;
    }
    return memory;
}

static void memory_unref(GlzMemory *memory)
{
    if (atomic_fetch_sub_explicit(&memory->refs, 1, memory_order_acq_rel) == 1)
        free(memory);
}

static void slab_unref(GlzSlab *slab)
{
    if (slab && atomic_fetch_sub_explicit(&slab->refs, 1, memory_order_acq_rel) == 1) {
        GlzMemory *memory = slab->memory;

        free(slab);
        atomic_fetch_sub_explicit(&memory->n_slabs, 1, memory_order_relaxed);
        memory_unref(memory);
    }
}

void glz_memory_free(GlzMemory *memory)
{
    if (!memory)
        return;
    slab_unref(memory->slab);
    memory_unref(memory);
}

/* Begin another slab. False: there may be no more, as images that somebody holds keep the old ones;
 * or there is no memory. */
static bool next_slab(GlzMemory *memory)
{
    GlzSlab *slab;

    slab_unref(memory->slab);
    memory->slab = NULL;
    if (atomic_load_explicit(&memory->n_slabs, memory_order_relaxed) >= memory->max_slabs)
        return false;
    slab = lz_alloc_pixels(SLAB_SIZE);
    if (!slab)
        return false;
    atomic_fetch_add_explicit(&memory->n_slabs, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&memory->refs, 1, memory_order_relaxed);
    atomic_init(&slab->refs, 1);
    slab->memory = memory;
    slab->used = (sizeof *slab + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    memory->slab = slab;
    return true;
}

GlzImage *glz_memory_image(GlzMemory *memory, size_t n_units)
{
    size_t size = sizeof(GlzImage) + n_units * 4;
    size_t room = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    GlzSlab *slab = NULL;
    GlzImage *image;

    if (room >= SMALLEST && room <= LARGEST &&
        ((memory->slab && SLAB_SIZE - memory->slab->used >= room) || next_slab(memory)))
        slab = memory->slab;
    if (slab) {
        image = (GlzImage *)((char *)slab + slab->used);
        slab->used += room;
        atomic_fetch_add_explicit(&slab->refs, 1, memory_order_relaxed);
    } else {
        image = lz_alloc_pixels(size);
        if (!image)
            return NULL;
    }
    image->slab = slab;
    return image;
}

void glz_image_release(GlzImage *image)
{
    if (image->slab)
        slab_unref(image->slab);
    else
        free(image);
}
