/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pixels of the truth as images of their own. docs/spec/server-display.md 7.5, 7.6 */
#include "display/truth-private.h"

#include <string.h>

#include <spice/enums.h>

#include "canvas/pixels.h"

/* The wire's format of a surface's pixels; bytes of one of them. */
static uint8_t image_format(const Surface *surface, unsigned *size)
{
    switch (surface->format) {
    case SPICE_SURFACE_FMT_16_555:
        *size = 2;
        return SPICE_BITMAP_FMT_16BIT;
    case SPICE_SURFACE_FMT_32_ARGB:
        *size = 4;
        return SPICE_BITMAP_FMT_RGBA;
    case SPICE_SURFACE_FMT_8_A:
    case SPICE_SURFACE_FMT_1_A:
        /* There is no image of one bit without a palette; a byte for each is exact. */
        *size = 1;
        return SPICE_BITMAP_FMT_8BIT_A;
    default:
        /* 565 can't be said in 16 bits; expanded and cut again it is the same. */
        *size = 4;
        return SPICE_BITMAP_FMT_32BIT;
    }
}

static void copy_row(const CanvasPixels *pixels, int32_t x, int32_t y, size_t n, unsigned size,
                     uint8_t *out)
{
    if (pixels->format == PIXMAN_a1) {
        canvas_unpack_bits(canvas_row(pixels, y), x, n, out);
        for (size_t i = 0; i < n; i++)
            out[i] = -out[i];
    } else if (pixels->format == PIXMAN_r5g6b5) {
        canvas_fetch(pixels, x, y, n, (uint32_t *)out);
    } else {
        memcpy(out, canvas_row(pixels, y) + (size_t)x * size, n * size);
    }
}

/* The top bytes of a surface without alpha, which other surfaces may read (7.5). */
static void look_at_top_bytes(const uint8_t *data, size_t n, uint8_t *format, uint8_t *flags)
{
    const uint32_t *pixels = (const uint32_t *)data;
    uint32_t all = 0xffffffffu, any = 0;

    for (size_t i = 0; i < n; i++) {
        all &= pixels[i];
        any |= pixels[i];
    }
    if (all >> 24 == 0xff)
        *flags = SPICE_IMAGE_FLAGS_HIGH_BITS_SET;
    else if (any >> 24)
        *format = SPICE_BITMAP_FMT_RGBA;
}

static Blob *copy_area(Surface *surface, const pixman_box32_t *area, uint32_t alignment,
                       uint8_t *format, uint8_t *flags, uint32_t *stride)
{
    const CanvasPixels *pixels = surface->canvas ? &surface->canvas->pixels : NULL;
    pixman_box32_t box = {MAX(area->x1, 0), MAX(area->y1, 0),
                          MIN(area->x2, (int32_t)surface->width),
                          MIN(area->y2, (int32_t)surface->height)};
    unsigned size;
    size_t width;
    Blob *blob;

    *format = image_format(surface, &size);
    *flags = 0;
    *stride = 0;
    if (!pixels || box.x2 <= box.x1 || box.y2 <= box.y1)
        return NULL;
    width = box.x2 - box.x1;
    *stride = (width * size + alignment - 1) / alignment * alignment;
    blob = blob_new((size_t)*stride * (box.y2 - box.y1));
    if (!blob)
        return NULL;
    for (int32_t y = box.y1; y < box.y2; y++) {
        uint8_t *row = blob->data + (size_t)(y - box.y1) * *stride;

        copy_row(pixels, box.x1, y, width, size, row);
        memset(row + width * size, 0, *stride - width * size);
    }
    if (surface->format == SPICE_SURFACE_FMT_32_xRGB && surface->id != 0)
        look_at_top_bytes(blob->data, blob->size / 4, format, flags);
    return blob;
}

Blob *truth_copy_pixels(Surface *surface, const pixman_box32_t *area, uint8_t *format,
                        uint8_t *image_flags, uint32_t *stride)
{
    return copy_area(surface, area, 1, format, image_flags, stride);
}

/* A top-down bitmap of a blob's rows. */
static WireImage *image_of(WireArena *arena, const Blob *blob, uint8_t format, uint8_t flags,
                           uint32_t width, uint32_t stride)
{
    WireImage *image = wire_arena_alloc(arena, sizeof *image);

    if (!image)
        return NULL;
    memset(image, 0, sizeof *image);
    image->type = SPICE_IMAGE_TYPE_BITMAP;
    image->flags = flags;
    image->width = width;
    image->height = blob->size / stride;
    image->u.bitmap = (WireBitmap){.format = format,
                                   .flags = SPICE_BITMAP_FLAGS_TOP_DOWN,
                                   .x = width,
                                   .y = image->height,
                                   .stride = stride,
                                   .data = {blob->data, blob->size}};
    return image;
}

const WireImage *truth_self_bitmap(Truth *truth, Surface *surface, const pixman_box32_t *area,
                                   Drawable *drawable)
{
    uint8_t format, flags;
    uint32_t stride;
    WireImage *image;
    Blob *blob;

    if (!surface->alive || drawable->n_blobs >= G_N_ELEMENTS(drawable->blobs))
        return NULL;
    truth_render_area(truth, surface, area);
    blob = copy_area(surface, area, 4, &format, &flags, &stride);
    if (!blob)
        return NULL;
    image = image_of(&drawable->arena, blob, format, flags,
                     MIN(area->x2, (int32_t)surface->width) - MAX(area->x1, 0), stride);
    if (!image) {
        blob_unref(blob);
        return NULL;
    }
    drawable->blobs[drawable->n_blobs++] = blob;
    return image;
}
