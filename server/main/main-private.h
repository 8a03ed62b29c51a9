/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The main channel's state; for it and its tests. */
#ifndef SERVER_MAIN_MAIN_PRIVATE_H
#define SERVER_MAIN_MAIN_PRIVATE_H

#include "channel/client-private.h"
#include "main/main-channel.h"

struct MainChannel {
    struct RedsState *server;
    Channel *channel;
    uint32_t mouse_modes, mouse_mode; /* as told to clients */
};

typedef struct MainClient {
    ChannelClient base;
    bool has_list; /* new channels are announced */
    LoopTimer *monitor;
    ChannelActivity activity; /* when the monitor looked last */
    LogLimit log;
} MainClient;

#endif
