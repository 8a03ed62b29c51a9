/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The bytes of the main channel: start, mouse mode, agent, monitors, read-only. Spec:
 * client-glib.md 6. */
#include <pthread.h>
#include <string.h>
#include "fake-server.h"
#include "recorder.h"
#include "agent/agent.h"

/* The server's side: what came, as text, and what it is told to send. */
typedef struct Peer {
    pthread_mutex_t lock;
    GString *text;
    gboolean agent;
    guint32 agent_caps;
    guint tokens; /* that the agent may still use; more come with each piece */
    gboolean give_tokens;
} Peer;

static void put_text(Peer *peer, const gchar *format, ...) G_GNUC_PRINTF(2, 3);

static void put_text(Peer *peer, const gchar *format, ...)
{
    va_list args;

    pthread_mutex_lock(&peer->lock);
    va_start(args, format);
    g_string_append_vprintf(peer->text, format, args);
    va_end(args);
    pthread_mutex_unlock(&peer->lock);
}

static gboolean has_text(Peer *peer, const gchar *text)
{
    gboolean found;

    pthread_mutex_lock(&peer->lock);
    found = strstr(peer->text->str, text) != NULL;
    pthread_mutex_unlock(&peer->lock);
    return found;
}

static void describe_monitors(Peer *peer, const guint8 *data, gsize size)
{
    WireArena arena;
    const AgentMonitorsConfig *config;

    wire_arena_init(&arena, 65536);
    config = agent_parse(VD_AGENT_MONITORS_CONFIG, 0, data, size, &arena, NULL);
    g_assert_nonnull(config);
    put_text(peer, "monitors %u flags %u", config->n_monitors, config->flags);
    for (guint i = 0; i < config->n_monitors; i++)
        if (config->monitors[i].width)
            put_text(peer, " [%u: %ux%u+%d+%d]", i, config->monitors[i].width,
                     config->monitors[i].height, config->monitors[i].x, config->monitors[i].y);
    put_text(peer, " size %" G_GSIZE_FORMAT "\n", size);
    wire_arena_clear(&arena);
}

static void describe_agent_data(Peer *peer, const FakeMessage *message)
{
    guint type = message->body[4], size = message->body[16] | message->body[17] << 8;

    g_assert_cmpuint(message->size, ==, 20 + size); /* all in one piece */
    if (type == VD_AGENT_MONITORS_CONFIG) {
        describe_monitors(peer, message->body + 20, size);
        return;
    }
    put_text(peer, "agent %u:", type);
    for (guint i = 0; i < size; i++)
        put_text(peer, " %02x", message->body[20 + i]);
    put_text(peer, "\n");
}

static void send_announcement(FakeConn *conn, guint32 caps, guint32 request)
{
    AgentAnnounceCapabilities announce = {.request = request, .n_caps = 1, .caps = &caps};
    WireBuffer buffer = {0};
    WireMsgMainAgentData data;

    g_assert_true(agent_write_message(VD_AGENT_ANNOUNCE_CAPABILITIES, 0, &announce, &buffer));
    /* cut in odd places */
    for (gsize at = 0, n; at < buffer.size; at += n) {
        n = MIN(7, buffer.size - at);
        data.data = (WireBytes){buffer.data + at, n};
        fake_send(conn, SPICE_MSG_MAIN_AGENT_DATA, &data);
    }
    wire_buffer_clear(&buffer);
}

static void script(FakeConn *conn, gpointer data)
{
    Peer *peer = data;
    FakeMessage message;

    if (!fake_link(conn, 0xf))
        return;
    put_text(peer, "link %08x %08x\n", conn->link.common_caps.words[0],
             conn->link.channel_caps.words[0]);
    fake_send_main_start(conn, peer->agent);
    while (fake_receive(conn, &message)) {
        if (message.type == SPICE_MSGC_MAIN_AGENT_DATA) {
            gboolean announcement =
                message.body[4] == VD_AGENT_ANNOUNCE_CAPABILITIES && message.body[20] == 1;

            describe_agent_data(peer, &message);
            if (announcement && peer->agent_caps)
                send_announcement(conn, peer->agent_caps, 1);
        } else {
            put_text(peer, "%u:", message.type);
            for (guint i = 0; i < message.size; i++)
                put_text(peer, " %02x", message.body[i]);
            put_text(peer, "\n");
        }
        fake_message_clear(&message);
    }
}

typedef struct Fixture {
    Peer peer;
    FakeServer *server;
    Recorder *r;
    const gchar *wanted;
} Fixture;

