/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rectangles of pixels: from (x1, y1) to before (x2, y2). */
#ifndef SERVER_DISPLAY_BOXES_H
#define SERVER_DISPLAY_BOXES_H

#include <glib.h>
#include <pixman.h>
#include <stdbool.h>

static inline bool box_is_empty(const pixman_box32_t *box)
{
    return box->x1 >= box->x2 || box->y1 >= box->y2;
}

/* Pixels. */
static inline uint64_t box_area(const pixman_box32_t *box)
{
    if (box_is_empty(box))
        return 0;
    return (uint64_t)(box->x2 - box->x1) * (uint64_t)(box->y2 - box->y1);
}

/* The smallest that holds both. */
static inline pixman_box32_t box_join(const pixman_box32_t *a, const pixman_box32_t *b)
{
    if (box_is_empty(a))
        return *b;
    if (box_is_empty(b))
        return *a;
    return (pixman_box32_t){MIN(a->x1, b->x1), MIN(a->y1, b->y1), MAX(a->x2, b->x2),
                            MAX(a->y2, b->y2)};
}

static inline bool boxes_touch(const pixman_box32_t *a, const pixman_box32_t *b)
{
    return a->x1 < b->x2 && b->x1 < a->x2 && a->y1 < b->y2 && b->y1 < a->y2;
}

/* Pixels. */
static inline uint64_t region_area(const pixman_region32_t *region)
{
    int n;
    const pixman_box32_t *boxes =
        pixman_region32_rectangles((pixman_region32_t *)(uintptr_t)region, &n);
    uint64_t area = 0;

    for (int i = 0; i < n; i++)
        area += box_area(&boxes[i]);
    return area;
}

#endif
