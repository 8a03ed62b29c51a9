/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A truth beside a sequential reference and a client. */
#include "truth-model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <spice/enums.h>
#include <spice/qxl_dev.h>

#include "canvas/rop.h"
#include "drawn-region.h"

WireRect model_rect(int32_t left, int32_t top, int32_t right, int32_t bottom)
{
    return (WireRect){.left = left, .top = top, .right = right, .bottom = bottom};
}

SceneMessage model_fill(uint32_t surface, WireRect box, uint32_t color, uint16_t rop)
{
    SceneMessage message;

    memset(&message, 0, sizeof message);
    message.base.surface_id = surface;
    message.base.box = box;
    message.fill.brush = (WireBrush){SPICE_BRUSH_TYPE_SOLID, {.color = color}};
    message.fill.rop_descriptor = rop;
    return message;
}

static void on_dropped(void *context, Drawable *drawable)
{
    Model *model = context;
    GList *link = g_queue_find(&model->queue, drawable);

    model->n_dropped++;
    if (link) {
        g_queue_delete_link(&model->queue, link);
        drawable_unref(drawable);
    }
}

/* Borrowed pixels are gone by now: the client gets what the truth shows at this moment. */
static void keep_changed(Drawable *drawable)
{
    WireMsgDisplayDrawCopy *copy = &drawable->message.copy;
    pixman_box32_t area = *pixman_region32_extents(&drawable->changed);
    WireImage *image = wire_arena_alloc(&drawable->arena, sizeof *image);
    int32_t width = area.x2 - area.x1, height = area.y2 - area.y1;
    uint8_t format, flags;
    uint32_t stride;
    Blob *blob = truth_copy_pixels(drawable->target, &area, &format, &flags, &stride);

    memset(image, 0, sizeof *image);
    image->type = SPICE_IMAGE_TYPE_BITMAP;
    image->flags = flags;
    image->width = width;
    image->height = height;
    image->u.bitmap = (WireBitmap){.format = format,
                                   .flags = SPICE_BITMAP_FLAGS_TOP_DOWN,
                                   .x = width,
                                   .y = height,
                                   .stride = stride,
                                   .data = {blob->data, blob->size}};
    drawable->blobs[drawable->n_blobs++] = blob;
    copy->base.box =
        (WireRect){.left = area.x1, .top = area.y1, .right = area.x2, .bottom = area.y2};
    copy->src_area = (WireRect){.right = width, .bottom = height};
    copy->src_image = image;
}

static void on_rendered(void *context, Drawable *drawable)
{
    Model *model = context;
    const WireRect *box = &drawable->message.base.box;

    model->n_rendered++;
    if (model->has_client && drawable->put &&
        drawable->message_type == SPICE_MSG_DISPLAY_DRAW_COPY && box->left == box->right &&
        drawable->n_blobs == 0 && pixman_region32_not_empty(&drawable->changed))
        keep_changed(drawable);
}

static size_t row_bytes(const CanvasSurface *surface)
{
    return ((size_t)surface->pixels.width * PIXMAN_FORMAT_BPP(surface->pixels.format) + 7) / 8;
}

Surface *model_create(Model *model, uint32_t id, bool keep)
{
    CanvasSurface *reference = session_surface(&model->scene.session, id);
    size_t stride = reference->pixels.stride + 4 * scene_random(&model->scene, 3);
    bool upwards = scene_random(&model->scene, 2);
    uint8_t *data = malloc(stride * model->height), *first;

    memset(data, 0x5a, stride * model->height);
    model->memory[id] = data;
    model->strides[id] = upwards ? -(ptrdiff_t)stride : (ptrdiff_t)stride;
    first = upwards ? data + stride * (model->height - 1) : data;
    for (uint32_t y = 0; keep && y < model->height; y++)
        memcpy(first + (ptrdiff_t)y * model->strides[id], scene_row(reference, y),
               row_bytes(reference));
    return truth_create_surface(model->truth, id, scene_formats[id % SCENE_TARGETS], model->width,
                                model->height, model->strides[id], first, keep,
                                model_resource(model, NULL));
}

