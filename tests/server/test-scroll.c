/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Finding moved pixels: offsets and rectangles that are there are found, others aren't; and a
 * client that moves its own pixels ends with the same picture. docs/spec/server-display.md 26.3 */
#include <stdlib.h>
#include <string.h>

#include <spice/enums.h>
#include <spice/qxl_dev.h>

#include "canvas/pixels.h"
#include "display/scroll.h"
#include "tap.h"
#include "truth-model.h"

enum { WIDTH = 640, HEIGHT = 480 };

typedef struct Page {
    CanvasPixels old, new;
    pixman_box32_t box;
    uint64_t seed;
} Page;

static uint32_t next(Page *page, uint32_t n)
{
    page->seed ^= page->seed << 13;
    page->seed ^= page->seed >> 7;
    page->seed ^= page->seed << 17;
    return (uint32_t)(page->seed >> 20) % n;
}

static void set(const CanvasPixels *pixels, int32_t x, int32_t y, uint32_t value)
{
    uint8_t *row = canvas_row(pixels, y);

    if (pixels->format == PIXMAN_x1r5g5b5)
        ((uint16_t *)row)[x] = value;
    else
        ((uint32_t *)row)[x] = value;
}

/* Lines of dark marks on white, with empty lines between them. */
static void write_text(Page *page, const CanvasPixels *pixels, const pixman_box32_t *box)
{
    for (int32_t y = box->y1; y < box->y2; y++)
        for (int32_t x = box->x1; x < box->x2; x++)
            set(pixels, x, y, 0xffffff);
    for (int32_t line = box->y1; line + 16 <= box->y2; line += 16) {
        int32_t end = box->x1 + (box->x2 - box->x1) / 4 +
                      (int32_t)next(page, (box->x2 - box->x1) * 3 / 4 + 1);

        for (int32_t y = line + 2; y < line + 13; y++)
            for (int32_t x = box->x1 + 6; x < MIN(end, box->x2); x++)
                if (next(page, 3) == 0)
                    set(pixels, x, y, 0x202020 + (next(page, 2) << 7));
    }
}

static CanvasPixels page_pixels(pixman_format_code_t format)
{
    size_t stride = WIDTH * PIXMAN_FORMAT_BPP(format) / 8;

    return (CanvasPixels){calloc(HEIGHT, stride), stride, WIDTH, HEIGHT, format};
}

static void copy_page(Page *page)
{
    memcpy(page->new.data, page->old.data, page->old.stride * HEIGHT);
}

static void page_init(Page *page, pixman_format_code_t format, uint64_t seed)
{
    const pixman_box32_t all = {0, 0, WIDTH, HEIGHT};

    page->seed = seed * 0x9e3779b97f4a7c15u + 77;
    page->old = page_pixels(format);
    page->new = page_pixels(format);
    page->box = all;
    write_text(page, &page->old, &all);
    copy_page(page);
}

static void page_clear(Page *page)
{
    free(page->old.data);
    free(page->new.data);
}

/* Pixels of the old page to the new one. */
static void move(Page *page, pixman_box32_t to, int32_t dx, int32_t dy)
{
    size_t size = canvas_unpacked_size(page->old.format);

    for (int32_t y = to.y1; y < to.y2; y++)
        memcpy(canvas_row(&page->new, y) + to.x1 * size,
               canvas_row(&page->old, y - dy) + (to.x1 - dx) * size, (to.x2 - to.x1) * size);
}

static const uint8_t *page_row(void *context, int32_t y)
{
    const Page *page = context;

    return canvas_row(&page->new, y) +
           page->box.x1 * (ptrdiff_t)canvas_unpacked_size(page->new.format);
}

static bool find(Page *page, ScrollMove *found)
{
    const ScrollSource source = {page_row, page};

    ScrollMove hinted, misled = {.dx = 5, .dy = -11};
    bool any;

    *found = (ScrollMove){0};
    any = scroll_find(&page->old, &page->box, &source, true, found);
    /* An offset to try first changes nothing when it is right, or of no use. */
    hinted = *found;
    if (any) {
        CHECK(scroll_find(&page->old, &page->box, &source, true, &hinted));
        CHECK(memcmp(&hinted, found, sizeof(hinted)) == 0);
        CHECK(scroll_goes_on(&page->old, &page->box, &source, found));
        hinted.dy += hinted.dy < 0 ? 1 : -1;
        CHECK(!scroll_goes_on(&page->old, &page->box, &source, &hinted));
    }
    hinted = *found;
    CHECK(scroll_find(&page->old, &page->box, &source, true, &misled) == any);
    return any;
}

