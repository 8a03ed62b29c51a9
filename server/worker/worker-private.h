/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of the worker share: the object, its requests, and the parts that act on it. */
#ifndef SERVER_WORKER_WORKER_PRIVATE_H
#define SERVER_WORKER_WORKER_PRIVATE_H

#include <pthread.h>

#include "display/views.h"
#include "record/recorder.h"
#include "worker/cursor.h"
#include "worker/intake.h"
#include "worker/worker.h"

enum { WORKER_CAPS_SIZE = 58, WORKER_MAX_DISPLAYS = 16, WORKER_MAX_HEADS = 64 };

/* ---- requests ---- */

typedef struct WorkerRequest WorkerRequest;
typedef void (*WorkerRequestFunc)(Worker *worker, const WorkerRequest *request);

/* A call of the device. Synchronous ones live on the caller's stack until they are done. */
struct WorkerRequest {
    WorkerRequest *next;
    WorkerRequestFunc run;
    int record; /* a RecordEvent; 0: it isn't recorded, or run does it */
    bool is_sync, done;
    bool has_cookie; /* async_complete(cookie) when it has been run */
    uint64_t cookie;
    union {
        struct {
            uint32_t surface_id;
            QXLRect area;
            uint32_t n_rects;
            QXLRect *rects; /* synchronous only; may be NULL */
            bool clear;
        } update;
        struct {
            QXLDevMemSlot slot;
        } add_memslot;
        struct {
            uint32_t group, id;
        } del_memslot;
        struct {
            uint32_t id;
            QXLDevSurfaceCreate create;
        } primary;
        uint32_t surface_id;
        struct {
            const QXLCommandExt *commands;
            uint32_t n;
        } loadvm;
        struct {
            uint64_t address;
            uint32_t group;
        } monitors;
        SpiceImageCompression compression;
        uint32_t mouse_mode;
        struct {
            Truth *truth;
            Views *views;
            Cursor *cursor;
        } attach;
    } u;
};

typedef struct WorkerQueue {
    pthread_mutex_t lock;
    pthread_cond_t done;
    WorkerRequest *first, *last;
    int n; /* atomic: looked at between any two commands */
} WorkerQueue;

/* Run it on the worker's thread and wait for that. Any thread but the worker's: from there it is
 * refused with a log line. */
void worker_request_sync(Worker *worker, WorkerRequest *request);
/* Queue a copy of it. Any thread. */
void worker_request_async(Worker *worker, const WorkerRequest *request);
static inline bool worker_has_requests(const WorkerQueue *queue)
{
    return __atomic_load_n(&queue->n, __ATOMIC_ACQUIRE) != 0;
}
/* Worker's thread: run what is queued. */
void worker_run_requests(Worker *worker);
void worker_queue_init(WorkerQueue *queue);
void worker_queue_clear(WorkerQueue *queue);

/* ---- the object ---- */

typedef struct WorkerRing {
    bool armed;         /* the device will wake us */
    unsigned int polls; /* looks at the empty ring since something came */
    uint64_t next_ns;   /* when to look again */
    uint64_t found_ns;  /* when something was in it last */
    bool lively;        /* the time before that was a moment ago */
    bool flooded;       /* or even much less */
} WorkerRing;

struct Worker {
    struct RedsState *server;
    QXLInstance *qxl;
    const QXLInterface *interface;
    Loop *loop;
    pthread_t thread;
    WorkerQueue queue;
    int wakeup, oom; /* atomic: asked for and not looked at yet */
    int dozing;      /* atomic: it looks at the rings in a millisecond anyway: no need to wake it */

    /* ---- the worker's thread ---- */
    MemSlots slots;
    uint32_t n_surfaces;
    Truth *truth;
    Views *views;
    Cursor *cursor;
    Intake intake;
    bool running, quit;
    bool driver_monitors; /* the guest's driver tells us its monitors: */
    QXLHead driver_heads[WORKER_MAX_HEADS];
    uint32_t n_driver_heads;
    bool driver_heads_cut; /* they didn't fit on the primary surface */
    uint16_t max_allowed;  /* monitors, as the driver said last */
    WorkerRing display_ring, cursor_ring;
    bool batch_open; /* drawings came since views_batch_end() */
    bool caps_present;
    uint8_t caps[WORKER_CAPS_SIZE];
    LogLimit log;

    /* ---- any thread, under its lock ---- */
    pthread_mutex_t lock;
    bool primary_ever; /* a primary or scanout was there at some time */
    WorkerPrimary primary, scanout;
    int scanout_fd;
    uint32_t max_monitors;
    char *device_address;
    uint32_t first_display, n_displays;
};

/* The guest did something wrong: one line, limited. */
#define worker_log(worker, format, ...) \
    log_limited(&(worker)->log, "display %d: " format, (worker)->qxl->id, ##__VA_ARGS__)

/* ---- parts (worker's thread) ---- */

/* resource.c: NULL when the command's head can't be read: then there is nothing to give back. */
GuestResource *worker_resource(Worker *worker, const QXLCommandExt *command);

/* commands.c: one command of a ring; all that are in both rings (if running). */
void worker_display_command(Worker *worker, const QXLCommandExt *command);
void worker_cursor_command(Worker *worker, const QXLCommandExt *command);
bool worker_take_display(Worker *worker); /* false: the ring is empty */
bool worker_take_cursor(Worker *worker);
void worker_flush_rings(Worker *worker);
/* What of the area lies on the surface is in its memory then. */
void worker_render_area(Worker *worker, Surface *surface, const QXLRect *area);
void worker_end_batch(Worker *worker); /* the ring is empty */
void worker_out_of_memory(Worker *worker);

/* surface-cmd.c */
void worker_surface_command(Worker *worker, const QXLCommandExt *command, GuestResource *resource,
                            bool keep_data);
void worker_create_primary(Worker *worker, uint32_t id, const QXLDevSurfaceCreate *create,
                           RecordEvent event);
void worker_destroy_primary(Worker *worker, uint32_t id);
void worker_destroy_surfaces(Worker *worker);

/* monitors.c */
void worker_monitors_config(Worker *worker, uint64_t address, uint32_t group);
void worker_default_monitors(Worker *worker, uint32_t width, uint32_t height);

/* worker.c */
void worker_mouse_rule_changed(Worker *worker);
void worker_set_running(Worker *worker, bool running);

/* ---- qxl-api.c: the device's side (any thread) ---- */
void worker_register(Worker *worker);
void worker_unregister(Worker *worker); /* calls for it are ignored from now on */

#endif
