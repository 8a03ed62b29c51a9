/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Measures the image codecs of common/codec on one thread: MB/s of pixels, encoding and decoding,
 * for contents that screens show. MB are 10^6 bytes of pixels in the codec's own format; times are
 * the thread's processor time, the median of several runs; every decoded picture is checked.
 *
 *     bench-codec [-n RUNS] [-c CODEC] [-p CONTENTS] FOLDER
 *
 * FOLDER holds the QUIC vectors (tests/vectors/quic), the source of the photograph and of the
 * desktop. To add a codec, add a row to codecs[]. */
#include <glib.h>
#include <pango/pangocairo.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "codec/jpeg.h"
#include "codec/lz.h"
#include "codec/lz4.h"
#include "codec/quic-model.h"
#include "codec/zlib-glz.h"

/* Packed pixels, top row first. */
typedef struct Picture {
    const char *name;
    CodecFormat format;
    guint32 width, height;
    guint8 *pixels;
    gsize row, size;
} Picture;

typedef struct BenchCodec {
    const char *name;
    CodecFormat format; /* of the pixels it is given, and asked for */
    gboolean lossy;     /* what comes back isn't compared */
    gsize (*bound)(const Picture *picture);
    /* Bytes written to out, 0 on failure. */
    gsize (*encode)(const Picture *picture, guint8 *out, gsize capacity);
    /* Into a picture of the same shape. */
    gboolean (*decode)(const guint8 *data, gsize size, Picture *picture);
    /* Bring the last decoded pixels into the picture, once, when decode leaves them elsewhere. */
    void (*fetch)(Picture *picture);
} BenchCodec;

static Picture picture_new(const char *name, CodecFormat format, guint32 width, guint32 height)
{
    gsize row = (gsize)width * codec_format_bits(format) / 8;

    return (Picture){name, format, width, height, g_malloc0(row * height), row, row * height};
}

static guint32 *pixel_at(const Picture *picture, guint32 x, guint32 y)
{
    return (guint32 *)(gpointer)(picture->pixels + picture->row * y) + x;
}

/* --- contents, all RGB32
 * ------------------------------------------------------------------------------------- */

static Picture make_flat(guint32 width, guint32 height)
{
    Picture picture = picture_new("flat", CODEC_FORMAT_RGB32, width, height);

    for (guint32 y = 0; y < height; y++)
        for (guint32 x = 0; x < width; x++)
            *pixel_at(&picture, x, y) = 0x2e3436;
    return picture;
}

static Picture make_noise(guint32 width, guint32 height)
{
    Picture picture = picture_new("noise", CODEC_FORMAT_RGB32, width, height);
    g_autoptr(GRand) random = g_rand_new_with_seed(1);

    for (guint32 y = 0; y < height; y++)
        for (guint32 x = 0; x < width; x++)
            *pixel_at(&picture, x, y) = g_rand_int(random) & 0xffffff;
    return picture;
}

static Picture make_ramp(guint32 width, guint32 height)
{
    Picture picture = picture_new("ramp", CODEC_FORMAT_RGB32, width, height);

    for (guint32 y = 0; y < height; y++)
        for (guint32 x = 0; x < width; x++)
            *pixel_at(&picture, x, y) = (x * 255 / width) * 0x010101;
    return picture;
}

/* A page of antialiased text. */
static Picture make_text(guint32 width, guint32 height)
{
    static const char words[] = "The quick brown fox jumps over the lazy dog while 0123456789 "
                                "boxes of liquor jugs are being packed (twice!), "
                                "and five wizards judge; how vexingly daft zebras leap. if (x < "
                                "width && y < height) return pixels[y][x]; ";
    Picture picture = picture_new("text", CODEC_FORMAT_RGB32, width, height);
    cairo_surface_t *surface = cairo_image_surface_create_for_data(
        picture.pixels, CAIRO_FORMAT_RGB24, width, height, picture.row);
    cairo_t *cr = cairo_create(surface);
    PangoLayout *layout = pango_cairo_create_layout(cr);
    PangoFontDescription *font = pango_font_description_from_string("DejaVu Sans 10");
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < 110; i++)
        g_string_append(text, words + i % 20);
    pango_layout_set_font_description(layout, font);
    pango_layout_set_width(layout, (int)width * PANGO_SCALE);
    pango_layout_set_text(layout, text->str, -1);
    cairo_set_source_rgb(cr, 1, 1, 1);
    cairo_paint(cr);
    cairo_set_source_rgb(cr, 0, 0, 0);
    pango_cairo_show_layout(cr, layout);
    cairo_surface_flush(surface);
    for (guint32 y = 0; y < height; y++)
        for (guint32 x = 0; x < width; x++)
            *pixel_at(&picture, x, y) &= 0xffffff;
    g_string_free(text, TRUE);
    pango_font_description_free(font);
    g_object_unref(layout);
    cairo_destroy(cr);
    cairo_surface_destroy(surface);
    return picture;
}

