/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Drawings that need not be drawn: what a younger one covers, repeats or undoes, or moves away.
 * docs/spec/server-display.md 8.2, 8.4, 8.5 */
#include "display/truth-private.h"

#include <string.h>

#include <spice/enums.h>
#include <spice/qxl_dev.h>

/* ---- merging: 8.5 ---- */

static bool same_bytes(const WireBytes *a, const WireBytes *b)
{
    return a->size == b->size && (a->size == 0 || memcmp(a->data, b->data, a->size) == 0);
}

static bool same_mask(const WireQMask *a, const WireQMask *b)
{
    const WireBitmap *p, *q;

    if (!a->image || !b->image)
        return !a->image && !b->image;
    if (a->flags != b->flags || a->pos.x != b->pos.x || a->pos.y != b->pos.y ||
        a->image->type != SPICE_IMAGE_TYPE_BITMAP || b->image->type != SPICE_IMAGE_TYPE_BITMAP)
        return false;
    p = &a->image->u.bitmap;
    q = &b->image->u.bitmap;
    return p->format == q->format && p->flags == q->flags && p->x == q->x && p->y == q->y &&
           p->stride == q->stride && same_bytes(&p->data, &q->data);
}

static bool same_path(const WirePath *a, const WirePath *b)
{
    if (a->n_segments != b->n_segments)
        return false;
    for (uint32_t i = 0; i < a->n_segments; i++) {
        const WirePathSegment *p = &a->segments[i], *q = &b->segments[i];

        if (p->flags != q->flags || p->n_points != q->n_points)
            return false;
        for (uint32_t j = 0; j < p->n_points; j++)
            if (p->points[j].x != q->points[j].x || p->points[j].y != q->points[j].y)
                return false;
    }
    return true;
}

static bool both_solid(const WireBrush *a, const WireBrush *b)
{
    return a->type == SPICE_BRUSH_TYPE_SOLID && b->type == SPICE_BRUSH_TYPE_SOLID;
}

/* The same pixels are painted, by the same operation. Only of types that guests draw this way. */
static bool same_geometry(const Drawable *a, const Drawable *b, bool same_color)
{
    const WireRect *p = &a->message.base.box, *q = &b->message.base.box;

    if (a->message_type != b->message_type || p->left != q->left || p->top != q->top ||
        p->right != q->right || p->bottom != q->bottom)
        return false;
    if (a->message_type == SPICE_MSG_DISPLAY_DRAW_FILL) {
        const WireMsgDisplayDrawFill *f = &a->message.fill, *g = &b->message.fill;

        return both_solid(&f->brush, &g->brush) && f->rop_descriptor == g->rop_descriptor &&
               (!same_color || f->brush.u.color == g->brush.u.color) &&
               same_mask(&f->mask, &g->mask);
    }
    if (a->message_type == SPICE_MSG_DISPLAY_DRAW_STROKE) {
        const WireMsgDisplayDrawStroke *s = &a->message.stroke, *t = &b->message.stroke;

        return both_solid(&s->brush, &t->brush) && s->fore_mode == t->fore_mode &&
               s->back_mode == t->back_mode &&
               (!same_color || s->brush.u.color == t->brush.u.color) &&
               !(s->attr.flags & SPICE_LINE_FLAGS_STYLED) &&
               !(t->attr.flags & SPICE_LINE_FLAGS_STYLED) && same_path(s->path, t->path);
    }
    return false;
}

bool truth_merge(Truth *truth, Drawable *drawable)
{
    const SurfaceTree *tree = tree_of(drawable->target);
    pixman_box32_t area = *pixman_region32_extents(&drawable->region);
    Drawable *old = NULL;

    if (drawable->effect != QXL_EFFECT_REVERT_ON_DUP && drawable->effect != QXL_EFFECT_NOP_ON_DUP &&
        drawable->effect != QXL_EFFECT_OPAQUE_BRUSH)
        return false;
    if (node_of(drawable)->reads_self)
        return false;
    /* What stands between the two must have nothing to do with these pixels. */
    for (GList *link = drawable->target->pending.tail; link && !old; link = link->prev) {
        const Entry *entry = &tree->entries[node_of(link->data)->slot];

        if (boxes_touch(&entry->painted, &area))
            old = link->data;
        else if (boxes_touch(&entry->reads, &area))
            return false;
    }
    if (!old || old->effect != drawable->effect || node_of(old)->reads_self ||
        !pixman_region32_equal(&old->region, &drawable->region) ||
        !same_geometry(old, drawable, drawable->effect != QXL_EFFECT_OPAQUE_BRUSH))
        return false;
    switch (drawable->effect) {
    case QXL_EFFECT_NOP_ON_DUP:
        return true;
    case QXL_EFFECT_REVERT_ON_DUP:
        if (old->sent)
            return false;
        truth_drop(truth, old);
        return true;
    default:
        truth_drop(truth, old);
        return false;
    }
}

