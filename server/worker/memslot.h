/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The guest's memory: slots that the device registers, and the only way from a guest's address to
 * one of ours. Belongs to the worker's thread. docs/spec/server-display.md 2 */
#ifndef SERVER_WORKER_MEMSLOT_H
#define SERVER_WORKER_MEMSLOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Host addresses from start to before end belong to it; start = end = 0: empty. */
typedef struct MemSlot {
    uint64_t start, end;
    uint64_t delta; /* added to an offset, modulo 2^64 */
    uint32_t generation;
} MemSlot;

typedef struct MemSlots {
    uint32_t n_groups, n_slots; /* slots in each group */
    unsigned int id_bits, generation_bits;
    MemSlot *slots;
} MemSlots;

/* All slots empty. False: the device's numbers make no sense, or no memory. */
bool memslots_init(MemSlots *slots, uint32_t n_groups, uint32_t n_slots, unsigned int id_bits,
                   unsigned int generation_bits);
void memslots_clear(MemSlots *slots);

/* Register a slot, or replace it. False: no such slot. */
bool memslots_add(MemSlots *slots, uint32_t group, uint32_t id, const MemSlot *slot);
/* Empty a slot; delta and generation stay. False: no such slot. */
bool memslots_remove(MemSlots *slots, uint32_t group, uint32_t id);
/* Empty all of them, of all groups; generations become 0. */
void memslots_reset(MemSlots *slots);

/* The host address of 'size' bytes of the guest's, all of them in one slot. NULL: they aren't, or
 * size is 0. The guest may change them at any time: what steers is copied first and looked at then.
 */
uint8_t *memslots_map(const MemSlots *slots, uint32_t group, uint64_t address, uint64_t size);
/* The same for as many bytes as there are up to the slot's end, at most max; at least one. */
uint8_t *memslots_map_rest(const MemSlots *slots, uint32_t group, uint64_t address, uint64_t max,
                           uint64_t *size);

#endif
