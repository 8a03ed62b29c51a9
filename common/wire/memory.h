/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory of the wire room: views of bytes, the arena that parsed messages live in, the buffer that
 * writers append to. */
#ifndef WIRE_MEMORY_H
#define WIRE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that belong to somebody else: to the body that was parsed, or to the caller of a writer.
 * Empty: size is 0, and data may be NULL. */
typedef struct WireBytes {
    const uint8_t *data;
    size_t size;
} WireBytes;

/* Memory of one parsed message: caller-owned, reusable, with a limit on its total. For one thread
 * at a time. Filled by moving a pointer; a reset keeps the largest block, so that parsing one
 * message after the other allocates nothing. */
typedef struct WireArenaBlock WireArenaBlock;
typedef struct WireArena {
    WireArenaBlock *blocks; /* the newest first */
    uint8_t *next, *end;    /* what is left of it */
    size_t limit, total;    /* bytes that may be, and are, in blocks */
} WireArena;

/* limit: bytes that the arena may hold at most; what a message decodes to is at most some eight
 * times its size. */
void wire_arena_init(WireArena *arena, size_t limit);
/* Forget all that was allocated; its pointers become invalid. Memory stays for the next message. */
void wire_arena_reset(WireArena *arena);
/* Free the memory. The arena can be used again. */
void wire_arena_clear(WireArena *arena);
/* Memory for any type, not cleared. NULL: the limit is reached, or there is no memory. */
void *wire_arena_alloc(WireArena *arena, size_t size);

/* Pieces of others' memory that stand between the bytes of a buffer instead of being copied into
 * it. Caller-owned; must outlive the buffer's use. */
enum { WIRE_GATHER_PIECES = 8 };
typedef struct WireGather {
    const WireBytes *sources; /* bytes that lie inside one of these may be told as a piece */
    unsigned n_sources;
    size_t minimum; /* smaller ones are copied */
    unsigned n_pieces;
    struct WireGatherPiece {
        size_t at; /* stands before this byte of the buffer's own data */
        unsigned source;
        WireBytes bytes;
    } pieces[WIRE_GATHER_PIECES];
    size_t total; /* bytes in pieces */
} WireGather;

/* Growable bytes, caller-owned. When memory runs out, or a writer meets what can't be sent, failed
 * is set, and all that follows does nothing, so that one look at the end is enough. A zeroed
 * WireBuffer is an empty one. */
typedef struct WireBuffer {
    uint8_t *data;
    size_t size, capacity;
    bool failed;
    WireGather *gather; /* NULL: everything is copied */
} WireBuffer;

/* Bytes that it stands for, those of its pieces included: what offsets count. */
static inline size_t wire_buffer_length(const WireBuffer *buffer)
{
    return buffer->size + (buffer->gather ? buffer->gather->total : 0);
}
/* Where the byte at that length stands in data; it must not be inside a piece. */
uint8_t *wire_buffer_at(const WireBuffer *buffer, size_t position);

/* Free the memory; the buffer is empty and without failure again. */
void wire_buffer_clear(WireBuffer *buffer);
/* Empty it, keep the memory and the list of sources. */
void wire_buffer_reset(WireBuffer *buffer);
/* Make it longer by size bytes, not cleared, and return where they begin: valid until the next
 * call. NULL: failed. */
uint8_t *wire_buffer_add(WireBuffer *buffer, size_t size);
/* Append bytes. */
bool wire_buffer_append(WireBuffer *buffer, const void *data, size_t size);

/* What is wrong with a message, in words: "DISPLAY_DRAW_COPY: src_image: data: 4096 bytes
 * announced, 12 left". */
typedef struct WireError {
    char text[160];
} WireError;

/* Where a dump goes, line by line. A line has no newline; it is valid during the call. */
typedef struct WireSink {
    void (*line)(void *context, const char *line);
    void *context;
} WireSink;

#endif
