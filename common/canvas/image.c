/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* CanvasImage: immutable pixels with a reference count, and copies in the formats of surfaces made
 * on demand. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "canvas/image-private.h"
#include "overflow.h"

#define MAX_SIDE (1u << 24)
#define N_CONVERTED 5

struct CanvasImage {
    atomic_uint references;
    CanvasPixels pixels;
    bool lossy;
    void *memory; /* of the pixels, unless they are in glz */
    GlzImage *glz;
    _Atomic(CanvasImage *) converted[N_CONVERTED];
};

static size_t pixel_bytes(const CanvasPixels *pixels)
{
    return (size_t)(pixels->stride < 0 ? -pixels->stride : pixels->stride) * pixels->height;
}

static CanvasImage *new_header(bool lossy)
{
    CanvasImage *image = calloc(1, sizeof *image);

    if (!image)
        return NULL;
    atomic_init(&image->references, 1);
    image->lossy = lossy;
    return image;
}

CanvasImage *canvas_image_new(pixman_format_code_t format, uint32_t width, uint32_t height,
                              bool lossy, CanvasPixels *pixels)
{
    CanvasImage *image;
    size_t stride = ((size_t)width * PIXMAN_FORMAT_BPP(format) + 31) / 32 * 4, bytes;

    if (width == 0 || height == 0 || width > MAX_SIDE || height > MAX_SIDE ||
        !size_mul(stride, height, &bytes))
        return NULL;
    image = new_header(lossy);
    if (!image)
        return NULL;
    image->memory = malloc(bytes);
    if (!image->memory) {
        free(image);
        return NULL;
    }
    image->pixels = (CanvasPixels){image->memory, stride, width, height, format};
    *pixels = image->pixels;
    return image;
}

CanvasImage *canvas_image_new_for_glz(GlzImage *glz)
{
    const CodecInfo *info = glz_image_info(glz);
    CanvasImage *image = new_header(false);
    ptrdiff_t stride = (ptrdiff_t)info->width * 4;
    /* Immutable from here on: CanvasPixels has no const in it because surfaces use it too. */
    uint8_t *rows = (uint8_t *)glz_image_pixels(glz);

    if (!image)
        return NULL;
    if (!info->top_down) {
        rows += stride * (ptrdiff_t)(info->height - 1);
        stride = -stride;
    }
    image->glz = glz_image_ref(glz);
    image->pixels =
        (CanvasPixels){rows, stride, info->width, info->height,
                       info->format == CODEC_FORMAT_RGBA ? PIXMAN_a8r8g8b8 : PIXMAN_x8r8g8b8};
    return image;
}

CanvasImage *canvas_image_ref(CanvasImage *image)
{
    atomic_fetch_add_explicit(&image->references, 1, memory_order_relaxed);
    return image;
}

void canvas_image_unref(CanvasImage *image)
{
    if (!image || atomic_fetch_sub_explicit(&image->references, 1, memory_order_acq_rel) != 1)
        return;
    for (int i = 0; i < N_CONVERTED; i++)
        canvas_image_unref(atomic_load_explicit(&image->converted[i], memory_order_relaxed));
    glz_image_unref(image->glz);
    free(image->memory);
    free(image);
}

const CanvasPixels *canvas_image_pixels(const CanvasImage *image)
{
    return &image->pixels;
}

bool canvas_image_is_lossy(const CanvasImage *image)
{
    return image->lossy;
}

size_t canvas_image_bytes(const CanvasImage *image)
{
    size_t bytes = pixel_bytes(&image->pixels);

    for (int i = 0; i < N_CONVERTED; i++) {
        const CanvasImage *copy = atomic_load_explicit(&image->converted[i], memory_order_acquire);

        bytes += copy ? pixel_bytes(&copy->pixels) : 0;
    }
    return bytes;
}

static int slot_of(pixman_format_code_t format)
{
    switch (format) {
    case PIXMAN_x8r8g8b8:
        return 0;
    case PIXMAN_x1r5g5b5:
        return 1;
    case PIXMAN_r5g6b5:
        return 2;
    case PIXMAN_a8:
        return 3;
    default:
        return 4;
    }
}

const CanvasPixels *canvas_image_for_surface(CanvasImage *image, uint32_t surface_format)
{
    pixman_format_code_t format = canvas_working_format(surface_format, image->pixels.format);
    CanvasImage *copy, *other = NULL;
    CanvasPixels pixels;
    int slot = slot_of(format);

    if (format == 0 || format == image->pixels.format)
        return format ? &image->pixels : NULL;
    copy = atomic_load_explicit(&image->converted[slot], memory_order_acquire);
    if (copy)
        return &copy->pixels;
    copy =
        canvas_image_new(format, image->pixels.width, image->pixels.height, image->lossy, &pixels);
    if (!copy)
        return NULL;
    canvas_convert(&image->pixels, &pixels);
    if (atomic_compare_exchange_strong_explicit(&image->converted[slot], &other, copy,
                                                memory_order_acq_rel, memory_order_acquire))
        return &copy->pixels;
    /* Another thread was faster; both copies are equal. */
    canvas_image_unref(copy);
    return &other->pixels;
}
