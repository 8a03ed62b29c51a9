/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Single facts about the truth: what is merged and hidden, what is rendered when, what counts as
 * changed, what is released when, and what a hostile guest gets. docs/spec/server-display.md 6 to 9
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <spice/enums.h>
#include <spice/qxl_dev.h>

#include "tap.h"
#include "truth-model.h"

static bool add_fill(Model *model, uint32_t surface, WireRect box, uint32_t color, uint16_t rop,
                     uint8_t effect)
{
    SceneMessage message = model_fill(surface, box, color, rop);

    return model_add(model, SPICE_MSG_DISPLAY_DRAW_FILL, &message, effect, false);
}

/* A copy of a bitmap to the top left corner (x, y), whose pixels are those of the reference where
 * nothing is said. */
static SceneMessage put_message(Model *model, uint32_t surface, uint8_t format, int32_t x,
                                int32_t y, uint32_t width, uint32_t height, WireImage **image)
{
    SceneMessage message;

    memset(&message, 0, sizeof message);
    *image = scene_bitmap(&model->scene, format, width, height);
    message.base.surface_id = surface;
    message.base.box = model_rect(x, y, x + width, y + height);
    message.copy.src_image = *image;
    message.copy.src_area = model_rect(0, 0, width, height);
    message.copy.rop_descriptor = SPICE_ROPD_OP_PUT;
    return message;
}

/* More than counters of 8 or 16 bits can say: as many clients and readers as a guest likes. */
static void test_references(void)
{
    Drawable *drawable = drawable_new();
    Blob *blob = blob_new(1);

    tap_case("drawable_refcount_overflow: a drawing that 70000 hold");
    drawable->blobs[drawable->n_blobs++] = blob_ref(blob);
    for (int i = 0; i < 70000; i++)
        drawable_ref(drawable);
    for (int i = 0; i < 70000; i++)
        drawable_unref(drawable);
    CHECK(blob->refs == 2);
    drawable_unref(drawable);
    CHECK(blob->refs == 1);
    blob_unref(blob);
}

static void test_hidden(void)
{
    Model model;
    unsigned before;

    tap_case("200 fills of one area: 199 released unrendered");
    model_init(&model, 1, 64, 64, false);
    before = model.n_released;
    for (int i = 0; i < 200; i++)
        CHECK(
            add_fill(&model, 0, model_rect(3, 3, 40, 40), i, SPICE_ROPD_OP_PUT, QXL_EFFECT_OPAQUE));
    CHECK(model.n_dropped == 199 && model.n_released == before + 199);
    CHECK(truth_n_pending(model.truth) == 1 && model.n_rendered == 0);
    CHECK(model_check_all(&model) && model.n_rendered == 1 && model.n_released == before + 200);

    tap_case("what several cover together is hidden");
    model.n_dropped = 0;
    add_fill(&model, 0, model_rect(10, 10, 30, 30), 1, SPICE_ROPD_OP_XOR, QXL_EFFECT_BLEND);
    add_fill(&model, 0, model_rect(0, 0, 20, 64), 2, SPICE_ROPD_OP_PUT, QXL_EFFECT_OPAQUE);
    CHECK(model.n_dropped == 0);
    add_fill(&model, 0, model_rect(20, 0, 64, 20), 3, SPICE_ROPD_OP_PUT, QXL_EFFECT_OPAQUE);
    CHECK(model.n_dropped == 0);
    add_fill(&model, 0, model_rect(20, 20, 30, 30), 4, SPICE_ROPD_OP_PUT, QXL_EFFECT_OPAQUE);
    CHECK(model.n_dropped == 1 && truth_n_pending(model.truth) == 3);
    CHECK(model_check_all(&model));

    tap_case("the source of a move isn't hidden, until the move is");
    model.n_dropped = 0;
    SceneMessage move;

    memset(&move, 0, sizeof move);
    move.base.box = model_rect(40, 40, 50, 50);
    move.copy_bits.src_pos = (WirePoint){0, 0};
    add_fill(&model, 0, model_rect(0, 0, 10, 10), 7, SPICE_ROPD_OP_PUT, QXL_EFFECT_OPAQUE);
    model_add(&model, SPICE_MSG_DISPLAY_COPY_BITS, &move, QXL_EFFECT_OPAQUE, false);
    add_fill(&model, 0, model_rect(0, 0, 10, 10), 8, SPICE_ROPD_OP_PUT, QXL_EFFECT_OPAQUE);
    CHECK(model.n_dropped == 0 && truth_n_pending(model.truth) == 3);
    add_fill(&model, 0, model_rect(40, 40, 50, 50), 9, SPICE_ROPD_OP_PUT, QXL_EFFECT_OPAQUE);
    CHECK(model.n_dropped == 1);
    add_fill(&model, 0, model_rect(0, 0, 10, 10), 10, SPICE_ROPD_OP_PUT, QXL_EFFECT_OPAQUE);
    CHECK(model.n_dropped == 3 && truth_n_pending(model.truth) == 2);
    CHECK(model_check_all(&model));

    tap_case("moves by nothing, or from outside, and empty regions have no effect");
    move.copy_bits.src_pos = (WirePoint){40, 40};
    CHECK(!model_add(&model, SPICE_MSG_DISPLAY_COPY_BITS, &move, QXL_EFFECT_OPAQUE, false));
    move.copy_bits.src_pos = (WirePoint){INT32_MAX, INT32_MIN};
    CHECK(!model_add(&model, SPICE_MSG_DISPLAY_COPY_BITS, &move, QXL_EFFECT_OPAQUE, false));
    CHECK(!add_fill(&model, 0, model_rect(9, 9, 9, 20), 9, SPICE_ROPD_OP_PUT, QXL_EFFECT_OPAQUE));
    CHECK(truth_n_pending(model.truth) == 0);
    model_clear(&model);
    CHECK(model.n_commands == model.n_released);
}

