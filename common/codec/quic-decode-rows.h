/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The pixel loop of the QUIC decoder: a template, included once per processor by quic-decode.c with QUIC_NAME,
 * QUIC_TARGET and QUIC_MINPOS set (docs/spec/quic.md, sections 4 to 9). */

#include "codec/quic-update.h"

/* A sample without tables and without branches on its value. The way of its context is a mark of the code k: a bit
 * where an escape's zeros end, and k itself in the low six bits. With the mark in place, the number of leading zeros
 * t tells plain words and escapes alike how much to skip (t + 1 bits), and the bit after the zeros says which of
 * them it is: a one for plain words, of which the value is (t << k) + k bits; a zero for escapes, whose value is
 * ((t + 1) << k) + k bits. That holds wherever an escape has k bits, and the caller catches the other codes by t:
 * only in those can t reach 16. */
#define QUIC_SAMPLE(window, mark, t, e)                                                                              \
    do {                                                                                                             \
        uint64_t shifted_;                                                                                           \
        t = __builtin_clzll((window) | (mark));                                                                      \
        shifted_ = (window) << t;                                                                                    \
        e = (t << ((mark) & 63)) + (unsigned)((shifted_ ^ UINT64_C(1) << 63) >> (~(mark) & 63));                     \
        (window) = (((window) + (window)) << t) << ((mark) & 63);                                                    \
    } while (0)

/* Pixel as 0x00RRGGBB, or the sample. */
QUIC_INLINE QUIC_TARGET uint32_t QUIC_NAME(pixel)(const uint8_t *row, uint32_t x, const unsigned channels,
                                                  const unsigned step)
{
    return channels == 3 ? quic_load32(row + (size_t)x * 4) & 0xffffff : row[(size_t)x * step];
}

/* Sample values from a mean and folded differences, in all channels at once. */
QUIC_INLINE QUIC_TARGET uint32_t QUIC_NAME(unfold)(uint32_t mean, uint32_t e, const unsigned bits)
{
    uint32_t sign = e & 0x010101, difference;

    if (bits == 8) {
        difference = ((e >> 1) & 0x7f7f7f) ^ ((sign << 8) - sign);
        return ((mean & 0x7f7f7f) + (difference & 0x7f7f7f)) ^ ((mean ^ difference) & 0x808080);
    }
    difference = ((e >> 1) & 0x0f0f0f) ^ ((sign << 5) - sign);
    return (mean + difference) & 0x1f1f1f;
}

QUIC_INLINE QUIC_TARGET void QUIC_NAME(fill)(uint8_t *row, uint32_t x, uint32_t count, uint32_t value,
                                             const unsigned channels, const unsigned step)
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
    } else {
        for (uint8_t *to = row + (size_t)x * step; count; count--, to += step)
            *to = value;
    }
}

/* The way that a context leads in a channel. */
#define QUIC_LOOK_UP(index, context) (group->channel[index].way[quic_place(context)])

/* One row of one group. above is NULL for the first row. channels, step (bytes from sample to sample when there is
 * one channel) and bits are constants of the caller. The reader is spread over plain variables, because everything
 * hangs on the few cycles from one sample's window to the next one's, and a compiler that keeps a struct in memory or
 * in vectors doubles them. */