/* ---- hiding: 8.4 ---- */

/* Pixels that the drawing needs from below, which lie elsewhere than those it paints, are not to be
 * hidden from it. painted: as far as its result matters. */
static void protect_source(pixman_region32_t *hidden, const Drawable *drawable,
                           const pixman_region32_t *painted)
{
    const Node *node = node_of(drawable);
    pixman_region32_t source;

    if (!node->reads_self)
        return;
    if (node->dx || node->dy) {
        pixman_region32_init(&source);
        pixman_region32_copy(&source, (pixman_region32_t *)painted);
        region_limit(&source, TRUTH_MAX_RECTS / 4);
        pixman_region32_translate(&source, node->dx, node->dy);
        pixman_region32_subtract(hidden, hidden, &source);
        pixman_region32_fini(&source);
    }
    for (unsigned i = 0; i < drawable->n_reads; i++) {
        const pixman_box32_t *area = &drawable->reads[i].area;

        if (drawable->reads[i].surface != drawable->target)
            continue;
        pixman_region32_init_rect(&source, area->x1, area->y1, MAX(area->x2 - area->x1, 0),
                                  MAX(area->y2 - area->y1, 0));
        pixman_region32_subtract(hidden, hidden, &source);
        pixman_region32_fini(&source);
    }
}

/* Less of it is always safe. */
static void limit_hidden(pixman_region32_t *hidden)
{
    int n, best = 0;
    int64_t most = 0;
    pixman_box32_t *boxes = pixman_region32_rectangles(hidden, &n);

    if (n <= TRUTH_MAX_RECTS)
        return;
    for (int i = 0; i < n; i++) {
        int64_t pixels =
            (int64_t)(boxes[i].x2 - boxes[i].x1) * (int64_t)(boxes[i].y2 - boxes[i].y1);

        if (pixels > most) {
            most = pixels;
            best = i;
        }
    }
    pixman_box32_t box = boxes[best];

    pixman_region32_reset(hidden, &box);
}

/* Less of the drawing is visible. False: nothing is, and it has been dropped. */
static bool cut_visible(Truth *truth, Entry *entry, const pixman_region32_t *hidden)
{
    Drawable *drawable = entry->drawable;
    pixman_region32_t cut;

    if (!regions_touch(&drawable->visible, hidden))
        return true;
    if (entry->reads_self) {
        /* What it has read there may be gone, and it isn't painted there any more. */
        pixman_region32_init(&cut);
        pixman_region32_intersect(&cut, &drawable->visible, (pixman_region32_t *)hidden);
        truth_diverge(drawable, &cut);
        pixman_region32_fini(&cut);
    }
    pixman_region32_subtract(&drawable->visible, &drawable->visible, (pixman_region32_t *)hidden);
    region_limit(&drawable->visible, TRUTH_MAX_RECTS);
    if (!pixman_region32_not_empty(&drawable->visible)) {
        truth_drop(truth, drawable);
        return false;
    }
    entry_set_visible(entry, &drawable->visible);
    return true;
}

/* The youngest before the entry 'end' that is seen where it would be hidden, or reads there; -1:
 * none. */
static int entry_before(const SurfaceTree *tree, unsigned end, const pixman_region32_t *hidden)
{
    pixman_box32_t area[2];

    region_outline(hidden, area);
    for (unsigned i = end; i > tree->first; i--) {
        const Entry *entry = &tree->entries[i - 1];

        if (entry_is_seen(entry, &area[0]) || entry_is_seen(entry, &area[1]) ||
            (entry->reads_self &&
             (boxes_touch(&entry->reads, &area[0]) || boxes_touch(&entry->reads, &area[1]))))
            return (int)i - 1;
    }
    return -1;
}

