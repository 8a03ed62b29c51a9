/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The agent's proxy: when there is an agent, and its client's side: tokens, the rules of pieces,
 * what is let through. docs/spec/server-api.md 14 */
#include "main/agent-private.h"

#include <string.h>

#include "channel/client-private.h"
#include "worker/worker.h"

/* ---- Life ---- */

static void on_no_tokens(void *data)
{
    Agent *agent = data;

    agent->token_timer_runs = false;
    if (agent->client)
        channel_client_close(agent->client, "it has let the agent wait for %d ms",
                             AGENT_TOKEN_WAIT_MS);
}

Agent *agent_new(struct RedsState *server)
{
    Agent *agent = g_new0(Agent, 1);

    agent->server = server;
    agent->monitors = g_byte_array_new();
    agent->token_timer = loop_timer_new(server->loop, on_no_tokens, agent);
    if (!agent->token_timer) {
        agent_free(agent);
        return NULL;
    }
    return agent;
}

void agent_free(Agent *agent)
{
    if (!agent)
        return;
    loop_timer_free(agent->token_timer);
    g_byte_array_unref(agent->monitors);
    g_free(agent);
}

bool agent_is_attached(const Agent *agent)
{
    return agent->device != NULL;
}

/* ---- The agent comes and goes ---- */

static void reset_client(Agent *agent)
{
    agent->started = false;
    agent->credit = AGENT_CLIENT_TOKENS;
    agent->taken = 0;
    agent->send_tokens = 0;
    agent_wait_for_tokens(agent, false);
    agent_filter_reset(&agent->from_client);
    g_byte_array_set_size(agent->monitors, 0);
}

bool agent_attach(Agent *agent, CharDevice *device)
{
    if (agent->device)
        return false;
    agent->device = device;
    agent->discarding = agent->client != NULL; /* until its AGENT_START */
    reset_client(agent);
    agent_guest_reset(agent);
    char_device_set_user(device, &agent_guest_user, agent);
    char_device_tell_state(device, true);
    server_update_mouse_mode(agent->server);
    if (agent->device != device || !agent->client)
        return true;
    if (wire_caps_has(&agent->client->channel_caps, SPICE_MAIN_CAP_AGENT_CONNECTED_TOKENS)) {
        WireMsgMainAgentConnectedTokens message = {.num_tokens = AGENT_CLIENT_TOKENS};

        channel_client_send(agent->client, SPICE_MSG_MAIN_AGENT_CONNECTED_TOKENS, &message);
    } else {
        channel_client_send(agent->client, SPICE_MSG_MAIN_AGENT_CONNECTED, NULL);
    }
    return true;
}

/* The device is of no use any more: removed, or closed after it broke the rules. */
static void let_go(Agent *agent)
{
    CharDevice *device = agent->device;
    WireMsgMainAgentDisconnected message = {.error_code = SPICE_LINK_ERR_OK};

    agent->device = NULL;
    char_device_set_user(device, NULL, NULL);
    char_device_drop_all(device);
    agent_guest_reset(agent);
    /* In the middle of a message, maybe: what the client has sent before it knows is nothing. */
    agent->discarding = agent->client != NULL;
    reset_client(agent);
    char_device_tell_state(device, false);
    server_update_mouse_mode(agent->server);
    if (agent->client && !agent->device)
        channel_client_send(agent->client, SPICE_MSG_MAIN_AGENT_DISCONNECTED, &message);
}

void agent_detach(Agent *agent, CharDevice *device)
{
    if (agent->device == device)
        let_go(agent);
}

void agent_violation(Agent *agent, const char *what)
{
    log_limited(&agent->log, "the guest's agent is closed: %s", what);
    let_go(agent);
}

/* ---- Its client comes and goes ---- */

bool agent_client_connected(Agent *agent, ChannelClient *client)
{
    if (agent->client || !client->client->first)
        return false;
    agent->client = client;
    agent->discarding = false;
    reset_client(agent);
    return agent->device != NULL;
}

void agent_client_disconnected(Agent *agent, ChannelClient *client)
{
    if (agent->client != client)
        return;
    agent->client = NULL;
    agent->discarding = false;
    reset_client(agent);
    agent_filter_drop(&agent->from_guest);
    if (!agent->device)
        return;
    char_device_drop_client(agent->device);
    agent_send_client_disconnected(agent);
    if (agent->device)
        char_device_resume(agent->device); /* what waited for the client is dropped */
}

/* ---- What the client sends ---- */

void agent_client_start(Agent *agent, ChannelClient *client, uint32_t tokens)
{
    if (agent->client != client || !agent->device)
        return;
    if (!agent->started)
        agent_filter_reset(&agent->from_client);
    agent->started = true;
    agent->discarding = false;
    agent->send_tokens = tokens;
    agent_wait_for_tokens(agent, false);
    agent_devices_changed(agent);
    if (agent->device)
        char_device_resume(agent->device);
}

void agent_client_tokens(Agent *agent, ChannelClient *client, uint32_t tokens)
{
    if (agent->client != client || !agent->started)
        return;
    agent->send_tokens =
        tokens > UINT32_MAX - agent->send_tokens ? UINT32_MAX : agent->send_tokens + tokens;
    agent_wait_for_tokens(agent, false);
    if (agent->device)
        char_device_resume(agent->device);
}

void agent_client_room(Agent *agent, ChannelClient *client)
{
    if (agent->client == client && agent->device && agent->piece_ready)
        char_device_resume(agent->device);
}

