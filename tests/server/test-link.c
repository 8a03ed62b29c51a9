/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The link stage: every check and reply of server-api.md 8.2, byte for byte; tickets; WebSocket;
 * TLS; ends and limits. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "link-server.h"
#include "net/stream.h"
#include "tap.h"

static const NetEvent *event(unsigned i)
{
    return &g_array_index(net_events, NetEvent, i);
}

static bool wait_for_events(unsigned n)
{
    return NET_WAIT(net_events->len >= n, 15000) && net_events->len == n;
}

static void open_server(const char *name)
{
    tap_case(name);
    CHECK(link_server_open());
}

static void close_server(void)
{
    CHECK(link_server_close());
}

/* ---- Checks of the header and message ---- */

/* A connection that sends these bytes gets that error (or the end only, with error 0). */
static void expect_error(const void *bytes, size_t size, uint32_t error)
{
    for (int pieces = 0; pieces < 2; pieces++) {
        LinkPeer peer = link_peer_new(false);

        for (size_t at = 0; pieces && at + 1 < size; at++) {
            link_peer_send(&peer, (const uint8_t *)bytes + at, 1);
            net_core_run(0);
        }
        if (pieces)
            link_peer_send(&peer, (const uint8_t *)bytes + size - 1, 1);
        else
            link_peer_send(&peer, bytes, size);
        if (error)
            CHECK(link_peer_gets_error(&peer, error));
        else
            CHECK(link_peer_sees_end(&peer));
        link_peer_close(&peer);
    }
    CHECK(NET_WAIT(admission_links(link_admission) == 0, 15000));
    CHECK(link_attached->len == 0);
}

static void test_header_checks(void)
{
    uint8_t good[200], bytes[5000] = {0};
    size_t size = link_message(good, 0, SPICE_CHANNEL_MAIN, 0, LINK_COMMON);

    link_server_defaults();
    open_server("8.2: wrong magic: INVALID_MAGIC");
    expect_error("junk", 4, SPICE_LINK_ERR_INVALID_MAGIC);
    expect_error("\26\3\1\2", 4, SPICE_LINK_ERR_INVALID_MAGIC);
    expect_error("POST / HTTP/1.1\r\n\r\n", 19, SPICE_LINK_ERR_INVALID_MAGIC);
    memset(bytes, 'x', sizeof bytes);
    for (int i = 0; i < 3; i++) { /* unread input must not overtake the reply */
        LinkPeer peer = link_peer_new(false);

        link_peer_send(&peer, bytes, sizeof bytes);
        CHECK(link_peer_gets_error(&peer, SPICE_LINK_ERR_INVALID_MAGIC));
        link_peer_close(&peer);
    }

    tap_case("8.2: major version");
    memcpy(bytes, good, size);
    bytes[4] = 1;
    expect_error(bytes, size, SPICE_LINK_ERR_VERSION_MISMATCH);
    bytes[4] = 3;
    expect_error(bytes, 16, SPICE_LINK_ERR_VERSION_MISMATCH);
    bytes[7] = 0xff;
    expect_error(bytes, 16, SPICE_LINK_ERR_VERSION_MISMATCH);
    bytes[4] = bytes[7] = 0;
    expect_error(bytes, size, 0);

    tap_case("8.2: size");
    static const uint32_t sizes[] = {0, 1, 17, 4097, 0x7fffffff, 0x80000000, 0xffffffff};
    for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) {
        memcpy(bytes, good, size);
        wire_link_word_write(bytes + 12, sizes[i]);
        expect_error(bytes, 16, SPICE_LINK_ERR_INVALID_DATA);
    }

    tap_case("8.2: the minor version is ignored, and more words than we know");
    {
        LinkPeer peer = link_peer_new(false);
        WireLinkReply reply;

        memset(bytes, 0xff, sizeof bytes);
        memcpy(bytes, good, 16 + 18);
        bytes[8] = 99;
        wire_link_word_write(bytes + 12, 4096);
        wire_link_word_write(bytes + 16 + 6, 500);
        wire_link_word_write(bytes + 16 + 10, 500);
        CHECK(link_peer_send(&peer, bytes, 16 + 4096));
        uint8_t answer[16 + 178 + 8];
        CHECK(link_peer_receive(&peer, answer, sizeof answer, 15000) == sizeof answer);
        WireError error;
        CHECK(wire_link_reply_parse(answer + 16, 178 + 8, &reply, &error));
        CHECK(link_peer_login(&peer, reply.pub_key, "", 1) == SPICE_LINK_ERR_OK);
        link_peer_close(&peer);
    }
    close_server();
}

