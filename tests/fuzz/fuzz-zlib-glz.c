/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Input: width and height (a byte each), the announced size (four bytes, little-endian) and a
 * ZLIB_GLZ payload. The rest of it is also wrapped by our encoder, so that the GLZ stream inside
 * gets past zlib's checksum. */
#include "codec/zlib-glz.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 6 || size > 1 << 16)
        return 0;

    uint32_t announced = data[2] | data[3] << 8 | data[4] << 16 | (uint32_t)data[5] << 24;
    GlzWindow *window = glz_window_new(100000, NULL);
    uint64_t missing;
    size_t inner = size - 6, wrapped, capacity = inner + inner / 10 + 64;
    uint8_t *out = malloc(capacity);

    zlib_glz_decode(window, data + 6, inner, announced, data[0], data[1], NULL, &missing);
    if (zlib_glz_encode(data + 6, inner, 1 + size % 9, out, capacity, &wrapped) != CODEC_OK)
        abort();
    zlib_glz_decode(window, out, wrapped, inner, data[0], data[1], NULL, &missing);
    free(out);
    glz_window_free(window);
    return 0;
}
