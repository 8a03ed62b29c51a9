/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Slots of guest memory, and the translation of addresses with all its checks. */
#include "worker/memslot.h"

#include <glib.h>

/* What devices ask for is 2 groups of 8. */
#define MAX_SLOTS 65536u

bool memslots_init(MemSlots *slots, uint32_t n_groups, uint32_t n_slots, unsigned int id_bits,
                   unsigned int generation_bits)
{
    *slots = (MemSlots){0};
    if (id_bits + generation_bits > 63)
        return false;
    if ((uint64_t)n_groups * n_slots > MAX_SLOTS)
        return false;
    slots->slots = g_try_new0(MemSlot, (gsize)n_groups * n_slots + 1);
    if (!slots->slots)
        return false;
    slots->n_groups = n_groups;
    slots->n_slots = n_slots;
    slots->id_bits = id_bits;
    slots->generation_bits = generation_bits;
    return true;
}

void memslots_clear(MemSlots *slots)
{
    g_free(slots->slots);
    *slots = (MemSlots){0};
}

static MemSlot *find(const MemSlots *slots, uint32_t group, uint64_t id)
{
    if (group >= slots->n_groups || id >= slots->n_slots)
        return NULL;
    return &slots->slots[(size_t)group * slots->n_slots + id];
}

bool memslots_add(MemSlots *slots, uint32_t group, uint32_t id, const MemSlot *slot)
{
    MemSlot *place = find(slots, group, id);

    if (!place)
        return false;
    *place = *slot;
    return true;
}

bool memslots_remove(MemSlots *slots, uint32_t group, uint32_t id)
{
    MemSlot *slot = find(slots, group, id);

    if (!slot)
        return false;
    slot->start = slot->end = 0;
    return true;
}

void memslots_reset(MemSlots *slots)
{
    for (size_t i = 0; i < (size_t)slots->n_groups * slots->n_slots; i++) {
        slots->slots[i].start = slots->slots[i].end = 0;
        slots->slots[i].generation = 0;
    }
}

/* The 'n' highest bits of a value that has 'below' bits under them; n may be 0. */
static uint64_t bits(uint64_t value, unsigned int n, unsigned int below)
{
    return n == 0 ? 0 : (value >> below) & (UINT64_MAX >> (64 - n));
}

/* The host address, and the slot in which it has to lie. */
static const MemSlot *translate(const MemSlots *slots, uint32_t group, uint64_t address,
                                uint64_t *host)
{
    unsigned int offset_bits = 64 - slots->id_bits - slots->generation_bits;
    uint64_t id = bits(address, slots->id_bits, 64 - slots->id_bits);
    const MemSlot *slot = find(slots, group, id);

    if (!slot)
        return NULL;
    if (bits(address, slots->generation_bits, offset_bits) != slot->generation)
        return NULL;
    *host = bits(address, offset_bits, 0) + slot->delta;
    /* Nothing is at address 0, even when a slot holds all memory there is. */
    return *host != 0 && *host >= slot->start && *host < slot->end ? slot : NULL;
}

uint8_t *memslots_map(const MemSlots *slots, uint32_t group, uint64_t address, uint64_t size)
{
    uint64_t host;
    const MemSlot *slot = translate(slots, group, address, &host);

    if (!slot || size == 0 || size > slot->end - host)
        return NULL;
    return (uint8_t *)(uintptr_t)host;
}

uint8_t *memslots_map_rest(const MemSlots *slots, uint32_t group, uint64_t address, uint64_t max,
                           uint64_t *size)
{
    uint64_t host;
    const MemSlot *slot = translate(slots, group, address, &host);

    if (!slot || max == 0)
        return NULL;
    *size = slot->end - host < max ? slot->end - host : max;
    return (uint8_t *)(uintptr_t)host;
}
