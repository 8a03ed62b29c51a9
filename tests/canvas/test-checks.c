/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Hostile and odd input, row by row of section 16 of docs/spec/canvas.md, section 17.1 of
 * docs/spec/display.md and docs/spec/dangers.md: void draws change nothing, and nothing crashes,
 * hangs or takes unbounded memory. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <spice/enums.h>

#include "canvas/scene.h"
#include "tap.h"

enum { W = 40, H = 30 };

static Session session;

static CanvasSurface *target(void)
{
    return session_surface(&session, 0);
}

static void start(const char *name, uint32_t format)
{
    tap_case(name);
    session_init(&session);
    CHECK(session_create(&session, 0, format, W, H) == CANVAS_OK);
}

static void finish(void)
{
    session_clear(&session);
}

static bool is_blank(void)
{
    for (int32_t y = 0; y < H; y++)
        for (int32_t x = 0; x < W; x++)
            if (scene_pixel(target(), x, y))
                return false;
    return true;
}

static int painted(void)
{
    int n = 0;

    for (int32_t y = 0; y < H; y++)
        for (int32_t x = 0; x < W; x++)
            n += scene_pixel(target(), x, y) != 0;
    return n;
}

static const WireRect all = {.top = 0, .left = 0, .bottom = H, .right = W};

static WireDisplayBase base_of(WireRect box)
{
    return (WireDisplayBase){.surface_id = 0, .box = box};
}

static uint8_t pixels[64 * 64 * 4];

/* A bitmap of white pixels. */
static WireImage bitmap_of(uint8_t format, uint32_t width, uint32_t height, uint32_t stride)
{
    WireImage image = {.type = SPICE_IMAGE_TYPE_BITMAP, .width = width, .height = height};

    memset(pixels, 0xff, sizeof pixels);
    image.u.bitmap = (WireBitmap){.format = format,
                                  .flags = SPICE_BITMAP_FLAGS_TOP_DOWN,
                                  .x = width,
                                  .y = height,
                                  .stride = stride,
                                  .data = {pixels, sizeof pixels}};
    return image;
}

static WireMsgDisplayDrawCopy copy_of(const WireImage *image)
{
    return (WireMsgDisplayDrawCopy){.base = base_of(all),
                                    .src_image = image,
                                    .src_area = all,
                                    .rop_descriptor = SPICE_ROPD_OP_PUT};
}

static CanvasResult draw_image(const WireImage *image)
{
    WireMsgDisplayDrawCopy copy = copy_of(image);

    return session_draw(&session, SPICE_MSG_DISPLAY_DRAW_COPY, &copy);
}

static CanvasResult fill(uint32_t color, WireRect box)
{
    WireMsgDisplayDrawFill message = {.base = base_of(box), .rop_descriptor = SPICE_ROPD_OP_PUT};

    message.brush.type = SPICE_BRUSH_TYPE_SOLID;
    message.brush.u.color = color;
    return session_draw(&session, SPICE_MSG_DISPLAY_DRAW_FILL, &message);
}

