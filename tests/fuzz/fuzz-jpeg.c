/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Input: a JPEG, decoded as an image and twice as a frame of one stream. */
#include "codec/jpeg.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_PIXELS (1 << 18)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CodecInfo info;

    if (jpeg_image_read_header(data, size, &info) == CODEC_OK &&
        (uint64_t)info.width * info.height <= MAX_PIXELS) {
        uint8_t *pixels = malloc((size_t)info.width * 4 * info.height);
        jpeg_image_decode(data, size, CODEC_FORMAT_RGB32, pixels, (ptrdiff_t)info.width * 4);
        free(pixels);
    }

    JpegStream *stream = jpeg_stream_new();
    for (int i = 0; i < 2; i++) {
        if (jpeg_stream_begin(stream, data, size, &info) != CODEC_OK ||
            (uint64_t)info.width * info.height > MAX_PIXELS)
            continue;
        uint8_t *pixels = malloc((size_t)info.width * 4 * info.height);
        jpeg_stream_decode(stream, CODEC_FORMAT_RGBA, pixels, (ptrdiff_t)info.width * 4);
        free(pixels);
    }
    jpeg_stream_free(stream);
    return 0;
}
