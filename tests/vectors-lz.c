/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs a folder of LZ, GLZ, ZLIB_GLZ, LZ4, JPEG, JPEG_ALPHA and MJPEG vectors (docs/spec/lz.md
 * section 11): every stream to its pixels, damaged ones to an error, and every deployed stream's
 * pixels through our encoder and back, with the ratio of the sizes. */
#include "codec/glz.h"
#include "codec/lz-vectors.h"
#include "codec/lz.h"
#include "codec/lz4.h"
#include "codec/zlib-glz.h"

#include <stdio.h>
#include <string.h>

/* Three ways to lay out an upright picture of rows of `row` bytes: as coded without a gap and
 * turned over by the test, straight, and straight with padded rows. */
typedef enum Layout { CODED, UPRIGHT, PADDED, N_LAYOUTS } Layout;

typedef struct Target {
    guint8 *memory, *pixels;
    gsize row, pitch, height;
    gssize stride;
    gboolean turn;
} Target;

static void target_init(Target *t, Layout layout, gsize row, gsize height, gboolean top_down)
{
    gboolean flip = !top_down && layout != CODED;

    t->row = row;
    t->height = height;
    t->pitch = layout == PADDED ? (row + 3) / 4 * 4 + PAD : row;
    t->memory = g_malloc(t->pitch * height);
    memset(t->memory, PAD_BYTE, t->pitch * height);
    t->pixels = flip ? t->memory + t->pitch * (height - 1) : t->memory;
    t->stride = flip ? -(gssize)t->pitch : (gssize)t->pitch;
    t->turn = !top_down && layout == CODED;
}

static const guint8 *target_row(const Target *t, gsize y)
{
    return t->memory + (t->turn ? t->height - 1 - y : y) * t->pitch;
}

static gboolean target_equals(const char *name, const Target *t, const guint8 *expected, gsize size)
{
    if (size != t->row * t->height)
        return fail(name, "%zu bytes expected, %zu decoded", size, t->row * t->height);
    for (gsize y = 0; y < t->height; y++) {
        if (memcmp(target_row(t, y), expected + y * t->row, t->row) != 0)
            return fail(name, "row %zu differs", y);
        for (gsize i = t->row; i < t->pitch; i++)
            if (target_row(t, y)[i] != PAD_BYTE)
                return fail(name, "row %zu: the padding was written", y);
    }
    return TRUE;
}

static CodecFormat wanted_format(JsonObject *expect)
{
    const char *format = text(expect, "format");

    return g_str_has_prefix(format, "BGRX")   ? CODEC_FORMAT_RGB32
           : g_str_has_prefix(format, "BGRA") ? CODEC_FORMAT_RGBA
                                              : CODEC_FORMAT_A8;
}

/* ---- LZ ---- */

static CodecResult lz_any_header(gboolean alpha, const guint8 *data, gsize size, CodecInfo *info)
{
    return alpha ? lz_read_alpha_header(data, size, info) : lz_read_header(data, size, info);
}

/* The source as the encoder got it, from the expected picture: packed for palettes by our own
 * decoder. */
