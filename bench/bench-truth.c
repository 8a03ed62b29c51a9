/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The truth alone: what it costs to take a drawing, to find out that it is hidden, to compare an
 * image with what is there, and to look for moved pixels. Times of a 1920x1080 image are multiples
 * of a memcpy() of it measured beside, and of coding it with the fastest coder there is (LZ4):
 * bench-truth. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <lz4.h>
#include <spice/enums.h>
#include <spice/qxl_dev.h>

#include "display/scroll.h"
#include "display/truth.h"

enum { W = 1920, H = 1080, BYTES = W * H * 4 };

static Truth *truth;
static Surface *surface;
static uint8_t *memory, *picture, *other, *packed;
static uint64_t serial;
static int turn;

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); /* other work of the machine must not count */
    return t.tv_sec + t.tv_nsec * 1e-9;
}

/* Seconds of one call: the best of several batches of at least 30 ms. */
static double measure(void (*run)(void))
{
    double best = 1e9;
    int n = 1;

    for (int batch = 0; batch < 7;) {
        double start = now(), time;

        for (int i = 0; i < n; i++)
            run();
        time = now() - start;
        if (time < 0.03) {
            n *= 2;
            continue;
        }
        best = time / n < best ? time / n : best;
        batch++;
    }
    return best;
}

static Drawable *drawing(uint16_t type, int32_t x, int32_t y, int32_t width, int32_t height)
{
    Drawable *drawable = drawable_new();

    drawable->serial = ++serial;
    drawable->message_type = type;
    drawable->effect = QXL_EFFECT_OPAQUE;
    drawable->target = surface_ref(surface);
    drawable->message.base.box =
        (WireRect){.left = x, .top = y, .right = x + width, .bottom = y + height};
    pixman_region32_init_rect(&drawable->region, x, y, width, height);
    return drawable;
}

static void add_fill(int32_t x, int32_t y, int32_t width, int32_t height)
{
    Drawable *drawable = drawing(SPICE_MSG_DISPLAY_DRAW_FILL, x, y, width, height);

    drawable->message.fill.brush = (WireBrush){SPICE_BRUSH_TYPE_SOLID, {.color = serial}};
    drawable->message.fill.rop_descriptor = SPICE_ROPD_OP_PUT;
    truth_add(truth, drawable);
}

/* An image of the whole surface, in two pieces of guest memory. */
static Drawable *put(uint8_t *pixels)
{
    Drawable *drawable = drawing(SPICE_MSG_DISPLAY_DRAW_COPY, 0, 0, W, H);
    WireMsgDisplayDrawCopy *copy = &drawable->message.copy;
    WireImage *image = wire_arena_alloc(&drawable->arena, sizeof *image);
    struct iovec *pieces = wire_arena_alloc(&drawable->arena, 2 * sizeof *pieces);

    *image = (WireImage){.type = SPICE_IMAGE_TYPE_BITMAP, .width = W, .height = H};
    image->u.bitmap = (WireBitmap){.format = SPICE_BITMAP_FMT_32BIT,
                                   .flags = SPICE_BITMAP_FLAGS_TOP_DOWN,
                                   .x = W,
                                   .y = H,
                                   .stride = W * 4};
    pieces[0] = (struct iovec){pixels, BYTES / 3};
    pieces[1] = (struct iovec){pixels + BYTES / 3, BYTES - BYTES / 3};
    copy->src_image = image;
    copy->src_area = (WireRect){.right = W, .bottom = H};
    copy->rop_descriptor = SPICE_ROPD_OP_PUT;
    drawable->put = true;
    drawable->borrowed = pieces;
    drawable->n_borrowed = 2;
    truth_add(truth, drawable_ref(drawable));
    return drawable;
}

static void put_and_render(uint8_t *pixels)
{
    Drawable *drawable = put(pixels);

    truth_render(truth, drawable);
    drawable_unref(drawable);
}

static void run_copy(void)
{
    memcpy(packed, picture, BYTES);
}

static void run_code(void)
{
    LZ4_compress_default((const char *)picture, (char *)packed, BYTES, LZ4_compressBound(BYTES));
}

static void run_same(void)
{
    put_and_render(picture);
}

/* One of two pictures that differ in every pixel, or in a few places. */
static void run_alternating(void)
{
    put_and_render(++turn & 1 ? other : picture);
}

