/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a channel's model is asked and told by the pixel loops of both directions
 * (docs/spec/quic.md, section 6): a template, included once per processor with QUIC_NAME,
 * QUIC_TARGET and QUIC_MINPOS set. */

/* The way that a context leads. */
QUIC_INLINE QUIC_TARGET uint64_t QUIC_NAME(way)(const QuicChannel *channel, uint64_t context)
{
#if QUIC_MINPOS
    return channel->way[_lzcnt_u64(context + 1) -
                        32]; /* with 32 bits, gcc would widen the index every time */
#else
    return channel->way[quic_place(context)];
#endif
}

/* The update by one pixel (section 6.3). Costs stand in descending order of k, so that the first
 * least lane is what the rule of equals asks for: the greatest k. Lanes that the family doesn't
 * have stay at 0xffff by saturation and are never the least. */
QUIC_INLINE QUIC_TARGET void QUIC_NAME(update)(QuicGroup *group, unsigned index, unsigned context,
                                               unsigned e, const unsigned bits)
{
    QuicChannel *channel = &group->channel[index];
    unsigned place, lane;
    uint16_t *cost = quic_costs(channel, context, bits, &place);
    const uint16_t *lengths = bits == 8 ? quic_lengths_8[e] : quic_lengths_5[e];

#if QUIC_MINPOS
    __m128i sum = _mm_adds_epu16(_mm_load_si128((const __m128i *)cost),
                                 _mm_load_si128((const __m128i *)lengths));
    unsigned least = _mm_cvtsi128_si32(_mm_minpos_epu16(sum));

    lane = least >> 16;
    sum = _mm_srl_epi16(sum, _mm_cvtsi32_si128((least & 0xffff) > group->threshold));
    _mm_store_si128((__m128i *)cost, sum);
#else
    unsigned least = UINT_MAX;

    lane = 0;
    for (unsigned i = 0; i < bits; i++) {
        cost[i] += lengths[i];
        if (cost[i] < least) {
            least = cost[i];
            lane = i;
        }
    }
    if (least > group->threshold)
        for (unsigned i = 0; i < bits; i++)
            cost[i] >>= 1;
#endif
    quic_set_way(channel, place, group->way_of[lane], bits);
}
