/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The main channel: session, channels list, mouse mode, names, network test. Main thread.
 * docs/spec/server-api.md 10 */
#ifndef SERVER_MAIN_MAIN_CHANNEL_H
#define SERVER_MAIN_MAIN_CHANNEL_H

#include "server.h"

MainChannel *main_channel_new(struct RedsState *server);
void main_channel_free(MainChannel *channel); /* NULL is fine */

/* Mouse modes that are possible, or the current one, have changed: clients are told (10.5). */
void main_channel_mouse_mode(MainChannel *channel, uint32_t supported, uint32_t current);
/* A message for all clients (SPICE_MSG_MAIN_*). False: there is none. */
bool main_channel_send_all(MainChannel *channel, uint16_t type, const void *message);

#endif
