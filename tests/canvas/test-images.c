/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Images of every wire type through canvas_image_decode(): formats of section 5.2 of
 * docs/spec/canvas.md, flags, row order, wrong sizes, the GLZ window, and decoding on many threads
 * at once. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <spice/enums.h>

#include "canvas-session.h"
#include "codec/jpeg.h"
#include "codec/lz.h"
#include "codec/lz4.h"
#include "codec/quic.h"
#include "codec/zlib-glz.h"
#include "tap.h"

enum { W = 37, H = 23, ROOM = 1 << 16 };

static uint32_t picture[H][W]; /* top row first, random top bytes */
static uint8_t stream[ROOM];
static size_t stream_size;

static void paint(void)
{
    uint32_t state = 7;

    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) {
            state = state * 1103515245 + 12345;
            picture[y][x] = (state & 0xff000000) | (uint32_t)(x / 5) << 19 |
                            (uint32_t)(y / 3) << 12 | (x + y) / 7;
        }
}

static uint16_t to_555(uint32_t pixel)
{
    return (pixel >> 9 & 0x7c00) | (pixel >> 6 & 0x03e0) | (pixel >> 3 & 0x001f);
}

static uint32_t from_555(uint32_t v)
{
    uint32_t r = v >> 10 & 31, g = v >> 5 & 31, b = v & 31;

    return (r << 3 | r >> 2) << 16 | (g << 3 | g >> 2) << 8 | (b << 3 | b >> 2);
}

/* The rows that an encoder of this format reads. */
static const uint8_t *rows_of(CodecFormat format, size_t *stride)
{
    static uint8_t rows[H * W * 4];

    *stride = format == CODEC_FORMAT_RGB16   ? W * 2
              : format == CODEC_FORMAT_RGB24 ? W * 3
              : format == CODEC_FORMAT_A8    ? W
                                             : W * 4;
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) {
            uint8_t *row = rows + y * *stride;
            uint32_t pixel = picture[y][x];

            switch (format) {
            case CODEC_FORMAT_RGB16:
                ((uint16_t *)row)[x] = to_555(pixel);
                break;
            case CODEC_FORMAT_RGB24:
                memcpy(row + 3 * x, &pixel, 3);
                break;
            case CODEC_FORMAT_A8:
                row[x] = pixel >> 24;
                break;
            default:
                ((uint32_t *)row)[x] = pixel;
                break;
            }
        }
    return rows;
}

static WireImage wire_of(uint8_t type)
{
    WireImage image = {.type = type, .width = W, .height = H};

    if (type == SPICE_IMAGE_TYPE_LZ_PLT)
        image.u.lz_palette.data = (WireBytes){stream, stream_size};
    else if (type == SPICE_IMAGE_TYPE_ZLIB_GLZ_RGB)
        image.u.zlib_glz.data = (WireBytes){stream, stream_size};
    else
        image.u.compressed = (WireBytes){stream, stream_size};
    return image;
}

static uint32_t expected_pixel(CodecFormat format, pixman_format_code_t as, int x, int y)
{
    uint32_t pixel = picture[y][x];

    switch (format) {
    case CODEC_FORMAT_RGB16:
        return as == PIXMAN_x1r5g5b5 ? to_555(pixel) : from_555(to_555(pixel));
    case CODEC_FORMAT_A8:
        return pixel >> 24;
    case CODEC_FORMAT_RGBA:
        return pixel;
    default:
        return pixel & 0xffffff;
    }
}

static bool shows(const CanvasImage *image, CodecFormat format, uint32_t or_bits)
{
    const CanvasPixels *pixels = canvas_image_pixels(image);

    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) {
            const uint8_t *row = pixels->data + y * pixels->stride;
            uint32_t pixel, wanted = expected_pixel(format, pixels->format, x, y) | or_bits;

            switch (PIXMAN_FORMAT_BPP(pixels->format)) {
            case 32:
                pixel = ((const uint32_t *)row)[x];
                break;
            case 16:
                pixel = ((const uint16_t *)row)[x];
                break;
            default:
                pixel = row[x];
                break;
            }
            if (pixel != wanted) {
                printf("# at %d, %d: %08x, not %08x\n", x, y, pixel, wanted);
                return false;
            }
        }
    return true;
}

