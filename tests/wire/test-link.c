/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The link stage: building and reading, the choice of authentication, the key's layout, words for
 * errors. */
#include "wire/link.h"

#include "tap.h"

#include <string.h>

/* The start of wire.md 20.1: Main, two words of capabilities. */
static const uint8_t request[] = {0x52, 0x45, 0x44, 0x51, 2, 0, 0,   0, 2, 0, 0,   0, 0x1a, 0,
                                  0,    0,    0,    0,    0, 0, 1,   0, 1, 0, 0,   0, 1,    0,
                                  0,    0,    0x12, 0,    0, 0, 0xd, 0, 0, 0, 0xf, 0, 0,    0};

static void test_request(void)
{
    WireLinkHeader header;
    WireLinkMess mess;
    WireBuffer out = {0};

    tap_case("a link message is read and written");
    wire_link_header_read(request, &header);
    CHECK(wire_link_header_check(&header, WIRE_TO_SERVER, NULL) == SPICE_LINK_ERR_OK);
    CHECK(header.size == sizeof request - WIRE_LINK_HEADER_SIZE);
    CHECK(wire_link_mess_parse(request + 16, header.size, &mess, NULL) == SPICE_LINK_ERR_OK);
    CHECK(mess.connection_id == 0 && mess.channel_type == SPICE_CHANNEL_MAIN &&
          mess.channel_id == 0);
    CHECK(wire_caps_has(&mess.common_caps, SPICE_COMMON_CAP_MINI_HEADER));
    CHECK(!wire_caps_has(&mess.common_caps, SPICE_COMMON_CAP_AUTH_SPICE));
    CHECK(mess.channel_caps.n_words == 1 && mess.channel_caps.words[0] == 0xf);
    CHECK(wire_link_mess_write(&mess, &out) && out.size == sizeof request &&
          !memcmp(out.data, request, sizeof request));
    /* Words elsewhere, and none at all. */
    uint8_t moved[30];
    memcpy(moved, request + 16, 18);
    memset(moved + 18, 0, 4);
    memcpy(moved + 22, request + 34, 8);
    moved[14] = 22;
    CHECK(wire_link_mess_parse(moved, sizeof moved, &mess, NULL) == SPICE_LINK_ERR_OK &&
          mess.common_caps.words[0] == 0xd);
    moved[6] = moved[10] = moved[14] = 0;
    CHECK(wire_link_mess_parse(moved, 18, &mess, NULL) == SPICE_LINK_ERR_OK &&
          mess.common_caps.n_words == 0);
    wire_buffer_clear(&out);
}

static void test_header_checks(void)
{
    static const struct {
        WireLinkHeader header;
        WireDirection dir;
        SpiceLinkErr expected;
    } cases[] = {
        {{SPICE_MAGIC, 2, 99, 18}, WIRE_TO_SERVER, SPICE_LINK_ERR_OK},
        {{SPICE_MAGIC, 2, 2, 4096}, WIRE_TO_SERVER, SPICE_LINK_ERR_OK},
        {{SPICE_MAGIC, 2, 2, 17}, WIRE_TO_SERVER, SPICE_LINK_ERR_INVALID_DATA},
        {{SPICE_MAGIC, 2, 2, 4097}, WIRE_TO_SERVER, SPICE_LINK_ERR_INVALID_DATA},
        {{SPICE_MAGIC, 2, 2, 0xffffffff}, WIRE_TO_SERVER, SPICE_LINK_ERR_INVALID_DATA},
        {{SPICE_MAGIC, 1, 2, 18}, WIRE_TO_SERVER, SPICE_LINK_ERR_VERSION_MISMATCH},
        {{SPICE_MAGIC, 0, 2, 18}, WIRE_TO_SERVER, SPICE_LINK_ERR_VERSION_MISMATCH},
        {{0x20544547, 0, 2, 18}, WIRE_TO_SERVER, SPICE_LINK_ERR_INVALID_MAGIC},
        {{SPICE_MAGIC, 2, 0, 178}, WIRE_TO_CLIENT, SPICE_LINK_ERR_OK},
        {{SPICE_MAGIC, 2, 2, 177}, WIRE_TO_CLIENT, SPICE_LINK_ERR_INVALID_DATA},
        {{SPICE_MAGIC, 2, 2, 178 + 8193}, WIRE_TO_CLIENT, SPICE_LINK_ERR_INVALID_DATA},
        {{SPICE_MAGIC, 3, 2, 178}, WIRE_TO_CLIENT, SPICE_LINK_ERR_VERSION_MISMATCH},
    };

    tap_case("headers are checked in order, with words");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        WireError error = {""};

        CHECK(wire_link_header_check(&cases[i].header, cases[i].dir, &error) == cases[i].expected);
        CHECK(!error.text[0] == (cases[i].expected == SPICE_LINK_ERR_OK));
        CHECK(wire_link_header_wants_answer(&cases[i].header) == (i != 6));
    }
}