void model_init(Model *model, uint64_t seed, uint32_t width, uint32_t height, bool has_client)
{
    static const TruthObserver observer = {on_dropped, on_rendered};

    memset(model, 0, sizeof *model);
    scene_init(&model->scene, seed, width, height);
    scene_init(&model->client, seed, width, height);
    model->has_client = has_client;
    model->width = width;
    model->height = height;
    model->truth = truth_new(MODEL_SURFACES, &observer, model);
    g_queue_init(&model->queue);
    for (uint32_t i = 0; i < MODEL_SURFACES; i++)
        model_create(model, i, true);
}

void model_clear(Model *model)
{
    Drawable *drawable;

    truth_free(model->truth);
    while ((drawable = g_queue_pop_head(&model->queue)))
        drawable_unref(drawable);
    for (uint32_t i = 0; i < MODEL_SURFACES; i++)
        free(model->memory[i]);
    scene_clear(&model->scene);
    scene_clear(&model->client);
}

typedef struct Counted {
    GuestResource base;
    void *memory;
} Counted;

static void on_release(GuestResource *resource)
{
    Model *model = resource->owner;

    model->n_released++;
    free(((Counted *)resource)->memory);
    g_free(resource);
}

GuestResource *model_resource(Model *model, void *memory)
{
    Counted *counted = g_new0(Counted, 1);

    counted->base = (GuestResource){1, on_release, NULL, 1, model};
    counted->memory = memory;
    model->n_commands++;
    return &counted->base;
}

static bool is_unscaled(const WireRect *box, const WireRect *area)
{
    return (int64_t)box->right - box->left == (int64_t)area->right - area->left &&
           (int64_t)box->bottom - box->top == (int64_t)area->bottom - area->top;
}

static const WireRect *source_area(uint16_t type, const SceneMessage *message)
{
    switch (type) {
    case SPICE_MSG_DISPLAY_DRAW_OPAQUE:
        return &message->opaque.src_area;
    case SPICE_MSG_DISPLAY_DRAW_COPY:
    case SPICE_MSG_DISPLAY_DRAW_BLEND:
        return &message->copy.src_area;
    case SPICE_MSG_DISPLAY_DRAW_ROP3:
        return &message->rop3.src_area;
    case SPICE_MSG_DISPLAY_DRAW_TRANSPARENT:
        return &message->transparent.src_area;
    default:
        return NULL;
    }
}

static pixman_box32_t whole_surface(const Model *model)
{
    return (pixman_box32_t){0, 0, model->width, model->height};
}

static void set_reads(Model *model, Drawable *drawable, const SceneMessage *message)
{
    CanvasOperands operands;
    const WireRect *area = source_area(drawable->message_type, message);

    canvas_list_images(drawable->message_type, message, &operands);
    for (unsigned i = 0; i < operands.n_images; i++) {
        const WireImage *image = operands.images[i].image;
        pixman_box32_t read = whole_surface(model);
        Surface *surface;

        if (image->type != SPICE_IMAGE_TYPE_SURFACE)
            continue;
        surface = truth_surface(model->truth, image->u.surface.surface_id);
        if (!surface || drawable->n_reads == DRAWABLE_MAX_READS)
            continue;
        if (i == 0 && area && is_unscaled(&message->base.box, area) &&
            (drawable->message_type != SPICE_MSG_DISPLAY_DRAW_OPAQUE || area->left >= 0))
            read = (pixman_box32_t){MAX(area->left, 0), MAX(area->top, 0),
                                    MIN(area->right, read.x2), MIN(area->bottom, read.y2)};
        drawable->reads[drawable->n_reads].surface = surface_ref(surface);
        drawable->reads[drawable->n_reads++].area = read;
    }
}

static bool is_put(const Drawable *drawable)
{
    const WireMsgDisplayDrawCopy *copy = &drawable->message.copy;
    const WireImage *image = copy->src_image;
    const pixman_box32_t *box = pixman_region32_extents((pixman_region32_t *)&drawable->region);
    int64_t dx, dy;

    if (drawable->message_type != SPICE_MSG_DISPLAY_DRAW_COPY ||
        canvas_rop_reduce(copy->rop_descriptor, SPICE_ROPD_INVERS_SRC, SPICE_ROPD_INVERS_DEST) !=
            CANVAS_ROP_COPY ||
        copy->mask.image || !is_unscaled(&copy->base.box, &copy->src_area) ||
        image->type != SPICE_IMAGE_TYPE_BITMAP || image->u.bitmap.format < SPICE_BITMAP_FMT_16BIT)
        return false;
    dx = (int64_t)copy->src_area.left - copy->base.box.left;
    dy = (int64_t)copy->src_area.top - copy->base.box.top;
    return box->x1 + dx >= 0 && box->y1 + dy >= 0 && box->x2 + dx <= image->u.bitmap.x &&
           box->y2 + dy <= image->u.bitmap.y;
}

