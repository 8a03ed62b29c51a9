/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fills, copies, ternary operations, colour keys and moves: sections 9, 10.1, 11.1 and 12 of
 * docs/spec/canvas.md. */
#include <stdlib.h>
#include <string.h>

#include "canvas/draw.h"

/* ---- brushes ---- */

typedef struct SolidJob {
    uint32_t keep, flip;
    unsigned int size;
} SolidJob;

static void change_solid(void *ctx, int32_t x, int32_t y, size_t n, uint8_t *row)
{
    const SolidJob *job = ctx;

    canvas_rop_solid(job->keep, job->flip, job->size, row, n);
}

static CanvasResult paint_solid(CanvasDraw *draw, const CanvasArea *area, uint32_t color,
                                CanvasRop rop)
{
    CanvasRopTerms terms = canvas_rop_terms(rop);
    SolidJob job = {(terms.keep_s & color) ^ terms.keep_0, (terms.flip_s & color) ^ terms.flip_0,
                    canvas_unpacked_size(canvas_target(draw)->format)};

    return canvas_area_paint(area, canvas_target(draw), change_solid, &job);
}

typedef struct RopJob {
    CanvasSource source;
    CanvasRop rop;
} RopJob;

static void change_rop(void *ctx, int32_t x, int32_t y, size_t n, uint8_t *row)
{
    RopJob *job = ctx;

    canvas_rop_row(job->rop, row, canvas_source_row(&job->source, x, y, n), n * job->source.size);
}

/* The colour of a brush that needs no image; brush NONE paints 0 (section 6). */
static uint32_t brush_color(const WireBrush *brush)
{
    return brush->type == SPICE_BRUSH_TYPE_SOLID ? brush->u.color : 0;
}

/* The source of a brush for the columns of D (section 6). */
static CanvasResult brush_source(CanvasDraw *draw, const WireBrush *brush, CanvasOperand *operand,
                                 CanvasSource *source)
{
    CanvasResult result;

    if (brush->type != SPICE_BRUSH_TYPE_PATTERN)
        return canvas_source_solid(source, brush_color(brush), canvas_target(draw)->format,
                                   &draw->area.extents);
    result = canvas_operand_resolve(draw, operand);
    if (result != CANVAS_OK)
        return result;
    if (!canvas_same_depth(draw, &operand->pixels))
        return CANVAS_BAD_MESSAGE;
    return canvas_source_tile(source, &operand->pixels, brush->u.pattern.pos.x,
                              brush->u.pattern.pos.y, &draw->area.extents);
}

CanvasResult canvas_paint_brush(CanvasDraw *draw, const CanvasArea *area, const WireBrush *brush,
                                CanvasOperand *operand, CanvasRop rop)
{
    RopJob job = {.rop = rop};
    CanvasResult result;

    if (brush->type != SPICE_BRUSH_TYPE_PATTERN)
        return paint_solid(draw, area, brush_color(brush), rop);
    result = brush_source(draw, brush, operand, &job.source);
    if (result != CANVAS_OK)
        return result;
    result = canvas_area_paint(area, canvas_target(draw), change_rop, &job);
    canvas_source_clear(&job.source);
    return result;
}

CanvasResult canvas_draw_fill(CanvasDraw *draw, const WireMsgDisplayDrawFill *message)
{
    CanvasRop rop =
        canvas_rop_reduce(message->rop_descriptor, SPICE_ROPD_INVERS_BRUSH, SPICE_ROPD_INVERS_DEST);

    return canvas_paint_brush(draw, &draw->area, &message->brush, &draw->brush, rop);
}

CanvasResult canvas_draw_constant(CanvasDraw *draw, CanvasRop rop)
{
    return paint_solid(draw, &draw->area, 0, rop);
}

/* ---- images ---- */

/* How the source area lies on the box. */
typedef struct Placement {
    bool scaled;
    CanvasAxis across, down;
    bool interpolate;
    CanvasBox box;
    int64_t dx, dy;   /* unscaled: surface (x, y) is pixel (x + dx, y + dy) */
    CanvasBox exists; /* unscaled: the surface positions that have a pixel */
} Placement;

static CanvasResult place(const CanvasDraw *draw, const WireRect *area, uint8_t scale_mode,
                          bool rop3, Placement *placement)
{
    CanvasBox box = canvas_draw_box(draw);
    const CanvasPixels *pixels = &draw->source.pixels;
    int64_t width = (int64_t)area->right - area->left, height = (int64_t)area->bottom - area->top;
    bool (*scale)(CanvasAxis *, int64_t, int64_t, int64_t) =
        rop3 ? canvas_axis_scale_rop3 : canvas_axis_scale;

    memset(placement, 0, sizeof *placement);
    placement->box = box;
    placement->scaled = width != box.x2 - box.x1 || height != box.y2 - box.y1;
    placement->interpolate = scale_mode == SPICE_IMAGE_SCALE_MODE_INTERPOLATE;
    placement->dx = area->left - box.x1;
    placement->dy = area->top - box.y1;
    placement->exists = (CanvasBox){-placement->dx, -placement->dy, pixels->width - placement->dx,
                                    pixels->height - placement->dy};
    if (placement->scaled &&
        (!scale(&placement->across, area->left, area->right, box.x2 - box.x1) ||
         !scale(&placement->down, area->top, area->bottom, box.y2 - box.y1)))
        return CANVAS_BAD_MESSAGE;
    return CANVAS_OK;
}

