/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sessions on a whole server, by its public functions: who gets in, who has to go, and the order of
 * the channel events. server-api.md 5.3, 7.3, 8.2, 8.6, check list 23 items 5, 7, 8. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "link-peer.h"
#include "server/guest.h"
#include "tap.h"

static SpiceServer *server_new(void)
{
    SpiceServer *server = spice_server_new();

    CHECK(spice_server_set_noauth(server) == 0);
    CHECK(spice_server_init(server, net_core()) == 0);
    return server;
}

static void server_free(SpiceServer *server)
{
    spice_server_destroy(server);
    CHECK(net_core_watches() == 0 && net_core_timers() == 0);
    CHECK(net_events_of(SPICE_CHANNEL_EVENT_CONNECTED) ==
          net_events_of(SPICE_CHANNEL_EVENT_DISCONNECTED));
    g_array_set_size(net_events, 0);
}

static LinkPeer dial(SpiceServer *server, bool skip_auth)
{
    int fds[2];

    net_pair(fds);
    CHECK(spice_server_add_client(server, fds[0], skip_auth) == 0);
    return link_peer_over(fds[1]);
}

/* Read one message with a mini header; its type, 0: none. */
static unsigned next_message(LinkPeer *peer, uint8_t *body, size_t size)
{
    uint8_t header[6];
    uint32_t length;

    if (link_peer_receive(peer, header, sizeof header, 15000) != sizeof header)
        return 0;
    length = header[2] | header[3] << 8 | header[4] << 16;
    if (length > size || link_peer_receive(peer, body, length, 15000) != length)
        return 0;
    return header[0] | header[1] << 8;
}

/* A new session; its connection id, 0: refused. */
static uint32_t new_session(SpiceServer *server, LinkPeer *peer, const char *password)
{
    uint8_t body[1000];

    *peer = dial(server, false);
    if (link_peer_link(peer, 0, SPICE_CHANNEL_MAIN, 0, password) != SPICE_LINK_ERR_OK ||
        next_message(peer, body, sizeof body) != SPICE_MSG_MAIN_INIT)
        return 0;
    return wire_link_word_read(body);
}

/* "C0 I1 D1": event and channel type of all so far. */
static char *events_text(void)
{
    GString *text = g_string_new(NULL);

    for (unsigned i = 0; i < net_events->len; i++) {
        NetEvent *event = &g_array_index(net_events, NetEvent, i);

        g_string_append_printf(text, "%s%c%d", i ? " " : "", " CID"[event->event],
                               event -> info.type);
    }
    return g_string_free(text, FALSE);
}

static bool happened(const char *expected)
{
    g_autofree char *text = NULL;

    for (int i = 0; i < 300; i++) {
        g_free(text);
        text = events_text();
        if (strcmp(text, expected) == 0)
            return true;
        net_core_run(5);
    }
    printf("# events: %s\n", text);
    return false;
}

/* ---- One client ---- */