/* A picture of the vectors, repeated by mirroring, so that no seam shows. */
static Picture make_from_vector(const char *folder, const char *vector, const char *name,
                                guint32 width, guint32 height)
{
    g_autofree char *file = g_strconcat(vector, ".quic", NULL),
                    *path = g_build_filename(folder, file, NULL);
    Picture picture = picture_new(name, CODEC_FORMAT_RGB32, width, height), source;
    g_autoptr(GError) error = NULL;
    g_autofree char *data = NULL;
    CodecInfo info;
    gsize size;

    if (!g_file_get_contents(path, &data, &size, &error))
        g_error("%s", error->message);
    if (quic_read_header((guint8 *)data, size, &info) != CODEC_OK)
        g_error("%s: not a QUIC stream", path);
    source = picture_new(name, CODEC_FORMAT_RGB32, info.width, info.height);
    if (quic_decode((guint8 *)data, size, CODEC_FORMAT_RGB32, source.pixels, source.row) !=
        CODEC_OK)
        g_error("%s: damaged", path);
    for (guint32 y = 0; y < height; y++)
        for (guint32 x = 0; x < width; x++) {
            guint32 sx = x % (2 * info.width), sy = y % (2 * info.height);

            sx = sx < info.width ? sx : 2 * info.width - 1 - sx;
            sy = sy < info.height ? sy : 2 * info.height - 1 - sy;
            *pixel_at(&picture, x, y) = *pixel_at(&source, sx, sy);
        }
    g_free(source.pixels);
    return picture;
}

/* The same picture in another format. Alpha is opaque. */
static Picture convert(const Picture *from, CodecFormat format)
{
    Picture picture = picture_new(from->name, format, from->width, from->height);

    for (guint32 y = 0; y < from->height; y++)
        for (guint32 x = 0; x < from->width; x++) {
            guint32 pixel = *pixel_at(from, x, y);
            guint8 *to =
                picture.pixels + picture.row * y + (gsize)x * codec_format_bits(format) / 8;

            if (format == CODEC_FORMAT_RGB16) {
                guint packed =
                    (pixel >> 19 & 31) << 10 | (pixel >> 11 & 31) << 5 | (pixel >> 3 & 31);

                to[0] = packed;
                to[1] = packed >> 8;
            } else if (format == CODEC_FORMAT_RGB24) {
                to[0] = pixel;
                to[1] = pixel >> 8;
                to[2] = pixel >> 16;
            } else if (format == CODEC_FORMAT_RGBA) {
                quic_store32(to, pixel | 0xff000000);
            } else {
                quic_store32(to, pixel);
            }
        }
    return picture;
}

/* --- codecs
 * --------------------------------------------------------------------------------------------------
 */

static gsize quic_bound(const Picture *picture)
{
    return quic_encode_bound(picture->format, picture->width, picture->height);
}

static gsize encode_quic(QuicPath path, const Picture *picture, guint8 *out, gsize capacity)
{
    gsize size = 0;

    quic_encode_path(path, picture->format, picture->width, picture->height, picture->pixels,
                     picture->row, out, capacity, &size);
    return size;
}

static gsize quic_best_encode(const Picture *picture, guint8 *out, gsize capacity)
{
    return encode_quic(QUIC_PATH_BEST, picture, out, capacity);
}

static gsize quic_portable_encode(const Picture *picture, guint8 *out, gsize capacity)
{
    return encode_quic(QUIC_PATH_PORTABLE, picture, out, capacity);
}

static gboolean quic_best_decode(const guint8 *data, gsize size, Picture *picture)
{
    return quic_decode_path(QUIC_PATH_BEST, data, size, picture->format, 0, picture->pixels,
                            picture->row) == CODEC_OK;
}

