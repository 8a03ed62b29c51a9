/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An admission with channels and clients that are only written down. */
#ifndef TESTS_SERVER_LINK_SERVER_H
#define TESTS_SERVER_LINK_SERVER_H

#include "link-peer.h"
#include "link/admission.h"

extern struct RedsState link_server;
extern Admission *link_admission;

/* Channels that there are: MAIN 0 (capabilities 0x0f), INPUTS 0 (0x1), CURSOR 0 (none), USBREDIR 0
 * and 1. The session 0x1001 exists. What was attached: */
typedef struct Attached {
    WireLinkMess mess;
    uint32_t connection_id;
    Stream *stream;
} Attached;
extern GArray *link_attached; /* of Attached */
extern SpiceLinkErr link_check_result;
extern bool link_new_id_called;

/* Options as spice_server_new() has them, without listeners; ticketing off. */
void link_server_defaults(void);
/* Opens the admission; false: it refused. */
bool link_server_open(void);
/* Closes it and all attached streams; the loop is left without watches and timers, else false. */
bool link_server_close(void);

/* A client by admission_add_client(). */
LinkPeer link_peer_new(bool skip_auth);
LinkPeer link_peer_new_tls(bool skip_auth);

#endif