/* 8.5: what a second drawing does to an equal first one. */
enum { SAME, OTHER_COLOR, OTHER_ROP, OTHER_BOX, OTHER_MASK, N_VARIANTS };
enum { BOTH, FIRST, SECOND, NONE }; /* which of them are pending then */

static void test_merges(void)
{
    static const struct {
        uint8_t effect;
        uint8_t pending[N_VARIANTS];
    } table[] = {
        {QXL_EFFECT_BLEND, {BOTH, BOTH, BOTH, BOTH, BOTH}},
        {QXL_EFFECT_OPAQUE, {SECOND, SECOND, SECOND, BOTH, SECOND}},
        {QXL_EFFECT_REVERT_ON_DUP, {NONE, BOTH, BOTH, BOTH, BOTH}},
        {QXL_EFFECT_BLACKNESS_ON_DUP, {BOTH, BOTH, BOTH, BOTH, BOTH}},
        {QXL_EFFECT_WHITENESS_ON_DUP, {BOTH, BOTH, BOTH, BOTH, BOTH}},
        {QXL_EFFECT_NOP_ON_DUP, {FIRST, BOTH, BOTH, BOTH, BOTH}},
        {QXL_EFFECT_NOP, {BOTH, BOTH, BOTH, BOTH, BOTH}},
        {QXL_EFFECT_OPAQUE_BRUSH, {SECOND, SECOND, BOTH, BOTH, BOTH}},
    };
    char name[80];

    for (int stroke = 0; stroke < 2; stroke++) {
        uint16_t type = stroke ? SPICE_MSG_DISPLAY_DRAW_STROKE : SPICE_MSG_DISPLAY_DRAW_FILL;

        for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
            snprintf(name, sizeof name, "%s twice with effect %u", stroke ? "a stroke" : "a fill",
                     table[i].effect);
            tap_case(name);
            for (int variant = 0; variant < N_VARIANTS; variant++) {
                Model model;
                SceneMessage first, second;
                unsigned pending = table[i].pending[variant];
                bool added;

                model_init(&model, 5, 64, 64, false);
                first = model_fill(0, model_rect(5, 5, 40, 40), 0x334455, SPICE_ROPD_OP_XOR);
                if (stroke) {
                    scene_make(&model.scene, type, 0, &first);
                    first.base.box = model_rect(5, 5, 40, 40);
                    first.base.clip = (WireClip){0};
                    first.stroke.brush = (WireBrush){SPICE_BRUSH_TYPE_SOLID, {.color = 5}};
                    first.stroke.attr = (WireLineAttr){0};
                    first.stroke.fore_mode = SPICE_ROPD_OP_XOR;
                }
                second = first;
                switch (variant) {
                case OTHER_COLOR:
                    *(stroke ? &second.stroke.brush : &second.fill.brush) =
                        (WireBrush){SPICE_BRUSH_TYPE_SOLID, {.color = 6}};
                    break;
                case OTHER_ROP:
                    *(stroke ? &second.stroke.fore_mode : &second.fill.rop_descriptor) =
                        SPICE_ROPD_OP_OR;
                    break;
                case OTHER_BOX:
                    second.base.box = model_rect(5, 5, 39, 40);
                    break;
                case OTHER_MASK:
                    if (stroke) /* the dash style stands for it */
                        second.stroke.attr = (WireLineAttr){.flags = SPICE_LINE_FLAGS_STYLED};
                    else
                        second.fill.mask.image =
                            scene_bitmap(&model.scene, SPICE_BITMAP_FMT_1BIT_LE, 64, 64);
                    break;
                default:
                    break;
                }
                if (stroke && variant == OTHER_BOX && table[i].effect == QXL_EFFECT_OPAQUE)
                    pending = BOTH;
                CHECK(model_add(&model, type, &first, table[i].effect, false));
                added = model_add(&model, type, &second, table[i].effect, false);
                if (!CHECK(added == (pending == BOTH || pending == SECOND)) ||
                    !CHECK(model.n_dropped == (pending == SECOND || pending == NONE)) ||
                    !CHECK(truth_n_pending(model.truth) == (pending == BOTH   ? 2
                                                            : pending == NONE ? 0
                                                                              : 1)))
                    printf("# variant %d\n", variant);
                model_clear(&model);
                CHECK(model.n_commands == model.n_released);
            }
        }
    }
}

