/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where the first operand of a raw operation comes from: rows of raw pixels of a colour, a pattern,
 * an image or a scaled image (sections 5, 6 and 9.2 of docs/spec/canvas.md). */
#ifndef CANVAS_SOURCE_H
#define CANVAS_SOURCE_H

#include "canvas/sample.h"

typedef enum CanvasSourceKind {
    CANVAS_SOURCE_SOLID,
    CANVAS_SOURCE_TILE,
    CANVAS_SOURCE_IMAGE,
    CANVAS_SOURCE_SCALED
} CanvasSourceKind;

/* Owns its scratch memory; the pixels belong to the command. */
typedef struct CanvasSource {
    CanvasSourceKind kind;
    unsigned int size;   /* bytes of an unpacked pixel */
    uint32_t pixel;      /* SOLID */
    CanvasPixels pixels; /* TILE, IMAGE */
    int64_t dx,
        dy; /* IMAGE: surface (x, y) is pixel (x + dx, y + dy). TILE: the same modulo its size */
    int32_t first; /* the surface column of the first pixel of scratch */
    size_t width;  /* pixels in one row of scratch */
    uint8_t *scratch;
    uint8_t *unrolled; /* TILE: a bit for each of its rows that stands unrolled in scratch; NULL:
                          none is kept */
    CanvasSampler sampler; /* SCALED */
    uint32_t *argb;
} CanvasSource;

/* Sources for the columns of extents, with pixels of `format` depth. Each yields rows as long as
 * the extents are wide. */
CanvasResult canvas_source_solid(CanvasSource *source, uint32_t pixel, pixman_format_code_t format,
                                 const pixman_box32_t *extents);
/* Anchored so that surface position (x, y) shows pixel ((x - left) mod width, (y - top) mod
 * height). */
CanvasResult canvas_source_tile(CanvasSource *source, const CanvasPixels *tile, int64_t left,
                                int64_t top, const pixman_box32_t *extents);
/* Unscaled; the caller asks only for pixels that exist. */
CanvasResult canvas_source_image(CanvasSource *source, const CanvasPixels *image, int64_t dx,
                                 int64_t dy, const pixman_box32_t *extents);
/* Scaled, as an array of the image's own format. */
CanvasResult canvas_source_scaled(CanvasSource *source, const CanvasPixels *image,
                                  CanvasAxis across, CanvasAxis down, bool interpolate,
                                  int64_t box_left, int64_t box_top, const pixman_box32_t *extents);
void canvas_source_clear(CanvasSource *source);

/* n raw unpacked pixels for surface position (x, y) and to the right; valid until the next call. */
const uint8_t *canvas_source_row(CanvasSource *source, int32_t x, int32_t y, size_t n);

/* value mod n, in [0, n). */
static inline int64_t canvas_modulo(int64_t value, int64_t n)
{
    int64_t rest = value % n;

    return rest < 0 ? rest + n : rest;
}

#endif
