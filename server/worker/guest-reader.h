/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading of one command: every structure is copied out of the guest's memory once, and only the
 * copy is looked at. Chunk lists are walked with a limit, and gathered into memory of our own or
 * left as pieces. docs/spec/server-display.md 1 (4), 4.1 */
#ifndef SERVER_WORKER_GUEST_READER_H
#define SERVER_WORKER_GUEST_READER_H

#include <sys/uio.h>

#include "wire/memory.h"
#include "worker/memslot.h"

typedef struct GuestReader {
    const MemSlots *slots;
    uint32_t group;      /* of the command and of everything that it points to */
    WireArena *arena;    /* for what is gathered; NULL where nothing is */
    const char *problem; /* the first thing that is wrong with the command; NULL: none yet */
} GuestReader;

/* Note what is wrong, if nothing is noted yet. Always false, to be returned. */
bool guest_problem(GuestReader *reader, const char *problem);

/* Copy a structure. False, and 'problem' noted: it isn't all there. */
bool guest_read(GuestReader *reader, uint64_t address, void *to, size_t size, const char *problem);
/* The same without a note. */
bool guest_try_read(GuestReader *reader, uint64_t address, void *to, size_t size);

/* The data of a chunk list: checked pieces of guest memory. Their number and sizes are ours and
 * don't change; the bytes may. */
enum { GUEST_FEW_CHUNKS = 8 };
typedef struct GuestChunks {
    size_t size; /* of all pieces */
    uint32_t n;
    struct iovec *parts; /* few, or allocated */
    struct iovec few[GUEST_FEW_CHUNKS];
} GuestChunks;

/* Walk a list whose first header is at 'address'. False, and a note: a link leads nowhere, there
 * are too many of them, or the data are more than max bytes (what the command announced, or makes
 * use of) or 2 GiB. Cleared by guest_chunks_clear() in any case. */
bool guest_chunks_read(GuestReader *reader, uint64_t address, uint64_t max, GuestChunks *chunks);
/* One piece without headers. */
bool guest_chunks_direct(GuestReader *reader, uint64_t address, size_t size, GuestChunks *chunks);
void guest_chunks_clear(GuestChunks *chunks);
/* Copy the first bytes, once; size: at most all. */
void guest_chunks_copy(const GuestChunks *chunks, uint8_t *to, size_t size);
/* All of them into the reader's arena. NULL, and a note: more than max, or no memory. An empty list
 * gives a pointer that must not be followed. */
const uint8_t *guest_chunks_gather(GuestReader *reader, const GuestChunks *chunks, size_t max);

#endif
