/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the LZ and GLZ decoders share: image types, big-endian fields, and the two things that a
 * token does: put literals and copy units from further back. Private to the room. */
#ifndef CODEC_LZ_PRIVATE_H
#define CODEC_LZ_PRIVATE_H

#include "codec/codec.h"

#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define ALWAYS_INLINE static inline __attribute__((always_inline))
#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

#define LZ_MAGIC UINT32_C(0x20205a4c)
#define LZ_VERSION UINT32_C(0x00010001)
#define LZ_MAX_BYTES ((UINT32_C(1) << 30) - 1)

/* A payload of n bytes never describes more units than this many times n (lz.md section 2). */
#define LZ_MAX_EXPANSION 255

/* Memory for the pixels of an image, 16-byte aligned, to be freed with free(). A new image of a
 * screen's size spends more time on page faults than on decoding; large pages make them few. */
void *lz_alloc_pixels(size_t size);

/* The type field of the headers. */
enum {
    LZ_TYPE_PLT1_LE = 1,
    LZ_TYPE_PLT1_BE,
    LZ_TYPE_PLT4_LE,
    LZ_TYPE_PLT4_BE,
    LZ_TYPE_PLT8,
    LZ_TYPE_RGB16,
    LZ_TYPE_RGB24,
    LZ_TYPE_RGB32,
    LZ_TYPE_RGBA,
    LZ_TYPE_XXXA,
    LZ_TYPE_A8,
};

/* CODEC_FORMAT_NONE for values outside the table. XXXA is an A8 plane. */
CodecFormat lz_format_of_type(uint32_t type);
/* 0 when there is none. */
uint32_t lz_type_of_format(CodecFormat format);

ALWAYS_INLINE uint32_t lz_read_be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

ALWAYS_INLINE void lz_write_be32(uint8_t *p, uint32_t v)
{
    p[0] = v >> 24;
    p[1] = v >> 16;
    p[2] = v >> 8;
    p[3] = v;
}

/* How a pass writes its units. */
typedef enum LzUnit {
    LZ_BGR_TO_32,   /* 3 literal bytes, 4 bytes out with X = 0 */
    LZ_BGR_TO_24,   /* 3 and 3 */
    LZ_555_TO_16,   /* 2 and 2 */
    LZ_555_TO_32,   /* 2 and 4, expanded to 8 bits per channel */
    LZ_BYTE_TO_8,   /* 1 and 1 */
    LZ_BYTE_TO_32,  /* 1 and 4, through a table of 256 */
    LZ_ALPHA_TO_32, /* 1 and the highest byte of 4 that are there */
} LzUnit;

ALWAYS_INLINE size_t lz_unit_out(LzUnit unit)
{
    return unit == LZ_BYTE_TO_8 ? 1 : unit == LZ_555_TO_16 ? 2 : unit == LZ_BGR_TO_24 ? 3 : 4;
}

ALWAYS_INLINE size_t lz_unit_in(LzUnit unit)
{
    return unit <= LZ_BGR_TO_24 ? 3 : unit <= LZ_555_TO_32 ? 2 : 1;
}

ALWAYS_INLINE size_t lz_unit_bias(LzUnit unit)
{
    return 3 - lz_unit_in(unit);
}

ALWAYS_INLINE uint32_t lz_expand_555(uint32_t v)
{
    uint32_t r = v >> 10 & 31, g = v >> 5 & 31, b = v & 31;

    return (r << 3 | r >> 2) << 16 | (g << 3 | g >> 2) << 8 | (b << 3 | b >> 2);
}

/* n literal units from in to out. The caller has checked that they are there, and that there is
 * room. */
ALWAYS_INLINE void lz_put_literals(LzUnit unit, uint8_t *out, const uint8_t *in, size_t n,
                                   const uint32_t *table)
{
    uint32_t *out32 = (uint32_t *)out;
    uint16_t *out16 = (uint16_t *)out;
    uint32_t v;

    switch (unit) {
    case LZ_BGR_TO_32:
        for (; n > 1; n--, in += 3) { /* all but the last may look at one byte more */
            memcpy(&v, in, 4);
            *out32++ = v & 0xffffff;
        }
        *out32 = in[0] | (uint32_t)in[1] << 8 | (uint32_t)in[2] << 16;
        break;
    case LZ_BGR_TO_24:
        memcpy(out, in, n * 3);
        break;
    case LZ_555_TO_16:
        for (size_t i = 0; i < n; i++, in += 2)
            out16[i] = in[0] << 8 | in[1];
        break;
    case LZ_555_TO_32:
        for (size_t i = 0; i < n; i++, in += 2)
            out32[i] = lz_expand_555((uint32_t)in[0] << 8 | in[1]);
        break;
    case LZ_BYTE_TO_8:
        memcpy(out, in, n);
        break;
    case LZ_BYTE_TO_32:
        for (size_t i = 0; i < n; i++)
            out32[i] = table[in[i]];
        break;
    case LZ_ALPHA_TO_32:
        for (size_t i = 0; i < n; i++)
            out[4 * i + 3] = in[i];
        break;
    }
}

