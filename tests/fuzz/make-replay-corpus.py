#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes recordings of QXL commands by hand, from docs/spec/server-display.md 22: the seeds of fuzz-replay, and what
tests/server/test-replay.c reads and writes again. usage: make-replay-corpus.py FOLDER"""
import os, sys, zlib


def text(*words):
    return (' '.join(str(w) for w in words) + '\n').encode()


def binary(name, data, packed=False):
    if packed:
        z = zlib.compress(data, 9)
        return b'binary 1 %s %d:%d:' % (name.encode(), len(data), len(z)) + z + b'\n'
    return b'binary 0 %s %d:' % (name.encode(), len(data)) + data + b'\n'


def chunks(name, *parts, packed=False):
    return text('data_chunks', len(parts) - 1, sum(map(len, parts))) + b''.join(binary(name, p, packed) for p in parts)


def rect(name, *edges):
    return text('rect', name, *edges)


def event(kind, number, body=b'', n=[0]):
    n[0] += 1
    return text('event', n[0] - 1, kind, number, 1000 * n[0]) + body


def primary(number=20, width=64, height=48, stride=-256, data=None):
    size = abs(stride) * height
    return event(1, number, text(width, height, stride, 32) + text(0, 1, 0, 0) +
                 binary('data', bytes(i * 7 & 255 for i in range(size)) if data is None else data))


def descriptor(kind, width, height, unique=1, flags=0):
    return (text('image', 1) + text('descriptor.id', unique << 32 | 2) + text('descriptor.type', kind) +
            text('descriptor.flags', flags) + text('descriptor.width', width) + text('descriptor.height', height))


def bitmap(fmt, width, height, stride, *parts, palette=None, direct=False, packed=False):
    data = parts or (bytes(i & 255 for i in range(stride * height)),)
    out = descriptor(0, width, height, 5 + fmt, 1) + text('bitmap.format', fmt) + text('bitmap.flags', 5 if direct else 4)
    out += text('bitmap.x', width) + text('bitmap.y', height) + text('bitmap.stride', stride)
    out += text('has_palette', 1 if palette else 0)
    if palette:
        out += text('qp.num_ents', len(palette)) + text('unique', 2 ** 63 + fmt) + b''.join(text('ents', p) for p in palette)
    return out + (binary('image_data_flat', data[0]) if direct else chunks('bitmap.data', *data, packed=packed))


RGB = bitmap(8, 4, 2, 16)
SPLIT = bitmap(9, 4, 2, 16, bytes(10), b'', bytes(range(22)))
DIRECT = bitmap(8, 4, 2, 16, direct=True)
PALETTE = bitmap(3, 8, 2, 4, palette=[i * 0x111111 for i in range(15)] + [-1])
BITS = bitmap(2, 8, 2, 4)
QUIC = descriptor(1, 4, 2, 9) + text('quic.data_size', 12) + chunks('quic.data', b'QUIC', bytes(8))
SURFACE = descriptor(104, 4, 2, 10) + text('surface_image.surface_id', 1)
NO_MASK = text('flags', 0) + text('point', 0, 0) + text('image', 0)
MASK = text('flags', 1) + text('point', -1, 2) + BITS
SOLID = text('type', 1) + text('u.color', 0xff0000)
PATTERN = text('type', 2) + PALETTE + text('point', 3, -4)
NO_BRUSH = text('type', 0)
AREA = rect('src_area', 0, 0, 2, 4)
CLIP = text('type', 1) + text('num_rects', 2) + chunks('clip_rects', bytes(16), bytes(range(16)))
ROP, SCALE, MODES = text('rop_descriptor', 8), text('scale_mode', 1), text('fore_mode', 8) + text('back_mode', 8)
MATRIX = binary('transform', bytes(range(24)))


def drawable(kind, body, clip=text('type', 0), surface=0, reads=(-1, -1, -1), self_bitmap=0):
    out = text('drawable') + rect('bbox', 0, 0, 2, 4) + clip + text('effect', 1) + text('mm_time', -5)
    out += text('self_bitmap', self_bitmap) + rect('self_bitmap_area', 0, 0, 0, 0) + text('surface_id', surface)
    for read in reads:
        out += text('surfaces_dest', read) + rect('surfaces_rects', 0, 0, 0, 0)
    return event(0, 1, out + text('type', kind) + body)


def stroke(style):
    styled = text('attr.flags', 8) + text('attr.style_nseg', 3) + binary('style', bytes(12)) if style else text('attr.flags', 0)
    return drawable(10, chunks('path', bytes(8) + bytes(16), bytes(8)) + styled + SOLID + MODES)


def glyphs():
    return (text('data_size', 22) + text('length', 1) + text('flags', 1) +
            chunks('string', bytes(16) + b'\x08\0\x02\0' + b'\xaa\x55'))


DRAWABLES = [
    drawable(0, b''), drawable(1, SOLID + ROP + NO_MASK), drawable(1, PATTERN + ROP + MASK, clip=CLIP),
    drawable(1, NO_BRUSH + ROP + NO_MASK, clip=text('type', 3)),
    drawable(2, RGB + AREA + SOLID + ROP + SCALE + MASK), drawable(3, SPLIT + AREA + ROP + SCALE + NO_MASK),
    drawable(3, DIRECT + AREA + ROP + SCALE + MASK), drawable(3, QUIC + AREA + ROP + SCALE + NO_MASK),
    drawable(3, SURFACE + AREA + ROP + SCALE + NO_MASK, reads=(1, -1, -1)), drawable(5, PALETTE + AREA + ROP + SCALE + NO_MASK),
    drawable(4, text('point', 1, 1), surface=1), drawable(6, NO_MASK), drawable(7, MASK), drawable(8, NO_MASK),
    drawable(9, RGB + AREA + PATTERN + text('rop3', 0xca) + SCALE + NO_MASK),
    drawable(2, text('image', 0) + AREA + SOLID + ROP + SCALE + NO_MASK, self_bitmap=1), stroke(False), stroke(True),
    drawable(11, glyphs() + rect('back_area', 0, 0, 1, 1) + SOLID + NO_BRUSH + MODES),
    drawable(12, RGB + AREA + text('src_color', -1) + text('true_color', 0x7fffffff)),
    drawable(13, text('alpha_flags', 1) + text('alpha', 200) + RGB + AREA),
    drawable(14, text('flags', 0x180003) + RGB + text('src_transform', 1) + MATRIX + text('mask', 1) + BITS +
             text('mask_transform', 1) + MATRIX + text('src_origin', -3, 4) + text('mask_origin', 0, -32768)),
    drawable(14, text('flags', 3) + RGB + text('src_transform', 0) + text('mask', 0) + text('mask_transform', 0) +
             text('src_origin', 0, 0) + text('mask_origin', 0, 0)),
]


def surface(number, kind=0, flags=0, stride=16, height=2, data=None):
    out = text('surface_cmd') + text('surface_id', number) + text('type', kind) + text('flags', flags)
    if kind == 0:
        for key, value in ('format', 32), ('width', 4), ('height', height), ('stride', stride):
            out += text('u.surface_create.' + key, value)
        if flags & 1:
            out += binary('data', bytes(range(32)) if data is None else data)
    return event(0, 5, out)


SHAPE = (text('u.set.visible', 1) + text('header.unique', 2 ** 64 - 1) + text('header.type', 0) + text('header.width', 2) +
         text('header.height', 2) + text('header.hot_spot_x', 1) + text('header.hot_spot_y', 65535) + text('data_size', 16) +
         chunks('cursor', bytes(range(10)), bytes(6)))
OTHERS = [
    event(0, 2, text('update') + rect('area', 0, 0, 8, 8) + text('update_id', 7) + text('surface_id', 0)),
    event(0, 3, text('cursor_cmd') + text('type', 0) + text('point16', -1, 5) + SHAPE),
    event(0, 3, text('cursor_cmd') + text('type', 1) + text('point16', 32767, -32768)),
    event(0, 3, text('cursor_cmd') + text('type', 2)),
    event(0, 3, text('cursor_cmd') + text('type', 3) + text('u.trail.length', 65535) + text('u.trail.frequency', 3)),
    event(0, 4, binary('message', b'hello from the guest')), event(0, 4, binary('message', b'')),
]
HEAD = b'SPICE_REPLAY 1\n'
SURFACES = surface(1) + surface(2, flags=1, stride=-16)
END = surface(1, 1) + surface(2, 1)
COMMANDS = SURFACES + b''.join(DRAWABLES) + b''.join(OTHERS) + END
SEEDS = {
    'every-command': HEAD + COMMANDS,
    'every-event': HEAD + b''.join(event(1, n) for n in range(1, 41) if n not in (20, 29)) + primary() + COMMANDS + event(1, 21) +
                   primary(29, stride=256) + event(1, 19) + DRAWABLES[1],
    'small': HEAD + primary(width=2, height=1, stride=8) + DRAWABLES[1],
    'one-line': (HEAD + DRAWABLES[1]).replace(b'\n', b'   '),
    'crlf': (HEAD + DRAWABLES[1] + OTHERS[0]).replace(b'\n', b'\r\n'),
    'compressed': HEAD + drawable(3, bitmap(8, 64, 64, 256, bytes(16384), packed=True) + AREA + ROP + SCALE + NO_MASK),
    'rejected-primary': HEAD + event(1, 20) + event(1, 2) + primary(29, data=b'') + OTHERS[0],
    'surfaces-reused': HEAD + b''.join(surface(n) + surface(n, 1) for n in (5, 5, 900000, -1, 5)),
    'surfaces-many': HEAD + b''.join(surface(n) for n in range(1, 20)),
    'surface-unknown': HEAD + drawable(4, text('point', 0, 1), surface=77) + surface(77, 1) + OTHERS[0],
    'huge-surface': HEAD + surface(1, stride=2 ** 31 - 1) * 3,
    'surface-bomb': HEAD + b''.join(surface(n, stride=4096, height=32767) for n in range(1, 7)),
    'huge-claim': HEAD + event(0, 4, b'binary 0 message 2147483647:short'),
    'huge-packed': HEAD + event(0, 4, b'binary 1 message 2147483647:9:' + zlib.compress(b'')),
    'huge-chunks': HEAD + drawable(10, b'data_chunks -1 0\nbinary 0 path 0:\n'),
    'palette-short': HEAD + drawable(3, descriptor(0, 1, 1) + text('bitmap.format', 5) + text('bitmap.flags', 0) + text('bitmap.x', 1) +
                                     text('bitmap.y', 1) + text('bitmap.stride', 1) + text('has_palette', 1) +
                                     text('qp.num_ents', 65535) + text('unique', 0) + text('ents', 1)),
    'flat-size': HEAD + drawable(3, bitmap(8, 4, 2, 16, bytes(31), direct=True) + AREA),
    'unknown-drawable': HEAD + OTHERS[0] + drawable(15, b''),
    'unknown-command': HEAD + event(0, 77) + OTHERS[0],
    'wrong-version': b'SPICE_REPLAY 2\n',
    'empty': b'',
}

if __name__ == '__main__':
    os.makedirs(sys.argv[1], exist_ok=True)
    for name, data in SEEDS.items():
        with open(os.path.join(sys.argv[1], name + '.qxl'), 'wb') as out:
            out.write(data)
