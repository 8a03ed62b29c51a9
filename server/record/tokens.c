/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tokens, numbers and counted bytes of a recording, and the memory of what is read. */
#include "record/tokens.h"

#include <glib.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <zlib.h>

/* What is read at once of bytes whose number the file only claims. */
enum { FIRST_PIECE = 1 << 16 };

struct RecordBlock {
    RecordBlock *next;
    size_t size;
    uint8_t data[] __attribute__((aligned(16)));
};

void record_reader(Record *record, FILE *file)
{
    *record = (Record){
        .file = file, .budget = RECORD_MEMORY_LIMIT, .unbacked_limit = RECORD_MEMORY_LIMIT};
}

void record_writer(Record *record, const RecorderMemory *memory, uint32_t group)
{
    *record = (Record){.writing = true, .memory = memory, .group = group};
}

void record_fail(Record *record, const char *error)
{
    if (!record->error)
        record->error = error;
}

/* ---- memory ------------------------------------------------------------------------------- */

/* Make a new block, which is cleared, or the newest one larger, whose new part is not cleared. */
static RecordBlock *resize_block(Record *record, RecordBlock *block, size_t size)
{
    size_t before = block ? block->size : 0;

    if (!record_ok(record))
        return NULL;
    if (size - before > record->budget) {
        record_fail(record, "a command is too large");
        return NULL;
    }
    /* A new block is cleared: by the kernel, when it is large, and only where it is used. */
    RecordBlock *made =
        block ? g_try_realloc(block, sizeof *made + size) : g_try_malloc0(sizeof *made + size);

    if (!made) {
        record_fail(record, "no memory");
        return NULL;
    }
    if (!block)
        made->next = record->blocks;
    made->size = size;
    record->blocks = made;
    record->budget -= size - before;
    return made;
}

/* A block that is larger than what the file gave for it. */
static RecordBlock *new_unbacked_block(Record *record, size_t size)
{
    if (size > record->unbacked_limit - record->unbacked)
        record_fail(record, "surfaces take too much memory");
    RecordBlock *made = resize_block(record, NULL, size);

    if (made)
        record->unbacked += size;
    return made;
}

void *record_new_block(Record *record, size_t size)
{
    RecordBlock *made = new_unbacked_block(record, size + 1);

    return made ? made->data : NULL;
}

void record_free_blocks(RecordBlock *blocks)
{
    while (blocks) {
        RecordBlock *next = blocks->next;

        g_free(blocks);
        blocks = next;
    }
}

/* ---- reading ------------------------------------------------------------------------------ */

static bool is_blank(int c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The next token; an empty one at the end of the file. It ends with white space, of which one
 * character is taken, or behind a colon when that is asked for. */
static const char *next_token(Record *record, bool to_colon)
{
    size_t n = 0;
    int c;

    if (record->token_is_ahead) {
        record->token_is_ahead = false;
        return record->token;
    }
    record->token[0] = 0;
    if (!record_ok(record))
        return record->token;
    do
        c = getc_unlocked(record->file);
    while (is_blank(c));
    for (; c != EOF && !is_blank(c) && !(to_colon && c == ':'); c = getc_unlocked(record->file)) {
        if (n + 1 == sizeof record->token) {
            record_fail(record, "a word is too long");
            n = 0;
            break;
        }
        record->token[n++] = (char)c;
    }
    record->token[n] = 0;
    if (to_colon && c != ':')
        record_fail(record, "a colon is missing");
    return record->token;
}

bool record_next_is(Record *record, const char *word)
{
    bool same = strcmp(next_token(record, false), word) == 0;

    record->token_is_ahead = true;
    return same;
}

void record_word(Record *record, const char *word)
{
    if (record->writing)
        record_print(record, "%s\n", word);
    else if (strcmp(next_token(record, false), word) != 0)
        record_fail(record, "an unexpected word");
}

/* A decimal number: its magnitude, and whether it is negative. */
static uint64_t read_magnitude(Record *record, bool to_colon, bool *negative)
{
    const char *text = next_token(record, to_colon);
    uint64_t value = 0;

    *negative = *text == '-';
    if (*text == '-' || *text == '+')
        text++;
    if (!*text)
        record_fail(record, "a number is missing");
    for (; *text; text++) {
        if (*text < '0' || *text > '9' || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*text - '0'), &value)) {
            record_fail(record, "a number is expected");
            return 0;
        }
    }
    return record_ok(record) ? value : 0;
}

