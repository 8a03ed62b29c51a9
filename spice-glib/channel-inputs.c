/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SpiceInputsChannel: keys, lock keys and mouse. Spec: client-glib.md 11, wire.md 12. */
#include <string.h>
#include "channel-private.h"
#include "session-private.h"
#include "wire/wire.h"

/**
 * SECTION:channel-inputs
 * @short_description: keyboard and mouse
 * @title: SpiceInputsChannel
 *
 * Keys and mouse of the user go to the guest by this channel. Scan codes are those of a PC
 * keyboard, set 1; keys with the prefix e0 have 0x100 added, Pause is 0x21d.
 */

#define MAX_UNACKNOWLEDGED (2 * SPICE_INPUT_MOTION_ACK_BUNCH)
#define SCANCODE_MASK 0x37f

struct _SpiceInputsChannelPrivate {
    gint modifiers; /* of the guest */
    gint locks;     /* wanted by the application */
    gint buttons;
    gint dx, dy; /* movement that waits */
    gint x, y, display;
    gboolean have_position;
    guint unacknowledged;
};

enum { PROP_0, PROP_KEY_MODIFIERS };
enum { INPUTS_MODIFIERS, N_SIGNALS };

static guint signals[N_SIGNALS];

G_DEFINE_TYPE_WITH_PRIVATE(SpiceInputsChannel, spice_inputs_channel, SPICE_TYPE_CHANNEL)

static gboolean can_send(SpiceInputsChannel *channel)
{
    return spice_channel_is_ready(SPICE_CHANNEL(channel)) &&
           !spice_channel_is_read_only(SPICE_CHANNEL(channel));
}

/* --- movement --- */

static void send_motion(SpiceInputsChannel *channel)
{
    SpiceInputsChannelPrivate *c = channel->priv;
    WireMsgcInputsMouseMotion motion = {.dx = c->dx, .dy = c->dy, .buttons_state = c->buttons};

    if (c->dx == 0 && c->dy == 0)
        return;
    spice_channel_send(SPICE_CHANNEL(channel), SPICE_MSGC_INPUTS_MOUSE_MOTION, &motion);
    c->dx = c->dy = 0;
    c->unacknowledged++;
}

static void send_position(SpiceInputsChannel *channel)
{
    SpiceInputsChannelPrivate *c = channel->priv;
    WireMsgcInputsMousePosition position = {
        .x = c->x, .y = c->y, .buttons_state = c->buttons, .display_id = c->display};

    if (!c->have_position)
        return;
    spice_channel_send(SPICE_CHANNEL(channel), SPICE_MSGC_INPUTS_MOUSE_POSITION, &position);
    c->have_position = FALSE;
    c->unacknowledged++;
}

/* A sum that stays a number, however long the guest is silent. */
static gint add(gint a, gint b)
{
    return (gint)CLAMP((gint64)a + b, G_MININT, G_MAXINT);
}

/**
 * spice_inputs_channel_motion:
 * @channel: a #SpiceInputsChannel
 * @dx: movement to the right
 * @dy: movement downwards
 * @button_state: mask of the pressed buttons (SPICE_MOUSE_BUTTON_MASK_LEFT and so on)
 *
 * Move the mouse, in server mouse mode. While the server is behind, movements are added up.
 *
 * Since: 0.35
 */
void spice_inputs_channel_motion(SpiceInputsChannel *channel, gint dx, gint dy, gint button_state)
{
    SpiceInputsChannelPrivate *c;

    g_return_if_fail(SPICE_IS_INPUTS_CHANNEL(channel));
    if (!can_send(channel) || (dx == 0 && dy == 0))
        return;
    c = channel->priv;
    c->buttons = button_state;
    c->dx = add(c->dx, dx);
    c->dy = add(c->dy, dy);
    if (c->unacknowledged < MAX_UNACKNOWLEDGED)
        send_motion(channel);
}

/**
 * spice_inputs_channel_position:
 * @channel: a #SpiceInputsChannel
 * @x: column in the display, pixels
 * @y: row in the display, pixels
 * @display: number of the display
 * @button_state: mask of the pressed buttons
 *
 * Set the place of the pointer, in client mouse mode. While the server is behind, only the last
 * place counts.
 *
 * Since: 0.35
 */
void spice_inputs_channel_position(SpiceInputsChannel *channel, gint x, gint y, gint display,
                                   gint button_state)
{
    SpiceInputsChannelPrivate *c;

    g_return_if_fail(SPICE_IS_INPUTS_CHANNEL(channel));
    if (!can_send(channel))
        return;
    c = channel->priv;
    c->buttons = button_state;
    c->x = x;
    c->y = y;
    c->display = display;
    c->have_position = TRUE;
    if (c->unacknowledged < MAX_UNACKNOWLEDGED)
        send_position(channel);
}

/* --- buttons --- */

