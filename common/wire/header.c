/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Headers of messages and messages inside of messages. */
#include "wire/header.h"
#include "wire/internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

enum { SUB_HEADER_SIZE = 6 };

void wire_header_read(bool mini, const uint8_t *bytes, WireHeader *header)
{
    *header = (WireHeader){0};
    if (!mini) {
        header->serial = wire_get_u64(bytes);
        header->sub_list = wire_get_u32(bytes + 14);
        bytes += 8;
    }
    header->type = wire_get_u16(bytes);
    header->size = wire_get_u32(bytes + 2);
}

void wire_header_write(bool mini, const WireHeader *header, uint8_t *bytes)
{
    if (!mini) {
        wire_put_u64(bytes, header->serial);
        wire_put_u32(bytes + 14, header->sub_list);
        bytes += 8;
    }
    wire_put_u16(bytes, header->type);
    wire_put_u32(bytes + 2, header->size);
}

bool wire_write_message(bool mini, uint64_t serial, uint8_t channel_type, WireDirection dir,
                        uint16_t type, const void *message, WireBuffer *out)
{
    size_t start = wire_buffer_length(out), header_size = wire_header_size(mini);

    if (!wire_buffer_add(out, header_size) || !wire_write(channel_type, dir, type, message, out))
        return false;
    /* wire_write() made sure that the size fits. */
    WireHeader header = {.serial = serial,
                         .type = type,
                         .size = (uint32_t)(wire_buffer_length(out) - start - header_size)};
    wire_header_write(mini, &header, wire_buffer_at(out, start));
    return true;
}

uint32_t wire_max_body_size(uint8_t channel_type, WireDirection dir, uint16_t type)
{
    const uint32_t KiB = 1024, MiB = 1024 * KiB;

    if (dir == WIRE_TO_CLIENT)
        return channel_type == SPICE_CHANNEL_DISPLAY ? 256 * MiB : 16 * MiB;
    if (type == SPICE_MSGC_MIGRATE_DATA)
        return 16 * MiB; /* holds what a device hasn't taken yet */
    switch (channel_type) {
    case SPICE_CHANNEL_MAIN:
        return 26 * KiB;
    case SPICE_CHANNEL_INPUTS:
        return 2 * KiB;
    case SPICE_CHANNEL_RECORD:
    case SPICE_CHANNEL_SMARTCARD:
        return 64 * KiB;
    case SPICE_CHANNEL_USBREDIR:
    case SPICE_CHANNEL_PORT:
    case SPICE_CHANNEL_WEBDAV:
        return 8 * MiB;
    default:
        return 1 * KiB; /* display, cursor, playback: little comes from the client */
    }
}

static bool __attribute__((format(printf, 2, 3))) refuse(WireError *error, const char *format, ...)
{
    va_list args;

    if (error) {
        va_start(args, format);
        vsnprintf(error->text, sizeof error->text, format, args);
        va_end(args);
    }
    return false;
}

bool wire_sub_list_read(const uint8_t *body, size_t size, uint32_t offset, WireSubMessage *subs,
                        unsigned *n, WireError *error)
{
    *n = 0;
    if (offset > size || size - offset < 2)
        return refuse(error, "list of sub-messages at %" PRIu32 " of %zu bytes", offset, size);
    unsigned count = wire_get_u16(body + offset);
    const uint8_t *offsets = body + offset + 2;
    if (count > WIRE_SUB_MESSAGES_MAX || (size - offset - 2) / 4 < count)
        return refuse(error, "list of %u sub-messages, %zu bytes left", count, size - offset - 2);
    for (unsigned i = 0; i < count; i++) {
        uint32_t at = wire_get_u32(offsets + 4 * i);

        if (at > size || size - at < SUB_HEADER_SIZE)
            return refuse(error, "sub-message at %" PRIu32 " of %zu bytes", at, size);
        uint32_t said = wire_get_u32(body + at + 2);
        size_t left = size - at - SUB_HEADER_SIZE;
        subs[i].type = wire_get_u16(body + at);
        if (subs[i].type == SPICE_MSG_LIST)
            return refuse(error, "list of sub-messages inside of another");
        subs[i].body = (WireBytes){body + at + SUB_HEADER_SIZE, said < left ? said : left};
    }
    *n = count;
    return true;
}

/* Append sub-messages and tell where they begin. */
static bool append_subs(const WireSubMessage *subs, unsigned n, size_t start, WireBuffer *out,
                        uint32_t *places)
{
    for (unsigned i = 0; i < n; i++) {
        size_t at = wire_buffer_length(out) - start;
        uint8_t *p = at <= UINT32_MAX && subs[i].body.size <= UINT32_MAX
                         ? wire_buffer_add(out, SUB_HEADER_SIZE)
                         : NULL;

        if (!p) {
            out->failed = true;
            return false;
        }
        wire_put_u16(p, subs[i].type);
        wire_put_u32(p + 2, (uint32_t)subs[i].body.size);
        places[i] = (uint32_t)at;
        if (!wire_buffer_append(out, subs[i].body.data, subs[i].body.size))
            return false;
    }
    return true;
}

static bool append_list(unsigned n, WireBuffer *out)
{
    uint8_t *p = n <= WIRE_SUB_MESSAGES_MAX ? wire_buffer_add(out, 2 + 4 * (size_t)n) : NULL;

    if (!p) {
        out->failed = true;
        return false;
    }
    wire_put_u16(p, (uint16_t)n);
    return true;
}

static void fill_list(uint8_t *list, unsigned n, const uint32_t *places)
{
    for (unsigned i = 0; i < n; i++)
        wire_put_u32(list + 2 + 4 * i, places[i]);
}

bool wire_list_write(const WireSubMessage *subs, unsigned n, WireBuffer *out)
{
    uint32_t places[WIRE_SUB_MESSAGES_MAX];
    size_t start = wire_buffer_length(out);

    if (!append_list(n, out) || !append_subs(subs, n, start, out, places))
        return false;
    fill_list(wire_buffer_at(out, start), n, places);
    return true;
}

bool wire_sub_list_append(const WireSubMessage *subs, unsigned n, size_t start, WireBuffer *out,
                          uint32_t *sub_list)
{
    uint32_t places[WIRE_SUB_MESSAGES_MAX];

    *sub_list = 0;
    if (!n)
        return !out->failed;
    if (n > WIRE_SUB_MESSAGES_MAX) {
        out->failed = true;
        return false;
    }
    if (!append_subs(subs, n, start, out, places))
        return false;
    size_t at = wire_buffer_length(out) - start;
    if (at > UINT32_MAX) {
        out->failed = true;
        return false;
    }
    if (!append_list(n, out))
        return false;
    fill_list(wire_buffer_at(out, start + at), n, places);
    *sub_list = (uint32_t)at;
    return true;
}
