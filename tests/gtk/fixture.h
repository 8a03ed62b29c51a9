/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A window with a display widget, connected to a host (host.h), and hands on a real keyboard and
 * mouse (XTest). */
#ifndef TESTS_GTK_FIXTURE_H
#define TESTS_GTK_FIXTURE_H

#include <gtk/gtk.h>
#include <spice-client-gtk.h>

#include "host.h"

typedef struct {
    Host *host;
    SpiceSession *session;
    SpiceDisplay *display;
    GtkWidget *window; /* undecorated, at a whole place on the screen */
    gint x, y;         /* of the widget's upper left corner, root window, device pixels */
    GString *log;      /* of signals, see fixture_watch() */
} Fixture;

/* Make everything and wait until the guest's picture is shown. The pointer is outside the window.
 */
void fixture_start(Fixture *f, guint guest_width, guint guest_height, gint width, gint height,
                   gboolean over_tcp);
void fixture_stop(Fixture *f);
/* The widget's size and place have settled. */
void fixture_resize(Fixture *f, gint width, gint height);
/* Write down "mouse-grab 1 ", "keyboard-grab 0 ", "grab-keys-pressed ", "pointer-grabbed 1 ". */
void fixture_watch(Fixture *f);
/* Give the window the keyboard focus and wait for it. */
void fixture_focus(Fixture *f);

/* Real input. Positions are device pixels, relative to the widget. */
void move_to(Fixture *f, gint x, gint y);
void move_by(Fixture *f, gint dx, gint dy);
void button(Fixture *f, guint number, gboolean press);
void key(Fixture *f, guint keycode, gboolean press);
/* Let the X server and the main loop do all that is pending. */
void settle(void);

/* The keycode of a keysym on this X server. */
guint keycode_of(const char *keysym);

/* Wait until exactly this has arrived at the host; tells what did when it never comes. */
#define expect_keys(f, text) expect_text(f, host_peek_keys, host_take_keys, text, G_STRLOC)
#define expect_pointer(f, text) expect_text(f, host_peek_pointer, host_take_pointer, text, G_STRLOC)
void expect_text(Fixture *f, const gchar *(*peek)(Host *), gchar *(*take)(Host *), const char *text,
                 const char *where);
/* Nothing arrives, also after everything that was sent before has. */
void expect_no_input(Fixture *f);

#endif