/* Is the offset right for the whole rectangle, and the rectangle at least the one wanted? */
static bool found_is(const Page *page, const ScrollMove *found, pixman_box32_t to, int32_t dx,
                     int32_t dy)
{
    size_t size = canvas_unpacked_size(page->old.format);

    if (found->dx != dx || found->dy != dy || found->to.x1 > to.x1 || found->to.y1 > to.y1 ||
        found->to.x2 < to.x2 || found->to.y2 < to.y2) {
        printf("# found %d,%d to %d,%d by %d,%d; wanted %d,%d to %d,%d by %d,%d\n", found->to.x1,
               found->to.y1, found->to.x2, found->to.y2, found->dx, found->dy, to.x1, to.y1, to.x2,
               to.y2, dx, dy);
        return false;
    }
    for (int32_t y = to.y1; y < to.y2; y++)
        if (memcmp(canvas_row(&page->new, y) + to.x1 * size,
                   canvas_row(&page->old, y - dy) + (to.x1 - dx) * size,
                   (to.x2 - to.x1) * size) != 0)
            return false;
    return true;
}

/* Pixels that were right, and aren't after the move. */
static unsigned disturbed(const Page *page, const ScrollMove *found)
{
    unsigned n = 0;

    for (int32_t y = found->to.y1; y < found->to.y2; y++)
        for (int32_t x = found->to.x1; x < found->to.x2; x++) {
            uint32_t now = ((uint32_t *)canvas_row(&page->new, y))[x];

            n += now == ((uint32_t *)canvas_row(&page->old, y))[x] &&
                 now != ((uint32_t *)canvas_row(&page->old, y - found->dy))[x - found->dx];
        }
    return n;
}

static void test_scrolled(pixman_format_code_t format)
{
    static const int32_t by[] = {1, 3, 16, 48, 100, 150, -1, -2, -16, -64, -150};
    Page page;
    ScrollMove found;

    for (size_t i = 0; i < sizeof by / sizeof *by; i++) {
        pixman_box32_t to = {0, MAX(by[i], 0), WIDTH, HEIGHT + MIN(by[i], 0)},
                       fresh = {0, by[i] > 0 ? 0 : to.y2, WIDTH, by[i] > 0 ? to.y1 : HEIGHT};

        page_init(&page, format, i);
        move(&page, to, 0, by[i]);
        write_text(&page, &page.new, &fresh);
        CHECK(find(&page, &found) && found_is(&page, &found, to, 0, by[i]));
        page_clear(&page);

        /* Sideways, where the rows are wide enough to be known again. */
        page_init(&page, format, i + 100);
        to = (pixman_box32_t){MAX(by[i], 0), 0, WIDTH + MIN(by[i], 0), HEIGHT};
        fresh = (pixman_box32_t){by[i] > 0 ? 0 : to.x2, 0, by[i] > 0 ? to.x1 : WIDTH, HEIGHT};
        move(&page, to, by[i], 0);
        write_text(&page, &page.new, &fresh);
        to.y1 = 3;
        to.y2 = HEIGHT - 4;
        CHECK(find(&page, &found) && found_is(&page, &found, to, by[i], 0));
        page_clear(&page);
    }
}