static SpiceMainChannel *main_channel(Fixture *f)
{
    return SPICE_MAIN_CHANNEL(recorder_channel(f->r, SPICE_CHANNEL_MAIN));
}

static void open_session(Fixture *f, gboolean agent, guint32 caps)
{
    memset(f, 0, sizeof *f);
    pthread_mutex_init(&f->peer.lock, NULL);
    f->peer.text = g_string_new(NULL);
    f->peer.agent = agent;
    f->peer.agent_caps = caps;
    f->server = fake_server_new(script, &f->peer);
    f->r = recorder_new(fake_server_port(f->server), 0);
}

static void close_session(Fixture *f)
{
    recorder_free(f->r);
    fake_server_free(f->server);
    g_string_free(f->peer.text, TRUE);
    pthread_mutex_destroy(&f->peer.lock);
}

static gboolean missing(gpointer data)
{
    Fixture *f = data;

    return !has_text(&f->peer, f->wanted);
}

static void wait_for(Fixture *f, const gchar *text)
{
    f->wanted = text;
    run_while(missing, f);
}

static void expect_all(Fixture *f, const gchar *text)
{
    run_for(50);
    pthread_mutex_lock(&f->peer.lock);
    g_assert_cmpstr(f->peer.text->str, ==, text);
    g_string_truncate(f->peer.text, 0);
    pthread_mutex_unlock(&f->peer.lock);
}

/* The request for the mouse mode leaves after ATTACH_CHANNELS. */
static void test_start(void)
{
    Fixture f;
    gint cache, glz;

    open_session(&f, FALSE, 0);
    g_assert_true(spice_session_connect(f.r->session));
    wait_for(&f, "105:");
    expect_all(&f, "link 0000000d 0000000f\n104:\n105: 02 00\n");
    g_object_get(f.r->session, "cache-size", &cache, "glz-window-size", &glz, NULL);
    g_assert_cmpint(cache, ==, 83886080);
    g_assert_cmpint(glz, ==, 32 * 1024 * 1024);
    spice_main_channel_request_mouse_mode(main_channel(&f), SPICE_MOUSE_MODE_SERVER);
    wait_for(&f, "105:");
    expect_all(&f, "105: 01 00\n");
    g_assert_false(spice_main_channel_agent_test_capability(main_channel(&f), VD_AGENT_CAP_REPLY));
    close_session(&f);
}

#define ALL_CAPS                                                                      \
    (1u << VD_AGENT_CAP_MONITORS_CONFIG | 1u << VD_AGENT_CAP_SPARSE_MONITORS_CONFIG | \
     1u << VD_AGENT_CAP_DISPLAY_CONFIG | 1u << VD_AGENT_CAP_MAX_CLIPBOARD)

static void test_agent(void)
{
    static const gchar *const effects[] = {"wallpaper", "animation", NULL};
    Fixture f;
    gint caps;

    open_session(&f, TRUE, ALL_CAPS);
    g_object_set(f.r->session, "disable-effects", effects, NULL);
    g_assert_true(spice_session_connect(f.r->session));
    wait_for(&f, "agent 14");
    /* AGENT_START and the announcement come before ATTACH_CHANNELS; then the answer, settings,
     * clipboard size */
    expect_all(&f, "link 0000000d 0000000f\n106: ff ff ff ff\nagent 6: 01 00 00 00 17 10 00 "
                   "00\n104:\n105: 02 00\n"
                   "agent 6: 00 00 00 00 17 10 00 00\nagent 5: 05 00 00 00 00 00 00 00\nagent 14: "
                   "00 00 40 06\n");
    g_object_get(main_channel(&f), "agent-caps-0", &caps, NULL);
    g_assert_cmpint(caps, ==, ALL_CAPS);
    g_assert_true(spice_main_channel_agent_test_capability(main_channel(&f),
                                                           VD_AGENT_CAP_SPARSE_MONITORS_CONFIG));
    g_assert_false(spice_main_channel_agent_test_capability(main_channel(&f), VD_AGENT_CAP_REPLY));
    g_object_set(main_channel(&f), "max-clipboard", 256, NULL);
    wait_for(&f, "agent 14");
    expect_all(&f, "agent 14: 00 01 00 00\n");
    close_session(&f);
}

