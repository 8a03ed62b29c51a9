/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a drawing paints. */
#include "drawn-region.h"

#include <spice/enums.h>

void drawn_region(Drawable *drawable, uint32_t width, uint32_t height)
{
    const WireDisplayBase *base = &drawable->message.base;
    const WireRect *box = &base->box;
    pixman_region32_t clip;
    pixman_box32_t *boxes;
    int n = 0;

    pixman_box32_t inside = {MAX(box->left, 0), MAX(box->top, 0), MIN(box->right, (int32_t)width),
                             MIN(box->bottom, (int32_t)height)};

    pixman_region32_fini(&drawable->region);
    if (inside.x2 > inside.x1 && inside.y2 > inside.y1)
        pixman_region32_init_with_extents(&drawable->region, &inside);
    else
        pixman_region32_init(&drawable->region);
    if (base->clip.type != SPICE_CLIP_TYPE_RECTS)
        return;
    boxes = g_new(pixman_box32_t, base->clip.n_rects + 1);
    for (uint32_t i = 0; i < base->clip.n_rects; i++) {
        const WireRect *rect = &base->clip.rects[i];

        if (rect->right > rect->left && rect->bottom > rect->top)
            boxes[n++] = (pixman_box32_t){rect->left, rect->top, rect->right, rect->bottom};
    }
    pixman_region32_init_rects(&clip, boxes, n);
    g_free(boxes);
    pixman_region32_intersect(&drawable->region, &drawable->region, &clip);
    pixman_region32_fini(&clip);
}
