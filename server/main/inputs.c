/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keyboard, mouse and tablet: the instances, and the inputs channel that moves them.
 * docs/spec/server-api.md 12 */
#include "main/agent.h"
#include "main/inputs-private.h"
#include "main/keyboard.h"

enum {
    LOCKS_DELAY_MS = 2000, /* until clients are told the locks again */
    ALL_LOCKS = SPICE_KEYBOARD_MODIFIER_FLAGS_SCROLL_LOCK | SPICE_KEYBOARD_MODIFIER_FLAGS_NUM_LOCK |
                SPICE_KEYBOARD_MODIFIER_FLAGS_CAPS_LOCK,
    ACKS_AT_ONCE = 32,
};

/* One client's keyboard and mouse. What it is to be told is state, not a queue. */
typedef struct InputsClient {
    ChannelClient base;
    KeyTracker keys;
    uint32_t motions;  /* since the last acknowledgement that is due */
    uint32_t acks_due; /* acknowledgements of four movements each */
    bool locks_due;
} InputsClient;

static Inputs *inputs_of(const ChannelClient *cc)
{
    return cc->channel->owner;
}

/* ---- Keyboard ---- */

static const SpiceKbdInterface *keyboard_interface(const Inputs *inputs)
{
    return SPICE_CONTAINEROF(inputs->keyboard->instance->base.sif, SpiceKbdInterface, base);
}

static void push_code(void *data, uint8_t code)
{
    Inputs *inputs = data;

    if (inputs->keyboard)
        keyboard_interface(inputs)->push_scan_freg(inputs->keyboard->instance, code);
}

/* As the guest shows them. */
static void ask_leds(Inputs *inputs)
{
    if (inputs->keyboard && keyboard_interface(inputs)->get_leds)
        inputs->locks = keyboard_interface(inputs)->get_leds(inputs->keyboard->instance);
}

static void send_locks(Inputs *inputs)
{
    for (GList *node = inputs->channel->clients; node; node = node->next) {
        ((InputsClient *)node->data)->locks_due = true;
        channel_client_want(node->data);
    }
}

static void locks_are_due(void *data)
{
    send_locks(data);
}

static void client_code(InputsClient *client, uint8_t code)
{
    Inputs *inputs = inputs_of(&client->base);
    uint16_t lock = key_tracker_pass(&client->keys, code);

    if (lock) {
        inputs->locks ^= lock;
        loop_timer_start(inputs->locks_timer, LOCKS_DELAY_MS);
    }
    push_code(inputs, code);
}

static bool somebody_holds(const Inputs *inputs, uint16_t lock)
{
    for (GList *node = inputs->channel->clients; node; node = node->next)
        if (key_tracker_holds_lock(&((InputsClient *)node->data)->keys, lock))
            return true;
    return false;
}

/* The client's locks, where they differ: their keys are pressed. */
static void client_locks(InputsClient *client, uint16_t wanted)
{
    static const uint16_t order[] = {SPICE_KEYBOARD_MODIFIER_FLAGS_SCROLL_LOCK,
                                     SPICE_KEYBOARD_MODIFIER_FLAGS_NUM_LOCK,
                                     SPICE_KEYBOARD_MODIFIER_FLAGS_CAPS_LOCK};
    Inputs *inputs = inputs_of(&client->base);

    for (unsigned i = 0; i < G_N_ELEMENTS(order); i++) {
        uint8_t code = keyboard_lock_code(order[i]);

        if (!((inputs->locks ^ wanted) & order[i]) || somebody_holds(inputs, order[i]))
            continue;
        push_code(inputs, code);
        push_code(inputs, code | 0x80);
        inputs->locks ^= order[i];
    }
    loop_timer_start(inputs->locks_timer, LOCKS_DELAY_MS);
}

static void key_bytes(InputsClient *client, uint32_t code)
{
    for (int i = 0; i < 4 && (code & 0xff); i++, code >>= 8)
        client_code(client, code & 0xff);
}

int spice_server_kbd_leds(SpiceKbdInstance *sin, int leds)
{
    if (sin && sin->st) {
        sin->st->inputs->locks = (uint8_t)leds;
        send_locks(sin->st->inputs);
    }
    return 0;
}

/* ---- Mouse and tablet ---- */

/* The application's buttons: middle and right are exchanged, the wheel isn't one, and what comes
 * behind it moves up. */
static uint32_t application_buttons(uint32_t state)
{
    return (state & SPICE_MOUSE_BUTTON_MASK_LEFT) |
           (state & SPICE_MOUSE_BUTTON_MASK_MIDDLE ? 4 : 0) |
           (state & SPICE_MOUSE_BUTTON_MASK_RIGHT ? 2 : 0) | (state & ~0x1fu) << 1;
}