static void test_session(void)
{
    SpiceServer *server;
    LinkPeer main_peer, inputs, again;
    uint32_t id;
    uint8_t body[1000], byte;

    tap_case("8.2: a session: main, then its channels, by socket pairs");
    server = server_new();
    id = new_session(server, &main_peer, "");
    CHECK(id != 0);
    inputs = dial(server, false);
    CHECK(link_peer_link(&inputs, id, SPICE_CHANNEL_INPUTS, 0, "") == SPICE_LINK_ERR_OK);
    CHECK(next_message(&inputs, body, sizeof body) == SPICE_MSG_INPUTS_INIT);
    CHECK(spice_server_get_num_clients(server) == 1);
    CHECK(net_events->len == 4);
    {
        NetEvent *events = (NetEvent *)net_events->data;

        CHECK(net_events->len == 4 && events[1].info.connection_id == (int)id &&
              events[3].info.connection_id == (int)id);
    }

    tap_case("8.2: a duplicate channel: OK, INITIALIZED, closed; the first stays");
    g_array_set_size(net_events, 0);
    again = dial(server, false);
    CHECK(link_peer_link(&again, id, SPICE_CHANNEL_INPUTS, 0, "") == SPICE_LINK_ERR_OK);
    CHECK(link_peer_sees_end(&again));
    CHECK(happened("C0 I3 D3"));
    link_peer_close(&again);
    CHECK(link_peer_receive(&inputs, &byte, 1, 50) == 0 && !inputs.ended);

    tap_case("8.2: an unknown session; a main link with an id that nothing explains");
    again = dial(server, false);
    CHECK(link_peer_link(&again, id ^ 1, SPICE_CHANNEL_INPUTS, 0, "") ==
          SPICE_LINK_ERR_BAD_CONNECTION_ID);
    CHECK(link_peer_sees_end(&again));
    link_peer_close(&again);
    spice_server_vm_start(server); /* nobody follows a machine that has been here already */
    spice_server_vm_stop(server);
    again = dial(server, false);
    CHECK(link_peer_link(&again, id, SPICE_CHANNEL_MAIN, 0, "") ==
          SPICE_LINK_ERR_BAD_CONNECTION_ID);
    link_peer_close(&again);
    CHECK(spice_server_get_num_clients(server) == 1);

    tap_case("9: main goes, all go");
    g_array_set_size(net_events, 0);
    link_peer_close(&main_peer);
    CHECK(link_peer_sees_end(&inputs));
    CHECK(happened("D3 D1"));
    CHECK(spice_server_get_num_clients(server) == 0);
    link_peer_close(&inputs);
    g_array_set_size(net_events, 0);
    server_free(server);
}

/* ---- Two clients ---- */

