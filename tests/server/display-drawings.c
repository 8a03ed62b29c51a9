/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Drawings for a truth and the views on it, executed at once on the reference too. */
#include "display-world-private.h"

#include <string.h>

#include <spice/qxl_dev.h>

#include "drawn-region.h"

void world_base(WireDisplayBase *base, uint32_t id, const pixman_box32_t *box)
{
    base->surface_id = id;
    base->box = (WireRect){box->y1, box->x1, box->y2, box->x2};
}

typedef struct Resource {
    GuestResource base;
    World *world;
    void *memory;
} Resource;

static void resource_release(GuestResource *base)
{
    Resource *resource = (Resource *)base;

    resource->world->n_resources--;
    g_free(resource->memory); /* who looks at it later is found */
    g_free(resource);
}

static CanvasSurface *reference_surface(void *ctx, uint32_t id)
{
    World *world = ctx;

    return id < WORLD_SURFACES ? world->surfaces[id].reference : NULL;
}

static CanvasImage *reference_image(void *ctx, const WireImage *image, CanvasUse use,
                                    uint32_t surface_format)
{
    CanvasDecode how = {.use = use, .surface_format = surface_format};
    WireImage plain = *image;

    (void)ctx;
    plain.flags &= SPICE_IMAGE_FLAGS_HIGH_BITS_SET;

    return canvas_image_decode(&plain, &how, NULL);
}

Drawable *world_drawable(World *world)
{
    Drawable *drawable = drawable_new();
    Resource *resource = g_new0(Resource, 1);

    resource->base.refs = 1;
    resource->base.release = resource_release;
    resource->world = world;
    world->n_resources++;
    drawable->resource = &resource->base;
    drawable->serial = ++world->serial;

    return drawable;
}

void world_draw(World *world, uint16_t type, const DrawableMessage *message, uint8_t effect,
                Drawable *drawable)
{
    CanvasEnv env = {reference_surface, reference_image, world};
    Surface *target = world->surfaces[message->base.surface_id].surface;

    drawable->message_type = type;
    drawable->message = *message;
    drawable->effect = effect;
    drawable->target = surface_ref(target);
    drawn_region(drawable, target->width, target->height);
    if (drawable->n_borrowed) {
        WireImage whole = *message->copy.src_image;
        DrawableMessage full = *message;

        whole.u.bitmap.data =
            (WireBytes){drawable->borrowed[0].iov_base, drawable->borrowed[0].iov_len};
        full.copy.src_image = &whole;
        canvas_draw(&env, type, &full, NULL);
    } else {
        canvas_draw(&env, type, message, NULL);
    }
    if (truth_add(world->truth, drawable_ref(drawable)))
        views_drawable(world->views, drawable);
    drawable_unref(drawable);
}

void world_fill(World *world, uint32_t id, pixman_box32_t box, uint32_t color, uint16_t rop)
{
    DrawableMessage message = {0};
    Drawable *drawable = world_drawable(world);

    world_base(&message.base, id, &box);
    message.fill.brush.type = SPICE_BRUSH_TYPE_SOLID;
    message.fill.brush.u.color = color;
    message.fill.rop_descriptor = rop;
    drawable->reads_target = rop != SPICE_ROPD_OP_PUT;
    world_draw(world, SPICE_MSG_DISPLAY_DRAW_FILL, &message,
               rop == SPICE_ROPD_OP_PUT   ? QXL_EFFECT_OPAQUE
               : rop == SPICE_ROPD_OP_XOR ? QXL_EFFECT_REVERT_ON_DUP
                                          : QXL_EFFECT_BLEND,
               drawable);
}

