/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads any bytes as a capture (docs/capture-format.md), and writes what it has read. */
#include "../../tools/cli/capture-file.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* A stream in memory can't be empty. */
    FILE *in = size ? fmemopen((void *)data, size, "rb") : NULL;
    if (!in || !capture_begin(in, "input", NULL)) {
        if (in)
            fclose(in);
        return 0;
    }
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
