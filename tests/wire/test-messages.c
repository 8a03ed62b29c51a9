/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Random valid messages of every type: round trip, truncated at every byte, mutated. */
#include "wire/random.h"
#include "wire/wire.h"

#include "guard.h"
#include "property.h"
#include "tap.h"

enum { ROUNDS = 60, MUTATIONS = 40, LONGEST = 64 << 10 };

static const WireMessageInfo *infos;
static size_t n_infos;
static WireProperty property;
static WireRandom source;
static Guard guard;

static uint8_t channel_of(const WireMessageInfo *info)
{
    return info->channel ? info->channel
                         : SPICE_CHANNEL_PLAYBACK; /* common ones are the same everywhere */
}

static bool holds(const WireMessageInfo *info, const uint8_t *body, size_t size, bool *valid)
{
    const uint8_t *copy = guard_copy(&guard, body, size);

    if (wire_property_holds(&property, channel_of(info), info->direction, info->type, copy, size,
                            valid))
        return true;
    printf("# %s: %s\n", info->name, property.broken);
    return false;
}

/* A random valid message as bytes. */
static bool make(size_t index, WireBuffer *out)
{
    const WireMessageInfo *info = &infos[index];

    wire_arena_reset(source.arena);
    wire_buffer_reset(out);
    return wire_write(channel_of(info), info->direction, info->type,
                      wire_random_message(&source, index, 0), out);
}

static void test_round_trip(void)
{
    WireBuffer body = {0};

    tap_case("random messages of every type survive write, parse, write");
    for (size_t i = 0; i < n_infos; i++) {
        for (int round = 0; round < ROUNDS; round++) {
            bool valid;

            if (!CHECK(make(i, &body)) || !CHECK(body.size >= infos[i].min_size) ||
                !CHECK(holds(&infos[i], body.data, body.size, &valid)) || !CHECK(valid) ||
                !CHECK(property.once.size == body.size &&
                       !memcmp(property.once.data, body.data, body.size))) {
                printf("# %s, round %d\n", infos[i].name, round);
                break;
            }
        }
    }
    wire_buffer_clear(&body);
}

static void test_trailing(void)
{
    WireBuffer body = {0};

    tap_case("bytes behind a message are ignored");
    for (size_t i = 0; i < n_infos; i++) {
        bool valid;

        CHECK(make(i, &body));
        wire_buffer_append(&body, "extension of a later version", 28);
        CHECK(holds(&infos[i], body.data, body.size, &valid) && valid);
    }
    wire_buffer_clear(&body);
}

static void test_truncated(void)
{
    WireBuffer body = {0};

    tap_case("messages cut at every byte: refused or smaller, never read beyond the end");
    for (size_t i = 0; i < n_infos; i++) {
        for (int round = 0; round < 4; round++) {
            CHECK(make(i, &body));
            for (size_t size = 0; size < body.size; size++) {
                bool valid;

                if (!CHECK(holds(&infos[i], body.data, size, &valid)))
                    return;
                if (!CHECK(!valid || size >= infos[i].min_size)) {
                    printf("# %s cut to %zu\n", infos[i].name, size);
                    return;
                }
            }
        }
    }
    wire_buffer_clear(&body);
}

static void test_empty(void)
{
    tap_case("no bytes are no bytes, also without a place");
    for (size_t i = 0; i < n_infos; i++) {
        WireArena arena;
        WireError error;
        bool parsed[2];

        wire_arena_init(&arena, 1 << 16);
        for (int k = 0; k < 2; k++) {
            parsed[k] =
                wire_parse_by(&infos[i], 0, k ? (const uint8_t *)"" : NULL, 0, &arena, &error);
            CHECK(parsed[k] == (error.text[0] == 0));
        }
        if (!CHECK(parsed[0] == parsed[1]))
            printf("# %s\n", infos[i].name);
        wire_arena_clear(&arena);
    }
}

static void test_mutated(void)
{
    WireBuffer body = {0};

    tap_case("messages with changed bytes: refused, or as good as any other");
    for (size_t i = 0; i < n_infos; i++) {
        for (int round = 0; round < ROUNDS; round++) {
            CHECK(make(i, &body));
            for (int k = 0; k < MUTATIONS && body.size; k++) {
                uint8_t *at = body.data + wire_random_below(&source, (uint32_t)body.size);
                bool valid;

                switch (wire_random_below(&source, 4)) {
                case 0:
                    *at = (uint8_t)wire_random_number(&source);
                    break;
                case 1:
                    *at ^= 1 << wire_random_below(&source, 8);
                    break;
                case 2:
                    *at = 0;
                    break;
                default:
                    *at = wire_random_below(&source, 2) ? 0xff : (uint8_t)body.size;
                }
                if (!CHECK(holds(&infos[i], body.data, body.size, &valid)))
                    return;
            }
        }
    }
    wire_buffer_clear(&body);
}

