/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Input of a connection: many messages with one read, sizes checked before memory is taken, parsed,
 * handed to the channel's kind. docs/spec/server-api.md 9, docs/spec/wire.md 8, 19 */
#include "channel/engine.h"

#include <errno.h>
#include <string.h>

enum {
    IN_FIRST = 4096,
    IN_USUAL = 32 * 1024, /* larger buffers are given back when they are empty */
    READ_ROUNDS = 8,      /* per wake-up: others have their turn */
};

void engine_in_clear(ChannelEngine *engine)
{
    g_free(engine->in);
    engine->in = NULL;
    engine->in_start = engine->in_end = engine->in_capacity = 0;
    wire_arena_clear(&engine->arena);
}

/* Whether a message with this header may come: nothing is kept for one that may not. */
static bool admit(ChannelEngine *engine, const WireHeader *header)
{
    uint8_t type = engine->cc->channel->class->type;

    if (header->type == SPICE_MSGC_MIGRATE_DATA || header->type == SPICE_MSGC_MIGRATE_FLUSH_MARK) {
        channel_client_close(engine->cc, "message of a migration (%u) that nobody has begun",
                             header->type);
        return false;
    }
    if (!wire_message_info(type, WIRE_TO_SERVER, header->type)) {
        channel_client_close(engine->cc, "message of unknown type %u", header->type);
        return false;
    }
    if (header->size > wire_max_body_size(type, WIRE_TO_SERVER, header->type)) {
        channel_client_close(engine->cc, "message of type %u with %u bytes", header->type,
                             header->size);
        return false;
    }
    return true;
}

static void handle(ChannelEngine *engine, uint16_t type, WireBytes body)
{
    ChannelClient *cc = engine->cc;
    WireError error;

    wire_arena_reset(&engine->arena);
    const void *message = wire_parse(cc->channel->class->type, WIRE_TO_SERVER, type, body.data,
                                     body.size, &engine->arena, &error);
    if (!message) {
        channel_client_close(cc, "%s", error.text);
        return;
    }
    switch (type) {
    case SPICE_MSGC_ACK_SYNC:
        if (((const WireMsgcAckSync *)message)->generation == engine->generation)
            engine->acks_count = true;
        break;
    case SPICE_MSGC_ACK:
        engine_ack(engine);
        break;
    case SPICE_MSGC_PONG:
        engine_pong(engine, message);
        break;
    case SPICE_MSGC_DISCONNECTING:
        break;
    default:
        if (type <= 100)
            break;
        if (!cc->channel->class->message(cc, type, message, body))
            channel_client_close(cc, "message of type %u was refused", type);
    }
}

/* Handle what is there completely. False: closing. */
static bool handle_all(ChannelEngine *engine)
{
    bool mini = engine->cc->mini_header;
    size_t header_size = wire_header_size(mini);

    while (!engine->closing && engine->in_end - engine->in_start >= header_size) {
        WireHeader header;

        wire_header_read(mini, engine->in + engine->in_start, &header);
        if (!admit(engine, &header))
            return false;
        if (engine->in_end - engine->in_start - header_size < header.size)
            break;
        WireBytes body = {engine->in + engine->in_start + header_size, header.size};
        engine->in_start += header_size + header.size;
        handle(engine, header.type, body);
    }
    return !engine->closing;
}

/* Bytes that the message which has begun needs in all; 0: its header isn't there. */
static size_t wanted(const ChannelEngine *engine)
{
    bool mini = engine->cc->mini_header;
    size_t header_size = wire_header_size(mini);
    WireHeader header;

    if (engine->in_end - engine->in_start < header_size)
        return 0;
    wire_header_read(mini, engine->in + engine->in_start, &header);
    return header_size + header.size; /* admitted before: small */
}

/* Room behind the input: it grows with what has arrived, not with what was announced. */
static bool make_room(ChannelEngine *engine)
{
    size_t have = engine->in_end - engine->in_start, need = wanted(engine);

    if (!have && engine->in_capacity > IN_USUAL) {
        g_free(engine->in);
        engine->in = NULL;
        engine->in_capacity = 0;
    }
    if (engine->in_start && (!have || engine->in_end == engine->in_capacity ||
                             need > engine->in_capacity - engine->in_start)) {
        if (have)
            memmove(engine->in, engine->in + engine->in_start, have);
        engine->in_start = 0;
        engine->in_end = have;
    }
    if (engine->in_end < engine->in_capacity)
        return true;
    size_t capacity = engine->in_capacity ? engine->in_capacity * 2 : IN_FIRST;
    uint8_t *bytes = g_try_realloc(engine->in, capacity);
    if (!bytes) {
        channel_client_close(engine->cc, "no memory for its input");
        return false;
    }
    engine->in = bytes;
    engine->in_capacity = capacity;
    return true;
}

void engine_read(ChannelEngine *engine)
{
    ChannelClient *cc = engine->cc;

    for (int round = 0; round < READ_ROUNDS && !engine->closing; round++) {
        if (!make_room(engine))
            return;
        size_t room = engine->in_capacity - engine->in_end;
        ssize_t n = stream_read(cc->stream, engine->in + engine->in_end, room);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return;
        if (n <= 0) {
            channel_client_close(cc, NULL);
            return;
        }
        engine->in_end += (size_t)n;
        engine->received += (uint64_t)n;
        engine->last_activity_ns = loop_now_ns();
        if (!handle_all(engine))
            return;
        if ((size_t)n < room && !stream_has_buffered_input(cc->stream))
            return;
        /* A small buffer that was filled at once: the next read takes more. */
        if ((size_t)n == room && engine->in_capacity < IN_USUAL &&
            engine->in_end == engine->in_start) {
            engine->in_start = engine->in_end = 0;
            uint8_t *bytes = g_try_realloc(engine->in, engine->in_capacity * 2);
            if (bytes) {
                engine->in = bytes;
                engine->in_capacity *= 2;
            }
        }
    }
    if (!engine->closing && stream_has_buffered_input(cc->stream))
        engine_post_pump(engine); /* reads on: the descriptor won't tell */
}