static void test_second_client(void)
{
    SpiceServer *server;
    LinkPeer first, inputs, second, wrong;
    uint32_t id, other;
    uint8_t body[1000], byte;

    tap_case("8.6: who doesn't get in disturbs nobody");
    server = server_new();
    CHECK(spice_server_set_ticket(server, "s3cret", 0, 0, 0) == 0);
    id = new_session(server, &first, "s3cret");
    inputs = dial(server, false);
    CHECK(link_peer_link(&inputs, id, SPICE_CHANNEL_INPUTS, 0, "s3cret") == SPICE_LINK_ERR_OK);
    CHECK(next_message(&inputs, body, sizeof body) == SPICE_MSG_INPUTS_INIT);
    wrong = dial(server, false);
    CHECK(link_peer_link(&wrong, 0, SPICE_CHANNEL_MAIN, 0, "guess") ==
          SPICE_LINK_ERR_PERMISSION_DENIED);
    link_peer_close(&wrong);
    CHECK(link_peer_receive(&inputs, &byte, 1, 30) == 0 && !inputs.ended);

    tap_case("8.6: a second client: all DISCONNECTED of the first one come before its INITIALIZED");
    net_core_run(5);
    g_array_set_size(net_events, 0);
    other = new_session(server, &second, "s3cret");
    CHECK(other != 0 && other != id);
    CHECK(happened("C0 D3 D1 I1"));
    /* what was sent before may come; then the end */
    while (link_peer_receive(&first, body, sizeof body, 15000) && !first.ended)
        ;
    CHECK(first.ended && link_peer_sees_end(&inputs));
    CHECK(spice_server_get_num_clients(server) == 1);
    link_peer_close(&first);
    link_peer_close(&inputs);
    inputs = dial(server, false);
    CHECK(link_peer_link(&inputs, id, SPICE_CHANNEL_INPUTS, 0, "s3cret") ==
          SPICE_LINK_ERR_BAD_CONNECTION_ID);
    link_peer_close(&inputs);

    tap_case("7.3: set_ticket with a client: fail, keep, disconnect");
    CHECK(spice_server_set_ticket(server, "new", 0, 1, 0) == -1);
    CHECK(spice_server_get_num_clients(server) == 1);
    CHECK(spice_server_set_ticket(server, "new", 0, 0, 0) == 0);
    CHECK(spice_server_get_num_clients(server) == 1);
    CHECK(spice_server_set_ticket(server, "newer", 0, 0, 1) == 0);
    CHECK(spice_server_get_num_clients(server) == 0);
    link_peer_close(&second);
    CHECK(new_session(server, &second, "newer") != 0);
    link_peer_close(&second);
    CHECK(spice_server_set_ticket(server, "short", 1, 0, 0) == 0);
    CHECK(new_session(server, &second, "short") != 0);
    link_peer_close(&second);
    CHECK(spice_server_set_ticket(server, "gone", -5, 0, 0) == 0);
    CHECK(new_session(server, &second, "gone") == 0);
    link_peer_close(&second);
    CHECK(spice_server_set_ticket(server, NULL, 0, 0, 0) == 0);
    CHECK(new_session(server, &second, "") == 0);
    link_peer_close(&second);

    tap_case("7.3: set_ticket ends who came in without one");
    CHECK(spice_server_set_noauth(server) == 0);
    CHECK(new_session(server, &second, "") != 0);
    CHECK(spice_server_get_num_clients(server) == 1);
    CHECK(spice_server_set_ticket(server, "from now on", 0, 1, 0) == -1);
    CHECK(spice_server_get_num_clients(server) == 1);
    link_peer_close(&second);
    CHECK(NET_WAIT(spice_server_get_num_clients(server) == 0, 15000));
    CHECK(new_session(server, &second, "") != 0); /* that had changed nothing */
    CHECK(spice_server_set_ticket(server, "from now on", 0, 0, 0) == 0);
    CHECK(spice_server_get_num_clients(server) == 0);
    link_peer_close(&second);

    tap_case("8.1: skip_auth with a ticket that is set");
    second = dial(server, true);
    CHECK(link_peer_link(&second, 0, SPICE_CHANNEL_MAIN, 0, "whatever") == SPICE_LINK_ERR_OK);
    CHECK(next_message(&second, body, sizeof body) == SPICE_MSG_MAIN_INIT);

    tap_case("4.4: destroy with a client and half-open links");
    first = dial(server, false);
    link_peer_send(&first, "REDQ", 4);
    net_core_run(5);
    g_array_set_size(net_events, 0);
    spice_server_destroy(server);
    CHECK(net_events_of(SPICE_CHANNEL_EVENT_DISCONNECTED) == 2);
    CHECK(net_core_watches() == 0 && net_core_timers() == 0);
    g_array_set_size(net_events, 0);
    link_peer_close(&first);
    link_peer_close(&second);
}

/* ---- Devices ---- */

/* The channel's own capabilities, as the link stage tells them; -1: none. */
static int64_t channel_word(SpiceServer *server, uint32_t id, uint8_t type)
{
    LinkPeer peer = dial(server, false);
    WireLinkReply reply;
    int64_t word = -2;

    if (CHECK(link_peer_hello(&peer, id, type, 0, LINK_COMMON, &reply)) &&
        CHECK(reply.common_caps.n_words == 1 && reply.common_caps.words[0] == 0x0b))
        word = reply.channel_caps.n_words ? (int64_t)reply.channel_caps.words[0] : -1;
    link_peer_close(&peer);
    return word;
}

