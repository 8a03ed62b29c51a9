/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the viewer remembers between runs: <config>/spice-viewer/settings, a key file. Passwords
 * never. */
#ifndef VIEWER_SETTINGS_H
#define VIEWER_SETTINGS_H

#include <glib.h>

gboolean settings_get_boolean(const char *key, gboolean fallback);
void settings_set_boolean(const char *key, gboolean value);

/* Which monitor of this desk shows which display of the guest, in full screen. Entry n: monitor
 * (0-based) of guest display n. NULL when nothing valid is configured. Looked up by the guest's
 * UUID, then under [fallback]; also in the settings of virt-viewer, whose format this is
 * (client-gtk.md 15.7). */
GArray *settings_get_monitor_mapping(const char *uuid, int n_monitors);

/* "1:2;2:3" (guest:client, from 1). NULL when displays are missing or named twice, or monitors
 * don't exist. */
GArray *monitor_mapping_parse(const char *const *entries, int n_monitors);

#endif
