# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reads a .schema file (the language is told at the head of spice.schema) into structures, messages and enums."""
import re

SCALARS = {'u8': 1, 'u16': 2, 'u32': 4, 'u64': 8, 'i8': 1, 'i16': 2, 'i32': 4, 'i64': 8}
C_TYPES = {s: ('u' if s[0] == 'u' else '') + 'int%s_t' % s[1:] for s in SCALARS}
MAX_REFS = 8  # WIRE_MAX_REFS of internal.h


class SchemaError(Exception):
    pass


class Field:
    """One thing in wire order. kind: number, struct, ref, array, bytes, count, if, switch, check."""

    def __init__(self, kind, name='', **more):
        self.kind = kind
        self.name = name
        self.doc = ''
        self.enum = None        # number, array of numbers: Enum that names the values
        self.type = None        # scalar name, or name of a structure
        self.arg = None         # what a structure with a parameter is given
        self.length = None      # array, bytes: 'rest', 'count', ('prefix', scalar), ('const', n), ('expr', text), ('same', name)
        self.is_ref = False     # array, bytes: behind an offset
        self.required = False   # behind an offset: may not be absent
        self.clamped = False    # bytes: takes what is there
        self.__dict__.update(more)


class Struct:
    def __init__(self, name, param, section, doc):
        self.name, self.param, self.section, self.doc = name, param, section, doc
        self.fields = []


class Enum:
    def __init__(self, name, prefix, is_flags):
        self.name, self.prefix, self.is_flags, self.values = name, prefix, is_flags, []


class Message:
    def __init__(self, channel, to_client, name, number, section, needs, doc):
        self.channel, self.to_client, self.name, self.number = channel, to_client, name, number
        self.section, self.needs, self.doc = section, needs, doc
        self.fields, self.same_as = [], None
        self.param = None


class Channel:
    def __init__(self, name, numbers, section):
        self.name, self.numbers, self.section, self.messages = name, numbers, section, []


