/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which keys are down. See keyboard.h. */
#include "main/keyboard.h"

#include <spice/enums.h>
#include <string.h>

enum { PREFIX = 0xe0, PAUSE = 0xe1, RELEASE = 0x80 };

uint8_t keyboard_lock_code(uint16_t lock)
{
    return lock == SPICE_KEYBOARD_MODIFIER_FLAGS_SCROLL_LOCK ? 0x46
           : lock == SPICE_KEYBOARD_MODIFIER_FLAGS_NUM_LOCK  ? 0x45
                                                             : 0x3a;
}

static uint16_t lock_of(uint8_t code)
{
    switch (code) {
    case 0x46:
        return SPICE_KEYBOARD_MODIFIER_FLAGS_SCROLL_LOCK;
    case 0x45:
        return SPICE_KEYBOARD_MODIFIER_FLAGS_NUM_LOCK;
    case 0x3a:
        return SPICE_KEYBOARD_MODIFIER_FLAGS_CAPS_LOCK;
    default:
        return 0;
    }
}

uint16_t key_tracker_pass(KeyTracker *tracker, uint8_t code)
{
    uint8_t key = code & ~RELEASE;
    bool down = !(code & RELEASE), *state;

    /* The Pause key's bytes look like others' behind their prefix. */
    if (tracker->skip) {
        tracker->skip--;
        return 0;
    }
    if (code == PAUSE) {
        tracker->skip = 2;
        tracker->prefix = false;
        return 0;
    }
    if (code == PREFIX) {
        tracker->prefix = true;
        return 0;
    }
    state = tracker->prefix ? &tracker->extended[key] : &tracker->plain[key];
    /* A key that repeats does not lock again. */
    uint16_t lock = tracker->prefix || !down || *state ? 0 : lock_of(key);
    *state = down;
    tracker->prefix = false;
    return lock;
}

bool key_tracker_holds_lock(const KeyTracker *tracker, uint16_t lock)
{
    return tracker->plain[keyboard_lock_code(lock)];
}

void key_tracker_release(KeyTracker *tracker, void (*push)(void *data, uint8_t code), void *data)
{
    for (unsigned key = 1; key < 128; key++)
        if (tracker->plain[key])
            push(data, (uint8_t)(key | RELEASE));
    for (unsigned key = 1; key < 128; key++)
        if (tracker->extended[key]) {
            push(data, PREFIX);
            push(data, (uint8_t)(key | RELEASE));
        }
    memset(tracker, 0, sizeof *tracker);
}
