/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A drawing becomes pixels of the truth. docs/spec/server-display.md 9.1 */
#include "display/truth-private.h"

#include <string.h>

#include <spice/enums.h>

/* What a compressed image of a guest may decode to. */
#define MAX_PIXELS (64u << 20)

/* The surface that a drawing means by an id: the one that had it when it was entered. */
static CanvasSurface *find_surface(void *ctx, uint32_t id)
{
    const Drawable *drawable = ctx;

    if (drawable->target->id == id)
        return drawable->target->canvas;
    for (unsigned i = 0; i < drawable->n_reads; i++)
        if (drawable->reads[i].surface->id == id)
            return drawable->reads[i].surface->canvas;
    return NULL;
}

static CanvasImage *decode_image(void *ctx, const WireImage *image, CanvasUse use,
                                 uint32_t surface_format)
{
    CanvasDecode how = {.use = use, .surface_format = surface_format, .max_pixels = MAX_PIXELS};

    return canvas_image_decode(image, &how, NULL);
}

/* Pixels that are still the guest's, in one piece; NULL: no memory, or none are. */
static uint8_t *gather_borrowed(const Drawable *drawable, size_t *size)
{
    uint8_t *data;

    *size = 0;
    for (unsigned i = 0; i < drawable->n_borrowed; i++)
        *size += drawable->borrowed[i].iov_len;
    data = *size ? g_try_malloc(*size) : NULL;
    for (size_t i = 0, at = 0; data && i < drawable->n_borrowed; i++) {
        memcpy(data + at, drawable->borrowed[i].iov_base, drawable->borrowed[i].iov_len);
        at += drawable->borrowed[i].iov_len;
    }
    return data;
}

/* What isn't visible needn't be painted, where that is most of it: of a window that is dragged only
 * a strip is ever seen. Clients that get the drawing show all of it. (For copies it has been said
 * already, when their sources were given up.) False: it isn't clipped. */
static bool clip_to_visible(Drawable *drawable, WireRect *rects)
{
    WireClip *clip = &drawable->message.base.clip;
    bool copy = drawable->message_type == SPICE_MSG_DISPLAY_COPY_BITS;
    int n;
    const pixman_box32_t *boxes = pixman_region32_rectangles(&drawable->visible, &n);

    if (clip->type != SPICE_CLIP_TYPE_NONE || n > TRUTH_MAX_RECTS ||
        (!copy && region_area(&drawable->visible) * 2 > region_area(&drawable->region)))
        return false;
    for (int i = 0; i < n; i++)
        rects[i] = (WireRect){
            .left = boxes[i].x1, .top = boxes[i].y1, .right = boxes[i].x2, .bottom = boxes[i].y2};
    *clip = (WireClip){SPICE_CLIP_TYPE_RECTS, n, rects};
    if (!copy)
        truth_diverge(drawable, &drawable->region);
    return true;
}

static CanvasResult draw_message(Drawable *drawable, pixman_region32_t *damage)
{
    const CanvasEnv env = {find_surface, decode_image, drawable};
    const WireImage *image = drawable->message.copy.src_image;
    WireRect rects[TRUTH_MAX_RECTS];
    bool clipped = clip_to_visible(drawable, rects);
    CanvasResult result;
    WireImage whole;
    size_t size;
    uint8_t *data = gather_borrowed(drawable, &size);

    if (drawable->message_type == SPICE_MSG_DISPLAY_DRAW_COPY && data && image &&
        image->type == SPICE_IMAGE_TYPE_BITMAP) {
        whole = *image;
        whole.u.bitmap.data = (WireBytes){data, size};
        drawable->message.copy.src_image = &whole;
        result = canvas_draw(&env, drawable->message_type, &drawable->message, damage);
        drawable->message.copy.src_image = image;
    } else {
        result = canvas_draw(&env, drawable->message_type, &drawable->message, damage);
    }
    g_free(data);
    if (clipped)
        drawable->message.base.clip = (WireClip){.type = SPICE_CLIP_TYPE_NONE};
    return result;
}

