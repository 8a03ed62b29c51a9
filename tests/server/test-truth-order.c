/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is rendered when, and what never is: images ahead of what they have nothing to do with,
 * texts that are scrolled off, windows that are dragged. docs/spec/server-display.md 7.4, 8, 9.1 */
#include <stdlib.h>
#include <string.h>

#include <spice/enums.h>
#include <spice/qxl_dev.h>

#include "tap.h"
#include "truth-model.h"

enum { SIDE = 64, SURFACE = 6, OTHER = 7 }; /* both are xRGB */

static bool add_fill(Model *model, uint32_t surface, WireRect box, uint32_t color, uint16_t rop)
{
    SceneMessage message = model_fill(surface, box, color, rop);

    return model_add(model, SPICE_MSG_DISPLAY_DRAW_FILL, &message,
                     rop == SPICE_ROPD_OP_PUT ? QXL_EFFECT_OPAQUE : QXL_EFFECT_BLEND, false);
}

static bool add_move(Model *model, uint32_t surface, WireRect box, int32_t from_x, int32_t from_y)
{
    SceneMessage message;

    memset(&message, 0, sizeof message);
    message.base.surface_id = surface;
    message.base.box = box;
    message.copy_bits.src_pos = (WirePoint){from_x, from_y};
    return model_add(model, SPICE_MSG_DISPLAY_COPY_BITS, &message, QXL_EFFECT_OPAQUE, false);
}

/* The upper left part of an image: a bitmap, or another surface. */
static void add_copy(Model *model, uint32_t surface, WireRect box, const WireImage *image)
{
    SceneMessage message;

    memset(&message, 0, sizeof message);
    message.base.surface_id = surface;
    message.base.box = box;
    message.copy.src_image = image;
    message.copy.src_area = model_rect(0, 0, box.right - box.left, box.bottom - box.top);
    message.copy.rop_descriptor = SPICE_ROPD_OP_PUT;
    model_add(model, SPICE_MSG_DISPLAY_DRAW_COPY, &message, QXL_EFFECT_OPAQUE,
              image->type == SPICE_IMAGE_TYPE_BITMAP);
}

static const WireImage *surface_image(Model *model, uint32_t id)
{
    WireImage *image = wire_arena_alloc(&model->scene.arena, sizeof *image);

    *image = (WireImage){.type = SPICE_IMAGE_TYPE_SURFACE, .width = SIDE, .height = SIDE};
    image->u.surface.surface_id = id;
    return image;
}

static void add_put(Model *model, uint32_t surface, WireRect box)
{
    add_copy(model, surface, box,
             scene_bitmap(&model->scene, SPICE_BITMAP_FMT_32BIT, box.right - box.left,
                          box.bottom - box.top));
}

static Drawable *youngest(const Model *model, uint32_t surface)
{
    return truth_surface(model->truth, surface)->pending.tail->data;
}

/* How many drawings it takes to render the youngest of the surface. */
static unsigned renders(Model *model, uint32_t surface)
{
    model->n_rendered = 0;
    truth_render(model->truth, youngest(model, surface));
    return model->n_rendered;
}

