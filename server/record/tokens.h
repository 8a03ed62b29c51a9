/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tokens that a recording is made of (docs/spec/server-display.md 22.2), in both directions,
 * and the memory of what is read. For format.c, replay.c and recorder.c. */
#ifndef SERVER_RECORD_TOKENS_H
#define SERVER_RECORD_TOKENS_H

#include "record/format.h"

/* What one command may take, read or written. A recording or a guest can't make it more. */
#define RECORD_MEMORY_LIMIT ((size_t)1 << 29)

/* A key word: written, or required. */
void record_word(Record *record, const char *word);

/* `KEY n`. bytes: of the number, 1, 2 or 4; a number that doesn't fit (signed or unsigned) is an
 * error. Reading yields the number, 0 after an error. Writing takes four bytes as signed. */
int64_t record_number(Record *record, const char *key, int64_t value, size_t bytes);
uint64_t record_number64(Record *record, const char *key, uint64_t value);

/* `KEY NAME n n ...`; key and name may be NULL. */
void record_numbers(Record *record, const char *key, const char *name, int32_t *numbers, int n);

/* `KEY n`, reading only; key may be NULL. */
uint32_t record_read_number(Record *record, const char *key);

/* Reading: whether the next token is this word. It stays to be read. */
bool record_next_is(Record *record, const char *word);

/* Writing. */
void record_print(Record *record, const char *format, ...) __attribute__((format(printf, 2, 3)));
void record_append(Record *record, const void *data, size_t size);
void record_write_binary(Record *record, const char *name, QXLPHYSICAL address, size_t size);

/* Reading: a new block of `prefix` zero bytes and the data, of at least `at_least` bytes, with a
 * zero byte at the end that doesn't count. NULL at an error. It grows with the data that are really
 * there: a number in the file alone allocates nothing. */
uint8_t *record_read_binary(Record *record, const char *name, size_t prefix, size_t at_least,
                            size_t *size);

/* Bytes whose number follows from what stands before: written from the guest's address, or read
 * into a new block, whose address is returned. */
QXLPHYSICAL record_binary(Record *record, const char *name, QXLPHYSICAL address, size_t size);

/* Reading: zeroed memory. NULL with an error when the budget is used up. */
void *record_new_block(Record *record, size_t size);

#endif
