/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a QXL device calls: spice_qxl_*(), and what the other rooms ask of a worker. Calls for
 * instances that are not attached are ignored, with a log line. docs/spec/server-api.md 2.3, 11.3
 */
#include <string.h>
#include <unistd.h>

#include "main/agent.h"
#include "worker/worker-private.h"

/* ---- which worker ---- */

/* Attached instances of all servers. An instance's own pointer can't be trusted: programs fill it
 * with what they like before. */
static pthread_rwlock_t registry_lock = PTHREAD_RWLOCK_INITIALIZER;
static GList *registry; /* Worker */
static LogLimit unattached_log;

void worker_register(Worker *worker)
{
    pthread_rwlock_wrlock(&registry_lock);
    registry = g_list_prepend(registry, worker);
    pthread_rwlock_unlock(&registry_lock);
}

void worker_unregister(Worker *worker)
{
    pthread_rwlock_wrlock(&registry_lock);
    registry = g_list_remove(registry, worker);
    pthread_rwlock_unlock(&registry_lock);
}

static Worker *find(const QXLInstance *qxl)
{
    for (GList *link = registry; link; link = link->next) {
        Worker *worker = link->data;

        if (worker->qxl == qxl)
            return worker;
    }
    return NULL;
}

Worker *worker_of(QXLInstance *qxl)
{
    Worker *worker;

    pthread_rwlock_rdlock(&registry_lock);
    worker = find(qxl);
    pthread_rwlock_unlock(&registry_lock);
    return worker;
}

static Worker *worker_for_call(QXLInstance *qxl)
{
    Worker *worker = worker_of(qxl);

    if (!worker)
        log_limited(&unattached_log, "a call for a QXL device that isn't attached; ignored");
    return worker;
}

static void call(QXLInstance *qxl, WorkerRequest *request)
{
    Worker *worker = worker_for_call(qxl);

    if (worker)
        worker_request_sync(worker, request);
}

static void post(QXLInstance *qxl, const WorkerRequest *request)
{
    Worker *worker = worker_for_call(qxl);

    if (worker)
        worker_request_async(worker, request);
}

static void post_with_cookie(QXLInstance *qxl, WorkerRequest *request, uint64_t cookie)
{
    request->has_cookie = true;
    request->cookie = cookie;
    post(qxl, request);
}

/* ---- wake-ups: no lock is waited for, and only the first of many costs something ---- */

static void raise_flag(QXLInstance *qxl, size_t offset, bool patient)
{
    Worker *worker;

    pthread_rwlock_rdlock(&registry_lock);
    worker = find(qxl);
    if (worker) {
        int *flag = (int *)((char *)worker + offset);

        if (!__atomic_exchange_n(flag, 1, __ATOMIC_SEQ_CST) &&
            !(patient && __atomic_load_n(&worker->dozing, __ATOMIC_SEQ_CST)))
            loop_wake(worker->loop);
    }
    pthread_rwlock_unlock(&registry_lock);
}

void spice_qxl_wakeup(QXLInstance *instance)
{
    raise_flag(instance, offsetof(Worker, wakeup), true);
}

void spice_qxl_oom(QXLInstance *instance)
{
    raise_flag(instance, offsetof(Worker, oom), false);
}

/* ---- running ---- */

static void run_start(Worker *worker, const WorkerRequest *request)
{
    worker_set_running(worker, true);
}

static void run_stop(Worker *worker, const WorkerRequest *request)
{
    worker_set_running(worker, false);
}

void worker_start(Worker *worker)
{
    worker_request_async(worker, &(WorkerRequest){.run = run_start, .record = RECORD_START});
}

void worker_stop(Worker *worker)
{
    worker_request_sync(worker, &(WorkerRequest){.run = run_stop, .record = RECORD_STOP});
}

void spice_qxl_start(QXLInstance *instance)
{
    post(instance, &(WorkerRequest){.run = run_start, .record = RECORD_START});
}

void spice_qxl_stop(QXLInstance *instance)
{
    call(instance, &(WorkerRequest){.run = run_stop, .record = RECORD_STOP});
}

/* ---- update_area ---- */

static QXLRect qxl_rect(const pixman_box32_t *box)
{
    return (QXLRect){.left = box->x1, .top = box->y1, .right = box->x2, .bottom = box->y2};
}

