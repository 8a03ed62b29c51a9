/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The JPEG, JPEG_ALPHA and MJPEG vectors. */
#include "codec/jpeg.h"
#include "codec/lz-vectors.h"

#include <math.h>
#include <spice/enums.h>
#include <string.h>

/* The largest difference of a colour channel; alpha must be equal. */
static int worst_difference(const guint8 *a, const guint8 *b, gsize size)
{
    int worst = 0;

    for (gsize i = 0; i < size; i++)
        worst = MAX(worst, i % 4 == 3 ? (a[i] != b[i]) * 255 : ABS(a[i] - b[i]));
    return worst;
}

static double psnr(const guint8 *a, const guint8 *b, gsize size)
{
    double sum = 0;

    for (gsize i = 0; i < size; i++)
        sum += i % 4 == 3 ? 0 : (a[i] - b[i]) * (a[i] - b[i]);
    return sum == 0 ? 99 : 10 * log10(255 * 255 / (sum / (size / 4 * 3)));
}

gboolean run_jpeg(JsonObject *vector, gboolean with_alpha)
{
    const char *name = text(vector, "name");
    guint32 jpeg_size = number(vector, "jpeg_size");
    gboolean flag = number(vector, "flags") & SPICE_JPEG_ALPHA_FLAGS_TOP_DOWN;
    gsize size, expected_size, again_jpeg, again_size = 0;
    g_autofree guint8 *stream = load_stream(json_object_get_object_member(vector, "stream"), &size);
    g_autofree guint8 *expected =
        load_expect(json_object_get_object_member(vector, "expect"), &expected_size);
    CodecInfo info;
    CodecResult result = with_alpha ? jpeg_alpha_read_header(stream, size, jpeg_size, flag, &info)
                                    : jpeg_image_read_header(stream, size, &info);

    if (result != CODEC_OK)
        return fail(name, "header: %s", codec_result_text(result));
    if (info.width != number(vector, "width") || info.height != number(vector, "height"))
        return fail(name, "wrong size");
    gsize pitch = info.width * 4 + PAD, capacity = expected_size + 4096;
    g_autofree guint8 *pixels = g_malloc(pitch * info.height), *tight = g_malloc(expected_size);
    g_autofree guint8 *coded = g_malloc(capacity);
    memset(pixels, PAD_BYTE, pitch * info.height);
    result = with_alpha ? jpeg_alpha_decode(stream, size, jpeg_size, flag, pixels, pitch)
                        : jpeg_image_decode(stream, size, CODEC_FORMAT_RGB32, pixels, pitch);
    if (result != CODEC_OK)
        return fail(name, "%s", codec_result_text(result));
    for (gsize y = 0; y < info.height; y++) {
        memcpy(tight + y * info.width * 4, pixels + y * pitch, info.width * 4);
        for (gsize i = info.width * 4; i < pitch; i++)
            if (pixels[y * pitch + i] != PAD_BYTE)
                return fail(name, "the padding was written");
    }
    int worst = worst_difference(tight, expected, expected_size);
    if (worst > 3)
        return fail(name, "differs by %d", worst);

    static const JpegOptions options = {.quality = 85, .subsampling = JPEG_SUBSAMPLING_420};
    result = with_alpha
                 ? jpeg_alpha_encode(NULL, flag, info.width, info.height, tight, info.width * 4,
                                     &options, coded, capacity, &again_jpeg, &again_size)
                 : jpeg_image_encode(CODEC_FORMAT_RGB32, info.width, info.height, tight,
                                     info.width * 4, &options, coded, capacity, &again_size);
    if (result == CODEC_OK)
        result =
            with_alpha
                ? jpeg_alpha_decode(coded, again_size, again_jpeg, flag, pixels, info.width * 4)
                : jpeg_image_decode(coded, again_size, CODEC_FORMAT_RGB32, pixels, info.width * 4);
    if (result != CODEC_OK)
        return fail(name, "encoded by us: %s", codec_result_text(result));
    if (psnr(pixels, tight, expected_size) < 25)
        return fail(name, "encoded by us: %.1f dB", psnr(pixels, tight, expected_size));
    for (gsize i = 3; i < expected_size; i += 4)
        if (pixels[i] != tight[i])
            return fail(name, "encoded by us: alpha differs");
    count_ratio(with_alpha ? "JPEG_ALPHA" : "JPEG", again_size, size);
    return TRUE;
}

gboolean run_bad_jpeg_alpha(JsonObject *vector)
{
    const char *name = text(vector, "name");
    guint32 jpeg_size = number(vector, "jpeg_size"), width = number(vector, "width"),
            height = number(vector, "height");
    gboolean flag = number(vector, "flags") & SPICE_JPEG_ALPHA_FLAGS_TOP_DOWN;
    gsize size;
    g_autofree guint8 *stream = load_stream(json_object_get_object_member(vector, "stream"), &size);
    g_autofree guint8 *pixels = g_malloc(width * height * 4);
    CodecInfo info;
    CodecResult result = jpeg_alpha_read_header(stream, size, jpeg_size, flag, &info);

    if (result == CODEC_OK && (info.width != width || info.height != height))
        result = CODEC_BAD_HEADER;
    if (result == CODEC_OK)
        result = jpeg_alpha_decode(stream, size, jpeg_size, flag, pixels, width * 4);
    return result != CODEC_OK ? TRUE : fail(name, "accepted");
}

gboolean run_mjpeg(JsonObject *vector)
{
    const char *name = text(vector, "name");
    JsonArray *frames = json_object_get_array_member(vector, "frames");
    gboolean ok = TRUE;

    /* All frames; then without the first, as when it was dropped for being late: the standard
     * tables have to do. */
    for (guint skip = 0; skip < 2; skip++) {
        JpegStream *jpeg = jpeg_stream_new();

        for (guint i = skip; i < json_array_get_length(frames) && ok; i++) {
            JsonObject *frame = json_array_get_object_element(frames, i);
            gsize size, expected_size;
            g_autofree guint8 *stream =
                load_stream(json_object_get_object_member(frame, "stream"), &size);
            g_autofree guint8 *expected =
                load_expect(json_object_get_object_member(frame, "expect"), &expected_size);
            g_autofree guint8 *pixels = g_malloc(expected_size);
            CodecInfo info;
            CodecResult result = jpeg_stream_begin(jpeg, stream, size, &info);

            if (result == CODEC_OK &&
                (info.width != number(frame, "width") || info.height != number(frame, "height")))
                ok = fail(name, "frame %u is %ux%u", i, info.width, info.height);
            else if (result == CODEC_OK)
                result = jpeg_stream_decode(jpeg, CODEC_FORMAT_RGB32, pixels, info.width * 4);
            if (result != CODEC_OK)
                ok = fail(name, "frame %u: %s", i, codec_result_text(result));
            else if (ok && psnr(pixels, expected, expected_size) < 35)
                ok = fail(name, "frame %u: %.1f dB", i, psnr(pixels, expected, expected_size));
        }
        jpeg_stream_free(jpeg);
    }
    return ok;
}
