/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What must hold for any bytes that claim to be a message: shared by the tests and the fuzz
 * targets. */
#ifndef TESTS_WIRE_PROPERTY_H
#define TESTS_WIRE_PROPERTY_H

#include "wire/wire.h"

#include <stdio.h>
#include <string.h>

typedef struct WireProperty {
    WireArena first, second;
    WireBuffer once, twice;
    size_t lines;       /* of dumps */
    const char *broken; /* what didn't hold, or NULL */
} WireProperty;

static inline void wire_property_init(WireProperty *p)
{
    memset(p, 0, sizeof *p);
    wire_arena_init(&p->first, 64 << 20);
    wire_arena_init(&p->second, 64 << 20);
}

static inline void wire_property_clear(WireProperty *p)
{
    wire_arena_clear(&p->first);
    wire_arena_clear(&p->second);
    wire_buffer_clear(&p->once);
    wire_buffer_clear(&p->twice);
}

static inline void wire_property_line(void *context, const char *line)
{
    *(size_t *)context += strlen(line) > 0;
}

/* Parse; if that works, writing works, what was written parses, and writing that gives the same
 * bytes; a dump has at least a line. False, and broken: it doesn't hold. *valid: the bytes are a
 * message. */
static inline bool wire_property_holds(WireProperty *p, uint8_t channel, WireDirection dir,
                                       uint16_t type, const uint8_t *body, size_t size, bool *valid)
{
    WireError error;
    WireSink sink = {wire_property_line, &p->lines};

    p->broken = NULL;
    wire_arena_reset(&p->first);
    wire_arena_reset(&p->second);
    wire_buffer_reset(&p->once);
    wire_buffer_reset(&p->twice);
    const void *message = wire_parse(channel, dir, type, body, size, &p->first, &error);
    *valid = message != NULL;
    if (!message) {
        if (!error.text[0] || !memchr(error.text, 0, sizeof error.text))
            p->broken = "an error without words";
        return !p->broken;
    }
    /* Decoded forms are larger than what they come from, but by a small factor: the largest is a
     * path segment. */
    if (p->first.total > 16384 + 16 * size)
        p->broken = "memory out of proportion";
    p->lines = 0;
    wire_dump(channel, dir, type, message, &sink);
    if (!p->lines)
        p->broken = "an empty dump";
    if (!wire_write(channel, dir, type, message, &p->once))
        p->broken = "what was parsed can't be written";
    else if (!(message =
                   wire_parse(channel, dir, type, p->once.data, p->once.size, &p->second, &error)))
        p->broken = "what was written can't be parsed";
    else if (!wire_write(channel, dir, type, message, &p->twice))
        p->broken = "can't be written a second time";
    else if (p->once.size != p->twice.size ||
             (p->once.size && memcmp(p->once.data, p->twice.data, p->once.size)))
        p->broken = "not the same a second time";
    return !p->broken;
}

#endif