static void start_with_agent(Fixture *f, guint32 caps)
{
    open_session(f, TRUE, caps);
    g_assert_true(spice_session_connect(f->r->session));
    wait_for(f, "agent 6: 00");
    run_for(50);
    pthread_mutex_lock(&f->peer.lock);
    g_string_truncate(f->peer.text, 0);
    pthread_mutex_unlock(&f->peer.lock);
}

static void test_monitors_sparse(void)
{
    Fixture f;
    SpiceMainChannel *channel;

    start_with_agent(&f, 1u << VD_AGENT_CAP_SPARSE_MONITORS_CONFIG);
    channel = main_channel(&f);
    spice_main_channel_update_display(channel, 0, 0, 0, 800, 600, TRUE);
    spice_main_channel_update_display_enabled(channel, 0, TRUE, TRUE);
    spice_main_channel_update_display(channel, 2, 10, 0, 640, 480, TRUE);
    spice_main_channel_update_display_enabled(channel, 2, TRUE, TRUE);
    wait_for(&f, "monitors");
    /* changes of one turn make one message; aligned left to right */
    expect_all(&f, "monitors 16 flags 1 [0: 800x600+0+0] [2: 640x480+800+0] size 328\n");
    /* no change: nothing */
    spice_main_channel_update_display(channel, 0, 0, 0, 800, 600, TRUE);
    spice_main_channel_update_display_enabled(channel, 0, TRUE, TRUE);
    run_for(400);
    expect_all(&f, "");
    /* a change without update is not sent by itself */
    spice_main_channel_update_display(channel, 0, 0, 0, 1024, 768, FALSE);
    run_for(400);
    expect_all(&f, "");
    g_assert_true(spice_main_channel_send_monitor_config(channel));
    wait_for(&f, "monitors");
    expect_all(&f, "monitors 16 flags 1 [0: 1024x768+0+0] [2: 640x480+1024+0] size 328\n");
    /* a burst right after a message: the last state goes out, once */
    for (gint i = 1; i <= 20; i++)
        spice_main_channel_update_display(channel, 0, 0, 0, 1000 + i, 768, TRUE);
    wait_for(&f, "monitors");
    run_for(400);
    expect_all(&f, "monitors 16 flags 1 [0: 1020x768+0+0] [2: 640x480+1020+0] size 328\n");
    /* physical sizes, positions as given */
    g_object_set(channel, "disable-display-align", TRUE, "disable-display-position", FALSE, NULL);
    spice_main_channel_update_display_mm(channel, 0, 300, 200, TRUE);
    wait_for(&f, "monitors");
    expect_all(&f, "monitors 16 flags 3 [0: 1020x768+0+0] [2: 640x480+10+0] size 392\n");
    spice_main_channel_update_display_enabled(channel, -1, FALSE, TRUE);
    g_object_set(channel, "disable-display-position", TRUE, NULL);
    wait_for(&f, "monitors");
    expect_all(&f, "monitors 16 flags 0 size 328\n");
    close_session(&f);
}

static void test_monitors_packed(void)
{
    Fixture f;
    SpiceMainChannel *channel;

    start_with_agent(&f, 1u << VD_AGENT_CAP_REPLY);
    channel = main_channel(&f);
    /* the state of display 0 is not known: the agent could not tell which is meant */
    spice_main_channel_update_display(channel, 1, 0, 0, 800, 600, TRUE);
    spice_main_channel_update_display_enabled(channel, 1, TRUE, TRUE);
    run_for(300);
    expect_all(&f, "");
    spice_main_channel_update_display_enabled(channel, 0, FALSE, TRUE);
    wait_for(&f, "monitors");
    expect_all(&f, "monitors 1 flags 1 [0: 800x600+0+0] size 28\n");
    close_session(&f);
}

/* What was set before the agent came is sent when it has announced itself. */
static void test_monitors_before_agent(void)
{
    Fixture f;

    open_session(&f, TRUE, 1u << VD_AGENT_CAP_SPARSE_MONITORS_CONFIG);
    g_assert_true(spice_session_connect(f.r->session));
    spice_main_channel_update_display(main_channel(&f), 0, 0, 0, 800, 600, TRUE);
    spice_main_channel_update_display_enabled(main_channel(&f), 0, TRUE, TRUE);
    g_assert_false(spice_main_channel_send_monitor_config(main_channel(&f)));
    wait_for(&f, "monitors 16 flags 1 [0: 800x600+0+0] size 328\n");
    close_session(&f);
}

