/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPICE's LZ4 image form on liblz4 (docs/spec/lz.md section 6). */
#include "codec/lz4.h"
#include "codec/lz-private.h"

#include <limits.h>
#include <lz4.h>
#include <lz4hc.h>
#include <spice/enums.h>
#include <stdlib.h>

#define MAX_EXPANSION 255

static CodecFormat format_of_bitmap(uint8_t bitmap_format)
{
    switch (bitmap_format) {
    case SPICE_BITMAP_FMT_16BIT:
        return CODEC_FORMAT_RGB16;
    case SPICE_BITMAP_FMT_24BIT:
        return CODEC_FORMAT_RGB24;
    case SPICE_BITMAP_FMT_32BIT:
        return CODEC_FORMAT_RGB32;
    case SPICE_BITMAP_FMT_RGBA:
        return CODEC_FORMAT_RGBA;
    case SPICE_BITMAP_FMT_8BIT_A:
        return CODEC_FORMAT_A8;
    default:
        return CODEC_FORMAT_NONE;
    }
}

CodecResult lz4_image_read_header(const uint8_t *data, size_t size, uint32_t width, uint32_t height,
                                  CodecInfo *info)
{
    if (size < LZ4_IMAGE_HEADER_SIZE)
        return CODEC_TRUNCATED;

    CodecFormat format = format_of_bitmap(data[1]);
    size_t row;
    if (format == CODEC_FORMAT_NONE || !width || !height)
        return CODEC_BAD_HEADER;
    if ((uint64_t)width * height > LZ4_IMAGE_MAX_PIXELS || !codec_row_size(format, width, &row) ||
        (uint64_t)row * height > INT_MAX)
        return CODEC_TOO_LARGE;
    if ((uint64_t)row * height > (uint64_t)MAX_EXPANSION * (size - LZ4_IMAGE_HEADER_SIZE))
        return CODEC_TRUNCATED;

    info->width = width;
    info->height = height;
    info->format = format;
    info->top_down = data[0] != 0;
    info->header_size = LZ4_IMAGE_HEADER_SIZE;
    return CODEC_OK;
}

/* All blocks into one contiguous buffer, which they have to fill exactly. */
static CodecResult decode_blocks(const uint8_t *in, const uint8_t *end, uint8_t *out, size_t size)
{
    LZ4_streamDecode_t stream;
    size_t done = 0;

    LZ4_setStreamDecode(&stream, NULL, 0);
    if (in == end)
        return CODEC_TRUNCATED;
    while (in != end) {
        if (end - in < 4)
            return CODEC_TRUNCATED;
        uint32_t block = lz_read_be32(in);
        in += 4;
        if (block > (size_t)(end - in))
            return CODEC_TRUNCATED;
        if (block == 0 || block > INT_MAX || done == size)
            return CODEC_BAD_DATA;
        int got = LZ4_decompress_safe_continue(&stream, (const char *)in, (char *)out + done, block,
                                               size - done);
        if (got <= 0)
            return CODEC_BAD_DATA;
        in += block;
        done += got;
    }
    return done == size ? CODEC_OK : CODEC_TRUNCATED;
}

/* One raw row to another format. The raw row may be the end of the output row (see
 * lz4_image_decode()): so pixels go in rising order, and none is wider when read than when written.
 */
static void convert_row(CodecFormat from, CodecFormat to, const uint8_t *in, uint8_t *out,
                        uint32_t width)
{
    uint32_t high = to == CODEC_FORMAT_RGBA ? 0xff000000 : 0;

    for (uint32_t x = 0; x < width; x++, out += 4) {
        uint32_t v;

        switch (from) {
        case CODEC_FORMAT_RGB16:
            v = lz_expand_555(in[0] | (uint32_t)in[1] << 8) | high;
            in += 2;
            break;
        case CODEC_FORMAT_RGB24:
            v = in[0] | (uint32_t)in[1] << 8 | (uint32_t)in[2] << 16 | high;
            in += 3;
            break;
        default:
            memcpy(&v, in, 4);
            v |= high;
            in += 4;
            break;
        }
        memcpy(out, &v, 4);
    }
}

static void store_row(CodecFormat from, CodecFormat to, const uint8_t *in, uint8_t *out,
                      uint32_t width, size_t row)
{
    bool as_is = from == to || (from == CODEC_FORMAT_RGBA && to == CODEC_FORMAT_RGB32);

    if (!as_is)
        convert_row(from, to, in, out, width);
    else if (in != out)
        memmove(out, in, row);
}

static void swap_rows(uint8_t *a, uint8_t *b, size_t size)
{
    uint8_t part[512];

    for (size_t i = 0; i < size; i += sizeof part) {
        size_t n = size - i < sizeof part ? size - i : sizeof part;

        memcpy(part, a + i, n);
        memcpy(a + i, b + i, n);
        memcpy(b + i, part, n);
    }
}

