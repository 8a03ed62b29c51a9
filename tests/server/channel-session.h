/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A server with a main channel and another one, a client on both, and what the channels' callbacks
 * note of it. */
#ifndef TESTS_SERVER_CHANNEL_SESSION_H
#define TESTS_SERVER_CHANNEL_SESSION_H

#include "channel-peer.h"

/* What came since the session was opened. The display's callbacks come on its loop's thread. */
extern unsigned n_connected, n_disconnected, n_messages, n_fills;
extern uint32_t key_codes[64];                /* of the KEY_DOWN messages */
extern bool (*on_message)(ChannelClient *cc); /* what a message's callback does; NULL: nothing */
/* What the display's fill() sends while there is room: pings of so many bytes, so many of them. */
extern size_t fill_bytes;
extern unsigned n_fill_messages; /* that are left */

/* Of channels that do nothing but count. inputs has a limit of its queue, cursor a window of 20,
 * display fills. */
extern const ChannelClass main_class, inputs_class, cursor_class, display_class;

typedef struct Session {
    struct RedsState *server;
    Channel *main, *channel;
    Peer *main_peer, *peer;
    ChannelClient *cc; /* the channel's */
} Session;

Session open_session(const ChannelClass *class, bool mini, PeerSocket kind);
void close_session(Session *s);

void send_leds(ChannelClient *cc, uint16_t leds);

#endif
