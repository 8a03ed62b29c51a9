/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Scaled images: nearest and interpolated sampling. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "canvas/kernel.h"
#include "canvas/sample.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

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
    /* At most 2^31 * 2^32 in size; with a step of 0 it doesn't matter, otherwise the product stays
     * below 2^49. */
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

CanvasResult canvas_sampler_init(CanvasSampler *sampler, const CanvasPixels *source,
                                 CanvasAxis across, CanvasAxis down, bool interpolate,
                                 int64_t box_left, int64_t box_top, const pixman_box32_t *extents)
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
    sampler->weights = interpolate ? malloc(sampler->n * sizeof *sampler->weights) : NULL;
    sampler->kept_bits = UINT32_MAX;
    sampler->all_inside = true;
    sampler->cached_row[0] = sampler->cached_row[1] = INT64_MIN;
    if (!sampler->columns || (interpolate && !sampler->weights))
        goto no_memory;
    for (size_t i = 0; i < sampler->n; i++) {
        int64_t index = extents->x1 + (int64_t)i - box_left, column;

        if (!interpolate) {
            column = nearest(&across, index);
            sampler->columns[i] = column < 0 || column >= source->width ? -1 : column;
            sampler->all_inside &= sampler->columns[i] >= 0;
            continue;
        }
        int64_t u = position(&across, index) - 32768;

        /* Column -1 and column width are the transparent border; what lies farther out is
         * transparent too, whatever the weights, so a pair of two border pixels stands for it. */
        column = clamp(u >> 16, -2, source->width);
        sampler->columns[i] = column;
        sampler->weights[i] = ((u >> 9) & 127) << 16 | (128 - ((u >> 9) & 127));
        least = least < column ? least : column;
        most = most > column + 1 ? most : column + 1;
    }
    if (!interpolate && down.step < 65536) {
        sampler->cache[0] = malloc(sampler->n * sizeof(uint32_t));
        if (!sampler->cache[0])
            goto no_memory;
    }
    if (interpolate) {
        sampler->first_column = least;
        sampler->cached_width = most - least + 1;
        for (size_t i = 0; i < sampler->n; i++)
            sampler->columns[i] -= least;
        sampler->blended = malloc(sampler->cached_width * 4 * sizeof *sampler->blended);
        if (!sampler->blended)
            goto no_memory;
        for (int i = 0; i < 2; i++) {
            sampler->cache[i] = calloc(sampler->cached_width, sizeof(uint32_t));
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
    free(sampler->blended);
    memset(sampler, 0, sizeof *sampler);
}

static void sample_nearest(const CanvasSampler *sampler, int32_t x, int64_t row, size_t n,
                           uint32_t *argb)
{
    const CanvasPixels *source = sampler->source;
    const int32_t *columns = sampler->columns + (x - sampler->first);
    uint32_t kept = sampler->kept_bits;
    const uint8_t *line;
    size_t i = 0;

    if (row < 0 || row >= source->height) {
        memset(argb, 0, n * sizeof *argb);
        return;
    }
    line = canvas_row(source, row);
    if (PIXMAN_FORMAT_BPP(source->format) == 32) {
        const uint32_t *wide = (const uint32_t *)line;
        uint32_t opaque = source->format == PIXMAN_x8r8g8b8 ? 0xff000000u : 0;

        if (sampler->all_inside)
            for (; i < n; i++)
                argb[i] = (wide[columns[i]] | opaque) & kept;
        else
            for (; i < n; i++)
                argb[i] = columns[i] < 0 ? 0 : (wide[columns[i]] | opaque) & kept;
    } else if (source->format == PIXMAN_a1) {
        for (; i < n; i++)
            argb[i] = columns[i] >= 0 && line[columns[i] >> 3] >> (columns[i] & 7) & 1
                          ? 0xff000000u & kept
                          : 0;
    } else {
        for (; i < n; i++)
            argb[i] =
                columns[i] < 0 ? 0 : canvas_fetch_one(source->format, line, columns[i]) & kept;
    }
}

/* The source row with its transparent surroundings, from the cache. keep is the other row in use.
 */
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
        canvas_fetch(sampler->source, from, row, to - from,
                     sampler->cache[slot] + (from - sampler->first_column));
    return sampler->cache[slot];
}