/* Sixteen bytes at once, for compilers and machines of any kind. */
ALWAYS_INLINE void lz_copy16(uint8_t *to, const uint8_t *from)
{
    uint64_t a, b;

    memcpy(&a, from, 8);
    memcpy(&b, from + 8, 8);
    memcpy(to, &a, 8);
    memcpy(to + 8, &b, 8);
}

/* len bytes from distance bytes back, as if byte by byte in rising order; writes nothing beyond
 * them. Copies whole periods, so the part that can be copied at once doubles; it stays small enough
 * for the first cache. */
static inline void lz_copy_periodic(uint8_t *to, size_t distance, size_t len)
{
    const uint8_t *from = to - distance;

    while (len > distance) {
        memcpy(to, from, distance);
        to += distance;
        len -= distance;
        if (distance <= 4096)
            distance *= 2;
        else
            from += distance;
    }
    memcpy(to, from, len);
}

/* n times the 32-bit word. */
static inline void lz_fill32(uint8_t *to, uint32_t word, size_t n)
{
    size_t i = 0;
#ifdef __SSE2__
    __m128i v = _mm_set1_epi32(word);

    for (; i + 8 <= n; i += 8) {
        _mm_storeu_si128((__m128i *)(to + 4 * i), v);
        _mm_storeu_si128((__m128i *)(to + 4 * i + 16), v);
    }
#endif
    for (; i < n; i++)
        memcpy(to + 4 * i, &word, 4);
}

/* The alpha bytes of n pixels from those of distance pixels back. */
static inline void lz_copy_alpha(uint8_t *to, size_t distance, size_t n)
{
    const uint8_t *from = to - 4 * distance;
    size_t i = 0;
#ifdef __SSE2__
    const __m128i alpha = _mm_set1_epi32((int)0xff000000);

    if (distance == 1) {
        __m128i a = _mm_set1_epi32((int)((uint32_t)from[3] << 24));

        for (; i + 4 <= n; i += 4) {
            __m128i *p = (__m128i *)(to + 4 * i);
            _mm_storeu_si128(p, _mm_or_si128(_mm_andnot_si128(alpha, _mm_loadu_si128(p)), a));
        }
    } else if (distance >= 4) {
        for (; i + 4 <= n; i += 4) {
            __m128i *p = (__m128i *)(to + 4 * i);
            __m128i a = _mm_and_si128(alpha, _mm_loadu_si128((const __m128i *)(from + 4 * i)));
            _mm_storeu_si128(p, _mm_or_si128(_mm_andnot_si128(alpha, _mm_loadu_si128(p)), a));
        }
    }
#endif
    for (; i < n; i++)
        to[4 * i + 3] = from[4 * i + 3];
}

/* n units from distance units back in the same row of memory, as if unit by unit in rising order.
 * room: units from to up to the end of that row (at least n). What lies between the copy and the
 * row's end is not decoded yet, so a short copy may spill into it. */
ALWAYS_INLINE void lz_copy_units(LzUnit unit, uint8_t *to, size_t distance, size_t n, size_t room)
{
    const size_t s = lz_unit_out(unit);
    size_t len = n * s, back = distance * s;

    if (unit == LZ_ALPHA_TO_32) {
        lz_copy_alpha(to, distance, n);
        return;
    }
    if (back >= 16 && room * s >= len + 32) {
        const uint8_t *from = to - back;
        uint8_t *end = to + len;

        if (LIKELY(len <= 32)) {
            lz_copy16(to, from);
            lz_copy16(to + 16, from + 16);
        } else if (len < 512) {
            do {
                lz_copy16(to, from);
                lz_copy16(to + 16, from + 16);
                to += 32;
                from += 32;
            } while (to < end);
        } else {
            lz_copy_periodic(to, back, len);
        }
        return;
    }
    if (distance == 1 && s == 4) {
        uint32_t word;

        memcpy(&word, to - 4, 4);
        lz_fill32(to, word, n);
    } else if (distance == 1 && s == 1) {
        memset(to, to[-1], n);
    } else if (back >= 8 && len <= 64 && room * s >= len + 8) {
        const uint8_t *from = to - back;

        for (uint8_t *end = to + len; to < end; to += 8, from += 8) {
            uint64_t v;
            memcpy(&v, from, 8);
            memcpy(to, &v, 8);
        }
    } else {
        lz_copy_periodic(to, back, len);
    }
}

#endif
