/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Agent streams: a byte that chooses session, strictness and how the input is cut, then the bytes
 * of the stream. Messages that come out hold what tests/agent/property.h says; putting together
 * doesn't depend on the cutting. */
#include "../agent/property.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A number that stands for all messages that came out of a stream. */
static uint64_t run(const uint8_t *data, size_t size, size_t cut, bool whole, uint32_t session,
                    bool look)
{
    AgentAssembler assembler;
    AgentMessage message;
    WireError error;
    uint64_t sum = 0;
    AgentFeed fed = AGENT_FEED_MORE;

    agent_assembler_init(&assembler, 4096, whole);
    for (size_t at = 0; at < size && fed != AGENT_FEED_BAD; at += cut) {
        WireBytes input = {data + at, size - at < cut ? size - at : cut};

        while ((fed = agent_assembler_feed(&assembler, &input, &message, &error)) ==
               AGENT_FEED_MESSAGE) {
            sum = sum * 31 + message.type + message.size + message.dropped;
            for (size_t i = 0; i < message.data.size; i++)
                sum = sum * 31 + message.data.data[i];
            bool valid;
            const char *broken = look ? agent_property(message.type, session, message.data.data,
                                                       message.data.size, &valid)
                                      : NULL;
            if (broken) {
                fprintf(stderr, "type %u: %s\n", message.type, broken);
                abort();
            }
        }
        /* What is kept is in proportion to what has come. */
        if (assembler.data.capacity > 128 + 2 * size)
            abort();
    }
    agent_assembler_clear(&assembler);
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    uint8_t how = *data++;
    size--;
    uint64_t one = run(data, size, size, false, how & 3, true);
    if (run(data, size, 1 + (how >> 3) * 7, false, how & 3, false) != one)
        abort();
    run(data, size, 64, true, how & 3, false);
    return 0;
}
