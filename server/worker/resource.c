/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Commands of the guest that are not released yet: each goes back to the device exactly once, when
 * the last one who needs its memory lets go. docs/spec/server-display.md 6 */
#include "worker/worker-private.h"

static void release(GuestResource *resource)
{
    Worker *worker = resource->owner;
    struct QXLReleaseInfoExt info = {.info = resource->info, .group_id = resource->group_id};

    g_free(resource);
    worker->interface->release_resource(worker->qxl, info);
}

GuestResource *worker_resource(Worker *worker, const QXLCommandExt *command)
{
    void *info =
        memslots_map(&worker->slots, command->group_id, command->cmd.data, sizeof(QXLReleaseInfo));
    GuestResource *resource;

    if (!info)
        return NULL;
    resource = g_new(GuestResource, 1);
    *resource = (GuestResource){
        .refs = 1,
        .release = release,
        .info = info,
        .group_id = command->group_id,
        .owner = worker,
    };
    return resource;
}
