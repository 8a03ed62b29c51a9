/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The syntax of recordings of QXL commands (docs/spec/server-display.md 22.2 to 22.4), declared
 * once for both directions: each function reads what it describes from a file, or writes it.
 *
 * Reading builds commands as a guest would have them in its memory, with host addresses, in blocks
 * that the caller owns. Writing takes them from a guest, whose memory may change at any moment:
 * each header is copied once, and only the copy is looked at. Errors are sticky: after the first
 * one nothing more is read or written, and `error` has words for it. No globals, no threads. */
#ifndef SERVER_RECORD_FORMAT_H
#define SERVER_RECORD_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <spice/qxl_dev.h>

#include "recorder.h"

/* Numbers of the API events that have a meaning for readers; see RecordEvent in recorder.h. */
enum { RECORD_IS_COMMAND = 0, RECORD_IS_EVENT = 1 };

/* One allocation that belongs to a command or surface which was read. */
typedef struct RecordBlock RecordBlock;

/* What is read or written at the moment. Zeroed, then set up by record_reader() or
 * record_writer(). */
typedef struct {
    bool writing;
    const char *error; /* what went wrong first, or NULL */

    /* reading */
    FILE *file;
    RecordBlock *blocks; /* what was allocated since the owner took the list; freed by
                            record_free_blocks() */
    size_t budget;       /* bytes that may still be allocated */
    size_t unbacked; /* bytes allocated without as many in the file: surfaces, compressed data */
    size_t unbacked_limit;
    char token[64];
    bool token_is_ahead; /* token is yet to be read */
    /* The player's number of a surface of the recording. */
    uint32_t (*map_surface)(void *context, uint32_t recorded);
    void *map_context;

    /* writing */
    const RecorderMemory *memory;
    uint32_t group;      /* of every address in the command */
    bool colours_15_bit; /* brushes and palettes have 15 bit colours: they are widened */
    uint8_t *out;        /* what was written; the owner frees it with g_free() */
    size_t out_size, out_room;
} Record;

void record_reader(Record *record, FILE *file);
void record_writer(Record *record, const RecorderMemory *memory, uint32_t group);
void record_free_blocks(RecordBlock *blocks);

/* Note an error; the first one stays. */
void record_fail(Record *record, const char *error);
static inline bool record_ok(const Record *record)
{
    return record->error == NULL;
}

/* The first line. */
void record_file_header(Record *record);

/* The start of the next item. Reading: false at the end of the file or at an error. */
bool record_item(Record *record, uint64_t *counter, uint32_t *what, uint32_t *type, uint64_t *time);

/* The body of create_primary. `data` are |stride| * height bytes, lowest address first; when
 * reading they are a new block, and NULL when the recording has no body because the creation was
 * rejected. */
struct QXLDevSurfaceCreate;
void record_primary(Record *record, struct QXLDevSurfaceCreate *create, const uint8_t **data);

/* The body of a command. Writing: of the command at this guest address. Reading: returns the host
 * address of a new one (0 for command types that don't exist). compat: the layout of
 * QXLCompatDrawable, which is written as QXLDrawable. */
QXLPHYSICAL record_command(Record *record, uint32_t type, QXLPHYSICAL address, bool compat);

#endif
