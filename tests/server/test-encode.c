/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Image coding: what every coder makes of pixels of every format decodes to the same pixels; who
 * chooses what; order of GLZ images; jobs that are dropped. docs/spec/server-display.md 12 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "canvas/image.h"
#include "codec/glz.h"
#include "display/encode.h"
#include "display/encode-private.h"
#include "tap.h"

static EncodePool *pool;
static uint32_t seed = 1;

static uint32_t random_number(void)
{
    seed = seed * 1664525 + 1013904223;
    return seed >> 8;
}

typedef enum Content { NOISE, FLAT, TEXT, SMOOTH, FEW, N_CONTENTS } Content;

static uint32_t pixel_of(Content content, uint32_t x, uint32_t y)
{
    switch (content) {
    case NOISE:
        return random_number() << 16 ^ random_number();
    case FLAT:
        return 0xff123456;
    case TEXT:
        return (x * 7 + y * 13) % 23 < 4 && (x / 3 + y / 5) % 2 ? 0xff202020 : 0xfff8f8f8;
    case SMOOTH:
        return 0xff000000 | (x & 255) << 16 | (y & 255) << 8 | ((x + y) / 2 & 255);
    default:
        return 0xff000000 | ((x * x + y * y) / 97 % 13) * 0x0f1317;
    }
}

static const uint32_t palette_entries[256] = {0x000000, 0xffffff, 0x102030, 0x405060, 0x708090,
                                              0xa0b0c0, 0xd0e0f0, 0x123456, 0x654321};
static const WirePalette palette_256 = {7, 256, palette_entries};

/* Pixels in a buffer with an offset, padded rows, and something else around. */
static EncodeSource make(uint8_t format, uint32_t width, uint32_t height, Content content,
                         bool top_down, unsigned padding)
{
    size_t row = bitmap_row_size(format, width);
    unsigned bytes = MAX(bitmap_bits(format) / 8, 1);
    EncodeSource source = {
        .id = 0x1234500000001 + random_number(),
        .format = format,
        .top_down = top_down,
        .width = width,
        .height = height,
        .stride = row + padding * bytes,
        .offset = padding * bytes,
        .palette = format <= SPICE_BITMAP_FMT_8BIT ? &palette_256 : NULL,
        .glz_allowed = true,
    };

    source.pixels = blob_new(source.offset + (size_t)source.stride * (height - 1) + row);
    memset(source.pixels->data, 0xee, source.pixels->size);
    for (uint32_t y = 0; y < height; y++) {
        uint8_t *out = source.pixels->data + source.offset + (size_t)y * source.stride;

        for (uint32_t x = 0; x < width; x++) {
            uint32_t p = pixel_of(content, x, y);

            switch (bitmap_bits(format)) {
            case 32:
                memcpy(out + x * 4, &p, 4);
                break;
            case 24:
                memcpy(out + x * 3, &p, 3);
                break;
            case 16:
                p = (p >> 9 & 0x7c00) | (p >> 6 & 0x3e0) | (p >> 3 & 0x1f);
                memcpy(out + x * 2, &p, 2);
                break;
            case 8:
                out[x] = p >> 8;
                break;
            default:
                /* The last byte may have bits behind the last pixel: all random. */
                if (x % (8 / bitmap_bits(format)) == 0)
                    out[x * bitmap_bits(format) / 8] = content == NOISE ? random_number() : p >> 4;
            }
        }
    }
    return source;
}

static CanvasImage *decode(const WireImage *image, GlzWindow *window)
{
    CanvasDecode how = {
        .use = CANVAS_USE_ORIGINAL,
        .surface_format = SPICE_SURFACE_FMT_32_xRGB,
        .glz = window,
    };

    return canvas_image_decode(image, &how, NULL);
}

/* The pixels as plain bitmap, by the same decoder. */
static CanvasImage *reference(const EncodeSource *source)
{
    size_t row = bitmap_row_size(source->format, source->width);
    uint8_t *rows = g_malloc(row * source->height);
    WireImage image = {
        .id = source->id,
        .type = SPICE_IMAGE_TYPE_BITMAP,
        .flags = source->flags,
        .width = source->width,
        .height = source->height,
        .u.bitmap = {.format = source->format,
                     .flags = source->top_down ? SPICE_BITMAP_FLAGS_TOP_DOWN : 0,
                     .x = source->width,
                     .y = source->height,
                     .stride = row,
                     .palette = source->palette,
                     .data = {rows, row * source->height}},
    };

    for (uint32_t y = 0; y < source->height; y++)
        memcpy(rows + y * row, source->pixels->data + source->offset + (size_t)y * source->stride,
               row);

    CanvasImage *result = decode(&image, NULL);

    g_free(rows);
    return result;
}

