/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The cursor channel of a device: the pointer as the guest's commands left it, and for each client
 * what it hasn't been told of that yet. Only the newest state is sent, so that a slow client costs
 * nothing. docs/spec/server-display.md 4.9, 17, docs/spec/wire.md 13 */
#ifndef SERVER_WORKER_CURSOR_H
#define SERVER_WORKER_CURSOR_H

#include <spice/qxl_dev.h>

#include "server.h"
#include "worker/guest-reader.h"

typedef struct Cursor Cursor;
typedef struct GuestResource GuestResource;

/* Main thread: registers the channel. mouse_mode: SPICE_MOUSE_MODE_*. NULL: no memory. */
Cursor *cursor_new(struct RedsState *server, Loop *loop, uint8_t id, uint32_t mouse_mode);
/* Main thread, while the loop still runs. What is held of the guest is released. */
void cursor_free(Cursor *cursor);

/* ---- The worker's thread ---- */
/* A command of the guest; resource is held for as long as it is the current shape. False: it was
 * invalid, and the reader knows why. */
bool cursor_command(Cursor *cursor, GuestReader *reader, uint64_t address, GuestResource *resource);
void cursor_set_mouse_mode(Cursor *cursor, uint32_t mode);
/* Clients wait for it before they show anything. */
void cursor_primary_created(Cursor *cursor);
/* The same as cursor_reset(), and until the next primary clients are told nothing. */
void cursor_primary_destroyed(Cursor *cursor);
/* No shape, and clients forget what they have. */
void cursor_reset(Cursor *cursor);

#endif
