/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The agent's proxy between a made-up guest port and a made-up client: framing, tokens, filters,
 * monitors, mouse, and both sides breaking the rules. */
#include "agent-session.h"

#include <string.h>

#include "clock.h"
#include "tap.h"
#include "wire/internal.h"

/* ---- Framing (14.2) ---- */

static void test_guest_to_client(size_t read_at_most)
{
    Session s = open_session(true);
    GByteArray *bytes = make_message(99, 5004), *got = g_byte_array_new();
    static const unsigned sizes[] = {2048, 2048, 928};

    s.port->read_at_most = read_at_most;
    guest_chunk(s.port, 1, bytes->data, bytes->len);
    guest_chunk(s.port, 2, "for the server itself", 21);
    guest_chunk(s.port, 1, NULL, 0);
    guest_message(s.port, 98, 0);
    wake(s.port);
    peer_run(s.server);
    for (unsigned i = 0; i < 3; i++) {
        CHECK(peer_next(s.peer) == SPICE_MSG_MAIN_AGENT_DATA && s.peer->body.size == sizes[i]);
        g_byte_array_append(got, s.peer->body.data, (guint)s.peer->body.size);
    }
    CHECK(got->len == bytes->len && !memcmp(got->data, bytes->data, got->len));
    CHECK(peer_next(s.peer) == SPICE_MSG_MAIN_AGENT_DATA && s.peer->body.size == 20);
    CHECK(!peer_next(s.peer));
    CHECK(s.port->taken == s.port->to_server->len);
    g_byte_array_unref(bytes);
    g_byte_array_unref(got);
    close_session(&s);
}

static void test_client_to_guest(void)
{
    for (int at_most = 0; at_most < 30; at_most += 7) {
        Session s = open_session(true);

        s.port->write_at_most = at_most;
        client_message(&s, 99, 5004);
        GByteArray *bytes = make_message(99, 5004);
        CHECK(guest_has(s.port, 1, bytes->data, 2048));
        CHECK(guest_has(s.port, 1, bytes->data + 2048, 2048));
        CHECK(guest_has(s.port, 1, bytes->data + 4096, 928));
        client_message(&s, 98, 0);
        CHECK(guest_has_message(s.port, 98, 0) && !s.port->to_guest->len);
        g_byte_array_unref(bytes);
        close_session(&s);
    }
}

/* What the guest may not send: the agent is closed, the client stays. */
static void test_guest_violations(void)
{
    for (int kind = 0; kind < 7; kind++) {
        Session s = open_session(true);
        GByteArray *bytes = make_message(99, 100);
        unsigned updates = fake_mouse_updates;

        switch (kind) {
        case 0:
            guest_chunk(s.port, 0, bytes->data, bytes->len);
            break;
        case 1:
            guest_chunk(s.port, 3, bytes->data, bytes->len);
            break;
        case 2: /* half a header */
            guest_chunk(s.port, 1, bytes->data, 19);
            break;
        case 3:
            bytes->data[0] = 2;
            guest_chunk(s.port, 1, bytes->data, bytes->len);
            break;
        case 4: /* more than the message */
            g_byte_array_append(bytes, (const uint8_t *)"x", 1);
            guest_chunk(s.port, 1, bytes->data, bytes->len);
            break;
        case 5: /* the same, in the second piece */
            guest_chunk(s.port, 1, bytes->data, 60);
            guest_chunk(s.port, 1, bytes->data, 61);
            break;
        case 6: /* the client's port in its lower bytes only */
            guest_chunk(s.port, 0x10001, bytes->data, bytes->len);
            break;
        }
        guest_message(s.port, 97, 5); /* not read any more */
        wake(s.port);
        CHECK(!agent_is_attached(s.server->agent));
        CHECK(s.port->state == 0 && fake_mouse_updates == updates + 1);
        if (kind == 5)
            CHECK(peer_count(s.peer, SPICE_MSG_MAIN_AGENT_DATA) <= 1);
        CHECK(!is_closed(&s));
        /* More wake-ups are nothing; the client's data neither; removing it is fine. */
        wake(s.port);
        client_message(&s, 99, 50);
        CHECK(!is_closed(&s) && !s.port->to_guest->len);
        CHECK(s.port->base.st != NULL);
        CHECK(char_device_detach(&s.port->base));
        CHECK(!char_device_detach(&s.port->base));
        /* The guest opens the port again. */
        s.port->taken = s.port->to_server->len;
        CHECK(char_device_attach(s.server, &s.port->base));
        peer_run(s.server);
        bool connected = false, disconnected = false;
        for (uint16_t type; (type = peer_next(s.peer));) {
            connected |= type == SPICE_MSG_MAIN_AGENT_CONNECTED_TOKENS;
            disconnected |= type == SPICE_MSG_MAIN_AGENT_DISCONNECTED && !connected;
        }
        CHECK(connected && disconnected);
        start(&s, 100);
        client_message(&s, 99, 50);
        CHECK(guest_has_message(s.port, 99, 50));
        g_byte_array_unref(bytes);
        close_session(&s);
    }
}

