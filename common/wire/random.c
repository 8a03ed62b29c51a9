/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The source of randomness of random messages. */
#include "wire/random.h"

#include <stdio.h>
#include <stdlib.h>

uint64_t wire_random_number(WireRandom *random)
{
    uint64_t x = random->state;

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    random->state = x;
    return x * UINT64_C(0x2545f4914f6cdd1d) >> 1 ^ x;
}

uint32_t wire_random_below(WireRandom *random, uint32_t limit)
{
    return (uint32_t)(wire_random_number(random) >> 20) % limit;
}

uint64_t wire_random_named(WireRandom *random, const WireNames *names, unsigned bits)
{
    uint64_t value = 0;

    if (!wire_random_below(random, 16))
        value = wire_random_number(random);
    else if (!names->flags)
        value = names->names[wire_random_below(random, names->n)].value;
    else
        for (unsigned i = 0; i < names->n; i++)
            value |= wire_random_below(random, 2) ? names->names[i].value : 0;
    return bits < 64 ? value & ((UINT64_C(1) << bits) - 1) : value;
}

void *wire_random_make(WireRandom *random, size_t count, size_t size)
{
    void *result = wire_arena_alloc(random->arena, count * size);

    if (!result) {
        fprintf(stderr, "arena of random messages is too small\n");
        exit(2);
    }
    memset(result, 0, count * size);
    return result;
}

WireBytes wire_random_bytes(WireRandom *random, uint64_t size)
{
    uint8_t *data = size ? wire_random_make(random, 1, (size_t)size) : NULL;

    for (uint64_t i = 0; i < size; i++)
        data[i] = (uint8_t)wire_random_number(random);
    return (WireBytes){data, (size_t)size};
}
