/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Commands of the two rings: taken, recorded, carried out, released. docs/spec/server-display.md 3,
 * 4.8, 6 */
#include <string.h>

#include "worker/worker-private.h"

/* What may wait to be rendered: commands, bytes of the guest's memory. The truth limits the copies.
 * While somebody looks, all that waits is gone through again and again. */
#define MAX_PENDING 256u
#define MAX_PENDING_UNSEEN 1000u
#define MAX_BORROWED ((size_t)16 << 20)

/* A flush ends when the ring is empty; a guest that fills it faster than it is emptied doesn't hold
 * the caller for longer than this, once what was there at first is certainly done. */
enum { FLUSH_COMMANDS = 4096, FLUSH_MS = 200 };

#define MAX_MESSAGE 100000u

static void reject(Worker *worker, const char *problem)
{
    worker_log(worker, "the guest sent %s; the command is ignored", problem);
}

static const void *map_for_recorder(void *context, QXLPHYSICAL address, uint32_t group, size_t size)
{
    return memslots_map(context, group, address, size);
}

static void record(Worker *worker, const QXLCommandExt *command)
{
    const RecorderMemory memory = {map_for_recorder, &worker->slots};

    recorder_command(worker->server->recorder, &memory, command);
}

/* Keep what waits within bounds. */
static void trim(Worker *worker)
{
    bool seen = worker->views && views_n_clients(worker->views) > 0;

    /* Just what is too much: one large drawing at a time, so that requests have their turn. */
    truth_trim(worker->truth, seen ? MAX_PENDING : MAX_PENDING_UNSEEN, MAX_BORROWED);
}

static void draw_command(Worker *worker, const QXLCommandExt *command, GuestResource *resource)
{
    const char *problem;
    Drawable *drawable = intake_drawable(&worker->intake, command, resource, &problem);

    if (!drawable) {
        if (problem)
            reject(worker, problem);
        return;
    }
    worker->batch_open = true;
    if (truth_add(worker->truth, drawable_ref(drawable)))
        views_drawable(worker->views, drawable);
    drawable_unref(drawable);
    trim(worker);
}

void worker_render_area(Worker *worker, Surface *surface, const QXLRect *guest)
{
    pixman_box32_t area = {MAX(guest->left, 0), MAX(guest->top, 0),
                           MIN(guest->right, (int64_t)surface->width),
                           MIN(guest->bottom, (int64_t)surface->height)};

    if (area.x1 < area.x2 && area.y1 < area.y2)
        truth_render_area(worker->truth, surface, &area);
}

static void update_command(Worker *worker, const QXLCommandExt *command)
{
    GuestReader reader = {.slots = &worker->slots, .group = command->group_id};
    QXLUpdateCmd guest;
    Surface *surface;

    if (!guest_try_read(&reader, command->cmd.data, &guest, sizeof guest)) {
        reject(worker, "an update that isn't in a memory slot");
        return;
    }
    surface = truth_surface(worker->truth, guest.surface_id);
    if (!surface) {
        reject(worker, "an update of a surface that doesn't exist");
        return;
    }
    worker_render_area(worker, surface, &guest.area);
    if (worker->interface->notify_update)
        worker->interface->notify_update(worker->qxl, guest.update_id);
}

/* Text of the driver, for those who look into the log at debug level. */
static void message_command(Worker *worker, const QXLCommandExt *command)
{
    GuestReader reader = {.slots = &worker->slots, .group = command->group_id};
    uint64_t address = command->cmd.data + offsetof(QXLMessage, data), size = 0;
    char *text = NULL, *printable;

    if (memslots_map_rest(&worker->slots, command->group_id, address, MAX_MESSAGE, &size))
        text = g_try_malloc(size);
    if (!text || !guest_try_read(&reader, address, text, size) || !memchr(text, 0, size)) {
        reject(worker, "a message without an end");
    } else {
        printable = g_strescape(text, NULL);
        log_debug("display %d: the guest's driver says: %.1000s", worker->qxl->id, printable);
        g_free(printable);
    }
    g_free(text);
}

void worker_display_command(Worker *worker, const QXLCommandExt *command)
{
    GuestResource *resource = worker_resource(worker, command);

    if (!resource) {
        reject(worker, "a command that isn't in a memory slot");
        return;
    }
    switch (command->cmd.type) {
    case QXL_CMD_DRAW:
        draw_command(worker, command, resource);
        break;
    case QXL_CMD_UPDATE:
        update_command(worker, command);
        break;
    case QXL_CMD_MESSAGE:
        message_command(worker, command);
        break;
    case QXL_CMD_SURFACE:
        worker_surface_command(worker, command, resource, false);
        trim(worker);
        break;
    default:
        reject(worker, "a command of unknown type");
        break;
    }
    guest_resource_unref(resource);
}

void worker_cursor_command(Worker *worker, const QXLCommandExt *command)
{
    GuestReader reader = {.slots = &worker->slots, .group = command->group_id};
    GuestResource *resource = worker_resource(worker, command);

    if (!resource) {
        reject(worker, "a command that isn't in a memory slot");
        return;
    }
    if (command->cmd.type != QXL_CMD_CURSOR)
        reject(worker, "a command of another kind in the cursor ring");
    else if (!cursor_command(worker->cursor, &reader, command->cmd.data, resource))
        reject(worker, reader.problem);
    guest_resource_unref(resource);
}

bool worker_take_display(Worker *worker)
{
    QXLCommandExt command;

    if (!worker->interface->get_command || !worker->interface->get_command(worker->qxl, &command))
        return false;
    record(worker, &command);
    worker_display_command(worker, &command);
    return true;
}

bool worker_take_cursor(Worker *worker)
{
    QXLCommandExt command;

    if (!worker->interface->get_cursor_command ||
        !worker->interface->get_cursor_command(worker->qxl, &command))
        return false;
    record(worker, &command);
    worker_cursor_command(worker, &command);
    return true;
}

static void flush_ring(Worker *worker, bool (*take)(Worker *worker))
{
    uint32_t start = loop_now_ms();

    for (unsigned int n = 1; take(worker); n++) {
        if (n % FLUSH_COMMANDS == 0 && loop_now_ms() - start > FLUSH_MS)
            break;
    }
}

void worker_end_batch(Worker *worker)
{
    if (worker->batch_open)
        views_batch_end(worker->views);
    worker->batch_open = false;
}

void worker_flush_rings(Worker *worker)
{
    if (!worker->running)
        return;
    flush_ring(worker, worker_take_cursor);
    flush_ring(worker, worker_take_display);
    worker_end_batch(worker);
}

void worker_out_of_memory(Worker *worker)
{
    if (!worker->running)
        return;
    flush_ring(worker, worker_take_display);
    worker_end_batch(worker);
    if (!worker->interface->flush_resources || worker->interface->flush_resources(worker->qxl))
        return;
    /* Whatever waits with memory of the guest is rendered, and thereby released. */
    truth_trim(worker->truth, UINT_MAX, 0);
    worker->interface->flush_resources(worker->qxl);
}
