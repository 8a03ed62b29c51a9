/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From the numbers that window systems give to keys to PC scancodes
 * (docs/spec/client-gtk.md 6.2, 6.9). */
#ifndef SPICE_GTK_KEYCODES_H
#define SPICE_GTK_KEYCODES_H

#include <glib.h>

typedef enum {
    KEYCODES_NONE, /* unknown keyboard: no key has a code */
    KEYCODES_EVDEV,
    KEYCODES_XFREE86,
    KEYCODES_XQUARTZ,
    KEYCODES_XWIN,
    KEYCODES_KEYSYM, /* the window system only tells keysyms */
} KeycodeTable;

/* The scancode of a key event, 0 if the key has none: 0x01..0x7f, or 0x100 | code with an E0
 * prefix. */
guint keycodes_to_scancode(KeycodeTable table, guint hardware_keycode, guint keysym);

/* The scancode of a key that has a fixed place on every PC keyboard whatever the layout (function
 * keys, modifiers, cursor and keypad keys ...): what a menu means when it sends that key. 0: not
 * such a key. */
guint keycodes_fixed_scancode(guint keysym);

/* Which table an X server's keycodes need, from what it says of itself. */
KeycodeTable keycodes_choose_x11(const char *vendor, gboolean has_apple_extension,
                                 const char *keycodes_name, guint page_up_keycode);

#endif