/* The first n - 1 as they are, the others in the last one. */
static void report(QXLRect *rects, uint32_t n, const pixman_region32_t *region)
{
    int count;
    const pixman_box32_t *boxes = pixman_region32_rectangles((pixman_region32_t *)region, &count);

    if (n == 0)
        return;
    memset(rects, 0, n * sizeof *rects);
    for (uint32_t i = 0; i < (uint32_t)count; i++) {
        QXLRect rect = qxl_rect(&boxes[i]), *last = &rects[n - 1];

        if (i < n) {
            rects[i] = rect;
            continue;
        }
        last->left = MIN(last->left, rect.left);
        last->top = MIN(last->top, rect.top);
        last->right = MAX(last->right, rect.right);
        last->bottom = MAX(last->bottom, rect.bottom);
    }
}

/* NULL: no such surface. */
static Surface *render_for_device(Worker *worker, const WorkerRequest *request)
{
    Surface *surface;

    worker_flush_rings(worker);
    surface = truth_surface(worker->truth, request->u.update.surface_id);
    if (!surface) {
        worker_log(worker, "the device asks for an area of surface %u, which doesn't exist",
                   request->u.update.surface_id);
        return NULL;
    }
    worker_render_area(worker, surface, &request->u.update.area);
    return surface;
}

static void run_update(Worker *worker, const WorkerRequest *request)
{
    Surface *surface = render_for_device(worker, request);

    if (!surface)
        return;
    if (request->u.update.rects)
        report(request->u.update.rects, request->u.update.n_rects, &surface->dirty);
    if (request->u.update.clear)
        pixman_region32_clear(&surface->dirty);
}

void spice_qxl_update_area(QXLInstance *instance, uint32_t surface_id, struct QXLRect *area,
                           struct QXLRect *dirty_rects, uint32_t num_dirty_rects,
                           uint32_t clear_dirty_region)
{
    WorkerRequest request = {.run = run_update, .record = RECORD_UPDATE_AREA};

    if (dirty_rects && num_dirty_rects)
        memset(dirty_rects, 0, num_dirty_rects * sizeof *dirty_rects);
    request.u.update.surface_id = surface_id;
    if (area)
        request.u.update.area = *area;
    request.u.update.rects = dirty_rects;
    request.u.update.n_rects = num_dirty_rects;
    request.u.update.clear = clear_dirty_region != 0;
    call(instance, &request);
}

static void run_update_async(Worker *worker, const WorkerRequest *request)
{
    Surface *surface = render_for_device(worker, request);
    int n = 0;
    const pixman_box32_t *boxes = NULL;
    QXLRect *rects = NULL, all;

    if (surface)
        boxes = pixman_region32_rectangles(&surface->dirty, &n);
    if (n > 0) {
        rects = g_try_new(QXLRect, n);
        if (rects) {
            for (int i = 0; i < n; i++)
                rects[i] = qxl_rect(&boxes[i]);
        } else {
            all = qxl_rect(pixman_region32_extents(&surface->dirty));
            n = 1;
        }
    }
    if (surface && request->u.update.clear)
        pixman_region32_clear(&surface->dirty);
    if (worker->interface->update_area_complete)
        worker->interface->update_area_complete(worker->qxl, request->u.update.surface_id,
                                                rects || n == 0 ? rects : &all, n);
    g_free(rects);
}

void spice_qxl_update_area_async(QXLInstance *instance, uint32_t surface_id, QXLRect *qxl_area,
                                 uint32_t clear_dirty_region, uint64_t cookie)
{
    WorkerRequest request = {.run = run_update_async, .record = RECORD_UPDATE_AREA_ASYNC};

    request.u.update.surface_id = surface_id;
    if (qxl_area)
        request.u.update.area = *qxl_area;
    request.u.update.clear = clear_dirty_region != 0;
    post_with_cookie(instance, &request, cookie);
}

/* ---- memory slots ---- */

static void run_add_memslot(Worker *worker, const WorkerRequest *request)
{
    const QXLDevMemSlot *guest = &request->u.add_memslot.slot;
    const MemSlot slot = {guest->virt_start, guest->virt_end, guest->addr_delta, guest->generation};

    if (guest->virt_end < guest->virt_start)
        worker_log(worker, "memory slot %u of group %u ends before it begins; ignored",
                   guest->slot_id, guest->slot_group_id);
    else if (!memslots_add(&worker->slots, guest->slot_group_id, guest->slot_id, &slot))
        worker_log(worker, "there is no memory slot %u of group %u; not added", guest->slot_id,
                   guest->slot_group_id);
}

