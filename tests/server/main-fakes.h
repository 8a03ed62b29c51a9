/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Workers and inputs that are only asked and told, for tests of the main channel and the agent. */
#ifndef TESTS_SERVER_MAIN_FAKES_H
#define TESTS_SERVER_MAIN_FAKES_H

#include "worker/worker.h"

struct Worker {
    uint8_t channel_id;
    uint32_t ram_size;
    const char *address;
    uint32_t first, displays;
    bool takes_monitors;
    unsigned configs;
    uint32_t n_monitors, width, mm_height; /* of the last configuration */
};

extern unsigned fake_mouse_updates;
extern uint32_t fake_mode_requested;

#endif