static gboolean lz_encode_again(const char *name, gboolean alpha, const CodecInfo *info,
                                const guint8 *stream, gsize size, const char *kind)
{
    gsize row, got, again_size = lz_encode_bound(info->format, info->width, info->height);
    CodecInfo again_info;

    codec_row_size(info->format, info->width, &row);
    g_autofree guint8 *source = g_malloc(row * info->height), *again = g_malloc(row * info->height);
    g_autofree guint8 *coded = g_malloc(again_size);
    CodecResult result = alpha ? lz_decode_alpha(stream, size, CODEC_FORMAT_A8, source, row)
                               : lz_decode(stream, size, NULL, 0, info->format, source, row);
    if (result != CODEC_OK)
        return fail(name, "to its own format: %s", codec_result_text(result));
    if (alpha) {
        g_autofree guint8 *pixels = g_malloc(row * info->height * 4);

        for (gsize i = 0; i < row * info->height; i++)
            memset(pixels + 4 * i, i, 3), pixels[4 * i + 3] = source[i];
        result = lz_encode_alpha(NULL, info->top_down, info->width, info->height, pixels, row * 4,
                                 coded, again_size, &got);
    } else {
        result = lz_encode(NULL, info->format, info->top_down, info->width, info->height, source,
                           row, coded, again_size, &got);
    }
    if (result != CODEC_OK)
        return fail(name, "encoding: %s", codec_result_text(result));
    g_autofree guint8 *exact = g_memdup2(coded, got);
    result = lz_any_header(alpha, exact, got, &again_info);
    if (result == CODEC_OK)
        result = alpha ? lz_decode_alpha(exact, got, CODEC_FORMAT_A8, again, row)
                       : lz_decode(exact, got, NULL, 0, info->format, again, row);
    if (result != CODEC_OK)
        return fail(name, "decoding what we encoded: %s", codec_result_text(result));
    if (again_info.width != info->width || again_info.height != info->height ||
        again_info.top_down != info->top_down || again_info.format != info->format)
        return fail(name, "our header says something else");
    for (gsize i = 1; info->format == CODEC_FORMAT_RGB16 && i < row * info->height; i += 2) {
        source[i] &= 0x7f; /* bit 15 is anything */
        again[i] &= 0x7f;
    }
    if (memcmp(source, again, row * info->height) != 0)
        return fail(name, "what we encoded decodes to other pixels");
    if (kind)
        count_ratio(kind, got, size);
    return TRUE;
}

static const char *lz_kind(gint64 type)
{
    static const char *const kinds[] = {"",      "PLT1",  "PLT1",  "PLT4", "PLT4", "PLT8",
                                        "RGB16", "RGB24", "RGB32", "RGBA", "XXXA", "A8"};

    return kinds[type];
}

static gboolean run_lz(JsonObject *vector)
{
    const char *name = text(vector, "name");
    JsonObject *expect = json_object_get_object_member(vector, "expect");
    gboolean alpha = number(vector, "lz_type") == 10;
    gsize size, expected_size, row;
    guint n_palette;
    g_autofree guint8 *stream = load_stream(json_object_get_object_member(vector, "stream"), &size);
    g_autofree guint8 *expected = load_expect(expect, &expected_size);
    g_autofree guint32 *palette = load_palette(vector, &n_palette);
    CodecFormat to = wanted_format(expect);
    CodecInfo info;
    CodecResult result = lz_any_header(alpha, stream, size, &info);

    if (result != CODEC_OK)
        return fail(name, "header: %s", codec_result_text(result));
    if (info.width != number(vector, "width") || info.height != number(vector, "height") ||
        info.top_down != (number(vector, "top_down") != 0))
        return fail(name, "the header says %ux%u %d", info.width, info.height, info.top_down);
    codec_row_size(to, info.width, &row);
    for (Layout layout = CODED; layout < N_LAYOUTS; layout++) {
        Target t;

        target_init(&t, layout, row, info.height, info.top_down);
        g_autofree guint8 *memory = t.memory;
        result = alpha ? lz_decode_alpha(stream, size, to, t.pixels, t.stride)
                       : lz_decode(stream, size, palette, n_palette, to, t.pixels, t.stride);
        if (result != CODEC_OK)
            return fail(name, "%s", codec_result_text(result));
        if (!target_equals(name, &t, expected, expected_size))
            return FALSE;
    }
    gboolean deployed = g_str_equal(text(vector, "encoder"), "deployed");
    return lz_encode_again(name, alpha, &info, stream, size,
                           deployed ? lz_kind(number(vector, "lz_type")) : NULL);
}

