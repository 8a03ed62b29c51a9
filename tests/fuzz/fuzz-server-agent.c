/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The agent's proxy between a guest and a client that both do anything: steps of a byte that says
 * what happens, a byte for its size, and its bytes. */
#include "../server/channel-peer.h"
#include "../server/fuzz-port.h"
#include "../server/main-fakes.h"

#include <limits.h>
#include <stdlib.h>

#include "channel/engine.h"
#include "main/agent-private.h"
#include "main/char-device.h"
#include "main/main-private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum Step {
    GUEST_BYTES,
    GUEST_CHUNK, /* with a right header for the client's port */
    CLIENT_BYTES,
    CLIENT_PIECE, /* AGENT_DATA */
    CLIENT_START,
    CLIENT_TOKENS,
    CLIENT_NEW,
    AGENT_NEW,
    LIMITS,
    INSIDE,
    MOUSE,
    OPTIONS,
    STEPS,
};

static Worker worker = {.address = "pci/0000/02.0", .displays = 2, .takes_monitors = true};

typedef struct Run {
    struct RedsState *server;
    FuzzPort *port;
    Peer *peer;
} Run;

static void guest_chunk(Run *run, const uint8_t *bytes, size_t size)
{
    uint8_t chunk[8 + 255] = {1, 0, 0, 0, (uint8_t)size};

    memcpy(chunk + 8, bytes, size);
    fuzz_port_give(run->port, chunk, 8 + size);
}

static void new_client(Run *run)
{
    peer_free(run->peer);
    peer_run(run->server);
    run->peer = peer_link(run->server, SPICE_CHANNEL_MAIN, 0, 0, true, NULL, PEER_UNIX);
}

static void step(Run *run, enum Step what, const uint8_t *bytes, size_t size)
{
    uint8_t first = size ? bytes[0] : 0, second = size > 1 ? bytes[1] : 0;
    Options *options = &run->server->options;

    switch (what) {
    case GUEST_BYTES:
        fuzz_port_give(run->port, bytes, size);
        break;
    case GUEST_CHUNK:
        guest_chunk(run, bytes, size);
        break;
    case CLIENT_BYTES:
        peer_send_bytes(run->peer, bytes, size);
        break;
    case CLIENT_PIECE:
        peer_send_raw(run->peer, SPICE_MSGC_MAIN_AGENT_DATA, (uint32_t)size, bytes, size);
        break;
    case CLIENT_START:
        peer_send(run->peer, SPICE_MSGC_MAIN_AGENT_START,
                  &(WireMsgcMainAgentStart){.num_tokens = first == 255 ? UINT32_MAX : first});
        break;
    case CLIENT_TOKENS:
        peer_send(run->peer, SPICE_MSGC_MAIN_AGENT_TOKEN,
                  &(WireMsgcMainAgentToken){.num_tokens = first == 255 ? UINT32_MAX : first});
        break;
    case CLIENT_NEW:
        new_client(run);
        break;
    case AGENT_NEW:
        char_device_detach(&run->port->base);
        if (first & 1)
            char_device_attach(run->server, &run->port->base);
        break;
    case LIMITS:
        run->port->read_at_most = first ? first : INT_MAX;
        run->port->write_at_most = second == 255 ? INT_MAX : second ? second : 0;
        break;
    case INSIDE:
        run->port->wake = first & 1;
        run->port->remove = first & 2;
        break;
    case MOUSE:
        agent_mouse_state(run->server->agent, &(AgentMouseState){.x = first, .buttons = second});
        agent_devices_changed(run->server->agent);
        break;
    case OPTIONS:
        options->agent_copypaste = first & 1;
        options->agent_file_xfer = first & 2;
        worker.takes_monitors = first & 4;
        if (first & 8)
            char_devices_stop(run->server);
        else
            char_devices_start(run->server);
        break;
    case STEPS:
        break;
    }
}

static void check(const Run *run)
{
    const Agent *agent = run->server->agent;

    if (agent->n_mouse > AGENT_MOUSE_PENDING || agent->monitors->len > AGENT_MONITORS_MAX ||
        agent->piece_size > AGENT_PIECE_MAX || agent->credit > AGENT_CLIENT_TOKENS)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Run run = {.server = peer_server_new()};
    size_t n;

    run.server->main = main_channel_new(run.server);
    run.server->agent = agent_new(run.server);
    run.server->workers = g_list_append(NULL, &worker);
    run.port = fuzz_port_new(run.server);
    new_client(&run);
    for (unsigned i = 0; i < 200 && size >= 2; i++) {
        enum Step what = data[0] % STEPS;

        n = MIN(data[1], size - 2);
        step(&run, what, data + 2, n);
        loop_run_once(run.server->loop, 0);
        loop_run_once(run.server->loop, 0);
        peer_receive(run.peer);
        if (run.peer->closed)
            new_client(&run);
        check(&run);
        data += 2 + n;
        size -= 2 + n;
    }
    fuzz_port_free(run.port);
    clients_disconnect_all(run.server, NULL);
    peer_run(run.server);
    g_list_free(run.server->workers);
    agent_free(run.server->agent);
    run.server->agent = NULL;
    main_channel_free(run.server->main);
    peer_free(run.peer);
    peer_server_free(run.server);
    return 0;
}