static void test_merge_conditions(void)
{
    Model model;
    SceneMessage move;

    tap_case("nothing is undone across what has to do with its pixels");
    model_init(&model, 6, 64, 64, true);
    memset(&move, 0, sizeof move);
    move.base.box = model_rect(40, 40, 50, 50);
    move.copy_bits.src_pos = (WirePoint){5, 5};
    add_fill(&model, 1, model_rect(0, 0, 10, 10), 0xff, SPICE_ROPD_OP_XOR,
             QXL_EFFECT_REVERT_ON_DUP);
    add_fill(&model, 1, model_rect(9, 9, 20, 20), 0xff, SPICE_ROPD_OP_OR, QXL_EFFECT_BLEND);
    CHECK(add_fill(&model, 1, model_rect(0, 0, 10, 10), 0xff, SPICE_ROPD_OP_XOR,
                   QXL_EFFECT_REVERT_ON_DUP));
    move.base.surface_id = 1;
    model_add(&model, SPICE_MSG_DISPLAY_COPY_BITS, &move, QXL_EFFECT_OPAQUE, false);
    CHECK(add_fill(&model, 1, model_rect(0, 0, 10, 10), 0xff, SPICE_ROPD_OP_XOR,
                   QXL_EFFECT_REVERT_ON_DUP));
    CHECK(truth_n_pending(model.truth) == 5);
    /* But across what hasn't. */
    add_fill(&model, 1, model_rect(30, 9, 33, 20), 0xff, SPICE_ROPD_OP_OR, QXL_EFFECT_BLEND);
    CHECK(!add_fill(&model, 1, model_rect(0, 0, 10, 10), 0xff, SPICE_ROPD_OP_XOR,
                    QXL_EFFECT_REVERT_ON_DUP));
    CHECK(model_check_all(&model));

    tap_case("a client that got the first gets the second");
    add_fill(&model, 1, model_rect(0, 0, 10, 10), 0xff, SPICE_ROPD_OP_XOR,
             QXL_EFFECT_REVERT_ON_DUP);
    ((Drawable *)g_queue_peek_head(&model.queue))->sent = true;
    CHECK(add_fill(&model, 1, model_rect(0, 0, 10, 10), 0xff, SPICE_ROPD_OP_XOR,
                   QXL_EFFECT_REVERT_ON_DUP));
    CHECK(truth_n_pending(model.truth) == 2);
    model_clear(&model);
}

static SceneMessage surface_copy(uint32_t to, WireRect box, uint32_t from, int32_t x, int32_t y,
                                 WireImage *image)
{
    SceneMessage message;

    memset(&message, 0, sizeof message);
    memset(image, 0, sizeof *image);
    image->type = SPICE_IMAGE_TYPE_SURFACE;
    image->u.surface.surface_id = from;
    message.base.surface_id = to;
    message.base.box = box;
    message.copy.src_image = image;
    message.copy.src_area = model_rect(x, y, x + box.right - box.left, y + box.bottom - box.top);
    message.copy.rop_descriptor = SPICE_ROPD_OP_PUT;
    return message;
}

