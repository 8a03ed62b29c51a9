#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes the seeds of fuzz-display from the display vectors: make-display-corpus.py VECTORS CORPUS

Only short sessions: a fuzzer learns nothing from the hundredth rectangle."""
import gzip
import json
import os
import sys

LONGEST = 12000
CHOSEN = ('hand_', 'stream', 'jpeg', 'rop3', 'text', 'zlib', 'composite', 'stroke', 'palette', 'cache_evict', 'gl_unix', 'alpha',
          'header_full', 'ic_lz_plt', 'ic_quic', 'ic_lz4', 'ic_glz')


def main():
    vectors, corpus = sys.argv[1:]
    os.makedirs(corpus, exist_ok=True)
    with open(os.path.join(vectors, 'index.json')) as file:
        index = json.load(file)
    for vector in index['vectors']:
        for channel in vector['channels']:
            if not channel['file'].startswith(CHOSEN):
                continue
            with gzip.open(os.path.join(vectors, channel['file'])) as file:
                data = file.read()[:LONGEST]
            flags = 4 | (2 if vector['header'] == 'full' else 0) | (1 if 'bad_message' in vector['name'] else 0)
            with open(os.path.join(corpus, channel['file'].replace('.s2c.gz', '')), 'wb') as file:
                file.write(bytes([flags]) + data)


if __name__ == '__main__':
    main()
