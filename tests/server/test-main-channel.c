/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The main channel: the beginning of a session, lists of channels, the network test, modes and
 * clocks, silence, and every message at the wrong time. */
#include "channel-peer.h"
#include "main-fakes.h"

#include <string.h>

#include "clock.h"
#include "main/agent.h"
#include "main/main-private.h"
#include "tap.h"

static bool message(ChannelClient *cc, uint16_t type, const void *msg, WireBytes body)
{
    return true;
}

static const ChannelClass inputs_class = {
    .type = SPICE_CHANNEL_INPUTS, .client_size = sizeof(ChannelClient), .message = message};
static const ChannelClass playback_class = {
    .type = SPICE_CHANNEL_PLAYBACK, .client_size = sizeof(ChannelClient), .message = message};
static const ChannelClass display_class = {
    .type = SPICE_CHANNEL_DISPLAY, .client_size = sizeof(ChannelClient), .message = message};

static struct RedsState *server_new(void)
{
    struct RedsState *server = peer_server_new();

    server->main = main_channel_new(server);
    server->agent = agent_new(server);
    return server;
}

static void server_free(struct RedsState *server)
{
    clients_disconnect_all(server, NULL);
    peer_run(server);
    agent_free(server->agent);
    main_channel_free(server->main);
    g_list_free(server->workers);
    peer_server_free(server);
}

static Peer *link_main(struct RedsState *server, PeerSocket kind)
{
    WireCaps caps = {0};

    wire_caps_set(&caps, SPICE_MAIN_CAP_NAME_AND_UUID);
    return peer_link(server, SPICE_CHANNEL_MAIN, 0, 0, true, &caps, kind);
}

static void test_begin(void)
{
    struct RedsState *server = server_new();
    Worker workers[2] = {{.ram_size = 1111}, {.ram_size = 2222}};

    server->workers = g_list_append(g_list_append(NULL, &workers[0]), &workers[1]);
    server->options.name = g_strdup("a machine");
    server->options.has_uuid = true;
    memcpy(server->options.uuid, "0123456789abcdef", 16);
    Peer *peer = link_main(server, PEER_UNIX);
    peer_run(server);
    const WireMsgMainInit *init = peer_expect(peer, SPICE_MSG_MAIN_INIT);
    if (CHECK(init)) {
        CHECK(init->session_id != 0 && init->display_channels_hint == 2);
        CHECK(init->supported_mouse_modes == SPICE_MOUSE_MODE_SERVER &&
              init->current_mouse_mode == SPICE_MOUSE_MODE_SERVER);
        CHECK(!init->agent_connected && init->agent_tokens == 10 && init->ram_hint == 1111);
        CHECK(loop_now_ms() - 400 - init->multi_media_time < 10000);
    }
    const WireMsgMainName *name = peer_expect(peer, SPICE_MSG_MAIN_NAME);
    CHECK(name && name->name.size == 10 && !memcmp(name->name.data, "a machine", 10));
    const WireMsgMainUuid *uuid = peer_expect(peer, SPICE_MSG_MAIN_UUID);
    CHECK(uuid && !memcmp(uuid->uuid, "0123456789abcdef", 16));
    CHECK(!peer_next(peer)); /* no test on a local socket */
    peer_free(peer);
    /* Without the capability there are no names. */
    peer = peer_link(server, SPICE_CHANNEL_MAIN, 0, 0, false, NULL, PEER_UNIX);
    peer_run(server);
    CHECK(peer_expect(peer, SPICE_MSG_MAIN_INIT) && !peer_next(peer));
    peer_free(peer);
    server_free(server);
}

