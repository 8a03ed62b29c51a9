/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of the truth share.
 *
 * The command tree is flat: for each surface the pending drawings by age, and one list of all of
 * them by age. What holds at every moment:
 *
 * - Rendering is by age wherever it matters: whoever renders a drawing renders before it all older
 *   ones that paint what it paints or reads, or that read what it paints (truth-order.c). So at
 * each pixel, the pending drawings are the newest; elsewhere older ones may go on waiting.
 * - The area that a pending drawing reads on another surface is touched by no younger drawing
 *   there: the reader is rendered before such a one is entered (7.7).
 * - 'visible' of a drawing holds every pixel of its region that anybody may ever see or read before
 *   a younger drawing paints it anew; maybe more. Outside of it the truth may show anything until
 *   that younger one is rendered.
 *
 * Everything that takes time with the number of a region's rectangles works on few of them: beyond
 * a limit, a region stands for its extents where that is the safe side. */
#ifndef SERVER_DISPLAY_TRUTH_PRIVATE_H
#define SERVER_DISPLAY_TRUTH_PRIVATE_H

#include "display/boxes.h"
#include "display/scroll.h"
#include "display/truth.h"

enum {
    TRUTH_MAX_RECTS = 64,  /* of regions that are computed with again and again */
    TRUTH_MAX_DIRTY = 256, /* of what is reported to the device, and of 'changed' */
    TRUTH_MAX_PENDING = 4096,
};
/* Memory that pending drawings may hold for themselves: texts, paths, clips, copied images. */
#define TRUTH_MAX_WEIGHT ((size_t)64 << 20)

/* An area that a pending drawing reads on a surface which isn't its target. */
typedef struct Reader {
    GList link; /* in SurfaceTree.readers, data is this */
    Drawable *drawable;
    pixman_box32_t area;
} Reader;

/* Drawable.tree_data: of a pending drawing. */
typedef struct Node {
    GList age; /* in Truth.pending, data is the drawing */
    size_t borrowed, weight;
    unsigned slot; /* in SurfaceTree.entries */
    bool opaque;
    int32_t dx, dy; /* COPY_BITS: what is painted at (x, y) comes from (x + dx, y + dy) */
    Reader readers[DRAWABLE_MAX_READS];
    bool reads_self; /* COPY_BITS, or its target is among its sources */
} Node;

/* A pending drawing, as far as most of those that look for one need to know. */
typedef struct Entry {
    Drawable *drawable;     /* NULL: it has gone */
    pixman_box32_t seen[2]; /* what is visible: its rectangles, or their extents and nothing */
    pixman_box32_t painted; /* of its region */
    pixman_box32_t reads;   /* what it reads of its target besides; empty: nothing */
    bool reads_self;
} Entry;

/* A few areas of a surface; more become larger. */
enum { AREAS = 8 };
typedef struct Areas {
    pixman_box32_t boxes[AREAS];
    unsigned n;
} Areas;

/* Surface.tree */
typedef struct SurfaceTree {
    /* The surface's pending drawings once more, by age, close together: those from 'first' to
     * 'end'. */
    Entry *entries;
    unsigned first, end, room;
    GQueue readers; /* of others' drawings, the oldest first */
    /* Pixels of drawings that a client got and that then were dropped, or of copies that have lost
     * their sources: there, what clients show isn't what the truth shows, until something younger
     * than 'diverged_at' is rendered. Images aren't compared with the truth there. */
    pixman_region32_t diverged;
    uint64_t diverged_at;
    ScrollHistory scrolled;
    unsigned n_reading; /* entries with reads_self */
    /* While it is worked out what has to be rendered (truth-order.c): what the drawings found so
     * far paint here, and what they paint or read. */
    bool listed;
    Areas painted, touched;
} SurfaceTree;

struct Truth {
    Surface **surfaces;
    uint32_t n_surfaces;
    TruthObserver observer;
    void *context;
    GQueue pending; /* by age */
    size_t borrowed, weight;
    unsigned n_added;          /* since all was swept */
    GPtrArray *order, *listed; /* of truth-order.c */
    /* Memory of one rendering, kept for the next. */
    uint8_t *scratch;
    size_t scratch_size;
    bool unwatched;
};

static inline Node *node_of(const Drawable *drawable)
{
    return drawable->tree_data;
}

static inline SurfaceTree *tree_of(const Surface *surface)
{
    return surface->tree;
}

/* May say yes for a region of many rectangles. */
static inline bool region_touches(const pixman_region32_t *region, const pixman_box32_t *box)
{
    pixman_region32_t *r = (pixman_region32_t *)region;

    return boxes_touch(pixman_region32_extents(r), box) &&
           (pixman_region32_n_rects(r) > TRUTH_MAX_RECTS ||
            pixman_region32_contains_rectangle(r, (pixman_box32_t *)box) != PIXMAN_REGION_OUT);
}