static uint64_t read_number64(Record *record)
{
    bool negative;
    uint64_t value = read_magnitude(record, false, &negative);

    if (negative && value > (uint64_t)1 << 63)
        record_fail(record, "a number is out of range");
    return negative ? -value : value;
}

/* A number that fits, signed or unsigned, into so many bytes (less than 8). */
static int64_t read_number(Record *record, size_t bytes)
{
    bool negative;
    uint64_t value = read_magnitude(record, false, &negative);
    uint64_t most = (uint64_t)1 << (8 * bytes);

    if (negative ? value > most / 2 : value >= most) {
        record_fail(record, "a number is out of range");
        return 0;
    }
    return negative ? -(int64_t)value : (int64_t)value;
}

static size_t read_size(Record *record)
{
    bool negative;
    uint64_t value = read_magnitude(record, true, &negative);

    if (negative || value > INT32_MAX)
        record_fail(record, "a size is out of range");
    return record_ok(record) ? value : 0;
}

uint32_t record_read_number(Record *record, const char *key)
{
    if (key)
        record_word(record, key);
    return (uint32_t)read_number(record, sizeof(uint32_t));
}

/* ---- numbers in both directions ----------------------------------------------------------- */

int64_t record_number(Record *record, const char *key, int64_t value, size_t bytes)
{
    if (record->writing) {
        record_print(record, "%s %" PRId64 "\n", key, bytes == 4 ? (int32_t)value : value);
        return value;
    }
    record_word(record, key);
    return record_ok(record) ? read_number(record, bytes) : 0;
}

uint64_t record_number64(Record *record, const char *key, uint64_t value)
{
    if (record->writing) {
        record_print(record, "%s %" PRIu64 "\n", key, value);
        return value;
    }
    record_word(record, key);
    return record_ok(record) ? read_number64(record) : 0;
}

void record_numbers(Record *record, const char *key, const char *name, int32_t *numbers, int n)
{
    const char *words[2] = {key, name};

    for (int i = 0; i < 2; i++) {
        if (!words[i])
            continue;
        if (record->writing)
            record_print(record, "%s ", words[i]);
        else
            record_word(record, words[i]);
    }
    for (int i = 0; i < n; i++) {
        if (record->writing)
            record_print(record, "%d%c", numbers[i], i + 1 < n ? ' ' : '\n');
        else
            numbers[i] = (int32_t)read_number(record, sizeof(int32_t));
    }
}

/* ---- bytes -------------------------------------------------------------------------------- */

/* Inflate `packed` bytes of the file into `into`, which must be filled exactly. */
static void inflate_from_file(Record *record, uint8_t *into, size_t size, size_t packed,
                              z_stream *stream)
{
    uint8_t piece[4096];
    int result = Z_OK;

    stream->next_out = into;
    stream->avail_out = (uInt)size;
    while (packed && record_ok(record)) {
        size_t n = MIN(packed, sizeof piece);

        if (fread(piece, 1, n, record->file) != n) {
            record_fail(record, "the file ends too early");
            return;
        }
        packed -= n;
        stream->next_in = piece;
        stream->avail_in = (uInt)n;
        if (result == Z_OK)
            result = inflate(stream, Z_NO_FLUSH);
        if (result != Z_OK && result != Z_STREAM_END)
            record_fail(record, "compressed data are damaged");
    }
    if (result != Z_STREAM_END || stream->avail_out)
        record_fail(record, "compressed data have the wrong size");
}

static uint8_t *read_compressed(Record *record, size_t prefix, size_t room, size_t size)
{
    size_t packed = read_size(record);
    z_stream stream = {0};

    /* No stream of so few bytes gives so many: nothing is allocated for it. */
    if (size / 1032 > packed)
        record_fail(record, "compressed data are too short");
    if (!record_ok(record) || inflateInit(&stream) != Z_OK)
        return NULL;
    RecordBlock *block = new_unbacked_block(record, room);

    if (block)
        inflate_from_file(record, block->data + prefix, size, packed, &stream);
    inflateEnd(&stream);
    return block ? block->data : NULL;
}

