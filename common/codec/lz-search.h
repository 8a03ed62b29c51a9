/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The match search and the token writer of the LZ and GLZ encoders: one body, specialised by the
 * compiler for units of 4, 2 and 1 bytes and for both token forms. Private to the room.
 *
 * Units lie in one array, in stream order. Every unit has a virtual position, a 32-bit number that
 * goes on counting from image to image; tables keep positions, so they need not be cleared: what
 * lies outside the live images is stale and is passed over. Three tables: the short one finds the
 * least that pays (2 or 3 units), the others (4 or 8, and 12 or 16 units) the longer matches that
 * the newest entries of the shorter ones hide. Beside them the distances 1, the row above, and that
 * of the last match are tried. */
#ifndef CODEC_LZ_SEARCH_H
#define CODEC_LZ_SEARCH_H

#include "codec/lz-private.h"

/* A match that saves so many bytes isn't worth looking for a better one. */
#define GOOD_ENOUGH 96
/* Nor is there more than a quick look after one that saves so many. */
#define GOOD 12
/* A match that saves less may be put off by one unit for a better one. */
#define LAZY 20
/* Literals that wait for the next match, at most. A multiple of 32, so that splitting costs
 * nothing. */
#define MAX_PENDING 512
/* After so many (log 2) failed searches the step grows by one: content without matches is passed
 * over quickly. */
#define SKIP_LOG 6
/* How hard to search is decided anew after so many units, by what the last ones cost. */
#define BLOCK 1024
/* Tokens of more than so many sixteenths of the plain units: little, or some effort. */
#define LOW_EFFORT_ABOVE 10
#define SOME_EFFORT_ABOVE 3
/* The largest distance of an LZ match, and the largest of its short form. */
#define LZ_MAX_DISTANCE 73727
#define LZ_SHORT_DISTANCE 8191

/* Two positions with the same hash, the newer one first. */
typedef struct LzBucket {
    uint32_t newer, older;
} LzBucket;

typedef struct LzTables {
    LzBucket *shorts, *middles, *longs;
    uint32_t *singles; /* the last position of a unit; LZ with 4-byte units only, NULL else */
    unsigned bits;     /* log 2 of the buckets of each */
} LzTables;

#define LZ_SINGLE_BITS 12

/* An earlier image of a GLZ dictionary as the search sees it. */
typedef struct LzSource {
    const uint8_t *units;
    uint32_t first; /* virtual position of unit 0 */
    uint32_t n;
    uint64_t id;
} LzSource;

typedef struct LzOut {
    uint8_t *p, *end;
} LzOut;

/* One pass over one image. */
typedef struct LzPass {
    const uint8_t *units;
    uint32_t n;     /* at least 1 */
    uint32_t width; /* units in a row */
    uint32_t first; /* virtual position of unit 0 */
    LzTables *tables;
    LzOut out;
    /* GLZ only: which image holds a virtual position (NULL: none that may be used), and the own id.
     */
    bool (*resolve)(void *ctx, uint32_t position, LzSource *source);
    void *ctx;
    uint64_t id;
    uint32_t guess; /* GLZ: distance (in positions) to the same place of an earlier image of this
                       size; 0: none */
} LzPass;

/* How hard to search. Where tokens are short anyway (photographs) most of the time would go into
 * looking for better ones that aren't there. */
typedef enum LzEffort {
    LZ_EFFORT_LOW,  /* hardly any matches */
    LZ_EFFORT_SOME, /* short matches */
    LZ_EFFORT_FULL,
} LzEffort;

/* A candidate found. */
typedef struct LzMatch {
    uint32_t n;
    uint32_t distance;  /* in virtual positions, across images too */
    uint32_t m, offset; /* GLZ: m > 0: unit `offset` of the image m before */
    int saved;          /* bytes against literals */
    uint32_t back;      /* units before that would match as well */
} LzMatch;

ALWAYS_INLINE uint32_t lz_bias(unsigned s)
{
    return s == 4 ? 0 : s == 2 ? 1 : 2;
}

