/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes as a QUIC stream. Both paths must agree, and what they accept must survive another
 * round. */
#include <stdlib.h>
#include <string.h>

#include "codec/quic-model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* All levels are reached by 12288 pixels; more only makes the fuzzer slow. */
enum { MOST_PIXELS = 1 << 15 };

static uint8_t *allocate(size_t size)
{
    uint8_t *memory = malloc(size);

    if (!memory)
        abort();
    return memory;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *one, *other, *again;
    CodecResult result;
    size_t row, bytes, bound, length;
    CodecInfo info;

    if (quic_read_header(data, size, &info) != CODEC_OK ||
        (uint64_t)info.width * info.height > MOST_PIXELS)
        return 0;
    row = (size_t)info.width * codec_format_bits(info.format) / 8;
    bytes = row * info.height;
    one = allocate(bytes);
    other = allocate(bytes);
    result = quic_decode_path(QUIC_PATH_BEST, data, size, info.format, 0, one, row);
    if (quic_decode_path(QUIC_PATH_PORTABLE, data, size, info.format, 0, other + bytes - row,
                         -(ptrdiff_t)row) != result)
        abort();
    if (result == CODEC_OK) {
        for (uint32_t y = 0; y < info.height; y++)
            if (memcmp(one + row * y, other + row * (info.height - 1 - y), row) != 0)
                abort();
        bound = quic_encode_bound(info.format, info.width, info.height);
        again = allocate(bound);
        if (quic_encode(info.format, info.width, info.height, one, row, again, bound, &length) !=
                CODEC_OK ||
            quic_decode(again, length, info.format, other, row) != CODEC_OK ||
            memcmp(one, other, bytes) != 0)
            abort();
        free(again);
    }
    free(one);
    free(other);
    if (quic_can_decode(info.format, CODEC_FORMAT_RGB32)) {
        one = allocate((size_t)info.width * info.height * 4);
        if (quic_decode_x(data, size, CODEC_FORMAT_RGB32, 255, one, (ptrdiff_t)info.width * 4) !=
            result)
            abort();
        free(one);
    }
    return 0;
}
