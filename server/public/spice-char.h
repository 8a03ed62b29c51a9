/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Character devices: byte streams between the guest and a client (agent, USB, ports, smartcard,
 * folders). docs/spec/server-api.md 13 to 17 */
#ifndef SPICE_CHAR_H_
#define SPICE_CHAR_H_

#if !defined(SPICE_H_INSIDE) && !defined(SPICE_SERVER_INTERNAL)
#error "Only spice.h can be included directly."
#endif

#include "spice-core.h"

SPICE_BEGIN_DECLS

#define SPICE_INTERFACE_CHAR_DEVICE "char_device"
#define SPICE_INTERFACE_CHAR_DEVICE_MAJOR 1
#define SPICE_INTERFACE_CHAR_DEVICE_MINOR 3
typedef struct SpiceCharDeviceInterface SpiceCharDeviceInterface;
typedef struct SpiceCharDeviceInstance SpiceCharDeviceInstance;
typedef struct SpiceCharDeviceState SpiceCharDeviceState;

typedef enum {
    /* The device calls spice_server_char_device_wakeup() also when it can be written to again: no
       need to poll. */
    SPICE_CHAR_DEVICE_NOTIFY_WRITABLE = 1 << 0,
} spice_char_device_flags;

/* None of these may block. */
struct SpiceCharDeviceInterface {
    SpiceBaseInterface base;

    /* A client has opened the device (1), or nobody uses it any more (0; also when the guest sent
     * what can't be). */
    void (*state)(SpiceCharDeviceInstance *sin, int connected);

    /* Bytes for the guest. The number that was taken, 0 when it has no room now; negative: error.
     */
    int (*write)(SpiceCharDeviceInstance *sin, const uint8_t *buf, int len);

    /* Bytes of the guest, at most len. 0: nothing there now; negative: error. */
    int (*read)(SpiceCharDeviceInstance *sin, uint8_t *buf, int len);

    /* The client's SPICE_PORT_EVENT_*. Since 1.2; may be NULL. */
    void (*event)(SpiceCharDeviceInstance *sin, uint8_t event);
    spice_char_device_flags flags; /* since 1.3 */
};

struct SpiceCharDeviceInstance {
    SpiceBaseInstance base;
    const char *subtype; /* "vdagent", "usbredir", "port", "smartcard" */
    SpiceCharDeviceState *st;
    const char *portname; /* of "port"; since 1.2 */
};

/* The device has something to read, or room. */
void spice_server_char_device_wakeup(SpiceCharDeviceInstance *sin);
/* Tell the client of a port an event: SPICE_PORT_EVENT_*. */
void spice_server_port_event(SpiceCharDeviceInstance *sin, uint8_t event);
/* The subtypes that can be attached, NULL at the end. Static. */
const char **spice_server_char_device_recognized_subtypes(void);

SPICE_END_DECLS

#endif /* SPICE_CHAR_H_ */