ALWAYS_INLINE uint32_t lz_literal(unsigned s)
{
    return s == 4 ? 3 : s;
}

/* The bits of a unit that count. */
ALWAYS_INLINE uint32_t lz_unit(unsigned s, const uint8_t *units, size_t i)
{
    uint32_t v;
    uint16_t v16;

    switch (s) {
    case 4:
        memcpy(&v, units + 4 * i, 4);
        return v & 0xffffff;
    case 2:
        memcpy(&v16, units + 2 * i, 2);
        return v16 & 0x7fff;
    default:
        return units[i];
    }
}

/* Units that the three hashes look at. */
#define SHORT_UNITS(s) ((s) == 1 ? 3u : 2u)
#define MIDDLE_UNITS(s) ((s) == 1 ? 8u : 4u)
#define LONG_UNITS(s) ((s) == 1 ? 16u : 12u)

/* The bits that count in eight bytes of units. */
ALWAYS_INLINE uint64_t lz_eight_bytes(unsigned s, const uint8_t *at)
{
    uint64_t v;

    memcpy(&v, at, 8);
    return s == 4   ? v & UINT64_C(0x00ffffff00ffffff)
           : s == 2 ? v & UINT64_C(0x7fff7fff7fff7fff)
                    : v;
}

ALWAYS_INLINE uint64_t lz_short_key(unsigned s, const uint8_t *at)
{
    uint32_t v;

    switch (s) {
    case 4:
        return lz_eight_bytes(4, at);
    case 2:
        memcpy(&v, at, 4);
        return v & 0x7fff7fff;
    default:
        return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16;
    }
}

ALWAYS_INLINE uint64_t lz_mix(uint64_t sum, uint64_t more)
{
    return (sum ^ sum >> 29) * UINT64_C(0xcf1bbcdcb7a56463) + more;
}

ALWAYS_INLINE uint32_t lz_hash(uint64_t key, unsigned bits)
{
    key ^= key >> 24;
    return key * UINT64_C(0x9e3779b97f4a7c15) >> (64 - bits);
}

/* Hashes of the units from one on, as far as there are enough of them. */
typedef struct LzHashes {
    uint32_t shorts, middles, longs;
    bool with_middle, with_long;
} LzHashes;

ALWAYS_INLINE LzHashes lz_hashes(unsigned s, const uint8_t *at, uint32_t left, unsigned bits)
{
    LzHashes hashes = {.with_middle = left >= MIDDLE_UNITS(s), .with_long = left >= LONG_UNITS(s)};
    uint64_t sum;

    hashes.shorts = lz_hash(lz_short_key(s, at), bits);
    if (!hashes.with_middle)
        return hashes;
    sum = lz_eight_bytes(s, at);
    if (s == 4)
        sum = lz_mix(sum, lz_eight_bytes(s, at + 8));
    hashes.middles = lz_hash(sum, bits);
    if (!hashes.with_long)
        return hashes;
    for (unsigned i = MIDDLE_UNITS(s) * s; i < LONG_UNITS(s) * s; i += 8)
        sum = lz_mix(sum, lz_eight_bytes(s, at + i));
    hashes.longs = lz_hash(sum, bits);
    return hashes;
}

/* How many units are equal from a and b on, at most max. */
ALWAYS_INLINE uint32_t lz_equal_units(unsigned s, const uint8_t *a, const uint8_t *b, uint32_t max)
{
    uint32_t n = 0;
#ifdef __SSE2__
    const __m128i mask = s == 4   ? _mm_set1_epi32(0xffffff)
                         : s == 2 ? _mm_set1_epi16(0x7fff)
                                  : _mm_set1_epi8(-1);
    const uint32_t step = 16 / s;

    for (; n + step <= max; n += step) {
        __m128i x = _mm_loadu_si128((const __m128i *)(a + (size_t)n * s));
        __m128i y = _mm_loadu_si128((const __m128i *)(b + (size_t)n * s));
        __m128i differ = _mm_and_si128(_mm_xor_si128(x, y), mask);
        uint32_t same = _mm_movemask_epi8(_mm_cmpeq_epi8(differ, _mm_setzero_si128()));

        if (same != 0xffff)
            return n + __builtin_ctz(~same) / s;
    }
#endif
    while (n < max && lz_unit(s, a, n) == lz_unit(s, b, n))
        n++;
    return n;
}