static void test_devices(void)
{
    static const uint8_t list[] = {
        3, 0, 0, 0, SPICE_CHANNEL_DISPLAY, 0, SPICE_CHANNEL_CURSOR, 0, SPICE_CHANNEL_INPUTS, 0};
    SpiceServer *server = server_new();
    Guest *guest = guest_new(1 << 20);
    LinkPeer peer;
    uint8_t body[1000];
    uint32_t id;

    tap_case("6.1: the newest device is asked for its memory at each INIT");
    guest->info.qxl_ram_size = 111;
    CHECK(spice_server_add_interface(server, &guest->instance.base) == 0);
    for (uint32_t size = 222; size < 1000; size += 111) {
        guest->info.qxl_ram_size = size;
        peer = dial(server, false);
        CHECK(link_peer_link(&peer, 0, SPICE_CHANNEL_MAIN, 0, "") == SPICE_LINK_ERR_OK);
        CHECK(next_message(&peer, body, sizeof body) == SPICE_MSG_MAIN_INIT &&
              wire_link_word_read(body + 28) == size);
        link_peer_close(&peer);
    }

    tap_case("10: the list of channels: a device's display before its cursor");
    id = new_session(server, &peer, "");
    CHECK(link_peer_send(&peer, "\x68\0\0\0\0\0", 6)); /* ATTACH_CHANNELS */
    CHECK(next_message(&peer, body, sizeof body) == SPICE_MSG_MAIN_CHANNELS_LIST &&
          !memcmp(body, list, sizeof list));

    tap_case("8.2: the words of main, display, inputs and cursor");
    CHECK(channel_word(server, 0, SPICE_CHANNEL_MAIN) == 0x0f);
    CHECK(channel_word(server, id, SPICE_CHANNEL_DISPLAY) == 0x1052);
    CHECK(channel_word(server, id, SPICE_CHANNEL_INPUTS) == 0x1);
    CHECK(channel_word(server, id, SPICE_CHANNEL_CURSOR) == -1);
    CHECK(spice_server_get_num_clients(server) == 1); /* nobody was let in */
    link_peer_close(&peer);
    server_free(server);
    guest_free(guest);
}

/* ---- The machine moves away ---- */

static int n_connect_complete, n_end_complete;

static void connect_complete(SpiceMigrateInstance *instance)
{
    n_connect_complete++;
}

static void end_complete(SpiceMigrateInstance *instance)
{
    n_end_complete++;
}

static const SpiceMigrateInterface migrate_interface = {
    .base = {SPICE_INTERFACE_MIGRATION, "test", 1, 1},
    .migrate_connect_complete = connect_complete,
    .migrate_end_complete = end_complete};

/* The next message tells to go to new-host, ports 5900 and 5901. */
static bool told_to_go(LinkPeer *peer)
{
    uint8_t body[1000] = {0};
    WireArena arena;
    bool right;

    if (next_message(peer, body, sizeof body) != SPICE_MSG_MAIN_MIGRATE_SWITCH_HOST)
        return false;
    wire_arena_init(&arena, 4096);
    const WireMsgMainMigrateSwitchHost *go =
        wire_parse(SPICE_CHANNEL_MAIN, WIRE_TO_CLIENT, SPICE_MSG_MAIN_MIGRATE_SWITCH_HOST, body,
                   sizeof body, &arena, NULL);
    right = go && go->dst_info.port == 5900 && go->dst_info.sport == 5901 &&
            go->dst_info.host.size == 9 && !memcmp(go->dst_info.host.data, "new-host", 9) &&
            go->dst_info.cert_subject.size == 5 &&
            !memcmp(go->dst_info.cert_subject.data, "CN=x", 5);
    wire_arena_clear(&arena);
    return right;
}

