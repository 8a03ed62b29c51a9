/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Recorded byte streams. */
#include "recorded.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

GBytes *recorded_load(const char *folder, const char *file)
{
    g_autofree char *path = g_build_filename(folder, file, NULL);
    gzFile stream = gzopen(path, "rb"); /* reads plain files as they are */
    GByteArray *all = g_byte_array_new();
    uint8_t piece[65536];
    int got;

    if (!stream)
        return NULL;
    while ((got = gzread(stream, piece, sizeof piece)) > 0)
        g_byte_array_append(all, piece, (guint)got);
    gzclose(stream);
    return g_byte_array_free_to_bytes(all);
}

GBytes *recorded_load_checked(const char *folder, JsonObject *file)
{
    GBytes *bytes = recorded_load(folder, json_object_get_string_member(file, "file"));
    g_autofree char *sum = bytes ? g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, bytes) : NULL;

    if (bytes && g_bytes_get_size(bytes) == (gsize)json_object_get_int_member(file, "bytes") &&
        !strcmp(sum, json_object_get_string_member(file, "sha256")))
        return bytes;
    g_clear_pointer(&bytes, g_bytes_unref);
    return NULL;
}

JsonParser *recorded_index(const char *folder, const char *file)
{
    JsonParser *parser = json_parser_new();
    g_autofree char *path = g_build_filename(folder, file, NULL);
    g_autoptr(GError) error = NULL;

    if (!json_parser_load_from_file(parser, path, &error)) {
        fprintf(stderr, "%s: %s\n", path, error->message);
        exit(2);
    }
    return parser;
}

GBytes *recorded_hex(const char *text)
{
    GByteArray *bytes = g_byte_array_new();

    for (; text[0] && text[1]; text += 2) {
        uint8_t byte =
            (uint8_t)(g_ascii_xdigit_value(text[0]) << 4 | g_ascii_xdigit_value(text[1]));

        g_byte_array_append(bytes, &byte, 1);
    }
    return g_byte_array_free_to_bytes(bytes);
}

bool recorded_same(uint8_t channel, WireDirection dir, uint16_t type, const uint8_t *body,
                   size_t size, size_t *written)
{
    const WireMessageInfo *info = wire_message_info(channel, dir, type);
    WireArena arena;
    WireBuffer out = {0};
    WireError error;
    bool same = false;

    wire_arena_init(&arena, 256 << 20);
    const void *message = wire_parse(channel, dir, type, body, size, &arena, &error);
    if (!message)
        printf("  %s\n", error.text);
    else if (!wire_write(channel, dir, type, message, &out))
        printf("  %s can't be written\n", info->name);
    else if (out.size > size || (out.size && memcmp(out.data, body, out.size)))
        printf("  %s of %zu bytes is written differently, with %zu bytes\n", info->name, size,
               out.size);
    else
        same = true;
    *written = out.size;
    wire_buffer_clear(&out);
    wire_arena_clear(&arena);
    return same;
}

bool recorded_subs_same(uint8_t channel, WireDirection dir, const uint8_t *body, size_t size,
                        uint32_t list)
{
    WireSubMessage subs[WIRE_SUB_MESSAGES_MAX];
    unsigned n;
    WireError error;
    size_t written;

    if (!wire_sub_list_read(body, size, list, subs, &n, &error)) {
        printf("  %s\n", error.text);
        return false;
    }
    for (unsigned i = 0; i < n; i++)
        if (!recorded_same(channel, dir, subs[i].type, subs[i].body.data, subs[i].body.size,
                           &written))
            return false;
    return n > 0;
}
