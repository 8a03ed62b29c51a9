/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The set of pixels that a command may touch, and the loop over its rows. */
#include <stdlib.h>
#include <string.h>

#include "canvas/area.h"
#include "canvas/kernel.h"
#include "wire/wire-messages.h"

#ifdef CANVAS_HAVE_AVX2
#include <immintrin.h>
#endif

/* A region of n arbitrary rectangles can have n * n / 4 of them after its normalisation; beyond
 * this number D is kept as a bitmap, whose size the surface bounds. */
#define MAX_REGION_RECTS 256

static CanvasBox intersect(const CanvasBox *a, const CanvasBox *b)
{
    return (CanvasBox){a->x1 > b->x1 ? a->x1 : b->x1, a->y1 > b->y1 ? a->y1 : b->y1,
                       a->x2 < b->x2 ? a->x2 : b->x2, a->y2 < b->y2 ? a->y2 : b->y2};
}

static bool is_empty(const CanvasBox *box)
{
    return box->x2 <= box->x1 || box->y2 <= box->y1;
}

static CanvasBox box_of_rect(const WireRect *rect)
{
    return (CanvasBox){rect->left, rect->top, rect->right, rect->bottom};
}

static CanvasBox box_of_surface(const CanvasPixels *surface)
{
    return (CanvasBox){0, 0, surface->width, surface->height};
}

static void update_extents(CanvasArea *area)
{
    area->extents = *pixman_region32_extents(&area->region);
    if (!pixman_region32_not_empty(&area->region))
        area->extents = (pixman_box32_t){0, 0, 0, 0};
}

/* The box lies within a surface, so it fits into 32 bits. */
static void set_box(CanvasArea *area, const CanvasBox *box)
{
    pixman_region32_fini(&area->region);
    if (is_empty(box))
        pixman_region32_init(&area->region);
    else
        pixman_region32_init_rect(&area->region, box->x1, box->y1, box->x2 - box->x1,
                                  box->y2 - box->y1);
    update_extents(area);
}

static CanvasResult allocate_bits(CanvasArea *area)
{
    size_t width = area->extents.x2 - area->extents.x1,
           height = area->extents.y2 - area->extents.y1;

    area->bits_stride = (width + 7) / 8;
    area->bits_x = area->extents.x1;
    area->bits_y = area->extents.y1;
    area->bits = calloc(height ? height : 1, area->bits_stride ? area->bits_stride : 1);
    return area->bits ? CANVAS_OK : CANVAS_NO_MEMORY;
}

static void set_bits(CanvasArea *area, const CanvasBox *box)
{
    size_t from = box->x1 - area->bits_x, to = box->x2 - area->bits_x;
    size_t first = from >> 3, last = (to - 1) >> 3;
    uint8_t left = 0xff << (from & 7), right = 0xff >> (7 - ((to - 1) & 7));

    for (int64_t y = box->y1; y < box->y2; y++) {
        uint8_t *row = area->bits + (size_t)(y - area->bits_y) * area->bits_stride;

        if (first == last) {
            row[first] |= left & right;
        } else {
            row[first] |= left;
            memset(row + first + 1, 0xff, last - first - 1);
            row[last] |= right;
        }
    }
}

