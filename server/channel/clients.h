/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The clients of a server: from an authenticated link to a connection of a channel. Main thread.
 * docs/spec/server-api.md 8.2, 8.6, 8.7 */
#ifndef SERVER_CHANNEL_CLIENTS_H
#define SERVER_CHANNEL_CLIENTS_H

#include "server.h"

Clients *clients_new(struct RedsState *server);
void clients_free(Clients *clients); /* all are disconnected */

/* The channel that a link message names; NULL: no such (the link is closed without reply, except
 * for MAIN). */
Channel *clients_find_channel(struct RedsState *server, uint8_t type, uint8_t id);
/* The link result for an authenticated link: OK, BAD_CONNECTION_ID, CHANNEL_NOT_AVAILABLE. */
SpiceLinkErr clients_check(struct RedsState *server, const WireLinkMess *mess);
/* A main link has passed authentication and clients_check(): disconnects the clients that are there
 * (unless several are allowed), so that all their DISCONNECTED events come now, before the result
 * OK is written and INITIALIZED told; then draws the new session's connection id. Who follows the
 * machine from another host keeps the one from there. */
uint32_t clients_new_connection_id(struct RedsState *server, const WireLinkMess *mess);
/* The result OK was written and INITIALIZED told: the stream becomes a connection of its channel
 * (or is closed, if the client has that channel already). A main link makes a new client.
 * connection_id: of the session; for a main link what clients_new_connection_id() has drawn. Takes
 * the stream over. */
void clients_attach(struct RedsState *server, const WireLinkMess *mess, uint32_t connection_id,
                    Stream *stream);

/* All channels of one client, or of all; now, or - inside a callback of one of its connections - as
 * soon as that returns. reason NULL: no log line. */
void clients_disconnect(Client *client, const char *reason);
void clients_disconnect_all(struct RedsState *server, const char *reason);
unsigned clients_count(struct RedsState *server);
/* The machine has been started: who was to follow it here has to do so now. */
void clients_machine_runs(struct RedsState *server);
bool clients_has_main(struct RedsState *server);

#endif
