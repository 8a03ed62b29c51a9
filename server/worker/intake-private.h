/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of the intake share: one drawing command while it is taken apart. */
#ifndef SERVER_WORKER_INTAKE_PRIVATE_H
#define SERVER_WORKER_INTAKE_PRIVATE_H

#include "worker/intake.h"

typedef struct IntakeDraw {
    GuestReader reader;
    Truth *truth;
    bool widen; /* colours and palettes are 15 bits */
    Drawable *drawable;
    Surface *target;
    pixman_box32_t box;
    struct {
        Surface *surface;
        pixman_box32_t area;
    } declared[3];
    unsigned int n_declared;
    bool has_self_bitmap;         /* the command says so, and its type may */
    pixman_box32_t self_area;     /* inside the target */
    const WireImage **self_image; /* where the self bitmap belongs; NULL: it isn't needed */
    bool nothing;                 /* it turned out to draw nothing */
} IntakeDraw;

typedef enum IntakeRole {
    INTAKE_SOURCE,  /* of raw operations */
    INTAKE_BLENDED, /* alpha blend, composite: any depth may meet any other */
    INTAKE_BRUSH,
    INTAKE_MASK, /* one bit, no palette */
} IntakeRole;

/* The image at that address. borrow: its pixels may stay where they are. NULL: a note in the
 * reader. */
WireImage *intake_image(IntakeDraw *draw, uint64_t address, IntakeRole role, bool borrow);
bool intake_brush(IntakeDraw *draw, const QXLBrush *guest, WireBrush *brush);
/* An address that is 0 or unreadable means no mask. */
bool intake_mask(IntakeDraw *draw, const QXLQMask *guest, WireQMask *mask);
/* Whether this image's pixels become the target's without any loss. */
bool intake_image_is_exact(const IntakeDraw *draw, const WireImage *image);
/* Pixels that a source area may name. */
void intake_image_size(const WireImage *image, uint32_t *width, uint32_t *height);

bool intake_clip(IntakeDraw *draw, const QXLClip *guest, WireClip *clip);
const WirePath *intake_path(IntakeDraw *draw, uint64_t address);
bool intake_line(IntakeDraw *draw, const QXLLineAttr *guest, WireLineAttr *attr);
const WireString *intake_string(IntakeDraw *draw, uint64_t address);
/* The drawing has no effect, though nothing is wrong with it. Always false, to be returned. */
bool intake_nothing(IntakeDraw *draw);

/* The drawing reads this area of that surface (clipped to it). */
bool intake_reads(IntakeDraw *draw, Surface *surface, const pixman_box32_t *area);
void *intake_alloc(IntakeDraw *draw, size_t size); /* NULL and a note: no memory */

/* A position with which deployed renderers compute without overflow. */
static inline bool intake_is_near(int64_t x, int64_t y)
{
    return x >= -(1 << 20) && x <= 1 << 20 && y >= -(1 << 20) && y <= 1 << 20;
}

static inline pixman_box32_t intake_box(const QXLRect *rect)
{
    return (pixman_box32_t){rect->left, rect->top, rect->right, rect->bottom};
}

static inline bool intake_box_is_empty(const pixman_box32_t *box)
{
    return box->x1 >= box->x2 || box->y1 >= box->y2;
}

static inline pixman_box32_t intake_intersect(const pixman_box32_t *a, const pixman_box32_t *b)
{
    return (pixman_box32_t){MAX(a->x1, b->x1), MAX(a->y1, b->y1), MIN(a->x2, b->x2),
                            MIN(a->y2, b->y2)};
}

static inline pixman_box32_t intake_surface_box(const Surface *surface)
{
    return (pixman_box32_t){0, 0, surface->width, surface->height};
}

#endif
