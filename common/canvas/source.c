/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rows of raw pixels of a colour, a pattern, an image or a scaled image. */
#include <stdlib.h>
#include <string.h>

#include "canvas/rop.h"
#include "canvas/source.h"

/* Unrolled rows of a pattern are kept as long as they take no more than this: it should stay in the
 * second cache. */
#define MAX_UNROLLED_BYTES (256 * 1024)

static void prepare(CanvasSource *source, CanvasSourceKind kind, pixman_format_code_t format,
                    const pixman_box32_t *extents)
{
    memset(source, 0, sizeof *source);
    source->kind = kind;
    source->size = canvas_unpacked_size(format);
    source->first = extents->x1;
    source->width = extents->x2 - extents->x1;
}

static CanvasResult allocate_scratch(CanvasSource *source, size_t rows)
{
    source->scratch = malloc(source->width * source->size * rows);
    return source->scratch ? CANVAS_OK : CANVAS_NO_MEMORY;
}

CanvasResult canvas_source_solid(CanvasSource *source, uint32_t pixel, pixman_format_code_t format,
                                 const pixman_box32_t *extents)
{
    prepare(source, CANVAS_SOURCE_SOLID, format, extents);
    source->pixel = pixel;
    if (allocate_scratch(source, 1) != CANVAS_OK)
        return CANVAS_NO_MEMORY;
    canvas_fill_row(source->scratch, pixel, source->size, source->width);
    return CANVAS_OK;
}

CanvasResult canvas_source_tile(CanvasSource *source, const CanvasPixels *tile, int64_t left,
                                int64_t top, const pixman_box32_t *extents)
{
    size_t rows = tile->height, bytes;

    prepare(source, CANVAS_SOURCE_TILE, tile->format, extents);
    source->pixels = *tile;
    source->dx = -left;
    source->dy = -top;
    bytes = source->width * source->size;
    if (rows > MAX_UNROLLED_BYTES / (bytes ? bytes : 1)) {
        rows = 1;
    } else {
        source->unrolled = calloc((rows + 7) / 8, 1);
        if (!source->unrolled)
            return CANVAS_NO_MEMORY;
    }
    if (allocate_scratch(source, rows) != CANVAS_OK) {
        canvas_source_clear(source);
        return CANVAS_NO_MEMORY;
    }
    return CANVAS_OK;
}

CanvasResult canvas_source_image(CanvasSource *source, const CanvasPixels *image, int64_t dx,
                                 int64_t dy, const pixman_box32_t *extents)
{
    prepare(source, CANVAS_SOURCE_IMAGE, image->format, extents);
    source->pixels = *image;
    source->dx = dx;
    source->dy = dy;
    return image->format == PIXMAN_a1 ? allocate_scratch(source, 1) : CANVAS_OK;
}

CanvasResult canvas_source_scaled(CanvasSource *source, const CanvasPixels *image,
                                  CanvasAxis across, CanvasAxis down, bool interpolate,
                                  int64_t box_left, int64_t box_top, const pixman_box32_t *extents)
{
    prepare(source, CANVAS_SOURCE_SCALED, image->format, extents);
    source->pixels = *image;
    source->argb = malloc(source->width * sizeof *source->argb);
    if (!source->argb || allocate_scratch(source, 1) != CANVAS_OK ||
        canvas_sampler_init(&source->sampler, &source->pixels, across, down, interpolate, box_left,
                            box_top, extents) != CANVAS_OK) {
        canvas_source_clear(source);
        return CANVAS_NO_MEMORY;
    }
    return CANVAS_OK;
}

void canvas_source_clear(CanvasSource *source)
{
    free(source->scratch);
    free(source->unrolled);
    free(source->argb);
    if (source->kind == CANVAS_SOURCE_SCALED)
        canvas_sampler_clear(&source->sampler);
    memset(source, 0, sizeof *source);
}

/* Fill n pixels of out with the row of the tile, beginning at its column. */
static void unroll(const CanvasPixels *tile, unsigned int size, size_t column, size_t row,
                   uint8_t *out, size_t n)
{
    size_t width = tile->width, have = 0;

    while (have < n && have < width) {
        size_t count = width - column < n - have ? width - column : n - have;

        if (tile->format == PIXMAN_a1)
            canvas_unpack_bits(canvas_row(tile, row), column, count, out + have);
        else
            memcpy(out + have * size, canvas_row(tile, row) + column * size, count * size);
        have += count;
        column = 0;
    }
    if (have > width)
        have = width;
    /* One period stands; the rest repeats it. */
    while (have < n) {
        size_t count = have < n - have ? have : n - have;

        memcpy(out + have * size, out, count * size);
        have += count;
    }
}

static const uint8_t *tile_row(CanvasSource *source, int32_t x, int32_t y, size_t n)
{
    size_t row = canvas_modulo(y + source->dy, source->pixels.height);
    size_t column = canvas_modulo(x + source->dx, source->pixels.width);
    uint8_t *out;

    if (source->pixels.format != PIXMAN_a1 && column + n <= (size_t)source->pixels.width)
        return canvas_row(&source->pixels, row) + column * source->size;
    if (!source->unrolled) {
        unroll(&source->pixels, source->size, column, row, source->scratch, n);
        return source->scratch;
    }
    out = source->scratch + row * source->width * source->size;
    if (!(source->unrolled[row >> 3] >> (row & 7) & 1)) {
        column = canvas_modulo(source->first + source->dx, source->pixels.width);
        unroll(&source->pixels, source->size, column, row, out, source->width);
        source->unrolled[row >> 3] |= 1u << (row & 7);
    }
    return out + (size_t)(x - source->first) * source->size;
}

const uint8_t *canvas_source_row(CanvasSource *source, int32_t x, int32_t y, size_t n)
{
    switch (source->kind) {
    case CANVAS_SOURCE_SOLID:
        return source->scratch;
    case CANVAS_SOURCE_TILE:
        return tile_row(source, x, y, n);
    case CANVAS_SOURCE_IMAGE:
        return canvas_raw_row(&source->pixels, x + source->dx, y + source->dy, n, source->scratch);
    default:
        canvas_sample(&source->sampler, x, y, n, source->argb);
        canvas_store_row(source->pixels.format, source->scratch, source->argb, n);
        return source->scratch;
    }
}