/* The pixels go to a block of their own, in pieces of any length at any address, which is freed
 * with the command. */
static void borrow_pixels(Model *model, Drawable *drawable)
{
    WireMsgDisplayDrawCopy *copy = &drawable->message.copy;
    const WireImage *old = copy->src_image;
    WireImage *image = wire_arena_alloc(&drawable->arena, sizeof *image);
    WireBytes data = old->u.bitmap.data;
    unsigned n = 1 + scene_random(&model->scene, 9);
    struct iovec *pieces = wire_arena_alloc(&drawable->arena, n * sizeof *pieces);
    uint8_t *memory = malloc(data.size + 5 * n + 1), *to = memory;
    size_t done = 0;

    for (unsigned i = 0; i < n; i++) {
        size_t part =
            i == n - 1 ? data.size - done : scene_random(&model->scene, (data.size - done) / 2 + 1);

        to += scene_random(&model->scene, 5);
        memcpy(to, data.data + done, part);
        pieces[i] = (struct iovec){to, part};
        to += part;
        done += part;
    }
    *image = *old;
    image->u.bitmap.data = (WireBytes){NULL, 0};
    copy->src_image = image;
    drawable->borrowed = pieces;
    drawable->n_borrowed = n;
    drawable->resource = model_resource(model, memory);
}

Drawable *model_drawable(Model *model, uint16_t type, const SceneMessage *message, bool borrow)
{
    Drawable *drawable = drawable_new();

    drawable->serial = ++model->serial;
    drawable->message_type = type;
    memcpy(&drawable->message, message, sizeof drawable->message);
    drawable->target = surface_ref(truth_surface(model->truth, message->base.surface_id));
    drawn_region(drawable, model->width, model->height);
    set_reads(model, drawable, message);
    drawable->put = is_put(drawable);
    drawable->reads_target = !drawable->put;
    if (drawable->put && borrow)
        borrow_pixels(model, drawable);
    else
        drawable->resource = model_resource(model, NULL);
    return drawable;
}

/* ---- effects that are true ---- */

/* What is drawn upon: nothing, everything, and noise. Operations on bits need only the first two to
 * show what they depend on; blending may hide it from these. */
enum { N_GROUNDS = 5 };
static void fill(Model *model, CanvasSurface *surface, int ground)
{
    size_t n = (size_t)surface->pixels.stride * surface->pixels.height;

    if (ground < 2)
        memset(surface->pixels.data, ground ? 0xff : 0, n);
    for (size_t i = 0; ground >= 2 && i < n; i++)
        surface->pixels.data[i] = scene_random(&model->scene, 256);
}

static CanvasSurface *spare(const CanvasSurface *surface)
{
    CanvasResult result;
    CanvasSurface *copy = canvas_surface_new(surface->format, surface->pixels.width,
                                             surface->pixels.height, SIZE_MAX, &result);

    scene_copy_pixels(surface, copy);
    return copy;
}

static bool equal_in(const CanvasSurface *a, const CanvasSurface *b,
                     const pixman_region32_t *region)
{
    int n;
    pixman_box32_t *boxes = pixman_region32_rectangles((pixman_region32_t *)region, &n);

    for (int i = 0; i < n; i++)
        for (int32_t y = boxes[i].y1; y < boxes[i].y2; y++)
            for (int32_t x = boxes[i].x1; x < boxes[i].x2; x++)
                if (!scene_same_pixel(a, x, y, b, x, y))
                    return false;
    return true;
}

