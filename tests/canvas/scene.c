/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Random surfaces and draw messages for the tests of the canvas room. */
#include <stdlib.h>
#include <string.h>

#include <spice/enums.h>

#include "canvas/scene.h"

const uint32_t scene_formats[SCENE_TARGETS] = {SPICE_SURFACE_FMT_32_xRGB, SPICE_SURFACE_FMT_32_ARGB,
                                               SPICE_SURFACE_FMT_16_555,  SPICE_SURFACE_FMT_16_565,
                                               SPICE_SURFACE_FMT_8_A,     SPICE_SURFACE_FMT_1_A};

const uint16_t scene_types[SCENE_TYPES] = {
    SPICE_MSG_DISPLAY_COPY_BITS,        SPICE_MSG_DISPLAY_DRAW_FILL,
    SPICE_MSG_DISPLAY_DRAW_OPAQUE,      SPICE_MSG_DISPLAY_DRAW_COPY,
    SPICE_MSG_DISPLAY_DRAW_BLEND,       SPICE_MSG_DISPLAY_DRAW_BLACKNESS,
    SPICE_MSG_DISPLAY_DRAW_WHITENESS,   SPICE_MSG_DISPLAY_DRAW_INVERS,
    SPICE_MSG_DISPLAY_DRAW_ROP3,        SPICE_MSG_DISPLAY_DRAW_STROKE,
    SPICE_MSG_DISPLAY_DRAW_TEXT,        SPICE_MSG_DISPLAY_DRAW_TRANSPARENT,
    SPICE_MSG_DISPLAY_DRAW_ALPHA_BLEND, SPICE_MSG_DISPLAY_DRAW_COMPOSITE,
};

static uint32_t next(Scene *scene)
{
    scene->seed ^= scene->seed << 13;
    scene->seed ^= scene->seed >> 7;
    scene->seed ^= scene->seed << 17;
    return scene->seed >> 16;
}

uint32_t scene_random(Scene *scene, uint32_t n)
{
    return next(scene) % n;
}

static void fill_random(Scene *scene, uint8_t *data, size_t n)
{
    for (size_t i = 0; i < n; i++)
        data[i] = next(scene) >> 3;
}

uint8_t *scene_row(const CanvasSurface *surface, int32_t y)
{
    return surface->pixels.data + (ptrdiff_t)y * surface->pixels.stride;
}

uint32_t scene_pixel(const CanvasSurface *surface, int32_t x, int32_t y)
{
    const uint8_t *row = scene_row(surface, y);

    switch (surface->format & 0x3f) {
    case 32:
        return ((const uint32_t *)row)[x];
    case 16:
        return ((const uint16_t *)row)[x];
    case 8:
        return row[x];
    default:
        return row[x >> 3] >> (x & 7) & 1;
    }
}

bool scene_same_pixel(const CanvasSurface *a, int32_t x, int32_t y, const CanvasSurface *b,
                      int32_t x2, int32_t y2)
{
    return scene_pixel(a, x, y) == scene_pixel(b, x2, y2);
}

void scene_copy_pixels(const CanvasSurface *from, CanvasSurface *to)
{
    memcpy(to->pixels.data, from->pixels.data, (size_t)from->pixels.stride * from->pixels.height);
}

void scene_init(Scene *scene, uint64_t seed, uint32_t width, uint32_t height)
{
    memset(scene, 0, sizeof *scene);
    scene->seed = seed * 0x9e3779b97f4a7c15u + 1;
    for (int i = 0; i < 8; i++)
        next(scene);
    session_init(&scene->session);
    wire_arena_init(&scene->arena, 64 << 20);
    for (uint32_t i = 0; i < 2 * SCENE_TARGETS; i++) {
        CanvasSurface *surface;

        session_create(&scene->session, i, scene_formats[i % SCENE_TARGETS], width, height);
        surface = session_surface(&scene->session, i);
        fill_random(scene, surface->pixels.data,
                    (size_t)surface->pixels.stride * surface->pixels.height);
    }
}

void scene_clear(Scene *scene)
{
    session_clear(&scene->session);
    wire_arena_clear(&scene->arena);
}

