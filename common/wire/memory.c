/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The arena and the buffer. */
#include "wire/memory.h"
#include "overflow.h"

#include <stdlib.h>
#include <string.h>

/* With its head and that of malloc() a kilobyte: what is larger is slower to get and to give back. */
enum { FIRST_BLOCK = 960 };

struct WireArenaBlock {
    WireArenaBlock *older;
    size_t size; /* without this head */
    max_align_t data[];
};

void wire_arena_init(WireArena *arena, size_t limit)
{
    *arena = (WireArena){.limit = limit};
}

static void free_blocks(WireArenaBlock *block)
{
    while (block) {
        WireArenaBlock *older = block->older;

        free(block);
        block = older;
    }
}

void wire_arena_reset(WireArena *arena)
{
    WireArenaBlock *newest = arena->blocks;

    if (!newest)
        return;
    /* Blocks double, so the newest is the largest. */
    free_blocks(newest->older);
    newest->older = NULL;
    arena->total = newest->size;
    arena->next = (uint8_t *)newest->data;
    arena->end = arena->next + newest->size;
}

void wire_arena_clear(WireArena *arena)
{
    free_blocks(arena->blocks);
    wire_arena_init(arena, arena->limit);
}

static bool add_block(WireArena *arena, size_t size)
{
    size_t left = arena->limit - arena->total;
    size_t want = arena->blocks ? arena->blocks->size : FIRST_BLOCK / 2;
    size_t with_head;

    if (size > left)
        return false;
    want = want > left / 2 ? left : want * 2;
    if (want < size)
        want = size;
    if (!size_add(want, sizeof(WireArenaBlock), &with_head))
        return false;
    WireArenaBlock *block = malloc(with_head);
    if (!block)
        return false;
    block->older = arena->blocks;
    block->size = want;
    arena->blocks = block;
    arena->total += want;
    arena->next = (uint8_t *)block->data;
    arena->end = arena->next + want;
    return true;
}

void *wire_arena_alloc(WireArena *arena, size_t size)
{
    const size_t grain = _Alignof(max_align_t);

    if (size > SIZE_MAX - grain)
        return NULL;
    size = (size + grain - 1) / grain * grain;
    if (size > (size_t)(arena->end - arena->next) && !add_block(arena, size))
        return NULL;
    void *result = arena->next;
    arena->next += size;
    return result;
}

void wire_buffer_clear(WireBuffer *buffer)
{
    free(buffer->data);
    *buffer = (WireBuffer){0};
}

void wire_buffer_reset(WireBuffer *buffer)
{
    buffer->size = 0;
    buffer->failed = false;
    if (buffer->gather) {
        buffer->gather->n_pieces = 0;
        buffer->gather->total = 0;
    }
}

uint8_t *wire_buffer_at(const WireBuffer *buffer, size_t position)
{
    const WireGather *gather = buffer->gather;
    size_t before = 0; /* bytes in pieces that stand before the position */

    for (unsigned i = 0; gather && i < gather->n_pieces; i++)
        if (position >= gather->pieces[i].at + before + gather->pieces[i].bytes.size)
            before += gather->pieces[i].bytes.size;
    return buffer->data + (position - before);
}

uint8_t *wire_buffer_add(WireBuffer *buffer, size_t size)
{
    size_t wanted;

    if (buffer->failed)
        return NULL;
    if (!size_add(buffer->size, size, &wanted) || wanted > SIZE_MAX / 2) {
        buffer->failed = true;
        return NULL;
    }
    if (wanted > buffer->capacity || !buffer->data) {
        size_t capacity = buffer->capacity < 64 ? 64 : buffer->capacity;

        while (capacity < wanted)
            capacity *= 2;
        uint8_t *data = realloc(buffer->data, capacity);
        if (!data) {
            buffer->failed = true;
            return NULL;
        }
        buffer->data = data;
        buffer->capacity = capacity;
    }
    uint8_t *result = buffer->data + buffer->size;
    buffer->size = wanted;
    return result;
}

/* Tell the bytes as a piece, if they lie in a source. */
static bool append_piece(WireBuffer *buffer, const uint8_t *data, size_t size)
{
    WireGather *gather = buffer->gather;

    if (size < gather->minimum || gather->n_pieces == WIRE_GATHER_PIECES || buffer->failed ||
        size > SIZE_MAX / 4 - gather->total)
        return false;
    for (unsigned i = 0; i < gather->n_sources; i++) {
        uintptr_t from = (uintptr_t)gather->sources[i].data, at = (uintptr_t)data;

        if (at < from || at - from > gather->sources[i].size ||
            gather->sources[i].size - (at - from) < size)
            continue;
        gather->pieces[gather->n_pieces].at = buffer->size;
        gather->pieces[gather->n_pieces].source = i;
        gather->pieces[gather->n_pieces++].bytes = (WireBytes){data, size};
        gather->total += size;
        return true;
    }
    return false;
}

bool wire_buffer_append(WireBuffer *buffer, const void *data, size_t size)
{
    if (buffer->gather && size && append_piece(buffer, data, size))
        return true;
    uint8_t *to = wire_buffer_add(buffer, size);

    if (to && size)
        memcpy(to, data, size);
    return to != NULL;
}
