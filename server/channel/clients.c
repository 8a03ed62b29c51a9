/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The clients of a server: which links are taken, which connections belong together, and the end of
 * a client with all its channels. Main thread. docs/spec/server-api.md 8.2, 8.6, 8.7 */
#include "channel/clients.h"
#include "channel/client-private.h"
#include "display/caches.h"

#include <sys/random.h>

/* So long may a client take to follow its machine, when that runs. */
enum { PATIENCE_MS = 30 * 1000 };

struct Clients {
    GList *all; /* Client, a reference each, those being closed too; the first one first */
    const ClientsWatcher *watcher;
};

Clients *clients_new(struct RedsState *server)
{
    (void)server;
    return g_new0(Clients, 1);
}

void clients_free(Clients *clients)
{
    if (!clients)
        return;
    for (GList *l = clients->all; l; l = clients->all) {
        Client *client = client_ref(l->data);

        clients_disconnect(client, NULL);
        /* What could not go by itself. */
        while (client->links)
            client_link_close(client->links->data, true);
        clients->all = g_list_remove(clients->all, client); /* usually gone already */
        client_unref(client);
    }
    g_free(clients);
}

void clients_set_watcher(struct RedsState *server, const ClientsWatcher *watcher)
{
    server->clients->watcher = watcher;
}

/* ---- Links ---- */

Channel *clients_find_channel(struct RedsState *server, uint8_t type, uint8_t id)
{
    for (GList *l = server->channels; l; l = l->next) {
        Channel *channel = l->data;

        if (channel->class->type == type && channel->id == id)
            return channel;
    }
    return NULL;
}

static Client *find_client(struct RedsState *server, uint32_t connection_id)
{
    for (GList *l = server->clients->all; l; l = l->next) {
        Client *client = l->data;

        if (client->connection_id == connection_id && !client->closing && client->main)
            return client;
    }
    return NULL;
}

bool client_may_have(const Client *client, const Channel *channel)
{
    uint8_t type = channel->class->type;

    return client->first || type == SPICE_CHANNEL_DISPLAY || type == SPICE_CHANNEL_CURSOR ||
           type == SPICE_CHANNEL_INPUTS;
}

static ClientLink *find_link(const Client *client, const Channel *channel)
{
    for (GList *l = client->links; l; l = l->next) {
        ClientLink *link = l->data;

        if (link->channel == channel)
            return link;
    }
    return NULL;
}

SpiceLinkErr clients_check(struct RedsState *server, const WireLinkMess *mess)
{
    Channel *channel = clients_find_channel(server, mess->channel_type, mess->channel_id);

    if (mess->channel_type == SPICE_CHANNEL_MAIN) {
        /* A session that goes on here comes with its machine, which hasn't run here then. (The
         * deployed library takes any id at any time.) */
        if (mess->connection_id &&
            (server->vm_started ||
             (server->options.allow_multiple_clients && find_client(server, mess->connection_id))))
            return SPICE_LINK_ERR_BAD_CONNECTION_ID;
        return channel ? SPICE_LINK_ERR_OK : SPICE_LINK_ERR_CHANNEL_NOT_AVAILABLE;
    }
    Client *client = find_client(server, mess->connection_id);
    if (!client)
        return SPICE_LINK_ERR_BAD_CONNECTION_ID;
    return channel && client_may_have(client, channel) ? SPICE_LINK_ERR_OK
                                                       : SPICE_LINK_ERR_CHANNEL_NOT_AVAILABLE;
}

uint32_t clients_new_connection_id(struct RedsState *server, const WireLinkMess *mess)
{
    uint32_t id = mess->connection_id;

    if (!server->options.allow_multiple_clients)
        clients_disconnect_all(server, "a new client has come");
    while (!id || find_client(server, id))
        if (getrandom(&id, sizeof id, 0) != sizeof id)
            id = g_random_int();
    return id;
}

/* ---- Clients that follow their machine ---- */

static void end_patience(Client *client)
{
    loop_timer_free(client->patience);
    client->patience = NULL;
}

static void on_patience(void *data)
{
    clients_disconnect(data, "it hasn't followed its machine in time");
}

static void begin_patience(Client *client)
{
    client->patience = loop_timer_new(client->server->loop, on_patience, client);
    if (client->patience)
        loop_timer_start(client->patience, PATIENCE_MS);
    else
        clients_disconnect(client, "the loop takes no more timers");
}

void clients_machine_runs(struct RedsState *server)
{
    GList *all = g_list_copy(server->clients->all);

    for (GList *l = all; l; l = l->next)
        client_ref(l->data);
    for (GList *l = all; l; l = l->next) {
        Client *client = l->data;

        if (client->parked && !client->closing && !client->patience)
            begin_patience(client);
        client_unref(client);
    }
    g_list_free(all);
}

static void tell_linked(Client *client, Channel *channel, bool encrypted)
{
    const ClientsWatcher *watcher = client->server->clients->watcher;

    if (watcher && watcher->channel_linked)
        watcher->channel_linked(client->server, client, channel, encrypted);
}

