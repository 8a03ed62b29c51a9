/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The channel engine over socket pairs: framing, windows, bodies by reference, room, closing, and
 * hostile clients. */
#include "channel-peer.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "channel/engine.h"
#include "tap.h"

/* ---- Channels to test with ---- */

typedef struct TestClient {
    ChannelClient base;
    unsigned messages;
} TestClient;

static unsigned n_connected, n_disconnected, n_messages;
static uint32_t key_codes[64];
static bool (*on_message)(ChannelClient *cc);
static size_t fill_bytes;        /* of each message that fill() makes */
static unsigned n_fill_messages; /* that are left */
static unsigned n_fills;

static void connected(ChannelClient *cc)
{
    n_connected++;
}

static void disconnected(ChannelClient *cc)
{
    n_disconnected++;
}

static bool message(ChannelClient *cc, uint16_t type, const void *msg, WireBytes body)
{
    if (type == SPICE_MSGC_INPUTS_KEY_DOWN && n_messages < G_N_ELEMENTS(key_codes))
        key_codes[n_messages] = ((const WireMsgcInputsKeyDown *)msg)->code;
    n_messages++;
    ((TestClient *)cc)->messages++;
    return on_message ? on_message(cc) : true;
}

static void fill(ChannelClient *cc)
{
    static uint8_t zeros[1 << 16];

    n_fills++;
    while (n_fill_messages && channel_client_room(cc)) {
        WireMsgPing ping = {.padding = {zeros, fill_bytes}};

        n_fill_messages--;
        if (!channel_client_send(cc, SPICE_MSG_PING, &ping))
            return;
    }
}

static const ChannelClass main_class = {
    .type = SPICE_CHANNEL_MAIN,
    .client_size = sizeof(TestClient),
    .message = message,
};
static const ChannelClass inputs_class = {
    .type = SPICE_CHANNEL_INPUTS,
    .client_size = sizeof(TestClient),
    .queue_limit = 100000,
    .connected = connected,
    .disconnected = disconnected,
    .message = message,
};
static const ChannelClass cursor_class = {
    .type = SPICE_CHANNEL_CURSOR,
    .client_size = sizeof(TestClient),
    .ack_window = 20,
    .connected = connected,
    .disconnected = disconnected,
    .message = message,
};
static const ChannelClass display_class = {
    .type = SPICE_CHANNEL_DISPLAY,
    .client_size = sizeof(TestClient),
    .connected = connected,
    .disconnected = disconnected,
    .message = message,
    .fill = fill,
};

typedef struct Session {
    struct RedsState *server;
    Channel *main, *channel;
    Peer *main_peer, *peer;
    ChannelClient *cc;
} Session;

static Session open_session(const ChannelClass *class, bool mini, PeerSocket kind)
{
    Session s = {.server = peer_server_new()};

    n_connected = n_disconnected = n_messages = n_fills = 0;
    on_message = NULL;
    s.main = channel_new(s.server, &main_class, 0, s.server->loop, NULL);
    s.channel = channel_new(s.server, class, 0, s.server->loop, NULL);
    s.main_peer = peer_link(s.server, SPICE_CHANNEL_MAIN, 0, 0, true, NULL, PEER_UNIX);
    ChannelClient *main_cc = s.main->clients->data;
    s.peer = peer_link(s.server, class->type, 0, client_connection_id(main_cc->client), mini, NULL,
                       kind);
    peer_run(s.server);
    s.cc = s.channel->clients->data;
    return s;
}

static void close_session(Session *s)
{
    channel_free(s->channel);
    channel_free(s->main);
    peer_free(s->peer);
    peer_free(s->main_peer);
    peer_server_free(s->server);
}

static void send_leds(ChannelClient *cc, uint16_t leds)
{
    WireMsgInputsKeyModifiers modifiers = {.modifiers = leds};

    channel_client_send(cc, SPICE_MSG_INPUTS_KEY_MODIFIERS, &modifiers);
}

/* ---- Framing ---- */