ALWAYS_INLINE uint32_t lz_extension_bytes(uint32_t l)
{
    return l < 7 ? 0 : 1 + (l - 7) / 255;
}

/* Bytes of a match token without extensions. */
ALWAYS_INLINE uint32_t lz_token_bytes(bool glz, uint32_t distance, uint32_t m, uint32_t offset)
{
    if (!glz)
        return distance <= LZ_SHORT_DISTANCE ? 2 : 4;
    if (m == 0)
        return distance - 1 < 1u << 17 ? 3 : 4;
    if (offset < 4096)
        return m < 64 ? 3 : m < 1u << 14 ? 4 : m < 1u << 22 ? 5 : 6;
    return (offset < 1u << 17 ? 3 : 4) + (m < 1u << 8 ? 1 : m < 1u << 16 ? 2 : 3);
}

/* Try the unit at position - distance as source for unit i; *best becomes the better one. */
ALWAYS_INLINE void lz_try(unsigned s, bool glz, const LzPass *pass, uint32_t i, uint32_t distance,
                          uint32_t pending, LzMatch *best)
{
    const uint8_t *here = pass->units + (size_t)i * s, *there;
    uint32_t max = pass->n - i, back_max = pending, m = 0, offset = 0;

    if (distance - 1 < i) {
        if (!glz && distance > LZ_MAX_DISTANCE)
            return;
        there = here - (size_t)distance * s;
        if (back_max > i - distance)
            back_max = i - distance;
    } else {
        LzSource source;

        if (!glz || distance == 0 || !pass->resolve(pass->ctx, pass->first + i - distance, &source))
            return;
        offset = pass->first + i - distance - source.first;
        m = pass->id - source.id;
        there = source.units + (size_t)offset * s;
        if (max > source.n - offset)
            max = source.n - offset;
        if (back_max > offset)
            back_max = offset;
    }

    /* A longer match must agree where the best one so far ended. */
    if (best->n && (best->n >= max || lz_unit(s, here, best->n) != lz_unit(s, there, best->n)) &&
        best->distance <= distance)
        return;

    /* Most candidates differ at once; one well predicted branch is cheaper than finding out where.
     * Single units are not for this search. */
    if (max < SHORT_UNITS(s) || lz_short_key(s, here) != lz_short_key(s, there))
        return;
    uint32_t n = lz_equal_units(s, here, there, max);

    uint32_t back = 0;
    while (back < back_max && lz_unit(s, here - (size_t)(back + 1) * s, 0) ==
                                  lz_unit(s, there - (size_t)(back + 1) * s, 0))
        back++;

    uint32_t cost = lz_token_bytes(glz, distance, m, m ? offset - back : 0) +
                    lz_extension_bytes(n + back - lz_bias(s));
    int saved = (int)((n + back) * lz_literal(s)) - (int)cost;
    if (saved > best->saved)
        *best = (LzMatch){
            .n = n, .distance = distance, .m = m, .offset = offset, .saved = saved, .back = back};
}

ALWAYS_INLINE void lz_enter(LzBucket *bucket, uint32_t position)
{
    if (bucket->newer != position) /* looking ahead may have entered it already */
        *bucket = (LzBucket){position, bucket->newer};
}

ALWAYS_INLINE void lz_remember(const LzTables *tables, const LzHashes *hashes, uint32_t position)
{
    lz_enter(&tables->shorts[hashes->shorts], position);
    if (hashes->with_middle)
        lz_enter(&tables->middles[hashes->middles], position);
    if (hashes->with_long)
        lz_enter(&tables->longs[hashes->longs], position);
}

