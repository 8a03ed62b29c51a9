/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Surfaces and their pending drawings: what is entered, and what has to be rendered when. */
#include "display/truth-private.h"

#include <string.h>

#include <spice/enums.h>
#include <spice/qxl_dev.h>

#include "slices.h"

/* ---- surfaces ---- */

Surface *surface_ref(Surface *surface)
{
    surface->refs++;
    return surface;
}

void surface_unref(Surface *surface)
{
    if (--surface->refs > 0)
        return;
    pixman_region32_fini(&surface->dirty);
    g_free(surface);
}

Truth *truth_new(uint32_t n_surfaces, const TruthObserver *observer, void *context)
{
    Truth *truth = g_new0(Truth, 1);

    truth->n_surfaces = n_surfaces;
    truth->surfaces = g_new0(Surface *, n_surfaces);
    if (observer)
        truth->observer = *observer;
    truth->context = context;
    truth->order = g_ptr_array_new();
    truth->listed = g_ptr_array_new();
    return truth;
}

void truth_set_watched(Truth *truth, bool watched)
{
    truth->unwatched = !watched;
}

void *truth_scratch(Truth *truth, size_t size)
{
    if (size > truth->scratch_size) {
        g_free(truth->scratch);
        truth->scratch = g_try_malloc(size);
        truth->scratch_size = truth->scratch ? size : 0;
    }
    return truth->scratch;
}

Surface *truth_surface(Truth *truth, uint32_t id)
{
    return id < truth->n_surfaces ? truth->surfaces[id] : NULL;
}

Surface *truth_create_surface(Truth *truth, uint32_t id, uint32_t format, uint32_t width,
                              uint32_t height, int32_t stride, uint8_t *data, bool keep_data,
                              GuestResource *create)
{
    CanvasResult result;
    CanvasSurface *canvas =
        id < truth->n_surfaces && !truth->surfaces[id]
            ? canvas_surface_new_for_data(format, width, height, data, stride, &result)
            : NULL;
    Surface *surface;
    SurfaceTree *tree;

    if (!canvas) {
        guest_resource_unref(create);
        return NULL;
    }
    if (!keep_data) {
        /* Also what lies between the rows: guests rely on it (7.1). */
        size_t length = ABS((ptrdiff_t)stride);

        memset(stride < 0 ? data - length * (height - 1) : data, 0, length * height);
    }
    surface = g_new0(Surface, 1);
    surface->refs = 1;
    surface->id = id;
    surface->alive = true;
    surface->canvas = canvas;
    surface->format = format;
    surface->width = width;
    surface->height = height;
    surface->keeps_data = keep_data;
    pixman_region32_init(&surface->dirty);
    surface->create = create;
    surface->truth = truth;
    g_queue_init(&surface->pending);
    surface->tree = tree = g_new0(SurfaceTree, 1);
    g_queue_init(&tree->readers);
    pixman_region32_init(&tree->diverged);
    truth->surfaces[id] = surface;
    return surface;
}

/* ---- the lists ---- */

static size_t weight_of(const Drawable *drawable)
{
    size_t weight =
        sizeof *drawable + drawable->arena.total +
        pixman_region32_n_rects((pixman_region32_t *)&drawable->region) * sizeof(pixman_box32_t);

    for (unsigned i = 0; i < drawable->n_blobs; i++)
        weight += drawable->blobs[i]->size;
    return weight;
}

/* What it reads of its target besides the pixels that it paints. */
static pixman_box32_t own_reads(const Drawable *drawable)
{
    const Node *node = node_of(drawable);
    const pixman_box32_t *painted = pixman_region32_extents((pixman_region32_t *)&drawable->region);
    pixman_box32_t all = {0};

    if (node->dx || node->dy)
        all = (pixman_box32_t){painted->x1 + node->dx, painted->y1 + node->dy,
                               painted->x2 + node->dx, painted->y2 + node->dy};
    for (unsigned i = 0; i < drawable->n_reads; i++)
        if (drawable->reads[i].surface == drawable->target)
            all = box_join(&all, &drawable->reads[i].area);
    return all;
}