void scene_forget(Scene *scene)
{
    wire_arena_reset(&scene->arena);
}

static void *allocate(Scene *scene, size_t size)
{
    void *memory = wire_arena_alloc(&scene->arena, size);

    memset(memory, 0, size);
    return memory;
}

/* A coordinate: usually within and around a surface. */
static int32_t coordinate(Scene *scene)
{
    static const int32_t extremes[] = {INT32_MIN, INT32_MIN + 1, -65536,        -1,       0, 1,
                                       65535,     1 << 20,       INT32_MAX - 1, INT32_MAX};

    if (scene->hostile && scene_random(scene, 3) == 0)
        return extremes[scene_random(scene, sizeof extremes / sizeof *extremes)];
    return (int32_t)scene_random(scene, 64) - 10;
}

static WireRect rectangle(Scene *scene)
{
    WireRect rect = {.top = coordinate(scene), .left = coordinate(scene)};

    rect.bottom = scene->hostile && scene_random(scene, 3) == 0
                      ? coordinate(scene)
                      : (int32_t)((uint32_t)rect.top + 1 + scene_random(scene, 30));
    rect.right = scene->hostile && scene_random(scene, 3) == 0
                     ? coordinate(scene)
                     : (int32_t)((uint32_t)rect.left + 1 + scene_random(scene, 40));
    return rect;
}

static WirePoint point(Scene *scene)
{
    WirePoint result = {.x = coordinate(scene), .y = coordinate(scene)};

    return result;
}

WireImage *scene_bitmap(Scene *scene, uint8_t format, uint32_t width, uint32_t height)
{
    static const uint8_t bits[] = {0, 1, 1, 4, 4, 8, 16, 24, 32, 32, 8};
    WireImage *image = allocate(scene, sizeof *image);
    WireBitmap *bitmap = &image->u.bitmap;
    uint8_t *data;

    image->type = SPICE_IMAGE_TYPE_BITMAP;
    image->id = scene_random(scene, 4);
    image->width = width;
    image->height = height;
    bitmap->format = format;
    bitmap->flags = scene_random(scene, 2) ? SPICE_BITMAP_FLAGS_TOP_DOWN : 0;
    bitmap->x = width;
    bitmap->y = height;
    bitmap->stride = (width * bits[format] + 7) / 8 + scene_random(scene, 5);
    bitmap->data.size = (size_t)bitmap->stride * height;
    data = allocate(scene, bitmap->data.size);
    fill_random(scene, data, bitmap->data.size);
    bitmap->data.data = data;
    if (bits[format] <= 8 && format != SPICE_BITMAP_FMT_8BIT_A) {
        WirePalette *palette = allocate(scene, sizeof *palette);
        uint32_t *entries = allocate(scene, 256 * sizeof *entries);

        palette->unique = scene_random(scene, 100);
        palette->n_entries =
            scene_random(scene, 8) == 0 ? scene_random(scene, 256) : 1u << bits[format];
        fill_random(scene, (uint8_t *)entries, 256 * sizeof *entries);
        palette->entries = entries;
        bitmap->palette = palette;
    }
    return image;
}

static uint32_t depth(uint32_t target)
{
    return scene_formats[target % SCENE_TARGETS] & 0x3f;
}

