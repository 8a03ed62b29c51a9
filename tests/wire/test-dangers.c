/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rows of docs/spec/dangers.md that a parser of messages can suffer from, one case each. */
#include "wire/header.h"
#include "wire/link.h"
#include "wire/random.h"

#include "guard.h"
#include "property.h"
#include "tap.h"

enum { LONGEST = 1 << 20 };

static const WireMessageInfo *infos;
static size_t n_infos;
static WireProperty property;
static WireRandom source;
static Guard guard;

static void put32(uint8_t *p, uint32_t value)
{
    wire_link_word_write(p, value);
}

static bool holds(uint8_t channel, WireDirection dir, uint16_t type, const uint8_t *body,
                  size_t size, bool *valid)
{
    bool good = wire_property_holds(&property, channel, dir, type, guard_copy(&guard, body, size),
                                    size, valid);

    if (!good)
        printf("# channel %u, type %u: %s\n", channel, type, property.broken);
    return good;
}

/* A display message from the server: refused? */
static bool refused(uint16_t type, const uint8_t *body, size_t size)
{
    bool valid = true;

    return holds(SPICE_CHANNEL_DISPLAY, WIRE_TO_CLIENT, type, body, size, &valid) && !valid;
}

static bool accepted(uint16_t type, const uint8_t *body, size_t size)
{
    bool valid = false;

    return holds(SPICE_CHANNEL_DISPLAY, WIRE_TO_CLIENT, type, body, size, &valid) && valid;
}

/* Every place of every message where a count or a size or an offset can stand. */
static void cve_2017_12194_counts_near_2_32(void)
{
    static const uint32_t values[] = {0xffffffff, 0xfffffffe, 0xfffffff0, 0x80000000, 0x7fffffff,
                                      0x40000001, 0x20000001, 0x10000000, 0x10000001, 0x0fffffff,
                                      0x33333334, 0x1999999a, 0x00010000, 0xffff};
    WireBuffer body = {0};
    uint8_t clip[41 + 16] = {0};

    tap_case("cve_2017_12194_counts_near_2_32");
    for (size_t i = 0; i < n_infos; i++) {
        for (int round = 0; round < 3; round++) {
            wire_arena_reset(source.arena);
            wire_buffer_reset(&body);
            CHECK(wire_write(infos[i].channel ? infos[i].channel : 1, infos[i].direction,
                             infos[i].type, wire_random_message(&source, i, 0), &body));
            for (size_t at = 0; at + 4 <= body.size && at < 400; at++) {
                uint8_t before[4];

                memcpy(before, body.data + at, 4);
                for (size_t k = 0; k < sizeof values / sizeof values[0]; k++) {
                    bool valid;

                    put32(body.data + at, values[k]);
                    if (!CHECK(holds(infos[i].channel ? infos[i].channel : 1, infos[i].direction,
                                     infos[i].type, body.data, body.size, &valid)))
                        return;
                }
                memcpy(body.data + at, before, 4);
            }
        }
    }
    /* 16 * 0x10000001 is 16 in 32 bits: exactly what is there. */
    clip[20] = SPICE_CLIP_TYPE_RECTS;
    put32(clip + 21, 0x10000001);
    CHECK(refused(SPICE_MSG_DISPLAY_COPY_BITS, clip, 25 + 16 + 8));
    put32(clip + 21, 1);
    CHECK(accepted(SPICE_MSG_DISPLAY_COPY_BITS, clip, 25 + 16 + 8));
    wire_buffer_clear(&body);
}

/* Arrays and bytes that go to the end, at bodies that end before they begin. */
static void cve_2018_10873_flexible_arrays(void)
{
    const uint8_t zeros[64] = {0};

    tap_case("cve_2018_10873_flexible_arrays");
    for (size_t i = 0; i < n_infos; i++) {
        for (size_t size = 0; size <= sizeof zeros; size++) {
            bool valid;

            CHECK(holds(infos[i].channel ? infos[i].channel : 1, infos[i].direction, infos[i].type,
                        zeros, size, &valid));
            CHECK(!valid || size >= infos[i].min_size);
        }
    }
    bool valid;
    const uint8_t cursor[24] = {
        [5] = SPICE_CURSOR_FLAGS_CACHE_ME}; /* SET with a shape whose header is cut */
    for (size_t size = 7; size < 24; size++)
        CHECK(holds(SPICE_CHANNEL_CURSOR, WIRE_TO_CLIENT, SPICE_MSG_CURSOR_SET, cursor, size,
                    &valid) &&
              !valid);
    CHECK(holds(SPICE_CHANNEL_CURSOR, WIRE_TO_CLIENT, SPICE_MSG_CURSOR_SET, cursor, 24, &valid) &&
          valid);
}

