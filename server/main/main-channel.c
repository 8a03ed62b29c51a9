/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The main channel of each client: how a session begins, what channels there are, the mouse mode,
 * the media clock, and whether the client is still there. docs/spec/server-api.md 10 */
#include "main/main-channel.h"
#include "main/main-private.h"

#include <string.h>

#include "channel/clients.h"
#include "main/agent-private.h"
#include "main/inputs.h"
#include "worker/worker.h"

enum {
    MONITOR_MS = 30 * 1000,
    LATENCY_MS = 400,      /* by which the media clock is behind */
    MIGRATION_VERSION = 1, /* of the seamless scheme */
};

/* ---- Beginning ---- */

static void send_init(MainChannel *channel, MainClient *client)
{
    struct RedsState *server = channel->server;
    Worker *newest = server->workers ? server->workers->data : NULL;
    WireMsgMainInit init = {
        .session_id = client_connection_id(client->base.client),
        .display_channels_hint = g_list_length(server->workers),
        .supported_mouse_modes = channel->mouse_modes,
        .current_mouse_mode = channel->mouse_mode,
        .agent_connected = agent_client_connected(server->agent, &client->base),
        .agent_tokens = AGENT_CLIENT_TOKENS,
        .multi_media_time = loop_now_ms() - LATENCY_MS,
        .ram_hint = newest ? worker_ram_size(newest) : 0,
    };

    channel_client_send(&client->base, SPICE_MSG_MAIN_INIT, &init);
}

static void send_identity(MainChannel *channel, MainClient *client)
{
    const Options *options = &channel->server->options;

    if (!wire_caps_has(&client->base.channel_caps, SPICE_MAIN_CAP_NAME_AND_UUID))
        return;
    if (options->name) {
        WireMsgMainName name = {
            .name = {(const uint8_t *)options->name, strlen(options->name) + 1}};

        channel_client_send(&client->base, SPICE_MSG_MAIN_NAME, &name);
    }
    if (options->has_uuid) {
        WireMsgMainUuid uuid;

        memcpy(uuid.uuid, options->uuid, sizeof uuid.uuid);
        channel_client_send(&client->base, SPICE_MSG_MAIN_UUID, &uuid);
    }
}

/* ---- Is it still there? ---- */

static void on_monitor(void *data)
{
    MainClient *client = data;
    const ChannelActivity *last = &client->activity;
    ChannelActivity now;

    if (channel_client_is_closing(&client->base))
        return;
    channel_client_activity(&client->base, &now);
    if ((last->blocked && now.blocked && now.bytes_in == last->bytes_in &&
         now.bytes_out == last->bytes_out) ||
        (last->pong_due && now.pong_due && now.pongs == last->pongs)) {
        channel_client_close(&client->base, "unresponsive for more than %d ms", MONITOR_MS);
        return;
    }
    client->activity = now;
    loop_timer_start(client->monitor, MONITOR_MS);
}

static void start_monitor(MainClient *client)
{
    client->monitor = loop_timer_new(client->base.channel->loop, on_monitor, client);
    if (client->monitor)
        loop_timer_start(client->monitor, MONITOR_MS);
}

static void on_net_test(ChannelClient *cc, uint64_t latency_us, uint64_t bits_per_second)
{
    MainClient *client = (MainClient *)cc;

    client_set_bandwidth(cc->client, bits_per_second);
    log_debug("%s: latency %.3f ms, %.3f Mbit/s%s", stream_peer_name(cc->stream),
              (double)latency_us / 1e3, (double)bits_per_second / 1e6,
              client_is_low_bandwidth(cc->client) ? ": low bandwidth" : "");
    start_monitor(client);
}

static void connected(ChannelClient *cc)
{
    MainChannel *channel = cc->channel->owner;

    send_init(channel, (MainClient *)cc);
    if (cc->client->follows) {
        /* It knows the rest from the other host (19.4). */
        ((MainClient *)cc)->has_list = true;
        start_monitor((MainClient *)cc);
        return;
    }
    send_identity(channel, (MainClient *)cc);
    channel_client_net_test(cc, on_net_test);
}