static void add_entry(Drawable *drawable)
{
    SurfaceTree *tree = tree_of(drawable->target);
    Node *node = node_of(drawable);

    if (tree->end == tree->room) {
        unsigned kept = 0;

        for (unsigned i = tree->first; i < tree->end; i++) {
            if (!tree->entries[i].drawable)
                continue;
            node_of(tree->entries[i].drawable)->slot = kept;
            tree->entries[kept++] = tree->entries[i];
        }
        tree->first = 0;
        tree->end = kept;
        if (kept * 2 >= tree->room) {
            tree->room = MAX(64, tree->room * 2);
            tree->entries = g_renew(Entry, tree->entries, tree->room);
        }
    }
    node->slot = tree->end;
    tree->entries[tree->end++] = (Entry){.drawable = drawable,
                                         .painted = *pixman_region32_extents(&drawable->region),
                                         .reads = own_reads(drawable),
                                         .reads_self = node->reads_self};
    entry_set_visible(&tree->entries[node->slot], &drawable->visible);
    tree->n_reading += node->reads_self;
}

static void remove_entry(Drawable *drawable)
{
    SurfaceTree *tree = tree_of(drawable->target);

    tree->entries[node_of(drawable)->slot] = (Entry){0};
    tree->n_reading -= node_of(drawable)->reads_self;
    while (tree->first < tree->end && !tree->entries[tree->first].drawable)
        tree->first++;
    while (tree->first < tree->end && !tree->entries[tree->end - 1].drawable)
        tree->end--;
    if (tree->first == tree->end)
        tree->first = tree->end = 0;
}

static void link_drawable(Truth *truth, Drawable *drawable)
{
    Node *node = node_of(drawable);

    add_entry(drawable);
    drawable->tree_link = (GList){.data = drawable};
    g_queue_push_tail_link(&drawable->target->pending, &drawable->tree_link);
    node->age.data = drawable;
    g_queue_push_tail_link(&truth->pending, &node->age);
    for (unsigned i = 0; i < drawable->n_reads; i++) {
        Reader *reader = &node->readers[i];

        if (drawable->reads[i].surface == drawable->target || !drawable->reads[i].surface->alive)
            continue;
        *reader = (Reader){{.data = reader}, drawable, drawable->reads[i].area};
        g_queue_push_tail_link(&tree_of(drawable->reads[i].surface)->readers, &reader->link);
    }
    for (unsigned i = 0; i < drawable->n_borrowed; i++)
        node->borrowed += drawable->borrowed[i].iov_len;
    node->weight = weight_of(drawable);
    truth->borrowed += node->borrowed;
    truth->weight += node->weight;
}

static void free_node(Drawable *drawable)
{
    slice_free(Node, node_of(drawable));
    drawable->tree_data = NULL;
}

void truth_unlink(Truth *truth, Drawable *drawable)
{
    Node *node = node_of(drawable);

    remove_entry(drawable);
    g_queue_unlink(&drawable->target->pending, &drawable->tree_link);
    g_queue_unlink(&truth->pending, &node->age);
    for (unsigned i = 0; i < drawable->n_reads; i++)
        if (node->readers[i].drawable)
            g_queue_unlink(&tree_of(drawable->reads[i].surface)->readers, &node->readers[i].link);
    truth->borrowed -= node->borrowed;
    truth->weight -= node->weight;
    free_node(drawable);
}

/* Pixels that only rendering needed; without them there is nothing left to draw. Clients get a put
 * drawing as pixels of the truth, so one that waits in the queue of a client which stands still
 * holds none. An image for their caches is sent as it is, unless its pixels are the guest's again.
 */
static void forget_pixels(Drawable *drawable)
{
    const WireImage *image = drawable->message_type == SPICE_MSG_DISPLAY_DRAW_COPY
                                 ? drawable->message.copy.src_image
                                 : NULL;

    if (!drawable->put || !image ||
        (image->flags & SPICE_IMAGE_FLAGS_CACHE_ME && drawable->n_borrowed == 0))
        return;
    for (unsigned i = 0; i < drawable->n_blobs; i++)
        blob_unref(drawable->blobs[i]);
    drawable->n_blobs = 0;
    drawable->message.copy.src_image = NULL;
    drawable->message.base.box = (WireRect){0};
}

/* Nothing of guest memory is needed any more. */
static void release(Drawable *drawable)
{
    GuestResource *resource = drawable->resource;

    forget_pixels(drawable);
    drawable->n_borrowed = 0;
    drawable->borrowed = NULL;
    drawable->resource = NULL;
    pixman_region32_clear(&drawable->visible);
    guest_resource_unref(resource);
}

static void drop_silently(Truth *truth, Drawable *drawable)
{
    truth_unlink(truth, drawable);
    drawable->state = DRAWABLE_DROPPED;
    release(drawable);
}

