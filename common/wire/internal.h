/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What generated code is made of: little-endian loads and stores, the reader, the writer, lines of
 * a dump. Used by the generated files and by their frame (message.c) only. */
#ifndef WIRE_INTERNAL_H
#define WIRE_INTERNAL_H

#include "wire/wire.h"

#include <string.h>

/* Names of the values of an enum, or of its flags. */
typedef struct WireName {
    uint32_t value;
    const char *name;
} WireName;
typedef struct WireNames {
    bool flags;
    uint8_t n;
    const WireName *names;
} WireNames;

/* ---- Numbers
 * ---------------------------------------------------------------------------------------------------------
 */

/* The compiler makes one move of these on little-endian machines. */
static inline uint8_t wire_get_u8(const uint8_t *p)
{
    return p[0];
}
static inline uint16_t wire_get_u16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}
static inline uint32_t wire_get_u32(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}
static inline uint64_t wire_get_u64(const uint8_t *p)
{
    return wire_get_u32(p) | (uint64_t)wire_get_u32(p + 4) << 32;
}
static inline void wire_put_u8(uint8_t *p, uint8_t value)
{
    p[0] = value;
}
static inline void wire_put_u16(uint8_t *p, uint16_t value)
{
    p[0] = (uint8_t)value;
    p[1] = (uint8_t)(value >> 8);
}
static inline void wire_put_u32(uint8_t *p, uint32_t value)
{
    wire_put_u16(p, (uint16_t)value);
    wire_put_u16(p + 2, (uint16_t)(value >> 16));
}
static inline void wire_put_u64(uint8_t *p, uint64_t value)
{
    wire_put_u32(p, (uint32_t)value);
    wire_put_u32(p + 4, (uint32_t)(value >> 32));
}

/* ---- Reader
 * ----------------------------------------------------------------------------------------------------------
 */

enum { WIRE_MAX_REFS = 8 }; /* offsets in one message; the generator refuses a schema with more */

/* One body that is being parsed. A position is never greater than size: wire_take() is the only
 * thing that moves one, and the only thing that hands out bytes. */
typedef struct WireReader {
    const uint8_t *body;
    size_t size;
    WireArena *arena;
    WireError *error;
    uint32_t session; /* what was negotiated, for protocols whose layouts depend on it */
    unsigned n_refs;
    struct {
        uint32_t offset;
        int kind;
        const void *parsed;
    } refs[WIRE_MAX_REFS]; /* structures behind offsets that are parsed already: each one once */
} WireReader;

/* All of these set the error and return false, so that a caller can return what they return. */
bool wire_fail_size(WireReader *reader, const char *field, uint64_t wanted, size_t left);
bool wire_fail_count(WireReader *reader, const char *field, uint64_t wanted, size_t left);
bool wire_fail_offset(WireReader *reader, const char *field, uint32_t offset);
bool wire_fail_text(WireReader *reader, const char *field, const char *text);
bool wire_fail_memory(WireReader *reader, const char *field);
/* An error inside of field: put its name before the text. */
bool wire_fail_inside(WireReader *reader, const char *field);

/* The next size bytes, or NULL when so many aren't left. */
static inline const uint8_t *wire_take(WireReader *reader, size_t *at, uint64_t size,
                                       const char *field)
{
    if (size > reader->size - *at) {
        wire_fail_size(reader, field, size, reader->size - *at);
        return NULL;
    }
    const uint8_t *result = reader->body + *at;
    *at += size;
    return result;
}

/* Memory for count elements. count was held against the body before, so the product is small. */
static inline void *wire_make(WireReader *reader, uint64_t count, size_t size, const char *field)
{
    void *result = count <= SIZE_MAX / size ? wire_arena_alloc(reader->arena, count * size) : NULL;

    if (!result)
        wire_fail_memory(reader, field);
    return result;
}

static inline const void *wire_known_ref(const WireReader *reader, uint32_t offset, int kind)
{
    for (unsigned i = 0; i < reader->n_refs; i++)
        if (reader->refs[i].offset == offset && reader->refs[i].kind == kind)
            return reader->refs[i].parsed;
    return NULL;
}

static inline void wire_remember_ref(WireReader *reader, uint32_t offset, int kind,
                                     const void *parsed)
{
    if (reader->n_refs < WIRE_MAX_REFS) {
        reader->refs[reader->n_refs].offset = offset;
        reader->refs[reader->n_refs].kind = kind;
        reader->refs[reader->n_refs++].parsed = parsed;
    }
}

/* ---- Writer
 * ----------------------------------------------------------------------------------------------------------
 */

/* One body that is being written: offsets are filled in when their block's turn has come
 * (docs/spec/wire.md 2.2). */
typedef struct WireWriter {
    WireBuffer *out;
    size_t start; /* where the body begins in out */
    uint32_t session;
    unsigned n_blocks;
    struct {
        size_t at; /* where the offset stands, from the start of the body */
        int kind;
        const void *data;
        size_t count;
    } blocks[WIRE_MAX_REFS];
} WireWriter;

/* Remember a block; its offset stands at 'at' and is 0 until then. */
bool wire_add_block(WireWriter *writer, size_t at, int kind, const void *data, size_t count);
/* Write the blocks, also those that blocks add. */
bool wire_write_blocks(WireWriter *writer,
                       bool (*write)(WireWriter *writer, int kind, const void *data, size_t count));
static inline bool wire_cannot_write(WireWriter *writer)
{
    writer->out->failed = true;
    return false;
}

/* ---- One message by its entry in a table, for protocols with tables of their own; session: what
 * was negotiated --------- */

const void *wire_parse_by(const WireMessageInfo *info, uint32_t session, const uint8_t *body,
                          size_t size, WireArena *arena, WireError *error);
bool wire_write_by(const WireMessageInfo *info, uint32_t session, const void *message,
                   WireBuffer *out);
void wire_dump_by(const WireMessageInfo *info, uint32_t session, const void *message,
                  WireSink *sink);

/* ---- Dump
 * ------------------------------------------------------------------------------------------------------------
 */

enum { WIRE_DUMP_ELEMENTS = 16 }; /* of an array */

void wire_dump_unsigned(const WireSink *sink, int depth, const char *name, uint64_t value,
                        const WireNames *names);
void wire_dump_signed(const WireSink *sink, int depth, const char *name, int64_t value);
void wire_dump_bytes(const WireSink *sink, int depth, const char *name, WireBytes bytes);
/* "name:", followed by lines that are deeper. text: what else to say, or NULL. */
void wire_dump_open(const WireSink *sink, int depth, const char *name, const char *text);
void wire_dump_count(const WireSink *sink, int depth, const char *name, size_t count);
void wire_dump_more(const WireSink *sink, int depth, size_t count);

#endif
