/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* GLib's main loop as the core interface that libspice-server asks its host for. */
#ifndef TESTS_SUPPORT_GLIB_CORE_H
#define TESTS_SUPPORT_GLIB_CORE_H

#include <spice.h>

/* Timers and watches on the main context that is the thread's default when they are added.
 * channel_event: is told of connections; may be NULL. */
SpiceCoreInterface glib_core(void (*channel_event)(int event, SpiceChannelEventInfo *info));
/* Those that are there now, in the whole process. */
int glib_core_watches(void), glib_core_timers(void);

#endif