static void check_refusals(const WireImage *good, const CanvasDecode *how)
{
    WireImage bad = *good;
    CanvasResult result;

    bad.width++;
    CHECK(!canvas_image_decode(&bad, how, &result) && result != CANVAS_OK);
    bad = *good;
    bad.height = 1u << 31;
    CHECK(!canvas_image_decode(&bad, how, &result) && result != CANVAS_OK);
    bad = *good;
    bad.u.compressed.size /= 3;
    CHECK(!canvas_image_decode(&bad, how, &result) && result == CANVAS_BAD_IMAGE);

    CanvasDecode small = *how;

    small.max_pixels = W * H - 1;
    CHECK(!canvas_image_decode(good, &small, &result) && result == CANVAS_TOO_LARGE);
    small = *how;
    small.use = CANVAS_USE_MASK;
    CHECK(!canvas_image_decode(good, &small, &result) && result == CANVAS_BAD_IMAGE);
}

/* Lossless codecs: what comes out for each stream format, use and flag. */
static void check_formats(uint8_t type, CodecFormat format)
{
    WireImage wire = wire_of(type);
    CanvasDecode how = {.surface_format = SPICE_SURFACE_FMT_32_xRGB};
    bool rgb16 = format == CODEC_FORMAT_RGB16, expands = rgb16 && type != SPICE_IMAGE_TYPE_LZ4;
    pixman_format_code_t native = format == CODEC_FORMAT_RGBA ? PIXMAN_a8r8g8b8
                                  : format == CODEC_FORMAT_A8 ? PIXMAN_a8
                                  : rgb16                     ? PIXMAN_x1r5g5b5
                                                              : PIXMAN_x8r8g8b8;
    CanvasResult result;
    CanvasImage *image = canvas_image_decode(&wire, &how, &result);
    /* LZ4 keeps the top byte of 32-bit pixels (the native table of 5.1). */
    CodecFormat shown =
        type == SPICE_IMAGE_TYPE_LZ4 && format == CODEC_FORMAT_RGB32 ? CODEC_FORMAT_RGBA : format;

    if (!CHECK(image && result == CANVAS_OK))
        return;
    CHECK(canvas_image_pixels(image)->format == (expands ? PIXMAN_x8r8g8b8 : native) &&
          !canvas_image_is_lossy(image));
    CHECK(shows(image, shown, 0));
    canvas_image_unref(image);

    how.use = CANVAS_USE_ORIGINAL;
    image = canvas_image_decode(&wire, &how, NULL);
    CHECK(image && canvas_image_pixels(image)->format == native && shows(image, shown, 0));
    canvas_image_unref(image);

    how.use = CANVAS_USE_TARGET;
    wire.flags = SPICE_IMAGE_FLAGS_CACHE_ME;
    image = canvas_image_decode(&wire, &how, NULL);
    CHECK(image && canvas_image_pixels(image)->format == native && shows(image, shown, 0));
    canvas_image_unref(image);

    wire.flags = SPICE_IMAGE_FLAGS_HIGH_BITS_SET;
    image = canvas_image_decode(&wire, &how, NULL);
    CHECK(image && shows(image, shown,
                         native == PIXMAN_a8r8g8b8 || native == PIXMAN_a8 || (rgb16 && !expands) ||
                                 (type == SPICE_IMAGE_TYPE_LZ4 && format == CODEC_FORMAT_RGB24)
                             ? 0
                             : 0xff000000));
    canvas_image_unref(image);
    wire.flags = 0;
    check_refusals(&wire, &how);
}