/* Everything that a dump and a writer show of a message. */
typedef struct Shown {
    WireBuffer text;
    size_t longest;
} Shown;

static void show_line(void *context, const char *line)
{
    Shown *shown = context;
    size_t size = strlen(line);

    if (size > shown->longest)
        shown->longest = size;
    wire_buffer_append(&shown->text, line, size + 1);
}

/* Parse into memory that holds a value everywhere, and show what came out. */
static bool show(WireArena *arena, int memory, const WireMessageInfo *info, const WireBuffer *body,
                 Shown *shown)
{
    enum { ROOM = 256 << 10 };
    uint8_t channel = info->channel ? info->channel : 1;
    WireSink sink = {show_line, shown};

    wire_arena_reset(arena);
    memset(wire_arena_alloc(arena, ROOM), memory, ROOM);
    wire_arena_reset(arena);
    wire_buffer_reset(&shown->text);
    const void *message =
        wire_parse(channel, info->direction, info->type, body->data, body->size, arena, NULL);
    if (!message)
        return false;
    wire_dump(channel, info->direction, info->type, message, &sink);
    wire_write(channel, info->direction, info->type, message, &shown->text);
    return true;
}

/* A parsed message holds nothing that was in its memory before: neither fields nor pointers. */
static void cve_2011_1179_nothing_uninitialised(void)
{
    WireArena arenas[2];
    Shown shown[2] = {{.longest = 0}, {.longest = 0}};
    WireBuffer body = {0};
    size_t valid = 0;

    tap_case("cve_2011_1179_nothing_uninitialised");
    wire_arena_init(&arenas[0], 4 << 20);
    wire_arena_init(&arenas[1], 4 << 20);
    for (size_t i = 0; i < n_infos; i++) {
        for (int round = 0; round < 40; round++) {
            wire_arena_reset(source.arena);
            wire_buffer_reset(&body);
            wire_write(infos[i].channel ? infos[i].channel : 1, infos[i].direction, infos[i].type,
                       wire_random_message(&source, i, 0), &body);
            if (round % 2 && body.size) /* one byte changed, as often a type or a flag */
                body.data[wire_random_below(&source, (uint32_t)body.size)] =
                    (uint8_t)wire_random_below(&source, 9);
            bool good = show(&arenas[0], 0x55, &infos[i], &body, &shown[0]);
            CHECK(show(&arenas[1], 0xaa, &infos[i], &body, &shown[1]) == good);
            if (!good)
                continue;
            valid++;
            if (!CHECK(shown[0].text.size == shown[1].text.size &&
                       memcmp(shown[0].text.data, shown[1].text.data, shown[0].text.size) == 0))
                printf("# %s\n", infos[i].name);
        }
    }
    CHECK(valid >= 20 * n_infos);
    for (int i = 0; i < 2; i++) {
        wire_arena_clear(&arenas[i]);
        wire_buffer_clear(&shown[i].text);
    }
    wire_buffer_clear(&body);
}

/* Lines for the log are bounded, whatever a message holds. */
static void cve_2017_10806_lines_of_the_log(void)
{
    enum { TEXT = 60000, LINE = 512 };
    WireArena arena;
    Shown shown = {.longest = 0};
    WireBuffer body = {0};
    uint8_t *text = malloc(TEXT);

    tap_case("cve_2017_10806_lines_of_the_log");
    memset(text, '%', TEXT);
    wire_arena_init(&arena, 16 << 20);
    for (size_t i = 0; i < n_infos; i++) {
        for (int round = 0; round < 20; round++) {
            wire_arena_reset(source.arena);
            wire_buffer_reset(&body);
            wire_write(infos[i].channel ? infos[i].channel : 1, infos[i].direction, infos[i].type,
                       wire_random_message(&source, i, 0), &body);
            wire_buffer_append(&body, text, TEXT); /* what goes to the end of the message is long */
            show(&arena, 0xff, &infos[i], &body, &shown);
            CHECK(shown.longest < LINE);
        }
    }
    CHECK(shown.longest > 20);
    wire_arena_clear(&arena);
    wire_buffer_clear(&shown.text);
    wire_buffer_clear(&body);
    free(text);
}

