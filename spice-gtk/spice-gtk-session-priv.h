/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the display widgets of one session share: focus, pointer, grabs and lock keys. Main thread
 * only. */
#ifndef SPICE_GTK_SESSION_PRIV_H
#define SPICE_GTK_SESSION_PRIV_H

#include <gtk/gtk.h>

#include "spice-gtk-session.h"

/* Displays tell when they come and go; the list is borrowed. */
void spice_gtk_session_add_display(SpiceGtkSession *self, GtkWidget *display);
void spice_gtk_session_remove_display(SpiceGtkSession *self, GtkWidget *display);
GList *spice_gtk_session_get_displays(SpiceGtkSession *self);

/* A display gained or lost the keyboard focus, or the pointer. Calls come in pairs. */
void spice_gtk_session_keyboard_focus(SpiceGtkSession *self, gboolean gained);
void spice_gtk_session_pointer_inside(SpiceGtkSession *self, gboolean entered);
gboolean spice_gtk_session_has_keyboard_focus(SpiceGtkSession *self);
gboolean spice_gtk_session_has_pointer(SpiceGtkSession *self);

void spice_gtk_session_set_pointer_grabbed(SpiceGtkSession *self, gboolean grabbed);
gboolean spice_gtk_session_get_pointer_grabbed(SpiceGtkSession *self);

/* Make the guest's lock keys like ours, even if it is believed to have them so. */
void spice_gtk_session_sync_locks(SpiceGtkSession *self);

#endif
