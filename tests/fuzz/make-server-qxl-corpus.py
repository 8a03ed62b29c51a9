#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Seeds of fuzz-server-qxl: guest memory with a list of steps at its beginning and good commands behind.

Usage: make-server-qxl-corpus.py FOLDER
"""
import os
import struct
import sys

SURFACES = 1 << 63
PUT = 8


class Memory:
    def __init__(self):
        self.bytes = bytearray(384)  # the steps
        self.steps = []

    def put(self, data):
        while len(self.bytes) % 16:
            self.bytes.append(0)
        address = len(self.bytes)
        self.bytes += data
        return address

    def step(self, what, address=0, type_=0, flags=0):
        self.steps.append(struct.pack("<BBHI", what, flags, type_, address))

    def draw(self, drawable, flags=0):
        self.step(1, self.put(drawable), 1, flags)

    def save(self, folder, name):
        steps = b"".join(self.steps)
        with open(os.path.join(folder, name), "wb") as out:
            out.write(steps + self.bytes[len(steps):])


def rect(left, top, right, bottom):
    return struct.pack("<4i", top, left, bottom, right)


def chunk(memory, data, pieces=1):
    """A chunk list; the address of its first header."""
    size = (len(data) + pieces - 1) // pieces
    following = 0
    parts = [data[i:i + size] for i in range(0, len(data), size)] or [b""]
    for part in reversed(parts[1:]):
        following = memory.put(struct.pack("<IQQ", len(part), 0, following) + part)
    return struct.pack("<IQQ", len(parts[0]), 0, following) + parts[0]


def bitmap(memory, format_, width, height, stride, flags=4, palette=0, pieces=1, id_flags=0):
    data = bytes((7 * i) & 255 for i in range(stride * height))
    where = memory.put(data if flags & 1 else chunk(memory, data, pieces))
    return memory.put(struct.pack("<QBBII", 1 << 32, 0, id_flags, width, height) +
                      struct.pack("<BBIIIQQ", format_, flags, width, height, stride, palette, where))


def surface_image(memory, surface):
    return memory.put(struct.pack("<QBBII", 0, 104, 0, 0, 0) + struct.pack("<I", surface) + bytes(26))


def solid(color):
    return struct.pack("<III", 1, color, 0) + bytes(8)


def pattern(image, x=3, y=4):
    return struct.pack("<IQii", 2, image, x, y)


def mask(image=0):
    return struct.pack("<BiiQ", 0, 1, 2, image)


def drawable(type_, body, surface=0, box=rect(4, 4, 36, 36), effect=0, clip=0, deps=(), self_area=None):
    ids = (list(deps) + [-1, -1, -1])[:3]
    head = struct.pack("<QIBBB", 0x1111, surface, effect, type_, 1 if self_area else 0)
    head += self_area or bytes(16)
    head += box + struct.pack("<IQ", 1 if clip else 0, clip) + struct.pack("<I", 0) + struct.pack("<3i", *ids)
    head += rect(0, 0, 32, 32) * 3
    assert len(head) == 123
    return head + body + bytes(68 - len(body))


def compat(type_, body):
    head = struct.pack("<QBBH", 0x2222, 0, type_, 0) + bytes(16) + rect(4, 4, 36, 36)
    head += struct.pack("<IQI", 0, 0, 0)
    assert len(head) == 60
    return head + body + bytes(68 - len(body))


def bodies(memory):
    """Type, body of every drawing."""
    image = bitmap(memory, 8, 32, 32, 128)
    area = rect(0, 0, 32, 32)
    bits = bitmap(memory, 2, 32, 32, 4)
    path = memory.put(struct.pack("<I", 0) + chunk(memory, struct.pack("<II4i", 3, 2, 64, 64, 500, 300) +
                                                   struct.pack("<II6i", 16, 3, 9, 9, 80, 200, 400, 90), 2))
    style = memory.put(struct.pack("<2i", 64, 32))
    glyph = struct.pack("<4iHH", 10, 10, 0, -8, 8, 8) + bytes(range(8))
    text = memory.put(struct.pack("<IHH", 2 * len(glyph), 2, 1) + chunk(memory, glyph + glyph, 3))
    transform = memory.put(struct.pack("<6i", 0x18000, 0, 0, 0, 0x8000, 0))
    return {
        1: solid(0x102030) + struct.pack("<H", PUT) + mask(bits),
        2: struct.pack("<Q", image) + area + solid(0xff00ff) + struct.pack("<HB", PUT, 0) + mask(),
        3: struct.pack("<Q", image) + area + struct.pack("<HB", PUT, 0) + mask(),
        4: struct.pack("<ii", 12, 20),
        5: struct.pack("<Q", image) + rect(0, 0, 16, 8) + struct.pack("<HB", 64, 1) + mask(bits),
        6: mask(),
        7: mask(bits),
        8: mask(),
        9: struct.pack("<Q", image) + area + pattern(image) + struct.pack("<BB", 0x5a, 0) + mask(),
        10: struct.pack("<Q", path) + struct.pack("<BBBBiiQ", 8, 0, 0, 2, 0, 0, style) + solid(0xffffff) +
        struct.pack("<HH", PUT, PUT),
        11: struct.pack("<Q", text) + rect(4, 4, 20, 20) + solid(0xffff) + solid(0xff0000) + struct.pack("<HH", PUT, PUT),
        12: struct.pack("<Q", image) + area + struct.pack("<II", 0x1c150e07, 0),
        13: struct.pack("<HB", 0, 128) + struct.pack("<Q", image) + area,
        14: struct.pack("<IQQQQhhhh", 3 | 1 << 8 | 1 << 14, image, transform, image, 0, 0, 0, 0, 0),
    }


def main(folder):
    os.makedirs(folder, exist_ok=True)
    for type_ in range(1, 15):
        memory = Memory()
        memory.draw(drawable(type_, bodies(memory)[type_]))
        memory.step(3, 0xffff0000)
        memory.save(folder, f"draw-{type_}")
    memory = Memory()
    for type_, body in bodies(memory).items():
        memory.draw(drawable(type_, body, effect=1 if type_ < 4 else 0))
    memory.step(8, 0, 3)
    memory.step(3, 0xffff0000)
    memory.save(folder, "draw-all")
    memory = Memory()
    for type_, body in bodies(memory).items():
        if type_ == 13:
            body = body[2:]
        if type_ != 14:
            memory.draw(compat(type_, body), 3)
    memory.save(folder, "compat-all")

    memory = Memory()
    palette = memory.put(struct.pack("<QH", 5, 16) + bytes(64))
    for format_, stride, with_palette in ((2, 4, 1), (4, 16, 1), (5, 32, 1), (6, 64, 0), (7, 96, 0), (8, 128, 0), (9, 128, 0),
                                          (10, 32, 0)):
        image = bitmap(memory, format_, 32, 32, stride, pieces=5, palette=palette if with_palette else 0, id_flags=3)
        memory.draw(drawable(3, struct.pack("<Q", image) + rect(0, 0, 32, 32) + struct.pack("<HB", PUT, 0) + mask()))
    memory.step(3, 0xffff0000)
    memory.save(folder, "bitmaps")

    memory = Memory()
    memory.step(6, 160 << 16 | 160, 640, 3)
    # Four chunks over one another, on the zeros behind the input: large without being long.
    chunks = memory.put(bytes(128))
    for i in range(4):
        following = chunks + 32 * (i + 1) if i < 3 else 0
        memory.bytes[chunks + 32 * i:chunks + 32 * i + 20] = struct.pack("<IQQ", 16900, 0, following)
    image = memory.put(struct.pack("<QBBII", 1 << 32, 0, 0, 130, 130) +
                       struct.pack("<BBIIIQQ", 8, 4, 130, 130, 520, 0, chunks))
    memory.draw(drawable(3, struct.pack("<Q", image) + rect(0, 0, 130, 130) + struct.pack("<HB", PUT, 0) + mask(),
                         box=rect(1, 1, 131, 131), effect=1))
    memory.step(9, 3000, 0, 77)
    memory.step(3, 0xffff0000)
    memory.save(folder, "borrowed")

    memory = Memory()
    for surface, format_, stride in ((1, 96, 128), (2, 16, 64), (3, 8, 32), (4, 80, 64), (5, 1, 4)):
        create = struct.pack("<QIBI", 9, surface, 0, 0) + struct.pack("<IIIiQ", format_, 32, 32, stride if surface % 2 else -stride,
                                                                     SURFACES + 65536 + surface * 4096)
        memory.step(1, memory.put(create), 5)
        memory.draw(drawable(1, solid(0x80112233) + struct.pack("<H", PUT) + mask(), surface=surface, box=rect(0, 0, 32, 32)))
    for deps in ((1,), (2, 1), (3, 1, 2)):
        image = surface_image(memory, 1)
        memory.draw(drawable(3, struct.pack("<Q", image) + rect(0, 0, 32, 32) + struct.pack("<HB", PUT, 0) + mask(), deps=deps))
    image = surface_image(memory, 0)
    memory.draw(drawable(3, struct.pack("<Q", image) + rect(0, 0, 32, 32) + struct.pack("<HB", PUT, 0) + mask()))
    memory.step(1, memory.put(struct.pack("<QIBI", 10, 1, 1, 0) + bytes(24)), 5)
    memory.step(5)
    memory.save(folder, "surfaces")

    memory = Memory()
    clip = memory.put(struct.pack("<I", 3) + chunk(memory, rect(0, 0, 10, 10) + rect(8, 8, 30, 30) + rect(60, 0, 3, 3), 2))
    memory.draw(drawable(1, solid(5) + struct.pack("<H", PUT) + mask(), clip=clip))
    memory.draw(drawable(2, struct.pack("<Q", 0) + rect(0, 0, 20, 20) + solid(1) + struct.pack("<HB", PUT, 0) + mask(),
                         self_area=rect(10, 10, 40, 40)))
    memory.step(1, memory.put(struct.pack("<Q", 1) + rect(0, 0, 9, 9) + struct.pack("<II", 7, 0)), 2)
    memory.step(1, memory.put(struct.pack("<Q", 1) + b"hello\0"), 4)
    memory.step(4, memory.put(struct.pack("<HH", 2, 4) + struct.pack("<7I", 0, 0, 32, 64, 0, 0, 0) +
                              struct.pack("<7I", 1, 0, 99, 64, 32, 0, 0)))
    memory.step(7)
    memory.step(6, 100 << 16 | 100, 400, 5)
    memory.save(folder, "others")

    memory = Memory()
    memory.step(10)
    for type_, width, height, size in ((0, 16, 16, 1024), (1, 9, 4, 16), (6, 9, 4, 160), (2, 8, 8, 104)):
        shape = memory.put(struct.pack("<QHHHHH", type_, type_, width, height, 1, 1) + struct.pack("<I", size) +
                           chunk(memory, bytes(size), 2))
        memory.step(2, memory.put(struct.pack("<QBhhBQ", 3, 0, 5, 6, 1, shape) + bytes(128)), 3)
    memory.step(2, memory.put(struct.pack("<QBhh", 3, 1, 7, 8) + bytes(137)), 3)
    memory.step(2, memory.put(struct.pack("<QB", 3, 2) + bytes(141)), 3)
    memory.step(2, memory.put(struct.pack("<QBHH", 3, 3, 7, 8) + bytes(137)), 3)
    memory.save(folder, "cursors")


if __name__ == "__main__":
    main(sys.argv[1])
