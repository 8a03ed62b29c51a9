/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The canvas room alone: time for each command of the table in section 19 of docs/spec/canvas.md,
 * as a multiple of a memcpy() of the surface measured beside it, and of pixman doing the same where
 * deployed peers leave the work to it: bench-canvas [PART OF A NAME]. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <spice/enums.h>

#include "canvas-session.h"
#include "canvas/pixels.h"

enum { W = 1920, H = 1080 };

static Session session;
static double copy_time;
static const char *only; /* part of the name of what is measured */
static volatile uint32_t sink;

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); /* other work of the machine must not count */
    return t.tv_sec + t.tv_nsec * 1e-9;
}

/* Seconds of one call: the best of several batches of at least 30 ms. */
static double measure(void (*run)(const void *), const void *ctx)
{
    double best = 1e9;
    int n = 1;

    for (int batch = 0; batch < 7;) {
        double start = now(), time;

        for (int i = 0; i < n; i++)
            run(ctx);
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

typedef struct Command {
    uint16_t type;
    const void *message;
} Command;

static void run_command(const void *ctx)
{
    const Command *command = ctx;

    if (session_draw(&session, command->type, command->message) != CANVAS_OK) {
        fprintf(stderr, "a command was refused\n");
        exit(1);
    }
}

static void report_run(const char *name, void (*run)(const void *), const void *ctx)
{
    double time;

    if (only && !strstr(name, only))
        return;
    time = measure(run, ctx);
    printf("%-52s %9.3f ms %8.2f x memcpy\n", name, time * 1e3, time / copy_time);
    fflush(stdout);
}

static void report(const char *name, uint16_t type, const void *message)
{
    report_run(name, run_command, &(Command){type, message});
}

static void run_memcpy(const void *ctx)
{
    CanvasSurface *to = session_surface(&session, 0), *from = session_surface(&session, 1);

    memcpy(to->pixels.data, from->pixels.data, (size_t)to->pixels.stride * H);
    sink = to->pixels.data[5];
}

typedef struct PixmanCall {
    pixman_op_t op;
    pixman_image_t *source, *mask, *target;
    int32_t width, height;
} PixmanCall;

static void run_pixman(const void *ctx)
{
    const PixmanCall *call = ctx;

    pixman_image_composite32(call->op, call->source, call->mask, call->target, 0, 0, 0, 0, 0, 0,
                             call->width, call->height);
}

static WireImage surface_image(uint32_t id)
{
    WireImage image = {.type = SPICE_IMAGE_TYPE_SURFACE};

    image.u.surface.surface_id = id;
    return image;
}

static uint32_t state = 1;

static uint8_t random_byte(void)
{
    state = state * 1103515245 + 12345;
    return state >> 16;
}

int main(int argc, char **argv)
{
    static const WireRect all = {.top = 0, .left = 0, .bottom = H, .right = W};
    static const WireRect half = {.top = 0, .left = 0, .bottom = H / 2, .right = W / 2};
    static const WireRect small = {.top = 500, .left = 900, .bottom = 564, .right = 964};
    const WireDisplayBase base = {.box = all},
                          clipped = {.box = all, .clip = {SPICE_CLIP_TYPE_RECTS, 1, &small}};
    WireImage source = surface_image(1), tile = surface_image(2), argb = surface_image(3),
              alpha = surface_image(4), mask = surface_image(5);
    WireImage regular = surface_image(6);

    only = argc > 1 ? argv[1] : NULL;
    session_init(&session);
    session_create(&session, 0, SPICE_SURFACE_FMT_32_xRGB, W, H);
    session_create(&session, 1, SPICE_SURFACE_FMT_32_xRGB, W, H);
    session_create(&session, 2, SPICE_SURFACE_FMT_32_xRGB, 8, 8);
    session_create(&session, 3, SPICE_SURFACE_FMT_32_ARGB, W, H);
    session_create(&session, 4, SPICE_SURFACE_FMT_8_A, W, H);
    session_create(&session, 5, SPICE_SURFACE_FMT_1_A, W, H);
    session_create(&session, 6, SPICE_SURFACE_FMT_1_A, W, H);
    for (uint32_t id = 0; id < 7; id++) {
        CanvasSurface *surface = session_surface(&session, id);

        for (int32_t i = 0; i < surface->pixels.stride * surface->pixels.height; i++)
            surface->pixels.data[i] = id == 6 ? 0x0f : random_byte();
    }

    copy_time = measure(run_memcpy, NULL);
    printf("%-52s %9.3f ms\n", "memcpy of the surface, 1920 x 1080, 32 bits", copy_time * 1e3);

    WireBrush solid = {.type = SPICE_BRUSH_TYPE_SOLID},
              pattern = {.type = SPICE_BRUSH_TYPE_PATTERN};
    solid.u.color = 0x336699;
    pattern.u.pattern.image = &tile;
    pattern.u.pattern.pos = (WirePoint){3, 5};

    WireMsgDisplayDrawFill fill = {
        .base = base, .brush = solid, .rop_descriptor = SPICE_ROPD_OP_PUT};
    report("fill, colour", SPICE_MSG_DISPLAY_DRAW_FILL, &fill);
    fill.rop_descriptor = SPICE_ROPD_OP_XOR;
    report("fill, colour, xor", SPICE_MSG_DISPLAY_DRAW_FILL, &fill);
    fill.brush = pattern;
    report("fill, pattern 8 x 8, xor", SPICE_MSG_DISPLAY_DRAW_FILL, &fill);
    fill.rop_descriptor = SPICE_ROPD_OP_PUT;
    report("fill, pattern 8 x 8", SPICE_MSG_DISPLAY_DRAW_FILL, &fill);
    fill.brush = solid;
    fill.mask.image = &regular;
    report("fill through a regular mask", SPICE_MSG_DISPLAY_DRAW_FILL, &fill);
    fill.mask.image = &mask;
    report("fill through a random mask", SPICE_MSG_DISPLAY_DRAW_FILL, &fill);

    WireMsgDisplayDrawInvers invers = {.base = base};
    report("invers", SPICE_MSG_DISPLAY_DRAW_INVERS, &invers);
    WireMsgDisplayCopyBits move = {.base = base, .src_pos = {3, 40}};
    report("copy bits", SPICE_MSG_DISPLAY_COPY_BITS, &move);

    WireMsgDisplayDrawCopy copy = {
        .base = base, .src_image = &source, .src_area = all, .rop_descriptor = SPICE_ROPD_OP_PUT};
    report("copy", SPICE_MSG_DISPLAY_DRAW_COPY, &copy);
    copy.rop_descriptor = SPICE_ROPD_OP_AND;
    report("copy, and", SPICE_MSG_DISPLAY_DRAW_COPY, &copy);
    copy.rop_descriptor = SPICE_ROPD_OP_PUT;
    copy.src_area = half;
    copy.scale_mode = SPICE_IMAGE_SCALE_MODE_NEAREST;
    report("copy, scaled x2, nearest", SPICE_MSG_DISPLAY_DRAW_COPY, &copy);

    pixman_transform_t matrix;
    PixmanCall call = {PIXMAN_OP_SRC,
                       canvas_view(&session_surface(&session, 1)->pixels, PIXMAN_x8r8g8b8),
                       NULL,
                       canvas_view(&session_surface(&session, 0)->pixels, PIXMAN_x8r8g8b8),
                       W,
                       H};
    pixman_transform_init_scale(&matrix, 32768, 32768);
    pixman_image_set_transform(call.source, &matrix);
    pixman_image_set_filter(call.source, PIXMAN_FILTER_NEAREST, NULL, 0);
    report_run("  pixman: the same", run_pixman, &call);
    copy.scale_mode = SPICE_IMAGE_SCALE_MODE_INTERPOLATE;
    report("copy, scaled x2, interpolated", SPICE_MSG_DISPLAY_DRAW_COPY, &copy);
    pixman_image_set_filter(call.source, PIXMAN_FILTER_GOOD, NULL, 0);
    report_run("  pixman: the same", run_pixman, &call);
    copy.rop_descriptor = SPICE_ROPD_OP_XOR;
    report("copy, scaled x2, interpolated, xor", SPICE_MSG_DISPLAY_DRAW_COPY, &copy);

    WireMsgDisplayDrawRop3 rop3 = {
        .base = base, .src_image = &source, .src_area = all, .brush = solid, .rop3 = 0xb8};
    report("rop3, colour", SPICE_MSG_DISPLAY_DRAW_ROP3, &rop3);
    rop3.brush = pattern;
    report("rop3, pattern 8 x 8", SPICE_MSG_DISPLAY_DRAW_ROP3, &rop3);
    rop3.base = clipped;
    report("rop3, pattern, clip 64 x 64", SPICE_MSG_DISPLAY_DRAW_ROP3, &rop3);

    WireMsgDisplayDrawOpaque opaque = {.base = base,
                                       .src_image = &source,
                                       .src_area = all,
                                       .brush = pattern,
                                       .rop_descriptor = SPICE_ROPD_OP_XOR};
    report("opaque, pattern, xor", SPICE_MSG_DISPLAY_DRAW_OPAQUE, &opaque);
    WireMsgDisplayDrawTransparent keyed = {
        .base = base, .src_image = &source, .src_area = all, .true_color = 0x123456};
    report("transparent", SPICE_MSG_DISPLAY_DRAW_TRANSPARENT, &keyed);

    WireMsgDisplayDrawAlphaBlend blend = {
        .base = base, .src_image = &argb, .src_area = all, .alpha = 255};
    report("alpha blend, ARGB", SPICE_MSG_DISPLAY_DRAW_ALPHA_BLEND, &blend);
    PixmanCall over = {PIXMAN_OP_OVER,
                       canvas_view(&session_surface(&session, 3)->pixels, PIXMAN_a8r8g8b8),
                       NULL,
                       call.target,
                       W,
                       H};
    report_run("  pixman: the same", run_pixman, &over);
    blend.alpha = 100;
    report("alpha blend, ARGB, alpha 100", SPICE_MSG_DISPLAY_DRAW_ALPHA_BLEND, &blend);
    pixman_color_t level = {.alpha = 100 * 257};
    over.mask = pixman_image_create_solid_fill(&level);
    report_run("  pixman: the same", run_pixman, &over);

    WireMsgDisplayDrawComposite composite = {.base = base,
                                             .src_image = &argb,
                                             .mask_image = &alpha,
                                             .flags = PIXMAN_OP_OVER | SPICE_COMPOSITE_HAS_MASK};
    report("composite OVER with an A8 mask", SPICE_MSG_DISPLAY_DRAW_COMPOSITE, &composite);
    composite.base = clipped;
    report("composite, clip 64 x 64", SPICE_MSG_DISPLAY_DRAW_COMPOSITE, &composite);

    const WirePoint ends[] = {{100 * 16, 100 * 16}, {950 * 16, 400 * 16}};
    const WirePathSegment segment = {SPICE_PATH_BEGIN | SPICE_PATH_END, 2, ends};
    const WirePath path = {1, &segment};
    const int32_t style[] = {4 * 16, 4 * 16};
    WireMsgDisplayDrawStroke stroke = {
        .base = base, .path = &path, .brush = solid, .fore_mode = SPICE_ROPD_OP_PUT};
    report("line of 850 pixels", SPICE_MSG_DISPLAY_DRAW_STROKE, &stroke);
    stroke.brush = pattern;
    report("line of 850 pixels, pattern", SPICE_MSG_DISPLAY_DRAW_STROKE, &stroke);
    stroke.brush = solid;
    stroke.attr = (WireLineAttr){SPICE_LINE_FLAGS_STYLED, 2, style};
    report("line of 850 pixels, dashes of 4", SPICE_MSG_DISPLAY_DRAW_STROKE, &stroke);
    stroke.fore_mode = SPICE_ROPD_OP_XOR;
    report("line of 850 pixels, dashes of 4, xor", SPICE_MSG_DISPLAY_DRAW_STROKE, &stroke);

    /* Letters have ink on a third of their pixels, in runs. */
    static uint8_t rows[48];
    static WireGlyph glyphs[100];
    WireString string = {SPICE_STRING_FLAGS_RASTER_A1, 100, glyphs};
    WireMsgDisplayDrawText text = {
        .base = base, .string = &string, .fore_brush = solid, .fore_mode = SPICE_ROPD_OP_PUT};
    for (int i = 0; i < 100; i++)
        glyphs[i] = (WireGlyph){{100 + 8 * i, 200}, {0, -10}, 8, 12, {rows, 12}};
    for (size_t i = 0; i < sizeof rows; i++)
        rows[i] = 0x3c & random_byte();
    report("text, 100 glyphs 8 x 12, A1", SPICE_MSG_DISPLAY_DRAW_TEXT, &text);
    for (int i = 0; i < 100; i++)
        glyphs[i].data.size = 48;
    string.flags = SPICE_STRING_FLAGS_RASTER_A4;
    for (size_t i = 0; i < sizeof rows; i++)
        rows[i] = (i & 3) == 0 || (i & 3) == 3 ? random_byte() & 0x0f : random_byte();
    report("text, 100 glyphs 8 x 12, A4", SPICE_MSG_DISPLAY_DRAW_TEXT, &text);

    session_clear(&session);
    return 0;
}
