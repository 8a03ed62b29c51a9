/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* canvas_draw(): loads the operands of a command, computes D and hands over to the command. */
#include <stdlib.h>
#include <string.h>

#include "canvas/draw.h"

/* The operands by their roles, not yet loaded. False: not a draw message. */
static bool collect(uint16_t type, const void *message, CanvasDraw *draw)
{
    const WireBrush *brush = NULL, *back = NULL;
    const WireQMask *mask = NULL;
    const WireImage *source = NULL, *extra = NULL;

    switch (type) {
    case SPICE_MSG_DISPLAY_COPY_BITS:
    case SPICE_MSG_DISPLAY_DRAW_FILL:
    case SPICE_MSG_DISPLAY_DRAW_OPAQUE:
    case SPICE_MSG_DISPLAY_DRAW_COPY:
    case SPICE_MSG_DISPLAY_DRAW_BLEND:
    case SPICE_MSG_DISPLAY_DRAW_BLACKNESS:
    case SPICE_MSG_DISPLAY_DRAW_WHITENESS:
    case SPICE_MSG_DISPLAY_DRAW_INVERS:
    case SPICE_MSG_DISPLAY_DRAW_ROP3:
    case SPICE_MSG_DISPLAY_DRAW_STROKE:
    case SPICE_MSG_DISPLAY_DRAW_TEXT:
    case SPICE_MSG_DISPLAY_DRAW_TRANSPARENT:
    case SPICE_MSG_DISPLAY_DRAW_ALPHA_BLEND:
    case SPICE_MSG_DISPLAY_DRAW_COMPOSITE:
        break;
    default:
        return false;
    }
    /* Every draw message begins with its base. */
    draw->base = message;
    draw->source.use = draw->brush.use = draw->extra.use = CANVAS_USE_TARGET;
    draw->mask.use = CANVAS_USE_MASK;

    switch (type) {
    case SPICE_MSG_DISPLAY_DRAW_FILL: {
        const WireMsgDisplayDrawFill *fill = message;

        brush = &fill->brush;
        mask = &fill->mask;
        break;
    }
    case SPICE_MSG_DISPLAY_DRAW_OPAQUE: {
        const WireMsgDisplayDrawOpaque *opaque = message;

        source = opaque->src_image;
        brush = &opaque->brush;
        mask = &opaque->mask;
        break;
    }
    case SPICE_MSG_DISPLAY_DRAW_COPY: {
        const WireMsgDisplayDrawCopy *copy = message;

        source = copy->src_image;
        mask = &copy->mask;
        break;
    }
    case SPICE_MSG_DISPLAY_DRAW_BLEND: {
        const WireMsgDisplayDrawBlend *blend = message;

        source = blend->src_image;
        mask = &blend->mask;
        break;
    }
    case SPICE_MSG_DISPLAY_DRAW_BLACKNESS:
        mask = &((const WireMsgDisplayDrawBlackness *)message)->mask;
        break;
    case SPICE_MSG_DISPLAY_DRAW_WHITENESS:
        mask = &((const WireMsgDisplayDrawWhiteness *)message)->mask;
        break;
    case SPICE_MSG_DISPLAY_DRAW_INVERS:
        mask = &((const WireMsgDisplayDrawInvers *)message)->mask;
        break;
    case SPICE_MSG_DISPLAY_DRAW_ROP3: {
        const WireMsgDisplayDrawRop3 *rop3 = message;

        source = rop3->src_image;
        brush = &rop3->brush;
        mask = &rop3->mask;
        break;
    }
    case SPICE_MSG_DISPLAY_DRAW_STROKE:
        brush = &((const WireMsgDisplayDrawStroke *)message)->brush;
        break;
    case SPICE_MSG_DISPLAY_DRAW_TEXT: {
        const WireMsgDisplayDrawText *text = message;

        brush = &text->fore_brush;
        back = &text->back_brush;
        break;
    }
    case SPICE_MSG_DISPLAY_DRAW_TRANSPARENT:
        source = ((const WireMsgDisplayDrawTransparent *)message)->src_image;
        break;
    case SPICE_MSG_DISPLAY_DRAW_ALPHA_BLEND:
        source = ((const WireMsgDisplayDrawAlphaBlend *)message)->src_image;
        draw->source.use = CANVAS_USE_ORIGINAL;
        break;
    case SPICE_MSG_DISPLAY_DRAW_COMPOSITE: {
        const WireMsgDisplayDrawComposite *composite = message;

        source = composite->src_image;
        extra = composite->flags & SPICE_COMPOSITE_HAS_MASK ? composite->mask_image : NULL;
        break;
    }
    default:
        break;
    }
    draw->source.wire = source;
    draw->extra.wire = extra;
    if (brush && brush->type == SPICE_BRUSH_TYPE_PATTERN)
        draw->brush.wire = brush->u.pattern.image;
    if (back && back->type == SPICE_BRUSH_TYPE_PATTERN)
        draw->extra.wire = back->u.pattern.image;
    if (mask)
        draw->mask.wire = mask->image;
    return true;
}

