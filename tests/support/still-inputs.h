/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A keyboard, a mouse and a tablet that do nothing. Who listens to one of them copies its interface
 * and puts its own callback in. */
#ifndef TESTS_SUPPORT_STILL_INPUTS_H
#define TESTS_SUPPORT_STILL_INPUTS_H

#include <spice.h>

static void still_scancode(SpiceKbdInstance *keyboard, uint8_t code)
{
}

static uint8_t still_leds(SpiceKbdInstance *keyboard)
{
    return 0;
}

static void still_mouse_motion(SpiceMouseInstance *mouse, int dx, int dy, int dz, uint32_t buttons)
{
}

static void still_mouse_buttons(SpiceMouseInstance *mouse, uint32_t buttons)
{
}

static void still_tablet_size(SpiceTabletInstance *tablet, int width, int height)
{
}

static void still_tablet_position(SpiceTabletInstance *tablet, int x, int y, uint32_t buttons)
{
}

static void still_tablet_wheel(SpiceTabletInstance *tablet, int wheel, uint32_t buttons)
{
}

static void still_tablet_buttons(SpiceTabletInstance *tablet, uint32_t buttons)
{
}

static const SpiceKbdInterface still_keyboard = {
    .base = {SPICE_INTERFACE_KEYBOARD, "keyboard", SPICE_INTERFACE_KEYBOARD_MAJOR,
             SPICE_INTERFACE_KEYBOARD_MINOR},
    .push_scan_freg = still_scancode,
    .get_leds = still_leds,
};
static const SpiceMouseInterface still_mouse = {
    .base = {SPICE_INTERFACE_MOUSE, "mouse", SPICE_INTERFACE_MOUSE_MAJOR,
             SPICE_INTERFACE_MOUSE_MINOR},
    .motion = still_mouse_motion,
    .buttons = still_mouse_buttons,
};
static const SpiceTabletInterface still_tablet = {
    .base = {SPICE_INTERFACE_TABLET, "tablet", SPICE_INTERFACE_TABLET_MAJOR,
             SPICE_INTERFACE_TABLET_MINOR},
    .set_logical_size = still_tablet_size,
    .position = still_tablet_position,
    .wheel = still_tablet_wheel,
    .buttons = still_tablet_buttons,
};

#endif
