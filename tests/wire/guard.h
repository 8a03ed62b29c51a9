/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bytes that end at a page that can't be read: a read behind them is seen without sanitizers too.
 */
#ifndef TESTS_WIRE_GUARD_H
#define TESTS_WIRE_GUARD_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

typedef struct Guard {
    uint8_t *start, *end; /* what may be read; the page at end may not */
} Guard;

static inline Guard guard_new(size_t size)
{
    size_t page = 4096, room = (size + page - 1) / page * page;
    uint8_t *start =
        mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (start == MAP_FAILED || mprotect(start + room, page, PROT_NONE) != 0)
        abort();
    return (Guard){start, start + room};
}

/* A copy right before the page. size is at most that of guard_new(). */
static inline uint8_t *guard_copy(const Guard *guard, const uint8_t *data, size_t size)
{
    uint8_t *to = guard->end - size;

    if (size)
        memcpy(to, data, size);
    return to;
}

static inline void guard_free(Guard *guard)
{
    munmap(guard->start, (size_t)(guard->end - guard->start) + 4096);
}

#endif