static gboolean quic_portable_decode(const guint8 *data, gsize size, Picture *picture)
{
    return quic_decode_path(QUIC_PATH_PORTABLE, data, size, picture->format, 0, picture->pixels,
                            picture->row) == CODEC_OK;
}

/* Of all codecs but QUIC: none needs more than this. */
static gsize ample_bound(const Picture *picture)
{
    return picture->size + picture->size / 16 + 65536;
}

static gsize lz_bench_encode(const Picture *picture, guint8 *out, gsize capacity)
{
    static LzEncoder *encoder;
    gsize size = 0;

    if (!encoder)
        encoder = lz_encoder_new();
    lz_encode(encoder, picture->format, TRUE, picture->width, picture->height, picture->pixels,
              picture->row, out, capacity, &size);
    return size;
}

static gboolean lz_bench_decode(const guint8 *data, gsize size, Picture *picture)
{
    return lz_decode(data, size, NULL, 0, picture->format, picture->pixels, picture->row) ==
           CODEC_OK;
}

/* Rows upside down in memory. */
static gboolean lz_turned_decode(const guint8 *data, gsize size, Picture *picture)
{
    return lz_decode(data, size, NULL, 0, picture->format,
                     picture->pixels + picture->row * (picture->height - 1),
                     -(gssize)picture->row) == CODEC_OK;
}

static void turn_rows(Picture *picture)
{
    guint8 *turned = g_malloc(picture->size);

    for (gsize y = 0; y < picture->height; y++)
        memcpy(turned + y * picture->row,
               picture->pixels + (picture->height - 1 - y) * picture->row, picture->row);
    g_free(picture->pixels);
    picture->pixels = turned;
}

#define GLZ_WINDOW (1 << 24)

/* The first image of a dictionary, whose setting up counts. */
static gsize glz_first_encode(const Picture *picture, guint8 *out, gsize capacity)
{
    GlzDictionary *dictionary = glz_dictionary_new(GLZ_WINDOW, 0);
    gsize size = 0;

    glz_encode(dictionary, picture->format, TRUE, picture->width, picture->height, picture->pixels,
               picture->row, out, capacity, &size, NULL);
    glz_dictionary_free(dictionary);
    return size;
}

static GlzImage *last_image;

static GlzWindow *fresh_window(void)
{
    glz_image_unref(last_image);
    last_image = NULL;
    return glz_window_new((gsize)GLZ_WINDOW * 4, NULL);
}

static gboolean glz_first_decode(const guint8 *data, gsize size, Picture *picture)
{
    GlzWindow *window = fresh_window();
    CodecResult result = glz_decode(window, data, size, &last_image, NULL);

    glz_window_free(window);
    return result == CODEC_OK;
}

static void glz_fetch(Picture *picture)
{
    memcpy(picture->pixels, glz_image_pixels(last_image), picture->size);
}

/* The inflated size, which the image's descriptor tells on the wire, stands before the stream. */
static gsize zlib_first_encode(const Picture *picture, guint8 *out, gsize capacity)
{
    guint8 *glz = g_malloc(capacity);
    gsize glz_size = glz_first_encode(picture, glz, capacity), size = 0;
    guint32 inflated = glz_size;

    memcpy(out, &inflated, 4);
    if (glz_size && zlib_glz_encode(glz, glz_size, 3, out + 4, capacity - 4, &size) == CODEC_OK)
        size += 4;
    g_free(glz);
    return size;
}

static gboolean zlib_first_decode(const guint8 *data, gsize size, Picture *picture)
{
    GlzWindow *window = fresh_window();
    guint32 inflated;

    memcpy(&inflated, data, 4);
    CodecResult result = zlib_glz_decode(window, data + 4, size - 4, inflated, picture->width,
                                         picture->height, &last_image, NULL);
    glz_window_free(window);
    return result == CODEC_OK;
}

static gsize lz4_bench_encode(const Picture *picture, guint8 *out, gsize capacity)
{
    gsize size = 0;

    lz4_image_encode(picture->format, TRUE, picture->width, picture->height, picture->pixels,
                     picture->row, 0, out, capacity, &size);
    return size;
}