static uint32_t get(const CanvasPixels *pixels, int x, int y)
{
    const uint8_t *row = pixels->data + y * pixels->stride;
    uint32_t p = 0;

    switch (PIXMAN_FORMAT_BPP(pixels->format)) {
    case 32:
        memcpy(&p, row + x * 4, 4);
        return PIXMAN_FORMAT_A(pixels->format) ? p : p & 0xffffff;
    case 16:
        memcpy(&p, row + x * 2, 2);
        return p & 0x7fff;
    case 8:
        return row[x];
    default:
        return row[x / 8] >> x % 8 & 1;
    }
}

static bool same(CanvasImage *a, CanvasImage *b)
{
    if (!CHECK(a && b))
        return false;

    const CanvasPixels *p = canvas_image_pixels(a), *q = canvas_image_pixels(b);

    if (!CHECK(p->width == q->width && p->height == q->height))
        return false;
    if (p->format != q->format) {
        p = canvas_image_for_surface(a, SPICE_SURFACE_FMT_32_xRGB);
        q = canvas_image_for_surface(b, SPICE_SURFACE_FMT_32_xRGB);
    }
    for (int y = 0; y < p->height; y++) {
        for (int x = 0; x < p->width; x++) {
            if (get(p, x, y) != get(q, x, y))
                return CHECK(!"pixels differ");
        }
    }
    return true;
}

/* How far off a lossy picture is, per channel on average. */
static unsigned difference(CanvasImage *a, CanvasImage *b)
{
    const CanvasPixels *p = canvas_image_for_surface(a, SPICE_SURFACE_FMT_32_xRGB);
    const CanvasPixels *q = canvas_image_for_surface(b, SPICE_SURFACE_FMT_32_xRGB);
    uint64_t sum = 0;

    for (int y = 0; y < p->height; y++) {
        for (int x = 0; x < p->width; x++) {
            uint32_t u = get(p, x, y), v = get(q, x, y);

            for (int shift = 0; shift < 24; shift += 8)
                sum += abs((int)(u >> shift & 255) - (int)(v >> shift & 255));
        }
    }
    return sum / ((uint64_t)p->width * p->height * 3);
}

static WireImage last; /* of the last job: type and size */
static size_t last_bytes;

/* Code, decode, compare. */
static bool round_trip(const EncodePolicy *policy, const EncodeSource *source, GlzWindow *window)
{
    EncodeJob *job = encode_submit(pool, policy, source, NULL, NULL, NULL);
    bool ok = false;

    if (!CHECK(job))
        return false;

    const WireImage *image = encode_job_image(job);

    CHECK(encode_job_is_done(job));
    if (CHECK(image)) {
        CanvasImage *expected = reference(source), *result = decode(image, window);

        last = *image;
        last_bytes = image->type == SPICE_IMAGE_TYPE_BITMAP         ? image->u.bitmap.data.size
                     : image->type == SPICE_IMAGE_TYPE_LZ_PLT       ? image->u.lz_palette.data.size
                     : image->type == SPICE_IMAGE_TYPE_JPEG_ALPHA   ? image->u.jpeg_alpha.data.size
                     : image->type == SPICE_IMAGE_TYPE_ZLIB_GLZ_RGB ? image->u.zlib_glz.data.size
                                                                    : image->u.compressed.size;
        CHECK(image->id == source->id && image->width == source->width &&
              image->height == source->height);
        CHECK(encode_job_must_be_sent(job) == (image->type == SPICE_IMAGE_TYPE_GLZ_RGB ||
                                               image->type == SPICE_IMAGE_TYPE_ZLIB_GLZ_RGB));
        if (encode_job_is_lossy(job)) {
            CHECK(policy->jpeg && source->lossy_allowed);
            ok = CHECK(expected && result) && CHECK(difference(expected, result) < 80);
        } else {
            ok = same(expected, result);
        }
        canvas_image_unref(expected);
        canvas_image_unref(result);
    }
    encode_job_free(job);
    return ok;
}

