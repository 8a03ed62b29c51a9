/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The agent's proxy, the guest's side: chunks taken apart and cut for the client, and messages of
 * the server's own. docs/spec/server-api.md 14.2 to 14.5, docs/spec/agent.md 1.2, 6, 9 */
#include "main/agent-private.h"

#include <string.h>

#include "wire/internal.h"
#include "worker/worker.h"

void agent_guest_reset(Agent *agent)
{
    agent->chunk_header_size = 0;
    agent->chunk_left = 0;
    agent->piece_size = 0;
    agent->piece_ready = false;
    agent_filter_reset(&agent->from_guest);
    agent->self_busy = false;
    agent->info_wanted = agent->info_pending = false;
    agent->n_mouse = 0;
    agent->mouse_buttons = 0;
}

/* ---- To the client ---- */

/* A complete piece is sent, or dropped. False: it has to wait. */
static bool deliver_piece(Agent *agent)
{
    if (agent->client && agent->started && agent->from_guest.verdict == AGENT_PASS) {
        WireMsgMainAgentData message = {.data = {agent->piece, agent->piece_size}};

        if (!agent->send_tokens) {
            agent_wait_for_tokens(agent, true);
            return false;
        }
        if (!channel_client_room(agent->client)) {
            channel_client_want(agent->client);
            return false;
        }
        if (agent->send_tokens != UINT32_MAX)
            agent->send_tokens--;
        channel_client_send(agent->client, SPICE_MSG_MAIN_AGENT_DATA, &message);
    }
    agent->piece_ready = false;
    agent->piece_size = 0;
    return true;
}

/* A piece has been read: 2048 bytes, or the end of a chunk. */
static void judge_piece(Agent *agent)
{
    const Options *options = &agent->server->options;
    AgentRules rules = {options->agent_copypaste, options->agent_file_xfer,
                        agent->client && agent->started, false};
    WireBytes piece = {agent->piece, agent->piece_size};
    AgentVerdict verdict = agent_filter(&agent->from_guest, &rules, piece);

    if (verdict == AGENT_BAD) {
        agent_violation(agent, "a piece of a message that is against the rules");
        return;
    }
    agent->piece_ready = true;
    if (verdict == AGENT_PASS && agent->from_guest.begins &&
        agent->from_guest.type == VD_AGENT_ANNOUNCE_CAPABILITIES) {
        agent->info_wanted = agent_filter_announcement(agent->piece, agent->piece_size, &rules);
        agent_devices_changed(agent);
    }
}

static bool read_header(Agent *agent)
{
    while (agent->chunk_header_size < AGENT_CHUNK_HEADER_SIZE) {
        size_t n = char_device_read(agent->device, agent->chunk_header + agent->chunk_header_size,
                                    AGENT_CHUNK_HEADER_SIZE - agent->chunk_header_size);

        if (!n || !agent->device)
            return false;
        agent->chunk_header_size += (unsigned)n;
    }
    agent->chunk_port = wire_get_u32(agent->chunk_header);
    agent->chunk_left = wire_get_u32(agent->chunk_header + 4);
    if (agent->chunk_port != VDP_CLIENT_PORT && agent->chunk_port != VDP_SERVER_PORT) {
        agent_violation(agent, "a chunk for an unknown port");
        return false;
    }
    if (!agent->chunk_left)
        agent->chunk_header_size = 0;
    return true;
}

/* The next bytes of the device. False: there are none, or the agent is gone. */
static bool read_on(Agent *agent)
{
    uint8_t ignored[4096];

    if (!agent->chunk_left)
        return read_header(agent);
    bool to_client = agent->chunk_port == VDP_CLIENT_PORT;
    size_t room = to_client ? sizeof agent->piece - agent->piece_size : sizeof ignored;
    size_t n =
        char_device_read(agent->device, to_client ? agent->piece + agent->piece_size : ignored,
                         MIN(room, agent->chunk_left));
    if (!n || !agent->device)
        return false;
    agent->chunk_left -= (uint32_t)n;
    if (!agent->chunk_left)
        agent->chunk_header_size = 0;
    if (!to_client)
        return true;
    agent->piece_size += (unsigned)n;
    if (agent->piece_size == sizeof agent->piece || !agent->chunk_left)
        judge_piece(agent);
    return agent->device != NULL;
}