/* What the client may not send. */
static void test_client_violations(void)
{
    static const uint8_t zeros[4000];

    for (int started = 0; started < 2; started++)
        for (int kind = 0; kind < 7; kind++) {
            Session s = open_session(started);
            GByteArray *bytes = make_message(99, 4000);

            switch (kind) {
            case 0:
                client_bytes(&s, NULL, 0);
                break;
            case 1:
                client_bytes(&s, bytes->data, 2049);
                break;
            case 2:
                client_bytes(&s, bytes->data, 19);
                break;
            case 3:
                client_bytes(&s, zeros, 20);
                break;
            case 4:
                wire_put_u32(bytes->data + 16, 10);
                client_bytes(&s, bytes->data, 31);
                break;
            case 5:
                wire_put_u32(bytes->data + 16, 10);
                client_bytes(&s, bytes->data, 25);
                client_bytes(&s, bytes->data, 6);
                break;
            case 6:
                peer_send_raw(s.peer, SPICE_MSGC_MAIN_AGENT_DATA, 0xffffffff, zeros, 4000);
                break;
            }
            CHECK(is_closed(&s));
            CHECK(agent_is_attached(s.server->agent) && s.port->state == 1);
            g_byte_array_unref(bytes);
            close_session(&s);
        }
}

/* ---- Tokens (14.3) ---- */

static void test_client_tokens(void)
{
    Session s = open_session(true);

    for (int i = 0; i < 9; i++)
        client_message(&s, 99, 1);
    const WireMsgMainAgentToken *token = peer_expect(s.peer, SPICE_MSG_MAIN_AGENT_TOKEN);
    CHECK(token && token->num_tokens == 5 && !peer_next(s.peer));
    client_message(&s, 99, 1);
    CHECK(peer_expect(s.peer, SPICE_MSG_MAIN_AGENT_TOKEN) && !peer_next(s.peer));
    CHECK(!is_closed(&s));
    /* The guest takes nothing: ten, and no more. */
    s.port->write_room = 0;
    for (int i = 0; i < 10; i++)
        client_message(&s, 99, 1);
    CHECK(!is_closed(&s));
    client_message(&s, 99, 1);
    CHECK(is_closed(&s));
    close_session(&s);
    /* Filtered ones are given back, too. */
    s = open_session(true);
    s.server->options.agent_file_xfer = false;
    for (int i = 0; i < 40; i++)
        client_message(&s, VD_AGENT_FILE_XFER_DATA, 100);
    CHECK(!is_closed(&s) && peer_count(s.peer, SPICE_MSG_MAIN_AGENT_TOKEN) == 8);
    CHECK(!s.port->to_guest->len);
    close_session(&s);
    /* Before START they cost nothing, and nothing comes through. */
    s = open_session(false);
    for (int i = 0; i < 40; i++)
        client_message(&s, 99, 100);
    CHECK(!is_closed(&s) && !peer_next(s.peer) && !s.port->to_guest->len);
    close_session(&s);
}

