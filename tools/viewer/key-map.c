/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table behind --keymap. */
#include "config.h"
#include "key-map.h"

#include <gdk/gdk.h>

struct KeyMap {
    GHashTable *table; /* keyval -> GArray of guint */
};

static guint keysym(const char *name)
{
    guint keyval = *name ? gdk_keyval_from_name(name) : GDK_KEY_VoidSymbol;
    if (keyval == GDK_KEY_VoidSymbol)
        g_warning("Unknown key in keymap: %s", name);
    return keyval == GDK_KEY_VoidSymbol ? 0 : keyval;
}

static void add_entry(KeyMap *map, const char *entry)
{
    g_auto(GStrv) sides = g_strsplit(entry, "=", 2);
    if (!sides[0] || !sides[1]) {
        g_warning("Missing '=' in keymap: %s", entry);
        return;
    }
    guint from = keysym(sides[0]);
    g_autoptr(GArray) to = g_array_new(FALSE, FALSE, sizeof(guint));
    g_auto(GStrv) names = g_strsplit(sides[1], "+", -1);
    for (char **name = names; *name; name++) {
        guint keyval = **name || names[1] ? keysym(*name) : 0;
        if (!keyval && *sides[1])
            return;
        if (keyval)
            g_array_append_val(to, keyval);
    }
    if (from)
        g_hash_table_replace(map->table, GUINT_TO_POINTER(from), g_steal_pointer(&to));
}

KeyMap *key_map_parse(const char *text)
{
    KeyMap *map = g_new0(KeyMap, 1);
    map->table = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_array_unref);
    g_auto(GStrv) entries = g_strsplit(text, ",", -1);
    for (char **entry = entries; *entry; entry++)
        if (*g_strstrip(*entry))
            add_entry(map, *entry);
    return map;
}

void key_map_free(KeyMap *map)
{
    if (!map)
        return;
    g_hash_table_unref(map->table);
    g_free(map);
}

const GArray *key_map_lookup(const KeyMap *map, guint keyval)
{
    return map ? g_hash_table_lookup(map->table, GUINT_TO_POINTER(keyval)) : NULL;
}