static CanvasResult source_of(CanvasDraw *draw, const Placement *placement, CanvasSource *source)
{
    if (placement->scaled)
        return canvas_source_scaled(source, &draw->source.pixels, placement->across,
                                    placement->down, placement->interpolate, placement->box.x1,
                                    placement->box.y1, &draw->area.extents);
    return canvas_source_image(source, &draw->source.pixels, placement->dx, placement->dy,
                               &draw->area.extents);
}

/* A scaled COPY interprets pixels: samples are stored in the format of the target. */
typedef struct ScaledJob {
    CanvasSampler sampler;
    uint32_t *argb;
    pixman_format_code_t format;
} ScaledJob;

static void change_scaled(void *ctx, int32_t x, int32_t y, size_t n, uint8_t *row)
{
    ScaledJob *job = ctx;

    if (PIXMAN_FORMAT_BPP(job->format) == 32) {
        /* The sampler itself leaves out what isn't stored. */
        canvas_sample(&job->sampler, x, y, n, (uint32_t *)row);
        return;
    }
    canvas_sample(&job->sampler, x, y, n, job->argb);
    canvas_store_row(job->format, row, job->argb, n);
}

static CanvasResult scaled_init(CanvasDraw *draw, const Placement *placement, ScaledJob *job)
{
    CanvasResult result;

    job->format = canvas_target(draw)->format;
    result = canvas_sampler_init(&job->sampler, &draw->source.pixels, placement->across,
                                 placement->down, placement->interpolate, placement->box.x1,
                                 placement->box.y1, &draw->area.extents);
    if (result != CANVAS_OK)
        return result;
    if (job->format == PIXMAN_x8r8g8b8)
        job->sampler.kept_bits = 0x00ffffff;
    job->argb = malloc(job->sampler.n * sizeof *job->argb);
    return job->argb ? CANVAS_OK : CANVAS_NO_MEMORY;
}

static void scaled_clear(ScaledJob *job)
{
    free(job->argb);
    canvas_sampler_clear(&job->sampler);
}

static CanvasResult copy_scaled(CanvasDraw *draw, const Placement *placement)
{
    ScaledJob job = {.argb = NULL};
    CanvasResult result = scaled_init(draw, placement, &job);

    if (result == CANVAS_OK)
        result = canvas_area_paint(&draw->area, canvas_target(draw), change_scaled, &job);
    scaled_clear(&job);
    return result;
}

CanvasResult canvas_draw_copy(CanvasDraw *draw, const WireRect *src_area, uint16_t descriptor,
                              uint8_t scale_mode)
{
    RopJob job = {.rop =
                      canvas_rop_reduce(descriptor, SPICE_ROPD_INVERS_SRC, SPICE_ROPD_INVERS_DEST)};
    Placement placement;
    CanvasResult result = canvas_operand_resolve(draw, &draw->source);

    if (result == CANVAS_OK)
        result = place(draw, src_area, scale_mode, false, &placement);
    if (result != CANVAS_OK)
        return result;
    if (placement.scaled && job.rop == CANVAS_ROP_COPY)
        return copy_scaled(draw, &placement);
    if (!canvas_same_depth(draw, &draw->source.pixels))
        return CANVAS_BAD_MESSAGE;
    if (!placement.scaled)
        canvas_area_restrict(&draw->area, &placement.exists);
    if (canvas_area_is_empty(&draw->area))
        return CANVAS_OK;
    result = source_of(draw, &placement, &job.source);
    if (result != CANVAS_OK)
        return result;
    result = canvas_area_paint(&draw->area, canvas_target(draw), change_rop, &job);
    canvas_source_clear(&job.source);
    return result;
}

/* Opaque: the image as far as it exists, then the brush over it, in one pass. */
typedef struct OpaqueJob {
    CanvasSource image, brush;
    ScaledJob *scaled; /* instead of image */
    CanvasBox exists;
    CanvasRop rop;
} OpaqueJob;

