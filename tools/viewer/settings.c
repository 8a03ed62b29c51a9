/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads and writes the viewer's settings file. */
#include "config.h"
#include "settings.h"

#include "shared/number.h"

#define GROUP "viewer"
#define DISPLAY_LIMIT 64

static GKeyFile *load(const char *program, char **path)
{
    GKeyFile *keys = g_key_file_new();
    g_autofree char *name = g_build_filename(g_get_user_config_dir(), program, "settings", NULL);
    g_key_file_load_from_file(keys, name, G_KEY_FILE_KEEP_COMMENTS, NULL);
    if (path)
        *path = g_steal_pointer(&name);
    return keys;
}

gboolean settings_get_boolean(const char *key, gboolean fallback)
{
    g_autoptr(GKeyFile) keys = load("spice-viewer", NULL);
    g_autoptr(GError) error = NULL;
    gboolean value = g_key_file_get_boolean(keys, GROUP, key, &error);
    return error ? fallback : value;
}

void settings_set_boolean(const char *key, gboolean value)
{
    g_autofree char *path = NULL;
    g_autoptr(GKeyFile) keys = load("spice-viewer", &path);
    g_autofree char *folder = g_path_get_dirname(path);
    g_autoptr(GError) error = NULL;
    g_key_file_set_boolean(keys, GROUP, key, value);
    g_mkdir_with_parents(folder, 0700);
    if (!g_key_file_save_to_file(keys, path, &error))
        g_message("Settings can't be saved: %s", error->message);
}

GArray *monitor_mapping_parse(const char *const *entries, int n_monitors)
{
    g_autoptr(GArray) mapping = g_array_new(FALSE, FALSE, sizeof(int));
    const int none = -1;
    for (const char *const *entry = entries; *entry; entry++) {
        g_auto(GStrv) pair = g_strsplit(*entry, ":", 2);
        gint64 guest, client;
        if (!pair[0] || !pair[1] || !number_parse(pair[0], 1, DISPLAY_LIMIT, &guest) ||
            !number_parse(pair[1], 1, n_monitors, &client)) {
            g_warning("Invalid monitor mapping: %s", *entry);
            return NULL;
        }
        while (mapping->len < guest)
            g_array_append_val(mapping, none);
        int *slot = &g_array_index(mapping, int, guest - 1);
        for (guint i = 0; i < mapping->len; i++)
            if (*slot != none || g_array_index(mapping, int, i) == client - 1) {
                g_warning("Invalid monitor mapping: %s is there twice", *entry);
                return NULL;
            }
        *slot = (int)client - 1;
    }
    for (guint i = 0; i < mapping->len; i++)
        if (g_array_index(mapping, int, i) == none) {
            g_warning("Invalid monitor mapping: display %u is missing", i + 1);
            return NULL;
        }
    return mapping->len ? g_steal_pointer(&mapping) : NULL;
}

GArray *settings_get_monitor_mapping(const char *uuid, int n_monitors)
{
    static const char *const programs[] = {"spice-viewer", "virt-viewer"};
    const char *const groups[] = {uuid, "fallback"};
    for (guint p = 0; p < G_N_ELEMENTS(programs); p++) {
        g_autoptr(GKeyFile) keys = load(programs[p], NULL);
        for (guint g = 0; g < G_N_ELEMENTS(groups); g++) {
            g_auto(GStrv) list =
                groups[g]
                    ? g_key_file_get_string_list(keys, groups[g], "monitor-mapping", NULL, NULL)
                    : NULL;
            if (list)
                return monitor_mapping_parse((const char *const *)list, n_monitors);
        }
    }
    return NULL;
}