static gint button_mask(gint button)
{
    switch (button) {
    case SPICE_MOUSE_BUTTON_LEFT:
        return SPICE_MOUSE_BUTTON_MASK_LEFT;
    case SPICE_MOUSE_BUTTON_MIDDLE:
        return SPICE_MOUSE_BUTTON_MASK_MIDDLE;
    case SPICE_MOUSE_BUTTON_RIGHT:
        return SPICE_MOUSE_BUTTON_MASK_RIGHT;
    case SPICE_MOUSE_BUTTON_SIDE:
        return SPICE_MOUSE_BUTTON_MASK_SIDE;
    case SPICE_MOUSE_BUTTON_EXTRA:
        return SPICE_MOUSE_BUTTON_MASK_EXTRA;
    default: /* the wheel is no state */
        return 0;
    }
}

/* What was moved before the click goes out first, whatever the window says. */
static void send_movement(SpiceInputsChannel *channel)
{
    send_motion(channel);
    send_position(channel);
}

/**
 * spice_inputs_channel_button_press:
 * @channel: a #SpiceInputsChannel
 * @button: SPICE_MOUSE_BUTTON_LEFT and so on
 * @button_state: mask of the pressed buttons
 *
 * Press a mouse button. A step of the wheel is a press and a release of SPICE_MOUSE_BUTTON_UP or
 * _DOWN.
 *
 * Since: 0.35
 */
void spice_inputs_channel_button_press(SpiceInputsChannel *channel, gint button, gint button_state)
{
    WireMsgcInputsMousePress press;

    g_return_if_fail(SPICE_IS_INPUTS_CHANNEL(channel));
    if (!can_send(channel))
        return;
    channel->priv->buttons = button_state | button_mask(button);
    send_movement(channel);
    press = (WireMsgcInputsMousePress){.button = button, .buttons_state = channel->priv->buttons};
    spice_channel_send(SPICE_CHANNEL(channel), SPICE_MSGC_INPUTS_MOUSE_PRESS, &press);
}

/**
 * spice_inputs_channel_button_release:
 * @channel: a #SpiceInputsChannel
 * @button: SPICE_MOUSE_BUTTON_LEFT and so on
 * @button_state: mask of the pressed buttons
 *
 * Release a mouse button.
 *
 * Since: 0.35
 */
void spice_inputs_channel_button_release(SpiceInputsChannel *channel, gint button,
                                         gint button_state)
{
    WireMsgcInputsMouseRelease release;

    g_return_if_fail(SPICE_IS_INPUTS_CHANNEL(channel));
    if (!can_send(channel))
        return;
    channel->priv->buttons = button_state & ~button_mask(button);
    send_movement(channel);
    release =
        (WireMsgcInputsMouseRelease){.button = button, .buttons_state = channel->priv->buttons};
    spice_channel_send(SPICE_CHANNEL(channel), SPICE_MSGC_INPUTS_MOUSE_RELEASE, &release);
}

/* --- keys --- */

/* Bytes of a key as the keyboard sends them, the first in the lowest 8 bits. */
static guint32 key_code(guint scancode, gboolean release)
{
    guint32 code = scancode & 0x7f;

    if (release)
        code |= 0x80;
    scancode &= SCANCODE_MASK;
    if (scancode < 0x100)
        return code;
    return (0xe0 + (scancode >> 8) - 1) | code << 8;
}

static void send_key(SpiceInputsChannel *channel, guint scancode, gboolean release)
{
    WireMsgcInputsKeyDown message = {.code = key_code(scancode, release)};

    spice_channel_send(SPICE_CHANNEL(channel),
                       release ? SPICE_MSGC_INPUTS_KEY_UP : SPICE_MSGC_INPUTS_KEY_DOWN, &message);
}

/**
 * spice_inputs_channel_key_press:
 * @channel: a #SpiceInputsChannel
 * @scancode: the key
 *
 * Press a key.
 *
 * Since: 0.35
 */
void spice_inputs_channel_key_press(SpiceInputsChannel *channel, guint scancode)
{
    g_return_if_fail(SPICE_IS_INPUTS_CHANNEL(channel));
    if (can_send(channel))
        send_key(channel, scancode, FALSE);
}

/**
 * spice_inputs_channel_key_release:
 * @channel: a #SpiceInputsChannel
 * @scancode: the key
 *
 * Release a key.
 *
 * Since: 0.35
 */
void spice_inputs_channel_key_release(SpiceInputsChannel *channel, guint scancode)
{
    g_return_if_fail(SPICE_IS_INPUTS_CHANNEL(channel));
    if (can_send(channel))
        send_key(channel, scancode, TRUE);
}

/**
 * spice_inputs_channel_key_press_and_release:
 * @channel: a #SpiceInputsChannel
 * @scancode: the key
 *
 * Press and release a key at once: no delay of the network makes the guest repeat it.
 *
 * Since: 0.35
 */
