/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A view's records of surfaces, and its queue of drawings that the client lacks. */
#include "display/view.h"

#include <string.h>

#include "slices.h"

enum {
    MAX_ITEMS = 2000,         /* in a queue */
    MAX_QUEUE_COST = 8 << 20, /* bytes that it may take on the wire, roughly */
    MAX_LACKS_RECTS = 400,    /* of one region */
    COARSE = 32,              /* pixels: what a region is rounded to that has more */
};

/* ---- Regions ---- */

void region_bound(pixman_region32_t *region, int n)
{
    if (pixman_region32_n_rects(region) > n) {
        pixman_box32_t all = *pixman_region32_extents(region);

        pixman_region32_fini(region);
        region_from_box(region, &all);
    }
}

void region_from_box(pixman_region32_t *region, const pixman_box32_t *box)
{
    if (box_area(box) > 0)
        pixman_region32_init_rect(region, box->x1, box->y1, (unsigned)(box->x2 - box->x1),
                                  (unsigned)(box->y2 - box->y1));
    else
        pixman_region32_init(region);
}

/* A region that has become too complicated grows to coarse squares: to lack more than is true is
 * never wrong. */
static void view_simplify(ViewSurface *vs)
{
    int n;
    pixman_box32_t *boxes = pixman_region32_rectangles(&vs->lacks, &n);

    if (n <= MAX_LACKS_RECTS)
        return;

    pixman_box32_t *coarse = g_new(pixman_box32_t, (gsize)n);
    pixman_region32_t grown;

    for (int i = 0; i < n; i++) {
        coarse[i].x1 = boxes[i].x1 / COARSE * COARSE;
        coarse[i].y1 = boxes[i].y1 / COARSE * COARSE;
        coarse[i].x2 =
            (int)MIN((uint32_t)(boxes[i].x2 + COARSE - 1) / COARSE * COARSE, vs->surface->width);
        coarse[i].y2 =
            (int)MIN((uint32_t)(boxes[i].y2 + COARSE - 1) / COARSE * COARSE, vs->surface->height);
    }
    if (pixman_region32_init_rects(&grown, coarse, n)) {
        region_bound(&grown, MAX_LACKS_RECTS);
        pixman_region32_copy(&vs->lacks, &grown);
        pixman_region32_fini(&grown);
    }
    g_free(coarse);
}

void view_lack(ViewSurface *vs, const pixman_region32_t *region)
{
    pixman_region32_union(&vs->lacks, &vs->lacks, (pixman_region32_t *)(uintptr_t)region);
    view_simplify(vs);
}

void view_lack_box(ViewSurface *vs, const pixman_box32_t *box)
{
    pixman_region32_t region;

    region_from_box(&region, box);
    view_lack(vs, &region);
    pixman_region32_fini(&region);
}

void view_has(ViewSurface *vs, const pixman_region32_t *region)
{
    pixman_region32_t *r = (pixman_region32_t *)(uintptr_t)region;

    if (pixman_region32_not_empty(&vs->lacks))
        pixman_region32_subtract(&vs->lacks, &vs->lacks, r);
    if (pixman_region32_not_empty(&vs->initial))
        pixman_region32_subtract(&vs->initial, &vs->initial, r);
    if (pixman_region32_not_empty(&vs->lossy)) {
        pixman_region32_subtract(&vs->lossy, &vs->lossy, r);
        pixman_region32_subtract(&vs->exact, &vs->exact, r);
    }
}

/* ---- Records ---- */

ViewSurface *view_find(const View *view, const Surface *surface)
{
    ViewSurface *vs = surface->views;

    while (vs && vs->view != view)
        vs = vs->next;

    return vs;
}

ViewSurface *view_record(View *view, Surface *surface)
{
    ViewSurface *vs = view_find(view, surface);

    if (vs)
        return vs;

    vs = g_new0(ViewSurface, 1);
    vs->view = view;
    vs->surface = surface_ref(surface);
    vs->unsupported = surface->format == SPICE_SURFACE_FMT_8_A && !view->a8;
    pixman_region32_init(&vs->lacks);
    pixman_region32_init(&vs->initial);
    pixman_region32_init(&vs->lossy);
    pixman_region32_init(&vs->fresh);
    pixman_region32_init(&vs->exact);
    pixman_region32_init(&vs->known);
    g_queue_init(&vs->backings);
    vs->next = surface->views;
    surface->views = vs;
    g_ptr_array_add(view->surfaces, vs);

    return vs;
}

