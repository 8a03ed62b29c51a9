/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keyboard, mouse, tablet and the mouse mode: every verified row of server-api.md 12, with an
 * agent, a main channel and devices that are only written down. */
#include <string.h>
#include <unistd.h>

#include "channel-peer.h"
#include "main/agent.h"
#include "main/inputs.h"
#include "main/main-channel.h"
#include "clock.h"
#include "tap.h"
#include "worker/worker.h"

/* ---- What happened, as a text ---- */

static GString *done;

static void note(const char *format, ...) G_GNUC_PRINTF(1, 2);

static void note(const char *format, ...)
{
    va_list arguments;

    if (done->len)
        g_string_append_c(done, ' ');
    va_start(arguments, format);
    g_string_append_vprintf(done, format, arguments);
    va_end(arguments);
}

/* Was it this? It begins anew. */
static bool did(const char *expected)
{
    bool same = strcmp(done->str, expected) == 0;

    if (!same)
        printf("# did: %s\n", done->str);
    g_string_truncate(done, 0);
    return same;
}

/* ---- Rooms that are not tested here ---- */

static bool agent_attached;

bool agent_is_attached(const Agent *agent)
{
    return agent_attached;
}

void agent_mouse_state(Agent *agent, const AgentMouseState *state)
{
    note("agent:%u,%u,%#x,%u", state->x, state->y, state->buttons, state->display_id);
}

void main_channel_mouse_mode(MainChannel *channel, uint32_t supported, uint32_t current)
{
    note("mode:%u/%u", current, supported);
}

typedef struct FakeWorker {
    WorkerPrimary primary;
    char name;
} FakeWorker;

WorkerPrimary worker_primary(Worker *worker)
{
    return ((FakeWorker *)worker)->primary;
}

void worker_set_mouse_mode(Worker *worker, uint32_t mode)
{
    note("%c:%u", ((FakeWorker *)worker)->name, mode);
}

/* ---- The application's devices ---- */

static uint8_t leds;

static void push_scan(SpiceKbdInstance *instance, uint8_t code)
{
    note("%02x", code);
}

static uint8_t get_leds(SpiceKbdInstance *instance)
{
    return leds;
}

static void motion(SpiceMouseInstance *instance, int dx, int dy, int dz, uint32_t buttons)
{
    note("motion:%d,%d,%d,%#x", dx, dy, dz, buttons);
}

static void mouse_buttons(SpiceMouseInstance *instance, uint32_t buttons)
{
    note("buttons:%#x", buttons);
}

static void set_logical_size(SpiceTabletInstance *instance, int width, int height)
{
    note("size:%dx%d", width, height);
}

static void position(SpiceTabletInstance *instance, int x, int y, uint32_t buttons)
{
    note("position:%d,%d,%#x", x, y, buttons);
}

static void wheel(SpiceTabletInstance *instance, int dz, uint32_t buttons)
{
    note("wheel:%d,%#x", dz, buttons);
}

static void tablet_buttons(SpiceTabletInstance *instance, uint32_t buttons)
{
    note("tablet-buttons:%#x", buttons);
}

static const SpiceKbdInterface keyboard_interface = {
    .base = {"keyboard", "test", 1, 1}, .push_scan_freg = push_scan, .get_leds = get_leds};
static const SpiceMouseInterface mouse_interface = {
    .base = {"mouse", "test", 1, 1}, .motion = motion, .buttons = mouse_buttons};
static const SpiceTabletInterface tablet_interface = {.base = {"tablet", "test", 1, 1},
                                                      .set_logical_size = set_logical_size,
                                                      .position = position,
                                                      .wheel = wheel,
                                                      .buttons = tablet_buttons};
static SpiceKbdInstance keyboard = {.base = {&keyboard_interface.base}};
static SpiceMouseInstance mouse = {.base = {&mouse_interface.base}};
static SpiceTabletInstance tablet = {.base = {&tablet_interface.base}};

/* ---- A server with one client ---- */

static bool main_message(ChannelClient *cc, uint16_t type, const void *message, WireBytes body)
{
    return true;
}

static const ChannelClass main_class = {.type = SPICE_CHANNEL_MAIN,
                                        .client_size = sizeof(ChannelClient),
                                        .queue_limit = 65536,
                                        .message = main_message},
                          display_class = {.type = SPICE_CHANNEL_DISPLAY,
                                           .client_size = sizeof(ChannelClient),
                                           .queue_limit = 65536,
                                           .message = main_message};

