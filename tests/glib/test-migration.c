/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Migration between two scriptable servers: seamless, semi-seamless, cancelled, failed, switch
 * host. Spec: client-glib.md 19, wire.md 11. */
#include <string.h>
#include "fake-server.h"
#include "recorder.h"

typedef enum Way { SEAMLESS, REFUSED, SEMI, CANCEL, UNREACHABLE, SWITCH } Way;

typedef struct Plan {
    Way way;
    guint16 target_port;
    gint inputs_ready;  /* channels of the source that have been linked */
    gint answered;      /* the source got the client's answer: its message type */
    gint migrated;      /* the source has told the channels to move */
    gint target_main;   /* the target's main channel is in use */
    gint target_linked; /* connections at the target */
    gint done;          /* a key came to the target, or a PONG to the source */
    gint data_ok;       /* MIGRATE_DATA that arrived first and whole */
} Plan;

static gint test_is_over;

static void wait_until(gint *value)
{
    while (!g_atomic_int_get(value) && !g_atomic_int_get(&test_is_over))
        g_usleep(1000);
}

static void send_begin(FakeConn *conn, Plan *plan, guint16 type)
{
    WireMsgMainMigrateBeginSeamless begin = {
        .dst_info = {.port = plan->target_port, .host = {(const guint8 *)"127.0.0.1", 10}},
        .src_mig_version = 1};

    fake_send(conn, type,
              type == SPICE_MSG_MAIN_MIGRATE_BEGIN_SEAMLESS ? (const void *)&begin
                                                            : (const void *)&begin.dst_info);
}

/* --- the source --- */

static void move_away(FakeConn *conn, guint8 mark)
{
    WireMsgMigrate migrate = {.flags = SPICE_MIGRATE_NEED_FLUSH | SPICE_MIGRATE_NEED_DATA_TRANSFER};
    guint8 blob[100];
    WireMsgMigrateData data = {.data = {blob, sizeof blob}};
    FakeMessage message;

    memset(blob, mark, sizeof blob);
    fake_send(conn, SPICE_MSG_MIGRATE, &migrate);
    if (fake_receive_type(conn, SPICE_MSGC_MIGRATE_FLUSH_MARK, &message)) {
        fake_message_clear(&message);
        fake_send(conn, SPICE_MSG_MIGRATE_DATA, &data);
    }
}

static void source_main(FakeConn *conn, Plan *plan)
{
    static const WireChannelId channels[] = {{SPICE_CHANNEL_CURSOR, 0}, {SPICE_CHANNEL_INPUTS, 0}};
    WireMsgMainChannelsList list = {.n_channels = G_N_ELEMENTS(channels), .channels = channels};
    FakeMessage message;

    fake_send_main_start(conn, FALSE);
    if (!fake_receive_type(conn, SPICE_MSGC_MAIN_ATTACH_CHANNELS, &message))
        return;
    fake_message_clear(&message);
    fake_send(conn, SPICE_MSG_MAIN_CHANNELS_LIST, &list);
    wait_until(&plan->inputs_ready);
    g_usleep(100000); /* both channels are READY at the client */
    if (plan->way == SWITCH) {
        send_begin(conn, plan, SPICE_MSG_MAIN_MIGRATE_SWITCH_HOST);
        return;
    }
    send_begin(conn, plan,
               plan->way == SEAMLESS || plan->way == REFUSED ? SPICE_MSG_MAIN_MIGRATE_BEGIN_SEAMLESS
                                                             : SPICE_MSG_MAIN_MIGRATE_BEGIN);
    while (fake_receive(conn, &message)) {
        gboolean answer = message.type == SPICE_MSGC_MAIN_MIGRATE_CONNECTED ||
                          message.type == SPICE_MSGC_MAIN_MIGRATE_CONNECTED_SEAMLESS ||
                          message.type == SPICE_MSGC_MAIN_MIGRATE_CONNECT_ERROR;

        fake_message_clear(&message);
        if (answer)
            break;
    }
    g_atomic_int_set(&plan->answered, message.type);
    if (plan->way == CANCEL)
        fake_send(conn, SPICE_MSG_MAIN_MIGRATE_CANCEL, NULL);
    if (plan->way == CANCEL || plan->way == UNREACHABLE) {
        fake_send(conn, SPICE_MSG_PING, &(WireMsgPing){.id = 3});
        if (fake_receive_type(conn, SPICE_MSGC_PONG, &message)) {
            fake_message_clear(&message);
            g_atomic_int_set(&plan->done, 1);
        }
        return;
    }
    g_atomic_int_set(&plan->migrated, 1);
    if (plan->way == SEAMLESS)
        move_away(conn, 'm');
    else
        fake_send(conn, SPICE_MSG_MAIN_MIGRATE_END, NULL);
}

