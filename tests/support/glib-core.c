/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Timers and watches of libspice-server as GLib sources. */
#include "glib-core.h"
#include <glib-unix.h>

struct SpiceTimer {
    SpiceTimerFunc func;
    void *opaque;
    GMainContext *context;
    GSource *source; /* NULL: not armed */
};

struct SpiceWatch {
    SpiceWatchFunc func;
    void *opaque;
    GMainContext *context;
    GSource *source; /* NULL: nothing is waited for */
    int fd;
};

static gint n_watches, n_timers; /* atomic */

/* Replace a source: the old one is gone before the new one is made. */
static void set_source(GSource **source, GSource *next, GMainContext *context, GSourceFunc func,
                       gpointer data)
{
    if (*source) {
        g_source_destroy(*source);
        g_source_unref(*source);
    }
    if ((*source = next)) {
        g_source_set_callback(next, func, data, NULL);
        g_source_attach(next, context);
    }
}

static SpiceTimer *timer_add(SpiceTimerFunc func, void *opaque)
{
    SpiceTimer timer = {func, opaque, g_main_context_ref_thread_default(), NULL};

    g_atomic_int_inc(&n_timers);
    return g_memdup2(&timer, sizeof timer);
}

static void timer_cancel(SpiceTimer *timer)
{
    set_source(&timer->source, NULL, NULL, NULL, NULL);
}

static gboolean timer_fired(gpointer data)
{
    SpiceTimer *timer = data;

    timer_cancel(timer); /* first: func may arm or remove the timer */
    timer->func(timer->opaque);
    return G_SOURCE_REMOVE;
}

static void timer_start(SpiceTimer *timer, uint32_t ms)
{
    set_source(&timer->source, g_timeout_source_new(ms), timer->context, timer_fired, timer);
}

static void timer_remove(SpiceTimer *timer)
{
    timer_cancel(timer);
    g_main_context_unref(timer->context);
    g_atomic_int_add(&n_timers, -1);
    g_free(timer);
}

static gboolean watch_fired(gint fd, GIOCondition condition, gpointer data)
{
    SpiceWatch *watch = data;
    int event = (condition & (G_IO_IN | G_IO_HUP | G_IO_ERR) ? SPICE_WATCH_EVENT_READ : 0) |
                (condition & G_IO_OUT ? SPICE_WATCH_EVENT_WRITE : 0);

    watch->func(fd, event, watch->opaque); /* may remove the watch */
    return G_SOURCE_CONTINUE;
}

static void watch_update_mask(SpiceWatch *watch, int event_mask)
{
    GIOCondition condition = (event_mask & SPICE_WATCH_EVENT_READ ? G_IO_IN : 0) |
                             (event_mask & SPICE_WATCH_EVENT_WRITE ? G_IO_OUT : 0);

    set_source(&watch->source, condition ? g_unix_fd_source_new(watch->fd, condition) : NULL,
               watch->context, G_SOURCE_FUNC(watch_fired), watch);
}

static SpiceWatch *watch_add(int fd, int event_mask, SpiceWatchFunc func, void *opaque)
{
    SpiceWatch watch = {func, opaque, g_main_context_ref_thread_default(), NULL, fd};
    SpiceWatch *added = g_memdup2(&watch, sizeof watch);

    g_atomic_int_inc(&n_watches);
    watch_update_mask(added, event_mask);
    return added;
}

static void watch_remove(SpiceWatch *watch)
{
    watch_update_mask(watch, 0);
    g_main_context_unref(watch->context);
    g_atomic_int_add(&n_watches, -1);
    g_free(watch);
}

int glib_core_watches(void)
{
    return g_atomic_int_get(&n_watches);
}

int glib_core_timers(void)
{
    return g_atomic_int_get(&n_timers);
}

static void no_event(int event, SpiceChannelEventInfo *info)
{
}

SpiceCoreInterface glib_core(void (*channel_event)(int event, SpiceChannelEventInfo *info))
{
    return (SpiceCoreInterface){
        {SPICE_INTERFACE_CORE, "GLib", SPICE_INTERFACE_CORE_MAJOR, SPICE_INTERFACE_CORE_MINOR},
        .timer_add = timer_add,
        .timer_start = timer_start,
        .timer_cancel = timer_cancel,
        .timer_remove = timer_remove,
        .watch_add = watch_add,
        .watch_update_mask = watch_update_mask,
        .watch_remove = watch_remove,
        .channel_event = channel_event ? channel_event : no_event,
    };
}