static struct RedsState *server;

static bool pointer_is(uint8_t display, int32_t x, int32_t y)
{
    int32_t at_x, at_y;

    return server_get_pointer(server, display, &at_x, &at_y) && at_x == x && at_y == y;
}
static Channel *main_channel, *display, *second_display;
static FakeWorker first = {.name = 'A'}, second = {.name = 'B'};
static Peer *main_peer, *peer;

static void start(const char *name, bool with_devices)
{
    tap_case(name);
    leds = 0;
    agent_attached = false;
    first.primary = second.primary = (WorkerPrimary){0};
    server = peer_server_new();
    server->main = (MainChannel *)&main_channel;
    server->agent = (Agent *)&agent_attached;
    main_channel = channel_new(server, &main_class, 0, server->loop, NULL);
    server->inputs = inputs_new(server);
    if (with_devices) {
        CHECK(inputs_add_keyboard(server->inputs, &keyboard) && keyboard.st);
        CHECK(inputs_add_mouse(server->inputs, &mouse) && mouse.st);
    }
}

/* The client's inputs channel; what INIT said. */
static unsigned link_inputs(Peer **into, PeerSocket kind)
{
    const WireMsgInputsInit *init;

    if (!main_peer) {
        main_peer = peer_link(server, SPICE_CHANNEL_MAIN, 0, 0, true, NULL, PEER_UNIX);
        peer_run(server);
    }
    uint32_t id = client_connection_id(((ChannelClient *)main_channel->clients->data)->client);
    *into = peer_link(server, SPICE_CHANNEL_INPUTS, 0, id, true, NULL, kind);
    peer_run(server);
    init = peer_expect(*into, SPICE_MSG_INPUTS_INIT);
    return CHECK(init) ? init->modifiers : 0xffff;
}

static void unlink_inputs(Peer **link)
{
    peer_free(*link);
    *link = NULL;
    peer_run(server);
}

static void finish(void)
{
    peer_free(peer);
    peer_free(main_peer);
    peer = main_peer = NULL;
    peer_run(server);
    inputs_free(server->inputs);
    server->inputs = NULL;
    CHECK(!keyboard.st && !mouse.st && !tablet.st);
    if (display)
        channel_free(display);
    if (second_display)
        channel_free(second_display);
    display = second_display = NULL;
    channel_free(main_channel);
    g_list_free(server->workers);
    peer_server_free(server);
    g_string_truncate(done, 0);
}

/* ---- Messages ---- */

static void key(uint16_t type, uint32_t code)
{
    peer_send(peer, type, &(WireMsgcInputsKeyDown){code});
    peer_run(server);
}

static void scancodes(const char *codes, size_t size)
{
    peer_send_raw(peer, SPICE_MSGC_INPUTS_KEY_SCANCODE, (uint32_t)size, codes, size);
    peer_run(server);
}

static void want_locks(uint16_t locks)
{
    peer_send(peer, SPICE_MSGC_INPUTS_KEY_MODIFIERS, &(WireMsgcInputsKeyModifiers){locks});
    peer_run(server);
}

static void move_by(int dx, int dy, uint16_t state)
{
    peer_send(peer, SPICE_MSGC_INPUTS_MOUSE_MOTION, &(WireMsgcInputsMouseMotion){dx, dy, state});
    peer_run(server);
}

static void move_to(uint32_t x, uint32_t y, uint16_t state, uint8_t display_id)
{
    peer_send(peer, SPICE_MSGC_INPUTS_MOUSE_POSITION,
              &(WireMsgcInputsMousePosition){x, y, state, display_id});
    peer_run(server);
}

static void press(uint8_t button, uint16_t state)
{
    peer_send(peer, SPICE_MSGC_INPUTS_MOUSE_PRESS, &(WireMsgcInputsMousePress){button, state});
    peer_run(server);
}

static void release(uint8_t button, uint16_t state)
{
    peer_send(peer, SPICE_MSGC_INPUTS_MOUSE_RELEASE, &(WireMsgcInputsMouseRelease){button, state});
    peer_run(server);
}

/* ---- Keyboard ---- */

