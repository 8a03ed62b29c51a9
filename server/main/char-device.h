/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Character devices: attaching them, and the flow between a device and its user. The public
 * functions spice_server_char_device_*() and spice_server_port_event() are here too. Main thread,
 * or any that holds the host's lock.  docs/spec/server-api.md 4.1, 13 */
#ifndef SERVER_MAIN_CHAR_DEVICE_H
#define SERVER_MAIN_CHAR_DEVICE_H

#include "server.h"

/* Attach by its subtype: st is set. False: one log line (unknown subtype, second agent, ...), st is
 * untouched. */
bool char_device_attach(struct RedsState *server, SpiceCharDeviceInstance *device);
/* st is cleared. False: st is NULL, it isn't attached. */
bool char_device_detach(SpiceCharDeviceInstance *device);
void char_devices_detach_all(struct RedsState *server);
/* With the machine. Before the first start they count as started. */
void char_devices_start(struct RedsState *server);
void char_devices_stop(struct RedsState *server);

#endif