uint32_t *world_pixels(World *world, uint32_t width, uint32_t height, int kind)
{
    uint32_t *pixels = g_new(uint32_t, (gsize)width * height);
    uint32_t base = g_rand_int(world->rand) & 0xffffff;

    for (uint32_t y = 0; y < height; y++)
        for (uint32_t x = 0; x < width; x++) {
            uint32_t pixel;

            switch (kind) {
            case 0: /* text-like */
                pixel = (x * 7 + y * 13 + base) % 11 < 3 ? 0 : 0xffffff;
                break;
            case 1: /* smooth */
                pixel = (((x + base) & 255) << 16) | ((y * 2 & 255) << 8) | ((x + y) & 255);
                break;
            case 2: /* noise */
                pixel = g_rand_int(world->rand) & 0xffffff;
                break;
            default: /* one colour */
                pixel = base;
                break;
            }
            pixels[(size_t)y * width + x] = pixel;
        }

    return pixels;
}

static uint64_t blobs_gone;

static void free_counted(uint8_t *data)
{
    blobs_gone++;
    g_free(data);
}

Blob *world_blob(const void *data, size_t size)
{
    Blob *blob = blob_new(size);

    memcpy(blob->data, data, size);
    blob->free_data = free_counted;

    return blob;
}

uint64_t world_blobs_gone(void)
{
    return blobs_gone;
}

void world_put(World *world, uint32_t id, int x, int y, uint32_t width, uint32_t height,
               const uint32_t *pixels, uint64_t cache_id, bool borrowed)
{
    DrawableMessage message = {0};
    Drawable *drawable = world_drawable(world);
    pixman_box32_t box = {x, y, x + (int)width, y + (int)height};
    WireImage *image = wire_arena_alloc(&drawable->arena, sizeof(*image));
    size_t size = (size_t)width * height * 4;
    bool exact = world->surfaces[id].surface->format == SPICE_SURFACE_FMT_32_xRGB;

    borrowed &= exact;
    memset(image, 0, sizeof(*image));
    world_base(&message.base, id, &box);
    image->id = cache_id ? cache_id : (++world->cache_ids << 32 | QXL_IMAGE_GROUP_DEVICE);
    image->flags = cache_id ? SPICE_IMAGE_FLAGS_CACHE_ME : 0;
    image->type = SPICE_IMAGE_TYPE_BITMAP;
    image->width = width;
    image->height = height;
    image->u.bitmap.format = SPICE_BITMAP_FMT_32BIT;
    image->u.bitmap.flags = SPICE_BITMAP_FLAGS_TOP_DOWN;
    image->u.bitmap.x = width;
    image->u.bitmap.y = height;
    image->u.bitmap.stride = width * 4;
    if (borrowed) {
        Resource *resource = (Resource *)drawable->resource;
        struct iovec *parts = wire_arena_alloc(&drawable->arena, sizeof(*parts));

        resource->memory = g_memdup2(pixels, size);
        parts->iov_base = resource->memory;
        parts->iov_len = size;
        drawable->borrowed = parts;
        drawable->n_borrowed = 1;
    } else {
        drawable->blobs[0] = world_blob(pixels, size);
        drawable->n_blobs = 1;
        image->u.bitmap.data = (WireBytes){drawable->blobs[0]->data, size};
    }
    message.copy.src_image = image;
    message.copy.src_area = (WireRect){0, 0, (int)height, (int)width};
    message.copy.rop_descriptor = SPICE_ROPD_OP_PUT;
    drawable->put = exact;
    world_draw(world, SPICE_MSG_DISPLAY_DRAW_COPY, &message, QXL_EFFECT_OPAQUE, drawable);
}

void world_copy_bits(World *world, uint32_t id, pixman_box32_t box, int src_x, int src_y)
{
    DrawableMessage message = {0};
    Drawable *drawable = world_drawable(world);

    world_base(&message.base, id, &box);
    message.copy_bits.src_pos = (WirePoint){src_x, src_y};
    drawable->reads_target = true;
    world_draw(world, SPICE_MSG_DISPLAY_COPY_BITS, &message, QXL_EFFECT_OPAQUE, drawable);
}