static void test_mess_checks(void)
{
    static const struct {
        uint32_t common, channel, offset;
    } wrong[] = {
        {1025, 0, 18},       {0, 1025, 18},
        {2, 0, 18},          {1, 1, 18},
        {1, 0, 19},          {1, 0, 17},
        {1, 0, 0},           {1, 0, 0xffffffff},
        {1, 0, 22},          {0x40000000, 0, 18},
        {0xffffffff, 0, 18}, {0, 0xffffffff, 18},
        {1024, 1024, 18},    {0x80000001, 0x80000000, 18},
        {1, 0, 0x80000000},  {1, 0, 0xfffffffc},
    };
    uint8_t bytes[200];
    size_t size;

    link_server_defaults();
    open_server("cve_2016_9578_link_counts: INVALID_DATA for counts and offsets that don't fit");
    for (unsigned i = 0; i < G_N_ELEMENTS(wrong); i++) {
        size = link_message(bytes, 0, SPICE_CHANNEL_MAIN, 0, LINK_COMMON);
        wire_link_word_write(bytes + 16 + 6, wrong[i].common);
        wire_link_word_write(bytes + 16 + 10, wrong[i].channel);
        wire_link_word_write(bytes + 16 + 14, wrong[i].offset);
        expect_error(bytes, size, SPICE_LINK_ERR_INVALID_DATA);
    }

    tap_case("8.2: a channel that doesn't exist is closed without reply");
    size = link_message(bytes, 0x1001, SPICE_CHANNEL_USBREDIR, 2, LINK_COMMON);
    expect_error(bytes, size, 0);
    size = link_message(bytes, 0x1001, SPICE_CHANNEL_DISPLAY, 0, LINK_COMMON);
    expect_error(bytes, size, 0);
    size = link_message(bytes, 0x1001, 255, 255, LINK_COMMON);
    expect_error(bytes, size, 0);

    tap_case("8.2: channel security: NEED_SECURED on a plain connection");
    link_server.options.channel_security[SPICE_CHANNEL_INPUTS] = SPICE_CHANNEL_SECURITY_SSL;
    size = link_message(bytes, 0x1001, SPICE_CHANNEL_INPUTS, 0, LINK_COMMON);
    expect_error(bytes, size, SPICE_LINK_ERR_NEED_SECURED);
    link_server.options.default_security = SPICE_CHANNEL_SECURITY_SSL;
    size = link_message(bytes, 0, SPICE_CHANNEL_MAIN, 0, LINK_COMMON);
    expect_error(bytes, size, SPICE_LINK_ERR_NEED_SECURED);
    /* before the question whether the channel exists */
    size = link_message(bytes, 0, 200, 0, LINK_COMMON);
    expect_error(bytes, size, SPICE_LINK_ERR_NEED_SECURED);
    link_server.options.default_security = 0;
    size = link_message(bytes, 0, SPICE_CHANNEL_MAIN, 0, LINK_COMMON);
    expect_error(bytes, size, SPICE_LINK_ERR_NEED_SECURED);
    close_server();
}

/* ---- Reply, mechanism, ticket ---- */

static void test_reply(void)
{
    static const struct {
        uint8_t type, words, channel_word;
    } channels[] = {{SPICE_CHANNEL_MAIN, 1, 0x0f},
                    {SPICE_CHANNEL_INPUTS, 1, 0x01},
                    {SPICE_CHANNEL_CURSOR, 0, 0}};

    link_server_defaults();
    open_server("8.2: the reply OK, byte for byte");
    for (unsigned i = 0; i < G_N_ELEMENTS(channels); i++) {
        LinkPeer peer = link_peer_new(false);
        uint8_t bytes[300], expected[300] = "REDQ";
        size_t size = link_message(bytes, 0x1001, channels[i].type, 0, LINK_COMMON),
               whole = 16 + 178 + 4 + channels[i].words * 4;
        const uint8_t *modulus;

        CHECK(link_peer_send(&peer, bytes, size));
        CHECK(link_peer_receive(&peer, bytes, whole, 15000) == whole);
        expected[4] = expected[8] = 2;
        expected[12] = (uint8_t)(whole - 16);
        CHECK(wire_pubkey_read(bytes + 20, &modulus));
        memcpy(expected + 20, bytes + 20, WIRE_PUBKEY_SIZE);
        wire_link_word_write(expected + 16 + 166, 1);
        wire_link_word_write(expected + 16 + 170, channels[i].words);
        wire_link_word_write(expected + 16 + 174, 178);
        wire_link_word_write(expected + 16 + 178, 0x0b);
        if (channels[i].words)
            wire_link_word_write(expected + 16 + 182, channels[i].channel_word);
        CHECK(!memcmp(bytes, expected, whole));
        CHECK(link_peer_receive(&peer, bytes, 1, 30) == 0 && !peer.ended);
        link_peer_close(&peer);
    }

    tap_case("8.2: an unknown mechanism, and SASL that isn't on: INVALID_DATA");
    for (uint32_t mechanism = 0; mechanism < 5; mechanism++) {
        LinkPeer peer = link_peer_new(false);
        WireLinkReply reply;
        uint8_t word[4];

        if (mechanism == SPICE_COMMON_CAP_AUTH_SPICE)
            continue;
        CHECK(link_peer_hello(&peer, 0, SPICE_CHANNEL_MAIN, 0, 0x0d, &reply));
        wire_link_word_write(word, mechanism == 4 ? 0xffffffff : mechanism);
        CHECK(link_peer_send(&peer, word, 4));
        CHECK(link_peer_gets_error(&peer, SPICE_LINK_ERR_INVALID_DATA));
        link_peer_close(&peer);
    }

    tap_case("8.2: without AUTH_SELECTION the ticket comes at once");
    {
        LinkPeer peer = link_peer_new(false);
        WireLinkReply reply;
        uint8_t ticket[WIRE_TICKET_SIZE], result[4];

        CHECK(link_peer_hello(&peer, 0, SPICE_CHANNEL_MAIN, 0, 0, &reply));
        CHECK(link_ticket(reply.pub_key, "", 1, ticket));
        CHECK(link_peer_send(&peer, ticket, sizeof ticket));
        CHECK(link_peer_receive(&peer, result, 4, 15000) == 4 && !wire_link_word_read(result));
        link_peer_close(&peer);
    }
    close_server();
}

