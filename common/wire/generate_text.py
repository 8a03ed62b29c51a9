# SPDX-License-Identifier: LGPL-2.1-or-later
"""The dumper in C, the names of numbers, and docs/protocol.md."""
from names import expression, snake
from schema import SCALARS, walk


def enums(schema, names, line, checked=True):
    if checked:
        # The public headers mark some values as deprecated; their names are told all the same.
        line('#pragma GCC diagnostic push')
        line('#pragma GCC diagnostic ignored "-Wdeprecated-declarations"')
    for enum in schema.enums.values():
        line('static const WireName %s_values[] = {' % names.enum(enum))
        for name, value in enum.values:
            line('{%s, "%s"},' % (hex(value) if enum.is_flags else value, name))
        line('};')
        for name, value in enum.values if checked else ():
            line('_Static_assert(%s%s == %s, "as in the public headers");' % (
                enum.prefix, name, hex(value) if enum.is_flags else value))
        line('static const WireNames %s = {%s, %d, %s_values};' % (
            names.enum(enum), 'true' if enum.is_flags else 'false', len(enum.values), names.enum(enum)))
        line()
    if checked:
        line('#pragma GCC diagnostic pop')
        line()


class Dumper:
    def __init__(self, schema, names, line, owner):
        self.schema, self.names, self.line, self.owner = schema, names, line, owner

    def value(self, field, value, depth='depth', name=None):
        name = name or '"%s"' % field.name
        if field.type in SCALARS and field.type[0] == 'i':
            return 'wire_dump_signed(sink, %s, %s, %s);' % (depth, name, value)
        if field.type in SCALARS:
            enum = '&' + self.names.enum(field.enum) if field.enum else 'NULL'
            return 'wire_dump_unsigned(sink, %s, %s, %s, %s);' % (depth, name, value, enum)
        return 'dump_%s(sink, %s, &%s);' % (snake(field.type), depth + ' + 1', value)

    def body(self, fields, path='m->'):
        line = self.line
        for field in fields:
            value = path + field.name
            if field.kind == 'number':
                line(self.value(field, value))
            elif field.kind == 'struct':
                line('wire_dump_open(sink, depth, "%s", NULL);' % field.name)
                line(self.value(field, value))
            elif field.kind == 'ref':
                line('wire_dump_open(sink, depth, "%s", %s ? NULL : "none");' % (field.name, value))
                line('if (%s) {' % value)
                line('dump_%s(sink, depth + 1, %s);' % (snake(field.type), value))
                line('}')
            elif field.kind == 'bytes':
                line('wire_dump_bytes(sink, depth, "%s", %s);' % (field.name, value))
            elif field.kind == 'array':
                count = field.length[1] if field.length[0] == 'const' else '%sn_%s' % (path, field.name)
                line('wire_dump_count(sink, depth, "%s", %s);' % (field.name, count))
                line('for (uint32_t i = 0; i < %s && i < WIRE_DUMP_ELEMENTS; i++) {' % count)
                if field.type not in SCALARS:
                    line('wire_dump_open(sink, depth + 1, "-", NULL);')
                line(self.value(field, value + '[i]', 'depth + 1', '"-"'))
                line('}')
                line('wire_dump_more(sink, depth + 1, %s);' % count)
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


def dumper(schema, names, line):
    for struct in schema.ordered:
        line('static void dump_%s(const WireSink *sink, int depth, const %s *m)' % (snake(struct.name), names.struct(struct.name)))
        line('{')
        Dumper(schema, names, line, struct).body(struct.fields)
        line('}')
        line()
    for message in schema.messages():
        if message.same_as or not message.fields:
            continue
        line('static void dump_%s(const WireSink *sink, int depth, uint32_t session, const void *message)' % names.function(message))
        line('{')
        line('const %s *m = message;' % names.message(message))
        line()
        Dumper(schema, names, line, message).body(message.fields)
        line('}')
        line()


