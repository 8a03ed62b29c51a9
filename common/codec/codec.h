/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What all image codecs share: results, pixel formats, and what a stream's header says. */
#ifndef CODEC_CODEC_H
#define CODEC_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How a codec function ended. Whatever isn't CODEC_OK leaves the output's contents undefined (never
 * shown, never half trusted), and has written nothing outside it. */
typedef enum CodecResult {
    CODEC_OK,
    CODEC_TRUNCATED,  /* the stream ends before the picture does */
    CODEC_BAD_HEADER, /* not this codec's stream, or a version, type or size that it can't have */
    CODEC_BAD_DATA,   /* the coded data contradicts itself, or can't become the format asked for */
    CODEC_TOO_LARGE,  /* more pixels than the codec allows, or sizes that don't fit in memory's
                         arithmetic */
    CODEC_NO_MEMORY,  /* an allocation failed */
    CODEC_MISSING,    /* GLZ: an image that this one refers to is not there yet */
    CODEC_NO_SPACE,   /* encoder: the output would exceed the capacity given */
} CodecResult;

/* Layouts of a pixel in memory. Multi-byte pixels are little-endian words, as on the wire. */
typedef enum CodecFormat {
    CODEC_FORMAT_NONE,
    CODEC_FORMAT_A8,    /* one byte */
    CODEC_FORMAT_RGB16, /* x1r5g5b5 in 16 bits */
    CODEC_FORMAT_RGB24, /* bytes B, G, R */
    CODEC_FORMAT_RGB32, /* bytes B, G, R, X: x8r8g8b8; decoders write X = 0 unless told otherwise */
    CODEC_FORMAT_RGBA,  /* bytes B, G, R, A: a8r8g8b8, alpha as the sender gave it */
    CODEC_FORMAT_GRAY,  /* one byte */
    CODEC_FORMAT_PLT1_LE,
    CODEC_FORMAT_PLT1_BE,
    CODEC_FORMAT_PLT4_LE,
    CODEC_FORMAT_PLT4_BE,
    CODEC_FORMAT_PLT8,
} CodecFormat;

/* What a stream says of itself, read and checked before anybody allocates pixels. */
typedef struct CodecInfo {
    uint32_t width, height; /* pixels, both at least 1 */
    CodecFormat format;     /* the stream's own format */
    bool top_down;          /* the first coded row is the top one */
    size_t header_size;     /* bytes before the coded data */
} CodecInfo;

/* A result in words for a log or an error message ("the image data ends too early"); static
 * storage. */
const char *codec_result_text(CodecResult result);

/* Bits of one pixel in memory: 1 to 32; 0 for CODEC_FORMAT_NONE and values outside the enum. */
unsigned codec_format_bits(CodecFormat format);

/* Bytes of one row of width pixels without padding (bits rounded up to bytes). False when it
 * doesn't fit in size_t or the format is none. */
bool codec_row_size(CodecFormat format, uint32_t width, size_t *size);

#endif