static void test_framing(bool mini)
{
    Session s = open_session(&inputs_class, mini, PEER_UNIX);

    CHECK(n_connected == 1);
    for (uint32_t i = 0; i < 20; i++)
        peer_send(s.peer, SPICE_MSGC_INPUTS_KEY_DOWN, &(WireMsgcInputsKeyDown){.code = i});
    peer_run(s.server);
    CHECK(n_messages == 20);
    CHECK(key_codes[0] == 0 && key_codes[19] == 19);
    for (unsigned i = 0; i < 20; i++)
        send_leds(s.cc, (uint16_t)i);
    CHECK(channel_client_next_serial(s.cc) == 21);
    peer_run(s.server);
    for (unsigned i = 0; i < 20; i++) {
        const WireMsgInputsKeyModifiers *m = peer_expect(s.peer, SPICE_MSG_INPUTS_KEY_MODIFIERS);
        if (!CHECK(m && m->modifiers == i))
            break;
        if (!mini)
            CHECK(s.peer->header.serial == i + 1 && !s.peer->header.sub_list);
    }
    CHECK(!s.cc->engine->queued);
    /* Byte by byte. */
    WireBuffer out = {0};
    wire_write_message(mini, 1, SPICE_CHANNEL_INPUTS, WIRE_TO_SERVER, SPICE_MSGC_INPUTS_KEY_DOWN,
                       &(WireMsgcInputsKeyDown){.code = 77}, &out);
    wire_write_message(mini, 2, SPICE_CHANNEL_INPUTS, WIRE_TO_SERVER, SPICE_MSGC_INPUTS_KEY_DOWN,
                       &(WireMsgcInputsKeyDown){.code = 78}, &out);
    for (size_t cut = 0; cut <= out.size; cut++) {
        n_messages = 0;
        peer_send_bytes(s.peer, out.data, cut);
        peer_run(s.server);
        peer_send_bytes(s.peer, out.data + cut, out.size - cut);
        peer_run(s.server);
        CHECK(n_messages == 2 && key_codes[0] == 77 && key_codes[1] == 78);
    }
    wire_buffer_clear(&out);
    /* Ten thousand in few reads. */
    n_messages = 0;
    for (unsigned i = 0; i < 10000; i++)
        peer_send(s.peer, SPICE_MSGC_INPUTS_KEY_DOWN, &(WireMsgcInputsKeyDown){.code = 1});
    peer_run(s.server);
    CHECK(n_messages == 10000);
    CHECK(n_disconnected == 0);
    close_session(&s);
    CHECK(n_disconnected == 1);
}

/* ---- Hostile bytes ---- */

/* Send it, and tell whether the server has ended the connection. */
static bool ends(const ChannelClass *class, bool mini, uint16_t type, uint32_t announced,
                 size_t sent)
{
    static const uint8_t zeros[70000];
    Session s = open_session(class, mini, PEER_UNIX);

    peer_send_raw(s.peer, type, announced, zeros, sent);
    peer_run(s.server);
    peer_receive(s.peer);
    bool closed = s.peer->closed;
    /* The rest of the client goes on. */
    peer_receive(s.main_peer);
    CHECK(!s.main_peer->closed);
    CHECK(closed == (n_disconnected == 1));
    close_session(&s);
    return closed;
}

static void test_sizes(void)
{
    static const uint32_t sizes[] = {0,      1,          2,          3,          4,         5,
                                     2047,   2048,       2049,       4096,       65535,     65536,
                                     131072, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff};

    for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) {
        size_t sent = sizes[i] < 65536 ? sizes[i] : 100;

        /* KEY_DOWN has 4 bytes; more is ignored up to the limit. */
        CHECK(ends(&inputs_class, true, SPICE_MSGC_INPUTS_KEY_DOWN, sizes[i], sent) ==
              (sizes[i] < 4 || sizes[i] > 2048));
        CHECK(ends(&inputs_class, false, SPICE_MSGC_INPUTS_KEY_DOWN, sizes[i], sent) ==
              (sizes[i] < 4 || sizes[i] > 2048));
        CHECK(ends(&inputs_class, true, SPICE_MSGC_PONG, sizes[i], sent) ==
              (sizes[i] < 12 || sizes[i] > 2048));
        CHECK(ends(&cursor_class, true, SPICE_MSGC_MIGRATE_DATA, sizes[i], 0));
    }
}

static void test_types(void)
{
    static const uint16_t unknown[] = {0, 7, 8, 50, 99, 100, 110, 114, 200, 1000, 65535};

    for (unsigned i = 0; i < G_N_ELEMENTS(unknown); i++)
        CHECK(ends(&inputs_class, true, unknown[i], 0, 0));
    CHECK(ends(&inputs_class, true, SPICE_MSGC_MIGRATE_FLUSH_MARK, 0, 0));
    CHECK(ends(&display_class, true, SPICE_MSGC_MIGRATE_FLUSH_MARK, 0, 0));
    CHECK(ends(&display_class, true, SPICE_MSGC_MIGRATE_DATA, 16, 16));
    CHECK(!ends(&inputs_class, true, SPICE_MSGC_DISCONNECTING, 12, 12));
    CHECK(!ends(&inputs_class, true, SPICE_MSGC_PONG, 12, 12)); /* to no ping */
    CHECK(!ends(&inputs_class, true, SPICE_MSGC_ACK, 0, 0));
    CHECK(!ends(&inputs_class, true, SPICE_MSGC_ACK_SYNC, 4, 4));
}

