/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A client of the link stage that says what a test wants it to, over TLS or not. */
#ifndef TESTS_SERVER_LINK_PEER_H
#define TESTS_SERVER_LINK_PEER_H

#include <openssl/ssl.h>

#include "net-support.h"

typedef struct LinkPeer {
    int fd;
    SSL *ssl; /* NULL: plain */
    bool ended;
} LinkPeer;

/* The peer at this end of a connection, which becomes non-blocking; takes it. */
LinkPeer link_peer_over(int fd);
/* Put TLS over a connection. */
bool link_peer_start_tls(LinkPeer *peer);
void link_peer_close(LinkPeer *peer);
bool link_peer_send(LinkPeer *peer, const void *data, size_t size);
/* Up to 'size' bytes, waiting at most ms; peer->ended is set when the end was seen. */
size_t link_peer_receive(LinkPeer *peer, void *data, size_t size, int ms);
/* Nothing but the end comes. */
bool link_peer_sees_end(LinkPeer *peer);

enum { LINK_COMMON = 0x0b }; /* what a client without SASL says */

/* Header, message, and common word; returns the size. */
size_t link_message(uint8_t *out, uint32_t connection_id, uint8_t type, uint8_t id,
                    uint32_t common_caps);
/* Sends such a message and reads the reply with its words; false: no whole reply came. */
bool link_peer_hello(LinkPeer *peer, uint32_t connection_id, uint8_t type, uint8_t id,
                     uint32_t common_caps, WireLinkReply *reply);
/* The ticket for this text, which has size bytes, NUL included. */
bool link_ticket(const uint8_t *pub_key, const void *text, size_t size, uint8_t *ticket);
/* Mechanism word and ticket; returns the link result, or -1. */
int link_peer_login(LinkPeer *peer, const uint8_t *pub_key, const void *text, size_t size);
/* All of it. */
int link_peer_link(LinkPeer *peer, uint32_t connection_id, uint8_t type, uint8_t id,
                   const char *password);

/* ---- Expectations ---- */

/* The whole of an error reply: 16 + 178 bytes, zero but for the error. */
bool link_peer_gets_error(LinkPeer *peer, uint32_t error);

#endif