static EncodePolicy policy_of(SpiceImageCompression compression, GlzShared *glz)
{
    return (EncodePolicy){.compression = compression, .lz4 = true, .glz = glz};
}

static void test_round_trips(void)
{
    static const uint16_t sizes[][2] = {{1, 1},   {2, 30},   {3, 3},     {17, 1},
                                        {40, 33}, {129, 64}, {201, 230}, {400, 210}};
    DisplayShared *shared = display_shared_new();
    GlzShared *glz = glz_shared_get(shared, 1, 300000);
    GlzWindow *window = glz_window_new(4 * 300000, NULL);

    for (int c = SPICE_IMAGE_COMPRESSION_OFF; c <= SPICE_IMAGE_COMPRESSION_LZ4; c++) {
        static const char *const names[] = {
            "",
            "every format, size, layout and content: off",
            "every format, size, layout and content: auto_glz",
            "every format, size, layout and content: auto_lz",
            "every format, size, layout and content: quic",
            "every format, size, layout and content: glz",
            "every format, size, layout and content: lz",
            "every format, size, layout and content: lz4",
        };
        EncodePolicy policy = policy_of(c, glz);

        tap_case(names[c]);
        for (int format = SPICE_BITMAP_FMT_1BIT_BE; format <= SPICE_BITMAP_FMT_8BIT_A; format++) {
            if (format == SPICE_BITMAP_FMT_4BIT_LE)
                continue; /* the decoder has no such bitmaps to compare with */
            for (unsigned i = 0; i < G_N_ELEMENTS(sizes) * N_CONTENTS * 4; i++) {
                EncodeSource source =
                    make(format, sizes[i / 4 / N_CONTENTS][0], sizes[i / 4 / N_CONTENTS][1],
                         i / 4 % N_CONTENTS, i & 1, i & 2 ? 5 : 0);

                policy.zlib_glz = random_number() & 1;
                policy.jpeg = random_number() & 1;
                source.lossy_allowed = random_number() & 1;
                source.few_colors_allowed = random_number() & 1;
                if (!round_trip(&policy, &source, window))
                    printf("# format %d, size %ux%u, %u\n", format, source.width, source.height, i);
                blob_unref(source.pixels);
            }
        }
    }
    glz_window_free(window);
    glz_shared_unref(glz);
    display_shared_free(shared);
}

/* What comes out for a content. */
static int type_of(EncodePolicy policy, uint8_t format, uint32_t width, uint32_t height,
                   Content content, bool lossy, GlzWindow *window)
{
    EncodeSource source = make(format, width, height, content, true, 3);

    source.lossy_allowed = lossy;
    round_trip(&policy, &source, window);
    blob_unref(source.pixels);
    return last.type;
}

/* A palette image where it is allowed, of 1 bit or 4, exact in every width. */
static void test_few_colors(GlzShared *glz, GlzWindow *window)
{
    for (uint32_t width = 8; width < 75; width++) {
        for (int i = 0; i < 8; i++) {
            EncodePolicy policy = policy_of(
                i & 1 ? SPICE_IMAGE_COMPRESSION_AUTO_GLZ : SPICE_IMAGE_COMPRESSION_LZ, glz);
            EncodeSource source =
                make(SPICE_BITMAP_FMT_32BIT, width, 40, i & 2 ? TEXT : FEW, i & 4, i & 1 ? 3 : 0);
            size_t plain = (size_t)(width + 7) / 8 * 40;

            source.few_colors_allowed = true;
            CHECK(round_trip(&policy, &source, window));
            CHECK(last.type == SPICE_IMAGE_TYPE_LZ_PLT || last.type == SPICE_IMAGE_TYPE_BITMAP);
            CHECK(last_bytes <= (i & 2 ? plain : (width + 1) / 2 * 40));
            /* Not for other formats of surfaces, nor where QUIC or LZ4 was asked for. */
            source.few_colors_allowed = false;
            CHECK(round_trip(&policy, &source, window));
            CHECK(last.type == (i & 1 ? SPICE_IMAGE_TYPE_GLZ_RGB : SPICE_IMAGE_TYPE_LZ_RGB));
            source.few_colors_allowed = true;
            policy.compression = SPICE_IMAGE_COMPRESSION_QUIC;
            CHECK(round_trip(&policy, &source, window) && last.type == SPICE_IMAGE_TYPE_QUIC);
            blob_unref(source.pixels);
        }
    }
    /* The third colour, or the 17th, wherever it is. */
    for (int i = 0; i < 60; i++) {
        EncodePolicy policy = policy_of(SPICE_IMAGE_COMPRESSION_LZ, glz);
        EncodeSource source = make(SPICE_BITMAP_FMT_32BIT, 61, 50, i & 1 ? TEXT : FEW, true, 0);

        for (int k = 0; k < (i & 1 ? 1 : 20); k++) {
            uint32_t color = 0x010101 * (k + 1), p = random_number() % (61 * 50);

            memcpy(source.pixels->data + (size_t)p * 4, &color, 4);
        }
        source.few_colors_allowed = true;
        CHECK(round_trip(&policy, &source, NULL));
        CHECK((last.type == SPICE_IMAGE_TYPE_LZ_PLT) == (i & 1));
        /* Without a window it may be a client that doesn't know them. */
        policy.glz = NULL;
        CHECK(round_trip(&policy, &source, NULL) && last.type == SPICE_IMAGE_TYPE_LZ_RGB);
        blob_unref(source.pixels);
    }
}