static void disconnected(ChannelClient *cc)
{
    MainChannel *channel = cc->channel->owner;

    loop_timer_free(((MainClient *)cc)->monitor);
    if (channel->server->agent) /* gone before us when the server ends */
        agent_client_disconnected(channel->server->agent, cc);
}

/* ---- Channels ---- */

static void send_list(MainClient *client, GList *channels, bool only_first)
{
    unsigned n = 0;
    WireChannelId *ids = g_new(WireChannelId, g_list_length(channels) + 1);

    for (GList *l = channels; l; l = only_first ? NULL : l->next) {
        const Channel *channel = l->data;

        if (channel->class->type == SPICE_CHANNEL_MAIN ||
            !client_may_have(client->base.client, channel))
            continue;
        ids[n].type = channel->class->type;
        ids[n++].id = channel->id;
    }
    if (n || !only_first) {
        WireMsgMainChannelsList list = {.n_channels = n, .channels = ids};

        channel_client_send(&client->base, SPICE_MSG_MAIN_CHANNELS_LIST, &list);
    }
    g_free(ids);
}

static void on_channel_added(struct RedsState *server, Channel *added)
{
    /* It is the first one of the server's list now. */
    for (GList *l = server->main ? server->main->channel->clients : NULL; l; l = l->next) {
        MainClient *client = l->data;

        if (client->has_list && server->channels->data == added)
            send_list(client, server->channels, true);
    }
}

static void on_channel_linked(struct RedsState *server, Client *client, Channel *linked,
                              bool encrypted)
{
    static const char text[] = "keyboard channel is insecure";

    if (linked->class->type != SPICE_CHANNEL_INPUTS || encrypted)
        return;
    for (GList *l = server->main ? server->main->channel->clients : NULL; l; l = l->next) {
        ChannelClient *cc = l->data;
        WireMsgNotify notify = {
            .time_stamp = loop_now_ns(),
            .severity = SPICE_NOTIFY_SEVERITY_WARN,
            .visibility = SPICE_NOTIFY_VISIBILITY_HIGH,
            .what = SPICE_WARN_GENERAL,
            .message = {(const uint8_t *)text, sizeof text - 1},
        };

        if (cc->client == client)
            channel_client_send(cc, SPICE_MSG_NOTIFY, &notify);
    }
}

/* ---- Messages ---- */

static bool seamless_request(ChannelClient *cc, const WireMsgcMainMigrateDstDoSeamless *request)
{
    if (request->src_version > MIGRATION_VERSION)
        return channel_client_send(cc, SPICE_MSG_MAIN_MIGRATE_DST_SEAMLESS_NACK, NULL);
    channel_client_close(cc, "it wants to go on with a migration that nobody has begun");
    return false;
}

/* Of a client whose machine hasn't arrived yet. Its channels can't be handed over seamlessly: with
 * NACK it takes the other way, which ends with MIGRATE_END. */
static bool parked_message(ChannelClient *cc, uint16_t type)
{
    if (type == SPICE_MSGC_MAIN_MIGRATE_END)
        client_unpark(cc->client);
    else if (type == SPICE_MSGC_MAIN_MIGRATE_DST_DO_SEAMLESS)
        channel_client_send(cc, SPICE_MSG_MAIN_MIGRATE_DST_SEAMLESS_NACK, NULL);
    else
        log_limited(&((MainClient *)cc)->log,
                    "%s: message %u before the machine's arrival is ignored",
                    stream_peer_name(cc->stream), type);
    return true;
}

