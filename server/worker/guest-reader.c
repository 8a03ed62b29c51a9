/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copies out of guest memory, and chunk lists. */
#include "worker/guest-reader.h"

#include <glib.h>
#include <spice/qxl_dev.h>
#include <string.h>

/* Links of a list, and those of them that lead to nothing: what ends lists that bite their own
 * tail. */
#define MAX_LINKS 2097150u
#define MAX_EMPTY 4096u
#define MAX_TOTAL 0x7fffffffu

bool guest_problem(GuestReader *reader, const char *problem)
{
    if (!reader->problem)
        reader->problem = problem;
    return false;
}

static void copy_once(void *to, const void *from, size_t size)
{
    memcpy(to, from, size);
    /* From here on the compiler has to use the copy: what it was made from may be another now. */
    __asm__ volatile("" ::: "memory");
}

bool guest_try_read(GuestReader *reader, uint64_t address, void *to, size_t size)
{
    const uint8_t *from = memslots_map(reader->slots, reader->group, address, size);

    if (!from)
        return false;
    copy_once(to, from, size);
    return true;
}

bool guest_read(GuestReader *reader, uint64_t address, void *to, size_t size, const char *problem)
{
    return guest_try_read(reader, address, to, size) || guest_problem(reader, problem);
}

/* Room for one more. n is a power of two when the pieces have to move. */
static bool make_room(GuestChunks *chunks)
{
    struct iovec *more;

    if (chunks->n < GUEST_FEW_CHUNKS || (chunks->n & (chunks->n - 1)))
        return true;
    if (chunks->parts == chunks->few) {
        more = g_try_new(struct iovec, (gsize)chunks->n * 2);
        if (more)
            memcpy(more, chunks->few, sizeof chunks->few);
    } else {
        more = g_try_renew(struct iovec, chunks->parts, (gsize)chunks->n * 2);
    }
    if (!more)
        return false;
    chunks->parts = more;
    return true;
}

static bool add_part(GuestReader *reader, GuestChunks *chunks, uint64_t address, uint32_t size)
{
    uint8_t *data = memslots_map(reader->slots, reader->group, address, size);

    if (!data)
        return guest_problem(reader, "data of a chunk aren't in a memory slot");
    if (size > MAX_TOTAL - chunks->size)
        return guest_problem(reader, "chunks of more than 2 GiB");
    if (!make_room(chunks))
        return guest_problem(reader, "no memory for a list of chunks");
    chunks->parts[chunks->n++] = (struct iovec){data, size};
    chunks->size += size;
    return true;
}

bool guest_chunks_read(GuestReader *reader, uint64_t address, uint64_t max, GuestChunks *chunks)
{
    QXLDataChunk head;
    uint32_t n_empty = 0;

    chunks->size = 0;
    chunks->n = 0;
    chunks->parts = chunks->few;
    for (uint32_t links = 0;; links++) {
        if (!guest_read(reader, address, &head, sizeof head, "a chunk isn't in a memory slot"))
            return false;
        if (head.data_size != 0 && !add_part(reader, chunks, address + sizeof head, head.data_size))
            return false;
        if (chunks->size > max)
            return guest_problem(reader, "chunks of more data than announced");
        if (head.next_chunk == 0)
            return true;
        n_empty += head.data_size == 0;
        if (links == MAX_LINKS || n_empty > MAX_EMPTY)
            return guest_problem(reader, "too many chunks");
        address = head.next_chunk;
    }
}

bool guest_chunks_direct(GuestReader *reader, uint64_t address, size_t size, GuestChunks *chunks)
{
    chunks->size = 0;
    chunks->n = 0;
    chunks->parts = chunks->few;
    if (size > MAX_TOTAL)
        return guest_problem(reader, "more than 2 GiB of data");
    return add_part(reader, chunks, address, size);
}

void guest_chunks_clear(GuestChunks *chunks)
{
    if (chunks->parts != chunks->few)
        g_free(chunks->parts);
    chunks->parts = chunks->few;
    chunks->n = 0;
    chunks->size = 0;
}

void guest_chunks_copy(const GuestChunks *chunks, uint8_t *to, size_t size)
{
    for (uint32_t i = 0; size > 0; i++) {
        size_t n = MIN(chunks->parts[i].iov_len, size);

        copy_once(to, chunks->parts[i].iov_base, n);
        to += n;
        size -= n;
    }
}

const uint8_t *guest_chunks_gather(GuestReader *reader, const GuestChunks *chunks, size_t max)
{
    uint8_t *data = NULL;

    if (chunks->size > max)
        guest_problem(reader, "too much data");
    else if (!(data = wire_arena_alloc(reader->arena, chunks->size + 1)))
        guest_problem(reader, "no memory for a command's data");
    else
        guest_chunks_copy(chunks, data, chunks->size);
    return data;
}