static void test_migration(void)
{
    SpiceServer *server = server_new();
    SpiceMigrateInstance migration = {.base = {&migrate_interface.base}};
    LinkPeer peer, late;
    uint8_t byte;

    tap_case("19.1: migrate_end(0) with a client tells nobody");
    CHECK(spice_server_add_interface(server, &migration.base) == 0);
    CHECK(new_session(server, &peer, "") != 0);
    CHECK(spice_server_migrate_connect(server, "new-host", 5900, 5901, "CN=x") == 0);
    CHECK(n_connect_complete == 1);
    CHECK(spice_server_migrate_start(server) == 0);
    CHECK(spice_server_migrate_end(server, 0) == 0);
    CHECK(link_peer_receive(&peer, &byte, 1, 20) == 0 && !peer.ended);
    CHECK(n_end_complete == 0);

    tap_case("19.1: migrate_end(1): SWITCH_HOST, and the end is told when the client has left");
    CHECK(spice_server_migrate_connect(server, "new-host", 5900, 5901, "CN=x") == 0);
    CHECK(spice_server_migrate_start(server) == 0);
    CHECK(spice_server_migrate_end(server, 1) == 0);
    CHECK(told_to_go(&peer));
    CHECK(n_end_complete == 0 && spice_server_get_num_clients(server) == 1);
    link_peer_close(&peer);
    CHECK(NET_WAIT(n_end_complete == 1, 15000));
    CHECK(spice_server_get_num_clients(server) == 0 && n_connect_complete == 2);

    tap_case("19.1: a client that stays is disconnected after 10 s");
    CHECK(new_session(server, &peer, "") != 0);
    CHECK(spice_server_migrate_connect(server, "new-host", 5900, 5901, "CN=x") == 0);
    CHECK(spice_server_migrate_end(server, 1) == 0);
    CHECK(told_to_go(&peer));
    net_core_forward(9800);
    net_core_run(0);
    CHECK(n_end_complete == 1 && spice_server_get_num_clients(server) == 1);
    net_core_forward(300);
    net_core_run(0);
    CHECK(n_end_complete == 2 && spice_server_get_num_clients(server) == 0);
    CHECK(link_peer_sees_end(&peer));
    link_peer_close(&peer);

    tap_case("19.1: migrate_end(1) that nobody has begun: -1, clients are disconnected");
    CHECK(new_session(server, &peer, "") != 0);
    CHECK(spice_server_migrate_end(server, 1) == -1);
    CHECK(n_end_complete == 3 && spice_server_get_num_clients(server) == 0);
    CHECK(link_peer_sees_end(&peer));
    link_peer_close(&peer);
    CHECK(new_session(server, &late, "") != 0); /* and the next one comes as ever */
    link_peer_close(&late);
    server_free(server);

    tap_case("19.1: migrate_switch without an interface sends the clients there");
    server = server_new();
    CHECK(new_session(server, &peer, "") != 0);
    CHECK(spice_server_migrate_info(server, "new-host", 5900, 5901, "CN=x") == 0);
    CHECK(spice_server_migrate_switch(server) == 0);
    CHECK(told_to_go(&peer));
    CHECK(spice_server_migrate_switch(server) == 0); /* told once */
    CHECK(link_peer_receive(&peer, &byte, 1, 20) == 0 && !peer.ended);
    link_peer_close(&peer);
    server_free(server);
    CHECK(n_end_complete == 3);
}

/* ---- The machine comes here, and a client with it ---- */

enum { FOLLOWED = 0x12345678 }; /* the connection id from the other host */

static LinkPeer follow(SpiceServer *server, uint8_t type)
{
    LinkPeer peer = dial(server, false);

    CHECK(link_peer_link(&peer, FOLLOWED, type, 0, "") == SPICE_LINK_ERR_OK);
    return peer;
}

static bool send_empty(LinkPeer *peer, uint8_t type)
{
    uint8_t header[6] = {type};

    return link_peer_send(peer, header, sizeof header);
}

/* Neither a message nor the end. */
static bool is_silent(LinkPeer *peer)
{
    uint8_t byte;

    return link_peer_receive(peer, &byte, 1, 20) == 0 && !peer->ended;
}

