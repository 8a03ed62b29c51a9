/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Recordings of a QXL device's commands, played again.  docs/spec/server-api.md 21 */
#ifndef SPICE_REPLAY_H_
#define SPICE_REPLAY_H_

#if !defined(SPICE_H_INSIDE) && !defined(SPICE_SERVER_INTERNAL)
#error "Only spice.h can be included directly."
#endif

#include <stdio.h>
#include "spice-core.h"

SPICE_BEGIN_DECLS

typedef struct SpiceReplay SpiceReplay;

/* The next command of the recording, for get_command(). Calls of the device that were recorded
 * before it (surfaces, updates, ...) are made on the instance on the way. NULL: the end, or
 * damaged. The command belongs to the caller, until it is released and given to
 * spice_replay_free_cmd(). Waits while every surface number is taken and a command that destroys
 * one isn't freed: that has to come from another thread. Not from callbacks of the device, since
 * it makes calls that wait for the worker. */
QXLCommandExt *spice_replay_next_cmd(SpiceReplay *replay, QXLInstance *instance);
void spice_replay_free_cmd(SpiceReplay *replay, QXLCommandExt *cmd);
/* Closes the file; commands must be freed before. */
void spice_replay_free(SpiceReplay *replay);
/* Read a recording from its first byte. nsurfaces: of the device that will play it (its
 * n_surfaces). NULL: it is no recording; the file stays the caller's then. */
SpiceReplay *spice_replay_new(FILE *file, int nsurfaces);

SPICE_END_DECLS

#endif /* SPICE_REPLAY_H_ */
