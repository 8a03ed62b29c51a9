/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The worker: its thread, what it does in each turn, its beginning and its end.
 * docs/spec/server-api.md 6, 11.1, 11.2, docs/spec/server-display.md 3.1, 18 */
#include "main/inputs.h"
#include "worker/worker-private.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

enum {
    SLICE_US = 2000,      /* of commands, before sockets and requests have their turn */
    CURSOR_COMMANDS = 64, /* in one turn */
    POLLS = 3,        /* looks at a lively ring, a millisecond apart, before we ask to be woken */
    LIVELY_US = 2000, /* commands that come so soon after others: it is cheaper to look than to be
                         woken for each */
    FLOODED_US = 200, /* and so soon: it is cheaper to take many of them at a time */
    MAX_BACK_OFF_MS = 32, /* for a device that never says that its ring is empty */
    DRAIN_MS = 80,        /* what a stop waits for sockets */
    MAX_SURFACES = 1024,
};

/* ---- turns ---- */

static bool has_more_to_do(Worker *worker)
{
    return worker_has_requests(&worker->queue) || worker->quit;
}

/* An empty ring: when to look again. Milliseconds, -1: the device will wake us. */
static int rest(Worker *worker, WorkerRing *ring, int (*ask)(QXLInstance *qxl))
{
    uint64_t now = loop_now_ns();
    unsigned int wait_ms;

    if (ring->armed)
        return -1;
    if (!ring->lively && ring->polls < POLLS)
        ring->polls = POLLS;
    if (ring->polls >= POLLS && ask && ask(worker->qxl)) {
        ring->armed = true;
        return -1;
    }
    /* Either it is too early to ask, or the device says that there is something: look at once then,
     * and less and less often if nothing comes. */
    wait_ms = ring->polls < POLLS       ? 1
              : ring->polls == POLLS    ? 0
              : ring->polls < POLLS + 6 ? 1u << (ring->polls - POLLS - 1)
                                        : MAX_BACK_OFF_MS;
    ring->polls++;
    ring->next_ns = now + wait_ms * (uint64_t)1000000;
    return wait_ms;
}

static int until(const WorkerRing *ring)
{
    uint64_t now = loop_now_ns();

    return now >= ring->next_ns ? 0 : (ring->next_ns - now + 999999) / 1000000;
}

/* Look at the ring from now on, as often as at the beginning. */
static void look_again(WorkerRing *ring)
{
    ring->armed = false;
    ring->polls = 0;
    ring->next_ns = 0;
}

static void found(WorkerRing *ring)
{
    uint64_t now = loop_now_ns();

    look_again(ring);
    ring->lively = now - ring->found_ns < LIVELY_US * (uint64_t)1000;
    ring->flooded = now - ring->found_ns < FLOODED_US * (uint64_t)1000;
    ring->found_ns = now;
}

static int sooner(int a, int b)
{
    return a < 0 ? b : b < 0 ? a : MIN(a, b);
}

static int cursor_turn(Worker *worker)
{
    WorkerRing *ring = &worker->cursor_ring;
    int n;

    if (ring->armed)
        return -1;
    if (until(ring) > 0)
        return until(ring);
    for (n = 0; n < CURSOR_COMMANDS; n++) {
        if (!worker_take_cursor(worker)) {
            if (n > 0)
                found(ring);
            return rest(worker, ring, worker->interface->req_cursor_notification);
        }
    }
    found(ring);
    return 0;
}

static int display_turn(Worker *worker)
{
    WorkerRing *ring = &worker->display_ring;
    uint64_t end;
    bool any = false;

    if (ring->armed)
        return -1;
    if (until(ring) > 0)
        return until(ring);
    end = loop_now_ns() + SLICE_US * (uint64_t)1000;
    do {
        if (!worker_take_display(worker)) {
            worker_end_batch(worker);
            if (any)
                found(ring);
            return rest(worker, ring, worker->interface->req_cmd_notification);
        }
        any = true;
    } while (!has_more_to_do(worker) && loop_now_ns() < end);
    found(ring);
    return 0;
}

/* One turn: what was asked for from outside, the cursor ring, a slice of the display ring.
 * Milliseconds until the next one is due, -1: when something happens. */