static bool message(ChannelClient *cc, uint16_t type, const void *msg, WireBytes body)
{
    MainClient *client = (MainClient *)cc;
    MainChannel *channel = cc->channel->owner;
    struct RedsState *server = channel->server;

    (void)body;
    if (cc->client->parked)
        return parked_message(cc, type);
    switch (type) {
    case SPICE_MSGC_MAIN_ATTACH_CHANNELS:
        client->has_list = true;
        send_list(client, server->channels, false);
        return true;
    case SPICE_MSGC_MAIN_MOUSE_MODE_REQUEST:
        inputs_request_mouse_mode(server->inputs,
                                  ((const WireMsgcMainMouseModeRequest *)msg)->mode);
        return true;
    case SPICE_MSGC_MAIN_AGENT_START:
        agent_client_start(server->agent, cc, ((const WireMsgcMainAgentStart *)msg)->num_tokens);
        return true;
    case SPICE_MSGC_MAIN_AGENT_DATA:
        return agent_client_data(server->agent, cc, ((const WireMsgcMainAgentData *)msg)->data);
    case SPICE_MSGC_MAIN_AGENT_TOKEN:
        agent_client_tokens(server->agent, cc, ((const WireMsgcMainAgentToken *)msg)->num_tokens);
        return true;
    case SPICE_MSGC_MAIN_MIGRATE_CONNECTED:
    case SPICE_MSGC_MAIN_MIGRATE_CONNECTED_SEAMLESS:
    case SPICE_MSGC_MAIN_MIGRATE_CONNECT_ERROR:
    case SPICE_MSGC_MAIN_MIGRATE_END:
        log_limited(&client->log, "%s: message %u of a migration that nobody has begun is ignored",
                    stream_peer_name(cc->stream), type);
        return true;
    case SPICE_MSGC_MAIN_MIGRATE_DST_DO_SEAMLESS:
        return seamless_request(cc, msg);
    default:
        return false;
    }
}

static void fill(ChannelClient *cc)
{
    MainChannel *channel = cc->channel->owner;

    agent_client_room(channel->server->agent, cc);
}

static void capabilities(Channel *channel, WireCaps *caps)
{
    (void)channel;
    wire_caps_set(caps, SPICE_MAIN_CAP_SEMI_SEAMLESS_MIGRATE);
    wire_caps_set(caps, SPICE_MAIN_CAP_NAME_AND_UUID);
    wire_caps_set(caps, SPICE_MAIN_CAP_AGENT_CONNECTED_TOKENS);
    wire_caps_set(caps, SPICE_MAIN_CAP_SEAMLESS_MIGRATE);
}

static const ChannelClass main_class = {
    .type = SPICE_CHANNEL_MAIN,
    .client_size = sizeof(MainClient),
    .queue_limit = 4 * 1024 * 1024,
    .watch_latency = true,
    .connected = connected,
    .message = message,
    .fill = fill,
    .disconnected = disconnected,
    .capabilities = capabilities,
};

static const ClientsWatcher watcher = {
    .channel_added = on_channel_added,
    .channel_linked = on_channel_linked,
};

/* ---- For the others ---- */

MainChannel *main_channel_new(struct RedsState *server)
{
    MainChannel *channel = g_new0(MainChannel, 1);

    channel->server = server;
    channel->mouse_modes = channel->mouse_mode = SPICE_MOUSE_MODE_SERVER;
    clients_set_watcher(server, &watcher);
    channel->channel = channel_new(server, &main_class, 0, server->loop, channel);
    return channel;
}

void main_channel_free(MainChannel *channel)
{
    if (!channel)
        return;
    clients_set_watcher(channel->server, NULL);
    channel_free(channel->channel);
    g_free(channel);
}

bool main_channel_send_all(MainChannel *channel, uint16_t type, const void *msg)
{
    bool any = false;

    for (GList *l = channel->channel->clients; l; l = l->next) {
        ChannelClient *cc = l->data;

        any |= !cc->client->parked && channel_client_send(cc, type, msg);
    }
    return any;
}

void main_channel_mouse_mode(MainChannel *channel, uint32_t supported, uint32_t current)
{
    WireMsgMainMouseMode mode = {.supported_modes = (uint16_t)supported,
                                 .current_mode = (uint16_t)current};

    if (channel->mouse_modes == supported && channel->mouse_mode == current)
        return;
    channel->mouse_modes = supported;
    channel->mouse_mode = current;
    main_channel_send_all(channel, SPICE_MSG_MAIN_MOUSE_MODE, &mode);
}
