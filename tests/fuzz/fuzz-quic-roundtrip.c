/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any pixels through the QUIC encoder and back: format, width, row padding and a repeat count, then
 * bytes. */
#include <stdlib.h>
#include <string.h>

#include "codec/quic-model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t *allocate(size_t size)
{
    uint8_t *memory = malloc(size);

    if (!memory)
        abort();
    return memory;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const CodecFormat formats[] = {CODEC_FORMAT_GRAY, CODEC_FORMAT_RGB16, CODEC_FORMAT_RGB24,
                                          CODEC_FORMAT_RGB32, CODEC_FORMAT_RGBA};
    uint8_t *pixels, *stream, *portable, *decoded;
    size_t row, stride, bound, length, portable_length, bytes;
    uint32_t width, height, repeat;
    CodecFormat format;

    if (size < 6)
        return 0;
    format = formats[data[0] % 5];
    width = 1 + data[1] + 256 * (data[2] & 15);
    repeat = 1 + (data[3] & 63); /* every pixel so many times: runs */
    bytes = codec_format_bits(format) / 8;
    row = width * bytes;
    stride = row + (data[4] & 15);
    data += 5;
    size -= 5;
    height = 1 + (uint32_t)(size * repeat / row);
    /* All levels are reached by 12288 pixels; more only makes the fuzzer slow. */
    if (height > 1 + (1 << 15) / width)
        height = 1 + (1 << 15) / width;

    pixels = allocate(stride * height);
    for (uint32_t y = 0; y < height; y++)
        for (uint32_t x = 0; x < width; x++)
            for (size_t i = 0; i < bytes; i++)
                pixels[stride * y + x * bytes + i] =
                    data[(((size_t)y * width + x) / repeat * bytes + i) % size];
    bound = quic_encode_bound(format, width, height);
    stream = allocate(bound);
    portable = allocate(bound);
    decoded = allocate(row * height);
    if (quic_encode(format, width, height, pixels, stride, stream, bound, &length) != CODEC_OK ||
        quic_encode_path(QUIC_PATH_PORTABLE, format, width, height, pixels, stride, portable, bound,
                         &portable_length) != CODEC_OK ||
        length != portable_length || memcmp(stream, portable, length) != 0 ||
        quic_decode(stream, length, format, decoded, row) != CODEC_OK)
        abort();
    for (uint32_t y = 0; y < height; y++)
        for (size_t i = 0; i < row; i++) {
            uint8_t want = pixels[stride * y + i];

            if (format == CODEC_FORMAT_RGB32 && i % 4 == 3)
                want = 0;
            if (format == CODEC_FORMAT_RGB16 && i % 2 == 1)
                want &= 0x7f;
            if (decoded[row * y + i] != want)
                abort();
        }
    free(pixels);
    free(stream);
    free(portable);
    free(decoded);
    return 0;
}
