/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The shape of a pointer, checked and copied from the guest. */
#ifndef SERVER_WORKER_CURSOR_SHAPE_H
#define SERVER_WORKER_CURSOR_SHAPE_H

#include "wire/wire.h"
#include "worker/guest-reader.h"

typedef struct CursorShape {
    WireCursor wire; /* without flags */
    uint32_t hash;   /* of everything in it: a guest may use a name again for another shape */
    uint8_t data[];
} CursorShape;

/* NULL: the reader knows why. Freed by g_free(). */
CursorShape *cursor_shape_read(GuestReader *reader, uint64_t address);

#endif
