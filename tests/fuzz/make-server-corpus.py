#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Seeds of the targets server-channel, server-main and server-agent, written to corpus/."""
import pathlib
import struct

corpus = pathlib.Path(__file__).parent / 'corpus'


def write(target, name, data):
    folder = corpus / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def mini(type_, body=b''):
    return struct.pack('<HI', type_, len(body)) + body


def full(type_, body=b''):
    return struct.pack('<QHII', 1, type_, len(body), 0) + body


def agent(type_, data=b'', size=None):
    return struct.pack('<IIQI', 1, type_, 0, len(data) if size is None else size) + data


def chunk(port, data):
    return struct.pack('<II', port, len(data)) + data


COMMON = [(1, struct.pack('<I', 1)), (2, b''), (3, struct.pack('<IQ', 1, 2)), (4, b''), (5, b'data'), (6, bytes(12))]
# Index in the target's table of types, then a message of each kind.
CHANNELS = {
    'display': (0, [(101, bytes([1]) + bytes(8) + bytes([1]) + bytes(4)), (103, bytes([1]))]),
    'inputs': (1, [(101, b'\x1e\0\0\0'), (102, b'\x9e\0\0\0'), (103, b'\1\0'), (111, bytes(10)), (112, bytes(11)),
                   (113, bytes(3)), (114, bytes(3))]),
    'cursor': (2, []), 'playback': (3, []), 'record': (4, [(101, bytes(8)), (102, bytes(6)), (103, bytes(4))]),
    'smartcard': (5, [(101, bytes(12))]), 'usbredir': (6, [(101, b'usb'), (102, b'\1' + struct.pack('<I', 9) + b'lz4')]),
    'port': (7, [(101, b'port'), (201, b'\0')]), 'webdav': (8, [(101, b'dav')]),
}
for name, (index, messages) in CHANNELS.items():
    for cut in (0, 5):
        for header, bit in ((mini, 128), (full, 0)):
            body = b''.join(header(t, b) for t, b in COMMON[:3] + COMMON[5:] + messages)
            # The table has nine types; 128 % 9 is 2.
            first = next(b for b in range(bit, bit + 128) if b % 9 == index)
            write('server-channel', '%s-%s-%d' % (name, header.__name__, cut), bytes([first, cut]) + body)
write('server-channel', 'flush-mark', bytes([128, 0]) + mini(4))
write('server-channel', 'migrate-data', bytes([128, 0]) + mini(5, bytes(40)))
write('server-channel', 'huge', bytes([128, 0]) + struct.pack('<HI', 3, 0xffffffff) + bytes(100))

MAIN = [(104, b''), (105, b'\2\0'), (106, struct.pack('<I', 10)), (107, agent(6, struct.pack('<II', 1, 0x35077))),
        (108, struct.pack('<I', 5)), (102, b''), (103, b''), (109, b''), (111, b''), (110, struct.pack('<I', 2))]
for header, bit in ((mini, 128), (full, 0)):
    for cut in (0, 7):
        write('server-main', 'session-%s-%d' % (header.__name__, cut),
              bytes([bit, cut]) + b''.join(header(t, b) for t, b in COMMON[:3] + MAIN))
write('server-main', 'seamless', bytes([128, 0]) + mini(110, struct.pack('<I', 1)))
# 64: a client that follows its machine. Messages that come too early, then MIGRATE_END, then an ordinary session.
for cut in (0, 7):
    write('server-main', 'follow-%d' % cut, bytes([128 | 64, cut]) + mini(110, struct.pack('<I', 1)) +
          b''.join(mini(t, b) for t, b in COMMON[:3] + MAIN) + mini(109) + b''.join(mini(t, b) for t, b in MAIN[:5]))
write('server-main', 'follow-never', bytes([64, 0]) + full(104) + full(4))
write('server-main', 'token-first', bytes([128, 0]) + mini(108, struct.pack('<I', 1)) * 20)
write('server-main', 'agent-2049', bytes([128, 0]) + mini(106, b'\xff' * 4) + mini(107, agent(99, bytes(2029))))


def step(what, data=b''):
    return bytes([what, len(data)]) + data


START, CAPS = step(4, b'\xff'), agent(6, struct.pack('<II', 1, 0x38de7))
MONITORS = agent(2, struct.pack('<IIIIIii', 1, 0, 768, 1024, 32, 0, 0))
write('server-agent', 'announce', START + step(3, CAPS) + step(1, CAPS) + step(10, b'\1\2'))
write('server-agent', 'bytes', START + step(0, chunk(1, agent(99, bytes(20))) + chunk(2, b'drop') + chunk(1, b'')))
write('server-agent', 'pieces', START + step(3, agent(99, bytes(100), 250)) + step(3, bytes(150)) +
      step(1, agent(98, bytes(50), 120)) + step(1, bytes(70)))
write('server-agent', 'monitors', START + step(3, MONITORS) + step(3, MONITORS[:30]) + step(3, MONITORS[30:]) +
      step(11, b'\0') + step(3, MONITORS))
write('server-agent', 'stalled', START + step(8, b'\3\0') + step(3, agent(99, bytes(30))) * 10 +
      b''.join(step(10, bytes([i, i & 4])) for i in range(20)) + step(6) + START + step(8, b'\1\xff') + step(0))
write('server-agent', 'tokens', step(4, b'\2') + step(1, agent(99, bytes(10))) * 5 + step(5, b'\3') + step(5, b'\xff'))
write('server-agent', 'come-and-go', START + step(3, agent(99, bytes(9), 99)) + step(7, b'\1') + step(3, bytes(90)) + START +
      step(6) + step(7) + step(7, b'\1') + START)
write('server-agent', 'inside', START + step(9, b'\1') + step(3, CAPS) + step(9, b'\2') + step(1, CAPS) + step(7, b'\1') +
      START + step(9, b'\3') + step(3, CAPS))
write('server-agent', 'violations', b''.join(
    START + step(0, bad) + step(7, b'\1') for bad in (chunk(3, b'x'), chunk(1, b'short'), chunk(1, bytes(20)),
                                                      chunk(1, agent(99, b'long', 2)))))
write('server-agent', 'options', START + b''.join(
    step(11, bytes([o])) + b''.join(step(3, agent(t, bytes(8))) + step(1, agent(t, bytes(8))) for t in (4, 6, 10))
    for o in range(16)))
