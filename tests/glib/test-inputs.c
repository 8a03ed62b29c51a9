/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The bytes of the inputs channel: keys, locks, buttons, movement and its window, read-only. Spec:
 * client-glib.md 11. */
#include <string.h>
#include "fake-server.h"
#include "recorder.h"

/* What the server got, as text; the main thread waits for it. */
typedef struct Inbox {
    GMutex lock;
    GString *text;
    gint acks; /* movement acknowledgements that the script shall send */
    guint32 caps;
} Inbox;

static void inbox_init(Inbox *inbox, guint32 caps)
{
    memset(inbox, 0, sizeof *inbox);
    g_mutex_init(&inbox->lock);
    inbox->text = g_string_new(NULL);
    inbox->caps = caps;
}

static void inbox_clear(Inbox *inbox)
{
    g_string_free(inbox->text, TRUE);
    g_mutex_clear(&inbox->lock);
}

static gchar *inbox_text(Inbox *inbox)
{
    gchar *text;

    g_mutex_lock(&inbox->lock);
    text = g_strdup(inbox->text->str);
    g_mutex_unlock(&inbox->lock);
    return text;
}

static void script(FakeConn *conn, gpointer data)
{
    static const WireChannelId channels[] = {{SPICE_CHANNEL_INPUTS, 0}};
    WireMsgMainChannelsList list = {.n_channels = 1, .channels = channels};
    WireMsgInputsInit init = {.modifiers = 2};
    Inbox *inbox = data;
    FakeMessage message;

    if (!fake_link(conn, inbox->caps))
        return;
    if (conn->link.channel_type == SPICE_CHANNEL_MAIN) {
        fake_send_main_start(conn, FALSE);
        if (fake_receive_type(conn, SPICE_MSGC_MAIN_ATTACH_CHANNELS, &message))
            fake_message_clear(&message);
        fake_send(conn, SPICE_MSG_MAIN_CHANNELS_LIST, &list);
        fake_drain(conn);
        return;
    }
    fake_send(conn, SPICE_MSG_INPUTS_INIT, &init);
    while (fake_receive(conn, &message)) {
        g_mutex_lock(&inbox->lock);
        g_string_append_printf(inbox->text, "%u", message.type);
        for (guint i = 0; i < message.size; i++)
            g_string_append_printf(inbox->text, "%s%02x", i ? " " : ":", message.body[i]);
        g_string_append_c(inbox->text, '\n');
        g_mutex_unlock(&inbox->lock);
        if (message.type == SPICE_MSGC_INPUTS_KEY_UP &&
            message.body[0] == 0xff) /* the mark of the ack test */
            fake_send(conn, SPICE_MSG_INPUTS_MOUSE_MOTION_ACK, NULL);
        fake_message_clear(&message);
    }
}

typedef struct Want {
    Inbox *inbox;
    const gchar *text;
} Want;

static gboolean differs(gpointer data)
{
    Want *want = data;
    g_autofree gchar *text = inbox_text(want->inbox);

    return strlen(text) < strlen(want->text);
}

/* The server gets exactly this, and what was before is forgotten. */
static void expect(Inbox *inbox, const gchar *expected)
{
    Want want = {inbox, expected};
    g_autofree gchar *text = NULL;

    run_while(differs, &want);
    text = inbox_text(inbox);
    g_assert_cmpstr(text, ==, expected);
    g_mutex_lock(&inbox->lock);
    g_string_truncate(inbox->text, 0);
    g_mutex_unlock(&inbox->lock);
}

typedef struct Fixture {
    Inbox inbox;
    FakeServer *server;
    Recorder *r;
    SpiceInputsChannel *inputs;
} Fixture;

static void open_channel(Fixture *f, guint32 caps)
{
    inbox_init(&f->inbox, caps);
    f->server = fake_server_new(script, &f->inbox);
    f->r = recorder_new(fake_server_port(f->server), 0);
    g_assert_true(spice_session_connect(f->r->session));
    recorder_wait(f->r, "inputs:0 inputs-modifiers");
    f->inputs = SPICE_INPUTS_CHANNEL(recorder_channel(f->r, SPICE_CHANNEL_INPUTS));
}

static void close_channel(Fixture *f)
{
    recorder_free(f->r);
    fake_server_free(f->server);
    inbox_clear(&f->inbox);
}