void view_forget(ViewSurface *vs)
{
    Surface *surface = vs->surface;
    ViewSurface *all = surface->views;

    if (all == vs)
        surface->views = vs->next;
    else
        for (; all; all = all->next)
            if (all->next == vs) {
                all->next = vs->next;
                break;
            }
    g_ptr_array_remove_fast(vs->view->surfaces, vs);
    pixman_region32_fini(&vs->lacks);
    pixman_region32_fini(&vs->initial);
    pixman_region32_fini(&vs->lossy);
    pixman_region32_fini(&vs->fresh);
    pixman_region32_fini(&vs->exact);
    pixman_region32_fini(&vs->known);
    g_free(vs->shadow);
    view_backing_clear(vs);
    g_free(vs);
    surface_unref(surface);
}

/* ---- The queue ---- */

void view_want(View *view)
{
    if (view->asked || !view->ready || channel_client_is_closing(&view->base))
        return;

    view->asked = true;
    channel_client_want(&view->base);
}

static void view_link(View *view, Item *item)
{
    item->prev = view->last;
    if (view->last)
        view->last->next = item;
    else
        view->first = item;
    view->last = item;
    view->n_items++;
    view->queue_cost += item->cost;
}

void view_unlink(View *view, Item *item)
{
    if (item->prev)
        item->prev->next = item->next;
    else
        view->first = item->next;
    if (item->next)
        item->next->prev = item->prev;
    else
        view->last = item->prev;
    view->n_items--;
    view->queue_cost -= item->cost;

    if (item->kind == ITEM_DRAW) {
        ViewSurface *vs = item->target;

        if (item->surface_prev)
            item->surface_prev->surface_next = item->surface_next;
        else
            vs->first = item->surface_next;
        if (item->surface_next)
            item->surface_next->surface_prev = item->surface_prev;
        else
            vs->last = item->surface_prev;
        for (unsigned i = 0; i < item->drawable->n_reads; i++) {
            ViewSurface *read = view_find(view, item->drawable->reads[i].surface);

            if (read && read->n_readers > 0)
                read->n_readers--;
        }
        drawable_unref(item->drawable);
    }
    slice_free(Item, item);
}

/* An image that is painted into the truth before the client gets its pixels from there. */
static bool view_is_put_only(const Drawable *drawable)
{
    const WireImage *image = drawable->put ? drawable->message.copy.src_image : NULL;

    return drawable->put && !(image && image->flags & SPICE_IMAGE_FLAGS_CACHE_ME);
}

/* Bytes that a drawing takes on the wire, roughly; it is only compared with others'. */
static uint32_t view_drawable_cost(const Drawable *drawable)
{
    size_t cost = 64;

    if (view_is_put_only(drawable))
        return 64;
    if (drawable->message.base.clip.type == SPICE_CLIP_TYPE_RECTS)
        cost += drawable->message.base.clip.n_rects * sizeof(WireRect);
    for (unsigned i = 0; i < drawable->n_blobs; i++)
        cost += drawable->blobs[i]->size / 3;
    if (drawable->message_type == SPICE_MSG_DISPLAY_DRAW_TEXT ||
        drawable->message_type == SPICE_MSG_DISPLAY_DRAW_STROKE)
        cost += drawable->arena.total / 2;

    return (uint32_t)MIN(cost, UINT32_MAX);
}

void view_queue_draw(View *view, Drawable *drawable)
{
    ViewSurface *vs = view_record(view, drawable->target);

    if (vs->unsupported)
        return;
    if (vs->damage) {
        view_want(view); /* when it has been rendered it lacks that */
        return;
    }

    Item *item = slice_new0(Item);

    item->kind = ITEM_DRAW;
    item->target = vs;
    item->drawable = drawable_ref(drawable);
    item->cost = view_drawable_cost(drawable);
    for (unsigned i = 0; i < drawable->n_reads; i++)
        view_record(view, drawable->reads[i].surface)->n_readers++;

    item->surface_prev = vs->last;
    if (vs->last)
        vs->last->surface_next = item;
    else
        vs->first = item;
    vs->last = item;
    view_link(view, item);
    view_limit_queue(view);
    view_want(view);
}