static void source(FakeConn *conn, gpointer data)
{
    Plan *plan = data;
    WireMsgMigrate plain = {.flags = 0};
    WireMsgInputsInit inputs = {.modifiers = 2};

    if (!fake_link(conn, 0xf))
        return;
    if (conn->link.channel_type == SPICE_CHANNEL_MAIN) {
        source_main(conn, plan);
    } else if (conn->link.channel_type == SPICE_CHANNEL_INPUTS) {
        fake_send(conn, SPICE_MSG_INPUTS_INIT, &inputs);
        g_atomic_int_set(&plan->inputs_ready, 1);
        wait_until(plan->way == SEAMLESS ? &plan->migrated : &plan->answered);
        if (plan->way == SEAMLESS)
            move_away(conn, 'i');
    } else {
        fake_send(conn, SPICE_MSG_CURSOR_HIDE, NULL);
        wait_until(plan->way == SEAMLESS ? &plan->migrated : &plan->answered);
        if (plan->way == SEAMLESS)
            fake_send(conn, SPICE_MSG_MIGRATE, &plain);
    }
    fake_drain(conn);
}

/* --- the target --- */

static gboolean first_is_data(FakeConn *conn, Plan *plan, guint8 mark)
{
    FakeMessage message;
    gboolean ok;

    if (!fake_receive(conn, &message))
        return FALSE;
    ok = message.type == SPICE_MSGC_MIGRATE_DATA && message.size == 100 &&
         message.body[0] == mark && message.body[99] == mark;
    fake_message_clear(&message);
    if (ok)
        g_atomic_int_inc(&plan->data_ok);
    return ok;
}

static void target_main(FakeConn *conn, Plan *plan)
{
    FakeMessage message;

    if (plan->way == SWITCH) {
        g_assert_cmpuint(conn->link.connection_id, ==, 0);
        fake_send_main_start(conn, FALSE);
        g_atomic_int_set(&plan->target_main, 1);
        return;
    }
    g_assert_cmpuint(conn->link.connection_id, ==, 0x1234);
    if (plan->way == SEAMLESS || plan->way == REFUSED) {
        if (!fake_receive(conn, &message))
            return;
        g_assert_cmpuint(message.type, ==, SPICE_MSGC_MAIN_MIGRATE_DST_DO_SEAMLESS);
        /* all channels are linked by then */
        g_assert_cmpint(g_atomic_int_get(&plan->target_linked), ==, 3);
        fake_message_clear(&message);
        fake_send(conn,
                  plan->way == SEAMLESS ? SPICE_MSG_MAIN_MIGRATE_DST_SEAMLESS_ACK
                                        : SPICE_MSG_MAIN_MIGRATE_DST_SEAMLESS_NACK,
                  NULL);
    }
    if (plan->way == SEAMLESS) {
        if (first_is_data(conn, plan, 'm'))
            fake_send(conn, SPICE_MSG_MAIN_MULTI_MEDIA_TIME,
                      &(WireMsgMainMultiMediaTime){.time = 42});
    } else if (fake_receive_type(conn, SPICE_MSGC_MAIN_MIGRATE_END, &message)) {
        fake_message_clear(&message);
        g_atomic_int_set(&plan->target_main, 1);
        fake_send(conn, SPICE_MSG_MAIN_INIT,
                  &(WireMsgMainInit){.session_id = 0x1234,
                                     .supported_mouse_modes = 1,
                                     .current_mouse_mode = 1,
                                     .multi_media_time = 7});
        /* no ATTACH_CHANNELS comes */
        while (fake_receive(conn, &message)) {
            g_assert_cmpuint(message.type, !=, SPICE_MSGC_MAIN_ATTACH_CHANNELS);
            fake_message_clear(&message);
        }
    }
}

