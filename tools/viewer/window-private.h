/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of the window share: its parts. */
#ifndef VIEWER_WINDOW_PRIVATE_H
#define VIEWER_WINDOW_PRIVATE_H

#include "frame.h"
#include "window.h"

struct ViewerWindow {
    ViewerApp *app;
    int number; /* of the display for people, from 1 */
    GtkWidget *window, *header, *title, *subtitle, *keys, *stack, *scroll, *frame;
    GtkWidget *connect_page, *status_page, *failure_page;
    GtkWidget *bar, *bar_title,
        *bar_edge; /* in full screen: the bar at the top edge and what calls it */
    GtkWidget *toast, *toast_label;
    ViewerDisplay *display;
    int zoom;                        /* percent */
    int guest_width, guest_height;   /* the size that the window was last fitted to */
    int fitted_width, fitted_height; /* what the frame got then; another size was the user's wish */
    gboolean scaling, fullscreen, keyboard_grabbed, mouse_grabbed, closing;
    guint bar_timer, toast_timer, resize_timer, fit_idle;
};

/* window-actions.c: the actions of menus, buttons and hotkeys. */
void viewer_window_add_actions(ViewerWindow *self);
void viewer_window_update_actions(ViewerWindow *self);
void viewer_window_run_hotkey(ViewerWindow *self, HotkeyAction action);
GMenuModel *viewer_window_menu(ViewerWindow *self);

/* window-zoom.c: sizes. */
void viewer_window_set_zoom(ViewerWindow *self, int percent);
void viewer_window_step_zoom(ViewerWindow *self, int steps);
void viewer_window_fit(ViewerWindow *self);
void viewer_window_set_scaling(ViewerWindow *self, gboolean scaling);
void viewer_window_frame_allocated(GtkWidget *frame, GdkRectangle *allocation, ViewerWindow *self);

/* window-fullscreen.c: the bar at the top edge. */
void viewer_window_add_bar(ViewerWindow *self, GtkOverlay *overlay);
void viewer_window_show_bar(ViewerWindow *self, guint milliseconds);

/* Tell something in passing. */
void viewer_window_toast(ViewerWindow *self, const char *text);

#endif
