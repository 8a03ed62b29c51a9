/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The room's own arithmetic against pixman as deployed peers call it (section 8.5 of
 * docs/spec/canvas.md): conversions, scaled copies, alpha blend, text, on all pairs of formats.
 * Bits that section 2.2 leaves open are not compared. */
#include <stdlib.h>
#include <string.h>

#include <spice/enums.h>

#include "canvas/pixels.h"
#include "canvas/scene.h"
#include "tap.h"

static uint32_t defined_bits(const CanvasSurface *surface)
{
    switch (surface->format) {
    case SPICE_SURFACE_FMT_32_xRGB:
        return 0x00ffffff;
    case SPICE_SURFACE_FMT_16_555:
        return 0x7fff;
    default:
        return UINT32_MAX;
    }
}

static bool same_picture(const CanvasSurface *a, const CanvasSurface *b)
{
    for (int32_t y = 0; y < a->pixels.height; y++)
        for (int32_t x = 0; x < a->pixels.width; x++)
            if ((scene_pixel(a, x, y) ^ scene_pixel(b, x, y)) & defined_bits(a)) {
                printf("# at %d, %d: %08x, pixman %08x\n", x, y, scene_pixel(a, x, y),
                       scene_pixel(b, x, y));
                return false;
            }
    return true;
}

static pixman_image_t *view(const CanvasSurface *surface)
{
    return canvas_view(&surface->pixels, surface->pixels.format);
}

static void set_scale(pixman_image_t *image, const WireRect *area, const WireRect *box,
                      bool interpolate)
{
    pixman_transform_t matrix;
    pixman_fixed_t kx = (int64_t)(area->right - area->left) * 65536 / (box->right - box->left);
    pixman_fixed_t ky = (int64_t)(area->bottom - area->top) * 65536 / (box->bottom - box->top);

    pixman_transform_init_scale(&matrix, kx, ky);
    /* Scale first, then move by the corner of the area. */
    matrix.matrix[0][2] = pixman_int_to_fixed(area->left);
    matrix.matrix[1][2] = pixman_int_to_fixed(area->top);
    pixman_image_set_transform(image, &matrix);
    pixman_image_set_repeat(image, PIXMAN_REPEAT_NONE);
    pixman_image_set_filter(image, interpolate ? PIXMAN_FILTER_GOOD : PIXMAN_FILTER_NEAREST, NULL,
                            0);
}

static WireRect random_rect(Scene *scene, int32_t from)
{
    WireRect rect = {.top = from + (int32_t)scene_random(scene, 20),
                     .left = from + (int32_t)scene_random(scene, 30)};

    rect.bottom = rect.top + 1 + scene_random(scene, 60);
    rect.right = rect.left + 1 + scene_random(scene, 60);
    return rect;
}

static WireImage surface_image(uint32_t id)
{
    WireImage image = {.type = SPICE_IMAGE_TYPE_SURFACE};

    image.u.surface.surface_id = id;
    return image;
}

static void test_scaled_copy(void)
{
    tap_case("scaled copies between all formats");
    for (uint64_t seed = 0; seed < 720; seed++) {
        uint32_t target = seed % 6, source = 6 + seed / 6 % 6;
        Scene ours, theirs;
        WireImage image = surface_image(source);
        WireMsgDisplayDrawCopy copy = {.base = {.surface_id = target},
                                       .src_image = &image,
                                       .rop_descriptor = SPICE_ROPD_OP_PUT,
                                       .scale_mode = seed / 36 % 2};
        pixman_image_t *from, *to;

        scene_init(&ours, seed, SCENE_WIDTH, SCENE_HEIGHT);
        scene_init(&theirs, seed, SCENE_WIDTH, SCENE_HEIGHT);
        copy.base.box = random_rect(&ours, -8);
        copy.src_area = random_rect(&ours, -8);
        if (copy.src_area.right - copy.src_area.left == copy.base.box.right - copy.base.box.left)
            copy.src_area.right++;
        CHECK(session_draw(&ours.session, SPICE_MSG_DISPLAY_DRAW_COPY, &copy) == CANVAS_OK);
        from = view(session_surface(&theirs.session, source));
        to = view(session_surface(&theirs.session, target));
        set_scale(from, &copy.src_area, &copy.base.box,
                  copy.scale_mode == SPICE_IMAGE_SCALE_MODE_INTERPOLATE);
        pixman_image_composite32(PIXMAN_OP_SRC, from, NULL, to, 0, 0, 0, 0, copy.base.box.left,
                                 copy.base.box.top, copy.base.box.right - copy.base.box.left,
                                 copy.base.box.bottom - copy.base.box.top);
        if (!CHECK(same_picture(session_surface(&ours.session, target),
                                session_surface(&theirs.session, target))))
            printf("# seed %d, from %u to %u\n", (int)seed, source, target);
        pixman_image_unref(from);
        pixman_image_unref(to);
        scene_clear(&ours);
        scene_clear(&theirs);
    }
}

