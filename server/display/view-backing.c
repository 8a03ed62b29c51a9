/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pictures that a client has in its image cache, and where on the surface they belong: when a part
 * of one is uncovered again, it is drawn from there. Only of smooth pictures (photos, gradients),
 * whose pixels are dear; text is cheap. docs/spec/server-display.md 26.3 */
#include "display/view.h"

#include <string.h>

enum {
    MIN_BACKING = 1 << 14,  /* pixels of a picture that is kept */
    MIN_RESTORED = 1 << 11, /* pixels of a part that is drawn from it */
    MAX_PIXELS_KEPT = 1 << 22,
    MAX_KEPT = 32,
    PERIOD_MS = 1000,  /* something that moves isn't worth being kept: */
    MAX_IN_PERIOD = 4, /* so many pictures in that time */
};

struct Backing {
    pixman_box32_t box;
    EncodeSource source; /* with a reference to its pixels */
};

static uint64_t backing_pixels(const Backing *backing)
{
    return (uint64_t)backing->source.width * backing->source.height;
}

static void backing_free(ViewSurface *vs, GList *link)
{
    Backing *backing = link->data;

    vs->kept_pixels -= backing_pixels(backing);
    g_queue_delete_link(&vs->backings, link);
    blob_unref(backing->source.pixels);
    g_free(backing);
}

void view_backing_clear(ViewSurface *vs)
{
    while (vs->backings.head)
        backing_free(vs, vs->backings.head);
}

bool view_backing_keep(ViewSurface *vs, const pixman_box32_t *box, const EncodeSource *source)
{
    uint32_t now = loop_now_ms(), color;
    uint64_t most; /* a screenful */
    Backing *backing;

    if (!vs->view->pixmaps || !view_shadow_fits(vs) || source->format != SPICE_BITMAP_FMT_32BIT ||
        box_area(box) < MIN_BACKING || box_area(box) > MAX_PIXELS_KEPT ||
        encode_classify(source, &color) != ENCODE_SMOOTH)
        return false;
    if (!pixman_region32_not_empty(&vs->initial)) {
        if (now - vs->period_ms > PERIOD_MS) {
            vs->period_ms = now;
            vs->n_in_period = 0;
        }
        if (++vs->n_in_period > MAX_IN_PERIOD)
            return false;
    }

    backing = g_new0(Backing, 1);
    backing->box = *box;
    backing->source = *source;
    backing->source.glz_allowed = false;
    backing->source.lossy_allowed = false;
    blob_ref(backing->source.pixels);
    g_queue_push_head(&vs->backings, backing);
    vs->kept_pixels += backing_pixels(backing);
    most = MIN((uint64_t)vs->surface->width * vs->surface->height, MAX_PIXELS_KEPT);
    while (vs->kept_pixels > most || vs->backings.length > MAX_KEPT)
        backing_free(vs, vs->backings.tail);

    return true;
}

static bool backing_equals(const ViewSurface *vs, const Backing *backing,
                           const pixman_box32_t *part)
{
    const CanvasPixels *pixels = &vs->surface->canvas->pixels;
    size_t size = (size_t)(part->x2 - part->x1) * 4;

    for (int32_t y = part->y1; y < part->y2; y++) {
        const uint8_t *kept = backing->source.pixels->data +
                              (size_t)(y - backing->box.y1) * backing->source.stride +
                              (size_t)(part->x1 - backing->box.x1) * 4;

        if (memcmp(kept, pixels->data + (ptrdiff_t)y * pixels->stride + (size_t)part->x1 * 4,
                   size) != 0)
            return false;
    }

    return true;
}

void view_backing_restore(ViewSurface *vs, const pixman_box32_t *box)
{
    GList *next;

    for (GList *l = vs->backings.head; l; l = next) {
        const Backing *backing = l->data;
        pixman_box32_t part = {MAX(box->x1, backing->box.x1), MAX(box->y1, backing->box.y1),
                               MIN(box->x2, backing->box.x2), MIN(box->y2, backing->box.y2)};
        pixman_region32_t restored;

        next = l->next;
        if (box_area(&part) < MIN_RESTORED || !backing_equals(vs, backing, &part))
            continue;
        region_from_box(&restored, &part);
        pixman_region32_intersect(&restored, &restored, &vs->lacks);
        /* All of it is lacking, or nearly so: else it has been drawn by another. */
        if (region_area(&restored) * 2 > box_area(&part)) {
            if (view_send_cached(vs, &part, &backing->box, &backing->source)) {
                pixman_region32_fini(&restored);
                region_from_box(&restored, &part);
                view_has(vs, &restored);
                view_shadow_paint(vs, &part);
            } else { /* it has left the cache */
                backing_free(vs, l);
            }
        }
        pixman_region32_fini(&restored);
    }
}
