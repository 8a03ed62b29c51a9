/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The calls of the server library that replaying makes, written down instead of made: so tests of
 * recordings need no server. */
#ifndef TESTS_SERVER_RECORD_DEVICE_H
#define TESTS_SERVER_RECORD_DEVICE_H

#include <glib.h>
#include <spice.h>

/* "create WxH;", "destroy;", "destroy-all;" in order. */
extern GString *record_device_calls;
/* Called with the arguments of a creation, when set. */
extern void (*record_device_created)(const QXLDevSurfaceCreate *create);

#endif
