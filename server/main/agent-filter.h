/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What becomes of agent messages on their way: a verdict for each message, from its header, that
 * holds for all its pieces. docs/spec/server-api.md 14.4, docs/spec/agent.md 1.1, 3 */
#ifndef SERVER_MAIN_AGENT_FILTER_H
#define SERVER_MAIN_AGENT_FILTER_H

#include "agent/agent.h"

typedef enum AgentVerdict {
    AGENT_PASS,
    AGENT_DROP,
    AGENT_TAKE, /* the client's MONITORS_CONFIG, for the devices */
    AGENT_BAD,  /* against the rules of pieces */
} AgentVerdict;

typedef struct AgentFilter {
    uint32_t left; /* bytes of the message that are still to come; 0: a header comes next */
    AgentVerdict verdict;
    /* of the message that has begun */
    uint32_t type, size;
    bool begins; /* the last piece was the first of its message */
} AgentFilter;

/* What is allowed now. */
typedef struct AgentRules {
    bool copy_paste, file_transfer;
    bool deliver;       /* false: everything is dropped, the rules of pieces are checked */
    bool take_monitors; /* MONITORS_CONFIG isn't for the agent */
} AgentRules;

/* One piece. rules are looked at when a message begins. */
AgentVerdict agent_filter(AgentFilter *filter, const AgentRules *rules, WireBytes piece);
/* What has begun is dropped up to its end. */
void agent_filter_drop(AgentFilter *filter);
/* The next piece begins a message. */
void agent_filter_reset(AgentFilter *filter);

/* The first piece of the agent's ANNOUNCE_CAPABILITIES: what the server doesn't allow is taken out
 * of it. Tells whether the agent wants GRAPHICS_DEVICE_INFO. */
bool agent_filter_announcement(uint8_t *piece, size_t size, const AgentRules *rules);

#endif
