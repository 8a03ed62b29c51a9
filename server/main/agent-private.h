/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The agent's proxy: its state, and what the main channel tells it. docs/spec/server-api.md 14 */
#ifndef SERVER_MAIN_AGENT_PRIVATE_H
#define SERVER_MAIN_AGENT_PRIVATE_H

#include "main/agent-filter.h"
#include "main/agent.h"
#include "main/char-device-private.h"

enum {
    AGENT_CLIENT_TOKENS = 10, /* AGENT_DATA that a client may send before it gets tokens back */
    AGENT_TOKENS_BACK = 5,    /* that are given back at once */
    AGENT_TOKEN_WAIT_MS = 30 * 1000,
    AGENT_MOUSE_PENDING = 16,  /* states that wait: movement is merged, buttons are not */
    AGENT_MONITORS_MAX = 6152, /* bytes of a monitors configuration: 256 monitors */
};

struct Agent {
    struct RedsState *server;
    CharDevice *device; /* NULL: none, or it has broken the rules */
    LogLimit log;

    /* The client that uses it: a main channel's connection; NULL: none. */
    ChannelClient *client;
    bool started;         /* it has sent AGENT_START since it and the agent are there */
    bool discarding;      /* the agent went away: what the client still sends has no meaning */
    uint32_t credit;      /* AGENT_DATA that it may send */
    uint32_t taken;       /* that the guest has taken, not given back yet */
    uint32_t send_tokens; /* AGENT_DATA that we may send; UINT32_MAX: any number */
    LoopTimer *token_timer;
    bool token_timer_runs;
    AgentFilter from_client;
    GByteArray *monitors; /* a configuration that is taken, as far as it came */

    /* From the guest. */
    uint8_t chunk_header[AGENT_CHUNK_HEADER_SIZE];
    unsigned chunk_header_size;
    uint32_t chunk_port, chunk_left;
    uint8_t piece[AGENT_PIECE_MAX];
    unsigned piece_size;
    bool piece_ready; /* complete, waits for a token or for room */
    AgentFilter from_guest;

    /* To the guest, from ourselves: one message is on its way at most. */
    bool self_busy;
    bool info_wanted; /* by the agent; it has the capability */
    bool info_pending;
    uint32_t mouse_buttons; /* that were sent last */
    unsigned n_mouse;
    AgentMouseState mouse[AGENT_MOUSE_PENDING];
};

/* ---- From the main channel (client: a connection of it) ---- */

/* A client has come: is there an agent for it? */
bool agent_client_connected(Agent *agent, ChannelClient *client);
void agent_client_disconnected(Agent *agent, ChannelClient *client);
void agent_client_start(Agent *agent, ChannelClient *client, uint32_t tokens);
/* False: it broke a rule, and is being closed. */
bool agent_client_data(Agent *agent, ChannelClient *client, WireBytes piece);
void agent_client_tokens(Agent *agent, ChannelClient *client, uint32_t tokens);
/* Its output is empty. */
void agent_client_room(Agent *agent, ChannelClient *client);

/* ---- From the character device ---- */

/* False: there is an agent already. */
bool agent_attach(Agent *agent, CharDevice *device);
void agent_detach(Agent *agent, CharDevice *device);

/* agent-guest.c */
extern const CharDeviceUser agent_guest_user;
void agent_guest_reset(Agent *agent);
void agent_send_client_disconnected(Agent *agent);
/* agent.c */
void agent_violation(Agent *agent, const char *what);
void agent_token_taken(Agent *agent);
void agent_wait_for_tokens(Agent *agent, bool wait);

#endif