static CanvasResult clip_to_rects(CanvasArea *area, const CanvasBox *all, const WireRect *rects,
                                  uint32_t n_rects)
{
    pixman_box32_t few[MAX_REGION_RECTS];
    CanvasBox extents = {INT32_MAX, INT32_MAX, INT32_MIN, INT32_MIN};
    uint32_t n = 0;

    for (uint32_t i = 0; i < n_rects; i++) {
        CanvasBox box = box_of_rect(&rects[i]);

        box = intersect(&box, all);
        if (is_empty(&box))
            continue;
        if (n < MAX_REGION_RECTS)
            few[n] = (pixman_box32_t){box.x1, box.y1, box.x2, box.y2};
        n++;
        extents.x1 = extents.x1 < box.x1 ? extents.x1 : box.x1;
        extents.y1 = extents.y1 < box.y1 ? extents.y1 : box.y1;
        extents.x2 = extents.x2 > box.x2 ? extents.x2 : box.x2;
        extents.y2 = extents.y2 > box.y2 ? extents.y2 : box.y2;
    }
    if (n <= MAX_REGION_RECTS) {
        pixman_region32_fini(&area->region);
        if (!pixman_region32_init_rects(&area->region, few, n)) {
            pixman_region32_init(&area->region);
            return CANVAS_NO_MEMORY;
        }
        update_extents(area);
        return CANVAS_OK;
    }
    set_box(area, &extents);
    if (allocate_bits(area) != CANVAS_OK)
        return CANVAS_NO_MEMORY;
    for (uint32_t i = 0; i < n_rects; i++) {
        CanvasBox box = box_of_rect(&rects[i]);

        box = intersect(&box, all);
        if (!is_empty(&box))
            set_bits(area, &box);
    }
    return CANVAS_OK;
}

CanvasResult canvas_area_init(CanvasArea *area, const CanvasPixels *surface, const WireRect *box,
                              bool has_clip, const WireRect *rects, uint32_t n_rects)
{
    CanvasBox all = box_of_surface(surface), wanted = box_of_rect(box);

    memset(area, 0, sizeof *area);
    pixman_region32_init(&area->region);
    all = intersect(&all, &wanted);
    if (is_empty(&all))
        return CANVAS_OK;
    if (has_clip)
        return clip_to_rects(area, &all, rects, n_rects);
    set_box(area, &all);
    return CANVAS_OK;
}

CanvasResult canvas_area_init_region(CanvasArea *area, const CanvasPixels *surface,
                                     const CanvasBox *box, const pixman_region32_t *clip)
{
    CanvasBox all = box_of_surface(surface);

    memset(area, 0, sizeof *area);
    pixman_region32_init(&area->region);
    all = intersect(&all, box);
    set_box(area, &all);
    if (clip && !pixman_region32_intersect(&area->region, &area->region, (pixman_region32_t *)clip))
        return CANVAS_NO_MEMORY;
    update_extents(area);
    return CANVAS_OK;
}

void canvas_area_clear(CanvasArea *area)
{
    pixman_region32_fini(&area->region);
    free(area->bits);
    area->bits = NULL;
}

bool canvas_area_is_empty(const CanvasArea *area)
{
    return area->extents.x2 <= area->extents.x1;
}

void canvas_area_restrict(CanvasArea *area, const CanvasBox *box)
{
    CanvasBox all = {area->extents.x1, area->extents.y1, area->extents.x2, area->extents.y2};
    CanvasBox rest = intersect(&all, box);

    if (is_empty(&rest))
        pixman_region32_clear(&area->region);
    else if (rest.x1 != all.x1 || rest.y1 != all.y1 || rest.x2 != all.x2 || rest.y2 != all.y2)
        pixman_region32_intersect_rect(&area->region, &area->region, rest.x1, rest.y1,
                                       rest.x2 - rest.x1, rest.y2 - rest.y1);
    update_extents(area);
}

CanvasResult canvas_area_flatten(CanvasArea *area)
{
    int n;
    pixman_box32_t *rects = pixman_region32_rectangles(&area->region, &n);

    if (n <= 1)
        return CANVAS_OK;
    if (allocate_bits(area) != CANVAS_OK)
        return CANVAS_NO_MEMORY;
    for (int i = 0; i < n; i++) {
        CanvasBox box = {rects[i].x1, rects[i].y1, rects[i].x2, rects[i].y2};

        set_bits(area, &box);
    }
    CanvasBox all = {area->extents.x1, area->extents.y1, area->extents.x2, area->extents.y2};

    set_box(area, &all);
    return CANVAS_OK;
}

