/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Wire bitmaps and masks to pixel arrays: sections 5.1 and 7 of docs/spec/canvas.md. */
#include <string.h>

#include <spice/enums.h>

#include "canvas/image-private.h"

static unsigned int bits_of(uint8_t format)
{
    switch (format) {
    case SPICE_BITMAP_FMT_1BIT_LE:
    case SPICE_BITMAP_FMT_1BIT_BE:
        return 1;
    case SPICE_BITMAP_FMT_4BIT_BE:
        return 4;
    case SPICE_BITMAP_FMT_8BIT:
    case SPICE_BITMAP_FMT_8BIT_A:
        return 8;
    case SPICE_BITMAP_FMT_16BIT:
        return 16;
    case SPICE_BITMAP_FMT_24BIT:
        return 24;
    case SPICE_BITMAP_FMT_32BIT:
    case SPICE_BITMAP_FMT_RGBA:
        return 32;
    default:
        return 0;
    }
}

static bool has_palette(uint8_t format)
{
    return format == SPICE_BITMAP_FMT_1BIT_BE || format == SPICE_BITMAP_FMT_4BIT_BE ||
           format == SPICE_BITMAP_FMT_8BIT;
}

/* The native format; 0: the bitmap isn't usable here. */
static pixman_format_code_t native_format(const WireImage *image, const CanvasDecode *how)
{
    uint8_t format = image->u.bitmap.format;

    if (how->use == CANVAS_USE_MASK)
        return format == SPICE_BITMAP_FMT_1BIT_LE || format == SPICE_BITMAP_FMT_1BIT_BE ? PIXMAN_a1
                                                                                        : 0;
    if (has_palette(format)) {
        switch (how->surface_format) {
        case SPICE_SURFACE_FMT_32_xRGB:
            return PIXMAN_x8r8g8b8;
        case SPICE_SURFACE_FMT_32_ARGB:
            return PIXMAN_a8r8g8b8;
        case SPICE_SURFACE_FMT_16_555:
            return PIXMAN_x1r5g5b5;
        default:
            return 0;
        }
    }
    switch (format) {
    case SPICE_BITMAP_FMT_16BIT:
        return PIXMAN_x1r5g5b5;
    case SPICE_BITMAP_FMT_24BIT:
    case SPICE_BITMAP_FMT_32BIT:
        return PIXMAN_x8r8g8b8;
    case SPICE_BITMAP_FMT_RGBA:
        return PIXMAN_a8r8g8b8;
    case SPICE_BITMAP_FMT_8BIT_A:
        return PIXMAN_a8;
    default:
        return 0;
    }
}

/* Section 16.1: the bytes must be there, in 64 bits. */
static CanvasResult check_size(const WireBitmap *bitmap, unsigned int bits, uint64_t max_pixels)
{
    uint64_t row = ((uint64_t)bitmap->x * bits + 7) / 8;

    if (bitmap->x == 0 || bitmap->y == 0 || row > bitmap->stride ||
        (uint64_t)bitmap->stride * bitmap->y > bitmap->data.size)
        return CANVAS_BAD_IMAGE;
    return (uint64_t)bitmap->x * bitmap->y > max_pixels ? CANVAS_TOO_LARGE : CANVAS_OK;
}

static uint8_t reversed(uint8_t byte)
{
    byte = byte >> 4 | byte << 4;
    byte = (byte & 0xcc) >> 2 | (byte & 0x33) << 2;
    return (byte & 0xaa) >> 1 | (byte & 0x55) << 1;
}

static size_t palette_index(uint8_t format, const uint8_t *row, size_t x)
{
    switch (format) {
    case SPICE_BITMAP_FMT_1BIT_BE:
        return row[x >> 3] >> (7 - (x & 7)) & 1;
    case SPICE_BITMAP_FMT_4BIT_BE:
        return x & 1 ? row[x >> 1] & 15 : row[x >> 1] >> 4;
    default:
        return row[x];
    }
}

