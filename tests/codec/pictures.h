/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Test pictures: reproducible random numbers and pixels of several kinds, from one colour to noise.
 */
#ifndef TESTS_CODEC_PICTURES_H
#define TESTS_CODEC_PICTURES_H

#include "codec/codec.h"

#include <stdlib.h>
#include <string.h>

typedef struct Random {
    uint64_t state;
} Random;

static inline uint32_t random_next(Random *random)
{
    random->state = random->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return random->state >> 33;
}

/* 0 .. n - 1 */
static inline uint32_t random_below(Random *random, uint32_t n)
{
    return random_next(random) % n;
}

typedef enum PictureKind {
    PICTURE_FLAT,
    PICTURE_GRADIENT,
    PICTURE_TILES,
    PICTURE_TEXT,
    PICTURE_NOISE,
    PICTURE_MIX,
    N_PICTURES
} PictureKind;

static inline uint8_t picture_byte(Random *random, PictureKind kind, size_t x, size_t y,
                                   size_t channel, uint8_t flat)
{
    switch (kind) {
    case PICTURE_FLAT:
        return flat + channel;
    case PICTURE_GRADIENT:
        return y * 3 + channel * 40;
    case PICTURE_TILES:
        return (x / 4 % 3) * 70 + (y / 3 % 2) * 20 + channel;
    case PICTURE_TEXT:
        return random_below(random, 6) ? 255 : 40 * random_below(random, 3);
    case PICTURE_NOISE:
        return random_next(random);
    default:
        return picture_byte(random, (PictureKind)((x / 16 + y / 8) % PICTURE_MIX), x, y, channel,
                            flat);
    }
}

/* Rows with the given padding behind each. The padding is noise. */
static inline uint8_t *picture_new(Random *random, PictureKind kind, CodecFormat format,
                                   uint32_t width, uint32_t height, size_t stride)
{
    uint8_t *pixels = malloc(stride * height), flat = random_next(random);
    size_t bytes = (codec_format_bits(format) + 7) / 8, row;

    codec_row_size(format, width, &row);
    for (size_t y = 0; y < height; y++)
        for (size_t i = 0; i < stride; i++)
            pixels[y * stride + i] = i < row
                                         ? picture_byte(random, kind, i / bytes, y, i % bytes, flat)
                                         : random_next(random);
    return pixels;
}

/* The bits of a pixel that a codec has to bring back: all but X and bit 15. */
static inline bool same_pixels(CodecFormat format, const uint8_t *a, const uint8_t *b,
                               uint32_t width)
{
    size_t row;

    codec_row_size(format, width, &row);
    for (size_t i = 0; i < row; i++) {
        uint8_t mask = 0xff;

        if (format == CODEC_FORMAT_RGB32 && i % 4 == 3)
            mask = 0;
        if (format == CODEC_FORMAT_RGB16 && i % 2 == 1)
            mask = 0x7f;
        if ((a[i] & mask) != (b[i] & mask))
            return false;
    }
    return true;
}

/* A copy of exactly that size, so that a sanitizer sees reads beyond it. */
static inline uint8_t *exact_copy(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);

    memcpy(copy, data, size);
    return copy;
}

#endif
