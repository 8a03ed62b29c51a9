/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which keys the guest believes to be down, and the one press that is held back for keypress-delay
 * (docs/spec/client-gtk.md 6.5, 6.6). Free of GTK: events come in by calls, scancodes go out to a
 * sink. */
#ifndef SPICE_GTK_KEY_STATE_H
#define SPICE_GTK_KEY_STATE_H

#include <glib.h>

/* Codes are set-1 scancodes, 0x100 | code with an E0 prefix, 0x200 | code with E1. */
#define KEY_STATE_CODES 0x400

/* The key that pauses: two codes go down and up together. */
#define KEY_CODE_PAUSE 0x21d
#define KEY_CODE_PAUSE_SECOND 0x045

typedef struct {
    void (*press)(void *ctx, guint code);
    void (*release)(void *ctx, guint code);
    void (*click)(void *ctx, guint code); /* press and release as one message, if the server can */
    void (*start_timer)(void *ctx, guint ms);
    void (*stop_timer)(void *ctx);
} KeySink;

/* Owned by one widget, used in the main thread. */
typedef struct {
    const KeySink *sink;
    void *ctx;
    guint pending; /* the code whose press is held back; 0: none */
    guint8 down[KEY_STATE_CODES / 8];
} KeyState;

void key_state_init(KeyState *state, const KeySink *sink, void *ctx);
gboolean key_state_is_down(const KeyState *state, guint code);
/* A key went down (again, when the window system repeats it). A first press waits up to delay ms;
 * 0: it does not. */
void key_state_press(KeyState *state, guint code, guint delay);
/* A key went up. Nothing happens when it isn't known to be down. */
void key_state_release(KeyState *state, guint code);
/* The timer ran out, or something follows that must not overtake the key. */
void key_state_flush(KeyState *state);
/* Release every key that is down, in ascending order. */
void key_state_release_all(KeyState *state);
/* Forget everything without a message: the guest is another one now. */
void key_state_reset(KeyState *state);

#endif
