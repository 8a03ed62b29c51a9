/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads any bytes as a capture (docs/capture-format.md), and writes what it has read. */
#include "../../tools/cli/capture-file.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char path[64];

static void remove_file(void)
{
    unlink(path);
}

/* The reader takes a path, so the bytes go through one file that is there once per process. */
static FILE *file_with(const uint8_t *data, size_t size)
{
    if (!*path) {
        strcpy(path, "/tmp/fuzz-capture-XXXXXX");
        close(mkstemp(path));
        atexit(remove_file);
    }
    FILE *out = fopen(path, "wb");
    if (!out)
        abort();
    fwrite(data, 1, size, out);
    fclose(out);
    return capture_open(path, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FILE *in = file_with(data, size);
    if (!in)
        return 0;
    FILE *out = capture_create("/dev/null", NULL);
    CaptureResult result;
    do {
        CaptureRecord record;
        g_autoptr(GError) error = NULL;
        result = capture_read(in, &record, &error);
        if (result == CAPTURE_RECORD) {
            if (!record.body || g_bytes_get_size(record.body) > size)
                abort();
            capture_write(out, &record);
        }
        if ((result == CAPTURE_BAD) != (error != NULL))
            abort();
        capture_record_clear(&record);
    } while (result == CAPTURE_RECORD);
    fclose(in);
    fclose(out);
    return 0;
}