static void test_ahead(void)
{
    Model model;

    tap_case("an image goes ahead of what it doesn't touch");
    model_init(&model, 21, SIDE, SIDE, false);
    add_fill(&model, SURFACE, model_rect(0, 0, 10, 10), 1, SPICE_ROPD_OP_PUT);
    add_fill(&model, SURFACE, model_rect(4, 4, 20, 20), 2, SPICE_ROPD_OP_XOR);
    add_put(&model, SURFACE, model_rect(30, 30, 50, 50));
    CHECK(renders(&model, SURFACE) == 1 && truth_n_pending(model.truth) == 2);
    CHECK(youngest(&model, SURFACE)->state == DRAWABLE_PENDING);
    tap_case("what it touches comes before it, and what that touches, and no more");
    add_fill(&model, SURFACE, model_rect(0, 40, 5, 60), 3, SPICE_ROPD_OP_PUT);
    add_put(&model, SURFACE, model_rect(15, 15, 40, 40));
    CHECK(renders(&model, SURFACE) == 3 && truth_n_pending(model.truth) == 1);
    CHECK(model_check_all(&model));
    tap_case("and what reads the place: a move away from it");
    add_fill(&model, SURFACE, model_rect(0, 0, 10, 10), 4, SPICE_ROPD_OP_PUT);
    add_move(&model, SURFACE, model_rect(0, 0, 10, 10), 40, 40);
    add_put(&model, SURFACE, model_rect(45, 45, 60, 60));
    CHECK(renders(&model, SURFACE) == 2 && truth_n_pending(model.truth) == 0);
    CHECK(model_check_all(&model));
    tap_case("also as an image of the surface itself");
    add_copy(&model, SURFACE, model_rect(40, 0, 60, 20), surface_image(&model, SURFACE));
    add_put(&model, SURFACE, model_rect(10, 10, 16, 16));
    CHECK(renders(&model, SURFACE) == 2);
    CHECK(model_check_all(&model));
    tap_case("what stands at the source of a move comes before the move");
    add_fill(&model, SURFACE, model_rect(50, 50, 60, 60), 5, SPICE_ROPD_OP_PUT);
    add_fill(&model, SURFACE, model_rect(0, 50, 10, 60), 6, SPICE_ROPD_OP_PUT);
    add_move(&model, SURFACE, model_rect(20, 20, 30, 30), 45, 45);
    CHECK(renders(&model, SURFACE) == 2 && truth_n_pending(model.truth) == 1);
    CHECK(model_check_all(&model));
    tap_case("what waits on another surface that is read, where it is read");
    add_fill(&model, OTHER, model_rect(0, 0, 10, 10), 7, SPICE_ROPD_OP_PUT);
    add_fill(&model, OTHER, model_rect(30, 30, 40, 40), 8, SPICE_ROPD_OP_PUT);
    add_fill(&model, SURFACE, model_rect(50, 50, 60, 60), 9, SPICE_ROPD_OP_PUT);
    add_copy(&model, SURFACE, model_rect(5, 5, 20, 20), surface_image(&model, OTHER));
    CHECK(renders(&model, SURFACE) == 2 && truth_n_pending(model.truth) == 2);
    CHECK(model_check_all(&model));
    model_clear(&model);
    CHECK(model.n_commands == model.n_released);
}

/* A line of text: paper, and letters that stay when it is drawn twice. */
static void add_line(Model *model, WireRect line, uint32_t number)
{
    add_fill(model, SURFACE, line, 0xffffff, SPICE_ROPD_OP_PUT);
    add_fill(model, SURFACE,
             model_rect(line.left + 2 + number % 7, line.top + 1, line.right - 3, line.bottom - 2),
             number * 0x10305, SPICE_ROPD_OP_XOR);
}

static void test_scrolled_off(void)
{
    enum { LINE = 8, LINES = SIDE / LINE, SCROLLS = 100, MOST = 90 };
    Model model;

    tap_case("a text that is scrolled off is never drawn");
    model_init(&model, 22, SIDE, SIDE, false);
    for (int i = 0; i < SCROLLS; i++) {
        add_move(&model, SURFACE, model_rect(0, 0, SIDE, SIDE - LINE), 0, LINE);
        add_line(&model, model_rect(0, SIDE - LINE, SIDE, SIDE), i);
        truth_trim(model.truth, MOST, SIZE_MAX);
        CHECK(truth_n_pending(model.truth) <= MOST);
    }
    CHECK(model.n_rendered == 0);
    truth_sweep_all(model.truth);
    /* What is on the screen, and the moves that brought it there. */
    CHECK(truth_n_pending(model.truth) <= 3 * LINES);
    CHECK(model_check_all(&model) && model.n_rendered <= 3 * LINES);

    tap_case("nor when somebody wants to see the rest");
    model.n_rendered = 0;
    for (int i = 0; i < SCROLLS; i++) {
        add_move(&model, SURFACE, model_rect(0, LINE, SIDE, SIDE), 0, 0);
        add_line(&model, model_rect(0, 0, SIDE, LINE), i);
    }
    truth_render_surface(model.truth, truth_surface(model.truth, SURFACE));
    CHECK(model.n_rendered <= 3 * LINES && truth_n_pending(model.truth) == 0);
    CHECK(model_check_all(&model));

    tap_case("what a copy still needs is kept");
    add_line(&model, model_rect(0, 0, SIDE, LINE), 1000);
    add_move(&model, SURFACE, model_rect(0, 32, SIDE, 40), 0, 0);
    add_line(&model, model_rect(0, 0, SIDE, LINE), 1001);
    add_move(&model, SURFACE, model_rect(10, 40, SIDE, 48), 0, 32);
    add_line(&model, model_rect(0, 32, SIDE, 40), 1002);
    truth_sweep_all(model.truth);
    CHECK(truth_n_pending(model.truth) == 8);
    CHECK(model_check_all(&model));
    model_clear(&model);
    CHECK(model.n_commands == model.n_released);
}

