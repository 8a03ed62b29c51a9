/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Laws that every draw command obeys: what the clip does not show makes no difference, a drawing
 * may be moved as a whole, nothing changes outside the damage. Checked on random commands on all
 * six surface formats. */
#include <stdlib.h>
#include <string.h>

#include <spice/enums.h>

#include "canvas/scene.h"
#include "tap.h"

#define ROUNDS 60

/* Draw message through each of these clips, one after the other, on top of its own clip. */
static void draw_in_parts(Scene *scene, uint16_t type, const SceneMessage *message,
                          const WireRect *parts, int n_parts)
{
    for (int i = 0; i < n_parts; i++) {
        SceneMessage part = *message;
        WireRect rects[8];
        uint32_t n = 0;

        if (message->base.clip.type != SPICE_CLIP_TYPE_RECTS) {
            rects[n++] = parts[i];
        } else {
            for (uint32_t j = 0; j < message->base.clip.n_rects; j++) {
                WireRect rect = message->base.clip.rects[j];

                rect.left = rect.left > parts[i].left ? rect.left : parts[i].left;
                rect.top = rect.top > parts[i].top ? rect.top : parts[i].top;
                rect.right = rect.right < parts[i].right ? rect.right : parts[i].right;
                rect.bottom = rect.bottom < parts[i].bottom ? rect.bottom : parts[i].bottom;
                rects[n++] = rect;
            }
        }
        part.base.clip = (WireClip){SPICE_CLIP_TYPE_RECTS, n, rects};
        session_draw(&scene->session, type, &part);
    }
}

/* Vertical, horizontal, and mixed strips over the whole surface. */
static int make_parts(Scene *scene, WireRect *parts)
{
    int n = 0;
    int32_t x = 5 + scene_random(scene, 30), y = 5 + scene_random(scene, 20);
    const WireRect all = {.top = 0, .left = 0, .bottom = SCENE_HEIGHT, .right = SCENE_WIDTH};

    switch (scene_random(scene, 3)) {
    case 0:
        for (int32_t i = 0; i < SCENE_WIDTH; i += 1 + x / 8) {
            parts[n] = all;
            parts[n].left = i;
            parts[n++].right = i + 1 + x / 8;
        }
        break;
    case 1:
        for (int32_t i = SCENE_HEIGHT; i > 0; i -= 3) {
            parts[n] = all;
            parts[n].bottom = i;
            parts[n++].top = i - 3;
        }
        break;
    default:
        for (int i = 0; i < 4; i++) {
            parts[n] = all;
            *(i & 1 ? &parts[n].left : &parts[n].right) = x;
            *(i & 2 ? &parts[n].top : &parts[n].bottom) = y;
            n++;
        }
        break;
    }
    return n;
}

static bool surfaces_equal(Scene *a, Scene *b, uint32_t target)
{
    CanvasSurface *one = session_surface(&a->session, target),
                  *two = session_surface(&b->session, target);

    for (int32_t y = 0; y < SCENE_HEIGHT; y++)
        for (int32_t x = 0; x < SCENE_WIDTH; x++)
            if (!scene_same_pixel(one, x, y, two, x, y)) {
                printf("# surface %u differs at %d, %d: %08x, %08x\n", target, x, y,
                       scene_pixel(one, x, y), scene_pixel(two, x, y));
                return false;
            }
    return true;
}

static void test_parts_make_the_whole(void)
{
    for (int t = 0; t < SCENE_TYPES; t++) {
        uint16_t type = scene_types[t];
        char name[64];

        /* A move through one part changes what the next part reads: that is what a snapshot is for.
         */
        if (type == SPICE_MSG_DISPLAY_COPY_BITS)
            continue;
        snprintf(name, sizeof name, "parts make the whole: message %u", type);
        tap_case(name);
        for (uint64_t seed = 0; seed < ROUNDS * SCENE_TARGETS; seed++) {
            uint32_t target = seed % SCENE_TARGETS;
            Scene whole, parts;
            SceneMessage message;
            WireRect rects[64];

            scene_init(&whole, seed, SCENE_WIDTH, SCENE_HEIGHT);
            scene_init(&parts, seed, SCENE_WIDTH, SCENE_HEIGHT);
            whole.no_self = true;
            scene_make(&whole, type, target, &message);
            session_draw(&whole.session, type, &message);
            draw_in_parts(&parts, type, &message, rects, make_parts(&whole, rects));
            if (!CHECK(surfaces_equal(&whole, &parts, target)))
                printf("# seed %d\n", (int)seed);
            scene_clear(&whole);
            scene_clear(&parts);
        }
    }
}

