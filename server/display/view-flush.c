/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From what a client lacks of a surface to images of the truth: which rectangles, in which order,
 * and how much at a time. */
#include "display/view.h"

enum {
    MAX_BOXES = 128,
    MAX_FUTURE_RECTS = 1000,
    MAX_PIXELS = 1 << 18, /* of one image: latency, and work for several threads */
    TINY = 1 << 12,       /* pixels: sent at any time */
    LARGE = 1 << 15,      /* pixels: after so many, the rest waits for the next frame */
    WASTE = 512,          /* pixels that may be sent without need to save a message */
};

static bool box_meets(const pixman_region32_t *region, const pixman_box32_t *box)
{
    return region && pixman_region32_contains_rectangle((pixman_region32_t *)(uintptr_t)region,
                                                        (pixman_box32_t *)(uintptr_t)box) !=
                         PIXMAN_REGION_OUT;
}

unsigned view_rects(const pixman_region32_t *region, const pixman_region32_t *avoid,
                    pixman_box32_t *boxes, unsigned max)
{
    int n_all;
    const pixman_box32_t *all =
        pixman_region32_rectangles((pixman_region32_t *)(uintptr_t)region, &n_all);
    unsigned n = 0;

    if (avoid && !pixman_region32_not_empty((pixman_region32_t *)(uintptr_t)avoid))
        avoid = NULL;
    for (int i = 0; i < n_all; i++) {
        pixman_box32_t box = all[i];
        bool joined;

        do { /* join it with one that is near, and the result with another */
            joined = false;
            for (unsigned k = n; k-- > 0;) {
                pixman_box32_t both = box_join(&boxes[k], &box);
                uint64_t used = box_area(&boxes[k]) + box_area(&box);

                if (box_area(&both) <= used + MAX((uint64_t)WASTE, used / 8) &&
                    !box_meets(avoid, &both)) {
                    box = both;
                    boxes[k] = boxes[--n];
                    joined = true;
                    break;
                }
            }
        } while (joined);
        if (n == max)
            break; /* the rest comes next time */
        boxes[n++] = box;
    }

    return n;
}

/* ---- which first ---- */

typedef struct Place {
    int32_t x, y;
} Place;

static uint64_t square_of_distance(const pixman_box32_t *box, const Place *place)
{
    int64_t dx = MAX(MAX(box->x1 - place->x, place->x - (box->x2 - 1)), 0),
            dy = MAX(MAX(box->y1 - place->y, place->y - (box->y2 - 1)), 0);

    return (uint64_t)(dx * dx + dy * dy);
}