static void test_accepted(void)
{
    LinkPeer peer;
    const Attached *attached;

    link_server_defaults();
    open_server("8.2: a new session: result OK, INITIALIZED, attached");
    peer = link_peer_new(false);
    CHECK(net_events->len == 1 && event(0)->event == SPICE_CHANNEL_EVENT_CONNECTED);
    CHECK(link_peer_link(&peer, 0, SPICE_CHANNEL_MAIN, 0, "") == SPICE_LINK_ERR_OK);
    CHECK(NET_WAIT(link_attached->len == 1, 2000) && link_new_id_called);
    attached = &g_array_index(link_attached, Attached, 0);
    if (CHECK(net_events->len == 2 && link_attached->len == 1)) {
        CHECK(event(1)->event == SPICE_CHANNEL_EVENT_INITIALIZED);
        CHECK(event(0)->pointer == event(1)->pointer);
        CHECK(event(1)->info.connection_id == (int)0x80001002);
        CHECK(event(1)->info.type == SPICE_CHANNEL_MAIN && event(1)->info.id == 0);
        CHECK(event(1)->info.flags == SPICE_CHANNEL_EVENT_FLAG_ADDR_EXT);
        CHECK(attached->connection_id == 0x80001002 &&
              attached->mess.channel_type == SPICE_CHANNEL_MAIN);
        CHECK(attached->mess.common_caps.words[0] == LINK_COMMON);
        CHECK(admission_links(link_admission) == 0);
        /* What the client sends early is there for the channel. */
        char text[4] = "";
        CHECK(link_peer_send(&peer, "abc", 3));
        net_core_run(5);
        CHECK(stream_read(attached->stream, text, 3) == 3 && !strcmp(text, "abc"));
    }
    link_peer_close(&peer);

    tap_case("8.2: a channel of a session");
    link_new_id_called = false;
    peer = link_peer_new(false);
    CHECK(link_peer_link(&peer, 0x1001, SPICE_CHANNEL_USBREDIR, 1, "") == SPICE_LINK_ERR_OK);
    CHECK(NET_WAIT(link_attached->len == 2, 2000) && !link_new_id_called);
    CHECK(event(net_events->len - 1)->info.connection_id == 0x1001);
    CHECK(event(net_events->len - 1)->info.id == 1);
    link_peer_close(&peer);

    tap_case("8.2: an unknown session, and a channel that vanished: results 8 and 9");
    peer = link_peer_new(false);
    CHECK(link_peer_link(&peer, 0x1002, SPICE_CHANNEL_INPUTS, 0, "") ==
          SPICE_LINK_ERR_BAD_CONNECTION_ID);
    CHECK(link_peer_sees_end(&peer));
    link_peer_close(&peer);
    link_check_result = SPICE_LINK_ERR_CHANNEL_NOT_AVAILABLE;
    peer = link_peer_new(false);
    CHECK(link_peer_link(&peer, 0x1001, SPICE_CHANNEL_INPUTS, 0, "") ==
          SPICE_LINK_ERR_CHANNEL_NOT_AVAILABLE);
    CHECK(link_peer_sees_end(&peer));
    link_peer_close(&peer);
    CHECK(net_events_of(SPICE_CHANNEL_EVENT_INITIALIZED) == 2);
    close_server();
}