static void test_garbage(void)
{
    Session s = open_session(&inputs_class, true, PEER_UNIX);
    uint32_t connection_id = client_connection_id(s.cc->client);
    GRand *rand = g_rand_new_with_seed(7);
    unsigned lines = peer_log_lines(), n = 300;

    for (unsigned i = 0; i < n; i++) {
        uint8_t bytes[256];

        for (unsigned k = 0; k < sizeof bytes; k++)
            bytes[k] = (uint8_t)(g_rand_int_range(rand, 0, 3) ? g_rand_int_range(rand, 0, 8)
                                                              : g_rand_int(rand));
        if (!s.peer)
            s.peer =
                peer_link(s.server, SPICE_CHANNEL_INPUTS, 0, connection_id, true, NULL, PEER_UNIX);
        if (!CHECK(s.peer))
            break;
        peer_send_bytes(s.peer, bytes, (size_t)g_rand_int_range(rand, 0, sizeof bytes));
        peer_free(s.peer);
        s.peer = NULL;
        peer_run(s.server);
    }
    CHECK(peer_log_lines() - lines <= n + 1); /* one line for each at most */
    CHECK(!s.channel->clients);
    g_rand_free(rand);
    close_session(&s);
    CHECK(n_connected == n_disconnected);
}

/* ---- Window ---- */

static void test_window(void)
{
    Session s = open_session(&cursor_class, true, PEER_UNIX);
    WireMsgCursorMove move = {0};
    WireMsgcAckSync sync = {.generation = 1};

    for (unsigned i = 0; i < 200; i++)
        channel_client_send(s.cc, SPICE_MSG_CURSOR_MOVE, &move);
    peer_run(s.server);
    const WireMsgSetAck *ack = peer_expect(s.peer, SPICE_MSG_SET_ACK);
    CHECK(ack && ack->generation == 1 && ack->window == 20);
    CHECK(peer_count(s.peer, SPICE_MSG_CURSOR_MOVE) == 40);
    CHECK(channel_client_room(s.cc) == 0);
    /* ACKs before the right ACK_SYNC don't count. */
    for (int i = 0; i < 5; i++)
        peer_send(s.peer, SPICE_MSGC_ACK, NULL);
    sync.generation = 2;
    peer_send(s.peer, SPICE_MSGC_ACK_SYNC, &sync);
    peer_send(s.peer, SPICE_MSGC_ACK, NULL);
    peer_run(s.server);
    CHECK(peer_count(s.peer, SPICE_MSG_CURSOR_MOVE) == 0);
    sync.generation = 1;
    peer_send(s.peer, SPICE_MSGC_ACK_SYNC, &sync);
    peer_run(s.server);
    CHECK(peer_count(s.peer, SPICE_MSG_CURSOR_MOVE) == 0);
    peer_send(s.peer, SPICE_MSGC_ACK, NULL);
    peer_run(s.server);
    CHECK(peer_count(s.peer, SPICE_MSG_CURSOR_MOVE) == 20);
    /* More ACKs than messages give no more than a whole window. */
    for (int i = 0; i < 50; i++)
        peer_send(s.peer, SPICE_MSGC_ACK, NULL);
    peer_run(s.server);
    CHECK(peer_count(s.peer, SPICE_MSG_CURSOR_MOVE) == 41);
    for (unsigned i = 0; i < 200; i++)
        channel_client_send(s.cc, SPICE_MSG_CURSOR_MOVE, &move);
    peer_run(s.server);
    CHECK(peer_count(s.peer, SPICE_MSG_CURSOR_MOVE) <= 41);
    close_session(&s);
}

/* ---- Bodies by reference ---- */

static uint8_t *pattern(uint8_t *data, size_t size, uint32_t seed)
{
    for (size_t i = 0; i < size; i++) {
        seed = seed * 1664525 + 1013904223;
        data[i] = (uint8_t)(seed >> 24);
    }
    return data;
}

