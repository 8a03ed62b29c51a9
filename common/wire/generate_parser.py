# SPDX-License-Identifier: LGPL-2.1-or-later
"""The parser in C. Every read goes through wire_take(); see generate.py for why it is safe."""
from names import expression, snake
from schema import SCALARS, walk


def kind_of(field):
    return 'BLOCK_BYTES' if field.kind == 'bytes' else 'BLOCK_' + snake(field.type).upper()


def kinds(schema):
    """All that offsets lead to."""
    found = []
    for owner in schema.all_bodies():
        for field in walk(owner.fields):
            if (field.kind == 'ref' or field.is_ref and field.kind in ('array', 'bytes')) and kind_of(field) not in found:
                found.append(kind_of(field))
    return found


def load(type_, at, target, schema):
    if type_ in SCALARS:
        cast = '(int%s_t)' % type_[1:] if type_[0] == 'i' else ''
        return '%s = %swire_get_u%s(%s);' % (target, cast, type_[1:], at)
    return 'load_%s(%s, &%s);' % (snake(type_), at, target)


def runs(fields, schema):
    """Consecutive fields of known size are checked together."""
    run = []
    for field in fields:
        fixed = field.kind in ('number', 'count', 'ref') or field.is_ref and field.kind in ('array', 'bytes') \
            or field.kind == 'struct' and schema.is_flat(field.type) \
            or field.kind == 'array' and field.length[0] == 'const'
        if fixed:
            run.append(field)
            continue
        if run:
            yield run
            run = []
        yield field
    if run:
        yield run