static void test_parts(void)
{
    Page page;
    ScrollMove found;
    pixman_box32_t to;

    tap_case("a pane is scrolled between others that stand still");
    page_init(&page, PIXMAN_x8r8g8b8, 5);
    to = (pixman_box32_t){160, 64, 600, 400};
    move(&page, to, 0, -32);
    write_text(&page, &page.new, &(pixman_box32_t){160, 400, 600, 432});
    CHECK(find(&page, &found));
    CHECK(found_is(&page, &found, (pixman_box32_t){160, 64, 600, 400}, 0, -32));
    /* What stands still isn't moved. */
    CHECK(disturbed(&page, &found) < 440 * 336 / 50);
    page_clear(&page);

    tap_case("the source lies outside of the box");
    page_init(&page, PIXMAN_x8r8g8b8, 6);
    page.box = (pixman_box32_t){96, 100, 128, 380};
    to = page.box;
    move(&page, to, 0, -64);
    CHECK(find(&page, &found) && found_is(&page, &found, to, 0, -64));
    page_clear(&page);

    tap_case("a window is moved");
    for (int i = 0; i < 12; i++) {
        int32_t dx = (int32_t)(i * 29) % 120 - 60, dy = (int32_t)(i * 17) % 80 - 37;

        page_init(&page, PIXMAN_x8r8g8b8, 20 + i);
        to = (pixman_box32_t){150 + dx, 120 + dy, 450 + dx, 330 + dy};
        move(&page, to, dx, dy);
        page.box =
            (pixman_box32_t){MIN(150, to.x1), MIN(120, to.y1), MAX(450, to.x2), MAX(330, to.y2)};
        CHECK(find(&page, &found) &&
              found_is(&page, &found, (pixman_box32_t){to.x1 + 8, to.y1 + 8, to.x2 - 8, to.y2 - 8},
                       dx, dy));
        page_clear(&page);
    }
}

static void test_nothing(void)
{
    Page page;
    ScrollMove found;

    tap_case("nothing has moved");
    page_init(&page, PIXMAN_x8r8g8b8, 40);
    CHECK(!find(&page, &found));
    write_text(&page, &page.new, &page.box);
    CHECK(!find(&page, &found));
    /* One colour, gone from place to place: nothing to know it by. */
    memset(page.old.data, 0x11, page.old.stride * HEIGHT);
    memset(page.new.data, 0x22, page.new.stride *HEIGHT);
    CHECK(!find(&page, &found));
    /* A pattern is like itself at many offsets. */
    for (int32_t y = 0; y < HEIGHT; y++)
        for (int32_t x = 0; x < WIDTH; x++) {
            set(&page.old, x, y, (x & 8) ^ (y & 8) ? 0xffffff : 0);
            set(&page.new, x, y, (x & 8) ^ (y & 8) ? 0 : 0xffffff);
        }
    CHECK(!find(&page, &found) || found_is(&page, &found, found.to, found.dx, found.dy));
    page_clear(&page);

    tap_case("too small, or not inside");
    page_init(&page, PIXMAN_x8r8g8b8, 41);
    static const pixman_box32_t bad[] = {{0, 0, 31, 400},        {0, 0, 400, 31},
                                         {0, 0, 33, 33},         {-1, 0, 400, 400},
                                         {0, 0, WIDTH + 1, 400}, {0, 300, 600, HEIGHT + 1}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        page.box = bad[i];
        CHECK(!find(&page, &found));
    }
    page_clear(&page);

    tap_case("a picture that is made to be slow");
    page_init(&page, PIXMAN_x8r8g8b8, 42);
    for (int32_t y = 0; y < HEIGHT; y++)
        for (int32_t x = 0; x < WIDTH; x++) {
            set(&page.old, x, y, 0x010203);
            /* Every anchor begins like every place, and is found nowhere. */
            set(&page.new, x, y, (x & 15) < 2 ? 0x010203 : next(&page, 0xffffff));
        }
    CHECK(!find(&page, &found));
    page_clear(&page);
}

/* ---- the truth and a client ---- */

static WireImage *shown(Model *model, uint32_t id, pixman_box32_t box)
{
    WireImage *image =
        scene_bitmap(&model->scene, SPICE_BITMAP_FMT_32BIT, box.x2 - box.x1, box.y2 - box.y1);
    CanvasSurface *reference = session_surface(&model->scene.session, id);

    image->u.bitmap.flags = SPICE_BITMAP_FLAGS_TOP_DOWN;
    for (int32_t y = box.y1; y < box.y2; y++)
        memcpy((uint8_t *)image->u.bitmap.data.data + (size_t)(y - box.y1) * image->u.bitmap.stride,
               scene_row(reference, y) + 4 * box.x1, 4 * (size_t)(box.x2 - box.x1));
    return image;
}