static void test_table(void)
{
    tap_case("the table of messages is consistent");
    for (size_t i = 0; i < n_infos; i++) {
        CHECK(wire_message_info(channel_of(&infos[i]), infos[i].direction, infos[i].type) ==
              &infos[i]);
        CHECK(!strncmp(infos[i].name,
                       infos[i].direction == WIRE_TO_CLIENT ? "SPICE_MSG_" : "SPICE_MSGC_", 10));
        CHECK(!infos[i].parse == !infos[i].struct_size && !infos[i].parse == !infos[i].write);
    }
    CHECK(wire_message_info(SPICE_CHANNEL_WEBDAV, WIRE_TO_CLIENT, SPICE_MSG_PORT_INIT) != NULL);
    CHECK(wire_message_info(SPICE_CHANNEL_USBREDIR, WIRE_TO_CLIENT, SPICE_MSG_PORT_INIT) == NULL);
    CHECK(wire_message_info(SPICE_CHANNEL_USBREDIR, WIRE_TO_SERVER, SPICE_MSGC_SPICEVMC_DATA) ==
          wire_message_info(SPICE_CHANNEL_PORT, WIRE_TO_SERVER, SPICE_MSGC_SPICEVMC_DATA));
    CHECK(wire_message_info(SPICE_CHANNEL_DISPLAY, WIRE_TO_CLIENT,
                            SPICE_MSG_DISPLAY_STREAM_DATA_SIZED)
              ->capability == SPICE_DISPLAY_CAP_SIZED_STREAM);
    for (unsigned type = 0; type <= UINT16_MAX; type++)
        CHECK(type - 101 < 8 || type - 1 < 8 ||
              !wire_message_info(SPICE_CHANNEL_CURSOR, WIRE_TO_CLIENT, (uint16_t)type));
    CHECK(!wire_message_info(SPICE_CHANNEL_TUNNEL, WIRE_TO_CLIENT, 101) &&
          !wire_message_info(255, WIRE_TO_SERVER, 101));
    CHECK(wire_message_info(SPICE_CHANNEL_MAIN, WIRE_TO_SERVER, SPICE_MSGC_PONG) != NULL);
}

static void test_unwritable(void)
{
    WireBuffer out = {0};
    uint16_t volume[300] = {0};
    WireMsgPlaybackVolume too_many = {.n_volume = 300, .volume = volume};
    WireImage image = {.type = SPICE_IMAGE_TYPE_BITMAP,
                       .u.bitmap = {.stride = 4, .y = 2, .data = {(uint8_t *)volume, 7}}};
    WireMsgDisplayDrawCopy copy = {.src_image = NULL};

    tap_case("what can't be sent isn't written");
    CHECK(!wire_write(SPICE_CHANNEL_PLAYBACK, WIRE_TO_CLIENT, SPICE_MSG_PLAYBACK_VOLUME, &too_many,
                      &out) &&
          out.failed);
    wire_buffer_reset(&out);
    CHECK(!wire_write(SPICE_CHANNEL_DISPLAY, WIRE_TO_CLIENT, SPICE_MSG_DISPLAY_DRAW_COPY, &copy,
                      &out) &&
          out.failed);
    wire_buffer_reset(&out);
    copy.src_image = &image;
    CHECK(!wire_write(SPICE_CHANNEL_DISPLAY, WIRE_TO_CLIENT, SPICE_MSG_DISPLAY_DRAW_COPY, &copy,
                      &out) &&
          out.failed);
    wire_buffer_reset(&out);
    image.u.bitmap.data.size = 8;
    CHECK(wire_write(SPICE_CHANNEL_DISPLAY, WIRE_TO_CLIENT, SPICE_MSG_DISPLAY_DRAW_COPY, &copy,
                     &out) &&
          !out.failed);
    CHECK(!wire_write(SPICE_CHANNEL_DISPLAY, WIRE_TO_CLIENT, 999, &copy, &out) && out.failed);
    CHECK(!wire_write(SPICE_CHANNEL_DISPLAY, WIRE_TO_CLIENT, SPICE_MSG_DISPLAY_DRAW_COPY, &copy,
                      &out));
    wire_buffer_clear(&out);
}

static void test_shared_blocks(void)
{
    WireBuffer out = {0};
    WireArena arena;
    WireImage image = {.type = SPICE_IMAGE_TYPE_FROM_CACHE, .id = 77};
    WireMsgDisplayDrawOpaque opaque = {
        .src_image = &image, .brush = {SPICE_BRUSH_TYPE_PATTERN}, .mask.image = &image};
    const WireMsgDisplayDrawOpaque *back;

    tap_case("a block that several offsets lead to is one structure");
    opaque.brush.u.pattern.image = &image;
    wire_arena_init(&arena, 1 << 20);
    CHECK(wire_write(SPICE_CHANNEL_DISPLAY, WIRE_TO_CLIENT, SPICE_MSG_DISPLAY_DRAW_OPAQUE, &opaque,
                     &out));
    back = wire_parse(SPICE_CHANNEL_DISPLAY, WIRE_TO_CLIENT, SPICE_MSG_DISPLAY_DRAW_OPAQUE,
                      out.data, out.size, &arena, NULL);
    if (CHECK(back != NULL)) {
        CHECK(back->src_image->id == 77);
        CHECK(back->src_image == back->mask.image &&
              back->src_image == back->brush.u.pattern.image);
    }
    wire_arena_clear(&arena);
    wire_buffer_clear(&out);
}

