/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Alpha blend, composite and video frames: sections 10.2, 11.2 and 15 of docs/spec/canvas.md. */
#include <stdlib.h>
#include <string.h>

#include "canvas/blend.h"
#include "canvas/draw.h"

/* ---- alpha blend ---- */

typedef struct BlendJob {
    CanvasPixels source;
    pixman_format_code_t format; /* that the target is read and written as */
    int64_t dx, dy;              /* unscaled: surface (x, y) is source (x + dx, y + dy) */
    bool scaled;
    CanvasSampler sampler;
    unsigned int alpha;
    uint32_t *over, *under; /* rows as wide as D */
} BlendJob;

static void change_blend(void *ctx, int32_t x, int32_t y, size_t n, uint8_t *row)
{
    BlendJob *job = ctx;
    const uint32_t *over = job->over;

    if (job->scaled)
        canvas_sample(&job->sampler, x, y, n, job->over);
    else if (job->source.format == PIXMAN_a8r8g8b8)
        over = (const uint32_t *)canvas_row(&job->source, y + job->dy) + (x + job->dx);
    else
        canvas_fetch(&job->source, x + job->dx, y + job->dy, n, job->over);
    if (PIXMAN_FORMAT_BPP(job->format) == 32) {
        canvas_over_row((uint32_t *)row, over, job->alpha,
                        job->format == PIXMAN_x8r8g8b8 ? 0x00ffffff : UINT32_MAX, n);
        return;
    }
    canvas_fetch_row(job->format, row, n, job->under);
    canvas_over_row(job->under, over, job->alpha, UINT32_MAX, n);
    canvas_store_row(job->format, row, job->under, n);
}

CanvasResult canvas_draw_alpha_blend(CanvasDraw *draw, const WireMsgDisplayDrawAlphaBlend *message)
{
    const WireRect *area = &message->src_area;
    CanvasBox box = canvas_draw_box(draw), exists;
    int64_t width = (int64_t)area->right - area->left, height = (int64_t)area->bottom - area->top;
    BlendJob job = {.format = canvas_target(draw)->format, .alpha = message->alpha};
    CanvasAxis across, down;
    CanvasResult result;
    size_t columns;

    if (message->alpha == 0) {
        pixman_region32_clear(&draw->area.region);
        draw->area.extents = (pixman_box32_t){0, 0, 0, 0};
        return CANVAS_OK;
    }
    result = canvas_operand_resolve(draw, &draw->source);
    if (result != CANVAS_OK)
        return result;
    job.source = draw->source.pixels;
    if (draw->source.surface && message->alpha_flags & SPICE_ALPHA_FLAGS_SRC_SURFACE_HAS_ALPHA &&
        job.source.format == PIXMAN_x8r8g8b8)
        job.source.format = PIXMAN_a8r8g8b8;
    if (message->alpha_flags & SPICE_ALPHA_FLAGS_DEST_HAS_ALPHA && job.format == PIXMAN_x8r8g8b8)
        job.format = PIXMAN_a8r8g8b8;
    job.scaled = width != box.x2 - box.x1 || height != box.y2 - box.y1;
    job.dx = area->left - box.x1;
    job.dy = area->top - box.y1;
    if (job.scaled) {
        if (!canvas_axis_scale(&across, area->left, area->right, box.x2 - box.x1) ||
            !canvas_axis_scale(&down, area->top, area->bottom, box.y2 - box.y1))
            return CANVAS_BAD_MESSAGE;
        result = canvas_sampler_init(&job.sampler, &job.source, across, down, false, box.x1, box.y1,
                                     &draw->area.extents);
        if (result != CANVAS_OK)
            return result;
    } else {
        exists =
            (CanvasBox){-job.dx, -job.dy, job.source.width - job.dx, job.source.height - job.dy};
        canvas_area_restrict(&draw->area, &exists);
        if (canvas_area_is_empty(&draw->area))
            return CANVAS_OK;
    }
    columns = draw->area.extents.x2 - draw->area.extents.x1;
    job.over = malloc(2 * columns * sizeof *job.over);
    job.under = job.over ? job.over + columns : NULL;
    result = job.over ? canvas_area_paint(&draw->area, canvas_target(draw), change_blend, &job)
                      : CANVAS_NO_MEMORY;
    free(job.over);
    canvas_sampler_clear(&job.sampler);
    return result;
}

/* ---- composite ---- */

static bool is_operator(unsigned int op)
{
    return op <= PIXMAN_OP_SATURATE ||
           (op >= PIXMAN_OP_DISJOINT_CLEAR && op <= PIXMAN_OP_DISJOINT_XOR) ||
           (op >= PIXMAN_OP_CONJOINT_CLEAR && op <= PIXMAN_OP_CONJOINT_XOR) ||
           (op >= PIXMAN_OP_MULTIPLY && op <= PIXMAN_OP_HSL_LUMINOSITY);
}