static void test_dependencies(void)
{
    Model model;
    WireImage image;
    SceneMessage copy;
    pixman_box32_t area = {0, 0, 10, 10};
    GuestResource *create, *destroy;

    tap_case("what reads a surface is rendered when the area read changes, not before");
    model_init(&model, 7, 64, 64, false);
    add_fill(&model, 6, model_rect(0, 0, 30, 30), 11, SPICE_ROPD_OP_PUT, QXL_EFFECT_OPAQUE);
    copy = surface_copy(0, model_rect(0, 0, 10, 10), 6, 5, 5, &image);
    model_add(&model, SPICE_MSG_DISPLAY_DRAW_COPY, &copy, QXL_EFFECT_OPAQUE, false);
    add_fill(&model, 6, model_rect(20, 20, 64, 64), 12, SPICE_ROPD_OP_PUT, QXL_EFFECT_OPAQUE);
    CHECK(truth_n_pending(model.truth) == 3);
    add_fill(&model, 6, model_rect(14, 14, 64, 64), 13, SPICE_ROPD_OP_PUT, QXL_EFFECT_OPAQUE);
    /* The copy, and what it read. */
    CHECK(model.n_rendered == 2 && model.n_dropped == 1 && truth_n_pending(model.truth) == 1);
    CHECK(model_check_all(&model));

    tap_case("an area asked for renders what touches it, and what that reads");
    model.n_rendered = 0;
    add_fill(&model, 6, model_rect(0, 0, 30, 30), 21, SPICE_ROPD_OP_PUT, QXL_EFFECT_OPAQUE);
    model_add(&model, SPICE_MSG_DISPLAY_DRAW_COPY, &copy, QXL_EFFECT_OPAQUE, false);
    add_fill(&model, 0, model_rect(40, 40, 50, 50), 22, SPICE_ROPD_OP_PUT, QXL_EFFECT_OPAQUE);
    add_fill(&model, 6, model_rect(40, 40, 50, 50), 23, SPICE_ROPD_OP_PUT, QXL_EFFECT_OPAQUE);
    area = (pixman_box32_t){20, 0, 30, 64};
    truth_render_area(model.truth, truth_surface(model.truth, 0), &area);
    CHECK(model.n_rendered == 0);
    area.x1 = 9;
    truth_render_area(model.truth, truth_surface(model.truth, 0), &area);
    CHECK(model.n_rendered == 2 && truth_n_pending(model.truth) == 2);
    CHECK(model_check_area(&model, 0, &area));
    CHECK(model_check_all(&model));

    tap_case("a surface goes: its readers are rendered, its own drawings dropped");
    model.n_rendered = model.n_dropped = 0;
    add_fill(&model, 6, model_rect(0, 0, 30, 30), 31, SPICE_ROPD_OP_PUT, QXL_EFFECT_OPAQUE);
    model_add(&model, SPICE_MSG_DISPLAY_DRAW_COPY, &copy, QXL_EFFECT_OPAQUE, false);
    add_fill(&model, 6, model_rect(40, 40, 50, 50), 33, SPICE_ROPD_OP_PUT, QXL_EFFECT_OPAQUE);
    create = truth_surface(model.truth, 6)->create;
    guest_resource_ref(create);
    destroy = guest_resource_ref(model_resource(&model, NULL));
    truth_destroy_surface(model.truth, truth_surface(model.truth, 6), destroy);
    CHECK(create->refs == 1 && destroy->refs == 1);
    guest_resource_unref(create);
    guest_resource_unref(destroy);
    CHECK(model.n_rendered == 2 && model.n_dropped == 1 && truth_n_pending(model.truth) == 0);
    CHECK(truth_surface(model.truth, 6) == NULL);
    free(model.memory[6]);
    model.memory[6] = NULL;
    canvas_surface_clear(session_surface(&model.scene.session, 6));
    model_create(&model, 6, false);
    CHECK(model_check_all(&model));

    tap_case("surfaces that can't be made: the command is given back");
    uint32_t memory[16];
    unsigned released = model.n_released;

    CHECK(!truth_create_surface(model.truth, 6, SPICE_SURFACE_FMT_32_xRGB, 2, 2, 8,
                                (uint8_t *)memory, false, model_resource(&model, NULL)));
    CHECK(!truth_create_surface(model.truth, MODEL_SURFACES, SPICE_SURFACE_FMT_32_xRGB, 2, 2, 8,
                                (uint8_t *)memory, false, model_resource(&model, NULL)));
    truth_destroy_surface(model.truth, truth_surface(model.truth, 6), NULL);
    CHECK(!truth_create_surface(model.truth, 6, 77, 2, 2, 8, (uint8_t *)memory, false,
                                model_resource(&model, NULL)));
    CHECK(!truth_create_surface(model.truth, 6, SPICE_SURFACE_FMT_32_xRGB, 2, 2, INT32_MIN,
                                (uint8_t *)memory, false, model_resource(&model, NULL)));
    CHECK(!truth_create_surface(model.truth, 6, SPICE_SURFACE_FMT_32_xRGB, 2, 2, 8,
                                (uint8_t *)memory + 2, false, model_resource(&model, NULL)));
    CHECK(model.n_released == released + 6);
    memset(memory, 0xff, sizeof memory);
    CHECK(truth_create_surface(model.truth, 6, SPICE_SURFACE_FMT_32_xRGB, 2, 2, -16,
                               (uint8_t *)(memory + 4), false, NULL) != NULL);
    /* What lies between the rows, too. */
    CHECK(memory[0] == 0 && memory[3] == 0 && memory[7] == 0 && memory[8] == 0xffffffff);
    model_clear(&model);
    CHECK(model.n_commands == model.n_released);
}

static bool region_is(pixman_region32_t *region, int32_t x1, int32_t y1, int32_t x2, int32_t y2)
{
    pixman_box32_t *box = pixman_region32_extents(region);

    return pixman_region32_n_rects(region) == 1 && box->x1 == x1 && box->y1 == y1 &&
           box->x2 == x2 && box->y2 == y2;
}

/* The pixels that the reference shows, in the rows of an image. */
static void copy_shown(Model *model, uint32_t surface, int32_t x, int32_t y, WireImage *image)
{
    WireBitmap *bitmap = &image->u.bitmap;
    CanvasSurface *reference = session_surface(&model->scene.session, surface);

    for (uint32_t i = 0; i < bitmap->y; i++) {
        uint32_t row = bitmap->flags & SPICE_BITMAP_FLAGS_TOP_DOWN ? i : bitmap->y - 1 - i;

        memcpy((uint8_t *)bitmap->data.data + (size_t)i * bitmap->stride,
               scene_row(reference, y + (int32_t)row) + 4 * x, 4 * bitmap->x);
    }
}

static uint8_t *image_pixel(const WireImage *image, uint32_t x, uint32_t y)
{
    const WireBitmap *bitmap = &image->u.bitmap;
    uint32_t row = bitmap->flags & SPICE_BITMAP_FLAGS_TOP_DOWN ? y : bitmap->y - 1 - y;

    return (uint8_t *)bitmap->data.data + (size_t)row * bitmap->stride + 4 * x;
}