static void test_channels(void)
{
    struct RedsState *server = server_new();
    Channel *inputs = channel_new(server, &inputs_class, 0, server->loop, NULL);
    Channel *playback = channel_new(server, &playback_class, 0, server->loop, NULL);
    Peer *peer = link_main(server, PEER_UNIX);

    peer_run(server);
    const WireMsgMainInit *init = peer_expect(peer, SPICE_MSG_MAIN_INIT);
    uint32_t id = init ? init->session_id : 0;
    /* No list unless it is asked for. */
    Channel *display = channel_new(server, &display_class, 0, server->loop, NULL);
    peer_run(server);
    CHECK(!peer_next(peer));
    peer_send(peer, SPICE_MSGC_MAIN_ATTACH_CHANNELS, NULL);
    peer_run(server);
    const WireMsgMainChannelsList *list = peer_expect(peer, SPICE_MSG_MAIN_CHANNELS_LIST);
    if (CHECK(list && list->n_channels == 3))
        CHECK(list->channels[0].type == SPICE_CHANNEL_DISPLAY &&
              list->channels[1].type == SPICE_CHANNEL_PLAYBACK &&
              list->channels[2].type == SPICE_CHANNEL_INPUTS);
    /* New ones are told one by one, also when they come at once. */
    Channel *display2 = channel_new(server, &display_class, 2, server->loop, NULL);
    Channel *display3 = channel_new(server, &display_class, 3, server->loop, NULL);
    peer_run(server);
    for (unsigned i = 2; i <= 3; i++) {
        list = peer_expect(peer, SPICE_MSG_MAIN_CHANNELS_LIST);
        CHECK(list && list->n_channels == 1 && list->channels[0].id == i);
    }
    channel_free(display2);
    channel_free(display3);
    peer_run(server);
    CHECK(!peer_next(peer)); /* that they go isn't told */
    /* The keyboard in the clear. */
    Peer *keys = peer_link(server, SPICE_CHANNEL_INPUTS, 0, id, true, NULL, PEER_UNIX);
    peer_run(server);
    const WireMsgNotify *notify = peer_expect(peer, SPICE_MSG_NOTIFY);
    CHECK(notify && notify->severity == SPICE_NOTIFY_SEVERITY_WARN &&
          notify->visibility == SPICE_NOTIFY_VISIBILITY_HIGH && !notify->what &&
          notify->message.size == 28 &&
          !memcmp(notify->message.data, "keyboard channel is insecure", 28));
    CHECK(peer->body.size == 53);
    /* A client beside others has no sound. */
    server->options.allow_multiple_clients = true;
    Peer *second = link_main(server, PEER_UNIX);
    peer_send(second, SPICE_MSGC_MAIN_ATTACH_CHANNELS, NULL);
    peer_run(server);
    init = peer_expect(second, SPICE_MSG_MAIN_INIT);
    uint32_t id2 = init ? init->session_id : 0;
    list = peer_expect(second, SPICE_MSG_MAIN_CHANNELS_LIST);
    CHECK(list && list->n_channels == 2);
    CHECK(!peer_link(server, SPICE_CHANNEL_PLAYBACK, 0, id2, true, NULL, PEER_UNIX));
    peer_receive(peer);
    CHECK(!peer->closed && clients_count(server) == 2);
    peer_free(keys);
    peer_free(peer);
    peer_free(second);
    channel_free(inputs);
    channel_free(playback);
    channel_free(display);
    server_free(server);
}

/* Answers pings; the large ones late, if told so. */
static unsigned answer(Peer *peer, bool pongs)
{
    unsigned n = 0;

    while (peer_next(peer))
        if (peer->header.type == SPICE_MSG_PING) {
            WireMsgcPong pong;

            n++;
            memcpy(&pong.id, peer->body.data, 4);
            memcpy(&pong.timestamp, peer->body.data + 4, 8);
            if (pongs)
                peer_send(peer, SPICE_MSGC_PONG, &pong);
        }
    return n;
}

static void test_net_test(void)
{
    struct RedsState *server = server_new();
    Peer *peer = link_main(server, PEER_TCP);

    for (int i = 0; i < 20; i++) {
        peer_run(server);
        peer_receive(peer);
    }
    CHECK(peer_next(peer) == SPICE_MSG_MAIN_INIT);
    static const size_t sizes[] = {12, 12, 256012};
    for (unsigned i = 0; i < 3; i++) {
        CHECK(peer_next(peer) == SPICE_MSG_PING && peer->body.size == sizes[i] &&
              peer->body.data[0] == i + 1);
        WireMsgcPong pong = {.id = i + 1};
        memcpy(&pong.timestamp, peer->body.data + 4, 8);
        peer_send(peer, SPICE_MSGC_PONG, &pong);
        peer_run(server);
    }
    ChannelClient *cc = server->main->channel->clients->data;
    CHECK(cc->engine->net_test_pongs == 3);
    CHECK(((MainClient *)cc)->monitor != NULL);
    CHECK(cc->channel->class->watch_latency);
    /* A second answer to the same ping isn't counted. */
    peer_send(peer, SPICE_MSGC_PONG, &(WireMsgcPong){.id = 3});
    peer_run(server);
    peer_receive(peer);
    CHECK(!peer->closed);
    client_set_bandwidth(cc->client, 1000000);
    CHECK(client_is_low_bandwidth(cc->client));
    client_set_bandwidth(cc->client, 100000000);
    CHECK(!client_is_low_bandwidth(cc->client));
    client_set_bandwidth(cc->client, 0);
    CHECK(!client_is_low_bandwidth(cc->client));
    peer_free(peer);
    server_free(server);
}

