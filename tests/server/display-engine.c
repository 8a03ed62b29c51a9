/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The channel engine as tests want it: any room, any window, no socket. */
#include "display-world-private.h"

#include <stdarg.h>

#include "channel/out-body-private.h"

Channel *channel_new(struct RedsState *server, const ChannelClass *class, uint8_t id, Loop *loop,
                     void *owner)
{
    Channel *channel = g_new0(Channel, 1);

    channel->class = class;
    channel->server = server;
    channel->id = id;
    channel->loop = loop;
    channel->owner = owner;
    server->channels = g_list_prepend(server->channels, channel);

    return channel;
}

void engine_disconnect(ChannelClient *cc)
{
    Peer *peer = cc->engine->peer;

    peer->cc = NULL;
    cc->channel->clients = g_list_remove(cc->channel->clients, cc);
    cc->channel->class->disconnected(cc);
    wire_caps_clear(&cc->channel_caps, 0);
    g_free(cc->engine);
    g_free(cc);
}

void channel_free(Channel *channel)
{
    while (channel->clients)
        engine_disconnect(channel->clients->data);
    channel->server->channels = g_list_remove(channel->server->channels, channel);
    g_free(channel);
}

size_t channel_client_room(const ChannelClient *cc)
{
    const Peer *peer = cc->engine->peer;

    return peer->closed || peer->window == 0 ? 0 : peer->room;
}

void channel_client_want(ChannelClient *cc)
{
    cc->engine->peer->wants = true;
}

void channel_client_flush(ChannelClient *cc)
{
    cc->engine->peer->flushed = cc->engine->peer->messages;
}

bool channel_client_send(ChannelClient *cc, uint16_t type, const void *message)
{
    WireBuffer buffer = {0};
    bool ok = wire_write(SPICE_CHANNEL_DISPLAY, WIRE_TO_CLIENT, type, message, &buffer);

    if (ok)
        peer_deliver(cc->engine->peer, type, buffer.data, buffer.size);
    wire_buffer_clear(&buffer);

    return ok;
}

/* A body of pieces only has no bytes of its own: NULL, from which nothing may be taken. */
static void append_own(const OutBody *body, size_t from, size_t to, WireBuffer *out)
{
    if (to > from)
        wire_buffer_append(out, body->bytes.data + from, to - from);
}

/* What the engine makes of a body. */
static void flatten(const OutBody *body, WireBuffer *out)
{
    size_t from = 0;

    for (unsigned i = 0; i < body->gather.n_pieces; i++) {
        const struct WireGatherPiece *piece = &body->gather.pieces[i];

        append_own(body, from, piece->at, out);
        from = piece->at;
        wire_buffer_append(out, piece->bytes.data, piece->bytes.size);
    }
    append_own(body, from, body->bytes.size, out);
}

bool channel_client_send_body(ChannelClient *cc, uint16_t type, OutBody *body,
                              const WireSubMessage *subs, unsigned n_subs)
{
    Peer *peer = cc->engine->peer;
    WireBuffer buffer = {0};

    if (n_subs == 1 && cc->mini_header) {
        peer_deliver(peer, subs[0].type, subs[0].body.data, subs[0].body.size);
    } else if (n_subs > 0 && cc->mini_header) {
        wire_list_write(subs, n_subs, &buffer);
        peer_deliver(peer, SPICE_MSG_LIST, buffer.data, buffer.size);
        wire_buffer_reset(&buffer);
    } else {
        peer_deliver_subs(peer, peer->serial + 1, subs, n_subs);
    }
    flatten(body, &buffer);
    out_body_free(body);
    peer_deliver(peer, type, buffer.data, buffer.size);
    wire_buffer_clear(&buffer);

    return true;
}

uint64_t channel_client_next_serial(const ChannelClient *cc)
{
    return cc->engine->peer->serial + 1;
}

void channel_client_close(ChannelClient *cc, const char *format, ...)
{
    Peer *peer = cc->engine->peer;
    va_list args;

    peer->closed = true;
    va_start(args, format);
    g_string_vprintf(peer->reason, format ? format : "", args);
    va_end(args);
}

bool channel_client_is_closing(const ChannelClient *cc)
{
    return cc->engine->peer->closed;
}

bool client_is_low_bandwidth(const Client *client)
{
    return client->slow;
}

DisplayShared *client_display_shared(Client *client)
{
    return client->shared;
}

bool stream_is_unix(const Stream *stream)
{
    (void)stream;
    return false;
}