static void test_keys(void)
{
    start("12.1: KEY_DOWN and KEY_UP: bytes up to the first zero", true);
    CHECK(link_inputs(&peer, PEER_UNIX) == 0);
    CHECK(did(""));
    key(SPICE_MSGC_INPUTS_KEY_DOWN, 0x1e);
    CHECK(did("1e"));
    key(SPICE_MSGC_INPUTS_KEY_UP, 0x9e);
    CHECK(did("9e"));
    key(SPICE_MSGC_INPUTS_KEY_DOWN, 0x48e0);
    key(SPICE_MSGC_INPUTS_KEY_UP, 0xc8e0);
    CHECK(did("e0 48 e0 c8"));
    key(SPICE_MSGC_INPUTS_KEY_DOWN, 0x04030201);
    CHECK(did("01 02 03 04"));
    key(SPICE_MSGC_INPUTS_KEY_DOWN, 0x04000201);
    CHECK(did("01 02"));
    key(SPICE_MSGC_INPUTS_KEY_DOWN, 0);
    CHECK(did(""));

    tap_case("12.1: KEY_SCANCODE: every byte");
    scancodes("\x1e\x9e\xe0\x1d\xe0\x9d\x00\x1e\x9e", 9);
    CHECK(did("1e 9e e0 1d e0 9d 00 1e 9e"));

    tap_case("12.1: when the client goes, its keys are released: plain ones, then 0xe0 ones");
    scancodes("\x81\x82\x83\x84", 4);
    CHECK(did("81 82 83 84"));
    scancodes("\x1d\x1e\xe0\x48\xe0\x1d\x1e\x9e", 8);
    g_string_truncate(done, 0);
    unlink_inputs(&peer);
    CHECK(did("9d e0 9d e0 c8"));

    tap_case("12.1: the Pause key is one unit");
    link_inputs(&peer, PEER_UNIX);
    scancodes("\xe1\x1d\x45", 3);
    scancodes("\xe1\x9d\xc5\x1e", 4);
    CHECK(did("e1 1d 45 e1 9d c5 1e"));
    unlink_inputs(&peer);
    CHECK(did("9e"));

    tap_case("keyboard_state_overflow: any two bytes behind one another, and keys that stay down");
    link_inputs(&peer, PEER_UNIX);
    for (unsigned pair = 0; pair < 0x10000; pair += 16) {
        char bytes[32];

        for (unsigned i = 0; i < 16; i++) {
            bytes[2 * i] = (char)((pair + i) >> 8);
            bytes[2 * i + 1] = (char)(pair + i);
        }
        peer_send_raw(peer, SPICE_MSGC_INPUTS_KEY_SCANCODE, sizeof bytes, bytes, sizeof bytes);
        if (pair % 2048 == 0)
            peer_run(server);
    }
    for (unsigned code = 1; code < 0x80; code++)
        key(SPICE_MSGC_INPUTS_KEY_DOWN, code % 2 ? code : code << 8 | 0xe0);
    peer_receive(peer);
    CHECK(!peer->closed);
    g_string_truncate(done, 0);
    unlink_inputs(&peer);
    CHECK(done->len >= 64 * 3 + 63 * 6 - 1 && g_str_has_prefix(done->str, "81 ") &&
          g_str_has_suffix(done->str, "e0 fe"));
    g_string_truncate(done, 0);

    tap_case("wire 12.1: an empty KEY_SCANCODE closes the channel, a long one too");
    link_inputs(&peer, PEER_UNIX);
    scancodes("", 0);
    peer_receive(peer);
    CHECK(peer->closed);
    unlink_inputs(&peer);
    link_inputs(&peer, PEER_UNIX);
    g_autofree char *keys = g_strnfill(2049, '\x1e');
    scancodes(keys, 2048);
    peer_receive(peer);
    CHECK(!peer->closed && done->len == 2048 * 3 - 1);
    g_string_truncate(done, 0);
    scancodes(keys, 2049);
    peer_receive(peer);
    CHECK(peer->closed);
    CHECK(did("9e"));
    finish();
}

static unsigned locks_told(void)
{
    const WireMsgInputsKeyModifiers *message;

    peer_run(server);
    message = peer_expect(peer, SPICE_MSG_INPUTS_KEY_MODIFIERS);
    return message ? message->modifiers : 0xffff;
}

