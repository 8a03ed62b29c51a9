/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A guest port for fuzz targets: gives the bytes it is told to, takes as many as it is told. */
#ifndef TESTS_SERVER_FUZZ_PORT_H
#define TESTS_SERVER_FUZZ_PORT_H

#include "server.h"

typedef struct FuzzPort {
    SpiceCharDeviceInstance base;
    struct RedsState *server;
    const uint8_t *data; /* for the server */
    size_t size;
    int read_at_most, write_at_most; /* in one call */
    bool wake, remove;               /* inside the next call */
    size_t written;
} FuzzPort;

FuzzPort *fuzz_port_new(struct RedsState *server); /* attached as agent */
void fuzz_port_free(FuzzPort *port);
void fuzz_port_give(FuzzPort *port, const uint8_t *data, size_t size);

#endif
