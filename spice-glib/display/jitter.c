/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The adaptive delay of video frames. */
#include "display/jitter.h"

#include <stdlib.h>
#include <string.h>

/* How long the quickest way is remembered (one to two periods): long enough to see a quick frame,
 * short enough to follow two clocks that drift apart. */
#define PERIOD_US (5 * 1000000)
/* A frame that is off by more than this belongs to a clock that was set anew. */
#define JUMP_US (5 * 1000000)
/* The delay shrinks by this much per frame, so that playback isn't visibly hurried. */
#define SHRINK_US 1000

void jitter_reset(JitterBuffer *jitter)
{
    memset(jitter, 0, sizeof *jitter);
}

static void restart(JitterBuffer *jitter, uint32_t mm_time, int64_t transit, int64_t now)
{
    jitter->started = true;
    jitter->last_mm = mm_time;
    jitter->last_mm_us = (int64_t)mm_time * 1000;
    jitter->base = transit;
    jitter->period_min[0] = jitter->period_min[1] = transit;
    jitter->period_start = now;
    jitter->delay = 0;
    jitter->n_late = jitter->next = 0;
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

/* What all but one in sixteen of the recent frames needed. */
static int64_t needed(const JitterBuffer *jitter)
{
    uint32_t sorted[JITTER_HISTORY];
    uint32_t n = jitter->n_late;

    memcpy(sorted, jitter->late, n * sizeof sorted[0]);
    qsort(sorted, n, sizeof sorted[0], compare);
    return sorted[n - 1 - n / 16];
}

static void follow_base(JitterBuffer *jitter, int64_t transit, int64_t now)
{
    if (now - jitter->period_start >= PERIOD_US) {
        jitter->period_min[1] = jitter->period_min[0];
        jitter->period_min[0] = transit;
        jitter->period_start = now;
    } else if (transit < jitter->period_min[0]) {
        jitter->period_min[0] = transit;
    }
    jitter->base = jitter->period_min[0] < jitter->period_min[1] ? jitter->period_min[0]
                                                                 : jitter->period_min[1];
}

int64_t jitter_arrival(JitterBuffer *jitter, uint32_t mm_time, int64_t now)
{
    int64_t mm_us, transit, late, wanted, due;
    int32_t step;

    if (mm_time == 0)
        return now;
    if (!jitter->started) {
        restart(jitter, mm_time, now - (int64_t)mm_time * 1000, now);
        return now;
    }
    step = (int32_t)(mm_time - jitter->last_mm);
    mm_us = jitter->last_mm_us + (int64_t)step * 1000;
    transit = now - mm_us;
    if (step < 0 || llabs(transit - jitter->base) > JUMP_US) {
        restart(jitter, mm_time, now - (int64_t)mm_time * 1000, now);
        return now;
    }
    jitter->last_mm = mm_time;
    jitter->last_mm_us = mm_us;
    follow_base(jitter, transit, now);

    late = transit - jitter->base;
    jitter->late[jitter->next] = late > UINT32_MAX ? UINT32_MAX : (uint32_t)late;
    jitter->next = (jitter->next + 1) % JITTER_HISTORY;
    if (jitter->n_late < JITTER_HISTORY)
        jitter->n_late++;
    wanted = needed(jitter);
    if (wanted > JITTER_MAX_US)
        wanted = JITTER_MAX_US;
    if (wanted >= jitter->delay)
        jitter->delay = wanted;
    else
        jitter->delay -= jitter->delay - wanted < SHRINK_US ? jitter->delay - wanted : SHRINK_US;

    due = mm_us + jitter->base + jitter->delay;
    return due < now ? now : due;
}

int64_t jitter_delay(const JitterBuffer *jitter)
{
    return jitter->delay;
}
