/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ZLIB_GLZ: zlib around the GLZ codec (docs/spec/lz.md section 5). */
#include "codec/zlib-glz.h"

#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

/* deflate can't do better than this, and a GLZ encoder in its senses never worse than that per
 * pixel. */
#define MAX_DEFLATE_RATIO 1032
#define MAX_BYTES_PER_PIXEL 16

CodecResult zlib_glz_check(size_t size, uint32_t inflated_size, uint32_t width, uint32_t height)
{
    uint64_t pixels = (uint64_t)width * height;

    if (inflated_size < GLZ_HEADER_SIZE)
        return CODEC_TRUNCATED;
    if (size > UINT32_MAX || inflated_size > (uint64_t)size * MAX_DEFLATE_RATIO + 64 ||
        (pixels < UINT32_MAX &&
         inflated_size > GLZ_HEADER_SIZE + pixels * MAX_BYTES_PER_PIXEL + 64))
        return CODEC_TOO_LARGE;
    return CODEC_OK;
}

CodecResult zlib_glz_inflate(const uint8_t *data, size_t size, uint8_t *out, uint32_t inflated_size)
{
    z_stream z = {
        .next_in = (Bytef *)data, .avail_in = size, .next_out = out, .avail_out = inflated_size};

    if (size > UINT_MAX)
        return CODEC_TOO_LARGE;
    if (inflateInit(&z) != Z_OK)
        return CODEC_NO_MEMORY;

    int status = inflate(&z, Z_FINISH);
    uInt in_left = z.avail_in, out_left = z.avail_out;

    inflateEnd(&z);
    switch (status) {
    case Z_STREAM_END:
        return in_left || out_left ? CODEC_BAD_DATA : CODEC_OK;
    case Z_MEM_ERROR:
        return CODEC_NO_MEMORY;
    case Z_BUF_ERROR:
    case Z_OK:
        return out_left ? CODEC_TRUNCATED : CODEC_BAD_DATA;
    default:
        return CODEC_BAD_DATA;
    }
}

CodecResult zlib_glz_decode(GlzWindow *window, const uint8_t *data, size_t size,
                            uint32_t inflated_size, uint32_t width, uint32_t height,
                            GlzImage **image, uint64_t *missing)
{
    CodecResult result = zlib_glz_check(size, inflated_size, width, height);

    if (result != CODEC_OK)
        return result;
    uint8_t *glz = malloc(inflated_size);
    if (!glz)
        return CODEC_NO_MEMORY;

    GlzInfo info;
    result = zlib_glz_inflate(data, size, glz, inflated_size);
    if (result == CODEC_OK)
        result = glz_read_header(glz, inflated_size, &info);
    if (result == CODEC_OK && (info.image.width != width || info.image.height != height))
        result = CODEC_BAD_HEADER;
    if (result == CODEC_OK)
        result = glz_decode(window, glz, inflated_size, image, missing);
    free(glz);
    return result;
}

CodecResult zlib_glz_encode(const uint8_t *glz, size_t glz_size, int level, uint8_t *out,
                            size_t capacity, size_t *size)
{
    z_stream z = {.next_in = (Bytef *)glz, .avail_in = glz_size, .next_out = out};

    if (glz_size > UINT_MAX)
        return CODEC_TOO_LARGE;
    z.avail_out = capacity < UINT_MAX ? capacity : UINT_MAX;
    if (level < 1 || level > 9)
        return CODEC_BAD_DATA;
    if (deflateInit(&z, level) != Z_OK)
        return CODEC_NO_MEMORY;

    int status = deflate(&z, Z_FINISH);
    *size = z.total_out;
    deflateEnd(&z);
    return status == Z_STREAM_END ? CODEC_OK : CODEC_NO_SPACE;
}