static void test_choice(void)
{
    enum {
        RAW = SPICE_IMAGE_TYPE_BITMAP,
        QUIC = SPICE_IMAGE_TYPE_QUIC,
        LZ = SPICE_IMAGE_TYPE_LZ_RGB,
        PLT = SPICE_IMAGE_TYPE_LZ_PLT,
        GLZ = SPICE_IMAGE_TYPE_GLZ_RGB,
        ZGLZ = SPICE_IMAGE_TYPE_ZLIB_GLZ_RGB,
        LZ4 = SPICE_IMAGE_TYPE_LZ4,
        JPEG = SPICE_IMAGE_TYPE_JPEG,
        JPEGA = SPICE_IMAGE_TYPE_JPEG_ALPHA,
    };
    static const struct {
        int compression, format, width, height, content, expected;
    } table[] = {
        {SPICE_IMAGE_COMPRESSION_OFF, SPICE_BITMAP_FMT_32BIT, 192, 192, TEXT, RAW},
        {SPICE_IMAGE_COMPRESSION_AUTO_GLZ, SPICE_BITMAP_FMT_32BIT, 192, 192, SMOOTH, QUIC},
        {SPICE_IMAGE_COMPRESSION_AUTO_LZ, SPICE_BITMAP_FMT_32BIT, 192, 192, SMOOTH, QUIC},
        {SPICE_IMAGE_COMPRESSION_AUTO_GLZ, SPICE_BITMAP_FMT_32BIT, 192, 192, TEXT, GLZ},
        {SPICE_IMAGE_COMPRESSION_AUTO_LZ, SPICE_BITMAP_FMT_32BIT, 192, 192, TEXT, LZ},
        {SPICE_IMAGE_COMPRESSION_AUTO_GLZ, SPICE_BITMAP_FMT_32BIT, 2, 90, SMOOTH, GLZ},
        {SPICE_IMAGE_COMPRESSION_LZ4, SPICE_BITMAP_FMT_32BIT, 100, 100, NOISE, RAW},
        {SPICE_IMAGE_COMPRESSION_LZ4, SPICE_BITMAP_FMT_32BIT, 100, 100, TEXT, LZ4},
        {SPICE_IMAGE_COMPRESSION_LZ4, SPICE_BITMAP_FMT_8BIT_A, 100, 100, TEXT, LZ},
        {SPICE_IMAGE_COMPRESSION_LZ, SPICE_BITMAP_FMT_24BIT, 100, 100, NOISE, RAW},
        {SPICE_IMAGE_COMPRESSION_LZ, SPICE_BITMAP_FMT_32BIT, 13, 1, FLAT, RAW},
        {SPICE_IMAGE_COMPRESSION_LZ, SPICE_BITMAP_FMT_8BIT, 100, 100, TEXT, PLT},
        {SPICE_IMAGE_COMPRESSION_GLZ, SPICE_BITMAP_FMT_8BIT, 100, 100, TEXT, PLT},
        {SPICE_IMAGE_COMPRESSION_LZ, SPICE_BITMAP_FMT_8BIT_A, 100, 100, TEXT, LZ},
        {SPICE_IMAGE_COMPRESSION_QUIC, SPICE_BITMAP_FMT_8BIT_A, 100, 100, TEXT, RAW},
        {SPICE_IMAGE_COMPRESSION_QUIC, SPICE_BITMAP_FMT_8BIT, 100, 100, TEXT, RAW},
        {SPICE_IMAGE_COMPRESSION_QUIC, SPICE_BITMAP_FMT_32BIT, 100, 100, TEXT, QUIC},
        {SPICE_IMAGE_COMPRESSION_QUIC, SPICE_BITMAP_FMT_32BIT, 2, 100, SMOOTH, RAW},
        {SPICE_IMAGE_COMPRESSION_QUIC, SPICE_BITMAP_FMT_32BIT, 9000, 4, SMOOTH, QUIC},
        {SPICE_IMAGE_COMPRESSION_GLZ, SPICE_BITMAP_FMT_32BIT, 9000, 4, SMOOTH, LZ},
        {SPICE_IMAGE_COMPRESSION_GLZ, SPICE_BITMAP_FMT_32BIT, 300, 300, TEXT, GLZ},
        {SPICE_IMAGE_COMPRESSION_GLZ, SPICE_BITMAP_FMT_32BIT, 1000, 301, TEXT, LZ}, /* > window */
        {SPICE_IMAGE_COMPRESSION_GLZ, SPICE_BITMAP_FMT_RGBA, 50, 50, TEXT, GLZ},
        {SPICE_IMAGE_COMPRESSION_GLZ, SPICE_BITMAP_FMT_16BIT, 50, 50, TEXT, GLZ},
    };
    DisplayShared *shared = display_shared_new();
    GlzShared *glz = glz_shared_get(shared, 0, 300000);
    GlzWindow *window = glz_window_new(4 * 300000, NULL);
    EncodePolicy policy;

    tap_case("which coder");
    for (unsigned i = 0; i < G_N_ELEMENTS(table); i++) {
        int type = type_of(policy_of(table[i].compression, glz), table[i].format, table[i].width,
                           table[i].height, table[i].content, true, window);

        if (!CHECK(type == table[i].expected))
            printf("# row %u: %d\n", i, type);
    }
    /* What a client or link rules out. */
    policy = policy_of(SPICE_IMAGE_COMPRESSION_LZ4, glz);
    policy.lz4 = false;
    CHECK(type_of(policy, SPICE_BITMAP_FMT_32BIT, 99, 99, TEXT, true, window) == LZ);
    policy = policy_of(SPICE_IMAGE_COMPRESSION_AUTO_GLZ, NULL);
    CHECK(type_of(policy, SPICE_BITMAP_FMT_32BIT, 99, 99, TEXT, true, window) == LZ);
    policy.local = true;
    CHECK(type_of(policy, SPICE_BITMAP_FMT_32BIT, 99, 99, TEXT, true, window) == RAW);

    policy = policy_of(SPICE_IMAGE_COMPRESSION_AUTO_GLZ, glz);
    policy.jpeg = true;
    CHECK(type_of(policy, SPICE_BITMAP_FMT_32BIT, 99, 99, SMOOTH, true, window) == JPEG);
    CHECK(type_of(policy, SPICE_BITMAP_FMT_RGBA, 99, 99, SMOOTH, true, window) == JPEGA);
    CHECK(type_of(policy, SPICE_BITMAP_FMT_32BIT, 99, 99, SMOOTH, false, window) == QUIC);
    CHECK(type_of(policy, SPICE_BITMAP_FMT_32BIT, 99, 99, TEXT, true, window) == GLZ);
    /* The most that JPEG can, and one more. */
    CHECK(type_of(policy, SPICE_BITMAP_FMT_32BIT, 65500, 8, SMOOTH, true, window) == JPEG);
    CHECK(type_of(policy, SPICE_BITMAP_FMT_32BIT, 65501, 8, SMOOTH, true, window) == QUIC);
    CHECK(type_of(policy, SPICE_BITMAP_FMT_32BIT, 70000, 8, SMOOTH, true, window) == QUIC);
    CHECK(type_of(policy, SPICE_BITMAP_FMT_32BIT, 8, 65501, SMOOTH, true, window) == QUIC);
    /* A picture that JPEG makes larger. */
    CHECK(type_of(policy, SPICE_BITMAP_FMT_32BIT, 5, 5, SMOOTH, true, window) != JPEG);

    test_few_colors(glz, window);

    policy = policy_of(SPICE_IMAGE_COMPRESSION_GLZ, glz);
    policy.zlib_glz = true;
    CHECK(type_of(policy, SPICE_BITMAP_FMT_32BIT, 250, 150, TEXT, true, window) == ZGLZ);

    glz_window_free(window);
    glz_shared_unref(glz);
    display_shared_free(shared);
}

