/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pixels of the truth equal those of a renderer that executes one command after the other, whatever
 * is hidden, merged, delayed or asked for in between; commands are released once, and in time.
 * docs/spec/server-display.md 7, 8, 9, 25.2, 25.3 */
#include <stdlib.h>
#include <string.h>

#include <spice/enums.h>
#include <spice/qxl_dev.h>

#include "tap.h"
#include "truth-model.h"

enum { WIDTH = 83, HEIGHT = 57 };

static pixman_box32_t random_area(Model *model)
{
    int32_t x = (int32_t)scene_random(&model->scene, 70) - 10,
            y = (int32_t)scene_random(&model->scene, 60) - 10;

    return (pixman_box32_t){x, y, x + 1 + (int32_t)scene_random(&model->scene, 40),
                            y + 1 + (int32_t)scene_random(&model->scene, 30)};
}

/* Another colour, another operation, or nothing at all is different when it comes again. */
static void vary(Model *model, uint16_t type, SceneMessage *message)
{
    uint32_t what = scene_random(&model->scene, 4);

    if (type == SPICE_MSG_DISPLAY_DRAW_FILL) {
        if (what == 0 && message->fill.brush.type == SPICE_BRUSH_TYPE_SOLID)
            message->fill.brush.u.color ^= 0x123456;
        if (what == 1)
            message->fill.rop_descriptor ^= SPICE_ROPD_OP_XOR | SPICE_ROPD_OP_PUT;
    } else if (type == SPICE_MSG_DISPLAY_DRAW_STROKE) {
        if (what == 0 && message->stroke.brush.type == SPICE_BRUSH_TYPE_SOLID)
            message->stroke.brush.u.color ^= 0x123456;
        if (what == 1)
            message->stroke.fore_mode ^= SPICE_ROPD_OP_XOR | SPICE_ROPD_OP_PUT;
    }
}

static bool random_stream(uint64_t seed, const uint32_t targets[3], unsigned n, bool has_client,
                          bool recreate)
{
    Model model;
    bool ok = true;
    uint16_t type = 0;
    SceneMessage message;

    model_init(&model, seed, WIDTH, HEIGHT, has_client);
    for (unsigned i = 0; i < n && ok; i++) {
        uint32_t target = targets[scene_random(&model.scene, 3)], event;

        if (type && scene_random(&model.scene, 5) == 0) {
            vary(&model, type, &message);
        } else {
            type = scene_types[scene_random(&model.scene, SCENE_TYPES)];
            scene_make(&model.scene, type, target, &message);
            /* Often the same place again. */
            if (scene_random(&model.scene, 3) == 0)
                message.base.box = (WireRect){.top = 5, .left = 8, .bottom = 40, .right = 50};
        }
        model_add(&model, type, &message, model_effect(&model, type, &message),
                  scene_random(&model.scene, 2));
        event = scene_random(&model.scene, 60);
        if (event < 3) {
            pixman_box32_t area = random_area(&model);

            truth_render_area(model.truth, truth_surface(model.truth, target), &area);
            ok = model_check_area(&model, target, &area);
        } else if (event < 20 && has_client) {
            model_walk(&model, scene_random(&model.scene, 4));
        } else if (event == 20) {
            truth_trim(model.truth, scene_random(&model.scene, 40), 10000);
        } else if (event == 21) {
            truth_render_surface(model.truth, truth_surface(model.truth, target));
        } else if (event == 22 && recreate) {
            model_recreate(&model, target);
        }
    }
    ok = ok && model_check_all(&model);
    if (!ok)
        printf("# seed %d, targets %u %u %u\n", (int)seed, targets[0], targets[1], targets[2]);
    if (seed % 40 == 0)
        printf("# %u dropped, %u rendered, %u merged\n", model.n_dropped, model.n_rendered,
               model.n_merged);
    model_clear(&model);
    ok = ok && model.n_commands == model.n_released;
    return ok;
}

static void test_streams(void)
{
    static const uint32_t targets[][3] = {{0, 1, 6},  {6, 7, 1},  {2, 3, 8},
                                          {4, 10, 5}, {5, 11, 3}, {6, 6, 6}};

    tap_case("random streams: the pixels of the sequence");
    for (uint64_t seed = 0; seed < 120; seed++)
        if (!CHECK(random_stream(seed, targets[seed % 6], 150, false, seed % 3 == 0)))
            break;
    tap_case("random streams: the pixels of a client");
    for (uint64_t seed = 1000; seed < 1120; seed++)
        if (!CHECK(random_stream(seed, targets[1 + seed % 5], 150, true, seed % 3 == 0)))
            break;
}