/* The same clip said with more rectangles than a region takes: D becomes a bitmap. */
static void test_many_rectangles(void)
{
    for (int t = 0; t < SCENE_TYPES; t++) {
        uint16_t type = scene_types[t];
        char name[64];

        snprintf(name, sizeof name, "a clip of a thousand rectangles: message %u", type);
        tap_case(name);
        for (uint64_t seed = 0; seed < ROUNDS; seed++) {
            uint32_t target = seed % SCENE_TARGETS, n = 0;
            Scene few, many;
            SceneMessage message, split;
            WireRect rects[SCENE_WIDTH * SCENE_HEIGHT];
            static const WireRect two[] = {{.top = 0, .left = 0, .bottom = 20, .right = 44},
                                           {.top = 20, .left = 3, .bottom = 31, .right = 27}};

            scene_init(&few, seed, SCENE_WIDTH, SCENE_HEIGHT);
            scene_init(&many, seed, SCENE_WIDTH, SCENE_HEIGHT);
            scene_make(&few, type, target, &message);
            message.base.box = (WireRect){.top = -2, .left = -3, .bottom = 33, .right = 46};
            message.base.clip = (WireClip){SPICE_CLIP_TYPE_RECTS, 2, two};
            session_draw(&few.session, type, &message);
            split = message;
            for (int i = 0; i < 2; i++)
                for (int32_t y = two[i].top; y < two[i].bottom; y++)
                    for (int32_t x = two[i].left; x < two[i].right; x++)
                        rects[n++] =
                            (WireRect){.top = y, .left = x, .bottom = y + 1, .right = x + 1};
            split.base.clip = (WireClip){SPICE_CLIP_TYPE_RECTS, n, rects};
            session_draw(&many.session, type, &split);
            if (!CHECK(surfaces_equal(&few, &many, target)))
                printf("# seed %d\n", (int)seed);
            scene_clear(&few);
            scene_clear(&many);
        }
    }
}

static void test_moved(void)
{
    enum { DX = 13, DY = 9 };

    for (int t = 0; t < SCENE_TYPES; t++) {
        uint16_t type = scene_types[t];
        char name[64];

        snprintf(name, sizeof name, "moved as a whole: message %u", type);
        tap_case(name);
        for (uint64_t seed = 0; seed < ROUNDS * SCENE_TARGETS; seed++) {
            uint32_t target = seed % SCENE_TARGETS;
            Scene here, there;
            SceneMessage message;
            WireRect bounds = {
                .top = DY, .left = DX, .bottom = SCENE_HEIGHT + DY, .right = SCENE_WIDTH + DX};
            CanvasSurface *one, *two;
            bool equal = true;

            scene_init(&here, seed, SCENE_WIDTH, SCENE_HEIGHT);
            scene_init(&there, seed, SCENE_WIDTH + DX, SCENE_HEIGHT + DY);
            one = session_surface(&here.session, target);
            two = session_surface(&there.session, target);
            /* Sources have to be the same; what is beyond the small surface must not be reached. */
            for (uint32_t id = SCENE_TARGETS; id < 2 * SCENE_TARGETS; id++) {
                session_create(&there.session, id, scene_formats[id % SCENE_TARGETS], SCENE_WIDTH,
                               SCENE_HEIGHT);
                scene_copy_pixels(session_surface(&here.session, id),
                                  session_surface(&there.session, id));
            }
            for (int32_t y = 0; y < SCENE_HEIGHT; y++)
                for (int32_t x = 0; x < SCENE_WIDTH; x++) {
                    uint32_t pixel = scene_pixel(one, x, y);
                    uint8_t *row = scene_row(two, y + DY);

                    switch (two->format & 0x3f) {
                    case 32:
                        ((uint32_t *)row)[x + DX] = pixel;
                        break;
                    case 16:
                        ((uint16_t *)row)[x + DX] = pixel;
                        break;
                    case 8:
                        row[x + DX] = pixel;
                        break;
                    default:
                        row[(x + DX) >> 3] &= ~(1u << ((x + DX) & 7));
                        row[(x + DX) >> 3] |= pixel << ((x + DX) & 7);
                    }
                }
            here.no_self = true;
            scene_make(&here, type, target, &message);
            /* A move reads what the small surface doesn't have: keep its source inside. */
            if (type == SPICE_MSG_DISPLAY_COPY_BITS) {
                message.base.box = (WireRect){.top = scene_random(&here, 11),
                                              .left = scene_random(&here, 11),
                                              .bottom = 11 + scene_random(&here, 10),
                                              .right = 11 + scene_random(&here, 22)};
                message.copy_bits.src_pos =
                    (WirePoint){scene_random(&here, 11), scene_random(&here, 10)};
            }
            session_draw(&here.session, type, &message);
            scene_move(&here, type, &message, DX, DY);
            draw_in_parts(&there, type, &message, &bounds, 1);
            for (int32_t y = 0; y < SCENE_HEIGHT; y++)
                for (int32_t x = 0; x < SCENE_WIDTH; x++)
                    equal &= scene_same_pixel(one, x, y, two, x + DX, y + DY);
            if (!CHECK(equal))
                printf("# seed %d\n", (int)seed);
            scene_clear(&here);
            scene_clear(&there);
        }
    }
}