static void test_classes(void)
{
    uint32_t color = 0;

    tap_case("what the content looks like");
    for (int format = SPICE_BITMAP_FMT_16BIT; format <= SPICE_BITMAP_FMT_RGBA; format++) {
        EncodeSource source = make(format, 100, 80, FLAT, true, 2);
        uint32_t expected = format == SPICE_BITMAP_FMT_16BIT  ? 0x08ca
                            : format == SPICE_BITMAP_FMT_RGBA ? 0xff123456
                                                              : 0x123456;

        CHECK(encode_classify(&source, &color) == ENCODE_FLAT && color == expected);
        /* One pixel that differs, wherever it is; a changed X byte is no difference. */
        for (int i = 0; i < 50; i++) {
            unsigned bytes = bitmap_bits(format) / 8;
            uint8_t *p = source.pixels->data + source.offset +
                         random_number() % 80 * source.stride + random_number() % 100 * bytes;

            p[0] ^= 4;
            CHECK(encode_classify(&source, &color) != ENCODE_FLAT);
            p[0] ^= 4;
            if (format == SPICE_BITMAP_FMT_32BIT)
                p[3] ^= 0x80;
        }
        CHECK(encode_classify(&source, &color) == ENCODE_FLAT);
        blob_unref(source.pixels);
        source = make(format, 100, 80, SMOOTH, false, 0);
        CHECK(encode_classify(&source, &color) == ENCODE_SMOOTH);
        blob_unref(source.pixels);
        source = make(format, 100, 80, TEXT, false, 0);
        CHECK(encode_classify(&source, &color) == ENCODE_TEXT);
        blob_unref(source.pixels);
    }
}