bool canvas_is_draw(uint16_t type)
{
    return type == SPICE_MSG_DISPLAY_COPY_BITS ||
           (type >= SPICE_MSG_DISPLAY_DRAW_FILL && type <= SPICE_MSG_DISPLAY_DRAW_ALPHA_BLEND) ||
           type == SPICE_MSG_DISPLAY_DRAW_COMPOSITE;
}

bool canvas_list_images(uint16_t type, const void *message, CanvasOperands *operands)
{
    CanvasDraw draw = {0};
    const CanvasOperand *all[] = {&draw.source, &draw.brush, &draw.extra, &draw.mask};

    memset(operands, 0, sizeof *operands);
    if (!collect(type, message, &draw))
        return false;
    operands->surface_id = draw.base->surface_id;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (!all[i]->wire)
            continue;
        operands->images[operands->n_images].image = all[i]->wire;
        operands->images[operands->n_images++].use = all[i]->use;
    }
    return true;
}

static CanvasResult load(CanvasDraw *draw, CanvasOperand *operand, uint32_t surface_format)
{
    if (!operand->wire)
        return CANVAS_OK;
    if (operand->wire->type == SPICE_IMAGE_TYPE_SURFACE) {
        operand->surface = draw->env->surface(draw->env->ctx, operand->wire->u.surface.surface_id);
        return operand->surface ? CANVAS_OK : CANVAS_NO_SURFACE;
    }
    operand->image = draw->env->image(draw->env->ctx, operand->wire, operand->use, surface_format);
    return operand->image ? CANVAS_OK : CANVAS_BAD_IMAGE;
}

/* All of them, also after a failure: each has its effect on caches. The first failure counts. */
static CanvasResult load_all(CanvasDraw *draw, uint32_t surface_format)
{
    CanvasOperand *all[] = {&draw->source, &draw->brush, &draw->extra, &draw->mask};
    CanvasResult result = CANVAS_OK;

    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        CanvasResult loaded = load(draw, all[i], surface_format);

        result = result == CANVAS_OK ? loaded : result;
    }
    return result;
}

static void drop(CanvasOperand *operand)
{
    canvas_image_unref(operand->image);
    free(operand->snapshot);
}

CanvasBox canvas_draw_box(const CanvasDraw *draw)
{
    const WireRect *box = &draw->base->box;

    return (CanvasBox){box->left, box->top, box->right, box->bottom};
}

static CanvasResult take_snapshot(CanvasOperand *operand)
{
    CanvasPixels *pixels = &operand->pixels, copy = *pixels;
    size_t row_bytes = ((size_t)pixels->width * PIXMAN_FORMAT_BPP(pixels->format) + 7) / 8;

    copy.stride = (row_bytes + 3) / 4 * 4;
    operand->snapshot = malloc(copy.stride * copy.height);
    if (!operand->snapshot)
        return CANVAS_NO_MEMORY;
    copy.data = operand->snapshot;
    for (int32_t y = 0; y < copy.height; y++)
        memcpy(canvas_row(&copy, y), canvas_row(pixels, y), row_bytes);
    *pixels = copy;
    return CANVAS_OK;
}

CanvasResult canvas_operand_resolve(CanvasDraw *draw, CanvasOperand *operand)
{
    const CanvasPixels *pixels;

    if (operand->pixels.data)
        return CANVAS_OK;
    if (operand->surface) {
        operand->pixels = operand->surface->pixels;
        return operand->surface == draw->target ? take_snapshot(operand) : CANVAS_OK;
    }
    if (!operand->image)
        return CANVAS_BAD_MESSAGE;
    pixels = operand->use == CANVAS_USE_TARGET
                 ? canvas_image_for_surface(operand->image, draw->target->format)
                 : canvas_image_pixels(operand->image);
    if (!pixels)
        return CANVAS_NO_MEMORY;
    operand->pixels = *pixels;
    return CANVAS_OK;
}

bool canvas_same_depth(const CanvasDraw *draw, const CanvasPixels *pixels)
{
    return PIXMAN_FORMAT_BPP(pixels->format) == PIXMAN_FORMAT_BPP(canvas_target(draw)->format);
}

/* Section 7. */
static CanvasResult apply_mask(CanvasDraw *draw, const WireQMask *mask)
{
    CanvasBox box = canvas_draw_box(draw);
    CanvasResult result;

    if (!draw->mask.wire)
        return CANVAS_OK;
    result = canvas_operand_resolve(draw, &draw->mask);
    if (result != CANVAS_OK)
        return result;
    if (draw->mask.pixels.format != PIXMAN_a1)
        return CANVAS_BAD_IMAGE;
    return canvas_area_mask(&draw->area, &draw->mask.pixels, box.x1 - mask->pos.x,
                            box.y1 - mask->pos.y, mask->flags & SPICE_MASK_FLAGS_INVERS);
}