static Drawable *put(Model *model, const SceneMessage *message, bool borrow)
{
    Drawable *drawable = model_drawable(model, SPICE_MSG_DISPLAY_DRAW_COPY, message, borrow);

    session_draw(&model->scene.session, SPICE_MSG_DISPLAY_DRAW_COPY, message);
    drawable_ref(drawable);
    truth_add(model->truth, drawable);
    truth_render(model->truth, drawable);
    return drawable;
}

static void test_diff(void)
{
    Model model;
    SceneMessage message;
    WireImage *image;
    Drawable *drawable;
    Surface *surface;

    tap_case("only what changed is changed and dirty");
    model_init(&model, 8, 300, 220, false);
    surface = truth_surface(model.truth, 6);
    message = put_message(&model, 6, SPICE_BITMAP_FMT_32BIT, 11, 13, 250, 190, &image);
    copy_shown(&model, 6, 11, 13, image);
    drawable = put(&model, &message, true);
    CHECK(drawable->state == DRAWABLE_RENDERED && drawable->put);
    CHECK(!pixman_region32_not_empty(&drawable->changed) && drawable->n_blobs == 0);
    CHECK(!pixman_region32_not_empty(&surface->dirty) && drawable->resource == NULL);
    drawable_unref(drawable);
    *image_pixel(image, 100, 52) ^= 1;
    *image_pixel(image, 103, 61) ^= 1;
    drawable = put(&model, &message, true);
    CHECK(region_is(&drawable->changed, 111, 65, 115, 75));
    CHECK(region_is(&surface->dirty, 111, 65, 115, 75));
    /* Its pixels are the guest's again: the message draws nothing. */
    CHECK(drawable->n_blobs == 0 && drawable->n_borrowed == 0 &&
          drawable->message.base.box.right == 0);
    drawable_unref(drawable);
    pixman_region32_clear(&surface->dirty);
    /* Two corners: two rectangles. */
    *image_pixel(image, 0, 0) ^= 1;
    *image_pixel(image, 249, 189) ^= 1;
    drawable = put(&model, &message, true);
    CHECK(pixman_region32_n_rects(&drawable->changed) == 2 &&
          pixman_region32_rectangles(&drawable->changed, NULL)[0].x2 == 12 &&
          pixman_region32_rectangles(&drawable->changed, NULL)[1].y1 == 202);
    drawable_unref(drawable);
    /* Pixels of its own aren't needed any more either, except for an image for clients' caches. */
    *image_pixel(image, 7, 7) ^= 1;
    drawable = put(&model, &message, false);
    CHECK(region_is(&drawable->changed, 18, 20, 19, 21) && drawable->message.base.box.right == 0);
    drawable_unref(drawable);
    *image_pixel(image, 7, 7) ^= 1;
    image->flags = SPICE_IMAGE_FLAGS_CACHE_ME;
    drawable = put(&model, &message, false);
    CHECK(region_is(&drawable->changed, 18, 20, 19, 21) && drawable->message.base.box.right == 261);
    drawable_unref(drawable);
    image->flags = 0;
    /* A changed column is one rectangle, whatever the cells are. */
    for (uint32_t y = 0; y < 190; y++)
        *image_pixel(image, 77, y) ^= 4;
    drawable = put(&model, &message, true);
    CHECK(region_is(&drawable->changed, 88, 13, 89, 203));
    drawable_unref(drawable);
    CHECK(model_check_all(&model));

    tap_case("top bytes of the primary are written and don't count");
    message = put_message(&model, 0, SPICE_BITMAP_FMT_32BIT, 11, 13, 250, 190, &image);
    copy_shown(&model, 0, 11, 13, image);
    image_pixel(image, 50, 60)[3] ^= 0x80;
    surface = truth_surface(model.truth, 0);
    drawable = put(&model, &message, true);
    CHECK(!pixman_region32_not_empty(&drawable->changed) &&
          !pixman_region32_not_empty(&surface->dirty));
    drawable_unref(drawable);
    CHECK(model_check_all(&model));
    model_clear(&model);
    CHECK(model.n_commands == model.n_released);
}

/* Every format to every surface, at many places: pixels as from the canvas, and all that differs is
 * in 'changed'. */
