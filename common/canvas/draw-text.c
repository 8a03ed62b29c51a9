/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The text command: the area behind, then glyphs as an alpha mask (section 14 of
 * docs/spec/canvas.md). */
#include <stdlib.h>
#include <string.h>

#include "canvas/blend.h"
#include "canvas/draw.h"
#include "canvas/kernel.h"

typedef enum GlyphDepth { GLYPH_A1 = 1, GLYPH_A4 = 4, GLYPH_A8 = 8 } GlyphDepth;

/* The alpha of the string for the columns and rows of an area. */
typedef struct GlyphMask {
    pixman_box32_t extents;
    uint8_t *alpha;
    size_t stride;
} GlyphMask;

static bool glyph_depth(uint8_t flags, GlyphDepth *depth)
{
    if (flags & SPICE_STRING_FLAGS_RASTER_A1)
        *depth = GLYPH_A1;
    else if (flags & SPICE_STRING_FLAGS_RASTER_A4)
        *depth = GLYPH_A4;
    else if (flags & SPICE_STRING_FLAGS_RASTER_A8)
        *depth = GLYPH_A8;
    else
        return false;
    return true;
}

static CanvasBox glyph_box(const WireGlyph *glyph)
{
    int64_t left = (int64_t)glyph->render_pos.x + glyph->glyph_origin.x;
    int64_t top = (int64_t)glyph->render_pos.y + glyph->glyph_origin.y;

    return (CanvasBox){left, top, left + glyph->width, top + glyph->height};
}

static CanvasBox string_bounds(const WireString *string)
{
    CanvasBox bounds = glyph_box(&string->glyphs[0]);

    for (uint32_t i = 1; i < string->n_glyphs; i++) {
        CanvasBox box = glyph_box(&string->glyphs[i]);

        bounds.x1 = box.x1 < bounds.x1 ? box.x1 : bounds.x1;
        bounds.y1 = box.y1 < bounds.y1 ? box.y1 : bounds.y1;
        bounds.x2 = box.x2 > bounds.x2 ? box.x2 : bounds.x2;
        bounds.y2 = box.y2 > bounds.y2 ? box.y2 : bounds.y2;
    }
    return bounds;
}

/* Pixels from .. to - 1 of a glyph row. */
static void add_row(GlyphDepth depth, const uint8_t *row, uint8_t *alpha, int64_t from, int64_t to)
{
    switch (depth) {
    case GLYPH_A1:
        for (int64_t x = from; x < to;) {
            if ((x & 7) == 0 && to - x >= 8) {
                /* Byte j of the word gets bit 7 - j of the row, and becomes 255 if it is set. */
                uint64_t spread = row[x >> 3] * UINT64_C(0x0101010101010101) &
                                  UINT64_C(0x0102040810204080),
                         old;

                spread =
                    ((spread + UINT64_C(0x7f7f7f7f7f7f7f7f)) >> 7 & UINT64_C(0x0101010101010101)) *
                    255;
                memcpy(&old, alpha, 8);
                old |= spread;
                memcpy(alpha, &old, 8);
                alpha += 8;
                x += 8;
            } else {
                *alpha++ |= -(row[x >> 3] >> (7 - (x & 7)) & 1);
                x++;
            }
        }
        break;
    case GLYPH_A4:
        for (int64_t x = from; x < to; x++, alpha++) {
            unsigned int value = x & 1 ? row[x >> 1] << 4 & 0xf0 : row[x >> 1] & 0xf0;

            /* The quirk of 14.3: behind a left neighbour with ink, the right one overwrites. */
            if (x & 1 && row[x >> 1] & 0xf0)
                *alpha = value;
            else
                *alpha = value > *alpha ? value : *alpha;
        }
        break;
    case GLYPH_A8:
        for (int64_t x = from; x < to; x++, alpha++)
            *alpha = row[x] > *alpha ? row[x] : *alpha;
        break;
    }
}

static void add_glyph(GlyphMask *mask, GlyphDepth depth, const WireGlyph *glyph)
{
    CanvasBox box = glyph_box(glyph);
    size_t pitch = ((size_t)glyph->width * depth + 7) / 8;
    int64_t left = box.x1 > mask->extents.x1 ? box.x1 : mask->extents.x1;
    int64_t right = box.x2 < mask->extents.x2 ? box.x2 : mask->extents.x2;
    int64_t top = box.y1 > mask->extents.y1 ? box.y1 : mask->extents.y1;
    int64_t bottom = box.y2 < mask->extents.y2 ? box.y2 : mask->extents.y2;

    if (left >= right || glyph->data.size < pitch * glyph->height)
        return;
    for (int64_t y = top; y < bottom; y++)
        add_row(depth, glyph->data.data + (size_t)(box.y2 - 1 - y) * pitch,
                mask->alpha + (size_t)(y - mask->extents.y1) * mask->stride +
                    (left - mask->extents.x1),
                left - box.x1, right - box.x1);
}