ALWAYS_INLINE void lz_try_bucket(unsigned s, bool glz, const LzPass *pass, uint32_t i,
                                 LzBucket bucket, uint32_t pending, LzMatch *best)
{
    lz_try(s, glz, pass, i, pass->first + i - bucket.newer, pending, best);
    lz_try(s, glz, pass, i, pass->first + i - bucket.older, pending, best);
}

/* The best match at unit i, and the tables told of this unit. */
ALWAYS_INLINE LzMatch lz_search(unsigned s, bool glz, const LzPass *pass, LzEffort effort,
                                uint32_t i, uint32_t last_distance, uint32_t pending)
{
    LzMatch best = {0};
    uint32_t left = pass->n - i;
    const LzTables *tables = pass->tables;

    if (i >= 1)
        lz_try(s, glz, pass, i, 1, pending, &best);
    if (best.saved < GOOD_ENOUGH && i >= pass->width && pass->width > 1)
        lz_try(s, glz, pass, i, pass->width, pending, &best);
    if (best.saved < GOOD_ENOUGH && last_distance > 1 && last_distance != pass->width)
        lz_try(s, glz, pass, i, last_distance, pending, &best);
    if (left < SHORT_UNITS(s))
        return best;

    LzHashes hashes;
    if (effort == LZ_EFFORT_FULL) {
        hashes = lz_hashes(s, pass->units + (size_t)i * s, left, tables->bits);
        if (best.saved < GOOD_ENOUGH) {
            if (hashes.with_long)
                lz_try_bucket(s, glz, pass, i, tables->longs[hashes.longs], pending, &best);
            if (hashes.with_middle && best.saved < 2 * GOOD)
                lz_try_bucket(s, glz, pass, i, tables->middles[hashes.middles], pending, &best);
            if (best.saved < GOOD)
                lz_try_bucket(s, glz, pass, i, tables->shorts[hashes.shorts], pending, &best);
        }
    } else {
        uint32_t position = pass->first + i;

        if (effort == LZ_EFFORT_LOW && left > SHORT_UNITS(s))
            left = SHORT_UNITS(s);
        else if (left >= LONG_UNITS(s))
            left = LONG_UNITS(s) - 1;
        hashes = lz_hashes(s, pass->units + (size_t)i * s, left, tables->bits);
        if (hashes.with_middle && best.saved < GOOD)
            lz_try(s, glz, pass, i, position - tables->middles[hashes.middles].newer, pending,
                   &best);
        if (best.saved < GOOD / 2)
            lz_try(s, glz, pass, i, position - tables->shorts[hashes.shorts].newer, pending, &best);
    }
    lz_remember(tables, &hashes, pass->first + i);
    return best;
}

ALWAYS_INLINE void lz_insert(unsigned s, const LzPass *pass, uint32_t i)
{
    if (pass->n - i < SHORT_UNITS(s))
        return;
    LzHashes hashes = lz_hashes(s, pass->units + (size_t)i * s, pass->n - i, pass->tables->bits);
    lz_remember(pass->tables, &hashes, pass->first + i);
}

/* Literal runs for n units. False when they don't fit. */
ALWAYS_INLINE bool lz_write_literals(unsigned s, LzOut *out, const uint8_t *units, uint32_t n)
{
    if ((size_t)(out->end - out->p) < (size_t)n * lz_literal(s) + (n + 31) / 32)
        return false;
    while (n) {
        uint32_t part = n < 32 ? n : 32;
        uint8_t *p = out->p;

        *p++ = part - 1;
        switch (s) {
        case 4:
            for (uint32_t i = 0; i < part; i++, p += 3)
                memcpy(p, units + 4 * i, 3);
            break;
        case 2:
            for (uint32_t i = 0; i < part; i++, p += 2) {
                p[0] = units[2 * i + 1];
                p[1] = units[2 * i];
            }
            break;
        default:
            memcpy(p, units, part);
            p += part;
            break;
        }
        out->p = p;
        units += part * s;
        n -= part;
    }
    return true;
}

