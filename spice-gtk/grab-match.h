/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Recognises a grab sequence in a stream of keys (docs/spec/client-gtk.md 6.7). Free of GTK: one
 * front end's key events, or a test, drive it. */
#ifndef SPICE_GTK_GRAB_MATCH_H
#define SPICE_GTK_GRAB_MATCH_H

#include <glib.h>

typedef enum {
    GRAB_MATCH_NONE,
    GRAB_MATCH_PRESSED,  /* all keys of the sequence are down */
    GRAB_MATCH_COMPLETED /* all of them were released again, and nothing happened in between */
} GrabMatchResult;

/* Owned by one widget, used in the main thread; a zeroed structure has no keys and never matches.
 */
typedef struct {
    guint n_keysyms;
    guint *keysyms;
    gboolean *seen; /* per key: pressed, or released in the second phase */
    gboolean releasing;
} GrabMatch;

/* Watch for these keys from now on; the array is copied. */
void grab_match_set(GrabMatch *match, const guint *keysyms, guint n_keysyms);
void grab_match_clear(GrabMatch *match);
GrabMatchResult grab_match_key(GrabMatch *match, guint keysym, gboolean press);
/* Anything but a key happened (the pointer moved): the second phase is off. */
void grab_match_cancel(GrabMatch *match);

#endif
