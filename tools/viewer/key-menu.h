/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The menu of key combinations that the local desktop would keep for itself. Follows
 * client-gtk.md 15.4. */
#ifndef VIEWER_KEY_MENU_H
#define VIEWER_KEY_MENU_H

#include <gtk/gtk.h>
#include "hotkeys.h"

/* Its items activate win.send-key with the combination as text. */
GMenuModel *key_menu_new(const Hotkeys *hotkeys);

/* The keyvals of such a text ("Control_L+Alt_L+Delete"), to be pressed in this order. */
GArray *key_menu_parse(const char *text);

#endif
