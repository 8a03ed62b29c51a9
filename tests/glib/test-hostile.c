/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A hostile server: the channel ends with an error that names the message, memory stays bounded,
 * nothing hangs. Spec: client-glib.md 4.9 and 20, dangers.md. */
#include <string.h>
#include "fake-server.h"
#include "recorder.h"

/* Main gets bytes, or messages, by a function; other channels serve as usual. */
typedef struct Hostile {
    void (*main)(FakeConn *conn, gpointer data);
    void (*inputs)(FakeConn *conn, gpointer data);
    void (*cursor)(FakeConn *conn, gpointer data);
    gpointer data;
    guint32 common; /* capabilities; 0: with mini headers */
    gint step;      /* for the threads to take turns */
} Hostile;

static void send_list(FakeConn *conn)
{
    static const WireChannelId channels[] = {{SPICE_CHANNEL_CURSOR, 0}, {SPICE_CHANNEL_INPUTS, 0}};
    WireMsgMainChannelsList list = {.n_channels = G_N_ELEMENTS(channels), .channels = channels};
    FakeMessage message;

    if (fake_receive_type(conn, SPICE_MSGC_MAIN_ATTACH_CHANNELS, &message))
        fake_message_clear(&message);
    fake_send(conn, SPICE_MSG_MAIN_CHANNELS_LIST, &list);
}

static void script(FakeConn *conn, gpointer data)
{
    Hostile *h = data;
    void (*function)(FakeConn *, gpointer) = NULL;

    if (!fake_read_link(conn) || !fake_write_reply(conn, h->common ? h->common : 0xb, 1) ||
        !fake_read_ticket(conn) || !fake_write_result(conn, SPICE_LINK_ERR_OK))
        return;
    if (conn->link.channel_type == SPICE_CHANNEL_MAIN) {
        fake_send_main_start(conn, FALSE);
        if (h->inputs || h->cursor)
            send_list(conn);
        function = h->main;
    } else if (conn->link.channel_type == SPICE_CHANNEL_INPUTS) {
        function = h->inputs;
    } else {
        function = h->cursor;
    }
    if (function)
        function(conn, h->data);
    fake_drain(conn);
}

/* The main channel ends with ERROR_IO and CLOSED, and this text. */
static void expect_end(Hostile *h, const gchar *pattern)
{
    FakeServer *server = fake_server_new(script, h);
    Recorder *r = recorder_new(fake_server_port(server), 0);

    g_assert_true(spice_session_connect(r->session));
    recorder_wait(r, "main:0 CLOSED");
    g_assert_cmpuint(
        recorder_count(r, "main:0 main-agent-update\nmain:0 ERROR_IO\nmain:0 CLOSED\n"), ==, 1);
    if (!g_pattern_match_simple(pattern, r->error_text))
        g_error("\"%s\" is not like \"%s\"", r->error_text, pattern);
    recorder_free(r);
    fake_server_free(server);
}

/* The session lives on: a PING is still answered after what the script sent. */
static void ask_pong(FakeConn *conn, gint *done)
{
    WireMsgPing ping = {.id = 77, .timestamp = 0x1122334455667788};
    FakeMessage message;

    fake_send(conn, SPICE_MSG_PING, &ping);
    while (fake_receive_type(conn, SPICE_MSGC_PONG, &message)) {
        gboolean ours = message.size == 12 && message.body[0] == 77 && message.body[4] == 0x88;

        fake_message_clear(&message);
        if (ours) {
            g_atomic_int_set(done, 1);
            return;
        }
    }
}

static gboolean not_done(gpointer data)
{
    return !g_atomic_int_get((gint *)data);
}

static void expect_alive(Hostile *h, gint *done)
{
    FakeServer *server = fake_server_new(script, h);
    Recorder *r = recorder_new(fake_server_port(server), 0);

    g_assert_true(spice_session_connect(r->session));
    run_while(not_done, done);
    g_assert_cmpuint(recorder_count(r, "ERROR"), ==, 0);
    g_assert_cmpuint(recorder_count(r, "CLOSED"), ==, 0);
    recorder_free(r);
    fake_server_free(server);
}