static int turn(Worker *worker)
{
    int cursor_ms, display_ms, ms;

    /* Before the flag is looked at: who raises it from now on wakes us. */
    __atomic_store_n(&worker->dozing, 0, __ATOMIC_SEQ_CST);
    if (__atomic_exchange_n(&worker->wakeup, 0, __ATOMIC_SEQ_CST)) {
        look_again(&worker->display_ring);
        look_again(&worker->cursor_ring);
        recorder_event(worker->server->recorder, RECORD_WAKEUP);
    }
    if (__atomic_load_n(&worker->oom, __ATOMIC_ACQUIRE)) {
        recorder_event(worker->server->recorder, RECORD_OOM);
        worker_out_of_memory(worker);
        __atomic_store_n(&worker->oom, 0, __ATOMIC_RELEASE);
    }
    if (!worker->running)
        return -1;
    cursor_ms = cursor_turn(worker);
    display_ms = display_turn(worker);
    ms = sooner(cursor_ms, display_ms);
    if (ms == 1 && worker->display_ring.flooded && !worker->display_ring.armed)
        __atomic_store_n(&worker->dozing, 1, __ATOMIC_SEQ_CST);
    return ms;
}

static void *run(void *data)
{
    Worker *worker = data;

    pthread_setname_np(pthread_self(), "SPICE Worker");
    while (!worker->quit) {
        loop_run_once(worker->loop, has_more_to_do(worker) ? 0 : turn(worker));
        worker_run_requests(worker);
    }
    return NULL;
}

/* ---- state ---- */

static void tell_capabilities(Worker *worker, bool always)
{
    const QXLInterface *interface = worker->interface;
    uint8_t caps[WORKER_CAPS_SIZE] = {0};
    bool present;

    if (!worker->running || !interface->set_client_capabilities ||
        interface->base.major_version < 3 ||
        (interface->base.major_version == 3 && interface->base.minor_version < 2))
        return;
    present = views_guest_caps(worker->views, caps);
    if (!present)
        memset(caps, 0, sizeof caps);
    if (!always && present == worker->caps_present && memcmp(caps, worker->caps, sizeof caps) == 0)
        return;
    worker->caps_present = present;
    memcpy(worker->caps, caps, sizeof caps);
    interface->set_client_capabilities(worker->qxl, present, caps);
}

static void clients_changed(void *context)
{
    Worker *worker = context;

    tell_capabilities(worker, false);
    if (worker->truth && worker->views)
        truth_set_watched(worker->truth, views_n_clients(worker->views) > 0);
}

static void update_mouse_mode(void *server)
{
    struct RedsState *s = server;

    /* Posts outlive the inputs when the server is shut down. */
    if (s->inputs)
        server_update_mouse_mode(s);
}

void worker_mouse_rule_changed(Worker *worker)
{
    loop_post(worker->server->loop, update_mouse_mode, worker->server);
}

void worker_set_running(Worker *worker, bool running)
{
    if (worker->running == running)
        return;
    worker->running = running;
    if (running) {
        look_again(&worker->display_ring);
        look_again(&worker->cursor_ring);
        tell_capabilities(worker, true);
    } else {
        worker_end_batch(worker);
        truth_render_all(worker->truth);
        views_drain(worker->views, DRAIN_MS);
    }
}

static void observe_dropped(void *context, Drawable *drawable)
{
    Worker *worker = context;

    if (worker->views)
        views_dropped(worker->views, drawable);
}

static void observe_rendered(void *context, Drawable *drawable)
{
    Worker *worker = context;

    if (worker->views)
        views_rendered(worker->views, drawable);
}

/* ---- beginning and end ---- */

static void attach_parts(Worker *worker, const WorkerRequest *request)
{
    worker->truth = request->u.attach.truth;
    worker->views = request->u.attach.views;
    worker->cursor = request->u.attach.cursor;
    worker->intake = (Intake){.slots = &worker->slots, .truth = worker->truth};
    if (worker->views) {
        views_set_truth(worker->views, worker->truth);
        truth_set_watched(worker->truth, false);
    }
}

static void halt(Worker *worker, const WorkerRequest *request)
{
    worker->running = false;
}

static void quit(Worker *worker, const WorkerRequest *request)
{
    worker->quit = true;
}

