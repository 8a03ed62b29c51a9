# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tests that the tables of a document name, as "tests/room/file.c: `name`, `name`; tests/other.c: `name`"."""
import re


def code_of(file):
    """A file's text; of C without comments, in which a name is no test, and with its literals whole."""
    text = file.read_text()
    if file.suffix == '.c':
        text = re.sub(r'"\s*\n\s*"', '', re.sub(r'/\*.*?\*/', '', text, flags=re.S))
    return text


def named_tests(root, text, column):
    """(it exists, what is looked for, the table's line) for each test named in that column (counted from 1)."""
    results = []
    for line in text.splitlines():
        if not line.startswith('| '):
            continue
        file = None
        for path, name in re.findall(r'((?:tests/[\w./-]+|meson\.build)(?=: `))|`([^`]+)`', line.split('|')[column]):
            if path:
                file = root / path
                continue
            found = file is not None and file.exists() and name in code_of(file)
            results.append((found, f'{file.relative_to(root) if file else "no file"} has {name}', line))
    return results
