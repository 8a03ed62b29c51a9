# SPDX-License-Identifier: LGPL-2.1-or-later
"""The writer in C: the layout of docs/spec/wire.md 2.2, that is the fixed part, then the blocks in order."""
from generate_parser import kind_of, kinds, runs
from names import expression, snake
from schema import SCALARS, walk

MAXIMUM = {'u8': 'UINT8_MAX', 'u16': 'UINT16_MAX', 'u32': 'UINT32_MAX'}


def store(type_, at, value):
    if type_ in SCALARS:
        return 'wire_put_u%s(%s, (uint%s_t)%s);' % (type_[1:], at, type_[1:], value)
    return 'store_%s(%s, &%s);' % (snake(type_), at, value)


def counted(fields):
    """name -> field, of what is counted by an earlier field."""
    return {f.name: f for f in walk(fields) if f.kind in ('array', 'bytes') and f.length == 'count'}


class Writer:
    def __init__(self, schema, names, line, owner):
        self.schema, self.names, self.line, self.owner = schema, names, line, owner

    def refuse_unless(self, condition):
        self.line('if (!(%s)) {' % condition)
        self.line('return wire_cannot_write(writer);')
        self.line('}')

    def body(self, fields, path='m->'):
        for part in runs(fields, self.schema):
            if isinstance(part, list):
                self.fixed(part, path)
            else:
                getattr(self, part.kind)(part, path)

    def add(self, size):
        self.line('if (!(p = wire_buffer_add(writer->out, %s))) {' % size)
        self.line('return false;')
        self.line('}')

    def count_of(self, field, path):
        return '%s%s.size' % (path, field.name) if field.kind == 'bytes' else '%sn_%s' % (path, field.name)

    def fixed(self, run, path):
        line, size = self.line, sum(self.schema.min_field(f) for f in run)
        for field in run:
            if field.kind == 'count':
                self.refuse_unless('%s <= %s' % (self.count_of(counted(self.owner.fields)[field.name], path),
                                                 MAXIMUM[field.type]))
            elif (field.kind == 'ref' or field.is_ref) and field.required:
                self.refuse_unless(path + field.name if field.kind == 'ref' else self.count_of(field, path))
        self.add(size)
        refs = [f for f in run if f.kind == 'ref' or f.is_ref]
        if refs:
            # Adding a block doesn't write, but p is told as a place in the body, since the buffer may move later.
            base = refs[0].name + '_base'
            line('size_t %s = wire_buffer_length(writer->out) - writer->start - %d;' % (base, size))
        offset = 0
        for field in run:
            at, value = 'p + %d' % offset if offset else 'p', path + field.name
            if field.kind == 'count':
                line(store(field.type, at, self.count_of(counted(self.owner.fields)[field.name], path)))
            elif field.kind == 'array' and not field.is_ref:
                line('for (unsigned i = 0; i < %d; i++) {' % field.length[1])
                line(store(field.type, '%s + i * %d' % (at, self.schema.min_size(field.type)), value + '[i]'))
                line('}')
            elif field in refs:
                data, count = (value + '.data', value + '.size') if field.kind == 'bytes' else \
                    (value, '%sn_%s' % (path, field.name)) if field.kind == 'array' else (value, '%s ? 1 : 0' % value)
                line('wire_put_u32(%s, 0);' % at)
                line('if (!wire_add_block(writer, %s + %d, %s, %s, %s)) {' % (base, offset, kind_of(field), data, count))
                line('return false;')
                line('}')
            else:
                line(store(field.type, at, value))
            offset += self.schema.min_field(field)

    def argument(self, field):
        return ', ' + expression(field.arg, self.owner.fields) if field.arg else ''

    def struct(self, field, path):
        self.line('if (!write_%s(writer%s, &%s%s)) {' % (snake(field.type), self.argument(field), path, field.name))
        self.line('return false;')
        self.line('}')

    def array(self, field, path):
        line, name = self.line, field.name
        count = '%sn_%s' % (path, name)
        if field.length[0] == 'prefix':
            if field.length[1] != 'u32':
                self.refuse_unless('%s <= %s' % (count, MAXIMUM[field.length[1]]))
            self.add(SCALARS[field.length[1]])
            line(store(field.length[1], 'p', count))
        elif field.length[0] == 'same':
            self.refuse_unless('%s == %sn_%s' % (count, path, field.length[1]))
        if self.schema.is_flat(field.type):
            self.flat_elements(field, path + name, count)
        else:
            line('for (uint32_t i = 0; i < %s; i++) {' % count)
            line('if (!write_%s(writer%s, &%s%s[i])) {' % (snake(field.type), self.argument(field), path, name))
            line('return false;')
            line('}')
            line('}')

    def flat_elements(self, field, value, count):
        line, size = self.line, self.schema.min_size(field.type)
        self.add('(size_t)%s * %d' % (count, size))
        line('for (uint32_t i = 0; i < %s; i++) {' % count)
        line(store(field.type, 'p + (size_t)i * %d' % size, value + '[i]'))
        line('}')

    def bytes(self, field, path):
        line, size = self.line, '%s%s.size' % (path, field.name)
        if field.length[0] == 'prefix':
            if field.length[1] in MAXIMUM:
                self.refuse_unless('%s <= %s' % (size, MAXIMUM[field.length[1]]))
            self.add(SCALARS[field.length[1]])
            line(store(field.length[1], 'p', size))
        elif field.length[0] == 'expr':
            self.refuse_unless('%s == %s' % (size, expression(field.length[1], self.owner.fields, wide=True)))
        line('if (!wire_buffer_append(writer->out, %s%s.data, %s)) {' % (path, field.name, size))
        line('return false;')
        line('}')
        if field.clamped:
            line('if (!wire_buffer_append(writer->out, "", 1)) {')
            line('return false;')
            line('}')

    def switch(self, field, path):
        line = self.line
        line('switch (%s%s) {' % (path, field.on))
        for constants, inner in field.cases:
            for constant in constants[:-1]:
                line('case %s:' % constant)
            line('case %s: {' % constants[-1])
            self.body([inner], path + 'u.')
            line('break;')
            line('}')
        line('}')

    def check(self, field, path):
        self.refuse_unless('%s%s <= %s%s' % (path, field.left, path, field.right))

    def optional(self, field, path):
        line = self.line
        line('if (%s) {' % expression(field.cond, self.owner.fields))
        self.body(field.then, path)
        if field.other:
            line('} else {')
            self.body(field.other, path)
        line('}')