static void test_send_tokens(void)
{
    Session s = open_session(false);

    /* AGENT_TOKEN before START aborts other servers. */
    peer_send(s.peer, SPICE_MSGC_MAIN_AGENT_TOKEN, &(WireMsgcMainAgentToken){.num_tokens = 1});
    CHECK(!is_closed(&s));
    guest_message(s.port, 99, 1); /* lost: nobody has said START */
    wake(s.port);
    start(&s, 3);
    CHECK(!peer_next(s.peer));
    for (int i = 0; i < 10; i++)
        guest_message(s.port, 99, 100);
    wake(s.port);
    peer_run(s.server);
    CHECK(peer_count(s.peer, SPICE_MSG_MAIN_AGENT_DATA) == 3);
    CHECK(s.port->to_server->len - s.port->taken >= 5 * 128); /* it isn't read ahead much */
    peer_send(s.peer, SPICE_MSGC_MAIN_AGENT_TOKEN, &(WireMsgcMainAgentToken){.num_tokens = 2});
    peer_run(s.server);
    CHECK(peer_count(s.peer, SPICE_MSG_MAIN_AGENT_DATA) == 2);
    start(&s, 1); /* sets anew */
    CHECK(peer_count(s.peer, SPICE_MSG_MAIN_AGENT_DATA) == 1);
    for (int i = 0; i < 3; i++)
        peer_send(s.peer, SPICE_MSGC_MAIN_AGENT_TOKEN,
                  &(WireMsgcMainAgentToken){.num_tokens = UINT32_MAX - 1});
    peer_run(s.server);
    CHECK(peer_count(s.peer, SPICE_MSG_MAIN_AGENT_DATA) == 4);
    /* None for too long. */
    start(&s, 0);
    guest_message(s.port, 99, 100);
    wake(s.port);
    CHECK(!is_closed(&s));
    clock_forward_ms(29900);
    CHECK(!is_closed(&s));
    clock_forward_ms(200);
    CHECK(is_closed(&s) && agent_is_attached(s.server->agent));
    close_session(&s);
}

/* A client that doesn't read doesn't make the queue grow. */
static void test_slow_client(void)
{
    Session s = open_session(true);

    for (int i = 0; i < 1000; i++)
        guest_message(s.port, VD_AGENT_CLIPBOARD, 20000);
    wake(s.port);
    peer_run(s.server);
    CHECK(s.port->taken < 2000000);
    ChannelClient *cc = s.server->main->channel->clients->data;
    CHECK(cc->engine->queued < 500000);
    unsigned n = 0;
    for (int i = 0; i < 3000 && n < 10000; i++) {
        n += peer_count(s.peer, SPICE_MSG_MAIN_AGENT_DATA);
        g_byte_array_remove_range(s.peer->in, 0, (guint)s.peer->handled);
        s.peer->handled = 0;
        loop_run_once(s.server->loop, 10);
    }
    CHECK(n == 10000 && s.port->taken == s.port->to_server->len);
    close_session(&s);
}

/* ---- Filters (14.4) ---- */