void agent_wait_for_tokens(Agent *agent, bool wait)
{
    if (wait == agent->token_timer_runs)
        return;
    agent->token_timer_runs = wait;
    if (wait)
        loop_timer_start(agent->token_timer, AGENT_TOKEN_WAIT_MS);
    else
        loop_timer_cancel(agent->token_timer);
}

void agent_token_taken(Agent *agent)
{
    WireMsgMainAgentToken message = {.num_tokens = AGENT_TOKENS_BACK};

    if (!agent->client || !agent->started || ++agent->taken < AGENT_TOKENS_BACK)
        return;
    agent->taken = 0;
    agent->credit += AGENT_TOKENS_BACK;
    channel_client_send(agent->client, SPICE_MSG_MAIN_AGENT_TOKEN, &message);
}

/* ---- Monitors (server-api.md 11.7, agent.md 7) ---- */

static bool devices_take_monitors(const Agent *agent)
{
    GList *workers = agent->server->workers;

    for (GList *l = workers; l; l = l->next)
        if (!worker_client_monitors_config(l->data, NULL))
            return false;
    return workers != NULL;
}

/* With several devices each one gets the monitors that are its own: a monitor's number is that of
 * the display channel, and then that in the device. */
static void give_monitors(const Agent *agent, Worker *worker, const AgentMonitorsConfig *config)
{
    uint32_t from = 0, n = config->n_monitors, first;
    bool sizes = config->flags & VD_AGENT_CONFIG_MONITORS_FLAG_PHYSICAL_SIZE;

    if (agent->server->workers->next) {
        uint32_t displays = worker_device_displays(worker, &first);

        from = worker_channel_id(worker);
        if (from >= n)
            return;
        n = MIN(n - from, MAX(displays, 1));
    }
    VDAgentMonitorsConfig *given =
        g_malloc0(sizeof *given + n * (sizeof(VDAgentMonConfig) + sizeof(VDAgentMonitorMM)));
    given->num_of_monitors = n;
    given->flags = config->flags;
    for (uint32_t i = 0; i < n; i++) {
        const AgentMonConfig *monitor = &config->monitors[from + i];

        given->monitors[i].height = monitor->height;
        given->monitors[i].width = monitor->width;
        given->monitors[i].depth = monitor->depth;
        given->monitors[i].x = monitor->x;
        given->monitors[i].y = monitor->y;
    }
    VDAgentMonitorMM *mm = (VDAgentMonitorMM *)(given->monitors + n);
    for (uint32_t i = 0; sizes && i < n; i++) {
        mm[i].height = config->physical_sizes[from + i].height;
        mm[i].width = config->physical_sizes[from + i].width;
    }
    worker_client_monitors_config(worker, given);
    g_free(given);
}

static bool monitors_complete(Agent *agent)
{
    WireArena arena;
    WireError error;

    wire_arena_init(&arena, 1 << 20);
    const AgentMonitorsConfig *config = agent_parse(
        VD_AGENT_MONITORS_CONFIG, 0, agent->monitors->data, agent->monitors->len, &arena, &error);
    if (config) {
        GList *workers = g_list_copy(agent->server->workers);

        for (GList *l = workers; l; l = l->next)
            if (g_list_find(agent->server->workers, l->data))
                give_monitors(agent, l->data, config);
        g_list_free(workers);
    } else {
        channel_client_close(agent->client, "%s", error.text);
    }
    wire_arena_clear(&arena);
    g_byte_array_set_size(agent->monitors, 0);
    return config != NULL;
}

static bool take_monitors(Agent *agent, WireBytes piece)
{
    const AgentFilter *filter = &agent->from_client;

    if (filter->begins) {
        if (filter->size > AGENT_MONITORS_MAX) {
            channel_client_close(agent->client, "a configuration of monitors with %u bytes",
                                 filter->size);
            return false;
        }
        g_byte_array_set_size(agent->monitors, 0);
        piece.data += AGENT_HEADER_SIZE;
        piece.size -= AGENT_HEADER_SIZE;
    }
    g_byte_array_append(agent->monitors, piece.data, (guint)piece.size);
    return filter->left || monitors_complete(agent);
}

/* ---- Pieces ---- */

static bool pass_piece(Agent *agent, WireBytes piece)
{
    WireBuffer chunk = {0};

    if (agent_write_chunk(VDP_CLIENT_PORT, piece, &chunk)) {
        char_device_queue(agent->device, chunk.data, chunk.size, CHAR_FROM_CLIENT);
        char_device_flush(agent->device);
    }
    wire_buffer_clear(&chunk);
    return true;
}

bool agent_client_data(Agent *agent, ChannelClient *client, WireBytes piece)
{
    if (!piece.size || piece.size > AGENT_PIECE_MAX) {
        channel_client_close(client, "agent data of %zu bytes", piece.size);
        return false;
    }
    if (agent->client != client || agent->discarding)
        return true;
    bool deliver = agent->started && agent->device;
    const Options *options = &agent->server->options;
    AgentRules rules = {options->agent_copypaste, options->agent_file_xfer, deliver,
                        deliver && !agent->from_client.left && devices_take_monitors(agent)};
    AgentVerdict verdict = agent_filter(&agent->from_client, &rules, piece);
    if (verdict == AGENT_BAD) {
        channel_client_close(client, "agent data that is against the rules");
        return false;
    }
    if (!deliver)
        return true; /* costs no token */
    if (!agent->credit) {
        channel_client_close(client, "agent data without a token");
        return false;
    }
    agent->credit--;
    if (verdict == AGENT_PASS)
        return pass_piece(agent, piece);
    bool good = verdict != AGENT_TAKE || take_monitors(agent, piece);
    if (good && agent->client == client)
        agent_token_taken(agent);
    return good;
}