static const WireImage *image(Scene *scene, uint32_t target)
{
    static const uint8_t colours[] = {SPICE_BITMAP_FMT_1BIT_BE, SPICE_BITMAP_FMT_4BIT_BE,
                                      SPICE_BITMAP_FMT_8BIT,    SPICE_BITMAP_FMT_16BIT,
                                      SPICE_BITMAP_FMT_24BIT,   SPICE_BITMAP_FMT_32BIT,
                                      SPICE_BITMAP_FMT_RGBA,    SPICE_BITMAP_FMT_8BIT_A};
    /* Palettes only where they are usable. */
    uint32_t skip = target % SCENE_TARGETS <= 2 ? 0 : 3;
    WireImage *made;

    if (scene_random(scene, 4) == 0) {
        uint32_t id;

        do
            id = scene_random(scene, 2 * SCENE_TARGETS);
        while ((scene->no_self && id < SCENE_TARGETS) ||
               (!scene->hostile && depth(id) != depth(target)));
        made = allocate(scene, sizeof *made);
        made->type = SPICE_IMAGE_TYPE_SURFACE;
        made->u.surface.surface_id = scene->hostile && scene_random(scene, 20) == 0 ? 77 : id;
        return made;
    }
    made = scene_bitmap(scene, colours[skip + scene_random(scene, 8 - skip)],
                        1 + scene_random(scene, 50), 1 + scene_random(scene, 40));
    if (scene->hostile && scene_random(scene, 10) == 0) {
        WireBitmap *bitmap = &made->u.bitmap;

        switch (scene_random(scene, 6)) {
        case 0:
            bitmap->stride = scene_random(scene, 2) ? 0 : UINT32_MAX;
            break;
        case 1:
            bitmap->x = scene_random(scene, 2) ? 0 : UINT32_MAX;
            break;
        case 2:
            bitmap->y = scene_random(scene, 2) ? 0 : UINT32_MAX;
            break;
        case 3:
            bitmap->palette = NULL;
            break;
        case 4:
            bitmap->format = scene_random(scene, 256);
            break;
        default:
            memset(&made->u, 0, sizeof made->u);
            made->type = scene_random(scene, 256);
            break;
        }
    }
    made->flags = scene_random(scene, 8) == 0 ? scene_random(scene, 8) : 0;
    return made;
}

static WireBrush brush(Scene *scene, uint32_t target)
{
    WireBrush result = {.type = scene_random(scene, 8) == 0 ? SPICE_BRUSH_TYPE_NONE
                                : scene_random(scene, 2)    ? SPICE_BRUSH_TYPE_SOLID
                                                            : SPICE_BRUSH_TYPE_PATTERN};

    if (result.type == SPICE_BRUSH_TYPE_SOLID)
        result.u.color = next(scene);
    if (result.type == SPICE_BRUSH_TYPE_PATTERN) {
        result.u.pattern.image = image(scene, target);
        result.u.pattern.pos = point(scene);
    }
    return result;
}

static WireQMask qmask(Scene *scene)
{
    WireQMask mask = {.flags = scene_random(scene, 2), .pos = point(scene)};

    if (scene_random(scene, 2) == 0)
        return mask;
    mask.image = scene_bitmap(scene, 1 + scene_random(scene, 2), 20 + scene_random(scene, 60),
                              20 + scene_random(scene, 60));
    if (!scene->hostile) {
        mask.pos.x = scene_random(scene, 20);
        mask.pos.y = scene_random(scene, 20);
    }
    return mask;
}

/* The source area: often the size of the box, so that nothing is scaled. */
static WireRect source_area(Scene *scene, const WireRect *box)
{
    WireRect area = rectangle(scene);

    if (!scene->hostile) {
        area.left = scene_random(scene, 12);
        area.top = scene_random(scene, 12);
        area.right = area.left + 1 + scene_random(scene, 40);
        area.bottom = area.top + 1 + scene_random(scene, 40);
    }
    if (scene_random(scene, 2)) {
        area.right = (uint32_t)area.left + (uint32_t)box->right - (uint32_t)box->left;
        area.bottom = (uint32_t)area.top + (uint32_t)box->bottom - (uint32_t)box->top;
    }
    return area;
}

static uint16_t descriptor(Scene *scene)
{
    return 1u << (3 + scene_random(scene, 8)) | (next(scene) & 0x407);
}

static WirePoint path_point(Scene *scene)
{
    WirePoint result = point(scene);

    if (scene->hostile && scene_random(scene, 2))
        return result;
    result.x = result.x * 16u + scene_random(scene, 16);
    result.y = result.y * 16u + scene_random(scene, 16);
    return result;
}

