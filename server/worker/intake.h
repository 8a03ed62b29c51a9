/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a guest's command to what the rest of the server works with: checked, and copied out of the
 * guest's memory before it is looked at. Worker's thread. docs/spec/server-display.md 3.2, 4, 5.1
 */
#ifndef SERVER_WORKER_INTAKE_H
#define SERVER_WORKER_INTAKE_H

#include <spice/qxl_dev.h>

#include "display/truth.h"
#include "worker/guest-reader.h"

typedef struct Intake {
    const MemSlots *slots;
    Truth *truth;
    uint64_t serial; /* of the last drawing */
} Intake;

/* A drawing command as a Drawable with one reference, not entered into the truth yet. resource is
 * what the command is released by: the drawing keeps a reference where it borrows pixels. NULL: it
 * has no effect; *problem says why, or is NULL when the guest did nothing wrong. */
Drawable *intake_drawable(Intake *intake, const QXLCommandExt *command, GuestResource *resource,
                          const char **problem);

/* An image borrows its pixels from the guest when they are larger than this. */
enum { INTAKE_COPIED_PIXELS = 64 * 1024 };

#endif