static void test_filters(void)
{
    static const struct {
        uint32_t type;
        bool clipboard, file;
    } table[] = {
        {VD_AGENT_CLIPBOARD, true, false},
        {VD_AGENT_CLIPBOARD_GRAB, true, false},
        {VD_AGENT_CLIPBOARD_REQUEST, true, false},
        {VD_AGENT_CLIPBOARD_RELEASE, true, false},
        {VD_AGENT_FILE_XFER_START, false, true},
        {VD_AGENT_FILE_XFER_STATUS, false, true},
        {VD_AGENT_FILE_XFER_DATA, false, true},
        {VD_AGENT_DISPLAY_CONFIG, false, false},
        {VD_AGENT_ANNOUNCE_CAPABILITIES, false, false},
        {VD_AGENT_MONITORS_CONFIG, false, false},
        {VD_AGENT_AUDIO_VOLUME_SYNC, false, false},
        {99, false, false},
    };

    for (int setting = 0; setting < 4; setting++) {
        Session s = open_session(true);

        s.server->options.agent_copypaste = setting & 1;
        s.server->options.agent_file_xfer = setting & 2;
        for (unsigned i = 0; i < G_N_ELEMENTS(table); i++) {
            bool dropped =
                (table[i].clipboard && !(setting & 1)) || (table[i].file && !(setting & 2));

            client_message(&s, table[i].type, 3000);
            GByteArray *bytes = make_message(table[i].type, 3000);
            CHECK(guest_has(s.port, 1, bytes->data, 2048) == !dropped);
            CHECK(guest_has(s.port, 1, bytes->data + 2048, 972) == !dropped);
            g_byte_array_unref(bytes);
            peer_count(s.peer, 0);
            guest_message(s.port, table[i].type, 3000);
            wake(s.port);
            peer_run(s.server);
            CHECK(peer_count(s.peer, SPICE_MSG_MAIN_AGENT_DATA) == (dropped ? 0 : 2));
        }
        /* A verdict is for the whole message, whatever is switched in the middle of it. */
        GByteArray *bytes = make_message(VD_AGENT_CLIPBOARD, 3000);
        client_bytes(&s, bytes->data, 2048);
        peer_run(s.server);
        s.server->options.agent_copypaste = !(setting & 1);
        client_bytes(&s, bytes->data + 2048, 972);
        peer_run(s.server);
        CHECK(s.port->to_guest->len == (setting & 1 ? 3020 + 16 : 0));
        CHECK(!is_closed(&s));
        g_byte_array_unref(bytes);
        close_session(&s);
    }
}

static uint32_t announced(Session *s, uint32_t caps)
{
    uint8_t data[28] = {0};

    wire_put_u32(data, 1);
    wire_put_u32(data + 4, VD_AGENT_ANNOUNCE_CAPABILITIES);
    wire_put_u32(data + 16, 8);
    wire_put_u32(data + 20, 1);
    wire_put_u32(data + 24, caps);
    guest_chunk(s->port, 1, data, sizeof data);
    wake(s->port);
    peer_run(s->server);
    return peer_next(s->peer) == SPICE_MSG_MAIN_AGENT_DATA && s->peer->body.size == 28
               ? wire_get_u32(s->peer->body.data + 24)
               : 0;
}

static void test_announcement(void)
{
    Session s = open_session(true);

    CHECK(announced(&s, 0x38de7) == 0x38de7);
    s.server->options.agent_copypaste = s.server->options.agent_file_xfer = false;
    CHECK(announced(&s, 0x38de7) == 0x3ad87); /* 87 ad 03 00 */
    /* Not in the middle of a message, and not what the client says. */
    GByteArray *bytes = make_message(99, 2028 + 28);
    wire_put_u32(bytes->data + 2048, 1);
    wire_put_u32(bytes->data + 2048 + 4, VD_AGENT_ANNOUNCE_CAPABILITIES);
    wire_put_u32(bytes->data + 2048 + 16, 8);
    wire_put_u32(bytes->data + 2048 + 24, 0xffffffff);
    guest_chunk(s.port, 1, bytes->data, bytes->len);
    wake(s.port);
    peer_run(s.server);
    CHECK(peer_next(s.peer) && peer_next(s.peer) && s.peer->body.size == 28 &&
          !memcmp(s.peer->body.data, bytes->data + 2048, 28));
    g_byte_array_set_size(s.port->to_guest, 0);
    client_message(&s, VD_AGENT_ANNOUNCE_CAPABILITIES, 8);
    CHECK(guest_has_message(s.port, VD_AGENT_ANNOUNCE_CAPABILITIES, 8));
    /* Too short to hold words. */
    for (uint32_t size = 0; size < 8; size++) {
        guest_message(s.port, VD_AGENT_ANNOUNCE_CAPABILITIES, size);
        wake(s.port);
        peer_run(s.server);
        CHECK(peer_next(s.peer) == SPICE_MSG_MAIN_AGENT_DATA && s.peer->body.size == 20 + size);
    }
    CHECK(agent_is_attached(s.server->agent));
    g_byte_array_unref(bytes);
    close_session(&s);
}

