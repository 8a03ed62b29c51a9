/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A guest port for fuzz targets. */
#include "fuzz-port.h"

#include <limits.h>
#include <string.h>

#include "main/char-device.h"

static void inside(FuzzPort *port)
{
    bool wake = port->wake, remove = port->remove;

    port->wake = port->remove = false;
    if (wake)
        spice_server_char_device_wakeup(&port->base);
    if (remove)
        char_device_detach(&port->base);
}

static int port_write(SpiceCharDeviceInstance *sin, const uint8_t *buf, int len)
{
    FuzzPort *port = (FuzzPort *)sin;
    static volatile uint8_t sum; /* the bytes are looked at, after what happens inside */

    inside(port);
    for (int i = 0; i < len; i++)
        sum = (uint8_t)(sum + buf[i]);
    len = len > port->write_at_most ? port->write_at_most : len;
    port->written += (size_t)(len > 0 ? len : 0);
    return len;
}

static int port_read(SpiceCharDeviceInstance *sin, uint8_t *buf, int len)
{
    FuzzPort *port = (FuzzPort *)sin;
    size_t n = (size_t)(len > port->read_at_most ? port->read_at_most : len);

    if (n > port->size)
        n = port->size;
    if (n) {
        memcpy(buf, port->data, n);
        port->data += n;
        port->size -= n;
    }
    inside(port);
    return (int)n;
}

static void port_state(SpiceCharDeviceInstance *sin, int connected)
{
    (void)sin;
    (void)connected;
}

static const SpiceCharDeviceInterface interface = {
    .base = {.type = SPICE_INTERFACE_CHAR_DEVICE, .major_version = 1, .minor_version = 3},
    .state = port_state,
    .write = port_write,
    .read = port_read,
    .flags = SPICE_CHAR_DEVICE_NOTIFY_WRITABLE,
};

FuzzPort *fuzz_port_new(struct RedsState *server)
{
    FuzzPort *port = g_new0(FuzzPort, 1);

    port->base.base.sif = &interface.base;
    port->base.subtype = "vdagent";
    port->server = server;
    port->read_at_most = port->write_at_most = INT_MAX;
    char_device_attach(server, &port->base);
    return port;
}

void fuzz_port_free(FuzzPort *port)
{
    char_device_detach(&port->base);
    g_free(port);
}

void fuzz_port_give(FuzzPort *port, const uint8_t *data, size_t size)
{
    port->data = data;
    port->size = size;
    if (port->base.st)
        spice_server_char_device_wakeup(&port->base);
    port->size = 0; /* what wasn't read is lost */
}