static void test_damage_holds_all_changes(void)
{
    for (int t = 0; t < SCENE_TYPES; t++) {
        uint16_t type = scene_types[t];
        char name[64];
        int changes = 0;

        snprintf(name, sizeof name, "nothing changes outside the damage: message %u", type);
        tap_case(name);
        for (uint64_t seed = 0; seed < ROUNDS * SCENE_TARGETS; seed++) {
            uint32_t target = seed % SCENE_TARGETS;
            Scene scene, before;
            SceneMessage message;
            CanvasSurface *now, *then;
            bool inside = true;
            CanvasResult result;

            scene_init(&scene, seed, SCENE_WIDTH, SCENE_HEIGHT);
            scene_init(&before, seed, SCENE_WIDTH, SCENE_HEIGHT);
            scene_make(&scene, type, target, &message);
            result = session_draw(&scene.session, type, &message);
            now = session_surface(&scene.session, target);
            then = session_surface(&before.session, target);
            for (int32_t y = 0; y < SCENE_HEIGHT; y++)
                for (int32_t x = 0; x < SCENE_WIDTH; x++)
                    if (!scene_same_pixel(now, x, y, then, x, y)) {
                        changes++;
                        inside &=
                            pixman_region32_contains_point(&scene.session.damage, x, y, NULL) != 0;
                    }
            if (!CHECK(inside) ||
                !CHECK(result == CANVAS_OK || !pixman_region32_not_empty(&scene.session.damage)))
                printf("# seed %d\n", (int)seed);
            for (uint32_t id = 0; id < 2 * SCENE_TARGETS; id++)
                if (id != target)
                    CHECK(surfaces_equal(&scene, &before, id));
            scene_clear(&scene);
            scene_clear(&before);
        }
        /* A law about commands that do nothing would be no test. */
        if (!CHECK(changes > 500))
            printf("# %d pixels changed\n", changes);
    }
}

