/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Access to the files of the LZ family's vector set. */
#include "codec/lz-vectors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static GBytes *streams, *expects;
static JsonParser *parser;

typedef struct Ratio {
    const char *name;
    guint64 ours, deployed;
} Ratio;

static Ratio ratios[] = {
    {"PLT1"}, {"PLT4"}, {"PLT8"}, {"RGB16"},    {"RGB24"}, {"RGB32"}, {"RGBA"},
    {"XXXA"}, {"A8"},   {"GLZ"},  {"ZLIB_GLZ"}, {"LZ4"},   {"JPEG"},  {"JPEG_ALPHA"},
};

void count_ratio(const char *name, gsize ours, gsize deployed)
{
    for (gsize i = 0; i < G_N_ELEMENTS(ratios); i++) {
        if (g_str_equal(ratios[i].name, name)) {
            ratios[i].ours += ours;
            ratios[i].deployed += deployed;
        }
    }
}

void print_ratios(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(ratios); i++)
        if (ratios[i].deployed)
            printf("size ours / deployed: %-10s %8" G_GUINT64_FORMAT " / %8" G_GUINT64_FORMAT
                   " = %.4f\n",
                   ratios[i].name, ratios[i].ours, ratios[i].deployed,
                   (double)ratios[i].ours / ratios[i].deployed);
}

gint64 number(JsonObject *object, const char *name)
{
    return json_object_get_int_member_with_default(object, name, 0);
}

const char *text(JsonObject *object, const char *name)
{
    return json_object_get_string_member_with_default(object, name, "");
}

gboolean fail(const char *name, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_autofree char *why = g_strdup_vprintf(format, args);
    va_end(args);
    printf("FAIL %s: %s\n", name, why);
    return FALSE;
}

guint8 *load_stream(JsonObject *stream, gsize *size)
{
    gsize total, offset = number(stream, "offset");
    const guint8 *all = g_bytes_get_data(streams, &total);

    *size = number(stream, "size");
    g_assert_true(offset <= total && *size <= total - offset);
    return g_memdup2(all + offset, *size ? *size : 1);
}

guint8 *load_expect(JsonObject *expect, gsize *size)
{
    gsize total, offset = number(expect, "offset"), zsize = number(expect, "zsize");
    const guint8 *all = g_bytes_get_data(expects, &total);
    uLongf got = number(expect, "size");

    g_assert_true(offset <= total && zsize <= total - offset);
    guint8 *pixels = g_malloc(got ? got : 1);
    g_assert_cmpint(uncompress(pixels, &got, all + offset, zsize), ==, Z_OK);
    g_autofree char *sum = g_compute_checksum_for_data(G_CHECKSUM_SHA256, pixels, got);
    g_assert_cmpstr(sum, ==, text(expect, "sha256"));
    *size = got;
    return pixels;
}

guint32 *load_palette(JsonObject *vector, guint *n)
{
    *n = 0;
    if (!json_object_has_member(vector, "palette"))
        return NULL;

    JsonArray *entries = json_object_get_array_member(vector, "palette");
    *n = json_array_get_length(entries);
    guint32 *palette = g_new(guint32, *n);
    for (guint i = 0; i < *n; i++) /* the top byte has to be ignored */
        palette[i] = strtoul(json_array_get_string_element(entries, i), NULL, 16) | 0x5a000000;
    return palette;
}

static GBytes *read_file(const char *folder, const char *name)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    g_autoptr(GError) error = NULL;
    char *data;
    gsize size;

    if (!g_file_get_contents(path, &data, &size, &error)) {
        fprintf(stderr, "%s\n", error->message);
        exit(2);
    }
    return g_bytes_new_take(data, size);
}

JsonArray *vectors_open(const char *folder)
{
    g_autofree char *path = g_build_filename(folder, "index.json", NULL);
    g_autoptr(GError) error = NULL;

    parser = json_parser_new();
    if (!json_parser_load_from_file(parser, path, &error)) {
        fprintf(stderr, "%s\n", error->message);
        exit(2);
    }
    JsonObject *index = json_node_get_object(json_parser_get_root(parser));
    streams = read_file(folder, text(index, "streams"));
    expects = read_file(folder, text(index, "expect"));
    return json_object_get_array_member(index, "vectors");
}

void vectors_close(void)
{
    g_bytes_unref(streams);
    g_bytes_unref(expects);
    g_object_unref(parser);
}