/* What a channel header announces never makes a receiver allocate without bound. */
static void cve_2016_9577_sizes_in_channel_headers(void)
{
    tap_case("cve_2016_9577_sizes_in_channel_headers");
    for (unsigned channel = 0; channel < 256; channel++) {
        for (unsigned type = 0; type < 400; type++) {
            CHECK(wire_max_body_size((uint8_t)channel, WIRE_TO_CLIENT, (uint16_t)type) <=
                  256 << 20);
            CHECK(wire_max_body_size((uint8_t)channel, WIRE_TO_SERVER, (uint16_t)type) <= 16 << 20);
        }
    }
    CHECK(wire_max_body_size(SPICE_CHANNEL_MAIN, WIRE_TO_SERVER, SPICE_MSGC_MAIN_AGENT_DATA) ==
          26624);
    CHECK(wire_max_body_size(SPICE_CHANNEL_INPUTS, WIRE_TO_SERVER,
                             SPICE_MSGC_INPUTS_KEY_SCANCODE) == 2048);
    CHECK(wire_max_body_size(SPICE_CHANNEL_DISPLAY, WIRE_TO_SERVER, SPICE_MSGC_DISPLAY_INIT) ==
          1024);
    /* A header is read whatever it says. */
    for (unsigned bit = 0; bit < 32; bit++) {
        uint8_t bytes[WIRE_FULL_HEADER_SIZE];
        WireHeader header = {.serial = ~UINT64_C(0),
                             .type = 107,
                             .size = UINT32_C(1) << bit,
                             .sub_list = UINT32_MAX},
                   back;

        wire_header_write(false, &header, bytes);
        wire_header_read(false, bytes, &back);
        CHECK(back.serial == header.serial && back.type == 107 && back.size == header.size &&
              back.sub_list == UINT32_MAX);
    }
}

static void cve_2016_9578_link_sizes_and_counts(void)
{
    static const uint32_t values[] = {0,          1,          17,         18,         19,
                                      22,         30,         31,         0x400,      0x401,
                                      0x1000,     0x40000000, 0x3fffffff, 0x40000001, 0x7fffffff,
                                      0x80000000, 0xc0000000, 0xfffffffc, 0xffffffff, 0xffffffee};
    enum { N = sizeof values / sizeof values[0], SIZE = 26 };

    tap_case("cve_2016_9578_link_sizes_and_counts");
    for (size_t i = 0; i < N; i++) {
        for (size_t j = 0; j < N; j++) {
            for (size_t k = 0; k < N; k++) {
                uint8_t bytes[SIZE] = {0};
                WireLinkMess mess;

                put32(bytes + 6, values[i]);
                put32(bytes + 10, values[j]);
                put32(bytes + 14, values[k]);
                uint64_t end = (uint64_t)values[k] + 4 * ((uint64_t)values[i] + values[j]);
                bool good = values[i] <= 1024 && values[j] <= 1024 &&
                            (values[i] + values[j] == 0 || (values[k] >= 18 && end <= SIZE));
                const uint8_t *copy = guard_copy(&guard, bytes, SIZE);
                CHECK((wire_link_mess_parse(copy, SIZE, &mess, NULL) == SPICE_LINK_ERR_OK) == good);
                CHECK(mess.common_caps.n_words <= WIRE_CAP_WORDS &&
                      mess.channel_caps.n_words <= WIRE_CAP_WORDS);
            }
        }
    }
    for (size_t size = 0; size < SIZE; size++) {
        const uint8_t bytes[SIZE] = {[6] = 1, [10] = 1, [14] = 18};
        WireLinkMess mess;

        CHECK(wire_link_mess_parse(guard_copy(&guard, bytes, size), size, &mess, NULL) ==
              SPICE_LINK_ERR_INVALID_DATA);
    }
    /* The same from the server to the client. */
    for (size_t i = 0; i < N; i++) {
        for (size_t k = 0; k < N; k++) {
            uint8_t bytes[WIRE_LINK_REPLY_SIZE + 8] = {0};
            WireLinkReply reply;

            put32(bytes + 166, values[i]);
            put32(bytes + 174, values[k] + 160);
            uint64_t end = (uint64_t)(uint32_t)(values[k] + 160) + 4 * (uint64_t)values[i];
            bool good = values[i] <= 1024 &&
                        (!values[i] || ((uint32_t)(values[k] + 160) >= 178 && end <= sizeof bytes));
            CHECK(wire_link_reply_parse(guard_copy(&guard, bytes, sizeof bytes), sizeof bytes,
                                        &reply, NULL) == good);
        }
    }
}