static int login(const char *text, size_t size, bool skip_auth)
{
    LinkPeer peer = link_peer_new(skip_auth);
    WireLinkReply reply;
    int result = -1;

    if (CHECK(link_peer_hello(&peer, 0, SPICE_CHANNEL_MAIN, 0, LINK_COMMON, &reply)))
        result = link_peer_login(&peer, reply.pub_key, text, size);
    if (result != SPICE_LINK_ERR_OK)
        CHECK(link_peer_sees_end(&peer));
    link_peer_close(&peer);
    return result;
}

/* The guard's memory goes with the admission. */
static void forget_failures(void)
{
    CHECK(link_server_close());
    CHECK(link_server_open());
}

static void test_tickets(void)
{
    Options *options = &link_server.options;
    char longest[62];

    link_server_defaults();
    open_server("7.3: tickets: right, wrong, empty, and none set");
    options->ticketing = true;
    options->ticket = (char *)"s3cret";
    CHECK(login("s3cret", 7, false) == SPICE_LINK_ERR_OK);
    CHECK(login("s3cret", 6, false) == SPICE_LINK_ERR_OK); /* no NUL */
    CHECK(login("s3cret\0and more", 15, false) == SPICE_LINK_ERR_OK);
    CHECK(login("s3cre", 6, false) == SPICE_LINK_ERR_PERMISSION_DENIED);
    CHECK(login("s3crets", 8, false) == SPICE_LINK_ERR_PERMISSION_DENIED);
    CHECK(login("S3cret", 7, false) == SPICE_LINK_ERR_PERMISSION_DENIED);
    CHECK(login("", 1, false) == SPICE_LINK_ERR_PERMISSION_DENIED);
    forget_failures();
    options->ticket = (char *)"";
    CHECK(login("", 1, false) == SPICE_LINK_ERR_PERMISSION_DENIED);
    options->ticket = NULL;
    CHECK(login("", 1, false) == SPICE_LINK_ERR_PERMISSION_DENIED);
    CHECK(login("x", 2, false) == SPICE_LINK_ERR_PERMISSION_DENIED);
    forget_failures();

    tap_case("7.3: a password of 60 characters is compared whole");
    memset(longest, 'p', 60);
    longest[60] = 0;
    options->ticket = longest;
    CHECK(login(longest, 61, false) == SPICE_LINK_ERR_OK);
    CHECK(login(longest, 60, false) == SPICE_LINK_ERR_OK);
    CHECK(login(longest, 59, false) == SPICE_LINK_ERR_PERMISSION_DENIED);

    tap_case("7.3: expiry, in whole seconds");
    options->ticket = (char *)"s3cret";
    options->ticket_expiry = g_get_monotonic_time() / G_USEC_PER_SEC + 100;
    CHECK(login("s3cret", 7, false) == SPICE_LINK_ERR_OK);
    /* The second itself counts; a second that ends meanwhile is no answer. */
    for (int i = 0; i < 5; i++) {
        options->ticket_expiry = g_get_monotonic_time() / G_USEC_PER_SEC;
        int result = login("s3cret", 7, false);

        if (options->ticket_expiry == g_get_monotonic_time() / G_USEC_PER_SEC) {
            CHECK(result == SPICE_LINK_ERR_OK);
            break;
        }
    }
    forget_failures();
    options->ticket_expiry = g_get_monotonic_time() / G_USEC_PER_SEC - 1;
    CHECK(login("s3cret", 7, false) == SPICE_LINK_ERR_PERMISSION_DENIED);
    forget_failures();

    tap_case("8.1: skip_auth: any password, but it must decrypt");
    CHECK(login("nonsense", 9, true) == SPICE_LINK_ERR_OK);
    {
        LinkPeer peer = link_peer_new(true);
        WireLinkReply reply;
        uint8_t bytes[4 + WIRE_TICKET_SIZE] = {1}, result[4];

        CHECK(link_peer_hello(&peer, 0, SPICE_CHANNEL_MAIN, 0, LINK_COMMON, &reply));
        CHECK(link_peer_send(&peer, bytes, sizeof bytes));
        CHECK(link_peer_receive(&peer, result, 4, 15000) == 4);
        CHECK(wire_link_word_read(result) == SPICE_LINK_ERR_PERMISSION_DENIED);
        CHECK(link_peer_sees_end(&peer));
        link_peer_close(&peer);
    }

    tap_case("7.3: ticketing off: any password, but it must decrypt");
    options->ticketing = false;
    CHECK(login("nonsense", 9, false) == SPICE_LINK_ERR_OK);
    CHECK(login("", 1, false) == SPICE_LINK_ERR_OK);
    CHECK(login("", 0, false) == SPICE_LINK_ERR_OK);
    {
        LinkPeer peer = link_peer_new(false);
        WireLinkReply reply;
        uint8_t bytes[4 + WIRE_TICKET_SIZE], result[4];

        memset(bytes, 0xff, sizeof bytes);
        wire_link_word_write(bytes, SPICE_COMMON_CAP_AUTH_SPICE);
        CHECK(link_peer_hello(&peer, 0, SPICE_CHANNEL_MAIN, 0, LINK_COMMON, &reply));
        CHECK(link_peer_send(&peer, bytes, sizeof bytes));
        CHECK(link_peer_receive(&peer, result, 4, 15000) == 4);
        CHECK(wire_link_word_read(result) == SPICE_LINK_ERR_PERMISSION_DENIED);
        link_peer_close(&peer);
    }
    close_server();
}

