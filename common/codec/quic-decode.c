/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The QUIC decoder: header, bits, runs, and the way from rows to the caller's pixels
 * (docs/spec/quic.md). */
#include "codec/quic-model.h"

#include <limits.h>
#include <stdlib.h>

#if QUIC_HAVE_V3
#include <immintrin.h>
#endif

#include "overflow.h"

/* The bit string: the next 64 bits in high, then at least 33 more at the top of low. Beyond the end
 * there are zeros without end; whoever may loop or believe in them asks quic_overrun(). */
typedef struct QuicReader {
    uint64_t high, low;
    uint64_t position; /* of low's first bit, from the start of data */
    size_t words;
    const uint8_t *data;
} QuicReader;

typedef CodecResult (*QuicRow)(QuicGroup *group, QuicReader *reader, const uint8_t *above,
                               uint8_t *row, uint32_t width, uint32_t x_byte);

/* A decoded row (samples in the bytes of words) to the caller's format, where decoding can't go
 * there directly. */
typedef void (*QuicDeliver)(const uint8_t *restrict row, uint32_t width, uint8_t x,
                            uint8_t *restrict pixels);

typedef struct QuicRows {
    QuicRow rgb8, rgb5, alpha, gray;
    QuicDeliver to_rgb24, to_rgb16, rgb16_to_rgb32;
} QuicRows;

static __attribute__((noinline)) uint64_t words_at_end(const uint8_t *data, size_t words,
                                                       size_t index)
{
    return index < words ? (uint64_t)quic_load32(data + index * 4) << 32 : 0;
}

/* What low is at a position: two words, from which up to 31 bits are gone. */
QUIC_INLINE uint64_t quic_low(const QuicReader *reader, uint64_t position)
{
    size_t index = position / 32;
    uint64_t pair;

    if (QUIC_LIKELY(index + 1 < reader->words)) {
        memcpy(&pair, reader->data + index * 4, sizeof pair);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        pair = __builtin_bswap64(pair);
#endif
        pair = pair << 32 | pair >> 32;
    } else {
        pair = words_at_end(reader->data, reader->words, index);
    }
    return pair << (position & 31);
}

/* Drop up to 32 bits. */
QUIC_INLINE void quic_skip(QuicReader *reader, unsigned count)
{
    reader->high = reader->high << count | (reader->low >> 1) >> (63 - count);
    reader->position += count;
    reader->low = quic_low(reader, reader->position);
}

static void reader_init(QuicReader *reader, const uint8_t *data, size_t size)
{
    *reader = (QuicReader){.position = QUIC_HEADER_SIZE * 8 + 64, .words = size / 4, .data = data};
    reader->high = quic_low(reader, QUIC_HEADER_SIZE * 8);
    reader->low = quic_low(reader, reader->position);
}

/* More bits were taken than there are. */
QUIC_INLINE bool quic_overrun(const QuicReader *reader)
{
    return reader->position - 64 > (uint64_t)reader->words * 32;
}

/* The samples of one pixel the long way: escapes of every kind, words of every length. Packed as
 * the residual row has them; negative when an escape stands for a value outside the range. */
static __attribute__((noinline)) int quic_read_pixel(QuicReader *reader, const uint64_t *mark,
                                                     unsigned channels, unsigned bits)
{
    int packed = 0;

    for (unsigned i = 0; i < channels; i++) {
        unsigned k = mark[i] & 63, most = (1u << (bits - k)) - 1, zeros, value;

        if (most > 26 - bits)
            most = 26 - bits;
        zeros = __builtin_clzll(reader->high | 1);
        if (zeros < most) {
            value = zeros << k | (unsigned)((reader->high << zeros << 1 >> 1) >> (63 - k));
            quic_skip(reader, zeros + 1 + k);
        } else {
            unsigned golomb = most << k, extra = 32 - __builtin_clz((1u << bits) - golomb - 1);

            value = golomb + (unsigned)(reader->high << most >> (64 - extra));
            quic_skip(reader, most + extra);
        }
        if (value >> bits)
            return -1;
        packed = packed << 8 | (int)value;
    }
    return packed;
}