CanvasResult canvas_area_mask(CanvasArea *area, const CanvasPixels *mask, int64_t left, int64_t top,
                              bool inverted)
{
    CanvasBox inside = {left, top, left + mask->width, top + mask->height};
    size_t width, row_bytes = ((size_t)mask->width + 7) / 8;
    uint8_t *shifted, flip = inverted ? 0xff : 0;

    canvas_area_restrict(area, &inside);
    if (canvas_area_is_empty(area))
        return CANVAS_OK;
    if (canvas_area_flatten(area) != CANVAS_OK)
        return CANVAS_NO_MEMORY;
    if (!area->bits) {
        CanvasBox all = {area->extents.x1, area->extents.y1, area->extents.x2, area->extents.y2};

        if (allocate_bits(area) != CANVAS_OK)
            return CANVAS_NO_MEMORY;
        set_bits(area, &all);
    }
    width = area->extents.x2 - area->extents.x1;
    shifted = malloc((width + 7) / 8);
    if (!shifted)
        return CANVAS_NO_MEMORY;
    for (int32_t y = area->extents.y1; y < area->extents.y2; y++) {
        size_t from = area->extents.x1 - area->bits_x, bytes = (width + 7) / 8;
        uint8_t *row = area->bits + (size_t)(y - area->bits_y) * area->bits_stride;

        canvas_shift_bits(canvas_row(mask, y - top), row_bytes, area->extents.x1 - left, width,
                          shifted);
        if (from == 0) {
            for (size_t i = 0; i < bytes; i++)
                row[i] &= shifted[i] ^ flip;
        } else {
            /* The area shrank after its bits were made: only then they begin in the middle of a
             * byte. */
            for (size_t i = 0; i < width; i++)
                if (!((shifted[i >> 3] ^ flip) >> (i & 7) & 1))
                    row[(from + i) >> 3] &= ~(1u << ((from + i) & 7));
        }
    }
    free(shifted);
    return CANVAS_OK;
}

void canvas_area_add_to(const CanvasArea *area, pixman_region32_t *damage)
{
    if (damage && !canvas_area_is_empty(area))
        pixman_region32_union(damage, damage, (pixman_region32_t *)&area->region);
}

#ifdef CANVAS_HAVE_AVX2
__attribute__((target("avx2"))) static void select_wide_avx2(uint32_t *dst, const uint32_t *src,
                                                             const uint8_t *bits, size_t n8)
{
    const __m256i lanes = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);

    for (size_t i = 0; i < n8; i += 8) {
        __m256i eight = _mm256_and_si256(_mm256_set1_epi32(bits[i >> 3]), lanes);

        _mm256_maskstore_epi32((int *)(dst + i), _mm256_cmpeq_epi32(eight, lanes),
                               _mm256_loadu_si256((const __m256i *)(src + i)));
    }
}
#endif

/* dst := src where the bit is set. bits begin with bit 0; n8 is a multiple of 8. */
CANVAS_KERNEL static void select_wide(uint32_t *restrict dst, const uint32_t *restrict src,
                                      const uint8_t *restrict bits, size_t n8)
{
    for (size_t i = 0; i < n8; i += 8) {
        uint32_t eight = bits[i >> 3];

        for (unsigned int j = 0; j < 8; j++) {
            uint32_t keep = (eight & 1u << j) == 0 ? UINT32_MAX : 0;

            dst[i + j] = (dst[i + j] & keep) | (src[i + j] & ~keep);
        }
    }
}

CANVAS_KERNEL static void select_half(uint16_t *restrict dst, const uint16_t *restrict src,
                                      const uint8_t *restrict bits, size_t n8)
{
    for (size_t i = 0; i < n8; i += 8) {
        uint16_t eight = bits[i >> 3];

        for (unsigned int j = 0; j < 8; j++) {
            uint16_t keep = (eight & 1u << j) == 0 ? UINT16_MAX : 0;

            dst[i + j] = (dst[i + j] & keep) | (src[i + j] & ~keep);
        }
    }
}

