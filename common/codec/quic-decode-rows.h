/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The pixel loop of the QUIC decoder: a template, included once per processor by quic-decode.c with
 * QUIC_NAME, QUIC_TARGET and QUIC_MINPOS set (docs/spec/quic.md, sections 4 to 9). */

#include "codec/quic-update.h"

/* A sample without tables and without branches on its value. The way of its context is a mark of
 * the code k: a bit where an escape's zeros end, and k itself in the low six bits. With the mark in
 * place, the number of leading zeros t tells plain words and escapes alike how much to skip (t + 1
 * bits), and the bit after the zeros says which of them it is: a one for plain words, of which the
 * value is (t << k) + k bits; a zero for escapes, whose value is
 * ((t + 1) << k) + k bits. That holds wherever an escape has k bits, and the caller catches the
 * other codes by t: only in those can t reach 16. */
#define QUIC_SAMPLE(window, mark, t, e)                                                      \
    do {                                                                                     \
        uint64_t shifted_;                                                                   \
        t = (unsigned)__builtin_clzll((window) | (mark));                                    \
        shifted_ = (window) << t;                                                            \
        e = ((uint64_t)t << ((mark)&63)) + ((shifted_ ^ UINT64_C(1) << 63) >> (~(mark)&63)); \
        (window) = (((window) + (window)) << t) << ((mark)&63);                              \
    } while (0)

/* Pixel as 0x00RRGGBB, or the sample. */
QUIC_INLINE QUIC_TARGET uint32_t QUIC_NAME(pixel)(const uint8_t *row, size_t x,
                                                  const unsigned channels, const unsigned step)
{
    return channels == 3 ? quic_load32(row + x * 4) & 0xffffff : row[x * step];
}

/* Sample values from a mean and differences, in all channels at once. */
QUIC_INLINE QUIC_TARGET uint32_t QUIC_NAME(sum)(uint32_t mean, uint32_t difference,
                                                const unsigned bits)
{
    if (bits == 8)
        return ((mean & 0x7f7f7f) + (difference & 0x7f7f7f)) ^ ((mean ^ difference) & 0x808080);
    return (mean + difference) & 0x1f1f1f;
}

/* The context of a pixel: the codes of the column before, whenever those were coded. */
QUIC_INLINE QUIC_TARGET uint32_t QUIC_NAME(context)(const uint8_t *residuals, size_t x,
                                                    uint32_t first_context, const unsigned channels,
                                                    const unsigned bits)
{
    if (x == 0)
        return first_context;
    return quic_fold(channels == 3 ? quic_load32(residuals + (x - 1) * 4) : residuals[x - 1],
                     bits) &
           0xffffff;
}

QUIC_INLINE QUIC_TARGET void QUIC_NAME(fill)(uint8_t *row, uint32_t x, uint32_t count,
                                             uint32_t value, const unsigned channels,
                                             const unsigned step)
{
    if (channels == 3) {
        typedef uint32_t Eight __attribute__((vector_size(32)));
        Eight many = {value, value, value, value, value, value, value, value};
        uint8_t *to = row + (size_t)x * 4;

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        value = __builtin_bswap32(value);
        many = (Eight){value, value, value, value, value, value, value, value};
#endif
        for (; count >= 8; count -= 8, to += 32)
            memcpy(to, &many, 32);
        for (; count; count--, to += 4)
            memcpy(to, &value, 4);
    } else if (step == 1) {
        memset(row + x, value, count);
    } else { /* alpha: a byte of every word */
        uint8_t *to = row - 3 + (size_t)x * 4;

        for (size_t i = 0; i < count; i++)
            quic_store32(to + i * 4, (quic_load32(to + i * 4) & 0xffffff) | value << 24);
    }
}

/* One row of one group. above is NULL for the first row. channels, step (bytes from sample to
 * sample when there is one channel: 1, or 4 for an alpha plane, whose rows are given by the address
 * of their first alpha byte) and bits are constants of the caller. The time goes into the way from
 * one sample's window to the next one's, and into the number of instructions: so the reader is
 * spread over plain variables, and what only runs and updates need (the contexts) is fetched again
 * by them. */