static void test_alpha_blend(void)
{
    tap_case("alpha blend between all formats");
    for (uint64_t seed = 0; seed < 720; seed++) {
        uint32_t target = seed % 6, source = 6 + seed / 6 % 6;
        bool scaled = seed / 36 % 2;
        Scene ours, theirs;
        WireImage image = surface_image(source);
        WireMsgDisplayDrawAlphaBlend blend = {.base = {.surface_id = target}, .src_image = &image};
        pixman_image_t *from, *to, *mask = NULL;
        pixman_color_t alpha = {0};
        int32_t width, height;

        scene_init(&ours, seed, SCENE_WIDTH, SCENE_HEIGHT);
        scene_init(&theirs, seed, SCENE_WIDTH, SCENE_HEIGHT);
        blend.alpha = seed % 5 == 0 ? 255 : scene_random(&ours, 255) + 1;
        blend.base.box = random_rect(&ours, -8);
        width = blend.base.box.right - blend.base.box.left;
        height = blend.base.box.bottom - blend.base.box.top;
        blend.src_area = random_rect(&ours, -8);
        if (!scaled) {
            blend.src_area.right = blend.src_area.left + width;
            blend.src_area.bottom = blend.src_area.top + height;
        } else if (blend.src_area.right - blend.src_area.left == width) {
            blend.src_area.right++;
        }
        CHECK(session_draw(&ours.session, SPICE_MSG_DISPLAY_DRAW_ALPHA_BLEND, &blend) == CANVAS_OK);
        from = view(session_surface(&theirs.session, source));
        to = view(session_surface(&theirs.session, target));
        alpha.alpha = blend.alpha * 0x101;
        if (blend.alpha != 255)
            mask = pixman_image_create_solid_fill(&alpha);
        if (scaled)
            set_scale(from, &blend.src_area, &blend.base.box, false);
        pixman_image_composite32(PIXMAN_OP_OVER, from, mask, to, scaled ? 0 : blend.src_area.left,
                                 scaled ? 0 : blend.src_area.top, 0, 0, blend.base.box.left,
                                 blend.base.box.top, width, height);
        if (!CHECK(same_picture(session_surface(&ours.session, target),
                                session_surface(&theirs.session, target))))
            printf("# seed %d, from %u to %u\n", (int)seed, source, target);
        pixman_image_unref(from);
        pixman_image_unref(to);
        if (mask)
            pixman_image_unref(mask);
        scene_clear(&ours);
        scene_clear(&theirs);
    }
}

static void test_conversions(void)
{
    tap_case("image conversions to all formats");
    for (uint64_t seed = 0; seed < 400; seed++) {
        static const uint8_t formats[] = {SPICE_BITMAP_FMT_16BIT, SPICE_BITMAP_FMT_24BIT,
                                          SPICE_BITMAP_FMT_32BIT, SPICE_BITMAP_FMT_RGBA,
                                          SPICE_BITMAP_FMT_8BIT_A};
        uint32_t target = 2 + seed % 4; /* 32-bit surfaces keep raw bits */
        Scene scene;
        const WireImage *wire;
        CanvasDecode how = {.surface_format = scene_formats[target]};
        CanvasImage *image;
        const CanvasPixels *converted, *native;
        CanvasResult result;
        CanvasSurface *expected;
        int wrong = 0;

        scene_init(&scene, seed, 1, 1);
        wire = scene_bitmap(&scene, formats[seed % 5], 1 + scene_random(&scene, 600),
                            1 + scene_random(&scene, 10));
        image = canvas_image_decode(wire, &how, &result);
        CHECK(image && result == CANVAS_OK);
        native = canvas_image_pixels(image);
        converted = canvas_image_for_surface(image, scene_formats[target]);
        CHECK(converted && converted == canvas_image_for_surface(image, scene_formats[target]));
        expected = canvas_surface_new(scene_formats[target], native->width, native->height, 1 << 20,
                                      &result);
        pixman_image_t *from = canvas_view(native, native->format), *to = view(expected);
        pixman_image_composite32(PIXMAN_OP_SRC, from, NULL, to, 0, 0, 0, 0, 0, 0, native->width,
                                 native->height);
        for (int32_t y = 0; y < native->height; y++)
            for (int32_t x = 0; x < native->width; x++) {
                uint32_t a, b;

                canvas_fetch(converted, x, y, 1, &a);
                canvas_fetch(&expected->pixels, x, y, 1, &b);
                wrong += a != b;
            }
        if (!CHECK(wrong == 0))
            printf("# seed %d\n", (int)seed);
        pixman_image_unref(from);
        pixman_image_unref(to);
        canvas_surface_free(expected);
        canvas_image_unref(image);
        scene_clear(&scene);
    }
}

