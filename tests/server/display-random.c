/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a guest may do to a display, at random. */
#include "display-world-private.h"

#include <string.h>

#include <spice/qxl_dev.h>

static int number(World *world, int from, int to)
{
    return to > from ? g_rand_int_range(world->rand, from, to) : from;
}

static pixman_box32_t random_box(World *world, const Surface *surface, int most)
{
    int w = number(world, 1, MIN(most, (int)surface->width) + 1);
    int h = number(world, 1, MIN(most, (int)surface->height) + 1);
    int x = number(world, 0, (int)surface->width - w + 1);
    int y = number(world, 0, (int)surface->height - h + 1);

    return (pixman_box32_t){x, y, x + w, y + h};
}

static uint32_t random_surface(World *world)
{
    for (int i = 0; i < 20; i++) {
        uint32_t id = (uint32_t)number(world, 0, number(world, 0, 3) ? 1 : WORLD_SURFACES);

        if (world->surfaces[id].surface)
            return id;
    }

    return 0;
}

/* A copy, blend or the like from a surface, which may be the target. */
static void random_surface_copy(World *world)
{
    uint32_t from = (uint32_t)number(world, 0, WORLD_SURFACES), to = random_surface(world);
    Surface *source = world->surfaces[from].surface;
    Surface *target = world->surfaces[to].surface;
    DrawableMessage message = {0};
    Drawable *drawable;
    WireImage *image;
    pixman_box32_t area, box;

    /* A copy between surfaces of different depths paints nothing. */
    if (!source || (source->format == SPICE_SURFACE_FMT_16_555) !=
                       (target->format == SPICE_SURFACE_FMT_16_555))
        return;

    area = random_box(world, source, 150);
    box = random_box(world, target, 150);
    if (number(world, 0, 4)) { /* not scaled */
        int w = MIN(area.x2 - area.x1, (int)target->width),
            h = MIN(area.y2 - area.y1, (int)target->height);

        area.x2 = area.x1 + w;
        area.y2 = area.y1 + h;
        box.x1 = number(world, 0, (int)target->width - w + 1);
        box.y1 = number(world, 0, (int)target->height - h + 1);
        box.x2 = box.x1 + w;
        box.y2 = box.y1 + h;
    }
    drawable = world_drawable(world);
    image = wire_arena_alloc(&drawable->arena, sizeof(*image));
    memset(image, 0, sizeof(*image));
    image->type = SPICE_IMAGE_TYPE_SURFACE;
    image->width = source->width;
    image->height = source->height;
    image->u.surface.surface_id = from;
    world_base(&message.base, to, &box);
    message.copy.src_image = image;
    message.copy.src_area = (WireRect){area.y1, area.x1, area.y2, area.x2};
    message.copy.rop_descriptor = number(world, 0, 3) ? SPICE_ROPD_OP_PUT : SPICE_ROPD_OP_XOR;
    message.copy.scale_mode = SPICE_IMAGE_SCALE_MODE_NEAREST;
    drawable->reads_target = message.copy.rop_descriptor != SPICE_ROPD_OP_PUT || from == to;
    drawable->n_reads = 1;
    drawable->reads[0].surface = surface_ref(source);
    drawable->reads[0].area = area;
    world_draw(world, SPICE_MSG_DISPLAY_DRAW_COPY, &message,
               drawable->reads_target ? QXL_EFFECT_BLEND : QXL_EFFECT_OPAQUE, drawable);
}

static void random_put(World *world)
{
    uint32_t id = random_surface(world);
    pixman_box32_t box =
        random_box(world, world->surfaces[id].surface, number(world, 0, 4) ? 40 : 300);
    uint32_t w = (uint32_t)(box.x2 - box.x1), h = (uint32_t)(box.y2 - box.y1);
    uint32_t *pixels = world_pixels(world, w, h, number(world, 0, 4));

    world_put(world, id, box.x1, box.y1, w, h, pixels, 0, number(world, 0, 2));
    g_free(pixels);
}

/* One of a few images that the guest wants to be cached. */
static void random_cached(World *world)
{
    enum { SIDE = 24, KINDS = 40 };
    unsigned i = (unsigned)number(world, 0, KINDS);
    uint32_t id = random_surface(world);
    pixman_box32_t box = random_box(world, world->surfaces[id].surface, 1);

    while (world->hoard->len <= i)
        g_ptr_array_add(world->hoard, world_pixels(world, SIDE, SIDE, number(world, 0, 3)));
    if (world->surfaces[id].surface->width < SIDE || world->surfaces[id].surface->height < SIDE)
        return;
    box.x1 = MIN(box.x1, (int)world->surfaces[id].surface->width - SIDE);
    box.y1 = MIN(box.y1, (int)world->surfaces[id].surface->height - SIDE);
    world_put(world, id, box.x1, box.y1, SIDE, SIDE, g_ptr_array_index(world->hoard, i),
              (uint64_t)(i + 1) << 32 | QXL_IMAGE_GROUP_DRIVER, false);
}

