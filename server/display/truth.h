/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What every surface of a device shows: the pixels in guest memory, and the command tree of
 * drawings that are not in them yet. A drawing that is covered before anybody needs it vanishes.
 * The rule for everything here: pixels equal those of executing all commands in order. One thread,
 * the worker's. Knows nothing of clients, sockets or the device. docs/spec/server-display.md 7, 8,
 * 9 */
#ifndef SERVER_DISPLAY_TRUTH_H
#define SERVER_DISPLAY_TRUTH_H

#include "display/drawable.h"

typedef struct Truth Truth;

struct Surface {
    unsigned refs;
    uint32_t id;
    bool alive;            /* false: destroyed, only references are left; canvas is NULL then */
    CanvasSurface *canvas; /* in guest memory; rendered so far */
    uint32_t format, width, height;
    bool keeps_data;         /* created with contents */
    pixman_region32_t dirty; /* rendered since it was last reported to the device: 9.2 */
    GuestResource *create;   /* released with the surface */
    /* private to truth below */
    Truth *truth;
    GQueue pending; /* Drawable, the oldest first */
    void *tree;
    void *views; /* for the views: whatever they keep for each surface */
};
Surface *surface_ref(Surface *surface);
void surface_unref(Surface *surface);

typedef struct TruthObserver {
    /* A pending drawing has been dropped: hidden, or merged into a newer one. Called inside
     * truth_add() and truth_destroy_surface(), before the new drawing is announced to the views. */
    void (*dropped)(void *context, Drawable *drawable);
    /* A drawing has just been rendered: changed is set. */
    void (*rendered)(void *context, Drawable *drawable);
} TruthObserver;

Truth *truth_new(uint32_t n_surfaces, const TruthObserver *observer, void *context);
/* Everything is dropped and released, without telling the observer. Surfaces and drawables that
 * others refer to live on, dead. */
void truth_free(Truth *truth);
/* Whether anybody gains from knowing which pixels were moved (Drawable.moved); at first yes. */
void truth_set_watched(Truth *truth, bool watched);

/* A surface on guest memory: data is line 0 (for a negative stride the last of the block). Cleared
 * unless keep_data. create may be NULL; taken over in any case. NULL: id in use or out of range, or
 * no memory. */
Surface *truth_create_surface(Truth *truth, uint32_t id, uint32_t format, uint32_t width,
                              uint32_t height, int32_t stride, uint8_t *data, bool keep_data,
                              GuestResource *create);
/* 7.2: drawings that read it are rendered, its own pending ones dropped. destroy may be NULL; it is
 * released after create, when the pixels aren't needed any more: at once. The Surface lives on as
 * long as somebody refers to it, without pixels. */
void truth_destroy_surface(Truth *truth, Surface *surface, GuestResource *destroy);
Surface *truth_surface(Truth *truth, uint32_t id); /* NULL: no such living surface */

/* Enter a drawing; the reference is taken over. It has its self bitmap and dependencies already.
 * False: it has no effect (merged, a no-op): don't announce it. What must be rendered first (7.7)
 * is. */
bool truth_add(Truth *truth, Drawable *drawable);

/* Render this drawing, with everything that must come before.
 *
 * A put drawing has no source any more when it is rendered, unless its image is one for caches that
 * wasn't borrowed: its message can't be sent; what changed can be had from the truth. */
void truth_render(Truth *truth, Drawable *drawable);
/* Everything that touches the area (9.1). */
void truth_render_area(Truth *truth, Surface *surface, const pixman_box32_t *area);
void truth_render_surface(Truth *truth, Surface *surface);
/* Everything up to that drawing that paints in the area, be it hidden by younger ones: a client
 * gets these pixels, and younger images are compared with them. */
void truth_render_until(Truth *truth, Surface *surface, const pixman_box32_t *area,
                        uint64_t serial);
void truth_render_all(Truth *truth);
/* Drop what later copies and what is painted after them make invisible: truth_add() doesn't look
 * through copies. */
void truth_sweep_all(Truth *truth);
/* Render oldest drawings that borrow guest memory until at most 'borrowed' bytes are in use. When
 * more than n are pending: sweep, if many have come since, and render oldest ones until at most n
 * are. */
void truth_trim(Truth *truth, unsigned n, size_t borrowed);
unsigned truth_n_pending(const Truth *truth);
size_t truth_borrowed(const Truth *truth);

/* 7.6: render what touches the area, and copy it: a wire image in 'drawable's arena and blobs, in
 * the surface's format. NULL: no memory, or nothing of the area is on the surface. */
const WireImage *truth_self_bitmap(Truth *truth, Surface *surface, const pixman_box32_t *area,
                                   Drawable *drawable);

/* Copy pixels of the truth as they are (rendered so far) to memory of their own: rows top-down,
 * packed. *format: SPICE_BITMAP_FMT_*, by the rule of 7.5 (HIGH_BITS_SET in *flags). NULL: no
 * memory. */
Blob *truth_copy_pixels(Surface *surface, const pixman_box32_t *area, uint8_t *format,
                        uint8_t *image_flags, uint32_t *stride);

#endif
