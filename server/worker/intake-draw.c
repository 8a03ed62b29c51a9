/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Drawing commands: the fixed part, and the part of each type.
 * docs/spec/server-display.md 4.6, 4.7, 4.10 */
#include <string.h>

#include <spice/enums.h>

#include "log.h"
#include "worker/intake-private.h"

/* What one command may take in small parts: lists of chunks, glyphs, points. */
#define MAX_ARENA ((size_t)96 << 20)

static WireRect wire_rect(const pixman_box32_t *box)
{
    return (WireRect){.left = box->x1, .top = box->y1, .right = box->x2, .bottom = box->y2};
}

static WireRect copy_rect(const QXLRect *rect)
{
    return (WireRect){
        .left = rect->left, .top = rect->top, .right = rect->right, .bottom = rect->bottom};
}

bool intake_reads(IntakeDraw *draw, Surface *surface, const pixman_box32_t *area)
{
    Drawable *drawable = draw->drawable;
    pixman_box32_t all = intake_surface_box(surface), box = intake_intersect(area, &all);

    if (intake_box_is_empty(&box))
        return true;
    for (unsigned int i = 0; i < drawable->n_reads; i++) {
        pixman_box32_t *known = &drawable->reads[i].area;

        if (drawable->reads[i].surface != surface)
            continue;
        *known = (pixman_box32_t){MIN(known->x1, box.x1), MIN(known->y1, box.y1),
                                  MAX(known->x2, box.x2), MAX(known->y2, box.y2)};
        return true;
    }
    if (drawable->n_reads == DRAWABLE_MAX_READS)
        return guest_problem(&draw->reader, "a drawing that reads too many surfaces");
    drawable->reads[drawable->n_reads].surface = surface_ref(surface);
    drawable->reads[drawable->n_reads++].area = box;
    return true;
}

/* A raster operation whose result has nothing to do with what was there. */
static bool rop_overwrites(uint16_t rop)
{
    uint16_t op = rop & ~(SPICE_ROPD_INVERS_SRC | SPICE_ROPD_INVERS_BRUSH | SPICE_ROPD_INVERS_RES);

    return op == SPICE_ROPD_OP_PUT || op == SPICE_ROPD_OP_BLACKNESS ||
           op == SPICE_ROPD_OP_WHITENESS;
}

/* The source of a drawing: an image, or the picture of the target itself. width and height: what a
 * source area may name. */
static bool read_source(IntakeDraw *draw, uint64_t address, IntakeRole role, bool borrow,
                        const WireImage **image, uint32_t *width, uint32_t *height)
{
    if (address == 0 && draw->has_self_bitmap) {
        if (intake_box_is_empty(&draw->self_area))
            return guest_problem(&draw->reader, "a self bitmap outside its surface");
        draw->self_image = image;
        *width = draw->self_area.x2 - draw->self_area.x1;
        *height = draw->self_area.y2 - draw->self_area.y1;
        return true;
    }
    if (address == 0)
        return guest_problem(&draw->reader, "a drawing without its image");
    *image = intake_image(draw, address, role, borrow);
    if (!*image)
        return false;
    intake_image_size(*image, width, height);
    return true;
}

static bool reads_image(IntakeDraw *draw, const WireImage *image, const pixman_box32_t *area)
{
    Surface *surface;
    pixman_box32_t all;

    if (!image || image->type != SPICE_IMAGE_TYPE_SURFACE)
        return true;
    surface = truth_surface(draw->truth, image->u.surface.surface_id);
    all = intake_surface_box(surface);
    return intake_reads(draw, surface, area ? area : &all);
}

static bool read_source_with_area(IntakeDraw *draw, uint64_t address, const QXLRect *guest_area,
                                  IntakeRole role, bool borrow, const WireImage **image,
                                  WireRect *area)
{
    pixman_box32_t box = intake_box(guest_area);
    uint32_t width, height;

    if (!read_source(draw, address, role, borrow, image, &width, &height))
        return false;
    if (intake_box_is_empty(&box) || box.x1 < 0 || box.y1 < 0 || (uint32_t)box.x2 > width ||
        (uint32_t)box.y2 > height)
        return guest_problem(&draw->reader, "a source area that isn't inside its image");
    *area = wire_rect(&box);
    /* From where it paints: how that comes out is different in each renderer. */
    if (*image && (*image)->type == SPICE_IMAGE_TYPE_SURFACE &&
        (*image)->u.surface.surface_id == draw->target->id) {
        pixman_box32_t both = intake_intersect(&box, &draw->box);

        draw->drawable->image_only |= !intake_box_is_empty(&both);
    }
    return reads_image(draw, *image, &box);
}