static void run_del_memslot(Worker *worker, const WorkerRequest *request)
{
    if (!memslots_remove(&worker->slots, request->u.del_memslot.group, request->u.del_memslot.id))
        worker_log(worker, "there is no memory slot %u of group %u; not deleted",
                   request->u.del_memslot.id, request->u.del_memslot.group);
}

static void run_reset_memslots(Worker *worker, const WorkerRequest *request)
{
    memslots_reset(&worker->slots);
}

void spice_qxl_add_memslot(QXLInstance *instance, QXLDevMemSlot *slot)
{
    if (slot)
        call(instance, &(WorkerRequest){.run = run_add_memslot,
                                        .record = RECORD_ADD_MEMSLOT,
                                        .u.add_memslot = {*slot}});
}

void spice_qxl_add_memslot_async(QXLInstance *instance, QXLDevMemSlot *slot, uint64_t cookie)
{
    WorkerRequest request = {.run = run_add_memslot, .record = RECORD_ADD_MEMSLOT_ASYNC};

    /* One that can't be: the call completes all the same. */
    request.u.add_memslot.slot =
        slot ? *slot : (QXLDevMemSlot){.slot_group_id = UINT32_MAX, .slot_id = UINT32_MAX};
    post_with_cookie(instance, &request, cookie);
}

void spice_qxl_del_memslot(QXLInstance *instance, uint32_t slot_group_id, uint32_t slot_id)
{
    post(instance, &(WorkerRequest){.run = run_del_memslot,
                                    .record = RECORD_DEL_MEMSLOT,
                                    .u.del_memslot = {slot_group_id, slot_id}});
}

void spice_qxl_reset_memslots(QXLInstance *instance)
{
    post(instance, &(WorkerRequest){.run = run_reset_memslots, .record = RECORD_RESET_MEMSLOTS});
}

/* ---- surfaces ---- */

static void run_destroy_surfaces(Worker *worker, const WorkerRequest *request)
{
    worker_destroy_surfaces(worker);
}

void spice_qxl_destroy_surfaces(QXLInstance *instance)
{
    call(instance,
         &(WorkerRequest){.run = run_destroy_surfaces, .record = RECORD_DESTROY_SURFACES});
}

void spice_qxl_destroy_surfaces_async(QXLInstance *instance, uint64_t cookie)
{
    WorkerRequest request = {.run = run_destroy_surfaces, .record = RECORD_DESTROY_SURFACES_ASYNC};

    post_with_cookie(instance, &request, cookie);
}

static void run_destroy_primary(Worker *worker, const WorkerRequest *request)
{
    worker_destroy_primary(worker, request->u.surface_id);
}

void spice_qxl_destroy_primary_surface(QXLInstance *instance, uint32_t surface_id)
{
    call(instance, &(WorkerRequest){.run = run_destroy_primary,
                                    .record = RECORD_DESTROY_PRIMARY,
                                    .u.surface_id = surface_id});
}

void spice_qxl_destroy_primary_surface_async(QXLInstance *instance, uint32_t surface_id,
                                             uint64_t cookie)
{
    WorkerRequest request = {.run = run_destroy_primary,
                             .record = RECORD_DESTROY_PRIMARY_ASYNC,
                             .u.surface_id = surface_id};

    post_with_cookie(instance, &request, cookie);
}

static void run_create_primary(Worker *worker, const WorkerRequest *request)
{
    worker_create_primary(worker, request->u.primary.id, &request->u.primary.create,
                          request->has_cookie ? RECORD_CREATE_PRIMARY_ASYNC
                                              : RECORD_CREATE_PRIMARY);
}

void spice_qxl_create_primary_surface(QXLInstance *instance, uint32_t surface_id,
                                      QXLDevSurfaceCreate *surface)
{
    if (surface)
        call(instance,
             &(WorkerRequest){.run = run_create_primary, .u.primary = {surface_id, *surface}});
}

void spice_qxl_create_primary_surface_async(QXLInstance *instance, uint32_t surface_id,
                                            QXLDevSurfaceCreate *surface, uint64_t cookie)
{
    WorkerRequest request = {.run = run_create_primary};

    request.u.primary.id = surface_id;
    if (surface)
        request.u.primary.create = *surface;
    post_with_cookie(instance, &request, cookie);
}

/* What reads it is rendered, and what it waits for: nothing depends on commands any more. The guest
 * destroys it by a command of its own. */
static void run_destroy_surface_wait(Worker *worker, const WorkerRequest *request)
{
    worker_flush_rings(worker);
    if (truth_surface(worker->truth, request->u.surface_id))
        truth_render_all(worker->truth);
}

