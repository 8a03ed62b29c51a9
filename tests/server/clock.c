/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Linked instead of server/loop-clock.c. */
#include "clock.h"

#include <time.h>

static uint64_t ahead_ns;   /* atomic */
static uint64_t stopped_ns; /* atomic; 0: it goes */

void clock_forward_ms(uint64_t ms)
{
    __atomic_add_fetch(&ahead_ns, ms * 1000000, __ATOMIC_RELAXED);
}

static uint64_t real_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void clock_stop(bool stop)
{
    __atomic_store_n(&stopped_ns, stop ? real_ns() : 0, __ATOMIC_RELAXED);
}

uint64_t loop_now_ns(void)
{
    uint64_t stopped = __atomic_load_n(&stopped_ns, __ATOMIC_RELAXED);

    return (stopped > 0 ? stopped : real_ns()) + __atomic_load_n(&ahead_ns, __ATOMIC_RELAXED);
}

uint32_t loop_now_ms(void)
{
    return loop_now_ns() / 1000000;
}
