/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Input: width and height (a byte each) and an LZ4 image, decoded to all formats in all layouts. */
#include "codec/lz4.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const CodecFormat targets[] = {CODEC_FORMAT_A8, CODEC_FORMAT_RGB16, CODEC_FORMAT_RGB24,
                                          CODEC_FORMAT_RGB32, CODEC_FORMAT_RGBA};

    if (size < 2)
        return 0;
    uint32_t width = data[0], height = data[1];
    for (unsigned i = 0; i < 15; i++) {
        CodecFormat to = targets[i / 3];
        unsigned layout = i % 3;
        size_t row;

        codec_row_size(to, width, &row);
        size_t pitch = layout == 1 ? (row + 7) / 4 * 4 : row;
        uint8_t *pixels = calloc(height + 1, pitch + 1);
        bool turn = layout == 2;

        lz4_image_decode(data + 2, size - 2, width, height, to,
                         turn && height ? pixels + pitch * (height - 1) : pixels,
                         turn ? -(ptrdiff_t)pitch : (ptrdiff_t)pitch);
        free(pixels);
    }
    return 0;
}