static void test_diff_formats(void)
{
    static const uint8_t formats[] = {SPICE_BITMAP_FMT_16BIT, SPICE_BITMAP_FMT_24BIT,
                                      SPICE_BITMAP_FMT_32BIT, SPICE_BITMAP_FMT_RGBA,
                                      SPICE_BITMAP_FMT_8BIT_A};
    Model model;

    tap_case("images of all formats on all surfaces, changed in part");
    model_init(&model, 9, 290, 150, true);
    for (int i = 0; i < 300; i++) {
        uint32_t surface = 1 + scene_random(&model.scene, MODEL_SURFACES - 1);
        uint32_t width = 1 + scene_random(&model.scene, 200),
                 height = 1 + scene_random(&model.scene, 120);
        WireImage *image;
        SceneMessage message =
            put_message(&model, surface, formats[scene_random(&model.scene, 5)],
                        scene_random(&model.scene, 290 - width),
                        scene_random(&model.scene, 150 - height), width, height, &image);

        image->flags = scene_random(&model.scene, 2) ? SPICE_IMAGE_FLAGS_HIGH_BITS_SET : 0;
        for (int j = 0; j < 3; j++) {
            model_add(&model, SPICE_MSG_DISPLAY_DRAW_COPY, &message, QXL_EFFECT_OPAQUE,
                      scene_random(&model.scene, 2));
            /* Rendered against an equal, or nearly equal picture the next time. */
            model_walk(&model, 10);
            truth_render_all(model.truth);
            ((uint8_t *)image->u.bitmap.data
                 .data)[scene_random(&model.scene, image->u.bitmap.data.size)] ^= 0x11;
            if (scene_random(&model.scene, 3) == 0) {
                WireRect *rects = wire_arena_alloc(&model.scene.arena, 400 * sizeof *rects);
                uint32_t n = scene_random(&model.scene, 2) ? 400 : 5;

                for (uint32_t k = 0; k < n; k++) {
                    int32_t x = scene_random(&model.scene, 280),
                            y = scene_random(&model.scene, 140);

                    rects[k] =
                        model_rect(x, y, x + 1 + (int32_t)scene_random(&model.scene, 9), y + 7);
                }
                message.base.clip = (WireClip){SPICE_CLIP_TYPE_RECTS, n, rects};
            }
        }
    }
    CHECK(model_check_all(&model));
    model_clear(&model);
    CHECK(model.n_commands == model.n_released);
}

static void test_lying_bitmaps(void)
{
    Model model;
    SceneMessage message;
    WireImage *image;

    tap_case("bitmaps with less than they say draw nothing");
    model_init(&model, 10, 64, 64, false);
    for (int i = 0; i < 6; i++) {
        Drawable *drawable;
        struct iovec piece;

        message = put_message(&model, 0, SPICE_BITMAP_FMT_32BIT, 1, 1, 20, 20, &image);
        drawable = model_drawable(&model, SPICE_MSG_DISPLAY_DRAW_COPY, &message, false);
        piece = (struct iovec){(void *)image->u.bitmap.data.data, image->u.bitmap.data.size};
        if (i & 1) {
            piece.iov_len--;
            drawable->borrowed = &piece;
            drawable->n_borrowed = 1;
        } else {
            image->u.bitmap.data.size--;
        }
        if (i >= 2)
            image->u.bitmap.stride = i >= 4 ? UINT32_MAX : 79;
        drawable_ref(drawable);
        CHECK(truth_add(model.truth, drawable));
        truth_render_all(model.truth);
        CHECK(!pixman_region32_not_empty(&drawable->changed));
        drawable_unref(drawable);
    }
    CHECK(model_check_all(&model));
    model_clear(&model);
    CHECK(model.n_commands == model.n_released);
}

