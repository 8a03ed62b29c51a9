/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* QXL commands of any bytes: the input is the guest's memory. It begins with a list of steps
 * (struct Step): commands of both rings, calls of the device, changes of the memory. At the end
 * every command that could be given back has been, once. Without threads: the parts of the worker
 * are called as its thread would. */
#include <stdlib.h>
#include <string.h>

#include "server/fake-rooms.h"
#include "worker/worker-private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MEMORY = 64 * 1024, SURFACES = 256 * 1024, MAX_STEPS = 48 };

typedef struct Step {
    uint8_t what, flags;
    uint16_t type;
    uint32_t address;
} Step;

static int n_out;

static void release_resource(QXLInstance *qxl, struct QXLReleaseInfoExt info)
{
    n_out--;
    info.info->next = 0x5555555555555555;
}

static void notify_update(QXLInstance *qxl, uint32_t id)
{
}

static int flush_resources(QXLInstance *qxl)
{
    return 0;
}

static const QXLInterface interface = {
    .base = {.major_version = SPICE_INTERFACE_QXL_MAJOR,
             .minor_version = SPICE_INTERFACE_QXL_MINOR},
    .release_resource = release_resource,
    .notify_update = notify_update,
    .flush_resources = flush_resources,
};

static GLogWriterOutput quiet(GLogLevelFlags level, const GLogField *fields, gsize n, gpointer data)
{
    return G_LOG_WRITER_HANDLED;
}

static void dropped(void *context, Drawable *drawable)
{
}

/* Slot 0 is the input, from address 1 on; slot 1 (highest bit) is room for surfaces. */
static Worker *worker_with(uint8_t *memory, uint8_t *surfaces, struct RedsState *server,
                           QXLInstance *qxl)
{
    static const TruthObserver observer = {dropped, dropped};
    Worker *worker = g_new0(Worker, 1);
    ViewsConfig config = {.server = server, .context = worker};

    worker->server = server;
    worker->qxl = qxl;
    worker->interface = &interface;
    worker->n_surfaces = 8;
    worker->max_monitors = UINT32_MAX;
    pthread_mutex_init(&worker->lock, NULL);
    memslots_init(&worker->slots, 1, 2, 1, 0);
    memslots_add(&worker->slots, 0, 0,
                 &(MemSlot){(uintptr_t)memory, (uintptr_t)memory + MEMORY, (uintptr_t)memory, 0});
    memslots_add(
        &worker->slots, 0, 1,
        &(MemSlot){(uintptr_t)surfaces, (uintptr_t)surfaces + SURFACES, (uintptr_t)surfaces, 0});
    worker->truth = truth_new(worker->n_surfaces, &observer, worker);
    worker->views = views_new(&config);
    worker->cursor = cursor_new(server, server->loop, 0, SPICE_MOUSE_MODE_SERVER);
    worker->intake = (Intake){.slots = &worker->slots, .truth = worker->truth};
    return worker;
}

static void free_worker(Worker *worker)
{
    cursor_free(worker->cursor);
    views_free(worker->views);
    truth_free(worker->truth);
    memslots_clear(&worker->slots);
    pthread_mutex_destroy(&worker->lock);
    g_free(worker);
}

static void primary(Worker *worker, uint32_t width, uint32_t height, int32_t stride,
                    uint32_t format)
{
    const QXLDevSurfaceCreate create = {
        .width = width,
        .height = height,
        .stride = stride,
        .format = format,
        .mem = (uint64_t)1 << 63,
    };

    worker_create_primary(worker, 0, &create, RECORD_CREATE_PRIMARY);
}

static void command(Worker *worker, const Step *step)
{
    const QXLCommandExt ext = {{step->address, step->type, 0}, 0, step->flags & 3};

    if (memslots_map(&worker->slots, 0, step->address, sizeof(QXLReleaseInfo)))
        n_out++;
    if (step->what == 1)
        worker_display_command(worker, &ext);
    else
        worker_cursor_command(worker, &ext);
}

static void carry_out(Worker *worker, uint8_t *memory, const Step *step)
{
    static const uint32_t formats[] = {1, 8, 16, 32, 80, 96, 7, 0};
    Surface *surface;
    pixman_box32_t area;

    switch (step->what) {
    case 1:
    case 2:
        command(worker, step);
        break;
    case 3:
        surface = truth_surface(worker->truth, step->type);
        area = (pixman_box32_t){step->address & 255, step->address >> 8 & 255,
                                step->address >> 16 & 255, step->address >> 24};
        if (surface && area.x1 < area.x2 && area.y1 < area.y2)
            truth_render_area(worker->truth, surface, &area);
        break;
    case 4:
        worker_monitors_config(worker, step->address, 0);
        break;
    case 5:
        worker_destroy_surfaces(worker);
        break;
    case 6:
        primary(worker, step->address & 511, step->address >> 16 & 511, (int16_t)step->type,
                formats[step->flags & 7]);
        break;
    case 7:
        worker_destroy_primary(worker, 0);
        break;
    case 8:
        truth_trim(worker->truth, step->type, step->address);
        break;
    case 9: /* the guest changes its memory behind what was taken */
        memory[step->address % MEMORY] = step->flags;
        break;
    case 10:
        fake_cursor_connect();
        break;
    default:
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *memory = malloc(MEMORY), *surfaces = aligned_alloc(4096, SURFACES);
    struct RedsState *server;
    QXLInstance qxl = {.id = 0};
    Worker *worker;
    Step step;

    static bool is_quiet;

    if (!is_quiet)
        g_log_set_writer_func(quiet, NULL, NULL);
    is_quiet = true;
    memset(memory, 0, MEMORY);
    memcpy(memory, data, MIN(size, MEMORY));
    memset(surfaces, 0x5a, SURFACES);
    n_out = 0;
    server = fake_server_new();
    worker = worker_with(memory, surfaces, server, &qxl);
    primary(worker, 64, 64, 256, SPICE_SURFACE_FMT_32_xRGB);
    for (size_t i = 0; i < MAX_STEPS && (i + 1) * sizeof step <= size; i++) {
        memcpy(&step, data + i * sizeof step, sizeof step);
        if (step.what == 0)
            break;
        carry_out(worker, memory, &step);
        fake_server_run(server);
    }
    worker_destroy_surfaces(worker);
    fake_server_run(server);
    free_worker(worker);
    if (n_out != 0)
        abort();
    g_autofree char *views = fake_views_take_log(), *cursors = fake_cursor_take_log();
    if (getenv("FUZZ_SHOW"))
        printf("%s\n%s\n", views, cursors);
    fake_server_free(server);
    free(memory);
    free(surfaces);
    return 0;
}
