/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Relative pointer motion with the pointer locked in place, on Wayland
 * (docs/spec/client-gtk.md 7.4). */
#ifndef SPICE_GTK_POINTER_WAYLAND_H
#define SPICE_GTK_POINTER_WAYLAND_H

#include <gtk/gtk.h>

typedef struct WaylandPointer WaylandPointer;

/* The mouse moved by this much: unaccelerated, with fractions. */
typedef void (*WaylandMotion)(gpointer data, gdouble dx, gdouble dy);

gboolean wayland_is_display(GdkDisplay *display);

/* Lock the pointer on the toplevel of a realized widget and report its motion until freed. NULL: no
 * Wayland, or the compositor has no relative pointers; absolute motion then goes on. */
WaylandPointer *wayland_pointer_new(GtkWidget *widget, WaylandMotion motion, gpointer data);
void wayland_pointer_free(WaylandPointer *pointer);

#endif