static void readable(void *user)
{
    Agent *agent = user;

    do {
        if (agent->piece_ready && !deliver_piece(agent))
            return;
    } while (agent->device && read_on(agent));
}

/* ---- To the guest ---- */

static void queue_own(Agent *agent, uint32_t type, const void *message, CharOrigin origin)
{
    WireBuffer bytes = {0}, chunks = {0};

    if (agent_write_message(type, 0, message, &bytes)) {
        WireBytes rest = {bytes.data, bytes.size};

        while (rest.size)
            agent_write_chunk(VDP_SERVER_PORT, agent_next_piece(&rest), &chunks);
    }
    if (chunks.size && !chunks.failed) {
        char_device_queue(agent->device, chunks.data, chunks.size, origin);
        agent->self_busy |= origin == CHAR_FROM_SERVER;
    }
    wire_buffer_clear(&bytes);
    wire_buffer_clear(&chunks);
}

static void queue_device_info(Agent *agent)
{
    GArray *displays = g_array_new(FALSE, TRUE, sizeof(AgentDeviceDisplayInfo));

    for (GList *l = agent->server->workers; l; l = l->next) {
        Worker *worker = l->data;
        uint32_t first = 0, n = worker_device_displays(worker, &first);
        const char *address = worker_device_address(worker);

        for (uint32_t i = 0; address && i < n && i < 256; i++) {
            AgentDeviceDisplayInfo display = {
                .channel_id = worker_channel_id(worker),
                .monitor_id = i,
                .device_display_id = first + i,
                .device_address = {(const uint8_t *)address, strlen(address) + 1},
            };

            g_array_append_val(displays, display);
        }
    }
    AgentGraphicsDeviceInfo info = {.n_devices = displays->len,
                                    .devices = (AgentDeviceDisplayInfo *)(void *)displays->data};
    queue_own(agent, VD_AGENT_GRAPHICS_DEVICE_INFO, &info, CHAR_FROM_SERVER);
    g_array_unref(displays);
}

static void send_pending(Agent *agent)
{
    if (!agent->device || agent->self_busy)
        return;
    if (agent->info_pending) {
        agent->info_pending = false;
        queue_device_info(agent);
    } else if (agent->n_mouse) {
        AgentMouseState state = agent->mouse[0];

        agent->n_mouse--;
        memmove(agent->mouse, agent->mouse + 1, agent->n_mouse * sizeof state);
        agent->mouse_buttons = state.buttons;
        queue_own(agent, VD_AGENT_MOUSE_STATE, &state, CHAR_FROM_SERVER);
    } else {
        return;
    }
    char_device_flush(agent->device);
}

void agent_devices_changed(Agent *agent)
{
    agent->info_pending = agent->info_wanted;
    send_pending(agent);
}

void agent_mouse_state(Agent *agent, const AgentMouseState *state)
{
    unsigned n = agent->n_mouse;

    if (!agent->device)
        return;
    /* The last one that waits is replaced when it is nothing but a movement; presses and releases
     * stay where they were made. */
    if (n && agent->mouse[n - 1].buttons == state->buttons &&
        (n > 1 ? agent->mouse[n - 2].buttons : agent->mouse_buttons) == state->buttons)
        n--;
    else if (n == AGENT_MOUSE_PENDING)
        n--; /* the guest is stalled for good: what was last counts */
    agent->mouse[n] = *state;
    agent->n_mouse = n + 1;
    send_pending(agent);
}

void agent_send_client_disconnected(Agent *agent)
{
    /* Clients that come and go while the guest doesn't read are told once. */
    if (char_device_last_is(agent->device, CHAR_NOTICE))
        return;
    queue_own(agent, VD_AGENT_CLIENT_DISCONNECTED, NULL, CHAR_NOTICE);
    char_device_flush(agent->device);
}

static void written(void *user, CharOrigin origin)
{
    Agent *agent = user;

    if (origin == CHAR_FROM_CLIENT)
        agent_token_taken(agent);
    if (origin != CHAR_FROM_SERVER)
        return;
    agent->self_busy = false;
    send_pending(agent);
}

static void detach(void *user, CharDevice *device)
{
    agent_detach(user, device);
}

const CharDeviceUser agent_guest_user = {
    .readable = readable,
    .written = written,
    .detach = detach,
};