static const WirePath *path(Scene *scene)
{
    WirePath *made = allocate(scene, sizeof *made);
    uint32_t n = 1 + scene_random(scene, 4);
    WirePathSegment *segments = allocate(scene, n * sizeof *segments);

    made->n_segments = n;
    made->segments = segments;
    for (uint32_t i = 0; i < n; i++) {
        bool bezier = scene_random(scene, 3) == 0, begin = i == 0 || scene_random(scene, 2);
        uint32_t count =
            bezier ? begin + 3 * (1 + scene_random(scene, 2)) : 1 + scene_random(scene, 5);
        WirePoint *points;

        if (scene->hostile && scene_random(scene, 6) == 0)
            count = scene_random(scene, 4);
        points = allocate(scene, (count ? count : 1) * sizeof *points);
        segments[i].flags = (begin ? SPICE_PATH_BEGIN : 0) | (bezier ? SPICE_PATH_BEZIER : 0) |
                            (scene_random(scene, 2) ? SPICE_PATH_END : 0) |
                            (scene_random(scene, 2) ? SPICE_PATH_CLOSE : 0);
        segments[i].n_points = count;
        for (uint32_t j = 0; j < count; j++)
            points[j] = j > 0 && scene_random(scene, 8) == 0 ? points[j - 1] : path_point(scene);
        segments[i].points = points;
    }
    return made;
}

static WireLineAttr line_attr(Scene *scene)
{
    WireLineAttr attr = {0};
    int32_t *style;

    if (scene_random(scene, 2))
        return attr;
    attr.flags =
        SPICE_LINE_FLAGS_STYLED | (scene_random(scene, 2) ? SPICE_LINE_FLAGS_START_WITH_GAP : 0);
    attr.n_style = 1 + scene_random(scene, 4);
    style = allocate(scene, attr.n_style * sizeof *style);
    for (uint32_t i = 0; i < attr.n_style; i++)
        style[i] = scene->hostile && scene_random(scene, 4) == 0
                       ? coordinate(scene)
                       : (int32_t)scene_random(scene, 9) * 16;
    attr.style = style;
    return attr;
}

static const WireString *string(Scene *scene)
{
    static const uint8_t bits[] = {1, 4, 8};
    WireString *made = allocate(scene, sizeof *made);
    uint32_t kind = scene_random(scene, 3);
    WireGlyph *glyphs;

    made->flags = 1u << kind;
    made->n_glyphs = scene_random(scene, 5) + (scene->hostile ? 0 : 1);
    glyphs = allocate(scene, (made->n_glyphs + 1) * sizeof *glyphs);
    for (uint32_t i = 0; i < made->n_glyphs; i++) {
        uint8_t *data;

        glyphs[i].render_pos = point(scene);
        glyphs[i].glyph_origin =
            (WirePoint){scene_random(scene, 4), -(int32_t)scene_random(scene, 9)};
        if (scene->hostile && scene_random(scene, 4) == 0)
            glyphs[i].glyph_origin = point(scene);
        glyphs[i].width = scene_random(scene, 20);
        glyphs[i].height = scene_random(scene, 20);
        glyphs[i].data.size = (size_t)((glyphs[i].width * bits[kind] + 7) / 8) * glyphs[i].height;
        data = allocate(scene, glyphs[i].data.size + 1);
        fill_random(scene, data, glyphs[i].data.size);
        glyphs[i].data.data = data;
    }
    made->glyphs = glyphs;
    return made;
}

static void make_composite(Scene *scene, uint32_t target, WireMsgDisplayDrawComposite *composite)
{
    composite->flags = scene_random(scene, 14) | scene_random(scene, 5) << 8 |
                       scene_random(scene, 5) << 11 | scene_random(scene, 16) << 14 |
                       (next(scene) & 7u << 18) | (next(scene) & 3u << 20);
    if (scene->hostile)
        composite->flags = next(scene) & 0x1ffffff;
    composite->src_image = image(scene, target);
    composite->mask_image = image(scene, target);
    composite->src_origin = (WirePoint16){scene_random(scene, 20), scene_random(scene, 20)};
    composite->mask_origin = (WirePoint16){scene_random(scene, 20), scene_random(scene, 20)};
    composite->src_transform =
        (WireTransform){32768 + scene_random(scene, 98304), scene_random(scene, 9000),
                        scene_random(scene, 1 << 20),       scene_random(scene, 9000),
                        32768 + scene_random(scene, 98304), scene_random(scene, 1 << 20)};
    composite->mask_transform = composite->src_transform;
    if (scene->hostile)
        composite->src_transform =
            (WireTransform){coordinate(scene), coordinate(scene), coordinate(scene),
                            coordinate(scene), coordinate(scene), coordinate(scene)};
}