static void select_row(uint8_t *dst, const uint8_t *src, const uint8_t *bits, unsigned int size,
                       size_t n)
{
    size_t i = size == 1 ? 0 : n & ~(size_t)7;

#ifdef CANVAS_HAVE_AVX2
    if (size == 4 && __builtin_cpu_supports("avx2"))
        select_wide_avx2((uint32_t *)dst, (const uint32_t *)src, bits, i);
    else
#endif
        if (size == 4)
        select_wide((uint32_t *)dst, (const uint32_t *)src, bits, i);
    else if (size == 2)
        select_half((uint16_t *)dst, (const uint16_t *)src, bits, i);
    for (; i < n; i++)
        if (bits[i >> 3] >> (i & 7) & 1)
            memcpy(dst + i * size, src + i * size, size);
}

/* Rows of 1-bit surfaces and rows with bits pass through a copy: unpacked, changed, and chosen
 * from. */
typedef struct Detour {
    uint8_t *row, *before, *bits;
} Detour;

static void paint_row_by_detour(const CanvasArea *area, const CanvasPixels *surface,
                                const Detour *detour, int32_t x, int32_t y, size_t n,
                                CanvasRowFunc change, void *ctx)
{
    unsigned int size = canvas_unpacked_size(surface->format);
    uint8_t *row = canvas_row(surface, y);

    if (area->bits) {
        size_t skip = 0, bytes = (n + 7) / 8;

        canvas_shift_bits(area->bits + (size_t)(y - area->bits_y) * area->bits_stride,
                          area->bits_stride, x - area->bits_x, n, detour->bits);
        while (skip < bytes && detour->bits[skip] == 0)
            skip++;
        if (skip == bytes)
            return;
    }
    if (surface->format == PIXMAN_a1)
        canvas_unpack_bits(row, x, n, detour->row);
    else
        memcpy(detour->row, row + (size_t)x * size, n * size);
    if (!area->bits) {
        change(ctx, x, y, n, detour->row);
        canvas_pack_bits(row, x, n, detour->row);
        return;
    }
    if (surface->format == PIXMAN_a1)
        memcpy(detour->before, detour->row, n);
    change(ctx, x, y, n, detour->row);
    if (surface->format == PIXMAN_a1) {
        select_row(detour->before, detour->row, detour->bits, 1, n);
        canvas_pack_bits(row, x, n, detour->before);
    } else {
        select_row(row + (size_t)x * size, detour->row, detour->bits, size, n);
    }
}

CanvasResult canvas_area_paint(const CanvasArea *area, const CanvasPixels *surface,
                               CanvasRowFunc change, void *ctx)
{
    size_t width = area->extents.x2 - area->extents.x1;
    unsigned int size = canvas_unpacked_size(surface->format);
    bool detour_needed = area->bits || surface->format == PIXMAN_a1;
    Detour detour = {NULL, NULL, NULL};
    uint8_t *memory = NULL;
    int n_rects;
    pixman_box32_t *rects =
        pixman_region32_rectangles((pixman_region32_t *)&area->region, &n_rects);

    if (canvas_area_is_empty(area))
        return CANVAS_OK;
    if (detour_needed) {
        memory = malloc(width * size + width + (width + 7) / 8);
        if (!memory)
            return CANVAS_NO_MEMORY;
        detour = (Detour){memory, memory + width * size, memory + width * size + width};
    }
    for (int i = 0; i < n_rects; i++) {
        size_t n = rects[i].x2 - rects[i].x1;

        for (int32_t y = rects[i].y1; y < rects[i].y2; y++) {
            if (detour_needed)
                paint_row_by_detour(area, surface, &detour, rects[i].x1, y, n, change, ctx);
            else
                change(ctx, rects[i].x1, y, n, canvas_row(surface, y) + (size_t)rects[i].x1 * size);
        }
    }
    free(memory);
    return CANVAS_OK;
}