/* 16 rows further, each time; the surface's end is the picture's beginning. */
static void run_scrolled(void)
{
    uint8_t *from = turn & 1 ? other : picture, *to = turn & 1 ? picture : other;

    turn++;
    memcpy(to, from + 16 * W * 4, BYTES - 16 * W * 4);
    memcpy(to + BYTES - 16 * W * 4, from, 16 * W * 4);
    put_and_render(to);
}

static void run_scrolled_copy(void)
{
    uint8_t *from = turn & 1 ? other : picture, *to = turn & 1 ? picture : other;

    turn++;
    memcpy(to, from + 16 * W * 4, BYTES - 16 * W * 4);
    memcpy(to + BYTES - 16 * W * 4, from, 16 * W * 4);
}

static const uint8_t *other_row(void *context, int32_t y)
{
    return other + (size_t)y * W * 4;
}

/* The whole search, for something that isn't there. */
static void run_search(void)
{
    const CanvasPixels old = {picture, W * 4, W, H, PIXMAN_x8r8g8b8};
    const pixman_box32_t box = {0, 0, W, H};
    const ScrollSource source = {other_row, NULL};
    ScrollMove move = {0};

    if (scroll_find(&old, &box, &source, true, &move))
        abort();
}

static void run_hidden(void)
{
    add_fill(100, 100, 50, 50);
}

static void run_among_many(void)
{
    add_fill(0, 0, 10, 10);
}

static void run_rendered(void)
{
    add_fill(100, 100, 8, 8);
    truth_render_all(truth);
}

static void text(uint8_t *pixels, uint32_t seed)
{
    uint32_t *p = (uint32_t *)pixels;

    for (int32_t y = 0; y < H; y++)
        for (int32_t x = 0; x < W; x++) {
            seed = seed * 1664525 + 1013904223;
            p[(size_t)y * W + x] = y % 16 < 11 && (seed >> 24) % 3 == 0 ? 0x202020 : 0xffffff;
        }
}

static double copied, coded;

static void report(const char *name, double time)
{
    printf("%-44s %8.3f ms  %5.2f memcpy  %5.2f LZ4  %6.1f GB/s\n", name, time * 1e3, time / copied,
           time / coded, BYTES / time / 1e9);
}

int main(void)
{
    double time;

    memory = malloc(BYTES);
    picture = malloc(BYTES);
    other = malloc(BYTES);
    packed = malloc(LZ4_compressBound(BYTES));
    truth = truth_new(1, NULL, NULL);
    surface =
        truth_create_surface(truth, 0, SPICE_SURFACE_FMT_32_xRGB, W, H, W * 4, memory, false, NULL);
    text(picture, 12345);
    memset(other, 0, BYTES);
    copied = measure(run_copy);
    coded = measure(run_code);
    report("memcpy()", copied);
    report("coding the picture with LZ4", coded);
    run_same();
    report("an image equal to what is there", measure(run_same));
    memcpy(other, picture, BYTES);
    for (int32_t y = 0; y < 100; y++)
        memset(other + ((size_t)(500 + y) * W + 300) * 4, 0x5a, 800);
    report("an image that differs in 200x100 pixels", measure(run_alternating));
    for (int i = 0; i < BYTES; i++)
        other[i] = ~picture[i];
    report("an image that differs everywhere", measure(run_alternating));
    text(picture, 12345);
    put_and_render(picture);
    turn = 0;
    time = measure(run_scrolled);
    turn = 0;
    report("an image scrolled by 16 rows", time - measure(run_scrolled_copy));
    text(picture, 12345);
    text(other, 54321);
    report("looking for moved pixels in vain", measure(run_search));
    time = measure(run_hidden);
    printf("%-44s %8.3f us\n", "a fill that hides the one before", time * 1e6);
    for (int i = 0; i < 1000; i++)
        add_fill(20 + i % 100 * 18, 20 + i / 100 * 100, 16, 90);
    time = measure(run_among_many);
    printf("%-44s %8.3f us\n", "the same, with 1000 others pending", time * 1e6);
    truth_render_all(truth);
    time = measure(run_rendered);
    printf("%-44s %8.3f us\n", "a fill of 8x8 pixels, rendered", time * 1e6);
    truth_free(truth);
    free(memory);
    free(picture);
    free(other);
    free(packed);
    return 0;
}
