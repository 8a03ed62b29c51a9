/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The loops of the QUIC encoder: a template, included once per processor by quic-encode.c with
 * QUIC_NAME, QUIC_TARGET and QUIC_MINPOS set (docs/spec/quic.md, sections 4 to 9). All pixels of a
 * row are known, so prediction and run detection go over the whole row first, several pixels at a
 * time; the loop that depends on itself only looks up words. */

#include "codec/quic-update.h"

/* Residual codes in all channels of a pixel, from the pixel and its mean neighbour. */
QUIC_INLINE QUIC_TARGET uint32_t QUIC_NAME(fold)(uint32_t pixel, uint32_t mean, const unsigned bits)
{
    /* Byte by byte, with a borrow from the top bit kept inside. */
    return quic_fold(((pixel | 0x80808080) - (mean & 0x7f7f7f7f)) ^ ((pixel ^ ~mean) & 0x80808080),
                     bits);
}

/* Residual codes of a row of words (0 in the fourth byte) and, as bits, which pixels equal the one
 * to the left. */
QUIC_INLINE QUIC_TARGET void QUIC_NAME(predict_words)(const uint8_t *above, const uint8_t *row,
                                                      uint32_t width, uint8_t *codes,
                                                      uint64_t *equal, const unsigned bits)
{
    uint32_t x = 1, left = quic_load32(row);

    quic_store32(codes, QUIC_NAME(fold)(left, above ? quic_load32(above) : 0, bits) & 0xffffff);
    memset(equal, 0, (width / 64 + 1) * sizeof *equal);
#if QUIC_MINPOS
    const __m256i ones = _mm256_set1_epi8(1), color = _mm256_set1_epi32(0xffffff);
    const __m256i range = _mm256_set1_epi32(bits == 8 ? 0xffffff : 0x1f1f1f),
                  half = _mm256_set1_epi8(0x0f);

    for (; x + 8 <= width; x += 8) {
        __m256i l = _mm256_loadu_si256((const __m256i *)(row + (size_t)x * 4 - 4));
        __m256i p = _mm256_loadu_si256((const __m256i *)(row + (size_t)x * 4));
        __m256i a = above ? _mm256_loadu_si256((const __m256i *)(above + (size_t)x * 4)) : l;
        __m256i same = _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_xor_si256(l, p), color),
                                          _mm256_setzero_si256());
        __m256i mean =
            _mm256_sub_epi8(_mm256_avg_epu8(l, a), _mm256_and_si256(_mm256_xor_si256(l, a), ones));
        __m256i d = _mm256_and_si256(_mm256_sub_epi8(p, mean), range);
        __m256i negative =
            bits == 8 ? _mm256_cmpgt_epi8(_mm256_setzero_si256(), d) : _mm256_cmpgt_epi8(d, half);
        uint64_t mask = (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(same));

        d = _mm256_and_si256(_mm256_xor_si256(_mm256_add_epi8(d, d), negative), range);
        _mm256_storeu_si256((__m256i *)(codes + (size_t)x * 4), d);
        equal[x / 64] |= mask << (x & 63);
        if ((x & 63) > 56)
            equal[x / 64 + 1] |= mask >> (64 - (x & 63));
    }
    left = quic_load32(row + (size_t)x * 4 - 4);
#endif
    for (; x < width; x++) {
        uint32_t pixel = quic_load32(row + (size_t)x * 4);
        uint32_t mean = above ? quic_mean(left, quic_load32(above + (size_t)x * 4)) : left;

        quic_store32(codes + (size_t)x * 4, QUIC_NAME(fold)(pixel, mean, bits) & 0xffffff);
        equal[x / 64] |= (uint64_t)(((pixel ^ left) & 0xffffff) == 0) << (x & 63);
        left = pixel;
    }
}

/* The same for a row of single samples. */
QUIC_INLINE QUIC_TARGET void QUIC_NAME(predict_bytes)(const uint8_t *above, const uint8_t *row,
                                                      uint32_t width, uint8_t *codes,
                                                      uint64_t *equal)
{
    uint32_t x = 1;

    codes[0] = QUIC_NAME(fold)(row[0], above ? above[0] : 0, 8);
    memset(equal, 0, (width / 64 + 1) * sizeof *equal);
#if QUIC_MINPOS
    const __m256i ones = _mm256_set1_epi8(1);

    for (; x + 32 <= width; x += 32) {
        __m256i l = _mm256_loadu_si256((const __m256i *)(row + x - 1));
        __m256i p = _mm256_loadu_si256((const __m256i *)(row + x));
        __m256i a = above ? _mm256_loadu_si256((const __m256i *)(above + x)) : l;
        __m256i mean =
            _mm256_sub_epi8(_mm256_avg_epu8(l, a), _mm256_and_si256(_mm256_xor_si256(l, a), ones));
        __m256i d = _mm256_sub_epi8(p, mean);
        uint64_t mask = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(l, p));

        d = _mm256_xor_si256(_mm256_add_epi8(d, d), _mm256_cmpgt_epi8(_mm256_setzero_si256(), d));
        _mm256_storeu_si256((__m256i *)(codes + x), d);
        equal[x / 64] |= mask << (x & 63);
        if ((x & 63) > 32)
            equal[x / 64 + 1] |= mask >> (64 - (x & 63));
    }