static void move_mouse(Inputs *inputs, int dx, int dy, int dz, uint32_t state)
{
    SpiceMouseInstance *instance;

    if (!inputs->mouse)
        return;
    instance = inputs->mouse->instance;
    SPICE_CONTAINEROF(instance->base.sif, SpiceMouseInterface, base)
        ->motion(instance, dx, dy, dz, application_buttons(state));
}

static void tell_agent(Inputs *inputs, uint32_t buttons)
{
    AgentMouseState state = {inputs->x, inputs->y, buttons, inputs->display_id};

    agent_mouse_state(inputs->server->agent, &state);
}

static const SpiceTabletInterface *tablet_interface(const Inputs *inputs)
{
    return SPICE_CONTAINEROF(inputs->tablet->instance->base.sif, SpiceTabletInterface, base);
}

static void position(Inputs *inputs, const WireMsgcInputsMousePosition *message)
{
    if (inputs->mode != SPICE_MOUSE_MODE_CLIENT)
        return;
    inputs->x = message->x;
    inputs->y = message->y;
    inputs->display_id = message->display_id;
    server_set_pointer(inputs->server, message->display_id, message->x, message->y);
    if (inputs_agent_is_used(inputs))
        tell_agent(inputs, (uint32_t)message->buttons_state << 1);
    else if (inputs->tablet)
        tablet_interface(inputs)->position(inputs->tablet->instance, (int)message->x,
                                           (int)message->y,
                                           application_buttons(message->buttons_state));
}

static void press(Inputs *inputs, uint8_t button, uint32_t state)
{
    int dz = button == SPICE_MOUSE_BUTTON_UP ? -1 : button == SPICE_MOUSE_BUTTON_DOWN ? 1 : 0;

    if (inputs->mode != SPICE_MOUSE_MODE_CLIENT)
        move_mouse(inputs, 0, 0, dz, state);
    else if (inputs_agent_is_used(inputs))
        tell_agent(inputs, state << 1 | (dz < 0   ? VD_AGENT_UBUTTON_MASK
                                         : dz > 0 ? VD_AGENT_DBUTTON_MASK
                                                  : 0));
    else if (inputs->tablet)
        tablet_interface(inputs)->wheel(inputs->tablet->instance, dz, application_buttons(state));
}

static void release(Inputs *inputs, uint32_t state)
{
    uint32_t buttons = application_buttons(state);

    if (inputs->mode != SPICE_MOUSE_MODE_CLIENT) {
        SpiceMouseInstance *instance = inputs->mouse ? inputs->mouse->instance : NULL;

        if (instance)
            SPICE_CONTAINEROF(instance->base.sif, SpiceMouseInterface, base)
                ->buttons(instance, buttons);
    } else if (inputs_agent_is_used(inputs)) {
        tell_agent(inputs, state << 1);
    } else if (inputs->tablet) {
        tablet_interface(inputs)->buttons(inputs->tablet->instance, buttons);
    }
}

/* Movements are acknowledged whatever becomes of them. */
static void count_motion(InputsClient *client)
{
    if (++client->motions < SPICE_INPUT_MOTION_ACK_BUNCH)
        return;
    client->motions = 0;
    client->acks_due++;
    channel_client_want(&client->base);
}

/* ---- The channel ---- */

static void connected(ChannelClient *cc)
{
    Inputs *inputs = inputs_of(cc);
    WireMsgInputsInit message;

    ask_leds(inputs);
    message.modifiers = inputs->locks;
    channel_client_send(cc, SPICE_MSG_INPUTS_INIT, &message);
}

static void fill(ChannelClient *cc)
{
    InputsClient *client = (InputsClient *)cc;

    if (client->locks_due) {
        WireMsgInputsKeyModifiers message = {.modifiers = inputs_of(cc)->locks};

        client->locks_due = false;
        channel_client_send(cc, SPICE_MSG_INPUTS_KEY_MODIFIERS, &message);
    }
    for (int i = 0; i < ACKS_AT_ONCE && client->acks_due; i++) {
        client->acks_due--;
        channel_client_send(cc, SPICE_MSG_INPUTS_MOUSE_MOTION_ACK, NULL);
    }
    if (client->acks_due)
        channel_client_want(cc);
}