/* colors has 256 entries. */
static void palette_row(uint8_t format, const uint8_t *row, size_t n, const uint32_t *colors,
                        uint8_t *out, unsigned int pixel_size)
{
    uint32_t *wide = (uint32_t *)out;
    uint16_t *half = (uint16_t *)out;

    if (pixel_size == 4 && format == SPICE_BITMAP_FMT_8BIT) {
        for (size_t x = 0; x < n; x++)
            wide[x] = colors[row[x]];
    } else if (pixel_size == 4) {
        for (size_t x = 0; x < n; x++)
            wide[x] = colors[palette_index(format, row, x)];
    } else {
        for (size_t x = 0; x < n; x++)
            half[x] = colors[palette_index(format, row, x)];
    }
}

static void convert_row(const CanvasDecode *how, uint8_t format, const uint8_t *row, size_t n,
                        const uint32_t *colors, const CanvasPixels *pixels, int32_t y)
{
    uint8_t *out = canvas_row(pixels, y);
    unsigned int size = canvas_unpacked_size(pixels->format);

    if (how->use == CANVAS_USE_MASK && format == SPICE_BITMAP_FMT_1BIT_BE) {
        for (size_t i = 0; i < (n + 7) / 8; i++)
            out[i] = reversed(row[i]);
    } else if (how->use == CANVAS_USE_MASK) {
        memcpy(out, row, (n + 7) / 8);
    } else if (has_palette(format)) {
        palette_row(format, row, n, colors, out, size);
    } else if (format == SPICE_BITMAP_FMT_24BIT) {
        uint32_t *wide = (uint32_t *)out;

        for (size_t x = 0; x < n; x++)
            wide[x] = row[3 * x] | row[3 * x + 1] << 8 | row[3 * x + 2] << 16;
    } else {
        memcpy(out, row, n * size);
    }
}

CanvasImage *canvas_image_from_bitmap(const WireImage *image, const CanvasDecode *how,
                                      CanvasResult *result)
{
    const WireBitmap *bitmap = &image->u.bitmap;
    pixman_format_code_t native = native_format(image, how), format = native;
    const uint32_t *entries = NULL;
    uint32_t colors[256] = {0}, n_entries = 0;
    CanvasPixels pixels;
    CanvasImage *made;

    *result =
        native ? check_size(bitmap, bits_of(bitmap->format), how->max_pixels) : CANVAS_BAD_IMAGE;
    if (*result != CANVAS_OK)
        return NULL;
    if (how->use != CANVAS_USE_MASK && has_palette(bitmap->format)) {
        if (!canvas_image_entries(image, how, &entries, &n_entries, result))
            return NULL;
        memcpy(colors, entries, (n_entries < 256 ? n_entries : 256) * sizeof *colors);
        /* Section 5.1: without alpha for this use, unless the cache keeps it (the quirk of 5.5). */
        if (format == PIXMAN_a8r8g8b8 && how->use == CANVAS_USE_TARGET &&
            !canvas_image_is_for_cache(image))
            format = PIXMAN_x8r8g8b8;
    }
    made = canvas_image_new(format, bitmap->x, bitmap->y, false, &pixels);
    if (!made) {
        *result = CANVAS_NO_MEMORY;
        return NULL;
    }
    for (uint32_t y = 0; y < bitmap->y; y++) {
        uint32_t row = bitmap->flags & SPICE_BITMAP_FLAGS_TOP_DOWN ? y : bitmap->y - 1 - y;

        convert_row(how, bitmap->format, bitmap->data.data + (size_t)y * bitmap->stride, bitmap->x,
                    colors, &pixels, row);
    }
    if (image->flags & SPICE_IMAGE_FLAGS_HIGH_BITS_SET && format == PIXMAN_x8r8g8b8)
        canvas_set_high_bits(&pixels);
    return made;
}