static void test_locks(void)
{
    start("12.1: INIT has the LEDs", true);
    leds = SPICE_KEYBOARD_MODIFIER_FLAGS_NUM_LOCK;
    CHECK(link_inputs(&peer, PEER_UNIX) == SPICE_KEYBOARD_MODIFIER_FLAGS_NUM_LOCK);

    tap_case("12.1: spice_server_kbd_leds() is told to clients, as it is");
    CHECK(spice_server_kbd_leds(&keyboard, 7) == 0);
    CHECK(locks_told() == 7);
    spice_server_kbd_leds(&keyboard, 0xff);
    CHECK(locks_told() == 0xff);
    spice_server_kbd_leds(&keyboard, 1);
    spice_server_kbd_leds(&keyboard, 0);
    CHECK(locks_told() == 0); /* the last one counts */
    CHECK(peer_count(peer, SPICE_MSG_INPUTS_KEY_MODIFIERS) == 0);

    tap_case("12.1: a client's locks: keys in order, only those that differ");
    want_locks(7);
    CHECK(did("46 c6 45 c5 3a ba"));
    want_locks(7);
    CHECK(did(""));
    want_locks(2);
    CHECK(did("46 c6 3a ba"));
    want_locks(0);
    CHECK(did("45 c5"));

    tap_case("12.1: a lock's key toggles, once while it is held; a held key isn't pressed for it");
    scancodes("\x3a", 1);
    scancodes("\x3a", 1);
    CHECK(did("3a 3a"));
    want_locks(SPICE_KEYBOARD_MODIFIER_FLAGS_CAPS_LOCK);
    CHECK(did(""));
    want_locks(0);
    CHECK(did("")); /* held */
    scancodes("\xba", 1);
    want_locks(0);
    CHECK(did("ba 3a ba"));
    scancodes("\xe0\x45\xe0\xc5", 4); /* not the lock */
    want_locks(0);
    CHECK(did("e0 45 e0 c5"));

    tap_case("12.1: two seconds later clients are told what we believe");
    want_locks(5);
    CHECK(did("46 c6 3a ba"));
    CHECK(peer_count(peer, SPICE_MSG_INPUTS_KEY_MODIFIERS) == 0);
    clock_forward_ms(1900);
    peer_run(server);
    CHECK(peer_count(peer, SPICE_MSG_INPUTS_KEY_MODIFIERS) == 0);
    clock_forward_ms(200);
    CHECK(locks_told() == 5);

    tap_case("12.1: LEDs without a keyboard that is attached");
    SpiceKbdInstance other = {.base = {&keyboard_interface.base}};
    CHECK(spice_server_kbd_leds(&other, 1) == 0 && spice_server_kbd_leds(NULL, 1) == 0);
    finish();
}

/* ---- Mouse ---- */

static void test_server_mode(void)
{
    start("12.3: SERVER mode: motion, wheel, buttons", true);
    link_inputs(&peer, PEER_UNIX);
    move_by(-3, 70000, 0);
    CHECK(did("motion:-3,70000,0,0"));
    move_by(1, 2, SPICE_MOUSE_BUTTON_MASK_LEFT);
    CHECK(did("motion:1,2,0,0x1"));
    press(SPICE_MOUSE_BUTTON_LEFT, 1);
    press(SPICE_MOUSE_BUTTON_MIDDLE, 2);
    press(SPICE_MOUSE_BUTTON_RIGHT, 4);
    CHECK(did("motion:0,0,0,0x1 motion:0,0,0,0x4 motion:0,0,0,0x2"));
    press(SPICE_MOUSE_BUTTON_UP, 8);
    press(SPICE_MOUSE_BUTTON_DOWN, 16);
    CHECK(did("motion:0,0,-1,0 motion:0,0,1,0"));
    press(SPICE_MOUSE_BUTTON_SIDE, 0x20);
    press(SPICE_MOUSE_BUTTON_EXTRA, 0x40);
    CHECK(did("motion:0,0,0,0x40 motion:0,0,0,0x80"));
    press(200, 0x7f);
    CHECK(did("motion:0,0,0,0xc7"));
    release(SPICE_MOUSE_BUTTON_LEFT, 0);
    release(SPICE_MOUSE_BUTTON_SIDE, 0x26);
    CHECK(did("buttons:0 buttons:0x46"));
    move_to(5, 6, 0, 0);
    CHECK(did(""));

    tap_case("12.3: every fourth movement is acknowledged, whatever the mode");
    /* three so far */
    CHECK(peer_count(peer, SPICE_MSG_INPUTS_MOUSE_MOTION_ACK) == 0);
    move_by(1, 1, 0);
    CHECK(peer_count(peer, SPICE_MSG_INPUTS_MOUSE_MOTION_ACK) == 1);
    for (int i = 0; i < 401; i++)
        i % 2 ? move_by(1, 1, 0) : move_to(1, 1, 0, 0);
    CHECK(peer_count(peer, SPICE_MSG_INPUTS_MOUSE_MOTION_ACK) == 100);
    g_string_truncate(done, 0);
    finish();

    start("12.3: without instances messages are ignored", false);
    link_inputs(&peer, PEER_UNIX);
    move_by(1, 2, 0);
    press(SPICE_MOUSE_BUTTON_LEFT, 1);
    release(SPICE_MOUSE_BUTTON_LEFT, 0);
    key(SPICE_MSGC_INPUTS_KEY_DOWN, 0x1e);
    want_locks(7);
    CHECK(did(""));
    peer_receive(peer);
    CHECK(!peer->closed);
    finish();
}

