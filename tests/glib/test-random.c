/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Random messages, valid and damaged, on the main, inputs and cursor channels: whatever comes, the
 * client neither crashes nor hangs, and a session that ended can be disconnected. Spec:
 * client-glib.md 20. */
#include <string.h>
#include "fake-server.h"
#include "recorder.h"
#include "wire/random.h"

#define MESSAGES 200

typedef struct Plan {
    guint64 seed;
    gint done; /* channels that have sent everything */
} Plan;

/* Damage that the parser may or may not notice. */
static void damage(WireRandom *random, guint8 *bytes, gsize size)
{
    guint n = wire_random_below(random, 3);

    for (guint i = 0; size > 0 && i < n; i++) {
        gsize at = wire_random_below(random, size);

        bytes[at] = wire_random_below(random, 4) ? wire_random_number(random) : 0xff;
    }
}

static void send_random(FakeConn *conn, WireRandom *random)
{
    size_t n;
    const WireMessageInfo *infos = wire_message_infos(&n);
    guint index = wire_random_below(random, n);
    const WireMessageInfo *info = &infos[index];
    WireBuffer body = {0};
    const void *message;

    if (info->direction != WIRE_TO_CLIENT ||
        (info->channel != 0 && info->channel != conn->link.channel_type))
        return;
    /* These end the channel nearly always: they shall not hide the others. */
    if ((info->type == SPICE_MSG_MIGRATE || info->type == SPICE_MSG_MIGRATE_DATA ||
         info->type == SPICE_MSG_LIST) &&
        wire_random_below(random, 100))
        return;
    wire_arena_reset(random->arena);
    message = wire_random_message(random, index, 0);
    if (message &&
        wire_write(conn->link.channel_type, WIRE_TO_CLIENT, info->type, message, &body) &&
        body.size < 65536) {
        if (wire_random_below(random, 12) == 0)
            damage(random, body.data, body.size);
        fake_send_with_list(
            conn, info->type, body.data, body.size,
            conn->mini || wire_random_below(random, 300) ? 0 : wire_random_number(random));
    }
    wire_buffer_clear(&body);
}

static void script(FakeConn *conn, gpointer data)
{
    static const WireChannelId channels[] = {{SPICE_CHANNEL_CURSOR, 0}, {SPICE_CHANNEL_INPUTS, 0}};
    WireMsgMainChannelsList list = {.n_channels = G_N_ELEMENTS(channels), .channels = channels};
    Plan *plan = data;
    WireArena arena;
    WireRandom random = {plan->seed * 1000 + conn->link.channel_type + conn->number, &arena};

    wire_arena_init(&arena, 1 << 20);
    if (!fake_read_link(conn) || !fake_write_reply(conn, plan->seed % 2 ? 0xb : 0x3, 1) ||
        !fake_read_ticket(conn) || !fake_write_result(conn, SPICE_LINK_ERR_OK))
        goto out;
    if (conn->link.channel_type == SPICE_CHANNEL_MAIN) {
        fake_send_main_start(conn, TRUE);
        fake_send(conn, SPICE_MSG_MAIN_CHANNELS_LIST, &list);
        g_usleep(50000); /* the other channels get their turn */
    }
    for (guint sent = 0; sent < MESSAGES * 30; sent++)
        send_random(conn, &random);
out:
    g_atomic_int_inc(&plan->done);
    wire_arena_clear(&arena);
}

static gboolean main_lives(gpointer data)
{
    Recorder *r = data;

    return recorder_count(r, "main:0 CLOSED") + recorder_count(r, "main:0 ERROR") == 0;
}

static void test_random(void)
{
    for (guint64 seed = 1; seed <= 30; seed++) {
        Plan plan = {.seed = seed};
        FakeServer *server = fake_server_new(script, &plan);
        Recorder *r = recorder_new(fake_server_port(server), 0);

        g_object_set(r->session, "host", "127.0.0.1", NULL);
        g_assert_true(spice_session_connect(r->session));
        run_while(main_lives, r);
        run_for(20);
        recorder_free(r);
        fake_server_free(server);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_log_set_always_fatal(G_LOG_FATAL_MASK);
    /* names of migration targets are random: nothing is looked up */
    g_setenv("SPICE_MIG_HOST", "127.0.0.1", TRUE);
    g_test_add_func("/random/messages", test_random);
    return g_test_run();
}