static void test_pixels(void)
{
    Model model;
    pixman_box32_t area = {5, 6, 20, 30};
    static const uint8_t formats[] = {SPICE_BITMAP_FMT_32BIT,  SPICE_BITMAP_FMT_RGBA,
                                      SPICE_BITMAP_FMT_16BIT,  SPICE_BITMAP_FMT_32BIT,
                                      SPICE_BITMAP_FMT_8BIT_A, SPICE_BITMAP_FMT_8BIT_A};

    tap_case("copied pixels, drawn again, are the same");
    model_init(&model, 11, 64, 64, false);
    for (uint32_t id = 0; id < SCENE_TARGETS; id++) {
        Surface *surface = truth_surface(model.truth, id);
        CanvasSurface *reference = session_surface(&model.scene.session, id);
        Drawable *drawable = drawable_new();
        uint8_t format, flags;
        uint32_t stride;
        Blob *blob = truth_copy_pixels(surface, &area, &format, &flags, &stride);
        const WireImage *image;
        SceneMessage message;

        CHECK(blob && format == formats[id] && flags == 0 && blob->size == (size_t)stride * 24 &&
              stride % 15 == 0);
        blob_unref(blob);
        /* What is pending counts. */
        add_fill(&model, id, model_rect(0, 0, 12, 64), 0x7fffffff, SPICE_ROPD_OP_XOR,
                 QXL_EFFECT_BLEND);
        image = truth_self_bitmap(model.truth, surface, &area, drawable);
        CHECK(image && truth_n_pending(model.truth) == 0 && drawable->n_blobs == 1 &&
              image->width == 15 && image->height == 24 && image->u.bitmap.stride % 4 == 0);
        memset(&message, 0, sizeof message);
        message.base.surface_id = id;
        message.base.box = model_rect(5, 6, 20, 30);
        message.copy.src_image = image;
        message.copy.src_area = model_rect(0, 0, 15, 24);
        message.copy.rop_descriptor = SPICE_ROPD_OP_PUT;
        for (int32_t y = 6; y < 30; y++)
            memset(scene_row(reference, y) + (id == 5   ? 1
                                              : id == 4 ? 5
                                              : id > 1  ? 10
                                                        : 20),
                   0x33, 1);
        CHECK(session_draw(&model.scene.session, SPICE_MSG_DISPLAY_DRAW_COPY, &message) ==
              CANVAS_OK);
        if (id != 0 && id != 5)
            CHECK(model_check_area(&model, id, &area));
        for (int i = 0; i < 2; i++)
            CHECK(truth_self_bitmap(model.truth, surface, &area, drawable) != NULL);
        CHECK(truth_self_bitmap(model.truth, surface, &area, drawable) == NULL);
        drawable_unref(drawable);
    }

    tap_case("top bytes of off-screen surfaces");
    static const struct {
        uint8_t top[2], format, flags;
    } tops[] = {{{0, 0}, SPICE_BITMAP_FMT_32BIT, 0},
                {{255, 255}, SPICE_BITMAP_FMT_32BIT, SPICE_IMAGE_FLAGS_HIGH_BITS_SET},
                {{0, 255}, SPICE_BITMAP_FMT_RGBA, 0},
                {{3, 255}, SPICE_BITMAP_FMT_RGBA, 0}};

    for (size_t i = 0; i < G_N_ELEMENTS(tops); i++) {
        Surface *surface = truth_surface(model.truth, 6);
        uint8_t format, flags;
        uint32_t stride;
        Blob *blob;

        for (int32_t y = 0; y < 64; y++)
            for (int32_t x = 0; x < 64; x++)
                scene_row(surface->canvas, y)[4 * x + 3] = tops[i].top[x == 9 && y == 9];
        blob = truth_copy_pixels(surface, &area, &format, &flags, &stride);
        CHECK(format == tops[i].format && flags == tops[i].flags);
        blob_unref(blob);
    }

    tap_case("areas that aren't on the surface");
    Surface *surface = truth_surface(model.truth, 0);
    uint8_t format, flags;
    uint32_t stride;
    static const pixman_box32_t bad[] = {
        {64, 0, 70, 10}, {0, 64, 10, 70}, {-9, 0, 0, 9}, {7, 7, 7, 9}, {9, 9, 3, 12}};

    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        CHECK(!truth_copy_pixels(surface, &bad[i], &format, &flags, &stride));
    area = (pixman_box32_t){INT32_MIN, INT32_MIN, INT32_MAX, INT32_MAX};
    Blob *blob = truth_copy_pixels(surface, &area, &format, &flags, &stride);

    CHECK(blob && blob->size == 64 * 64 * 4);
    blob_unref(blob);
    truth_render_area(model.truth, surface, &area);
    model_clear(&model);
    CHECK(model.n_commands == model.n_released);
}

static void test_trim(void)
{
    Model model;
    WireImage *image;
    SceneMessage message;

    tap_case("trimming renders the oldest, or those with the guest's memory");
    model_init(&model, 12, 64, 64, false);
    for (int i = 0; i < 40; i++)
        add_fill(&model, i % 3, model_rect(i, 0, i + 1, 60), 1, SPICE_ROPD_OP_PUT,
                 QXL_EFFECT_OPAQUE);
    truth_trim(model.truth, 30, SIZE_MAX);
    CHECK(truth_n_pending(model.truth) == 30 && model.n_rendered == 10);
    /* Just what is too much: whoever waits for the worker doesn't wait for more. */
    add_fill(&model, 0, model_rect(41, 0, 42, 60), 1, SPICE_ROPD_OP_PUT, QXL_EFFECT_OPAQUE);
    truth_trim(model.truth, 30, SIZE_MAX);
    CHECK(truth_n_pending(model.truth) == 30 && model.n_rendered == 11);
    message = put_message(&model, 0, SPICE_BITMAP_FMT_32BIT, 41, 0, 20, 20, &image);
    model_add(&model, SPICE_MSG_DISPLAY_DRAW_COPY, &message, QXL_EFFECT_OPAQUE, true);
    message.base.surface_id = 1;
    model_add(&model, SPICE_MSG_DISPLAY_DRAW_COPY, &message, QXL_EFFECT_OPAQUE, true);
    add_fill(&model, 5, model_rect(1, 0, 9, 60), 1, SPICE_ROPD_OP_PUT, QXL_EFFECT_OPAQUE);
    CHECK(truth_borrowed(model.truth) == 2 * image->u.bitmap.data.size);
    truth_trim(model.truth, 1000, image->u.bitmap.data.size);
    /* The first of the two, and what it touches. */
    CHECK(truth_borrowed(model.truth) == image->u.bitmap.data.size && model.n_rendered < 10 + 12 &&
          truth_n_pending(model.truth) > 12);
    CHECK(model_check_all(&model) && truth_borrowed(model.truth) == 0);
    model_clear(&model);
    CHECK(model.n_commands == model.n_released);
}

