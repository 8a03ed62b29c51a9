/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Saving what a display shows. */
#ifndef VIEWER_SCREENSHOT_H
#define VIEWER_SCREENSHOT_H

#include <gtk/gtk.h>

/* Ask for a place and save the picture there. Takes the caller's reference to picture. done (may be
 * NULL) gets the path, or an error's text. */
void screenshot_save(GtkWindow *parent, GdkPixbuf *picture, const char *title,
                     void (*done)(const char *path, const char *error, gpointer data),
                     gpointer data);

#endif
