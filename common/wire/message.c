/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The frame around generated code: parse, write and dump one message, and the errors of the reader.
 */
#include "wire/wire.h"
#include "wire/internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

/* ---- Errors of the reader: text grows from the inside to the outside
 * ------------------------------------------------- */

static void __attribute__((format(printf, 3, 4)))
set_error(WireReader *reader, const char *field, const char *format, ...)
{
    char text[128];
    va_list args;

    if (!reader->error)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    snprintf(reader->error->text, sizeof reader->error->text, "%s: %s", field, text);
}

bool wire_fail_size(WireReader *reader, const char *field, uint64_t wanted, size_t left)
{
    set_error(reader, field, "%" PRIu64 " bytes announced, %zu left", wanted, left);
    return false;
}

bool wire_fail_count(WireReader *reader, const char *field, uint64_t wanted, size_t left)
{
    set_error(reader, field, "%" PRIu64 " elements announced, %zu bytes left", wanted, left);
    return false;
}

bool wire_fail_offset(WireReader *reader, const char *field, uint32_t offset)
{
    set_error(reader, field, "offset %" PRIu32 " in a message of %zu bytes", offset, reader->size);
    return false;
}

bool wire_fail_text(WireReader *reader, const char *field, const char *text)
{
    set_error(reader, field, "%s", text);
    return false;
}

bool wire_fail_memory(WireReader *reader, const char *field)
{
    set_error(reader, field, "too large");
    return false;
}

bool wire_fail_inside(WireReader *reader, const char *field)
{
    char *text = reader->error ? reader->error->text : NULL;
    const size_t room = sizeof reader->error->text;
    size_t length = strlen(field);

    if (!text)
        return false;
    if (length > room / 4)
        length = room / 4;
    memmove(text + length + 2, text, room - length - 2);
    memcpy(text, field, length);
    memcpy(text + length, ": ", 2);
    text[room - 1] = 0;
    return false;
}

const void *wire_parse_by(const WireMessageInfo *info, uint32_t session, const uint8_t *body,
                          size_t size, WireArena *arena, WireError *error)
{
    static const char empty_message;
    WireReader reader;
    size_t at = 0;

    if (error)
        error->text[0] = 0;
    if (!info) {
        if (error)
            snprintf(error->text, sizeof error->text, "no such message");
        return NULL;
    }
    if (!info->parse)
        return &empty_message;
    /* Field by field: the table of offsets need not be cleared. No bytes may come as NULL, which
     * as the place of a field means that it isn't there. */
    reader.body = body ? body : (const uint8_t *)&empty_message;
    reader.size = size;
    reader.arena = arena;
    reader.error = error;
    reader.session = session;
    reader.n_refs = 0;
    void *message = wire_make(&reader, 1, info->struct_size, "message");
    if (message && info->parse(&reader, &at, message))
        return message;
    wire_fail_inside(&reader, info->title);
    return NULL;
}

const void *wire_parse(uint8_t channel_type, WireDirection dir, uint16_t type, const uint8_t *body,
                       size_t size, WireArena *arena, WireError *error)
{
    const WireMessageInfo *info = wire_message_info(channel_type, dir, type);
    const void *message = wire_parse_by(info, 0, body, size, arena, error);

    if (!info && error)
        snprintf(error->text, sizeof error->text, "no message of type %u on channel %s", type,
                 wire_channel_name(channel_type) ? wire_channel_name(channel_type)
                                                 : "of unknown type");
    return message;
}

/* ---- Writer
 * ----------------------------------------------------------------------------------------------------------
 */

bool wire_add_block(WireWriter *writer, size_t at, int kind, const void *data, size_t count)
{
    if (!count)
        return true; /* the offset stays 0 */
    if (!data || writer->n_blocks == WIRE_MAX_REFS)
        return wire_cannot_write(writer);
    writer->blocks[writer->n_blocks].at = at;
    writer->blocks[writer->n_blocks].kind = kind;
    writer->blocks[writer->n_blocks].data = data;
    writer->blocks[writer->n_blocks++].count = count;
    return true;
}

bool wire_write_blocks(WireWriter *writer,
                       bool (*write)(WireWriter *writer, int kind, const void *data, size_t count))
{
    size_t places[WIRE_MAX_REFS];

    for (unsigned i = 0; i < writer->n_blocks; i++) {
        unsigned same = 0;

        places[i] = wire_buffer_length(writer->out) - writer->start;
        /* A structure that was shared when it came in stays so: what is parsed once is written
         * once. */
        while (same < i && (writer->blocks[same].data != writer->blocks[i].data ||
                            writer->blocks[same].kind != writer->blocks[i].kind ||
                            writer->blocks[same].count != writer->blocks[i].count))
            same++;
        if (same < i)
            places[i] = places[same];
        if (places[i] > UINT32_MAX)
            return wire_cannot_write(writer);
        wire_put_u32(wire_buffer_at(writer->out, writer->start + writer->blocks[i].at),
                     (uint32_t)places[i]);
        if (same == i &&
            !write(writer, writer->blocks[i].kind, writer->blocks[i].data, writer->blocks[i].count))
            return false;
    }
    return true;
}

bool wire_write_by(const WireMessageInfo *info, uint32_t session, const void *message,
                   WireBuffer *out)
{
    WireWriter writer;

    writer.out = out;
    writer.start = wire_buffer_length(out);
    writer.session = session;
    writer.n_blocks = 0;
    if (!info)
        return wire_cannot_write(&writer);
    if (out->failed || (info->write && !info->write(&writer, message)))
        return false;
    return wire_buffer_length(out) - writer.start <= UINT32_MAX || wire_cannot_write(&writer);
}

bool wire_write(uint8_t channel_type, WireDirection dir, uint16_t type, const void *message,
                WireBuffer *out)
{
    return wire_write_by(wire_message_info(channel_type, dir, type), 0, message, out);
}

/* ---- Names and dumps
 * -------------------------------------------------------------------------------------------------
 */

const char *wire_channel_name(uint8_t channel_type)
{
    static const char *const names[] = {
        [SPICE_CHANNEL_MAIN] = "main",         [SPICE_CHANNEL_DISPLAY] = "display",
        [SPICE_CHANNEL_INPUTS] = "inputs",     [SPICE_CHANNEL_CURSOR] = "cursor",
        [SPICE_CHANNEL_PLAYBACK] = "playback", [SPICE_CHANNEL_RECORD] = "record",
        [SPICE_CHANNEL_TUNNEL] = "tunnel",     [SPICE_CHANNEL_SMARTCARD] = "smartcard",
        [SPICE_CHANNEL_USBREDIR] = "usbredir", [SPICE_CHANNEL_PORT] = "port",
        [SPICE_CHANNEL_WEBDAV] = "webdav",
    };

    return channel_type < sizeof names / sizeof names[0] ? names[channel_type] : NULL;
}

void wire_dump_by(const WireMessageInfo *info, uint32_t session, const void *message,
                  WireSink *sink)
{
    wire_dump_open(sink, 0, info->title, info->dump ? NULL : "empty");
    if (info->dump)
        info->dump(sink, 1, session, message);
}

void wire_dump(uint8_t channel_type, WireDirection dir, uint16_t type, const void *message,
               WireSink *sink)
{
    const WireMessageInfo *info = wire_message_info(channel_type, dir, type);

    if (info)
        wire_dump_by(info, 0, message, sink);
    else
        wire_dump_unsigned(sink, 0, "unknown message", type, NULL);
}
