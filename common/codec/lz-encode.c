/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The LZ encoder (docs/spec/lz.md 3.7 and 12.3). */
#include "codec/lz.h"
#include "codec/lz-search.h"

#include <stdlib.h>

#define TABLE_BITS 14
/* A shorter match of bytes takes as much room as its literals. */
#define MIN_ROW_MATCH 4

struct LzEncoder {
    LzBucket shorts[1 << TABLE_BITS], middles[1 << TABLE_BITS], longs[1 << TABLE_BITS];
    uint32_t singles[1 << LZ_SINGLE_BITS];
    uint32_t next;    /* virtual position of the next image */
    uint8_t *scratch; /* packed units of sources that can't be read in place */
    size_t scratch_size;
};

LzEncoder *lz_encoder_new(void)
{
    LzEncoder *encoder = calloc(1, sizeof *encoder);

    if (encoder)
        encoder->next = LZ_MAX_BYTES; /* farther from 0, the empty entry, than any image is long */
    return encoder;
}

void lz_encoder_free(LzEncoder *encoder)
{
    if (encoder)
        free(encoder->scratch);
    free(encoder);
}

static uint8_t *need_scratch(LzEncoder *encoder, size_t size)
{
    if (encoder->scratch_size < size) {
        free(encoder->scratch);
        encoder->scratch = malloc(size);
        encoder->scratch_size = encoder->scratch ? size : 0;
    }
    return encoder->scratch;
}

/* Units of one pass, where they are or packed. NULL when there is no memory. */
static const uint8_t *gather(LzEncoder *encoder, CodecFormat format, bool alpha,
                             const uint8_t *pixels, ptrdiff_t stride, size_t row_units,
                             uint32_t height, unsigned s)
{
    bool in_place = format != CODEC_FORMAT_RGB24 && !alpha;
    size_t row = row_units * s;

    if (in_place && (stride == (ptrdiff_t)row || height == 1))
        return pixels;

    uint8_t *packed = need_scratch(encoder, row * height);
    if (!packed)
        return NULL;
    for (uint32_t y = 0; y < height; y++, pixels += stride) {
        uint8_t *to = packed + y * row;

        if (in_place) {
            memcpy(to, pixels, row);
        } else if (alpha) {
            for (size_t x = 0; x < row_units; x++)
                to[x] = pixels[4 * x + 3];
        } else {
            for (size_t x = 0; x < row_units; x++) {
                uint32_t v = pixels[3 * x] | (uint32_t)pixels[3 * x + 1] << 8 |
                             (uint32_t)pixels[3 * x + 2] << 16;
                memcpy(to + 4 * x, &v, 4);
            }
        }
    }
    return packed;
}

static CodecResult run_pass(LzEncoder *encoder, CodecFormat format, bool alpha, size_t row_units,
                            uint32_t height, const uint8_t *pixels, ptrdiff_t stride, LzOut *out)
{
    unsigned s = alpha                             ? 1
                 : format == CODEC_FORMAT_RGB16    ? 2
                 : codec_format_bits(format) >= 24 ? 4
                                                   : 1;
    LzTables tables = {encoder->shorts, encoder->middles, encoder->longs, encoder->singles,
                       TABLE_BITS};
    LzPass pass = {.n = row_units * height, .width = row_units, .tables = &tables, .out = *out};

    pass.units = gather(encoder, format, alpha, pixels, stride, row_units, height, s);
    if (!pass.units)
        return CODEC_NO_MEMORY;
    if (encoder->next > UINT32_MAX - pass.n) {
        memset(encoder->shorts, 0, sizeof encoder->shorts);
        memset(encoder->middles, 0, sizeof encoder->middles);
        memset(encoder->longs, 0, sizeof encoder->longs);
        memset(encoder->singles, 0, sizeof encoder->singles);
        encoder->next = LZ_MAX_BYTES;
    }
    pass.first = encoder->next;
    encoder->next += pass.n;

    bool fits = s == 4   ? lz_run_pass(4, false, &pass)
                : s == 2 ? lz_run_pass(2, false, &pass)
                         : lz_run_pass(1, false, &pass);
    *out = pass.out;
    return fits ? CODEC_OK : CODEC_NO_SPACE;
}

size_t lz_encode_bound(CodecFormat format, uint32_t width, uint32_t height)
{
    size_t row;
    uint64_t bytes = 0, units = (uint64_t)width * height;

    if (!lz_type_of_format(format) || !codec_row_size(format, width, &row))
        return 0;
    if (units == 0 || units > LZ_MAX_PIXELS || (uint64_t)row * height > LZ_MAX_BYTES)
        return 0;
    bytes = (uint64_t)row * height;
    if (format == CODEC_FORMAT_RGBA)
        units *= 2;
    /* A byte for every 32 units, the last run's counted up in each pass. */
    return LZ_HEADER_SIZE + bytes + units / 32 + 2;
}

