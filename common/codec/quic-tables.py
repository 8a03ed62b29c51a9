#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes the constant tables of the QUIC codec (quic.md, sections 5, 7, 8 and appendix A) as C source."""
import sys

# Appendix A. Only the low six bits of an entry can ever matter, so only they are kept.
GAPS = [
    2, 23, 19, 21, 7, 18, 40, 14, 12, 32, 47, 44, 36, 6, 18, 11,
    4, 19, 42, 29, 16, 63, 57, 51, 16, 3, 5, 14, 15, 30, 20, 9,
    36, 45, 3, 57, 61, 0, 8, 5, 41, 14, 43, 27, 43, 59, 31, 35,
    39, 60, 42, 38, 13, 54, 62, 1, 26, 3, 11, 61, 52, 34, 7, 48,
    4, 59, 22, 12, 22, 8, 50, 4, 10, 6, 44, 8, 11, 46, 31, 51,
    53, 17, 1, 43, 46, 60, 36, 54, 10, 27, 39, 44, 22, 41, 23, 2,
    44, 0, 40, 53, 40, 48, 16, 43, 32, 28, 33, 12, 20, 2, 56, 62,
    55, 58, 18, 20, 13, 55, 38, 29, 57, 19, 49, 33, 47, 63, 59, 0,
    35, 61, 19, 25, 46, 38, 60, 4, 35, 1, 26, 40, 28, 10, 5, 14,
    25, 18, 48, 49, 20, 59, 62, 34, 46, 7, 33, 52, 34, 58, 9, 29,
    8, 55, 62, 60, 37, 36, 37, 50, 6, 3, 10, 28, 48, 24, 26, 61,
    57, 30, 11, 54, 2, 6, 50, 47, 7, 17, 35, 53, 32, 12, 23, 17,
    5, 21, 49, 55, 51, 45, 52, 27, 39, 25, 39, 63, 22, 24, 42, 52,
    56, 38, 41, 41, 56, 32, 13, 24, 26, 51, 27, 56, 58, 37, 24, 42,
    15, 28, 17, 30, 31, 15, 16, 23, 25, 54, 33, 34, 1, 29, 31, 50,
    53, 21, 49, 15, 47, 9, 0, 58, 37, 45, 30, 13, 9, 45, 63, 21,
]

RUN_ORDERS = [0] * 4 + [1] * 4 + [2] * 4 + [3] * 4 + [4] * 2 + [5] * 2 + [6] * 2 + [7] * 2 + list(range(8, 16))


def code(bits, k, value):
    """(significant bits, length) of the word for a value in the code k of a family (section 5)."""
    zeros = min(26 - bits, (1 << (bits - k)) - 1)
    golomb = zeros << k
    if value < golomb:
        return 1 << k | value & (1 << k) - 1, (value >> k) + 1 + k
    escape = ((1 << bits) - golomb - 1).bit_length()
    return value - golomb, zeros + escape


def array(declaration, values, columns=12):
    lines = [', '.join(str(v) for v in values[i:i + columns]) for i in range(0, len(values), columns)]
    return '%s = {\n    %s,\n};\n\n' % (declaration, ',\n    '.join(lines))


def unfold(bits, value):
    """The difference that a residual code stands for (section 4.2)."""
    return (1 << bits) - 1 - (value >> 1) if value & 1 else value >> 1


def family(bits):
    top = 1 << bits
    words = []
    for k in range(bits):
        for value in range(top):
            significant, length = code(bits, k, value)
            assert significant < 256 and length <= 26
            words.append(significant << 8 | length)
    lengths = []
    for value in range(top):
        row = [code(bits, k, value)[1] for k in reversed(range(bits))]
        lengths += row + [0xffff] * (8 - bits)
    marks = []
    for k in range(bits):
        zeros = min(26 - bits, (1 << (bits - k)) - 1)
        marks.append('UINT64_C(0x%016x)' % (1 << (64 - zeros) | k))
    return (array('const uint16_t quic_words_%d[%d]' % (bits, bits * top), words)
            + array('const uint16_t quic_lengths_%d[%d][8] QUIC_ALIGNED' % (bits, top), [
                '{%s}' % ', '.join(map(str, lengths[i:i + 8])) for i in range(0, len(lengths), 8)], 3)
            + array('const uint64_t quic_marks_%d[%d]' % (bits, bits), marks, 4)
            + array('const uint32_t quic_differences_%d[3][%d]' % (bits, top), [
                '{%s}' % ', '.join(str(unfold(bits, value) << shift) for value in range(top)) for shift in (16, 8, 0)], 1))


def main():
    assert len(GAPS) == 256 and len(RUN_ORDERS) == 32
    sums = [0]
    for j in range(64):
        sums.append(sums[-1] + (1 << RUN_ORDERS[min(j, 31)]))
    with open(sys.argv[1], 'w') as out:
        out.write('/* Written by quic-tables.py. */\n#include "codec/quic-model.h"\n\n')
        out.write(array('const uint8_t quic_gaps[256]', GAPS, 16))
        out.write(array('const uint8_t quic_run_orders[32]', RUN_ORDERS, 16))
        out.write(array('const uint32_t quic_run_sums[%d]' % len(sums), sums, 8))
        out.write(family(8) + family(5))


main()
