/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Guesses of passwords. See guard.h. */
#include <glib.h>

#include "link/guard.h"

static struct GuardSlot *find(Guard *guard, uint64_t key, int64_t now)
{
    for (unsigned i = 0; i < GUARD_SLOTS; i++) {
        struct GuardSlot *slot = &guard->slots[i];

        if (slot->failures && slot->key == key && now < slot->window_end)
            return slot;
    }
    return NULL;
}

int guard_wait(Guard *guard, uint64_t key, int64_t now)
{
    struct GuardSlot *slot = find(guard, key, now);
    int64_t at;

    if (!slot || slot->failures <= GUARD_FREE_FAILURES)
        return 0;
    at = MAX(now, slot->next);
    if (at - now > GUARD_WAIT_MAX_MS)
        return -1;
    slot->next = at + GUARD_SPACING_MS;
    return (int)(at - now);
}

void guard_failed(Guard *guard, uint64_t key, int64_t now)
{
    struct GuardSlot *slot = find(guard, key, now);

    if (!slot) {
        slot = &guard->slots[0];
        for (unsigned i = 1; i < GUARD_SLOTS; i++)
            if (guard->slots[i].window_end < slot->window_end)
                slot = &guard->slots[i];
        slot->key = key;
        slot->failures = 0;
        slot->next = now;
    }
    /* A peer that goes on stays in the window. */
    slot->window_end = now + GUARD_WINDOW_MS;
    if (slot->failures < G_MAXUINT)
        slot->failures++;
    if (slot->failures > GUARD_FREE_FAILURES)
        slot->next = MAX(slot->next, now + GUARD_SPACING_MS);
}