static void test_bodies(bool mini)
{
    static const size_t sizes[] = {0, 1, 4095, 4096, 20000, 3000000};
    Session s = open_session(&display_class, mini, PEER_UNIX);

    for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++)
        for (unsigned n_subs = 0; n_subs <= 2; n_subs++) {
            Blob *blob = blob_new(sizes[i] + 10);
            pattern(blob->data, blob->size, i);
            WireImage image = {.type = SPICE_IMAGE_TYPE_QUIC, .width = 5};
            image.u.compressed = (WireBytes){blob->data + 5, sizes[i]};
            WireImage mask = image;
            mask.width = 6;
            WireMsgDisplayDrawCopy copy = {.src_image = &image};
            copy.mask.image = &mask;
            WireBuffer plain = {0};
            CHECK(wire_write(SPICE_CHANNEL_DISPLAY, WIRE_TO_CLIENT, SPICE_MSG_DISPLAY_DRAW_COPY,
                             &copy, &plain));
            OutBody *body =
                out_body_new(SPICE_CHANNEL_DISPLAY, SPICE_MSG_DISPLAY_DRAW_COPY, &copy, &blob, 1);
            if (!CHECK(body && out_body_size(body) == plain.size))
                return;
            CHECK(blob->refs == (sizes[i] < 4096 ? 1 : 3));
            static const uint8_t wait[] = {1, 2, 3, 9, 0, 0, 0, 0, 0, 0, 0}, inval[] = {0, 0};
            WireSubMessage subs[] = {{SPICE_MSG_WAIT_FOR_CHANNELS, {wait, sizeof wait}},
                                     {SPICE_MSG_DISPLAY_INVAL_LIST, {inval, sizeof inval}}};
            CHECK(channel_client_send_body(s.cc, SPICE_MSG_DISPLAY_DRAW_COPY, body, subs, n_subs));
            while (s.cc->engine->queued || stream_has_pending_output(s.cc->stream)) {
                peer_run(s.server);
                peer_receive(s.peer);
            }
            if (n_subs == 1 && mini)
                CHECK(peer_next(s.peer) == SPICE_MSG_WAIT_FOR_CHANNELS &&
                      s.peer->body.size == sizeof wait &&
                      !memcmp(s.peer->body.data, wait, sizeof wait));
            WireSubMessage got[WIRE_SUB_MESSAGES_MAX];
            unsigned n_got = 0;
            if (n_subs == 2 && mini)
                CHECK(peer_next(s.peer) == SPICE_MSG_LIST &&
                      wire_sub_list_read(s.peer->body.data, s.peer->body.size, 0, got, &n_got,
                                         NULL) &&
                      n_got == 2 && got[1].type == SPICE_MSG_DISPLAY_INVAL_LIST);
            CHECK(peer_next(s.peer) == SPICE_MSG_DISPLAY_DRAW_COPY);
            CHECK(s.peer->body.size >= plain.size &&
                  !memcmp(s.peer->body.data, plain.data, plain.size));
            if (!mini && n_subs) {
                CHECK(wire_sub_list_read(s.peer->body.data, s.peer->body.size,
                                         s.peer->header.sub_list, got, &n_got, NULL));
                CHECK(n_got == n_subs && got[0].body.size == sizeof wait &&
                      !memcmp(got[0].body.data, wait, sizeof wait));
            } else {
                CHECK(s.peer->body.size == plain.size);
            }
            if (!mini)
                CHECK(s.peer->header.serial == s.peer->serial);
            CHECK(channel_client_next_serial(s.cc) == s.peer->serial + 1);
            peer_run(s.server);
            CHECK(blob->refs == 1); /* written: nothing refers to it */
            blob_unref(blob);
            wire_buffer_clear(&plain);
        }
    close_session(&s);
}

/* Many bytes of its own, then a reference at the very end. */
static void test_body_long(bool mini)
{
    static WireRect rects[2000];
    Session s = open_session(&display_class, mini, PEER_UNIX);
    Blob *blob = blob_new(100000);
    WireImage image = {.type = SPICE_IMAGE_TYPE_QUIC};
    WireMsgDisplayDrawCopy copy = {.src_image = &image};
    WireBuffer plain = {0};

    pattern((uint8_t *)rects, sizeof rects, 5);
    copy.base.clip.type = SPICE_CLIP_TYPE_RECTS;
    copy.base.clip.rects = rects;
    copy.base.clip.n_rects = G_N_ELEMENTS(rects);
    image.u.compressed = (WireBytes){pattern(blob->data, blob->size, 6), blob->size};
    CHECK(wire_write(SPICE_CHANNEL_DISPLAY, WIRE_TO_CLIENT, SPICE_MSG_DISPLAY_DRAW_COPY, &copy,
                     &plain));
    CHECK(channel_client_send_body(
        s.cc, SPICE_MSG_DISPLAY_DRAW_COPY,
        out_body_new(SPICE_CHANNEL_DISPLAY, SPICE_MSG_DISPLAY_DRAW_COPY, &copy, &blob, 1), NULL,
        0));
    while (s.cc->engine->queued && n_disconnected == 0) {
        peer_run(s.server);
        peer_receive(s.peer);
    }
    CHECK(peer_next(s.peer) == SPICE_MSG_DISPLAY_DRAW_COPY && s.peer->body.size == plain.size &&
          !memcmp(s.peer->body.data, plain.data, plain.size));
    CHECK(blob->refs == 1);
    blob_unref(blob);
    wire_buffer_clear(&plain);
    close_session(&s);
}

