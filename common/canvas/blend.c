/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* OVER of section 8.4 on rows of a8r8g8b8; four pixels at a time where the CPU has SSE2, eight with
 * AVX2. */
#include "canvas/blend.h"
#include "canvas/kernel.h"

#ifdef CANVAS_HAVE_AVX2
#include <immintrin.h>
#elif defined(__SSE2__)
#include <emmintrin.h>
#endif

#ifdef __SSE2__
/* Channels in 16-bit lanes: MUL(a, b) = (t + (t >> 8)) >> 8 = the high half of t * 257. */
static inline __m128i mul(__m128i a, __m128i b)
{
    return _mm_mulhi_epu16(_mm_add_epi16(_mm_mullo_epi16(a, b), _mm_set1_epi16(128)),
                           _mm_set1_epi16(257));
}

static inline __m128i alphas(__m128i pixels)
{
    return _mm_shufflehi_epi16(_mm_shufflelo_epi16(pixels, 0xff), 0xff);
}

static inline __m128i over_half(__m128i s, __m128i d, __m128i m, int masked)
{
    if (masked)
        s = mul(s, m);
    /* Sums stay below 512, and the pack that follows saturates. */
    return _mm_add_epi16(s, mul(d, _mm_sub_epi16(_mm_set1_epi16(255), alphas(s))));
}
#endif

#ifdef CANVAS_HAVE_AVX2
__attribute__((target("avx2"))) static inline __m256i mul_wide(__m256i a, __m256i b)
{
    return _mm256_mulhi_epu16(_mm256_add_epi16(_mm256_mullo_epi16(a, b), _mm256_set1_epi16(128)),
                              _mm256_set1_epi16(257));
}

__attribute__((target("avx2"))) static inline __m256i over_half_wide(__m256i s, __m256i d,
                                                                     __m256i m, int masked)
{
    __m256i alpha;

    if (masked)
        s = mul_wide(s, m);
    alpha = _mm256_shufflehi_epi16(_mm256_shufflelo_epi16(s, 0xff), 0xff);
    return _mm256_add_epi16(s, mul_wide(d, _mm256_sub_epi16(_mm256_set1_epi16(255), alpha)));
}

/* The pixels that fill whole vectors; returns how many. */
__attribute__((target("avx2"))) static size_t
over_row_wide(uint32_t *dst, const uint32_t *src, unsigned int alpha, uint32_t kept, size_t n)
{
    const __m256i zero = _mm256_setzero_si256(), m = _mm256_set1_epi16((short)alpha),
                  keep = _mm256_set1_epi32((int)kept);
    int masked = alpha != 255;
    size_t i = 0;

    for (; i + 8 <= n; i += 8) {
        __m256i s = _mm256_loadu_si256((const __m256i *)(src + i)),
                d = _mm256_loadu_si256((const __m256i *)(dst + i));
        __m256i low =
            over_half_wide(_mm256_unpacklo_epi8(s, zero), _mm256_unpacklo_epi8(d, zero), m, masked);
        __m256i high =
            over_half_wide(_mm256_unpackhi_epi8(s, zero), _mm256_unpackhi_epi8(d, zero), m, masked);

        _mm256_storeu_si256((__m256i *)(dst + i),
                            _mm256_and_si256(_mm256_packus_epi16(low, high), keep));
    }
    return i;
}
#endif

void canvas_over_row(uint32_t *dst, const uint32_t *src, unsigned int alpha, uint32_t kept,
                     size_t n)
{
    size_t i = 0;

#ifdef CANVAS_HAVE_AVX2
    if (__builtin_cpu_supports("avx2"))
        i = over_row_wide(dst, src, alpha, kept, n);
#endif
#ifdef __SSE2__
    const __m128i zero = _mm_setzero_si128(), m = _mm_set1_epi16((short)alpha),
                  keep = _mm_set1_epi32((int)kept);
    int masked = alpha != 255;

    for (; i + 4 <= n; i += 4) {
        __m128i s = _mm_loadu_si128((const __m128i *)(src + i)),
                d = _mm_loadu_si128((const __m128i *)(dst + i));
        __m128i low = over_half(_mm_unpacklo_epi8(s, zero), _mm_unpacklo_epi8(d, zero), m, masked);
        __m128i high = over_half(_mm_unpackhi_epi8(s, zero), _mm_unpackhi_epi8(d, zero), m, masked);

        _mm_storeu_si128((__m128i *)(dst + i), _mm_and_si128(_mm_packus_epi16(low, high), keep));
    }
#endif
    for (; i < n; i++)
        dst[i] =
            canvas_over_pixel(alpha == 255 ? src[i] : canvas_mul_pixel(src[i], alpha), dst[i]) &
            kept;
}