/* A pixman image of an operand with what the command asks for; every command starts from a fresh
 * one. */
static CanvasResult view_of(const CanvasPixels *pixels, bool opaque, unsigned int filter,
                            unsigned int repeat, const WireTransform *transform,
                            pixman_image_t **view)
{
    pixman_format_code_t format =
        opaque && pixels->format == PIXMAN_a8r8g8b8 ? PIXMAN_x8r8g8b8 : pixels->format;

    *view = canvas_view(pixels, format);
    if (!*view)
        return CANVAS_NO_MEMORY;
    pixman_image_set_repeat(*view, repeat);
    if (!pixman_image_set_filter(*view, filter, NULL, 0))
        return CANVAS_NO_MEMORY;
    if (transform) {
        const pixman_transform_t matrix = {{
            {(int32_t)transform->t00, (int32_t)transform->t01, (int32_t)transform->t02},
            {(int32_t)transform->t10, (int32_t)transform->t11, (int32_t)transform->t12},
            {0, 0, pixman_fixed_1},
        }};

        if (!pixman_image_set_transform(*view, &matrix))
            return CANVAS_NO_MEMORY;
    }
    return CANVAS_OK;
}

/* Pixels of D come from a finished copy of its extents. */
typedef struct PatchJob {
    CanvasPixels patch;
    int32_t left, top;
    uint8_t *scratch;
} PatchJob;

static void change_patch(void *ctx, int32_t x, int32_t y, size_t n, uint8_t *row)
{
    const PatchJob *job = ctx;

    memcpy(row, canvas_raw_row(&job->patch, x - job->left, y - job->top, n, job->scratch),
           n * canvas_unpacked_size(job->patch.format));
}

static CanvasResult patch_init(PatchJob *job, const CanvasPixels *target,
                               const pixman_box32_t *extents)
{
    size_t width = extents->x2 - extents->x1, height = extents->y2 - extents->y1;
    size_t stride = (width * PIXMAN_FORMAT_BPP(target->format) + 31) / 32 * 4;
    unsigned int size = canvas_unpacked_size(target->format);

    job->left = extents->x1;
    job->top = extents->y1;
    job->patch = (CanvasPixels){calloc(height, stride), stride, width, height, target->format};
    job->scratch = malloc(width);
    if (!job->patch.data || !job->scratch)
        return CANVAS_NO_MEMORY;
    for (size_t y = 0; y < height; y++) {
        uint8_t *row = canvas_row(&job->patch, y);

        if (target->format == PIXMAN_a1)
            canvas_shift_bits(canvas_row(target, extents->y1 + y), ((size_t)target->width + 7) / 8,
                              extents->x1, width, row);
        else
            memcpy(row, canvas_row(target, extents->y1 + y) + (size_t)extents->x1 * size,
                   width * size);
    }
    return CANVAS_OK;
}

CanvasResult canvas_draw_composite(CanvasDraw *draw, const WireMsgDisplayDrawComposite *message)
{
    uint32_t flags = message->flags;
    unsigned int op = flags & 0xff, src_filter = flags >> 8 & 7, mask_filter = flags >> 11 & 7;
    unsigned int src_repeat = flags >> 14 & 3, mask_repeat = flags >> 16 & 3;
    bool has_mask = flags & SPICE_COMPOSITE_HAS_MASK;
    const pixman_box32_t *extents = &draw->area.extents;
    CanvasBox box = canvas_draw_box(draw);
    int64_t x = extents->x1 - box.x1, y = extents->y1 - box.y1;
    bool direct = !draw->area.bits; /* D is a region, which pixman can clip to */
    pixman_image_t *source = NULL, *mask = NULL, *target = NULL;
    PatchJob job = {0};
    CanvasResult result;

    if (!is_operator(op) || src_filter > PIXMAN_FILTER_BILINEAR ||
        (has_mask && mask_filter > PIXMAN_FILTER_BILINEAR))
        return CANVAS_BAD_MESSAGE;
    /* pixman's coordinates are 32 bits, and it refuses what leaves 16 behind the transform. */
    if (x > INT32_MAX / 2 || y > INT32_MAX / 2)
        return CANVAS_BAD_MESSAGE;
    result = canvas_operand_resolve(draw, &draw->source);
    if (result == CANVAS_OK && has_mask)
        result = canvas_operand_resolve(draw, &draw->extra);
    if (result == CANVAS_OK)
        result = view_of(
            &draw->source.pixels, draw->source.surface && flags & SPICE_COMPOSITE_SOURCE_OPAQUE,
            src_filter, src_repeat,
            flags & SPICE_COMPOSITE_HAS_SRC_TRANSFORM ? &message->src_transform : NULL, &source);
    if (result == CANVAS_OK && has_mask) {
        result = view_of(
            &draw->extra.pixels, false, mask_filter, mask_repeat,
            flags & SPICE_COMPOSITE_HAS_MASK_TRANSFORM ? &message->mask_transform : NULL, &mask);
        if (result == CANVAS_OK)
            pixman_image_set_component_alpha(mask, (flags & SPICE_COMPOSITE_COMPONENT_ALPHA) != 0);
    }
    if (result == CANVAS_OK && !direct)
        result = patch_init(&job, canvas_target(draw), extents);
    if (result == CANVAS_OK) {
        const CanvasPixels *pixels = direct ? canvas_target(draw) : &job.patch;

        target = canvas_view(pixels, pixels->format);
        result = target && (!direct || pixman_image_set_clip_region32(target, &draw->area.region))
                     ? CANVAS_OK
                     : CANVAS_NO_MEMORY;
    }
    if (result == CANVAS_OK) {
        pixman_image_composite32(
            op, source, mask, target, message->src_origin.x + x, message->src_origin.y + y,
            message->mask_origin.x + x, message->mask_origin.y + y, direct ? extents->x1 : 0,
            direct ? extents->y1 : 0, extents->x2 - extents->x1, extents->y2 - extents->y1);
        if (!direct)
            result = canvas_area_paint(&draw->area, canvas_target(draw), change_patch, &job);
    }
    if (source)
        pixman_image_unref(source);
    if (mask)
        pixman_image_unref(mask);
    if (target)
        pixman_image_unref(target);
    free(job.patch.data);
    free(job.scratch);
    return result;
}

