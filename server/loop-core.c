/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The application's loop, by its core interface. docs/spec/server-api.md 5 */
#include "loop-private.h"

#define SPICE_SERVER_INTERNAL
#include "public/spice.h"

#include <glib.h>

typedef struct CoreLoop {
    Loop base;
    SpiceCoreInterface *core;
    SpiceWatch *wake_watch;
} CoreLoop;

/* Watches and timers outlive their removal while one of their callbacks is running; the application
 * may tell READ and WRITE one after the other, or both at once. */
typedef struct CoreWatch {
    LoopWatch base;
    SpiceWatch *watch;
    int fd, events, running;
    LoopWatchFunc func; /* NULL: removed */
    void *data;
} CoreWatch;

typedef struct CoreTimer {
    LoopTimer base;
    SpiceTimer *timer;
    int running;
    LoopFunc func; /* NULL: removed */
    void *data;
} CoreTimer;

static SpiceCoreInterface *core_of(Loop *loop)
{
    return ((CoreLoop *)loop)->core;
}

static void watch_called(int fd, int event, void *opaque)
{
    CoreWatch *watch = opaque;
    Loop *loop = watch->base.loop;

    if (!watch->func)
        return;
    loop_enter(loop);
    watch->running++;
    watch->func(watch->fd, event, watch->data);
    if (--watch->running == 0 && !watch->func)
        g_free(watch);
    loop_leave(loop);
}

static LoopWatch *core_watch_add(Loop *loop, int fd, int events, LoopWatchFunc func, void *data)
{
    CoreWatch *watch = g_new0(CoreWatch, 1);

    watch->base.loop = loop;
    watch->fd = fd;
    watch->events = events;
    watch->func = func;
    watch->data = data;
    watch->watch = core_of(loop)->watch_add(fd, events, watch_called, watch);
    if (!watch->watch) {
        g_free(watch);
        return NULL;
    }
    return &watch->base;
}

static void core_watch_update(LoopWatch *base, int events)
{
    CoreWatch *watch = (CoreWatch *)base;

    if (watch->events == events)
        return;
    watch->events = events;
    core_of(base->loop)->watch_update_mask(watch->watch, events);
}

static void core_watch_remove(LoopWatch *base)
{
    CoreWatch *watch = (CoreWatch *)base;

    if (!watch->func)
        return;
    core_of(base->loop)->watch_remove(watch->watch);
    watch->func = NULL;
    if (!watch->running)
        g_free(watch);
}

static void timer_called(void *opaque)
{
    CoreTimer *timer = opaque;
    Loop *loop = timer->base.loop;

    if (!timer->func)
        return;
    loop_enter(loop);
    timer->running++;
    timer->func(timer->data);
    if (--timer->running == 0 && !timer->func)
        g_free(timer);
    loop_leave(loop);
}

static LoopTimer *core_timer_new(Loop *loop, LoopFunc func, void *data)
{
    CoreTimer *timer = g_new0(CoreTimer, 1);

    timer->base.loop = loop;
    timer->func = func;
    timer->data = data;
    timer->timer = core_of(loop)->timer_add(timer_called, timer);
    if (!timer->timer) {
        g_free(timer);
        return NULL;
    }
    return &timer->base;
}

static void core_timer_start(LoopTimer *timer, uint32_t ms)
{
    core_of(timer->loop)->timer_start(((CoreTimer *)timer)->timer, ms);
}

static void core_timer_cancel(LoopTimer *timer)
{
    core_of(timer->loop)->timer_cancel(((CoreTimer *)timer)->timer);
}

static void core_timer_free(LoopTimer *base)
{
    CoreTimer *timer = (CoreTimer *)base;

    if (!timer->func)
        return;
    core_of(base->loop)->timer_remove(timer->timer);
    timer->func = NULL;
    if (!timer->running)
        g_free(timer);
}

static void core_shut(Loop *loop)
{
    core_of(loop)->watch_remove(((CoreLoop *)loop)->wake_watch);
}

static void core_free(Loop *loop)
{
    loop_base_clear(loop);
    g_free(loop);
}

static const LoopClass core_class = {
    core_watch_add,   core_watch_update, core_watch_remove, core_timer_new,
    core_timer_start, core_timer_cancel, core_timer_free,   NULL,
    core_shut,        core_free,
};

static void woken(int fd, int event, void *opaque)
{
    Loop *loop = opaque;

    if (loop->freed)
        return;
    loop_enter(loop);
    loop_base_woken(loop);
    /* A post has freed the loop: its watch went with it. */
    loop_leave(loop);
}

Loop *loop_new_core(SpiceCoreInterface *core)
{
    CoreLoop *loop = g_new0(CoreLoop, 1);

    loop->core = core;
    if (!loop_base_init(&loop->base, &core_class)) {
        g_free(loop);
        return NULL;
    }
    loop->wake_watch = core->watch_add(loop->base.wake_fd, SPICE_WATCH_EVENT_READ, woken, loop);
    if (!loop->wake_watch) {
        core_free(&loop->base);
        return NULL;
    }
    return &loop->base;
}