/* 4.8 */
static void test_read_only(void)
{
    Fixture f;

    open_session(&f, TRUE, ALL_CAPS);
    g_object_set(f.r->session, "read-only", TRUE, NULL);
    g_assert_true(spice_session_connect(f.r->session));
    wait_for(&f, "104:");
    spice_main_channel_request_mouse_mode(main_channel(&f), SPICE_MOUSE_MODE_CLIENT);
    spice_main_channel_send_monitor_config(main_channel(&f));
    expect_all(&f, "link 0000000d 0000000f\n104:\n");
    close_session(&f);
}

/* --- credit --- */

static void credit_script(FakeConn *conn, gpointer data)
{
    gint *received = data;
    WireMsgMainAgentToken tokens = {.num_tokens = 5};
    FakeMessage message;

    if (!fake_link(conn, 0xf))
        return;
    fake_send_main_start(conn, TRUE);
    while (fake_receive(conn, &message)) {
        if (message.type == SPICE_MSGC_MAIN_AGENT_DATA && g_atomic_int_add(received, 1) + 1 == 1)
            send_announcement(conn, 1u << VD_AGENT_CAP_SPARSE_MONITORS_CONFIG, 0);
        if (message.type == SPICE_MSGC_MAIN_MOUSE_MODE_REQUEST && message.body[0] == 1)
            fake_send(conn, SPICE_MSG_MAIN_AGENT_TOKEN, &tokens);
        fake_message_clear(&message);
    }
}

typedef struct Count {
    gint *value, wanted;
} Count;

static gboolean fewer(gpointer data)
{
    Count *count = data;

    return g_atomic_int_get(count->value) < count->wanted;
}

/* wire.md 10.4: ten messages, then one per token; a server closes the connection otherwise. */
static void test_agent_tokens(void)
{
    gint received = 0;
    FakeServer *server = fake_server_new(credit_script, &received);
    Recorder *r = recorder_new(fake_server_port(server), 0);
    SpiceMainChannel *channel;

    g_assert_true(spice_session_connect(r->session));
    recorder_wait_count(r, "main-agent-update", 2);
    channel = SPICE_MAIN_CHANNEL(recorder_channel(r, SPICE_CHANNEL_MAIN));
    for (guint i = 0; i < 30; i++)
        g_assert_true(spice_main_channel_send_monitor_config(channel));
    run_while(fewer, &(Count){&received, 10});
    run_for(100);
    g_assert_cmpint(g_atomic_int_get(&received), ==, 10);
    spice_main_channel_request_mouse_mode(channel, SPICE_MOUSE_MODE_SERVER);
    run_while(fewer, &(Count){&received, 15});
    run_for(100);
    g_assert_cmpint(g_atomic_int_get(&received), ==, 15);
    recorder_free(r);
    fake_server_free(server);
}

static void huge_agent_script(FakeConn *conn, gpointer data)
{
    guint8 piece[2048] = {
        1, 0, 0, 0, VD_AGENT_CLIPBOARD, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff};
    WireMsgMainAgentData message = {.data = {piece, sizeof piece}};

    if (!fake_link(conn, 0xf))
        return;
    fake_send_main_start(conn, TRUE);
    for (guint i = 0; i < 2000; i++)
        fake_send(conn, SPICE_MSG_MAIN_AGENT_DATA, &message);
    fake_send(conn, SPICE_MSG_MAIN_MULTI_MEDIA_TIME, &(WireMsgMainMultiMediaTime){.time = 1});
    fake_drain(conn);
}

/* Section 20: an agent message of 4 GiB is announced; nothing is kept of it. */
static void test_huge_agent_message(void)
{
    FakeServer *server = fake_server_new(huge_agent_script, NULL);
    Recorder *r = recorder_new(fake_server_port(server), 0);

    g_assert_true(spice_session_connect(r->session));
    recorder_wait_count(r, "mm-time-reset", 2);
    g_assert_cmpuint(recorder_count(r, "CLOSED"), ==, 0);
    recorder_free(r);
    fake_server_free(server);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_log_set_always_fatal(G_LOG_FATAL_MASK);
    g_test_add_func("/main/start", test_start);
    g_test_add_func("/main/agent", test_agent);
    g_test_add_func("/main/monitors-sparse", test_monitors_sparse);
    g_test_add_func("/main/monitors-packed", test_monitors_packed);
    g_test_add_func("/main/monitors-before-agent", test_monitors_before_agent);
    g_test_add_func("/main/read-only", test_read_only);
    g_test_add_func("/main/agent-tokens", test_agent_tokens);
    g_test_add_func("/main/huge-agent-message", test_huge_agent_message);
    return g_test_run();
}
