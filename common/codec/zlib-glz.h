/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ZLIB_GLZ images (docs/spec/lz.md section 5): a GLZ stream inside one zlib stream. */
#ifndef CODEC_ZLIB_GLZ_H
#define CODEC_ZLIB_GLZ_H

#include "codec/glz.h"

/* Is this inflated size believable for a payload of size bytes and an image of width x height?
 * CODEC_TOO_LARGE if not. To be asked before allocating for zlib_glz_inflate(). */
CodecResult zlib_glz_check(size_t size, uint32_t inflated_size, uint32_t width, uint32_t height);

/* Inflate a payload to the GLZ stream. It has to fill the inflated_size bytes of out exactly. A
 * caller that may have to wait for another image (CODEC_MISSING of glz_decode()) keeps the inflated
 * bytes. */
CodecResult zlib_glz_inflate(const uint8_t *data, size_t size, uint8_t *out,
                             uint32_t inflated_size);

/* Check, inflate and decode in one go: as glz_decode(). width and height are the descriptor's; a
 * stream of another size is CODEC_BAD_HEADER. */
CodecResult zlib_glz_decode(GlzWindow *window, const uint8_t *data, size_t size,
                            uint32_t inflated_size, uint32_t width, uint32_t height,
                            GlzImage **image, uint64_t *missing);

/* Wrap a GLZ stream. level: 1 to 9 as in zlib; the deployed server uses 3. CODEC_NO_SPACE when it
 * doesn't fit in capacity: give glz_size - 1 and send the GLZ stream as it is then. */
CodecResult zlib_glz_encode(const uint8_t *glz, size_t glz_size, int level, uint8_t *out,
                            size_t capacity, size_t *size);

#endif