static void test_keys(void)
{
    Fixture f;
    gint modifiers;

    open_channel(&f, 1);
    g_object_get(f.inputs, "key-modifiers", &modifiers, NULL);
    g_assert_cmpint(modifiers, ==, SPICE_INPUTS_NUM_LOCK);
    expect(&f.inbox, "103:00 00\n");
    spice_inputs_channel_key_press(f.inputs, 0x1e);
    spice_inputs_channel_key_release(f.inputs, 0x1e);
    spice_inputs_channel_key_press(f.inputs, 0x11c);
    spice_inputs_channel_key_release(f.inputs, 0x11c);
    spice_inputs_channel_key_press(f.inputs, 0x21d);
    spice_inputs_channel_key_press_and_release(f.inputs, 0x1e);
    spice_inputs_channel_key_press_and_release(f.inputs, 0x11d);
    spice_inputs_channel_set_key_locks(f.inputs, SPICE_INPUTS_CAPS_LOCK | SPICE_INPUTS_SCROLL_LOCK);
    expect(&f.inbox,
           "101:1e 00 00 00\n102:9e 00 00 00\n101:e0 1c 00 00\n102:e0 9c 00 00\n101:e1 1d 00 00\n"
           "104:1e 9e\n104:e0 1d e0 9d\n103:05 00\n");
    close_channel(&f);
}

static void test_keys_without_scancode_capability(void)
{
    Fixture f;

    open_channel(&f, 0);
    spice_inputs_channel_key_press_and_release(f.inputs, 0x148);
    expect(&f.inbox, "103:00 00\n101:e0 48 00 00\n102:e0 c8 00 00\n");
    close_channel(&f);
}

/* Locks that are set before the channel is there are sent at its start. */
static void test_locks_before_connect(void)
{
    Fixture f;

    open_channel(&f, 1);
    expect(&f.inbox, "103:00 00\n");
    spice_channel_disconnect(SPICE_CHANNEL(f.inputs), SPICE_CHANNEL_NONE);
    recorder_wait(f.r, "inputs:0 CLOSED");
    spice_inputs_channel_set_key_locks(f.inputs, SPICE_INPUTS_NUM_LOCK);
    spice_inputs_channel_key_press(f.inputs, 0x1e);
    g_assert_true(spice_channel_connect(SPICE_CHANNEL(f.inputs)));
    recorder_wait_count(f.r, "inputs:0 inputs-modifiers", 2);
    expect(&f.inbox, "103:02 00\n");
    close_channel(&f);
}

static void test_buttons(void)
{
    static const struct {
        gint button;
        const gchar *press, *release;
    } cases[] = {
        {SPICE_MOUSE_BUTTON_LEFT, "113:01 01 00\n", "114:01 00 00\n"},
        {SPICE_MOUSE_BUTTON_MIDDLE, "113:02 02 00\n", "114:02 00 00\n"},
        {SPICE_MOUSE_BUTTON_RIGHT, "113:03 04 00\n", "114:03 00 00\n"},
        {SPICE_MOUSE_BUTTON_UP, "113:04 00 00\n", "114:04 00 00\n"},
        {SPICE_MOUSE_BUTTON_DOWN, "113:05 00 00\n", "114:05 00 00\n"},
        {SPICE_MOUSE_BUTTON_SIDE, "113:06 20 00\n", "114:06 00 00\n"},
        {SPICE_MOUSE_BUTTON_EXTRA, "113:07 40 00\n", "114:07 00 00\n"},
    };
    Fixture f;

    open_channel(&f, 1);
    expect(&f.inbox, "103:00 00\n");
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        spice_inputs_channel_button_press(f.inputs, cases[i].button, 0);
        expect(&f.inbox, cases[i].press);
        spice_inputs_channel_button_release(f.inputs, cases[i].button, 0);
        expect(&f.inbox, cases[i].release);
    }
    close_channel(&f);
}

#define MOTION "111:01 00 00 00 ff ff ff ff 00 00\n"
#define MOTION_4 MOTION MOTION MOTION MOTION
#define MARK "102:ff 00 00 00\n"

