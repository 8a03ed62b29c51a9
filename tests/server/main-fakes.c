/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Workers and inputs for tests of the main channel and the agent. */
#include "main-fakes.h"

#include "main/inputs.h"

unsigned fake_mouse_updates;
uint32_t fake_mode_requested;

void server_update_mouse_mode(struct RedsState *server)
{
    (void)server;
    fake_mouse_updates++;
}

void inputs_request_mouse_mode(Inputs *inputs, uint32_t mode)
{
    (void)inputs;
    fake_mode_requested = mode;
}

uint32_t worker_ram_size(Worker *worker)
{
    return worker->ram_size;
}

bool worker_client_monitors_config(Worker *worker, VDAgentMonitorsConfig *config)
{
    if (config && worker->takes_monitors) {
        worker->configs++;
        worker->n_monitors = config->num_of_monitors;
        worker->width = config->num_of_monitors ? config->monitors[0].width : 0;
        if (config->num_of_monitors &&
            (config->flags & VD_AGENT_CONFIG_MONITORS_FLAG_PHYSICAL_SIZE))
            worker->mm_height =
                ((VDAgentMonitorMM *)(config->monitors + config->num_of_monitors))->height;
    }
    return worker->takes_monitors;
}

const char *worker_device_address(Worker *worker)
{
    return worker->address;
}

uint32_t worker_device_displays(Worker *worker, uint32_t *first)
{
    *first = worker->first;
    return worker->displays;
}

uint8_t worker_channel_id(Worker *worker)
{
    return worker->channel_id;
}
