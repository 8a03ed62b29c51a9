/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What only an X server knows or does: which keycodes it uses, and pointer acceleration. Every
 * function is safe on other window systems. */
#ifndef SPICE_GTK_POINTER_X11_H
#define SPICE_GTK_POINTER_X11_H

#include <gdk/gdk.h>

#include "keycodes.h"

typedef struct X11Acceleration X11Acceleration;

/* The keycode table of a display's keyboard; FALSE: it is no X display. */
gboolean x11_get_keycode_table(GdkDisplay *display, KeycodeTable *table);

/* Turn the core pointer's acceleration to the server's default; NULL: it is no X display. */
X11Acceleration *x11_acceleration_disable(GdkDisplay *display);
/* Put it back as it was, and free. */
void x11_acceleration_restore(X11Acceleration *saved);

/* Ungrab one device without the other one of its seat, which GdkSeat can't. FALSE: it is no X
 * display. */
gboolean x11_ungrab_device(GdkDevice *device);

#endif
