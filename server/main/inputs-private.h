/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Private to inputs.c (instances, keyboard, the channel) and mouse-mode.c (the rule). */
#ifndef SERVER_MAIN_INPUTS_PRIVATE_H
#define SERVER_MAIN_INPUTS_PRIVATE_H

#include "log.h"
#include "main/inputs.h"

/* What the instances' st points to. */
struct SpiceKbdState {
    Inputs *inputs;
    SpiceKbdInstance *instance;
};
struct SpiceMouseState {
    Inputs *inputs;
    SpiceMouseInstance *instance;
};
struct SpiceTabletState {
    Inputs *inputs;
    SpiceTabletInstance *instance;
};

struct Inputs {
    struct RedsState *server;
    Channel *channel;
    SpiceKbdState *keyboard; /* NULL: none */
    SpiceMouseState *mouse;
    SpiceTabletState *tablet;

    uint16_t locks; /* as we believe them to be: SPICE_KEYBOARD_MODIFIER_FLAGS_* */
    LoopTimer *locks_timer;

    uint32_t mode; /* SPICE_MOUSE_MODE_* */
    bool client_allowed;
    uint32_t tablet_width, tablet_height; /* that the tablet was told last */
    bool tablet_told;
    uint32_t x, y; /* the agent's pointer */
    uint8_t display_id;
    LogLimit log;
};

/* In client mode the agent moves the pointer, not the tablet. */
bool inputs_agent_is_used(const Inputs *inputs);
/* The tablet has come: its size is told. */
void inputs_tablet_came(Inputs *inputs);

#endif