static gboolean run_bad_lz(JsonObject *vector)
{
    const char *name = text(vector, "name"), *image_type = text(vector, "image_type");
    gsize size, row;
    guint n_palette;
    g_autofree guint8 *stream = load_stream(json_object_get_object_member(vector, "stream"), &size);
    g_autofree guint32 *palette = load_palette(vector, &n_palette);
    CodecInfo info;
    CodecResult result = lz_read_header(stream, size, &info);

    if (result == CODEC_OK) {
        gboolean is_palette =
            info.format >= CODEC_FORMAT_PLT1_LE && info.format <= CODEC_FORMAT_PLT8;

        if (*image_type && is_palette != g_str_equal(image_type, "LZ_PLT"))
            return TRUE; /* for the image type to refuse */
        CodecFormat to = info.format == CODEC_FORMAT_A8 ? CODEC_FORMAT_A8 : CODEC_FORMAT_RGBA;
        codec_row_size(to, info.width, &row);
        g_autofree guint8 *pixels = g_malloc(row * info.height);
        static const guint32 two[] = {0, 0xffffff};
        result = lz_decode(stream, size, palette ? palette : two, palette ? n_palette : 2, to,
                           pixels, row);
    }
    return result != CODEC_OK ? TRUE : fail(name, "accepted");
}

/* ---- GLZ ---- */

static CodecResult glz_try(GlzWindow *window, JsonObject *image, GlzImage **decoded,
                           guint64 *missing)
{
    gsize size;
    g_autofree guint8 *stream = load_stream(json_object_get_object_member(image, "stream"), &size);

    if (g_str_equal(text(image, "image_type"), "ZLIB_GLZ_RGB"))
        return zlib_glz_decode(window, stream, size, number(image, "glz_data_size"),
                               number(image, "width"), number(image, "height"), decoded, missing);
    return glz_decode(window, stream, size, decoded, missing);
}

static gboolean glz_check(const char *name, GlzWindow *window, JsonObject *image, GlzImage *decoded)
{
    gsize expected_size;
    JsonObject *expect = json_object_get_object_member(image, "expect");
    g_autofree guint8 *expected = load_expect(expect, &expected_size);
    const CodecInfo *info = glz_image_info(decoded);
    JsonArray *retained = json_object_get_array_member(image, "retained_after_decode");
    GlzWindowState state;

    if (glz_image_id(decoded) != (guint64)number(image, "id") ||
        info->width != number(image, "width") || info->height != number(image, "height") ||
        info->top_down != (number(image, "top_down") != 0))
        return fail(name, "image %" G_GINT64_FORMAT ": wrong header", number(image, "id"));
    if (expected_size != (gsize)info->width * info->height * 4)
        return fail(name, "image %" G_GINT64_FORMAT ": wrong size", number(image, "id"));
    for (gsize y = 0; y < info->height; y++) {
        gsize from = info->top_down ? y : info->height - 1 - y;

        if (memcmp(glz_image_pixels(decoded) + from * info->width, expected + y * info->width * 4,
                   info->width * 4) != 0)
            return fail(name, "image %" G_GINT64_FORMAT ": row %zu differs", number(image, "id"),
                        y);
    }
    glz_window_state(window, &state);
    if (state.lowest != (guint64)json_array_get_int_element(retained, 0) ||
        state.highest != (guint64)json_array_get_int_element(retained, 1) ||
        state.n_images != (gsize)json_array_get_int_element(retained, 2))
        return fail(name, "image %" G_GINT64_FORMAT ": window holds %zu from %" G_GUINT64_FORMAT,
                    number(image, "id"), state.n_images, state.lowest);
    return TRUE;
}

