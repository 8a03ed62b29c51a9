#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every numbered row of docs/spec/dangers.md stands in docs/dangers-map.md, and every test that is named there exists.

usage: check-dangers-map.py SOURCE_ROOT"""
import pathlib
import re
import sys

from named_tests import named_tests

root = pathlib.Path(sys.argv[1])
spec = (root / 'docs/spec/dangers.md').read_text()
map_text = (root / 'docs/dangers-map.md').read_text()
numbered, unnumbered = map_text.split('## Without a number')
results = []


def words(text):
    return re.sub(r'[^a-z0-9]+', ' ', text.lower())


table = [line for line in spec.splitlines() if re.match(r'\| \**20\d\d-', line)]
results.append((len(table) > 40, 'the specification has its table', ''))
for line in table:
    cell = line.split('|')[1]
    year = ''
    for part in re.findall(r'(\d{4})?-(\d{4,6})', cell):
        year = part[0] or year
        name = f'{year}-{part[1]}'
        listed = re.search(rf'^\|[^|]*\b{name}\b[^|]*\|[^|]+\|$', numbered, re.M)
        results.append((bool(listed), f'cve {name} is in the map', ''))

paragraph = words(spec[spec.index('**Fixed without a number**'):spec.index('**Shape of a test plan')])
rows = re.findall(r'^\| ([^|]+) \| [^|]+ \|$', unnumbered, re.M)[1:]
for row in rows:
    start = ' '.join(words(row).split()[:3])
    results.append((start in paragraph, f'unnumbered row of the map is one of the specification: {row}', ''))

results += named_tests(root, map_text, 2)

for number, (good, name, line) in enumerate(results, 1):
    print(f'{"ok" if good else "not ok"} {number} - {name}')
    if not good and line:
        print('#', line)
print(f'1..{len(results)}')
sys.exit(not all(good for good, _, _ in results))
