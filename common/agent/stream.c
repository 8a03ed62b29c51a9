/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Agent messages as a stream: cutting, chunks for the guest, putting together. */
#include "agent/agent.h"
#include "wire/internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

static AgentFeed __attribute__((format(printf, 3, 4)))
broken(bool *bad, WireError *error, const char *format, ...)
{
    va_list args;

    *bad = true;
    if (error) {
        va_start(args, format);
        vsnprintf(error->text, sizeof error->text, format, args);
        va_end(args);
    }
    return AGENT_FEED_BAD;
}

static WireBytes take(WireBytes *input, size_t size)
{
    WireBytes taken = {input->data, size < input->size ? size : input->size};

    input->size -= taken.size;
    if (taken.size)
        input->data += taken.size;
    return taken;
}

/* Collect a header of 'wanted' bytes that may come in parts. */
static bool take_header(uint8_t *header, unsigned *have, unsigned wanted, WireBytes *input)
{
    WireBytes part = take(input, wanted - *have);

    if (part.size)
        memcpy(header + *have, part.data, part.size);
    *have += (unsigned)part.size;
    return *have == wanted;
}

WireBytes agent_next_piece(WireBytes *rest)
{
    return take(rest, AGENT_PIECE_MAX);
}

bool agent_write_chunk(uint32_t port, WireBytes piece, WireBuffer *out)
{
    uint8_t *p = piece.size <= UINT32_MAX ? wire_buffer_add(out, AGENT_CHUNK_HEADER_SIZE) : NULL;

    if (!p) {
        out->failed = true;
        return false;
    }
    wire_put_u32(p, port);
    wire_put_u32(p + 4, (uint32_t)piece.size);
    return wire_buffer_append(out, piece.data, piece.size);
}

void agent_assembler_init(AgentAssembler *assembler, uint32_t limit, bool whole)
{
    *assembler = (AgentAssembler){.limit = limit, .whole = whole};
}

void agent_assembler_reset(AgentAssembler *assembler)
{
    enum { KEPT = 1 << 16 }; /* the memory of a large clipboard is given back */

    if (assembler->data.capacity > KEPT)
        wire_buffer_clear(&assembler->data);
    wire_buffer_reset(&assembler->data);
    assembler->header_size = 0;
    assembler->got = 0;
    assembler->bad = false;
}

void agent_assembler_clear(AgentAssembler *assembler)
{
    wire_buffer_clear(&assembler->data);
    agent_assembler_reset(assembler);
}

bool agent_assembler_is_inside(const AgentAssembler *assembler)
{
    return assembler->header_size > 0 && (assembler->header_size < AGENT_HEADER_SIZE ||
                                          assembler->got < wire_get_u32(assembler->header + 16));
}

AgentFeed agent_assembler_feed(AgentAssembler *assembler, WireBytes *input, AgentMessage *message,
                               WireError *error)
{
    if (assembler->bad)
        return AGENT_FEED_BAD;
    if (assembler->header_size == AGENT_HEADER_SIZE && !agent_assembler_is_inside(assembler))
        agent_assembler_reset(assembler); /* the message before was handed out by the last call */
    if (!input->size)
        return AGENT_FEED_MORE;
    if (assembler->header_size < AGENT_HEADER_SIZE) {
        if (assembler->whole && input->size < AGENT_HEADER_SIZE)
            return broken(&assembler->bad, error, "an agent message that begins with %zu bytes",
                          input->size);
        if (!take_header(assembler->header, &assembler->header_size, AGENT_HEADER_SIZE, input))
            return AGENT_FEED_MORE;
        if (wire_get_u32(assembler->header) != VD_AGENT_PROTOCOL)
            return broken(&assembler->bad, error, "agent protocol %" PRIu32,
                          wire_get_u32(assembler->header));
    }
    uint32_t size = wire_get_u32(assembler->header + 16);
    bool dropped = size > assembler->limit;
    WireBytes part = take(input, size - assembler->got);
    bool at_once = part.size == size;
    assembler->got += (uint32_t)part.size;
    if (assembler->whole && assembler->got == size && input->size)
        return broken(&assembler->bad, error, "%zu bytes behind the end of an agent message",
                      input->size);
    if (!dropped && !at_once && !wire_buffer_append(&assembler->data, part.data, part.size))
        return broken(&assembler->bad, error, "no memory for an agent message of %" PRIu32 " bytes",
                      size);
    if (assembler->got < size)
        return AGENT_FEED_MORE;
    message->type = wire_get_u32(assembler->header + 4);
    message->size = size;
    message->dropped = dropped;
    if (dropped)
        message->data = (WireBytes){0};
    else
        message->data = at_once ? part : (WireBytes){assembler->data.data, assembler->data.size};
    return AGENT_FEED_MESSAGE;
}