static bool check_scale(IntakeDraw *draw, uint8_t scale_mode)
{
    return scale_mode <= SPICE_IMAGE_SCALE_MODE_NEAREST ||
           guest_problem(&draw->reader, "an unknown scale mode");
}

/* ---- the types ---- */

static bool read_fill(IntakeDraw *draw, const QXLDrawable *guest)
{
    WireMsgDisplayDrawFill *fill = &draw->drawable->message.fill;

    if (!intake_brush(draw, &guest->u.fill.brush, &fill->brush) ||
        !intake_mask(draw, &guest->u.fill.mask, &fill->mask))
        return false;
    fill->rop_descriptor = guest->u.fill.rop_descriptor;
    draw->drawable->reads_target |= fill->mask.image || !rop_overwrites(fill->rop_descriptor) ||
                                    fill->brush.type == SPICE_BRUSH_TYPE_NONE;
    return true;
}

static bool read_opaque(IntakeDraw *draw, const QXLDrawable *guest)
{
    WireMsgDisplayDrawOpaque *opaque = &draw->drawable->message.opaque;
    const QXLOpaque *body = &guest->u.opaque;

    if (!check_scale(draw, body->scale_mode) ||
        !read_source_with_area(draw, body->src_bitmap, &body->src_area, INTAKE_SOURCE, false,
                               &opaque->src_image, &opaque->src_area) ||
        !intake_brush(draw, &body->brush, &opaque->brush) ||
        !intake_mask(draw, &body->mask, &opaque->mask))
        return false;
    opaque->rop_descriptor = body->rop_descriptor;
    opaque->scale_mode = body->scale_mode;
    draw->drawable->reads_target |=
        opaque->mask.image || opaque->brush.type == SPICE_BRUSH_TYPE_NONE;
    return true;
}

/* DRAW_COPY and DRAW_BLEND. */
static bool read_copy(IntakeDraw *draw, const QXLDrawable *guest)
{
    WireMsgDisplayDrawCopy *copy = &draw->drawable->message.copy;
    const QXLCopy *body = &guest->u.copy;
    bool overwrites = rop_overwrites(body->rop_descriptor), put;

    /* Some drivers say "self bitmap" here and don't mean it. */
    draw->has_self_bitmap = false;
    if (!check_scale(draw, body->scale_mode) || !intake_mask(draw, &body->mask, &copy->mask))
        return false;
    put = guest->type == QXL_DRAW_COPY && body->rop_descriptor == SPICE_ROPD_OP_PUT &&
          !copy->mask.image &&
          (int64_t)body->src_area.right - body->src_area.left == draw->box.x2 - draw->box.x1 &&
          (int64_t)body->src_area.bottom - body->src_area.top == draw->box.y2 - draw->box.y1;
    if (!read_source_with_area(draw, body->src_bitmap, &body->src_area, INTAKE_SOURCE, put,
                               &copy->src_image, &copy->src_area))
        return false;
    copy->rop_descriptor = body->rop_descriptor;
    copy->scale_mode = body->scale_mode;
    draw->drawable->reads_target |= copy->mask.image || !overwrites;
    draw->drawable->put =
        put && !draw->drawable->reads_target && intake_image_is_exact(draw, copy->src_image);
    return true;
}

static bool read_copy_bits(IntakeDraw *draw, const QXLDrawable *guest)
{
    WireMsgDisplayCopyBits *copy = &draw->drawable->message.copy_bits;

    copy->src_pos = (WirePoint){guest->u.copy_bits.src_pos.x, guest->u.copy_bits.src_pos.y};
    draw->drawable->reads_target = true;
    return true;
}

/* DRAW_BLACKNESS, WHITENESS and INVERS. */
static bool read_blackness(IntakeDraw *draw, const QXLDrawable *guest)
{
    WireMsgDisplayDrawBlackness *blackness = &draw->drawable->message.blackness;

    if (!intake_mask(draw, &guest->u.blackness.mask, &blackness->mask))
        return false;
    draw->drawable->reads_target |= blackness->mask.image || guest->type == QXL_DRAW_INVERS;
    return true;
}