static void test_device_info(void)
{
    static const uint8_t expected[] = {
        2,  0, 0, 0, 2,   0,   0,   0,   16,  0,   0,   0,   0,   0,   0,   0,   0,   0, 0, 0,
        34, 0, 0, 0, 1,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0, 0, 0,
        14, 0, 0, 0, 'p', 'c', 'i', '/', '0', '0', '0', '0', '/', '0', '2', '.', '0', 0};
    Session s = open_session(true);
    Worker worker = {.address = "pci/0000/02.0", .displays = 1}, other = {.channel_id = 1};
    uint8_t header[62];

    /* As traced: port 2, 54 bytes, type 16, 34 bytes of data. */
    memcpy(header, expected, sizeof expected);
    wire_put_u32(header, 2);
    wire_put_u32(header + 4, 54);
    s.server->workers = g_list_append(g_list_append(NULL, &other), &worker);
    CHECK(announced(&s, 1) == 1);
    agent_devices_changed(s.server->agent);
    CHECK(!s.port->to_guest->len); /* not wanted */
    for (int i = 0; i < 3; i++) {
        if (i == 0)
            CHECK(announced(&s, 0x38de7) == 0x38de7);
        if (i == 1)
            agent_devices_changed(s.server->agent);
        if (i == 2)
            start(&s, 100);
        CHECK(s.port->to_guest->len == 62);
        CHECK(s.port->to_guest->len == 62 &&
              wire_get_u32(s.port->to_guest->data) == VDP_SERVER_PORT &&
              wire_get_u32(s.port->to_guest->data + 4) == 54 &&
              wire_get_u32(s.port->to_guest->data + 8) == 1 &&
              wire_get_u32(s.port->to_guest->data + 12) == 16 &&
              wire_get_u32(s.port->to_guest->data + 24) == 34 &&
              !memcmp(s.port->to_guest->data + 28, expected + 24, 34));
        g_byte_array_set_size(s.port->to_guest, 0);
    }
    /* Three displays of one device (check list 11), and the most there can be. */
    worker.displays = 3;
    worker.first = 4;
    agent_devices_changed(s.server->agent);
    CHECK(s.port->to_guest->len == 28 + 4 + 3 * 30 &&
          wire_get_u32(s.port->to_guest->data + 28) == 3 &&
          wire_get_u32(s.port->to_guest->data + 28 + 4 + 2 * 30 + 4) == 2 &&
          wire_get_u32(s.port->to_guest->data + 28 + 4 + 2 * 30 + 8) == 6);
    g_byte_array_set_size(s.port->to_guest, 0);
    worker.displays = 0xffffffff;
    agent_devices_changed(s.server->agent);
    CHECK(s.port->to_guest->len > 2056 && wire_get_u32(s.port->to_guest->data + 4) == 2048);
    close_session(&s);
}

/* ---- Monitors (11.7) ---- */

static GByteArray *monitors_message(uint32_t n, uint32_t flags, uint32_t size)
{
    GByteArray *bytes = make_message(VD_AGENT_MONITORS_CONFIG, size);

    if (size >= 8) {
        wire_put_u32(bytes->data + 20, n);
        wire_put_u32(bytes->data + 24, flags);
    }
    return bytes;
}

static void send_all(Session *s, GByteArray *bytes)
{
    WireBytes rest = {bytes->data, bytes->len};

    while (rest.size) {
        WireBytes piece = agent_next_piece(&rest);

        client_bytes(s, piece.data, piece.size);
    }
    peer_run(s->server);
    g_byte_array_unref(bytes);
}

