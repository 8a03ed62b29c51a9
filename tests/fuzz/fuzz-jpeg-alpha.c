/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Input: flags (a byte), size of the colour part (four bytes, little-endian) and a JPEG_ALPHA
 * payload. */
#include "codec/jpeg.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CodecInfo info;

    if (size < 5)
        return 0;
    uint32_t jpeg_size = data[1] | data[2] << 8 | data[3] << 16 | (uint32_t)data[4] << 24;
    bool flag = data[0] & 1;

    data += 5;
    size -= 5;
    if (jpeg_alpha_read_header(data, size, jpeg_size, flag, &info) != CODEC_OK ||
        (uint64_t)info.width * info.height > 1 << 18)
        return 0;
    uint8_t *pixels = malloc((size_t)info.width * 4 * info.height);
    jpeg_alpha_decode(data, size, jpeg_size, flag, pixels, (ptrdiff_t)info.width * 4);
    free(pixels);
    return 0;
}