static void test_cve_2013_4282(void)
{
    uint8_t text[86];

    link_server_defaults();
    link_server.options.ticketing = true;
    link_server.options.ticket = (char *)"s3cret";
    open_server("cve_2013_4282_ticket_of_every_length");
    memset(text, 'a', sizeof text);
    for (size_t size = 0; size <= sizeof text; size++) {
        CHECK(login((char *)text, size, false) == SPICE_LINK_ERR_PERMISSION_DENIED);
        if (size % 5 == 4)
            forget_failures();
    }
    close_server();
}

/* ---- Bytes that never reach an abort ---- */

static void test_cve_2020_23793(void)
{
    GRand *rnd = g_rand_new_with_seed(23793);
    unsigned before;

    link_server_defaults();
    open_server("cve_2020_23793_any_bytes_before_authentication");
    before = net_events_of(SPICE_CHANNEL_EVENT_CONNECTED);
    for (int i = 0; i < 150; i++) {
        uint8_t bytes[600];
        size_t size = 1 + g_rand_int(rnd) % sizeof bytes, from = 0;
        LinkPeer peer = link_peer_new(i % 2);

        if (i % 3)
            from = link_message(bytes, i % 5 ? 0 : 0x1001, 1 + i % 4, 0, LINK_COMMON);
        for (size_t k = MIN(from, size); k < size; k++)
            bytes[k] = (uint8_t)g_rand_int(rnd);
        if (i % 7 == 1)
            bytes[g_rand_int(rnd) % size] ^= (uint8_t)(1 + g_rand_int(rnd) % 255);
        link_peer_send(&peer, bytes, size);
        net_core_run(1);
        link_peer_close(&peer);
    }
    CHECK(NET_WAIT(admission_links(link_admission) == 0, 15000));
    CHECK(net_events_of(SPICE_CHANNEL_EVENT_CONNECTED) == before + 150);
    CHECK(NET_WAIT(net_events_of(SPICE_CHANNEL_EVENT_DISCONNECTED) + link_attached->len ==
                       before + 150,
                   1000));
    g_rand_free(rnd);
    close_server();
}

/* ---- WebSocket ---- */

#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

