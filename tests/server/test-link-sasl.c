/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The SASL exchange of server-api.md 8.4, byte for byte, with a library that does what the client's
 * data say: check list 23, item 10. */
#include <string.h>

#include "fake-sasl.h"
#include "link-server.h"
#include "tap.h"

enum { COMMON_SASL = 0x0d };

static const char too_weak[] = "\1\1\0\0\0\26\0\0\0Authentication failed";

/* A connection up to the list of mechanisms. */
static LinkPeer begin(void)
{
    static const char list[] = FAKE_SASL_LIST;
    LinkPeer peer = link_peer_new(false);
    WireLinkReply reply;
    uint8_t bytes[4 + sizeof list - 1], zero[WIRE_PUBKEY_SIZE] = {0};

    CHECK(link_peer_hello(&peer, 0, SPICE_CHANNEL_MAIN, 0, COMMON_SASL, &reply));
    CHECK(!memcmp(reply.pub_key, zero, sizeof zero));
    CHECK(reply.common_caps.words[0] == 0x0d && reply.channel_caps.words[0] == 0x0f);
    CHECK(link_peer_send(&peer, "\2\0\0\0", 4));
    CHECK(link_peer_receive(&peer, bytes, sizeof bytes, 15000) == sizeof bytes);
    CHECK(wire_link_word_read(bytes) == sizeof list - 1);
    CHECK(!memcmp(bytes + 4, list, sizeof list - 1));
    return peer;
}

static bool send_word(LinkPeer *peer, uint32_t word)
{
    uint8_t bytes[4];

    wire_link_word_write(bytes, word);
    return link_peer_send(peer, bytes, 4);
}

static bool send_name(LinkPeer *peer, const char *name, size_t size)
{
    return send_word(peer, (uint32_t)size) && link_peer_send(peer, name, size);
}

/* With its NUL. */
static bool send_data(LinkPeer *peer, const char *data)
{
    return send_name(peer, data, strlen(data) + 1);
}

static bool gets(LinkPeer *peer, const char *expected, size_t size)
{
    g_autofree char *bytes = g_malloc(size);

    return link_peer_receive(peer, bytes, size, 15000) == size && !memcmp(bytes, expected, size);
}

static void end(LinkPeer *peer)
{
    CHECK(link_peer_sees_end(peer));
    link_peer_close(peer);
}

static void test_names(void)
{
    static const char *const unknown[] = {"N", "ECH", "ECHOO", "echo", "ECHO,", ",ECHO", "ECHO,x"};
    char name[102];
    LinkPeer peer;

    tap_case("23.10: names: none and 101 bytes: closed");
    peer = begin();
    CHECK(send_word(&peer, 0));
    end(&peer);
    memset(name, 'N', sizeof name);
    peer = begin();
    CHECK(send_name(&peer, name, 101));
    end(&peer);
    peer = begin();
    CHECK(send_word(&peer, 0xffffffff));
    end(&peer);

    tap_case("23.10: names that are not in the list: INVALID_DATA");
    for (unsigned i = 0; i < G_N_ELEMENTS(unknown); i++) {
        peer = begin();
        CHECK(send_name(&peer, unknown[i], strlen(unknown[i])));
        CHECK(link_peer_gets_error(&peer, SPICE_LINK_ERR_INVALID_DATA));
        link_peer_close(&peer);
    }
    peer = begin();
    CHECK(send_name(&peer, "ECHO", 5)); /* with its NUL */
    CHECK(link_peer_gets_error(&peer, SPICE_LINK_ERR_INVALID_DATA));
    link_peer_close(&peer);
    for (size_t size = 1; size <= 99; size += 7) {
        peer = begin();
        CHECK(send_name(&peer, name, size));
        CHECK(link_peer_gets_error(&peer, SPICE_LINK_ERR_INVALID_DATA));
        link_peer_close(&peer);
    }

    tap_case("23.10: a name of 100 bytes that is in the list");
    peer = begin();
    CHECK(send_name(&peer, name, 100) && send_data(&peer, "d"));
    CHECK(gets(&peer, "\0\0\0\0\1\0\0\0\0\0\0\0\0", 13));
    link_peer_close(&peer);
}