class Parser:
    def __init__(self, schema, names, line, owner):
        self.schema, self.names, self.line, self.owner = schema, names, line, owner

    def body(self, fields, path='m->'):
        for part in runs(fields, self.schema):
            if isinstance(part, list):
                self.fixed(part, path)
            else:
                getattr(self, part.kind)(part, path)

    def fixed(self, run, path):
        line, size = self.line, sum(self.schema.min_field(f) for f in run)
        line('if (!(p = wire_take(reader, at, %d, "%s"))) {' % (size, run[0].name))
        line('return false;')
        line('}')
        offset = 0
        for field in run:
            at = 'p + %d' % offset if offset else 'p'
            target = path + field.name
            if field.kind == 'count':
                if field.type in ('u8', 'u16', 'u32'):
                    line('uint32_t n_%s = wire_get_%s(%s);' % (field.name, field.type, at))
            elif field.kind in ('number', 'struct'):
                line(load(field.type, at, target, self.schema))
            elif field.kind == 'array' and not field.is_ref:
                line('for (unsigned i = 0; i < %d; i++) {' % field.length[1])
                line(load(field.type, '%s + i * %d' % (at, self.schema.min_size(field.type)), target + '[i]', self.schema))
                line('}')
            else:
                line('uint32_t %s_at = wire_get_u32(%s);' % (field.name, at))
            offset += self.schema.min_field(field)
        for field in run:
            if field.kind == 'ref':
                self.ref(field, path)
            elif field.is_ref and field.kind in ('array', 'bytes'):
                self.ref_run(field, path)

    def ref(self, field, path):
        line = self.line
        line('if (!ref_%s(reader, %s_at, %s, &%s%s, "%s")) {' % (
            snake(field.type), field.name, 'true' if field.required else 'false', path, field.name, field.name))
        line('return false;')
        line('}')

    def ref_run(self, field, path):
        """Bytes or an array behind an offset, their count was read before."""
        line, target = self.line, path + field.name
        size = 1 if field.kind == 'bytes' else self.schema.min_size(field.type)
        if field.required:
            line('if (!%s_at || !n_%s) {' % (field.name, field.name))
            line('return wire_fail_text(reader, "%s", "missing");' % field.name)
            line('}')
        line('if (%s_at && n_%s) {' % (field.name, field.name))
        line('if (%s_at >= reader->size) {' % field.name)
        line('return wire_fail_offset(reader, "%s", %s_at);' % (field.name, field.name))
        line('}')
        line('size_t block = %s_at;' % field.name)
        line('if (!(p = wire_take(reader, &block, (uint64_t)n_%s * %d, "%s"))) {' % (field.name, size, field.name))
        line('return false;')
        line('}')
        if field.kind == 'bytes':
            line('%s = (WireBytes){p, n_%s};' % (target, field.name))
        else:
            self.elements(field, path)
        line('} else {')
        if field.kind == 'bytes':
            line('%s = (WireBytes){0};' % target)
        else:
            line('%sn_%s = 0;' % (path, field.name))
            line('%s = NULL;' % target)
        line('}')

    def elements(self, field, path):
        """n_<name> elements of known size at p."""
        line, type_ = self.line, self.names.struct(field.type)
        line('%s *elements = wire_make(reader, n_%s, sizeof *elements, "%s");' % (type_, field.name, field.name))
        line('if (!elements) {')
        line('return false;')
        line('}')
        line('for (uint32_t i = 0; i < n_%s; i++) {' % field.name)
        line(load(field.type, 'p + (size_t)i * %d' % self.schema.min_size(field.type), 'elements[i]', self.schema))
        line('}')
        line('%sn_%s = n_%s;' % (path, field.name, field.name))
        line('%s%s = elements;' % (path, field.name))

    def struct(self, field, path):
        line = self.line
        argument = self.argument(field)
        line('if (!parse_%s(reader, at%s, &%s%s)) {' % (snake(field.type), argument, path, field.name))
        line('return wire_fail_inside(reader, "%s");' % field.name)
        line('}')

    def argument(self, field):
        return ', ' + expression(field.arg, self.owner.fields) if field.arg else ''

    def count(self, field, path):
        raise AssertionError('counts stand in runs')

    def array(self, field, path):
        line, name, schema = self.line, field.name, self.schema
        size = schema.min_size(field.type)
        # A count of its own is local to this block, so that it doesn't clash with others.
        line('{')
        if field.length == 'rest':
            line('uint64_t n_%s_left = (reader->size - *at) / %d;' % (name, size))
            line('uint32_t n_%s = n_%s_left > UINT32_MAX ? UINT32_MAX : (uint32_t)n_%s_left;' % (name, name, name))
        elif field.length[0] == 'prefix':
            line('if (!(p = wire_take(reader, at, %d, "%s"))) {' % (SCALARS[field.length[1]], name))
            line('return false;')
            line('}')
            line('uint32_t n_%s = wire_get_%s(p);' % (name, field.length[1]))
        elif field.length[0] == 'same':
            line('uint32_t n_%s = n_%s;' % (name, field.length[1]))
        # Each element has at least so many bytes: nothing is allocated for a count that can't be true.
        line('if (n_%s > (reader->size - *at) / %d) {' % (name, size))
        line('return wire_fail_count(reader, "%s", n_%s, reader->size - *at);' % (name, name))
        line('}')
        line('%sn_%s = n_%s;' % (path, name, name))
        line('%s%s = NULL;' % (path, name))
        line('if (n_%s) {' % name)
        if schema.is_flat(field.type):
            line('if (!(p = wire_take(reader, at, (uint64_t)n_%s * %d, "%s"))) {' % (name, size, name))
            line('return false;')
            line('}')
            self.elements(field, path)
        else:
            line('%s *elements = wire_make(reader, n_%s, sizeof *elements, "%s");' % (self.names.struct(field.type), name, name))
            line('if (!elements) {')
            line('return false;')
            line('}')
            line('for (uint32_t i = 0; i < n_%s; i++) {' % name)
            line('if (!parse_%s(reader, at%s, &elements[i])) {' % (snake(field.type), self.argument(field)))
            line('return wire_fail_inside(reader, "%s");' % name)
            line('}')
            line('}')
            line('%s%s = elements;' % (path, name))
        line('}')
        line('}')

    def bytes(self, field, path):
        line, name = self.line, field.name
        line('{')
        if field.length == 'rest':
            line('uint64_t n_%s = reader->size - *at;' % name)
        elif field.length[0] == 'prefix':
            line('if (!(p = wire_take(reader, at, %d, "%s"))) {' % (SCALARS[field.length[1]], name))
            line('return false;')
            line('}')
            line('uint64_t n_%s = wire_get_%s(p);' % (name, field.length[1]))
            if field.clamped:
                line('if (n_%s > reader->size - *at) {' % name)
                line('n_%s = reader->size - *at;' % name)
                line('}')
        elif field.length[0] == 'expr':
            line('uint64_t n_%s = %s;' % (name, expression(field.length[1], self.owner.fields, wide=True)))
        line('if (!(p = wire_take(reader, at, n_%s, "%s"))) {' % (name, name))
        line('return false;')
        line('}')
        line('%s%s = (WireBytes){p, (size_t)n_%s};' % (path, name, name))
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
        line = self.line
        line('if (%s%s > %s%s) {' % (path, field.left, path, field.right))
        line('return wire_fail_text(reader, "%s", "greater than %s");' % (field.left, field.right))
        line('}')

    def optional(self, field, path):
        line = self.line
        line('if (%s) {' % expression(field.cond, self.owner.fields))
        self.body(field.then, path)
        if field.other:
            line('} else {')
            self.body(field.other, path)
        line('}')


