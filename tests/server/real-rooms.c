/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rooms of fake-rooms.h as they are, with clients that take what comes: three displays, each
 * with another compression and other capabilities, and a cursor. Every message has to be one that
 * can be parsed. */
#include "server/channel-peer.h"
#include "server/fake-rooms.h"

#include <spice/enums.h>
#include <spice/protocol.h>
#include <string.h>

#include "display/encode.h"

enum { N_DISPLAYS = 3, N_PEERS = 2 * N_DISPLAYS + 1, ACK_WINDOW = 20 };

const bool rooms_have_logs = false;
unsigned rooms_bad_messages, rooms_messages, rooms_drawings[400];

static Channel *main_channel;
static Peer *peers[N_PEERS];
static unsigned n_peers, unacknowledged[N_PEERS];

static bool refuse(ChannelClient *cc, uint16_t type, const void *message, WireBytes body)
{
    return false;
}

static const ChannelClass main_class = {
    .type = SPICE_CHANNEL_MAIN,
    .client_size = sizeof(ChannelClient),
    .message = refuse,
};

struct RedsState *fake_server_new(void)
{
    struct RedsState *server = peer_server_new();

    server->options.image_compression = SPICE_IMAGE_COMPRESSION_AUTO_GLZ;
    server->options.allow_multiple_clients = true;
    server->options.jpeg = server->options.zlib_glz = SPICE_WAN_COMPRESSION_NEVER;
    server->pool = encode_pool_new();
    main_channel = channel_new(server, &main_class, 0, server->loop, NULL);
    return server;
}

void fake_server_free(struct RedsState *server)
{
    for (unsigned i = 0; i < n_peers; i++)
        peer_free(peers[i]);
    n_peers = 0;
    peer_run(server);
    channel_free(main_channel);
    encode_pool_free(server->pool);
    server->pool = NULL;
    peer_server_free(server);
}

static Peer *add(Peer *peer)
{
    g_assert(peer && n_peers < N_PEERS);
    unacknowledged[n_peers] = 0;
    peers[n_peers++] = peer;
    return peer;
}

void rooms_connect(struct RedsState *server)
{
    static const uint8_t compressions[N_DISPLAYS] = {SPICE_IMAGE_COMPRESSION_AUTO_GLZ,
                                                     SPICE_IMAGE_COMPRESSION_LZ4,
                                                     SPICE_IMAGE_COMPRESSION_QUIC};

    for (int i = 0; i < N_DISPLAYS; i++) {
        const WireMsgcDisplayInit init = {0, 1 << 20, 0, i == 1 ? 0 : 1 << 18};
        const WireMsgcDisplayPreferredCompression preferred = {compressions[i]};
        WireCaps caps = {0};
        uint32_t id;

        if (i < 2) {
            wire_caps_set(&caps, SPICE_DISPLAY_CAP_COMPOSITE);
            wire_caps_set(&caps, SPICE_DISPLAY_CAP_A8_SURFACE);
            wire_caps_set(&caps, SPICE_DISPLAY_CAP_LZ4_COMPRESSION);
        }
        wire_caps_set(&caps, SPICE_DISPLAY_CAP_PREF_COMPRESSION);
        add(peer_link(server, SPICE_CHANNEL_MAIN, 0, 0, true, NULL, PEER_UNIX));
        id = client_connection_id(
            ((ChannelClient *)g_list_last(main_channel->clients)->data)->client);
        Peer *display =
            add(peer_link(server, SPICE_CHANNEL_DISPLAY, 0, id, i != 1, &caps, PEER_UNIX));
        peer_send(display, SPICE_MSGC_DISPLAY_PREFERRED_COMPRESSION, &preferred);
        peer_send(display, SPICE_MSGC_DISPLAY_INIT, &init);
        if (i == 0)
            add(peer_link(server, SPICE_CHANNEL_CURSOR, 0, id, true, NULL, PEER_TCP));
    }
    peer_run_ms(server, 20);
}

static void take(unsigned i)
{
    Peer *peer = peers[i];
    uint16_t type;

    while ((type = peer_next(peer))) {
        const WireMsgSetAck *set_ack;
        const void *message;
        WireError error;

        wire_arena_reset(&peer->arena);
        message = wire_parse(peer->type, WIRE_TO_CLIENT, type, peer->body.data, peer->body.size,
                             &peer->arena, &error);
        rooms_messages++;
        if (peer->type == SPICE_CHANNEL_DISPLAY && type < G_N_ELEMENTS(rooms_drawings))
            rooms_drawings[type]++;
        if (!message) {
            printf("# channel %u: %s\n", peer->type, error.text);
            rooms_bad_messages++;
            continue;
        }
        if (peer->type == SPICE_CHANNEL_DISPLAY && type == SPICE_MSG_DISPLAY_DRAW_COMPOSITE) {
            const WireMsgDisplayDrawComposite *composite = message;

            /* Deployed clients believe it. */
            rooms_bad_messages +=
                (composite->flags & SPICE_COMPOSITE_HAS_MASK) && !composite->mask_image;
        }
        if (type == SPICE_MSG_SET_ACK) {
            set_ack = message;
            peer_send(peer, SPICE_MSGC_ACK_SYNC, &(WireMsgcAckSync){set_ack->generation});
        } else if (type == SPICE_MSG_PING) {
            const WireMsgPing *ping = message;

            peer_send(peer, SPICE_MSGC_PONG, &(WireMsgcPong){ping->id, ping->timestamp});
        }
        if (peer->type != SPICE_CHANNEL_MAIN && ++unacknowledged[i] == ACK_WINDOW) {
            unacknowledged[i] = 0;
            peer_send(peer, SPICE_MSGC_ACK, NULL);
        }
    }
    if (peer->closed) {
        printf("# channel %u was closed\n", peer->type);
        rooms_bad_messages++;
    }
    if (peer->handled > 1 << 20) {
        g_byte_array_remove_range(peer->in, 0, peer->handled);
        peer->handled = 0;
    }
}

void fake_server_run(struct RedsState *server)
{
    peer_run_ms(server, 2);
    for (unsigned i = 0; i < n_peers; i++)
        take(i);
}

char *fake_views_take_log(void)
{
    return g_strdup("");
}