static void test_bad_sources(void)
{
    EncodePolicy policy = policy_of(SPICE_IMAGE_COMPRESSION_LZ, NULL);
    EncodeSource good = make(SPICE_BITMAP_FMT_32BIT, 10, 10, NOISE, true, 1), bad;

    tap_case("rows outside their pixels are refused");
#define REFUSED(field, value)                                                \
    do {                                                                     \
        bad = good;                                                          \
        bad.field = (value);                                                 \
        CHECK(encode_submit(pool, &policy, &bad, NULL, NULL, NULL) == NULL); \
    } while (0)
    REFUSED(width, 0);
    REFUSED(width, 12);
    REFUSED(width, UINT32_MAX);
    REFUSED(height, 0);
    REFUSED(height, 11);
    REFUSED(height, UINT32_MAX);
    REFUSED(stride, 39);
    REFUSED(stride, UINT32_MAX);
    REFUSED(offset, good.offset + 1);
    REFUSED(offset, SIZE_MAX);
    REFUSED(format, 0);
    REFUSED(format, 200);
    REFUSED(pixels, NULL);
    blob_unref(good.pixels);
}

/* ---- Jobs on the pool ---- */

enum { JOBS = 60, CHANNELS = 2 };

static atomic_int n_done; /* told on several threads */

static void job_done(void *data)
{
    (void)data;
    n_done++;
}

typedef struct Sender {
    GlzShared *glz;
    unsigned seed;
    uint64_t ids[JOBS]; /* GLZ numbers, in the order in which they were submitted; else -1 */
    uint8_t *data[JOBS];
    size_t size[JOBS];
} Sender;