static void target(FakeConn *conn, gpointer data)
{
    Plan *plan = data;
    FakeMessage message;

    if (!fake_read_link(conn) || !fake_write_reply(conn, 0x0b, 0xf) || !fake_read_ticket(conn))
        return;
    g_atomic_int_inc(&plan->target_linked);
    fake_write_result(conn, SPICE_LINK_ERR_OK);
    if (conn->link.channel_type == SPICE_CHANNEL_MAIN) {
        target_main(conn, plan);
    } else if (conn->link.channel_type == SPICE_CHANNEL_INPUTS) {
        g_assert_cmpuint(conn->link.connection_id, ==, 0x1234);
        if (plan->way == SEAMLESS)
            first_is_data(conn, plan, 'i');
        else
            wait_until(&plan->target_main);
        fake_send(conn, SPICE_MSG_INPUTS_INIT, &(WireMsgInputsInit){.modifiers = 5});
        if (fake_receive_type(conn, SPICE_MSGC_INPUTS_KEY_DOWN, &message)) {
            fake_message_clear(&message);
            g_atomic_int_set(&plan->done, 1);
        }
    }
    fake_drain(conn);
}

/* --- the client --- */

static void on_migration_started(SpiceChannel *channel, GObject *copy, Recorder *r)
{
    g_assert_true(spice_session_is_for_migration(SPICE_SESSION(copy)));
    recorder_note(r, "migration-started");
}

static void on_new(SpiceSession *session, SpiceChannel *channel, Recorder *r)
{
    if (SPICE_IS_MAIN_CHANNEL(channel))
        g_signal_connect(channel, "migration-started", G_CALLBACK(on_migration_started), r);
}

static gboolean not_set(gpointer data)
{
    return !g_atomic_int_get((gint *)data);
}

typedef struct Fixture {
    Plan plan;
    FakeServer *source, *target;
    Recorder *r;
} Fixture;

static void begin(Fixture *f, Way way)
{
    memset(f, 0, sizeof *f);
    g_atomic_int_set(&test_is_over, 0);
    f->plan.way = way;
    f->target = fake_server_new(target, &f->plan);
    f->plan.target_port = fake_server_port(f->target);
    f->source = fake_server_new(source, &f->plan);
    if (way == UNREACHABLE) {
        fake_server_free(f->target);
        f->target = NULL;
    }
    f->r = recorder_new(fake_server_port(f->source), 0);
    g_signal_connect(f->r->session, "channel-new", G_CALLBACK(on_new), f->r);
    g_assert_true(spice_session_connect(f->r->session));
    recorder_wait(f->r, "inputs:0 inputs-modifiers");
    recorder_wait(f->r, "cursor-hide");
    g_string_truncate(f->r->lines, 0);
}

static void end(Fixture *f)
{
    recorder_free(f->r);
    g_atomic_int_set(&test_is_over, 1);
    if (f->target)
        fake_server_free(f->target);
    fake_server_free(f->source);
}

/* No channel is lost, none is new. */
static void assert_quiet(Fixture *f)
{
    static const gchar *const never[] = {"OPENED",      "CLOSED",          "ERROR",
                                         "channel-new", "channel-destroy", "SWITCHING"};

    for (gsize i = 0; i < G_N_ELEMENTS(never); i++)
        g_assert_cmpuint(recorder_count(f->r, never[i]), ==, 0);
}

static void press_key(Fixture *f)
{
    spice_inputs_channel_key_press(
        SPICE_INPUTS_CHANNEL(recorder_channel(f->r, SPICE_CHANNEL_INPUTS)), 0x1e);
    run_while(not_set, &f->plan.done);
}

static void assert_port(Fixture *f)
{
    g_autofree gchar *port = NULL, *expected = g_strdup_printf("%u", f->plan.target_port);

    g_object_get(f->r->session, "port", &port, NULL);
    g_assert_cmpstr(port, ==, expected);
}