/* Clips of 64 Ki rectangles, thousands of drawings that overlap and read one another. */
static void test_hostile_amounts(void)
{
    enum { N_RECTS = 65536 };
    Model model;
    WireRect *rects = g_new(WireRect, N_RECTS);
    SceneMessage message, move;

    tap_case("thousands of drawings, clips of 64 Ki rectangles");
    model_init(&model, 13, 700, 700, false);
    for (int i = 0; i < N_RECTS; i++) {
        int32_t x = i % 256 * 2, y = i / 256 * 2 % 690;

        rects[i] = model_rect(x, y, x + 1, y + 1);
    }
    for (int i = 0; i < 100; i++) {
        Drawable *drawable;

        message = model_fill(0, model_rect(0, 0, 690, 690), i, SPICE_ROPD_OP_XOR);
        message.base.clip = (WireClip){SPICE_CLIP_TYPE_RECTS, N_RECTS, rects};
        drawable = model_drawable(&model, SPICE_MSG_DISPLAY_DRAW_FILL, &message, false);
        drawable->effect = i % 2 ? QXL_EFFECT_OPAQUE : QXL_EFFECT_REVERT_ON_DUP;
        truth_add(model.truth, drawable);
        message.copy_bits.src_pos = (WirePoint){i, 2};
        drawable = model_drawable(&model, SPICE_MSG_DISPLAY_COPY_BITS, &message, false);
        drawable->effect = QXL_EFFECT_OPAQUE;
        truth_add(model.truth, drawable);
        truth_sweep_all(model.truth);
    }
    CHECK(truth_n_pending(model.truth) < 200);
    CHECK(pixman_region32_n_rects(&truth_surface(model.truth, 0)->dirty) <= 256);
    for (int i = 0; i < 6000; i++) {
        Drawable *drawable;

        memset(&move, 0, sizeof move);
        move.base.surface_id = i % 2;
        move.base.box = model_rect(i % 600, 0, i % 600 + 50, 600);
        move.copy_bits.src_pos = (WirePoint){(i * 7) % 600, 3};
        drawable = model_drawable(&model, SPICE_MSG_DISPLAY_COPY_BITS, &move, false);
        drawable->effect = QXL_EFFECT_OPAQUE;
        drawable->reads[drawable->n_reads].surface =
            surface_ref(truth_surface(model.truth, 1 - i % 2));
        drawable->reads[drawable->n_reads++].area =
            (pixman_box32_t){0, 600 + i % 90, 600, 601 + i % 90};
        truth_add(model.truth, drawable);
    }
    CHECK(truth_n_pending(model.truth) > 0 && truth_n_pending(model.truth) <= 4096);
    truth_render_all(model.truth);
    g_free(rects);
    model_clear(&model);
    CHECK(model.n_commands == model.n_released);
}

/* The guest writes while its pixels are read. */
typedef struct Writer {
    volatile uint8_t *memory;
    size_t size;
    atomic_bool stop;
} Writer;

static void *write_on(void *data)
{
    Writer *writer = data;

    for (uint8_t value = 0; !writer->stop; value++)
        for (size_t i = 0; i < writer->size; i += 7)
            writer->memory[i] = value;
    return NULL;
}

static void test_changing_memory(void)
{
    Model model;
    Writer writer = {.size = 200 * 150 * 4};
    pthread_t thread;
    struct iovec pieces[2];
    uint8_t *memory = malloc(writer.size);

    tap_case("borrowed pixels that change while they are read");
    model_init(&model, 14, 256, 256, false);
    memset(memory, 0, writer.size);
    writer.memory = memory;
    pieces[0] = (struct iovec){memory, 12345};
    pieces[1] = (struct iovec){memory + 12345, writer.size - 12345};
    pthread_create(&thread, NULL, write_on, &writer);
    for (int i = 0; i < 200; i++) {
        WireImage *image = scene_bitmap(&model.scene, SPICE_BITMAP_FMT_32BIT, 200, 150);
        WireImage copy = *image;
        SceneMessage message;
        Drawable *drawable;

        copy.u.bitmap.stride = 800;
        copy.u.bitmap.data = (WireBytes){NULL, 0};
        memset(&message, 0, sizeof message);
        message.base.surface_id = i % 2 ? 0 : 2;
        message.base.box = model_rect(3, 3, 203, 153);
        message.copy.src_image = &copy;
        message.copy.src_area = model_rect(0, 0, 200, 150);
        message.copy.rop_descriptor = SPICE_ROPD_OP_PUT;
        drawable = model_drawable(&model, SPICE_MSG_DISPLAY_DRAW_COPY, &message, false);
        drawable->borrowed = pieces;
        drawable->n_borrowed = 2;
        CHECK(drawable->put);
        CHECK(truth_add(model.truth, drawable_ref(drawable)));
        truth_render_all(model.truth);
        CHECK(drawable->state == DRAWABLE_RENDERED && drawable->n_borrowed == 0 &&
              drawable->message.base.box.right == 0);
        drawable_unref(drawable);
        scene_forget(&model.scene);
    }
    writer.stop = true;
    pthread_join(thread, NULL);
    free(memory);
    model_clear(&model);
    CHECK(model.n_commands == model.n_released);
}

int main(void)
{
    test_references();
    test_hidden();
    test_merges();
    test_merge_conditions();
    test_dependencies();
    test_diff();
    test_diff_formats();
    test_lying_bitmaps();
    test_pixels();
    test_trim();
    test_hostile_amounts();
    test_changing_memory();
    return tap_done();
}
