/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a client has of the display, and who asks about clients, for tests without them. */
#include "display/caches.h"
#include "server.h"

#include <stdlib.h>

DisplayShared *display_shared_new(void)
{
    return malloc(1);
}

void display_shared_free(DisplayShared *shared)
{
    free(shared);
}

unsigned fake_clients_gone;

void server_client_gone(struct RedsState *server)
{
    (void)server;
    fake_clients_gone++;
}