/* One match token of n units. False when it doesn't fit. */
ALWAYS_INLINE bool lz_write_match(unsigned s, bool glz, LzOut *out, uint32_t n, uint32_t distance,
                                  uint32_t m, uint32_t offset)
{
    uint32_t l = n - lz_bias(s), p = m ? offset : distance - 1;
    bool far = glz && p >= 4096;
    uint8_t *to = out->p;

    if ((size_t)(out->end - to) < 8 + lz_extension_bytes(l)) {
        if ((size_t)(out->end - to) <
            lz_token_bytes(glz, distance, m, offset) + lz_extension_bytes(l))
            return false;
    }
    *to++ = (l < 7 ? l : 7) << 5 | (glz                             ? (unsigned)far << 4 | (p & 15)
                                    : distance <= LZ_SHORT_DISTANCE ? (distance - 1) >> 8
                                                                    : 31);
    if (l >= 7) {
        l -= 7;
        if (l >= 255) {
            memset(to, 255, l / 255);
            to += l / 255;
        }
        *to++ = l % 255;
    }
    if (!glz) {
        if (distance <= LZ_SHORT_DISTANCE) {
            *to++ = distance - 1;
        } else {
            *to++ = 255;
            *to++ = (distance - 8192) >> 8;
            *to++ = distance - 8192;
        }
    } else {
        *to++ = p >> 4;
        if (!far) {
            uint32_t more = m < 64 ? 0 : m < 1u << 14 ? 1 : m < 1u << 22 ? 2 : 3;

            *to++ = more << 6 | (m & 63);
            for (uint32_t rest = m >> 6; more; more--, rest >>= 8)
                *to++ = rest;
        } else {
            uint32_t more = m == 0 ? 0 : m < 1u << 8 ? 1 : m < 1u << 16 ? 2 : 3;
            bool longer = p >= 1u << 17;

            *to++ = more << 6 | (unsigned)longer << 5 | (p >> 12 & 31);
            for (uint32_t rest = m; more; more--, rest >>= 8)
                *to++ = rest;
            if (longer)
                *to++ = p >> 17;
        }
    }
    out->p = to;
    return true;
}

/* The literals between two matches. A single unit at a short distance costs two bytes as a match
 * and three as a literal: at the ends of a run that always pays, inside it pays for the extra run
 * byte from two in a row on. singles[i]: distance to the last such unit, or 0. */
ALWAYS_INLINE bool lz_write_run_of_singles(LzOut *out, const uint8_t *units, uint32_t n,
                                           const uint16_t *singles, bool after_match,
                                           bool before_match)
{
    uint32_t done = 0;

    for (uint32_t a = 0; a < n;) {
        uint32_t b = a;

        while (b < n && singles[b])
            b++;
        if (b > a) {
            bool end = (a == 0 && after_match) || (b == n && before_match);

            if (b - a >= (end ? 1u : 2u)) {
                if (!lz_write_literals(4, out, units + 4 * (size_t)done, a - done))
                    return false;
                for (; a < b; a++)
                    if (!lz_write_match(4, false, out, 1, singles[a], 0, 0))
                        return false;
                done = b;
            }
        }
        a = b + 1;
    }
    return lz_write_literals(4, out, units + 4 * (size_t)done, n - done);
}

