/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Guesses of passwords: after some failures the checks for that peer's address are spread in time.
 * docs/spec/server-api.md 24 */
#ifndef SERVER_LINK_GUARD_H
#define SERVER_LINK_GUARD_H

#include <stdbool.h>
#include <stdint.h>

enum {
    GUARD_SLOTS = 64,
    GUARD_FREE_FAILURES = 5, /* that nobody notices */
    GUARD_WINDOW_MS = 30000, /* in this time; then they are forgotten */
    GUARD_SPACING_MS = 250,  /* between checks afterwards */
    GUARD_WAIT_MAX_MS = 5000,
};

/* Zeroed: nobody has failed yet. */
typedef struct Guard {
    struct GuardSlot {
        uint64_t key; /* stream_peer_key() */
        unsigned failures;
        int64_t window_end, next; /* ms */
    } slots[GUARD_SLOTS];
} Guard;

/* ms to wait before the password of this peer is looked at, and takes that place in the row; -1:
 * refuse without looking. now: monotonic ms. */
int guard_wait(Guard *guard, uint64_t key, int64_t now);
void guard_failed(Guard *guard, uint64_t key, int64_t now);

#endif
