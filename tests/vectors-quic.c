/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs QUIC vectors: a folder with index.json, streams and pixels (docs/spec/quic.md, section 15).
 */
#include <glib.h>
#include <json-glib/json-glib.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "codec/quic-model.h"

static const char *folder;
static unsigned passed, failed;

typedef struct Bytes {
    guint8 *data;
    gsize size;
} Bytes;

static gboolean complain(const char *name, const char *what)
{
    printf("FAILED %s: %s\n", name, what);
    return FALSE;
}

/* A file of the folder in memory of exactly its size, so that a sanitizer sees every overread. */
static gboolean load(JsonObject *entry, const char *member, Bytes *bytes)
{
    g_autofree char *path =
        g_build_filename(folder, json_object_get_string_member(entry, member), NULL);
    char *text;
    gsize size;

    if (!g_file_get_contents(path, &text, &size, NULL))
        return FALSE;
    *bytes = (Bytes){g_memdup2(text, size), size};
    g_free(text);
    return TRUE;
}

static gboolean same_sum(const guint8 *data, gsize size, const char *expected)
{
    g_autofree char *sum = g_compute_checksum_for_data(G_CHECKSUM_SHA256, data, size);

    return strcmp(sum, expected) == 0;
}

static CodecFormat format_of(gint64 type)
{
    static const CodecFormat formats[] = {CODEC_FORMAT_NONE,  CODEC_FORMAT_GRAY,
                                          CODEC_FORMAT_RGB16, CODEC_FORMAT_RGB24,
                                          CODEC_FORMAT_RGB32, CODEC_FORMAT_RGBA};

    return type >= 0 && type < (gint64)G_N_ELEMENTS(formats) ? formats[type] : CODEC_FORMAT_NONE;
}

/* Decode with padding (bottom-up if asked), check that the padding is untouched, compare the packed
 * rows. */
static gboolean decodes_to(QuicPath path, Bytes stream, const CodecInfo *info, CodecFormat to,
                           gboolean bottom_up, const char *expected)
{
    gsize row = (gsize)info->width * codec_format_bits(to) / 8, stride = row + (bottom_up ? 13 : 0);
    g_autofree guint8 *pixels = g_malloc(stride * info->height);
    g_autofree guint8 *packed = g_malloc(row * info->height);
    CodecResult result;

    memset(pixels, 0xa5, stride * info->height);
    result = bottom_up ? quic_decode_path(path, stream.data, stream.size, to, 0,
                                          pixels + stride * (info->height - 1), -(ptrdiff_t)stride)
                       : quic_decode_path(path, stream.data, stream.size, to, 0, pixels, stride);
    if (result != CODEC_OK)
        return FALSE;
    for (guint32 y = 0; y < info->height; y++) {
        const guint8 *line = pixels + stride * (bottom_up ? info->height - 1 - y : y);

        memcpy(packed + row * y, line, row);
        for (gsize i = row; i < stride; i++)
            if (line[i] != 0xa5)
                return FALSE;
    }
    return same_sum(packed, row * info->height, expected);
}

static gboolean check_decoding(const char *name, JsonObject *entry, Bytes stream)
{
    CodecInfo info;

    if (quic_read_header(stream.data, stream.size, &info) != CODEC_OK)
        return complain(name, "the header is refused");
    if (info.width != json_object_get_int_member(entry, "width") ||
        info.height != json_object_get_int_member(entry, "height") ||
        info.format != format_of(json_object_get_int_member(entry, "type")) || !info.top_down)
        return complain(name, "the header is misread");
    for (unsigned i = 0; i < 4; i++) {
        const char *expected = json_object_get_string_member(entry, "decoded_sha256");
        QuicPath path = i & 1 ? QUIC_PATH_PORTABLE : QUIC_PATH_BEST;

        if (!decodes_to(path, stream, &info, info.format, i & 2, expected))
            return complain(name, "decoded pixels differ");
        if (!json_object_has_member(entry, "decoded_as_rgb32_sha256"))
            continue;
        expected = json_object_get_string_member(entry, "decoded_as_rgb32_sha256");
        if (!decodes_to(path, stream, &info, CODEC_FORMAT_RGB32, i & 2, expected))
            return complain(name, "pixels decoded as RGB32 differ");
    }
    return TRUE;
}