/* Whatever comes before authentication is answered with an error, and never ends the process. */
static void cve_2020_23793_any_bytes_before_authentication(void)
{
    tap_case("cve_2020_23793_any_bytes_before_authentication");
    for (int round = 0; round < 20000; round++) {
        uint8_t bytes[300];
        size_t size = wire_random_below(&source, sizeof bytes + 1);
        WireLinkHeader header;
        WireLinkMess mess;
        WireLinkReply reply;
        WireError error;
        const uint8_t *modulus;

        for (size_t i = 0; i < size; i++)
            bytes[i] = wire_random_below(&source, 3) ? 0 : (uint8_t)wire_random_number(&source);
        const uint8_t *copy = guard_copy(&guard, bytes, size);
        if (size >= WIRE_LINK_HEADER_SIZE) {
            wire_link_header_read(copy, &header);
            CHECK(wire_link_header_check(&header, WIRE_TO_SERVER, &error) != SPICE_LINK_ERR_OK);
            CHECK(error.text[0]);
        }
        wire_link_mess_parse(copy, size, &mess, &error);
        if (wire_link_reply_parse(copy, size, &reply, &error))
            CHECK(wire_link_error_text(reply.error)[0]);
        if (size >= WIRE_PUBKEY_SIZE)
            CHECK(!wire_pubkey_read(copy, &modulus));
    }
}

/* Capability words beyond any number that is known. */
static void unnumbered_2016_capability_words_overflow(void)
{
    uint8_t bytes[WIRE_LINK_MESS_MAX] = {0};
    WireLinkMess mess;

    tap_case("unnumbered_2016_capability_words_overflow");
    put32(bytes + 6, 1000);
    put32(bytes + 10, 19);
    put32(bytes + 14, 18);
    for (size_t i = 18; i < sizeof bytes; i++)
        bytes[i] = 0xff;
    CHECK(wire_link_mess_parse(bytes, sizeof bytes, &mess, NULL) == SPICE_LINK_ERR_OK);
    CHECK(wire_caps_has(&mess.common_caps, 1023) && !wire_caps_has(&mess.common_caps, 1024));
    CHECK(wire_caps_has(&mess.channel_caps, 19 * 32 - 1) &&
          !wire_caps_has(&mess.channel_caps, 19 * 32));
    CHECK(!wire_caps_has(&mess.common_caps, UINT32_MAX) &&
          !wire_caps_has(&mess.channel_caps, 0x80000000));
    WireCaps caps = {0};
    wire_caps_set(&caps, 1024);
    wire_caps_set(&caps, UINT32_MAX);
    CHECK(caps.n_words == 0);
    put32(bytes + 10, 20);
    CHECK(wire_link_mess_parse(bytes, sizeof bytes, &mess, NULL) == SPICE_LINK_ERR_INVALID_DATA);
}

/* The start of a draw message on surface 0 without clip, and the offset of an image right behind
 * its fixed part. */
static size_t draw_copy(uint8_t *body, uint32_t image_at)
{
    memset(body, 0, 57);
    put32(body + 21, image_at);
    body[41] = SPICE_ROPD_OP_PUT;
    return 57;
}

static void unnumbered_2015_bitmap_sizes_in_32_bits(void)
{
    uint8_t body[57 + 18 + 18 + 64] = {0};

    tap_case("unnumbered_2015_bitmap_sizes_in_32_bits");
    draw_copy(body, 57);
    body[57 + 18] = SPICE_BITMAP_FMT_32BIT;
    put32(body + 57 + 18 + 6, 0x10000);  /* rows */
    put32(body + 57 + 18 + 10, 0x10000); /* stride: 2^32 bytes, 0 in 32 bits */
    CHECK(refused(SPICE_MSG_DISPLAY_DRAW_COPY, body, sizeof body));
    put32(body + 57 + 18 + 6, 0xffffffff);
    put32(body + 57 + 18 + 10, 0xffffffff);
    CHECK(refused(SPICE_MSG_DISPLAY_DRAW_COPY, body, sizeof body));
    put32(body + 57 + 18 + 6, 8);
    put32(body + 57 + 18 + 10, 8);
    CHECK(accepted(SPICE_MSG_DISPLAY_DRAW_COPY, body, sizeof body));
    CHECK(refused(SPICE_MSG_DISPLAY_DRAW_COPY, body, sizeof body - 1));
}