typedef struct GlyphJob {
    GlyphDepth depth;
    GlyphMask mask;
    pixman_format_code_t format;
    uint32_t color; /* with a colour: opaque, as a8r8g8b8 */
    bool pattern;
    CanvasSource tile;
    uint32_t *argb; /* a row of the pattern */
} GlyphJob;

/* The usual case: one colour on a 32-bit surface. */
CANVAS_KERNEL static void blend_color_wide(uint32_t color, uint32_t kept,
                                           const uint8_t *restrict alpha, size_t n,
                                           uint32_t *restrict row)
{
    for (size_t i = 0; i < n; i += 8) {
        uint64_t eight;

        if (n - i < 8) {
            for (; i < n; i++)
                if (alpha[i])
                    row[i] = canvas_over_pixel(canvas_mul_pixel(color, alpha[i]), row[i]) & kept;
            break;
        }
        memcpy(&eight, alpha + i, 8);
        /* Mostly there is nothing. */
        if (eight == 0)
            continue;
        for (int j = 0; j < 8; j++) {
            uint32_t blended =
                canvas_over_pixel(canvas_mul_pixel(color, alpha[i + j]), row[i + j]) & kept;

            row[i + j] = alpha[i + j] ? blended : row[i + j];
        }
    }
}

/* The same when every alpha is 0 or 255. */
CANVAS_KERNEL static void paint_color_wide(uint32_t color, const uint8_t *restrict alpha, size_t n,
                                           uint32_t *restrict row)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t ink = (uint32_t)(int32_t)(int8_t)alpha[i];

        row[i] = (color & ink) | (row[i] & ~ink);
    }
}

/* Blend where alpha isn't 0; the other pixels keep all their bits. */
static void change_glyphs(void *ctx, int32_t x, int32_t y, size_t n, uint8_t *row)
{
    GlyphJob *job = ctx;
    const uint8_t *alpha = job->mask.alpha + (size_t)(y - job->mask.extents.y1) * job->mask.stride +
                           (x - job->mask.extents.x1);
    unsigned int size = canvas_unpacked_size(job->format);
    const uint32_t *pattern = NULL;
    uint32_t color = job->color, last_alpha = 0, ink = 0;

    if (!job->pattern && size == 4 && job->depth == GLYPH_A1) {
        paint_color_wide(job->format == PIXMAN_a8r8g8b8 ? color : color & 0x00ffffff, alpha, n,
                         (uint32_t *)row);
        return;
    }
    if (!job->pattern && size == 4) {
        blend_color_wide(color, job->format == PIXMAN_a8r8g8b8 ? UINT32_MAX : 0x00ffffff, alpha, n,
                         (uint32_t *)row);
        return;
    }
    if (job->pattern) {
        canvas_fetch_row(job->tile.pixels.format, canvas_source_row(&job->tile, x, y, n), n,
                         job->argb);
        pattern = job->argb;
    }
    for (size_t i = 0; i < n; i++) {
        uint32_t pixel;

        if (alpha[i] == 0)
            continue;
        if (pattern)
            ink = alpha[i] == 255 ? pattern[i] : canvas_mul_pixel(pattern[i], alpha[i]);
        else if (alpha[i] != last_alpha)
            ink = alpha[i] == 255 ? color : canvas_mul_pixel(color, alpha[i]);
        last_alpha = alpha[i];
        if (ink >> 24 == 255)
            pixel = ink;
        else
            pixel = canvas_over_pixel(ink, canvas_fetch_one(job->format, row, i));
        canvas_store_row(job->format, row + i * size, &pixel, 1);
    }
}

/* Section 14.5: colours of 16-bit surfaces are 555, also on 565, and expand by another formula than
 * elsewhere. */
static uint32_t text_color(const CanvasDraw *draw, uint32_t color)
{
    uint32_t channels[3];

    if (PIXMAN_FORMAT_BPP(canvas_target(draw)->format) != 16)
        return color | 0xff000000u;
    for (int i = 0; i < 3; i++)
        channels[i] = (color >> (10 - 5 * i) & 31) * 65535 / 31 / 256;
    return 0xff000000u | channels[0] << 16 | channels[1] << 8 | channels[2];
}