static uint8_t *read_plain(Record *record, size_t prefix, size_t room, size_t size)
{
    RecordBlock *block = NULL;
    size_t done = 0;

    for (size_t piece = FIRST_PIECE;; piece = done) {
        size_t n = MIN(piece, size - done);
        bool last = done + n == size;

        block = resize_block(record, block, last ? room : prefix + done + n);
        if (!block)
            return NULL;
        if (fread(block->data + prefix + done, 1, n, record->file) != n) {
            record_fail(record, "the file ends too early");
            return NULL;
        }
        done += n;
        if (last)
            break;
    }
    memset(block->data, 0, prefix);
    memset(block->data + prefix + size, 0, room - prefix - size);
    return block->data;
}

uint8_t *record_read_binary(Record *record, const char *name, size_t prefix, size_t at_least,
                            size_t *size)
{
    uint32_t compressed = record_read_number(record, "binary");

    *size = 0;
    record_word(record, name);
    if (compressed > 1)
        record_fail(record, "an unknown kind of bytes");
    size_t n = read_size(record);
    size_t room = MAX(prefix + n + 1, at_least);
    uint8_t *data = NULL;

    if (record_ok(record))
        data = compressed ? read_compressed(record, prefix, room, n)
                          : read_plain(record, prefix, room, n);
    if (!record_ok(record))
        return NULL;
    *size = n;
    return data;
}

void record_print(Record *record, const char *format, ...)
{
    char text[256];
    va_list args;

    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);

    va_end(args);
    record_append(record, text, MIN((size_t)n, sizeof text - 1));
}

void record_append(Record *record, const void *data, size_t size)
{
    if (!record_ok(record))
        return;
    if (size > RECORD_MEMORY_LIMIT - record->out_size) {
        record_fail(record, "a command is too large");
        return;
    }
    if (size > record->out_room - record->out_size) {
        size_t room = MAX(record->out_room * 2, record->out_size + size + 1024);
        uint8_t *out = g_try_realloc(record->out, room);

        if (!out) {
            record_fail(record, "no memory");
            return;
        }
        record->out = out;
        record->out_room = room;
    }
    if (size)
        memcpy(record->out + record->out_size, data, size);
    record->out_size += size;
}

void record_write_binary(Record *record, const char *name, QXLPHYSICAL address, size_t size)
{
    const void *data = NULL;

    if (!record_ok(record))
        return;
    if (size) {
        data = record->memory->map(record->memory->context, address, record->group, size);
        if (!data)
            record_fail(record, "an address is outside of the guest's memory");
    }
    record_print(record, "binary 0 %s %zu:", name, size);
    record_append(record, data, size);
    record_append(record, "\n", 1);
}

QXLPHYSICAL record_binary(Record *record, const char *name, QXLPHYSICAL address, size_t size)
{
    size_t got;
    uint8_t *data;

    if (record->writing) {
        record_write_binary(record, name, address, size);
        return address;
    }
    data = record_read_binary(record, name, 0, 0, &got);
    if (record_ok(record) && got != size)
        record_fail(record, "data have the wrong size");
    return (uintptr_t)data;
}

/* ---- the frame of the file ---------------------------------------------------------------- */

void record_file_header(Record *record)
{
    uint32_t version = 1;

    version = (uint32_t)record_number(record, "SPICE_REPLAY", version, sizeof version);
    if (version != 1)
        record_fail(record, "an unknown version");
}

bool record_item(Record *record, uint64_t *counter, uint32_t *what, uint32_t *type, uint64_t *time)
{
    if (record->writing) {
        record_print(record, "event %" PRIu64 " %u %u %" PRIu64 "\n", *counter, *what, *type,
                     *time);
        return record_ok(record);
    }
    if (!record_ok(record) || record_next_is(record, ""))
        return false;
    record_word(record, "event");
    *counter = read_number64(record);
    *what = record_read_number(record, NULL);
    *type = record_read_number(record, NULL);
    *time = read_number64(record);
    return record_ok(record);
}