/* Where clients may show something else than the truth did, what is painted counts as changed. */
static void converge(Drawable *drawable, const pixman_region32_t *painted)
{
    SurfaceTree *tree = tree_of(drawable->target);
    pixman_region32_t differs;

    if (!pixman_region32_not_empty(&tree->diverged))
        return;
    pixman_region32_init(&differs);
    pixman_region32_intersect(&differs, &tree->diverged, (pixman_region32_t *)painted);
    pixman_region32_union(&drawable->changed, &drawable->changed, &differs);
    region_limit(&drawable->changed, TRUTH_MAX_DIRTY);
    if (drawable->moved) {
        pixman_region32_union(&drawable->rest, &drawable->rest, &differs);
        region_limit(&drawable->rest, TRUTH_MAX_DIRTY);
    }
    if (drawable->serial > tree->diverged_at) {
        pixman_region32_subtract(&tree->diverged, &tree->diverged, (pixman_region32_t *)painted);
        region_limit(&tree->diverged, TRUTH_MAX_RECTS);
    }
    pixman_region32_fini(&differs);
}

static void add_dirty(Surface *surface, const pixman_region32_t *changed)
{
    pixman_region32_union(&surface->dirty, &surface->dirty, (pixman_region32_t *)changed);
    region_limit(&surface->dirty, TRUTH_MAX_DIRTY);
}

bool truth_is_settled(const Drawable *drawable, const pixman_box32_t *area)
{
    const SurfaceTree *tree = tree_of(drawable->target);

    if (region_touches(&tree->diverged, area))
        return false;
    /* Older ones that wait there: clients may show them. */
    for (unsigned i = tree->first; i < tree->end; i++) {
        const Entry *entry = &tree->entries[i];

        if (entry->drawable && entry->drawable->serial < drawable->serial &&
            boxes_touch(&entry->painted, area))
            return false;
    }
    return true;
}

static void set_result(Drawable *drawable, const PutResult *result)
{
    const pixman_box32_t *to = &result->move.to;

    pixman_region32_copy(&drawable->changed, (pixman_region32_t *)&result->changed);
    if (!result->moved)
        return;
    pixman_region32_union_rect(&drawable->changed, &drawable->changed, to->x1, to->y1,
                               to->x2 - to->x1, to->y2 - to->y1);
    region_limit(&drawable->changed, TRUTH_MAX_DIRTY);
    /* The samples may have promised too much. */
    drawable->moved = region_area(&result->changed) * 2 < region_area(&drawable->changed);
    if (!drawable->moved)
        return;
    drawable->moved_to = *to;
    drawable->moved_dx = result->move.dx;
    drawable->moved_dy = result->move.dy;
    pixman_region32_copy(&drawable->rest, (pixman_region32_t *)&result->changed);
}

/* Large images are compared and painted only where they will be seen. Others may have been sent
 * already, or may be sent later, as they are: what clients and the truth show would be different
 * things. */
static bool draw_put(Truth *truth, Drawable *drawable)
{
    Surface *target = drawable->target;
    pixman_region32_t area;
    PutResult result;
    bool done, borrowed = drawable->n_borrowed > 0;

    pixman_region32_init(&area);
    pixman_region32_init(&result.changed);
    pixman_region32_copy(&area, &drawable->region);
    if (borrowed && pixman_region32_n_rects(&area) <= TRUTH_MAX_DIRTY)
        pixman_region32_intersect(&area, &area, &drawable->visible);
    done = truth_put(truth, drawable, &area,
                     target->format == SPICE_SURFACE_FMT_32_xRGB && target->id == 0, &result);
    if (done) {
        set_result(drawable, &result);
        add_dirty(target, &drawable->changed);
        converge(drawable, &area);
    }
    pixman_region32_fini(&area);
    pixman_region32_fini(&result.changed);
    return done;
}

void truth_draw(Truth *truth, Drawable *drawable)
{
    Surface *target = drawable->target;
    SurfaceTree *tree = tree_of(target);
    CanvasResult result;

    if (!(drawable->put && draw_put(truth, drawable))) {
        result = draw_message(drawable, NULL);
        pixman_region32_clear(&drawable->changed);
        /* Without memory it may be half done. */
        if (result == CANVAS_OK || result == CANVAS_NO_MEMORY) {
            pixman_region32_copy(&drawable->changed, &drawable->region);
            region_limit(&drawable->changed, TRUTH_MAX_DIRTY);
            add_dirty(target, &drawable->changed);
        }
    }
    /* All that covered what was dropped has been painted. */
    if (!target->pending.head)
        pixman_region32_clear(&tree->diverged);
}
