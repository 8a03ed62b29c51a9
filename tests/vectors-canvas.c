/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs the canvas vectors (tests/vectors/canvas/README.md): vectors-canvas FOLDER [PART OF A CASE
 * NAME]. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <glib.h>
#include <zlib.h>

#include "canvas-session.h"

enum { RECORD_MESSAGE = 1, RECORD_PIXELS, RECORD_FRAME, RECORD_EXPECTED, RECORD_CHECKPOINT };

typedef struct Reader {
    const uint8_t *data;
    size_t size;
    bool failed;
} Reader;

static const uint8_t *take(Reader *reader, size_t n)
{
    const uint8_t *at = reader->data;

    if (n > reader->size) {
        reader->failed = true;
        return NULL;
    }
    reader->data += n;
    reader->size -= n;
    return at;
}

static uint32_t take_u32(Reader *reader)
{
    const uint8_t *at = take(reader, 4);

    return at ? at[0] | at[1] << 8 | at[2] << 16 | (uint32_t)at[3] << 24 : 0;
}

typedef struct Case {
    Session session;
    int command;   /* number of the last one that was applied */
    uint16_t type; /* and its type */
    bool failed;
    char why[256];
} Case;

static void fail(Case *test, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void fail(Case *test, const char *format, ...)
{
    va_list args;

    if (test->failed)
        return;
    test->failed = true;
    va_start(args, format);
    vsnprintf(test->why, sizeof test->why, format, args);
    va_end(args);
}

static size_t packed_row(const CanvasSurface *surface)
{
    return ((size_t)surface->pixels.width * (surface->format & 0x3f) + 7) / 8;
}

static uint8_t *surface_row(const CanvasSurface *surface, int32_t y)
{
    return surface->pixels.data + (ptrdiff_t)y * surface->pixels.stride;
}

/* One packed, masked row. */
static void masked_row(const CanvasSurface *surface, int32_t y, uint32_t mask, uint8_t *out)
{
    size_t bytes = packed_row(surface), pixel = (surface->format & 0x3f) / 8;

    memcpy(out, surface_row(surface, y), bytes);
    if (pixel == 0) {
        if (surface->pixels.width & 7)
            out[bytes - 1] &= (1u << (surface->pixels.width & 7)) - 1;
        for (size_t i = 0; i < bytes; i++)
            out[i] = mask & 1 ? out[i] : 0;
        return;
    }
    for (size_t i = 0; i < bytes; i++)
        out[i] &= mask >> (8 * (i % pixel));
}

static void set_pixels(Case *test, Reader *reader)
{
    CanvasSurface *surface = session_surface(&test->session, take_u32(reader));

    if (!surface) {
        fail(test, "pixels for an unknown surface");
        return;
    }
    for (int32_t y = 0; y < surface->pixels.height; y++) {
        const uint8_t *row = take(reader, packed_row(surface));

        if (row)
            memcpy(surface_row(surface, y), row, packed_row(surface));
    }
}

static void draw_frame(Case *test, Reader *reader)
{
    CanvasSurface *surface = session_surface(&test->session, take_u32(reader));
    WireRect dest, rect;
    uint32_t width, height, flags, has_clip, n;
    pixman_region32_t clip;
    const uint8_t *pixels;
    void *aligned;

    dest.top = take_u32(reader);
    dest.left = take_u32(reader);
    dest.bottom = take_u32(reader);
    dest.right = take_u32(reader);
    width = take_u32(reader);
    height = take_u32(reader);
    flags = take_u32(reader);
    has_clip = take_u32(reader);
    n = take_u32(reader);
    pixman_region32_init(&clip);
    for (uint32_t i = 0; i < n && !reader->failed; i++) {
        rect.top = take_u32(reader);
        rect.left = take_u32(reader);
        rect.bottom = take_u32(reader);
        rect.right = take_u32(reader);
        if (rect.right > rect.left && rect.bottom > rect.top)
            pixman_region32_union_rect(&clip, &clip, rect.left, rect.top, rect.right - rect.left,
                                       rect.bottom - rect.top);
    }
    pixels = take(reader, (size_t)width * height * 4);
    if (!surface || !pixels) {
        fail(test, "broken frame record");
    } else {
        aligned = g_memdup2(pixels, (size_t)width * height * 4);
        CanvasFrame frame = {aligned, (ptrdiff_t)width * 4, width, height, flags & 1};

        if (canvas_draw_frame(surface, &frame, &dest, has_clip ? &clip : NULL, NULL) != CANVAS_OK)
            fail(test, "frame refused");
        g_free(aligned);
    }
    pixman_region32_fini(&clip);
    test->type = 0;
    test->command++;
}

static void check_expected(Case *test, Reader *reader)
{
    uint32_t id = take_u32(reader), format = take_u32(reader), width = take_u32(reader),
             height = take_u32(reader);
    uint32_t mask = take_u32(reader);
    CanvasSurface *surface = session_surface(&test->session, id);

    if (!surface || surface->format != format || surface->pixels.width != (int32_t)width ||
        surface->pixels.height != (int32_t)height) {
        fail(test, "surface %u isn't there or of another kind", id);
        return;
    }
    uint8_t *row = g_malloc(packed_row(surface));

    for (int32_t y = 0; y < surface->pixels.height; y++) {
        const uint8_t *expected = take(reader, packed_row(surface));

        if (!expected)
            break;
        masked_row(surface, y, mask, row);
        for (size_t i = 0; i < packed_row(surface); i++)
            if (row[i] != expected[i]) {
                fail(test,
                     "surface %u format %u differs in the end: row %d byte %zu is %02x, not %02x",
                     id, format, y, i, row[i], expected[i]);
                break;
            }
    }
    g_free(row);
}

static void check_point(Case *test, Reader *reader)
{
    uint32_t id = take_u32(reader), mask = take_u32(reader);
    CanvasSurface *surface = session_surface(&test->session, id);
    const uint8_t *expected = take(reader, 32);
    GChecksum *sum = g_checksum_new(G_CHECKSUM_SHA256);
    uint8_t digest[32];
    gsize length = sizeof digest;

    if (!surface || !expected) {
        fail(test, "checkpoint of unknown surface %u", id);
    } else {
        uint8_t *row = g_malloc(packed_row(surface));

        for (int32_t y = 0; y < surface->pixels.height; y++) {
            masked_row(surface, y, mask, row);
            g_checksum_update(sum, row, packed_row(surface));
        }
        g_free(row);
        g_checksum_get_digest(sum, digest, &length);
        if (memcmp(digest, expected, 32) != 0)
            fail(test, "command %d (message %u) left surface %u wrong", test->command, test->type,
                 id);
    }
    g_checksum_free(sum);
}

static void apply_message(Case *test, Reader *reader)
{
    const uint8_t *type = take(reader, 2);
    CanvasResult result;
    uint8_t *body;

    if (!type)
        return;
    test->type = type[0] | type[1] << 8;
    test->command++;
    body = g_memdup2(reader->data, reader->size); /* exact size: an overread meets the sanitizer */
    if (!session_apply(&test->session, test->type, body, reader->size, &result))
        fail(test, "command %d (message %u) can't be parsed", test->command, test->type);
    g_free(body);
}

static void run_case(Case *test, const uint8_t *data, size_t size)
{
    Reader reader = {data, size, false};

    session_init(&test->session);
    while (reader.size > 0 && !reader.failed) {
        uint32_t type = take_u32(&reader), length = take_u32(&reader);
        Reader record = {take(&reader, length), length, false};

        if (reader.failed)
            break;
        switch (type) {
        case RECORD_MESSAGE:
            apply_message(test, &record);
            break;
        case RECORD_PIXELS:
            set_pixels(test, &record);
            break;
        case RECORD_FRAME:
            draw_frame(test, &record);
            break;
        case RECORD_EXPECTED:
            check_expected(test, &record);
            break;
        case RECORD_CHECKPOINT:
            check_point(test, &record);
            break;
        default:
            fail(test, "unknown record %u", type);
        }
        if (record.failed)
            fail(test, "record %u is too short", type);
    }
    if (reader.failed)
        fail(test, "the case ends early");
    session_clear(&test->session);
}

static int passed, failed;

static bool run_file(const char *path, const char *filter)
{
    char *contents;
    gsize size;
    bool ok = true;

    if (!g_file_get_contents(path, &contents, &size, NULL))
        return false;
    Reader reader = {(const uint8_t *)contents, size, false};

    while (reader.size > 0 && ok) {
        const uint8_t *magic = take(&reader, 4);
        uint32_t name_length = take_u32(&reader);
        const uint8_t *name = take(&reader, name_length);
        uint32_t packed = take_u32(&reader), raw = take_u32(&reader);
        const uint8_t *stream = take(&reader, packed);
        uLongf inflated = raw;
        Case test = {.command = 0};

        if (reader.failed || memcmp(magic, "SPCV", 4) != 0) {
            ok = false;
            break;
        }
        char *title = g_strndup((const char *)name, name_length);
        uint8_t *data = g_malloc(raw ? raw : 1);

        if (uncompress(data, &inflated, stream, packed) != Z_OK || inflated != raw) {
            ok = false;
        } else if (!filter || strstr(title, filter)) {
            run_case(&test, data, raw);
            if (test.failed)
                printf("FAILED %s: %s\n", title, test.why);
            passed += !test.failed;
            failed += test.failed;
        }
        g_free(data);
        g_free(title);
    }
    if (!ok)
        printf("FAILED %s: broken container\n", path);
    g_free(contents);
    return ok;
}

static int compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int main(int argc, char **argv)
{
    GDir *dir = argc > 1 ? g_dir_open(argv[1], 0, NULL) : NULL;
    g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
    const char *name;

    if (!dir) {
        fprintf(stderr, "usage: vectors-canvas FOLDER [PART OF A CASE NAME]\n");
        return 2;
    }
    while ((name = g_dir_read_name(dir)))
        if (g_str_has_suffix(name, ".scv"))
            g_ptr_array_add(paths, g_build_filename(argv[1], name, NULL));
    g_dir_close(dir);
    g_ptr_array_sort(paths, compare_names);
    for (guint i = 0; i < paths->len; i++)
        failed += !run_file(paths->pdata[i], argc > 2 ? argv[2] : NULL);
    printf("%d passed, %d failed\n", passed, failed);
    return failed || !passed ? 1 : 0;
}
