/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Scaled images: nearest and interpolated sampling by sections 8.2, 8.3 and 11.1 of
 * docs/spec/canvas.md. */
#ifndef CANVAS_SAMPLE_H
#define CANVAS_SAMPLE_H

#include "canvas/area.h"

typedef struct CanvasAxis {
    int64_t offset,
        step; /* the position of index i is offset + i * step + ((step + 1) >> 1), 16.16 */
} CanvasAxis;

/* Samples for the columns of one area, computed row by row. */
typedef struct CanvasSampler {
    const CanvasPixels *source;
    CanvasAxis across, down;
    bool interpolate;
    int64_t top;   /* surface row of index 0 */
    int32_t first; /* surface column of the first entry of the tables */
    size_t n;
    int32_t *columns; /* column of the source; for interpolation relative to first_column, in the
                         row cache */
    uint32_t *
        weights; /* for each column, p / 2 of 8.3 in the high half and 128 - p / 2 in the low one */
    uint32_t kept_bits; /* of each sample; all unless the caller changes it */
    bool all_inside;    /* nearest: no column lies outside */
    int32_t first_column;
    size_t cached_width; /* with interpolation: pixels of a cached row, with one of zeros at each
                            end where needed */
    uint32_t *cache[2];  /* nearest, when growing: the first holds the last row of samples */
    int64_t cached_row[2];
    uint16_t *blended; /* the two rows, blended into one: 4 channels per pixel of a cached row,
                          times 128 */
} CanvasSampler;

/* The mapping of 9.2 from the source area to a box; false when the area or box has no positive
 * size. */
bool canvas_axis_scale(CanvasAxis *axis, int64_t from, int64_t to, int64_t box_size);
/* The mapping of 11.1. */
bool canvas_axis_scale_rop3(CanvasAxis *axis, int64_t from, int64_t to, int64_t box_size);

/* Prepare for the columns of extents; box_left and box_top are where index 0 stands on the surface.
 */
CanvasResult canvas_sampler_init(CanvasSampler *sampler, const CanvasPixels *source,
                                 CanvasAxis across, CanvasAxis down, bool interpolate,
                                 int64_t box_left, int64_t box_top, const pixman_box32_t *extents);
void canvas_sampler_clear(CanvasSampler *sampler);

/* n samples from surface position (x, y), as a8r8g8b8; outside the source they are 0. Within the
 * extents given. */
void canvas_sample(CanvasSampler *sampler, int32_t x, int32_t y, size_t n, uint32_t *argb);

#endif
