/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fuzz target for the canvas room: a display channel in small. The input is a sequence of messages
 * (u32 size of the body, u16 type, body; little-endian), parsed by the wire room and drawn. Memory
 * is bounded so that only faults stop it. */
#include <stdlib.h>
#include <string.h>

#include "canvas-session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Session session;

    session_init(&session);
    session.max_surface_bytes = 1 << 18;
    session.max_pixels = 1 << 18;
    while (size >= 6) {
        size_t length = data[0] | data[1] << 8 | data[2] << 16 | (size_t)data[3] << 24;
        uint16_t type = data[4] | data[5] << 8;
        CanvasResult result;
        uint8_t *body;

        data += 6;
        size -= 6;
        if (length > size)
            length = size;
        body = malloc(length ? length : 1); /* exact size: an overread meets the sanitizer */
        if (!body)
            break;
        memcpy(body, data, length);
        session_apply(&session, type, body, length, &result);
        free(body);
        data += length;
        size -= length;
    }
    session_clear(&session);
    return 0;
}