/* With weights of 7 bits the formula of 8.3 is exact in two steps: rows first (255 * 128 fits in 16
 * bits), then columns. */
CANVAS_KERNEL static void blend_rows(const uint8_t *restrict upper, const uint8_t *restrict lower,
                                     unsigned int q, size_t n, uint16_t *restrict out)
{
    uint16_t rest = 128 - q, part = q;

    for (size_t i = 0; i < n; i++)
        out[i] = (uint16_t)(upper[i] * rest) + (uint16_t)(lower[i] * part);
}

#ifdef __SSE2__
/* One sample as four 32-bit channels. */
static inline __m128i blend_columns(const uint16_t *two, uint32_t weights)
{
    __m128i pair = _mm_loadu_si128((const __m128i *)two);

    pair = _mm_unpacklo_epi16(pair, _mm_unpackhi_epi64(pair, pair));
    return _mm_srli_epi32(_mm_madd_epi16(pair, _mm_set1_epi32((int)weights)), 14);
}
#endif

static inline uint32_t blend_columns_plainly(const uint16_t *two, uint32_t weights)
{
    uint32_t result = 0;

    for (int channel = 0; channel < 4; channel++)
        result |= (two[channel] * (weights & 0xffff) + two[channel + 4] * (weights >> 16)) >>
                  14 << 8 * channel;
    return result;
}

CANVAS_KERNEL static void blend_all_columns(const uint16_t *blended, const int32_t *columns,
                                            const uint32_t *weights, size_t n, uint32_t kept,
                                            uint32_t *argb)
{
    size_t i = 0;

#ifdef __SSE2__
    const __m128i keep = _mm_set1_epi32((int)kept);

    for (; i + 4 <= n; i += 4) {
        __m128i low =
            _mm_packs_epi32(blend_columns(blended + 4 * (size_t)columns[i], weights[i]),
                            blend_columns(blended + 4 * (size_t)columns[i + 1], weights[i + 1]));
        __m128i high =
            _mm_packs_epi32(blend_columns(blended + 4 * (size_t)columns[i + 2], weights[i + 2]),
                            blend_columns(blended + 4 * (size_t)columns[i + 3], weights[i + 3]));

        _mm_storeu_si128((__m128i *)(argb + i), _mm_and_si128(_mm_packus_epi16(low, high), keep));
    }
#endif
    for (; i < n; i++)
        argb[i] = blend_columns_plainly(blended + 4 * (size_t)columns[i], weights[i]) & kept;
}

static void sample_interpolated(CanvasSampler *sampler, int32_t x, int64_t index, size_t n,
                                uint32_t *argb)
{
    int64_t v = position(&sampler->down, index) - 32768, row = v >> 16;
    const int32_t *columns = sampler->columns + (x - sampler->first);
    const uint32_t *weights = sampler->weights + (x - sampler->first);
    const uint32_t *upper, *lower;

    row = clamp(row, -2, sampler->source->height);
    upper = cached_row(sampler, row, row + 1);
    lower = cached_row(sampler, row + 1, row);
    blend_rows((const uint8_t *)upper, (const uint8_t *)lower, (v >> 9) & 127,
               sampler->cached_width * 4, sampler->blended);
    blend_all_columns(sampler->blended, columns, weights, n, sampler->kept_bits, argb);
}

void canvas_sample(CanvasSampler *sampler, int32_t x, int32_t y, size_t n, uint32_t *argb)
{
    int64_t index = y - sampler->top, row;

    if (sampler->interpolate) {
        sample_interpolated(sampler, x, index, n, argb);
        return;
    }
    row = nearest(&sampler->down, index);
    if (!sampler->cache[0] || x != sampler->first || n != sampler->n) {
        sample_nearest(sampler, x, row, n, argb);
        return;
    }
    /* Growing pictures show each row several times. */
    if (sampler->cached_row[0] != row)
        sample_nearest(sampler, x, row, n, sampler->cache[0]);
    sampler->cached_row[0] = row;
    memcpy(argb, sampler->cache[0], n * sizeof *argb);
}