static void add_worker(FakeWorker *worker)
{
    server->workers = g_list_prepend(server->workers, worker);
}

static void set_primary(FakeWorker *worker, bool active, bool allowed, uint32_t width,
                        uint32_t height)
{
    worker->primary = (WorkerPrimary){active, allowed, width, height};
    server_update_mouse_mode(server);
}

static void test_tablet(void)
{
    start("12.2: a tablet, one device with a primary, one display channel", true);
    display = channel_new(server, &display_class, 0, server->loop, NULL);
    add_worker(&first);
    link_inputs(&peer, PEER_UNIX);
    CHECK(inputs_add_tablet(server->inputs, &tablet) && tablet.st);
    CHECK(!inputs_add_tablet(server->inputs, &tablet));
    CHECK(did("")); /* there has never been a primary */
    inputs_request_mouse_mode(server->inputs, SPICE_MOUSE_MODE_CLIENT);
    CHECK(did("") && inputs_mouse_mode(server->inputs) == SPICE_MOUSE_MODE_SERVER);
    set_primary(&first, true, true, 1024, 768);
    CHECK(did("mode:1/3 size:1024x768"));
    inputs_request_mouse_mode(server->inputs, SPICE_MOUSE_MODE_CLIENT);
    CHECK(did("A:2 mode:2/3") && inputs_mouse_mode(server->inputs) == SPICE_MOUSE_MODE_CLIENT);
    inputs_request_mouse_mode(server->inputs, SPICE_MOUSE_MODE_CLIENT);
    CHECK(did(""));
    unsigned lines = peer_log_lines();
    inputs_request_mouse_mode(server->inputs, 77);
    CHECK(did("") && peer_log_lines() == lines + 1);

    tap_case("12.3: CLIENT mode with a tablet");
    move_to(100, 200, 0, 0);
    CHECK(did("position:100,200,0"));
    CHECK(pointer_is(0, 100, 200) && !pointer_is(1, 100, 200));
    move_to(0xffffffff, 0x7fffffff, 6, 3);
    CHECK(did("position:-1,2147483647,0x6"));
    CHECK(pointer_is(3, 0xffffff, 0xffffff)); /* far away, wherever that is */
    press(SPICE_MOUSE_BUTTON_LEFT, 1);
    CHECK(did("wheel:0,0x1"));
    press(SPICE_MOUSE_BUTTON_UP, 9);
    press(SPICE_MOUSE_BUTTON_DOWN, 0);
    CHECK(did("wheel:-1,0x1 wheel:1,0"));
    release(SPICE_MOUSE_BUTTON_LEFT, 0x40);
    CHECK(did("tablet-buttons:0x80"));
    move_by(5, 5, 0);
    CHECK(did(""));

    tap_case("12.2: the tablet's size follows the primary; none: 0x0 and still allowed");
    set_primary(&first, true, true, 800, 600);
    CHECK(did("size:800x600"));
    set_primary(&first, false, true, 0, 0);
    CHECK(did("size:0x0") && inputs_mouse_mode(server->inputs) == SPICE_MOUSE_MODE_CLIENT);
    set_primary(&first, true, true, 800, 600);
    CHECK(did("size:800x600"));

    tap_case("12.2: a primary that takes no client mouse forces SERVER");
    set_primary(&first, true, false, 640, 480);
    CHECK(did("A:1 mode:1/1") && inputs_mouse_mode(server->inputs) == SPICE_MOUSE_MODE_SERVER);
    move_to(1, 1, 0, 0);
    CHECK(did(""));
    set_primary(&first, true, true, 640, 480);
    CHECK(did("mode:1/3 size:640x480")); /* the server doesn't go to CLIENT by itself */

    tap_case("12.2: a second display channel, or a second device: not the tablet");
    second_display = channel_new(server, &display_class, 1, server->loop, NULL);
    server_update_mouse_mode(server);
    CHECK(did("mode:1/1"));
    channel_free(second_display);
    second_display = NULL;
    server_update_mouse_mode(server);
    CHECK(did("mode:1/3"));
    add_worker(&second);
    server_update_mouse_mode(server);
    CHECK(did("mode:1/1"));
    /* The most recently added one with a primary counts. */
    set_primary(&second, true, false, 320, 200);
    CHECK(did(""));
    agent_attached = true;
    server_update_mouse_mode(server);
    CHECK(did(""));
    set_primary(&second, false, false, 0, 0);
    CHECK(did("mode:1/3"));
    server->workers = g_list_remove(server->workers, &second);
    agent_attached = false;
    server_update_mouse_mode(server);
    CHECK(did(""));

    tap_case("12.2: no device: no client mouse; the tablet goes, and comes");
    inputs_request_mouse_mode(server->inputs, SPICE_MOUSE_MODE_CLIENT);
    CHECK(did("A:2 mode:2/3"));
    CHECK(inputs_remove_tablet(&tablet) && !tablet.st);
    CHECK(did("A:1 mode:1/1"));
    CHECK(!inputs_remove_tablet(&tablet));
    CHECK(inputs_add_tablet(server->inputs, &tablet));
    CHECK(did("mode:1/3 size:640x480"));
    server->workers = g_list_remove(server->workers, &first);
    server_update_mouse_mode(server);
    CHECK(did("mode:1/1"));
    finish();
}