/* Does the ternary operation depend on brush, source and target? Others aren't known to deployed
 * renderers. */
static bool depends_on_all(uint8_t rop3)
{
    return (rop3 >> 4) != (rop3 & 0x0f) && (rop3 >> 2 & 0x33) != (rop3 & 0x33) &&
           (rop3 >> 1 & 0x55) != (rop3 & 0x55);
}

/* Tiles of a ternary operation: deployed renderers read beside them where they begin right of the
 * box, or below. */
static int32_t begin_before(int32_t pos, int32_t edge, uint32_t size)
{
    int64_t beyond = (int64_t)pos - edge;

    return beyond <= 0 ? pos : pos - (beyond + size - 1) / size * size;
}

static bool read_rop3(IntakeDraw *draw, const QXLDrawable *guest)
{
    WireMsgDisplayDrawRop3 *rop3 = &draw->drawable->message.rop3;
    const QXLRop3 *body = &guest->u.rop3;

    if (!check_scale(draw, body->scale_mode) ||
        !read_source_with_area(draw, body->src_bitmap, &body->src_area, INTAKE_SOURCE, false,
                               &rop3->src_image, &rop3->src_area) ||
        !intake_brush(draw, &body->brush, &rop3->brush) ||
        !intake_mask(draw, &body->mask, &rop3->mask))
        return false;
    if (rop3->brush.type == SPICE_BRUSH_TYPE_PATTERN) {
        WireBrushPattern *pattern = &rop3->brush.u.pattern;

        pattern->pos.x = begin_before(pattern->pos.x, draw->box.x1, pattern->image->width);
        pattern->pos.y = begin_before(pattern->pos.y, draw->box.y1, pattern->image->height);
    }
    draw->drawable->image_only |= rop3->brush.type == SPICE_BRUSH_TYPE_NONE;
    rop3->rop3 = body->rop3;
    draw->drawable->image_only |=
        !depends_on_all(rop3->rop3) || draw->target->format == SPICE_SURFACE_FMT_8_A;
    rop3->scale_mode = body->scale_mode;
    draw->drawable->reads_target = true;
    return true;
}

static bool read_stroke(IntakeDraw *draw, const QXLDrawable *guest)
{
    WireMsgDisplayDrawStroke *stroke = &draw->drawable->message.stroke;
    const QXLStroke *body = &guest->u.stroke;

    stroke->path = intake_path(draw, body->path);
    if (!stroke->path || !intake_line(draw, &body->attr, &stroke->attr) ||
        !intake_brush(draw, &body->brush, &stroke->brush))
        return false;
    draw->drawable->image_only |= stroke->brush.type == SPICE_BRUSH_TYPE_PATTERN &&
                                  stroke->brush.u.pattern.image->type == SPICE_IMAGE_TYPE_SURFACE;
    stroke->fore_mode = body->fore_mode;
    stroke->back_mode = body->back_mode;
    draw->drawable->reads_target = true;
    return true;
}

static bool read_text(IntakeDraw *draw, const QXLDrawable *guest)
{
    WireMsgDisplayDrawText *text = &draw->drawable->message.text;
    const QXLText *body = &guest->u.text;

    text->string = intake_string(draw, body->str);
    if (!text->string || !intake_brush(draw, &body->fore_brush, &text->fore_brush) ||
        !intake_brush(draw, &body->back_brush, &text->back_brush))
        return false;
    text->back_area = copy_rect(&body->back_area);
    /* With an area behind it, every renderer that gets through draws as if it were PUT. */
    pixman_box32_t behind = intake_box(&body->back_area);
    draw->drawable->image_only |=
        !intake_is_near(behind.x1, behind.y1) || !intake_is_near(behind.x2, behind.y2);
    text->fore_mode = intake_box_is_empty(&behind) ? body->fore_mode : SPICE_ROPD_OP_PUT;
    text->back_mode = body->back_mode;
    draw->drawable->reads_target = true;
    return true;
}

