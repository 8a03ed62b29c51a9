# SPDX-License-Identifier: LGPL-2.1-or-later
"""How the things of a schema are called in C (docs/architecture.md, "The protocol is declared once"), and other text."""
import re

from schema import C_TYPES, SCALARS


def camel(name):
    return ''.join(word.capitalize() for word in name.split('_'))


def snake(name):
    return re.sub(r'(?<=[a-z0-9])(?=[A-Z])', '_', name).lower()


class Names:
    def __init__(self, schema):
        self.schema = schema
        self.prefix, self.type_prefix = schema.prefix, schema.type_prefix

    def struct(self, name):
        return C_TYPES[name] if name in SCALARS else self.type_prefix + name

    def message_base(self, message):
        channel = '' if message.channel.name in ('common', self.prefix) else camel(message.channel.name)
        return channel + camel(message.name)

    def message(self, message):
        if self.prefix != 'wire':
            return self.type_prefix + self.message_base(message)
        return 'WireMsg%s%s' % ('' if message.to_client else 'c', self.message_base(message))

    def function(self, message):
        if self.prefix != 'wire':
            return snake(message.name)
        return 'msg%s_%s_%s' % ('' if message.to_client else 'c', message.channel.name, message.name.lower())

    def number(self, message):
        """The constant of the protocol's public headers."""
        if self.prefix != 'wire':
            return 'VD_AGENT_' + message.name
        channel = '' if message.channel.name == 'common' else message.channel.name.upper() + '_'
        return 'SPICE_MSG%s_%s%s' % ('' if message.to_client else 'C', channel, message.name)

    def title(self, message):
        """In errors and dumps."""
        return re.sub('^SPICE_MSGC?_|^VD_AGENT_', '', self.number(message))

    def enum(self, enum):
        return '%s_names_%s' % (self.prefix, snake(enum.name))


def field_names(fields):
    result = []
    for field in fields:
        if field.kind == 'if':
            result += field_names(field.then) + field_names(field.other)
        elif field.kind in ('number', 'count'):
            result.append(field.name)
        elif field.kind == 'bytes':
            result.append(field.name)
    return result


def expression(text, fields, wide=False):
    """An expression of the schema in C: fields of the message at m, widened to 64 bits where sizes are computed."""
    known = field_names(fields)

    def replace(match):
        word = match[0]
        if word not in known:
            return '(uint64_t)' + word if wide and word[0].islower() else word
        return ('(uint64_t)' if wide else '') + 'm->' + word
    return re.sub(r'(?<![\w.])[A-Za-z_]\w*', replace, text)


HEAD = '''/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* %s Made by common/wire/generate.py from %s: don't edit. */
'''


class Text:
    """Lines of C with their indentation."""

    def __init__(self):
        self.lines, self.depth = [], 0

    def __call__(self, line=''):
        if line.startswith('}'):
            self.depth -= 1
        # Preprocessor lines, labels and empty lines stand at the margin.
        margin = not line or line.startswith('#')
        self.lines.append(line if margin else '    ' * self.depth + line)
        if line.endswith('{'):
            self.depth += 1

    def __str__(self):
        return '\n'.join(self.lines) + '\n'
