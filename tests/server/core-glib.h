/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A core interface on GLib's default main context, for tests. */
#ifndef TESTS_SERVER_CORE_GLIB_H
#define TESTS_SERVER_CORE_GLIB_H

#include <glib-unix.h>

struct SpiceTimer {
    SpiceTimerFunc func;
    void *opaque;
    guint source;
};

struct SpiceWatch {
    int fd;
    SpiceWatchFunc func;
    void *opaque;
    guint source;
};

static int core_watches, core_timers; /* that are there */

static inline SpiceTimer *core_timer_add(SpiceTimerFunc func, void *opaque)
{
    SpiceTimer *timer = g_new0(SpiceTimer, 1);

    timer->func = func;
    timer->opaque = opaque;
    core_timers++;
    return timer;
}

static inline gboolean core_timer_fired(gpointer data)
{
    SpiceTimer *timer = data;

    timer->source = 0;
    timer->func(timer->opaque);
    return G_SOURCE_REMOVE;
}

static inline void core_timer_cancel(SpiceTimer *timer)
{
    if (timer->source)
        g_source_remove(timer->source);
    timer->source = 0;
}

static inline void core_timer_start(SpiceTimer *timer, uint32_t ms)
{
    core_timer_cancel(timer);
    timer->source = g_timeout_add(ms, core_timer_fired, timer);
}

static inline void core_timer_remove(SpiceTimer *timer)
{
    core_timer_cancel(timer);
    core_timers--;
    g_free(timer);
}

static inline gboolean core_fd_ready(gint fd, GIOCondition condition, gpointer data)
{
    SpiceWatch *watch = data;

    watch->func(fd,
                (condition & (G_IO_IN | G_IO_HUP | G_IO_ERR) ? SPICE_WATCH_EVENT_READ : 0) |
                    (condition & G_IO_OUT ? SPICE_WATCH_EVENT_WRITE : 0),
                watch->opaque);
    return G_SOURCE_CONTINUE;
}

static inline void core_watch_update(SpiceWatch *watch, int mask)
{
    if (watch->source)
        g_source_remove(watch->source);
    watch->source = 0;
    if (mask)
        watch->source = g_unix_fd_add(watch->fd,
                                      (mask & SPICE_WATCH_EVENT_READ ? G_IO_IN : 0) |
                                          (mask & SPICE_WATCH_EVENT_WRITE ? G_IO_OUT : 0),
                                      core_fd_ready, watch);
}

static inline SpiceWatch *core_watch_add(int fd, int mask, SpiceWatchFunc func, void *opaque)
{
    SpiceWatch *watch = g_new0(SpiceWatch, 1);

    watch->fd = fd;
    watch->func = func;
    watch->opaque = opaque;
    core_watches++;
    core_watch_update(watch, mask);
    return watch;
}

static inline void core_watch_remove(SpiceWatch *watch)
{
    core_watch_update(watch, 0);
    core_watches--;
    g_free(watch);
}

#define CORE_GLIB                                                                      \
    {                                                                                  \
        .base = {SPICE_INTERFACE_CORE, "GLib's main loop", SPICE_INTERFACE_CORE_MAJOR, \
                 SPICE_INTERFACE_CORE_MINOR},                                          \
        .timer_add = core_timer_add, .timer_start = core_timer_start,                  \
        .timer_cancel = core_timer_cancel, .timer_remove = core_timer_remove,          \
        .watch_add = core_watch_add, .watch_update_mask = core_watch_update,           \
        .watch_remove = core_watch_remove,                                             \
    }

#endif
