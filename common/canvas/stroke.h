/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lines of one pixel: from a path to polylines, and from those to pixels (section 13 of
 * docs/spec/canvas.md). */
#ifndef CANVAS_STROKE_H
#define CANVAS_STROKE_H

#include "canvas/area.h"
#include "canvas/rop.h"

typedef struct CanvasPoint {
    int64_t x, y; /* pixels; at most 28 bits and sign */
} CanvasPoint;

/* Where the pixels go. All calls are for pixels within `bounds`. */
typedef struct CanvasPen {
    pixman_box32_t bounds;
    void (*span)(void *ctx, int32_t x, int32_t y, int32_t n); /* n pixels to the right */
    void (*line)(void *ctx, int32_t x, int32_t y, int32_t step_x, int32_t step_y, bool x_major,
                 int64_t error, int64_t add, int64_t subtract,
                 int64_t n); /* n pixels of a solid line, one after the other */
    void *ctx;
} CanvasPen;

/* A solid polyline (13.4). */
void canvas_stroke_solid(const CanvasPen *pen, const CanvasPoint *points, size_t n);

/* The dash style (13.5): lengths in pixels, in the order in which they are drawn. */
typedef struct CanvasDashes {
    uint8_t lengths[256];
    unsigned int n;
    unsigned int start; /* index of the entry that drawing starts with; even ones are dashes */
    int64_t period;
} CanvasDashes;

/* False when there is nothing to draw: no entries, or all of them zero. */
bool canvas_dashes_init(CanvasDashes *dashes, const int32_t *style, uint32_t n,
                        bool start_with_gap);

/* A dashed polyline; careful: make all joins (13.5), the pen has to take care that no pixel is
 * painted twice. */
void canvas_stroke_dashed(const CanvasPen *pen, const CanvasDashes *dashes,
                          const CanvasPoint *points, size_t n, bool careful);

#endif