void truth_diverge(Drawable *drawable, const pixman_region32_t *region)
{
    SurfaceTree *tree = tree_of(drawable->target);

    pixman_region32_union(&tree->diverged, &tree->diverged, (pixman_region32_t *)region);
    region_limit(&tree->diverged, TRUTH_MAX_RECTS);
    tree->diverged_at = MAX(tree->diverged_at, drawable->serial);
}

void truth_drop(Truth *truth, Drawable *drawable)
{
    if (drawable->sent)
        truth_diverge(drawable, &drawable->region);
    drop_silently(truth, drawable);
    if (truth->observer.dropped)
        truth->observer.dropped(truth->context, drawable);
    drawable_unref(drawable);
}

/* ---- rendering in order ---- */

static void render_one(Truth *truth, Drawable *drawable)
{
    truth_unlink(truth, drawable);
    truth_draw(truth, drawable);
    drawable->state = DRAWABLE_RENDERED;
    release(drawable);
    if (truth->observer.rendered)
        truth->observer.rendered(truth->context, drawable);
    drawable_unref(drawable);
}

enum { WORTH_A_SWEEP = 32 }; /* drawings to be rendered at once */

static void unref_drawable(void *drawable, void *context)
{
    drawable_unref(drawable);
}

static void render_all_of(Truth *truth, const GPtrArray *order)
{
    for (unsigned i = order->len; i > 0; i--) {
        Drawable *next = order->pdata[i - 1];

        if (next->state == DRAWABLE_PENDING)
            render_one(truth, next);
        drawable_unref(next);
    }
}

void truth_render(Truth *truth, Drawable *drawable)
{
    if (drawable->state == DRAWABLE_PENDING && drawable->tree_data)
        render_all_of(truth,
                      truth_before(truth, &(Wanted){drawable->target, .drawable = drawable}));
}

static void render_wanted(Truth *truth, const Wanted *wanted)
{
    GPtrArray *order;

    if (!wanted->surface->alive)
        return;
    order = truth_before(truth, wanted);
    if (order->len >= WORTH_A_SWEEP) {
        g_ptr_array_foreach(order, unref_drawable, NULL);
        truth_sweep(truth, wanted->surface);
        order = truth_before(truth, wanted);
    }
    render_all_of(truth, order);
}

void truth_render_area(Truth *truth, Surface *surface, const pixman_box32_t *area)
{
    render_wanted(truth, &(Wanted){surface, .area = area, .until = UINT64_MAX});
}

void truth_render_until(Truth *truth, Surface *surface, const pixman_box32_t *area, uint64_t serial)
{
    render_wanted(truth, &(Wanted){surface, .area = area, .until = serial, .hidden_too = true});
}

void truth_render_surface(Truth *truth, Surface *surface)
{
    const pixman_box32_t all = surface_box(surface);

    if (surface->pending.head)
        truth_render_area(truth, surface, &all);
}

/* The oldest of all needs nothing that isn't rendered. */
static void render_oldest(Truth *truth)
{
    render_one(truth, truth->pending.head->data);
}

void truth_sweep_all(Truth *truth)
{
    for (uint32_t i = 0; i < truth->n_surfaces; i++) {
        if (truth->surfaces[i])
            truth_sweep(truth, truth->surfaces[i]);
    }
    truth->n_added = 0;
}

void truth_render_all(Truth *truth)
{
    if (truth->pending.length >= WORTH_A_SWEEP)
        truth_sweep_all(truth);
    while (truth->pending.head)
        render_oldest(truth);
}

void truth_trim(Truth *truth, unsigned n, size_t borrowed)
{
    for (GList *link = truth->pending.head; truth->borrowed > borrowed && link;) {
        if (node_of(link->data)->borrowed > 0) {
            truth_render(truth, link->data);
            link = truth->pending.head;
        } else {
            link = link->next;
        }
    }
    if (truth->pending.length <= n)
        return;
    /* Not each of them costs a look at all. */
    if (truth->n_added >= n / 4)
        truth_sweep_all(truth);
    while (truth->pending.length > n)
        render_oldest(truth);
}

unsigned truth_n_pending(const Truth *truth)
{
    return truth->pending.length;
}

size_t truth_borrowed(const Truth *truth)
{
    return truth->borrowed;
}

/* ---- entering ---- */