setattr(Parser, 'if', Parser.optional)


def parser(schema, names, line):
    used = {f.type for owner in schema.all_bodies() for f in walk(owner.fields)
            if f.kind == 'array' or f.kind == 'struct'}
    for struct in schema.ordered:
        name, type_ = snake(struct.name), names.struct(struct.name)
        if schema.is_flat(struct.name):
            line('static inline void load_%s(const uint8_t *p, %s *m)' % (name, type_))
            line('{')
            at = 0
            for field in struct.fields:
                line(load(field.type, 'p + %d' % at, 'm->' + field.name, schema))
                at += schema.min_field(field)
            line('}')
            line()
            if not any(f.kind == 'ref' and f.type == struct.name for o in schema.all_bodies() for f in walk(o.fields)):
                continue
        parameter = ', uint64_t ' + struct.param if struct.param else ''
        line('static bool parse_%s(WireReader *reader, size_t *at%s, %s *m)' % (name, parameter, type_))
        line('{')
        line('const uint8_t *p;')
        line()
        if schema.has_gaps(struct.fields):
            line('memset(m, 0, sizeof *m);')
        Parser(schema, names, line, struct).body(struct.fields)
        line('return true;')
        line('}')
        line()
        if any(f.kind == 'ref' and f.type == struct.name for o in schema.all_bodies() for f in walk(o.fields)):
            reference(struct, names, line)
    for message in schema.messages():
        if message.same_as or not message.fields:
            continue
        line('static bool parse_%s(WireReader *reader, size_t *at, void *message)' % names.function(message))
        line('{')
        line('%s *m = message;' % names.message(message))
        line('const uint8_t *p;')
        line()
        line('(void)p;')
        if schema.uses_session(message.fields):
            line('uint32_t session = reader->session;')
        if schema.has_gaps(message.fields):
            line('memset(m, 0, sizeof *m);')
        Parser(schema, names, line, message).body(message.fields)
        line('return true;')
        line('}')
        line()


def reference(struct, names, line):
    """A structure behind an offset: inside the body, parsed once."""
    name, type_, kind = snake(struct.name), names.struct(struct.name), 'BLOCK_' + snake(struct.name).upper()
    line('static bool ref_%s(WireReader *reader, uint32_t offset, bool required, const %s **result, const char *field)' % (
        name, type_))
    line('{')
    line('*result = NULL;')
    line('if (!offset) {')
    line('return required ? wire_fail_text(reader, field, "missing") : true;')
    line('}')
    line('if (offset >= reader->size) {')
    line('return wire_fail_offset(reader, field, offset);')
    line('}')
    line('if ((*result = wire_known_ref(reader, offset, %s))) {' % kind)
    line('return true;')
    line('}')
    line('%s *m = wire_make(reader, 1, sizeof *m, field);' % type_)
    line('size_t at = offset;')
    line('if (!m) {')
    line('return false;')
    line('}')
    line('if (!parse_%s(reader, &at, m)) {' % name)
    line('return wire_fail_inside(reader, field);')
    line('}')
    line('wire_remember_ref(reader, offset, %s, m);' % kind)
    line('*result = m;')
    line('return true;')
    line('}')
    line()
