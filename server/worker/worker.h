/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One worker for each QXL device: a thread with its loop that takes commands from the device's
 * rings, owns the truth, the views, and the display and cursor channels. The device's calls are
 * requests in a queue.  docs/spec/server-api.md 6.2, 11 */
#ifndef SERVER_WORKER_WORKER_H
#define SERVER_WORKER_WORKER_H

#include "server.h"

typedef struct Worker Worker;

/* add_interface and remove_interface of a QXL; caller's thread (main). False: id in use, or no
 * memory. It calls attached_worker; the caller tells it the compression level. Both keep
 * server->workers. */
bool worker_add(struct RedsState *server, QXLInstance *qxl);
void worker_remove(Worker *worker);  /* stops, joins, disconnects, releases */
Worker *worker_of(QXLInstance *qxl); /* NULL: not attached */
QXLInstance *worker_instance(Worker *worker);
struct RedsState *worker_server(Worker *worker);

void worker_start(Worker *worker); /* vm_start */
void worker_stop(Worker *worker);
void worker_set_image_compression(Worker *worker, SpiceImageCompression compression);
void worker_set_mouse_mode(
    Worker *worker,
    uint32_t mode); /* SPICE_MOUSE_MODE_*: cursor moves are sent in server mode only */

/* For the mouse rule (server-api.md 12.2) and the main channel; main thread, or any thread with the
 * host's lock. */
typedef struct WorkerPrimary {
    bool active;        /* a primary surface, or a GL scanout */
    bool mouse_allowed; /* the device lets the client's mouse in; not active: there has been one */
    uint32_t width, height;
} WorkerPrimary;
WorkerPrimary worker_primary(Worker *worker);
uint32_t worker_ram_size(Worker *worker); /* asks the device */
/* All devices take the client's monitors (11.7)? config NULL: only ask. */
bool worker_client_monitors_config(Worker *worker, VDAgentMonitorsConfig *config);
/* For GRAPHICS_DEVICE_INFO (14.4). */
const char *worker_device_address(Worker *worker);
uint32_t worker_device_displays(Worker *worker, uint32_t *first); /* count; 0: not set */
uint8_t worker_channel_id(Worker *worker);

#endif