static const char plain_answer[] =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Accept: " ACCEPT "\r\n\r\n",
                  list_answer[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\n"
                                  "Connection: Upgrade\r\nSec-WebSocket-Accept: " ACCEPT
                                  "\r\nSec-WebSocket-Protocol: binary\r\n\r\n";

/* The link stage in frames: one for each message, from and to. */
static int websocket_link(LinkPeer *peer)
{
    uint8_t bytes[300], frame[400], result[6];
    size_t size = link_message(bytes, 0, SPICE_CHANNEL_MAIN, 0, LINK_COMMON);
    WireLinkReply reply;
    WireError error;

    frame[0] = 0x82;
    frame[1] = (uint8_t)size;
    memcpy(frame + 2, bytes, size);
    if (!link_peer_send(peer, frame, 2 + size) || link_peer_receive(peer, frame, 4, 15000) != 4 ||
        frame[0] != 0x82 || frame[1] != 126 || frame[3] != 16 + 186 ||
        link_peer_receive(peer, bytes, 16 + 186, 15000) != 16 + 186 ||
        !wire_link_reply_parse(bytes + 16, 186, &reply, &error))
        return -1;
    frame[0] = 0x81; /* text is fine, too */
    frame[1] = 126;
    frame[2] = 0;
    frame[3] = 132;
    wire_link_word_write(frame + 4, SPICE_COMMON_CAP_AUTH_SPICE);
    if (!link_ticket(reply.pub_key, "", 1, frame + 8) || !link_peer_send(peer, frame, 136) ||
        link_peer_receive(peer, result, 6, 15000) != 6 || result[0] != 0x82 || result[1] != 4)
        return -1;
    return (int)wire_link_word_read(result + 2);
}

static bool upgrade(LinkPeer *peer, const char *request, const char *expected)
{
    g_autofree char *answer = g_malloc0(strlen(expected) + 1);

    return link_peer_send(peer, request, strlen(request)) &&
           link_peer_receive(peer, answer, strlen(expected), 15000) == strlen(expected) &&
           strcmp(answer, expected) == 0;
}

static void test_websocket(void)
{
    static const struct {
        const char *request, *answer;
    } good[] = {
        {"GET / HTTP/1.1\r\nSec-WebSocket-Key: " KEY "\r\n\r\n", plain_answer},
        {"GET /any/path?x HTTP/1.0\r\nHost: h\r\nsec-websocket-KEY:" KEY " \r\n\r\n", plain_answer},
        {"GET / HTTP/1.1\r\nSec-WebSocket-Protocol: binary\r\nSec-WebSocket-Key: " KEY "\r\n\r\n",
         list_answer},
        {"GET / HTTP/1.1\r\nSec-WebSocket-Key: " KEY
         "\r\nSec-WebSocket-Protocol: chat, binary\r\n\r\n",
         list_answer},
        {"GET / HTTP/1.1\r\nSec-WebSocket-Key: " KEY
         "\r\nSec-WebSocket-Protocol: binary, base64\r\n\r\n",
         list_answer},
        {"GET / HTTP/1.1\r\nSec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: binary\r\n"
         "Sec-WebSocket-Key: " KEY "\r\n\r\n",
         list_answer},
    };
    static const char *const bad[] = {
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nX-Sec-WebSocket-Key: a\r\n\r\n",
        "GET / HTTP/1.1\r\nSec-WebSocket-Key:\r\n\r\n",
        "GET / HTTP/1.1\r\nSec-WebSocket-Key: a b\r\n\r\n",
        "GET / HTTP/1.1\r\nSec-WebSocket-Key: " KEY "\r\nSec-WebSocket-Protocol: base64\r\n\r\n",
        "GET / HTTP/1.1\r\nSec-WebSocket-Key: " KEY "\r\nSec-WebSocket-Protocol: binaryx\r\n\r\n",
        "GET / HTTP/1.1\r\nSec-WebSocket-Key: " KEY "\r\nSec-WebSocket-Protocol:\r\n\r\n",
    };

    link_server_defaults();
    open_server("8.3: upgrades, and the link stage inside");
    for (unsigned i = 0; i < G_N_ELEMENTS(good); i++) {
        LinkPeer peer = link_peer_new(false);

        CHECK(upgrade(&peer, good[i].request, good[i].answer));
        CHECK(websocket_link(&peer) == SPICE_LINK_ERR_OK);
        CHECK(NET_WAIT(link_attached->len == i + 1, 15000));
        link_peer_close(&peer);
    }

    tap_case("8.3: a request in pieces, with a frame right behind it");
    for (size_t split = 1; split <= strlen(good[0].request); split += 5) {
        LinkPeer peer = link_peer_new(false);

        CHECK(link_peer_send(&peer, good[0].request, split));
        net_core_run(1);
        net_core_run(1);
        CHECK(upgrade(&peer, good[0].request + split, good[0].answer));
        CHECK(websocket_link(&peer) == SPICE_LINK_ERR_OK);
        link_peer_close(&peer);
    }
    {
        LinkPeer peer = link_peer_new(false);
        uint8_t bytes[400], answer[sizeof plain_answer - 1 + 4 + 16 + 186];
        size_t n = strlen(good[0].request), size;

        memcpy(bytes, good[0].request, n);
        size = link_message(bytes + n + 2, 0, SPICE_CHANNEL_MAIN, 0, LINK_COMMON);
        bytes[n] = 0x82;
        bytes[n + 1] = (uint8_t)size;
        CHECK(link_peer_send(&peer, bytes, n + 2 + size));
        CHECK(link_peer_receive(&peer, answer, sizeof answer, 15000) == sizeof answer);
        CHECK(!memcmp(answer + sizeof plain_answer - 1 + 4, "REDQ", 4));
        link_peer_close(&peer);
    }

    tap_case("8.3: requests that aren't upgrades");
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        LinkPeer peer = link_peer_new(false);
        char answer[500] = "";

        CHECK(link_peer_send(&peer, bad[i], strlen(bad[i])));
        link_peer_receive(&peer, answer, sizeof answer - 1, 15000);
        CHECK(g_str_has_prefix(answer, "HTTP/1.1 400 ") && peer.ended);
        link_peer_close(&peer);
    }
    {
        LinkPeer peer = link_peer_new(false);
        g_autofree char *endless = g_strnfill(9000, 'x');
        char answer[500] = "";

        memcpy(endless, "GET ", 4);
        CHECK(link_peer_send(&peer, endless, 9000));
        link_peer_receive(&peer, answer, sizeof answer - 1, 15000);
        CHECK(g_str_has_prefix(answer, "HTTP/1.1 400 ") && peer.ended);
        link_peer_close(&peer);
    }

    tap_case("8.3: no WebSocket inside a WebSocket; broken frames");
    {
        LinkPeer peer = link_peer_new(false);
        uint8_t frame[2 + 100] = {0x82, 100}, answer[4 + 16 + 178];

        CHECK(upgrade(&peer, good[0].request, good[0].answer));
        memcpy(frame + 2, good[0].request, strlen(good[0].request));
        CHECK(link_peer_send(&peer, frame, sizeof frame));
        CHECK(link_peer_receive(&peer, answer, sizeof answer, 15000) == sizeof answer);
        CHECK(answer[20] == SPICE_LINK_ERR_INVALID_MAGIC);
        CHECK(link_peer_sees_end(&peer));
        link_peer_close(&peer);
        peer = link_peer_new(false);
        CHECK(upgrade(&peer, good[0].request, good[0].answer));
        CHECK(link_peer_send(&peer, "\360\200abcd", 6));
        CHECK(link_peer_sees_end(&peer));
        link_peer_close(&peer);
        peer = link_peer_new(false);
        CHECK(upgrade(&peer, good[0].request, good[0].answer));
        CHECK(link_peer_send(&peer, "\211\202abcd12\210\200efgh", 14));
        CHECK(link_peer_receive(&peer, answer, 6, 15000) >= 2);
        link_peer_close(&peer);
    }
    CHECK(NET_WAIT(admission_links(link_admission) == 0, 15000));
    close_server();
}

