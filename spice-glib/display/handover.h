/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One picture, two threads: the owner who shows it and the painter who draws it take turns.
 *
 * The owner has the picture while it runs handlers and gives it away while it sleeps in poll(). The
 * painter takes it for runs of drawing operations and gives it back between two of them as soon as
 * the owner wants it. So the owner waits for one operation at most, and neither ever sees the
 * other's half-done work. When the owner is so busy that the painter gets no turn, the owner waits
 * for the painter for a short slice, so that pictures keep coming. */
#ifndef DISPLAY_HANDOVER_H
#define DISPLAY_HANDOVER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct Handover {
    pthread_mutex_t lock;
    pthread_cond_t owner_cond, painter_cond;
    unsigned int owner_depth; /* the owner's holds, nested */
    bool painter_has;
    int owner_wants; /* atomic: read by the painter between operations */
    bool painter_wants, painter_first;
    bool cancelled;
    int64_t wanted_since; /* when the painter began to wait */
    int64_t slice_end;    /* until then the painter need not give way */
} Handover;

/* The owner has the picture. */
void handover_init(Handover *handover);
void handover_clear(Handover *handover);

void handover_owner_acquire(Handover *handover);
void handover_owner_release(Handover *handover);

/* The painter's side, one thread. Take the picture, or keep it if nobody else wants it. False:
 * cancelled. */
bool handover_paint(Handover *handover);
/* The painter has nothing to draw for now, or does something long. */
void handover_rest(Handover *handover);
/* A cancelled painter isn't given the picture and stops waiting for it. */
void handover_cancel(Handover *handover, bool cancelled);

#endif
