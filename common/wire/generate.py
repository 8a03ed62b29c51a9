#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes C and documentation from a .schema file.

    generate.py SCHEMA KIND OUTPUT          KIND: header, source, random, documentation
    generate.py SCHEMA check-documentation FILE     fails when FILE isn't what would be made

The generated parser is safe by construction: bytes come from wire_take() only, which compares 64-bit sizes with what is left
and so keeps the position inside the body; a count is held against what is left before memory for it is asked; structures
can't hold themselves (schema.py refuses circles), so recursion is as deep as the schema; no array holds offsets
(Schema.max_refs), so a message has a handful of blocks and each one is parsed once.
"""
import os
import sys

import generate_parser
import generate_tests
import generate_text
import generate_writer
from names import HEAD, Names, Text
from schema import Schema


def comment(text, line):
    """A comment of as many lines as it takes."""
    words, current = text.split(), '/*'
    for word in words:
        if len(current) + len(word) > 112:
            line(current)
            current = ' *'
        current += ' ' + word
    line(current + ' */')


def declare(field, names):
    """The declarations of a field, with its description."""
    type_ = names.struct(field.type) if field.type and field.type != 'bytes' else None
    note = ['%s_*' % field.enum.prefix.rstrip('_')] if field.enum else []
    if field.kind == 'number' or field.kind == 'struct':
        lines = ['%s %s;' % (type_, field.name)]
    elif field.kind == 'ref':
        lines = ['const %s *%s;' % (type_, field.name)]
        note += [] if field.required else ['or NULL']
    elif field.kind == 'bytes':
        lines = ['WireBytes %s;' % field.name]
    elif field.kind == 'array':
        if field.length[0] == 'const':
            lines = ['%s %s[%d];' % (type_, field.name, field.length[1])]
        else:
            lines = ['uint32_t n_%s;' % field.name, 'const %s *%s;' % (type_, field.name)]
    else:
        return []
    return lines[:-1] + ['%s /* %s */' % (lines[-1], '; '.join([field.doc] + note))]


def declare_fields(fields, names, line):
    for field in fields:
        if field.kind == 'if':
            line('/* If %s: */' % field.cond)
            declare_fields(field.then, names, line)
            if field.other:
                line('/* Otherwise: */')
                declare_fields(field.other, names, line)
            if field is not fields[-1]:
                line('/* Always: */')
        elif field.kind == 'switch':
            line('union {')
            for constants, inner in field.cases:
                for declaration in declare(inner, names):
                    line(declaration)
            line('} u; /* by %s */' % field.on)
        else:
            for declaration in declare(field, names):
                line(declaration)


def header(schema, names, source):
    line = Text()
    guard = '%s_MESSAGES_H' % schema.prefix.upper()
    line(HEAD.rstrip('\n') % ('The messages of the protocol as structures.', source))
    line('#ifndef ' + guard)
    line('#define ' + guard)
    line()
    line('#include "wire/memory.h"')
    line()
    line('#include <spice/enums.h>' if schema.prefix == 'wire' else '#include <spice/vd_agent.h>')
    line('#include <spice/protocol.h>')
    line()
    for struct in schema.ordered:
        comment('%s docs/spec/%s' % (struct.doc, struct.section), line)
        line('typedef struct %s {' % names.struct(struct.name))
        declare_fields(struct.fields, names, line)
        line('} %s;' % names.struct(struct.name))
        line()
    for message in schema.messages():
        comment('%s (%d): %s docs/spec/%s' % (names.number(message), message.number, message.doc, message.section), line)
        if message.same_as:
            line('typedef %s %s;' % (names.message(message.same_as), names.message(message)))
        elif message.fields:
            line('typedef struct %s {' % names.message(message))
            declare_fields(message.fields, names, line)
            line('} %s;' % names.message(message))
        else:
            line.lines[-1] += ' /* No fields, and no structure. */'
        line()
    line('#endif')
    return str(line)


def table(schema, names, line):
    """What is known about each message, and the way to it by its number."""
    messages = list(schema.messages())
    line('static const WireMessageInfo infos[] = {')
    for message in messages:
        base = message.same_as or message
        functions = '%s, %s, %s' % tuple('%s_%s' % (verb, names.function(base)) for verb in ('parse', 'write', 'dump'))
        size = 'sizeof(%s)' % names.message(base)
        if not base.fields:
            functions, size = 'NULL, NULL, NULL', '0'
        line('{.name = "%s", .title = "%s", .channel = %d, .direction = %s, .type = %s, .capability = %s, .min_size = %d, '
             '.struct_size = %s, %s},' % (
                 names.number(message), names.title(message), message.channel.numbers[0],
                 'WIRE_TO_CLIENT' if message.to_client else 'WIRE_TO_SERVER', names.number(message),
                 message.needs or '-1', schema.min_fields(base.fields), size,
                 '.parse = %s, .write = %s, .dump = %s' % tuple(functions.split(', '))))
    line('};')
    line()
    line('const WireMessageInfo *%s_message_infos(size_t *n)' % schema.prefix)
    line('{')
    line('*n = sizeof infos / sizeof infos[0];')
    line('return infos;')
    line('}')
    line()
    index = {id(m): i for i, m in enumerate(messages)}
    if schema.prefix == 'wire':
        numbers = sorted({n for c in schema.channels for n in c.numbers})
        line('const WireMessageInfo *wire_message_info(uint8_t channel_type, WireDirection dir, uint16_t type)')
        line('{')
        line('switch (type < SPICE_MSG_BASE_LAST ? 0 : channel_type) {')
        for number in numbers:
            line('case %d:' % number)
            for to_client in (True, False):
                line('if (dir == %s) {' % ('WIRE_TO_CLIENT' if to_client else 'WIRE_TO_SERVER'))
                line('switch (type) {')
                for message in messages:
                    if number in message.channel.numbers and message.to_client == to_client:
                        line('case %d:' % message.number)
                        line('    return &infos[%d];' % index[id(message)])
                line('}')
                line('}')
            line('break;')
        line('}')
        line('return NULL;')
        line('}')
    else:
        line('const WireMessageInfo *%s_message_info(uint32_t type)' % schema.prefix)
        line('{')
        line('switch (type) {')
        for message in messages:
            line('case %d:' % message.number)
            line('    return &infos[%d];' % index[id(message)])
        line('}')
        line('return NULL;')
        line('}')


def source(schema, names, origin):
    line = Text()
    line(HEAD.rstrip('\n') % ('Parser, writer and dumper of the messages.', origin))
    line('#include "%s/%s-messages.h"' % (schema.prefix, schema.prefix))
    line('#include "%s/%s.h"' % (schema.prefix, schema.prefix))
    line('#include "wire/internal.h"')
    line()
    generate_text.enums(schema, names, line)
    kinds = generate_parser.kinds(schema)
    if kinds:
        line('/* What is behind an offset. */')
        line('enum {')
        for kind in kinds:
            line(kind + ',')
        line('};')
        line()
    generate_parser.parser(schema, names, line)
    generate_writer.writer(schema, names, line)
    generate_text.dumper(schema, names, line)
    table(schema, names, line)
    return str(line)


def main():
    path, kind, output = sys.argv[1:]
    schema = Schema(path)
    names = Names(schema)
    origin = 'common/%s/%s' % (os.path.basename(os.path.dirname(os.path.abspath(path))), os.path.basename(path))
    make = {'header': header, 'source': source, 'random': generate_tests.random,
            'documentation': generate_text.documentation, 'check-documentation': generate_text.documentation}[kind]
    text = make(schema, names, origin)
    if kind == 'check-documentation':
        with open(output, encoding='utf-8') as file:
            if file.read() != text:
                sys.exit('%s is not up to date: generate.py %s documentation %s' % (output, path, output))
        return
    with open(output, 'w', encoding='utf-8') as file:
        file.write(text)


if __name__ == '__main__':
    main()
