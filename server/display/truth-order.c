/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which pending drawings have to be rendered before one can be. Drawings that have nothing to do
 * with each other may be rendered in any order: an image is compared with what is shown at once,
 * while text and copies beside it go on waiting, and may never be drawn at all.
 * docs/spec/server-display.md 7.4, 9.1 */
#include "display/truth-private.h"

static void add_area(Areas *areas, const pixman_box32_t *box)
{
    if (box_is_empty(box))
        return;
    if (areas->n < AREAS)
        areas->boxes[areas->n++] = *box;
    else
        areas->boxes[AREAS - 1] = box_join(&areas->boxes[AREAS - 1], box);
}

static bool areas_touch(const Areas *areas, const pixman_box32_t *box)
{
    for (unsigned i = 0; i < areas->n; i++)
        if (boxes_touch(&areas->boxes[i], box))
            return true;
    return false;
}

/* Must it come before one of those found so far, which are all younger? */
static bool comes_before(const SurfaceTree *tree, const Entry *entry)
{
    return areas_touch(&tree->touched, &entry->painted) ||
           (entry->reads_self && areas_touch(&tree->painted, &entry->reads));
}

/* What the drawing asks of its target. */
static void take(SurfaceTree *tree, const Entry *entry)
{
    add_area(&tree->painted, &entry->painted);
    add_area(&tree->touched, &entry->painted);
    add_area(&tree->touched, &entry->reads);
}

/* Is there a drawing that waits on another surface which this one reads? */
static bool waits_for_others(const Drawable *drawable)
{
    for (unsigned i = 0; i < drawable->n_reads; i++) {
        const Surface *surface = drawable->reads[i].surface;

        if (surface != drawable->target && surface->pending.head)
            return true;
    }
    return false;
}

static void forget_areas(SurfaceTree *tree)
{
    tree->painted.n = tree->touched.n = 0;
}

static void add_found(Truth *truth, Drawable *drawable)
{
    g_ptr_array_add(truth->order, drawable_ref(drawable));
}

static void clear_found(Truth *truth)
{
    for (unsigned i = 0; i < truth->order->len; i++)
        drawable_unref(truth->order->pdata[i]);
    g_ptr_array_set_size(truth->order, 0);
}

/* What is to be rendered for its own sake. */
static bool is_wanted(const Wanted *wanted, const Drawable *drawable)
{
    if (wanted->drawable)
        return drawable == wanted->drawable;
    return drawable->target == wanted->surface && drawable->serial <= wanted->until &&
           region_touches(wanted->hidden_too ? &drawable->region : &drawable->visible,
                          wanted->area);
}

/* On one surface. False: others matter, too. */
static bool find_on_surface(Truth *truth, const Wanted *wanted)
{
    SurfaceTree *tree = tree_of(wanted->surface);
    unsigned end = wanted->drawable ? node_of(wanted->drawable)->slot + 1 : tree->end;
    bool alone = true;

    for (unsigned i = end; alone && i > tree->first; i--) {
        const Entry *entry = &tree->entries[i - 1];
        Drawable *drawable = entry->drawable;

        if (!drawable || !(comes_before(tree, entry) || is_wanted(wanted, drawable)))
            continue;
        alone = !waits_for_others(drawable);
        take(tree, entry);
        add_found(truth, drawable);
    }
    forget_areas(tree);
    return alone;
}

/* *oldest: of the drawings that are pending on all that are listed. */
static SurfaceTree *list_surface(Truth *truth, Surface *surface, uint64_t *oldest)
{
    SurfaceTree *tree = tree_of(surface);

    if (!tree->listed) {
        tree->listed = true;
        g_ptr_array_add(truth->listed, tree);
        if (surface->pending.head)
            *oldest = MIN(*oldest, ((Drawable *)surface->pending.head->data)->serial);
    }
    return tree;
}

/* All that a drawing needs is older than it, so one walk from it to older ones finds it. */
static void find_everywhere(Truth *truth, const Wanted *wanted)
{
    uint64_t oldest = UINT64_MAX;
    GList *link = wanted->drawable ? &node_of(wanted->drawable)->age : truth->pending.tail;

    list_surface(truth, wanted->surface, &oldest);
    for (; link; link = link->prev) {
        Drawable *drawable = link->data;
        SurfaceTree *tree = tree_of(drawable->target);
        const Entry *entry = &tree->entries[node_of(drawable)->slot];

        /* Many may be waiting on surfaces that nobody reads. */
        if (drawable->serial < oldest)
            break;
        if (!tree->listed || !(comes_before(tree, entry) || is_wanted(wanted, drawable)))
            continue;
        take(tree, entry);
        add_found(truth, drawable);
        for (unsigned i = 0; i < drawable->n_reads; i++) {
            Surface *source = drawable->reads[i].surface;

            if (source != drawable->target && source->alive)
                add_area(&list_surface(truth, source, &oldest)->touched, &drawable->reads[i].area);
        }
    }
    for (unsigned i = 0; i < truth->listed->len; i++) {
        SurfaceTree *tree = truth->listed->pdata[i];

        tree->listed = false;
        forget_areas(tree);
    }
    g_ptr_array_set_size(truth->listed, 0);
}

GPtrArray *truth_before(Truth *truth, const Wanted *wanted)
{
    /* Who got what was found has given back the references. */
    g_ptr_array_set_size(truth->order, 0);
    if (!find_on_surface(truth, wanted)) {
        clear_found(truth);
        find_everywhere(truth, wanted);
    }
    return truth->order;
}