/* --- sizes --- */

static void send_header(FakeConn *conn, gpointer data)
{
    fake_write(conn, data, WIRE_MINI_HEADER_SIZE);
}

/* CVE-2016-9577 and the negotiated huge message of 2019, from the client's side: no allocation by
 * the header's word. */
static void test_cve_2016_9577_oversized_headers(void)
{
    static const struct {
        guint8 header[6];
        const gchar *pattern;
    } cases[] = {
        {{109, 0, 0xff, 0xff, 0xff, 0xff},
         "The server sent a malformed message: MAIN_AGENT_DATA: it announces 4294967295 bytes*"},
        {{113, 0, 0, 0, 0, 0x80}, "*MAIN_NAME*"},
        {{0xff, 0xff, 0, 0, 0, 0x40}, "*type 65535*"},
        {{4, 0, 0xff, 0xff, 0xff, 0x7f}, "*PING*"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        Hostile h = {.main = send_header, .data = (gpointer)cases[i].header};

        expect_end(&h, cases[i].pattern);
    }
}

static void announce_and_close(FakeConn *conn, gpointer data)
{
    static const guint8 header[6] = {109, 0, 0, 0, 1, 0}; /* 65536 bytes */

    fake_write(conn, header, sizeof header);
    fake_write(conn, header, sizeof header);
    g_io_stream_close(G_IO_STREAM(conn->stream), NULL, NULL);
}

static void test_server_gone_in_mid_message(void)
{
    Hostile h = {.main = announce_and_close};
    FakeServer *server = fake_server_new(script, &h);
    Recorder *r = recorder_new(fake_server_port(server), 0);

    g_assert_true(spice_session_connect(r->session));
    recorder_wait(r, "main:0 CLOSED");
    g_assert_cmpuint(recorder_count(r, "ERROR"), ==, 0);
    g_assert_nonnull(r->error_text);
    recorder_free(r);
    fake_server_free(server);
}

/* --- contents --- */

typedef struct Body {
    guint16 type;
    gsize size;
    guint8 bytes[64];
    const gchar *pattern;
} Body;

static void send_bad_body(FakeConn *conn, gpointer data)
{
    const Body *body = data;

    fake_send_body(conn, body->type, body->bytes, body->size);
}

/* CVE-2017-12194: counts near 2^32 in arrays. CVE-2018-10873: bounds of flexible arrays. */
static void test_cve_2017_12194_malformed_bodies(void)
{
    static const Body bodies[] = {
        {SPICE_MSG_MAIN_CHANNELS_LIST, 6, {0xff, 0xff, 0xff, 0xff, 1, 0}, "*MAIN_CHANNELS_LIST*"},
        {SPICE_MSG_MAIN_CHANNELS_LIST, 6, {0, 0, 0, 0x80, 1, 0}, "*MAIN_CHANNELS_LIST*"},
        {SPICE_MSG_MAIN_CHANNELS_LIST, 3, {1, 0, 0}, "*MAIN_CHANNELS_LIST*"},
        {SPICE_MSG_MAIN_NAME, 8, {0xff, 0xff, 0xff, 0xff, 'x', 0}, "*MAIN_NAME*"},
        {SPICE_MSG_MAIN_UUID, 15, {0}, "*MAIN_UUID*"},
        {SPICE_MSG_MAIN_INIT, 31, {0}, "*MAIN_INIT*"},
        {SPICE_MSG_MAIN_MIGRATE_BEGIN,
         20,
         {1, 0, 0, 0, 9, 0, 0, 0, 0xf0, 0xff, 0xff, 0xff},
         "*MAIN_MIGRATE_BEGIN*"},
        {SPICE_MSG_SET_ACK, 7, {0}, "*SET_ACK*"},
        {SPICE_MSG_PING, 11, {0}, "*PING*"},
        {SPICE_MSG_WAIT_FOR_CHANNELS, 1, {255}, "*WAIT_FOR_CHANNELS*"},
        {SPICE_MSG_LIST, 2, {1, 0}, "*LIST*"},
        {SPICE_MSG_LIST, 6, {1, 0, 0xff, 0xff, 0xff, 0xff}, "*LIST*"},
        {SPICE_MSG_LIST, 6, {0xff, 0xff, 0, 0, 0, 0}, "*LIST*"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(bodies); i++) {
        Hostile h = {.main = send_bad_body, .data = (gpointer)&bodies[i]};

        expect_end(&h, bodies[i].pattern);
    }
}

static void send_list_in_list(FakeConn *conn, gpointer data)
{
    /* one sub-message at 6: a LIST that holds itself */
    static const guint8 body[] = {1, 0, 6, 0, 0, 0, 8, 0, 6, 0, 0, 0, 1, 0, 6, 0, 0, 0};

    fake_send_body(conn, SPICE_MSG_LIST, body, sizeof body);
}

static void test_list_in_list(void)
{
    Hostile h = {.main = send_list_in_list};

    expect_end(&h, "*LIST*");
}

static void send_sub_list_outside(FakeConn *conn, gpointer data)
{
    static const guint8 body[] = {2, 0, 0, 0, 1, 0, 0, 0};

    fake_send_with_list(conn, SPICE_MSG_MAIN_MULTI_MEDIA_TIME, body, sizeof body, 0xfffffff0);
}

static void test_sub_list_outside_of_message(void)
{
    Hostile h = {.main = send_sub_list_outside, .common = 0x3}; /* without mini headers */

    expect_end(&h, "*MAIN_MULTI_MEDIA_TIME*");
}

static void send_good_sub_list(FakeConn *conn, gpointer data)
{
    /* MULTI_MEDIA_TIME, behind it the sub-message MOUSE_MODE (its size field too large, as deployed
     * servers say) and the list */
    static const guint8 body[] = {1, 0, 0, 0, 105, 0, 60, 0, 0, 0, 3, 0, 2, 0, 1, 0, 4, 0, 0, 0};

    fake_send_with_list(conn, SPICE_MSG_MAIN_MULTI_MEDIA_TIME, body, sizeof body, 14);
    ask_pong(conn, data);
}

static void test_sub_list(void)
{
    gint done = 0;
    Hostile h = {.main = send_good_sub_list, .common = 0x3, .data = &done};
    FakeServer *server = fake_server_new(script, &h);
    Recorder *r = recorder_new(fake_server_port(server), 0);

    g_assert_true(spice_session_connect(r->session));
    /* the sub-message first, then its container */
    recorder_wait_count(r, "mm-time-reset", 2);
    g_assert_cmpuint(recorder_count(r, "notify::mouse-mode 2\nsession mm-time-reset\n"), ==, 1);
    recorder_free(r);
    fake_server_free(server);
}

static void send_odd_but_harmless(FakeConn *conn, gpointer data)
{
    static const guint8 junk[64];
    static const guint16 types[] = {0, 9, 50, 99, 100, 119, 150, 9999, 65535};
    WireMsgMainInit second = {
        .session_id = 666, .supported_mouse_modes = 3, .current_mouse_mode = 1};
    WireMsgMainAgentData early = {.data = {junk, sizeof junk}};

    for (gsize i = 0; i < G_N_ELEMENTS(types); i++)
        fake_send_body(conn, types[i], junk, sizeof junk);
    fake_send(conn, SPICE_MSG_MAIN_INIT, &second);
    fake_send(conn, SPICE_MSG_MAIN_AGENT_DATA, &early);
    fake_send(conn, SPICE_MSG_MAIN_MIGRATE_END, NULL);
    fake_send(conn, SPICE_MSG_MAIN_MIGRATE_CANCEL, NULL);
    fake_send(conn, SPICE_MSG_MAIN_MIGRATE_DST_SEAMLESS_ACK, NULL);
    ask_pong(conn, data);
}

/* Unknown types and messages out of place are ignored, with or without content. */
static void test_state_violations(void)
{
    gint done = 0;
    Hostile h = {.main = send_odd_but_harmless, .data = &done};

    expect_alive(&h, &done);
}

static void send_migrate(FakeConn *conn, gpointer data)
{
    WireMsgMigrate migrate = {.flags = 3};

    fake_send(conn, SPICE_MSG_MIGRATE, &migrate);
}

/* CVE-2026-105958 from the client's side: migration data without a migration go nowhere. */
static void test_cve_2026_105958_migrate_without_migration(void)
{
    Hostile h = {.main = send_migrate};

    expect_end(&h, "The server moves this channel, but no migration was prepared");
}

/* --- floods --- */

static void flood(FakeConn *conn, gpointer data)
{
    WireMsgMainMultiMediaTime time = {.time = 5};

    for (guint i = 0; i < 30000; i++)
        if (!fake_send(conn, SPICE_MSG_MAIN_MULTI_MEDIA_TIME, &time))
            return;
    ask_pong(conn, data);
}

static gboolean count_turns(gpointer data)
{
    (*(guint *)data)++;
    return G_SOURCE_CONTINUE;
}

/* A flood leaves the main loop to others. */
static void test_flood_leaves_the_loop(void)
{
    gint done = 0;
    guint turns = 0, ticker;
    Hostile h = {.main = flood, .data = &done};
    FakeServer *server = fake_server_new(script, &h);
    Recorder *r = recorder_new(fake_server_port(server), 0);

    g_assert_true(spice_session_connect(r->session));
    ticker = g_timeout_add(1, count_turns, &turns);
    run_while(not_done, &done);
    g_source_remove(ticker);
    g_assert_cmpuint(turns, >, 3);
    recorder_free(r);
    fake_server_free(server);
}

static void many_channels(FakeConn *conn, gpointer data)
{
    g_autofree WireChannelId *channels = g_new(WireChannelId, 100000);
    WireMsgMainChannelsList list = {.n_channels = 100000, .channels = channels};

    for (guint i = 0; i < list.n_channels; i++)
        channels[i] = (WireChannelId){SPICE_CHANNEL_CURSOR, i % 4};
    for (guint i = 0; i < 3; i++)
        fake_send(conn, SPICE_MSG_MAIN_CHANNELS_LIST, &list);
    ask_pong(conn, data);
}

/* dangers.md, "duplicate channel connect crash": a list that repeats itself creates each channel
 * once. */
static void test_duplicate_channel_connect_2017(void)
{
    gint done = 0;
    Hostile h = {.main = many_channels, .data = &done};
    FakeServer *server = fake_server_new(script, &h);
    Recorder *r = recorder_new(fake_server_port(server), 0);

    r->connect_channels = FALSE;
    g_assert_true(spice_session_connect(r->session));
    run_while(not_done, &done);
    run_pending();
    g_assert_cmpuint(recorder_count(r, "channel-new cursor"), ==, 4);
    recorder_free(r);
    fake_server_free(server);
}

#define PINGS 300000

static gpointer read_pongs(gpointer data)
{
    FakeConn *conn = data;
    FakeMessage message;
    guint n = 0;

    g_usleep(300000);
    while (n < PINGS && fake_receive_type(conn, SPICE_MSGC_PONG, &message)) {
        fake_message_clear(&message);
        n++;
    }
    return GUINT_TO_POINTER(n);
}

static void ping_without_reading(FakeConn *conn, gpointer data)
{
    GThread *reader = g_thread_new("pongs", read_pongs, conn);

    for (guint i = 0; i < PINGS; i++)
        if (!fake_send(conn, SPICE_MSG_PING, &(WireMsgPing){.id = i}))
            break;
    if (GPOINTER_TO_UINT(g_thread_join(reader)) == PINGS)
        g_atomic_int_set((gint *)data, 1);
}

/* A server that asks and does not read the answers is not read either; nothing is lost when it
 * does. */
static void test_ping_flood(void)
{
    gint done = 0;
    Hostile h = {.main = ping_without_reading, .data = &done};

    expect_alive(&h, &done);
}

/* --- acks, pings --- */

static void check_acks(FakeConn *conn, gpointer data)
{
    WireMsgSetAck set = {.generation = 9, .window = 3};
    WireMsgMainMultiMediaTime time = {.time = 5};
    FakeMessage message;
    guint acks = 0;

    fake_send(conn, SPICE_MSG_SET_ACK, &set);
    g_assert_true(fake_receive_type(conn, SPICE_MSGC_ACK_SYNC, &message));
    g_assert_cmpuint(message.size, ==, 4);
    g_assert_cmpuint(message.body[0], ==, 9);
    fake_message_clear(&message);
    for (guint i = 0; i < 7; i++)
        fake_send(conn, SPICE_MSG_MAIN_MULTI_MEDIA_TIME, &time);
    /* the eighth message is the PING: two windows are full before it */
    fake_send(conn, SPICE_MSG_PING, &(WireMsgPing){.id = 1});
    while (fake_receive(conn, &message)) {
        gboolean pong = message.type == SPICE_MSGC_PONG;

        acks += message.type == SPICE_MSGC_ACK;
        fake_message_clear(&message);
        if (pong)
            break;
    }
    g_assert_cmpuint(acks, ==, 2);
    set.window = 0;
    fake_send(conn, SPICE_MSG_SET_ACK, &set);
    ask_pong(conn, data);
}

static void test_acks(void)
{
    gint done = 0;
    Hostile h = {.main = check_acks, .data = &done};

    expect_alive(&h, &done);
}

/* --- waiting for other channels --- */

static void wait_for(FakeConn *conn, const WireWaitForChannel *waits, guint n)
{
    WireMsgWaitForChannels list = {.n_wait_list = n, .wait_list = waits};

    fake_send(conn, SPICE_MSG_WAIT_FOR_CHANNELS, &list);
}

static void inputs_waits_for_itself(FakeConn *conn, gpointer data)
{
    static const WireWaitForChannel waits[] = {{SPICE_CHANNEL_INPUTS, 0, G_MAXUINT64},
                                               {SPICE_CHANNEL_DISPLAY, 200, 1},
                                               {SPICE_CHANNEL_PLAYBACK, 0, 1},
                                               {255, 255, 5}};

    wait_for(conn, waits, G_N_ELEMENTS(waits));
    ask_pong(conn, data);
}

/* Unknown channels and oneself are not waited for. */
static void test_wait_for_nobody(void)
{
    gint done = 0;
    Hostile h = {.inputs = inputs_waits_for_itself, .data = &done};

    expect_alive(&h, &done);
}

static void inputs_waits_for_cursor(FakeConn *conn, gpointer data)
{
    static const WireWaitForChannel waits[] = {{SPICE_CHANNEL_CURSOR, 0, 3}};

    wait_for(conn, waits, 1);
    ask_pong(conn, data);
}

static void cursor_waits_for_inputs(FakeConn *conn, gpointer data)
{
    static const WireWaitForChannel waits[] = {{SPICE_CHANNEL_INPUTS, 0, 2}};

    wait_for(conn, waits, 1);
    fake_send(conn, SPICE_MSG_CURSOR_HIDE, NULL);
    fake_send(conn, SPICE_MSG_CURSOR_HIDE, NULL);
}

/* Two channels that wait for each other go on. */
static void test_wait_cycle(void)
{
    gint done = 0;
    Hostile h = {
        .inputs = inputs_waits_for_cursor, .cursor = cursor_waits_for_inputs, .data = &done};

    expect_alive(&h, &done);
}

typedef struct Order {
    gint step, done;
} Order;

static void inputs_waits_for_third(FakeConn *conn, gpointer data)
{
    static const WireWaitForChannel waits[] = {{SPICE_CHANNEL_CURSOR, 0, 3}};
    WireMsgInputsInit modifiers = {.modifiers = 4};

    wait_for(conn, waits, 1);
    fake_send(conn, SPICE_MSG_INPUTS_INIT, &modifiers);
    g_atomic_int_set(&((Order *)data)->step, 1);
}

static void cursor_sends_three(FakeConn *conn, gpointer data)
{
    Order *order = data;

    while (!g_atomic_int_get(&order->step))
        g_usleep(1000);
    for (guint i = 0; i < 3; i++) {
        g_usleep(20000);
        fake_send(conn, SPICE_MSG_CURSOR_HIDE, NULL);
    }
}

/* 4.9: the channel goes on when the other one has handled the message of that number. */
static void test_wait_for_serial(void)
{
    Order order = {0};
    Hostile h = {.inputs = inputs_waits_for_third, .cursor = cursor_sends_three, .data = &order};
    FakeServer *server = fake_server_new(script, &h);
    Recorder *r = recorder_new(fake_server_port(server), 0);
    const gchar *inputs, *cursor;

    g_assert_true(spice_session_connect(r->session));
    recorder_wait(r, "inputs-modifiers");
    inputs = strstr(r->lines->str, "inputs-modifiers");
    g_assert_cmpuint(recorder_count(r, "cursor-hide"), ==, 3);
    cursor = g_strrstr(r->lines->str, "cursor-hide");
    g_assert_true(inputs > cursor);
    recorder_free(r);
    fake_server_free(server);
}

static void inputs_waits_for_ever(FakeConn *conn, gpointer data)
{
    static const WireWaitForChannel waits[] = {{SPICE_CHANNEL_CURSOR, 0, 1000000}};
    WireMsgInputsInit modifiers = {.modifiers = 4};

    wait_for(conn, waits, 1);
    fake_send(conn, SPICE_MSG_INPUTS_INIT, &modifiers);
}

static void cursor_hides_once(FakeConn *conn, gpointer data)
{
    fake_send(conn, SPICE_MSG_CURSOR_HIDE, NULL);
}

/* A wait ends when the other channel does; a channel that waits can be closed. */
static void test_wait_ends_with_channel(void)
{
    Hostile h = {.inputs = inputs_waits_for_ever, .cursor = cursor_hides_once};

    for (guint i = 0; i < 2; i++) {
        FakeServer *server = fake_server_new(script, &h);
        Recorder *r = recorder_new(fake_server_port(server), 0);

        g_assert_true(spice_session_connect(r->session));
        recorder_wait(r, "inputs:0 OPENED");
        recorder_wait(r, "cursor-hide");
        run_for(50);
        g_assert_cmpuint(recorder_count(r, "inputs-modifiers"), ==, 0);
        if (i == 0) {
            spice_channel_disconnect(recorder_channel(r, SPICE_CHANNEL_CURSOR), SPICE_CHANNEL_NONE);
            recorder_wait(r, "inputs-modifiers");
        }
        recorder_free(r);
        fake_server_free(server);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_log_set_always_fatal(G_LOG_FATAL_MASK);
    g_test_add_func("/hostile/cve_2016_9577_and_huge_message_2019_oversized_headers",
                    test_cve_2016_9577_oversized_headers);
    g_test_add_func("/hostile/gone-in-mid-message", test_server_gone_in_mid_message);
    g_test_add_func("/hostile/cve_2017_12194_malformed_bodies",
                    test_cve_2017_12194_malformed_bodies);
    g_test_add_func("/hostile/list-in-list", test_list_in_list);
    g_test_add_func("/hostile/sub-list-outside-of-message", test_sub_list_outside_of_message);
    g_test_add_func("/hostile/sub-list", test_sub_list);
    g_test_add_func("/hostile/state-violations", test_state_violations);
    g_test_add_func("/hostile/cve_2026_105958_migrate_without_migration",
                    test_cve_2026_105958_migrate_without_migration);
    g_test_add_func("/hostile/flood-leaves-the-loop", test_flood_leaves_the_loop);
    g_test_add_func("/hostile/ping-flood", test_ping_flood);
    g_test_add_func("/hostile/duplicate_channel_connect_2017", test_duplicate_channel_connect_2017);
    g_test_add_func("/hostile/acks", test_acks);
    g_test_add_func("/hostile/wait-for-nobody", test_wait_for_nobody);
    g_test_add_func("/hostile/wait-cycle", test_wait_cycle);
    g_test_add_func("/hostile/wait-for-serial", test_wait_for_serial);
    g_test_add_func("/hostile/wait-ends-with-channel", test_wait_ends_with_channel);
    return g_test_run();
}
