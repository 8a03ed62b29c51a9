/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a client is; for channel/ and the main channel. Main thread, except what says otherwise. */
#ifndef SERVER_CHANNEL_CLIENT_PRIVATE_H
#define SERVER_CHANNEL_CLIENT_PRIVATE_H

#include <glib.h>

#include "channel/engine.h"
#include "server.h"

struct Client {
    gint refs; /* any thread */
    struct RedsState *server;
    uint32_t connection_id;
    GList *links;     /* ClientLink, a reference each */
    ClientLink *main; /* one of them; NULL: it has gone */
    bool closing;
    bool first;   /* not beside others (server-api.md 8.7) */
    bool follows; /* the machine, which moves here: it came with the other host's connection id */
    bool parked;  /* it follows, and its channels don't begin before it tells that it has moved */
    LoopTimer *patience; /* with clients whose machine runs here, and that are still parked */
    gint low_bandwidth;
    DisplayShared *shared;
};

/* The result of the network test; 0: none. Only whether it is little is kept. */
void client_set_bandwidth(Client *client, uint64_t bits_per_second);
/* It has moved: all channels begin, its main channel first. */
void client_unpark(Client *client);
/* May it have that channel? Clients beside others have displays, cursors and inputs only. */
bool client_may_have(const Client *client, const Channel *channel);

/* Who wants to know (the main channel). */
typedef struct ClientsWatcher {
    void (*channel_added)(struct RedsState *server, Channel *channel);
    void (*channel_linked)(struct RedsState *server, Client *client, Channel *channel,
                           bool encrypted);
} ClientsWatcher;
void clients_set_watcher(struct RedsState *server, const ClientsWatcher *watcher);

#endif