QUIC_INLINE QUIC_TARGET CodecResult QUIC_NAME(row)(QuicGroup *restrict group,
                                                   QuicReader *restrict reader,
                                                   const uint8_t *above, uint8_t *row,
                                                   uint32_t width, uint32_t x_byte,
                                                   const bool first_row, const unsigned channels,
                                                   const unsigned step, const unsigned bits)
{
    /* In the place of the pixel before the last: never equal to a pixel, so no run test succeeds.
     */
    const uint32_t no_pixel = 0xff000000;
    const QuicReader input = *reader;
    const uint32_t *const differences = bits == 8 ? quic_differences_8[0] : quic_differences_5[0];
    uint64_t high = input.high, low = input.low, position = input.position, mark0, mark1 = 0,
             mark2 = 0;
    uint8_t *residuals = group->residuals;
    uint32_t left = first_row ? 0 : QUIC_NAME(pixel)(above, 0, channels, step), left2 = no_pixel,
             above_left = 0;
    uint32_t first_context = 0;
    size_t x = 0;

    if (!first_row)
        first_context = QUIC_NAME(context)(residuals, 1, 0, channels, bits);

    while (x < width) {
        size_t start = x, last;
        uint32_t room = width - x, count,
                 context = QUIC_NAME(context)(residuals, x, first_context, channels, bits);
        bool updating, run = false;

        if (room > group->left)
            room = group->left;
        updating = group->gap < room;
        last = x + (updating ? group->gap : room - 1);
        mark0 = QUIC_NAME(way)(&group->channel[0], context >> 8 * (channels - 1));
        if (channels == 3) {
            mark1 = QUIC_NAME(way)(&group->channel[1], context >> 8 & 255);
            mark2 = QUIC_NAME(way)(&group->channel[2], context & 255);
        }

        /* From here to `last` nothing happens but pixels, unless a run comes. */
        for (;; x++) {
            uint32_t pixel_above = first_row ? left : QUIC_NAME(pixel)(above, x, channels, step),
                     pixel, difference;
            uint64_t window = high, e0, e1 = 0, e2 = 0;
            unsigned zeros, length;

            if (!first_row && ((pixel_above ^ above_left) | (left ^ left2)) == 0 && x >= 3) {
                run = true;
                break;
            }
            QUIC_SAMPLE(window, mark0, zeros, e0);
            length = (unsigned)mark0 + zeros + channels;
            if (channels == 3) {
                unsigned zeros1, zeros2;

                QUIC_SAMPLE(window, mark1, zeros1, e1);
                QUIC_SAMPLE(window, mark2, zeros2, e2);
                length += (unsigned)mark1 + (unsigned)mark2 + zeros1 + zeros2;
                zeros |= zeros1 | zeros2;
            }
            if (QUIC_LIKELY(!(zeros & 16) && length <= 32)) {
                high = window | low >> (-length & 63);
                position += length;
                low = quic_low(&input, position);
            } else {
                QuicReader slow = {high, low, position, input.words, input.data};
                const uint64_t marks[3] = {mark0, mark1, mark2};
                int value = quic_read_pixel(&slow, marks, channels, bits);

                if (value < 0)
                    return CODEC_BAD_DATA;
                high = slow.high;
                low = slow.low;
                position = slow.position;
                e0 = (unsigned)value >> 8 * (channels - 1);
                e1 = (unsigned)value >> 8 & 255;
                e2 = (unsigned)value & 255;
            }
            mark0 = QUIC_NAME(way)(&group->channel[0], e0);
            if (channels == 3) {
                mark1 = QUIC_NAME(way)(&group->channel[1], e1);
                mark2 = QUIC_NAME(way)(&group->channel[2], e2);
                difference =
                    differences[e0] | differences[(1 << bits) + e1] | differences[(2 << bits) + e2];
            } else {
                difference = differences[(2 << bits) + e0];
            }

            pixel = QUIC_NAME(sum)(quic_mean(left, pixel_above), difference, bits);
            if (channels == 3) {
                quic_store32(residuals + x * 4, difference);
                quic_store32(row + x * 4, pixel | x_byte);
            } else {
                residuals[x] = difference;
                row[x * step] = pixel;
            }
            left2 = left;
            left = pixel;
            above_left = pixel_above;
            if (x == last) {
                if (updating) {
                    context = QUIC_NAME(context)(residuals, x, first_context, channels, bits);
                    QUIC_NAME(update)(group, 0, context >> 8 * (channels - 1), e0, bits);
                    if (channels == 3) {
                        QUIC_NAME(update)(group, 1, context >> 8 & 255, e1, bits);
                        QUIC_NAME(update)(group, 2, context & 255, e2, bits);
                    }
                }
                x++;
                break;
            }
        }

        count = x - start;
        group->left -= count;
        if (run) {
            QuicReader slow = {high, low, position, input.words, input.data};
            uint32_t most = width - x, length;

            if (most > group->left)
                most = group->left;
            group->gap -= count;
            if (!quic_read_run(&slow, &group->run, most, &length))
                return CODEC_BAD_DATA;
            if (quic_overrun(&slow))
                return CODEC_TRUNCATED;
            high = slow.high;
            low = slow.low;
            position = slow.position;
            left2 = no_pixel;
            if (length) {
                QUIC_NAME(fill)(row, x, length, left | x_byte, channels, step);
                x += length;
                group->left -= length;
                left2 = left;
                above_left = QUIC_NAME(pixel)(above, x - 1, channels, step);
            }
        } else if (updating) {
            quic_draw_gap(group);
        } else {
            group->gap -= count;
        }
        if (group->left == 0)
            quic_group_next_level(group);
    }
    reader->high = high;
    reader->low = low;
    reader->position = position;
    return quic_overrun(reader) ? CODEC_TRUNCATED : CODEC_OK;
}