/* 256000 bytes in a second are 2 Mbit/s: little. In a tenth of it they aren't. */
static void test_bandwidth(void)
{
    for (unsigned ms = 100; ms <= 1000; ms += 900) {
        struct RedsState *server = server_new();
        Peer *peer = link_main(server, PEER_TCP);
        unsigned n = 0;

        for (int i = 0; i < 100 && n < 3; i++) {
            peer_run(server);
            while (n < 3 && peer_next(peer)) {
                if (peer->header.type != SPICE_MSG_PING)
                    continue;
                WireMsgcPong pong = {.id = ++n};

                memcpy(&pong.timestamp, peer->body.data + 4, 8);
                clock_forward_ms(n == 3 ? ms : 1);
                peer_send(peer, SPICE_MSGC_PONG, &pong);
                peer_run(server);
            }
        }
        CHECK(n == 3);
        ChannelClient *cc = server->main->channel->clients->data;
        CHECK(client_is_low_bandwidth(cc->client) == (ms == 1000));
        peer_free(peer);
        server_free(server);
    }
}

/* A client that answered the test and then no ping is let go; one that answers stays, and so does
 * one that never answered any (2). */
static void test_monitor(void)
{
    for (int answers = 0; answers < 3; answers++) {
        struct RedsState *server = server_new();
        Peer *peer = link_main(server, PEER_TCP);
        unsigned pings = 0;

        for (int i = 0; i < 400 && !peer->closed; i++) {
            clock_forward_ms(pings < 3 ? 1 : 300);
            peer_run(server);
            pings += answer(peer, answers != 2 && (pings < 3 || answers));
        }
        CHECK(pings >= (answers == 2 ? 3 : 5));
        CHECK(peer->closed == !answers);
        CHECK(clients_count(server) == !!answers);
        peer_free(peer);
        server_free(server);
    }
}

static void test_modes(void)
{
    struct RedsState *server = server_new();
    Peer *peer = link_main(server, PEER_UNIX);

    peer_send(peer, SPICE_MSGC_MAIN_MOUSE_MODE_REQUEST, &(WireMsgcMainMouseModeRequest){.mode = 2});
    peer_run(server);
    CHECK(fake_mode_requested == 2);
    CHECK(peer_expect(peer, SPICE_MSG_MAIN_INIT));
    main_channel_mouse_mode(server->main, 3, 1);
    main_channel_mouse_mode(server->main, 3, 1); /* no news */
    main_channel_mouse_mode(server->main, 3, 2);
    peer_run(server);
    const WireMsgMainMouseMode *mode = peer_expect(peer, SPICE_MSG_MAIN_MOUSE_MODE);
    CHECK(mode && mode->supported_modes == 3 && mode->current_mode == 1);
    mode = peer_expect(peer, SPICE_MSG_MAIN_MOUSE_MODE);
    CHECK(mode && mode->supported_modes == 3 && mode->current_mode == 2);
    CHECK(!peer_next(peer));
    peer_free(peer);
    /* The next client is told what holds. */
    peer = link_main(server, PEER_UNIX);
    peer_run(server);
    const WireMsgMainInit *init = peer_expect(peer, SPICE_MSG_MAIN_INIT);
    CHECK(init && init->supported_mouse_modes == 3 && init->current_mouse_mode == 2);
    peer_free(peer);
    server_free(server);
}

/* One message to a new client: is it let go for it? The server itself goes on in any case. */
static bool ends(uint16_t type, const void *body, size_t size)
{
    struct RedsState *server = server_new();
    Peer *peer = link_main(server, PEER_UNIX);

    peer_send_raw(peer, type, (uint32_t)size, body, size);
    peer_run(server);
    peer_receive(peer);
    bool closed = peer->closed;
    peer_free(peer);
    peer = link_main(server, PEER_UNIX);
    peer_run(server);
    CHECK(peer_expect(peer, SPICE_MSG_MAIN_INIT));
    peer_free(peer);
    server_free(server);
    return closed;
}