CodecResult lz4_image_decode(const uint8_t *data, size_t size, uint32_t width, uint32_t height,
                             CodecFormat to, uint8_t *pixels, ptrdiff_t stride)
{
    CodecInfo info;
    CodecResult result = lz4_image_read_header(data, size, width, height, &info);
    size_t row, out_row;

    if (result != CODEC_OK)
        return result;

    bool to32 = to == CODEC_FORMAT_RGB32 || to == CODEC_FORMAT_RGBA;
    if (to != info.format && (!to32 || info.format == CODEC_FORMAT_A8))
        return CODEC_BAD_DATA;
    if (!codec_row_size(info.format, width, &row) || !codec_row_size(to, width, &out_row))
        return CODEC_TOO_LARGE;

    const uint8_t *in = data + LZ4_IMAGE_HEADER_SIZE, *end = data + size;
    size_t raw_size = row * height, out_size = out_row * height;

    if (stride != (ptrdiff_t)out_row && stride != -(ptrdiff_t)out_row) {
        uint8_t *raw = malloc(raw_size);

        if (!raw)
            return CODEC_NO_MEMORY;
        result = decode_blocks(in, end, raw, raw_size);
        for (uint32_t y = 0; result == CODEC_OK && y < height; y++)
            store_row(info.format, to, raw + y * row, pixels + (ptrdiff_t)y * stride, width, row);
        free(raw);
        return result;
    }

    /* Tight rows: the raw ones go to the end of the output and are widened from its beginning on,
     * which never overtakes them. Bottom-up ones are turned over afterwards. */
    uint8_t *first = stride > 0 ? pixels : pixels - (ptrdiff_t)(out_row * (height - 1));
    uint8_t *raw = first + (out_size - raw_size);

    result = decode_blocks(in, end, raw, raw_size);
    if (result != CODEC_OK)
        return result;
    if (to != info.format)
        for (uint32_t y = 0; y < height; y++)
            store_row(info.format, to, raw + y * row, first + y * out_row, width, row);
    if (stride < 0)
        for (uint32_t y = 0; y < height / 2; y++)
            swap_rows(first + y * out_row, first + (height - 1 - y) * out_row, out_row);
    return CODEC_OK;
}

/* The streaming entry, as the deployed server uses: the plain one takes another hash for inputs
 * below 64 KiB, which finds less in pixels of 4 bytes. */
static int compress_fast(const char *in, char *out, int size, int capacity)
{
    LZ4_stream_t stream;

    LZ4_initStream(&stream, sizeof stream);
    return LZ4_compress_fast_continue(&stream, in, out, size, capacity, 1);
}

CodecResult lz4_image_encode(CodecFormat format, bool top_down, uint32_t width, uint32_t height,
                             const uint8_t *pixels, ptrdiff_t stride, int level, uint8_t *out,
                             size_t capacity, size_t *size)
{
    uint8_t bitmap_format;
    size_t row;

    switch (format) {
    case CODEC_FORMAT_RGB16:
        bitmap_format = SPICE_BITMAP_FMT_16BIT;
        break;
    case CODEC_FORMAT_RGB24:
        bitmap_format = SPICE_BITMAP_FMT_24BIT;
        break;
    case CODEC_FORMAT_RGB32:
        bitmap_format = SPICE_BITMAP_FMT_32BIT;
        break;
    case CODEC_FORMAT_RGBA:
        bitmap_format = SPICE_BITMAP_FMT_RGBA;
        break;
    default:
        return CODEC_BAD_DATA;
    }
    if (!width || !height)
        return CODEC_BAD_HEADER;
    if (!codec_row_size(format, width, &row) || (uint64_t)row * height > LZ4_MAX_INPUT_SIZE)
        return CODEC_TOO_LARGE;
    if (capacity < LZ4_IMAGE_HEADER_SIZE + 4)
        return CODEC_NO_SPACE;

    uint8_t *packed = NULL;
    if (stride != (ptrdiff_t)row) {
        packed = malloc(row * height);
        if (!packed)
            return CODEC_NO_MEMORY;
        for (uint32_t y = 0; y < height; y++)
            memcpy(packed + y * row, pixels + (ptrdiff_t)y * stride, row);
        pixels = packed;
    }

    size_t room = capacity - LZ4_IMAGE_HEADER_SIZE - 4;
    int limit = room < INT_MAX ? room : INT_MAX;
    int got;

    if (level >= 2)
        got = LZ4_compress_HC((const char *)pixels, (char *)out + 6, row * height, limit, level);
    else
        got = compress_fast((const char *)pixels, (char *)out + 6, row * height, limit);
    free(packed);
    if (got <= 0)
        return CODEC_NO_SPACE;
    out[0] = top_down;
    out[1] = bitmap_format;
    lz_write_be32(out + 2, got);
    *size = LZ4_IMAGE_HEADER_SIZE + 4 + (size_t)got;
    return CODEC_OK;
}