static void test_monitors(void)
{
    Session s = open_session(true);
    Worker worker = {.takes_monitors = true}, other = {.channel_id = 1};
    GByteArray *bytes = monitors_message(2, 2, 56);

    wire_put_u32(bytes->data + 28 + 4, 1024);
    wire_put_u32(bytes->data + 28 + 20 + 4, 640);
    wire_put_u16(bytes->data + 28 + 40, 333);
    s.server->workers = g_list_append(NULL, &worker);
    send_all(&s, g_byte_array_append(g_byte_array_new(), bytes->data, bytes->len));
    CHECK(worker.configs == 1 && worker.n_monitors == 2 && worker.width == 1024 &&
          worker.mm_height == 333);
    CHECK(!s.port->to_guest->len);
    /* A device that doesn't take them: they are the agent's. */
    s.server->workers = g_list_append(s.server->workers, &other);
    send_all(&s, g_byte_array_append(g_byte_array_new(), bytes->data, bytes->len));
    CHECK(worker.configs == 1 && s.port->to_guest->len == 8 + 76);
    g_byte_array_set_size(s.port->to_guest, 0);
    /* Two that do: each gets its own. */
    other.takes_monitors = true;
    send_all(&s, bytes);
    CHECK(worker.configs == 2 && worker.n_monitors == 1 && worker.width == 1024);
    CHECK(other.configs == 1 && other.n_monitors == 1 && other.width == 640);
    send_all(&s, monitors_message(256, 2, 6152)); /* the largest, in four pieces */
    CHECK(worker.configs == 3 && !is_closed(&s));
    send_all(&s, monitors_message(0, 0, 8));
    CHECK(worker.configs == 3 && !is_closed(&s)); /* none of them is a device's own */
    close_session(&s);
}

/* Truncated and oversized configurations, whole and in pieces; nothing of ours gets to a device. */
static void cve_2017_7506_monitors_config(void)
{
    static const struct {
        uint32_t n, flags, size;
    } bad[] = {{0, 0, 0},
               {1, 0, 7},
               {1, 0, 8},
               {1, 0, 27},
               {1, 2, 28},
               {1, 2, 31},
               {2, 0, 28},
               {308, 0, 6152},
               {0x0ccccccd, 0, 28},
               {0x80000000, 0, 28},
               {0xffffffff, 2, 100},
               {256, 0, 6153},
               {1, 0, 0xffffffff},
               {1, 0, 0x7fffffff}};

    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++)
        for (int in_pieces = 0; in_pieces < 2; in_pieces++) {
            Session s = open_session(true);
            Worker worker = {.takes_monitors = true};
            GByteArray *bytes = monitors_message(bad[i].n, bad[i].flags, MIN(bad[i].size, 6200));

            s.server->workers = g_list_append(NULL, &worker);
            wire_put_u32(bytes->data + 16, bad[i].size);
            for (guint at = 0, size; at < bytes->len; at += size) {
                size = MIN(in_pieces && at ? 1000 : in_pieces ? 20 : 2048, bytes->len - at);
                client_bytes(&s, bytes->data + at, size);
            }
            CHECK(is_closed(&s));
            CHECK(!worker.configs && agent_is_attached(s.server->agent));
            g_byte_array_unref(bytes);
            close_session(&s);
        }
}

/* ---- Mouse (14.3) ---- */

static bool guest_has_mouse(Port *port, uint32_t x, uint32_t buttons)
{
    const uint8_t *p = port->to_guest->data;
    bool same = port->to_guest->len >= 41 && wire_get_u32(p) == VDP_SERVER_PORT &&
                wire_get_u32(p + 4) == 33 && wire_get_u32(p + 12) == VD_AGENT_MOUSE_STATE &&
                wire_get_u32(p + 24) == 13 && wire_get_u32(p + 28) == x &&
                wire_get_u32(p + 36) == buttons;

    if (same)
        g_byte_array_remove_range(port->to_guest, 0, 41);
    return same;
}

static void move(Session *s, uint32_t x, uint32_t buttons)
{
    agent_mouse_state(s->server->agent, &(AgentMouseState){.x = x, .buttons = buttons});
}

