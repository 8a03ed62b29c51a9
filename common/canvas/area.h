/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The set of pixels that a command may touch: D of sections 3 and 7, and the loop over its rows. */
#ifndef CANVAS_AREA_H
#define CANVAS_AREA_H

#include "canvas/pixels.h"

/* D: a region of rectangles; where those would be too many, or with a mask, one rectangle and a bit
 * for each of its pixels. Owned by one canvas_draw() call. */
typedef struct CanvasArea {
    pixman_region32_t region;
    pixman_box32_t extents; /* of the region; all 0 when it is empty */
    uint8_t *bits;          /* NULL: every pixel of the region counts */
    size_t bits_stride;
    int32_t bits_x, bits_y; /* the pixel of bit 0 of the first row */
} CanvasArea;

/* A rectangle with room for sums of 32-bit values. */
typedef struct CanvasBox {
    int64_t x1, y1, x2, y2;
} CanvasBox;

/* B intersect surface intersect clip. rects may be NULL when has_clip is false. */
CanvasResult canvas_area_init(CanvasArea *area, const CanvasPixels *surface, const WireRect *box,
                              bool has_clip, const WireRect *rects, uint32_t n_rects);
/* The same from a region; clip NULL: none. */
CanvasResult canvas_area_init_region(CanvasArea *area, const CanvasPixels *surface,
                                     const CanvasBox *box, const pixman_region32_t *clip);
void canvas_area_clear(CanvasArea *area);

bool canvas_area_is_empty(const CanvasArea *area);

/* Keep only what lies in the box. */
void canvas_area_restrict(CanvasArea *area, const CanvasBox *box);

/* Keep only pixels whose bit in the 1-bit image is set (clear when inverted); the pixel (x, y) of
 * the surface is (x - left, y - top) of the mask, and pixels outside the mask don't count. */
CanvasResult canvas_area_mask(CanvasArea *area, const CanvasPixels *mask, int64_t left, int64_t top,
                              bool inverted);

/* Turn a region of several rectangles into one rectangle with bits. */
CanvasResult canvas_area_flatten(CanvasArea *area);

/* True when the pixel, which lies in the extents, is in D. Only for areas of one rectangle. */
static inline bool canvas_area_has(const CanvasArea *area, int32_t x, int32_t y)
{
    if (!area->bits)
        return true;

    size_t bit = x - area->bits_x;

    return area->bits[(size_t)(y - area->bits_y) * area->bits_stride + (bit >> 3)] >> (bit & 7) & 1;
}

/* Add D to a region; NULL: nothing. */
void canvas_area_add_to(const CanvasArea *area, pixman_region32_t *damage);

/* Change n pixels: row holds their unpacked values (of surface position (x, y) and to the right).
 */
typedef void (*CanvasRowFunc)(void *ctx, int32_t x, int32_t y, size_t n, uint8_t *row);
/* Run change over every pixel of D, each once. The row may be that of the surface itself. When bits
 * are in use the function is also asked about pixels in between, whose results are dropped. */
CanvasResult canvas_area_paint(const CanvasArea *area, const CanvasPixels *surface,
                               CanvasRowFunc change, void *ctx);

#endif