static bool start_thread(Worker *worker)
{
    sigset_t all, old;
    int error;

    /* Signals are the application's. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    error = pthread_create(&worker->thread, NULL, run, worker);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return error == 0;
}

static void free_worker(Worker *worker)
{
    if (worker->loop)
        loop_free(worker->loop);
    memslots_clear(&worker->slots);
    worker_queue_clear(&worker->queue);
    pthread_mutex_destroy(&worker->lock);
    if (worker->scanout_fd >= 0)
        close(worker->scanout_fd);
    g_free(worker->device_address);
    g_free(worker);
}

static Worker *new_worker(struct RedsState *server, QXLInstance *qxl)
{
    Worker *worker = g_new0(Worker, 1);
    QXLDevInitInfo info = {0};

    worker->server = server;
    worker->qxl = qxl;
    worker->interface = SPICE_CONTAINEROF(qxl->base.sif, QXLInterface, base);
    worker->max_monitors = UINT32_MAX;
    worker->max_allowed = 1;
    worker->scanout_fd = -1;
    pthread_mutex_init(&worker->lock, NULL);
    worker_queue_init(&worker->queue);
    worker->interface->get_init_info(qxl, &info);
    worker->n_surfaces = CLAMP(info.n_surfaces, 1, MAX_SURFACES);
    worker->loop = loop_new_poll();
    if (!worker->loop || !memslots_init(&worker->slots, info.num_memslots_groups, info.num_memslots,
                                        info.memslot_id_bits, info.memslot_gen_bits)) {
        free_worker(worker);
        return NULL;
    }
    return worker;
}

/* The parts that run on the worker's loop: handed over in one request, and taken back likewise. */
static void hand_over(Worker *worker, Truth *truth, Views *views, Cursor *cursor)
{
    WorkerRequest request = {.run = attach_parts, .u.attach = {truth, views, cursor}};

    worker_request_sync(worker, &request);
}

static void end_thread(Worker *worker)
{
    WorkerRequest request = {.run = quit};

    worker_request_sync(worker, &request);
    pthread_join(worker->thread, NULL);
}

static bool add_parts(Worker *worker)
{
    static const TruthObserver observer = {observe_dropped, observe_rendered};
    const ViewsConfig config = {
        .server = worker->server,
        .loop = worker->loop,
        .channel_id = worker->qxl->id,
        .pool = worker->server->pool,
        .clients_changed = clients_changed,
        .context = worker,
    };
    Truth *truth = truth_new(worker->n_surfaces, &observer, worker);
    uint32_t mode = worker->server->inputs ? inputs_mouse_mode(worker->server->inputs)
                                           : SPICE_MOUSE_MODE_SERVER;
    /* The display channel comes last, as clients are told of the newest one first. */
    Cursor *cursor = truth ? cursor_new(worker->server, worker->loop, worker->qxl->id, mode) : NULL;
    Views *views = cursor ? views_new(&config) : NULL;

    if (views) {
        hand_over(worker, truth, views, cursor);
        return true;
    }
    cursor_free(cursor);
    if (truth)
        truth_free(truth);
    return false;
}

/* Does another worker of this server have the number? */
static bool is_taken(struct RedsState *server, const QXLInstance *qxl)
{
    for (GList *link = server->workers; link; link = link->next) {
        const Worker *other = link->data;

        if (other->qxl == qxl || other->qxl->id == qxl->id)
            return true;
    }
    return false;
}

bool worker_add(struct RedsState *server, QXLInstance *qxl)
{
    Worker *worker;

    if (qxl->id < 0 || qxl->id > 255 || is_taken(server, qxl) || worker_of(qxl))
        return false;
    worker = new_worker(server, qxl);
    if (!worker)
        return false;
    if (!start_thread(worker)) {
        free_worker(worker);
        return false;
    }
    if (!add_parts(worker)) {
        end_thread(worker);
        free_worker(worker);
        return false;
    }
    server->workers = g_list_prepend(server->workers, worker);
    worker_register(worker);
    qxl->st = (QXLState *)worker;
    /* Old programs expect the worker as a second value, and hand it to the replay functions. */
    if (worker->interface->attache_worker)
        worker->interface->attache_worker(qxl, (QXLWorker *)qxl);
    return true;
}

void worker_remove(Worker *worker)
{
    WorkerRequest request = {.run = halt};
    Truth *truth = worker->truth;
    Views *views = worker->views;
    Cursor *cursor = worker->cursor;

    worker_unregister(worker);
    worker->server->workers = g_list_remove(worker->server->workers, worker);
    worker_request_sync(worker, &request);
    /* The views go while the loop runs; nobody tells them anything any more. */
    hand_over(worker, truth, NULL, NULL);
    cursor_free(cursor);
    views_free(views);
    end_thread(worker);
    truth_free(truth);
    worker->qxl->st = NULL;
    worker_mouse_rule_changed(worker);
    free_worker(worker);
}
