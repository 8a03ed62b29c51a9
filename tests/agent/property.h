/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What must hold for any bytes that claim to be an agent message: shared by the tests and the fuzz
 * target. */
#ifndef TESTS_AGENT_PROPERTY_H
#define TESTS_AGENT_PROPERTY_H

#include "agent/agent.h"

#include <string.h>

static inline void agent_property_line(void *context, const char *line)
{
    *(size_t *)context += strlen(line) > 0;
}

/* Parse; if that works, writing and parsing again gives the same bytes, and a dump has lines. NULL,
 * or what didn't hold. */
static inline const char *agent_property(uint32_t type, uint32_t session, const uint8_t *data,
                                         size_t size, bool *valid)
{
    WireArena first, second;
    WireBuffer once = {0}, twice = {0};
    WireError error;
    size_t lines = 0;
    WireSink sink = {agent_property_line, &lines};
    const char *broken = NULL;

    wire_arena_init(&first, 16 << 20);
    wire_arena_init(&second, 16 << 20);
    const void *message = agent_parse(type, session, data, size, &first, &error);
    *valid = message != NULL;
    if (!message) {
        broken = error.text[0] ? NULL : "an error without words";
    } else {
        agent_dump(type, session, message, &sink);
        if (!lines)
            broken = "an empty dump";
        else if (!agent_write(type, session, message, &once))
            broken = "what was parsed can't be written";
        else if (!(message = agent_parse(type, session, once.data, once.size, &second, &error)))
            broken = "what was written can't be parsed";
        else if (!agent_write(type, session, message, &twice) || once.size != twice.size ||
                 (once.size && memcmp(once.data, twice.data, once.size)))
            broken = "not the same a second time";
    }
    wire_arena_clear(&first);
    wire_arena_clear(&second);
    wire_buffer_clear(&once);
    wire_buffer_clear(&twice);
    return broken;
}

#endif