static void test_dragged(void)
{
    Model model;

    tap_case("of a window that is dragged over itself a strip is drawn");
    model_init(&model, 23, SIDE, SIDE, true);
    for (int i = 0; i < 30; i++)
        add_copy(&model, SURFACE, model_rect(i, 10, i + 30, 40), surface_image(&model, OTHER));
    model_walk(&model, 12);
    truth_trim(model.truth, 12, SIZE_MAX);
    CHECK(truth_n_pending(model.truth) == 12);
    /* What the client shows there is something else, so that no image may be left out. */
    add_put(&model, SURFACE, model_rect(0, 10, 40, 40));
    CHECK(model_check_all(&model));
    model_clear(&model);
    CHECK(model.n_commands == model.n_released);
}

/* Where the box of a window that is scrolled or dragged goes. */
static WireRect moved(WireRect box, int32_t dx, int32_t dy)
{
    return model_rect(CLAMP(box.left + dx, 0, SIDE), CLAMP(box.top + dy, 0, SIDE),
                      CLAMP(box.right + dx, 0, SIDE), CLAMP(box.bottom + dy, 0, SIDE));
}

static WireRect random_box(Model *model)
{
    int32_t x = 8 * (int32_t)scene_random(&model->scene, 6),
            y = 8 * (int32_t)scene_random(&model->scene, 6);

    return model_rect(x, y, MIN(x + 8 + 8 * (int32_t)scene_random(&model->scene, 5), SIDE),
                      MIN(y + 8 + 8 * (int32_t)scene_random(&model->scene, 5), SIDE));
}

/* A desktop on which everything is moved about, and asked for now and then; a client walks behind.
 */
static bool busy_desktop(uint64_t seed, unsigned *n_dropped)
{
    Model model;
    WireRect window = model_rect(8, 8, 56, 48);
    bool ok = true;

    model_init(&model, seed, SIDE, SIDE, true);
    for (unsigned i = 0; i < 160 && ok; i++) {
        uint32_t id = scene_random(&model.scene, 5) ? SURFACE : OTHER;
        int32_t dx = 8 * ((int32_t)scene_random(&model.scene, 3) - 1),
                dy = 8 * ((int32_t)scene_random(&model.scene, 5) - 2);
        WireRect box = random_box(&model), to;
        pixman_box32_t area = {box.left, box.top, box.right, box.bottom};

        switch (scene_random(&model.scene, 10)) {
        case 0:
        case 1:
        case 2: /* scrolled, in its place */
            to = window;
            to.bottom -= 8;
            add_move(&model, id, to, window.left, window.top + 8);
            to = window;
            to.top = to.bottom - 8;
            add_line(&model, to, i);
            break;
        case 3: /* dragged */
            to = moved(window, dx, dy);
            add_move(&model, id, to, to.left - dx, to.top - dy);
            window = scene_random(&model.scene, 9) ? to : model_rect(8, 8, 56, 48);
            break;
        case 4:
            add_move(&model, id, box, 8 * (int32_t)scene_random(&model.scene, 5),
                     8 * (int32_t)scene_random(&model.scene, 5));
            break;
        case 5:
            add_copy(&model, id, box, surface_image(&model, SURFACE + OTHER - id));
            break;
        case 6:
            add_copy(&model, id, box, surface_image(&model, id));
            break;
        case 7:
            add_put(&model, id, box);
            break;
        case 8:
            add_fill(&model, id, box, i * 0x30501, SPICE_ROPD_OP_XOR);
            break;
        default:
            add_fill(&model, id, box, i * 0x30501, SPICE_ROPD_OP_PUT);
            break;
        }
        switch (scene_random(&model.scene, 12)) {
        case 0:
        case 1:
        case 2:
            model_walk(&model, scene_random(&model.scene, 8));
            break;
        case 3:
            truth_trim(model.truth, 3 + scene_random(&model.scene, 20), SIZE_MAX);
            break;
        case 4:
            truth_trim(model.truth, UINT_MAX, 2000);
            break;
        case 5:
            truth_render_area(model.truth, truth_surface(model.truth, id), &area);
            ok = model_check_area(&model, id, &area);
            break;
        case 6:
            truth_sweep_all(model.truth);
            break;
        default:
            break;
        }
    }
    ok = ok && model_check_all(&model);
    *n_dropped += model.n_dropped;
    if (!ok)
        printf("# desktop %d\n", (int)seed);
    model_clear(&model);
    return ok && model.n_commands == model.n_released;
}

int main(int argc, char **argv)
{
    unsigned n_dropped = 0;
    uint64_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 1500;

    test_ahead();
    test_scrolled_off();
    test_dragged();
    tap_case("random desktops: the pixels of the sequence, at a client, too");
    for (uint64_t seed = 0; seed < n; seed++)
        if (!CHECK(busy_desktop(seed, &n_dropped)))
            break;
    printf("# %u dropped\n", n_dropped);
    return tap_done();
}