static void test_mouse(void)
{
    Session s = open_session(false);

    move(&s, 1, 0);
    CHECK(guest_has_mouse(s.port, 1, 0));
    s.port->write_room = 10; /* the first one gets stuck */
    for (uint32_t i = 2; i <= 6; i++)
        move(&s, i, 0);
    s.port->write_room = -1;
    wake(s.port);
    CHECK(guest_has_mouse(s.port, 2, 0) && guest_has_mouse(s.port, 6, 0) && !s.port->to_guest->len);
    /* A click while the guest is stalled stays a click, where it was made. */
    s.port->write_room = 0;
    move(&s, 10, 0);
    move(&s, 11, 0);
    move(&s, 12, 2);
    move(&s, 13, 2);
    move(&s, 14, 2);
    move(&s, 14, 0);
    move(&s, 15, 0);
    move(&s, 16, 0);
    s.port->write_room = -1;
    wake(s.port);
    CHECK(guest_has_mouse(s.port, 10, 0) && guest_has_mouse(s.port, 11, 0) &&
          guest_has_mouse(s.port, 12, 2) && guest_has_mouse(s.port, 14, 2) &&
          guest_has_mouse(s.port, 14, 0) && guest_has_mouse(s.port, 16, 0) &&
          !s.port->to_guest->len);
    s.port->write_room = 0;
    for (uint32_t i = 0; i < 100000; i++)
        move(&s, i, i & 2);
    s.port->write_room = -1;
    wake(s.port);
    CHECK(s.port->to_guest->len <= 41 * (AGENT_MOUSE_PENDING + 1));
    g_byte_array_remove_range(s.port->to_guest, 0, s.port->to_guest->len - 41);
    CHECK(guest_has_mouse(s.port, 99999, 2));
    close_session(&s);
}

/* ---- Clients and agents that come and go (14.1, 14.5) ---- */

static const uint8_t client_disconnected[] = {2, 0, 0, 0, 20, 0, 0, 0, 1, 0, 0, 0, 13, 0,
                                              0, 0, 0, 0, 0,  0, 0, 0, 0, 0, 0, 0, 0,  0};

static void test_client_leaves(void)
{
    Session s = open_session(true);
    GByteArray *bytes = make_message(99, 3000);

    /* In the middle of a message each way, with a stalled guest. */
    s.port->write_room = 100;
    client_message(&s, 99, 1000);
    client_message(&s, 98, 1000);
    client_bytes(&s, bytes->data, 2048);
    guest_chunk(s.port, 1, bytes->data, 1000);
    wake(s.port);
    peer_run(s.server);
    CHECK(peer_count(s.peer, SPICE_MSG_MAIN_AGENT_DATA) == 1);
    for (int i = 0; i < 20; i++) { /* each tells the agent, but only once */
        peer_free(s.peer);
        peer_run(s.server);
        s.peer = link_client(s.server);
    }
    CHECK(peer_expect(s.peer, SPICE_MSG_MAIN_INIT));
    start(&s, 100);
    /* What had begun is completed, the rest is dropped; the agent is told. */
    s.port->write_room = -1;
    wake(s.port);
    CHECK(guest_has_message(s.port, 99, 1000));
    CHECK(s.port->to_guest->len == sizeof client_disconnected &&
          !memcmp(s.port->to_guest->data, client_disconnected, sizeof client_disconnected));
    g_byte_array_set_size(s.port->to_guest, 0);
    /* The rest of the message to the first client isn't the second one's. */
    guest_chunk(s.port, 1, bytes->data + 1000, 2020);
    guest_message(s.port, 97, 5);
    wake(s.port);
    peer_run(s.server);
    CHECK(peer_next(s.peer) == SPICE_MSG_MAIN_AGENT_DATA && s.peer->body.size == 25 &&
          wire_get_u32(s.peer->body.data + 4) == 97);
    /* And its own messages begin anew. */
    client_message(&s, 96, 100);
    CHECK(guest_has_message(s.port, 96, 100));
    CHECK(!is_closed(&s) && s.port->states == 1);
    g_byte_array_unref(bytes);
    close_session(&s);
}