/* References that are queued when the connection ends are let go. */
static void test_bodies_dropped(void)
{
    Session s = open_session(&display_class, true, PEER_UNIX);
    Blob *blob = blob_new(4 << 20);
    WireImage image = {.type = SPICE_IMAGE_TYPE_QUIC};

    memset(blob->data, 1, blob->size);
    image.u.compressed = (WireBytes){blob->data, blob->size};
    WireMsgDisplayDrawCopy copy = {.src_image = &image};
    channel_client_send_body(
        s.cc, SPICE_MSG_DISPLAY_DRAW_COPY,
        out_body_new(SPICE_CHANNEL_DISPLAY, SPICE_MSG_DISPLAY_DRAW_COPY, &copy, &blob, 1), NULL, 0);
    peer_run(s.server);
    CHECK(blob->refs == 2);
    close_session(&s);
    CHECK(blob->refs == 1);
    blob_unref(blob);
}

/* ---- Room ---- */

static void test_room(void)
{
    Session s = open_session(&display_class, true, PEER_UNIX);

    fill_bytes = 10000;
    n_fill_messages = 5000; /* 50 MB for a client that doesn't read */
    channel_client_want(s.cc);
    peer_run_ms(s.server, 20);
    CHECK(n_fill_messages > 4800); /* the socket and the queue hold a little */
    CHECK(channel_client_room(s.cc) == 0);
    CHECK(s.cc->engine->queued < 1 << 20);
    unsigned fills = n_fills;
    peer_run_ms(s.server, 20);
    CHECK(n_fills == fills); /* and nobody asks in vain */
    while (n_fill_messages || s.cc->engine->queued) {
        loop_run_once(s.server->loop, 1);
        peer_receive(s.peer);
    }
    CHECK(peer_count(s.peer, SPICE_MSG_PING) == 5000);
    close_session(&s);
}

static void answer_pings(Peer *peer)
{
    while (peer_next(peer))
        if (peer->header.type == SPICE_MSG_PING && peer->body.size == 12) {
            WireMsgcPong pong;

            memcpy(&pong.id, peer->body.data, 4);
            memcpy(&pong.timestamp, peer->body.data + 4, 8);
            peer_send(peer, SPICE_MSGC_PONG, &pong);
        }
}

static void test_flow(void)
{
    Session s = open_session(&display_class, true, PEER_TCP);
    uint64_t limit = loop_now_ns() + UINT64_C(20000000000);

    fill_bytes = 10000;
    n_fill_messages = 5000;
    channel_client_want(s.cc);
    peer_run_ms(s.server, 20);
    /* No PONG: no more than 64 KiB and one message are under way. */
    CHECK(n_fill_messages >= 4990 && n_fill_messages < 5000);
    while ((n_fill_messages || s.cc->engine->queued) && loop_now_ns() < limit) {
        loop_run_once(s.server->loop, 1);
        answer_pings(s.peer);
        CHECK(engine_in_flight(s.cc->engine) < (5 << 20));
    }
    CHECK(!n_fill_messages);
    CHECK(s.cc->engine->rtt_us > 0);
    CHECK(s.cc->engine->rate > 0);
    close_session(&s);
}

/* A client that answers no ping gets its picture all the same. */
static void test_silent(void)
{
    Session s = open_session(&display_class, true, PEER_TCP);
    uint64_t limit = loop_now_ns() + UINT64_C(40000000000);

    fill_bytes = 10000;
    n_fill_messages = 100;
    channel_client_want(s.cc);
    while ((n_fill_messages || s.cc->engine->queued) && loop_now_ns() < limit) {
        loop_run_once(s.server->loop, 100);
        peer_receive(s.peer);
    }
    CHECK(!n_fill_messages);
    CHECK(n_disconnected == 0);
    /* Late answers count again. */
    CHECK(s.cc->engine->silent);
    answer_pings(s.peer);
    peer_run_ms(s.server, 20);
    CHECK(!s.cc->engine->silent && s.cc->engine->rtt_us > 0);
    n_fill_messages = 100;
    channel_client_want(s.cc);
    while ((n_fill_messages || s.cc->engine->queued) && loop_now_ns() < limit) {
        loop_run_once(s.server->loop, 1);
        answer_pings(s.peer);
    }
    CHECK(!n_fill_messages && !s.cc->engine->silent);
    close_session(&s);
}