uint8_t model_effect(Model *model, uint16_t type, const SceneMessage *message)
{
    Session *session = &model->scene.session;
    CanvasSurface *target = session_surface(session, message->base.surface_id);
    CanvasSurface *saved = spare(target), *first = NULL;
    bool self = type == SPICE_MSG_DISPLAY_COPY_BITS, same = true, reverts = true, repeats = true;
    CanvasOperands operands;
    Drawable *drawable = model_drawable(model, type, message, false);
    const WireRect *area = source_area(type, message);
    uint8_t effect = QXL_EFFECT_BLEND;
    CanvasRop rop = CANVAS_ROP_XOR;

    model->serial--;
    canvas_list_images(type, message, &operands);
    for (unsigned i = 0; i < operands.n_images; i++)
        self |= operands.images[i].image->type == SPICE_IMAGE_TYPE_SURFACE &&
                operands.images[i].image->u.surface.surface_id == message->base.surface_id;
    if (type == SPICE_MSG_DISPLAY_COPY_BITS) {
        effect = QXL_EFFECT_OPAQUE;
    } else if (self) {
        /* What it reads isn't what it paints over: a copy of the whole area is opaque. */
        if (type == SPICE_MSG_DISPLAY_DRAW_COPY && !message->copy.mask.image &&
            is_unscaled(&message->base.box, area) && area->left >= 0 && area->top >= 0 &&
            area->right <= (int32_t)model->width && area->bottom <= (int32_t)model->height &&
            canvas_rop_reduce(message->copy.rop_descriptor, SPICE_ROPD_INVERS_SRC,
                              SPICE_ROPD_INVERS_DEST) == CANVAS_ROP_COPY)
            effect = QXL_EFFECT_OPAQUE;
    } else {
        for (int i = 0; i < N_GROUNDS; i++) {
            CanvasSurface *once, *before;
            CanvasResult result;

            fill(model, target, i);
            before = spare(target);
            result = session_draw(session, type, message);
            same &= result == CANVAS_OK;
            once = spare(target);
            if (first)
                same &= equal_in(first, target, &drawable->region);
            session_draw(session, type, message);
            reverts &= equal_in(before, target, &drawable->region);
            repeats &= equal_in(once, target, &drawable->region);
            canvas_surface_free(before);
            if (first)
                canvas_surface_free(once);
            else
                first = once;
        }
        canvas_surface_free(first);
        if (type == SPICE_MSG_DISPLAY_DRAW_FILL)
            rop = canvas_rop_reduce(message->fill.rop_descriptor, SPICE_ROPD_INVERS_BRUSH,
                                    SPICE_ROPD_INVERS_DEST);
        if (type == SPICE_MSG_DISPLAY_DRAW_STROKE)
            rop = canvas_rop_reduce(message->stroke.fore_mode, SPICE_ROPD_INVERS_BRUSH,
                                    SPICE_ROPD_INVERS_DEST);
        if (type != SPICE_MSG_DISPLAY_DRAW_FILL && type != SPICE_MSG_DISPLAY_DRAW_STROKE)
            effect = same ? QXL_EFFECT_OPAQUE : QXL_EFFECT_BLEND;
        else if (reverts)
            effect = QXL_EFFECT_REVERT_ON_DUP;
        else if ((rop == CANVAS_ROP_CLEAR || rop == CANVAS_ROP_SET || rop == CANVAS_ROP_COPY ||
                  rop == CANVAS_ROP_COPY_INV) &&
                 scene_random(&model->scene, 2))
            effect = QXL_EFFECT_OPAQUE_BRUSH;
        else if (same)
            effect = QXL_EFFECT_OPAQUE;
        else if (repeats)
            effect = QXL_EFFECT_NOP_ON_DUP;
    }
    scene_copy_pixels(saved, target);
    canvas_surface_free(saved);
    drawable_unref(drawable);
    return effect;
}

/* ---- the three ---- */

bool model_add(Model *model, uint16_t type, const SceneMessage *message, uint8_t effect,
               bool borrow)
{
    Drawable *drawable = model_drawable(model, type, message, borrow);

    drawable->effect = effect;
    if (model->has_client)
        g_queue_push_tail(&model->queue, drawable_ref(drawable));
    session_draw(&model->scene.session, type, message);
    if (truth_add(model->truth, drawable))
        return true;
    model->n_merged++;
    if (model->has_client)
        drawable_unref(g_queue_pop_tail(&model->queue));
    return false;
}

/* The pixels of a region that a drawing paints. */
static void send_clipped(Model *model, const Drawable *drawable, const pixman_region32_t *region)
{
    DrawableMessage message = drawable->message;
    int n;
    pixman_box32_t *boxes = pixman_region32_rectangles((pixman_region32_t *)region, &n);
    WireRect *rects = g_new(WireRect, n + 1);

    for (int i = 0; i < n; i++)
        rects[i] = (WireRect){
            .left = boxes[i].x1, .top = boxes[i].y1, .right = boxes[i].x2, .bottom = boxes[i].y2};
    message.base.clip = (WireClip){SPICE_CLIP_TYPE_RECTS, n, rects};
    session_draw(&model->client.session, drawable->message_type, &message);
    g_free(rects);
}

