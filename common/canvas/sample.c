/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Scaled images: nearest and interpolated sampling. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "canvas/sample.h"

bool canvas_axis_scale(CanvasAxis *axis, int64_t from, int64_t to, int64_t box_size)
{
    if (to <= from || box_size <= 0)
        return false;
    axis->offset = from * 65536;
    axis->step = (to - from) * 65536 / box_size;
    return true;
}

bool canvas_axis_scale_rop3(CanvasAxis *axis, int64_t from, int64_t to, int64_t box_size)
{
    double factor;

    if (to <= from || box_size <= 0)
        return false;
    factor = (double)(to - from) / box_size;
    axis->step = (int64_t)(factor * 65536);
    /* At most 2^31 * 2^32 in size; with a step of 0 it doesn't matter, otherwise the product stays below 2^49. */
    axis->offset = axis->step == 0 ? 0 : (int64_t)floor(from / factor + 0.5) * axis->step;
    return true;
}

static int64_t position(const CanvasAxis *axis, int64_t index)
{
    return axis->offset + index * axis->step + ((axis->step + 1) >> 1);
}

static int64_t nearest(const CanvasAxis *axis, int64_t index)
{
    return (position(axis, index) - 1) >> 16;
}

static int64_t clamp(int64_t value, int64_t low, int64_t high)
{
    return value < low ? low : value > high ? high : value;
}

CanvasResult canvas_sampler_init(CanvasSampler *sampler, const CanvasPixels *source, CanvasAxis across,
                                 CanvasAxis down, bool interpolate, int64_t box_left, int64_t box_top,
                                 const pixman_box32_t *extents)
{
    int64_t least = INT32_MAX, most = INT32_MIN;

    memset(sampler, 0, sizeof *sampler);
    sampler->source = source;
    sampler->across = across;
    sampler->down = down;
    sampler->interpolate = interpolate;
    sampler->top = box_top;
    sampler->first = extents->x1;
    sampler->n = extents->x2 - extents->x1;
    sampler->columns = malloc(sampler->n * sizeof *sampler->columns);
    sampler->weights = interpolate ? malloc(sampler->n) : NULL;
    if (!sampler->columns || (interpolate && !sampler->weights))
        goto no_memory;
    for (size_t i = 0; i < sampler->n; i++) {
        int64_t index = extents->x1 + (int64_t)i - box_left, column;

        if (!interpolate) {
            column = nearest(&across, index);
            sampler->columns[i] = column < 0 || column >= source->width ? -1 : column;
            continue;
        }
        int64_t u = position(&across, index) - 32768;

        /* Column -1 and column width are the transparent border; what lies farther out is transparent too, whatever the
         * weights, so a pair of two border pixels stands for it. */
        column = clamp(u >> 16, -2, source->width);
        sampler->columns[i] = column;
        sampler->weights[i] = (u >> 9) & 127;
        least = least < column ? least : column;
        most = most > column + 1 ? most : column + 1;
    }
    if (interpolate) {
        sampler->first_column = least;
        sampler->cached_width = most - least + 1;
        for (size_t i = 0; i < sampler->n; i++)
            sampler->columns[i] -= least;
        for (int i = 0; i < 2; i++) {
            sampler->cache[i] = calloc(sampler->cached_width, sizeof(uint32_t));
            sampler->cached_row[i] = INT64_MIN;
            if (!sampler->cache[i])
                goto no_memory;
        }
    }
    return CANVAS_OK;

no_memory:
    canvas_sampler_clear(sampler);
    return CANVAS_NO_MEMORY;
}

void canvas_sampler_clear(CanvasSampler *sampler)
{
    free(sampler->columns);
    free(sampler->weights);
    free(sampler->cache[0]);
    free(sampler->cache[1]);
    memset(sampler, 0, sizeof *sampler);
}

static void sample_nearest(const CanvasSampler *sampler, int32_t x, int64_t row, size_t n, uint32_t *argb)
{
    const CanvasPixels *source = sampler->source;
    const int32_t *columns = sampler->columns + (x - sampler->first);
    const uint8_t *line;

    if (row < 0 || row >= source->height) {
        memset(argb, 0, n * sizeof *argb);
        return;
    }
    line = canvas_row(source, row);
    if (PIXMAN_FORMAT_BPP(source->format) == 32) {
        const uint32_t *wide = (const uint32_t *)line;
        uint32_t opaque = source->format == PIXMAN_x8r8g8b8 ? 0xff000000u : 0;

        for (size_t i = 0; i < n; i++)
            argb[i] = columns[i] < 0 ? 0 : wide[columns[i]] | opaque;
    } else if (source->format == PIXMAN_a1) {
        for (size_t i = 0; i < n; i++)
            argb[i] = columns[i] >= 0 && line[columns[i] >> 3] >> (columns[i] & 7) & 1 ? 0xff000000u : 0;
    } else {
        for (size_t i = 0; i < n; i++)
            argb[i] = columns[i] < 0 ? 0 : canvas_fetch_one(source->format, line, columns[i]);
    }
}

