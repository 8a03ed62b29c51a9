/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The viewer as a whole: its options, its connection and its windows. */
#ifndef VIEWER_APP_H
#define VIEWER_APP_H

#include <gtk/gtk.h>
#include "connection.h"
#include "hotkeys.h"
#include "key-map.h"

typedef struct ViewerOptions {
    char *title, *hotkeys, *keymap;
    gboolean fullscreen, kiosk, kiosk_quit, local_cursor, auto_resize;
    int zoom; /* percent */
} ViewerOptions;

typedef struct ViewerApp ViewerApp;

/* options stay the caller's and must outlive the app. */
ViewerApp *viewer_app_new(const ViewerOptions *options);
/* target: URI, .vv file, "-" or NULL. Returns the exit status. */
int viewer_app_run(ViewerApp *app, const char *target);
void viewer_app_free(ViewerApp *app);

/* For the windows. */
GtkApplication *viewer_app_gtk(ViewerApp *app);
const ViewerOptions *viewer_app_options(ViewerApp *app);
const Hotkeys *viewer_app_hotkeys(ViewerApp *app);
const KeyMap *viewer_app_key_map(ViewerApp *app);
ViewerConnection *viewer_app_connection(ViewerApp *app); /* NULL while there is none */
/* The guest's title for a display's window (number from 1). */
char *viewer_app_title(ViewerApp *app, int number);
char *viewer_app_address(ViewerApp *app);
gboolean viewer_app_has_pictures(ViewerApp *app);
void viewer_app_connect(ViewerApp *app, const char *address);
void viewer_app_reconnect(ViewerApp *app);
/* End the connection and show the connect page. */
void viewer_app_disconnect(ViewerApp *app);
void viewer_app_quit(ViewerApp *app);
void viewer_app_set_fullscreen(ViewerApp *app, gboolean fullscreen);
/* One of several windows was closed: its display goes off. The last one ends the program. */
void viewer_app_window_closed(ViewerApp *app, ViewerDisplay *display);
/* The user has given windows other sizes: ask the guest for desktops that fit. */
void viewer_app_sizes_changed(ViewerApp *app);
gboolean viewer_app_get_auto_resize(ViewerApp *app);
void viewer_app_set_auto_resize(ViewerApp *app, gboolean on);

#endif