static void write_header(uint8_t *out, uint32_t type, uint32_t width, uint32_t height, uint32_t row,
                         bool top_down)
{
    lz_write_be32(out, LZ_MAGIC);
    lz_write_be32(out + 4, LZ_VERSION);
    lz_write_be32(out + 8, type);
    lz_write_be32(out + 12, width);
    lz_write_be32(out + 16, height);
    lz_write_be32(out + 20, row);
    lz_write_be32(out + 24, top_down);
}

static CodecResult encode(LzEncoder *given, CodecFormat format, bool alpha, bool top_down,
                          uint32_t width, uint32_t height, const uint8_t *pixels, ptrdiff_t stride,
                          uint8_t *out, size_t capacity, size_t *size)
{
    size_t row;

    if (!lz_type_of_format(format))
        return CODEC_BAD_DATA;
    if (!width || !height)
        return CODEC_BAD_HEADER;
    if (!lz_encode_bound(format, width, height) || !codec_row_size(format, width, &row))
        return CODEC_TOO_LARGE;
    if (capacity < LZ_HEADER_SIZE)
        return CODEC_NO_SPACE;

    LzEncoder *encoder = given ? given : lz_encoder_new();
    if (!encoder)
        return CODEC_NO_MEMORY;

    write_header(out, alpha ? LZ_TYPE_XXXA : lz_type_of_format(format), width, height, row,
                 top_down);

    LzOut to = {out + LZ_HEADER_SIZE, out + capacity};
    bool bytes = codec_format_bits(format) <= 8;
    CodecResult result = CODEC_OK;
    if (!alpha)
        result = run_pass(encoder, format, false, bytes ? row : width, height, pixels, stride, &to);
    if (result == CODEC_OK && format == CODEC_FORMAT_RGBA)
        result = run_pass(encoder, format, true, width, height, pixels, stride, &to);
    if (result == CODEC_OK)
        *size = to.p - out;
    if (!given)
        lz_encoder_free(encoder);
    return result;
}

CodecResult lz_encode_rows(CodecFormat format, bool top_down, uint32_t width, uint32_t height,
                           const uint8_t *pixels, uint8_t *out, size_t capacity, size_t *size)
{
    size_t row;

    if (!lz_type_of_format(format) || codec_format_bits(format) > 8 || format == CODEC_FORMAT_A8)
        return CODEC_BAD_DATA;
    if (!width || !height)
        return CODEC_BAD_HEADER;
    if (!lz_encode_bound(format, width, height) || !codec_row_size(format, width, &row))
        return CODEC_TOO_LARGE;
    if (capacity < LZ_HEADER_SIZE)
        return CODEC_NO_SPACE;
    write_header(out, lz_type_of_format(format), width, height, row, top_down);

    LzOut to = {out + LZ_HEADER_SIZE, out + capacity};
    uint32_t n = row * height, pending = 0;

    for (uint32_t i = 0; i < n;) {
        uint32_t length = 0, distance = 1;

        if (i >= 1)
            length = lz_equal_units(1, pixels + i, pixels + i - 1, n - i);
        if (i >= row && row <= LZ_MAX_DISTANCE) {
            uint32_t above = lz_equal_units(1, pixels + i, pixels + i - row, n - i);

            if (above > length) {
                length = above;
                distance = row;
            }
        }
        if (length < MIN_ROW_MATCH) {
            pending++;
            i++;
            continue;
        }
        if (!lz_write_literals(1, &to, pixels + i - pending, pending) ||
            !lz_write_match(1, false, &to, length, distance, 0, 0))
            return CODEC_NO_SPACE;
        pending = 0;
        i += length;
    }
    if (!lz_write_literals(1, &to, pixels + n - pending, pending))
        return CODEC_NO_SPACE;
    *size = to.p - out;
    return CODEC_OK;
}

CodecResult lz_encode(LzEncoder *encoder, CodecFormat format, bool top_down, uint32_t width,
                      uint32_t height, const uint8_t *pixels, ptrdiff_t stride, uint8_t *out,
                      size_t capacity, size_t *size)
{
    return encode(encoder, format, false, top_down, width, height, pixels, stride, out, capacity,
                  size);
}

CodecResult lz_encode_alpha(LzEncoder *encoder, bool top_down, uint32_t width, uint32_t height,
                            const uint8_t *pixels, ptrdiff_t stride, uint8_t *out, size_t capacity,
                            size_t *size)
{
    return encode(encoder, CODEC_FORMAT_RGBA, true, top_down, width, height, pixels, stride, out,
                  capacity, size);
}