static void test_lossless(void)
{
    static const CodecFormat formats[] = {CODEC_FORMAT_RGB16, CODEC_FORMAT_RGB24,
                                          CODEC_FORMAT_RGB32, CODEC_FORMAT_RGBA, CODEC_FORMAT_A8};

    for (int i = 0; i < 5; i++) {
        size_t stride;
        const uint8_t *rows = rows_of(formats[i], &stride);
        bool top_down = i & 1;
        const uint8_t *first = top_down ? rows : rows + (H - 1) * stride;
        ptrdiff_t step = top_down ? (ptrdiff_t)stride : -(ptrdiff_t)stride;

        if (formats[i] != CODEC_FORMAT_A8) {
            tap_case("QUIC");
            CHECK(quic_encode(formats[i], W, H, rows, stride, stream, ROOM, &stream_size) ==
                  CODEC_OK);
            check_formats(SPICE_IMAGE_TYPE_QUIC, formats[i]);
            tap_case("LZ4");
            CHECK(lz4_image_encode(formats[i], top_down, W, H, first, step, 0, stream, ROOM,
                                   &stream_size) == CODEC_OK);
            check_formats(SPICE_IMAGE_TYPE_LZ4, formats[i]);
        }
        tap_case("LZ_RGB");
        CHECK(lz_encode(NULL, formats[i], top_down, W, H, first, step, stream, ROOM,
                        &stream_size) == CODEC_OK);
        check_formats(SPICE_IMAGE_TYPE_LZ_RGB, formats[i]);
    }
}

static void test_palette(void)
{
    static const uint32_t entries[16] = {0x80112233, 0x7fff, 0x1234, 0x445566};
    WirePalette palette = {9, 16, entries};
    CanvasDecode how = {.surface_format = SPICE_SURFACE_FMT_32_ARGB};
    uint8_t rows[2] = {0x01, 0x23};
    CanvasResult result;
    CanvasImage *image;
    WireImage wire;

    tap_case("LZ_PLT");
    CHECK(lz_encode(NULL, CODEC_FORMAT_PLT4_BE, true, 4, 1, rows, 2, stream, ROOM, &stream_size) ==
          CODEC_OK);
    wire = wire_of(SPICE_IMAGE_TYPE_LZ_PLT);
    wire.width = 4;
    wire.height = 1;
    CHECK(!canvas_image_decode(&wire, &how, &result) && result == CANVAS_BAD_IMAGE);
    wire.u.lz_palette.palette = &palette;
    image = canvas_image_decode(&wire, &how, &result);
    CHECK(image && canvas_image_pixels(image)->format == PIXMAN_x8r8g8b8);
    CHECK(image && memcmp(canvas_image_pixels(image)->data,
                          (uint32_t[]){0x112233, 0x7fff, 0x1234, 0x445566}, 16) == 0);
    canvas_image_unref(image);
    /* Entries for 16-bit surfaces are 555. */
    how.surface_format = SPICE_SURFACE_FMT_16_555;
    image = canvas_image_decode(&wire, &how, &result);
    CHECK(image && ((const uint32_t *)canvas_image_pixels(image)->data)[1] == 0xffffff);
    CHECK(image &&
          ((const uint16_t *)canvas_image_for_surface(image, SPICE_SURFACE_FMT_16_555)->data)[2] ==
              0x1234);
    canvas_image_unref(image);
    how.surface_format = SPICE_SURFACE_FMT_16_565;
    CHECK(!canvas_image_decode(&wire, &how, &result) && result == CANVAS_BAD_IMAGE);
    /* From the cache of the caller. */
    how.surface_format = SPICE_SURFACE_FMT_32_xRGB;
    wire.u.lz_palette.flags = SPICE_BITMAP_FLAGS_PAL_FROM_CACHE;
    wire.u.lz_palette.palette = NULL;
    wire.u.lz_palette.palette_id = 9;
    CHECK(!canvas_image_decode(&wire, &how, &result) && result == CANVAS_NO_PALETTE);
    how.have_palette = true;
    how.palette = entries;
    how.n_palette = 16;
    image = canvas_image_decode(&wire, &how, &result);
    CHECK(image && ((const uint32_t *)canvas_image_pixels(image)->data)[3] == 0x445566);
    canvas_image_unref(image);
}

