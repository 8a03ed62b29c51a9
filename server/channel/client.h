/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A whole client: what several channel connections with one connection id have in common. Lives on
 * the main thread; its reference count, its caches and its measured properties may be used from any
 * thread. */
#ifndef SERVER_CHANNEL_CLIENT_H
#define SERVER_CHANNEL_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

typedef struct Client Client;
typedef struct DisplayShared
    DisplayShared; /* display/caches.h: pixmap caches and GLZ dictionaries of one client */

Client *client_ref(Client *client);
void client_unref(Client *client);

uint32_t client_connection_id(const Client *client);

/* From the main channel's network test; before it has ended: false. Atomic. */
bool client_is_low_bandwidth(const Client *client);

/* The caches that this client's display channels share. Created with the client, freed with it; has
 * its own locks. */
DisplayShared *client_display_shared(Client *client);

#endif