/* A world so small that the same pixels come back again and again: an image often equals what is
 * there, and what was hidden is often what was there before. */
static WireRect small_box(Model *model)
{
    int32_t x = 8 * (int32_t)scene_random(&model->scene, 3),
            y = 8 * (int32_t)scene_random(&model->scene, 3);

    return (WireRect){.left = x,
                      .top = y,
                      .right = x + 8 * (1 + (int32_t)scene_random(&model->scene, 3)),
                      .bottom = y + 8 * (1 + (int32_t)scene_random(&model->scene, 3))};
}

static const WireImage *small_image(Model *model, uint32_t color)
{
    WireImage *image = scene_bitmap(&model->scene, SPICE_BITMAP_FMT_32BIT, 24, 24);
    uint32_t *pixels = (uint32_t *)image->u.bitmap.data.data;

    image->u.bitmap.stride = 96;
    image->u.bitmap.data.size = 96 * 24;
    for (int i = 0; i < 24 * 24; i++)
        pixels[i] = color;
    return image;
}

static uint8_t small_message(Model *model, const uint32_t targets[3], uint16_t *type,
                             SceneMessage *message)
{
    uint32_t target = targets[scene_random(&model->scene, 3)];
    uint32_t color = scene_random(&model->scene, 2) ? 0x00112233 : 0;
    WireRect box = small_box(model);
    uint8_t effect = QXL_EFFECT_OPAQUE;

    memset(message, 0, sizeof *message);
    message->base.surface_id = target;
    message->base.box = box;
    *type = SPICE_MSG_DISPLAY_DRAW_FILL;
    switch (scene_random(&model->scene, 6)) {
    case 0:
        *type = SPICE_MSG_DISPLAY_COPY_BITS;
        message->copy_bits.src_pos = (WirePoint){8 * (int32_t)scene_random(&model->scene, 3),
                                                 8 * (int32_t)scene_random(&model->scene, 3)};
        return effect;
    case 1:
        message->fill.brush = (WireBrush){SPICE_BRUSH_TYPE_SOLID, {.color = 0x00112233}};
        message->fill.rop_descriptor = SPICE_ROPD_OP_XOR;
        if (scene_random(&model->scene, 2)) {
            WireImage *mask = scene_bitmap(&model->scene, SPICE_BITMAP_FMT_1BIT_LE, 24, 24);

            memset((void *)mask->u.bitmap.data.data, scene_random(&model->scene, 2) ? 0xff : 0x0f,
                   mask->u.bitmap.data.size);
            message->fill.mask.image = mask;
        }
        return QXL_EFFECT_REVERT_ON_DUP;
    case 2:
        message->fill.rop_descriptor = SPICE_ROPD_OP_PUT;
        message->fill.brush = (WireBrush){SPICE_BRUSH_TYPE_SOLID, {.color = color}};
        return scene_random(&model->scene, 2) ? effect : QXL_EFFECT_OPAQUE_BRUSH;
    case 3: {
        WireImage *image = wire_arena_alloc(&model->scene.arena, sizeof *image);

        *type = SPICE_MSG_DISPLAY_DRAW_COPY;
        *image = (WireImage){.type = SPICE_IMAGE_TYPE_SURFACE};
        image->u.surface.surface_id = targets[scene_random(&model->scene, 3)];
        message->copy.src_image = image;
        break;
    }
    default:
        *type = SPICE_MSG_DISPLAY_DRAW_COPY;
        message->copy.src_image = small_image(model, color);
        break;
    }
    message->copy.rop_descriptor = SPICE_ROPD_OP_PUT;
    message->copy.src_area =
        (WireRect){.right = box.right - box.left, .bottom = box.bottom - box.top};
    return effect;
}

