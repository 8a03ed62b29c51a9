#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes the seeds of the fuzz targets wire-*, link and agent from the recorded vectors: make-wire-corpus.py (in tests/fuzz)."""
import gzip
import json
import os
import shutil
import struct

HERE = os.path.dirname(os.path.abspath(__file__))
VECTORS = os.path.join(HERE, '..', 'vectors')
CHANNELS = {1: 'main', 2: 'display', 3: 'inputs', 4: 'cursor', 5: 'playback', 6: 'record', 8: 'smartcard', 9: 'usbredir',
            10: 'port', 11: 'webdav'}
PER_TYPE, LONGEST = 2, 700
seeds = {}  # target -> {type: set of bodies}


def load(folder, name):
    path = os.path.join(VECTORS, folder, name)
    with (gzip.open if name.endswith('.gz') else open)(path, 'rb') as file:
        return file.read()


def add(channel, to_client, type_, body):
    target = 'wire-%s-%s' % (CHANNELS[channel], 'c' if to_client else 's')
    if len(body) <= LONGEST:
        seeds.setdefault(target, {}).setdefault(type_, set()).add(body)


def add_stream(channel, to_client, data, at, mini):
    while at + (6 if mini else 18) <= len(data):
        if not mini:
            at += 8
        type_, size = struct.unpack_from('<HI', data, at)
        at += 6 if mini else 10
        add(channel, to_client, type_, data[at:at + size])
        at += size


def wire():
    link = seeds.setdefault('link', {})
    with open(os.path.join(VECTORS, 'wire', 'index.json')) as file:
        vectors = json.load(file)['vectors']
    for vector in vectors:
        for case in vector.get('cases', []):
            link.setdefault(1, set()).add(b'\1' + bytes.fromhex(case['request_hex']))
        for connection in vector.get('connections', []):
            decoded = connection.get('decoded')
            if not decoded:
                continue
            client = load('wire', connection['client_to_server']['file'])
            server = load('wire', connection['server_to_client']['file'])
            for direction, data in ((1, client), (0, server)):
                size = struct.unpack_from('<I', data, 12)[0]
                link.setdefault(2 + direction * 10 + decoded['channel_type'] * 100, set()).add(
                    bytes([direction]) + data[:16 + size])
            for to_client, data, messages in ((True, server, decoded.get('server_messages', [])),
                                              (False, client, decoded.get('client_messages', []))):
                if messages:
                    add_stream(decoded['channel_type'], to_client, data, messages[0]['offset'], decoded['mini_header'])


def display():
    with open(os.path.join(VECTORS, 'display', 'index.json')) as file:
        vectors = json.load(file)['vectors']
    for vector in vectors:
        if vector['name'].startswith('gl_'):
            continue
        for channel in vector['channels']:
            add_stream(2, True, load('display', channel['file']), 0, vector['header'] == 'mini')
    with open(os.path.join(VECTORS, 'display', 'malformed.json')) as file:
        for case in json.load(file)[-25:]:
            add(2, True, case['type'], bytes.fromhex(case['body']))


def agent():
    """Whole messages from the guest's port, each as a stream; and the beginning of the port's stream."""
    found = seeds.setdefault('agent', {})
    for folder in ('agent-guest', 'agent-guest-errors'):
        for name in ('agent_to_server.bin', 'server_to_agent.bin'):
            data, at = load('wire', os.path.join(folder, name)), 0
            found.setdefault(0, set()).add(b'\7' + data[:200])
            while at + 28 <= len(data):
                size, type_ = struct.unpack_from('<4xI4xI', data, at)
                if size <= LONGEST:
                    found.setdefault(type_, set()).add(b'\7' + data[at + 8:at + 8 + size])
                at += 8 + size


def main():
    wire()
    display()
    agent()
    for target, types in sorted(seeds.items()):
        folder = os.path.join(HERE, 'corpus', target)
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        for type_, bodies in sorted(types.items()):
            # The shortest ones and one of middling length: small, and yet different.
            chosen = sorted(bodies, key=lambda b: (len(b), b))
            chosen = chosen if target == 'link' and type_ == 1 else chosen[:PER_TYPE] + chosen[len(chosen) // 2:][:1]
            for number, body in enumerate(dict.fromkeys(chosen)):
                with open(os.path.join(folder, '%d-%d' % (type_, number)), 'wb') as file:
                    file.write(body if target in ('link', 'agent') else struct.pack('<H', type_) + body)


if __name__ == '__main__':
    main()
