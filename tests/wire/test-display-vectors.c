/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every message of the recorded display channels is parsed, and written with the same bytes; every
 * malformed message is refused. (The pictures are the business of vectors-display.) */
#include "recorded.h"

#include "guard.h"
#include "tap.h"

#include <string.h>

static unsigned messages;

/* Constructed streams whose layout or content isn't what a server writes: parsed, but not held
 * against the bytes. */
static bool has_own_layout(const char *name)
{
    return g_str_has_prefix(name, "hand_");
}

/* Constructed message that doesn't parse on purpose. */
static bool is_bad(const char *name, uint16_t type, const uint8_t *body, size_t size)
{
    WireArena arena;

    wire_arena_init(&arena, 256 << 20);
    bool bad = !strcmp(name, "hand_bad_message_skipped") &&
               wire_message_info(SPICE_CHANNEL_DISPLAY, WIRE_TO_CLIENT, type) &&
               !wire_parse(SPICE_CHANNEL_DISPLAY, WIRE_TO_CLIENT, type, body, size, &arena, NULL);
    wire_arena_clear(&arena);
    return bad;
}

static void check_stream(const char *name, bool mini, const uint8_t *data, size_t size,
                         JsonArray *fd_bytes)
{
    size_t at = 0;
    unsigned next_fd = 0, bad = 0, unknown = 0;
    WireArena arena;
    WireError error;

    wire_arena_init(&arena, 256 << 20);
    while (size - at >= wire_header_size(mini)) {
        WireHeader header;
        size_t written = 0;

        wire_header_read(mini, data + at, &header);
        at += wire_header_size(mini);
        if (!CHECK(header.size <= size - at) ||
            !CHECK(header.size <=
                   wire_max_body_size(SPICE_CHANNEL_DISPLAY, WIRE_TO_CLIENT, header.type)))
            break;
        const uint8_t *body = data + at;
        at += header.size;
        messages++;
        if (fd_bytes && next_fd < json_array_get_length(fd_bytes) &&
            at == (size_t)json_array_get_int_element(fd_bytes, next_fd)) {
            CHECK(header.type == SPICE_MSG_DISPLAY_GL_SCANOUT_UNIX);
            at++;
            next_fd++;
        }
        if (has_own_layout(name) &&
            !wire_message_info(SPICE_CHANNEL_DISPLAY, WIRE_TO_CLIENT, header.type)) {
            unknown++;
            continue;
        }
        if (is_bad(name, header.type, body, header.size)) {
            bad++;
            continue;
        }
        if (has_own_layout(name)) {
            wire_arena_reset(&arena);
            if (!CHECK(wire_parse(SPICE_CHANNEL_DISPLAY, WIRE_TO_CLIENT, header.type, body,
                                  header.size, &arena, &error)))
                printf("# %s: %s\n", name, error.text);
        } else if (CHECK(recorded_same(SPICE_CHANNEL_DISPLAY, WIRE_TO_CLIENT, header.type, body,
                                       header.size, &written))) {
            /* What stands behind the message is its list of sub-messages, and nothing else. */
            CHECK(written == header.size || header.sub_list > written);
        } else {
            printf("# %s at %zu\n", name, at - header.size);
        }
        if (header.sub_list || header.type == SPICE_MSG_LIST)
            CHECK(recorded_subs_same(SPICE_CHANNEL_DISPLAY, WIRE_TO_CLIENT, body, header.size,
                                     header.sub_list));
    }
    CHECK(at == size);
    CHECK(!fd_bytes || next_fd == json_array_get_length(fd_bytes));
    CHECK(!bad == !!strcmp(name, "hand_bad_message_skipped"));
    if (unknown)
        printf("# %s: %u messages of unknown types\n", name, unknown);
    wire_arena_clear(&arena);
}

static void test_streams(const char *folder, JsonObject *index)
{
    JsonArray *vectors = json_object_get_array_member(index, "vectors");

    for (guint i = 0; i < json_array_get_length(vectors); i++) {
        JsonObject *vector = json_array_get_object_element(vectors, i);
        const char *name = json_object_get_string_member(vector, "name");
        JsonArray *channels = json_object_get_array_member(vector, "channels");

        tap_case(name);
        for (guint k = 0; k < json_array_get_length(channels); k++) {
            JsonObject *channel = json_array_get_object_element(channels, k);
            GBytes *stream = recorded_load_checked(folder, channel);
            gsize size;

            if (!CHECK(stream != NULL))
                continue;
            const uint8_t *data = g_bytes_get_data(stream, &size);
            check_stream(name, !strcmp(json_object_get_string_member(vector, "header"), "mini"),
                         data, size,
                         json_object_has_member(channel, "fd_byte_offsets")
                             ? json_object_get_array_member(channel, "fd_byte_offsets")
                             : NULL);
            g_bytes_unref(stream);
        }
    }
}

static void test_malformed(JsonArray *cases)
{
    WireArena arena;
    WireError error;
    Guard guard = guard_new(1 << 16);

    tap_case("malformed messages");
    wire_arena_init(&arena, 1 << 20);
    CHECK(json_array_get_length(cases) == 433);
    for (guint i = 0; i < json_array_get_length(cases); i++) {
        JsonObject *one = json_array_get_object_element(cases, i);
        GBytes *body = recorded_hex(json_object_get_string_member(one, "body"));
        bool rejected = !strcmp(json_object_get_string_member(one, "deployed_client"), "rejected");
        gsize size;
        const uint8_t *data = g_bytes_get_data(body, &size);

        wire_arena_reset(&arena);
        const uint8_t *copy = guard_copy(&guard, data, size);
        uint16_t type = (uint16_t)json_object_get_int_member(one, "type");
        if (!CHECK(!wire_parse(SPICE_CHANNEL_DISPLAY, WIRE_TO_CLIENT, type, copy, size, &arena,
                               &error) == rejected))
            printf("# %s\n", json_object_get_string_member(one, "why"));
        CHECK(!rejected || error.text[0]);
        g_bytes_unref(body);
    }
    guard_free(&guard);
    wire_arena_clear(&arena);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    JsonParser *index = recorded_index(argv[1], "index.json"),
               *malformed = recorded_index(argv[1], "malformed.json");

    test_streams(argv[1], json_node_get_object(json_parser_get_root(index)));
    test_malformed(json_node_get_array(json_parser_get_root(malformed)));
    printf("# %u messages\n", messages);
    g_object_unref(malformed);
    g_object_unref(index);
    return tap_done();
}