/* ---- TLS ---- */

static void use_tls(void)
{
    Options *options = &link_server.options;

    options->tls.ca_file = net_files()->ca;
    options->tls.cert_file = net_files()->cert;
    options->tls.key_file = net_files()->key;
    options->address = (char *)"127.0.0.1";
    for (int port = 20000 + getpid() % 20000; !link_admission; port++) {
        options->tls.port = port;
        link_server_open();
    }
}

static void test_tls(void)
{
    LinkPeer peer;
    int fds[2];
    uint8_t bytes[200];

    link_server_defaults();
    tap_case("8.1: TLS clients without TLS: -1, and the socket is still the caller's");
    CHECK(link_server_open());
    net_tcp_pair(fds);
    CHECK(admission_add_client(link_admission, fds[0], true, false) == -1);
    CHECK(fcntl(fds[0], F_GETFD) >= 0 && net_events->len == 0);
    close(fds[0]);
    close(fds[1]);
    close_server();

    link_server_defaults();
    tap_case("8.1: TLS: link, INITIALIZED with the TLS flag");
    use_tls();
    peer = link_peer_new_tls(false);
    CHECK(event(0)->event == SPICE_CHANNEL_EVENT_CONNECTED &&
          event(0)->info.flags == SPICE_CHANNEL_EVENT_FLAG_ADDR_EXT);
    CHECK(link_peer_link(&peer, 0, SPICE_CHANNEL_MAIN, 0, "x") == SPICE_LINK_ERR_OK);
    CHECK(wait_for_events(2));
    CHECK(event(1)->info.flags ==
          (SPICE_CHANNEL_EVENT_FLAG_ADDR_EXT | SPICE_CHANNEL_EVENT_FLAG_TLS));
    link_peer_close(&peer);

    tap_case("8.2: channel security: NEED_UNSECURED on TLS");
    link_server.options.channel_security[SPICE_CHANNEL_INPUTS] = SPICE_CHANNEL_SECURITY_NONE;
    peer = link_peer_new_tls(false);
    link_peer_send(&peer, bytes, link_message(bytes, 0x1001, SPICE_CHANNEL_INPUTS, 0, LINK_COMMON));
    CHECK(link_peer_gets_error(&peer, SPICE_LINK_ERR_NEED_UNSECURED));
    link_peer_close(&peer);

    tap_case("8.3: WebSocket inside TLS");
    peer = link_peer_new_tls(false);
    CHECK(upgrade(&peer, "GET / HTTP/1.1\r\nSec-WebSocket-Key: " KEY "\r\n\r\n", plain_answer));
    CHECK(websocket_link(&peer) == SPICE_LINK_ERR_OK);
    link_peer_close(&peer);

    tap_case("8.1: the TLS port");
    {
        struct sockaddr_in address = {.sin_family = AF_INET,
                                      .sin_port = htons(link_server.options.tls.port),
                                      .sin_addr = {htonl(INADDR_LOOPBACK)}};

        peer = (LinkPeer){socket(AF_INET, SOCK_STREAM, 0)};
        CHECK(connect(peer.fd, (struct sockaddr *)&address, sizeof address) == 0);
        fcntl(peer.fd, F_SETFL, O_NONBLOCK);
        CHECK(link_peer_start_tls(&peer));
        CHECK(link_peer_link(&peer, 0, SPICE_CHANNEL_MAIN, 0, "") == SPICE_LINK_ERR_OK);
        link_peer_close(&peer);
        /* plain bytes on it: closed */
        peer = (LinkPeer){socket(AF_INET, SOCK_STREAM, 0)};
        CHECK(connect(peer.fd, (struct sockaddr *)&address, sizeof address) == 0);
        CHECK(link_peer_send(&peer, "REDQ\2\0\0\0\2\0\0\0\22\0\0\0", 16));
        CHECK(link_peer_receive(&peer, bytes, sizeof bytes, 15000) < 16 && peer.ended);
        link_peer_close(&peer);
    }

    tap_case("23.5: add_ssl_client on a closed peer: -1, the socket isn't closed");
    net_tcp_pair(fds);
    close(fds[1]);
    g_usleep(1000);
    CHECK(admission_add_client(link_admission, fds[0], true, false) == -1);
    CHECK(fcntl(fds[0], F_GETFD) >= 0);
    close(fds[0]);
    net_pair(fds);
    CHECK(net_send(fds[1], "REDQ", 4));
    CHECK(admission_add_client(link_admission, fds[0], true, false) == -1);
    CHECK(fcntl(fds[0], F_GETFD) >= 0);
    close(fds[0]);
    close(fds[1]);

    tap_case("TLS: a peer that goes away in the handshake");
    net_tcp_pair(fds);
    CHECK(admission_add_client(link_admission, fds[0], true, false) == 0);
    CHECK(net_send(fds[1], "\26\3\1\2\0\1\0\1", 8));
    net_core_run(1);
    close(fds[1]);
    CHECK(NET_WAIT(admission_links(link_admission) == 0, 15000));
    close_server();

    tap_case("TLS: the server goes in the middle of handshakes");
    link_server_defaults();
    use_tls();
    for (int i = 0; i < 20; i++) {
        net_tcp_pair(fds);
        CHECK(admission_add_client(link_admission, fds[0], true, false) == 0);
        peer = (LinkPeer){fds[1]};
        fcntl(peer.fd, F_SETFL, O_NONBLOCK);
        SSL_CTX *context = SSL_CTX_new(TLS_client_method());
        peer.ssl = SSL_new(context);
        SSL_set_fd(peer.ssl, peer.fd);
        SSL_connect(peer.ssl);
        net_core_run(i % 3);
        SSL_CTX_free(context);
        link_peer_close(&peer);
    }
    close_server();
}

