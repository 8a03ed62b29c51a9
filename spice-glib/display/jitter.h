/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When to show a video frame: a delay that fits the jitter measured on this stream, and no more.
 *
 * Frames carry the server's clock in milliseconds. The time from stamp to arrival has a constant
 * part (clock offset and the way) and a varying one. The smallest time seen lately is taken as the
 * constant part; the delay is what nearly all recent frames needed beyond it. On a quiet line that
 * is about nothing, so frames are shown as they come. */
#ifndef DISPLAY_JITTER_H
#define DISPLAY_JITTER_H

#include <stdbool.h>
#include <stdint.h>

#define JITTER_HISTORY 64
/* The longest delay that smoothness is worth: above it latency disturbs more than a dropped frame.
 */
#define JITTER_MAX_US 200000

/* Pure state: no clock and no lock of its own. All times in microseconds of one monotonic clock. */
typedef struct JitterBuffer {
    bool started;
    uint32_t last_mm;
    int64_t last_mm_us; /* last_mm, unwrapped */
    int64_t base;       /* least transit of the current and the previous period */
    int64_t period_min[2];
    int64_t period_start;
    int64_t delay; /* beyond base */
    uint32_t n_late;
    uint32_t late[JITTER_HISTORY]; /* transit beyond base of the last frames */
    uint32_t next;
} JitterBuffer;

void jitter_reset(JitterBuffer *jitter);

/* A frame stamped mm_time (milliseconds, wraps) arrived at now: the time at which to show it, never
 * before now. mm_time 0 means that the frame has no time: it is shown at once. */
int64_t jitter_arrival(JitterBuffer *jitter, uint32_t mm_time, int64_t now);

/* The delay in force beyond the quickest way. */
int64_t jitter_delay(const JitterBuffer *jitter);

#endif