static void test_seamless(void)
{
    Fixture f;

    begin(&f, SEAMLESS);
    recorder_wait(f.r, "notify::migration-state 0");
    recorder_wait(f.r, "mm-time-reset");
    recorder_wait(f.r, "inputs-modifiers");
    g_assert_true(g_str_has_prefix(f.r->lines->str, "migration-started\n"
                                                    "session notify::migration-state 2\n"));
    g_assert_cmpuint(recorder_count(f.r, "main-agent-update"), ==, 0);
    assert_quiet(&f);
    press_key(&f);
    g_assert_cmpint(g_atomic_int_get(&f.plan.answered), ==,
                    SPICE_MSGC_MAIN_MIGRATE_CONNECTED_SEAMLESS);
    g_assert_cmpint(g_atomic_int_get(&f.plan.data_ok), ==, 2);
    assert_port(&f);
    end(&f);
}

static void check_semi(Way way)
{
    Fixture f;

    begin(&f, way);
    recorder_wait(f.r, "notify::migration-state 0");
    recorder_wait(f.r, "inputs-modifiers");
    g_assert_true(g_str_has_prefix(f.r->lines->str, "migration-started\n"
                                                    "session notify::migration-state 2\n"
                                                    "main:0 main-agent-update\n"));
    assert_quiet(&f);
    press_key(&f);
    g_assert_cmpint(g_atomic_int_get(&f.plan.answered), ==, SPICE_MSGC_MAIN_MIGRATE_CONNECTED);
    assert_port(&f);
    end(&f);
}

static void test_semi_seamless(void)
{
    check_semi(SEMI);
}

/* The target does not take part: the client goes on the other way. */
static void test_seamless_refused(void)
{
    check_semi(REFUSED);
}

static void check_back(Way way, gint answer)
{
    Fixture f;
    g_autofree gchar *port = NULL, *expected = NULL;

    begin(&f, way);
    run_while(not_set, &f.plan.done);
    run_for(50);
    assert_quiet(&f);
    g_assert_cmpint(g_atomic_int_get(&f.plan.answered), ==, answer);
    g_object_get(f.r->session, "port", &port, NULL);
    expected = g_strdup_printf("%u", fake_server_port(f.source));
    g_assert_cmpstr(port, ==, expected);
    end(&f);
}

static void test_cancelled(void)
{
    check_back(CANCEL, SPICE_MSGC_MAIN_MIGRATE_CONNECTED);
}

static void test_target_unreachable(void)
{
    check_back(UNREACHABLE, SPICE_MSGC_MAIN_MIGRATE_CONNECT_ERROR);
}

static void test_switch_host(void)
{
    Fixture f;

    begin(&f, SWITCH);
    recorder_wait(f.r, "main:0 OPENED");
    g_assert_true(g_str_has_prefix(f.r->lines->str, "session notify::migration-state 1\n"
                                                    "main:0 SWITCHING with socket\n"
                                                    "channel-destroy inputs:0\n"
                                                    "channel-destroy cursor:0\n"));
    g_assert_cmpuint(recorder_count(f.r, "session notify::migration-state 0\n"), ==, 1);
    g_assert_cmpuint(recorder_count(f.r, "main:0 CLOSED"), ==, 0);
    run_while(not_set, &f.plan.target_main);
    assert_port(&f);
    end(&f);
}

/* The application gives up in the middle. */
static void test_disconnect_while_migrating(void)
{
    Fixture f;

    begin(&f, SEMI);
    recorder_wait(f.r, "migration-started");
    end(&f);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_log_set_always_fatal(G_LOG_FATAL_MASK);
    g_test_add_func("/migration/seamless", test_seamless);
    g_test_add_func("/migration/semi-seamless", test_semi_seamless);
    g_test_add_func("/migration/seamless-refused", test_seamless_refused);
    g_test_add_func("/migration/cancelled", test_cancelled);
    g_test_add_func("/migration/target-unreachable", test_target_unreachable);
    g_test_add_func("/migration/switch-host", test_switch_host);
    g_test_add_func("/migration/disconnect", test_disconnect_while_migrating);
    return g_test_run();
}
