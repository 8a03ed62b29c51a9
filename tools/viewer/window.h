/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A window of the viewer: header bar, pages, and one display of the guest. */
#ifndef VIEWER_WINDOW_H
#define VIEWER_WINDOW_H

#include "app.h"

typedef struct ViewerWindow ViewerWindow;

ViewerWindow *viewer_window_new(ViewerApp *app, int number);
void viewer_window_free(ViewerWindow *window);
GtkWindow *viewer_window_gtk(ViewerWindow *window);

/* The display shown here, or NULL. */
ViewerDisplay *viewer_window_display(ViewerWindow *window);
/* Show a display (its size may have changed), or none. */
void viewer_window_set_display(ViewerWindow *window, ViewerDisplay *display);

void viewer_window_show_connect(ViewerWindow *window, const char *address, const char *error);
void viewer_window_show_status(ViewerWindow *window, const char *title, const char *detail);
void viewer_window_show_failure(ViewerWindow *window, const Failure *failure,
                                GdkPixbuf *last_frame);

void viewer_window_update_title(ViewerWindow *window);
/* monitor: of this desk, from 0; -1: the one where the window is. */
void viewer_window_set_fullscreen(ViewerWindow *window, gboolean fullscreen, int monitor);
/* The size that the guest's desktop should have to fill this window, in guest pixels; FALSE when
 * unknown. */
gboolean viewer_window_wanted_size(ViewerWindow *window, int *width, int *height);
/* The last picture, for what comes after the connection; NULL when there is none. */
GdkPixbuf *viewer_window_picture(ViewerWindow *window);

#endif