static void test_surfaces(void)
{
    CanvasResult result;

    tap_case("surface sizes and formats; cve_2016_2150 and cve_2014_3615: products that overflow");
    const uint32_t bad[][3] = {{SPICE_SURFACE_FMT_32_xRGB, 0, 5},
                               {SPICE_SURFACE_FMT_32_xRGB, 5, 0},
                               {SPICE_SURFACE_FMT_32_xRGB, 65536, 1},
                               {SPICE_SURFACE_FMT_32_xRGB, 0x80000001, 0x80000001},
                               {SPICE_SURFACE_FMT_32_xRGB, UINT32_MAX, UINT32_MAX},
                               {0, 5, 5},
                               {2, 5, 5},
                               {24, 5, 5},
                               {UINT32_MAX, 5, 5}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK(canvas_surface_new(bad[i][0], bad[i][1], bad[i][2], SIZE_MAX, &result) == NULL);
        CHECK(result == CANVAS_BAD_MESSAGE &&
              canvas_surface_bytes(bad[i][0], bad[i][1], bad[i][2]) == 0);
    }
    CHECK(!canvas_surface_new(SPICE_SURFACE_FMT_32_xRGB, 65535, 65535, 1 << 30, &result) &&
          result == CANVAS_TOO_LARGE);
    CHECK(canvas_surface_bytes(SPICE_SURFACE_FMT_32_xRGB, 65535, 65535) ==
          (size_t)65535 * 65535 * 4);
    CHECK(canvas_surface_bytes(SPICE_SURFACE_FMT_1_A, 33, 2) == 16);

    uint32_t memory[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    CanvasSurface *own =
        canvas_surface_new_for_data(SPICE_SURFACE_FMT_32_xRGB, 2, 2, memory, 16, &result);

    CHECK(own && own->pixels.data == (uint8_t *)memory);
    canvas_surface_clear(own);
    /* Only the pixels, not what stands between the rows. */
    CHECK(memory[0] == 0 && memory[1] == 0 && memory[2] == 3 && memory[5] == 0 && memory[6] == 7);
    canvas_surface_free(own);
    CHECK(!canvas_surface_new_for_data(SPICE_SURFACE_FMT_32_xRGB, 5, 2, memory, 16, &result));
    CHECK(!canvas_surface_new_for_data(SPICE_SURFACE_FMT_32_xRGB, 2, 2, memory, 18, &result));
    own = canvas_surface_new_for_data(SPICE_SURFACE_FMT_32_xRGB, 2, 2, memory + 4, -16, &result);
    memory[4] = 9;
    memory[0] = 8;
    canvas_surface_clear(own);
    CHECK(memory[4] == 0 && memory[5] == 0 && memory[0] == 0 && memory[1] == 0 && memory[3] == 4);
    canvas_surface_free(own);
    CHECK(!canvas_surface_new_for_data(SPICE_SURFACE_FMT_32_xRGB, 5, 2, memory + 4, -16, &result));
    CHECK(!canvas_surface_new_for_data(SPICE_SURFACE_FMT_32_xRGB, 2, 2, memory + 4, -18, &result));
    CHECK(!canvas_surface_new_for_data(SPICE_SURFACE_FMT_32_xRGB, 2, 2, (uint8_t *)memory + 2, 8,
                                       &result));
    CHECK(!canvas_surface_new_for_data(SPICE_SURFACE_FMT_32_xRGB, 2, 2, memory, PTRDIFF_MIN,
                                       &result));
    CHECK(canvas_mode_format(32) == SPICE_SURFACE_FMT_32_xRGB &&
          canvas_mode_format(16) == SPICE_SURFACE_FMT_16_555);
    CHECK(canvas_mode_format(8) == SPICE_SURFACE_FMT_16_555);
    for (int i = CANVAS_OK; i <= CANVAS_NO_MEMORY + 1; i++)
        CHECK(strlen(canvas_result_text(i)) > 5);
}

/* cve_2015_5260: an id that isn't in the table. */
static void test_unknown_surfaces(void)
{
    WireImage image = {.type = SPICE_IMAGE_TYPE_SURFACE};
    WireImage kept = bitmap_of(SPICE_BITMAP_FMT_32BIT, 8, 8, 32);
    WireMsgDisplayDrawCopy copy = copy_of(&kept);
    CanvasOperands operands;

    start("cve_2015_5260_unknown_surface_ids", SPICE_SURFACE_FMT_32_xRGB);
    for (int i = 0; i < 3; i++) {
        image.u.surface.surface_id = (uint32_t[]){1, 1u << 31, UINT32_MAX}[i];
        CHECK(draw_image(&image) == CANVAS_NO_SURFACE);
    }
    CHECK(is_blank());
    /* Drawn nowhere, its image is cached nevertheless. */
    copy.base.surface_id = UINT32_MAX;
    kept.flags = SPICE_IMAGE_FLAGS_CACHE_ME;
    kept.id = 5;
    CHECK(session_draw(&session, SPICE_MSG_DISPLAY_DRAW_COPY, &copy) == CANVAS_NO_SURFACE);
    kept.type = SPICE_IMAGE_TYPE_FROM_CACHE;
    CHECK(canvas_list_images(SPICE_MSG_DISPLAY_DRAW_COPY, &copy, &operands) &&
          operands.n_images == 1 && operands.surface_id == UINT32_MAX &&
          operands.images[0].image == &kept);
    CHECK(draw_image(&kept) == CANVAS_OK && painted() == 64);
    finish();
}

/* dangers.md: "32-bit bitmap_consistent", "LZ4 row overflow"; cve_2018_10893: sizes that overflow.
 */
static void test_bitmaps(void)
{
    start("cve_2018_10893_and_bitmap_consistent_2015_bitmaps_larger_than_their_data",
          SPICE_SURFACE_FMT_32_xRGB);
    WireImage good = bitmap_of(SPICE_BITMAP_FMT_32BIT, 10, 10, 40), image;
    struct {
        uint32_t x, y, stride;
        size_t size;
    } bad[] = {{0, 10, 40, 4000},        {10, 0, 40, 4000},      {11, 10, 43, 4000},
               {10, 10, 39, 4000},       {10, 10, 40, 399},      {10, 1u << 31, 2, 4000},
               {10, 65536, 65536, 4000}, {1u << 30, 1, 0, 4000}, {UINT32_MAX, 1, UINT32_MAX, 4000},
               {0x40000001, 4, 4, 4000}, {10, 10, 40, 0}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        image = good;
        image.u.bitmap.x = bad[i].x;
        image.u.bitmap.y = bad[i].y;
        image.u.bitmap.stride = bad[i].stride;
        image.u.bitmap.data.size = bad[i].size;
        CHECK(draw_image(&image) == CANVAS_BAD_IMAGE);
    }
    /* A few bytes must not become a gigabyte. */
    image = good;
    image.u.bitmap.format = SPICE_BITMAP_FMT_32BIT;
    session.max_pixels = 99;
    CHECK(draw_image(&image) == CANVAS_BAD_IMAGE);
    session.max_pixels = 100;
    CHECK(draw_image(&image) == CANVAS_OK);
    finish();

    start("bitmap formats that are not usable on a surface", SPICE_SURFACE_FMT_16_565);
    for (int format = 0; format < 256; format++) {
        bool usable = format >= SPICE_BITMAP_FMT_16BIT && format <= SPICE_BITMAP_FMT_8BIT_A;

        image = bitmap_of(format, 10, 10, 64);
        CHECK((draw_image(&image) == CANVAS_OK) == usable);
    }
    finish();
}

static void test_palettes(void)
{
    static const uint32_t entries[] = {0x111111, 0x222222};
    WirePalette palette = {0, 2, entries};
    WireImage image;

    start("palette index beyond the entries, missing palettes", SPICE_SURFACE_FMT_32_xRGB);
    for (int i = 0; i < 3; i++) {
        image = bitmap_of((uint8_t[]){SPICE_BITMAP_FMT_1BIT_BE, SPICE_BITMAP_FMT_4BIT_BE,
                                      SPICE_BITMAP_FMT_8BIT}[i],
                          32, 20, 32);
        CHECK(draw_image(&image) == CANVAS_BAD_IMAGE && is_blank());
        image.u.bitmap.palette = &palette;
        palette.n_entries = i == 0 ? 1 : 2;
        CHECK(fill(7, all) == CANVAS_OK && draw_image(&image) == CANVAS_OK);
        /* Missing entries are 0. */
        CHECK(scene_pixel(target(), 3, 3) == 0 && scene_pixel(target(), 33, 3) == 7);
        fill(0, all);
        palette.n_entries = 0;
        CHECK(draw_image(&image) == CANVAS_OK && is_blank());
        image.u.bitmap.flags |= SPICE_BITMAP_FLAGS_PAL_FROM_CACHE;
        image.u.bitmap.palette_id = 77;
        CHECK(draw_image(&image) == CANVAS_BAD_IMAGE);
    }
    finish();
}

static void test_compressed(void)
{
    WireImage image = {.width = 8, .height = 8};
    CanvasDecode how = {.surface_format = SPICE_SURFACE_FMT_32_xRGB};
    CanvasResult result;

    start("image types and streams that nobody can decode", SPICE_SURFACE_FMT_32_xRGB);
    for (int type = 0; type < 256; type++) {
        WireImage broken = image;

        if (type == SPICE_IMAGE_TYPE_SURFACE)
            continue;
        broken.type = type;
        CHECK(draw_image(&broken) != CANVAS_OK);
        CHECK(!canvas_image_decode(&broken, &how, &result) && result != CANVAS_OK);
    }
    CHECK(is_blank());
    /* A null pointer in place of an image. */
    CHECK(draw_image(NULL) == CANVAS_BAD_MESSAGE);
    WireMsgDisplayDrawFill message = {.base = base_of(all), .rop_descriptor = SPICE_ROPD_OP_PUT};
    message.brush.type = SPICE_BRUSH_TYPE_PATTERN;
    CHECK(session_draw(&session, SPICE_MSG_DISPLAY_DRAW_FILL, &message) == CANVAS_BAD_MESSAGE);
    CHECK(canvas_draw(&session.env, SPICE_MSG_DISPLAY_DRAW_FILL, NULL, NULL) == CANVAS_BAD_MESSAGE);
    CHECK(canvas_draw(&session.env, SPICE_MSG_DISPLAY_MARK, &message, NULL) == CANVAS_BAD_MESSAGE);
    finish();
}

static void test_depths(void)
{
    static const uint16_t types[] = {
        SPICE_MSG_DISPLAY_DRAW_COPY,   SPICE_MSG_DISPLAY_DRAW_ROP3,
        SPICE_MSG_DISPLAY_DRAW_OPAQUE, SPICE_MSG_DISPLAY_DRAW_TRANSPARENT,
        SPICE_MSG_DISPLAY_DRAW_FILL,   SPICE_MSG_DISPLAY_DRAW_STROKE};
    WireImage image = {.type = SPICE_IMAGE_TYPE_SURFACE};
    const WirePoint points[] = {{0, 0}, {160, 160}};
    const WirePathSegment segment = {SPICE_PATH_BEGIN | SPICE_PATH_END, 2, points};
    const WirePath path = {1, &segment};

    image.u.surface.surface_id = 1;
    for (int i = 0; i < 6; i++)
        for (int j = 0; j < 6; j++) {
            uint32_t depth = scene_formats[i] & 0x3f, other = scene_formats[j] & 0x3f;

            start("surfaces of another depth as raw operands", scene_formats[i]);
            session_create(&session, 1, scene_formats[j], W, H);
            memset(session_surface(&session, 1)->pixels.data, 0xff,
                   (size_t)session_surface(&session, 1)->pixels.stride * H);
            for (size_t k = 0; k < sizeof types / sizeof *types; k++) {
                SceneMessage message = {.base = base_of(all)};
                WireBrush brush = {.type = SPICE_BRUSH_TYPE_PATTERN};

                brush.u.pattern.image = &image;
                switch (types[k]) {
                case SPICE_MSG_DISPLAY_DRAW_COPY:
                    message.copy = copy_of(&image);
                    break;
                case SPICE_MSG_DISPLAY_DRAW_ROP3:
                    message.rop3 = (WireMsgDisplayDrawRop3){
                        .base = base_of(all), .src_image = &image, .src_area = all, .rop3 = 0xcc};
                    break;
                case SPICE_MSG_DISPLAY_DRAW_OPAQUE:
                    message.opaque = (WireMsgDisplayDrawOpaque){.base = base_of(all),
                                                                .src_image = &image,
                                                                .src_area = all,
                                                                .rop_descriptor = SPICE_ROPD_OP_OR};
                    break;
                case SPICE_MSG_DISPLAY_DRAW_TRANSPARENT:
                    message.transparent = (WireMsgDisplayDrawTransparent){
                        .base = base_of(all), .src_image = &image, .src_area = all};
                    break;
                case SPICE_MSG_DISPLAY_DRAW_FILL:
                    message.fill = (WireMsgDisplayDrawFill){
                        .base = base_of(all), .brush = brush, .rop_descriptor = SPICE_ROPD_OP_PUT};
                    break;
                default:
                    message.stroke = (WireMsgDisplayDrawStroke){.base = base_of(all),
                                                                .path = &path,
                                                                .brush = brush,
                                                                .fore_mode = SPICE_ROPD_OP_PUT};
                }
                CHECK((session_draw(&session, types[k], &message) == CANVAS_OK) ==
                      (depth == other));
                CHECK(is_blank() == (depth != other));
                canvas_surface_clear(target());
            }
            finish();
        }
}

static void test_masks(void)
{
    WireImage image = bitmap_of(SPICE_BITMAP_FMT_8BIT, 8, 8, 8),
              surface = {.type = SPICE_IMAGE_TYPE_SURFACE};
    WireMsgDisplayDrawWhiteness message = {.base = base_of(all), .mask = {.image = &image}};

    start("masks of another depth", SPICE_SURFACE_FMT_32_xRGB);
    session_create(&session, 1, SPICE_SURFACE_FMT_8_A, W, H);
    session_create(&session, 2, SPICE_SURFACE_FMT_1_A, W, H);
    for (int format = 0; format < 256; format++) {
        image = bitmap_of(format, 8, 8, 64);
        CHECK((session_draw(&session, SPICE_MSG_DISPLAY_DRAW_WHITENESS, &message) == CANVAS_OK) ==
              (format == SPICE_BITMAP_FMT_1BIT_LE || format == SPICE_BITMAP_FMT_1BIT_BE));
    }
    CHECK(painted() == 64);
    canvas_surface_clear(target());
    message.mask.image = &surface;
    surface.u.surface.surface_id = 1;
    CHECK(session_draw(&session, SPICE_MSG_DISPLAY_DRAW_WHITENESS, &message) == CANVAS_BAD_IMAGE);
    surface.u.surface.surface_id = 2;
    message.mask.flags = SPICE_MASK_FLAGS_INVERS;
    CHECK(session_draw(&session, SPICE_MSG_DISPLAY_DRAW_WHITENESS, &message) == CANVAS_OK &&
          painted() == W * H);
    /* Far away, nothing of the mask lies on the surface. */
    canvas_surface_clear(target());
    for (int i = 0; i < 4; i++) {
        const int32_t far[] = {INT32_MIN, INT32_MAX, -1000, 1000};

        message.mask.pos = (WirePoint){far[i], 0};
        CHECK(session_draw(&session, SPICE_MSG_DISPLAY_DRAW_WHITENESS, &message) == CANVAS_OK &&
              is_blank());
        CHECK(!pixman_region32_not_empty(&session.damage));
    }
    finish();
}

static void test_scale(void)
{
    WireImage image = bitmap_of(SPICE_BITMAP_FMT_32BIT, 10, 10, 40);
    WireMsgDisplayDrawCopy copy = copy_of(&image);
    WireMsgDisplayDrawRop3 rop3 = {.base = base_of(all), .src_image = &image, .rop3 = 0xcc};
    const WireRect empty[] = {
        {.top = 3, .left = 3, .bottom = 3, .right = 3},
        {.top = 9, .left = 9, .bottom = 2, .right = 2},
        {.top = 0, .left = 5, .bottom = 10, .right = 5},
        {.top = INT32_MAX, .left = INT32_MAX, .bottom = INT32_MIN, .right = INT32_MIN}};

    start("source areas of no or negative size", SPICE_SURFACE_FMT_32_xRGB);
    for (int i = 0; i < 4; i++) {
        copy.src_area = rop3.src_area = empty[i];
        CHECK(session_draw(&session, SPICE_MSG_DISPLAY_DRAW_COPY, &copy) == CANVAS_BAD_MESSAGE);
        CHECK(session_draw(&session, SPICE_MSG_DISPLAY_DRAW_ROP3, &rop3) == CANVAS_BAD_MESSAGE);
        CHECK(is_blank());
    }
    copy.src_area = (WireRect){.top = 0, .left = 0, .bottom = 10, .right = 10};
    for (int mode = 0; mode < 256; mode++) {
        copy.scale_mode = mode;
        canvas_surface_clear(target());
        CHECK(session_draw(&session, SPICE_MSG_DISPLAY_DRAW_COPY, &copy) == CANVAS_OK);
        /* All but 0 is nearest, which fills the corners. */
        CHECK((scene_pixel(target(), 0, 0) == 0xffffff) ==
              (mode != SPICE_IMAGE_SCALE_MODE_INTERPOLATE));
    }
    copy.scale_mode = SPICE_IMAGE_SCALE_MODE_INTERPOLATE;
    copy.src_area =
        (WireRect){.top = INT32_MIN, .left = INT32_MIN, .bottom = INT32_MAX, .right = INT32_MAX};
    CHECK(session_draw(&session, SPICE_MSG_DISPLAY_DRAW_COPY, &copy) == CANVAS_OK);
    rop3.src_area = copy.src_area;
    CHECK(session_draw(&session, SPICE_MSG_DISPLAY_DRAW_ROP3, &rop3) == CANVAS_OK);
    copy.base.box = (WireRect){
        .top = INT32_MIN, .left = INT32_MIN, .bottom = INT32_MAX, .right = INT32_MAX - 1};
    CHECK(session_draw(&session, SPICE_MSG_DISPLAY_DRAW_COPY, &copy) == CANVAS_OK);
    finish();

    for (int i = 0; i < 6; i++) {
        WireMsgDisplayDrawRop3 invert = {
            .base = base_of(all), .src_image = &image, .src_area = all, .rop3 = 0x33};

        /* Smaller than the box; on depths that the deployed renderer can't do; beyond the surface.
         */
        start("rop3 on every format, with a source smaller than the box", scene_formats[i]);
        invert.base.box = (WireRect){.top = -5, .left = -5, .bottom = 35, .right = 50};
        invert.src_area = (WireRect){.top = -5, .left = -5, .bottom = 35, .right = 50};
        CHECK(session_draw(&session, SPICE_MSG_DISPLAY_DRAW_ROP3, &invert) == CANVAS_OK);
        image.u.bitmap.format = SPICE_BITMAP_FMT_RGBA;
        memset(pixels, 0, 40);
        CHECK(session_draw(&session, SPICE_MSG_DISPLAY_DRAW_ROP3, &invert) == CANVAS_OK);
        /* The first row was 0. On 555 the bit that the conversion leaves 0 turns to 1 everywhere.
         */
        CHECK(painted() == (scene_formats[i] == SPICE_SURFACE_FMT_16_555 ? 100 : 10));
        finish();
    }
}

static void test_composite(void)
{
    WireImage image = bitmap_of(SPICE_BITMAP_FMT_RGBA, 10, 10, 40),
              alpha = {.type = SPICE_IMAGE_TYPE_SURFACE};
    WireMsgDisplayDrawComposite message = {.base = base_of(all), .src_image = &image};

    start("composite operators and filters outside the tables", SPICE_SURFACE_FMT_32_ARGB);
    session_create(&session, 1, SPICE_SURFACE_FMT_8_A, W, H);
    alpha.u.surface.surface_id = 1;
    for (unsigned int op = 0; op < 256; op++) {
        bool valid = op <= 13 || (op >= 0x10 && op <= 0x1b) || (op >= 0x20 && op <= 0x2b) ||
                     (op >= 0x30 && op <= 0x3e);

        message.flags = op;
        CHECK((session_draw(&session, SPICE_MSG_DISPLAY_DRAW_COMPOSITE, &message) == CANVAS_OK) ==
              valid);
    }
    for (unsigned int filter = 0; filter < 8; filter++) {
        message.flags = 3 | filter << 8;
        CHECK((session_draw(&session, SPICE_MSG_DISPLAY_DRAW_COMPOSITE, &message) == CANVAS_OK) ==
              (filter <= 4));
        message.flags = 3 | filter << 11 | SPICE_COMPOSITE_HAS_MASK;
        message.mask_image = &image;
        CHECK((session_draw(&session, SPICE_MSG_DISPLAY_DRAW_COMPOSITE, &message) == CANVAS_OK) ==
              (filter <= 4));
    }
    message.flags = 3 | SPICE_COMPOSITE_HAS_MASK;
    message.mask_image = NULL;
    CHECK(session_draw(&session, SPICE_MSG_DISPLAY_DRAW_COMPOSITE, &message) == CANVAS_BAD_MESSAGE);
    /* SOURCE_OPAQUE on an 8_A surface. */
    message.flags = 3 | SPICE_COMPOSITE_SOURCE_OPAQUE;
    message.src_image = &alpha;
    CHECK(session_draw(&session, SPICE_MSG_DISPLAY_DRAW_COMPOSITE, &message) == CANVAS_OK);
    /* Box beyond the surface on all sides. */
    message.base.box = (WireRect){.top = -100, .left = -100, .bottom = 30000, .right = 30000};
    CHECK(session_draw(&session, SPICE_MSG_DISPLAY_DRAW_COMPOSITE, &message) == CANVAS_OK);
    message.base.box =
        (WireRect){.top = INT32_MIN, .left = INT32_MIN, .bottom = INT32_MAX, .right = INT32_MAX};
    session_draw(&session, SPICE_MSG_DISPLAY_DRAW_COMPOSITE, &message);
    finish();
}

/* ---- strokes ---- */

static CanvasResult stroke(const WirePathSegment *segments, uint32_t n, const int32_t *style,
                           uint32_t n_style)
{
    WirePath path = {n, segments};
    WireMsgDisplayDrawStroke message = {
        .base = base_of(all), .path = &path, .fore_mode = SPICE_ROPD_OP_XOR};

    message.brush.type = SPICE_BRUSH_TYPE_SOLID;
    message.brush.u.color = 0xffffff;
    if (style)
        message.attr = (WireLineAttr){SPICE_LINE_FLAGS_STYLED, n_style, style};
    return session_draw(&session, SPICE_MSG_DISPLAY_DRAW_STROKE, &message);
}

static void test_paths(void)
{
    const uint8_t begin = SPICE_PATH_BEGIN, end = SPICE_PATH_END, bezier = SPICE_PATH_BEZIER,
                  close = SPICE_PATH_CLOSE;
    const WirePoint points[] = {{16, 16}, {320, 160}, {160, 320}, {400, 400}, {32, 48}, {16, 16}};
    const WirePoint same[] = {{160, 160}, {160, 160}, {160, 160}, {160, 160}};
    const WirePathSegment bad[] = {
        {begin, 0, NULL},       {begin | end | close, 0, NULL}, {bezier, 3, points},
        {end | close, 0, NULL}, {begin | bezier, 3, points},    {begin | bezier, 6, points},
        {bezier, 1, points}};

    start("path segments without what they need", SPICE_SURFACE_FMT_32_xRGB);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK(stroke(&bad[i], 1, NULL, 0) == CANVAS_OK && is_blank());
    CHECK(stroke(bad, sizeof bad / sizeof *bad, NULL, 0) == CANVAS_OK && is_blank());
    CHECK(stroke(NULL, 0, NULL, 0) == CANVAS_OK && is_blank());
    /* What stands around them is drawn. */
    WirePathSegment mixed[] = {
        {begin, 1, points}, bad[0], {bezier, 2, points}, {end, 1, points + 1}};
    CHECK(stroke(mixed, 4, NULL, 0) == CANVAS_OK && painted() == 19);
    finish();

    start("equal Bezier points end", SPICE_SURFACE_FMT_32_xRGB);
    WirePathSegment equal = {begin | bezier | end, 4, same};
    CHECK(stroke(&equal, 1, NULL, 0) == CANVAS_OK && is_blank());
    /* Back to its start over far control points. */
    const WirePoint loop[] = {
        {160, 160}, {INT32_MAX, INT32_MIN}, {INT32_MIN, INT32_MAX}, {160, 160}};
    WirePathSegment looped = {begin | bezier | end, 4, loop};
    CHECK(stroke(&looped, 1, NULL, 0) == CANVAS_OK);
    const int32_t style[] = {16, 16};
    CHECK(stroke(&looped, 1, style, 2) == CANVAS_OK);
    finish();

    start("dash styles of nothing draw nothing", SPICE_SURFACE_FMT_32_xRGB);
    WirePathSegment line = {begin | end, 4, points};
    const int32_t nothing[] = {0, 0, 8, -7, 4096, 0};
    /* Lengths round to whole pixels and count modulo 256: all of these are 0. */
    CHECK(stroke(&line, 1, nothing, 6) == CANVAS_BAD_MESSAGE && is_blank());
    CHECK(stroke(&line, 1, nothing, 0) == CANVAS_BAD_MESSAGE && is_blank());
    CHECK(stroke(&line, 1, nothing, 1) == CANVAS_BAD_MESSAGE && is_blank());
    const int32_t odd[] = {0, 0, 64, INT32_MIN, INT32_MAX, -16};
    CHECK(stroke(&line, 1, odd, 6) == CANVAS_OK);
    finish();
}

static void test_bounded_time(void)
{
    enum { N = 2000 };
    static WirePoint far[N];
    WirePathSegment segment = {SPICE_PATH_BEGIN | SPICE_PATH_END, N, far};
    const int32_t style[] = {16, 16};

    start("dashed lines of 2^28 pixels in dashes of one pixel", SPICE_SURFACE_FMT_32_xRGB);
    /* Each of these took the deployed renderer minutes: 2000 of them would be days. */
    for (int i = 0; i < N; i++)
        far[i] = (WirePoint){i & 1 ? INT32_MAX : INT32_MIN, i * 7};
    CHECK(stroke(&segment, 1, style, 2) == CANVAS_OK && !is_blank());
    for (int i = 0; i < N; i++)
        far[i] = (WirePoint){i & 1 ? INT32_MAX : INT32_MIN, INT32_MAX - i};
    CHECK(stroke(&segment, 1, style, 2) == CANVAS_OK);
    finish();

    start("curves over all coordinates", SPICE_SURFACE_FMT_32_xRGB);
    for (int i = 0; i < N; i++)
        far[i] = (WirePoint){i & 1 ? INT32_MAX - i : INT32_MIN + i,
                             i & 2 ? INT32_MAX - 3 * i : INT32_MIN + i};
    segment.flags |= SPICE_PATH_BEZIER;
    segment.n_points = 1 + 3 * 600;
    CHECK(stroke(&segment, 1, NULL, 0) == CANVAS_OK);
    segment.n_points = 1 + 3 * 20;
    CHECK(stroke(&segment, 1, style, 2) == CANVAS_OK);
    finish();

    start("a clip whose region would have a billion rectangles", SPICE_SURFACE_FMT_32_xRGB);
    enum { STRIPS = 60000 };
    WireRect *rects = calloc(STRIPS, sizeof *rects);
    session_create(&session, 0, SPICE_SURFACE_FMT_8_A, 2000, 2000);
    for (int32_t i = 0; i < STRIPS; i++)
        rects[i] =
            i & 1 ? (WireRect){.top = 0, .left = i % 2000, .bottom = 2000, .right = i % 2000 + 1}
                  : (WireRect){.top = i % 2000, .left = 0, .bottom = i % 2000 + 1, .right = 2000};
    WireMsgDisplayDrawWhiteness white = {
        .base = base_of((WireRect){.top = 0, .left = 0, .bottom = 2000, .right = 2000})};
    white.base.clip = (WireClip){SPICE_CLIP_TYPE_RECTS, STRIPS, rects};
    CHECK(session_draw(&session, SPICE_MSG_DISPLAY_DRAW_WHITENESS, &white) == CANVAS_OK);
    CHECK(scene_pixel(target(), 1, 1) == 0 + 255 && scene_pixel(target(), 0, 0) == 255);
    CHECK(scene_pixel(target(), 2, 1) == 0);
    free(rects);
    finish();
}

static void test_text(void)
{
    uint8_t rows[64];
    WireGlyph glyph = {{5, 5}, {0, 0}, 8, 8, {rows, 8}};
    WireString string = {SPICE_STRING_FLAGS_RASTER_A1, 1, &glyph};
    WireMsgDisplayDrawText message = {.base = base_of(all), .string = &string};

    memset(rows, 0xff, sizeof rows);
    start("glyph_size_overflow_2015; text: no glyphs, no raster flag, any fore_mode, short data",
          SPICE_SURFACE_FMT_32_xRGB);
    message.fore_brush.type = SPICE_BRUSH_TYPE_SOLID;
    message.fore_brush.u.color = 0x123456;
    message.back_brush = message.fore_brush;
    string.n_glyphs = 0;
    CHECK(session_draw(&session, SPICE_MSG_DISPLAY_DRAW_TEXT, &message) == CANVAS_OK && is_blank());
    message.back_area = (WireRect){.top = 1, .left = 1, .bottom = 3, .right = 3};
    for (unsigned int mode = 0; mode < 2048; mode += 7) {
        canvas_surface_clear(target());
        message.fore_mode = mode;
        CHECK(session_draw(&session, SPICE_MSG_DISPLAY_DRAW_TEXT, &message) == CANVAS_OK &&
              painted() == 4);
    }
    string.n_glyphs = 1;
    message.back_area = (WireRect){.top = 0};
    canvas_surface_clear(target());
    CHECK(session_draw(&session, SPICE_MSG_DISPLAY_DRAW_TEXT, &message) == CANVAS_OK &&
          painted() == 64);
    string.flags = SPICE_STRING_FLAGS_RASTER_TOP_DOWN;
    canvas_surface_clear(target());
    CHECK(session_draw(&session, SPICE_MSG_DISPLAY_DRAW_TEXT, &message) == CANVAS_OK && is_blank());
    /* dangers.md: "glyph size overflow". */
    string.flags = SPICE_STRING_FLAGS_RASTER_A8;
    CHECK(session_draw(&session, SPICE_MSG_DISPLAY_DRAW_TEXT, &message) == CANVAS_OK && is_blank());
    glyph.width = glyph.height = 65535;
    CHECK(session_draw(&session, SPICE_MSG_DISPLAY_DRAW_TEXT, &message) == CANVAS_OK && is_blank());
    message.string = NULL;
    CHECK(session_draw(&session, SPICE_MSG_DISPLAY_DRAW_TEXT, &message) == CANVAS_BAD_MESSAGE);
    finish();

    start("A8 glyphs as they are meant", SPICE_SURFACE_FMT_8_A);
    glyph = (WireGlyph){{5, 5}, {0, 0}, 2, 2, {(uint8_t[]){10, 20, 30, 40}, 4}};
    message.string = &string;
    CHECK(session_draw(&session, SPICE_MSG_DISPLAY_DRAW_TEXT, &message) == CANVAS_OK);
    CHECK(scene_pixel(target(), 5, 6) == 10 && scene_pixel(target(), 6, 5) == 40 && painted() == 4);
    glyph.render_pos = (WirePoint){INT32_MAX, INT32_MIN};
    glyph.glyph_origin = (WirePoint){INT32_MAX, INT32_MIN};
    CHECK(session_draw(&session, SPICE_MSG_DISPLAY_DRAW_TEXT, &message) == CANVAS_OK &&
          painted() == 4);
    finish();
}

/* Section 16.3: a line whose horizontal runs cross several clip rectangles in the same rows. */
static void test_span_clipping(void)
{
    const WirePoint ends[] = {{0, 0}, {39 * 16, 10 * 16}};
    const WirePathSegment segment = {SPICE_PATH_BEGIN | SPICE_PATH_END, 2, ends};
    const WirePath path = {1, &segment};
    WireRect columns[20];
    WireMsgDisplayDrawStroke message = {
        .base = base_of(all), .path = &path, .fore_mode = SPICE_ROPD_OP_XOR};
    uint32_t whole[H][W];
    bool right = true;

    start("span clipping: every pixel of the line that is in D, once", SPICE_SURFACE_FMT_32_xRGB);
    message.brush.type = SPICE_BRUSH_TYPE_SOLID;
    message.brush.u.color = 0xffffff;
    CHECK(session_draw(&session, SPICE_MSG_DISPLAY_DRAW_STROKE, &message) == CANVAS_OK &&
          painted() == 39);
    for (int32_t y = 0; y < H; y++)
        for (int32_t x = 0; x < W; x++)
            whole[y][x] = scene_pixel(target(), x, y);
    canvas_surface_clear(target());
    for (int32_t i = 0; i < 20; i++)
        columns[i] = (WireRect){.top = 0, .left = 2 * i, .bottom = H, .right = 2 * i + 1};
    message.base.clip = (WireClip){SPICE_CLIP_TYPE_RECTS, 20, columns};
    CHECK(session_draw(&session, SPICE_MSG_DISPLAY_DRAW_STROKE, &message) == CANVAS_OK);
    for (int32_t y = 0; y < H; y++)
        for (int32_t x = 0; x < W; x++)
            right &= scene_pixel(target(), x, y) == (x & 1 ? 0 : whole[y][x]);
    CHECK(right);
    finish();
}

/* Section 16.3: a copy onto itself reads the surface as it was; a pattern brush from a surface
 * works for strokes. */
static void test_self_sources(void)
{
    WireImage self = {.type = SPICE_IMAGE_TYPE_SURFACE};
    WireMsgDisplayDrawCopy copy = copy_of(&self);
    uint32_t before[H][W];
    bool right = true;

    start("overlapping copy of a surface onto itself", SPICE_SURFACE_FMT_32_xRGB);
    for (int32_t y = 0; y < H; y++)
        for (int32_t x = 0; x < W; x++)
            ((uint32_t *)scene_row(target(), y))[x] = before[y][x] = y * 100 + x + 1;
    copy.base.box = (WireRect){.top = 3, .left = 2, .bottom = H, .right = W};
    copy.src_area = (WireRect){.top = 0, .left = 0, .bottom = H - 3, .right = W - 2};
    CHECK(session_draw(&session, SPICE_MSG_DISPLAY_DRAW_COPY, &copy) == CANVAS_OK);
    for (int32_t y = 3; y < H; y++)
        for (int32_t x = 2; x < W; x++)
            right &= scene_pixel(target(), x, y) == before[y - 3][x - 2];
    CHECK(right);
    finish();

    const WirePoint ends[] = {{0, 16}, {20 * 16, 16}};
    const WirePathSegment segment = {SPICE_PATH_BEGIN | SPICE_PATH_END, 2, ends};
    const WirePath path = {1, &segment};
    WireMsgDisplayDrawStroke message = {
        .base = base_of(all), .path = &path, .fore_mode = SPICE_ROPD_OP_PUT};

    start("stroke with a pattern from a surface", SPICE_SURFACE_FMT_16_555);
    session_create(&session, 1, SPICE_SURFACE_FMT_16_565, 3, 2);
    for (int i = 0; i < 3; i++)
        ((uint16_t *)scene_row(session_surface(&session, 1), 1))[i] = 10 + i;
    self.u.surface.surface_id = 1;
    message.brush.type = SPICE_BRUSH_TYPE_PATTERN;
    message.brush.u.pattern.image = &self;
    message.brush.u.pattern.pos = (WirePoint){1, 100};
    CHECK(session_draw(&session, SPICE_MSG_DISPLAY_DRAW_STROKE, &message) == CANVAS_OK &&
          painted() == 20);
    CHECK(scene_pixel(target(), 1, 1) == 10 && scene_pixel(target(), 0, 1) == 12 &&
          scene_pixel(target(), 5, 1) == 11);
    finish();
}

/* Section 16.3: a composite's transform, filter and repeat end with it. */
static void test_no_sticky_state(void)
{
    WireImage image = bitmap_of(SPICE_BITMAP_FMT_RGBA, 8, 8, 32), cached;
    WireMsgDisplayDrawComposite composite = {.base = base_of(all),
                                             .src_image = &image,
                                             .flags = 1 | 1u << 8 | 1u << 14 |
                                                      SPICE_COMPOSITE_HAS_SRC_TRANSFORM,
                                             .src_transform = {20000, 5000, 70000, 3000, 90000, 1}};
    WireMsgDisplayDrawAlphaBlend blend = {
        .base = base_of(all), .src_image = &cached, .src_area = all, .alpha = 255};

    start("composite settings do not stay with the image", SPICE_SURFACE_FMT_32_ARGB);
    image.id = 9;
    image.flags = SPICE_IMAGE_FLAGS_CACHE_ME;
    CHECK(session_draw(&session, SPICE_MSG_DISPLAY_DRAW_COMPOSITE, &composite) == CANVAS_OK);
    canvas_surface_clear(target());
    cached = (WireImage){.id = 9, .type = SPICE_IMAGE_TYPE_FROM_CACHE};
    CHECK(session_draw(&session, SPICE_MSG_DISPLAY_DRAW_ALPHA_BLEND, &blend) == CANVAS_OK);
    CHECK(painted() == 64 && scene_pixel(target(), 7, 7) == UINT32_MAX &&
          scene_pixel(target(), 8, 7) == 0);
    finish();
}

/* Coordinates near 2^31 everywhere, broken images, strange references: nothing but the right to
 * survive. */
static void test_hostile_commands(void)
{
    tap_case("hostile coordinates in every command");
    for (uint64_t seed = 0; seed < 6000; seed++) {
        uint16_t type = scene_types[seed % SCENE_TYPES];
        Scene scene;
        SceneMessage message;

        scene_init(&scene, seed, 17, 13);
        scene.hostile = true;
        for (int i = 0; i < 3; i++) {
            scene_make(&scene, type, scene_random(&scene, 6), &message);
            session_draw(&scene.session, type, &message);
        }
        scene_clear(&scene);
    }
    CHECK(true);
}

static void test_cache_marks(void)
{
    static const uint32_t entries[] = {0x80112233, 0x40010101};
    WirePalette palette = {0, 2, entries};
    WireImage image = bitmap_of(SPICE_BITMAP_FMT_1BIT_BE, 8, 8, 1);
    CanvasDecode how = {.surface_format = SPICE_SURFACE_FMT_32_ARGB};
    CanvasImage *plain, *kept;

    tap_case("images for the cache keep their original format");
    image.u.bitmap.palette = &palette;
    plain = canvas_image_decode(&image, &how, NULL);
    image.flags = SPICE_IMAGE_FLAGS_CACHE_ME;
    kept = canvas_image_decode(&image, &how, NULL);
    CHECK(canvas_image_pixels(plain)->format == PIXMAN_x8r8g8b8 &&
          canvas_image_pixels(kept)->format == PIXMAN_a8r8g8b8);
    CHECK(!canvas_image_is_lossy(kept) && canvas_image_bytes(kept) == 256);
    CHECK(canvas_image_for_surface(kept, SPICE_SURFACE_FMT_32_xRGB) == canvas_image_pixels(kept));
    CHECK(canvas_image_for_surface(kept, SPICE_SURFACE_FMT_16_565)->format == PIXMAN_r5g6b5);
    CHECK(canvas_image_bytes(kept) == 256 + 128);
    CHECK(canvas_image_for_surface(kept, 12345) == NULL);
    canvas_image_unref(plain);
    canvas_image_unref(kept);
}

static void *convert_all(void *image)
{
    for (int i = 0; i < 6; i++)
        canvas_image_for_surface(image, scene_formats[i]);
    canvas_image_unref(image);
    return NULL;
}

static void test_threads(void)
{
    tap_case("many threads convert and drop one image");
    for (int round = 0; round < 50; round++) {
        WireImage wire = bitmap_of(SPICE_BITMAP_FMT_32BIT, 64, 64, 256);
        CanvasDecode how = {.surface_format = SPICE_SURFACE_FMT_32_xRGB};
        CanvasImage *image = canvas_image_decode(&wire, &how, NULL);
        pthread_t threads[4];

        for (int i = 0; i < 4; i++)
            CHECK(pthread_create(&threads[i], NULL, convert_all, canvas_image_ref(image)) == 0);
        for (int i = 0; i < 4; i++)
            pthread_join(threads[i], NULL);
        CHECK(((const uint16_t *)canvas_image_for_surface(image, SPICE_SURFACE_FMT_16_565)
                   ->data)[64 * 64 - 1] == 0xffff);
        canvas_image_unref(image);
    }
}

static void test_frames(void)
{
    uint32_t frame_pixels[4] = {0x010203, 0x040506, 0x070809, 0x0a0b0c};
    CanvasFrame frame = {(uint8_t *)frame_pixels, 8, 2, 2, true};
    WireRect dest = {.top = 5, .left = 5, .bottom = 7, .right = 7};
    pixman_region32_t damage;

    start("video frames: order of rows, hostile destinations", SPICE_SURFACE_FMT_32_xRGB);
    pixman_region32_init(&damage);
    CHECK(canvas_draw_frame(target(), &frame, &dest, NULL, &damage) == CANVAS_OK);
    CHECK(scene_pixel(target(), 5, 5) == 0x010203 && scene_pixel(target(), 6, 6) == 0x0a0b0c &&
          painted() == 4);
    CHECK(pixman_region32_equal(&damage, &(pixman_region32_t){.extents = {5, 5, 7, 7}}));
    frame.top_down = false;
    CHECK(canvas_draw_frame(target(), &frame, &dest, NULL, NULL) == CANVAS_OK &&
          scene_pixel(target(), 5, 5) == 0x070809);
    dest = (WireRect){.top = INT32_MIN, .left = INT32_MIN, .bottom = INT32_MAX, .right = INT32_MAX};
    /* So large that the step between samples rounds to 0: by the formula all of them lie left of
     * the picture. */
    CHECK(canvas_draw_frame(target(), &frame, &dest, NULL, NULL) == CANVAS_OK && is_blank());
    dest = (WireRect){.top = 9, .left = 9, .bottom = 9, .right = 3};
    canvas_surface_clear(target());
    CHECK(canvas_draw_frame(target(), &frame, &dest, NULL, NULL) == CANVAS_OK && is_blank());
    pixman_region32_t nothing;
    pixman_region32_init(&nothing);
    dest = all;
    CHECK(canvas_draw_frame(target(), &frame, &dest, &nothing, NULL) == CANVAS_OK && is_blank());
    frame.width = 0;
    CHECK(canvas_draw_frame(target(), &frame, &dest, NULL, NULL) == CANVAS_BAD_MESSAGE);
    pixman_region32_fini(&damage);
    pixman_region32_fini(&nothing);
    finish();
}

int main(void)
{
    test_surfaces();
    test_unknown_surfaces();
    test_bitmaps();
    test_palettes();
    test_compressed();
    test_depths();
    test_masks();
    test_scale();
    test_composite();
    test_paths();
    test_bounded_time();
    test_text();
    test_span_clipping();
    test_self_sources();
    test_no_sticky_state();
    test_hostile_commands();
    test_cache_marks();
    test_threads();
    test_frames();
    return tap_done();
}
