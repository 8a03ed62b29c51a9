/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What time it is for loops and for all that stands on them. In a file of its own, so that tests of
 * time limits can link a clock that they move themselves. */
#include "loop.h"

#include <time.h>

uint64_t loop_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

uint32_t loop_now_ms(void)
{
    return loop_now_ns() / 1000000;
}
