/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The QUIC encoder: bits, run codes, and the way from the caller's pixels to rows
 * (docs/spec/quic.md). */
#include "codec/quic-model.h"

#include <limits.h>
#include <stdlib.h>

#if QUIC_HAVE_V3
#include <immintrin.h>
#endif

#include "overflow.h"

/* The bit string being written: whole words are behind `next`, `used` (below 32) more bits at the
 * top of bits. */
typedef struct QuicWriter {
    uint64_t bits;
    unsigned used;
    uint8_t *next, *end; /* end: a whole number of words from the start */
} QuicWriter;

typedef bool (*QuicRow)(QuicGroup *group, QuicWriter *writer, const uint8_t *above,
                        const uint8_t *row, uint32_t width, uint8_t *codes, uint64_t *equal,
                        const uint64_t *equal_above);

/* The pixels of a row as words with one sample in each of the low three bytes, or the alpha bytes
 * of a row. */
typedef void (*QuicGather)(const uint8_t *restrict pixels, uint32_t width, uint8_t *restrict row);

typedef struct QuicRows {
    QuicRow rgb8, rgb5, gray;
    QuicGather from_rgb24, from_rgb16, alpha;
} QuicRows;

/* Append 1 to 32 bits. The word at `next` is stored whether complete or not: so there's no branch
 * to guess, and it is a part of the stream either way. False when it lies beyond the end. */
QUIC_INLINE bool quic_put(QuicWriter *writer, uint64_t value, unsigned length)
{
    unsigned full;

    if (QUIC_UNLIKELY(writer->next == writer->end))
        return false;
    writer->used += length;
    writer->bits |= value << (64 - writer->used);
    quic_store32(writer->next, writer->bits >> 32);
    full = writer->used & 32;
    writer->next += full >> 3;
    writer->bits <<= full;
    writer->used &= 31;
    return true;
}

/* The words of one pixel that are too long together for one step. */
static __attribute__((noinline)) bool put_words(QuicWriter *writer, unsigned word0, unsigned word1,
                                                unsigned word2)
{
    return quic_put(writer, word0 >> 8, word0 & 63) && quic_put(writer, word1 >> 8, word1 & 63) &&
           quic_put(writer, word2 >> 8, word2 & 63);
}

QUIC_INLINE bool quic_put_words(QuicWriter *writer, unsigned word0, unsigned word1, unsigned word2)
{
    QuicWriter copy = *writer; /* so that the caller's own can live in registers */
    bool ok = put_words(&copy, word0, word1, word2);

    *writer = copy;
    return ok;
}

/* A run code (section 8.3). */
static __attribute__((noinline)) bool put_run(QuicWriter *writer, unsigned *state, uint32_t length)
{
    unsigned j = *state, ones = 0, order;

    while (length >= 1u << quic_run_orders[j]) {
        length -= 1u << quic_run_orders[j];
        j += j < 31;
        if (++ones == 32) {
            if (!quic_put(writer, UINT32_MAX, 32))
                return false;
            ones = 0;
        }
    }
    order = quic_run_orders[j];
    *state = j - (j > 0);
    if (ones + 1 + order <= 32)
        return quic_put(writer, ((UINT64_C(1) << ones) - 1) << (order + 1) | length,
                        ones + 1 + order);
    return quic_put(writer, (UINT64_C(1) << ones) - 1, ones) && quic_put(writer, length, order + 1);
}

QUIC_INLINE bool quic_put_run(QuicWriter *writer, unsigned *state, uint32_t length)
{
    QuicWriter copy = *writer;
    bool ok = put_run(&copy, state, length);

    *writer = copy;
    return ok;
}

/* The first column from x on where the run test holds, or width: where this row's pixel before
 * equals the one before that, and the pixel above equals the one to its left. */