/* Drawings that read the surface where it is about to change. NULL: anywhere. */
static void render_readers(Truth *truth, Surface *surface, const pixman_region32_t *region)
{
    GPtrArray *readers = NULL;

    for (GList *link = tree_of(surface)->readers.tail; link; link = link->prev) {
        Reader *reader = link->data;

        if (region && !region_touches(region, &reader->area))
            continue;
        if (!readers)
            readers = g_ptr_array_new();
        g_ptr_array_add(readers, drawable_ref(reader->drawable));
    }
    if (!readers)
        return;
    for (unsigned i = 0; i < readers->len; i++) {
        truth_render(truth, readers->pdata[i]);
        drawable_unref(readers->pdata[i]);
    }
    g_ptr_array_free(readers, true);
}

/* Sets what the tree has to know of a new drawing. False: it has no effect. */
static bool prepare(Drawable *drawable)
{
    const Surface *target = drawable->target;
    Node *node = drawable->tree_data = slice_new0(Node);

    node->opaque = drawable->effect == QXL_EFFECT_OPAQUE || drawable->put;
    for (unsigned i = 0; i < drawable->n_reads; i++)
        node->reads_self |= drawable->reads[i].surface == target;
    if (drawable->message_type == SPICE_MSG_DISPLAY_COPY_BITS) {
        const WireRect *box = &drawable->message.base.box;
        const WirePoint *source = &drawable->message.copy_bits.src_pos;
        int64_t dx = (int64_t)source->x - box->left, dy = (int64_t)source->y - box->top;

        if ((dx == 0 && dy == 0) || ABS(dx) >= target->width || ABS(dy) >= target->height)
            return false;
        node->dx = dx;
        node->dy = dy;
        node->reads_self = true;
        /* What comes from outside of the surface isn't painted. */
        pixman_region32_intersect_rect(&drawable->region, &drawable->region, -dx, -dy,
                                       target->width, target->height);
    }
    return pixman_region32_not_empty(&drawable->region);
}

bool truth_add(Truth *truth, Drawable *drawable)
{
    Surface *target = drawable->target;

    drawable->state = DRAWABLE_DROPPED;
    if (!target->alive || !prepare(drawable)) {
        if (drawable->tree_data)
            free_node(drawable);
        release(drawable);
        drawable_unref(drawable);
        return false;
    }
    render_readers(truth, target, &drawable->region);
    if (truth_merge(truth, drawable)) {
        free_node(drawable);
        release(drawable);
        drawable_unref(drawable);
        return false;
    }
    if (node_of(drawable)->opaque)
        truth_hide(truth, drawable);
    pixman_region32_copy(&drawable->visible, &drawable->region);
    region_limit(&drawable->visible, TRUTH_MAX_RECTS);
    drawable->state = DRAWABLE_PENDING;
    link_drawable(truth, drawable);
    truth->n_added++;
    while (truth->pending.length > TRUTH_MAX_PENDING ||
           (truth->weight > TRUTH_MAX_WEIGHT && truth->pending.length > 1))
        render_oldest(truth);
    return true;
}

/* ---- the end ---- */

static void bury(Truth *truth, Surface *surface)
{
    SurfaceTree *tree = tree_of(surface);

    surface->alive = false;
    surface->truth = NULL;
    truth->surfaces[surface->id] = NULL;
    canvas_surface_free(surface->canvas);
    surface->canvas = NULL;
    pixman_region32_fini(&tree->diverged);
    g_free(tree->entries);
    g_clear_pointer(&surface->tree, g_free);
    guest_resource_unref(g_steal_pointer(&surface->create));
}

void truth_destroy_surface(Truth *truth, Surface *surface, GuestResource *destroy)
{
    if (surface->alive) {
        render_readers(truth, surface, NULL);
        while (surface->pending.tail)
            truth_drop(truth, surface->pending.tail->data);
        bury(truth, surface);
        guest_resource_unref(destroy);
        surface_unref(surface);
    } else {
        guest_resource_unref(destroy);
    }
}

void truth_free(Truth *truth)
{
    if (!truth)
        return;
    while (truth->pending.head) {
        Drawable *drawable = truth->pending.head->data;

        drop_silently(truth, drawable);
        drawable_unref(drawable);
    }
    for (uint32_t i = 0; i < truth->n_surfaces; i++) {
        Surface *surface = truth->surfaces[i];

        if (surface) {
            bury(truth, surface);
            surface_unref(surface);
        }
    }
    g_ptr_array_free(truth->order, true);
    g_ptr_array_free(truth->listed, true);
    g_free(truth->surfaces);
    g_free(truth->scratch);
    g_free(truth);
}
