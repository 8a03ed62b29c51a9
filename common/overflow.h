/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Checked arithmetic on sizes: everything that multiplies or adds lengths from a peer goes through
 * here. */
#ifndef COMMON_OVERFLOW_H
#define COMMON_OVERFLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* *result = a * b; false when it doesn't fit. */
static inline bool size_mul(size_t a, size_t b, size_t *result)
{
    return !__builtin_mul_overflow(a, b, result);
}

/* *result = a + b; false when it doesn't fit. */
static inline bool size_add(size_t a, size_t b, size_t *result)
{
    return !__builtin_add_overflow(a, b, result);
}

#endif
