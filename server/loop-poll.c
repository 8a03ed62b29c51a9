/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A worker's loop: poll() over a few descriptors, and one-shot timers. */
#include "loop-private.h"

#include <glib.h>
#include <poll.h>

enum { POSTS_BEFORE_LOOK = 3 }; /* turns for posts before descriptors have theirs */

typedef struct PollLoop {
    Loop base;
    pthread_t thread; /* that runs it; atomic: asked for by others */
    GPtrArray *watches, *timers;
    struct pollfd *fds;
    unsigned n_fds_allocated;
    unsigned without_look; /* turns since the last poll() */
    uint64_t round; /* counts the turns: what is armed in one is due in the next at the earliest */
} PollLoop;

/* Removed ones (func NULL) stay in the arrays while callbacks run; sweep() frees them. */
typedef struct PollWatch {
    LoopWatch base;
    int fd, events;
    LoopWatchFunc func;
    void *data;
} PollWatch;

typedef struct PollTimer {
    LoopTimer base;
    bool armed;
    uint64_t deadline; /* ns */
    uint64_t armed_round;
    LoopFunc func;
    void *data;
} PollTimer;

static LoopWatch *poll_watch_add(Loop *base, int fd, int events, LoopWatchFunc func, void *data)
{
    PollLoop *loop = (PollLoop *)base;
    PollWatch *watch = g_new(PollWatch, 1);

    *watch = (PollWatch){{base}, fd, events, func, data};
    g_ptr_array_add(loop->watches, watch);
    return &watch->base;
}

static void poll_watch_update(LoopWatch *watch, int events)
{
    ((PollWatch *)watch)->events = events;
}

static void poll_watch_remove(LoopWatch *base)
{
    PollWatch *watch = (PollWatch *)base;
    PollLoop *loop = (PollLoop *)base->loop;

    watch->func = NULL;
    if (!loop->base.in_dispatch) {
        g_ptr_array_remove(loop->watches, watch);
        g_free(watch);
    }
}

static LoopTimer *poll_timer_new(Loop *base, LoopFunc func, void *data)
{
    PollLoop *loop = (PollLoop *)base;
    PollTimer *timer = g_new0(PollTimer, 1);

    timer->base.loop = base;
    timer->func = func;
    timer->data = data;
    g_ptr_array_add(loop->timers, timer);
    return &timer->base;
}

static void poll_timer_start(LoopTimer *base, uint32_t ms)
{
    PollTimer *timer = (PollTimer *)base;

    timer->armed = true;
    timer->deadline = loop_now_ns() + (uint64_t)ms * 1000000;
    timer->armed_round = ((PollLoop *)base->loop)->round;
}

static void poll_timer_cancel(LoopTimer *timer)
{
    ((PollTimer *)timer)->armed = false;
}

static void poll_timer_free(LoopTimer *base)
{
    PollTimer *timer = (PollTimer *)base;
    PollLoop *loop = (PollLoop *)base->loop;

    timer->func = NULL;
    timer->armed = false;
    if (!loop->base.in_dispatch) {
        g_ptr_array_remove(loop->timers, timer);
        g_free(timer);
    }
}

static bool poll_is_current(const Loop *loop)
{
    return pthread_equal(__atomic_load_n(&((const PollLoop *)loop)->thread, __ATOMIC_ACQUIRE),
                         pthread_self());
}

static void sweep(PollLoop *loop)
{
    for (unsigned i = loop->watches->len; i-- > 0;) {
        PollWatch *watch = loop->watches->pdata[i];

        if (!watch->func) {
            g_ptr_array_remove_index(loop->watches, i);
            g_free(watch);
        }
    }
    for (unsigned i = loop->timers->len; i-- > 0;) {
        PollTimer *timer = loop->timers->pdata[i];

        if (!timer->func) {
            g_ptr_array_remove_index(loop->timers, i);
            g_free(timer);
        }
    }
}

static void poll_free(Loop *base)
{
    PollLoop *loop = (PollLoop *)base;

    sweep(loop);
    g_ptr_array_free(loop->watches, TRUE);
    g_ptr_array_free(loop->timers, TRUE);
    g_free(loop->fds);
    loop_base_clear(base);
    g_free(loop);
}

static const LoopClass poll_class = {
    poll_watch_add,    poll_watch_update, poll_watch_remove, poll_timer_new, poll_timer_start,
    poll_timer_cancel, poll_timer_free,   poll_is_current,   NULL,           poll_free,
};

