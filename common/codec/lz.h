/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* LZ images (docs/spec/lz.md section 3): the payload of LZ_RGB and LZ_PLT, and the alpha part of
 * JPEG_ALPHA. */
#ifndef CODEC_LZ_H
#define CODEC_LZ_H

#include "codec/codec.h"

/* Bytes of an LZ header. */
#define LZ_HEADER_SIZE 28

/* Images of more pixels are refused before anybody allocates for them. */
#define LZ_MAX_PIXELS (UINT32_C(1) << 28)

/* Read and check the header of a whole LZ_RGB or LZ_PLT payload (the size counts: a payload that is
 * too short to describe its picture is refused here). The caller compares width and height with the
 * image's descriptor, and the format with the image type: palette formats belong to LZ_PLT, the
 * others to LZ_RGB. The alpha planes of JPEG_ALPHA (type 10) are not taken here but by
 * lz_read_alpha_header(). */
CodecResult lz_read_header(const uint8_t *data, size_t size, CodecInfo *info);

/* Decode a whole payload to rows of pixels.
 *
 * Rows are written in the order in which they are coded: row 0 at pixels, row 1 at pixels + stride,
 * and so on. For an upright picture of a stream with top_down = false give the last row and a
 * negative stride. Rows may be padded; padding is not written. Rows must not overlap.
 *
 * to: the stream's own format (packed palette bytes for palette formats); CODEC_FORMAT_RGB32 from
 * all but A8, with X = 0; CODEC_FORMAT_RGBA from all but A8, with A = 255 unless the stream has
 * alpha. Pixels of 4 bytes must be aligned to 4, of 2 bytes to 2.
 *
 * palette: n_palette entries 0x00RRGGBB in the host's order (the top byte is ignored), used when a
 * palette format becomes RGB32 or RGBA; may be NULL otherwise. An index without entry reads as 0
 * for 1 and 8 bits and wraps around for 4 bits; no entries at all is CODEC_BAD_DATA. */
CodecResult lz_decode(const uint8_t *data, size_t size, const uint32_t *palette, uint32_t n_palette,
                      CodecFormat to, uint8_t *pixels, ptrdiff_t stride);

/* The same for the alpha plane of a JPEG_ALPHA image (type 10); info->format is CODEC_FORMAT_A8. */
CodecResult lz_read_alpha_header(const uint8_t *data, size_t size, CodecInfo *info);

/* Decode an alpha plane. to: CODEC_FORMAT_A8 writes bytes; CODEC_FORMAT_RGBA writes the alpha bytes
 * of existing 32-bit pixels and leaves their colour. Rows as in lz_decode(). */
CodecResult lz_decode_alpha(const uint8_t *data, size_t size, CodecFormat to, uint8_t *pixels,
                            ptrdiff_t stride);

/* The tables of the match search, reusable from image to image: about 0.4 MiB that a new image need
 * not clear. One thread at a time. */
typedef struct LzEncoder LzEncoder;

/* NULL when there is no memory. */
LzEncoder *lz_encoder_new(void);
void lz_encoder_free(LzEncoder *encoder);

/* Encode an image; format is any of A8, RGB16, RGB24, RGB32, RGBA and the palette formats.
 *
 * Rows are read in the order in which they will be coded: with top_down = true pixels is the top
 * row, with false the bottom row. Nothing behind the last row's last pixel is read, and X bytes
 * (bit 15 of RGB16) don't matter. Alignment as in lz_decode(). encoder may be NULL: a temporary one
 * is made.
 *
 * CODEC_NO_SPACE: the stream needs more than capacity bytes (lz_encode_bound() is always enough;
 * stride * height is what is worth sending). *size is set on success only. */
CodecResult lz_encode(LzEncoder *encoder, CodecFormat format, bool top_down, uint32_t width,
                      uint32_t height, const uint8_t *pixels, ptrdiff_t stride, uint8_t *out,
                      size_t capacity, size_t *size);

/* The same for packed rows of a palette format, looking for nothing but repeats of the last byte
 * and of the row above: several times faster on small images of text, some per cent larger. Needs
 * no encoder and hardly any cache. */
CodecResult lz_encode_rows(CodecFormat format, bool top_down, uint32_t width, uint32_t height,
                           const uint8_t *pixels, uint8_t *out, size_t capacity, size_t *size);

/* Encode the alpha bytes of 32-bit pixels as a JPEG_ALPHA alpha plane (type 10). As lz_encode(). */
CodecResult lz_encode_alpha(LzEncoder *encoder, bool top_down, uint32_t width, uint32_t height,
                            const uint8_t *pixels, ptrdiff_t stride, uint8_t *out, size_t capacity,
                            size_t *size);

/* The most bytes that lz_encode() or glz_encode() can need for such an image, header included; 0
 * when the size is out of range or the format is not one of theirs. */
size_t lz_encode_bound(CodecFormat format, uint32_t width, uint32_t height);

#endif