static gboolean check_encoding(const char *name, CodecFormat format, guint32 width, guint32 height,
                               Bytes raw, Bytes stream)
{
    gsize row = raw.size / height, stride = row + 5;
    g_autofree guint8 *out = g_malloc(stream.size);
    g_autofree guint8 *flipped = g_malloc(stride * height);

    for (guint32 y = 0; y < height; y++)
        memcpy(flipped + stride * (height - 1 - y), raw.data + row * y, row);
    for (unsigned i = 0; i < 4; i++) {
        QuicPath path = i & 1 ? QUIC_PATH_PORTABLE : QUIC_PATH_BEST;
        gsize size = 0;
        CodecResult result =
            i & 2 ? quic_encode_path(path, format, width, height, flipped + stride * (height - 1),
                                     -(ptrdiff_t)stride, out, stream.size, &size)
                  : quic_encode_path(path, format, width, height, raw.data, row, out, stream.size,
                                     &size);

        if (result != CODEC_OK || size != stream.size || memcmp(out, stream.data, size) != 0)
            return complain(name, "the encoded stream differs");
    }
    return TRUE;
}

static gboolean run_vector(const char *name, JsonObject *entry)
{
    guint32 width = json_object_get_int_member(entry, "width"),
            height = json_object_get_int_member(entry, "height");
    CodecFormat format = format_of(json_object_get_int_member(entry, "type"));
    Bytes stream = {NULL}, file = {NULL}, raw = {NULL};
    gboolean ok = FALSE;
    uLongf inflated;

    if (!load(entry, "stream_file", &stream) || !load(entry, "raw_file", &file)) {
        complain(name, "a file is missing");
        goto out;
    }
    raw.size = inflated = json_object_get_int_member(entry, "raw_bytes");
    raw.data = g_malloc(raw.size);
    if (uncompress(raw.data, &inflated, file.data, file.size) != Z_OK || inflated != raw.size ||
        raw.size != (gsize)width * height * codec_format_bits(format) / 8 ||
        !same_sum(raw.data, raw.size, json_object_get_string_member(entry, "raw_sha256")) ||
        !same_sum(stream.data, stream.size,
                  json_object_get_string_member(entry, "stream_sha256"))) {
        complain(name, "the vector itself is damaged");
        goto out;
    }
    ok = check_encoding(name, format, width, height, raw, stream) &&
         check_decoding(name, entry, stream);
out:
    g_free(stream.data);
    g_free(file.data);
    g_free(raw.data);
    return ok;
}

static gboolean run_malformed(const char *name, JsonObject *entry)
{
    Bytes stream = {NULL};
    CodecInfo info;
    gboolean ok = TRUE;

    if (!load(entry, "stream_file", &stream))
        return complain(name, "a file is missing");
    if (quic_read_header(stream.data, stream.size, &info) == CODEC_OK) {
        gsize row = (gsize)info.width * codec_format_bits(info.format) / 8;

        for (unsigned i = 0; i < 2 && ok; i++) {
            g_autofree guint8 *pixels = g_try_malloc(row * info.height);

            if (!pixels)
                ok = complain(name, "the header claims more than memory holds");
            else if (quic_decode_path(i ? QUIC_PATH_PORTABLE : QUIC_PATH_BEST, stream.data,
                                      stream.size, info.format, 0, pixels, row) == CODEC_OK)
                ok = complain(name, json_object_get_string_member(entry, "why"));
        }
    }
    g_free(stream.data);
    return ok;
}

static gboolean run_tolerance(const char *name, JsonObject *entry)
{
    Bytes stream = {NULL};
    gboolean ok;

    if (!load(entry, "stream_file", &stream))
        return complain(name, "a file is missing");
    ok = check_decoding(name, entry, stream);
    g_free(stream.data);
    return ok;
}

static void run_list(JsonObject *index, const char *member,
                     gboolean (*run)(const char *, JsonObject *))
{
    JsonArray *list;

    if (!json_object_has_member(index, member))
        return;
    list = json_object_get_array_member(index, member);
    for (guint i = 0; i < json_array_get_length(list); i++) {
        JsonObject *entry = json_array_get_object_element(list, i);

        if (run(json_object_get_string_member(entry, "name"), entry))
            passed++;
        else
            failed++;
    }
}

int main(int argc, char **argv)
{
    g_autoptr(JsonParser) parser = json_parser_new();
    g_autoptr(GError) error = NULL;
    g_autofree char *path = NULL;
    JsonObject *index;

    if (argc != 2) {
        fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 2;
    }
    folder = argv[1];
    path = g_build_filename(folder, "index.json", NULL);
    if (!json_parser_load_from_file(parser, path, &error)) {
        fprintf(stderr, "%s\n", error->message);
        return 2;
    }
    index = json_node_get_object(json_parser_get_root(parser));
    run_list(index, "vectors", run_vector);
    run_list(index, "malformed", run_malformed);
    run_list(index, "tolerance", run_tolerance);
    printf("%u passed, %u failed\n", passed, failed);
    return failed || !passed;
}