static void unnumbered_2015_glyph_size_overflow(void)
{
    uint8_t body[51 + 3 + 20 + 100] = {0};

    tap_case("unnumbered_2015_glyph_size_overflow");
    /* Brushes NONE: string Ref at 21, then 16 bytes of area, 2 brushes, 2 modes. */
    put32(body + 21, 47);
    body[47] = 1;
    for (uint8_t flags = 0; flags < 16; flags++) {
        body[49] = flags;
        memset(body + 50 + 16, 0xff, 4); /* 65535 x 65535 */
        CHECK(flags & 7 ? refused(SPICE_MSG_DISPLAY_DRAW_TEXT, body, sizeof body)
                        : accepted(SPICE_MSG_DISPLAY_DRAW_TEXT, body, sizeof body));
        memcpy(body + 50 + 16, (const uint8_t[]){3, 0, 2, 0}, 4);
        size_t bytes = flags & 1 ? 2 : flags & 2 ? 4 : 6;
        CHECK(accepted(SPICE_MSG_DISPLAY_DRAW_TEXT, body, 70 + bytes));
        CHECK(!(flags & 7) || refused(SPICE_MSG_DISPLAY_DRAW_TEXT, body, 70 + bytes - 1));
    }
    memset(body + 47, 0xff, 2); /* 65535 glyphs */
    CHECK(refused(SPICE_MSG_DISPLAY_DRAW_TEXT, body, sizeof body));
}

/* Offsets that are missing, point at the end, beyond it, or wrap. */
static void unnumbered_offsets_anywhere(void)
{
    static const uint32_t offsets[] = {0, 75, 76, 0x80000000, 0xfffffff0, 0xffffffff};
    uint8_t body[75] = {0};

    tap_case("unnumbered_offsets_anywhere");
    draw_copy(body, 57);
    body[57 + 8] = SPICE_IMAGE_TYPE_FROM_CACHE;
    CHECK(accepted(SPICE_MSG_DISPLAY_DRAW_COPY, body, sizeof body));
    for (size_t i = 0; i < sizeof offsets / sizeof offsets[0]; i++) {
        put32(body + 21, offsets[i]);
        CHECK(refused(SPICE_MSG_DISPLAY_DRAW_COPY, body, sizeof body));
    }
    /* An image that overlaps the fixed part is legal (display.md 6.1). */
    put32(body + 21, 4);
    bool valid;
    CHECK(holds(SPICE_CHANNEL_DISPLAY, WIRE_TO_CLIENT, SPICE_MSG_DISPLAY_DRAW_COPY, body,
                sizeof body, &valid));
    /* The host of a migration must be there. */
    const uint8_t host[21] = {1, 0, 2, 0, 1, 0, 0, 0, 20, 0, 0, 0};
    CHECK(
        holds(SPICE_CHANNEL_MAIN, WIRE_TO_CLIENT, SPICE_MSG_MAIN_MIGRATE_BEGIN, host, 21, &valid) &&
        valid);
    CHECK(
        holds(SPICE_CHANNEL_MAIN, WIRE_TO_CLIENT, SPICE_MSG_MAIN_MIGRATE_BEGIN, host, 20, &valid) &&
        !valid);
    const uint8_t empty_host[21] = {1, 0, 2, 0, 0, 0, 0, 0, 20, 0, 0, 0};
    CHECK(holds(SPICE_CHANNEL_MAIN, WIRE_TO_CLIENT, SPICE_MSG_MAIN_MIGRATE_BEGIN, empty_host, 21,
                &valid) &&
          !valid);
}

static void unnumbered_dashes_without_lengths(void)
{
    uint8_t body[64] = {0};

    tap_case("unnumbered_dashes_without_lengths");
    put32(body + 21, 44); /* an empty path */
    body[25] = SPICE_LINE_FLAGS_STYLED;
    body[26] = 2;
    put32(body + 27, 48);
    CHECK(accepted(SPICE_MSG_DISPLAY_DRAW_STROKE, body, sizeof body));
    put32(body + 27, 0);
    CHECK(refused(SPICE_MSG_DISPLAY_DRAW_STROKE, body, sizeof body));
    put32(body + 27, 48);
    body[26] = 0;
    CHECK(refused(SPICE_MSG_DISPLAY_DRAW_STROKE, body, sizeof body));
    body[26] = 5;
    CHECK(refused(SPICE_MSG_DISPLAY_DRAW_STROKE, body, sizeof body));
}