static void change_opaque(void *ctx, int32_t x, int32_t y, size_t n, uint8_t *row)
{
    OpaqueJob *job = ctx;

    if (job->scaled) {
        change_scaled(job->scaled, x, y, n, row);
    } else if (y >= job->exists.y1 && y < job->exists.y2) {
        int64_t from = x > job->exists.x1 ? x : job->exists.x1;
        int64_t to = x + (int64_t)n < job->exists.x2 ? x + (int64_t)n : job->exists.x2;

        if (to > from)
            memcpy(row + (from - x) * job->brush.size,
                   canvas_source_row(&job->image, from, y, to - from),
                   (to - from) * job->brush.size);
    }
    canvas_rop_row(job->rop, row, canvas_source_row(&job->brush, x, y, n), n * job->brush.size);
}

CanvasResult canvas_draw_opaque(CanvasDraw *draw, const WireMsgDisplayDrawOpaque *message)
{
    OpaqueJob job = {.rop = canvas_rop_reduce(message->rop_descriptor, SPICE_ROPD_INVERS_BRUSH,
                                              SPICE_ROPD_INVERS_SRC)};
    ScaledJob scaled = {.argb = NULL};
    Placement placement;
    CanvasResult result = canvas_operand_resolve(draw, &draw->source);

    if (result == CANVAS_OK)
        result = place(draw, &message->src_area, message->scale_mode, false, &placement);
    if (result == CANVAS_OK && !placement.scaled && !canvas_same_depth(draw, &draw->source.pixels))
        result = CANVAS_BAD_MESSAGE;
    if (result == CANVAS_OK)
        result = brush_source(draw, &message->brush, &draw->brush, &job.brush);
    if (result != CANVAS_OK)
        return result;
    job.exists = placement.exists;
    if (placement.scaled) {
        job.scaled = &scaled;
        result = scaled_init(draw, &placement, &scaled);
    } else {
        result = source_of(draw, &placement, &job.image);
    }
    if (result == CANVAS_OK)
        result = canvas_area_paint(&draw->area, canvas_target(draw), change_opaque, &job);
    scaled_clear(&scaled);
    canvas_source_clear(&job.image);
    canvas_source_clear(&job.brush);
    return result;
}

/* ---- ternary ---- */

typedef struct Rop3Job {
    CanvasSource image, brush;
    uint8_t code;
} Rop3Job;

static void change_rop3(void *ctx, int32_t x, int32_t y, size_t n, uint8_t *row)
{
    Rop3Job *job = ctx;
    const uint8_t *pattern = canvas_source_row(&job->brush, x, y, n),
                  *source = canvas_source_row(&job->image, x, y, n);

    canvas_rop3_row(job->code, row, pattern, source, n * job->brush.size);
}

CanvasResult canvas_draw_rop3(CanvasDraw *draw, const WireMsgDisplayDrawRop3 *message)
{
    Rop3Job job = {.code = message->rop3};
    Placement placement;
    CanvasResult result = canvas_operand_resolve(draw, &draw->source);

    if (result == CANVAS_OK)
        result = place(draw, &message->src_area, message->scale_mode, true, &placement);
    if (result == CANVAS_OK && !canvas_same_depth(draw, &draw->source.pixels))
        result = CANVAS_BAD_MESSAGE;
    if (result != CANVAS_OK)
        return result;
    if (!placement.scaled)
        canvas_area_restrict(&draw->area, &placement.exists);
    if (canvas_area_is_empty(&draw->area))
        return CANVAS_OK;
    result = brush_source(draw, &message->brush, &draw->brush, &job.brush);
    if (result == CANVAS_OK)
        result = source_of(draw, &placement, &job.image);
    if (result == CANVAS_OK)
        result = canvas_area_paint(&draw->area, canvas_target(draw), change_rop3, &job);
    canvas_source_clear(&job.image);
    canvas_source_clear(&job.brush);
    return result;
}

/* ---- colour key ---- */

typedef struct KeyJob {
    CanvasSource source;
    uint32_t key, mask;
} KeyJob;

static void change_keyed(void *ctx, int32_t x, int32_t y, size_t n, uint8_t *row)
{
    KeyJob *job = ctx;
    const uint8_t *source = canvas_source_row(&job->source, x, y, n);
    const uint32_t *wide = (const uint32_t *)source;
    const uint16_t *half = (const uint16_t *)source;
    uint32_t key = job->key, mask = job->mask;

    switch (job->source.size) {
    case 4:
        for (size_t i = 0; i < n; i++) {
            uint32_t *out = (uint32_t *)row + i;

            *out = (wide[i] & mask) == key ? *out : wide[i];
        }
        break;
    case 2:
        for (size_t i = 0; i < n; i++) {
            uint16_t *out = (uint16_t *)row + i;

            *out = half[i] == key ? *out : half[i];
        }
        break;
    default:
        for (size_t i = 0; i < n; i++)
            row[i] = (source[i] & mask) == key ? row[i] : source[i];
        break;
    }
}