#endif
    for (; x < width; x++) {
        uint32_t mean = above ? (uint32_t)(row[x - 1] + above[x]) >> 1 : row[x - 1];

        codes[x] = QUIC_NAME(fold)(row[x], mean, 8);
        equal[x / 64] |= (uint64_t)(row[x] == row[x - 1]) << (x & 63);
    }
}

/* The context of a pixel: the codes of the column before, whenever those were coded. */
QUIC_INLINE QUIC_TARGET uint32_t QUIC_NAME(context)(const uint8_t *residuals, size_t x,
                                                    uint32_t first_context, const unsigned channels)
{
    if (x == 0)
        return first_context;
    return channels == 3 ? quic_load32(residuals + (x - 1) * 4) : residuals[x - 1];
}

/* Where the loop stands in its contexts: the ways of the next pixel. They are pointers to the words
 * of a code. */
typedef struct QUIC_NAME(Ways) {
    uint64_t way0, way1, way2;
} QUIC_NAME(Ways);

QUIC_INLINE QUIC_TARGET void QUIC_NAME(look_up)(const QuicGroup *group, QUIC_NAME(Ways) * ways,
                                                uint32_t context, const unsigned channels)
{
    ways->way0 = QUIC_NAME(way)(&group->channel[0], context >> 8 * (channels - 1));
    if (channels == 3) {
        ways->way1 = QUIC_NAME(way)(&group->channel[1], context >> 8 & 255);
        ways->way2 = QUIC_NAME(way)(&group->channel[2], context & 255);
    }
}

/* One coded pixel: its words, and its codes into the row of residuals. False when the output is
 * full. */
QUIC_INLINE QUIC_TARGET bool QUIC_NAME(pixel)(const QuicGroup *group, QuicWriter *out,
                                              QUIC_NAME(Ways) * ways, const uint8_t *codes,
                                              uint8_t *residuals, size_t x, const unsigned channels)
{
    uint32_t e = channels == 3 ? quic_load32(codes + x * 4) : codes[x];
    unsigned word0 = ((const uint16_t *)(uintptr_t)ways->way0)[e >> 8 * (channels - 1)], word1 = 0,
             word2 = 0, length;
    uint64_t together = word0 >> 8;

    length = word0;
    if (channels == 3) {
        /* The length is in the low byte; a shift sees only six bits of that. */
        word1 = ((const uint16_t *)(uintptr_t)ways->way1)[e >> 8 & 255];
        word2 = ((const uint16_t *)(uintptr_t)ways->way2)[e & 255];
        together = (together << (word1 & 63) | word1 >> 8) << (word2 & 63) | word2 >> 8;
        length += word1 + word2;
        quic_store32(residuals + x * 4, e);
    } else {
        residuals[x] = e;
    }
    QUIC_NAME(look_up)(group, ways, e, channels);
    length &= 255;
    if (QUIC_LIKELY(length <= 32))
        return quic_put(out, together, length);
    return quic_put_words(out, word0, word1, word2);
}

/* One row of one group. channels and bits are constants of the caller. codes and the equality bits
 * of this row and the one above (NULL for the first row) are there. False when the output is full.
 */