QUIC_INLINE QUIC_TARGET CodecResult QUIC_NAME(row)(QuicGroup *restrict group, QuicReader *restrict reader,
                                                   const uint8_t *above, uint8_t *row, uint32_t width,
                                                   uint32_t x_byte, const bool first_row, const unsigned channels,
                                                   const unsigned step, const unsigned bits)
{
    /* In the place of the pixel before the last: never equal to a pixel, so no run test succeeds. */
    const uint32_t no_pixel = 0xff000000;
    const uint8_t *const data = reader->data;
    const size_t words = reader->words;
    uint64_t high = reader->high, low = reader->low, mark0, mark1 = 0, mark2 = 0;
    unsigned have = reader->have;
    size_t next = reader->next;
    uint8_t *residuals = group->residuals;
    uint32_t x = 0, left = first_row ? 0 : QUIC_NAME(pixel)(above, 0, channels, step), left2 = no_pixel;
    uint32_t above_left = 0, context = 0;

    if (!first_row)
        context = channels == 3 ? quic_load32(residuals) : residuals[0];

    while (x < width) {
        uint32_t start = x, room = width - x, last, count;
        bool updating, run = false;

        if (room > group->left)
            room = group->left;
        updating = group->gap < room;
        last = x + (updating ? group->gap : room - 1);
        mark0 = QUIC_LOOK_UP(0, context >> 8 * (channels - 1));
        if (channels == 3) {
            mark1 = QUIC_LOOK_UP(1, context >> 8 & 255);
            mark2 = QUIC_LOOK_UP(2, context & 255);
        }

        /* From here to `last` nothing happens but pixels, unless a run comes. */
        for (;; x++) {
            uint32_t pixel_above = first_row ? left : QUIC_NAME(pixel)(above, x, channels, step), pixel, before;
            unsigned e, e0, e1 = 0, e2 = 0, zeros, length, need;
            uint64_t window = high, word = 0;

            if (!first_row && ((pixel_above ^ above_left) | (left ^ left2)) == 0 && x >= 3) {
                run = true;
                break;
            }
            QUIC_SAMPLE(window, mark0, zeros, e0);
            length = (unsigned)(mark0 & 63) + zeros + channels;
            if (channels == 3) {
                unsigned zeros1, zeros2;

                QUIC_SAMPLE(window, mark1, zeros1, e1);
                QUIC_SAMPLE(window, mark2, zeros2, e2);
                length += (unsigned)(mark1 & 63) + (unsigned)(mark2 & 63) + zeros1 + zeros2;
                zeros |= zeros1 | zeros2;
            }
            if (QUIC_LIKELY(!(zeros & 16) && length <= 32)) {
                high = window | low >> (-length & 63);
                low <<= length;
                have -= length;
                /* The next word, without a branch on the need: on photographs that would be a coin toss. */
                need = (have - 33) >> 31;
                if (QUIC_LIKELY(next < words))
                    word = quic_load32(data + next * 4);
                low |= (word << ((32 - have) & 63)) & -(uint64_t)need;
                have += need << 5;
                next += need;
            } else {
                QuicReader slow = {high, low, have, next, words, data};
                const uint64_t marks[3] = {mark0, mark1, mark2};
                int value = quic_read_pixel(&slow, marks, channels, bits);

                if (value < 0)
                    return CODEC_BAD_DATA;
                high = slow.high;
                low = slow.low;
                have = slow.have;
                next = slow.next;
                e0 = (unsigned)value >> 8 * (channels - 1);
                e1 = (unsigned)value >> 8 & 255;
                e2 = (unsigned)value & 255;
            }
            /* At once, and each from its own sample: the next pixel waits for these. */
            mark0 = QUIC_LOOK_UP(0, e0);
            if (channels == 3) {
                mark1 = QUIC_LOOK_UP(1, e1);
                mark2 = QUIC_LOOK_UP(2, e2);
            }
            e = channels == 3 ? e0 << 16 | e1 << 8 | e2 : e0;

            pixel = QUIC_NAME(unfold)(quic_mean(left, pixel_above), e, bits);
            if (channels == 3) {
                quic_store32(residuals + (size_t)x * 4, e);
                quic_store32(row + (size_t)x * 4, pixel | x_byte);
            } else {
                residuals[x] = e;
                row[(size_t)x * step] = pixel;
            }
            left2 = left;
            left = pixel;
            above_left = pixel_above;
            before = context;
            context = e;
            if (x == last) {
                if (updating) {
                    if (channels == 3) {
                        QUIC_NAME(update)(group, 0, before >> 16, e0, bits);
                        QUIC_NAME(update)(group, 1, before >> 8 & 255, e1, bits);
                        QUIC_NAME(update)(group, 2, before & 255, e2, bits);
                    } else {
                        QUIC_NAME(update)(group, 0, before, e0, bits);
                    }
                }
                x++;
                break;
            }
        }

        count = x - start;
        group->left -= count;
        if (run) {
            QuicReader slow = {high, low, have, next, words, data};
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
            have = slow.have;
            next = slow.next;
            if (length == 0) {
                left2 = no_pixel;
            } else {
                QUIC_NAME(fill)(row, x, length, left | x_byte, channels, step);
                x += length;
                group->left -= length;
                left2 = left;
                above_left = QUIC_NAME(pixel)(above, x - 1, channels, step);
                context = channels == 3 ? quic_load32(residuals + (size_t)(x - 1) * 4) : residuals[x - 1];
            }
        } else if (updating) {
            quic_draw_gap(group);
        } else {
            group->gap -= count;
        }
        if (group->left == 0)
            quic_group_next_level(group);
    }
    *reader = (QuicReader){high, low, have, next, words, data};
    return quic_overrun(reader) ? CODEC_TRUNCATED : CODEC_OK;
}

#define QUIC_ROW_KERNEL(kind, channels, step, bits)                                                                  \
    static QUIC_TARGET CodecResult QUIC_NAME(kind)(QuicGroup * group, QuicReader * reader, const uint8_t *above,     \
                                                   uint8_t *row, uint32_t width, uint32_t x_byte)                    \
    {                                                                                                                \
        return above ? QUIC_NAME(row)(group, reader, above, row, width, x_byte, false, channels, step, bits)         \
                     : QUIC_NAME(row)(group, reader, above, row, width, x_byte, true, channels, step, bits);         \
    }

QUIC_ROW_KERNEL(row_rgb8, 3, 4, 8)
QUIC_ROW_KERNEL(row_rgb5, 3, 4, 5)
QUIC_ROW_KERNEL(row_alpha, 1, 4, 8)
QUIC_ROW_KERNEL(row_gray, 1, 1, 8)

static const QuicRows QUIC_NAME(rows) = {
    QUIC_NAME(row_rgb8),
    QUIC_NAME(row_rgb5),
    QUIC_NAME(row_alpha),
    QUIC_NAME(row_gray),
};

#undef QUIC_ROW_KERNEL
#undef QUIC_SAMPLE
#undef QUIC_LOOK_UP
