/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* OVER of section 8.4 of docs/spec/canvas.md, on rows of a8r8g8b8. */
#ifndef CANVAS_BLEND_H
#define CANVAS_BLEND_H

#include <stddef.h>
#include <stdint.h>

/* The rounded product of section 1. */
static inline uint32_t canvas_mul(uint32_t a, uint32_t b)
{
    uint32_t t = a * b + 128;

    return (t + (t >> 8)) >> 8;
}

/* All four channels of a pixel by m. */
static inline uint32_t canvas_mul_pixel(uint32_t pixel, uint32_t m)
{
    uint32_t low = (pixel & 0x00ff00ffu) * m + 0x00800080u,
             high = (pixel >> 8 & 0x00ff00ffu) * m + 0x00800080u;

    low = ((low + (low >> 8 & 0x00ff00ffu)) >> 8) & 0x00ff00ffu;
    high = (high + (high >> 8 & 0x00ff00ffu)) & 0xff00ff00u;
    return low | high;
}

/* s over d, saturating. */
static inline uint32_t canvas_over_pixel(uint32_t s, uint32_t d)
{
    uint32_t low, high;

    d = canvas_mul_pixel(d, 255 - (s >> 24));
    low = (s & 0x00ff00ffu) + (d & 0x00ff00ffu);
    high = (s >> 8 & 0x00ff00ffu) + (d >> 8 & 0x00ff00ffu);
    low |= 0x01000100u - (low >> 8 & 0x00ff00ffu);
    high |= 0x01000100u - (high >> 8 & 0x00ff00ffu);
    return (low & 0x00ff00ffu) | (high & 0x00ff00ffu) << 8;
}

/* dst := ((src in alpha) over dst) & kept; alpha 255 means no mask. */
void canvas_over_row(uint32_t *dst, const uint32_t *src, unsigned int alpha, uint32_t kept,
                     size_t n);

#endif
