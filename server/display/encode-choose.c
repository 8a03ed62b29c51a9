/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which coder an image gets: by what was asked for, and by a look at samples of its pixels.
 * docs/spec/server-display.md 12.3, 12.4, 26.3 */
#include "encode-private.h"

#include <string.h>

/* Less is not worth a header. */
#define MIN_CODED_BYTES 54

/* So many pixels are looked at for graduality. */
#define MAX_SAMPLES 2048

/* Measured on desktops with windows of text and pictures. */
#define MIXED_BELOW 0.82
#define MIXED_MIN_PIXELS 16384

unsigned bitmap_bits(uint8_t format)
{
    static const uint8_t bits[] = {
        [SPICE_BITMAP_FMT_1BIT_LE] = 1, [SPICE_BITMAP_FMT_1BIT_BE] = 1,
        [SPICE_BITMAP_FMT_4BIT_LE] = 4, [SPICE_BITMAP_FMT_4BIT_BE] = 4,
        [SPICE_BITMAP_FMT_8BIT] = 8,    [SPICE_BITMAP_FMT_16BIT] = 16,
        [SPICE_BITMAP_FMT_24BIT] = 24,  [SPICE_BITMAP_FMT_32BIT] = 32,
        [SPICE_BITMAP_FMT_RGBA] = 32,   [SPICE_BITMAP_FMT_8BIT_A] = 8,
    };

    return format < sizeof(bits) ? bits[format] : 0;
}

size_t bitmap_row_size(uint8_t format, uint32_t width)
{
    return ((uint64_t)width * bitmap_bits(format) + 7) / 8;
}

static bool is_gradual_format(uint8_t format)
{
    return format >= SPICE_BITMAP_FMT_16BIT && format <= SPICE_BITMAP_FMT_RGBA;
}

static const uint8_t *first_row(const EncodeSource *source)
{
    return source->pixels->data + source->offset;
}

/* Is every pixel equal to the first one? Ends at the first that isn't. */
bool encode_is_flat(const EncodeSource *source, uint32_t *color)
{
    if (bitmap_bits(source->format) < 8)
        return false;

    const uint8_t *row = first_row(source);
    unsigned bytes = bitmap_bits(source->format) / 8;
    size_t size = bitmap_row_size(source->format, source->width);

    if (source->format == SPICE_BITMAP_FMT_32BIT) {
        /* The fourth byte is no colour. */
        uint32_t first;

        memcpy(&first, row, 4);
        for (uint32_t y = 0; y < source->height; y++) {
            const uint8_t *p = row + (size_t)y * source->stride;
            uint32_t differs = 0;

            for (uint32_t x = 0; x < source->width; x++) {
                uint32_t pixel;

                memcpy(&pixel, p + (size_t)x * 4, 4);
                differs |= pixel ^ first;
                if (x % 64 == 63 && differs & 0xffffff)
                    return false;
            }
            if (differs & 0xffffff)
                return false;
        }
    } else {
        /* A row is flat if it equals itself one pixel further on. */
        if (memcmp(row, row + bytes, size - bytes) != 0)
            return false;
        for (uint32_t y = 1; y < source->height; y++) {
            if (memcmp(row, row + (size_t)y * source->stride, size) != 0)
                return false;
        }
    }
    *color = 0;
    memcpy(color, row, bytes);
    if (source->format == SPICE_BITMAP_FMT_32BIT)
        *color &= 0xffffff;
    return true;
}

typedef struct Rgb {
    int r, g, b;
} Rgb;

static Rgb load(const uint8_t *p, uint8_t format)
{
    if (format == SPICE_BITMAP_FMT_16BIT) {
        unsigned pixel = p[0] | p[1] << 8;

        return (Rgb){pixel >> 10 & 31, pixel >> 5 & 31, pixel & 31};
    }
    return (Rgb){p[2], p[1], p[0]};
}

/* Half points: equal 2, contrast 4, near -1. */
static int compare(Rgb a, Rgb b, int contrast)
{
    int r = abs(a.r - b.r), g = abs(a.g - b.g), blue = abs(a.b - b.b);

    if (r >= contrast || g >= contrast || blue >= contrast)
        return 4;
    return r | g | blue ? -1 : 2;
}

/* What samples of the pixels say. */
typedef struct Look {
    double graduality; /* 12.4: a score per comparison, low for gradual ones */
    double equal;      /* share of the pixels that equal their right or lower neighbour */
} Look;