void scene_make(Scene *scene, uint16_t type, uint32_t target, SceneMessage *message)
{
    WireRect *box = &message->base.box;
    WireClip *clip = &message->base.clip;

    memset(message, 0, sizeof *message);
    message->base.surface_id = target;
    *box = rectangle(scene);
    if (scene_random(scene, 2)) {
        uint32_t n = scene_random(scene, 5);
        WireRect *rects = allocate(scene, (n + 1) * sizeof *rects);

        for (uint32_t i = 0; i < n; i++)
            rects[i] = rectangle(scene);
        *clip = (WireClip){SPICE_CLIP_TYPE_RECTS, n, rects};
    }
    switch (type) {
    case SPICE_MSG_DISPLAY_COPY_BITS:
        message->copy_bits.src_pos = point(scene);
        break;
    case SPICE_MSG_DISPLAY_DRAW_FILL:
        message->fill.brush = brush(scene, target);
        message->fill.rop_descriptor = descriptor(scene);
        message->fill.mask = qmask(scene);
        break;
    case SPICE_MSG_DISPLAY_DRAW_OPAQUE:
        message->opaque.src_image = image(scene, target);
        message->opaque.src_area = source_area(scene, box);
        message->opaque.brush = brush(scene, target);
        message->opaque.rop_descriptor = descriptor(scene);
        message->opaque.scale_mode = scene_random(scene, 2);
        message->opaque.mask = qmask(scene);
        break;
    case SPICE_MSG_DISPLAY_DRAW_COPY:
    case SPICE_MSG_DISPLAY_DRAW_BLEND:
        message->copy.src_image = image(scene, target);
        message->copy.src_area = source_area(scene, box);
        message->copy.rop_descriptor =
            scene_random(scene, 2) ? SPICE_ROPD_OP_PUT : descriptor(scene);
        message->copy.scale_mode = scene_random(scene, scene->hostile ? 256 : 2);
        message->copy.mask = qmask(scene);
        break;
    case SPICE_MSG_DISPLAY_DRAW_BLACKNESS:
    case SPICE_MSG_DISPLAY_DRAW_WHITENESS:
    case SPICE_MSG_DISPLAY_DRAW_INVERS:
        message->blackness.mask = qmask(scene);
        break;
    case SPICE_MSG_DISPLAY_DRAW_ROP3:
        message->rop3.src_image = image(scene, target);
        message->rop3.src_area = source_area(scene, box);
        message->rop3.brush = brush(scene, target);
        message->rop3.rop3 = next(scene);
        message->rop3.scale_mode = scene_random(scene, 2);
        message->rop3.mask = qmask(scene);
        break;
    case SPICE_MSG_DISPLAY_DRAW_STROKE:
        message->stroke.path = path(scene);
        message->stroke.attr = line_attr(scene);
        message->stroke.brush = brush(scene, target);
        message->stroke.fore_mode = descriptor(scene);
        break;
    case SPICE_MSG_DISPLAY_DRAW_TEXT:
        message->text.string = string(scene);
        message->text.fore_brush = brush(scene, target);
        message->text.back_brush = brush(scene, target);
        message->text.fore_mode = SPICE_ROPD_OP_PUT;
        if (scene_random(scene, 2))
            message->text.back_area = rectangle(scene);
        break;
    case SPICE_MSG_DISPLAY_DRAW_TRANSPARENT:
        message->transparent.src_image = image(scene, target);
        message->transparent.src_area = source_area(scene, box);
        message->transparent.true_color = scene_random(scene, 2) ? 0 : next(scene) & 0xffffff;
        break;
    case SPICE_MSG_DISPLAY_DRAW_ALPHA_BLEND:
        message->alpha_blend.src_image = image(scene, target);
        message->alpha_blend.src_area = source_area(scene, box);
        message->alpha_blend.alpha = scene_random(scene, 2) ? 255 : next(scene);
        message->alpha_blend.alpha_flags = scene_random(scene, 4);
        break;
    default:
        make_composite(scene, target, &message->composite);
        break;
    }
}

