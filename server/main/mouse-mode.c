/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The mouse mode: whether a client may place the pointer, and who is told.
 * docs/spec/server-api.md 12.2 */
#include "main/agent.h"
#include "main/inputs-private.h"
#include "main/main-channel.h"
#include "worker/worker.h"

bool inputs_agent_is_used(const Inputs *inputs)
{
    const struct RedsState *server = inputs->server;

    return server->options.agent_mouse && server->agent && agent_is_attached(server->agent);
}

/* What the devices say, and the size that positions refer to. */
static bool devices_allow(const struct RedsState *server, uint32_t *width, uint32_t *height)
{
    bool has_been = false;

    *width = *height = 0;
    for (GList *node = server->workers; node; node = node->next) {
        WorkerPrimary primary = worker_primary(node->data);

        if (primary.active) {
            *width = primary.width;
            *height = primary.height;
            return primary.mouse_allowed;
        }
        has_been = has_been || primary.mouse_allowed;
    }
    return has_been;
}

static unsigned display_channels(const struct RedsState *server)
{
    unsigned n = 0;

    for (GList *node = server->channels; node; node = node->next)
        n += ((Channel *)node->data)->class->type == SPICE_CHANNEL_DISPLAY;
    return n;
}

static bool client_is_allowed(const Inputs *inputs, uint32_t *width, uint32_t *height)
{
    const struct RedsState *server = inputs->server;
    bool tablet =
        inputs->tablet && g_list_length(server->workers) == 1 && display_channels(server) == 1;

    return devices_allow(server, width, height) && (inputs_agent_is_used(inputs) || tablet);
}

static void set_mode(Inputs *inputs, uint32_t mode)
{
    if (inputs->mode == mode)
        return;
    inputs->mode = mode;
    for (GList *node = inputs->server->workers; node; node = node->next)
        worker_set_mouse_mode(node->data, mode);
}

static void tell_clients(Inputs *inputs)
{
    if (inputs->server->main)
        main_channel_mouse_mode(inputs->server->main,
                                SPICE_MOUSE_MODE_SERVER |
                                    (inputs->client_allowed ? SPICE_MOUSE_MODE_CLIENT : 0),
                                inputs->mode);
}

static void tell_tablet(Inputs *inputs, uint32_t width, uint32_t height)
{
    SpiceTabletInstance *instance = inputs->tablet->instance;

    inputs->tablet_told = true;
    inputs->tablet_width = width;
    inputs->tablet_height = height;
    SPICE_CONTAINEROF(instance->base.sif, SpiceTabletInterface, base)
        ->set_logical_size(instance, (int)width, (int)height);
}

static bool tablet_knows(const Inputs *inputs, uint32_t width, uint32_t height)
{
    return inputs->tablet_told && inputs->tablet_width == width && inputs->tablet_height == height;
}

static void update(Inputs *inputs)
{
    uint32_t width, height, mode = inputs->mode;
    bool allowed = client_is_allowed(inputs, &width, &height);
    bool changed = allowed != inputs->client_allowed;

    inputs->client_allowed = allowed;
    if (!allowed)
        mode = SPICE_MOUSE_MODE_SERVER;
    changed = changed || mode != inputs->mode;
    set_mode(inputs, mode);
    if (changed)
        tell_clients(inputs);
    if (allowed && inputs->tablet && !tablet_knows(inputs, width, height))
        tell_tablet(inputs, width, height);
}

void server_update_mouse_mode(struct RedsState *server)
{
    if (server->inputs)
        update(server->inputs);
}

void inputs_tablet_came(Inputs *inputs)
{
    inputs->tablet_told = false;
    update(inputs);
}

void inputs_request_mouse_mode(Inputs *inputs, uint32_t mode)
{
    switch (mode) {
    case SPICE_MOUSE_MODE_CLIENT:
        if (!inputs->client_allowed)
            return;
        break;
    case SPICE_MOUSE_MODE_SERVER:
        break;
    default:
        log_limited(&inputs->log, "a client asks for mouse mode %u, which doesn't exist", mode);
        return;
    }
    if (mode != inputs->mode) {
        set_mode(inputs, mode);
        tell_clients(inputs);
    }
}

uint32_t inputs_mouse_mode(const Inputs *inputs)
{
    return inputs->mode;
}