Loop *loop_new_poll(void)
{
    PollLoop *loop = g_new0(PollLoop, 1);

    if (!loop_base_init(&loop->base, &poll_class)) {
        g_free(loop);
        return NULL;
    }
    loop->thread = pthread_self();
    loop->watches = g_ptr_array_new();
    loop->timers = g_ptr_array_new();
    return &loop->base;
}

/* The timer that is due first; NULL: none is armed. Not those of this round, if asked. */
static PollTimer *first_timer(PollLoop *loop, bool earlier_rounds)
{
    PollTimer *first = NULL;

    for (unsigned i = 0; i < loop->timers->len; i++) {
        PollTimer *timer = loop->timers->pdata[i];

        if (timer->armed && (!earlier_rounds || timer->armed_round != loop->round) &&
            (!first || timer->deadline < first->deadline))
            first = timer;
    }
    return first;
}

static int wait_ms(PollLoop *loop, int timeout_ms)
{
    PollTimer *timer = timeout_ms == 0 ? NULL : first_timer(loop, false);

    if (!timer)
        return timeout_ms;

    uint64_t now = loop_now_ns();

    if (timer->deadline <= now)
        return 0;

    uint64_t ms = (timer->deadline - now + 999999) / 1000000;

    return timeout_ms < 0 || ms < (uint64_t)timeout_ms ? (int)MIN(ms, G_MAXINT) : timeout_ms;
}

static void run_timers(PollLoop *loop)
{
    uint64_t now = loop_now_ns();
    PollTimer *timer;

    while (!loop->base.freed && (timer = first_timer(loop, true)) && timer->deadline <= now) {
        timer->armed = false;
        timer->func(timer->data);
    }
}

static void run_watches(PollLoop *loop, unsigned n)
{
    for (unsigned i = 0; i < n && !loop->base.freed; i++) {
        PollWatch *watch = loop->watches->pdata[i];
        short revents = loop->fds[i + 1].revents;
        int events = 0;

        if (revents & (POLLIN | POLLHUP | POLLERR | POLLNVAL))
            events |= LOOP_READ;
        if (revents & POLLOUT)
            events |= LOOP_WRITE;
        /* A callback before this one may have changed the mask: what isn't wanted now is not told.
         */
        if ((revents & (POLLIN | POLLOUT)) == revents)
            events &= watch->events;
        if (events && watch->events && watch->func)
            watch->func(watch->fd, events, watch->data);
    }
}

/* poll() for the watches there are; how many descriptors have something to tell. */
static int look(PollLoop *loop, unsigned n, int timeout_ms)
{
    if (n + 1 > loop->n_fds_allocated) {
        loop->n_fds_allocated = n + 8;
        loop->fds = g_renew(struct pollfd, loop->fds, loop->n_fds_allocated);
    }
    loop->fds[0] = (struct pollfd){loop->base.wake_fd, POLLIN, 0};
    for (unsigned i = 0; i < n; i++) {
        PollWatch *watch = loop->watches->pdata[i];

        /* Hang-ups are told without being asked for: a watch that waits for nothing is left out. */
        loop->fds[i + 1] = (struct pollfd){watch->events ? watch->fd : -1,
                                           (watch->events & LOOP_READ ? POLLIN : 0) |
                                               (watch->events & LOOP_WRITE ? POLLOUT : 0),
                                           0};
    }
    return poll(loop->fds, n + 1, timeout_ms);
}

void loop_run_once(Loop *base, int timeout_ms)
{
    PollLoop *loop = (PollLoop *)base;
    unsigned n = loop->watches->len;
    int ready = 0;

    __atomic_store_n(&loop->thread, pthread_self(), __ATOMIC_RELEASE);
    bool posted = loop_base_has_posts(base);
    /* A system call for each post would cost more than most posts. */
    if (!posted || ++loop->without_look > POSTS_BEFORE_LOOK) {
        ready = look(loop, n, posted ? 0 : wait_ms(loop, timeout_ms));
        loop->without_look = 0;
    }

    loop_enter(base);
    loop->round++;
    if (ready > 0 && loop->fds[0].revents)
        loop_base_woken(base);
    else if (posted)
        loop_base_run_posts(base);
    run_timers(loop);
    if (ready > 0)
        run_watches(loop, n);
    if (base->in_dispatch == 1)
        sweep(loop);
    loop_leave(base);
}