CanvasResult canvas_draw_transparent(CanvasDraw *draw, const WireMsgDisplayDrawTransparent *message)
{
    KeyJob job = {.mask = 0xff};
    uint32_t color = message->true_color;
    Placement placement;
    CanvasResult result = canvas_operand_resolve(draw, &draw->source);

    switch (draw->target->format) {
    case SPICE_SURFACE_FMT_32_xRGB:
    case SPICE_SURFACE_FMT_32_ARGB:
        job.mask = 0x00ffffff;
        job.key = color & job.mask;
        break;
    case SPICE_SURFACE_FMT_16_555:
        job.key = (color >> 9 & 0x7c00) | (color >> 6 & 0x03e0) | (color >> 3 & 0x001f);
        break;
    case SPICE_SURFACE_FMT_16_565:
        job.key = (color >> 8 & 0xf800) | (color >> 5 & 0x07e0) | (color >> 3 & 0x001f);
        break;
    default:
        break;
    }
    if (result == CANVAS_OK)
        result = place(draw, &message->src_area, SPICE_IMAGE_SCALE_MODE_NEAREST, false, &placement);
    if (result == CANVAS_OK && !canvas_same_depth(draw, &draw->source.pixels))
        result = CANVAS_BAD_MESSAGE;
    if (result != CANVAS_OK)
        return result;
    if (!placement.scaled)
        canvas_area_restrict(&draw->area, &placement.exists);
    if (canvas_area_is_empty(&draw->area))
        return CANVAS_OK;
    result = source_of(draw, &placement, &job.source);
    if (result != CANVAS_OK)
        return result;
    result = canvas_area_paint(&draw->area, canvas_target(draw), change_keyed, &job);
    canvas_source_clear(&job.source);
    return result;
}

/* ---- moves ---- */

/* Rows in an order in which none is read after it was written: by bands of the region (rectangles
 * of a band have the same rows), and within a row against the direction of the move. */
static void move_band(const CanvasPixels *target, const pixman_box32_t *rects, int n, int64_t dx,
                      int64_t dy)
{
    unsigned int size = canvas_unpacked_size(target->format);
    int32_t rows = rects[0].y2 - rects[0].y1;

    for (int32_t i = 0; i < rows; i++) {
        int32_t y = dy > 0 ? rects[0].y2 - 1 - i : rects[0].y1 + i;
        uint8_t *to = canvas_row(target, y), *from = canvas_row(target, y - dy);

        for (int j = 0; j < n; j++) {
            const pixman_box32_t *rect = &rects[dx > 0 ? n - 1 - j : j];

            memmove(to + (size_t)rect->x1 * size, from + (rect->x1 - dx) * size,
                    (size_t)(rect->x2 - rect->x1) * size);
        }
    }
}

static void move_region(CanvasDraw *draw, int64_t dx, int64_t dy)
{
    int n;
    pixman_box32_t *rects = pixman_region32_rectangles(&draw->area.region, &n);

    if (dy > 0) {
        for (int end = n; end > 0;) {
            int start = end - 1;

            while (start > 0 && rects[start - 1].y1 == rects[start].y1)
                start--;
            move_band(canvas_target(draw), rects + start, end - start, dx, dy);
            end = start;
        }
    } else {
        for (int start = 0; start < n;) {
            int end = start + 1;

            while (end < n && rects[end].y1 == rects[start].y1)
                end++;
            move_band(canvas_target(draw), rects + start, end - start, dx, dy);
            start = end;
        }
    }
}

CanvasResult canvas_draw_copy_bits(CanvasDraw *draw, const WirePoint *src_pos)
{
    const CanvasPixels *target = canvas_target(draw);
    CanvasBox box = canvas_draw_box(draw), exists;
    int64_t dx = box.x1 - src_pos->x, dy = box.y1 - src_pos->y;
    RopJob job = {.rop = CANVAS_ROP_COPY};
    CanvasPixels *pixels = &draw->source.pixels;
    CanvasResult result;

    exists = (CanvasBox){dx, dy, target->width + dx, target->height + dy};
    canvas_area_restrict(&draw->area, &exists);
    if ((dx == 0 && dy == 0) || canvas_area_is_empty(&draw->area))
        return CANVAS_OK;
    if (!draw->area.bits && target->format != PIXMAN_a1) {
        move_region(draw, dx, dy);
        return CANVAS_OK;
    }
    /* Bits, in the pixels or in the clip: read from a copy. */
    draw->source.surface = draw->target;
    result = canvas_operand_resolve(draw, &draw->source);
    if (result == CANVAS_OK)
        result = canvas_source_image(&job.source, pixels, -dx, -dy, &draw->area.extents);
    if (result != CANVAS_OK)
        return result;
    result = canvas_area_paint(&draw->area, target, change_rop, &job);
    canvas_source_clear(&job.source);
    return result;
}
