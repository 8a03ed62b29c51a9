/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Headers, messages inside of messages. */
#include "wire/header.h"

#include "guard.h"
#include "tap.h"

#include <string.h>

/* wire.md 20.6 and display.md 19. */
static const uint8_t list_body[44] = {2, 0, 0x1b, 0, 0, 0, 0x0a, 0, 0, 0,    0x69, 0, 0x18, 0, 0,
                                      0, 1, 0,    1, 0, 0, 0,    0, 1, 0x50, 0,    0, 5,    0, 0x18,
                                      0, 0, 0,    1, 2, 1, 0x12, 0, 0, 0,    0,    0, 0,    0};

static void test_headers(void)
{
    const uint8_t full[] = {1, 0, 0, 0, 0, 0, 0, 0, 0x67, 0, 0x20, 0, 0, 0, 9, 0, 0, 0};
    uint8_t back[18];
    WireHeader header;
    WireBuffer out = {0};
    const WireMsgSetAck ack = {.generation = 1, .window = 20};

    tap_case("headers are read and written");
    wire_header_read(false, full, &header);
    CHECK(header.serial == 1 && header.type == SPICE_MSG_MAIN_INIT && header.size == 32 &&
          header.sub_list == 9);
    wire_header_write(false, &header, back);
    CHECK(!memcmp(full, back, sizeof full));
    wire_header_read(true, full + 8, &header);
    CHECK(header.serial == 0 && header.type == SPICE_MSG_MAIN_INIT && header.size == 32 &&
          header.sub_list == 0);
    wire_header_write(true, &header, back);
    CHECK(!memcmp(full + 8, back, 6));
    CHECK(wire_write_message(true, 1, SPICE_CHANNEL_CURSOR, WIRE_TO_CLIENT, SPICE_MSG_SET_ACK, &ack,
                             &out));
    CHECK(out.size == 14 && !memcmp(out.data, "\3\0\10\0\0\0\1\0\0\0\24\0\0\0", 14));
    wire_buffer_reset(&out);
    CHECK(wire_write_message(false, 7, SPICE_CHANNEL_CURSOR, WIRE_TO_CLIENT, SPICE_MSG_SET_ACK,
                             &ack, &out));
    CHECK(out.size == 26 && out.data[0] == 7 && out.data[8] == 3 && out.data[10] == 8 &&
          out.data[18] == 1);
    wire_buffer_clear(&out);
}

