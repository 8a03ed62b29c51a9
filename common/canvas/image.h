/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Decoded images: immutable, reference-counted pixels that threads may share, and the way to them
 * from a message.
 *
 * The rule for threads: a CanvasImage never changes after its creation, except for its reference
 * count and its list of converted copies, which are atomic. So any thread that holds a reference
 * may read, convert, reference and release. */
#ifndef CANVAS_IMAGE_H
#define CANVAS_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pixman.h>

typedef struct WireImage WireImage;
typedef struct WireRect WireRect;
typedef struct GlzWindow GlzWindow;

typedef enum CanvasResult {
    CANVAS_OK,
    CANVAS_NO_SURFACE,  /* the target or a source names a surface that doesn't exist */
    CANVAS_BAD_MESSAGE, /* a value that section 16.1 calls invalid */
    CANVAS_BAD_IMAGE,   /* an image that can't be decoded or used here */
    CANVAS_TOO_LARGE,   /* beyond a limit given by the caller */
    CANVAS_NO_PALETTE,  /* the palette is to come from the cache and wasn't given */
    CANVAS_MISSING,     /* GLZ: an image that this one refers to is not there yet */
    CANVAS_NO_MEMORY,
} CanvasResult;
const char *canvas_result_text(CanvasResult result);

/* A rectangle of pixels somewhere in memory. Row y starts at data + y * stride (stride in bytes,
 * may be negative). */
typedef struct CanvasPixels {
    uint8_t *data;
    ptrdiff_t stride;
    int32_t width, height;
    pixman_format_code_t format;
} CanvasPixels;

/* What an image is wanted for (section 5.1). */
typedef enum CanvasUse {
    CANVAS_USE_TARGET,   /* raw operations, scaling, composite: will be converted to the surface's
                            format */
    CANVAS_USE_ORIGINAL, /* alpha blend: keeps its own format */
    CANVAS_USE_MASK,     /* a 1-bit mask (section 7) */
} CanvasUse;

typedef struct CanvasImage CanvasImage;

CanvasImage *canvas_image_ref(CanvasImage *image);
void canvas_image_unref(CanvasImage *image); /* NULL is fine */

/* The pixels in the format in which the image was decoded; valid while a reference is held, never
 * to be written. */
const CanvasPixels *canvas_image_pixels(const CanvasImage *image);

/* True for images that came as JPEG: they may differ from the server's copy (section 5.5). */
bool canvas_image_is_lossy(const CanvasImage *image);

/* Bytes held by the image and its converted copies, for budgets. */
size_t canvas_image_bytes(const CanvasImage *image);

/* A new image of unspecified pixels, to be filled through *pixels by its creator before anyone else
 * sees it. NULL when memory is out or a side is 0 or above 2^24. */
CanvasImage *canvas_image_new(pixman_format_code_t format, uint32_t width, uint32_t height,
                              bool lossy, CanvasPixels *pixels);

/* The pixels in the working format of a surface format ("target" of section 5.1). Converted on
 * first use and kept with the image. NULL when memory is out. Thread-safe. */
const CanvasPixels *canvas_image_for_surface(CanvasImage *image, uint32_t surface_format);

/* How to decode. Zero-initialise, then set what applies. */
typedef struct CanvasDecode {
    CanvasUse use;
    uint32_t surface_format; /* SPICE_SURFACE_FMT_* of the target surface */
    const uint32_t *palette; /* the cached palette when the image says PAL_FROM_CACHE; else the
                                message's own is used */
    uint32_t n_palette;
    bool have_palette;   /* palette and n_palette are set */
    GlzWindow *glz;      /* for GLZ images; NULL: they are CANVAS_BAD_IMAGE */
    uint64_t *missing;   /* set on CANVAS_MISSING: the id of the image to wait for. NULL allowed */
    uint64_t max_pixels; /* limit on width * height; 0: 2^28 */
} CanvasDecode;

/* Bytes of a message to a CanvasImage, by the codecs, without any cache. Types FROM_CACHE,
 * FROM_CACHE_LOSSLESS and SURFACE are CANVAS_BAD_IMAGE. With CACHE_ME or CACHE_REPLACE_ME the
 * result is fit for the cache (section 5.5). May be called from any thread; only GLZ images touch
 * something shared, the window. NULL with *result set (NULL allowed) on failure. */
CanvasImage *canvas_image_decode(const WireImage *image, const CanvasDecode *how,
                                 CanvasResult *result);

/* The reference to a palette in an image: true when there is one; *from_cache with its id, or
 * *palette. */
typedef struct WirePalette WirePalette;
typedef struct CanvasPaletteRef {
    bool from_cache; /* look up id, pass the entries in CanvasDecode */
    bool cache_me;   /* store palette under palette->unique */
    uint64_t id;
    const WirePalette *palette;
} CanvasPaletteRef;
bool canvas_image_palette(const WireImage *image, CanvasPaletteRef *ref);

#endif