static void test_wrong_time(void)
{
    static const uint8_t zeros[26625], one[4] = {1}, two[4] = {2};

    CHECK(ends(SPICE_MSGC_MIGRATE_FLUSH_MARK, NULL, 0));
    CHECK(ends(SPICE_MSGC_MIGRATE_DATA, zeros, 64));
    CHECK(ends(SPICE_MSGC_MAIN_CLIENT_INFO, zeros, 8));
    CHECK(ends(SPICE_MSGC_MAIN_QUALITY_INDICATOR, zeros, 8));
    CHECK(ends(SPICE_MSGC_MAIN_MIGRATE_DST_DO_SEAMLESS, one, 4));
    CHECK(!ends(SPICE_MSGC_MAIN_MIGRATE_DST_DO_SEAMLESS, two, 4)); /* NACK */
    CHECK(!ends(SPICE_MSGC_MAIN_MIGRATE_END, NULL, 0));
    CHECK(!ends(SPICE_MSGC_MAIN_MIGRATE_CONNECTED, NULL, 0));
    CHECK(!ends(SPICE_MSGC_MAIN_MIGRATE_CONNECTED_SEAMLESS, NULL, 0));
    CHECK(!ends(SPICE_MSGC_MAIN_MIGRATE_CONNECT_ERROR, NULL, 0));
    CHECK(!ends(SPICE_MSGC_MAIN_AGENT_TOKEN, one, 4));
    CHECK(!ends(SPICE_MSGC_MAIN_AGENT_START, one, 4));
    CHECK(!ends(SPICE_MSGC_PONG, zeros, 12));
    /* Never more than this. */
    CHECK(!ends(SPICE_MSGC_PONG, zeros, 26624));
    CHECK(ends(SPICE_MSGC_PONG, zeros, 26625));
}

/* A session of every message, which at each of its bytes ends, stalls, is bent, or gets something
 * in between: the next client is served as ever. */
static void test_every_position(void)
{
    static const uint8_t announce[28] = {1, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                                         0, 0, 8, 0, 0, 0, 1, 0, 0, 0, 7, 0, 0, 0};
    static const uint8_t between[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    struct RedsState *server = server_new();
    WireBuffer bytes = {0};
    const struct {
        uint16_t type;
        const void *message;
    } session[] = {
        {SPICE_MSGC_MAIN_AGENT_START, &(WireMsgcMainAgentStart){.num_tokens = 10}},
        {SPICE_MSGC_MAIN_AGENT_DATA, &(WireMsgcMainAgentData){.data = {announce, sizeof announce}}},
        {SPICE_MSGC_MAIN_ATTACH_CHANNELS, NULL},
        {SPICE_MSGC_PONG, &(WireMsgcPong){.id = 1}},
        {SPICE_MSGC_MAIN_MOUSE_MODE_REQUEST, &(WireMsgcMainMouseModeRequest){.mode = 1}},
        {SPICE_MSGC_MAIN_AGENT_TOKEN, &(WireMsgcMainAgentToken){.num_tokens = 5}},
        {SPICE_MSGC_ACK_SYNC, &(WireMsgcAckSync){.generation = 1}},
        {SPICE_MSGC_ACK, NULL},
        {SPICE_MSGC_DISCONNECTING, &(WireMsgcDisconnecting){.reason = 0}},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(session); i++)
        CHECK(wire_write_message(true, 1, SPICE_CHANNEL_MAIN, WIRE_TO_SERVER, session[i].type,
                                 session[i].message, &bytes));
    for (size_t at = 0; at <= bytes.size; at++)
        for (int kind = 0; kind < 4; kind++) {
            unsigned lines = peer_log_lines();
            Peer *peer = link_main(server, PEER_UNIX);

            peer_send_bytes(peer, bytes.data, at);
            if (kind == 1 && at < bytes.size) {
                uint8_t bent = bytes.data[at] ^ 0xff;

                peer_send_bytes(peer, &bent, 1);
                peer_send_bytes(peer, bytes.data + at + 1, bytes.size - at - 1);
            } else if (kind == 2) {
                peer_send_bytes(peer, between, sizeof between);
                peer_send_bytes(peer, bytes.data + at, bytes.size - at);
            }
            loop_run_once(server->loop, 0);
            loop_run_once(server->loop, 0);
            if (kind == 3) { /* it stalls while another one comes */
                Peer *other = link_main(server, PEER_UNIX);

                loop_run_once(server->loop, 0);
                peer_receive(peer);
                CHECK(peer->closed);
                peer_free(other);
            }
            peer_free(peer);
            peer_run(server);
            CHECK(clients_count(server) == 0);
            CHECK(peer_log_lines() - lines <= 3);
        }
    wire_buffer_clear(&bytes);
    Peer *peer = link_main(server, PEER_UNIX);
    peer_run(server);
    CHECK(peer_expect(peer, SPICE_MSG_MAIN_INIT));
    peer_free(peer);
    server_free(server);
}

int main(void)
{
    tap_case("the beginning of a session");
    test_begin();
    tap_case("lists of channels, and the warning about the keyboard");
    test_channels();
    tap_case("network test");
    test_net_test();
    tap_case("network test: what is little bandwidth");
    test_bandwidth();
    tap_case("a client that falls silent");
    test_monitor();
    tap_case("mouse modes and the media clock");
    test_modes();
    tap_case("messages at the wrong time");
    test_wrong_time();
    tap_case("a session that goes wrong at each of its bytes");
    test_every_position();
    return tap_done();
}