void spice_qxl_destroy_surface_wait(QXLInstance *instance, uint32_t surface_id)
{
    call(instance, &(WorkerRequest){.run = run_destroy_surface_wait,
                                    .record = RECORD_DESTROY_SURFACE_WAIT,
                                    .u.surface_id = surface_id});
}

void spice_qxl_destroy_surface_async(QXLInstance *instance, uint32_t surface_id, uint64_t cookie)
{
    WorkerRequest request = {.run = run_destroy_surface_wait,
                             .record = RECORD_DESTROY_SURFACE_WAIT_ASYNC,
                             .u.surface_id = surface_id};

    post_with_cookie(instance, &request, cookie);
}

static void run_flush_surfaces(Worker *worker, const WorkerRequest *request)
{
    worker_flush_rings(worker);
    truth_render_all(worker->truth);
}

void spice_qxl_flush_surfaces_async(QXLInstance *instance, uint64_t cookie)
{
    WorkerRequest request = {.run = run_flush_surfaces, .record = RECORD_FLUSH_SURFACES_ASYNC};

    post_with_cookie(instance, &request, cookie);
}

/* ---- caches, cursor, migration ---- */

/* Nothing is kept beyond a command. */
static void run_nothing(Worker *worker, const WorkerRequest *request)
{
}

void spice_qxl_reset_image_cache(QXLInstance *instance)
{
    call(instance, &(WorkerRequest){.run = run_nothing, .record = RECORD_RESET_IMAGE_CACHE});
}

static void run_reset_cursor(Worker *worker, const WorkerRequest *request)
{
    cursor_reset(worker->cursor);
}

void spice_qxl_reset_cursor(QXLInstance *instance)
{
    call(instance, &(WorkerRequest){.run = run_reset_cursor, .record = RECORD_RESET_CURSOR});
}

static void run_loadvm(Worker *worker, const WorkerRequest *request)
{
    for (uint32_t i = 0; i < request->u.loadvm.n; i++) {
        const QXLCommandExt *command = &request->u.loadvm.commands[i];
        GuestResource *resource;

        switch (command->cmd.type) {
        case QXL_CMD_CURSOR:
            worker_cursor_command(worker, command);
            break;
        case QXL_CMD_SURFACE:
            resource = worker_resource(worker, command);
            if (resource)
                worker_surface_command(worker, command, resource, true);
            guest_resource_unref(resource);
            break;
        default:
            worker_log(worker, "a loaded command of type %u; ignored", command->cmd.type);
            break;
        }
    }
}

void spice_qxl_loadvm_commands(QXLInstance *instance, struct QXLCommandExt *ext, uint32_t count)
{
    if (ext)
        call(instance, &(WorkerRequest){.run = run_loadvm,
                                        .record = RECORD_LOADVM_COMMANDS,
                                        .u.loadvm = {ext, count}});
}

/* ---- monitors ---- */

static void run_monitors_config(Worker *worker, const WorkerRequest *request)
{
    worker_monitors_config(worker, request->u.monitors.address, request->u.monitors.group);
}

void spice_qxl_monitors_config_async(QXLInstance *instance, QXLPHYSICAL monitors_config,
                                     int group_id, uint64_t cookie)
{
    WorkerRequest request = {.run = run_monitors_config,
                             .record = RECORD_MONITORS_CONFIG_ASYNC,
                             .u.monitors = {monitors_config, group_id}};

    post_with_cookie(instance, &request, cookie);
}

static void run_driver_unload(Worker *worker, const WorkerRequest *request)
{
    worker->driver_monitors = worker->driver_heads_cut = false;
}

void spice_qxl_driver_unload(QXLInstance *instance)
{
    post(instance, &(WorkerRequest){.run = run_driver_unload, .record = RECORD_DRIVER_UNLOAD});
}

void spice_qxl_set_max_monitors(QXLInstance *instance, unsigned int max_monitors)
{
    Worker *worker = worker_for_call(instance);

    if (!worker)
        return;
    pthread_mutex_lock(&worker->lock);
    worker->max_monitors = MAX(max_monitors, 1);
    pthread_mutex_unlock(&worker->lock);
}

