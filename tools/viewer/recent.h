/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Recent connections, shared with other viewers through the desktop's list of recent documents. */
#ifndef VIEWER_RECENT_H
#define VIEWER_RECENT_H

#include <gtk/gtk.h>

typedef struct RecentConnection {
    char *uri;
    char *name; /* what people call it; the URI when there is nothing better */
} RecentConnection;

void recent_connection_free(RecentConnection *connection);

/* Newest first, at most 12. */
GPtrArray *recent_connections(void);

/* Remember a connection that succeeded. A password in the URI is left out. name may be NULL. */
void recent_connections_add(const char *uri, const char *name);
void recent_connections_remove(const char *uri);

#endif