/* As 12.4, on fewer samples of large images. */
static Look look_at(const EncodeSource *source)
{
    uint64_t n = (uint64_t)(source->height - 1) * source->width;
    unsigned bytes = bitmap_bits(source->format) / 8;
    int contrast = source->format == SPICE_BITMAP_FMT_16BIT ? 8 : 60;
    uint64_t step = n / MAX_SAMPLES > 15 ? n / MAX_SAMPLES : 15;
    int64_t sum = 0;
    unsigned samples = 0, equal = 0;

    if (source->width <= 1 || source->height <= 1)
        return (Look){1, 1};
    /* Not always the same columns. */
    if (step % source->width == 0)
        step--;
    for (uint64_t p = source->width / 2; p < n; p += step) {
        uint32_t y = p / source->width, x = p % source->width;

        if (x == source->width - 1)
            x--;

        const uint8_t *here = first_row(source) + (size_t)y * source->stride + (size_t)x * bytes;
        const uint8_t *below = here + source->stride;
        Rgb pixel = load(here, source->format);
        int right = compare(pixel, load(here + bytes, source->format), contrast);
        int lower = compare(pixel, load(below, source->format), contrast);
        int corner = compare(pixel, load(below + bytes, source->format), contrast);

        if (right != 2 || lower != 2 || corner != 2)
            sum += right + lower + corner;
        equal += right == 2 || lower == 2;
        samples++;
    }
    if (!samples)
        return (Look){1, 1};
    return (Look){sum / 12.0 / samples, (double)equal / samples};
}

static bool is_gradual(const EncodeSource *source, const Look *look)
{
    return look->graduality < (source->format == SPICE_BITMAP_FMT_16BIT ? 0 : -0.03);
}

/* Pictures among text and controls: the search for repeats takes ten times as long as QUIC there,
 * and finds about as much. */
static bool is_mixed(const EncodeSource *source, const Look *look)
{
    return look->equal < MIXED_BELOW &&
           (uint64_t)source->width * source->height >= MIXED_MIN_PIXELS;
}

EncodeContent encode_classify(const EncodeSource *source, uint32_t *flat_color)
{
    if (encode_is_flat(source, flat_color))
        return ENCODE_FLAT;
    if (!is_gradual_format(source->format))
        return ENCODE_OTHER;

    Look look = look_at(source);

    if (is_gradual(source, &look))
        return ENCODE_SMOOTH;
    return look.graduality < 0.002 ? ENCODE_OTHER : ENCODE_TEXT;
}

static bool jpeg_is_wanted(const EncodePolicy *policy, const EncodeSource *source)
{
    return policy->jpeg && source->lossy_allowed && source->width <= JPEG_IMAGE_MAX_SIDE &&
           source->height <= JPEG_IMAGE_MAX_SIDE;
}

static Coder choose_glz(const EncodePolicy *policy, const EncodeSource *source)
{
    return policy->glz && source->glz_allowed && is_gradual_format(source->format) &&
                   (uint64_t)source->width * source->height < policy->glz->window
               ? CODER_GLZ
               : CODER_LZ;
}

bool encode_may_palettize(const EncodePolicy *policy)
{
    switch (policy->compression) {
    case SPICE_IMAGE_COMPRESSION_AUTO_GLZ:
    case SPICE_IMAGE_COMPRESSION_AUTO_LZ:
    case SPICE_IMAGE_COMPRESSION_GLZ:
    case SPICE_IMAGE_COMPRESSION_LZ:
        /* Who keeps no GLZ window may be a client in a browser, which knows the RGB forms only. */
        return !policy->local && policy->glz;
    default:
        return false;
    }
}

Coder encode_choose(const EncodePolicy *policy, const EncodeSource *source)
{
    bool quic_fits = is_gradual_format(source->format) && source->width >= 3 && source->height >= 3;

    if (policy->local ||
        bitmap_row_size(source->format, source->width) * source->height < MIN_CODED_BYTES)
        return CODER_RAW;
    switch (policy->compression) {
    case SPICE_IMAGE_COMPRESSION_QUIC:
        if (!quic_fits)
            return CODER_RAW;
        return jpeg_is_wanted(policy, source) ? CODER_JPEG : CODER_QUIC;
    case SPICE_IMAGE_COMPRESSION_AUTO_GLZ:
    case SPICE_IMAGE_COMPRESSION_AUTO_LZ:
        if (quic_fits) {
            Look look = look_at(source);

            if (is_gradual(source, &look))
                return jpeg_is_wanted(policy, source) ? CODER_JPEG : CODER_QUIC;
            if (is_mixed(source, &look))
                return CODER_QUIC;
        }
        if (policy->compression == SPICE_IMAGE_COMPRESSION_AUTO_LZ)
            return CODER_LZ;
        return choose_glz(policy, source);
    case SPICE_IMAGE_COMPRESSION_GLZ:
        if (quic_fits) {
            Look look = look_at(source);

            /* Pictures hardly ever refer to earlier ones: what moves has been found before. */
            if (is_gradual(source, &look) || is_mixed(source, &look))
                return CODER_LZ;
        }
        return choose_glz(policy, source);
    case SPICE_IMAGE_COMPRESSION_LZ4:
        return policy->lz4 && is_gradual_format(source->format) ? CODER_LZ4 : CODER_LZ;
    case SPICE_IMAGE_COMPRESSION_LZ:
        return CODER_LZ;
    default:
        return CODER_RAW;
    }
}