static void test_latency(void)
{
    Session s = open_session(&inputs_class, true, PEER_TCP);

    while (!s.cc->engine->rtt_us) {
        loop_run_once(s.server->loop, 10);
        answer_pings(s.peer);
    }
    CHECK(s.peer->serial == 2); /* one to warm up, one to measure */
    peer_run_ms(s.server, 300);
    CHECK(!peer_next(s.peer)); /* not again for a while */
    close_session(&s);
    s = open_session(&inputs_class, true, PEER_UNIX);
    peer_run_ms(s.server, 250);
    CHECK(!peer_next(s.peer)); /* never on local sockets */
    close_session(&s);
}

static void test_queue_limit(void)
{
    Session s = open_session(&inputs_class, true, PEER_UNIX);
    unsigned lines = peer_log_lines(), i = 0;

    while (i < 1000000 && !channel_client_is_closing(s.cc)) {
        send_leds(s.cc, 1);
        i++;
    }
    CHECK(i > 1000 && i < 1000000);
    CHECK(peer_log_lines() == lines + 1);
    peer_run(s.server);
    CHECK(n_disconnected == 1 && !s.channel->clients);
    close_session(&s);
}

/* ---- Closing ---- */

static Session *current;

static bool close_from_message(ChannelClient *cc)
{
    channel_client_close(cc, "as the test wants");
    CHECK(!channel_client_send(cc, SPICE_MSG_INPUTS_MOUSE_MOTION_ACK, NULL));
    return true;
}

static bool disconnect_from_message(ChannelClient *cc)
{
    clients_disconnect_all(current->server, "as the test wants");
    CHECK(n_disconnected == 0); /* we are inside of it */
    return true;
}

static bool free_from_message(ChannelClient *cc)
{
    channel_free(current->channel);
    current->channel = NULL;
    CHECK(n_disconnected == 1);
    return true;
}

static bool refuse_message(ChannelClient *cc)
{
    return false;
}

static void test_closing(void)
{
    bool (*const functions[])(ChannelClient *) = {close_from_message, disconnect_from_message,
                                                  free_from_message, refuse_message};

    for (unsigned i = 0; i < G_N_ELEMENTS(functions); i++) {
        Session s = open_session(&inputs_class, true, PEER_UNIX);

        current = &s;
        on_message = functions[i];
        for (int k = 0; k < 3; k++)
            peer_send(s.peer, SPICE_MSGC_INPUTS_KEY_DOWN, &(WireMsgcInputsKeyDown){.code = 1});
        peer_run(s.server);
        CHECK(n_messages == 1 && n_disconnected == 1);
        peer_receive(s.peer);
        CHECK(s.peer->closed);
        peer_receive(s.main_peer);
        CHECK(s.main_peer->closed == (functions[i] == disconnect_from_message));
        close_session(&s);
        CHECK(n_disconnected == 1);
    }
}

/* The ring walk of a broadcast while clients go away. */
static void cve_2013_4130_client_leaves_in_broadcast(void)
{
    struct RedsState *server = peer_server_new();
    Channel *main_channel, *inputs;
    Peer *peers[4], *inputs_peers[4];

    server->options.allow_multiple_clients = true;
    main_channel = channel_new(server, &main_class, 0, server->loop, NULL);
    inputs = channel_new(server, &inputs_class, 0, server->loop, NULL);
    n_connected = n_disconnected = 0;
    on_message = NULL;
    for (int i = 0; i < 4; i++) {
        peers[i] = peer_link(server, SPICE_CHANNEL_MAIN, 0, 0, true, NULL, PEER_UNIX);
        ChannelClient *cc = g_list_last(main_channel->clients)->data;
        inputs_peers[i] = peer_link(server, SPICE_CHANNEL_INPUTS, 0,
                                    client_connection_id(cc->client), true, NULL, PEER_UNIX);
    }
    CHECK(g_list_length(inputs->clients) == 4 && clients_count(server) == 4);
    for (int i = 0; i < 4; i++) {
        /* Writing fails in the middle of the walk, for one that has gone. */
        peer_free(inputs_peers[i]);
        for (GList *l = inputs->clients; l; l = l->next)
            send_leds(l->data, 1);
        CHECK(g_list_length(inputs->clients) == (guint)(4 - i));
        peer_run(server);
        CHECK(g_list_length(inputs->clients) == (guint)(3 - i));
    }
    CHECK(clients_count(server) == 4);
    peer_free(peers[1]);
    peer_run(server);
    CHECK(clients_count(server) == 3);
    channel_free(inputs);
    channel_free(main_channel);
    peer_run(server);
    CHECK(clients_count(server) == 0);
    peer_free(peers[0]);
    peer_free(peers[2]);
    peer_free(peers[3]);
    peer_server_free(server);
}