/* A1 and A4 strings of one glyph, as deployed peers draw them: a mask and OVER. */
static void test_text(void)
{
    tap_case("text on all formats");
    for (uint64_t seed = 0; seed < 360; seed++) {
        uint32_t target = seed % 6, width, height;
        bool a4 = seed / 6 % 2;
        Scene ours, theirs;
        WireGlyph glyph;
        WireString string = {.flags =
                                 a4 ? SPICE_STRING_FLAGS_RASTER_A4 : SPICE_STRING_FLAGS_RASTER_A1,
                             .n_glyphs = 1,
                             .glyphs = &glyph};
        WireMsgDisplayDrawText text = {
            .base = {.surface_id = target, .box = {.top = 0, .left = 0, .bottom = 31, .right = 44}},
            .string = &string,
            .fore_mode = SPICE_ROPD_OP_PUT};
        uint8_t data[400];
        size_t pitch;
        CanvasSurface *mask;
        CanvasResult result;
        pixman_image_t *from, *to, *through;
        uint32_t color;
        pixman_color_t fill = {.alpha = 0xffff};

        scene_init(&ours, seed, SCENE_WIDTH, SCENE_HEIGHT);
        scene_init(&theirs, seed, SCENE_WIDTH, SCENE_HEIGHT);
        width = 1 + scene_random(&ours, 25);
        height = 1 + scene_random(&ours, 25);
        pitch = a4 ? (width + 1) / 2 : (width + 7) / 8;
        for (size_t i = 0; i < sizeof data; i++)
            data[i] = scene_random(&ours, 3) ? scene_random(&ours, 256) : 0;
        glyph = (WireGlyph){{3, 20}, {2, -15}, width, height, {data, pitch * height}};
        color = scene_random(&ours, 1 << 24);
        text.fore_brush.type = SPICE_BRUSH_TYPE_SOLID;
        text.fore_brush.u.color = color;
        CHECK(session_draw(&ours.session, SPICE_MSG_DISPLAY_DRAW_TEXT, &text) == CANVAS_OK);

        mask = canvas_surface_new(SPICE_SURFACE_FMT_8_A, width, height, 1 << 20, &result);
        for (uint32_t y = 0; y < height; y++)
            for (uint32_t x = 0; x < width; x++) {
                const uint8_t *row = data + (height - 1 - y) * pitch;

                scene_row(mask, y)[x] = a4 ? (x & 1 ? row[x / 2] & 15 : row[x / 2] >> 4) * 16
                                           : (row[x / 8] & 0x80 >> (x & 7) ? 255 : 0);
            }
        if ((scene_formats[target] & 0x3f) == 16) {
            fill.red = (color >> 10 & 31) * 65535 / 31;
            fill.green = (color >> 5 & 31) * 65535 / 31;
            fill.blue = (color & 31) * 65535 / 31;
        } else {
            fill.red = (color >> 16 & 255) * 0x101;
            fill.green = (color >> 8 & 255) * 0x101;
            fill.blue = (color & 255) * 0x101;
        }
        from = pixman_image_create_solid_fill(&fill);
        to = view(session_surface(&theirs.session, target));
        through = view(mask);
        pixman_image_composite32(PIXMAN_OP_OVER, from, through, to, 0, 0, 0, 0, 5, 5, width,
                                 height);
        if (!CHECK(same_picture(session_surface(&ours.session, target),
                                session_surface(&theirs.session, target))))
            printf("# seed %d\n", (int)seed);
        pixman_image_unref(from);
        pixman_image_unref(to);
        pixman_image_unref(through);
        canvas_surface_free(mask);
        scene_clear(&ours);
        scene_clear(&theirs);
    }
}

int main(void)
{
    test_scaled_copy();
    test_alpha_blend();
    test_conversions();
    test_text();
    return tap_done();
}