/* Only what changed counts of what was rendered, or what isn't moved. */
static void send_rendered(Model *model, Drawable *drawable)
{
    if (!pixman_region32_not_empty(&drawable->changed))
        return;
    if (drawable->moved) {
        const pixman_box32_t *to = &drawable->moved_to;
        WireMsgDisplayCopyBits move = {
            .base = {.surface_id = drawable->target->id,
                     .box = {.left = to->x1, .top = to->y1, .right = to->x2, .bottom = to->y2}},
            .src_pos = {to->x1 - drawable->moved_dx, to->y1 - drawable->moved_dy}};

        model->n_moved++;
        session_draw(&model->client.session, SPICE_MSG_DISPLAY_COPY_BITS, &move);
        send_clipped(model, drawable, &drawable->rest);
    } else if (!drawable->put) {
        session_draw(&model->client.session, drawable->message_type, &drawable->message);
    } else {
        send_clipped(model, drawable, &drawable->changed);
    }
}

void model_walk(Model *model, unsigned n)
{
    Drawable *drawable;

    for (; n > 0 && (drawable = g_queue_peek_head(&model->queue)); n--) {
        if (drawable->state == DRAWABLE_PENDING &&
            (drawable->n_borrowed || scene_random(&model->scene, 3) == 0)) {
            truth_render(model->truth, drawable);
        }
        if (drawable->state == DRAWABLE_PENDING) {
            session_draw(&model->client.session, drawable->message_type, &drawable->message);
            drawable->sent = true;
        } else if (drawable->state == DRAWABLE_RENDERED) {
            send_rendered(model, drawable);
        }
        drawable_unref(g_queue_pop_head(&model->queue));
    }
}

bool model_check_area(Model *model, uint32_t id, const pixman_box32_t *area)
{
    Surface *surface = truth_surface(model->truth, id);
    CanvasSurface *reference = session_surface(&model->scene.session, id);

    for (int32_t y = MAX(area->y1, 0); y < MIN(area->y2, (int32_t)model->height); y++)
        for (int32_t x = MAX(area->x1, 0); x < MIN(area->x2, (int32_t)model->width); x++)
            if (!scene_same_pixel(surface->canvas, x, y, reference, x, y)) {
                printf("# surface %u differs at %d, %d: %08x, must be %08x\n", id, x, y,
                       scene_pixel(surface->canvas, x, y), scene_pixel(reference, x, y));
                return false;
            }
    return true;
}

/* Top bytes of a primary without alpha don't go to clients. */
static uint32_t shown(const CanvasSurface *surface, uint32_t id, int32_t x, int32_t y)
{
    return scene_pixel(surface, x, y) & (id == 0 ? 0x00ffffffu : 0xffffffffu);
}

bool model_check_all(Model *model)
{
    pixman_box32_t all = whole_surface(model);

    truth_render_all(model->truth);
    model_walk(model, UINT32_MAX);
    for (uint32_t id = 0; id < MODEL_SURFACES; id++) {
        CanvasSurface *client = session_surface(&model->client.session, id),
                      *reference = session_surface(&model->scene.session, id);

        if (!model_check_area(model, id, &all))
            return false;
        for (int32_t y = 0; model->has_client && y < all.y2; y++)
            for (int32_t x = 0; x < all.x2; x++)
                if (shown(client, id, x, y) != shown(reference, id, x, y)) {
                    printf("# client's surface %u differs at %d, %d: %08x, must be %08x\n", id, x,
                           y, scene_pixel(client, x, y), scene_pixel(reference, x, y));
                    return false;
                }
    }
    return true;
}

void model_recreate(Model *model, uint32_t id)
{
    Surface *surface = truth_surface(model->truth, id);

    model_walk(model, UINT32_MAX);
    truth_destroy_surface(model->truth, surface, model_resource(model, NULL));
    free(model->memory[id]);
    model_create(model, id, false);
    canvas_surface_clear(session_surface(&model->scene.session, id));
    canvas_surface_clear(session_surface(&model->client.session, id));
}
