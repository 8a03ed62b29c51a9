/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the commands of canvas_draw() share: one draw in progress, with its operands loaded and D
 * computed. */
#ifndef CANVAS_DRAW_H
#define CANVAS_DRAW_H

#include <spice/enums.h>

#include "canvas/area.h"
#include "canvas/canvas.h"
#include "canvas/rop.h"
#include "canvas/source.h"
#include "wire/wire-messages.h"

/* One image that a command refers to. */
typedef struct CanvasOperand {
    const WireImage *wire; /* NULL: the command has none here */
    CanvasUse use;
    CanvasSurface *surface; /* of the caller; for images of type SURFACE */
    CanvasImage *image;     /* a reference */
    CanvasPixels pixels;    /* set by canvas_operand_resolve() */
    uint8_t
        *snapshot; /* a copy of the target surface's pixels, when the target is its own source */
} CanvasOperand;

typedef struct CanvasDraw {
    const CanvasEnv *env;
    CanvasSurface *target;
    const WireDisplayBase *base;
    CanvasArea area;
    /* Composite's mask and text's back brush stand in `extra`, the 1-bit mask in `mask`. */
    CanvasOperand source, brush, extra, mask;
} CanvasDraw;

static inline const CanvasPixels *canvas_target(const CanvasDraw *draw)
{
    return &draw->target->pixels;
}

/* The box in 64 bits. */
CanvasBox canvas_draw_box(const CanvasDraw *draw);

/* Set operand->pixels: of the surface, or of the image in the format that its use asks for. */
CanvasResult canvas_operand_resolve(CanvasDraw *draw, CanvasOperand *operand);

/* True when pixels can take part in a raw operation on the target: the same number of bits per
 * pixel. */
bool canvas_same_depth(const CanvasDraw *draw, const CanvasPixels *pixels);

/* Paint D with an operation between a brush and the target. */
CanvasResult canvas_paint_brush(CanvasDraw *draw, const CanvasArea *area, const WireBrush *brush,
                                CanvasOperand *operand, CanvasRop rop);

/* The commands. D isn't empty; masks are already part of it; images are loaded, not yet resolved.
 */
CanvasResult canvas_draw_fill(CanvasDraw *draw, const WireMsgDisplayDrawFill *message);
CanvasResult canvas_draw_opaque(CanvasDraw *draw, const WireMsgDisplayDrawOpaque *message);
CanvasResult canvas_draw_copy(CanvasDraw *draw, const WireRect *src_area, uint16_t descriptor,
                              uint8_t scale_mode);
CanvasResult canvas_draw_constant(CanvasDraw *draw, CanvasRop rop);
CanvasResult canvas_draw_rop3(CanvasDraw *draw, const WireMsgDisplayDrawRop3 *message);
CanvasResult canvas_draw_transparent(CanvasDraw *draw,
                                     const WireMsgDisplayDrawTransparent *message);
CanvasResult canvas_draw_alpha_blend(CanvasDraw *draw, const WireMsgDisplayDrawAlphaBlend *message);
CanvasResult canvas_draw_composite(CanvasDraw *draw, const WireMsgDisplayDrawComposite *message);
CanvasResult canvas_draw_copy_bits(CanvasDraw *draw, const WirePoint *src_pos);
CanvasResult canvas_draw_stroke(CanvasDraw *draw, const WireMsgDisplayDrawStroke *message);
CanvasResult canvas_draw_text(CanvasDraw *draw, const WireMsgDisplayDrawText *message);

#endif