static bool read_transparent(IntakeDraw *draw, const QXLDrawable *guest)
{
    WireMsgDisplayDrawTransparent *transparent = &draw->drawable->message.transparent;
    const QXLTransparent *body = &guest->u.transparent;

    if (!read_source_with_area(draw, body->src_bitmap, &body->src_area, INTAKE_SOURCE, false,
                               &transparent->src_image, &transparent->src_area))
        return false;
    transparent->src_color = body->src_color;
    transparent->true_color = body->true_color;
    draw->drawable->reads_target = true;
    return true;
}

static bool read_alpha_blend(IntakeDraw *draw, const QXLDrawable *guest)
{
    WireMsgDisplayDrawAlphaBlend *blend = &draw->drawable->message.alpha_blend;
    const QXLAlphaBlend *body = &guest->u.alpha_blend;

    if (!read_source_with_area(draw, body->src_bitmap, &body->src_area, INTAKE_BLENDED, false,
                               &blend->src_image, &blend->src_area))
        return false;
    blend->alpha_flags = body->alpha_flags;
    blend->alpha = body->alpha;
    draw->drawable->reads_target = true;
    return true;
}

/* Operators that deployed clients know. */
static bool is_operator(unsigned int op)
{
    return op <= PIXMAN_OP_SATURATE ||
           (op >= PIXMAN_OP_DISJOINT_CLEAR && op <= PIXMAN_OP_DISJOINT_XOR) ||
           (op >= PIXMAN_OP_CONJOINT_CLEAR && op <= PIXMAN_OP_CONJOINT_XOR) ||
           (op >= PIXMAN_OP_MULTIPLY && op <= PIXMAN_OP_HSL_LUMINOSITY);
}

/* An unreadable transform counts as none. */
static bool read_transform(IntakeDraw *draw, uint64_t address, WireTransform *transform)
{
    QXLTransform guest;

    if (address == 0 || !guest_try_read(&draw->reader, address, &guest, sizeof guest))
        return false;
    *transform = (WireTransform){guest.t00, guest.t01, guest.t02, guest.t10, guest.t11, guest.t12};
    return true;
}

static bool read_composite(IntakeDraw *draw, const QXLDrawable *guest)
{
    WireMsgDisplayDrawComposite *composite = &draw->drawable->message.composite;
    const QXLComposite *body = &guest->u.composite;
    /* Convolutions need parameters that no command has. */
    const unsigned int last_filter = PIXMAN_FILTER_BILINEAR;
    uint32_t flags = body->flags & ~(SPICE_COMPOSITE_HAS_MASK | SPICE_COMPOSITE_HAS_SRC_TRANSFORM |
                                     SPICE_COMPOSITE_HAS_MASK_TRANSFORM);
    uint32_t width, height;

    if (!is_operator(flags & 0xff))
        return guest_problem(&draw->reader, "an unknown composite operator");
    if ((flags >> 8 & 7) > last_filter || (flags >> 11 & 7) > last_filter)
        return guest_problem(&draw->reader, "an unknown composite filter");
    if (!read_source(draw, body->src, INTAKE_BLENDED, false, &composite->src_image, &width,
                     &height) ||
        !reads_image(draw, composite->src_image, NULL))
        return false;
    if (body->mask) {
        composite->mask_image = intake_image(draw, body->mask, INTAKE_BLENDED, false);
        if (!composite->mask_image || !reads_image(draw, composite->mask_image, NULL))
            return false;
        flags |= SPICE_COMPOSITE_HAS_MASK;
    }
    if (read_transform(draw, body->src_transform, &composite->src_transform))
        flags |= SPICE_COMPOSITE_HAS_SRC_TRANSFORM;
    if (read_transform(draw, body->mask_transform, &composite->mask_transform))
        flags |= SPICE_COMPOSITE_HAS_MASK_TRANSFORM;
    composite->flags = flags;
    composite->src_origin = (WirePoint16){body->src_origin.x, body->src_origin.y};
    composite->mask_origin = (WirePoint16){body->mask_origin.x, body->mask_origin.y};
    draw->drawable->reads_target = true;
    return true;
}

