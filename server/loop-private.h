/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What both kinds of loop have: a queue of posted calls with a descriptor that wakes the loop, and
 * the table of functions behind loop.h. */
#ifndef SERVER_LOOP_PRIVATE_H
#define SERVER_LOOP_PRIVATE_H

#include <pthread.h>

#include "loop.h"

typedef struct LoopPost {
    struct LoopPost *next;
    LoopFunc func;
    void *data;
} LoopPost;

typedef struct LoopClass {
    LoopWatch *(*watch_add)(Loop *loop, int fd, int events, LoopWatchFunc func, void *data);
    void (*watch_update)(LoopWatch *watch, int events);
    void (*watch_remove)(LoopWatch *watch);
    LoopTimer *(*timer_new)(Loop *loop, LoopFunc func, void *data);
    void (*timer_start)(LoopTimer *timer, uint32_t ms);
    void (*timer_cancel)(LoopTimer *timer);
    void (*timer_free)(LoopTimer *timer);
    /* Is this the loop's own thread? Its posts need no wake-up: such a loop looks for them before
     * it waits. NULL: it doesn't. */
    bool (*is_current)(const Loop *loop);
    void (*shut)(Loop *loop); /* no callback comes any more; may be NULL */
    void (*free)(Loop *loop); /* what the kind has allocated, and the structure */
} LoopClass;

/* Kinds begin with it; LoopWatch and LoopTimer of every kind begin with a Loop pointer. */
struct Loop {
    const LoopClass *class;
    int wake_fd;     /* an eventfd */
    int wake_set;    /* atomic: it was written, and not read since */
    int in_dispatch; /* the loop's thread is inside a callback */
    bool freed;      /* by a callback: the structure goes when the last one has returned */
    pthread_mutex_t lock;
    LoopPost *first, **last; /* guarded by lock */
};

struct LoopWatch {
    Loop *loop;
};
struct LoopTimer {
    Loop *loop;
};

/* False: out of descriptors. */
bool loop_base_init(Loop *loop, const LoopClass *class);
void loop_base_clear(Loop *loop);
/* The wake-up descriptor is readable: make it quiet, and run what is posted by now. */
void loop_base_woken(Loop *loop);
/* Is anything posted? Run it, without a wake-up. */
bool loop_base_has_posts(Loop *loop);
void loop_base_run_posts(Loop *loop);
void loop_enter(Loop *loop);
/* After it the loop may be gone. */
void loop_leave(Loop *loop);

#endif