#define QUIC_ROW_KERNEL(kind, channels, step, bits)                                              \
    static QUIC_TARGET CodecResult QUIC_NAME(kind)(QuicGroup * group, QuicReader * reader,       \
                                                   const uint8_t *above, uint8_t *row,           \
                                                   uint32_t width, uint32_t x_byte)              \
    {                                                                                            \
        return above ? QUIC_NAME(row)(group, reader, above, row, width, x_byte, false, channels, \
                                      step, bits)                                                \
                     : QUIC_NAME(row)(group, reader, above, row, width, x_byte, true, channels,  \
                                      step, bits);                                               \
    }

QUIC_ROW_KERNEL(row_rgb8, 3, 4, 8)
QUIC_ROW_KERNEL(row_rgb5, 3, 4, 5)
QUIC_ROW_KERNEL(row_alpha, 1, 4, 8)
QUIC_ROW_KERNEL(row_gray, 1, 1, 8)

static QUIC_TARGET void QUIC_NAME(to_rgb24)(const uint8_t *restrict row, uint32_t width, uint8_t x,
                                            uint8_t *restrict pixels)
{
    for (size_t i = 0; i < width; i++) {
        pixels[i * 3] = row[i * 4];
        pixels[i * 3 + 1] = row[i * 4 + 1];
        pixels[i * 3 + 2] = row[i * 4 + 2];
    }
}

static QUIC_TARGET void QUIC_NAME(to_rgb16)(const uint8_t *restrict row, uint32_t width, uint8_t x,
                                            uint8_t *restrict pixels)
{
    for (size_t i = 0; i < width; i++) {
        uint32_t pixel = quic_load32(row + i * 4);

        quic_store16(pixels + i * 2, (pixel >> 6 & 0x7c00) | (pixel >> 3 & 0x3e0) | (pixel & 31));
    }
}

static QUIC_TARGET void QUIC_NAME(rgb16_to_rgb32)(const uint8_t *restrict row, uint32_t width,
                                                  uint8_t x, uint8_t *restrict pixels)
{
    const uint32_t x_byte = (uint32_t)x << 24;

    for (size_t i = 0; i < width; i++) {
        uint32_t pixel = quic_load32(row + i * 4);

        quic_store32(pixels + i * 4, pixel << 3 | (pixel >> 2 & 0x070707) | x_byte);
    }
}

static const QuicRows QUIC_NAME(rows) = {
    QUIC_NAME(row_rgb8), QUIC_NAME(row_rgb5), QUIC_NAME(row_alpha),      QUIC_NAME(row_gray),
    QUIC_NAME(to_rgb24), QUIC_NAME(to_rgb16), QUIC_NAME(rgb16_to_rgb32),
};

#undef QUIC_ROW_KERNEL
#undef QUIC_SAMPLE