static void test_glz(void)
{
    static const CodecFormat formats[] = {CODEC_FORMAT_RGB16, CODEC_FORMAT_RGB24,
                                          CODEC_FORMAT_RGB32, CODEC_FORMAT_RGBA};
    GlzDictionary *dictionary = glz_dictionary_new(1 << 20, 0);
    GlzWindow *window = glz_window_new(4 << 20, NULL);
    uint8_t first[ROOM], second[ROOM];
    size_t stride, first_size, second_size;
    const uint8_t *rows;
    uint64_t missing = 99;
    CanvasDecode how = {
        .surface_format = SPICE_SURFACE_FMT_32_xRGB, .glz = window, .missing = &missing};
    CanvasResult result;
    CanvasImage *image;
    WireImage wire;

    for (int i = 0; i < 8; i++) {
        CodecFormat format = formats[i / 2];
        bool top_down = i & 1;

        tap_case("GLZ in both row orders, plain and in zlib");
        rows = rows_of(format, &stride);
        CHECK(glz_encode(dictionary, format, top_down, W, H,
                         top_down ? rows : rows + (H - 1) * stride,
                         top_down ? (ptrdiff_t)stride : -(ptrdiff_t)stride, first, ROOM,
                         &first_size, NULL) == CODEC_OK);
        if (i % 3 == 0) {
            CHECK(zlib_glz_encode(first, first_size, 3, stream, ROOM, &stream_size) == CODEC_OK);
            wire = wire_of(SPICE_IMAGE_TYPE_ZLIB_GLZ_RGB);
            wire.u.zlib_glz.inflated_size = first_size;
        } else {
            memcpy(stream, first, first_size);
            stream_size = first_size;
            wire = wire_of(SPICE_IMAGE_TYPE_GLZ_RGB);
        }
        wire.flags = i & 2 ? SPICE_IMAGE_FLAGS_HIGH_BITS_SET : 0;
        image = canvas_image_decode(&wire, &how, &result);
        if (CHECK(image && result == CANVAS_OK)) {
            uint32_t high = i & 2 && format != CODEC_FORMAT_RGBA ? 0xff000000 : 0;

            CHECK(canvas_image_pixels(image)->format ==
                  (format == CODEC_FORMAT_RGBA ? PIXMAN_a8r8g8b8 : PIXMAN_x8r8g8b8));
            CHECK(shows(image, format, high));
            /* Also when it has to be converted. */
            CHECK(((const uint16_t *)canvas_image_for_surface(image, SPICE_SURFACE_FMT_16_555)
                       ->data)[0] == to_555(picture[0][0]));
        }
        canvas_image_unref(image);
    }

    tap_case("GLZ waits for an image, and lives longer than the window");
    CHECK(glz_encode(dictionary, CODEC_FORMAT_RGB32, true, W, H, (const uint8_t *)picture, W * 4,
                     first, ROOM, &first_size, NULL) == CODEC_OK);
    CHECK(glz_encode(dictionary, CODEC_FORMAT_RGB32, true, W, H, (const uint8_t *)picture, W * 4,
                     second, ROOM, &second_size, NULL) == CODEC_OK);
    memcpy(stream, second, stream_size = second_size);
    wire = wire_of(SPICE_IMAGE_TYPE_GLZ_RGB);
    CHECK(!canvas_image_decode(&wire, &how, &result) && result == CANVAS_MISSING && missing == 8);
    memcpy(stream, first, stream_size = first_size);
    wire = wire_of(SPICE_IMAGE_TYPE_GLZ_RGB);
    canvas_image_unref(canvas_image_decode(&wire, &how, &result));
    CHECK(result == CANVAS_OK);
    memcpy(stream, second, stream_size = second_size);
    wire = wire_of(SPICE_IMAGE_TYPE_GLZ_RGB);
    image = canvas_image_decode(&wire, &how, &result);
    glz_window_free(window);
    glz_dictionary_free(dictionary);
    CHECK(image && shows(image, CODEC_FORMAT_RGB32, 0));
    canvas_image_unref(image);
    how.glz = NULL;
    CHECK(!canvas_image_decode(&wire, &how, &result) && result == CANVAS_BAD_IMAGE);
}

