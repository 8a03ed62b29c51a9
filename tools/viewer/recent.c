/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Recent connections in GtkRecentManager. */
#include "config.h"
#include "recent.h"

#include <string.h>

#define SHOWN 12

static const char *const mime_types[] = {"application/x-spice", "application/x-virt-viewer"};

void recent_connection_free(RecentConnection *connection)
{
    g_free(connection->uri);
    g_free(connection->name);
    g_free(connection);
}

static gint newest_first(gconstpointer a, gconstpointer b)
{
    time_t x = gtk_recent_info_get_modified(*(GtkRecentInfo **)a);
    time_t y = gtk_recent_info_get_modified(*(GtkRecentInfo **)b);
    return (y > x) - (y < x);
}

GPtrArray *recent_connections(void)
{
    GPtrArray *result = g_ptr_array_new_with_free_func((GDestroyNotify)recent_connection_free);
    g_autoptr(GPtrArray) found = g_ptr_array_new();
    GList *items = gtk_recent_manager_get_items(gtk_recent_manager_get_default());
    for (GList *l = items; l; l = l->next) {
        const char *mime = gtk_recent_info_get_mime_type(l->data);
        for (guint i = 0; i < G_N_ELEMENTS(mime_types); i++)
            if (g_strcmp0(mime, mime_types[i]) == 0)
                g_ptr_array_add(found, l->data);
    }
    g_ptr_array_sort(found, newest_first);
    for (guint i = 0; i < found->len && i < SHOWN; i++) {
        RecentConnection *connection = g_new0(RecentConnection, 1);
        connection->uri = g_strdup(gtk_recent_info_get_uri(found->pdata[i]));
        connection->name = g_strdup(gtk_recent_info_get_display_name(found->pdata[i]));
        g_ptr_array_add(result, connection);
    }
    g_list_free_full(items, (GDestroyNotify)gtk_recent_info_unref);
    return result;
}

void recent_connections_add(const char *uri, const char *name)
{
    /* Such a URI would keep a password on the disk; the session's own composed URI has none. */
    if (!uri || strstr(uri, "password="))
        return;
    GtkRecentData data = {
        .display_name = (char *)(name && *name ? name : uri),
        .mime_type = (char *)(g_str_has_prefix(uri, "file:") ? mime_types[1] : mime_types[0]),
        .app_name = (char *)"spice-viewer",
        .app_exec = (char *)"spice-viewer %u",
    };
    gtk_recent_manager_add_full(gtk_recent_manager_get_default(), uri, &data);
}

void recent_connections_remove(const char *uri)
{
    gtk_recent_manager_remove_item(gtk_recent_manager_get_default(), uri, NULL);
}