/* ---- video frames ---- */

typedef struct FrameJob {
    CanvasPixels frame;
    bool same_size;
    int64_t dx, dy;
    CanvasSampler sampler;
    uint32_t *argb;
    pixman_format_code_t format;
} FrameJob;

static void change_frame(void *ctx, int32_t x, int32_t y, size_t n, uint8_t *row)
{
    FrameJob *job = ctx;
    const uint32_t *pixels = job->argb;

    if (!job->same_size) {
        canvas_sample(&job->sampler, x, y, n, job->argb);
    } else if (PIXMAN_FORMAT_BPP(job->format) == 32 && job->format == PIXMAN_x8r8g8b8) {
        pixels = (const uint32_t *)canvas_row(&job->frame, y + job->dy) + (x + job->dx);
    } else {
        canvas_fetch(&job->frame, x + job->dx, y + job->dy, n, job->argb);
    }
    canvas_store_row(job->format, row, pixels, n);
}

CanvasResult canvas_draw_frame(CanvasSurface *surface, const CanvasFrame *frame,
                               const WireRect *dest, const pixman_region32_t *clip,
                               pixman_region32_t *damage)
{
    CanvasBox box = {dest->left, dest->top, dest->right, dest->bottom};
    int64_t width = box.x2 - box.x1, height = box.y2 - box.y1;
    FrameJob job = {.format = surface->pixels.format};
    CanvasArea area;
    CanvasAxis across = {0, 0}, down = {0, 0};
    CanvasResult result;

    if (frame->width == 0 || frame->height == 0 || frame->width > INT32_MAX ||
        frame->height > INT32_MAX || !frame->pixels)
        return CANVAS_BAD_MESSAGE;
    job.frame = (CanvasPixels){(uint8_t *)frame->pixels, frame->stride, frame->width, frame->height,
                               PIXMAN_x8r8g8b8};
    if (!frame->top_down) {
        job.frame.data = canvas_row(&job.frame, frame->height - 1);
        job.frame.stride = -frame->stride;
    }
    result = canvas_area_init_region(&area, &surface->pixels, &box, clip);
    if (result == CANVAS_OK && !canvas_area_is_empty(&area)) {
        job.same_size = width == frame->width && height == frame->height;
        job.dx = -box.x1;
        job.dy = -box.y1;
        job.argb = malloc((area.extents.x2 - area.extents.x1) * sizeof *job.argb);
        result = job.argb ? CANVAS_OK : CANVAS_NO_MEMORY;
        if (result == CANVAS_OK && !job.same_size) {
            /* The steps of section 15, by division in doubles. */
            across.step = (int64_t)((double)frame->width / width * 65536);
            down.step = (int64_t)((double)frame->height / height * 65536);
            result = canvas_sampler_init(&job.sampler, &job.frame, across, down, false, box.x1,
                                         box.y1, &area.extents);
        }
        if (result == CANVAS_OK)
            result = canvas_area_paint(&area, &surface->pixels, change_frame, &job);
        if (result == CANVAS_OK)
            canvas_area_add_to(&area, damage);
        canvas_sampler_clear(&job.sampler);
        free(job.argb);
    }
    canvas_area_clear(&area);
    return result;
}