/* A worker with its channel: submits, drops some, sends in order. */
static void *run_sender(void *data)
{
    Sender *sender = data;
    Loop *loop = loop_new_poll();
    EncodeJob *jobs[JOBS] = {NULL};
    EncodePolicy policy = policy_of(SPICE_IMAGE_COMPRESSION_GLZ, sender->glz);
    uint32_t colors[64];

    for (unsigned i = 0; i < G_N_ELEMENTS(colors); i++)
        colors[i] = i * 0x5a3c7f;
    for (unsigned i = 0; i < JOBS; i++) {
        uint32_t width = i % 3 ? 30 : 300, height = i % 3 ? 20 : 200;
        Blob *pixels = blob_new((size_t)width * height * 4);
        EncodeSource source = {
            .id = i,
            .format = SPICE_BITMAP_FMT_32BIT,
            .top_down = true,
            .width = width,
            .height = height,
            .stride = width * 4,
            .pixels = pixels,
            .glz_allowed = true,
        };

        for (size_t k = 0; k < (size_t)width * height; k++)
            memcpy(pixels->data + k * 4,
                   &colors[(k % width / 12 * (k / width / 8) * 5 + i + sender->seed) % 64], 4);
        jobs[i] = encode_submit(pool, &policy, &source, loop, job_done, NULL);
        blob_unref(pixels);
        if (i % 8 == 0)
            loop_run_once(loop, 0);
    }
    for (unsigned i = 0; i < JOBS; i++) {
        const WireImage *image = encode_job_image(jobs[i]);
        GlzInfo info;

        sender->ids[i] = UINT64_MAX;
        if (image && image->type == SPICE_IMAGE_TYPE_GLZ_RGB) {
            WireBytes bytes = image->u.compressed;

            if (glz_read_header(bytes.data, bytes.size, &info) == CODEC_OK)
                sender->ids[i] = info.id;
            sender->data[i] = g_memdup2(bytes.data, bytes.size);
            sender->size[i] = bytes.size;
        }
        encode_job_free(jobs[i]);
    }
    loop_free(loop);
    return NULL;
}

static void test_order(void)
{
    DisplayShared *shared = display_shared_new();
    Sender senders[CHANNELS] = {{0}};
    pthread_t threads[CHANNELS];
    GlzWindow *window = glz_window_new(4 << 20, NULL);
    unsigned next[CHANNELS] = {0};
    uint64_t total = 0;

    tap_case("two channels share a dictionary: numbers rise in each, and all decode");
    for (int i = 0; i < CHANNELS; i++) {
        senders[i].glz = glz_shared_get(shared, 3, 1 << 20);
        senders[i].seed = i * 5;
        pthread_create(&threads[i], NULL, run_sender, &senders[i]);
    }
    CHECK(senders[0].glz == senders[1].glz);
    for (int i = 0; i < CHANNELS; i++)
        pthread_join(threads[i], NULL);
    for (;;) {
        /* In the order of the numbers. */
        int first = -1;

        for (int i = 0; i < CHANNELS; i++) {
            if (next[i] < JOBS &&
                (first < 0 || senders[i].ids[next[i]] < senders[first].ids[next[first]]))
                first = i;
        }
        if (first < 0)
            break;

        Sender *sender = &senders[first];
        unsigned k = next[first]++;
        GlzImage *image = NULL;

        CHECK(sender->ids[k] == total++);
        CHECK(glz_decode(window, sender->data[k], sender->size[k], &image, NULL) == CODEC_OK);
        glz_image_unref(image);
        g_free(sender->data[k]);
    }
    CHECK(total == CHANNELS * JOBS);
    for (int i = 0; i < CHANNELS; i++)
        glz_shared_unref(senders[i].glz);
    glz_window_free(window);
    display_shared_free(shared);
}

static void never(void *data)
{
    CHECK(!"a job that was freed tells its owner");
}

static void test_dropped(void)
{
    Loop *loop = loop_new_poll();
    EncodePolicy policy = policy_of(SPICE_IMAGE_COMPRESSION_QUIC, NULL);
    EncodeSource source = make(SPICE_BITMAP_FMT_32BIT, 700, 500, NOISE, true, 0);
    EncodeJob *job;

    tap_case("jobs that are not wanted any more");
    for (int i = 0; i < 20; i++) {
        job = encode_submit(pool, &policy, &source, loop, never, NULL);
        if (i % 3 == 1)
            encode_job_image(job); /* done, and posted */
        encode_job_free(job);
    }
    loop_run_once(loop, 0);

    /* Told once, on the loop. */
    n_done = 0;
    job = encode_submit(pool, &policy, &source, loop, job_done, NULL);
    CHECK(job && (!encode_job_is_done(job) || n_done == 0));
    while (!n_done)
        loop_run_once(loop, -1);
    CHECK(n_done == 1 && encode_job_is_done(job));
    loop_run_once(loop, 0);
    CHECK(n_done == 1);
    encode_job_free(job);
    encode_job_free(NULL);
    blob_unref(source.pixels);
    loop_free(loop);
}

int main(void)
{
    pool = encode_pool_new();
    test_classes();
    test_choice();
    test_round_trips();
    test_bad_sources();
    test_order();
    test_dropped();
    encode_pool_free(pool);
    return tap_done();
}