void view_queue_plain(View *view, ItemKind kind, ViewSurface *vs, uint16_t type)
{
    Item *item = slice_new0(Item);

    item->kind = kind;
    item->target = vs;
    item->type = type;
    item->cost = 32;
    view_link(view, item);
    view_want(view);
}

void view_sweep(View *view)
{
    for (Item *item = view->first, *next; item; item = next) {
        next = item->next;
        if (item->kind == ITEM_DRAW && item->drawable->state == DRAWABLE_DROPPED)
            view_unlink(view, item);
    }
    view->n_dropped = 0;
}

/* Rendered drawings are lacking from now on; the pending ones will be when they are rendered, those
 * among them that were walked over excepted: the client has these. */
void view_to_damage(ViewSurface *vs)
{
    if (vs->damage)
        return;

    vs->damage = true;
    vs->ignore_until = vs->view->position;
    while (vs->first) {
        Drawable *drawable = vs->first->drawable;

        if (drawable->state == DRAWABLE_RENDERED)
            view_lack(vs, &drawable->changed);
        view_unlink(vs->view, vs->first);
    }
}

/* Surfaces that came and went while the client stood still, and that nobody reads any more: it
 * needn't be told of them. */
static void view_forget_unseen(View *view)
{
    for (unsigned i = view->surfaces->len; i-- > 0;) {
        ViewSurface *vs = g_ptr_array_index(view->surfaces, i);

        if (!vs->dying || vs->created || vs->n_readers > 0 || vs->first)
            continue;
        for (Item *item = view->first, *next; item; item = next) {
            next = item->next;
            if (item->target == vs)
                view_unlink(view, item);
        }
        view_forget(vs);
    }
}

void view_limit_queue(View *view)
{
    if (view->n_items <= MAX_ITEMS && view->queue_cost <= MAX_QUEUE_COST)
        return;

    view_sweep(view);
    if (view->n_items <= MAX_ITEMS / 2 && view->queue_cost <= MAX_QUEUE_COST / 2)
        return;
    for (Item *item = view->first; item;) {
        if (item->kind == ITEM_DRAW && !item->target->damage) {
            view_to_damage(item->target);
            item = view->first;
        } else {
            item = item->next;
        }
    }
    view_forget_unseen(view);
}

/* Called while the surface is still there. Who reads it stands before its end in the queue, and
 * finds there what the client has of it, or paints from the truth. */
void view_surface_destroyed(View *view, Surface *surface)
{
    ViewSurface *vs = view_find(view, surface);

    if (!vs)
        return;

    if (vs->n_readers == 0) {
        while (vs->first)
            view_unlink(view, vs->first);
        pixman_region32_clear(&vs->lacks);
        for (Item *item = vs->created ? NULL : view->first; item; item = item->next)
            if (item->kind == ITEM_CREATE && item->target == vs) { /* not even told of it */
                view_unlink(view, item);
                break;
            }
        if (!vs->created) {
            view_forget(vs);
            return;
        }
    }
    vs->dying = true;
    view_queue_plain(view, ITEM_DESTROY, vs, 0);
}

/* ---- Beginning and end ---- */

void view_end(View *view)
{
    view_drop_out(view);
    while (view->first)
        view_unlink(view, view->first);
    while (view->surfaces && view->surfaces->len > 0)
        view_forget(g_ptr_array_index(view->surfaces, view->surfaces->len - 1));
    if (view->surfaces)
        g_ptr_array_unref(view->surfaces);
    view->surfaces = NULL;
    content_cache_free(view->content);
    view->content = NULL;
    loop_timer_free(view->frame_timer);
    view->frame_timer = NULL;
    loop_timer_free(view->refine_timer);
    view->refine_timer = NULL;
    pixmap_cache_unref(view->pixmaps);
    view->pixmaps = NULL;
    glz_shared_unref(view->glz);
    view->glz = NULL;
    palette_cache_free(view->palettes);
    view->palettes = NULL;
}