/* The same images through our dictionary, in the order of their ids. */
static gboolean glz_encode_again(const char *name, JsonArray *images, guint64 window_pixels,
                                 gboolean deployed)
{
    GlzDictionary *dictionary = glz_dictionary_new(window_pixels, 0);
    GlzWindow *window = glz_window_new(window_pixels * 4, NULL);
    gboolean ok = TRUE;
    guint n = json_array_get_length(images);
    g_autofree JsonObject **by_id = g_new0(JsonObject *, n);

    for (guint i = 0; i < n; i++) {
        JsonObject *image = json_array_get_object_element(images, i);
        by_id[number(image, "id")] = image;
    }
    for (guint i = 0; i < n && ok; i++) {
        static const CodecFormat formats[] = {
            [6] = CODEC_FORMAT_RGB16, CODEC_FORMAT_RGB24, CODEC_FORMAT_RGB32, CODEC_FORMAT_RGBA};
        JsonObject *image = by_id[i];
        CodecFormat format = formats[number(image, "lz_type")];
        guint width = number(image, "width"), height = number(image, "height");
        gsize pixels_size, row, size, capacity = lz_encode_bound(format, width, height) + 5,
                                      wrapped;
        g_autofree guint8 *pixels =
            load_expect(json_object_get_object_member(image, "expect"), &pixels_size);
        g_autofree guint8 *coded = g_malloc(capacity), *packed = NULL, *zlib = g_malloc(capacity);
        gboolean top_down = number(image, "top_down") != 0;
        GlzImage *decoded = NULL;
        guint64 id;

        codec_row_size(format, width, &row);
        packed = g_malloc(row * height);
        for (gsize p = 0; p < (gsize)width * height; p++) {
            const guint8 *v = pixels + 4 * p;

            if (format == CODEC_FORMAT_RGB16)
                ((guint16 *)packed)[p] = v[0] >> 3 | v[1] >> 3 << 5 | v[2] >> 3 << 10 | 0x8000;
            else
                memcpy(packed + p * row / width, v, row / width);
        }
        const guint8 *first = top_down ? packed : packed + row * (height - 1);
        CodecResult result =
            glz_encode(dictionary, format, top_down, width, height, first,
                       top_down ? (gssize)row : -(gssize)row, coded, capacity, &size, &id);
        if (result == CODEC_OK) {
            g_autofree guint8 *exact = g_memdup2(coded, size);
            result = glz_decode(window, exact, size, &decoded, NULL);
        }
        if (result != CODEC_OK) {
            ok = fail(name, "our image %u: %s", i, codec_result_text(result));
            break;
        }
        for (gsize y = 0; y < height; y++)
            if (memcmp(glz_image_pixels(decoded) + (top_down ? y : height - 1 - y) * width,
                       pixels + y * width * 4, width * 4) != 0)
                ok = fail(name, "our image %u decodes to other pixels", i);
        glz_image_unref(decoded);
        if (!deployed)
            continue;
        gsize theirs = number(json_object_get_object_member(image, "stream"), "size");
        if (g_str_equal(text(image, "image_type"), "GLZ_RGB")) {
            count_ratio("GLZ", size, theirs);
        } else {
            if (zlib_glz_encode(coded, size, 3, zlib, size - 1, &wrapped) != CODEC_OK)
                wrapped = size;
            count_ratio("ZLIB_GLZ", wrapped, theirs);
        }
    }
    glz_window_free(window);
    glz_dictionary_free(dictionary);
    return ok;
}