/* An image with alpha, or scaled, or through a clip. */
static void random_image(World *world)
{
    uint32_t id = random_surface(world);
    pixman_box32_t box = random_box(world, world->surfaces[id].surface, 100);
    uint32_t w = (uint32_t)number(world, 1, 60), h = (uint32_t)number(world, 1, 60);
    uint32_t *pixels = world_pixels(world, w, h, number(world, 0, 4));
    Drawable *drawable = world_drawable(world);
    WireImage *image = wire_arena_alloc(&drawable->arena, sizeof(*image));
    DrawableMessage message = {0};
    uint16_t type = SPICE_MSG_DISPLAY_DRAW_COPY;
    WireRect area = {0, 0, (int)h, (int)w};
    size_t size = (size_t)w * h * 4;

    memset(image, 0, sizeof(*image));
    image->id = ++world->cache_ids << 32 | QXL_IMAGE_GROUP_DEVICE;
    image->type = SPICE_IMAGE_TYPE_BITMAP;
    image->width = w;
    image->height = h;
    image->u.bitmap = (WireBitmap){.format = SPICE_BITMAP_FMT_32BIT,
                                   .flags = number(world, 0, 2) ? SPICE_BITMAP_FLAGS_TOP_DOWN : 0,
                                   .x = w,
                                   .y = h,
                                   .stride = w * 4};
    drawable->blobs[0] = world_blob(pixels, size);
    drawable->n_blobs = 1;
    image->u.bitmap.data = (WireBytes){drawable->blobs[0]->data, size};
    g_free(pixels);
    world_base(&message.base, id, &box);
    switch (number(world, 0, 4)) {
    case 0:
        type = SPICE_MSG_DISPLAY_DRAW_ALPHA_BLEND;
        image->u.bitmap.format = SPICE_BITMAP_FMT_RGBA;
        message.alpha_blend.src_image = image;
        message.alpha_blend.alpha = (uint8_t)number(world, 0, 256);
        message.alpha_blend.src_area = area;
        drawable->reads_target = true;
        break;
    case 1:
        type = SPICE_MSG_DISPLAY_DRAW_TRANSPARENT;
        message.transparent.src_image = image;
        message.transparent.src_area = area;
        message.transparent.src_color = 0xffffff;
        message.transparent.true_color = 0xffffff;
        drawable->reads_target = true;
        break;
    case 2:
        type = SPICE_MSG_DISPLAY_DRAW_COMPOSITE;
        image->u.bitmap.format = SPICE_BITMAP_FMT_RGBA;
        message.composite.flags = 3; /* OVER */
        message.composite.src_image = image;
        drawable->reads_target = true;
        break;
    default:
        message.copy.src_image = image;
        message.copy.src_area = area;
        message.copy.rop_descriptor = number(world, 0, 2) ? SPICE_ROPD_OP_PUT : SPICE_ROPD_OP_AND;
        message.copy.scale_mode = SPICE_IMAGE_SCALE_MODE_NEAREST;
        drawable->reads_target = message.copy.rop_descriptor != SPICE_ROPD_OP_PUT;
        break;
    }
    if (number(world, 0, 3) == 0) {
        WireRect *rects = wire_arena_alloc(&drawable->arena, 3 * sizeof(*rects));

        for (int i = 0; i < 3; i++) {
            pixman_box32_t part = random_box(world, world->surfaces[id].surface, 100);

            rects[i] = (WireRect){part.y1, part.x1, part.y2, part.x2};
        }
        message.base.clip = (WireClip){SPICE_CLIP_TYPE_RECTS, 3, rects};
    }
    world_draw(world, type, &message, drawable->reads_target ? QXL_EFFECT_BLEND : QXL_EFFECT_OPAQUE,
               drawable);
}

static void random_surface_change(World *world)
{
    static const uint32_t formats[] = {SPICE_SURFACE_FMT_32_xRGB, SPICE_SURFACE_FMT_32_ARGB,
                                       SPICE_SURFACE_FMT_16_555};
    uint32_t id = (uint32_t)number(world, 1, WORLD_SURFACES);

    if (world->surfaces[id].surface)
        world_destroy(world, id);
    else
        world_create(world, id, formats[number(world, 0, 3)], (uint32_t)number(world, 10, 200),
                     (uint32_t)number(world, 10, 200), number(world, 0, 3) == 0);
}

void world_random(World *world)
{
    uint32_t id = random_surface(world);
    Surface *surface = world->surfaces[id].surface;
    pixman_box32_t box;

    if (!surface)
        return;

    switch (number(world, 0, 16)) {
    case 0:
    case 1:
    case 2:
        box = random_box(world, surface, number(world, 0, 5) ? 60 : 400);
        world_fill(world, id, box, g_rand_int(world->rand) & 0xffffff, SPICE_ROPD_OP_PUT);
        break;
    case 3:
        box = random_box(world, surface, 80);
        world_fill(world, id, box, 0xffffff, SPICE_ROPD_OP_XOR);
        if (number(world, 0, 2)) /* and away again */
            world_fill(world, id, box, 0xffffff, SPICE_ROPD_OP_XOR);
        break;
    case 4:
    case 5: {
        pixman_box32_t area = random_box(world, surface, 200);
        int w = area.x2 - area.x1, h = area.y2 - area.y1;

        box.x1 = number(world, 0, 2) ? area.x1 : number(world, 0, (int)surface->width - w + 1);
        box.y1 = number(world, 0, (int)surface->height - h + 1);
        box.x2 = box.x1 + w;
        box.y2 = box.y1 + h;
        if (box.x1 != area.x1 || box.y1 != area.y1)
            world_copy_bits(world, id, box, area.x1, area.y1);
        break;
    }
    case 6:
    case 7:
    case 8:
        random_put(world);
        break;
    case 9:
        random_cached(world);
        break;
    case 10:
    case 11:
        random_surface_copy(world);
        break;
    case 12:
    case 13:
        random_image(world);
        break;
    case 14:
        if (number(world, 0, 3) == 0)
            random_surface_change(world);
        break;
    default: /* somebody looks */
        box = random_box(world, surface, 100);
        truth_render_area(world->truth, surface, &box);
        break;
    }
}
