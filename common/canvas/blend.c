/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* OVER of section 8.4 on rows of a8r8g8b8; four pixels at a time where the CPU has SSE2. */
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "canvas/blend.h"

#ifdef __SSE2__
/* Channels in 16-bit lanes: MUL(a, b) = (t + (t >> 8)) >> 8 = the high half of t * 257. */
static inline __m128i mul(__m128i a, __m128i b)
{
    return _mm_mulhi_epu16(_mm_add_epi16(_mm_mullo_epi16(a, b), _mm_set1_epi16(128)), _mm_set1_epi16(257));
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

void canvas_over_row(uint32_t *dst, const uint32_t *src, unsigned int alpha, size_t n)
{
    size_t i = 0;

#ifdef __SSE2__
    const __m128i zero = _mm_setzero_si128(), m = _mm_set1_epi16((short)alpha);
    int masked = alpha != 255;

    for (; i + 4 <= n; i += 4) {
        __m128i s = _mm_loadu_si128((const __m128i *)(src + i)), d = _mm_loadu_si128((const __m128i *)(dst + i));
        __m128i low = over_half(_mm_unpacklo_epi8(s, zero), _mm_unpacklo_epi8(d, zero), m, masked);
        __m128i high = over_half(_mm_unpackhi_epi8(s, zero), _mm_unpackhi_epi8(d, zero), m, masked);

        _mm_storeu_si128((__m128i *)(dst + i), _mm_packus_epi16(low, high));
    }
#endif
    for (; i < n; i++)
        dst[i] = canvas_over_pixel(alpha == 255 ? src[i] : canvas_mul_pixel(src[i], alpha), dst[i]);
}
