/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The monitors that a guest's driver puts on its primary surface. docs/spec/server-display.md 16 */
#include "worker/worker-private.h"

static uint32_t max_monitors(Worker *worker)
{
    uint32_t max;

    pthread_mutex_lock(&worker->lock);
    max = worker->max_monitors;
    pthread_mutex_unlock(&worker->lock);
    return max;
}

/* One monitor that shows all of the surface, as long as the driver says nothing else. If it does
 * this itself, clients aren't told: their other windows would close and open again. */
void worker_default_monitors(Worker *worker, uint32_t width, uint32_t height)
{
    const WireHead head = {.width = width, .height = height};
    const WireMsgDisplayMonitorsConfig config = {
        .max_allowed = worker->max_allowed, .n_heads = 1, .heads = &head};

    if (worker->driver_monitors)
        views_set_monitors(worker->views, &config);
    else
        views_monitors_config(worker->views, &config);
}

/* What of a monitor lies on the primary surface. */
static bool cut_head(const Surface *primary, const QXLHead *guest, WireHead *head)
{
    if (guest->surface_id != 0 || guest->width == 0 || guest->height == 0 ||
        guest->x >= primary->width || guest->y >= primary->height)
        return false;
    *head = (WireHead){
        .monitor_id = guest->id,
        .width = MIN(guest->width, primary->width - guest->x),
        .height = MIN(guest->height, primary->height - guest->y),
        .x = guest->x,
        .y = guest->y,
    };
    return true;
}

void worker_monitors_config(Worker *worker, uint64_t address, uint32_t group)
{
    GuestReader reader = {.slots = &worker->slots, .group = group};
    const Surface *primary = truth_surface(worker->truth, 0);
    QXLHead guest[WORKER_MAX_HEADS];
    WireHead heads[WORKER_MAX_HEADS];
    WireMsgDisplayMonitorsConfig config = {.heads = heads};
    QXLMonitorsConfig head;
    uint32_t max = max_monitors(worker), count;

    if (!memslots_map(&worker->slots, group, address, sizeof head + sizeof(QXLHead)) ||
        !guest_try_read(&reader, address, &head, sizeof head)) {
        worker_log(worker, "a monitors configuration isn't in a memory slot; ignored");
        return;
    }
    worker->driver_monitors = true;
    if (head.count == 0 || head.count > head.max_allowed) {
        worker_log(worker, "a configuration of %u monitors, %u allowed; ignored", head.count,
                   head.max_allowed);
        return;
    }
    if (!memslots_map(&worker->slots, group, address, sizeof head + head.count * sizeof *guest)) {
        worker_log(worker, "a monitors configuration isn't in a memory slot; ignored");
        return;
    }
    count = MIN(MIN(head.count, max), WORKER_MAX_HEADS);
    if (!guest_try_read(&reader, address + sizeof head, guest, count * sizeof *guest))
        return;
    config.max_allowed = worker->max_allowed = MIN(head.max_allowed, max);
    for (uint32_t i = 0; primary && i < count; i++) {
        if (cut_head(primary, &guest[i], &heads[config.n_heads]))
            config.n_heads++;
    }
    views_monitors_config(worker->views, &config);
}