void client_unpark(Client *client)
{
    client->parked = false;
    end_patience(client);
    client_link_unpark(client->main);
    for (GList *l = client->links; l && !client->closing; l = l->next) {
        ClientLink *link = l->data;

        if (!link->parked)
            continue;
        tell_linked(client, link->channel, stream_is_encrypted(link->stream));
        client_link_unpark(link);
    }
}

/* ---- From a link to a connection ---- */

static Client *client_new(struct RedsState *server, uint32_t connection_id)
{
    Client *client = g_new0(Client, 1);

    client->refs = 1;
    client->server = server;
    client->connection_id = connection_id;
    client->first = !clients_count(server);
    client->shared = display_shared_new();
    server->clients->all = g_list_append(server->clients->all, client);
    return client;
}

void clients_attach(struct RedsState *server, const WireLinkMess *mess, uint32_t connection_id,
                    Stream *stream)
{
    Channel *channel = clients_find_channel(server, mess->channel_type, mess->channel_id);
    bool is_main = mess->channel_type == SPICE_CHANNEL_MAIN;
    Client *client = is_main ? NULL : find_client(server, connection_id);

    if (!channel || (!is_main && (!client || !client_may_have(client, channel)))) {
        stream_close(stream); /* it went away since the check */
        return;
    }
    if (client && find_link(client, channel)) {
        log_warning("%s: channel %s:%u is open already", stream_peer_name(stream),
                    wire_channel_name(channel->class->type), channel->id);
        stream_close(stream);
        return;
    }
    if (is_main) {
        client = client_new(server, connection_id);
        client->follows = client->parked = mess->connection_id != 0;
    }
    client_ref(client);
    bool encrypted = stream_is_encrypted(stream);
    ClientLink *link =
        channel_attach(channel, client, stream, &mess->common_caps, &mess->channel_caps);
    /* The connection may have ended already, and the link with it: it is only looked for. */
    if (!client->parked && g_list_find(client->links, link))
        tell_linked(client, channel, encrypted);
    /* The machine was started since our result was written. */
    if (client->parked && is_main && server->vm_started && !client->closing)
        begin_patience(client);
    client_unref(client);
}

void client_link_attached(ClientLink *link)
{
    Client *client = link->client;

    client->links = g_list_append(client->links, link);
    if (link->channel->class->type == SPICE_CHANNEL_MAIN)
        client->main = link;
}

void client_link_gone(ClientLink *link)
{
    Client *client = link->client;
    GList *here = g_list_find(client->links, link);

    if (!here)
        return;
    client_ref(client);
    client->links = g_list_delete_link(client->links, here);
    link->channel->links = g_list_remove(link->channel->links, link);
    /* Main is told to be gone after its others, as the deployed library does it. */
    if (client->main == link) {
        client->main = NULL;
        clients_disconnect(client, NULL);
    }
    stream_close(link->stream);
    link->stream = NULL;
    if (!client->links) {
        struct RedsState *server = client->server;
        GList *entry = g_list_find(server->clients->all, client);

        if (entry) {
            server->clients->all = g_list_delete_link(server->clients->all, entry);
            client_unref(client);
            server_client_gone(server);
        }
    }
    client_unref(client);
    client_link_unref(link);
}

void clients_channel_added(struct RedsState *server, Channel *channel)
{
    if (server->clients && server->clients->watcher && server->clients->watcher->channel_added)
        server->clients->watcher->channel_added(server, channel);
}

/* ---- The end of a client ---- */

void clients_disconnect(Client *client, const char *reason)
{
    if (client->closing)
        return;
    client->closing = true;
    end_patience(client);
    client_ref(client);
    if (reason)
        log_warning("client %08x is disconnected: %s", client->connection_id, reason);
    /* The main channel last: what hangs on it is there until then. */
    GList *links = g_list_reverse(g_list_copy(client->links));
    for (GList *l = links; l; l = l->next)
        client_link_ref(l->data);
    for (GList *l = links; l; l = l->next)
        client_link_close(l->data, false);
    for (GList *l = links; l; l = l->next)
        client_link_unref(l->data);
    g_list_free(links);
    client_unref(client);
}

void clients_disconnect_all(struct RedsState *server, const char *reason)
{
    GList *all = server->clients ? g_list_copy(server->clients->all) : NULL;

    for (GList *l = all; l; l = l->next)
        client_ref(l->data);
    for (GList *l = all; l; l = l->next) {
        clients_disconnect(l->data, reason);
        client_unref(l->data);
    }
    g_list_free(all);
}

unsigned clients_count(struct RedsState *server)
{
    unsigned n = 0;

    for (GList *l = server->clients ? server->clients->all : NULL; l; l = l->next)
        n += !((Client *)l->data)->closing;
    return n;
}

bool clients_has_main(struct RedsState *server)
{
    return clients_count(server) > 0;
}
