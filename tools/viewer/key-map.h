/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* --keymap: keys that reach the guest as others, or not at all. */
#ifndef VIEWER_KEY_MAP_H
#define VIEWER_KEY_MAP_H

#include <glib.h>

typedef struct KeyMap KeyMap;

/* "src=dst+dst,src=": GDK keysym names, in their case; an empty right side blocks the key. What
 * isn't understood is warned about and left out. */
KeyMap *key_map_parse(const char *text);
void key_map_free(KeyMap *map);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KeyMap, key_map_free)

/* The keys that stand for keyval: an array of guint, empty when it is blocked; NULL when it isn't
 * mapped. Borrowed. */
const GArray *key_map_lookup(const KeyMap *map, guint keyval);

#endif