/* Eight movements go out, then they add up; an ack of four frees four. */
static void test_window(void)
{
    Fixture f;

    open_channel(&f, 1);
    expect(&f.inbox, "103:00 00\n");
    for (guint i = 0; i < 11; i++)
        spice_inputs_channel_motion(f.inputs, 1, -1, 0);
    spice_inputs_channel_motion(f.inputs, 0, 0, 0);
    spice_inputs_channel_position(f.inputs, 10, 20, 0, 1);
    spice_inputs_channel_position(f.inputs, 11, 21, 1, 1);
    spice_inputs_channel_key_release(f.inputs, 0x7f); /* makes the server acknowledge four */
    expect(&f.inbox, MOTION_4 MOTION_4 MARK "111:03 00 00 00 fd ff ff ff 01 00\n"
                                            "112:0b 00 00 00 15 00 00 00 01 00 01\n");
    /* two more are free; a click pushes out the rest */
    for (guint i = 0; i < 4; i++)
        spice_inputs_channel_motion(f.inputs, 1, -1, 0);
    spice_inputs_channel_button_press(f.inputs, SPICE_MOUSE_BUTTON_LEFT, 0);
    expect(&f.inbox, MOTION MOTION "111:02 00 00 00 fe ff ff ff 01 00\n113:01 01 00\n");
    close_channel(&f);
}

/* Sums stay numbers. */
static void test_motion_overflow(void)
{
    Fixture f;

    open_channel(&f, 1);
    expect(&f.inbox, "103:00 00\n");
    for (guint i = 0; i < 8; i++)
        spice_inputs_channel_motion(f.inputs, 1, -1, 0);
    for (guint i = 0; i < 3; i++)
        spice_inputs_channel_motion(f.inputs, G_MAXINT, G_MININT, 0);
    spice_inputs_channel_button_press(f.inputs, SPICE_MOUSE_BUTTON_UP, 0);
    expect(&f.inbox, MOTION_4 MOTION_4 "111:ff ff ff 7f 00 00 00 80 00 00\n113:04 00 00\n");
    close_channel(&f);
}

static void test_read_only(void)
{
    Fixture f;

    open_channel(&f, 1);
    expect(&f.inbox, "103:00 00\n");
    g_object_set(f.r->session, "read-only", TRUE, NULL);
    g_assert_cmpuint(recorder_count(f.r, "notify::read-only"), ==, 1);
    spice_inputs_channel_key_press(f.inputs, 0x1e);
    spice_inputs_channel_key_press_and_release(f.inputs, 0x1e);
    spice_inputs_channel_motion(f.inputs, 1, 1, 0);
    spice_inputs_channel_position(f.inputs, 1, 1, 0, 0);
    spice_inputs_channel_button_press(f.inputs, 1, 0);
    spice_inputs_channel_set_key_locks(f.inputs, 7);
    g_object_set(f.r->session, "read-only", FALSE, NULL);
    spice_inputs_channel_key_press(f.inputs, 0x1f);
    expect(&f.inbox, "101:1f 00 00 00\n");
    close_channel(&f);
}

/* Section 18: such channels connect, but what the server tells on them is ignored. */
static void test_disabled_by_environment(void)
{
    Inbox inbox;
    FakeServer *server;
    Recorder *r;

    inbox_init(&inbox, 1);
    server = fake_server_new(script, &inbox);
    r = recorder_new(fake_server_port(server), 0);
    g_setenv("SPICE_DISABLE_CHANNELS", "playback,inputs", TRUE);
    g_assert_true(spice_session_connect(r->session));
    recorder_wait(r, "inputs:0 OPENED");
    run_for(50);
    g_unsetenv("SPICE_DISABLE_CHANNELS");
    g_assert_cmpuint(recorder_count(r, "inputs-modifiers"), ==, 0);
    recorder_free(r);
    fake_server_free(server);
    inbox_clear(&inbox);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_log_set_always_fatal(G_LOG_FATAL_MASK);
    g_test_add_func("/inputs/keys", test_keys);
    g_test_add_func("/inputs/keys-without-scancode-capability",
                    test_keys_without_scancode_capability);
    g_test_add_func("/inputs/locks-before-connect", test_locks_before_connect);
    g_test_add_func("/inputs/buttons", test_buttons);
    g_test_add_func("/inputs/window", test_window);
    g_test_add_func("/inputs/motion-overflow", test_motion_overflow);
    g_test_add_func("/inputs/read-only", test_read_only);
    g_test_add_func("/inputs/disabled-by-environment", test_disabled_by_environment);
    return g_test_run();
}