/* JPEG that is longer than all of the data, and a palette in front of whose end the message ends.
 */
static void unnumbered_sizes_inside_images(void)
{
    uint8_t body[57 + 18 + 9 + 10] = {0};

    tap_case("unnumbered_sizes_inside_images");
    draw_copy(body, 57);
    body[57 + 8] = SPICE_IMAGE_TYPE_JPEG_ALPHA;
    put32(body + 57 + 19, 10);
    put32(body + 57 + 23, 10);
    CHECK(accepted(SPICE_MSG_DISPLAY_DRAW_COPY, body, sizeof body));
    put32(body + 57 + 19, 11);
    CHECK(refused(SPICE_MSG_DISPLAY_DRAW_COPY, body, sizeof body));
    put32(body + 57 + 19, 0xffffffff);
    CHECK(refused(SPICE_MSG_DISPLAY_DRAW_COPY, body, sizeof body));
}

/* The length in a smartcard message against the message. */
static void unnumbered_2019_smartcard_length(void)
{
    uint8_t body[16] = {7, 0, 0, 0, 0, 0, 0, 0, 4};
    bool valid;

    tap_case("unnumbered_2019_smartcard_length");
    CHECK(holds(SPICE_CHANNEL_SMARTCARD, WIRE_TO_SERVER, SPICE_MSGC_SMARTCARD_DATA, body, 16,
                &valid) &&
          valid);
    for (uint32_t length = 5; length; length *= 2) {
        put32(body + 8, length);
        CHECK(holds(SPICE_CHANNEL_SMARTCARD, WIRE_TO_SERVER, SPICE_MSGC_SMARTCARD_DATA, body, 16,
                    &valid) &&
              !valid);
    }
}

/* The largest message that a receiver takes decodes to a bounded form, or is refused by the arena.
 */
static void unnumbered_memory_of_large_messages(void)
{
    enum { SEGMENTS = 200000 };
    size_t size = 39 + 4 + 5 * SEGMENTS;
    uint8_t *body = calloc(1, size);
    WireArena arena;
    WireError error;

    tap_case("unnumbered_memory_of_large_messages");
    put32(body + 21, 31);
    put32(body + 31, SEGMENTS);
    for (size_t limit = 1 << 10; limit <= 16 << 20; limit *= 4) {
        wire_arena_init(&arena, limit);
        const WireMsgDisplayDrawStroke *stroke =
            wire_parse(SPICE_CHANNEL_DISPLAY, WIRE_TO_CLIENT, SPICE_MSG_DISPLAY_DRAW_STROKE, body,
                       size, &arena, &error);
        CHECK(arena.total <= limit);
        CHECK(!stroke == (limit < SEGMENTS * sizeof(WirePathSegment)));
        CHECK(stroke || strstr(error.text, "DISPLAY_DRAW_STROKE: path: segments: too large"));
        wire_arena_clear(&arena);
    }
    free(body);
}

int main(void)
{
    WireArena arena;

    wire_arena_init(&arena, 16 << 20);
    source = (WireRandom){.state = UINT64_C(0x9e3779b97f4a7c15), .arena = &arena};
    infos = wire_message_infos(&n_infos);
    wire_property_init(&property);
    guard = guard_new(LONGEST);
    cve_2011_1179_nothing_uninitialised();
    cve_2016_9577_sizes_in_channel_headers();
    cve_2016_9578_link_sizes_and_counts();
    cve_2017_10806_lines_of_the_log();
    cve_2017_12194_counts_near_2_32();
    cve_2018_10873_flexible_arrays();
    cve_2020_23793_any_bytes_before_authentication();
    unnumbered_2015_bitmap_sizes_in_32_bits();
    unnumbered_2015_glyph_size_overflow();
    unnumbered_2016_capability_words_overflow();
    unnumbered_2019_smartcard_length();
    unnumbered_dashes_without_lengths();
    unnumbered_memory_of_large_messages();
    unnumbered_offsets_anywhere();
    unnumbered_sizes_inside_images();
    guard_free(&guard);
    wire_property_clear(&property);
    wire_arena_clear(&arena);
    return tap_done();
}
