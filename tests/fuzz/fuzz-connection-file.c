/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any text as a connection file (.vv): parsed or refused, with a reason. */
#include "../../tools/shared/connection-file.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ConnectionFile) file = connection_file_parse((const char *)data, size, &error);
    if (!file == !error)
        abort();
    if (file && (!file->hotkeys || file->port < 0 || file->port > 65535))
        abort();
    return 0;
}
