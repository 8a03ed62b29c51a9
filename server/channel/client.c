/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a client's connections share, for any thread. */
#include "channel/client.h"
#include "channel/client-private.h"
#include "display/caches.h"

enum { LOW_BANDWIDTH = 10 * 1024 * 1024 }; /* bits per second */

Client *client_ref(Client *client)
{
    g_atomic_int_inc(&client->refs);
    return client;
}

void client_unref(Client *client)
{
    if (!client || !g_atomic_int_dec_and_test(&client->refs))
        return;
    display_shared_free(client->shared);
    g_free(client);
}

uint32_t client_connection_id(const Client *client)
{
    return client->connection_id;
}

bool client_is_low_bandwidth(const Client *client)
{
    return g_atomic_int_get(&client->low_bandwidth);
}

void client_set_bandwidth(Client *client, uint64_t bits_per_second)
{
    g_atomic_int_set(&client->low_bandwidth, bits_per_second && bits_per_second < LOW_BANDWIDTH);
}

DisplayShared *client_display_shared(Client *client)
{
    return client->shared;
}
