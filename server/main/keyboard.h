/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which keys of a keyboard are down, from its set-1 scan codes as they pass. Pure functions.
 * docs/spec/server-api.md 12.1 */
#ifndef SERVER_MAIN_KEYBOARD_H
#define SERVER_MAIN_KEYBOARD_H

#include <stdbool.h>
#include <stdint.h>

/* Zeroed: no key is down. */
typedef struct KeyTracker {
    bool plain[128], extended[128]; /* extended: behind 0xe0 */
    bool prefix;                    /* 0xe0 was the last byte */
    uint8_t skip;                   /* bytes of a 0xe1 sequence that are still to come */
} KeyTracker;

/* A byte passes. Returns the lock (SPICE_KEYBOARD_MODIFIER_FLAGS_*) whose key it has pressed; 0:
 * none. */
uint16_t key_tracker_pass(KeyTracker *tracker, uint8_t code);
/* Is the key of this lock down? */
bool key_tracker_holds_lock(const KeyTracker *tracker, uint16_t lock);
/* Forget what is down, and hand out the bytes that release it: plain keys first. */
void key_tracker_release(KeyTracker *tracker, void (*push)(void *data, uint8_t code), void *data);

/* Make code of the key of one lock. */
uint8_t keyboard_lock_code(uint16_t lock);

#endif