static CanvasResult paint_glyphs(CanvasDraw *draw, const CanvasArea *area,
                                 const WireMsgDisplayDrawText *message, GlyphDepth depth,
                                 const CanvasBox *bounds)
{
    const WireBrush *brush = &message->fore_brush;
    GlyphJob job = {.depth = depth,
                    .format = canvas_target(draw)->format,
                    .pattern = brush->type == SPICE_BRUSH_TYPE_PATTERN};
    CanvasResult result = CANVAS_OK;
    size_t width = area->extents.x2 - area->extents.x1,
           height = area->extents.y2 - area->extents.y1;

    if (job.pattern) {
        result =
            canvas_source_tile(&job.tile, &draw->brush.pixels, bounds->x1 + brush->u.pattern.pos.x,
                               bounds->y1 + brush->u.pattern.pos.y, &area->extents);
        if (result != CANVAS_OK)
            return result;
        job.argb = malloc(width * sizeof *job.argb);
    } else {
        job.color = text_color(draw, brush->u.color);
    }
    job.mask = (GlyphMask){area->extents, calloc(height, width), width};
    if (!job.mask.alpha || (job.pattern && !job.argb))
        result = CANVAS_NO_MEMORY;
    if (result == CANVAS_OK) {
        for (uint32_t i = 0; i < message->string->n_glyphs; i++)
            add_glyph(&job.mask, depth, &message->string->glyphs[i]);
        result = canvas_area_paint(area, canvas_target(draw), change_glyphs, &job);
    }
    canvas_source_clear(&job.tile);
    free(job.argb);
    free(job.mask.alpha);
    return result;
}

/* D without the pixels outside a box. */
static CanvasResult part_of(CanvasDraw *draw, const CanvasBox *box, CanvasArea *part)
{
    *part = draw->area;
    pixman_region32_init(&part->region);
    if (!pixman_region32_copy(&part->region, &draw->area.region))
        return CANVAS_NO_MEMORY;
    canvas_area_restrict(part, box);
    return CANVAS_OK;
}

CanvasResult canvas_draw_text(CanvasDraw *draw, const WireMsgDisplayDrawText *message)
{
    const WireRect *back = &message->back_area;
    CanvasBox behind = {back->left, back->top, back->right, back->bottom};
    CanvasBox bounds, all = {INT64_MAX, INT64_MAX, INT64_MIN, INT64_MIN};
    bool has_back = behind.x2 > behind.x1 && behind.y2 > behind.y1, has_glyphs;
    GlyphDepth depth = GLYPH_A1;
    CanvasArea part;
    CanvasResult result = CANVAS_OK;

    if (!message->string)
        return CANVAS_BAD_MESSAGE;
    has_glyphs = glyph_depth(message->string->flags, &depth) && message->string->n_glyphs > 0 &&
                 message->fore_brush.type != SPICE_BRUSH_TYPE_NONE &&
                 (message->fore_brush.type == SPICE_BRUSH_TYPE_SOLID ||
                  message->fore_brush.type == SPICE_BRUSH_TYPE_PATTERN);
    /* Everything is looked at before anything is drawn. */
    if (has_glyphs && message->fore_brush.type == SPICE_BRUSH_TYPE_PATTERN)
        result = canvas_operand_resolve(draw, &draw->brush);
    if (result == CANVAS_OK && has_back && message->back_brush.type == SPICE_BRUSH_TYPE_PATTERN) {
        result = canvas_operand_resolve(draw, &draw->extra);
        if (result == CANVAS_OK && !canvas_same_depth(draw, &draw->extra.pixels))
            result = CANVAS_BAD_MESSAGE;
    }
    if (result != CANVAS_OK)
        return result;

    if (has_back) {
        all = behind;
        result = part_of(draw, &behind, &part);
        if (result == CANVAS_OK && !canvas_area_is_empty(&part))
            result = canvas_paint_brush(draw, &part, &message->back_brush, &draw->extra,
                                        CANVAS_ROP_COPY);
        pixman_region32_fini(&part.region);
    }
    if (result == CANVAS_OK && has_glyphs) {
        bounds = string_bounds(message->string);
        result = part_of(draw, &bounds, &part);
        if (result == CANVAS_OK && !canvas_area_is_empty(&part))
            result = paint_glyphs(draw, &part, message, depth, &bounds);
        pixman_region32_fini(&part.region);
        all.x1 = bounds.x1 < all.x1 ? bounds.x1 : all.x1;
        all.y1 = bounds.y1 < all.y1 ? bounds.y1 : all.y1;
        all.x2 = bounds.x2 > all.x2 ? bounds.x2 : all.x2;
        all.y2 = bounds.y2 > all.y2 ? bounds.y2 : all.y2;
    }
    canvas_area_restrict(&draw->area, &all);
    return result;
}
