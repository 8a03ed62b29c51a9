# SPDX-License-Identifier: LGPL-2.1-or-later
"""The generator of random valid messages in C, for tests and fuzzing."""
import re

from names import HEAD, Text, expression, field_names, snake
from schema import SCALARS, walk


def sized_by(fields):
    """Fields that a size is computed from: they stay small."""
    names = field_names(fields)
    return {word for f in walk(fields) if f.kind == 'bytes' and f.length[0] == 'expr'
            for word in re.findall(r'\w+', f.length[1]) if word in names}


class Random:
    def __init__(self, schema, names, line, owner):
        self.schema, self.names, self.line, self.owner = schema, names, line, owner
        self.small = sized_by(owner.fields)

    def number(self, field, target):
        if field.name in self.small:
            return '%s = wire_random_below(random, 9);' % target
        if field.enum and field.type in SCALARS:
            return '%s = (%s)wire_random_named(random, &%s, %d);' % (
                target, self.names.struct(field.type), self.names.enum(field.enum), 8 * SCALARS[field.type])
        return '%s = (%s)wire_random_number(random);' % (target, self.names.struct(field.type))

    def one(self, field, target):
        if field.type in SCALARS:
            return self.number(field, target)
        return 'random_%s(random%s, &%s);' % (snake(field.type), self.argument(field), target)

    def argument(self, field):
        return ', ' + expression(field.arg, self.owner.fields) if field.arg else ''

    def body(self, fields, path='m->'):
        line = self.line
        for field in fields:
            target = path + field.name
            if field.kind in ('number', 'struct'):
                line(self.one(field, target))
            elif field.kind == 'ref':
                line('if (%s) {' % ('true' if field.required else 'wire_random_below(random, 3)'))
                line('%s *block = wire_random_make(random, 1, sizeof *block);' % self.names.struct(field.type))
                line('random_%s(random, block);' % snake(field.type))
                line('%s = block;' % target)
                line('}')
            elif field.kind == 'bytes':
                size = expression(field.length[1], self.owner.fields, wide=True) if field.length[0] == 'expr' else \
                    '%swire_random_below(random, 20)' % ('1 + ' if field.required else '')
                line('%s = wire_random_bytes(random, %s);' % (target, size))
            elif field.kind == 'array' and field.length[0] == 'const':
                line('for (unsigned i = 0; i < %d; i++) {' % field.length[1])
                line(self.one(field, target + '[i]'))
                line('}')
            elif field.kind == 'array':
                count = '%sn_%s' % (path, field.length[1]) if field.length[0] == 'same' else \
                    '%swire_random_below(random, 6)' % ('1 + ' if field.required else '')
                line('%sn_%s = %s;' % (path, field.name, count))
                line('if (%sn_%s) {' % (path, field.name))
                line('%s *elements = wire_random_make(random, %sn_%s, sizeof *elements);' % (
                    self.names.struct(field.type), path, field.name))
                line('for (uint32_t i = 0; i < %sn_%s; i++) {' % (path, field.name))
                line(self.one(field, 'elements[i]'))
                line('}')
                line('%s = elements;' % target)
                line('}')
            elif field.kind == 'if':
                line('if (%s) {' % expression(field.cond, self.owner.fields))
                self.body(field.then, path)
                if field.other:
                    line('} else {')
                    self.body(field.other, path)
                line('}')
            elif field.kind == 'switch':
                line('switch (%s%s) {' % (path, field.on))
                for constants, inner in field.cases:
                    for constant in constants:
                        line('case %s:' % constant)
                    line('{')
                    self.body([inner], path + 'u.')
                    line('break;')
                    line('}')
                line('}')
            elif field.kind == 'check':
                line('if (%s%s > %s%s) {' % (path, field.left, path, field.right))
                line('%s%s = %s%s;' % (path, field.left, path, field.right))
                line('}')


def random(schema, names, origin):
    from generate_text import enums
    line = Text()
    line(HEAD.rstrip('\n') % ('Random valid messages.', origin))
    line('#include "%s/%s-messages.h"' % (schema.prefix, schema.prefix))
    line('#include "%s/%s.h"' % (schema.prefix, schema.prefix))
    line('#include "%s/random.h"' % schema.prefix)
    line()
    enums(schema, names, line, checked=False)
    for struct in schema.ordered:
        parameter = ', uint64_t ' + struct.param if struct.param else ''
        line('static void random_%s(WireRandom *random%s, %s *m)' % (snake(struct.name), parameter, names.struct(struct.name)))
        line('{')
        Random(schema, names, line, struct).body(struct.fields)
        line('}')
        line()
    for message in schema.messages():
        if message.same_as or not message.fields:
            continue
        line('static const void *random_%s(WireRandom *random, uint32_t session)' % names.function(message))
        line('{')
        line('%s *m = wire_random_make(random, 1, sizeof *m);' % names.message(message))
        line()
        Random(schema, names, line, message).body(message.fields)
        line('return m;')
        line('}')
        line()
    line('/* By the position in %s_message_infos(). */' % schema.prefix)
    line('const void *%s_random_message(WireRandom *random, size_t index, uint32_t session)' % schema.prefix)
    line('{')
    line('switch (index) {')
    for index, message in enumerate(schema.messages()):
        base = message.same_as or message
        line('case %d:' % index)
        line('    return %s;' % ('random_%s(random, session)' % names.function(base) if base.fields else '""'))
    line('}')
    line('return NULL;')
    line('}')
    return str(line)
