/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A copy of the primary as a client shows it: of what images have painted, as far as no command has
 * painted over it since. What is to be sent is compared with it, so that nothing goes out that the
 * client has, and old pixels at a new place go as COPY_BITS. docs/spec/server-display.md 26.3 */
#include "display/view.h"

#include <string.h>

enum {
    MAX_SHADOW = 1 << 24, /* pixels of a primary that has one */
    MIN_COMPARED = 1024,  /* pixels of a rectangle that is worth a look */
    CELL_WIDTH = 32,
    CELL_HEIGHT = 8,
    MAX_DIFFERENT = 512,
};

static pixman_region32_t *mutable(const pixman_region32_t *region)
{
    return (pixman_region32_t *)(uintptr_t)region;
}

static uint32_t *shadow_row(const ViewSurface *vs, int32_t y)
{
    return vs->shadow + (size_t)y * vs->surface->width;
}

static const uint8_t *truth_row(const ViewSurface *vs, int32_t x, int32_t y)
{
    const CanvasPixels *pixels = &vs->surface->canvas->pixels;

    return pixels->data + (ptrdiff_t)y * pixels->stride + (size_t)x * 4;
}

/* The truth has told what has changed since the last state. A shadow tells more to a client that
 * misses states; who gets them all by a coder that costs next to nothing gains nothing. */
static bool shadow_pays(const View *view)
{
    switch (view->policy.compression) {
    case SPICE_IMAGE_COMPRESSION_OFF:
    case SPICE_IMAGE_COMPRESSION_LZ4:
        return view->lags && !view->policy.local;
    default:
        return !view->policy.local;
    }
}

bool view_shadow_fits(const ViewSurface *vs)
{
    const Surface *surface = vs->surface;

    return surface->id == 0 && surface->format == SPICE_SURFACE_FMT_32_xRGB &&
           (uint64_t)surface->width * surface->height <= MAX_SHADOW && shadow_pays(vs->view);
}

void view_shadow_paint(ViewSurface *vs, const pixman_box32_t *box)
{
    const Surface *surface = vs->surface;

    if (!vs->shadow) {
        if (!view_shadow_fits(vs))
            return;
        vs->shadow = g_try_malloc_n((gsize)surface->width * surface->height, 4);
        if (!vs->shadow)
            return;
    }
    for (int32_t y = box->y1; y < box->y2; y++)
        memcpy(shadow_row(vs, y) + box->x1, truth_row(vs, box->x1, y),
               (size_t)(box->x2 - box->x1) * 4);
    pixman_region32_union_rect(&vs->known, &vs->known, box->x1, box->y1,
                               (unsigned)(box->x2 - box->x1), (unsigned)(box->y2 - box->y1));
    if (pixman_region32_n_rects(&vs->known) > 256)
        pixman_region32_clear(&vs->known);
}

void view_shadow_forget(ViewSurface *vs, const pixman_region32_t *region)
{
    if (vs->shadow)
        pixman_region32_subtract(&vs->known, &vs->known, mutable(region));
}

static bool shadow_knows(const ViewSurface *vs, const pixman_box32_t *box)
{
    return pixman_region32_contains_rectangle(mutable(&vs->known),
                                              (pixman_box32_t *)(uintptr_t)box) == PIXMAN_REGION_IN;
}

static void shadow_copy(ViewSurface *vs, const pixman_box32_t *to, int dx, int dy)
{
    for (int32_t i = 0; i < to->y2 - to->y1; i++) {
        int32_t y = dy > 0 ? to->y2 - 1 - i : to->y1 + i;

        memmove(shadow_row(vs, y) + to->x1, shadow_row(vs, y - dy) + to->x1 - dx,
                (size_t)(to->x2 - to->x1) * 4);
    }
}

void view_shadow_move(ViewSurface *vs, const pixman_region32_t *painted, int dx, int dy)
{
    pixman_box32_t to = *pixman_region32_extents(mutable(painted));
    pixman_box32_t from = {to.x1 - dx, to.y1 - dy, to.x2 - dx, to.y2 - dy};

    if (!vs->shadow)
        return;
    if (pixman_region32_n_rects(mutable(painted)) == 1 && shadow_knows(vs, &from)) {
        shadow_copy(vs, &to, dx, dy);
        pixman_region32_union(&vs->known, &vs->known, mutable(painted));
    } else {
        view_shadow_forget(vs, painted);
    }
}

static bool cell_differs(const ViewSurface *vs, const pixman_box32_t *cell)
{
    size_t size = (size_t)(cell->x2 - cell->x1) * 4;

    for (int32_t y = cell->y1; y < cell->y2; y++)
        if (memcmp(shadow_row(vs, y) + cell->x1, truth_row(vs, cell->x1, y), size) != 0)
            return true;
    return false;
}