static gboolean run_glz(JsonObject *vector)
{
    const char *name = text(vector, "name");
    JsonArray *images = json_object_get_array_member(vector, "images");
    JsonArray *order = json_object_get_array_member(vector, "decode_order");
    GlzWindow *window = glz_window_new(number(vector, "window") * 4, NULL);
    guint n_channels = number(vector, "channels"), decoded_n = 0;
    g_autofree GQueue *queues = g_new0(GQueue, n_channels);
    g_autoptr(GHashTable) tried = g_hash_table_new(NULL, NULL);
    gboolean ok = TRUE;

    for (guint i = 0; i < json_array_get_length(images) && ok; i++) {
        JsonObject *image = json_array_get_object_element(images, i);
        GQueue *own = &queues[number(image, "channel")];

        g_queue_push_tail(own, image);
        for (gboolean progress = TRUE; progress && ok;) {
            progress = FALSE;
            for (guint c = 0; c < n_channels && ok; c++) {
                while (ok && !g_queue_is_empty(&queues[c])) {
                    JsonObject *head = g_queue_peek_head(&queues[c]);
                    GlzImage *decoded = NULL;
                    guint64 missing = G_MAXUINT64;
                    CodecResult result = glz_try(window, head, &decoded, &missing);

                    /* What it waits for is given for the first try. */
                    guint64 expected =
                        json_object_get_int_member_with_default(head, "waits_for", -1);
                    if (g_hash_table_add(tried, head) && missing != expected)
                        ok = fail(name, "image %" G_GINT64_FORMAT " waits for %" G_GINT64_FORMAT,
                                  number(head, "id"), (gint64)missing);
                    if (result == CODEC_MISSING)
                        break;
                    if (result != CODEC_OK) {
                        ok = fail(name, "image %" G_GINT64_FORMAT ": %s", number(head, "id"),
                                  codec_result_text(result));
                        break;
                    }
                    ok = glz_check(name, window, head, decoded);
                    glz_image_unref(decoded);
                    if (ok && json_array_get_int_element(order, decoded_n) != number(head, "id"))
                        ok = fail(name, "image %" G_GINT64_FORMAT " completes as number %u",
                                  number(head, "id"), decoded_n);
                    decoded_n++;
                    g_queue_pop_head(&queues[c]);
                    progress = TRUE;
                }
            }
        }
    }
    if (ok && decoded_n != json_array_get_length(images))
        ok = fail(name, "%u images were never decoded", json_array_get_length(images) - decoded_n);
    for (guint c = 0; c < n_channels; c++)
        g_queue_clear(&queues[c]);
    glz_window_free(window);
    return ok && glz_encode_again(name, images, number(vector, "window"),
                                  g_str_equal(text(vector, "encoder"), "deployed"));
}

static gboolean run_bad_glz(JsonObject *vector, gboolean zlib)
{
    const char *name = text(vector, "name");
    GlzWindow *window = glz_window_new(1000 * 4, NULL);
    gsize size;
    g_autofree guint8 *stream = load_stream(json_object_get_object_member(vector, "stream"), &size);
    gboolean ok = TRUE;

    if (json_object_has_member(vector, "context")) {
        JsonArray *context = json_object_get_array_member(vector, "context");

        for (guint i = 0; i < json_array_get_length(context); i++) {
            gsize context_size;
            g_autofree guint8 *data =
                load_stream(json_array_get_object_element(context, i), &context_size);

            if (glz_decode(window, data, context_size, NULL, NULL) != CODEC_OK)
                ok = fail(name, "context %u is refused", i);
        }
    }
    GlzImage *image = NULL;
    CodecResult result =
        zlib ? zlib_glz_decode(window, stream, size, number(vector, "glz_data_size"),
                               number(vector, "width"), number(vector, "height"), &image, NULL)
             : glz_decode(window, stream, size, &image, NULL);
    if (result == CODEC_OK || result == CODEC_MISSING)
        ok = fail(name, "%s", codec_result_text(result));
    glz_image_unref(image);
    glz_window_free(window);
    return ok;
}

/* ---- LZ4 ---- */