/* May say yes for regions of several rectangles. Of few, it is much cheaper than an intersection.
 */
static inline bool regions_touch(const pixman_region32_t *a, const pixman_region32_t *b)
{
    int n_a, n_b;
    const pixman_box32_t *in_a = pixman_region32_rectangles((pixman_region32_t *)a, &n_a),
                         *in_b = pixman_region32_rectangles((pixman_region32_t *)b, &n_b);

    if ((int64_t)n_a * n_b > TRUTH_MAX_RECTS)
        return true;
    for (int i = 0; i < n_a; i++) {
        for (int k = 0; k < n_b; k++)
            if (boxes_touch(&in_a[i], &in_b[k]))
                return true;
    }
    return false;
}

/* A region of more than n rectangles becomes its extents. */
static inline void region_limit(pixman_region32_t *region, int n)
{
    if (pixman_region32_n_rects(region) > n)
        pixman_region32_reset(region, pixman_region32_extents(region));
}

static inline pixman_box32_t surface_box(const Surface *surface)
{
    return (pixman_box32_t){0, 0, surface->width, surface->height};
}

/* A region of one or two rectangles as it is (a window that is dragged leaves corners behind, whose
 * extents are those of all of it), another one as its extents. */
static inline void region_outline(const pixman_region32_t *region, pixman_box32_t outline[2])
{
    int n;
    const pixman_box32_t *boxes = pixman_region32_rectangles((pixman_region32_t *)region, &n);

    outline[0] = n == 2 ? boxes[0] : *pixman_region32_extents((pixman_region32_t *)region);
    outline[1] = n == 2 ? boxes[1] : (pixman_box32_t){0};
}

static inline void entry_set_visible(Entry *entry, const pixman_region32_t *visible)
{
    region_outline(visible, entry->seen);
}

static inline bool entry_is_seen(const Entry *entry, const pixman_box32_t *area)
{
    return boxes_touch(&entry->seen[0], area) || boxes_touch(&entry->seen[1], area);
}

/* Scratch memory of at least that size, until the next call; NULL: no memory. */
void *truth_scratch(Truth *truth, size_t size);

/* ---- truth.c ---- */
/* It has no effect any more: out of the tree, released, announced. */
void truth_drop(Truth *truth, Drawable *drawable);
/* What a client shows there may not be what the truth shows, because of this drawing. */
void truth_diverge(Drawable *drawable, const pixman_region32_t *region);
/* Out of the lists; the tree's reference passes to the caller. */
void truth_unlink(Truth *truth, Drawable *drawable);

/* ---- truth-order.c ---- */
/* A drawing that is to be rendered, or all on a surface up to one by age that are visible in an
 * area, or (hidden_too) paint in it. */
typedef struct Wanted {
    Surface *surface;
    const Drawable *drawable;
    const pixman_box32_t *area; /* without a drawing */
    uint64_t until;
    bool hidden_too;
} Wanted;
/* These and what has to be rendered before them, the youngest first, with a reference each. Until
 * the next call. */
GPtrArray *truth_before(Truth *truth, const Wanted *wanted);

/* ---- truth-hide.c ---- */
/* What a new drawing that isn't in the tree yet does to older ones: 8.2, 8.5. True: the new one has
 * no effect either. */
bool truth_merge(Truth *truth, Drawable *drawable);
/* Older ones lose what this opaque one covers; those that have nothing left are dropped: 8.4. */
void truth_hide(Truth *truth, Drawable *drawable);

/* Drop what is of no consequence because a copy moves it away, and something is painted over it
 * there: lines of a text that has been scrolled off. truth_hide() doesn't look through copies. */
void truth_sweep(Truth *truth, Surface *surface);

/* ---- truth-render.c ---- */
/* Draw it, which is out of the lists, on its target; sets changed, and adds to dirty. */
void truth_draw(Truth *truth, Drawable *drawable);

/* Do clients that have got everything older than the drawing show there what the truth shows? */
bool truth_is_settled(const Drawable *drawable, const pixman_box32_t *area);

/* ---- truth-diff.c ---- */
typedef struct PutResult {
    pixman_region32_t changed; /* few rectangles; without what was moved */
    bool moved;                /* before that, these pixels were moved */
    ScrollMove move;
} PutResult;
/* Paint a put drawing within the area, which lies in its region, where it differs from the target.
 * Top bytes are copied but don't count when ignore_top. result->changed is initialised. False: its
 * source isn't fit for this, nothing was painted. */
bool truth_put(Truth *truth, const Drawable *drawable, const pixman_region32_t *area,
               bool ignore_top, PutResult *result);

#endif