/* Where the truth differs from the shadow, in cells. False: it isn't worth the details. */
static bool shadow_compare(const ViewSurface *vs, const pixman_region32_t *where,
                           pixman_region32_t *different)
{
    pixman_box32_t found[MAX_DIFFERENT];
    int n_rects, n = 0;
    const pixman_box32_t *rects = pixman_region32_rectangles(mutable(where), &n_rects);

    for (int i = 0; i < n_rects; i++) {
        pixman_box32_t cell;

        for (cell.y1 = rects[i].y1; cell.y1 < rects[i].y2; cell.y1 = cell.y2) {
            bool open = false; /* the last found box ends where this cell begins */

            cell.y2 = MIN((cell.y1 / CELL_HEIGHT + 1) * CELL_HEIGHT, rects[i].y2);
            for (cell.x1 = rects[i].x1; cell.x1 < rects[i].x2; cell.x1 = cell.x2) {
                cell.x2 = MIN((cell.x1 / CELL_WIDTH + 1) * CELL_WIDTH, rects[i].x2);
                if (!cell_differs(vs, &cell)) {
                    open = false;
                } else if (open) {
                    found[n - 1].x2 = cell.x2;
                } else if (n == MAX_DIFFERENT) {
                    return false;
                } else {
                    found[n++] = cell;
                    open = true;
                }
            }
        }
    }
    pixman_region32_fini(different);

    return pixman_region32_init_rects(different, found, n);
}

typedef struct Picture {
    const ViewSurface *vs;
    int32_t x;
} Picture;

static const uint8_t *picture_row(void *context, int32_t y)
{
    const Picture *picture = context;

    return truth_row(picture->vs, picture->x, y);
}

/* Old pixels at a new place. */
static bool shadow_scroll(ViewSurface *vs, const pixman_box32_t *box)
{
    CanvasPixels old = {.data = (uint8_t *)vs->shadow,
                        .stride = (ptrdiff_t)vs->surface->width * 4,
                        .width = (int32_t)vs->surface->width,
                        .height = (int32_t)vs->surface->height,
                        .format = PIXMAN_x8r8g8b8};
    Picture picture = {vs, box->x1};
    ScrollSource rows = {picture_row, &picture};
    ScrollMove move;
    pixman_box32_t from;
    pixman_region32_t to;

    if (!scroll_look(&vs->scrolled, &old, box, &rows, &move))
        return false;
    from = (pixman_box32_t){move.to.x1 - move.dx, move.to.y1 - move.dy, move.to.x2 - move.dx,
                            move.to.y2 - move.dy};
    if (move.to.x1 < box->x1 || move.to.y1 < box->y1 || move.to.x2 > box->x2 ||
        move.to.y2 > box->y2 || !shadow_knows(vs, &from)) {
        scroll_was_in_vain(&vs->scrolled, box);
        return false;
    }
    shadow_copy(vs, &move.to, move.dx, move.dy);
    view_send_move(vs, &move.to, move.dx, move.dy);
    region_from_box(&to, &move.to);
    pixman_region32_union(&vs->known, &vs->known, &to);
    view_has(vs, &to);
    pixman_region32_fini(&to);

    return true;
}

void view_shadow_refine(ViewSurface *vs, const pixman_box32_t *box)
{
    pixman_region32_t known, different;
    pixman_box32_t extents;
    bool compared;

    if (!vs->shadow || box_area(box) < MIN_COMPARED)
        return;

    pixman_region32_init(&known);
    pixman_region32_init(&different);
    pixman_region32_intersect_rect(&known, &vs->known, box->x1, box->y1,
                                   (unsigned)(box->x2 - box->x1), (unsigned)(box->y2 - box->y1));
    compared = pixman_region32_not_empty(&known) && shadow_compare(vs, &known, &different);
    extents = *pixman_region32_extents(&different);
    if (compared && box_area(&extents) >= SCROLL_MIN_PIXELS &&
        extents.x2 - extents.x1 >= SCROLL_MIN_SIDE && extents.y2 - extents.y1 >= SCROLL_MIN_SIDE &&
        shadow_scroll(vs, &extents))
        compared = shadow_compare(vs, &known, &different);
    if (compared) {
        pixman_region32_subtract(&vs->lacks, &vs->lacks, &known);
        view_lack(vs, &different);
    } else if (pixman_region32_not_empty(&known)) {
        view_lack(vs, &known); /* after a move, nothing else is sure */
    }
    pixman_region32_fini(&known);
    pixman_region32_fini(&different);
}
