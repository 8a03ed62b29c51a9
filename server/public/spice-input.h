/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keyboard, mouse and tablet of the machine: what a client types and points at. Callbacks come on
 * the main thread, or inside a call of the application that changes the mouse mode.
 * docs/spec/server-api.md 12 */
#ifndef SPICE_INPUT_H_
#define SPICE_INPUT_H_

#if !defined(SPICE_H_INSIDE) && !defined(SPICE_SERVER_INTERNAL)
#error "Only spice.h can be included directly."
#endif

#include "spice-core.h"

SPICE_BEGIN_DECLS

/* ---- Keyboard: one, can't be removed ---- */

#define SPICE_INTERFACE_KEYBOARD "keyboard"
#define SPICE_INTERFACE_KEYBOARD_MAJOR 1
#define SPICE_INTERFACE_KEYBOARD_MINOR 1
typedef struct SpiceKbdInterface SpiceKbdInterface;
typedef struct SpiceKbdInstance SpiceKbdInstance;
typedef struct SpiceKbdState SpiceKbdState;

struct SpiceKbdInterface {
    SpiceBaseInterface base;

    /* One byte of a PC keyboard's scan codes (set 1): 0xe0 announces an extended key, bit 7 says
     * released. */
    void (*push_scan_freg)(SpiceKbdInstance *sin, uint8_t frag);
    /* Lights that are on: SPICE_SCROLL_LOCK_MODIFIER and so on. */
    uint8_t (*get_leds)(SpiceKbdInstance *sin);
};

struct SpiceKbdInstance {
    SpiceBaseInstance base;
    SpiceKbdState *st;
};

/* The guest has set the lights. 0. */
int spice_server_kbd_leds(SpiceKbdInstance *sin, int leds);

/* ---- Mouse: one, can't be removed ---- */

#define SPICE_INTERFACE_MOUSE "mouse"
#define SPICE_INTERFACE_MOUSE_MAJOR 1
#define SPICE_INTERFACE_MOUSE_MINOR 1
typedef struct SpiceMouseInterface SpiceMouseInterface;
typedef struct SpiceMouseInstance SpiceMouseInstance;
typedef struct SpiceMouseState SpiceMouseState;

struct SpiceMouseInterface {
    SpiceBaseInterface base;

    /* Relative motion in pixels; dz: wheel steps, negative is up. buttons_state:
     * SPICE_MOUSE_BUTTON_MASK_* of the first three buttons. */
    void (*motion)(SpiceMouseInstance *sin, int dx, int dy, int dz, uint32_t buttons_state);
    void (*buttons)(SpiceMouseInstance *sin, uint32_t buttons_state);
};

struct SpiceMouseInstance {
    SpiceBaseInstance base;
    SpiceMouseState *st;
};

/* ---- Tablet: one; while there is one, clients place the pointer ---- */

#define SPICE_INTERFACE_TABLET "tablet"
#define SPICE_INTERFACE_TABLET_MAJOR 1
#define SPICE_INTERFACE_TABLET_MINOR 1
typedef struct SpiceTabletInterface SpiceTabletInterface;
typedef struct SpiceTabletInstance SpiceTabletInstance;
typedef struct SpiceTabletState SpiceTabletState;

struct SpiceTabletInterface {
    SpiceBaseInterface base;

    /* The range of positions: 0 to width - 1, 0 to height - 1; the primary surface's size. */
    void (*set_logical_size)(SpiceTabletInstance *tablet, int width, int height);
    void (*position)(SpiceTabletInstance *tablet, int x, int y, uint32_t buttons_state);
    void (*wheel)(SpiceTabletInstance *tablet, int wheel_moution, uint32_t buttons_state);
    void (*buttons)(SpiceTabletInstance *tablet, uint32_t buttons_state);
};

struct SpiceTabletInstance {
    SpiceBaseInstance base;
    SpiceTabletState *st;
};

SPICE_END_DECLS

#endif /* SPICE_INPUT_H_ */
