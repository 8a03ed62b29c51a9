/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Text and names of keys as scan codes of a US keyboard (XT set 1, 0x100 + c for the codes with
 * prefix e0). */
#ifndef TOOLS_KEYS_H
#define TOOLS_KEYS_H

#include <glib.h>

#define KEY_LEFT_SHIFT 0x2a

/* The key that types a character, and whether Shift is held for it. FALSE: a US keyboard has no
 * such key. */
gboolean key_for_character(gunichar character, guint *scancode, gboolean *shift);

/* The scan code of a key by name: X keysym names ("Page_Up", "F1", "a") and everyday ones ("ctrl",
 * "del", "enter"), in any case; single letters and signs; 0 for an unknown name. Code 0x21d is
 * Pause. */
guint key_by_name(const char *name);

/* A chord such as "ctrl+alt+del" as scan codes in the order of pressing. NULL and *bad (to free)
 * for an unknown key. */
GArray *key_parse_chord(const char *text, char **bad);

#endif