static void test_following(void)
{
    static const uint8_t seamless[] = {
        SPICE_MSGC_MAIN_MIGRATE_DST_DO_SEAMLESS, 0, 4, 0, 0, 0, 1, 0, 0, 0};
    SpiceServer *server = server_new();
    Guest *guest = guest_new(1 << 20);
    LinkPeer peer, inputs, cursor, other;
    uint8_t body[1000];

    tap_case(
        "19.4: a client that follows its machine: silence, then INIT with the id it came with");
    CHECK(spice_server_add_interface(server, &guest->instance.base) == 0);
    CHECK(new_session(server, &other, "") != 0);
    g_array_set_size(net_events, 0);
    peer = follow(server, SPICE_CHANNEL_MAIN);
    CHECK(happened("C0 D1 I1")); /* it takes the session over */
    link_peer_close(&other);
    inputs = follow(server, SPICE_CHANNEL_INPUTS);
    cursor = follow(server, SPICE_CHANNEL_CURSOR);
    CHECK(spice_server_get_num_clients(server) == 1);
    CHECK(send_empty(&peer, SPICE_MSGC_MAIN_ATTACH_CHANNELS));
    CHECK(is_silent(&peer) && is_silent(&inputs) && is_silent(&cursor));
    CHECK(link_peer_send(&peer, seamless, sizeof seamless));
    CHECK(next_message(&peer, body, sizeof body) == SPICE_MSG_MAIN_MIGRATE_DST_SEAMLESS_NACK);
    spice_server_vm_start(server);
    net_core_forward(29000);
    CHECK(is_silent(&peer) && is_silent(&inputs) && is_silent(&cursor));
    CHECK(send_empty(&peer, SPICE_MSGC_MAIN_MIGRATE_END));
    CHECK(next_message(&peer, body, sizeof body) == SPICE_MSG_MAIN_INIT &&
          wire_link_word_read(body) == FOLLOWED);
    CHECK(next_message(&peer, body, sizeof body) == SPICE_MSG_NOTIFY); /* of the keyboard */
    CHECK(next_message(&inputs, body, sizeof body) == SPICE_MSG_INPUTS_INIT);
    CHECK(next_message(&cursor, body, sizeof body) == SPICE_MSG_SET_ACK &&
          next_message(&cursor, body, sizeof body) == SPICE_MSG_CURSOR_INIT);
    CHECK(send_empty(&peer, SPICE_MSGC_MAIN_MIGRATE_END)); /* once more is nothing */
    CHECK(send_empty(&peer, SPICE_MSGC_MAIN_ATTACH_CHANNELS));
    CHECK(next_message(&peer, body, sizeof body) == SPICE_MSG_MAIN_CHANNELS_LIST);
    other = follow(server, SPICE_CHANNEL_DISPLAY); /* its session is one like any other */
    CHECK(next_message(&other, body, sizeof body) == SPICE_MSG_SET_ACK);
    net_core_forward(29000);
    CHECK(is_silent(&peer) && is_silent(&inputs));
    g_array_set_size(net_events, 0);
    link_peer_close(&peer);
    CHECK(happened("D2 D4 D3 D1"));
    link_peer_close(&inputs);
    link_peer_close(&cursor);
    link_peer_close(&other);
    g_array_set_size(net_events, 0);
    server_free(server);

    tap_case("8.6: one that follows gets 30 s when the machine runs, and leaves nothing behind");
    server = server_new();
    CHECK(spice_server_add_interface(server, &guest->instance.base) == 0);
    for (int end = 0; end < 4; end++) {
        peer = follow(server, SPICE_CHANNEL_MAIN);
        inputs = follow(server, SPICE_CHANNEL_INPUTS);
        cursor = follow(server, SPICE_CHANNEL_CURSOR);
        net_core_forward(3600000); /* the machine may take its time */
        CHECK(is_silent(&peer) && is_silent(&inputs) && is_silent(&cursor));
        switch (end) {
        case 0: /* it gives up */
            link_peer_close(&peer);
            break;
        case 1: /* somebody else comes */
            CHECK(new_session(server, &other, "") != 0);
            link_peer_close(&other);
            break;
        case 2: /* its graphics device goes */
            CHECK(spice_server_remove_interface(&guest->instance.base) == 0);
            CHECK(link_peer_sees_end(&cursor) && is_silent(&peer));
            link_peer_close(&peer);
            break;
        case 3:
            spice_server_vm_start(server);
            net_core_forward(29800);
            CHECK(is_silent(&peer) && is_silent(&inputs));
            net_core_forward(300);
            net_core_run(0);
            CHECK(link_peer_sees_end(&peer));
            link_peer_close(&peer);
            break;
        }
        CHECK(link_peer_sees_end(&inputs));
        if (end != 2)
            CHECK(link_peer_sees_end(&cursor));
        CHECK(NET_WAIT(spice_server_get_num_clients(server) == 0, 15000));
        link_peer_close(&inputs);
        link_peer_close(&cursor);
        if (end == 2)
            CHECK(spice_server_add_interface(server, &guest->instance.base) == 0);
    }
    g_array_set_size(net_events, 0);
    server_free(server);
    guest_free(guest);
}

