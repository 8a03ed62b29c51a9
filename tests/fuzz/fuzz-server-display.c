/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Clients of a display channel: any messages in any order, any room, while a guest draws.
 * docs/spec/server-display.md 5.2 */
#include "server/display-world.h"

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_STEPS = 200, MAX_PEERS = 3 };

static Peer *connect_one(World *world, uint8_t how)
{
    PeerConfig config = {.caps = how & 1 ? 0xff : 0,
                         .cache_pixels = how & 2 ? 2000 : 100000,
                         .window_pixels = how & 4 ? 5000 : 0,
                         .full_header = how & 8,
                         .no_init = how & 16};
    Peer *peer = world_connect(world, &config);

    peer->mute = true; /* what a client makes of it is other targets' */

    return peer;
}

/* A message as the engine gives it: parsed, or the end of the client. */
static void send_message(Peer *peer, uint16_t type, const uint8_t *body, size_t size)
{
    WireArena arena;
    WireError error;
    const void *message;

    wire_arena_init(&arena, 1 << 16);
    message = wire_parse(SPICE_CHANNEL_DISPLAY, WIRE_TO_SERVER, type, body, size, &arena, &error);
    if (!message || !peer_message(peer, type, message))
        peer->closed = true;
    wire_arena_clear(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = data + size;
    World *world;
    Peer *peer;

    if (size < 2)
        return 0;

    world = world_new(data[0], data[0] & 3);
    world->server.options.jpeg =
        data[1] & 32 ? SPICE_WAN_COMPRESSION_ALWAYS : SPICE_WAN_COMPRESSION_NEVER;
    world_primary(world, 40 + data[0] % 64, 50);
    peer = connect_one(world, data[1]);
    data += 2;
    for (int step = 0; step < MAX_STEPS && data < end; step++) {
        uint8_t op = *data++;

        switch (op & 7) {
        case 0:
        case 1: { /* type, size, body */
            size_t length;

            if (end - data < 2)
                break;
            length = MIN(data[1], (size_t)(end - data) - 2);
            send_message(peer, 101 + data[0] % 8, data + 2, length);
            data += 2 + length;
            break;
        }
        case 2:
            for (int i = 0; i <= op >> 3; i++)
                world_random(world);
            break;
        case 3:
            peer_give(peer, (size_t)(op >> 3) * 500, op >> 3);
            break;
        case 4:
            world_run(world);
            break;
        case 5:
            if (g_list_length(world->peers) < MAX_PEERS)
                peer = connect_one(world, op >> 3);
            else
                peer = g_list_nth_data(world->peers, (op >> 3) % MAX_PEERS);
            break;
        case 6:
            world_primary(world, 20 + (op >> 3), 30);
            break;
        default:
            views_drain(world->views, 1);
            break;
        }
        if (peer->closed) {
            peer_disconnect(peer);
            peer = world->peers ? world->peers->data : connect_one(world, 0);
        }
    }
    world_free(world);

    return 0;
}
