/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Surfaces: those that the guest's commands create and destroy, and the primary, which the device's
 * calls do. docs/spec/server-display.md 4.11, 7 */
#include <spice/enums.h>

#include "worker/worker-private.h"

/* Surface parameters of a command or of a primary (4.11), checked. */
typedef struct SurfaceRequest {
    uint32_t format, width, height;
    int32_t stride;
    uint64_t address;
} SurfaceRequest;

/* 1_A is none of them: no guest uses it, and its pixels can't be sent to deployed clients. */
static unsigned int format_bits(uint32_t format)
{
    switch (format) {
    case SPICE_SURFACE_FMT_8_A:
        return 8;
    case SPICE_SURFACE_FMT_16_555:
    case SPICE_SURFACE_FMT_16_565:
        return 16;
    case SPICE_SURFACE_FMT_32_xRGB:
    case SPICE_SURFACE_FMT_32_ARGB:
        return 32;
    default:
        return 0;
    }
}

/* The lowest address of its pixels; NULL: *problem. */
static uint8_t *surface_memory(const MemSlots *slots, uint32_t group, const SurfaceRequest *request,
                               const char **problem)
{
    unsigned int bits = format_bits(request->format);
    uint64_t stride = request->stride < 0 ? -(int64_t)request->stride : request->stride;
    uint8_t *memory = NULL;

    if (bits == 0)
        *problem = "a surface of unknown format";
    else if (request->width == 0 || request->height == 0 || request->width > 65535 ||
             request->height > 65535)
        *problem = "a surface of impossible size";
    else if (stride % 4 != 0 || stride > 0x7fffffff ||
             stride < ((uint64_t)request->width * bits + 7) / 8)
        *problem = "a surface with a bad stride";
    else if (stride * request->height > 0x7fffffff)
        *problem = "a surface of more than 2 GiB";
    else if (!(memory = memslots_map(slots, group, request->address, stride * request->height)))
        *problem = "a surface that isn't in a memory slot";
    else if ((uintptr_t)memory % 4 != 0) {
        *problem = "a surface at an odd address";
        memory = NULL;
    }
    return memory;
}

/* A reference of its own to a command, if there is one. */
static GuestResource *keep(GuestResource *resource)
{
    return resource ? guest_resource_ref(resource) : NULL;
}

static uint8_t *line_0(uint8_t *memory, const SurfaceRequest *request)
{
    return request->stride < 0 ? memory - (int64_t)request->stride * (request->height - 1) : memory;
}

static void create(Worker *worker, uint32_t id, const QXLSurface *guest, uint32_t group,
                   GuestResource *resource, bool keep_data)
{
    const SurfaceRequest request = {guest->format, guest->width, guest->height, guest->stride,
                                    guest->data};
    const char *problem = NULL;
    Surface *surface;
    uint8_t *memory;

    if (truth_surface(worker->truth, id)) {
        worker_log(worker, "the guest creates surface %u, which exists", id);
        return;
    }
    memory = surface_memory(&worker->slots, group, &request, &problem);
    if (!memory) {
        worker_log(worker, "the guest creates %s; ignored", problem);
        return;
    }
    surface =
        truth_create_surface(worker->truth, id, request.format, request.width, request.height,
                             request.stride, line_0(memory, &request), keep_data, keep(resource));
    if (surface)
        views_surface_created(worker->views, surface);
    else
        worker_log(worker, "surface %u can't be created", id);
}

static void destroy(Worker *worker, Surface *surface, GuestResource *resource)
{
    views_surface_destroyed(worker->views, surface);
    truth_destroy_surface(worker->truth, surface, keep(resource));
}

void worker_surface_command(Worker *worker, const QXLCommandExt *command, GuestResource *resource,
                            bool keep_data)
{
    GuestReader reader = {.slots = &worker->slots, .group = command->group_id};
    Surface *surface;
    QXLSurfaceCmd guest;

    if (!guest_try_read(&reader, command->cmd.data, &guest, sizeof guest)) {
        worker_log(worker, "a surface command isn't in a memory slot; ignored");
        return;
    }
    if (guest.surface_id == 0 || guest.surface_id >= worker->n_surfaces) {
        worker_log(worker, "a surface command for number %u; ignored", guest.surface_id);
        return;
    }
    switch (guest.type) {
    case QXL_SURFACE_CMD_CREATE:
        create(worker, guest.surface_id, &guest.u.surface_create, command->group_id, resource,
               keep_data || guest.flags & QXL_SURF_FLAG_KEEP_DATA);
        break;
    case QXL_SURFACE_CMD_DESTROY:
        surface = truth_surface(worker->truth, guest.surface_id);
        if (surface)
            destroy(worker, surface, resource);
        else
            worker_log(worker, "the guest destroys surface %u, which doesn't exist",
                       guest.surface_id);
        break;
    default:
        worker_log(worker, "a surface command of unknown type; ignored");
        break;
    }
}

/* ---- the primary ---- */

static void set_primary(Worker *worker, const WorkerPrimary *primary)
{
    pthread_mutex_lock(&worker->lock);
    worker->primary = *primary;
    worker->primary_ever = true;
    pthread_mutex_unlock(&worker->lock);
    worker_mouse_rule_changed(worker);
}

void worker_create_primary(Worker *worker, uint32_t id, const QXLDevSurfaceCreate *guest,
                           RecordEvent event)
{
    const SurfaceRequest request = {guest->format, guest->width, guest->height, guest->stride,
                                    guest->mem};
    const WorkerPrimary primary = {true, guest->mouse_mode != 0, guest->width, guest->height};
    const bool keep_data = guest->flags & QXL_SURF_FLAG_KEEP_DATA;
    const char *problem = NULL;
    uint8_t *memory = NULL;
    Surface *surface;

    if (id != 0)
        problem = "another number than 0";
    else
        memory = surface_memory(&worker->slots, guest->group_id, &request, &problem);
    recorder_primary(worker->server->recorder, event, guest, memory);
    if (!memory) {
        worker_log(worker, "the primary surface can't be created: %s", problem);
        if (id == 0)
            set_primary(worker, &primary);
        return;
    }
    surface = truth_surface(worker->truth, 0);
    if (surface)
        destroy(worker, surface, NULL);
    surface = truth_create_surface(worker->truth, 0, request.format, request.width, request.height,
                                   request.stride, line_0(memory, &request), keep_data, NULL);
    set_primary(worker, &primary);
    if (!surface) {
        worker_log(worker, "no memory for the primary surface");
        return;
    }
    views_surface_created(worker->views, surface);
    worker_default_monitors(worker, request.width, request.height);
    views_primary_ready(worker->views);
    cursor_primary_created(worker->cursor);
}

void worker_destroy_primary(Worker *worker, uint32_t id)
{
    Surface *surface;

    if (id != 0) {
        worker_log(worker, "the primary surface can't have number %u", id);
        return;
    }
    worker_flush_rings(worker);
    surface = truth_surface(worker->truth, 0);
    if (surface)
        destroy(worker, surface, NULL);
    else
        worker_log(worker, "there is no primary surface to be destroyed");
    cursor_primary_destroyed(worker->cursor);
    set_primary(worker, &(WorkerPrimary){0});
}

void worker_destroy_surfaces(Worker *worker)
{
    worker_flush_rings(worker);
    /* The primary last, as a guest would do it. */
    for (uint32_t id = worker->n_surfaces; id-- > 0;) {
        Surface *surface = truth_surface(worker->truth, id);

        if (surface)
            destroy(worker, surface, NULL);
    }
    views_reset(worker->views);
    cursor_primary_destroyed(worker->cursor);
}
