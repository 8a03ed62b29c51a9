/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rows of pixels in the six formats: sections 2.1, 5.1 and 8.1 of docs/spec/canvas.md. */
#include <string.h>

#include <spice/enums.h>

#include "canvas/kernel.h"
#include "canvas/pixels.h"

pixman_format_code_t canvas_surface_pixman_format(uint32_t surface_format)
{
    switch (surface_format) {
    case SPICE_SURFACE_FMT_32_xRGB:
        return PIXMAN_x8r8g8b8;
    case SPICE_SURFACE_FMT_32_ARGB:
        return PIXMAN_a8r8g8b8;
    case SPICE_SURFACE_FMT_16_555:
        return PIXMAN_x1r5g5b5;
    case SPICE_SURFACE_FMT_16_565:
        return PIXMAN_r5g6b5;
    case SPICE_SURFACE_FMT_8_A:
        return PIXMAN_a8;
    case SPICE_SURFACE_FMT_1_A:
        return PIXMAN_a1;
    default:
        return 0;
    }
}

pixman_format_code_t canvas_working_format(uint32_t surface_format, pixman_format_code_t native)
{
    switch (surface_format) {
    case SPICE_SURFACE_FMT_32_xRGB:
    case SPICE_SURFACE_FMT_32_ARGB:
        return native == PIXMAN_a8r8g8b8 ? PIXMAN_a8r8g8b8 : PIXMAN_x8r8g8b8;
    default:
        return canvas_surface_pixman_format(surface_format);
    }
}

static inline uint32_t from_555(uint32_t v)
{
    uint32_t r = (v >> 10) & 31, g = (v >> 5) & 31, b = v & 31;

    return 0xff000000u | ((r << 3 | r >> 2) << 16) | ((g << 3 | g >> 2) << 8) | (b << 3 | b >> 2);
}

static inline uint32_t from_565(uint32_t v)
{
    uint32_t r = (v >> 11) & 31, g = (v >> 5) & 63, b = v & 31;

    return 0xff000000u | ((r << 3 | r >> 2) << 16) | ((g << 2 | g >> 4) << 8) | (b << 3 | b >> 2);
}

uint32_t canvas_fetch_one(pixman_format_code_t format, const void *row, size_t index)
{
    switch (format) {
    case PIXMAN_a8r8g8b8:
        return ((const uint32_t *)row)[index];
    case PIXMAN_x8r8g8b8:
        return ((const uint32_t *)row)[index] | 0xff000000u;
    case PIXMAN_x1r5g5b5:
        return from_555(((const uint16_t *)row)[index]);
    case PIXMAN_r5g6b5:
        return from_565(((const uint16_t *)row)[index]);
    case PIXMAN_a8:
        return (uint32_t)((const uint8_t *)row)[index] << 24;
    default:
        return ((const uint8_t *)row)[index] & 1 ? 0xff000000u : 0;
    }
}

CANVAS_KERNEL void canvas_fetch_row(pixman_format_code_t format, const void *row, size_t n,
                                    uint32_t *argb)
{
    const uint32_t *wide = row;
    const uint16_t *half = row;
    const uint8_t *bytes = row;

    switch (format) {
    case PIXMAN_a8r8g8b8:
        memcpy(argb, row, n * 4);
        break;
    case PIXMAN_x8r8g8b8:
        for (size_t i = 0; i < n; i++)
            argb[i] = wide[i] | 0xff000000u;
        break;
    case PIXMAN_x1r5g5b5:
        for (size_t i = 0; i < n; i++)
            argb[i] = from_555(half[i]);
        break;
    case PIXMAN_r5g6b5:
        for (size_t i = 0; i < n; i++)
            argb[i] = from_565(half[i]);
        break;
    case PIXMAN_a8:
        for (size_t i = 0; i < n; i++)
            argb[i] = (uint32_t)bytes[i] << 24;
        break;
    default:
        for (size_t i = 0; i < n; i++)
            argb[i] = bytes[i] & 1 ? 0xff000000u : 0;
        break;
    }
}

void canvas_fetch(const CanvasPixels *pixels, int32_t x, int32_t y, size_t n, uint32_t *argb)
{
    const uint8_t *row = canvas_row(pixels, y);

    if (pixels->format == PIXMAN_a1) {
        for (size_t i = 0; i < n; i++)
            argb[i] = row[(x + i) >> 3] >> ((x + i) & 7) & 1 ? 0xff000000u : 0;
        return;
    }
    canvas_fetch_row(pixels->format, row + (size_t)x * canvas_unpacked_size(pixels->format), n,
                     argb);
}

