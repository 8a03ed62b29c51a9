/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Raster operations on raw pixels: section 4 of docs/spec/canvas.md. The loops are plain so that
 * the compiler vectorises them; all operations are bitwise, so rows of every depth are rows of
 * bytes. */
#include <stdbool.h>
#include <string.h>

#include <spice/enums.h>

#include "canvas/kernel.h"
#include "canvas/rop.h"

/* Truth table of an operation: bit 2 * s + d is the result. */
static unsigned int truth(CanvasRop rop)
{
    /* The GX numbering has the result for s = d = 1 in bit 0, (1,0) in bit 1, (0,1) in bit 2 and
     * (0,0) in bit 3. */
    unsigned int gx = rop;

    return (gx >> 3 & 1) | (gx >> 2 & 1) << 1 | (gx >> 1 & 1) << 2 | (gx & 1) << 3;
}

static CanvasRop from_truth(unsigned int table)
{
    return (table & 1) << 3 | (table >> 1 & 1) << 2 | (table >> 2 & 1) << 1 | (table >> 3 & 1);
}

CanvasRop canvas_rop_reduce(uint16_t descriptor, uint16_t s_flag, uint16_t d_flag)
{
    bool not_s = descriptor & s_flag, not_d = descriptor & d_flag,
         not_result = descriptor & SPICE_ROPD_INVERS_RES;
    unsigned int s = not_s ? 0x3 : 0xc, d = not_d ? 0x5 : 0xa, table;

    if (descriptor & SPICE_ROPD_OP_PUT)
        return not_s != not_result ? CANVAS_ROP_COPY_INV : CANVAS_ROP_COPY;
    if (descriptor & SPICE_ROPD_OP_OR)
        table = s | d;
    else if (descriptor & SPICE_ROPD_OP_AND)
        table = s & d;
    else if (descriptor & SPICE_ROPD_OP_XOR)
        table = s ^ d;
    else if (descriptor & SPICE_ROPD_OP_BLACKNESS)
        return CANVAS_ROP_CLEAR;
    else if (descriptor & SPICE_ROPD_OP_WHITENESS)
        return CANVAS_ROP_SET;
    else if (descriptor & SPICE_ROPD_OP_INVERS)
        return CANVAS_ROP_INVERT;
    else
        return CANVAS_ROP_COPY;
    return from_truth(not_result ? table ^ 0xf : table);
}

CanvasRopTerms canvas_rop_terms(CanvasRop rop)
{
    unsigned int t = truth(rop);
    /* For a fixed s the result is (d & (f0 ^ f1)) ^ f0, where f0, f1 are the results for d = 0 and
     * d = 1. */
    uint32_t flip_0 = -(t & 1), flip_1 = -(t >> 2 & 1);
    uint32_t keep_0 = flip_0 ^ -(t >> 1 & 1), keep_1 = flip_1 ^ -(t >> 3 & 1);

    return (CanvasRopTerms){keep_0 ^ keep_1, keep_0, flip_0 ^ flip_1, flip_0};
}

#define ROP_LOOP(expression)             \
    for (size_t i = 0; i < bytes; i++) { \
        uint8_t s = src[i], d = dst[i];  \
        (void)s;                         \
        dst[i] = (expression);           \
    }                                    \
    break

CANVAS_KERNEL void canvas_rop_row(CanvasRop rop, uint8_t *restrict dst, const uint8_t *restrict src,
                                  size_t bytes)
{
    switch (rop) {
    case CANVAS_ROP_CLEAR:
        memset(dst, 0, bytes);
        break;
    case CANVAS_ROP_COPY:
        memmove(dst, src, bytes); /* a guest may lay surfaces over each other */
        break;
    case CANVAS_ROP_SET:
        memset(dst, 0xff, bytes);
        break;
    case CANVAS_ROP_NOOP:
        break;
    case CANVAS_ROP_AND:
        ROP_LOOP(s & d);
    case CANVAS_ROP_AND_REV:
        ROP_LOOP(s & ~d);
    case CANVAS_ROP_AND_INV:
        ROP_LOOP(~s & d);
    case CANVAS_ROP_XOR:
        ROP_LOOP(s ^ d);
    case CANVAS_ROP_OR:
        ROP_LOOP(s | d);
    case CANVAS_ROP_NOR:
        ROP_LOOP(~(s | d));
    case CANVAS_ROP_EQUIV:
        ROP_LOOP(~(s ^ d));
    case CANVAS_ROP_INVERT:
        ROP_LOOP(~d);
    case CANVAS_ROP_OR_REV:
        ROP_LOOP(s | ~d);
    case CANVAS_ROP_COPY_INV:
        for (size_t i = 0; i < bytes; i++)
            dst[i] = ~src[i];
        break;
    case CANVAS_ROP_OR_INV:
        ROP_LOOP(~s | d);
    case CANVAS_ROP_NAND:
        ROP_LOOP(~(s & d));
    }
}

CANVAS_KERNEL void canvas_rop_solid(uint32_t keep, uint32_t flip, unsigned int pixel_size,
                                    uint8_t *dst, size_t n)
{
    uint32_t *wide = (uint32_t *)dst;
    uint16_t *half = (uint16_t *)dst;

    if (keep == 0) {
        canvas_fill_row(dst, flip, pixel_size, n);
        return;
    }
    switch (pixel_size) {
    case 4:
        for (size_t i = 0; i < n; i++)
            wide[i] = (wide[i] & keep) ^ flip;
        break;
    case 2:
        for (size_t i = 0; i < n; i++)
            half[i] = (half[i] & keep) ^ flip;
        break;
    default:
        for (size_t i = 0; i < n; i++)
            dst[i] = (dst[i] & keep) ^ flip;
        break;
    }
}

CANVAS_KERNEL void canvas_fill_row(uint8_t *dst, uint32_t pixel, unsigned int pixel_size, size_t n)
{
    uint32_t *wide = (uint32_t *)dst;
    uint16_t *half = (uint16_t *)dst;

    switch (pixel_size) {
    case 4:
        for (size_t i = 0; i < n; i++)
            wide[i] = pixel;
        break;
    case 2:
        for (size_t i = 0; i < n; i++)
            half[i] = pixel;
        break;
    default:
        memset(dst, pixel, n);
        break;
    }
}

CANVAS_KERNEL void canvas_rop3_row(uint8_t code, uint8_t *restrict dst,
                                   const uint8_t *restrict pattern, const uint8_t *restrict source,
                                   size_t bytes)
{
    /* Shannon's expansion: for each of the four values of (P, S) the result is (D & keep) ^ flip.
     * In terms of the exclusive-or normal form that is eight masks for 1, D, S, SD, P, PD, PS, PSD.
     */
    uint8_t term[8];

    for (unsigned int i = 0; i < 8; i++) {
        unsigned int value = 0;

        for (unsigned int j = 0; j < 8; j++)
            if ((j & ~i) == 0)
                value ^= code >> j & 1;
        term[i] = -value;
    }
    for (size_t i = 0; i < bytes; i++) {
        uint8_t p = pattern[i], s = source[i], d = dst[i];
        uint8_t low = term[0] ^ (term[1] & d) ^ (s & (term[2] ^ (term[3] & d)));
        uint8_t high = term[4] ^ (term[5] & d) ^ (s & (term[6] ^ (term[7] & d)));

        dst[i] = low ^ (p & high);
    }
}
