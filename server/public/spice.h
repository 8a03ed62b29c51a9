/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libspice-server: show a virtual machine's screen to SPICE clients, and bring them its keyboard,
 * pointer, sound and devices. The one header that applications include; docs/server.md explains the
 * library and shows a small host.
 *
 * Rules that hold for every function, unless its comment says otherwise:
 *  - Calls come from the thread that called spice_server_init(), or from any thread that holds the
 * application's lock around its main loop: they never overlap with one another, nor with the core
 * interface's callbacks.
 *  - Interfaces and instances are the application's memory. They stay valid until they are removed,
 * or until the server is destroyed. Strings in options are copied.
 *  - A wrong argument (NULL, a value out of range) gives the error value, or nothing happens, and
 * one line is logged (GLib, domain "Spice"). No call and no peer ends the process. */
#ifndef SPICE_H_
#define SPICE_H_

#define SPICE_H_INSIDE

/* Also for who compiles with -fvisibility=hidden: these come from another library. */
#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif

#include "spice-version.h"
#include "spice-core.h"
#include "spice-server.h"
#include "spice-qxl.h"
#include "spice-input.h"
#include "spice-audio.h"
#include "spice-char.h"
#include "spice-migration.h"
#include "spice-replay.h"

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#undef SPICE_H_INSIDE

#endif /* SPICE_H_ */