static gboolean lz4_bench_decode(const guint8 *data, gsize size, Picture *picture)
{
    return lz4_image_decode(data, size, picture->width, picture->height, picture->format,
                            picture->pixels, picture->row) == CODEC_OK;
}

static gsize jpeg_bench_encode(const Picture *picture, guint8 *out, gsize capacity)
{
    const JpegOptions as_deployed = {.quality = 85, .subsampling = JPEG_SUBSAMPLING_420};
    gsize size = 0;

    jpeg_image_encode(picture->format, picture->width, picture->height, picture->pixels,
                      picture->row, &as_deployed, out, capacity, &size);
    return size;
}

static gboolean jpeg_bench_decode(const guint8 *data, gsize size, Picture *picture)
{
    return jpeg_image_decode(data, size, picture->format, picture->pixels, picture->row) ==
           CODEC_OK;
}

static gboolean mjpeg_bench_decode(const guint8 *data, gsize size, Picture *picture)
{
    static JpegStream *stream;
    CodecInfo info;

    if (!stream)
        stream = jpeg_stream_new();
    return jpeg_stream_begin(stream, data, size, &info) == CODEC_OK &&
           jpeg_stream_decode(stream, picture->format, picture->pixels, picture->row) == CODEC_OK;
}

static const BenchCodec codecs[] = {
    {"quic-rgb32", CODEC_FORMAT_RGB32, FALSE, quic_bound, quic_best_encode, quic_best_decode},
    {"quic-rgb32-portable", CODEC_FORMAT_RGB32, FALSE, quic_bound, quic_portable_encode,
     quic_portable_decode},
    {"quic-rgb24", CODEC_FORMAT_RGB24, FALSE, quic_bound, quic_best_encode, quic_best_decode},
    {"quic-rgba", CODEC_FORMAT_RGBA, FALSE, quic_bound, quic_best_encode, quic_best_decode},
    {"quic-rgb16", CODEC_FORMAT_RGB16, FALSE, quic_bound, quic_best_encode, quic_best_decode},
    {"lz-rgb32", CODEC_FORMAT_RGB32, FALSE, ample_bound, lz_bench_encode, lz_bench_decode},
    {"lz-rgb32-turned", CODEC_FORMAT_RGB32, FALSE, ample_bound, lz_bench_encode, lz_turned_decode,
     turn_rows},
    {"lz-rgb24", CODEC_FORMAT_RGB24, FALSE, ample_bound, lz_bench_encode, lz_bench_decode},
    {"lz-rgba", CODEC_FORMAT_RGBA, FALSE, ample_bound, lz_bench_encode, lz_bench_decode},
    {"lz-rgb16", CODEC_FORMAT_RGB16, FALSE, ample_bound, lz_bench_encode, lz_bench_decode},
    {"glz-rgb32", CODEC_FORMAT_RGB32, FALSE, ample_bound, glz_first_encode, glz_first_decode,
     glz_fetch},
    {"zlib-glz-rgb32", CODEC_FORMAT_RGB32, FALSE, ample_bound, zlib_first_encode, zlib_first_decode,
     glz_fetch},
    {"lz4-rgb32", CODEC_FORMAT_RGB32, FALSE, ample_bound, lz4_bench_encode, lz4_bench_decode},
    {"jpeg-rgb32", CODEC_FORMAT_RGB32, TRUE, ample_bound, jpeg_bench_encode, jpeg_bench_decode},
    {"mjpeg-rgb32", CODEC_FORMAT_RGB32, TRUE, ample_bound, jpeg_bench_encode, mjpeg_bench_decode},
};

/* --- measuring
 * -----------------------------------------------------------------------------------------------
 */

static gdouble thread_seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec + now.tv_nsec * 1e-9;
}

static int compare_doubles(const void *a, const void *b)
{
    gdouble x = *(const gdouble *)a, y = *(const gdouble *)b;

    return (x > y) - (x < y);
}

static gdouble median(gdouble *values, guint count)
{
    qsort(values, count, sizeof *values, compare_doubles);
    return values[count / 2];
}