QUIC_INLINE uint32_t quic_candidate(const uint64_t *equal, const uint64_t *equal_above, uint32_t x,
                                    uint32_t width)
{
    size_t i = x / 64;
    uint64_t found;

    if (x >= width)
        return width;
    found =
        equal_above[i] & (equal[i] << 1 | (i ? equal[i - 1] >> 63 : 0)) & ~UINT64_C(0) << (x & 63);
    while (!found) {
        if (++i > width / 64)
            return width;
        found = equal_above[i] & (equal[i] << 1 | equal[i - 1] >> 63);
    }
    x = i * 64 + __builtin_ctzll(found);
    return x < width ? x : width;
}

/* How many pixels from x on, at most `most`, equal the one before x. */
QUIC_INLINE uint32_t quic_equal_run(const uint64_t *equal, uint32_t x, uint32_t most)
{
    size_t i = x / 64;
    uint64_t differ = ~equal[i] >> (x & 63);
    uint32_t length = 64 - (x & 63);

    if (differ) {
        length = __builtin_ctzll(differ);
    } else {
        while (length < most && equal[++i] == UINT64_MAX)
            length += 64;
        if (length < most)
            length += __builtin_ctzll(~equal[i]);
    }
    return length < most ? length : most;
}

#define QUIC_NAME(name) quic_portable_##name
#define QUIC_TARGET
#define QUIC_MINPOS 0
#include "codec/quic-encode-rows.h"
#undef QUIC_NAME
#undef QUIC_TARGET
#undef QUIC_MINPOS

#if QUIC_HAVE_V3
#define QUIC_NAME(name) quic_v3_##name
#define QUIC_TARGET __attribute__((target("avx2,bmi,bmi2,lzcnt")))
#define QUIC_MINPOS 1
#include "codec/quic-encode-rows.h"
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

static bool encodable(CodecFormat format, uint32_t width, uint32_t height, QuicShape *shape)
{
    return quic_shape(format, shape) && width && height && width <= INT32_MAX &&
           height <= INT32_MAX;
}

size_t quic_encode_bound(CodecFormat format, uint32_t width, uint32_t height)
{
    QuicShape shape;
    uint64_t bits;

    if (!encodable(format, width, height, &shape) || (uint64_t)width * height > QUIC_MAX_PIXELS)
        return 0;
    /* The longest word per sample; a run code per pixel and group: a one-bit for every pixel that
     * it covers at most, a zero-bit and the rest. */
    bits =
        QUIC_HEADER_SIZE * 8 + (uint64_t)width * height * (26 * shape.channels + 17 * shape.groups);
    bits = (bits + 31) / 32 * 4 + 4;
    return bits > SIZE_MAX ? 0 : bits;
}

/* What one group needs besides its state: two rows of its pixels where the caller's aren't in the
 * right form, the codes of the current row, the most recently coded ones, and the equality bits of
 * two rows. One allocation. */
typedef struct QuicPlane {
    uint8_t *memory, *row[2], *codes;
    uint64_t *equal[2];
} QuicPlane;

static bool plane_init(QuicPlane *plane, QuicGroup *group, uint32_t width, unsigned sample_size)
{
    size_t line, bits = ((size_t)width / 64 + 2) * sizeof(uint64_t), total;

    if (!size_mul(width, sample_size, &line) || !size_add(line, 7, &line))
        return false;
    line &= ~(size_t)7;
    if (!size_mul(line, 4, &total) || !size_add(total, bits * 2, &total))
        return false;
    plane->memory = malloc(total);
    if (!plane->memory)
        return false;
    plane->equal[0] = (uint64_t *)(void *)plane->memory;
    plane->equal[1] = plane->equal[0] + bits / sizeof(uint64_t);
    plane->row[0] = plane->memory + bits * 2;
    plane->row[1] = plane->row[0] + line;
    plane->codes = plane->row[1] + line;
    group->residuals = plane->codes + line;
    return true;
}