static const WireQMask *mask_of(uint16_t type, const void *message)
{
    switch (type) {
    case SPICE_MSG_DISPLAY_DRAW_FILL:
        return &((const WireMsgDisplayDrawFill *)message)->mask;
    case SPICE_MSG_DISPLAY_DRAW_OPAQUE:
        return &((const WireMsgDisplayDrawOpaque *)message)->mask;
    case SPICE_MSG_DISPLAY_DRAW_COPY:
        return &((const WireMsgDisplayDrawCopy *)message)->mask;
    case SPICE_MSG_DISPLAY_DRAW_BLEND:
        return &((const WireMsgDisplayDrawBlend *)message)->mask;
    case SPICE_MSG_DISPLAY_DRAW_BLACKNESS:
        return &((const WireMsgDisplayDrawBlackness *)message)->mask;
    case SPICE_MSG_DISPLAY_DRAW_WHITENESS:
        return &((const WireMsgDisplayDrawWhiteness *)message)->mask;
    case SPICE_MSG_DISPLAY_DRAW_INVERS:
        return &((const WireMsgDisplayDrawInvers *)message)->mask;
    case SPICE_MSG_DISPLAY_DRAW_ROP3:
        return &((const WireMsgDisplayDrawRop3 *)message)->mask;
    default:
        return NULL;
    }
}

static CanvasResult dispatch(CanvasDraw *draw, uint16_t type, const void *message)
{
    switch (type) {
    case SPICE_MSG_DISPLAY_COPY_BITS:
        return canvas_draw_copy_bits(draw, &((const WireMsgDisplayCopyBits *)message)->src_pos);
    case SPICE_MSG_DISPLAY_DRAW_FILL:
        return canvas_draw_fill(draw, message);
    case SPICE_MSG_DISPLAY_DRAW_OPAQUE:
        return canvas_draw_opaque(draw, message);
    case SPICE_MSG_DISPLAY_DRAW_COPY: {
        const WireMsgDisplayDrawCopy *copy = message;

        return canvas_draw_copy(draw, &copy->src_area, copy->rop_descriptor, copy->scale_mode);
    }
    case SPICE_MSG_DISPLAY_DRAW_BLEND: {
        const WireMsgDisplayDrawBlend *blend = message;

        return canvas_draw_copy(draw, &blend->src_area, blend->rop_descriptor, blend->scale_mode);
    }
    case SPICE_MSG_DISPLAY_DRAW_BLACKNESS:
        return canvas_draw_constant(draw, CANVAS_ROP_CLEAR);
    case SPICE_MSG_DISPLAY_DRAW_WHITENESS:
        return canvas_draw_constant(draw, CANVAS_ROP_SET);
    case SPICE_MSG_DISPLAY_DRAW_INVERS:
        return canvas_draw_constant(draw, CANVAS_ROP_INVERT);
    case SPICE_MSG_DISPLAY_DRAW_ROP3:
        return canvas_draw_rop3(draw, message);
    case SPICE_MSG_DISPLAY_DRAW_STROKE:
        return canvas_draw_stroke(draw, message);
    case SPICE_MSG_DISPLAY_DRAW_TEXT:
        return canvas_draw_text(draw, message);
    case SPICE_MSG_DISPLAY_DRAW_TRANSPARENT:
        return canvas_draw_transparent(draw, message);
    case SPICE_MSG_DISPLAY_DRAW_ALPHA_BLEND:
        return canvas_draw_alpha_blend(draw, message);
    default:
        return canvas_draw_composite(draw, message);
    }
}

CanvasResult canvas_draw(const CanvasEnv *env, uint16_t type, const void *message,
                         pixman_region32_t *damage)
{
    CanvasDraw draw = {.env = env};
    const WireClip *clip;
    const WireQMask *mask;
    CanvasResult result;

    if (!message || !collect(type, message, &draw))
        return CANVAS_BAD_MESSAGE;
    draw.target = env->surface(env->ctx, draw.base->surface_id);
    result = load_all(&draw, draw.target ? draw.target->format : SPICE_SURFACE_FMT_32_xRGB);
    if (!draw.target)
        result = CANVAS_NO_SURFACE;
    if (result == CANVAS_OK) {
        clip = &draw.base->clip;
        result = canvas_area_init(&draw.area, canvas_target(&draw), &draw.base->box,
                                  clip->type == SPICE_CLIP_TYPE_RECTS, clip->rects, clip->n_rects);
        mask = mask_of(type, message);
        if (result == CANVAS_OK && mask && !canvas_area_is_empty(&draw.area))
            result = apply_mask(&draw, mask);
        if (result == CANVAS_OK && !canvas_area_is_empty(&draw.area)) {
            result = dispatch(&draw, type, message);
            /* Commands narrow D while they work, so that this is what they may have touched. */
            if (result == CANVAS_OK || result == CANVAS_NO_MEMORY)
                canvas_area_add_to(&draw.area, damage);
        }
        canvas_area_clear(&draw.area);
    }
    drop(&draw.source);
    drop(&draw.brush);
    drop(&draw.extra);
    drop(&draw.mask);
    return result;
}