static int compare(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

/* Small changes are what somebody waits for, then what lies near the pointer (NULL: nobody knows
 * where it is). */
static int by_urgency(const void *a, const void *b, void *pointer)
{
    uint64_t area_a = box_area(a), area_b = box_area(b);
    int order = 0;

    if (pointer && area_a > TINY && area_b > TINY)
        order = compare(square_of_distance(a, pointer), square_of_distance(b, pointer));
    return order != 0 ? order : compare(area_a, area_b);
}

/* Large ones in pieces, as far as there is room for these: so that what is near can come first. */
static unsigned cut_large(pixman_box32_t *boxes, unsigned n, unsigned max)
{
    for (unsigned i = 0; i < n && n < max; i++) {
        pixman_box32_t *box = &boxes[i];
        int rows = MAX(MAX_PIXELS / (box->x2 - box->x1), 1);

        while (n < max && box->y2 - box->y1 > rows + rows / 4) {
            boxes[n] = *box;
            boxes[n++].y1 = box->y2 -= rows;
        }
    }
    return n;
}

static unsigned in_order(ViewSurface *vs, pixman_box32_t *boxes, unsigned n, unsigned max)
{
    const Views *views = vs->view->views;
    Place place;
    bool known =
        vs->surface->id == 0 &&
        server_get_pointer(views->config.server, views->config.channel_id, &place.x, &place.y);

    /* Before MARK it is one image (view_flush_box()). */
    if (known && !pixman_region32_not_empty(&vs->initial))
        n = cut_large(boxes, n, max);
    if (n > 1)
        g_qsort_with_data(boxes, (int)n, sizeof *boxes, by_urgency, known ? &place : NULL);
    return n;
}

pixman_box32_t view_nearest(const ViewSurface *vs, const pixman_region32_t *region, uint64_t pixels)
{
    const Views *views = vs->view->views;
    int n, rows;
    const pixman_box32_t *boxes =
        pixman_region32_rectangles((pixman_region32_t *)(uintptr_t)region, &n);
    pixman_box32_t nearest = boxes[0];
    Place place;

    if (!server_get_pointer(views->config.server, views->config.channel_id, &place.x, &place.y))
        place = (Place){0, 0};
    for (int i = 1; i < n; i++) {
        if (square_of_distance(&boxes[i], &place) < square_of_distance(&nearest, &place))
            nearest = boxes[i];
    }
    rows = (int)MAX(pixels / (uint64_t)MAX(nearest.x2 - nearest.x1, 1), 1);
    if (nearest.y2 - nearest.y1 > rows) {
        nearest.y1 = CLAMP(place.y - rows / 2, nearest.y1, nearest.y2 - rows);
        nearest.y2 = nearest.y1 + rows;
    }
    return nearest;
}

/* ---- what is sent of it ---- */

/* What the truth shows already of queued drawings. */
static void view_future(const ViewSurface *vs, pixman_region32_t *future)
{
    pixman_region32_init(future);
    for (const Item *item = vs->first; item; item = item->surface_next) {
        if (item->drawable->state == DRAWABLE_RENDERED)
            pixman_region32_union(future, future, &item->drawable->changed);
        region_bound(future, MAX_FUTURE_RECTS);
    }
}

static bool view_flush_box(ViewSurface *vs, const pixman_box32_t *box, bool always)
{
    View *view = vs->view;
    pixman_box32_t piece = *box;
    /* Before MARK in one image, as the deployed server: some clients (spicy-screenshot) take the
     * first one for the whole picture. */
    int rows = pixman_region32_not_empty(&vs->initial)
                   ? box->y2 - box->y1
                   : MAX(MAX_PIXELS / MAX(box->x2 - box->x1, 1), 1);

    for (; piece.y1 < box->y2; piece.y1 = piece.y2) {
        pixman_region32_t sent;
        bool exact, lossy;

        if (!always && !view_may_send(view))
            return false;
        piece.y2 = box->y2 - piece.y1 > rows + rows / 4 ? piece.y1 + rows : box->y2;
        exact = pixman_region32_not_empty(&vs->initial) || box_meets(&vs->exact, &piece);
        if (!view_send_pixels(vs, &piece, !exact, &lossy))
            return false;
        region_from_box(&sent, &piece);
        view_has(vs, &sent);
        if (lossy) {
            view_mark_lossy(vs, &sent);
            view_shadow_forget(vs, &sent);
        } else {
            view_shadow_paint(vs, &piece);
        }
        pixman_region32_fini(&sent);
    }

    return true;
}

/* What is still lacking of a rectangle, after a look at what the client shows. */
static bool view_flush_rest(ViewSurface *vs, const pixman_box32_t *box, bool always)
{
    pixman_box32_t boxes[MAX_BOXES / 4];
    pixman_region32_t part;
    bool room = true;
    unsigned n;

    view_shadow_refine(vs, box);
    region_from_box(&part, box);
    pixman_region32_intersect(&part, &part, &vs->lacks);
    if (vs->backings.length > 0 && pixman_region32_not_empty(&part)) {
        view_backing_restore(vs, pixman_region32_extents(&part));
        pixman_region32_intersect(&part, &part, &vs->lacks);
    }
    n = view_rects(&part, NULL, boxes, MAX_BOXES / 4);
    for (unsigned i = 0; i < n && room; i++) {
        pixman_box32_t rest;

        /* Rectangles that were joined may overlap. */
        pixman_region32_fini(&part);
        region_from_box(&part, &boxes[i]);
        pixman_region32_intersect(&part, &part, &vs->lacks);
        rest = *pixman_region32_extents(&part);
        room = box_area(&rest) == 0 || view_flush_box(vs, &rest, always);
    }
    pixman_region32_fini(&part);

    return room;
}

void view_flush(ViewSurface *vs, const pixman_region32_t *area, bool always)
{
    View *view = vs->view;
    Surface *surface = vs->surface;
    pixman_region32_t region, future;
    pixman_box32_t boxes[MAX_BOXES];
    uint64_t now = loop_now_ns();
    bool paced;
    unsigned n;

    if (!surface->alive || !surface->canvas || (!always && !view_may_send(view)))
        return;

    if (now - view->painted_ns >= FRAME_NS) {
        view->painted_ns = now;
        view->painted = 0;
    }
    paced = !always && view->frame_timer && !view->views->stopped && view->painted > LARGE &&
            !pixman_region32_not_empty(&vs->initial);
    if (vs->damage && surface->pending.length > 0)
        truth_render_surface(view->views->truth, surface);
    if (!pixman_region32_not_empty(&vs->lacks))
        return;

    view_future(vs, &future);
    pixman_region32_init(&region);
    pixman_region32_subtract(&region, &vs->lacks, &future);
    if (area)
        pixman_region32_intersect(&region, &region, (pixman_region32_t *)(uintptr_t)area);
    n = view_rects(&region, &future, boxes, MAX_BOXES);
    if (n > 0) {
        pixman_box32_t all = boxes[0];

        for (unsigned i = 1; i < n; i++)
            all = box_join(&all, &boxes[i]);
        truth_render_until(view->views->truth, surface, &all, view->position);
        n = in_order(vs, boxes, n, MAX_BOXES);
    }
    for (unsigned i = 0; i < n; i++) {
        pixman_region32_t part;
        pixman_box32_t box;

        /* Rectangles that were joined may overlap. */
        region_from_box(&part, &boxes[i]);
        pixman_region32_intersect(&part, &part, &vs->lacks);
        box = *pixman_region32_extents(&part);
        pixman_region32_fini(&part);
        if (box_area(&box) == 0)
            continue;
        /* Small changes are sent as they come, others as a picture at a time. */
        if (paced && box_area(&box) > TINY) {
            view_wait_for_frame(view, view->painted_ns, now);
            break;
        }
        if (!always && box_area(&box) > VIEW_LONG_WORK)
            view_send_now(view);
        view->painted += box_area(&box);
        if (!(vs->shadow ? view_flush_rest : view_flush_box)(vs, &box, always))
            break;
    }
    pixman_region32_fini(&region);
    pixman_region32_fini(&future);
}