CodecResult quic_encode_path(QuicPath path, CodecFormat format, uint32_t width, uint32_t height,
                             const uint8_t *pixels, ptrdiff_t stride, uint8_t *out, size_t capacity,
                             size_t *size)
{
    const QuicRows *rows = choose_rows(path);
    QuicGroup color, alpha;
    QuicPlane plane, alpha_plane = {NULL};
    QuicWriter writer = {.next = out, .end = out + (capacity & ~(size_t)3)};
    const uint8_t *above = NULL;
    QuicGather gather = NULL;
    QuicShape shape;
    CodecResult result;
    bool ok = true;

    if (!encodable(format, width, height, &shape))
        return CODEC_BAD_HEADER;
    if ((uint64_t)width * height > QUIC_MAX_PIXELS)
        return CODEC_TOO_LARGE;
    result = quic_check_stride(format, width, height, stride);
    if (result != CODEC_OK)
        return result;
    if (capacity < QUIC_HEADER_SIZE + 8)
        return CODEC_NO_SPACE;

    if (!plane_init(&plane, &color, width, shape.channels == 1 ? 1 : 4))
        return CODEC_NO_MEMORY;
    if (shape.groups == 2 && !plane_init(&alpha_plane, &alpha, width, 1)) {
        free(plane.memory);
        return CODEC_NO_MEMORY;
    }
    for (unsigned lane = 0; lane < shape.bits; lane++)
        color.way_of[lane] = (uintptr_t)((shape.bits == 8 ? quic_words_8 : quic_words_5) +
                                         ((shape.bits - 1 - lane) << shape.bits));
    quic_group_reset(&color, shape.bits);
    if (shape.groups == 2) {
        memcpy(alpha.way_of, color.way_of, sizeof alpha.way_of);
        quic_group_reset(&alpha, shape.bits);
    }

    if (format == CODEC_FORMAT_RGB24)
        gather = rows->from_rgb24;
    else if (format == CODEC_FORMAT_RGB16)
        gather = rows->from_rgb16;

    quic_store32(out, QUIC_MAGIC);
    quic_store32(out + 4, 0);
    quic_store32(out + 8, shape.type);
    quic_store32(out + 12, width);
    quic_store32(out + 16, height);
    writer.next += QUIC_HEADER_SIZE;

    for (uint32_t y = 0; y < height && ok; y++) {
        const uint8_t *line = pixels + (ptrdiff_t)y * stride, *row = line;
        unsigned now = y & 1;
        const uint64_t *equal_above = y ? plane.equal[!now] : NULL;

        if (gather) {
            gather(line, width, plane.row[now]);
            row = plane.row[now];
        }
        ok = (shape.channels == 1 ? rows->gray
              : shape.bits == 5   ? rows->rgb5
                                  : rows->rgb8)(&color, &writer, above, row, width, plane.codes,
                                              plane.equal[now], equal_above);
        above = row;
        if (shape.groups == 2 && ok) {
            rows->alpha(line, width, alpha_plane.row[now]);
            ok = rows->gray(&alpha, &writer, y ? alpha_plane.row[!now] : NULL, alpha_plane.row[now],
                            width, alpha_plane.codes, alpha_plane.equal[now],
                            y ? alpha_plane.equal[!now] : NULL);
        }
    }
    free(plane.memory);
    free(alpha_plane.memory);

    /* The last word, if it isn't full, and one more of zeros (section 2.3). */
    if (ok && writer.used)
        ok = quic_put(&writer, 0, 32 - writer.used);
    if (!ok || writer.next == writer.end)
        return CODEC_NO_SPACE;
    quic_store32(writer.next, 0);
    *size = writer.next + 4 - out;
    return CODEC_OK;
}

CodecResult quic_encode(CodecFormat format, uint32_t width, uint32_t height, const uint8_t *pixels,
                        ptrdiff_t stride, uint8_t *out, size_t capacity, size_t *size)
{
    return quic_encode_path(QUIC_PATH_BEST, format, width, height, pixels, stride, out, capacity,
                            size);
}