static const struct {
    uint16_t message_type;
    bool (*read)(IntakeDraw *draw, const QXLDrawable *guest);
} drawing_types[] = {
    [QXL_DRAW_FILL] = {SPICE_MSG_DISPLAY_DRAW_FILL, read_fill},
    [QXL_DRAW_OPAQUE] = {SPICE_MSG_DISPLAY_DRAW_OPAQUE, read_opaque},
    [QXL_DRAW_COPY] = {SPICE_MSG_DISPLAY_DRAW_COPY, read_copy},
    [QXL_COPY_BITS] = {SPICE_MSG_DISPLAY_COPY_BITS, read_copy_bits},
    [QXL_DRAW_BLEND] = {SPICE_MSG_DISPLAY_DRAW_BLEND, read_copy},
    [QXL_DRAW_BLACKNESS] = {SPICE_MSG_DISPLAY_DRAW_BLACKNESS, read_blackness},
    [QXL_DRAW_WHITENESS] = {SPICE_MSG_DISPLAY_DRAW_WHITENESS, read_blackness},
    [QXL_DRAW_INVERS] = {SPICE_MSG_DISPLAY_DRAW_INVERS, read_blackness},
    [QXL_DRAW_ROP3] = {SPICE_MSG_DISPLAY_DRAW_ROP3, read_rop3},
    [QXL_DRAW_STROKE] = {SPICE_MSG_DISPLAY_DRAW_STROKE, read_stroke},
    [QXL_DRAW_TEXT] = {SPICE_MSG_DISPLAY_DRAW_TEXT, read_text},
    [QXL_DRAW_TRANSPARENT] = {SPICE_MSG_DISPLAY_DRAW_TRANSPARENT, read_transparent},
    [QXL_DRAW_ALPHA_BLEND] = {SPICE_MSG_DISPLAY_DRAW_ALPHA_BLEND, read_alpha_blend},
    [QXL_DRAW_COMPOSITE] = {SPICE_MSG_DISPLAY_DRAW_COMPOSITE, read_composite},
};

/* ---- the fixed part ---- */

/* A command of the first generation as one of today. */
static bool read_compat(IntakeDraw *draw, uint64_t address, QXLDrawable *guest)
{
    QXLCompatDrawable old;

    if (!guest_read(&draw->reader, address, &old, sizeof old, "a drawing isn't in a memory slot"))
        return false;
    *guest = (QXLDrawable){.effect = old.effect,
                           .type = old.type,
                           .self_bitmap = old.bitmap_offset != 0,
                           .self_bitmap_area = old.bitmap_area,
                           .bbox = old.bbox,
                           .clip = old.clip,
                           .mm_time = old.mm_time,
                           .surfaces_dest = {-1, -1, -1}};
    if (old.type == QXL_DRAW_COMPOSITE)
        return guest_problem(&draw->reader, "a drawing of unknown type");
    if (old.type == QXL_DRAW_ALPHA_BLEND) {
        guest->u.alpha_blend.alpha = old.u.alpha_blend.alpha;
        guest->u.alpha_blend.src_bitmap = old.u.alpha_blend.src_bitmap;
        guest->u.alpha_blend.src_area = old.u.alpha_blend.src_area;
    } else {
        G_STATIC_ASSERT(sizeof guest->u >= sizeof old.u);
        memcpy(&guest->u, &old.u, sizeof old.u);
    }
    return true;
}

static bool find_surfaces(IntakeDraw *draw, const QXLDrawable *guest)
{
    draw->target = truth_surface(draw->truth, guest->surface_id);
    if (!draw->target)
        return guest_problem(&draw->reader, "a drawing on a surface that doesn't exist");
    draw->drawable->target = surface_ref(draw->target);
    for (int i = 0; i < 3; i++) {
        Surface *surface;

        if (guest->surfaces_dest[i] == -1)
            continue;
        surface = guest->surfaces_dest[i] >= 0 ? truth_surface(draw->truth, guest->surfaces_dest[i])
                                               : NULL;
        if (!surface)
            return guest_problem(&draw->reader,
                                 "a drawing that needs a surface that doesn't exist");
        draw->declared[draw->n_declared].surface = surface;
        draw->declared[draw->n_declared++].area = intake_box(&guest->surfaces_rects[i]);
    }
    return true;
}

static bool check_boxes(IntakeDraw *draw, const QXLDrawable *guest)
{
    pixman_box32_t all = intake_surface_box(draw->target);

    draw->box = intake_box(&guest->bbox);
    if (intake_box_is_empty(&draw->box) || draw->box.x1 < 0 || draw->box.y1 < 0 ||
        draw->box.x2 > all.x2 || draw->box.y2 > all.y2) {
        /* Kernels do that at each change of the resolution: not worth a warning. */
        log_debug("the guest draws outside surface %u; ignored", guest->surface_id);
        return intake_nothing(draw);
    }
    if (!guest->self_bitmap)
        return true;
    draw->has_self_bitmap = true;
    draw->self_area = intake_box(&guest->self_bitmap_area);
    draw->self_area = intake_intersect(&draw->self_area, &all);
    return true;
}