void truth_hide(Truth *truth, Drawable *drawable)
{
    SurfaceTree *tree = tree_of(drawable->target);
    pixman_region32_t hidden;
    int i = (int)tree->end;

    pixman_region32_init(&hidden);
    pixman_region32_copy(&hidden, &drawable->region);
    protect_source(&hidden, drawable, &drawable->region);
    limit_hidden(&hidden);
    while (pixman_region32_not_empty(&hidden) && (i = entry_before(tree, i, &hidden)) >= 0) {
        Entry *entry = &tree->entries[i];
        Drawable *older = entry->drawable;
        pixman_region_overlap_t overlap =
            pixman_region32_contains_rectangle(&hidden, pixman_region32_extents(&older->visible));

        if (overlap == PIXMAN_REGION_IN) {
            truth_drop(truth, older);
            continue;
        }
        if (overlap == PIXMAN_REGION_PART && !cut_visible(truth, entry, &hidden))
            continue;
        if (node_of(older)->opaque && !node_of(older)->reads_self &&
            pixman_region32_n_rects(&older->region) <= TRUTH_MAX_RECTS &&
            regions_touch(&hidden, &older->region)) {
            /* What an opaque one paints was hidden from everything older when it came. (What a copy
             * then still needed, and doesn't any more, is left to truth_sweep().) */
            pixman_region32_subtract(&hidden, &hidden, &older->region);
            limit_hidden(&hidden);
        }
        if (node_of(older)->reads_self) {
            protect_source(&hidden, older, &older->visible);
            limit_hidden(&hidden);
        }
    }
    pixman_region32_fini(&hidden);
}

/* ---- looking through copies ---- */

/* 'dead' is what nobody will see of the pixels after the drawing; now of those before it. Less of
 * it is always safe. */
static void look_through(const Drawable *drawable, pixman_region32_t *dead)
{
    const Node *node = node_of(drawable);
    pixman_region32_t *painted = (pixman_region32_t *)&drawable->region, live;
    bool simple = pixman_region32_n_rects(painted) <= TRUTH_MAX_RECTS;

    pixman_region32_init(&live);
    pixman_region32_copy(&live, painted);
    region_limit(&live, TRUTH_MAX_RECTS);
    /* Of what is copied, only that which will be seen is needed; what else is read, always. */
    if (node->dx || node->dy)
        pixman_region32_subtract(&live, &live, dead);
    if (simple && (node->opaque || node->dx || node->dy) &&
        pixman_region32_contains_rectangle(dead, pixman_region32_extents(painted)) !=
            PIXMAN_REGION_IN)
        pixman_region32_union(dead, dead, painted);
    protect_source(dead, drawable, &live);
    limit_hidden(dead);
    pixman_region32_fini(&live);
}

/* What the surface's pending copies paint and read: elsewhere truth_hide() has done it all. */
static pixman_box32_t copied_area(const SurfaceTree *tree)
{
    pixman_box32_t all = {0};

    for (unsigned i = tree->first; i < tree->end; i++) {
        const Entry *entry = &tree->entries[i];

        if (!entry->reads_self)
            continue;
        all = box_join(&all, &entry->painted);
        all = box_join(&all, &entry->reads);
    }
    return all;
}

void truth_sweep(Truth *truth, Surface *surface)
{
    SurfaceTree *tree = tree_of(surface);
    pixman_box32_t copied;
    pixman_region32_t dead;

    if (tree->n_reading == 0)
        return;
    copied = copied_area(tree);
    pixman_region32_init(&dead);
    for (unsigned i = tree->end; i-- > tree->first;) {
        Entry *entry = &tree->entries[i];
        pixman_region_overlap_t overlap;

        if (!entry->drawable || !entry_is_seen(entry, &copied))
            continue;
        overlap = pixman_region32_contains_rectangle(
            &dead, pixman_region32_extents(&entry->drawable->visible));
        if (overlap == PIXMAN_REGION_IN)
            truth_drop(truth, entry->drawable);
        else if (overlap == PIXMAN_REGION_OUT || cut_visible(truth, entry, &dead))
            look_through(entry->drawable, &dead);
    }
    pixman_region32_fini(&dead);
}