QUIC_INLINE QUIC_TARGET bool QUIC_NAME(code_row)(QuicGroup *restrict group,
                                                 QuicWriter *restrict writer, const uint8_t *codes,
                                                 const uint64_t *equal, const uint64_t *equal_above,
                                                 uint32_t width, const unsigned channels,
                                                 const unsigned bits)
{
    QuicWriter out = *writer;
    QUIC_NAME(Ways) ways = {0, 0, 0};
    uint8_t *residuals = group->residuals;
    uint32_t first_context = 0, candidate = width, search = 3;
    size_t x = 0;

    if (equal_above)
        first_context = channels == 3 ? quic_load32(residuals) : residuals[0];

    while (x < width) {
        size_t end = width, start = x;

        if (equal_above)
            candidate = quic_candidate(equal, equal_above, search, width);
        if (end - x > group->left)
            end = x + group->left;
        if (candidate < end)
            end = candidate;

        QUIC_NAME(look_up)
        (group, &ways, QUIC_NAME(context)(residuals, x, first_context, channels), channels);
        while (x < end) {
            size_t stop = group->gap < end - x ? x + group->gap : end;
            uint32_t e, context;

            group->gap -= stop - x;
            for (; x < stop; x++)
                if (QUIC_UNLIKELY(
                        !QUIC_NAME(pixel)(group, &out, &ways, codes, residuals, x, channels)))
                    return false;
            if (x == end)
                break;
            if (QUIC_UNLIKELY(!QUIC_NAME(pixel)(group, &out, &ways, codes, residuals, x, channels)))
                return false;
            context = QUIC_NAME(context)(residuals, x, first_context, channels);
            e = channels == 3 ? quic_load32(codes + x * 4) : codes[x];
            QUIC_NAME(update)
            (group, 0, context >> 8 * (channels - 1), e >> 8 * (channels - 1), bits);
            if (channels == 3) {
                QUIC_NAME(update)(group, 1, context >> 8 & 255, e >> 8 & 255, bits);
                QUIC_NAME(update)(group, 2, context & 255, e & 255, bits);
            }
            quic_draw_gap(group);
            QUIC_NAME(look_up)(group, &ways, e, channels);
            x++;
        }

        group->left -= x - start;
        if (x == candidate && x < width && group->left) {
            uint32_t most = width - x, length;

            if (most > group->left)
                most = group->left;
            length = quic_equal_run(equal, x, most);
            if (!quic_put_run(&out, &group->run, length))
                return false;
            group->left -= length;
            x += length;
            search =
                x + (length == 0); /* after an empty run code, its column is coded without a test */
        }
        if (group->left == 0)
            quic_group_next_level(group);
    }
    *writer = out;
    return true;
}

/* Both steps for one row. */
#define QUIC_ROW_KERNEL(kind, predict, channels, bits)                                        \
    static QUIC_TARGET bool QUIC_NAME(kind)(                                                  \
        QuicGroup * group, QuicWriter * writer, const uint8_t *above, const uint8_t *row,     \
        uint32_t width, uint8_t *codes, uint64_t *equal, const uint64_t *equal_above)         \
    {                                                                                         \
        predict;                                                                              \
        return QUIC_NAME(code_row)(group, writer, codes, equal, equal_above, width, channels, \
                                   bits);                                                     \
    }

QUIC_ROW_KERNEL(row_rgb8, QUIC_NAME(predict_words)(above, row, width, codes, equal, 8), 3, 8)
QUIC_ROW_KERNEL(row_rgb5, QUIC_NAME(predict_words)(above, row, width, codes, equal, 5), 3, 5)
QUIC_ROW_KERNEL(row_gray, QUIC_NAME(predict_bytes)(above, row, width, codes, equal), 1, 8)

static QUIC_TARGET void QUIC_NAME(from_rgb24)(const uint8_t *restrict pixels, uint32_t width,
                                              uint8_t *restrict row)
{
    size_t i = 0;

#if QUIC_MINPOS
    const __m128i spread = _mm_setr_epi8(0, 1, 2, -1, 3, 4, 5, -1, 6, 7, 8, -1, 9, 10, 11, -1);

    /* Sixteen bytes are read for the sake of twelve. */
    for (; i + 6 <= width; i += 4)
        _mm_storeu_si128(
            (__m128i *)(row + i * 4),
            _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(pixels + i * 3)), spread));
#endif
    for (; i < width; i++) {
        row[i * 4] = pixels[i * 3];
        row[i * 4 + 1] = pixels[i * 3 + 1];
        row[i * 4 + 2] = pixels[i * 3 + 2];
        row[i * 4 + 3] = 0;
    }
}

static QUIC_TARGET void QUIC_NAME(from_rgb16)(const uint8_t *restrict pixels, uint32_t width,
                                              uint8_t *restrict row)
{
    for (size_t i = 0; i < width; i++) {
        uint32_t packed = quic_load16(pixels + i * 2);

        quic_store32(row + i * 4, (packed & 0x7c00) << 6 | (packed & 0x3e0) << 3 | (packed & 31));
    }
}

static QUIC_TARGET void QUIC_NAME(alpha)(const uint8_t *restrict pixels, uint32_t width,
                                         uint8_t *restrict row)
{
    for (size_t i = 0; i < width; i++)
        row[i] = quic_load32(pixels + i * 4) >> 24;
}

static const QuicRows QUIC_NAME(rows) = {
    QUIC_NAME(row_rgb8),   QUIC_NAME(row_rgb5),   QUIC_NAME(row_gray),
    QUIC_NAME(from_rgb24), QUIC_NAME(from_rgb16), QUIC_NAME(alpha),
};

#undef QUIC_ROW_KERNEL
