/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The format of captures. */
#include "config.h"
#include "capture-file.h"

#include <errno.h>
#include <string.h>

#define MAGIC "SPICECAP"
#define VERSION 1
/* Memory for a body grows in such steps, so that a size alone doesn't cost anything. */
#define STEP (1 << 20)

void capture_record_clear(CaptureRecord *record)
{
    g_clear_pointer(&record->body, g_bytes_unref);
}

static void put16(FILE *file, guint16 value)
{
    value = GUINT16_TO_LE(value);
    fwrite(&value, 2, 1, file);
}

static void put32(FILE *file, guint32 value)
{
    value = GUINT32_TO_LE(value);
    fwrite(&value, 4, 1, file);
}

static void put64(FILE *file, guint64 value)
{
    value = GUINT64_TO_LE(value);
    fwrite(&value, 8, 1, file);
}

static gboolean file_error(const char *path, GError **error)
{
    int code = errno;
    g_set_error(error, G_IO_ERROR, g_io_error_from_errno(code), "%s: %s", path, g_strerror(code));
    return FALSE;
}

FILE *capture_create(const char *path, GError **error)
{
    FILE *file = fopen(path, "wb");
    if (!file) {
        file_error(path, error);
        return NULL;
    }
    fwrite(MAGIC, 8, 1, file);
    put32(file, VERSION);
    put32(file, 0);
    return file;
}

void capture_write(FILE *file, const CaptureRecord *record)
{
    gsize body_size = 0;
    gconstpointer body = record->body ? g_bytes_get_data(record->body, &body_size) : NULL;
    gboolean is_message = record->kind == CAPTURE_FROM_SERVER || record->kind == CAPTURE_TO_SERVER;
    gsize size = body_size + (is_message ? CAPTURE_MESSAGE_HEADER : 0);
    if (record->kind == CAPTURE_OPEN) {
        size = 4;
        for (int i = 0; i < CAPTURE_N_CAPS; i++)
            size += 4 + 4 * (gsize)record->n_words[i];
    }
    if (size > CAPTURE_PAYLOAD_MAX)
        return;
    put32(file, (guint32)size);
    put16(file, (guint16)record->kind);
    fputc(record->channel_type, file);
    fputc(record->channel_id, file);
    put64(file, record->time);
    if (record->kind == CAPTURE_OPEN) {
        put32(file, record->flags);
        for (int i = 0; i < CAPTURE_N_CAPS; i++) {
            put32(file, record->n_words[i]);
            for (guint32 w = 0; w < record->n_words[i]; w++)
                put32(file, record->words[i][w]);
        }
        return;
    }
    if (is_message) {
        put64(file, record->serial);
        put32(file, record->sub_list);
        put16(file, record->type);
        put16(file, 0);
    }
    if (body_size)
        fwrite(body, body_size, 1, file);
}

gboolean capture_finish(FILE *file, const char *path, GError **error)
{
    gboolean ok = !ferror(file);
    if (fclose(file) != 0)
        ok = FALSE;
    return ok || file_error(path, error);
}

static guint32 get32(const guint8 *bytes)
{
    guint32 value;
    memcpy(&value, bytes, 4);
    return GUINT32_FROM_LE(value);
}

static guint64 get64(const guint8 *bytes)
{
    guint64 value;
    memcpy(&value, bytes, 8);
    return GUINT64_FROM_LE(value);
}

static guint16 get16(const guint8 *bytes)
{
    return (guint16)(bytes[0] | bytes[1] << 8);
}

gboolean capture_begin(FILE *file, const char *name, GError **error)
{
    guint8 header[16];
    if (fread(header, sizeof header, 1, file) != 1 || memcmp(header, MAGIC, 8) != 0) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "%s isn't a capture", name);
        return FALSE;
    }
    if (get32(header + 8) != VERSION) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                    "%s has version %u of the format; this program reads version %d", name,
                    get32(header + 8), VERSION);
        return FALSE;
    }
    guint32 more = get32(header + 12);
    while (more && fgetc(file) != EOF)
        more--;
    return TRUE;
}

FILE *capture_open(const char *path, GError **error)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        file_error(path, error);
    else if (!capture_begin(file, path, error))
        g_clear_pointer(&file, fclose);
    return file;
}

/* size bytes, or NULL when the file ends before. */
static GByteArray *read_bytes(FILE *file, gsize size)
{
    GByteArray *bytes = g_byte_array_new();
    while (bytes->len < size) {
        guint at = bytes->len, step = (guint)MIN(size - at, STEP);
        g_byte_array_set_size(bytes, at + step);
        if (fread(bytes->data + at, step, 1, file) != 1) {
            g_byte_array_unref(bytes);
            return NULL;
        }
    }
    return bytes;
}

static gboolean read_open(CaptureRecord *record, const guint8 *data, gsize size)
{
    gsize at = 4;
    if (size < 4)
        return FALSE;
    record->flags = get32(data);
    for (int i = 0; i < CAPTURE_N_CAPS; i++) {
        if (size - at < 4)
            return FALSE;
        guint32 n = get32(data + at);
        at += 4;
        if (n > CAPTURE_WORDS_MAX || (size - at) / 4 < n)
            return FALSE;
        record->n_words[i] = n;
        for (guint32 w = 0; w < n; w++, at += 4)
            record->words[i][w] = get32(data + at);
    }
    return TRUE;
}

CaptureResult capture_read(FILE *file, CaptureRecord *record, GError **error)
{
    guint8 header[16];
    memset(record, 0, sizeof *record);
    gsize have = fread(header, 1, sizeof header, file);
    if (have == 0)
        return CAPTURE_END;
    if (have < sizeof header)
        return CAPTURE_CUT;
    guint32 size = get32(header);
    record->kind = (CaptureKind)get16(header + 4);
    record->channel_type = header[6];
    record->channel_id = header[7];
    record->time = get64(header + 8);
    if (size > CAPTURE_PAYLOAD_MAX) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                    "a record of %u bytes is larger than the format allows", size);
        return CAPTURE_BAD;
    }
    g_autoptr(GByteArray) payload = read_bytes(file, size);
    if (!payload)
        return CAPTURE_CUT;
    gboolean ok = TRUE;
    gsize skip = 0;
    if (record->kind == CAPTURE_OPEN) {
        ok = read_open(record, payload->data, payload->len);
    } else if (record->kind == CAPTURE_FROM_SERVER || record->kind == CAPTURE_TO_SERVER) {
        ok = payload->len >= CAPTURE_MESSAGE_HEADER;
        if (ok) {
            record->serial = get64(payload->data);
            record->sub_list = get32(payload->data + 8);
            record->type = get16(payload->data + 12);
            skip = CAPTURE_MESSAGE_HEADER;
        }
    }
    if (!ok) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                    "a record of kind %d is too short for what it has to hold", record->kind);
        return CAPTURE_BAD;
    }
    g_autoptr(GBytes) whole = g_byte_array_free_to_bytes(g_steal_pointer(&payload));
    record->body = g_bytes_new_from_bytes(whole, skip, g_bytes_get_size(whole) - skip);
    return CAPTURE_RECORD;
}
