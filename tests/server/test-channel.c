/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The channel engine over socket pairs: framing, hostile bytes, windows, bodies by reference, room.
 */
#include "channel-session.h"

#include <string.h>

#include "channel/client-private.h"
#include "channel/engine.h"
#include "clock.h"
#include "tap.h"

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
        CHECK(ends(&display_class, true, SPICE_MSGC_PONG, sizes[i], sent) ==
              (sizes[i] < 12 || sizes[i] > 1024));
    }
    CHECK(!ends(&display_class, true, SPICE_MSGC_PONG, 1024, 1024));
    CHECK(ends(&display_class, true, SPICE_MSGC_PONG, 1025, 1025));
    CHECK(!ends(&cursor_class, false, SPICE_MSGC_PONG, 1024, 1024));
    CHECK(ends(&cursor_class, false, SPICE_MSGC_PONG, 1025, 1025));
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

/* One that was found to have little bandwidth. */
static void test_slow_window(void)
{
    Session s = open_session(&cursor_class, true, PEER_UNIX);
    Client *client = ((ChannelClient *)s.main->clients->data)->client;
    WireMsgCursorMove move = {0};

    peer_free(s.peer);
    peer_run(s.server);
    client_set_bandwidth(client, 1000000);
    s.peer = peer_link(s.server, SPICE_CHANNEL_CURSOR, 0, client_connection_id(client), true, NULL,
                       PEER_UNIX);
    peer_run(s.server);
    s.cc = s.channel->clients->data;
    for (unsigned i = 0; i < 200; i++)
        channel_client_send(s.cc, SPICE_MSG_CURSOR_MOVE, &move);
    peer_run(s.server);
    const WireMsgSetAck *ack = peer_expect(s.peer, SPICE_MSG_SET_ACK);
    CHECK(ack && ack->window == 40);
    CHECK(peer_count(s.peer, SPICE_MSG_CURSOR_MOVE) == 80);
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
                      n_got == 2 && got[1].type == SPICE_MSG_DISPLAY_INVAL_LIST &&
                      got[0].body.size == sizeof wait && got[1].body.size == sizeof inval);
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

/* How many there were. */
static unsigned answer_pings(Peer *peer)
{
    unsigned n = 0;

    while (peer_next(peer))
        if (peer->header.type == SPICE_MSG_PING && peer->body.size == 12) {
            WireMsgcPong pong;

            n++;
            memcpy(&pong.id, peer->body.data, 4);
            memcpy(&pong.timestamp, peer->body.data + 4, 8);
            peer_send(peer, SPICE_MSGC_PONG, &pong);
        }
    return n;
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
        clock_forward_ms(100);
        loop_run_once(s.server->loop, 0);
        peer_receive(s.peer);
    }
    CHECK(!n_fill_messages);
    for (int i = 0; i < 100; i++) {
        clock_forward_ms(1000);
        peer_run(s.server);
    }
    CHECK(n_disconnected == 0);
    /* Late answers count again. */
    CHECK(s.cc->engine->silent);
    answer_pings(s.peer);
    peer_run_ms(s.server, 20);
    CHECK(!s.cc->engine->silent && s.cc->engine->rtt_us > 0);
    limit = loop_now_ns() + UINT64_C(20000000000);
    n_fill_messages = 100;
    channel_client_want(s.cc);
    while ((n_fill_messages || s.cc->engine->queued) && loop_now_ns() < limit) {
        loop_run_once(s.server->loop, 1);
        answer_pings(s.peer);
    }
    CHECK(!n_fill_messages && !s.cc->engine->silent);
    close_session(&s);
}

/* How many pings come in that time, each of them answered. */
static unsigned pings_in(Session *s, unsigned seconds)
{
    unsigned n = 0;

    for (unsigned i = 0; i < seconds; i++) {
        clock_forward_ms(1000);
        peer_run(s->server);
        n += answer_pings(s->peer);
        peer_run(s->server);
    }
    return n;
}

/* On an idle connection: one to warm up, one to measure; again after 5 minutes, or 15 s. */
static void test_latency(void)
{
    ChannelClass watched = inputs_class;
    Session s = open_session(&inputs_class, true, PEER_TCP);

    CHECK(pings_in(&s, 2) == 2 && s.cc->engine->rtt_us > 0);
    CHECK(pings_in(&s, 290) == 0);
    CHECK(pings_in(&s, 20) == 2);
    close_session(&s);
    watched.watch_latency = true;
    s = open_session(&watched, true, PEER_TCP);
    CHECK(pings_in(&s, 2) == 2);
    CHECK(pings_in(&s, 12) == 0);
    CHECK(pings_in(&s, 6) == 2);
    /* One that isn't answered isn't repeated, and ends nothing. */
    for (int i = 0; i < 400; i++) {
        clock_forward_ms(1000);
        peer_run(s.server);
    }
    CHECK(peer_count(s.peer, SPICE_MSG_PING) == 2);
    CHECK(n_disconnected == 0);
    close_session(&s);
    s = open_session(&watched, true, PEER_UNIX);
    CHECK(pings_in(&s, 400) == 0); /* never on local sockets */
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

int main(void)
{
    tap_case("mini headers");
    test_framing(true);
    tap_case("full headers");
    test_framing(false);
    tap_case("cve_2016_9577_sizes, huge_message_2019");
    test_sizes();
    tap_case("cve_2026_105958: unknown types, and messages of a migration");
    test_types();
    tap_case("garbage");
    test_garbage();
    tap_case("acknowledgement window");
    test_window();
    tap_case("acknowledgement window of a slow client");
    test_slow_window();
    tap_case("bodies by reference, mini headers");
    test_bodies(true);
    tap_case("bodies by reference, full headers");
    test_bodies(false);
    tap_case("a long body that ends with a reference");
    test_body_long(true);
    test_body_long(false);
    tap_case("use_after_free_2019: bodies by reference are dropped");
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
    return tap_done();
}