class Schema:
    def __init__(self, path):
        with open(path, encoding='utf-8') as file:
            self.lines = [line.strip() for line in file]
        self.at = 0
        self.prefix = self.type_prefix = None
        self.structs, self.enums, self.channels = {}, {}, []
        self.doc = []
        while (line := self.next()) is not None:
            self.top(line)
        for owner in self.all_bodies():
            self.resolve(owner.fields)
        self.order_structs()
        self.check_bounds()

    def error(self, text):
        raise SchemaError('line %d: %s' % (self.at, text))

    def next(self):
        while self.at < len(self.lines):
            line = self.lines[self.at]
            self.at += 1
            if line.startswith('##'):
                self.doc.append(line[2:].strip())
            elif line and not line.startswith('#'):
                return line
        return None

    def take_doc(self):
        doc, self.doc = ' '.join(self.doc), []
        return doc

    def top(self, line):
        if m := re.fullmatch(r'protocol (\w+) (\w+)', line):
            self.prefix, self.type_prefix = m.groups()
        elif m := re.fullmatch(r'(enum|flags) (\w+) (\w+) \{', line):
            enum = self.enums[m[2]] = Enum(m[2], m[3], m[1] == 'flags')
            while (line := self.next()) != '}':
                name, value = line.split(' = ')
                enum.values.append((name, int(value, 0)))
        elif m := re.fullmatch(r'struct (\w+)(?:\((\w+)\))? @(\S+ \S+) \{', line):
            struct = self.structs[m[1]] = Struct(m[1], m[2], m[3], self.take_doc())
            struct.fields = self.body()
        elif m := re.fullmatch(r'channel (\w+) ([\d ]+?) @(\S+ \S+) \{', line):
            channel = Channel(m[1], [int(n) for n in m[2].split()], m[3])
            self.channels.append(channel)
            while (line := self.next()) != '}':
                if line not in ('to client {', 'to server {'):
                    self.error(line)
                to_client = line == 'to client {'
                while (line := self.next()) != '}':
                    self.message(channel, to_client, line)
        else:
            self.error(line)

    def message(self, channel, to_client, line):
        m = re.fullmatch(r'message (\w+) (\d+)(?: @(\S+ \S+))?(?: needs (\w+))?(?: = (\w+)| \{(.*))', line)
        if not m:
            self.error(line)
        message = Message(channel, to_client, m[1], int(m[2]), m[3] or channel.section, m[4], self.take_doc())
        if not message.doc:
            self.error('message without description')
        channel.messages.append(message)
        if m[5]:
            message.same_as = next(o for o in channel.messages if o.name == m[5] and o.to_client == to_client)
        elif m[6].strip() != '}':
            first = m[6].strip()
            if first:
                self.lines.insert(self.at, first)
            message.fields = self.body()

    def body(self):
        fields, _ = self.block()
        return fields

    def block(self):
        fields = []
        while True:
            line = self.next()
            if line in ('}', '} else {'):
                return fields, line != '}'
            if m := re.fullmatch(r'if (.+) \{', line):
                field = Field('if', cond=m[1])
                field.then, has_else = self.block()
                field.other = self.body() if has_else else []
            elif m := re.fullmatch(r'switch (\w+) \{', line):
                field = Field('switch', 'u', on=m[1], cases=[])
                while (line := self.next()) != '}':
                    m = re.fullmatch(r'case ([\w ]+) : (.*)', line)
                    field.cases.append((m[1].split(), self.field(m[2])))
            elif m := re.fullmatch(r'check (\w+) <= ([\w.]+)', line):
                field = Field('check', left=m[1], right=m[2])
            elif m := re.fullmatch(r'count (\w+) (\w+)', line):
                field = Field('count', m[2], type=m[1])
            else:
                field = self.field(line)
            fields.append(field)

    def field(self, line):
        decl, _, doc = line.partition(' | ')
        m = re.fullmatch(r'(?:(ref!?) )?(\w+)(?:\((.*)\))? (\w+)(?:\[(.*)\])?(?: : (\w+))?', decl.strip())
        if not m:
            self.error('no field: ' + line)
        if not doc:
            # Arguments may hold a '|' of their own; they come before the name of the field.
            self.error('field without description: ' + line)
        ref, type_, arg, name, length, enum = m.groups()
        field = Field('number', name, type=type_, arg=arg, doc=doc.strip(), enum=enum,
                      is_ref=bool(ref), required=ref == 'ref!')
        if length is not None:
            field.kind = 'bytes' if type_ == 'bytes' else 'array'
            words = length.split()
            if words[0] in SCALARS:
                field.length = ('prefix', words[0])
                field.clamped = words[1:] == ['clamped']
            elif length in ('rest', 'count'):
                field.length = length
            elif words[0] == 'as':
                field.length = ('same', words[1])
            elif length.isdigit():
                field.length = ('const', int(length))
            else:
                field.length = ('expr', length)
        elif type_ not in SCALARS:
            field.kind = 'ref' if ref else 'struct'
        return field

    # ---- What follows from the declarations ------------------------------------------------------------------------

    def all_bodies(self):
        yield from self.structs.values()
        for channel in self.channels:
            yield from channel.messages

    def resolve(self, fields):
        for field in walk(fields):
            if field.enum:
                field.enum = self.enums[field.enum]
            if field.kind in ('struct', 'ref', 'array') and field.type not in SCALARS:
                if field.type not in self.structs:
                    raise SchemaError('unknown structure ' + field.type)

    def order_structs(self):
        """Structures that others hold come first; a circle would be a parser without bound."""
        done, order, busy = set(), [], []

        def visit(name):
            if name in done:
                return
            if name in busy:
                raise SchemaError('structures in a circle: ' + ' '.join(busy))
            busy.append(name)
            for field in walk(self.structs[name].fields):
                if field.type in self.structs:
                    visit(field.type)
            busy.pop()
            done.add(name)
            order.append(self.structs[name])

        for name in self.structs:
            visit(name)
        self.ordered = order

    def check_bounds(self):
        """What the generated code relies on: few blocks in a message, and no element without bytes."""
        for message in self.messages():
            if self.max_refs(message.fields) > MAX_REFS:
                raise SchemaError('too many offsets in a message: ' + message.name)
        for owner in self.all_bodies():
            for field in walk(owner.fields):
                if field.kind == 'array' and not self.min_size(field.type):
                    raise SchemaError('elements without bytes: ' + field.name)

    def is_flat(self, type_):
        """Always as long, and without offsets: loaded from one run of bytes."""
        if type_ in SCALARS:
            return True
        return not self.structs[type_].param and all(
            f.kind == 'number' or f.kind == 'struct' and self.is_flat(f.type) for f in self.structs[type_].fields)

    def min_size(self, type_):
        return SCALARS[type_] if type_ in SCALARS else self.min_fields(self.structs[type_].fields)

    def min_fields(self, fields):
        return sum(self.min_field(f) for f in fields)

    def min_field(self, field):
        if field.kind in ('number', 'count'):
            return SCALARS[field.type]
        if field.kind == 'struct':
            return self.min_size(field.type)
        if field.kind == 'ref' or field.is_ref:
            return 4
        if field.kind in ('array', 'bytes'):
            if field.length[0] == 'const':
                return field.length[1] * self.min_size(field.type)
            return SCALARS[field.length[1]] if field.length[0] == 'prefix' else 0
        if field.kind == 'if':
            return min(self.min_fields(field.then), self.min_fields(field.other))
        return 0

    def max_refs(self, fields):
        """How many blocks a message can have behind offsets at most: no offset stands in an array."""
        total = 0
        for field in fields:
            if field.kind == 'ref':
                total += 1 + self.max_refs(self.structs[field.type].fields)
            elif field.kind == 'struct':
                total += self.max_refs(self.structs[field.type].fields)
            elif field.kind == 'array' and field.type in self.structs:
                if self.max_refs(self.structs[field.type].fields):
                    raise SchemaError('offsets in an array: ' + field.name)
                total += field.is_ref
            elif field.kind in ('array', 'bytes'):
                total += field.is_ref
            elif field.kind == 'if':
                total += max(self.max_refs(field.then), self.max_refs(field.other))
            elif field.kind == 'switch':
                total += max(self.max_refs([f]) for _, f in field.cases)
        return total

    def has_gaps(self, fields):
        """Some fields of the C structure may stay unset: it's cleared first."""
        return any(f.kind in ('if', 'switch') for f in fields)

    def uses_session(self, fields):
        return any(f.kind == 'if' and 'session' in f.cond for f in walk(fields))

    def messages(self):
        for channel in self.channels:
            yield from channel.messages


def walk(fields):
    for field in fields:
        yield field
        if field.kind == 'if':
            yield from walk(field.then)
            yield from walk(field.other)
        elif field.kind == 'switch':
            for _, inner in field.cases:
                yield inner
