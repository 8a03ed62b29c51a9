/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* JPEG, JPEG_ALPHA and the frames of MJPEG streams (docs/spec/lz.md sections 8 to 10) on
 * libjpeg-turbo. Whatever is wrong with a picture comes back as a result: the library's way of
 * ending the process is switched off. */
#ifndef CODEC_JPEG_H
#define CODEC_JPEG_H

#include "codec/codec.h"
#include "codec/lz.h"

/* The library's limit on width and height. */
#define JPEG_IMAGE_MAX_SIDE 65500
/* Pictures of more pixels are refused before anybody allocates for them. */
#define JPEG_IMAGE_MAX_PIXELS (UINT32_C(1) << 28)

/* ---- JPEG: always upright, whatever the image's other flags say ---- */

/* Read and check the header of a whole payload; info->format is CODEC_FORMAT_RGB32 and
 * info->top_down true. The caller compares width and height with the descriptor. Baseline and
 * progressive, grey and colour, any sampling. */
CodecResult jpeg_image_read_header(const uint8_t *data, size_t size, CodecInfo *info);

/* Decode, top row first. to: CODEC_FORMAT_RGB32 (X = 0) or CODEC_FORMAT_RGBA (A = 255). Damaged or
 * missing pieces of the picture are errors. */
CodecResult jpeg_image_decode(const uint8_t *data, size_t size, CodecFormat to, uint8_t *pixels,
                              ptrdiff_t stride);

typedef enum JpegSubsampling {
    JPEG_SUBSAMPLING_420, /* as the deployed server sends */
    JPEG_SUBSAMPLING_422,
    JPEG_SUBSAMPLING_444, /* for text and sharp coloured edges */
} JpegSubsampling;

typedef struct JpegOptions {
    int quality; /* 1 to 100; the deployed server sends 85 */
    JpegSubsampling subsampling;
    bool optimize; /* Huffman tables made for this picture: some per cent smaller, two passes */
} JpegOptions;

/* Encode. format: RGB16, RGB24, RGB32 or RGBA (its alpha is dropped). pixels is the top row (a
 * bottom-up source is given with its last row and a negative stride). CODEC_TOO_LARGE above
 * JPEG_IMAGE_MAX_SIDE. */
CodecResult jpeg_image_encode(CodecFormat format, uint32_t width, uint32_t height,
                              const uint8_t *pixels, ptrdiff_t stride, const JpegOptions *options,
                              uint8_t *out, size_t capacity, size_t *size);

/* ---- JPEG_ALPHA: a JPEG and behind it an LZ alpha plane ---- */

/* Check both headers and that they belong together. flag_top_down: SPICE_JPEG_ALPHA_FLAGS_TOP_DOWN
 * of the image. info->format is RGBA, info->top_down true (the decoded picture is upright). */
CodecResult jpeg_alpha_read_header(const uint8_t *data, size_t size, uint32_t jpeg_size,
                                   bool flag_top_down, CodecInfo *info);

/* Decode to RGBA, top row first. */
CodecResult jpeg_alpha_decode(const uint8_t *data, size_t size, uint32_t jpeg_size,
                              bool flag_top_down, uint8_t *pixels, ptrdiff_t stride);

/* Encode RGBA pixels, pixels being the top row. top_down is the order in which the alpha rows are
 * coded and the value of the image's flag. encoder may be NULL. */
CodecResult jpeg_alpha_encode(LzEncoder *encoder, bool top_down, uint32_t width, uint32_t height,
                              const uint8_t *pixels, ptrdiff_t stride, const JpegOptions *options,
                              uint8_t *out, size_t capacity, size_t *jpeg_size, size_t *size);

/* ---- MJPEG: the frames of one stream ---- */

/* Keeps the Huffman tables from frame to frame; before a frame brings any, the standard ones count.
 * One thread at a time. A bad frame is skipped by the caller; the stream goes on with the next one.
 */
typedef struct JpegStream JpegStream;

/* NULL when there is no memory. */
JpegStream *jpeg_stream_new(void);
void jpeg_stream_free(JpegStream *stream);

/* Read the header of the next frame: its size is the frame's own, whatever the stream was announced
 * with. The data must stay until the frame is decoded or the next one begins. info->top_down is
 * true: rows come as coded; streams without SPICE_STREAM_FLAGS_TOP_DOWN are coded upside down. */
CodecResult jpeg_stream_begin(JpegStream *stream, const uint8_t *data, size_t size,
                              CodecInfo *info);

/* Decode the frame that was begun, as jpeg_image_decode() but by the faster, slightly less exact
 * way. */
CodecResult jpeg_stream_decode(JpegStream *stream, CodecFormat to, uint8_t *pixels,
                               ptrdiff_t stride);

#endif
