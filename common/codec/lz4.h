/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* LZ4 images (docs/spec/lz.md section 6): raw rows in linked LZ4 blocks. Not to be mixed up with
 * the library's <lz4.h>. */
#ifndef CODEC_LZ4_H
#define CODEC_LZ4_H

#include "codec/codec.h"

/* Bytes before the first block. */
#define LZ4_IMAGE_HEADER_SIZE 2

/* Images of more pixels are refused before anybody allocates for them. */
#define LZ4_IMAGE_MAX_PIXELS (UINT32_C(1) << 28)

/* Read and check the header of a whole payload. The size isn't in it: width and height are the
 * descriptor's, and a payload that can't fill them is refused. Formats: RGB16, RGB24, RGB32, RGBA,
 * A8. */
CodecResult lz4_image_read_header(const uint8_t *data, size_t size, uint32_t width, uint32_t height,
                                  CodecInfo *info);

/* Decode a whole payload. Rows are written in the order in which they are coded (as lz_decode()
 * does), their padding is not written. to: the stream's own format, where RGB32 keeps the X bytes
 * that the sender gave; or RGB32 from RGB16, RGB24 (X = 0) and RGBA (X as sent); or RGBA from
 * RGB16, RGB24 and RGB32 (A = 255). Tight rows (|stride| = row size) need no memory beside them;
 * padded ones the size of the raw rows. */
CodecResult lz4_image_decode(const uint8_t *data, size_t size, uint32_t width, uint32_t height,
                             CodecFormat to, uint8_t *pixels, ptrdiff_t stride);

/* Encode. format: RGB16, RGB24, RGB32 or RGBA (A8 must not be sent: deployed clients end at it).
 * level: 0 is fast, 3 to 12 search harder for fewer bytes. Rows are read in the order in which they
 * will be coded. CODEC_NO_SPACE when more than capacity bytes are needed; stride * height is what
 * is worth sending. */
CodecResult lz4_image_encode(CodecFormat format, bool top_down, uint32_t width, uint32_t height,
                             const uint8_t *pixels, ptrdiff_t stride, int level, uint8_t *out,
                             size_t capacity, size_t *size);

#endif