/* A run code (section 8.3). False as soon as the run is longer than it may be. */
static __attribute__((noinline)) bool quic_read_run(QuicReader *reader, unsigned *state,
                                                    uint32_t most, uint32_t *length)
{
    uint64_t run = 0;
    unsigned j = *state, ones, order;

    do {
        ones = __builtin_clzll(~reader->high | UINT64_C(1) << 32);
        run += quic_run_sums[j + ones] - quic_run_sums[j];
        j = j + ones < 31 ? j + ones : 31;
        if (run > most)
            return false;
        quic_skip(reader, ones);
    } while (ones == 31);

    order = quic_run_orders[j];
    run += reader->high >> (63 - order); /* the zero-bit and the rest */
    quic_skip(reader, 1 + order);
    if (run > most)
        return false;
    *state = j - (j > 0);
    *length = run;
    return true;
}

#define QUIC_NAME(name) quic_portable_##name
#define QUIC_TARGET
#define QUIC_MINPOS 0
#include "codec/quic-decode-rows.h"
#undef QUIC_NAME
#undef QUIC_TARGET
#undef QUIC_MINPOS

#if QUIC_HAVE_V3
#define QUIC_NAME(name) quic_v3_##name
#define QUIC_TARGET __attribute__((target("avx2,bmi,bmi2,lzcnt")))
#define QUIC_MINPOS 1
#include "codec/quic-decode-rows.h"
#undef QUIC_NAME
#undef QUIC_TARGET
#undef QUIC_MINPOS
#endif

static const QuicRows *choose_rows(QuicPath path)
{
#if QUIC_HAVE_V3
    if (path == QUIC_PATH_BEST && quic_have_v3())
        return &quic_v3_rows;
#endif
    return &quic_portable_rows;
}

/* Section 12, numbers 1 to 5, and whether the stream can hold a bit for every pixel that costs one.
 */
CodecResult quic_read_header(const uint8_t *data, size_t size, CodecInfo *info)
{
    static const CodecFormat formats[] = {CODEC_FORMAT_NONE,  CODEC_FORMAT_GRAY,
                                          CODEC_FORMAT_RGB16, CODEC_FORMAT_RGB24,
                                          CODEC_FORMAT_RGB32, CODEC_FORMAT_RGBA};
    QuicShape shape;
    uint32_t type, width, height;
    uint64_t least;

    if (size < QUIC_HEADER_SIZE)
        return CODEC_TRUNCATED;
    type = quic_load32(data + 8);
    width = quic_load32(data + 12);
    height = quic_load32(data + 16);
    if (quic_load32(data) != QUIC_MAGIC || quic_load32(data + 4) != 0 || type == 0 ||
        type >= sizeof formats / sizeof formats[0])
        return CODEC_BAD_HEADER;
    if (width == 0 || height == 0 || width > INT32_MAX || height > INT32_MAX)
        return CODEC_BAD_HEADER;
    if ((uint64_t)width * height > QUIC_MAX_PIXELS)
        return CODEC_TOO_LARGE;

    quic_shape(formats[type], &shape);
    least = QUIC_HEADER_SIZE * 8 + (uint64_t)shape.channels * width +
            (uint64_t)(height - 1) *
                (shape.channels * (width < 3 ? width : 3) + (width > 3 ? shape.groups : 0));
    if (least > (uint64_t)(size / 4) * 32)
        return CODEC_TRUNCATED;
    *info = (CodecInfo){width, height, formats[type], true, QUIC_HEADER_SIZE};
    return CODEC_OK;
}

