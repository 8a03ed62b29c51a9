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

/* What of a monitor lies on a primary surface of that size. */
static bool cut_head(const QXLHead *guest, uint32_t width, uint32_t height, WireHead *head)
{
    if (guest->surface_id != 0 || guest->width == 0 || guest->height == 0 || guest->x >= width ||
        guest->y >= height)
        return false;
    *head = (WireHead){
        .monitor_id = guest->id,
        .width = MIN(guest->width, width - guest->x),
        .height = MIN(guest->height, height - guest->y),
        .x = guest->x,
        .y = guest->y,
    };
    return true;
}

/* Tell clients what the driver wants, as far as it fits. */
static void send_driver_monitors(Worker *worker, uint32_t width, uint32_t height)
{
    WireHead heads[WORKER_MAX_HEADS];
    WireMsgDisplayMonitorsConfig config = {.max_allowed = worker->max_allowed, .heads = heads};

    worker->driver_heads_cut = false;
    for (uint32_t i = 0; i < worker->n_driver_heads; i++) {
        const QXLHead *guest = &worker->driver_heads[i];
        WireHead *head = &heads[config.n_heads];

        if (cut_head(guest, width, height, head)) {
            config.n_heads++;
            if (head->width == guest->width && head->height == guest->height)
                continue;
        }
        worker->driver_heads_cut = true;
    }
    views_monitors_config(worker->views, &config);
}

/* One monitor that shows all of the surface, as long as the driver says nothing else. If it does
 * this itself, clients aren't told: their other windows would close and open again. But Linux's
 * driver says what it wants while its surface is still one of 64 x 64: what didn't fit then is told
 * when a larger one is there. */
void worker_default_monitors(Worker *worker, uint32_t width, uint32_t height)
{
    const WireHead head = {.width = width, .height = height};
    const WireMsgDisplayMonitorsConfig config = {
        .max_allowed = worker->max_allowed, .n_heads = 1, .heads = &head};

    if (!worker->driver_monitors)
        views_monitors_config(worker->views, &config);
    else if (worker->driver_heads_cut)
        send_driver_monitors(worker, width, height);
    else
        views_set_monitors(worker->views, &config);
}

void worker_monitors_config(Worker *worker, uint64_t address, uint32_t group)
{
    GuestReader reader = {.slots = &worker->slots, .group = group};
    const Surface *primary = truth_surface(worker->truth, 0);
    QXLHead guest[WORKER_MAX_HEADS];
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
    memcpy(worker->driver_heads, guest, count * sizeof *guest);
    worker->n_driver_heads = count;
    worker->max_allowed = MIN(head.max_allowed, max);
    if (primary)
        send_driver_monitors(worker, primary->width, primary->height);
}