static void put_image(Model *model, uint32_t id, pixman_box32_t box, WireImage *image)
{
    SceneMessage message;

    memset(&message, 0, sizeof message);
    message.base.surface_id = id;
    message.base.box = (WireRect){.left = box.x1, .top = box.y1, .right = box.x2, .bottom = box.y2};
    message.copy.src_image = image;
    message.copy.src_area = (WireRect){.right = box.x2 - box.x1, .bottom = box.y2 - box.y1};
    message.copy.rop_descriptor = SPICE_ROPD_OP_PUT;
    if (scene_random(&model->scene, 3) == 0) {
        /* Not all of it: a large part, and a small one. */
        WireRect *rects = wire_arena_alloc(&model->scene.arena, 2 * sizeof *rects);

        rects[0] = rects[1] = message.base.box;
        rects[0].bottom -= 15;
        rects[1].top = box.y2 - 9;
        rects[1].right = box.x1 + 50;
        message.base.clip = (WireClip){SPICE_CLIP_TYPE_RECTS, 2, rects};
    }
    model_add(model, SPICE_MSG_DISPLAY_DRAW_COPY, &message, QXL_EFFECT_OPAQUE,
              scene_random(&model->scene, 4) != 0);
}

/* Random commands, most of them images of what is shown with a part of it moved. */
static bool moving_stream(uint64_t seed, unsigned *n_moved)
{
    Model model;
    bool ok;

    model_init(&model, seed, 260, 200, true);
    for (int i = 0; i < 60; i++) {
        uint32_t id = scene_random(&model.scene, 8) ? 6 : 7;
        int32_t x = scene_random(&model.scene, 100), y = scene_random(&model.scene, 80);
        pixman_box32_t box = {x, y, x + 120 + (int32_t)scene_random(&model.scene, 40),
                              y + 70 + (int32_t)scene_random(&model.scene, 50)};
        WireImage *image = shown(&model, id, box);
        uint8_t *pixels = (uint8_t *)image->u.bitmap.data.data;
        int32_t dx =
                    scene_random(&model.scene, 3) ? 0 : (int32_t)scene_random(&model.scene, 19) - 9,
                dy = scene_random(&model.scene, 4) ? (int32_t)scene_random(&model.scene, 41) - 20
                                                   : 0;
        CanvasSurface *reference = session_surface(&model.scene.session, id);
        SceneMessage message;

        switch (scene_random(&model.scene, 8)) {
        case 0:
            scene_make(&model.scene, SPICE_MSG_DISPLAY_DRAW_FILL, id, &message);
            model_add(&model, SPICE_MSG_DISPLAY_DRAW_FILL, &message,
                      model_effect(&model, SPICE_MSG_DISPLAY_DRAW_FILL, &message), false);
            break;
        case 1:
            scene_make(&model.scene, SPICE_MSG_DISPLAY_COPY_BITS, id, &message);
            message.base.box = (WireRect){.left = x, .top = y, .right = x + 90, .bottom = y + 90};
            model_add(&model, SPICE_MSG_DISPLAY_COPY_BITS, &message, QXL_EFFECT_OPAQUE, false);
            break;
        default:
            for (int32_t row = box.y1; row < box.y2; row++)
                for (int32_t column = box.x1; column < box.x2; column++) {
                    int32_t from_x = column - dx, from_y = row - dy;

                    if (from_x >= 0 && from_x < 260 && from_y >= 0 && from_y < 200)
                        memcpy(pixels + (size_t)(row - box.y1) * image->u.bitmap.stride +
                                   4 * (size_t)(column - box.x1),
                               scene_row(reference, from_y) + 4 * from_x, 4);
                }
            /* Something that the client gets, and that the image, which knows nothing of it, hides
             * before it is rendered. */
            if (scene_random(&model.scene, 3) == 0) {
                int32_t left = x + scene_random(&model.scene, 40),
                        top = y + scene_random(&model.scene, 40);

                memset(&message, 0, sizeof message);
                message.base.surface_id = id;
                message.base.box =
                    (WireRect){.left = left, .top = top, .right = left + 60, .bottom = top + 20};
                message.fill.brush = (WireBrush){SPICE_BRUSH_TYPE_SOLID, {.color = 0x778899}};
                message.fill.rop_descriptor = SPICE_ROPD_OP_PUT;
                model_add(&model, SPICE_MSG_DISPLAY_DRAW_FILL, &message, QXL_EFFECT_OPAQUE, false);
                model_walk(&model, 10);
            }
            for (uint32_t j = scene_random(&model.scene, 9); j > 0; j--)
                pixels[scene_random(&model.scene, image->u.bitmap.data.size)] ^= 0x40;
            put_image(&model, id, box, image);
            break;
        }
        if (scene_random(&model.scene, 2))
            model_walk(&model, scene_random(&model.scene, 4));
    }
    ok = model_check_all(&model);
    *n_moved += model.n_moved;
    if (!ok)
        printf("# seed %d\n", (int)seed);
    model_clear(&model);
    return ok && model.n_commands == model.n_released;
}