static void test_exchange(void)
{
    LinkPeer peer;

    tap_case("8.4: one step, without an answer");
    peer = begin();
    CHECK(send_name(&peer, "ECHO", 4) && send_data(&peer, "d"));
    CHECK(gets(&peer, "\0\0\0\0\1\0\0\0\0\0\0\0\0", 13));
    CHECK(!strcmp(fake_sasl_last, "ECHO 1"));
    CHECK(NET_WAIT(link_attached->len == 2, 15000));
    link_peer_close(&peer);

    tap_case("8.4: steps with answers; no data is not the empty text");
    peer = begin();
    CHECK(send_name(&peer, "ECHO", 4) && send_word(&peer, 0));
    CHECK(gets(&peer, "\0\0\0\0\0", 5));
    CHECK(!strcmp(fake_sasl_last, "ECHO none"));
    CHECK(send_data(&peer, ""));
    CHECK(gets(&peer, "\0\0\0\0\0", 5));
    CHECK(!strcmp(fake_sasl_last, "- 0"));
    CHECK(send_data(&peer, "cabc"));
    CHECK(gets(&peer, "\4\0\0\0abc\0\0", 9));
    CHECK(!strcmp(fake_sasl_last, "- 4"));
    CHECK(send_name(&peer, "dxyz?", 5)); /* the last byte isn't looked at */
    CHECK(gets(&peer, "\4\0\0\0xyz\0\1\0\0\0\0\0\0\0\0", 17));
    CHECK(NET_WAIT(link_attached->len == 3, 15000));
    link_peer_close(&peer);

    tap_case("8.4: too weak a security layer: words, then the end");
    peer = begin();
    CHECK(send_name(&peer, "ECHO", 4) && send_data(&peer, "w"));
    CHECK(gets(&peer, "\0\0\0\0", 4));
    CHECK(gets(&peer, too_weak, 1));
    CHECK(gets(&peer, too_weak + 1, 4) && gets(&peer, too_weak + 5, 4));
    CHECK(gets(&peer, too_weak + 9, 22));
    end(&peer);

    tap_case("23.10: a mechanism that fails: closed without a word");
    peer = begin();
    CHECK(send_name(&peer, "ECHO", 4) && send_data(&peer, "x"));
    end(&peer);
    peer = begin();
    CHECK(send_name(&peer, "ECHO", 4) && send_data(&peer, "c"));
    CHECK(gets(&peer, "\0\0\0\0\0", 5));
    CHECK(send_data(&peer, "x"));
    end(&peer);

    tap_case("8.4: the link result comes behind: an unknown session");
    {
        WireLinkReply reply;
        uint8_t list[4 + sizeof FAKE_SASL_LIST - 1];

        peer = link_peer_new(false);
        CHECK(link_peer_hello(&peer, 5, SPICE_CHANNEL_INPUTS, 0, COMMON_SASL, &reply));
        CHECK(link_peer_send(&peer, "\2\0\0\0", 4));
        CHECK(link_peer_receive(&peer, list, sizeof list, 15000) == sizeof list);
        CHECK(send_name(&peer, "ECHO", 4) && send_data(&peer, "d"));
        CHECK(gets(&peer, "\0\0\0\0\1\0\0\0\0\10\0\0\0", 13));
        end(&peer);
    }

    tap_case("8.4: SASL that can't be started: closed");
    fake_sasl_refuses = true;
    {
        WireLinkReply reply;

        peer = link_peer_new(false);
        CHECK(link_peer_hello(&peer, 0, SPICE_CHANNEL_MAIN, 0, COMMON_SASL, &reply));
        CHECK(link_peer_send(&peer, "\2\0\0\0", 4));
        end(&peer);
    }
    fake_sasl_refuses = false;
}

static void test_data(void)
{
    enum { MIB = 1024 * 1024 };
    g_autofree char *data = g_strnfill(MIB, 'c'), *answer = g_malloc(MIB + 4);
    LinkPeer peer;

    tap_case("23.10: data of 1 MiB, and more");
    peer = begin();
    CHECK(send_name(&peer, "ECHO", 4) && send_name(&peer, data, MIB));
    CHECK(link_peer_receive(&peer, answer, MIB - 2 + 4 + 2, 15000) == MIB - 2 + 4 + 2);
    CHECK(wire_link_word_read((uint8_t *)answer) == MIB - 1);
    CHECK(!memcmp(answer + 4, data, MIB - 2) && answer[MIB + 2] == 0 && answer[MIB + 3] == 0);
    CHECK(send_word(&peer, MIB + 1));
    end(&peer);
    peer = begin();
    CHECK(send_name(&peer, "ECHO", 4) && send_word(&peer, MIB + 1));
    CHECK(link_peer_gets_error(&peer, SPICE_LINK_ERR_INVALID_DATA));
    link_peer_close(&peer);
    peer = begin();
    CHECK(send_name(&peer, "ECHO", 4) && send_word(&peer, 0xffffffff));
    CHECK(link_peer_gets_error(&peer, SPICE_LINK_ERR_INVALID_DATA));
    link_peer_close(&peer);

    tap_case("24: what is announced isn't allocated; all links together have a limit");
    {
        AdmissionLimits limits = ADMISSION_LIMITS;
        LinkPeer peers[6];
        unsigned closed = 0;

        limits.memory = 2 * MIB;
        admission_set_limits(link_admission, &limits);
        for (int i = 0; i < 6; i++) {
            peers[i] = begin();
            CHECK(send_name(&peers[i], "ECHO", 4) && send_word(&peers[i], MIB));
            net_core_run(1);
        }
        CHECK(admission_links(link_admission) == 6);
        for (int i = 0; i < 6; i++)
            link_peer_send(&peers[i], data, MIB - 1);
        for (int i = 0; i < 20; i++)
            net_core_run(2);
        closed = 6 - admission_links(link_admission);
        CHECK(closed >= 4 && closed < 6);
        for (int i = 0; i < 6; i++)
            link_peer_close(&peers[i]);
        CHECK(NET_WAIT(admission_links(link_admission) == 0, 15000));
        peer = begin(); /* the memory came back */
        CHECK(send_name(&peer, "ECHO", 4) && send_name(&peer, data, MIB));
        CHECK(link_peer_receive(&peer, answer, 100, 15000) == 100);
        link_peer_close(&peer);
    }
}