/* ---- Two servers ---- */

static void test_two_servers(void)
{
    SpiceServer *servers[2];
    LinkPeer peers[2], inputs[2];
    uint8_t body[1000];

    tap_case("23.7: two servers in one process, each with a client");
    for (int i = 0; i < 2; i++)
        servers[i] = server_new();
    for (int i = 0; i < 2; i++) {
        uint32_t id = new_session(servers[i], &peers[i], "");

        CHECK(id != 0);
        inputs[i] = dial(servers[i], false);
        CHECK(link_peer_link(&inputs[i], id, SPICE_CHANNEL_INPUTS, 0, "") == SPICE_LINK_ERR_OK);
        CHECK(next_message(&inputs[i], body, sizeof body) == SPICE_MSG_INPUTS_INIT);
    }
    CHECK(spice_server_get_num_clients(servers[0]) == 1);
    CHECK(spice_server_get_num_clients(servers[1]) == 1);
    spice_server_destroy(servers[0]);
    CHECK(link_peer_sees_end(&inputs[0]));
    CHECK(link_peer_receive(&inputs[1], body, 1, 30) == 0 && !inputs[1].ended);
    for (int i = 0; i < 2; i++) {
        link_peer_close(&peers[i]);
        link_peer_close(&inputs[i]);
    }
    server_free(servers[1]);
}

/* ---- Keyboard ---- */

static GString *codes;

static void push_scan(SpiceKbdInstance *instance, uint8_t code)
{
    g_string_append_printf(codes, "%02x ", code);
}

static uint8_t get_leds(SpiceKbdInstance *instance)
{
    return SPICE_KEYBOARD_MODIFIER_FLAGS_NUM_LOCK;
}

static const SpiceKbdInterface keyboard_interface = {
    .base = {SPICE_INTERFACE_KEYBOARD, "test", 1, 1},
    .push_scan_freg = push_scan,
    .get_leds = get_leds};

static void test_keyboard(void)
{
    SpiceServer *server;
    SpiceKbdInstance keyboard = {.base = {&keyboard_interface.base}},
                     second = {.base = {&keyboard_interface.base}};
    LinkPeer peer, inputs;
    uint8_t body[1000];
    uint32_t id;

    tap_case("12.1: a key, from a client to the application's keyboard");
    codes = g_string_new(NULL);
    server = server_new();
    CHECK(spice_server_add_interface(server, &keyboard.base) == 0);
    CHECK(spice_server_add_interface(server, &second.base) == -1);
    id = new_session(server, &peer, "");
    inputs = dial(server, false);
    CHECK(link_peer_link(&inputs, id, SPICE_CHANNEL_INPUTS, 0, "") == SPICE_LINK_ERR_OK);
    CHECK(next_message(&inputs, body, sizeof body) == SPICE_MSG_INPUTS_INIT && body[0] == 2);
    CHECK(link_peer_send(&inputs, "\x65\0\4\0\0\0\x1e\0\0\0", 10));
    CHECK(NET_WAIT(codes->len > 0, 2000) && !strcmp(codes->str, "1e "));
    CHECK(spice_server_kbd_leds(&keyboard, 4) == 0);
    CHECK(next_message(&inputs, body, sizeof body) == SPICE_MSG_INPUTS_KEY_MODIFIERS &&
          body[0] == 4);
    link_peer_close(&inputs);
    CHECK(NET_WAIT(!strcmp(codes->str, "1e 9e "), 15000));
    link_peer_close(&peer);
    server_free(server);
    g_string_free(codes, TRUE);
}