static void measure(const BenchCodec *codec, const Picture *base, guint runs)
{
    Picture picture = convert(base, codec->format), decoded = convert(base, codec->format);
    gsize capacity = codec->bound(&picture), size = 0;
    guint8 *out = g_malloc(capacity);
    g_autofree gdouble *encoding = g_new(gdouble, runs), *decoding = g_new(gdouble, runs);
    guint repeat =
        MAX(1, 4000000 /
                   picture.size); /* small pictures several times, so that the clock can see them */

    /* One run before the clock starts, which also brings all memory in. */
    for (guint i = 0; i <= runs; i++) {
        gdouble start = thread_seconds(), middle;

        for (guint r = 0; r < repeat; r++)
            if ((size = codec->encode(&picture, out, capacity)) == 0)
                g_error("%s: %s: encoding failed", codec->name, picture.name);
        middle = thread_seconds();
        for (guint r = 0; r < repeat; r++)
            if (!codec->decode(out, size, &decoded))
                g_error("%s: %s: decoding failed", codec->name, picture.name);
        if (i > 0) {
            encoding[i - 1] = middle - start;
            decoding[i - 1] = thread_seconds() - middle;
        }
    }
    if (codec->fetch)
        codec->fetch(&decoded);
    if (!codec->lossy && memcmp(picture.pixels, decoded.pixels, picture.size) != 0)
        g_error("%s: %s: decoding gives another picture", codec->name, picture.name);

    gdouble megabytes = picture.size * (gdouble)repeat / 1e6,
            pixels = (gdouble)picture.width * picture.height;

    printf("%-20s %-14s %5ux%-5u %6.2f %9.0f %9.0f %9.0f %9.0f\n", codec->name, picture.name,
           picture.width, picture.height, size * 8 / pixels, megabytes / median(encoding, runs),
           megabytes / median(decoding, runs), pixels * repeat / 1e6 / median(encoding, runs),
           pixels * repeat / 1e6 / median(decoding, runs));
    fflush(stdout);
    g_free(picture.pixels);
    g_free(decoded.pixels);
    g_free(out);
}

int main(int argc, char **argv)
{
    gint runs = 7;
    g_autofree char *only_codec = NULL, *only_picture = NULL;
    const GOptionEntry options[] = {
        {"runs", 'n', 0, G_OPTION_ARG_INT, &runs, "Runs to take the median of", "N"},
        {"codec", 'c', 0, G_OPTION_ARG_STRING, &only_codec, "Only codecs whose name begins so",
         "NAME"},
        {"picture", 'p', 0, G_OPTION_ARG_STRING, &only_picture,
         "Only contents whose name begins so", "NAME"},
        {NULL},
    };
    g_autoptr(GOptionContext) context = g_option_context_new("FOLDER");
    g_autoptr(GError) error = NULL;

    g_option_context_add_main_entries(context, options, NULL);
    if (!g_option_context_parse(context, &argc, &argv, &error) || argc != 2 || runs < 1) {
        fprintf(stderr, "%s\n", error ? error->message : "one folder of QUIC vectors is needed");
        return 2;
    }

    Picture pictures[] = {
        make_flat(1920, 1080),
        make_ramp(1920, 1080),
        make_text(1920, 1080),
        make_from_vector(argv[1], "desktop_rgb32_640x480", "desktop", 1920, 1080),
        make_from_vector(argv[1], "photo_rgb32_640x427", "photo", 1920, 1080),
        make_from_vector(argv[1], "photo_rgb32_96x72", "photo-sharp", 1920, 1080),
        make_noise(1920, 1080),
        make_from_vector(argv[1], "desktop_rgb32_640x480", "desktop-128", 128, 128),
        make_from_vector(argv[1], "photo_rgb32_640x427", "photo-128", 128, 128),
        make_from_vector(argv[1], "photo_rgb32_640x427", "photo-32", 32, 32),
    };

    printf("%-20s %-14s %-11s %6s %9s %9s %9s %9s\n", "codec", "contents", "size", "bit/px",
           "enc MB/s", "dec MB/s", "enc Mpx/s", "dec Mpx/s");
    for (guint c = 0; c < G_N_ELEMENTS(codecs); c++)
        for (guint p = 0; p < G_N_ELEMENTS(pictures); p++)
            if ((!only_codec || g_str_has_prefix(codecs[c].name, only_codec)) &&
                (!only_picture || g_str_has_prefix(pictures[p].name, only_picture)))
                measure(&codecs[c], &pictures[p], runs);
    for (guint p = 0; p < G_N_ELEMENTS(pictures); p++)
        g_free(pictures[p].pixels);
    return 0;
}
