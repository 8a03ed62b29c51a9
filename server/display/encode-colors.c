/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Images of few colours as palette images: text on a plain background takes one bit for each pixel,
 * and LZ has 32 times less to look through.  docs/spec/server-display.md 26.3 */
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "encode-private.h"

/* Scanned in the call that submits: a few milliseconds at most. */
#define MAX_PIXELS (4u << 20)
#define MIN_PIXELS 64

/* So many pixels are looked at before all are. */
#define SAMPLES 48

#define COLOR_MASK 0xffffffu

static uint32_t load(const uint8_t *row, uint32_t x)
{
    uint32_t pixel;

    memcpy(&pixel, row + (size_t)x * 4, 4);
    return pixel & COLOR_MASK;
}

typedef struct Colors {
    unsigned n;
    uint32_t list[16];
} Colors;

/* Number of a colour, entered if it is new; 16: there are too many. */
static inline unsigned find_color(Colors *colors, uint32_t color)
{
    unsigned i = 0;

    while (i < colors->n && colors->list[i] != color)
        i++;
    if (i == colors->n && i < 16)
        colors->list[colors->n++] = color;
    return i;
}

/* A look at pixels all over the image: 1 and 2, up to 16, or 17 for more. */
static unsigned sample_colors(const EncodeSource *source)
{
    const uint8_t *first = source->pixels->data + source->offset;
    uint64_t n = (uint64_t)source->width * source->height, step = n / SAMPLES + 1;
    Colors colors = {0};

    /* An odd step doesn't keep to a column. */
    for (uint64_t p = step / 2; p < n; p += step | 1) {
        if (find_color(&colors,
                       load(first + p / source->width * source->stride, p % source->width)) == 16)
            return 17;
    }
    return colors.n;
}

/* One row of two colours. colors->n grows from 1 to 2 when the second one is met; false: a third.
 */
static bool pack_row_1(const uint8_t *row, uint32_t width, Colors *colors, uint8_t *out)
{
    uint32_t x = 0;

#ifdef __SSE2__
    static const uint8_t reverse[16] = {0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15};
    const __m128i mask = _mm_set1_epi32(COLOR_MASK);
    __m128i zero = _mm_set1_epi32(colors->list[0]);
    __m128i one = _mm_set1_epi32(colors->list[colors->n - 1]);

    while (x + 16 <= width) {
        const __m128i *p = (const __m128i *)(row + (size_t)x * 4);
        __m128i a = _mm_and_si128(_mm_loadu_si128(p), mask);
        __m128i b = _mm_and_si128(_mm_loadu_si128(p + 1), mask);
        __m128i c = _mm_and_si128(_mm_loadu_si128(p + 2), mask);
        __m128i d = _mm_and_si128(_mm_loadu_si128(p + 3), mask);
#define EQUAL(color)                                                                           \
    _mm_movemask_epi8(                                                                         \
        _mm_packs_epi16(_mm_packs_epi32(_mm_cmpeq_epi32(a, color), _mm_cmpeq_epi32(b, color)), \
                        _mm_packs_epi32(_mm_cmpeq_epi32(c, color), _mm_cmpeq_epi32(d, color))))
        unsigned is_zero = EQUAL(zero);

        if (is_zero != 0xffff) {
            unsigned others = ~(is_zero | EQUAL(one)) & 0xffff;

            if (others) {
                if (colors->n == 2)
                    return false;
                colors->list[1] = load(row, x + __builtin_ctz(others));
                colors->n = 2;
                one = _mm_set1_epi32(colors->list[1]);
                continue;
            }
        }
#undef EQUAL
        unsigned bits = ~is_zero;

        out[x / 8] = reverse[bits & 15] << 4 | reverse[bits >> 4 & 15];
        out[x / 8 + 1] = reverse[bits >> 8 & 15] << 4 | reverse[bits >> 12 & 15];
        x += 16;
    }
#endif
    for (; x < width; x++) {
        uint32_t pixel = load(row, x);
        unsigned bit = pixel != colors->list[0];

        if (bit && colors->n == 1)
            colors->list[colors->n++] = pixel;
        if (bit && pixel != colors->list[1])
            return false;
        if (x % 8 == 0)
            out[x / 8] = 0;
        out[x / 8] |= bit << (7 - x % 8);
    }
    return true;
}

static bool pack_row_4(const uint8_t *row, uint32_t width, Colors *colors, uint8_t *out)
{
    uint32_t last = load(row, 0);
    unsigned number = find_color(colors, last);

    for (uint32_t x = 0; x < width; x++) {
        uint32_t pixel = load(row, x);

        if (pixel != last) {
            last = pixel;
            number = find_color(colors, pixel);
        }
        if (number == 16)
            return false;
        if (x % 2 == 0)
            out[x / 2] = number << 4;
        else
            out[x / 2] |= number;
    }
    return number < 16;
}

static bool pack(EncodeJob *job, unsigned bits)
{
    const EncodeSource *source = &job->source;
    const uint8_t *first = source->pixels->data + source->offset;
    size_t packed = ((size_t)source->width * bits + 7) / 8;
    Colors colors = {1, {load(first, 0)}};
    Blob *blob = blob_new(packed * source->height);
    bool fits = blob != NULL;

    for (uint32_t y = 0; fits && y < source->height; y++) {
        const uint8_t *row = first + (size_t)y * source->stride;
        uint8_t *out = blob->data + y * packed;

        fits = bits == 1 ? pack_row_1(row, source->width, &colors, out)
                         : pack_row_4(row, source->width, &colors, out);
    }
    if (!fits) {
        blob_unref(blob);
        return false;
    }
    /* Deployed clients look at both entries of one bit. */
    memcpy(job->few_colors, colors.list, sizeof(colors.list));
    job->palette = (WirePalette){0, bits == 1 ? 2 : colors.n, job->few_colors};
    blob_unref(job->source.pixels);
    job->source.pixels = blob;
    job->source.offset = 0;
    job->source.stride = packed;
    job->source.format = bits == 1 ? SPICE_BITMAP_FMT_1BIT_BE : SPICE_BITMAP_FMT_4BIT_BE;
    return true;
}

bool encode_use_few_colors(EncodeJob *job)
{
    const EncodeSource *source = &job->source;
    uint64_t n = (uint64_t)source->width * source->height;
    unsigned colors;

    if (!source->few_colors_allowed || source->format != SPICE_BITMAP_FMT_32BIT || source->flags ||
        n < MIN_PIXELS || n > MAX_PIXELS)
        return false;
    colors = sample_colors(source);
    return (colors <= 2 && pack(job, 1)) || (colors <= 16 && pack(job, 4));
}