CANVAS_KERNEL void canvas_store_row(pixman_format_code_t format, void *row, const uint32_t *argb,
                                    size_t n)
{
    uint32_t *wide = row;
    uint16_t *half = row;
    uint8_t *bytes = row;

    switch (format) {
    case PIXMAN_a8r8g8b8:
        memcpy(row, argb, n * 4);
        break;
    case PIXMAN_x8r8g8b8:
        for (size_t i = 0; i < n; i++)
            wide[i] = argb[i] & 0x00ffffffu;
        break;
    case PIXMAN_x1r5g5b5:
        for (size_t i = 0; i < n; i++)
            half[i] = (argb[i] >> 9 & 0x7c00) | (argb[i] >> 6 & 0x03e0) | (argb[i] >> 3 & 0x001f);
        break;
    case PIXMAN_r5g6b5:
        for (size_t i = 0; i < n; i++)
            half[i] = (argb[i] >> 8 & 0xf800) | (argb[i] >> 5 & 0x07e0) | (argb[i] >> 3 & 0x001f);
        break;
    case PIXMAN_a8:
        for (size_t i = 0; i < n; i++)
            bytes[i] = argb[i] >> 24;
        break;
    default:
        for (size_t i = 0; i < n; i++)
            bytes[i] = argb[i] >> 31;
        break;
    }
}

void canvas_convert(const CanvasPixels *from, const CanvasPixels *to)
{
    pixman_format_code_t format = to->format == PIXMAN_x8r8g8b8 ? PIXMAN_a8r8g8b8 : to->format;
    unsigned int size = canvas_unpacked_size(to->format);
    uint32_t argb[256];
    uint8_t bytes[256];

    for (int32_t y = 0; y < to->height; y++) {
        for (int32_t x = 0; x < to->width; x += 256) {
            size_t n = to->width - x < 256 ? to->width - x : 256;

            canvas_fetch(from, x, y, n, argb);
            if (format == PIXMAN_a1) {
                canvas_store_row(format, bytes, argb, n);
                canvas_pack_bits(canvas_row(to, y), x, n, bytes);
            } else {
                canvas_store_row(format, canvas_row(to, y) + (size_t)x * size, argb, n);
            }
        }
    }
}

void canvas_unpack_bits(const uint8_t *row, size_t x, size_t n, uint8_t *bytes)
{
    for (size_t i = 0; i < n; i++)
        bytes[i] = row[(x + i) >> 3] >> ((x + i) & 7) & 1;
}

void canvas_pack_bits(uint8_t *row, size_t x, size_t n, const uint8_t *bytes)
{
    for (size_t i = 0; i < n; i++) {
        uint8_t *byte = &row[(x + i) >> 3], bit = 1u << ((x + i) & 7);

        *byte = bytes[i] & 1 ? *byte | bit : *byte & ~bit;
    }
}

void canvas_shift_bits(const uint8_t *row, size_t row_bytes, size_t x, size_t n, uint8_t *out)
{
    size_t first = x >> 3, bytes = (n + 7) / 8;
    unsigned int shift = x & 7;

    if (n == 0)
        return;
    if (shift == 0) {
        memcpy(out, row + first, bytes);
    } else {
        for (size_t i = 0; i < bytes; i++) {
            unsigned int low = row[first + i],
                         high = first + i + 1 < row_bytes ? row[first + i + 1] : 0;

            out[i] = low >> shift | high << (8 - shift);
        }
    }
    if (n & 7)
        out[bytes - 1] &= (1u << (n & 7)) - 1;
}

const uint8_t *canvas_raw_row(const CanvasPixels *pixels, int32_t x, int32_t y, size_t n,
                              uint8_t *scratch)
{
    const uint8_t *row = canvas_row(pixels, y);

    if (pixels->format == PIXMAN_a1) {
        canvas_unpack_bits(row, x, n, scratch);
        return scratch;
    }
    return row + (size_t)x * canvas_unpacked_size(pixels->format);
}

pixman_image_t *canvas_view(const CanvasPixels *pixels, pixman_format_code_t format)
{
    return pixman_image_create_bits_no_clear(format, pixels->width, pixels->height,
                                             (uint32_t *)pixels->data, pixels->stride);
}
