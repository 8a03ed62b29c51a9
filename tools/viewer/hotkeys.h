/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Hotkeys: key combinations that the viewer keeps for itself. Follows docs/spec/client-gtk.md 15.4.
 */
#ifndef VIEWER_HOTKEYS_H
#define VIEWER_HOTKEYS_H

#include <gtk/gtk.h>

typedef enum HotkeyAction {
    HOTKEY_TOGGLE_FULLSCREEN,
    HOTKEY_RELEASE_CURSOR,
    HOTKEY_ZOOM_IN,
    HOTKEY_ZOOM_OUT,
    HOTKEY_ZOOM_RESET,
    HOTKEY_SECURE_ATTENTION,
    HOTKEY_USB_DEVICE_RESET,
    HOTKEY_SMARTCARD_INSERT,
    HOTKEY_SMARTCARD_REMOVE,
    HOTKEY_N_ACTIONS,
    HOTKEY_NONE = -1,
} HotkeyAction;

typedef struct Hotkey {
    guint keyval; /* lower case; 0: off */
    GdkModifierType modifiers;
} Hotkey;

typedef struct Hotkeys {
    Hotkey keys[HOTKEY_N_ACTIONS];
    gboolean given; /* by the user or a file: they act even while the guest holds the keyboard */
} Hotkeys;

void hotkeys_init_default(Hotkeys *hotkeys);

/* "name=key+key,name=..." turns all others off. What isn't understood is warned about and left out.
 */
void hotkeys_init_from_text(Hotkeys *hotkeys, const char *text);

/* "ctrl+alt+del" in the grammar of hotkeys. FALSE when it isn't understood. */
gboolean hotkey_parse(const char *text, Hotkey *hotkey);

/* Which action an event asks for, whatever the layout needs to produce the key (Ctrl+plus with or
 * without Shift). */
HotkeyAction hotkeys_match(const Hotkeys *hotkeys, const GdkEventKey *event);

const char *hotkey_action_name(HotkeyAction action);  /* "zoom-in" */
const char *hotkey_action_label(HotkeyAction action); /* "Zoom in" */

/* For people: "Shift+F12"; NULL when off. */
char *hotkey_label(const Hotkey *hotkey);

#endif