static bool received(ChannelClient *cc, uint16_t type, const void *message, WireBytes body)
{
    InputsClient *client = (InputsClient *)cc;
    Inputs *inputs = inputs_of(cc);

    switch (type) {
    case SPICE_MSGC_INPUTS_KEY_DOWN:
        key_bytes(client, ((const WireMsgcInputsKeyDown *)message)->code);
        return true;
    case SPICE_MSGC_INPUTS_KEY_UP:
        key_bytes(client, ((const WireMsgcInputsKeyUp *)message)->code);
        return true;
    case SPICE_MSGC_INPUTS_KEY_SCANCODE: {
        WireBytes codes = ((const WireMsgcInputsKeyScancode *)message)->codes;

        for (size_t i = 0; i < codes.size; i++)
            client_code(client, codes.data[i]);
        return codes.size > 0;
    }
    case SPICE_MSGC_INPUTS_KEY_MODIFIERS:
        client_locks(client, ((const WireMsgcInputsKeyModifiers *)message)->modifiers);
        return true;
    case SPICE_MSGC_INPUTS_MOUSE_MOTION: {
        const WireMsgcInputsMouseMotion *motion = message;

        count_motion(client);
        if (inputs->mode == SPICE_MOUSE_MODE_SERVER)
            move_mouse(inputs, motion->dx, motion->dy, 0, motion->buttons_state);
        return true;
    }
    case SPICE_MSGC_INPUTS_MOUSE_POSITION:
        count_motion(client);
        position(inputs, message);
        return true;
    case SPICE_MSGC_INPUTS_MOUSE_PRESS: {
        const WireMsgcInputsMousePress *button = message;

        press(inputs, button->button, button->buttons_state);
        return true;
    }
    case SPICE_MSGC_INPUTS_MOUSE_RELEASE:
        release(inputs, ((const WireMsgcInputsMouseRelease *)message)->buttons_state);
        return true;
    default:
        return false;
    }
}

static void disconnected(ChannelClient *cc)
{
    key_tracker_release(&((InputsClient *)cc)->keys, push_code, inputs_of(cc));
}

static void capabilities(Channel *channel, WireCaps *caps)
{
    wire_caps_set(caps, SPICE_INPUTS_CAP_KEY_SCANCODE);
}

static const ChannelClass inputs_class = {
    .type = SPICE_CHANNEL_INPUTS,
    .client_size = sizeof(InputsClient),
    .queue_limit = 64 * 1024,
    .connected = connected,
    .message = received,
    .fill = fill,
    .disconnected = disconnected,
    .capabilities = capabilities,
};

/* ---- Life, instances ---- */

Inputs *inputs_new(struct RedsState *server)
{
    Inputs *inputs = g_new0(Inputs, 1);

    inputs->server = server;
    inputs->mode = SPICE_MOUSE_MODE_SERVER;
    inputs->locks_timer = loop_timer_new(server->loop, locks_are_due, inputs);
    if (!inputs->locks_timer) {
        g_free(inputs);
        return NULL;
    }
    inputs->channel = channel_new(server, &inputs_class, 0, server->loop, inputs);
    return inputs;
}

void inputs_free(Inputs *inputs)
{
    if (!inputs)
        return;
    channel_free(inputs->channel);
    loop_timer_free(inputs->locks_timer);
    if (inputs->keyboard)
        inputs->keyboard->instance->st = NULL;
    if (inputs->mouse)
        inputs->mouse->instance->st = NULL;
    if (inputs->tablet)
        inputs->tablet->instance->st = NULL;
    g_free(inputs->keyboard);
    g_free(inputs->mouse);
    g_free(inputs->tablet);
    g_free(inputs);
}

bool inputs_add_keyboard(Inputs *inputs, SpiceKbdInstance *keyboard)
{
    if (inputs->keyboard)
        return false;
    inputs->keyboard = g_new0(SpiceKbdState, 1);
    inputs->keyboard->inputs = inputs;
    inputs->keyboard->instance = keyboard;
    keyboard->st = inputs->keyboard;
    return true;
}

bool inputs_add_mouse(Inputs *inputs, SpiceMouseInstance *mouse)
{
    if (inputs->mouse)
        return false;
    inputs->mouse = g_new0(SpiceMouseState, 1);
    inputs->mouse->inputs = inputs;
    inputs->mouse->instance = mouse;
    mouse->st = inputs->mouse;
    return true;
}

bool inputs_add_tablet(Inputs *inputs, SpiceTabletInstance *tablet)
{
    if (inputs->tablet)
        return false;
    inputs->tablet = g_new0(SpiceTabletState, 1);
    inputs->tablet->inputs = inputs;
    inputs->tablet->instance = tablet;
    tablet->st = inputs->tablet;
    inputs_tablet_came(inputs);
    return true;
}

bool inputs_remove_tablet(SpiceTabletInstance *tablet)
{
    Inputs *inputs = tablet->st ? tablet->st->inputs : NULL;

    if (!inputs)
        return false;
    g_clear_pointer(&inputs->tablet, g_free);
    tablet->st = NULL;
    server_update_mouse_mode(inputs->server);
    return true;
}