static void test_agent(void)
{
    start("12.2: the agent's mouse", true);
    display = channel_new(server, &display_class, 0, server->loop, NULL);
    second_display = channel_new(server, &display_class, 1, server->loop, NULL);
    add_worker(&first);
    add_worker(&second);
    link_inputs(&peer, PEER_UNIX);
    set_primary(&first, true, true, 1024, 768);
    CHECK(did(""));
    agent_attached = true;
    server_update_mouse_mode(server);
    CHECK(did("mode:1/3"));
    inputs_request_mouse_mode(server->inputs, SPICE_MOUSE_MODE_CLIENT);
    CHECK(did("B:2 A:2 mode:2/3"));

    tap_case("12.3: CLIENT mode with the agent");
    move_to(10, 20, 1, 1);
    CHECK(did("agent:10,20,0x2,1"));
    press(SPICE_MOUSE_BUTTON_MIDDLE, 3);
    CHECK(did("agent:10,20,0x6,1"));
    press(SPICE_MOUSE_BUTTON_UP, 0);
    press(SPICE_MOUSE_BUTTON_DOWN, 4);
    CHECK(did("agent:10,20,0x10,1 agent:10,20,0x28,1"));
    press(SPICE_MOUSE_BUTTON_SIDE, 0x20);
    press(SPICE_MOUSE_BUTTON_EXTRA, 0x40);
    release(SPICE_MOUSE_BUTTON_RIGHT, 0);
    CHECK(did("agent:10,20,0x40,1 agent:10,20,0x80,1 agent:10,20,0,1"));
    move_by(1, 1, 0);
    CHECK(did(""));

    tap_case("12.2: the option forbids it, and allows it again");
    server->options.agent_mouse = false;
    server_update_mouse_mode(server);
    CHECK(did("B:1 A:1 mode:1/1"));
    press(SPICE_MOUSE_BUTTON_LEFT, 1);
    CHECK(did("motion:0,0,0,0x1"));
    server->options.agent_mouse = true;
    server_update_mouse_mode(server);
    CHECK(did("mode:1/3"));
    inputs_request_mouse_mode(server->inputs, SPICE_MOUSE_MODE_CLIENT);
    CHECK(did("B:2 A:2 mode:2/3"));

    tap_case("24: POSITION in client mode when agent or tablet go");
    agent_attached = false;
    move_to(1, 2, 0, 0); /* before anybody has told */
    CHECK(did(""));
    server_update_mouse_mode(server);
    CHECK(did("B:1 A:1 mode:1/1"));
    finish();
}

int main(void)
{
    done = g_string_new(NULL);
    test_keys();
    test_locks();
    test_server_mode();
    test_tablet();
    test_agent();
    g_string_free(done, TRUE);
    return tap_done();
}
