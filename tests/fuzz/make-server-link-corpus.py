#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes the seeds of the targets server-link, server-websocket and server-sasl. Usage: make-server-link-corpus.py CORPUS"""
import os
import struct
import sys


def hello(connection=0, channel=1, number=0, common=0x0b, words=1):
    caps = struct.pack('<I', common) + b'\xff' * 4 * (words - 1)
    body = struct.pack('<IBBIII', connection, channel, number, words, 0, 18) + caps
    return b'REDQ' + struct.pack('<III', 2, 2, len(body)) + body


def ticket(text):
    return (bytes([len(text)]) + text).ljust(128, b'\0')


def frame(first, data, mask=None, wide=0):
    size = len(data)
    if wide == 8:
        length = bytes([127]) + struct.pack('>Q', size)
    elif wide == 2 or size > 125:
        length = bytes([126]) + struct.pack('>H', size)
    else:
        length = bytes([size])
    if mask:
        length = bytes([length[0] | 0x80]) + length[1:] + mask
        data = bytes(b ^ mask[i % 4] for i, b in enumerate(data))
    return bytes([first]) + length + data


def sized(data):
    return struct.pack('<I', len(data)) + data


REQUEST = b'GET / HTTP/1.1\r\nHost: h\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'
MECHANISM = struct.pack('<I', 1)
SEEDS = {
    'server-link': {
        'main': b'\0\0' + hello() + MECHANISM + ticket(b'x\0'),
        'main-pieces': b'\0\3' + hello() + MECHANISM + ticket(b'x\0') + b'early',
        'right': b'\2\0' + hello() + MECHANISM + ticket(b'secret\0'),
        'wrong': b'\2\0' + hello() + MECHANISM + ticket(b'secrets\0'),
        'long': b'\2\0' + hello() + MECHANISM + ticket(b'a' * 86),
        'undecodable': b'\0\0' + hello() + MECHANISM + b'\xff' * 128,
        'no-selection': b'\0\0' + hello(common=8) + ticket(b'\0'),
        'words': b'\0\0' + hello(words=900) + MECHANISM + ticket(b'\0'),
        'unknown-session': b'\0\0' + hello(7, 3) + MECHANISM + ticket(b'\0'),
        'unknown-channel': b'\0\0' + hello(1, 99),
        'needs-tls': b'\x08\0' + hello(),
        'magic': b'\0\0junk and more',
        'mechanism': b'\0\0' + hello() + struct.pack('<I', 2),
        'sasl': b'\4\0' + hello(common=0x0d) + struct.pack('<I', 2) + sized(b'ECHO') + sized(b'd\0'),
        'websocket': b'\0\0' + REQUEST + b'Sec-WebSocket-Protocol: binary\r\n\r\n' + frame(0x82, hello(), b'abcd')
                     + frame(0x81, MECHANISM + ticket(b'\0')) + frame(0x88, b''),
        'websocket-refused': b'\0\7' + REQUEST + b'Sec-WebSocket-Protocol: other\r\n\r\n',
    },
    'server-websocket': {
        'nothing': b'\1\0',
        'request': b'\1\0' + REQUEST + b'\r\n',
        'list': b'\1\0' + REQUEST + b'Sec-WebSocket-Protocol: a, binary ,b\r\n\r\nrest',
        'no-key': b'\1\0GET / HTTP/1.1\r\n\r\n',
        'incomplete': b'\1\0' + REQUEST,
        'frames': b'\2\5' + frame(0x82, b'a' * 200, b'wxyz') + frame(0x02, b'b') + frame(0x89, b'ping', b'1234')
                  + frame(0x80, b'c' * 20, wide=8) + frame(0x8a, b'pong') + frame(0x88, b'\3\350'),
        'blocked': b'\4\0' + frame(0x89, b'p' * 125) + frame(0x89, b'') + frame(0x88, b''),
        'empty': b'\0\1' + frame(0x81, b'') * 20,
        'reserved': b'\0\0' + frame(0xc2, b'x'),
        'huge': b'\0\0\x82\x7f\x40' + b'\0' * 7 + b'data',
        'control': b'\0\0' + frame(0x09, b'x') + frame(0x89, b'x' * 126),
    },
    'server-sasl': {
        'step': b'\0\0' + sized(b'ECHO') + sized(b'd\0'),
        'steps': b'\0\1' + sized(b'ECHO') + sized(b'') + sized(b'cabc\0') + sized(b'\0') + sized(b'dxyz\0') + b'more',
        'weak': b'\0\0' + sized(b'ECHO') + sized(b'w\0'),
        'fails': b'\0\0' + sized(b'ECHO') + sized(b'x\0'),
        'name': b'\0\0' + sized(b'N' * 100) + sized(b'd\0'),
        'unknown': b'\0\0' + sized(b'ECHO,') + sized(b'd\0'),
        'long': b'\0\0' + struct.pack('<I', 101) + b'N' * 101,
        'large': b'\0\0' + sized(b'ECHO') + struct.pack('<I', 1 << 20) + b'c' * 3000,
        'too-large': b'\0\0' + sized(b'ECHO') + struct.pack('<I', (1 << 20) + 1) + b'c' * 30,
    },
}

for target, seeds in SEEDS.items():
    folder = os.path.join(sys.argv[1], target)
    os.makedirs(folder, exist_ok=True)
    for name, data in seeds.items():
        with open(os.path.join(folder, name), 'wb') as file:
            file.write(data)