static void test_recorded_list(void)
{
    WireSubMessage subs[WIRE_SUB_MESSAGES_MAX];
    unsigned n;
    WireArena arena;
    WireBuffer out = {0};

    tap_case("sub-messages with too large sizes are clamped to their container");
    wire_arena_init(&arena, 1 << 16);
    CHECK(wire_sub_list_read(list_body, sizeof list_body, 0, subs, &n, NULL) && n == 2);
    CHECK(subs[0].type == SPICE_MSG_WAIT_FOR_CHANNELS && subs[0].body.size == 11);
    CHECK(subs[1].type == SPICE_MSG_DISPLAY_INVAL_LIST && subs[1].body.size == 24);
    const WireMsgWaitForChannels *wait =
        wire_parse(SPICE_CHANNEL_DISPLAY, WIRE_TO_CLIENT, subs[0].type, subs[0].body.data,
                   subs[0].body.size, &arena, NULL);
    const WireMsgDisplayInvalList *inval =
        wire_parse(SPICE_CHANNEL_DISPLAY, WIRE_TO_CLIENT, subs[1].type, subs[1].body.data,
                   subs[1].body.size, &arena, NULL);
    CHECK(wait && wait->n_wait_list == 1 && wait->wait_list[0].channel_id == 1 &&
          wait->wait_list[0].message_serial == 18);
    CHECK(inval && inval->n_resources == 1 &&
          inval->resources[0].id == UINT64_C(0x0000500100000000));

    tap_case("lists are written with true sizes, and read back");
    const uint8_t content[] = "0123456789";
    const WireSubMessage written[2] = {{105, {content, 10}}, {5, {content, 3}}};
    WireSubMessage read[WIRE_SUB_MESSAGES_MAX];
    uint32_t at;
    CHECK(wire_list_write(written, 2, &out) && out.size == 10 + 6 + 10 + 6 + 3);
    CHECK(wire_sub_list_read(out.data, out.size, 0, read, &n, NULL) && n == 2);
    CHECK(read[0].type == 105 && read[0].body.size == 10 &&
          !memcmp(read[0].body.data, content, 10));
    CHECK(read[1].type == 5 && read[1].body.size == 3);
    wire_buffer_reset(&out);
    wire_buffer_append(&out, "headerbody", 10);
    CHECK(wire_sub_list_append(written, 2, 6, &out, &at) && at == 4 + 6 + 10 + 6 + 3);
    CHECK(wire_sub_list_read(out.data + 6, out.size - 6, at, read, &n, NULL) && n == 2);
    CHECK(read[0].body.size == 10 && !memcmp(read[0].body.data, content, 10) &&
          read[1].body.size == 3);
    CHECK(wire_sub_list_append(written, 0, 6, &out, &at) && at == 0);
    WireSubMessage many[WIRE_SUB_MESSAGES_MAX + 1];
    memset(many, 0, sizeof many);
    CHECK(!wire_list_write(many, WIRE_SUB_MESSAGES_MAX + 1, &out) && out.failed);
    wire_buffer_clear(&out);
    wire_arena_clear(&arena);
}

static void test_hostile_lists(void)
{
    WireSubMessage subs[WIRE_SUB_MESSAGES_MAX];
    unsigned n = 99;
    Guard guard = guard_new(64);
    uint8_t body[sizeof list_body];

    tap_case("lists outside of the message, too long, or inside of each other are refused");
    for (size_t size = 0; size <= sizeof list_body; size++) {
        bool good =
            wire_sub_list_read(guard_copy(&guard, list_body, size), size, 0, subs, &n, NULL);

        CHECK(good == (size >= 27 + 6)); /* the last sub-header begins at 27 */
        for (unsigned i = 0; i < n; i++)
            CHECK(subs[i].body.data + subs[i].body.size <= guard.end);
    }
    for (uint32_t offset = 43; offset; offset = offset < 100 ? offset + 1 : offset * 2)
        CHECK(!wire_sub_list_read(guard_copy(&guard, list_body, sizeof list_body), sizeof list_body,
                                  offset, subs, &n, NULL));
    CHECK(!wire_sub_list_read(guard_copy(&guard, list_body, sizeof list_body), sizeof list_body,
                              UINT32_MAX, subs, &n, NULL));
    memcpy(body, list_body, sizeof body);
    for (uint32_t at = 39; at; at = at < 100 ? at + 1 : at * 2) {
        memcpy(body + 2, &at, 4);
        CHECK(!wire_sub_list_read(guard_copy(&guard, body, sizeof body), sizeof body, 0, subs, &n,
                                  NULL) &&
              n == 0);
    }
    memcpy(body, list_body, sizeof body);
    body[0] = 11; /* more offsets than bytes */
    CHECK(
        !wire_sub_list_read(guard_copy(&guard, body, sizeof body), sizeof body, 0, subs, &n, NULL));
    body[0] = 17;
    CHECK(
        !wire_sub_list_read(guard_copy(&guard, body, sizeof body), sizeof body, 0, subs, &n, NULL));
    memcpy(body, list_body, sizeof body);
    body[10] = SPICE_MSG_LIST;
    CHECK(
        !wire_sub_list_read(guard_copy(&guard, body, sizeof body), sizeof body, 0, subs, &n, NULL));
    guard_free(&guard);
}

int main(void)
{
    test_headers();
    test_recorded_list();
    test_hostile_lists();
    return tap_done();
}