setattr(Writer, 'if', Writer.optional)


def writer(schema, names, line):
    for struct in schema.ordered:
        name, type_ = snake(struct.name), names.struct(struct.name)
        referred = any(f.kind == 'ref' and f.type == struct.name for o in schema.all_bodies() for f in walk(o.fields))
        if schema.is_flat(struct.name):
            line('static inline void store_%s(uint8_t *p, const %s *m)' % (name, type_))
            line('{')
            at = 0
            for field in struct.fields:
                line(store(field.type, 'p + %d' % at, 'm->' + field.name))
                at += schema.min_field(field)
            line('}')
            line()
            if not referred:
                continue
        parameter = ', uint64_t ' + struct.param if struct.param else ''
        line('static bool write_%s(WireWriter *writer%s, const %s *m)' % (name, parameter, type_))
        line('{')
        line('uint8_t *p;')
        line()
        Writer(schema, names, line, struct).body(struct.fields)
        line('return true;')
        line('}')
        line()
    blocks(schema, names, line)
    for message in schema.messages():
        if message.same_as or not message.fields:
            continue
        line('static bool write_%s(WireWriter *writer, const void *message)' % names.function(message))
        line('{')
        line('const %s *m = message;' % names.message(message))
        line('uint8_t *p;')
        line()
        line('(void)p;')
        if schema.uses_session(message.fields):
            line('uint32_t session = writer->session;')
        Writer(schema, names, line, message).body(message.fields)
        if schema.max_refs(message.fields):
            line('return wire_write_blocks(writer, write_block);')
        else:
            line('return true;')
        line('}')
        line()


def blocks(schema, names, line):
    """What stands behind an offset, by its kind."""
    if not kinds(schema):
        return
    line('static bool write_block(WireWriter *writer, int kind, const void *data, size_t count)')
    line('{')
    line('switch (kind) {')
    done = set()
    for owner in schema.all_bodies():
        for field in walk(owner.fields):
            if not (field.kind == 'ref' or field.is_ref and field.kind in ('array', 'bytes')) or kind_of(field) in done:
                continue
            done.add(kind_of(field))
            line('case %s: {' % kind_of(field))
            if field.kind == 'ref':
                line('return write_%s(writer, data);' % snake(field.type))
            elif field.kind == 'bytes':
                line('return wire_buffer_append(writer->out, data, count);')
            else:
                line('const %s *elements = data;' % names.struct(field.type))
                line('uint8_t *p;')
                Writer(schema, names, line, owner).flat_elements(field, 'elements', 'count')
                line('return true;')
            line('}')
    line('}')
    line('return false;')
    line('}')
    line()