/* ---- Clients ---- */

static int events[64][3];
static unsigned n_events;

static void channel_event(int event, SpiceChannelEventInfo *info)
{
    if (n_events < G_N_ELEMENTS(events)) {
        events[n_events][0] = event;
        events[n_events][1] = info->connection_id;
        events[n_events++][2] = info->type;
    }
}

static void test_second_client(void)
{
    SpiceCoreInterface core = {.base.minor_version = 3, .channel_event = channel_event};
    Session s = open_session(&inputs_class, true, PEER_UNIX);
    uint32_t id = client_connection_id(s.cc->client);

    s.server->core = &core;
    n_events = 0;
    Peer *again = peer_link(s.server, SPICE_CHANNEL_MAIN, 0, 0, true, NULL, PEER_UNIX);
    CHECK(n_events == 4 && events[0][0] == 3 && events[1][0] == 3 && events[2][0] == 1);
    s.server->core = NULL;
    peer_receive(s.peer);
    peer_receive(s.main_peer);
    CHECK(s.peer->closed && s.main_peer->closed);
    CHECK(clients_count(s.server) == 1);
    uint32_t id2 = client_connection_id(((ChannelClient *)s.main->clients->data)->client);
    CHECK(id && id2 && id != id2);
    /* Unknown sessions; sessions that are over; main with an id. */
    CHECK(!peer_link(s.server, SPICE_CHANNEL_INPUTS, 0, id, true, NULL, PEER_UNIX));
    CHECK(!peer_link(s.server, SPICE_CHANNEL_INPUTS, 0, 0, true, NULL, PEER_UNIX));
    CHECK(!peer_link(s.server, SPICE_CHANNEL_MAIN, 0, id2, true, NULL, PEER_UNIX));
    CHECK(!peer_link(s.server, SPICE_CHANNEL_MAIN, 0, 12345, true, NULL, PEER_UNIX));
    WireLinkMess mess = {.connection_id = id2, .channel_type = SPICE_CHANNEL_DISPLAY};
    CHECK(clients_check(s.server, &mess) == SPICE_LINK_ERR_CHANNEL_NOT_AVAILABLE);
    mess.connection_id++;
    CHECK(clients_check(s.server, &mess) == SPICE_LINK_ERR_BAD_CONNECTION_ID);
    /* Twice the same channel: the first one stays. */
    Peer *first = peer_link(s.server, SPICE_CHANNEL_INPUTS, 0, id2, true, NULL, PEER_UNIX);
    Peer *second = peer_link(s.server, SPICE_CHANNEL_INPUTS, 0, id2, true, NULL, PEER_UNIX);
    peer_run(s.server);
    peer_receive(first);
    peer_receive(second);
    CHECK(!first->closed && second->closed);
    CHECK(g_list_length(s.channel->clients) == 1);
    /* Once it has gone, it may be linked again. */
    peer_free(first);
    peer_run(s.server);
    first = peer_link(s.server, SPICE_CHANNEL_INPUTS, 0, id2, true, NULL, PEER_UNIX);
    CHECK(first && g_list_length(s.channel->clients) == 1);
    /* All its channels go at once. */
    ChannelClient *cc = s.channel->clients->data;
    clients_disconnect(cc->client, "as the test wants");
    CHECK(clients_count(s.server) == 0 && !s.channel->clients && !s.main->clients);
    peer_free(first);
    peer_free(second);
    peer_free(again);
    close_session(&s);
}

static void test_events(void)
{
    SpiceCoreInterface core = {.base.minor_version = 3, .channel_event = channel_event};
    struct RedsState *server = peer_server_new();

    server->core = &core;
    n_events = 0;
    Channel *main_channel = channel_new(server, &main_class, 0, server->loop, NULL);
    Channel *inputs = channel_new(server, &inputs_class, 0, server->loop, NULL);
    Peer *a = peer_link(server, SPICE_CHANNEL_MAIN, 0, 0, true, NULL, PEER_UNIX);
    uint32_t id = client_connection_id(((ChannelClient *)main_channel->clients->data)->client);
    Peer *b = peer_link(server, SPICE_CHANNEL_INPUTS, 0, id, true, NULL, PEER_UNIX);
    Peer *c = peer_link(server, SPICE_CHANNEL_MAIN, 0, 0, true, NULL, PEER_UNIX);
    /* CONNECTED and INITIALIZED twice, DISCONNECTED twice, then the new client. */
    static const int expected[] = {1, 2, 1, 2, 3, 3, 1, 2};
    CHECK(n_events == G_N_ELEMENTS(expected));
    for (unsigned i = 0; i < n_events && i < G_N_ELEMENTS(expected); i++)
        CHECK(events[i][0] == expected[i]);
    channel_free(inputs);
    channel_free(main_channel);
    CHECK(n_events == 9 && events[8][0] == 3);
    peer_free(a);
    peer_free(b);
    peer_free(c);
    peer_server_free(server);
}

