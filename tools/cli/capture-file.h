/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files of captured channels (docs/capture-format.md): writing and reading. */
#ifndef TOOLS_CLI_CAPTURE_FILE_H
#define TOOLS_CLI_CAPTURE_FILE_H

#include <gio/gio.h>
#include <stdio.h>

typedef enum CaptureKind {
    CAPTURE_INFO,
    CAPTURE_OPEN,
    CAPTURE_FROM_SERVER,
    CAPTURE_TO_SERVER,
    CAPTURE_CLOSE,
} CaptureKind;

enum {
    CAPTURE_PAYLOAD_MAX = 1 << 30,
    CAPTURE_WORDS_MAX = 64,
    CAPTURE_MESSAGE_HEADER = 16,
};

/* Four lists of capability words. */
typedef enum CaptureCaps {
    CAPTURE_SERVER_COMMON,
    CAPTURE_SERVER_CHANNEL,
    CAPTURE_CLIENT_COMMON,
    CAPTURE_CLIENT_CHANNEL,
    CAPTURE_N_CAPS,
} CaptureCaps;

typedef struct CaptureRecord {
    CaptureKind kind; /* may be one that isn't known */
    guint8 channel_type, channel_id;
    guint64 time; /* microseconds */
    /* OPEN */
    guint32 flags;
    guint32 n_words[CAPTURE_N_CAPS], words[CAPTURE_N_CAPS][CAPTURE_WORDS_MAX];
    /* FROM_SERVER, TO_SERVER */
    guint64 serial;
    guint32 sub_list;
    guint16 type;
    GBytes *body; /* of messages and of INFO and CLOSE (their text); never NULL after a successful
                     read */
} CaptureRecord;

void capture_record_clear(CaptureRecord *record);

/* Writing: an error stays with the stream (ferror) and is told by capture_finish(). */
FILE *capture_create(const char *path, GError **error);
/* record->body may be NULL for an empty one. */
void capture_write(FILE *file, const CaptureRecord *record);
gboolean capture_finish(FILE *file, const char *path, GError **error);

/* Reading: the file is held to be hostile; memory follows what is really there. */
FILE *capture_open(const char *path, GError **error);
/* The header of a stream that is open already. name: for the error. */
gboolean capture_begin(FILE *file, const char *name, GError **error);
typedef enum CaptureResult { CAPTURE_RECORD, CAPTURE_END, CAPTURE_CUT, CAPTURE_BAD } CaptureResult;
/* The next record. END: no more; CUT: the file ends within one; BAD: error tells. record is cleared
 * by the caller. */
CaptureResult capture_read(FILE *file, CaptureRecord *record, GError **error);

#endif
