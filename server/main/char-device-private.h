/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Between a character device and what uses it (the agent; later ports, USB, ...): the application's
 * callbacks with their rules of recursion, and a queue of bytes for the device.
 * docs/spec/server-api.md 13 */
#ifndef SERVER_MAIN_CHAR_DEVICE_PRIVATE_H
#define SERVER_MAIN_CHAR_DEVICE_PRIVATE_H

#include "main/char-device.h"

typedef struct SpiceCharDeviceState CharDevice;

/* Where bytes for the device come from. */
typedef enum CharOrigin {
    CHAR_FROM_CLIENT, /* dropped when the client goes, unless a part is out already */
    CHAR_FROM_SERVER, /* by a self token */
    CHAR_NOTICE,      /* of ours, needs no token */
    CHAR_ORPHAN,      /* of a client that has gone; completed all the same */
} CharOrigin;

typedef struct CharDeviceUser {
    /* There may be something to read, by char_device_read(). */
    void (*readable)(void *user);
    /* The device has taken one entry of the queue completely. */
    void (*written)(void *user, CharOrigin origin);
    void (*detach)(void *user, CharDevice *device);
} CharDeviceUser;

/* Who uses it from now on; NULL: nobody. Then nothing is read, and nothing written. */
void char_device_set_user(CharDevice *device, const CharDeviceUser *user, void *data);
/* The application's state(). */
void char_device_tell_state(CharDevice *device, bool connected);
/* Up to size bytes; 0: nothing now, stopped, or detached in the meantime. Only from readable(). */
size_t char_device_read(CharDevice *device, void *data, size_t size);
/* Reading may go on after it was left: soon, never inside this call when a callback is running. */
void char_device_resume(CharDevice *device);
/* Queue bytes (copied). Nothing is written inside of this call: char_device_flush(). */
void char_device_queue(CharDevice *device, const void *data, size_t size, CharOrigin origin);
void char_device_flush(CharDevice *device);
/* Is the newest entry of the queue from there, and not begun? */
bool char_device_last_is(const CharDevice *device, CharOrigin origin);
void char_device_drop_client(CharDevice *device); /* its entries, unless begun */
void char_device_drop_all(CharDevice *device);

#endif
