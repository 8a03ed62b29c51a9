/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the makers of a CanvasImage share. */
#ifndef CANVAS_IMAGE_PRIVATE_H
#define CANVAS_IMAGE_PRIVATE_H

#include "canvas/image.h"
#include "canvas/pixels.h"
#include "codec/glz.h"
#include "wire/wire-messages.h"

/* An image that uses the pixels of a decoded GLZ image in place; takes a reference of its own.
 * NULL: no memory. */
CanvasImage *canvas_image_new_for_glz(GlzImage *glz);

/* True when the image will be kept in a cache, in its original format (section 5.5). */
bool canvas_image_is_for_cache(const WireImage *image);

/* A wire bitmap (section 5.1). */
CanvasImage *canvas_image_from_bitmap(const WireImage *image, const CanvasDecode *how,
                                      CanvasResult *result);

/* The palette of an image; false with *result set. Entries may be fewer than the format can name.
 */
bool canvas_image_entries(const WireImage *image, const CanvasDecode *how, const uint32_t **entries,
                          uint32_t *n, CanvasResult *result);

/* Section 5.3: the top byte of every pixel becomes 255. */
void canvas_set_high_bits(const CanvasPixels *pixels);

#endif