static void collect(void *context, const char *line)
{
    wire_buffer_append(context, line, strlen(line));
    wire_buffer_append(context, "\n", 1);
}

static void test_dump(void)
{
    const WireRect rects[20] = {{1, 2, 3, 4}};
    const WireMsgDisplayDrawFill fill = {
        .base = {7, {0, 0, 60, 40}, {SPICE_CLIP_TYPE_RECTS, 20, rects}},
        .brush = {SPICE_BRUSH_TYPE_SOLID, {0x884488}},
        .rop_descriptor = SPICE_ROPD_OP_PUT | SPICE_ROPD_INVERS_RES | 0x8000,
    };
    WireBuffer text = {0};
    WireSink sink = {collect, &text};

    tap_case("a dump tells a field a line, with names, and abbreviates");
    wire_dump(SPICE_CHANNEL_DISPLAY, WIRE_TO_CLIENT, SPICE_MSG_DISPLAY_DRAW_FILL, &fill, &sink);
    wire_buffer_append(&text, "", 1);
    const char *all = (const char *)text.data;
    CHECK(strstr(all, "DISPLAY_DRAW_FILL:\n  base:\n    surface_id: 7\n") == all);
    CHECK(strstr(all, "type: 1 RECTS\n      rects: 20\n") != NULL);
    CHECK(strstr(all, "... 4 more\n") != NULL);
    CHECK(strstr(all, "rop_descriptor: 0x8408 OP_PUT INVERS_RES 0x8000\n") != NULL);
    CHECK(strstr(all, "    image: none\n") != NULL);
    wire_buffer_clear(&text);
}

static void test_errors(void)
{
    static const uint8_t body[13] = {1, 0, 0, 0, 2, 0, 0, 0, 0, 16, 0, 0, 9};
    WireArena arena;
    WireError error;

    tap_case("an error tells message, field and numbers");
    wire_arena_init(&arena, 1 << 20);
    CHECK(!wire_parse(SPICE_CHANNEL_DISPLAY, WIRE_TO_CLIENT, SPICE_MSG_DISPLAY_STREAM_DATA, body,
                      13, &arena, &error));
    CHECK(!strcmp(error.text, "DISPLAY_STREAM_DATA: data: 4096 bytes announced, 1 left"));
    CHECK(!wire_parse(SPICE_CHANNEL_CURSOR, WIRE_TO_CLIENT, 99, body, 13, &arena, &error));
    CHECK(!strcmp(error.text, "no message of type 99 on channel cursor"));
    CHECK(!wire_parse(200, WIRE_TO_CLIENT, 150, body, 13, &arena, &error));
    CHECK(!strcmp(error.text, "no message of type 150 on channel of unknown type"));
    wire_arena_clear(&arena);
}

static void test_arena(void)
{
    WireArena arena;

    tap_case("the arena keeps its limit and its memory");
    wire_arena_init(&arena, 100000);
    for (int round = 0; round < 3; round++) {
        size_t got = 0;

        for (uint8_t *p; (p = wire_arena_alloc(&arena, 1000)); got += 1000)
            memset(p, round, 1000);
        CHECK(got > 40000 && got <= 100000);
        CHECK(arena.total <= 100000);
        CHECK(!wire_arena_alloc(&arena, SIZE_MAX) && !wire_arena_alloc(&arena, SIZE_MAX - 20));
        wire_arena_reset(&arena);
        CHECK(arena.blocks != NULL);
    }
    void *once = wire_arena_alloc(&arena, 64);
    wire_arena_reset(&arena);
    CHECK(wire_arena_alloc(&arena, 64) == once);
    CHECK((uintptr_t)once % _Alignof(max_align_t) == 0);
    wire_arena_clear(&arena);
    CHECK(wire_arena_alloc(&arena, 10) != NULL);
    wire_arena_clear(&arena);
}

int main(void)
{
    WireArena arena;

    wire_arena_init(&arena, 16 << 20);
    source = (WireRandom){.state = UINT64_C(88172645463325252), .arena = &arena};
    infos = wire_message_infos(&n_infos);
    wire_property_init(&property);
    guard = guard_new(LONGEST);
    test_table();
    test_round_trip();
    test_trailing();
    test_truncated();
    test_empty();
    test_mutated();
    test_unwritable();
    test_shared_blocks();
    test_dump();
    test_errors();
    test_arena();
    guard_free(&guard);
    wire_property_clear(&property);
    wire_arena_clear(&arena);
    return tap_done();
}