static bool small_stream(uint64_t seed, unsigned n)
{
    static const uint32_t targets[3] = {6, 6, 7};
    Model model;
    uint16_t type = 0;
    uint8_t effect = 0;
    SceneMessage message;
    bool ok = true;

    model_init(&model, seed, 48, 48, true);
    for (int i = 6; i < 8; i++) {
        truth_destroy_surface(model.truth, truth_surface(model.truth, i), NULL);
        free(model.memory[i]);
        model.memory[i] = NULL;
        canvas_surface_clear(session_surface(&model.scene.session, i));
        canvas_surface_clear(session_surface(&model.client.session, i));
        model_create(&model, i, false);
    }
    for (unsigned i = 0; i < n; i++) {
        if (!type || scene_random(&model.scene, 6))
            effect = small_message(&model, targets, &type, &message);
        model_add(&model, type, &message, effect, scene_random(&model.scene, 2));
        if (scene_random(&model.scene, 4) == 0)
            model_walk(&model, 1 + scene_random(&model.scene, 3));
        if (scene_random(&model.scene, 12) == 0) {
            pixman_box32_t area = random_area(&model);

            truth_render_area(model.truth, truth_surface(model.truth, 6), &area);
            ok = ok && model_check_area(&model, 6, &area);
        }
    }
    ok = ok && model_check_all(&model);
    model_clear(&model);
    if (!ok)
        printf("# small seed %d, %u commands\n", (int)seed, n);
    return ok && model.n_commands == model.n_released;
}

static void test_small_world(void)
{
    tap_case("a small world: equal images, undone and hidden drawings, at a client");
    for (uint64_t seed = 0; seed < 3000; seed++)
        if (!CHECK(small_stream(seed, 3 + seed / 60)))
            break;
}

/* Promises that aren't kept, images that lie, reads that nobody declared: any pixels, but no harm.
 */
static bool lying_stream(uint64_t seed, unsigned n)
{
    Model model;

    model_init(&model, seed, WIDTH, HEIGHT, false);
    model.scene.hostile = true;
    for (unsigned i = 0; i < n; i++) {
        uint16_t type = scene_types[scene_random(&model.scene, SCENE_TYPES)];
        uint32_t id = scene_random(&model.scene, MODEL_SURFACES);
        Drawable *drawable;
        SceneMessage message;
        struct iovec pieces[2] = {{&model, 3}, {(uint8_t *)&model + 1, 100}};

        scene_make(&model.scene, type, id, &message);
        drawable = model_drawable(&model, type, &message, scene_random(&model.scene, 2));
        drawable->effect = scene_random(&model.scene, 9);
        drawable->put = scene_random(&model.scene, 3) == 0;
        drawable->sent = scene_random(&model.scene, 2);
        if (scene_random(&model.scene, 8) == 0) {
            drawable->borrowed = pieces;
            drawable->n_borrowed = 1 + scene_random(&model.scene, 2);
        }
        if (drawable->n_reads > 0 && scene_random(&model.scene, 2)) {
            /* The message goes on naming it. */
            surface_unref(drawable->reads[--drawable->n_reads].surface);
        } else if (drawable->n_reads < DRAWABLE_MAX_READS) {
            drawable->reads[drawable->n_reads].surface =
                surface_ref(truth_surface(model.truth, scene_random(&model.scene, MODEL_SURFACES)));
            drawable->reads[drawable->n_reads++].area = random_area(&model);
        }
        drawable_ref(drawable);
        truth_add(model.truth, drawable);
        /* The pieces are on the stack. */
        if (drawable->borrowed == pieces)
            truth_render(model.truth, drawable);
        drawable_unref(drawable);
        if (scene_random(&model.scene, 30) == 0)
            model_recreate(&model, id);
        if (scene_random(&model.scene, 30) == 0) {
            pixman_box32_t area = {INT32_MIN, -5, scene_random(&model.scene, 9), INT32_MAX};

            truth_render_area(model.truth, truth_surface(model.truth, id), &area);
        }
    }
    model_clear(&model);
    return model.n_commands == model.n_released;
}

static void test_lies(void)
{
    tap_case("broken promises and lying messages");
    for (uint64_t seed = 0; seed < 60; seed++)
        CHECK(lying_stream(seed, 200));
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        static const uint32_t targets[] = {6, 7, 1};

        for (uint64_t seed = 0; seed < strtoul(argv[1], NULL, 10); seed++)
            if (!random_stream(seed + 77777, targets, 400, seed & 1, seed & 2))
                return 1;
        return 0;
    }
    test_streams();
    test_small_world();
    test_lies();
    return tap_done();
}
