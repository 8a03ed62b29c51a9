/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Deprecated names of functions of the main and inputs channels. Spec: client-glib.md 1.5. */
#include "spice-client.h"

/**
 * spice_main_set_display:
 * @channel: a #SpiceMainChannel
 * @id: number of the monitor
 * @x: column
 * @y: row
 * @width: width
 * @height: height
 *
 * See spice_main_channel_update_display().
 *
 * Deprecated: 0.35: use spice_main_channel_update_display()
 */
void spice_main_set_display(SpiceMainChannel *channel, int id, int x, int y, int width, int height)
{
    spice_main_channel_update_display(channel, id, x, y, width, height, TRUE);
}

/**
 * spice_main_update_display:
 * @channel: a #SpiceMainChannel
 * @id: number of the monitor
 * @x: column
 * @y: row
 * @width: width
 * @height: height
 * @update: whether the guest is told
 *
 * See spice_main_channel_update_display().
 *
 * Deprecated: 0.35: use spice_main_channel_update_display()
 */
void spice_main_update_display(SpiceMainChannel *channel, int id, int x, int y, int width,
                               int height, gboolean update)
{
    spice_main_channel_update_display(channel, id, x, y, width, height, update);
}

/**
 * spice_main_set_display_enabled:
 * @channel: a #SpiceMainChannel
 * @id: number of the monitor
 * @enabled: whether it is on
 *
 * See spice_main_channel_update_display_enabled().
 *
 * Deprecated: 0.35: use spice_main_channel_update_display_enabled()
 */
void spice_main_set_display_enabled(SpiceMainChannel *channel, int id, gboolean enabled)
{
    spice_main_channel_update_display_enabled(channel, id, enabled, TRUE);
}

/**
 * spice_main_update_display_enabled:
 * @channel: a #SpiceMainChannel
 * @id: number of the monitor
 * @enabled: whether it is on
 * @update: whether the guest is told
 *
 * See spice_main_channel_update_display_enabled().
 *
 * Deprecated: 0.35: use spice_main_channel_update_display_enabled()
 */
void spice_main_update_display_enabled(SpiceMainChannel *channel, int id, gboolean enabled,
                                       gboolean update)
{
    spice_main_channel_update_display_enabled(channel, id, enabled, update);
}

/**
 * spice_main_send_monitor_config:
 * @channel: a #SpiceMainChannel
 *
 * See spice_main_channel_send_monitor_config().
 *
 * Returns: as spice_main_channel_send_monitor_config()
 *
 * Deprecated: 0.35: use spice_main_channel_send_monitor_config()
 */
gboolean spice_main_send_monitor_config(SpiceMainChannel *channel)
{
    return spice_main_channel_send_monitor_config(channel);
}

/**
 * spice_main_agent_test_capability:
 * @channel: a #SpiceMainChannel
 * @cap: a capability
 *
 * See spice_main_channel_agent_test_capability().
 *
 * Returns: as spice_main_channel_agent_test_capability()
 *
 * Deprecated: 0.35: use spice_main_channel_agent_test_capability()
 */
gboolean spice_main_agent_test_capability(SpiceMainChannel *channel, guint32 cap)
{
    return spice_main_channel_agent_test_capability(channel, cap);
}

/**
 * spice_main_request_mouse_mode:
 * @channel: a #SpiceMainChannel
 * @mode: a mouse mode
 *
 * See spice_main_channel_request_mouse_mode().
 *
 * Deprecated: 0.35: use spice_main_channel_request_mouse_mode()
 */
void spice_main_request_mouse_mode(SpiceMainChannel *channel, int mode)
{
    spice_main_channel_request_mouse_mode(channel, mode);
}

/**
 * spice_inputs_motion:
 * @channel: a #SpiceInputsChannel
 * @dx: to the right
 * @dy: downwards
 * @button_state: pressed buttons
 *
 * See spice_inputs_channel_motion().
 *
 * Deprecated: 0.35: use spice_inputs_channel_motion()
 */
void spice_inputs_motion(SpiceInputsChannel *channel, gint dx, gint dy, gint button_state)
{
    spice_inputs_channel_motion(channel, dx, dy, button_state);
}

/**
 * spice_inputs_position:
 * @channel: a #SpiceInputsChannel
 * @x: column
 * @y: row
 * @display: number of the display
 * @button_state: pressed buttons
 *
 * See spice_inputs_channel_position().
 *
 * Deprecated: 0.35: use spice_inputs_channel_position()
 */
void spice_inputs_position(SpiceInputsChannel *channel, gint x, gint y, gint display,
                           gint button_state)
{
    spice_inputs_channel_position(channel, x, y, display, button_state);
}

/**
 * spice_inputs_button_press:
 * @channel: a #SpiceInputsChannel
 * @button: a button
 * @button_state: pressed buttons
 *
 * See spice_inputs_channel_button_press().
 *
 * Deprecated: 0.35: use spice_inputs_channel_button_press()
 */
void spice_inputs_button_press(SpiceInputsChannel *channel, gint button, gint button_state)
{
    spice_inputs_channel_button_press(channel, button, button_state);
}

/**
 * spice_inputs_button_release:
 * @channel: a #SpiceInputsChannel
 * @button: a button
 * @button_state: pressed buttons
 *
 * See spice_inputs_channel_button_release().
 *
 * Deprecated: 0.35: use spice_inputs_channel_button_release()
 */
void spice_inputs_button_release(SpiceInputsChannel *channel, gint button, gint button_state)
{
    spice_inputs_channel_button_release(channel, button, button_state);
}

/**
 * spice_inputs_key_press:
 * @channel: a #SpiceInputsChannel
 * @scancode: a key
 *
 * See spice_inputs_channel_key_press().
 *
 * Deprecated: 0.35: use spice_inputs_channel_key_press()
 */
void spice_inputs_key_press(SpiceInputsChannel *channel, guint scancode)
{
    spice_inputs_channel_key_press(channel, scancode);
}

/**
 * spice_inputs_key_release:
 * @channel: a #SpiceInputsChannel
 * @scancode: a key
 *
 * See spice_inputs_channel_key_release().
 *
 * Deprecated: 0.35: use spice_inputs_channel_key_release()
 */
void spice_inputs_key_release(SpiceInputsChannel *channel, guint scancode)
{
    spice_inputs_channel_key_release(channel, scancode);
}

/**
 * spice_inputs_key_press_and_release:
 * @channel: a #SpiceInputsChannel
 * @scancode: a key
 *
 * See spice_inputs_channel_key_press_and_release().
 *
 * Deprecated: 0.35: use spice_inputs_channel_key_press_and_release()
 */
void spice_inputs_key_press_and_release(SpiceInputsChannel *channel, guint scancode)
{
    spice_inputs_channel_key_press_and_release(channel, scancode);
}

/**
 * spice_inputs_set_key_locks:
 * @channel: a #SpiceInputsChannel
 * @locks: lock keys
 *
 * See spice_inputs_channel_set_key_locks().
 *
 * Deprecated: 0.35: use spice_inputs_channel_set_key_locks()
 */
void spice_inputs_set_key_locks(SpiceInputsChannel *channel, guint locks)
{
    spice_inputs_channel_set_key_locks(channel, locks);
}
