/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Input: an LZ stream, decoded as an image and as an alpha plane, to all formats, with tight,
 * padded and turned rows. */
#include "codec/lz.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_PIXELS (1 << 18)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint32_t palette[] = {0x010203, 0xffffff, 0x808080, 0xff00ff, 0x00ff00};
    static const CodecFormat targets[] = {CODEC_FORMAT_A8, CODEC_FORMAT_RGB16, CODEC_FORMAT_RGB24,
                                          CODEC_FORMAT_RGB32, CODEC_FORMAT_RGBA};
    CodecInfo info;
    bool alpha = false;
    CodecResult result = lz_read_header(data, size, &info);

    if (result != CODEC_OK) {
        alpha = true;
        result = lz_read_alpha_header(data, size, &info);
    }
    if (result != CODEC_OK || (uint64_t)info.width * info.height > MAX_PIXELS)
        return 0;
    for (unsigned i = 0; i < 6; i++) {
        CodecFormat to = i < 5 ? targets[i] : info.format;
        size_t row;

        codec_row_size(to, info.width, &row);
        for (unsigned layout = 0; layout < 3; layout++) {
            size_t pitch = layout ? (row + 7) / 4 * 4 : row;
            uint8_t *pixels = calloc(info.height, pitch);
            bool turn = layout == 2;
            uint8_t *first = turn ? pixels + pitch * (info.height - 1) : pixels;
            ptrdiff_t stride = turn ? -(ptrdiff_t)pitch : (ptrdiff_t)pitch;

            if (alpha)
                lz_decode_alpha(data, size, to, first, stride);
            else
                lz_decode(data, size, palette, 1 + size % 5, to, first, stride);
            free(pixels);
        }
    }
    return 0;
}