static void test_reply(void)
{
    WireLinkReply reply = {0}, back;
    WireBuffer out = {0};
    uint8_t modulus[WIRE_PUBKEY_MODULUS];
    const uint8_t *found;

    tap_case("a reply carries the key and the words");
    memset(modulus, 0xa5, sizeof modulus);
    wire_pubkey_write(reply.pub_key, modulus);
    wire_caps_set(&reply.common_caps, SPICE_COMMON_CAP_MINI_HEADER);
    wire_caps_set(&reply.channel_caps, 33);
    CHECK(wire_link_reply_write(&reply, &out) && out.size == 16 + 178 + 12);
    CHECK(wire_link_reply_parse(out.data + 16, out.size - 16, &back, NULL));
    CHECK(wire_pubkey_read(back.pub_key, &found) && !memcmp(found, modulus, sizeof modulus));
    CHECK(wire_caps_has(&back.common_caps, SPICE_COMMON_CAP_MINI_HEADER) &&
          wire_caps_has(&back.channel_caps, 33));
    CHECK(back.channel_caps.n_words == 2);
    wire_caps_clear(&back.channel_caps, 33);
    CHECK(!wire_caps_has(&back.channel_caps, 33));
    for (size_t i = 0; i < 29; i++) {
        back.pub_key[i] ^= 1;
        CHECK(!wire_pubkey_read(back.pub_key, &found));
        back.pub_key[i] ^= 1;
    }
    back.pub_key[WIRE_PUBKEY_SIZE - 1] = 3;
    CHECK(!wire_pubkey_read(back.pub_key, &found));

    tap_case("a reply with an error is zero but for the error");
    wire_buffer_reset(&out);
    reply.error = SPICE_LINK_ERR_NEED_SECURED;
    CHECK(wire_link_reply_write(&reply, &out) && out.size == 194);
    size_t sum = 0;
    for (size_t i = 16; i < out.size; i++)
        sum += out.data[i];
    CHECK(sum == SPICE_LINK_ERR_NEED_SECURED && out.data[12] == 178);
    CHECK(wire_link_reply_parse(out.data + 16, 178, &back, NULL) &&
          back.error == SPICE_LINK_ERR_NEED_SECURED);
    wire_buffer_clear(&out);
}

static WireCaps caps(uint32_t word)
{
    return (WireCaps){1, {word}};
}

static void test_choice(void)
{
    static const struct {
        uint32_t client, server;
        WireAuth expected;
    } cases[] = {
        {0x0d, 0x0b, WIRE_AUTH_TICKET},      {0x0d, 0x0d, WIRE_AUTH_SASL},
        {0x09, 0x0b, WIRE_AUTH_TICKET},      {0x0b, 0x0f, WIRE_AUTH_TICKET},
        {0x0c, 0x0b, WIRE_AUTH_TICKET_ONLY}, {0x0d, 0x0a, WIRE_AUTH_TICKET_ONLY},
        {0x0f, 0x0f, WIRE_AUTH_SASL},        {0x0d, 0x09, WIRE_AUTH_IMPOSSIBLE},
        {0x0b, 0x0d, WIRE_AUTH_IMPOSSIBLE},  {0, 0, WIRE_AUTH_TICKET_ONLY},
    };

    tap_case("authentication is chosen by both sides' words");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        WireCaps client = caps(cases[i].client), server = caps(cases[i].server);

        CHECK(wire_auth_choose(&client, &server) == cases[i].expected);
    }
}

static void test_words(void)
{
    uint8_t word[4];

    tap_case("errors have words");
    for (uint32_t error = 0; error < 10; error++)
        CHECK(wire_link_error_text(error)[0] &&
              strcmp(wire_link_error_text(error), wire_link_error_text(10)));
    CHECK(!strcmp(wire_link_error_text(UINT32_MAX), wire_link_error_text(10)));
    wire_link_word_write(word, 0x04030201);
    CHECK(!memcmp(word, "\1\2\3\4", 4) && wire_link_word_read(word) == 0x04030201);
}

int main(void)
{
    test_request();
    test_header_checks();
    test_reply();
    test_choice();
    test_words();
    return tap_done();
}