/* ---- TLS ---- */

static void test_tls(void)
{
    SpiceServer *server;
    const NetFiles *files = net_files();
    LinkPeer peer;
    int fds[2], port, result = -1;
    uint8_t body[1000];

    tap_case("23.5: TLS, name, channel security; add_ssl_client on a closed peer; destroy");
    for (port = 23000 + getpid() % 10000; result != 0; port++) {
        server = spice_server_new();
        spice_server_set_name(server, "test");
        CHECK(spice_server_set_channel_security(server, "main", SPICE_CHANNEL_SECURITY_SSL) == 0);
        spice_server_set_noauth(server);
        spice_server_set_addr(server, "127.0.0.1", 0);
        CHECK(spice_server_set_tls(server, port, files->ca, files->cert, files->locked_key,
                                   "secret", files->dh, NULL) == 0);
        result = spice_server_init(server, net_core());
        if (result != 0)
            spice_server_destroy(server);
    }
    net_pair(fds);
    close(fds[1]);
    CHECK(spice_server_add_ssl_client(server, fds[0], 0) == -1);
    CHECK(fcntl(fds[0], F_GETFD) >= 0);
    close(fds[0]);
    peer = dial(server, false);
    CHECK(link_peer_send(&peer, body, link_message(body, 0, SPICE_CHANNEL_MAIN, 0, LINK_COMMON)));
    CHECK(link_peer_gets_error(&peer, SPICE_LINK_ERR_NEED_SECURED));
    link_peer_close(&peer);
    net_pair(fds);
    CHECK(spice_server_add_ssl_client(server, fds[0], 0) == 0);
    peer = link_peer_over(fds[1]);
    CHECK(link_peer_start_tls(&peer));
    CHECK(link_peer_link(&peer, 0, SPICE_CHANNEL_MAIN, 0, "") == SPICE_LINK_ERR_OK);
    CHECK(next_message(&peer, body, sizeof body) == SPICE_MSG_MAIN_INIT);

    tap_case("10: no warning about a keyboard that is encrypted");
    net_pair(fds);
    CHECK(spice_server_add_ssl_client(server, fds[0], 0) == 0);
    LinkPeer inputs = link_peer_over(fds[1]);
    uint32_t id = wire_link_word_read(body);
    CHECK(link_peer_start_tls(&inputs));
    CHECK(link_peer_link(&inputs, id, SPICE_CHANNEL_INPUTS, 0, "") == SPICE_LINK_ERR_OK);
    CHECK(next_message(&inputs, body, sizeof body) == SPICE_MSG_INPUTS_INIT);
    CHECK(link_peer_send(&peer, "\x68\0\0\0\0\0", 6)); /* ATTACH_CHANNELS */
    CHECK(next_message(&peer, body, sizeof body) == SPICE_MSG_MAIN_CHANNELS_LIST);
    link_peer_close(&inputs);
    link_peer_close(&peer);
    server_free(server);

    tap_case("8.1: add_ssl_client without TLS: -1, the socket stays open");
    server = server_new();
    net_pair(fds);
    CHECK(spice_server_add_ssl_client(server, fds[0], 0) == -1);
    CHECK(fcntl(fds[0], F_GETFD) >= 0);
    close(fds[0]);
    close(fds[1]);
    server_free(server);
}

int main(void)
{
    net_core();
    test_session();
    test_second_client();
    test_devices();
    test_migration();
    test_following();
    test_two_servers();
    test_keyboard();
    test_tls();
    return tap_done();
}
