#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every test that docs/server-statements.md names exists. Prints TAP.

usage: check-server-statements.py SOURCE_ROOT"""
import pathlib
import sys

from named_tests import named_tests

root = pathlib.Path(sys.argv[1])
results = named_tests(root, (root / 'docs/server-statements.md').read_text(), 3)
for number, (good, name, line) in enumerate(results, 1):
    print(f'{"ok" if good else "not ok"} {number} - {name}')
    if not good:
        print('#', line)
print(f'1..{len(results)}')
sys.exit(not results or not all(good for good, _, _ in results))
