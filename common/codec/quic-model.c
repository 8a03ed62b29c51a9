/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the two directions of QUIC have in common besides the pixel loops: formats, starting state,
 * levels. */
#include "codec/quic-model.h"

#include "overflow.h"

bool quic_shape(CodecFormat format, QuicShape *shape)
{
    switch (format) {
    case CODEC_FORMAT_GRAY:
        *shape = (QuicShape){1, 1, 1, 8};
        return true;
    case CODEC_FORMAT_RGB16:
        *shape = (QuicShape){2, 3, 1, 5};
        return true;
    case CODEC_FORMAT_RGB24:
        *shape = (QuicShape){3, 3, 1, 8};
        return true;
    case CODEC_FORMAT_RGB32:
        *shape = (QuicShape){4, 3, 1, 8};
        return true;
    case CODEC_FORMAT_RGBA:
        *shape = (QuicShape){5, 4, 2, 8};
        return true;
    default:
        return false;
    }
}

static void set_level(QuicGroup *group, unsigned level)
{
    static const uint16_t thresholds[QUIC_TOP_LEVEL + 1] = {110, 550, 900, 800, 550, 400, 350};

    group->level = level;
    group->mask = (1u << level) - 1;
    group->threshold = thresholds[level];
    /* No image has so many pixels: the last level never ends. */
    group->left = level < QUIC_TOP_LEVEL ? QUIC_LEVEL_PIXELS : UINT32_MAX;
}

void quic_group_next_level(QuicGroup *group)
{
    set_level(group, group->level + 1);
}

void quic_group_reset(QuicGroup *group, unsigned bits)
{
    for (unsigned i = 0; i < 3; i++) {
        QuicChannel *channel = &group->channel[i];

        memset(channel->cost, 0, sizeof channel->cost);
        for (unsigned place = 0; place < 32; place++)
            channel->way[place] = group->way_of[0];
        for (unsigned place = 0; place < 32 - QUIC_FIRST_PLACE; place++)
            for (unsigned lane = bits; lane < 8; lane++)
                channel->cost[place][lane] = UINT16_MAX;
    }
    set_level(group, 0);
    group->gap = 0;
    group->draw = 255;
    group->run = 0;
}

bool quic_have_v3(void)
{
#if QUIC_HAVE_V3
    uint64_t zeros;

    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("bmi") ||
        !__builtin_cpu_supports("bmi2"))
        return false;
    /* Not every compiler can be asked for LZCNT. Where the processor lacks it, the instruction is
     * BSR, harmless, with another result. */
    __asm__("lzcnt %1, %0" : "=r"(zeros) : "r"(UINT64_C(1)) : "cc");
    return zeros == 63;
#else
    return false;
#endif
}

CodecResult quic_check_stride(CodecFormat format, uint32_t width, uint32_t height, ptrdiff_t stride)
{
    size_t row, distance = stride < 0 ? -(size_t)stride : (size_t)stride, total;

    if (!codec_row_size(format, width, &row) || !size_mul(distance, height, &total) ||
        total > PTRDIFF_MAX)
        return CODEC_TOO_LARGE;
    return height > 1 && distance < row ? CODEC_NO_SPACE : CODEC_OK;
}