/* The tokens of one pass. False when they don't fit; out.p stands behind them else. */
ALWAYS_INLINE bool lz_run_pass(unsigned s, bool glz, LzPass *pass)
{
    const bool with_singles = s == 4 && !glz;
    uint16_t singles[MAX_PENDING];
    uint32_t i = 0, pending = 0, failures = 0, last_distance = pass->guess;
    bool after_match = false;
    LzEffort effort = LZ_EFFORT_FULL;
    uint32_t block = 0;                     /* where it began, */
    const uint8_t *block_out = pass->out.p; /* and where its tokens do */

    while (i < pass->n) {
        if (i - block >= BLOCK) {
            uint64_t cost = (uint64_t)(pass->out.p - block_out + pending * lz_literal(s)) * 16;
            uint64_t plain = (uint64_t)(i - block) * lz_literal(s);

            effort = cost > plain * LOW_EFFORT_ABOVE    ? LZ_EFFORT_LOW
                     : cost > plain * SOME_EFFORT_ABOVE ? LZ_EFFORT_SOME
                                                        : LZ_EFFORT_FULL;
            block = i;
            block_out = pass->out.p;
        }

        LzMatch match = lz_search(s, glz, pass, effort, i, last_distance, pending);

        if (match.saved <= (s == 1 && pending ? 1 : 0)) {
            uint32_t step = 1 + (failures++ >> SKIP_LOG);

            if (step > pass->n - i)
                step = pass->n - i;
            if (step > MAX_PENDING - pending)
                step = MAX_PENDING - pending;
            if (with_singles) {
                uint32_t v = lz_unit(4, pass->units, i);
                uint32_t *single = &pass->tables->singles[v * 0x9e3779b1u >> (32 - LZ_SINGLE_BITS)];
                uint32_t distance = pass->first + i - *single;

                singles[pending] = 0;
                if (distance <= LZ_SHORT_DISTANCE && distance - 1 < i &&
                    lz_unit(4, pass->units, i - distance) == v)
                    singles[pending] = distance;
                *single = pass->first + i;
                for (uint32_t k = 1; k < step; k++)
                    singles[pending + k] = 0;
            }
            pending += step;
            i += step;
            if (pending == MAX_PENDING) {
                const uint8_t *from = pass->units + (size_t)(i - pending) * s;

                if (!(with_singles ? lz_write_run_of_singles(&pass->out, from, pending, singles,
                                                             after_match, false)
                                   : lz_write_literals(s, &pass->out, from, pending)))
                    return false;
                pending = 0;
                after_match = false;
            }
            continue;
        }
        failures = 0;

        /* A literal first, if the next unit's match saves more. */
        while (effort == LZ_EFFORT_FULL && match.saved < LAZY && i + 1 < pass->n &&
               pending < MAX_PENDING - 1 && match.n > 0) {
            LzMatch next = lz_search(s, glz, pass, effort, i + 1, last_distance, pending + 1);

            if (next.saved <= match.saved + 1)
                break;
            if (with_singles) {
                uint32_t v = lz_unit(4, pass->units, i);

                singles[pending] = 0;
                pass->tables->singles[v * 0x9e3779b1u >> (32 - LZ_SINGLE_BITS)] = pass->first + i;
            }
            match = next;
            pending++;
            i++;
        }

        uint32_t start = i - match.back, end = i + match.n;
        pending -= match.back;
        if (pending) {
            const uint8_t *from = pass->units + (size_t)(start - pending) * s;

            if (!(with_singles ? lz_write_run_of_singles(&pass->out, from, pending, singles,
                                                         after_match, true)
                               : lz_write_literals(s, &pass->out, from, pending)))
                return false;
        }
        if (!lz_write_match(s, glz, &pass->out, end - start, match.distance, match.m,
                            match.m ? match.offset - match.back : 0))
            return false;
        pending = 0;
        after_match = true;
        if (match.distance != 1)
            last_distance = match.distance;

        /* What lies inside a match is worth knowing too; in a long one now and then, in a run of
         * one colour only its end. */
        uint32_t k = i + 1, every = match.n <= 4 ? 1 : match.n <= 64 ? 4 : 16;
        if (match.distance == 1 && match.n > 8)
            k = end - 3;
        for (; k < end && effort != LZ_EFFORT_LOW; k += every)
            lz_insert(s, pass, k);
        if (with_singles) {
            uint32_t v = lz_unit(4, pass->units, end - 1);
            pass->tables->singles[v * 0x9e3779b1u >> (32 - LZ_SINGLE_BITS)] = pass->first + end - 1;
        }
        i = end;
    }
    if (!pending)
        return true;
    const uint8_t *from = pass->units + (size_t)(i - pending) * s;
    return with_singles
               ? lz_write_run_of_singles(&pass->out, from, pending, singles, after_match, false)
               : lz_write_literals(s, &pass->out, from, pending);
}

#endif
