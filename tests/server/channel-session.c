/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "channel-session.h"

unsigned n_connected, n_disconnected, n_messages, n_fills;
uint32_t key_codes[64];
bool (*on_message)(ChannelClient *cc);
size_t fill_bytes;
unsigned n_fill_messages;

static void connected(ChannelClient *cc)
{
    n_connected++;
}

static void disconnected(ChannelClient *cc)
{
    n_disconnected++;
}

static bool message(ChannelClient *cc, uint16_t type, const void *msg, WireBytes body)
{
    if (type == SPICE_MSGC_INPUTS_KEY_DOWN && n_messages < G_N_ELEMENTS(key_codes))
        key_codes[n_messages] = ((const WireMsgcInputsKeyDown *)msg)->code;
    n_messages++;
    return on_message ? on_message(cc) : true;
}

static void fill(ChannelClient *cc)
{
    static uint8_t zeros[1 << 16];

    n_fills++;
    while (n_fill_messages && channel_client_room(cc)) {
        WireMsgPing ping = {.padding = {zeros, fill_bytes}};

        n_fill_messages--;
        if (!channel_client_send(cc, SPICE_MSG_PING, &ping))
            return;
    }
}

const ChannelClass main_class = {
    .type = SPICE_CHANNEL_MAIN,
    .client_size = sizeof(ChannelClient),
    .message = message,
};
const ChannelClass inputs_class = {
    .type = SPICE_CHANNEL_INPUTS,
    .client_size = sizeof(ChannelClient),
    .queue_limit = 100000,
    .connected = connected,
    .disconnected = disconnected,
    .message = message,
};
const ChannelClass cursor_class = {
    .type = SPICE_CHANNEL_CURSOR,
    .client_size = sizeof(ChannelClient),
    .ack_window = 20,
    .connected = connected,
    .disconnected = disconnected,
    .message = message,
};
const ChannelClass display_class = {
    .type = SPICE_CHANNEL_DISPLAY,
    .client_size = sizeof(ChannelClient),
    .connected = connected,
    .disconnected = disconnected,
    .message = message,
    .fill = fill,
};

Session open_session(const ChannelClass *class, bool mini, PeerSocket kind)
{
    Session s = {.server = peer_server_new()};

    n_connected = n_disconnected = n_messages = n_fills = 0;
    on_message = NULL;
    s.main = channel_new(s.server, &main_class, 0, s.server->loop, NULL);
    s.channel = channel_new(s.server, class, 0, s.server->loop, NULL);
    s.main_peer = peer_link(s.server, SPICE_CHANNEL_MAIN, 0, 0, true, NULL, PEER_UNIX);
    ChannelClient *main_cc = s.main->clients->data;
    s.peer = peer_link(s.server, class->type, 0, client_connection_id(main_cc->client), mini, NULL,
                       kind);
    peer_run(s.server);
    s.cc = s.channel->clients->data;
    return s;
}

void close_session(Session *s)
{
    channel_free(s->channel);
    channel_free(s->main);
    peer_free(s->peer);
    peer_free(s->main_peer);
    peer_server_free(s->server);
}

void send_leds(ChannelClient *cc, uint16_t leds)
{
    WireMsgInputsKeyModifiers modifiers = {.modifiers = leds};

    channel_client_send(cc, SPICE_MSG_INPUTS_KEY_MODIFIERS, &modifiers);
}
