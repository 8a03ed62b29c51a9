# SPDX-License-Identifier: LGPL-2.1-or-later
"""The schema reader refuses what would make an unsafe parser: test-generator.py FOLDER_OF_THE_GENERATOR."""
import os
import sys
import tempfile
import unittest

sys.path.insert(0, sys.argv.pop(1))
import schema  # noqa: E402

HEAD = 'protocol wire Wire\n'
MESSAGE = 'channel common 0 @wire.md 9 {\nto client {\n## A message.\nmessage M 1 {\n%s\n}\n}\n}\n'


def read(text):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'a.schema')
        with open(path, 'w') as file:
            file.write(HEAD + text)
        return schema.Schema(path)


class Refusals(unittest.TestCase):
    def refused(self, text, words):
        with self.assertRaisesRegex(schema.SchemaError, words):
            read(text)

    def test_good(self):
        good = read('struct A @wire.md 1 {\nu32 x | a\nu8 y | b\n}\n' + MESSAGE % 'ref A a | one\nA b[u16] | many')
        message = next(good.messages())
        self.assertEqual(good.min_fields(message.fields), 6)
        self.assertEqual(good.max_refs(message.fields), 1)
        self.assertTrue(good.is_flat('A'))

    def test_circle(self):
        self.refused('struct A @wire.md 1 {\nref B b | other\n}\nstruct B @wire.md 1 {\nref A a | back\n}\n', 'circle: A B')

    def test_itself(self):
        self.refused('struct A @wire.md 1 {\nu8 n | number\nif n {\nA a[u8] | itself\n}\n}\n', 'circle')

    def test_offsets_in_array(self):
        self.refused('struct B @wire.md 1 {\nu8 x | a\n}\nstruct A @wire.md 1 {\nref B b | other\n}\n'
                     + MESSAGE % 'A a[u32] | many', 'offsets in an array')

    def test_many_offsets(self):
        fields = '\n'.join('ref B b%d | one' % i for i in range(9))
        self.refused('struct B @wire.md 1 {\nu8 x | a\n}\n' + MESSAGE % fields, 'too many offsets')

    def test_elements_without_bytes(self):
        self.refused('struct A @wire.md 1 {\nbytes x[rest] | all\n}\n' + MESSAGE % 'A a[u32] | many', 'without bytes')

    def test_unknown_structure(self):
        self.refused(MESSAGE % 'Nothing a | what', 'unknown structure Nothing')

    def test_no_description(self):
        self.refused(MESSAGE % 'u32 a', 'without description')


if __name__ == '__main__':
    unittest.main()