/* An image whose pixels stand elsewhere already, in the truth: over them waits a drawing that the
 * client has got, when 'covered'. How many moves it was told of. */
static unsigned moved_from_below(uint64_t seed, bool covered, bool *waits)
{
    enum { ACROSS = 240, DOWN = 80 };
    const pixman_box32_t from = {0, 0, ACROSS, DOWN}, to = {0, 90, ACROSS, 90 + DOWN};
    Model model;
    WireImage *image;
    SceneMessage message;
    unsigned n_moved;

    model_init(&model, seed, 260, 200, true);
    image = shown(&model, 6, from);
    for (size_t i = 0; i < image->u.bitmap.data.size; i++)
        ((uint8_t *)image->u.bitmap.data.data)[i] = scene_random(&model.scene, 256);
    put_image(&model, 6, from, image);
    truth_render_all(model.truth);
    model_walk(&model, 1);
    if (covered) {
        memset(&message, 0, sizeof message);
        message.base.surface_id = 6;
        message.base.box = (WireRect){.left = 30, .top = 20, .right = 90, .bottom = 60};
        message.fill.brush = (WireBrush){SPICE_BRUSH_TYPE_SOLID, {.color = 0x778899}};
        message.fill.rop_descriptor = SPICE_ROPD_OP_XOR;
        model_add(&model, SPICE_MSG_DISPLAY_DRAW_FILL, &message, QXL_EFFECT_BLEND, false);
        model_walk(&model, 1);
        *waits = truth_n_pending(model.truth) == 1;
    }
    put_image(&model, 6, to, image);
    truth_render(model.truth, truth_surface(model.truth, 6)->pending.tail->data);
    n_moved = model.n_moved;
    model_walk(&model, 1);
    n_moved = model.n_moved - n_moved;
    CHECK(model_check_all(&model));
    model_clear(&model);
    return n_moved;
}

static void test_covered(void)
{
    unsigned n_moved = 0, n_waiting = 0;

    tap_case("pixels aren't moved from below what waits there");
    for (uint64_t seed = 300; seed < 320; seed++) {
        bool waits;

        n_moved += moved_from_below(seed, false, &waits);
        CHECK(moved_from_below(seed, true, &waits) == 0 || !waits);
        n_waiting += waits;
    }
    CHECK(n_moved > 10 && n_waiting > 5);
}

/* An image that is rendered before the client gets it. */
static void paint_image(Model *model, pixman_box32_t box, WireImage *image)
{
    SceneMessage message;

    memset(&message, 0, sizeof message);
    message.base.surface_id = 6;
    message.base.box = (WireRect){.left = box.x1, .top = box.y1, .right = box.x2, .bottom = box.y2};
    message.copy.src_image = image;
    message.copy.src_area = (WireRect){.right = box.x2 - box.x1, .bottom = box.y2 - box.y1};
    message.copy.rop_descriptor = SPICE_ROPD_OP_PUT;
    model_add(model, SPICE_MSG_DISPLAY_DRAW_COPY, &message, QXL_EFFECT_OPAQUE, true);
    truth_render_all(model->truth);
    model_walk(model, 1);
}

/* A picture that comes again, moved by so much: does the client move its own pixels? */
static bool picture_moves(uint64_t seed, int32_t dx, int32_t dy)
{
    enum { ACROSS = 240, DOWN = 180 };
    const pixman_box32_t all = {0, 0, ACROSS, DOWN};
    Model model;
    WireImage *image, *moved;
    unsigned n_moved;

    model_init(&model, seed, 260, 200, true);
    image = shown(&model, 6, all);
    moved = shown(&model, 6, all);
    for (size_t i = 0; i < image->u.bitmap.data.size; i++)
        ((uint8_t *)image->u.bitmap.data.data)[i] = scene_random(&model.scene, 256);
    for (int32_t y = MAX(0, dy); y < MIN(DOWN, DOWN + dy); y++)
        memcpy((uint8_t *)moved->u.bitmap.data.data + y * moved->u.bitmap.stride + 4 * MAX(0, dx),
               image->u.bitmap.data.data + (y - dy) * image->u.bitmap.stride + 4 * MAX(0, -dx),
               4 * (ACROSS - ABS(dx)));
    /* A place that has changed before is looked at in all directions. */
    paint_image(&model, all, image);
    n_moved = model.n_moved;
    paint_image(&model, all, moved);
    n_moved = model.n_moved - n_moved;
    CHECK(model_check_all(&model));
    model_clear(&model);
    return n_moved == 1;
}

