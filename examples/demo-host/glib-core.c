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

static void drop_source(GSource **source)
{
    if (*source) {
        g_source_destroy(*source);
        g_clear_pointer(source, g_source_unref);
    }
}

static SpiceTimer *timer_add(SpiceTimerFunc func, void *opaque)
{
    SpiceTimer *timer = g_new0(SpiceTimer, 1);

    *timer = (SpiceTimer){func, opaque, g_main_context_ref_thread_default(), NULL};
    return timer;
}

static void timer_cancel(SpiceTimer *timer)
{
    drop_source(&timer->source);
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
    timer_cancel(timer);
    timer->source = g_timeout_source_new(ms);
    g_source_set_callback(timer->source, timer_fired, timer, NULL);
    g_source_attach(timer->source, timer->context);
}

static void timer_remove(SpiceTimer *timer)
{
    timer_cancel(timer);
    g_main_context_unref(timer->context);
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

    drop_source(&watch->source);
    if (!condition)
        return;
    watch->source = g_unix_fd_source_new(watch->fd, condition);
    g_source_set_callback(watch->source, G_SOURCE_FUNC(watch_fired), watch, NULL);
    g_source_attach(watch->source, watch->context);
}

static SpiceWatch *watch_add(int fd, int event_mask, SpiceWatchFunc func, void *opaque)
{
    SpiceWatch *watch = g_new0(SpiceWatch, 1);

    *watch = (SpiceWatch){func, opaque, g_main_context_ref_thread_default(), NULL, fd};
    watch_update_mask(watch, event_mask);
    return watch;
}

static void watch_remove(SpiceWatch *watch)
{
    drop_source(&watch->source);
    g_main_context_unref(watch->context);
    g_free(watch);
}

static void no_event(int event, SpiceChannelEventInfo *info)
{
}

SpiceCoreInterface glib_core(void (*channel_event)(int event, SpiceChannelEventInfo *info))
{
    return (SpiceCoreInterface){
        .base = {SPICE_INTERFACE_CORE, "GLib", SPICE_INTERFACE_CORE_MAJOR,
                 SPICE_INTERFACE_CORE_MINOR},
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
