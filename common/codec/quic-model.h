/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The adaptive model and the schedule that both directions of QUIC share (docs/spec/quic.md,
 * sections 6 to 8). Private to the codec and its tests. */
#ifndef CODEC_QUIC_MODEL_H
#define CODEC_QUIC_MODEL_H

#include <string.h>

#include "codec/quic.h"

#define QUIC_INLINE static inline __attribute__((always_inline, unused))
#define QUIC_ALIGNED __attribute__((aligned(32)))
#define QUIC_LIKELY(condition) __builtin_expect(!!(condition), 1)
#define QUIC_UNLIKELY(condition) __builtin_expect(!!(condition), 0)

#if defined(__x86_64__) && defined(__GNUC__)
#define QUIC_HAVE_V3 1
#else
#define QUIC_HAVE_V3 0
#endif

enum {
    QUIC_MAGIC = 0x43495551,
    QUIC_HEADER_SIZE = 20,
    QUIC_TOP_LEVEL = 6,
    QUIC_LEVEL_PIXELS = 2048,
    QUIC_MAX_PIXELS = 0x1fffffff,
    QUIC_FIRST_PLACE = 23,
};

#pragma GCC visibility push(hidden) /* not by way of the global offset table */

/* A family of codes: words as significant bits << 8 | length, by k << bits | value; costs of a
 * value as eight lanes for k = bits - 1 down to 0 (0xffff in lanes without a code); marks: see
 * quic-decode-rows.h. Made by quic-tables.py. */
extern const uint16_t quic_words_8[8 * 256], quic_words_5[5 * 32];
extern const uint16_t quic_lengths_8[256][8], quic_lengths_5[32][8];
extern const uint64_t quic_marks_8[8], quic_marks_5[5];
/* Differences by residual code, in the place of each channel of a pixel: R, G, B. */
extern const uint32_t quic_differences_8[3][256], quic_differences_5[3][32];
extern const uint8_t quic_gaps[256];
extern const uint8_t quic_run_orders[32];
/* Sum of the first n run steps from state 0; states above 31 count as 31. */
extern const uint32_t quic_run_sums[65];

#pragma GCC visibility pop

/* Model of one channel. A bucket of contexts has the place clz32(context + 1), 24 to 31
 * (section 6.1 turned round). The greatest context would be before the last bucket's place: the
 * place before repeats it in way[], and is never used in cost[]. way[] is what the direction looks
 * up with a context: something made from the bucket's current k. Its first places are there so that
 * nothing has to be subtracted on the way. */
typedef struct QuicChannel {
    uint16_t cost[32 - QUIC_FIRST_PLACE][8] QUIC_ALIGNED;
    uint64_t way[32];
} QuicChannel;

/* A group of channels that are coded together, with its schedule and run state. Lives during one
 * image on the stack of the codec function; residuals is a row of its own allocation. */
typedef struct QuicGroup {
    QuicChannel channel[3]; /* in coding order: R, G, B; or the only one */
    uint64_t way_of[8];     /* lane (bits - 1 - k) -> value for way[] */
    uint8_t *residuals;     /* what was coded last in each column, as codes (encoder) or differences
                               (decoder): B, G,     R, 0 in a word; or one byte */
    unsigned level;
    uint32_t left; /* pixels of this level to come; huge at the last level */
    uint32_t gap;  /* coded pixels before the next one that updates */
    uint8_t draw;  /* place in the table of gaps */
    unsigned mask, threshold;
    unsigned run; /* state of the run code */
} QuicGroup;

/* Which implementation runs. They give the same bytes; tests compare them. */
typedef enum QuicPath { QUIC_PATH_BEST, QUIC_PATH_PORTABLE } QuicPath;

CodecResult quic_decode_path(QuicPath path, const uint8_t *data, size_t size, CodecFormat to,
                             uint8_t x, uint8_t *pixels, ptrdiff_t stride);
CodecResult quic_encode_path(QuicPath path, CodecFormat format, uint32_t width, uint32_t height,
                             const uint8_t *pixels, ptrdiff_t stride, uint8_t *out, size_t capacity,
                             size_t *size);

/* The state at the start of an image: every way leads to k = bits - 1. way_of[lane] has to be set
 * before. */
void quic_group_reset(QuicGroup *group, unsigned bits);

/* The pixels of a level are used up: go to the next one. */
void quic_group_next_level(QuicGroup *group);

/* Whether this processor has what the faster paths are built for (x86-64-v3: AVX2, BMI, LZCNT). */
bool quic_have_v3(void);

/* rows * stride fits, and a row fits in the stride. */
CodecResult quic_check_stride(CodecFormat format, uint32_t width, uint32_t height,
                              ptrdiff_t stride);

/* Coded channels, groups of them and bits of a sample. False for a format that QUIC doesn't have.
 */
typedef struct QuicShape {
    unsigned type, channels, groups, bits;
} QuicShape;
bool quic_shape(CodecFormat format, QuicShape *shape);

QUIC_INLINE uint32_t quic_load32(const uint8_t *at)
{
    uint32_t word;

    memcpy(&word, at, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap32(word);
#endif
    return word;
}

QUIC_INLINE uint16_t quic_load16(const uint8_t *at)
{
    uint16_t word;

    memcpy(&word, at, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap16(word);
#endif
    return word;
}

QUIC_INLINE void quic_store16(uint8_t *at, uint16_t word)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap16(word);
#endif
    memcpy(at, &word, sizeof word);
}

QUIC_INLINE void quic_store32(uint8_t *at, uint32_t word)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap32(word);
#endif
    memcpy(at, &word, sizeof word);
}

QUIC_INLINE unsigned quic_place(unsigned context)
{
    return __builtin_clz(context + 1);
}

/* The costs that count for a context; its place to *place. */
QUIC_INLINE uint16_t *quic_costs(QuicChannel *channel, unsigned context, unsigned bits,
                                 unsigned *place)
{
    *place = quic_place(context);
    *place += *place == 31 - bits;
    return channel->cost[*place - QUIC_FIRST_PLACE];
}

QUIC_INLINE void quic_set_way(QuicChannel *channel, unsigned place, uint64_t way, unsigned bits)
{
    channel->way[place] = way;
    channel->way[31 - bits] = channel->way[32 - bits];
}

/* After the update of a pixel: how many coded pixels until the next one (section 7). */
QUIC_INLINE void quic_draw_gap(QuicGroup *group)
{
    group->draw++;
    group->gap = quic_gaps[group->draw] & group->mask;
}

/* Floor of the mean of two pixels, byte by byte. */
QUIC_INLINE uint32_t quic_mean(uint32_t a, uint32_t b)
{
    return (a & b) + (((a ^ b) >> 1) & 0x7f7f7f7f);
}

/* Residual codes from differences, in all channels of a pixel (section 4.2). */
QUIC_INLINE uint32_t quic_fold(uint32_t difference, const unsigned bits)
{
    uint32_t sign = (difference >> (bits - 1)) & 0x01010101;

    if (bits == 8)
        return ((difference & 0x7f7f7f7f) << 1) ^ ((sign << 8) - sign);
    return (((difference & 0x0f0f0f0f) << 1) ^ ((sign << 5) - sign)) & 0x1f1f1f1f;
}

#endif