void spice_inputs_channel_key_press_and_release(SpiceInputsChannel *channel, guint scancode)
{
    guint8 codes[4];
    WireMsgcInputsKeyScancode message = {.codes = {codes, 0}};

    g_return_if_fail(SPICE_IS_INPUTS_CHANNEL(channel));
    if (!can_send(channel))
        return;
    if (!spice_channel_test_capability(SPICE_CHANNEL(channel), SPICE_INPUTS_CAP_KEY_SCANCODE)) {
        send_key(channel, scancode, FALSE);
        send_key(channel, scancode, TRUE);
        return;
    }
    for (guint release = 0; release < 2; release++) {
        guint32 code = key_code(scancode, release);

        codes[message.codes.size++] = code & 0xff;
        if (code > 0xff)
            codes[message.codes.size++] = code >> 8;
    }
    spice_channel_send(SPICE_CHANNEL(channel), SPICE_MSGC_INPUTS_KEY_SCANCODE, &message);
}

static void send_locks(SpiceInputsChannel *channel)
{
    WireMsgcInputsKeyModifiers message = {.modifiers = channel->priv->locks};

    if (can_send(channel))
        spice_channel_send(SPICE_CHANNEL(channel), SPICE_MSGC_INPUTS_KEY_MODIFIERS, &message);
}

/**
 * spice_inputs_channel_set_key_locks:
 * @channel: a #SpiceInputsChannel
 * @locks: #SpiceInputsLock bits of the locks that shall be on
 *
 * Set the guest's lock keys. What is set before the channel is connected is sent then.
 *
 * Since: 0.35
 */
void spice_inputs_channel_set_key_locks(SpiceInputsChannel *channel, guint locks)
{
    g_return_if_fail(SPICE_IS_INPUTS_CHANNEL(channel));
    channel->priv->locks = locks;
    send_locks(channel);
}

/* --- messages --- */

static void handle_modifiers(SpiceChannel *channel, const void *message, const SpiceMsgIn *in)
{
    const WireMsgInputsInit *modifiers = message; /* KEY_MODIFIERS has the same field */

    SPICE_INPUTS_CHANNEL(channel)->priv->modifiers = modifiers->modifiers;
    g_signal_emit(channel, signals[INPUTS_MODIFIERS], 0);
}

static void handle_motion_ack(SpiceChannel *channel, const void *message, const SpiceMsgIn *in)
{
    SpiceInputsChannel *self = SPICE_INPUTS_CHANNEL(channel);
    SpiceInputsChannelPrivate *c = self->priv;

    c->unacknowledged -= MIN(c->unacknowledged, SPICE_INPUT_MOTION_ACK_BUNCH);
    if (can_send(self))
        send_movement(self);
}

static void channel_up(SpiceChannel *channel)
{
    send_locks(SPICE_INPUTS_CHANNEL(channel));
}

static void channel_reset(SpiceChannel *channel, gboolean migrating)
{
    SpiceInputsChannelPrivate *c = SPICE_INPUTS_CHANNEL(channel)->priv;

    c->unacknowledged = 0;
    c->dx = c->dy = 0;
    c->have_position = FALSE;
    c->buttons = 0;
}

/* --- the object --- */

static void get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
    if (id == PROP_KEY_MODIFIERS)
        g_value_set_int(value, SPICE_INPUTS_CHANNEL(object)->priv->modifiers);
    else
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
}

static void spice_inputs_channel_init(SpiceInputsChannel *self)
{
    self->priv = spice_inputs_channel_get_instance_private(self);
}

static void spice_inputs_channel_class_init(SpiceInputsChannelClass *klass)
{
    static const SpiceHandler handlers[] = {
        {SPICE_MSG_INPUTS_INIT, handle_modifiers},
        {SPICE_MSG_INPUTS_KEY_MODIFIERS, handle_modifiers},
        {SPICE_MSG_INPUTS_MOUSE_MOTION_ACK, handle_motion_ack},
    };
    SpiceChannelClass *channel_class = SPICE_CHANNEL_CLASS(klass);

    G_OBJECT_CLASS(klass)->get_property = get_property;
    channel_class->channel_up = channel_up;
    channel_class->channel_reset = channel_reset;
    spice_channel_class_set_handlers(channel_class, handlers, G_N_ELEMENTS(handlers), 0);

    /**
     * SpiceInputsChannel:key-modifiers:
     *
     * The guest's lock keys that are on, #SpiceInputsLock bits. Not notified: see
     * #SpiceInputsChannel::inputs-modifiers.
     */
    g_object_class_install_property(G_OBJECT_CLASS(klass), PROP_KEY_MODIFIERS,
                                    g_param_spec_int("key-modifiers", "Key modifiers",
                                                     "Guest keyboard lock/led state", 0, G_MAXINT,
                                                     0, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
    /**
     * SpiceInputsChannel::inputs-modifiers:
     * @channel: the channel
     *
     * The guest told the state of its lock keys: #SpiceInputsChannel:key-modifiers.
     */
    signals[INPUTS_MODIFIERS] =
        g_signal_new("inputs-modifiers", SPICE_TYPE_INPUTS_CHANNEL, G_SIGNAL_RUN_FIRST,
                     G_STRUCT_OFFSET(SpiceInputsChannelClass, inputs_modifiers), NULL, NULL, NULL,
                     G_TYPE_NONE, 0);
}
