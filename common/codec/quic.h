/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The QUIC image codec of SPICE: lossless, adaptive, one call per image (docs/spec/quic.md).
 *
 * Input and output are contiguous: whoever holds an image in chunks gathers them first (they are
 * one byte string; where the cuts are means nothing). All functions are reentrant and keep no state
 * between calls. Streams and pixels need no alignment. Rows run in display order, the top one
 * first; for a bottom-up bitmap pass the address of its last row in memory and a negative stride.
 */
#ifndef CODEC_QUIC_H
#define CODEC_QUIC_H

#include "codec/codec.h"

/* Read the header of a stream of size bytes and check everything that can be known without
 * decoding: magic, version, type, the limits on width and height, and that size bytes can hold so
 * many pixels at all. So what a caller allocates for width * height is bounded by the length of the
 * stream and not by what its header claims. The format is one of GRAY, RGB16, RGB24, RGB32, RGBA;
 * top_down is true (section 2, 3, 12). */
CodecResult quic_read_header(const uint8_t *data, size_t size, CodecInfo *info);

/* Whether a stream of this format can be decoded to that one: to its own; RGB24 and RGB32 to one
 * another; RGB16 to RGB32 (section 3). */
bool quic_can_decode(CodecFormat from, CodecFormat to);

/* Decode the whole of a stream into rows of the caller, who has info->height of them, stride bytes
 * apart, each with room for info->width pixels of the format to. The size of the stream in data is
 * what quic_read_header() gave for the same bytes. Writes only the pixels of the rows, never the
 * padding between them. The X byte of RGB32 becomes 0, bit 15 of RGB16 too. CODEC_BAD_DATA also
 * when the stream's format can't become to; CODEC_NO_SPACE when stride can't hold a row. */
CodecResult quic_decode(const uint8_t *data, size_t size, CodecFormat to, uint8_t *pixels,
                        ptrdiff_t stride);

/* The same, with a value of the caller's choice in the X byte when to is RGB32 (255 makes it opaque
 * ARGB). */
CodecResult quic_decode_x(const uint8_t *data, size_t size, CodecFormat to, uint8_t x,
                          uint8_t *pixels, ptrdiff_t stride);

/* Encode height rows of width pixels (GRAY, RGB16, RGB24, RGB32 or RGBA) into out. Stops with
 * CODEC_NO_SPACE as soon as the stream would not fit in capacity bytes: give the size of the raw
 * pixels to learn early that QUIC doesn't pay. *size: bytes of the stream, a multiple of 4;
 * untouched on errors. X bytes and bit 15 are not coded. CODEC_BAD_HEADER for other formats or
 * empty pictures; CODEC_TOO_LARGE above 2^29 - 1 pixels. */
CodecResult quic_encode(CodecFormat format, uint32_t width, uint32_t height, const uint8_t *pixels,
                        ptrdiff_t stride, uint8_t *out, size_t capacity, size_t *size);

/* A capacity that quic_encode() never exceeds for any contents; 0 when the format or the size is
 * not encodable. */
size_t quic_encode_bound(CodecFormat format, uint32_t width, uint32_t height);

#endif
