/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rows of pixels in the six formats: reading them as a8r8g8b8, storing them back, and 1-bit rows as
 * bytes.
 *
 * "Unpacked" rows are what the row functions of this room work on: the raw pixels one after the
 * other, 1-bit pixels with a byte each (bit 0 counts). They need no alignment beyond that of the
 * pixel. */
#ifndef CANVAS_PIXELS_H
#define CANVAS_PIXELS_H

#include "canvas/image.h"

/* Bytes of one pixel in an unpacked row. */
static inline unsigned int canvas_unpacked_size(pixman_format_code_t format)
{
    unsigned int bits = PIXMAN_FORMAT_BPP(format);

    return bits < 8 ? 1 : bits / 8;
}

static inline uint8_t *canvas_row(const CanvasPixels *pixels, int32_t y)
{
    return pixels->data + (ptrdiff_t)y * pixels->stride;
}

/* The pixman format of a surface format; 0 when there is none. */
pixman_format_code_t canvas_surface_pixman_format(uint32_t surface_format);

/* The working format W of an image of format `native` on a surface (section 5.1); 0 for an unknown
 * surface format. */
pixman_format_code_t canvas_working_format(uint32_t surface_format, pixman_format_code_t native);

/* n pixels from (x, y), all inside, as a8r8g8b8 by section 8.1. */
void canvas_fetch(const CanvasPixels *pixels, int32_t x, int32_t y, size_t n, uint32_t *argb);
/* The same from an unpacked row. */
void canvas_fetch_row(pixman_format_code_t format, const void *row, size_t n, uint32_t *argb);
/* One pixel of an unpacked row. */
uint32_t canvas_fetch_one(pixman_format_code_t format, const void *row, size_t index);

/* a8r8g8b8 to an unpacked row by section 8.1. Unused bits become 0. */
void canvas_store_row(pixman_format_code_t format, void *row, const uint32_t *argb, size_t n);

/* The same for whole images. Here the top byte of an x8r8g8b8 array keeps the alpha (section 5.1).
 * Sizes are equal. */
void canvas_convert(const CanvasPixels *from, const CanvasPixels *to);

/* 1-bit pixels, least significant bit first, to bytes of 0 or 1 and back; x is the first pixel of
 * the row. */
void canvas_unpack_bits(const uint8_t *row, size_t x, size_t n, uint8_t *bytes);
void canvas_pack_bits(uint8_t *row, size_t x, size_t n, const uint8_t *bytes);
/* n bits from bit x of a row that is row_bytes long to bit 0 of out, (n + 7) / 8 bytes; bits beyond
 * n are 0. */
void canvas_shift_bits(const uint8_t *row, size_t row_bytes, size_t x, size_t n, uint8_t *out);

/* n unpacked raw pixels from (x, y), all inside: a pointer into the image, or for 1-bit images into
 * scratch (n bytes). */
const uint8_t *canvas_raw_row(const CanvasPixels *pixels, int32_t x, int32_t y, size_t n,
                              uint8_t *scratch);

/* A pixman image over the same memory. Its stride must be a multiple of 4 bytes. NULL when memory
 * is out. */
pixman_image_t *canvas_view(const CanvasPixels *pixels, pixman_format_code_t format);

#endif