static void test_agent_twice(void)
{
    Session s = open_session(true);
    Port *second = port_new("vdagent");
    unsigned lines = peer_log_lines();

    CHECK(!char_device_attach(s.server, &second->base));
    CHECK(!second->base.st && second->states == 0 && peer_log_lines() > lines);
    CHECK(!char_device_detach(&second->base));
    client_message(&s, 99, 10); /* the first keeps working */
    CHECK(guest_has_message(s.port, 99, 10));
    for (int i = 0; i < 5; i++) {
        CHECK(char_device_detach(&s.port->base) && s.port->state == 0);
        CHECK(!char_device_detach(&s.port->base));
        peer_run(s.server);
        CHECK(peer_expect(s.peer, SPICE_MSG_MAIN_AGENT_DISCONNECTED));
        CHECK(char_device_attach(s.server, &s.port->base) && s.port->state == 1);
        peer_run(s.server);
        const WireMsgMainAgentConnectedTokens *tokens =
            peer_expect(s.peer, SPICE_MSG_MAIN_AGENT_CONNECTED_TOKENS);
        CHECK(tokens && tokens->num_tokens == 10);
        start(&s, 100);
        client_message(&s, 99, 10);
        CHECK(guest_has_message(s.port, 99, 10));
    }
    /* An agent that leaves in the middle: what the client still sends of it does no harm. */
    GByteArray *bytes = make_message(99, 5000);
    client_bytes(&s, bytes->data, 2048);
    peer_run(s.server);
    g_byte_array_set_size(s.port->to_guest, 0);
    char_device_detach(&s.port->base);
    client_bytes(&s, bytes->data + 2048, 2048);
    char_device_attach(s.server, &s.port->base);
    client_bytes(&s, bytes->data + 4096, 924);
    CHECK(!is_closed(&s) && !s.port->to_guest->len);
    start(&s, 100);
    client_message(&s, 98, 10);
    CHECK(guest_has_message(s.port, 98, 10));
    g_byte_array_unref(bytes);
    /* A client without the capability is told in the old way. */
    char_device_detach(&s.port->base);
    peer_free(s.peer);
    s.peer = peer_link(s.server, SPICE_CHANNEL_MAIN, 0, 0, true, NULL, PEER_UNIX);
    peer_run(s.server);
    const WireMsgMainInit *init = peer_expect(s.peer, SPICE_MSG_MAIN_INIT);
    CHECK(init && !init->agent_connected);
    char_device_attach(s.server, &s.port->base);
    peer_run(s.server);
    CHECK(peer_expect(s.peer, SPICE_MSG_MAIN_AGENT_CONNECTED));
    port_free(second);
    close_session(&s);
}

/* Bytes of every kind from the guest: it ends with the agent closed or with silence. */
static void test_guest_garbage(void)
{
    GRand *rand = g_rand_new_with_seed(3);

    for (int i = 0; i < 300; i++) {
        Session s = open_session(i & 1);
        uint8_t bytes[600];

        for (unsigned k = 0; k < sizeof bytes; k++)
            bytes[k] = g_rand_int_range(rand, 0, 4) ? (uint8_t)(k % 4 == 0) * 1
                                                    : (uint8_t)g_rand_int(rand);
        guest_bytes(s.port, bytes, sizeof bytes);
        s.port->read_at_most = (size_t)g_rand_int_range(rand, 0, 50);
        wake(s.port);
        CHECK(!is_closed(&s));
        close_session(&s);
    }
    g_rand_free(rand);
}

int main(void)
{
    tap_case("from the guest to the client");
    for (size_t at_most = 0; at_most < 20; at_most++)
        test_guest_to_client(at_most);
    tap_case("from the client to the guest");
    test_client_to_guest();
    tap_case("a guest that breaks the rules");
    test_guest_violations();
    tap_case("cve_2016_9577_agent_data: a client that breaks the rules");
    test_client_violations();
    tap_case("tokens of the client");
    test_client_tokens();
    tap_case("tokens of the server");
    test_send_tokens();
    tap_case("a slow client");
    test_slow_client();
    tap_case("filters");
    test_filters();
    tap_case("announcements");
    test_announcement();
    tap_case("graphics device info");
    test_device_info();
    tap_case("monitors");
    test_monitors();
    tap_case("cve_2017_7506_monitors_config");
    cve_2017_7506_monitors_config();
    tap_case("mouse");
    test_mouse();
    tap_case("a client that leaves");
    test_client_leaves();
    tap_case("agents that come and go");
    test_agent_twice();
    tap_case("garbage from the guest");
    test_guest_garbage();
    return tap_done();
}