/* Copying inside a surface: source and destination are cut alike, so that every renderer does the
 * same. False without a note: nothing is left of it. */
static bool cut_copy_bits(IntakeDraw *draw, const QXLDrawable *guest, WirePoint *source)
{
    int64_t dx = (int64_t)guest->u.copy_bits.src_pos.x - draw->box.x1,
            dy = (int64_t)guest->u.copy_bits.src_pos.y - draw->box.y1;
    int64_t left = MAX(draw->box.x1, -dx), right = MIN(draw->box.x2, draw->target->width - dx);
    int64_t top = MAX(draw->box.y1, -dy), bottom = MIN(draw->box.y2, draw->target->height - dy);

    if ((dx == 0 && dy == 0) || left >= right || top >= bottom)
        return false;
    draw->box = (pixman_box32_t){left, top, right, bottom};
    *source = (WirePoint){left + dx, top + dy};
    return true;
}

/* What is read of other surfaces, and of the target itself. */
static bool add_declared(IntakeDraw *draw)
{
    for (unsigned int i = 0; i < draw->n_declared; i++) {
        if (draw->declared[i].surface != draw->target &&
            !intake_reads(draw, draw->declared[i].surface, &draw->declared[i].area))
            return false;
    }
    return true;
}

static bool read_drawing(IntakeDraw *draw, QXLDrawable *guest)
{
    Drawable *drawable = draw->drawable;
    WirePoint source;

    if (guest->type >= G_N_ELEMENTS(drawing_types) || !drawing_types[guest->type].read)
        return guest_problem(&draw->reader, "a drawing of unknown type");
    drawable->message_type = drawing_types[guest->type].message_type;
    drawable->effect = guest->effect;
    if (!find_surfaces(draw, guest) || !check_boxes(draw, guest))
        return false;
    if (guest->type == QXL_COPY_BITS) {
        if (!cut_copy_bits(draw, guest, &source))
            return false;
        guest->u.copy_bits.src_pos = (QXLPoint){source.x, source.y};
    }
    drawable->message.base.surface_id = guest->surface_id;
    drawable->message.base.box = wire_rect(&draw->box);
    if (!intake_clip(draw, &guest->clip, &drawable->message.base.clip))
        return false;
    if (!pixman_region32_not_empty(&drawable->region))
        return false;
    return drawing_types[guest->type].read(draw, guest) && add_declared(draw);
}

Drawable *intake_drawable(Intake *intake, const QXLCommandExt *command, GuestResource *resource,
                          const char **problem)
{
    IntakeDraw draw = {
        .reader = {.slots = intake->slots, .group = command->group_id},
        .truth = intake->truth,
        .widen = command->flags & QXL_COMMAND_FLAG_COMPAT_16BPP,
        .drawable = drawable_new(),
    };
    QXLDrawable guest;
    bool ok;

    wire_arena_init(&draw.drawable->arena, MAX_ARENA);
    draw.reader.arena = &draw.drawable->arena;
    ok = command->flags & QXL_COMMAND_FLAG_COMPAT
             ? read_compat(&draw, command->cmd.data, &guest)
             : guest_read(&draw.reader, command->cmd.data, &guest, sizeof guest,
                          "a drawing isn't in a memory slot");
    ok = ok && read_drawing(&draw, &guest);
    if (ok && draw.self_image) {
        /* The first thing that changes anything: what is on the surface at this moment. */
        *draw.self_image =
            truth_self_bitmap(intake->truth, draw.target, &draw.self_area, draw.drawable);
        ok = *draw.self_image || guest_problem(&draw.reader, "no memory for a self bitmap");
    }
    *problem = draw.nothing ? NULL : draw.reader.problem;
    if (!ok) {
        drawable_unref(draw.drawable);
        return NULL;
    }
    draw.drawable->serial = ++intake->serial;
    if (draw.drawable->n_borrowed)
        draw.drawable->resource = guest_resource_ref(resource);
    return draw.drawable;
}
