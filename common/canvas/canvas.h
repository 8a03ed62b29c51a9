/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The 2D renderer: surfaces, and draw messages applied to them bit by bit as docs/spec/canvas.md
 * says.
 *
 * Threads: a CanvasSurface belongs to one thread at a time (the one that draws on it, or on a
 * surface that reads it). CanvasImage (canvas/image.h) may be shared by any number of threads.
 * Nothing here keeps global state, prints, aborts, or starts a thread. */
#ifndef CANVAS_CANVAS_H
#define CANVAS_CANVAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pixman.h>

#include "canvas/image.h"

/* Pixels of one surface. format is a SPICE_SURFACE_FMT_* value; data, stride and pixels.format are
 * set once by canvas_surface_new() and may be read by the owner at any time (to show the picture).
 * There, 32-bit surfaces have a stride of exactly 4 * width bytes, others are rounded up to 4. */
typedef struct CanvasSurface {
    CanvasPixels pixels;
    uint32_t format;
    bool owns_data;
} CanvasSurface;

/* A new surface of zero bits (section 2.1). NULL with *result set when the format is unknown, a
 * side is 0 or above 65535 (CANVAS_BAD_MESSAGE), the pixels need more than max_bytes
 * (CANVAS_TOO_LARGE), or memory is out. */
CanvasSurface *canvas_surface_new(uint32_t format, uint32_t width, uint32_t height,
                                  size_t max_bytes, CanvasResult *result);

/* The same around pixels that the caller owns and keeps until canvas_surface_free(); they are not
 * cleared. data is the top row; stride is a multiple of 4 bytes, negative when rows follow one
 * another upwards. Bytes of a row beyond its pixels are neither read nor written. data is aligned
 * to 4 bytes. */
CanvasSurface *canvas_surface_new_for_data(uint32_t format, uint32_t width, uint32_t height,
                                           void *data, ptrdiff_t stride, CanvasResult *result);
void canvas_surface_free(CanvasSurface *surface); /* NULL is fine */

/* Bytes that canvas_surface_new() would allocate; 0 when it would refuse format or size. For
 * budgets over many surfaces. */
size_t canvas_surface_bytes(uint32_t format, uint32_t width, uint32_t height);

/* The format of the primary surface that SPICE_MSG_DISPLAY_MODE creates for this number of bits. */
uint32_t canvas_mode_format(uint32_t bits);

/* SPICE_MSG_DISPLAY_RESET: every bit of the surface becomes 0. */
void canvas_surface_clear(CanvasSurface *surface);

/* What a command refers to by number or by reference; filled by the caller. The functions are
 * called on the thread of canvas_draw(), before any pixel is touched, for each image in the order
 * of canvas_list_images(), and also when the command turns out to draw nothing (so that caches and
 * the GLZ window see every image). */
typedef struct CanvasEnv {
    /* The surface of that id, owned by the caller; NULL: unknown. */
    CanvasSurface *(*surface)(void *ctx, uint32_t id);
    /* A new reference to the picture of an image that isn't of type SURFACE, in its original format
     * (section 5.5): from a cache, or by canvas_image_decode() with this use and surface format.
     * NULL: the draw is void. */
    CanvasImage *(*image)(void *ctx, const WireImage *image, CanvasUse use,
                          uint32_t surface_format);
    void *ctx;
} CanvasEnv;

/* Apply one draw message (SPICE_MSG_DISPLAY_COPY_BITS, _DRAW_*): message is the parsed
 * WireMsgDisplay… of that type. The region that may have changed is added to *damage (NULL
 * allowed), in coordinates of the target surface. CANVAS_OK also when nothing was visible. Any
 * other result: the command was void and no pixel changed (only CANVAS_NO_MEMORY may leave it half
 * done). When env->surface doesn't know the target the images are still loaded and the result is
 * CANVAS_NO_SURFACE. */
CanvasResult canvas_draw(const CanvasEnv *env, uint16_t type, const void *message,
                         pixman_region32_t *damage);

/* True for the message types that canvas_draw() takes. */
bool canvas_is_draw(uint16_t type);

/* The operands of a draw message, for those who decode ahead or order work. */
#define CANVAS_MAX_IMAGES 3
typedef struct CanvasOperands {
    uint32_t surface_id;   /* the target */
    unsigned int n_images; /* in the order in which canvas_draw() loads them: source, brush, mask */
    struct {
        const WireImage *image; /* never NULL; may be of type SURFACE */
        CanvasUse use;
    } images[CANVAS_MAX_IMAGES];
} CanvasOperands;
/* False when the type isn't a draw message. */
bool canvas_list_images(uint16_t type, const void *message, CanvasOperands *operands);

/* Show one decoded video frame (section 15): x8r8g8b8 pixels, width x height, rows stride bytes
 * apart in stream order. It is scaled to dest (nearest) and restricted to clip (NULL: unclipped).
 * Adds to *damage like canvas_draw(). */
typedef struct CanvasFrame {
    const uint8_t *pixels;
    ptrdiff_t stride;
    uint32_t width, height;
    bool top_down; /* else the first row is the bottom row of dest */
} CanvasFrame;
CanvasResult canvas_draw_frame(CanvasSurface *surface, const CanvasFrame *frame,
                               const WireRect *dest, const pixman_region32_t *clip,
                               pixman_region32_t *damage);

#endif
