/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the intake makes of guest commands: drawings, already checked and in the form of the wire's
 * messages, so that one renderer and one writer serve them; surfaces; and the guest memory that
 * they borrow. All of this belongs to the worker's thread; nothing in a Drawable is guest memory,
 * except the pixels named by 'borrowed'.  docs/spec/server-display.md 4, 6, 7 */
#ifndef SERVER_DISPLAY_DRAWABLE_H
#define SERVER_DISPLAY_DRAWABLE_H

#include <glib.h>
#include <pixman.h>
#include <sys/uio.h>

#include "canvas/canvas.h"
#include "canvas/message.h"
#include "channel/out-body.h"
#include "wire/wire.h"

typedef struct Surface Surface; /* display/truth.h */

/* A command of the guest that isn't released yet. The last unref gives it back to the device
 * (worker's thread, exactly once). */
typedef struct GuestResource {
    unsigned refs;
    void (*release)(struct GuestResource *resource); /* calls the device, frees the structure */
    void *info; /* QXLReleaseInfo in guest memory: never followed */
    uint32_t group_id;
    void *owner; /* the worker */
} GuestResource;
GuestResource *guest_resource_ref(GuestResource *resource);
void guest_resource_unref(GuestResource *resource); /* NULL is fine */

typedef enum DrawableState {
    DRAWABLE_PENDING,  /* in the command tree: not in the truth yet */
    DRAWABLE_RENDERED, /* in the truth */
    DRAWABLE_DROPPED,  /* hidden, merged or its surface gone before anybody needed it: has no effect
                          any more */
} DrawableState;

typedef CanvasMessage DrawableMessage;

enum { DRAWABLE_MAX_READS = 5 };

typedef struct Drawable {
    unsigned refs;
    uint64_t serial;       /* order of intake over all surfaces of the device */
    uint16_t message_type; /* SPICE_MSG_DISPLAY_COPY_BITS or _DRAW_* */
    uint8_t effect;        /* QXL_EFFECT_*: the guest's promise */
    DrawableMessage message;
    Surface *target;          /* a reference */
    pixman_region32_t region; /* box and clip and surface: what it can change */

    /* Areas that it reads besides its target's own pixels: declared dependencies, surface images;
     * also on the target itself when the source is the target. References; areas lie inside their
     * surface. */
    unsigned n_reads;
    struct {
        Surface *surface;
        pixman_box32_t area;
    } reads[DRAWABLE_MAX_READS];

    /* Every pixel of region becomes a pixel of the one source bitmap: DRAW_COPY, rop PUT, unscaled,
     * no mask, source a BITMAP of an RGB format whose conversion to the target is exact. Such
     * drawings are compared with the truth when rendered. */
    bool put;
    /* The result depends on the old pixels of the target (blends, rops, COPY_BITS, masks, text,
     * ...). */
    bool reads_target;
    /* Deployed clients end their process over it, or draw it wrong (canvas.md 16): they are shown
     * what became of it. */
    bool image_only;

    /* Memory behind the message's pointers. */
    WireArena arena;
    Blob *blobs[3]; /* images' bytes, referenced by the message; a put drawing's go when rendered */
    unsigned n_blobs;
    /* Large RGB pixels (of put drawings only) stay in guest memory until rendered:
     * message.copy.src_image->u.bitmap.data is empty then, and the rows are here, in pieces as the
     * guest's chunks lie (checked: inside their slot; all rows there; a piece may end inside a
     * row). The guest may change them at any time. */
    unsigned n_borrowed;
    const struct iovec *borrowed; /* in arena */
    GuestResource *resource;      /* released by truth when rendered or dropped; NULL: already */

    /* display/truth*.c */
    DrawableState state;
    pixman_region32_t
        visible; /* region without what newer opaque drawings cover; of pending ones */
    GList tree_link;
    void *tree_data;
    /* Set when rendered: the part of region where the truth really changed (exact for put drawings,
     * by tiles or finer; region for others; empty when the message turned out to be void). */
    pixman_region32_t changed;
    /* Set when rendered, of put drawings: most of it is pixels that the target showed at another
     * place before (a scrolled text, a moved window). A client that showed the same gets there by
     * COPY_BITS, from 'moved_to' less (moved_dx, moved_dy) to 'moved_to' (both inside the surface),
     * and the pixels of 'rest'; one that doesn't needs 'changed', which holds both. */
    bool moved;
    pixman_box32_t moved_to;
    int32_t moved_dx, moved_dy;
    pixman_region32_t rest;

    /* display/view*.c: whether a client has got it already while it was pending: a drawing that
     * undoes it isn't merged with it any more, since that client needs the second one too. */
    bool sent;
} Drawable;

Drawable *drawable_new(void); /* one reference; regions initialised */
Drawable *drawable_ref(Drawable *drawable);
void drawable_unref(Drawable *drawable); /* NULL is fine; releases what is still held */

#endif
