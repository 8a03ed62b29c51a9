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

#include "codec/quic-model.h"

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

static const BenchCodec codecs[] = {
    {"quic-rgb32", CODEC_FORMAT_RGB32, FALSE, quic_bound, quic_best_encode, quic_best_decode},
    {"quic-rgb32-portable", CODEC_FORMAT_RGB32, FALSE, quic_bound, quic_portable_encode,
     quic_portable_decode},
    {"quic-rgb24", CODEC_FORMAT_RGB24, FALSE, quic_bound, quic_best_encode, quic_best_decode},
    {"quic-rgba", CODEC_FORMAT_RGBA, FALSE, quic_bound, quic_best_encode, quic_best_decode},
    {"quic-rgb16", CODEC_FORMAT_RGB16, FALSE, quic_bound, quic_best_encode, quic_best_decode},
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