static gboolean run_lz4(JsonObject *vector)
{
    const char *name = text(vector, "name");
    guint width = number(vector, "width"), height = number(vector, "height");
    gsize size, expected_size, row, again_size;
    g_autofree guint8 *stream = load_stream(json_object_get_object_member(vector, "stream"), &size);
    g_autofree guint8 *expected =
        load_expect(json_object_get_object_member(vector, "expect"), &expected_size);
    CodecInfo info;
    CodecResult result = lz4_image_read_header(stream, size, width, height, &info);

    if (result != CODEC_OK)
        return fail(name, "header: %s", codec_result_text(result));
    if (stream[1] != number(vector, "bitmap_format") ||
        info.top_down != (number(vector, "top_down") != 0))
        return fail(name, "wrong header");
    codec_row_size(info.format, width, &row);
    for (Layout layout = CODED; layout < N_LAYOUTS; layout++) {
        Target t;

        target_init(&t, layout, row, height, info.top_down);
        g_autofree guint8 *memory = t.memory;
        result = lz4_image_decode(stream, size, width, height, info.format, t.pixels, t.stride);
        if (result != CODEC_OK)
            return fail(name, "%s", codec_result_text(result));
        if (!target_equals(name, &t, expected, expected_size))
            return FALSE;
    }
    if (info.format == CODEC_FORMAT_A8)
        return TRUE; /* never sent by us */

    gsize capacity = expected_size + expected_size / 100 + 64;
    g_autofree guint8 *coded = g_malloc(capacity), *again = g_malloc(expected_size);
    gssize stride = info.top_down ? (gssize)row : -(gssize)row,
           last = info.top_down ? 0 : (height - 1) * row;
    result = lz4_image_encode(info.format, info.top_down, width, height, expected + last, stride, 0,
                              coded, capacity, &again_size);
    if (result == CODEC_OK)
        result =
            lz4_image_decode(coded, again_size, width, height, info.format, again + last, stride);
    if (result != CODEC_OK || memcmp(again, expected, expected_size) != 0)
        return fail(name, "encoded by us: %s", codec_result_text(result));
    count_ratio("LZ4", again_size, size);
    return TRUE;
}

static gboolean run_bad_lz4(JsonObject *vector)
{
    const char *name = text(vector, "name");
    guint width = number(vector, "width"), height = number(vector, "height");
    gsize size;
    g_autofree guint8 *stream = load_stream(json_object_get_object_member(vector, "stream"), &size);
    g_autofree guint8 *pixels = g_malloc(width * height * 4);
    CodecInfo info;
    CodecResult result = lz4_image_read_header(stream, size, width, height, &info);

    if (result == CODEC_OK)
        result =
            lz4_image_decode(stream, size, width, height, CODEC_FORMAT_RGB32, pixels, width * 4);
    return result != CODEC_OK ? TRUE : fail(name, "accepted");
}

static gboolean run_vector(JsonObject *vector)
{
    const char *codec = text(vector, "codec");

    if (g_str_equal(codec, "lz"))
        return run_lz(vector);
    if (g_str_equal(codec, "bad-lz"))
        return run_bad_lz(vector);
    if (g_str_equal(codec, "glz"))
        return run_glz(vector);
    if (g_str_equal(codec, "bad-glz") || g_str_equal(codec, "bad-zlib_glz"))
        return run_bad_glz(vector, g_str_equal(codec, "bad-zlib_glz"));
    if (g_str_equal(codec, "lz4"))
        return run_lz4(vector);
    if (g_str_equal(codec, "bad-lz4"))
        return run_bad_lz4(vector);
    if (g_str_equal(codec, "jpeg") || g_str_equal(codec, "jpeg_alpha"))
        return run_jpeg(vector, g_str_equal(codec, "jpeg_alpha"));
    if (g_str_equal(codec, "bad-jpeg_alpha"))
        return run_bad_jpeg_alpha(vector);
    if (g_str_equal(codec, "wire"))
        return run_wire(vector);
    if (g_str_equal(codec, "mjpeg"))
        return run_mjpeg(vector);
    return fail(text(vector, "name"), "unknown codec '%s'", codec);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 2;
    }

    int passed = 0, failed = 0;
    JsonArray *vectors = vectors_open(argv[1]);
    for (guint i = 0; i < json_array_get_length(vectors); i++) {
        if (run_vector(json_array_get_object_element(vectors, i)))
            passed++;
        else
            failed++;
    }
    print_ratios();
    vectors_close();
    printf("%d passed, %d failed\n", passed, failed);
    return failed || !passed;
}