/* ---- add_client ---- */

static void test_add_client(void)
{
    int fds[2], pipes[2];
    LinkPeer peer;

    link_server_defaults();
    open_server("23.8: add_client with a socket pair");
    net_pair(fds);
    CHECK(admission_add_client(link_admission, fds[0], false, false) == 0);
    peer = (LinkPeer){fds[1]};
    CHECK(link_peer_link(&peer, 0, SPICE_CHANNEL_MAIN, 0, "") == SPICE_LINK_ERR_OK);
    CHECK(NET_WAIT(link_attached->len == 1, 15000));
    CHECK(event(0)->info.laddr_ext.ss_family == AF_UNIX);
    CHECK(stream_is_unix(g_array_index(link_attached, Attached, 0).stream));
    link_peer_close(&peer);

    tap_case("8.1: what isn't a socket is refused, and stays open");
    CHECK(pipe(pipes) == 0);
    CHECK(admission_add_client(link_admission, pipes[0], false, false) == -1);
    CHECK(fcntl(pipes[0], F_GETFD) >= 0);
    close(pipes[0]);
    close(pipes[1]);
    CHECK(admission_add_client(link_admission, pipes[0], false, false) == -1);

    tap_case("8.1: TCP: no delay and keepalive");
    {
        int value = 0;
        socklen_t size = sizeof value;

        net_tcp_pair(fds);
        CHECK(admission_add_client(link_admission, fds[0], false, false) == 0);
        CHECK(!getsockopt(fds[0], IPPROTO_TCP, 1 /* TCP_NODELAY */, &value, &size) && value);
        CHECK(!getsockopt(fds[0], SOL_SOCKET, SO_KEEPALIVE, &value, &size) && value);
        CHECK(!getsockopt(fds[0], IPPROTO_TCP, 4 /* TCP_KEEPIDLE */, &value, &size) &&
              value == 600);
        CHECK(fcntl(fds[0], F_GETFL) & O_NONBLOCK);
        close(fds[1]);
    }
    CHECK(NET_WAIT(admission_links(link_admission) == 0, 15000));
    close_server();
}

int main(void)
{
    net_core();
    test_header_checks();
    test_mess_checks();
    test_reply();
    test_accepted();
    test_tickets();
    test_cve_2013_4282();
    test_cve_2020_23793();
    test_websocket();
    test_tls();
    test_add_client();
    g_array_unref(link_attached);
    return tap_done();
}