/* ---- A channel on another thread's loop ---- */

static Loop *worker_loop;
static gint worker_stop, worker_busy;

static void *run_worker(void *data)
{
    while (!g_atomic_int_get(&worker_stop)) {
        loop_run_once(worker_loop, 20);
        if (g_atomic_int_get(&worker_busy)) /* in a request */
            g_usleep(2000);
    }
    return NULL;
}

static void test_worker(void)
{
    struct RedsState *server = peer_server_new();
    pthread_t thread;

    worker_loop = loop_new_poll();
    worker_stop = 0;
    fill_bytes = 1000;
    n_fill_messages = 3000; /* the worker's thread counts them */
    pthread_create(&thread, NULL, run_worker, NULL);
    Channel *main_channel = channel_new(server, &main_class, 0, server->loop, NULL);
    Channel *display = channel_new(server, &display_class, 0, worker_loop, NULL);
    for (int i = 0; i < 60; i++) {
        g_atomic_int_set(&worker_busy, i % 2);
        Peer *main_peer = peer_link(server, SPICE_CHANNEL_MAIN, 0, 0, true, NULL, PEER_UNIX);
        uint32_t id = client_connection_id(((ChannelClient *)main_channel->clients->data)->client);
        Peer *peer = peer_link(server, SPICE_CHANNEL_DISPLAY, 0, id, true, NULL,
                               i % 3 ? PEER_UNIX : PEER_TCP);
        if (i % 4 == 1)
            peer_run_ms(server, 5);
        if (i % 4 == 2)
            peer_send_raw(peer, 9, 1, "x", 1); /* it is closed by the worker */
        if (i % 4 == 3)
            clients_disconnect_all(server, NULL);
        if (i % 8 >= 4)
            peer_run_ms(server, 5);
        peer_free(peer);
        peer_free(main_peer);
    }
    channel_free(display);
    CHECK(n_connected == n_disconnected);
    display = channel_new(server, &display_class, 0, worker_loop, NULL);
    Peer *main_peer = peer_link(server, SPICE_CHANNEL_MAIN, 0, 0, true, NULL, PEER_UNIX);
    uint32_t id = client_connection_id(((ChannelClient *)main_channel->clients->data)->client);
    Peer *peer = peer_link(server, SPICE_CHANNEL_DISPLAY, 0, id, true, NULL, PEER_UNIX);
    clients_disconnect_all(server, NULL);
    CHECK(clients_count(server) == 0);
    peer_receive(peer);
    CHECK(peer->closed);
    channel_free(display);
    channel_free(main_channel);
    g_atomic_int_set(&worker_stop, 1);
    loop_wake(worker_loop);
    pthread_join(thread, NULL);
    peer_free(main_peer);
    peer_free(peer);
    peer_server_free(server);
    loop_free(worker_loop);
}

int main(void)
{
    tap_case("mini headers");
    test_framing(true);
    tap_case("full headers");
    test_framing(false);
    tap_case("cve_2016_9577_sizes");
    test_sizes();
    tap_case("unknown types, and messages of a migration");
    test_types();
    tap_case("garbage");
    test_garbage();
    tap_case("acknowledgement window");
    test_window();
    tap_case("bodies by reference, mini headers");
    test_bodies(true);
    tap_case("bodies by reference, full headers");
    test_bodies(false);
    tap_case("a long body that ends with a reference");
    test_body_long(true);
    test_body_long(false);
    tap_case("bodies by reference are dropped");
    test_bodies_dropped();
    tap_case("room");
    test_room();
    tap_case("flow by pings");
    test_flow();
    tap_case("a client that answers no pings");
    test_silent();
    tap_case("latency pings");
    test_latency();
    tap_case("a queue that nobody takes");
    test_queue_limit();
    tap_case("closing inside callbacks");
    test_closing();
    tap_case("cve_2013_4130_client_leaves_in_broadcast");
    cve_2013_4130_client_leaves_in_broadcast();
    tap_case("duplicate_channel_connect, and a second client");
    test_second_client();
    tap_case("order of channel events");
    test_events();
    tap_case("a channel on a worker's loop");
    test_worker();
    return tap_done();
}