bool quic_can_decode(CodecFormat from, CodecFormat to)
{
    QuicShape shape;

    if (from == to)
        return quic_shape(from, &shape);
    if (to == CODEC_FORMAT_RGB32)
        return from == CODEC_FORMAT_RGB24 || from == CODEC_FORMAT_RGB16;
    return to == CODEC_FORMAT_RGB24 && from == CODEC_FORMAT_RGB32;
}

CodecResult quic_decode_path(QuicPath path, const uint8_t *data, size_t size, CodecFormat to,
                             uint8_t x, uint8_t *pixels, ptrdiff_t stride)
{
    const QuicRows *rows = choose_rows(path);
    QuicGroup color, alpha;
    QuicReader reader;
    QuicShape shape;
    CodecInfo info;
    CodecResult result = quic_read_header(data, size, &info);
    uint8_t *memory, *scratch;
    const uint8_t *above = NULL;
    uint32_t x_byte;
    size_t line;
    QuicDeliver deliver = NULL;

    if (result != CODEC_OK)
        return result;
    if (!quic_can_decode(info.format, to))
        return CODEC_BAD_DATA;
    result = quic_check_stride(to, info.width, info.height, stride);
    if (result != CODEC_OK)
        return result;

    x_byte = to == CODEC_FORMAT_RGB32 ? (uint32_t)x << 24 : 0;

    /* Residuals of the groups, and two rows to decode into where the output isn't made of words or
     * bytes. */
    quic_shape(info.format, &shape);
    if (to == CODEC_FORMAT_RGB24)
        deliver = rows->to_rgb24;
    else if (info.format == CODEC_FORMAT_RGB16)
        deliver = to == CODEC_FORMAT_RGB16 ? rows->to_rgb16 : rows->rgb16_to_rgb32;
    if (!size_mul(info.width, 4, &line) || line > SIZE_MAX / 4)
        return CODEC_TOO_LARGE;
    memory = malloc(shape.groups == 2 ? line + info.width : deliver ? line * 3 : line);
    if (!memory)
        return CODEC_NO_MEMORY;
    color.residuals = memory;
    alpha.residuals = memory + line;
    scratch = memory + line;

    for (unsigned lane = 0; lane < shape.bits; lane++)
        color.way_of[lane] = (shape.bits == 8 ? quic_marks_8 : quic_marks_5)[shape.bits - 1 - lane];
    quic_group_reset(&color, shape.bits);
    if (shape.groups == 2) {
        memcpy(alpha.way_of, color.way_of, sizeof alpha.way_of);
        quic_group_reset(&alpha, shape.bits);
    }
    reader_init(&reader, data, size);

    for (uint32_t y = 0; y < info.height && result == CODEC_OK; y++) {
        uint8_t *output = pixels + (ptrdiff_t)y * stride, *row = output;

        if (deliver)
            row = scratch + (y & 1 ? line : 0);
        if (shape.channels == 1)
            result = rows->gray(&color, &reader, above, row, info.width, 0);
        else if (shape.bits == 5)
            result = rows->rgb5(&color, &reader, above, row, info.width, 0);
        else
            result = rows->rgb8(&color, &reader, above, row, info.width, x_byte);
        if (shape.groups == 2 && result == CODEC_OK)
            result = rows->alpha(&alpha, &reader, above ? above + 3 : NULL, row + 3, info.width, 0);
        if (deliver && result == CODEC_OK)
            deliver(row, info.width, x, output);
        above = row;
    }
    free(memory);
    return result;
}

CodecResult quic_decode_x(const uint8_t *data, size_t size, CodecFormat to, uint8_t x,
                          uint8_t *pixels, ptrdiff_t stride)
{
    return quic_decode_path(QUIC_PATH_BEST, data, size, to, x, pixels, stride);
}

CodecResult quic_decode(const uint8_t *data, size_t size, CodecFormat to, uint8_t *pixels,
                        ptrdiff_t stride)
{
    return quic_decode_path(QUIC_PATH_BEST, data, size, to, 0, pixels, stride);
}