def describe(field):
    """A field's type in words, as a table cell."""
    if field.kind == 'count':
        return field.type
    ref = ('ref to ' if field.kind == 'ref' or field.is_ref else '')
    type_ = field.type if field.type in SCALARS or field.type == 'bytes' else '[%s](#%s)' % (field.type, field.type.lower())
    if field.kind in ('array', 'bytes'):
        length = field.length
        if length[0] == 'prefix':
            length = '%s in front%s' % (length[1], ', as far as there is; a NUL follows' if field.clamped else '')
        elif length[0] == 'same':
            length = 'as many as ' + length[1]
        elif length[0] == 'const':
            length = str(length[1])
        elif length[0] == 'expr':
            length = '`%s`' % length[1]
        type_ = '%s × %s' % (type_, {'rest': 'rest of the message', 'count': 'its count'}.get(length, length))
    return ref + type_


def rows(fields, schema, line, condition=''):
    for field in fields:
        if field.kind == 'if':
            rows(field.then, schema, line, 'if `%s`: ' % field.cond)
            rows(field.other, schema, line, 'otherwise: ')
        elif field.kind == 'switch':
            for constants, inner in field.cases:
                names = ', '.join('`%s`' % c for c in constants)
                line('| %s | %s | if %s is %s: %s |' % (inner.name, describe(inner), field.on, names, inner.doc))
        elif field.kind == 'check':
            line('| | | must hold: `%s <= %s` |' % (field.left, field.right))
        else:
            doc = field.doc if field.kind != 'count' else 'count of ' + field.name
            if field.kind == 'ref' or field.is_ref:
                doc += '; required' if field.required else '; may be 0'
            if field.enum:
                doc += '; [%s](#%s)' % (field.enum.name, field.enum.name.lower())
            line('| %s | %s | %s%s |' % (field.name, describe(field), condition, doc.replace('|', '\\|')))


def fields_table(fields, schema, line):
    line('| Field | Type | |')
    line('|---|---|---|')
    rows(fields, schema, line)
    line('')


def documentation(schema, names, origin):
    text = []
    line = text.append
    line('# %s' % ('Messages of the SPICE protocol 2.2' if schema.prefix == 'wire' else 'Messages of the guest-agent protocol'))
    line('')
    line('Made by `common/wire/generate.py` from `%s`: don\'t edit. Numbers are little endian, without padding; a ref is a u32 '
         'offset from the start of the body. Sections are those of `docs/spec/`.' % origin)
    line('')
    for channel in schema.channels:
        numbers = ', '.join(str(n) for n in channel.numbers)
        line('## %s%s' % (channel.name.capitalize(), ' (channel type %s)' % numbers if channel.numbers[0] else ''))
        line('')
        for to_client in (True, False):
            messages = [m for m in channel.messages if m.to_client == to_client]
            if messages and schema.prefix == 'wire':
                line('### %s: server to client' % channel.name.capitalize() if to_client
                     else '### %s: client to server' % channel.name.capitalize())
                line('')
            for message in messages:
                base = message.same_as or message
                line('**%s** (%d) — %s *%s.*' % (names.number(message), message.number, message.doc, message.section))
                least = schema.min_fields(base.fields)
                notes = ['Needs `%s` of the receiver.' % message.needs] if message.needs else []
                notes += ['Same layout as %s.' % message.same_as.name] if message.same_as else []
                notes += ['At least %d byte%s.' % (least, '' if least == 1 else 's')] if least else \
                    ['May be empty.' if base.fields else 'Empty.']
                line(' '.join(notes))
                line('')
                if base.fields and not message.same_as:
                    fields_table(base.fields, schema, line)
    line('## Structures')
    line('')
    for struct in schema.structs.values():
        line('### %s' % struct.name)
        line('')
        line('%s *%s.* %s' % (struct.doc, struct.section,
                              '%s %d bytes.' % ('Always' if schema.is_flat(struct.name) else 'At least',
                                                schema.min_size(struct.name))))
        line('')
        fields_table(struct.fields, schema, line)
    if schema.enums:
        line('## Names of numbers')
        line('')
    for enum in schema.enums.values():
        line('### %s' % enum.name)
        line('')
        line('`%s*`%s: %s' % (enum.prefix, ', flags' if enum.is_flags else '',
                              ', '.join('%s %s' % (n, hex(v) if enum.is_flags else v) for n, v in enum.values)))
        line('')
    return '\n'.join(text).rstrip() + '\n'
