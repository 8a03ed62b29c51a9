/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The server's channel engine under any bytes of a client: a byte that chooses channel and header,
 * one for how the bytes are cut, then the bytes. With FUZZ_MAIN: the real main channel, with an
 * agent behind it, or (64) of a client that follows its machine, with another channel that waits.
 * Whatever comes, the server goes on, and what it keeps is bounded. */
#include "../server/channel-peer.h"
#include "../server/fuzz-port.h"

#include <stdlib.h>

#include "channel/engine.h"
#include "main/agent-private.h"
#include "main/main-private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool message(ChannelClient *cc, uint16_t type, const void *msg, WireBytes body)
{
    (void)msg;
    /* Answer, so that there is something to acknowledge. */
    WireMsgSetAck answer = {.generation = type, .window = (uint32_t)body.size};

    return channel_client_send(cc, SPICE_MSG_SET_ACK, &answer);
}

static void check(const ChannelEngine *engine)
{
    if (engine->in_capacity > 64 * 1024 * 1024 || engine->in_end > engine->in_capacity ||
        engine->queued > 17 * 1024 * 1024 || engine->n_pings > PINGS_MAX ||
        engine->confirmed > engine->position)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t types[] = {
        SPICE_CHANNEL_DISPLAY,  SPICE_CHANNEL_INPUTS, SPICE_CHANNEL_CURSOR,
        SPICE_CHANNEL_PLAYBACK, SPICE_CHANNEL_RECORD, SPICE_CHANNEL_SMARTCARD,
        SPICE_CHANNEL_USBREDIR, SPICE_CHANNEL_PORT,   SPICE_CHANNEL_WEBDAV};
    ChannelClass class = {
        .client_size = sizeof(ChannelClient), .ack_window = 5, .message = message};

    if (size < 2)
        return 0;
    class.type = types[data[0] % G_N_ELEMENTS(types)];
    bool mini = data[0] & 128;
    size_t cut = data[1] ? data[1] : 100000;
    struct RedsState *server = peer_server_new();
    server->main = main_channel_new(server);
    server->agent = agent_new(server);
    FuzzPort *port = fuzz_port_new(server);
    Channel *channel = channel_new(server, &class, 0, server->loop, NULL);
#ifdef FUZZ_MAIN
    uint32_t id = data[0] & 64 ? 77 : 0;
#else
    uint32_t id = 0;
#endif
    Peer *main_peer = peer_link(server, SPICE_CHANNEL_MAIN, 0, id, mini, NULL, PEER_UNIX);
    ChannelClient *main_cc = server->main->channel->clients->data;
#ifdef FUZZ_MAIN
    Peer *peer = main_peer, *waiting = NULL;
    Channel *fuzzed = server->main->channel;
    (void)main_cc;
    if (id)
        waiting = peer_link(server, class.type, 0, id, mini, NULL, PEER_UNIX);
#else
    Peer *peer = peer_link(server, class.type, 0, client_connection_id(main_cc->client), mini, NULL,
                           PEER_UNIX);
    Channel *fuzzed = channel;
#endif
    for (size_t at = 2; at < size; at += cut) {
        peer_send_bytes(peer, data + at, MIN(cut, size - at));
        loop_run_once(server->loop, 0);
        peer_receive(peer);
        if (fuzzed->clients)
            check(((ChannelClient *)fuzzed->clients->data)->engine);
    }
    peer_run(server);
    clients_disconnect_all(server, NULL);
    peer_run(server);
    if (clients_count(server) || fuzzed->clients)
        abort();
    channel_free(channel);
    fuzz_port_free(port);
    agent_free(server->agent);
    server->agent = NULL;
    main_channel_free(server->main);
#ifdef FUZZ_MAIN
    peer_free(waiting);
#else
    peer_free(peer);
#endif
    peer_free(main_peer);
    peer_server_free(server);
    return 0;
}
