/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Between the files of the world: its engine, its clients, its drawings. */
#ifndef TESTS_SERVER_DISPLAY_WORLD_PRIVATE_H
#define TESTS_SERVER_DISPLAY_WORLD_PRIVATE_H

#include "display-world.h"

struct Client {
    int refs;
    DisplayShared *shared;
    RendererShared *renderer_shared;
    bool slow;
};

struct ChannelEngine {
    Peer *peer;
};

/* display-engine.c: the connection ends; its peer has no cc from then on. */
void engine_disconnect(ChannelClient *cc);

/* display-peer.c: what the client makes of a message, and of one that came along with it. */
void peer_deliver(Peer *peer, uint16_t type, const uint8_t *data, size_t size);
void peer_deliver_subs(Peer *peer, uint64_t serial, const WireSubMessage *subs, unsigned n);

/* display-drawings.c: a drawing with a resource that counts. */
Drawable *world_drawable(World *world);
Blob *world_blob(const void *data, size_t size);
void world_base(WireDisplayBase *base, uint32_t id, const pixman_box32_t *box);

#endif