void spice_qxl_set_device_info(QXLInstance *instance, const char *device_address,
                               uint32_t device_display_id_start, uint32_t device_display_id_count)
{
    Worker *worker = worker_for_call(instance);

    if (!worker)
        return;
    if (!device_address || strlen(device_address) >= 256 ||
        device_display_id_count > WORKER_MAX_DISPLAYS) {
        log_warning("display %d: the device's address is missing or too long, or it has more than "
                    "%d displays; ignored",
                    instance->id, WORKER_MAX_DISPLAYS);
        return;
    }
    pthread_mutex_lock(&worker->lock);
    g_free(worker->device_address);
    worker->device_address = g_strdup(device_address);
    worker->first_display = device_display_id_start;
    worker->n_displays = device_display_id_count;
    /* A count of 0 is what QEMU passes for "not set": it limits nothing. */
    if (device_display_id_count > 0)
        worker->max_monitors = device_display_id_count;
    pthread_mutex_unlock(&worker->lock);
    if (worker->server->agent)
        agent_devices_changed(worker->server->agent);
}

/* ---- GL ---- */

void spice_qxl_gl_scanout(QXLInstance *instance, int fd, uint32_t width, uint32_t height,
                          uint32_t stride, uint32_t format, int y_0_top)
{
    Worker *worker = worker_for_call(instance);
    int old;

    if (!worker) {
        if (fd >= 0)
            close(fd);
        return;
    }
    recorder_event(worker->server->recorder, RECORD_GL_SCANOUT);
    pthread_mutex_lock(&worker->lock);
    old = worker->scanout_fd;
    worker->scanout_fd = fd >= 0 ? fd : -1;
    worker->scanout = fd >= 0 ? (WorkerPrimary){true, true, width, height} : (WorkerPrimary){0};
    worker->primary_ever = true;
    pthread_mutex_unlock(&worker->lock);
    if (old >= 0 && old != fd)
        close(old);
    worker_mouse_rule_changed(worker);
}

/* Nobody takes part in drawing by GL, so everybody is done at once. */
void spice_qxl_gl_draw_async(QXLInstance *instance, uint32_t x, uint32_t y, uint32_t w, uint32_t h,
                             uint64_t cookie)
{
    Worker *worker = worker_for_call(instance);

    if (!worker)
        return;
    recorder_event(worker->server->recorder, RECORD_GL_DRAW_ASYNC);
    if (worker->interface->async_complete)
        worker->interface->async_complete(instance, cookie);
}

/* ---- for the other rooms ---- */

static void run_set_compression(Worker *worker, const WorkerRequest *request)
{
    views_set_compression(worker->views, request->u.compression);
}

void worker_set_image_compression(Worker *worker, SpiceImageCompression compression)
{
    worker_request_async(worker, &(WorkerRequest){.run = run_set_compression,
                                                  .record = RECORD_SET_COMPRESSION,
                                                  .u.compression = compression});
}

static void run_set_mouse_mode(Worker *worker, const WorkerRequest *request)
{
    cursor_set_mouse_mode(worker->cursor, request->u.mouse_mode);
}

void worker_set_mouse_mode(Worker *worker, uint32_t mode)
{
    worker_request_async(worker, &(WorkerRequest){.run = run_set_mouse_mode,
                                                  .record = RECORD_SET_MOUSE_MODE,
                                                  .u.mouse_mode = mode});
}

QXLInstance *worker_instance(Worker *worker)
{
    return worker->qxl;
}

struct RedsState *worker_server(Worker *worker)
{
    return worker->server;
}

WorkerPrimary worker_primary(Worker *worker)
{
    WorkerPrimary primary;

    pthread_mutex_lock(&worker->lock);
    primary = worker->scanout.active ? worker->scanout : worker->primary;
    if (!primary.active)
        primary.mouse_allowed = worker->primary_ever;
    pthread_mutex_unlock(&worker->lock);
    return primary;
}

uint32_t worker_ram_size(Worker *worker)
{
    QXLDevInitInfo info = {0};

    worker->interface->get_init_info(worker->qxl, &info);
    return info.qxl_ram_size;
}

bool worker_client_monitors_config(Worker *worker, VDAgentMonitorsConfig *config)
{
    const QXLInterface *interface = worker->interface;

    if (interface->base.major_version < 3 ||
        (interface->base.major_version == 3 && interface->base.minor_version < 3) ||
        !interface->client_monitors_config)
        return false;
    return interface->client_monitors_config(worker->qxl, config) != 0;
}

const char *worker_device_address(Worker *worker)
{
    return worker->device_address;
}

uint32_t worker_device_displays(Worker *worker, uint32_t *first)
{
    *first = worker->first_display;
    return worker->n_displays;
}

uint8_t worker_channel_id(Worker *worker)
{
    return worker->qxl->id;
}