static void test_leaving(void)
{
    static const struct {
        const char *bytes;
        size_t size;
    } said[] = {{"", 0},
                {"\4\0", 2},
                {"\4\0\0\0", 4},
                {"\4\0\0\0EC", 6},
                {"\4\0\0\0ECHO", 8},
                {"\4\0\0\0ECHO\2\0", 10},
                {"\4\0\0\0ECHO\2\0\0\0", 12},
                {"\4\0\0\0ECHO\2\0\0\0c", 13},
                {"\4\0\0\0ECHO\2\0\0\0c\0", 14},
                {"\4\0\0\0ECHO\2\0\0\0c\0\2\0\0\0", 18},
                {"\4\0\0\0ECHO\2\0\0\0d\0", 14}};

    tap_case("23.10: a client that goes away, at each step, at once or later");
    for (unsigned i = 0; i < G_N_ELEMENTS(said); i++)
        for (int runs = 0; runs < 6; runs++) {
            LinkPeer peer = begin();

            CHECK(link_peer_send(&peer, said[i].bytes, said[i].size));
            for (int k = 0; k < runs; k++)
                net_core_run(1);
            link_peer_close(&peer);
        }
    CHECK(NET_WAIT(admission_links(link_admission) == 0, 15000));

    tap_case("the server goes in the middle of an exchange");
    for (int i = 0; i < 10; i++) {
        LinkPeer peer = begin();

        CHECK(send_name(&peer, "ECHO", 4) && send_data(&peer, "c"));
        net_core_run(i % 2);
        if (i == 9)
            CHECK(link_server_close());
        link_peer_close(&peer);
    }
    CHECK(link_server_open());
}

static void test_mixed(void)
{
    LinkPeer peer;
    WireLinkReply reply;
    const uint8_t *modulus;

    tap_case("8.2: SASL is asked for: a client that doesn't know it gets a key, and is refused");
    peer = link_peer_new(false);
    CHECK(link_peer_hello(&peer, 0, SPICE_CHANNEL_MAIN, 0, LINK_COMMON, &reply));
    CHECK(wire_pubkey_read(reply.pub_key, &modulus));
    CHECK(reply.common_caps.words[0] == 0x0d);
    CHECK(send_word(&peer, SPICE_COMMON_CAP_AUTH_SPICE));
    CHECK(link_peer_gets_error(&peer, SPICE_LINK_ERR_INVALID_DATA));
    link_peer_close(&peer);
    peer = link_peer_new(false);
    CHECK(link_peer_hello(&peer, 0, SPICE_CHANNEL_MAIN, 0, COMMON_SASL, &reply));
    CHECK(send_word(&peer, SPICE_COMMON_CAP_AUTH_SPICE));
    CHECK(link_peer_gets_error(&peer, SPICE_LINK_ERR_INVALID_DATA));
    link_peer_close(&peer);

    tap_case("8.2: SASL is asked for, no AUTH_SELECTION: VERSION_MISMATCH, and closed");
    for (int sasl = 0; sasl < 2; sasl++) {
        peer = link_peer_new(false);
        CHECK(link_peer_hello(&peer, 0, SPICE_CHANNEL_MAIN, 0,
                              sasl ? 1 << SPICE_COMMON_CAP_AUTH_SASL : 0, &reply));
        CHECK(link_peer_gets_error(&peer, SPICE_LINK_ERR_VERSION_MISMATCH));
        link_peer_close(&peer);
    }

    tap_case("8.1: skip_auth: the ticket's protocol, although SASL is on");
    peer = link_peer_new(true);
    CHECK(link_peer_hello(&peer, 0, SPICE_CHANNEL_MAIN, 0, COMMON_SASL, &reply));
    CHECK(reply.common_caps.words[0] == 0x0b);
    CHECK(link_peer_login(&peer, reply.pub_key, "any", 4) == SPICE_LINK_ERR_OK);
    link_peer_close(&peer);
    peer = link_peer_new(true);
    CHECK(link_peer_hello(&peer, 0, SPICE_CHANNEL_MAIN, 0, COMMON_SASL, &reply));
    CHECK(send_word(&peer, SPICE_COMMON_CAP_AUTH_SASL));
    CHECK(link_peer_gets_error(&peer, SPICE_LINK_ERR_INVALID_DATA));
    link_peer_close(&peer);
}

int main(void)
{
    net_core();
    link_server_defaults();
    link_server.options.sasl = true;
    link_server_open();
    test_names();
    test_exchange();
    test_data();
    /* wrong mechanisms count as failures: forget them */
    CHECK(link_server_close() && link_server_open());
    test_leaving();
    test_mixed();
    tap_case("nothing stays");
    CHECK(link_server_close());
    g_array_unref(link_attached);
    return tap_done();
}