static void test_directions(void)
{
    static const int32_t offsets[][2] = {{0, 7},  {0, -7},  {9, 0},  {-9, 0},
                                         {5, 12}, {-5, 12}, {5, -3}, {-5, -3}};

    tap_case("only what comes into sight is sent, wherever a picture moves");
    for (unsigned i = 0; i < G_N_ELEMENTS(offsets); i++)
        if (!CHECK(picture_moves(i, offsets[i][0], offsets[i][1])))
            printf("# by %d, %d\n", offsets[i][0], offsets[i][1]);
}

static unsigned n_rows;

static const uint8_t *counted_row(void *context, int32_t y)
{
    n_rows++;
    return page_row(context, y);
}

/* What can't be, and what stands still, doesn't go on. */
static void test_goes_on(void)
{
    const pixman_box32_t text = {0, 200, 320, 480};
    const ScrollMove right = {{0, 200, 320, 464}, 0, -16};
    ScrollMove other;
    Page page;
    ScrollSource source = {page_row, &page};

    tap_case("a move that goes on is known by a few rows");
    page_init(&page, PIXMAN_x8r8g8b8, 51);
    page.box = text;
    CHECK(!scroll_goes_on(&page.old, &page.box, &source, &right));
    move(&page, right.to, 0, -16);
    CHECK(scroll_goes_on(&page.old, &page.box, &source, &right));
    other = right;
    other.dy = 0;
    CHECK(!scroll_goes_on(&page.old, &page.box, &source, &other));
    other = right;
    other.to.y2 = 500; /* outside of the box, and its source of the page */
    CHECK(!scroll_goes_on(&page.old, &page.box, &source, &other));
    other = (ScrollMove){{0, 200, 320, 464}, 0, HEIGHT};
    CHECK(!scroll_goes_on(&page.old, &page.box, &source, &other));
    other = (ScrollMove){{0, 200, 320, 464}, 1, -16};
    CHECK(!scroll_goes_on(&page.old, &page.box, &source, &other));
    page_clear(&page);
}

static bool useless; /* what is found */

/* How often a picture is read in so many looks. */
static unsigned looks(Page *page, ScrollHistory *history, pixman_box32_t box, int n)
{
    const ScrollSource source = {counted_row, page};
    unsigned sum = 0;
    ScrollMove found;

    page->box = box;
    for (int i = 0; i < n; i++) {
        n_rows = 0;
        if (scroll_look(history, &page->old, &box, &source, &found) && useless)
            scroll_was_in_vain(history, &box);
        sum += n_rows > 0;
    }
    return sum;
}

/* The text, as it was. */
static const uint8_t *still_row(void *context, int32_t y)
{
    const Page *page = context;

    return canvas_row(&page->old, y);
}

/* How often pictures are read of which no two, rounded as coarsely as it may be, are at the same
 * place, and in which nothing has moved. */
enum { NEW_PLACES = 64 };
static unsigned new_places(Page *page, ScrollHistory *history)
{
    unsigned sum = 0;

    for (int i = 0; i < NEW_PLACES; i++) {
        pixman_box32_t box = {i % 4 * 64, i / 16 % 2 * 64, WIDTH - i / 4 % 4 * 64,
                              192 - i / 32 * 64};

        sum += looks(page, history, box, 1);
    }
    return sum;
}