/* The source row with its transparent surroundings, from the cache. keep is the other row in use. */
static const uint32_t *cached_row(CanvasSampler *sampler, int64_t row, int64_t keep)
{
    int slot = sampler->cached_row[0] == row ? 0 : sampler->cached_row[1] == row ? 1 : -1;
    int64_t from, to;

    if (slot >= 0)
        return sampler->cache[slot];
    slot = sampler->cached_row[0] == keep ? 1 : 0;
    sampler->cached_row[slot] = row;
    if (row < 0 || row >= sampler->source->height) {
        memset(sampler->cache[slot], 0, sampler->cached_width * sizeof(uint32_t));
        return sampler->cache[slot];
    }
    from = sampler->first_column > 0 ? sampler->first_column : 0;
    to = sampler->first_column + (int64_t)sampler->cached_width;
    to = to < sampler->source->width ? to : sampler->source->width;
    memset(sampler->cache[slot], 0, sampler->cached_width * sizeof(uint32_t));
    if (to > from)
        canvas_fetch(sampler->source, from, row, to - from, sampler->cache[slot] + (from - sampler->first_column));
    return sampler->cache[slot];
}

#ifdef __SSE2__
/* With weights of 7 bits the formula of 8.3 is exact in 16-bit lanes: rows first (255 * 128 fits), then columns. */
static inline uint32_t blend_four(const uint32_t *upper, const uint32_t *lower, __m128i vertical, unsigned int p)
{
    const __m128i zero = _mm_setzero_si128();
    __m128i above = _mm_loadl_epi64((const __m128i *)upper), below = _mm_loadl_epi64((const __m128i *)lower);
    __m128i rows = _mm_unpacklo_epi8(above, below);
    __m128i left = _mm_unpacklo_epi8(rows, zero), right = _mm_unpackhi_epi8(rows, zero);
    __m128i across = _mm_set1_epi32((int)(p << 16 | (128 - p)));

    /* left, right: 32-bit channel sums of the two rows; at most 255 * 128. */
    left = _mm_madd_epi16(left, vertical);
    right = _mm_madd_epi16(right, vertical);
    rows = _mm_or_si128(left, _mm_slli_epi32(right, 16));
    rows = _mm_srli_epi32(_mm_madd_epi16(rows, across), 14);
    rows = _mm_packs_epi32(rows, zero);
    return (uint32_t)_mm_cvtsi128_si32(_mm_packus_epi16(rows, zero));
}
#else
static inline uint32_t blend_four(const uint32_t *upper, const uint32_t *lower, unsigned int q, unsigned int p)
{
    uint32_t result = 0;

    for (int shift = 0; shift < 32; shift += 8) {
        uint32_t left = (upper[0] >> shift & 255) * (128 - q) + (lower[0] >> shift & 255) * q;
        uint32_t right = (upper[1] >> shift & 255) * (128 - q) + (lower[1] >> shift & 255) * q;

        result |= (left * (128 - p) + right * p) >> 14 << shift;
    }
    return result;
}
#endif

static void sample_interpolated(CanvasSampler *sampler, int32_t x, int64_t index, size_t n, uint32_t *argb)
{
    int64_t v = position(&sampler->down, index) - 32768, row = v >> 16;
    unsigned int q = (v >> 9) & 127;
    const int32_t *columns = sampler->columns + (x - sampler->first);
    const uint8_t *weights = sampler->weights + (x - sampler->first);
    const uint32_t *upper, *lower;

    row = clamp(row, -2, sampler->source->height);
    upper = cached_row(sampler, row, row + 1);
    lower = cached_row(sampler, row + 1, row);
#ifdef __SSE2__
    __m128i vertical = _mm_set1_epi32((int)(q << 16 | (128 - q)));

    for (size_t i = 0; i < n; i++)
        argb[i] = blend_four(upper + columns[i], lower + columns[i], vertical, weights[i]);
#else
    for (size_t i = 0; i < n; i++)
        argb[i] = blend_four(upper + columns[i], lower + columns[i], q, weights[i]);
#endif
}

void canvas_sample(CanvasSampler *sampler, int32_t x, int32_t y, size_t n, uint32_t *argb)
{
    int64_t index = y - sampler->top;

    if (sampler->interpolate)
        sample_interpolated(sampler, x, index, n, argb);
    else
        sample_nearest(sampler, x, nearest(&sampler->down, index), n, argb);
}
