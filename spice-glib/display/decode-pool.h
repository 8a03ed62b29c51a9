/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A few threads that decode images of messages whose turn hasn't come yet. */
#ifndef DISPLAY_DECODE_POOL_H
#define DISPLAY_DECODE_POOL_H

#include <pthread.h>
#include <stdbool.h>

#include "canvas/image.h"

typedef enum DecodeState { DECODE_IDLE, DECODE_QUEUED, DECODE_RUNNING, DECODE_DONE } DecodeState;

/* Owned by the message it belongs to; between submit and finish or cancel the pool's lock guards
 * result, code and state; image and how stay as they are. */
typedef struct DecodeJob {
    const WireImage *image;
    CanvasDecode how;
    CanvasImage *result; /* a reference that finish() hands over */
    CanvasResult code;
    DecodeState state;
    bool submitted; /* the owner's mark */
    struct DecodeJob *next, *previous;
} DecodeJob;

/* Thread-safe. Its threads start with the first job. */
typedef struct DecodePool DecodePool;

DecodePool *decode_pool_new(unsigned int n_threads);
/* No job may be queued or running any more. */
void decode_pool_free(DecodePool *pool);

/* False when there are no threads: nothing was queued. */
bool decode_pool_submit(DecodePool *pool, DecodeJob *job);
/* The result, or NULL and *code. A job that no thread has begun yet is done by the caller: waiting
 * for a thread to wake up would take longer. */
CanvasImage *decode_pool_finish(DecodePool *pool, DecodeJob *job, CanvasResult *code);
/* Forget the job; waits for a thread that is at it. */
void decode_pool_cancel(DecodePool *pool, DecodeJob *job);

#endif