static void test_history(void)
{
    const pixman_box32_t video = {320, 0, 576, 192}, text = {0, 200, 320, 480};
    const pixman_box32_t dragged = {340, 200, 600, 420};
    ScrollHistory history = {0};
    ScrollMove found;
    Page page;
    ScrollSource source = {page_row, &page};

    tap_case("where nothing moves it is looked for now and then only");
    page_init(&page, PIXMAN_x8r8g8b8, 50);
    write_text(&page, &page.new, &video);
    move(&page, (pixman_box32_t){0, 200, 320, 464}, 0, -16);
    CHECK(looks(&page, &history, video, 8) == 8);
    CHECK(looks(&page, &history, video, 80) == 10);
    /* What moves elsewhere is found all the same, and doesn't make it hopeful. */
    CHECK(looks(&page, &history, text, 5) == 5);
    CHECK(history.last.dx == 0 && history.last.dy == -16 && history.in_vain == 0);
    CHECK(looks(&page, &history, video, 16) == 2);
    /* What is found and of no use counts like nothing. */
    useless = true;
    history = (ScrollHistory){0};
    CHECK(looks(&page, &history, text, 8) == 8);
    CHECK(looks(&page, &history, text, 80) == 10);
    useless = false;
    tap_case("what changes for the first time is new, and not a window that is dragged");
    history = (ScrollHistory){0};
    write_text(&page, &page.new, &dragged);
    move(&page, dragged, 13, 9);
    page.box = dragged;
    CHECK(!scroll_look(&history, &page.old, &dragged, &source, &found));
    /* Another place in between changes nothing about it. */
    CHECK(!scroll_look(&history, &page.old, &text, &(ScrollSource){still_row, &page}, &found));
    CHECK(scroll_look(&history, &page.old, &dragged, &source, &found));
    CHECK(found.dx == 13 && found.dy == 9);
    tap_case("places that are ever new don't cost without end");
    history = (ScrollHistory){0};
    CHECK(new_places(&page, &history) == NEW_PLACES);
    CHECK(history.in_vain == NEW_PLACES && history.n == SCROLL_PLACES);
    CHECK(new_places(&page, &history) == NEW_PLACES / 8);
    page_clear(&page);
}

/* One look at what was moved so in the box: is that found, by a few rows only? */
static bool few_tell(Page *page, ScrollHistory *history, const pixman_box32_t *box, int32_t dx,
                     int32_t dy)
{
    const ScrollSource source = {counted_row, page};
    const pixman_box32_t to = {MAX(box->x1, box->x1 + dx), MAX(box->y1, box->y1 + dy),
                               MIN(box->x2, box->x2 + dx), MIN(box->y2, box->y2 + dy)};
    ScrollMove found;

    copy_page(page);
    write_text(page, &page->new, box);
    move(page, to, dx, dy);
    page->box = *box;
    n_rows = 0;
    CHECK(scroll_look(history, &page->old, box, &source, &found) &&
          found_is(page, &found, to, dx, dy));
    return n_rows <= 4 * 8;
}

static void test_turned_back(void)
{
    const pixman_box32_t box = {64, 64, 384, 320};
    ScrollHistory history = {0};
    Page page;

    tap_case("what turns back is known by a few rows, too");
    page_init(&page, PIXMAN_x8r8g8b8, 52);
    CHECK(!few_tell(&page, &history, &box, 0, -16));
    CHECK(few_tell(&page, &history, &box, 0, -16));
    CHECK(few_tell(&page, &history, &box, 0, 16));
    CHECK(few_tell(&page, &history, &box, 0, -16));
    CHECK(!few_tell(&page, &history, &box, 6, 2));
    CHECK(few_tell(&page, &history, &box, -6, 2));
    CHECK(few_tell(&page, &history, &box, -6, -2));
    CHECK(few_tell(&page, &history, &box, 6, 2));
    CHECK(!few_tell(&page, &history, &box, 24, 16));
    page_clear(&page);
}

int main(void)
{
    unsigned n_moved = 0;

    tap_case("scrolled by any amount, 32 bits");
    test_scrolled(PIXMAN_x8r8g8b8);
    tap_case("scrolled by any amount, 16 bits");
    test_scrolled(PIXMAN_x1r5g5b5);
    test_parts();
    test_nothing();
    test_goes_on();
    test_history();
    test_turned_back();
    test_covered();
    test_directions();
    tap_case("a client that moves its own pixels");
    for (uint64_t seed = 0; seed < 60; seed++)
        if (!CHECK(moving_stream(seed, &n_moved)))
            break;
    CHECK(n_moved > 100);
    printf("# %u moves\n", n_moved);
    return tap_done();
}
