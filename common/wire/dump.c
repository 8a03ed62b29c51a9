/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lines of a dump. */
#include "wire/internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

enum { DUMP_BYTES = 24, DUMP_LINE = 512 };

static void __attribute__((format(printf, 3, 4)))
put_line(const WireSink *sink, int depth, const char *format, ...)
{
    char text[DUMP_LINE];
    int indent = depth < 20 ? depth * 2 : 40;
    va_list args;

    memset(text, ' ', (size_t)indent);
    va_start(args, format);
    vsnprintf(text + indent, sizeof text - (size_t)indent, format, args);
    va_end(args);
    sink->line(sink->context, text);
}

void wire_dump_unsigned(const WireSink *sink, int depth, const char *name, uint64_t value,
                        const WireNames *names)
{
    char text[DUMP_LINE - 64] = "";
    uint64_t rest = value;
    size_t used = 0;

    if (!names) {
        put_line(sink, depth, "%s: %" PRIu64, name, value);
        return;
    }
    for (unsigned i = 0; i < names->n; i++) {
        const WireName *one = &names->names[i];

        if (names->flags ? !(value & one->value) : value != one->value)
            continue;
        rest &= ~(uint64_t)one->value;
        /* All names of one type fit by far; snprintf bounds it all the same. */
        if (used < sizeof text)
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", used ? " " : "",
                                     one->name);
        if (!names->flags)
            rest = 0;
    }
    if (!names->flags)
        put_line(sink, depth, used ? "%s: %" PRIu64 " %s" : "%s: %" PRIu64 "%s", name, value, text);
    else if (rest)
        put_line(sink, depth, "%s: 0x%" PRIx64 " %s%s0x%" PRIx64, name, value, text,
                 used ? " " : "", rest);
    else
        put_line(sink, depth, used ? "%s: 0x%" PRIx64 " %s" : "%s: 0x%" PRIx64 "%s", name, value,
                 text);
}

void wire_dump_signed(const WireSink *sink, int depth, const char *name, int64_t value)
{
    put_line(sink, depth, "%s: %" PRId64, name, value);
}

void wire_dump_bytes(const WireSink *sink, int depth, const char *name, WireBytes bytes)
{
    char hex[DUMP_BYTES * 3 + 1] = "";
    size_t n = bytes.size < DUMP_BYTES ? bytes.size : DUMP_BYTES;

    for (size_t i = 0; i < n; i++)
        snprintf(hex + i * 3, 4, " %02x", bytes.data[i]);
    put_line(sink, depth, "%s: %zu bytes%s%s%s", name, bytes.size, n ? ":" : "", hex,
             n < bytes.size ? " ..." : "");
}

void wire_dump_open(const WireSink *sink, int depth, const char *name, const char *text)
{
    put_line(sink, depth, "%s:%s%s", name, text ? " " : "", text ? text : "");
}

void wire_dump_count(const WireSink *sink, int depth, const char *name, size_t count)
{
    put_line(sink, depth, "%s: %zu", name, count);
}

void wire_dump_more(const WireSink *sink, int depth, size_t count)
{
    if (count > WIRE_DUMP_ELEMENTS)
        put_line(sink, depth, "... %zu more", count - WIRE_DUMP_ELEMENTS);
}
