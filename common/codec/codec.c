/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Words and sizes that all image codecs share. */
#include "codec/codec.h"

#include "overflow.h"

const char *codec_result_text(CodecResult result)
{
    switch (result) {
    case CODEC_OK:
        return "no error";
    case CODEC_TRUNCATED:
        return "the image data ends too early";
    case CODEC_BAD_HEADER:
        return "the image header is not valid";
    case CODEC_BAD_DATA:
        return "the image data is damaged";
    case CODEC_TOO_LARGE:
        return "the image is too large";
    case CODEC_NO_MEMORY:
        return "out of memory";
    case CODEC_MISSING:
        return "an image that this one refers to is missing";
    case CODEC_NO_SPACE:
        return "the output exceeds the space given";
    }
    return "unknown result";
}

unsigned codec_format_bits(CodecFormat format)
{
    switch (format) {
    case CODEC_FORMAT_NONE:
        return 0;
    case CODEC_FORMAT_PLT1_LE:
    case CODEC_FORMAT_PLT1_BE:
        return 1;
    case CODEC_FORMAT_PLT4_LE:
    case CODEC_FORMAT_PLT4_BE:
        return 4;
    case CODEC_FORMAT_A8:
    case CODEC_FORMAT_GRAY:
    case CODEC_FORMAT_PLT8:
        return 8;
    case CODEC_FORMAT_RGB16:
        return 16;
    case CODEC_FORMAT_RGB24:
        return 24;
    case CODEC_FORMAT_RGB32:
    case CODEC_FORMAT_RGBA:
        return 32;
    }
    return 0;
}

bool codec_row_size(CodecFormat format, uint32_t width, size_t *size)
{
    size_t bits = codec_format_bits(format), total;

    if (bits == 0 || !size_mul(width, bits, &total) || !size_add(total, 7, &total))
        return false;
    *size = total / 8;
    return true;
}