static void test_twice_inverted(void)
{
    tap_case("invers twice, xor twice: as before");
    for (uint64_t seed = 0; seed < ROUNDS * SCENE_TARGETS; seed++) {
        uint32_t target = seed % SCENE_TARGETS;
        Scene scene, before;
        SceneMessage message;

        scene_init(&scene, seed, SCENE_WIDTH, SCENE_HEIGHT);
        scene_init(&before, seed, SCENE_WIDTH, SCENE_HEIGHT);
        scene.no_self = true;
        scene_make(&scene, SPICE_MSG_DISPLAY_DRAW_INVERS, target, &message);
        session_draw(&scene.session, SPICE_MSG_DISPLAY_DRAW_INVERS, &message);
        session_draw(&scene.session, SPICE_MSG_DISPLAY_DRAW_INVERS, &message);
        scene_make(&scene, SPICE_MSG_DISPLAY_DRAW_FILL, target, &message);
        message.fill.rop_descriptor = SPICE_ROPD_OP_XOR;
        session_draw(&scene.session, SPICE_MSG_DISPLAY_DRAW_FILL, &message);
        session_draw(&scene.session, SPICE_MSG_DISPLAY_DRAW_FILL, &message);
        scene_make(&scene, SPICE_MSG_DISPLAY_DRAW_STROKE, target, &message);
        message.stroke.fore_mode = SPICE_ROPD_OP_XOR;
        session_draw(&scene.session, SPICE_MSG_DISPLAY_DRAW_STROKE, &message);
        session_draw(&scene.session, SPICE_MSG_DISPLAY_DRAW_STROKE, &message);
        CHECK(surfaces_equal(&scene, &before, target));
        scene_clear(&scene);
        scene_clear(&before);
    }
}

/* A surface of a scene on memory of its own, with the bottom row first and bytes between the rows.
 */
enum { BETWEEN = 12 };
static uint8_t *turn_around(Scene *scene, uint32_t id)
{
    CanvasSurface *old = session_surface(&scene->session, id), *turned;
    size_t stride = old->pixels.stride + BETWEEN;
    uint8_t *memory = malloc(stride * SCENE_HEIGHT);
    CanvasResult result;

    memset(memory, 0xa5, stride * SCENE_HEIGHT);
    turned = canvas_surface_new_for_data(old->format, SCENE_WIDTH, SCENE_HEIGHT,
                                         memory + stride * (SCENE_HEIGHT - 1), -(ptrdiff_t)stride,
                                         &result);
    for (int32_t y = 0; y < SCENE_HEIGHT; y++)
        memcpy(scene_row(turned, y), scene_row(old, y), old->pixels.stride);
    for (int i = 0; i < SESSION_MAX_SURFACES; i++)
        if (scene->session.surfaces[i] == old)
            scene->session.surfaces[i] = turned;
    canvas_surface_free(old);
    return memory;
}

/* Where the rows of a surface stand makes no difference, and what is between them is left alone. */
static void test_rows_upwards(void)
{
    for (int t = 0; t < SCENE_TYPES; t++) {
        uint16_t type = scene_types[t];
        char name[64];

        snprintf(name, sizeof name, "rows upwards: message %u", type);
        tap_case(name);
        for (uint64_t seed = 0; seed < ROUNDS * SCENE_TARGETS; seed++) {
            uint32_t target = seed % SCENE_TARGETS;
            Scene down, up;
            SceneMessage message;
            uint8_t *memory[2 * SCENE_TARGETS];
            size_t wrong = 0;

            scene_init(&down, seed, SCENE_WIDTH, SCENE_HEIGHT);
            scene_init(&up, seed, SCENE_WIDTH, SCENE_HEIGHT);
            for (uint32_t i = 0; i < 2 * SCENE_TARGETS; i++)
                memory[i] = turn_around(&up, i);
            scene_make(&down, type, target, &message);
            CHECK(session_draw(&down.session, type, &message) ==
                  session_draw(&up.session, type, &message));
            if (!CHECK(surfaces_equal(&down, &up, target)))
                printf("# seed %d\n", (int)seed);
            for (uint32_t i = 0; i < 2 * SCENE_TARGETS; i++) {
                size_t stride = -session_surface(&up.session, i)->pixels.stride;

                for (int32_t y = 0; y < SCENE_HEIGHT; y++)
                    for (size_t j = stride - BETWEEN; j < stride; j++)
                        wrong += memory[i][y * stride + j] != 0xa5;
            }
            CHECK(wrong == 0);
            scene_clear(&down);
            scene_clear(&up);
            for (uint32_t i = 0; i < 2 * SCENE_TARGETS; i++)
                free(memory[i]);
        }
    }
}

int main(void)
{
    test_parts_make_the_whole();
    test_many_rectangles();
    test_moved();
    test_damage_holds_all_changes();
    test_twice_inverted();
    test_rows_upwards();
    return tap_done();
}