static void test_jpeg(void)
{
    const JpegOptions options = {.quality = 95, .subsampling = JPEG_SUBSAMPLING_444};
    CanvasDecode how = {.surface_format = SPICE_SURFACE_FMT_32_ARGB};
    CanvasResult result;
    CanvasImage *image;
    WireImage wire;
    size_t jpeg_size;
    bool alpha_kept = true;

    tap_case("JPEG and JPEG_ALPHA are lossy");
    CHECK(jpeg_image_encode(CODEC_FORMAT_RGB32, W, H, (const uint8_t *)picture, W * 4, &options,
                            stream, ROOM, &stream_size) == CODEC_OK);
    wire = wire_of(SPICE_IMAGE_TYPE_JPEG);
    image = canvas_image_decode(&wire, &how, &result);
    CHECK(image && canvas_image_is_lossy(image) &&
          canvas_image_pixels(image)->format == PIXMAN_x8r8g8b8);
    CHECK(image && ((const uint32_t *)canvas_image_pixels(image)->data)[0] >> 24 == 0);
    CHECK(image && canvas_image_is_lossy(image));
    canvas_image_unref(image);
    check_refusals(&wire, &how);

    for (int top_down = 0; top_down < 2; top_down++) {
        CHECK(jpeg_alpha_encode(NULL, top_down, W, H, (const uint8_t *)picture, W * 4, &options,
                                stream, ROOM, &jpeg_size, &stream_size) == CODEC_OK);
        wire = (WireImage){.type = SPICE_IMAGE_TYPE_JPEG_ALPHA, .width = W, .height = H};
        wire.u.jpeg_alpha = (WireJpegAlpha){top_down, jpeg_size, {stream, stream_size}};
        image = canvas_image_decode(&wire, &how, &result);
        if (CHECK(image && canvas_image_is_lossy(image) &&
                  canvas_image_pixels(image)->format == PIXMAN_a8r8g8b8))
            for (int y = 0; y < H; y++)
                for (int x = 0; x < W; x++)
                    alpha_kept &= (((const uint32_t *)canvas_image_pixels(image)->data)[y * W + x] ^
                                   picture[y][x]) >>
                                      24 ==
                                  0;
        CHECK(alpha_kept);
        canvas_image_unref(image);
        wire.u.jpeg_alpha.jpeg_size = UINT32_MAX;
        CHECK(!canvas_image_decode(&wire, &how, &result) && result == CANVAS_BAD_IMAGE);
    }
}

static void *decode_often(void *ctx)
{
    const WireImage *wire = ctx;
    CanvasDecode how = {.surface_format = SPICE_SURFACE_FMT_16_565};
    size_t right = 0;

    for (int i = 0; i < 40; i++) {
        CanvasImage *image = canvas_image_decode(wire, &how, NULL);

        right += image && shows(image, CODEC_FORMAT_RGB32, 0) &&
                 canvas_image_for_surface(image, SPICE_SURFACE_FMT_16_565);
        canvas_image_unref(image);
    }
    return (void *)right;
}

static void test_threads(void)
{
    pthread_t threads[4];
    WireImage wire;
    void *right;

    tap_case("decoding on many threads at once");
    CHECK(quic_encode(CODEC_FORMAT_RGB32, W, H, (const uint8_t *)picture, W * 4, stream, ROOM,
                      &stream_size) == CODEC_OK);
    wire = wire_of(SPICE_IMAGE_TYPE_QUIC);
    for (int i = 0; i < 4; i++)
        CHECK(pthread_create(&threads[i], NULL, decode_often, &wire) == 0);
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], &right);
        CHECK((size_t)right == 40);
    }
}

int main(void)
{
    paint();
    test_lossless();
    test_palette();
    test_glz();
    test_jpeg();
    test_threads();
    return tap_done();
}
