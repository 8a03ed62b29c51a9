/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Random valid messages, for tests and fuzzing. */
#ifndef WIRE_RANDOM_H
#define WIRE_RANDOM_H

#include "wire/internal.h"

/* A source of numbers and the memory of what is made from them. */
typedef struct WireRandom {
    uint64_t state; /* any seed but 0 */
    WireArena *arena;
} WireRandom;

uint64_t wire_random_number(WireRandom *random);
uint32_t wire_random_below(WireRandom *random, uint32_t limit);
/* Mostly a value that has a name. */
uint64_t wire_random_named(WireRandom *random, const WireNames *names, unsigned bits);
/* Cleared memory; the arena's limit must suffice. */
void *wire_random_make(WireRandom *random, size_t count, size_t size);
WireBytes wire_random_bytes(WireRandom *random, uint64_t size);

/* A valid message of the type at 'index' of wire_message_infos(). */
const void *wire_random_message(WireRandom *random, size_t index, uint32_t session);

#endif
