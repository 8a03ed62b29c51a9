/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Raster operations on raw pixels: section 4 of docs/spec/canvas.md. */
#ifndef CANVAS_ROP_H
#define CANVAS_ROP_H

#include <stddef.h>
#include <stdint.h>

/* The sixteen binary operations, numbered like the X11 GX codes (reading order of 4.1). */
typedef enum CanvasRop {
    CANVAS_ROP_CLEAR,
    CANVAS_ROP_AND,
    CANVAS_ROP_AND_REV,
    CANVAS_ROP_COPY,
    CANVAS_ROP_AND_INV,
    CANVAS_ROP_NOOP,
    CANVAS_ROP_XOR,
    CANVAS_ROP_OR,
    CANVAS_ROP_NOR,
    CANVAS_ROP_EQUIV,
    CANVAS_ROP_INVERT,
    CANVAS_ROP_OR_REV,
    CANVAS_ROP_COPY_INV,
    CANVAS_ROP_OR_INV,
    CANVAS_ROP_NAND,
    CANVAS_ROP_SET,
} CanvasRop;

/* The reduction of 4.2. s_flag and d_flag are the SPICE_ROPD_INVERS_* bits of the two operands; 0
 * where the command has no such operand. */
CanvasRop canvas_rop_reduce(uint16_t descriptor, uint16_t s_flag, uint16_t d_flag);

/* The operation as d := (d & keep) ^ flip with keep = (keep_s & s) ^ keep_0, flip = (flip_s & s) ^
 * flip_0; every member is all zeros or all ones. */
typedef struct CanvasRopTerms {
    uint32_t keep_s, keep_0, flip_s, flip_0;
} CanvasRopTerms;
CanvasRopTerms canvas_rop_terms(CanvasRop rop);

/* dst := rop(src, dst) over bytes. The rows may overlap, as a guest can lay surfaces over each
 * other; then some of what is read may be written already. */
void canvas_rop_row(CanvasRop rop, uint8_t *dst, const uint8_t *src, size_t bytes);

/* dst := (dst & keep) ^ flip over n pixels of 1, 2 or 4 bytes: any operation with a constant
 * source. */
void canvas_rop_solid(uint32_t keep, uint32_t flip, unsigned int pixel_size, uint8_t *dst,
                      size_t n);

/* dst := n times the pixel. */
void canvas_fill_row(uint8_t *dst, uint32_t pixel, unsigned int pixel_size, size_t n);

/* dst := the ternary operation (4.3) of pattern, source and dst, over bytes. They may
 * overlap as above. */
void canvas_rop3_row(uint8_t code, uint8_t *dst, const uint8_t *pattern, const uint8_t *source,
                     size_t bytes);

#endif