static void move_rect(WireRect *rect, int32_t dx, int32_t dy)
{
    rect->left += dx;
    rect->right += dx;
    rect->top += dy;
    rect->bottom += dy;
}

static void move_brush(WireBrush *moved, int32_t dx, int32_t dy)
{
    if (moved->type == SPICE_BRUSH_TYPE_PATTERN) {
        moved->u.pattern.pos.x += dx;
        moved->u.pattern.pos.y += dy;
    }
}

static const WirePath *move_path(Scene *scene, const WirePath *from, int32_t dx, int32_t dy)
{
    WirePath *to = allocate(scene, sizeof *to);
    WirePathSegment *segments = allocate(scene, from->n_segments * sizeof *segments);

    to->n_segments = from->n_segments;
    to->segments = segments;
    for (uint32_t i = 0; i < from->n_segments; i++) {
        WirePoint *points = allocate(scene, (from->segments[i].n_points + 1) * sizeof *points);

        segments[i] = from->segments[i];
        segments[i].points = points;
        for (uint32_t j = 0; j < segments[i].n_points; j++)
            points[j] = (WirePoint){from->segments[i].points[j].x + dx * 16,
                                    from->segments[i].points[j].y + dy * 16};
    }
    return to;
}

static const WireString *move_string(Scene *scene, const WireString *from, int32_t dx, int32_t dy)
{
    WireString *to = allocate(scene, sizeof *to);
    WireGlyph *glyphs = allocate(scene, (from->n_glyphs + 1) * sizeof *glyphs);

    *to = *from;
    to->glyphs = glyphs;
    for (uint32_t i = 0; i < from->n_glyphs; i++) {
        glyphs[i] = from->glyphs[i];
        glyphs[i].render_pos.x += dx;
        glyphs[i].render_pos.y += dy;
    }
    return to;
}

void scene_move(Scene *scene, uint16_t type, SceneMessage *message, int32_t dx, int32_t dy)
{
    WireClip *clip = &message->base.clip;

    move_rect(&message->base.box, dx, dy);
    if (clip->type == SPICE_CLIP_TYPE_RECTS) {
        WireRect *rects = allocate(scene, (clip->n_rects + 1) * sizeof *rects);

        for (uint32_t i = 0; i < clip->n_rects; i++) {
            rects[i] = clip->rects[i];
            move_rect(&rects[i], dx, dy);
        }
        clip->rects = rects;
    }
    switch (type) {
    case SPICE_MSG_DISPLAY_COPY_BITS:
        message->copy_bits.src_pos.x += dx;
        message->copy_bits.src_pos.y += dy;
        break;
    case SPICE_MSG_DISPLAY_DRAW_FILL:
        move_brush(&message->fill.brush, dx, dy);
        break;
    case SPICE_MSG_DISPLAY_DRAW_OPAQUE:
        move_brush(&message->opaque.brush, dx, dy);
        break;
    case SPICE_MSG_DISPLAY_DRAW_ROP3:
        move_brush(&message->rop3.brush, dx, dy);
        break;
    case SPICE_MSG_DISPLAY_DRAW_STROKE:
        move_brush(&message->stroke.brush, dx, dy);
        message->stroke.path = move_path(scene, message->stroke.path, dx, dy);
        break;
    case SPICE_MSG_DISPLAY_DRAW_TEXT:
        /* The foreground pattern is anchored at the string, which moves. */
        move_brush(&message->text.back_brush, dx, dy);
        message->text.string = move_string(scene, message->text.string, dx, dy);
        move_rect(&message->text.back_area, dx, dy);
        break;
    default:
        break;
    }
}
