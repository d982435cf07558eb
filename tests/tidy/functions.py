"""Finds the functions of a C or C++ file, by its braces. SPDX-License-Identifier: Apache-2.0"""

import dataclasses
import re


@dataclasses.dataclass(frozen=True)
class Function:
    name: str
    first: int  # line numbers, from 1
    last: int

    @property
    def length(self):
        return self.last - self.first + 1


# What may not be read as code. A raw string's delimiter is matched by its back reference; a digit
# separator (1'000) is no character.
OPAQUE = re.compile(
    r"//(?:[^\n\\]|\\.|\\\n)*"
    r"|/\*.*?\*/"
    r'|\bu?8?R"(?P<delimiter>[^()\s\\"]{0,16})\(.*?\)(?P=delimiter)"'
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|(?<![0-9a-fA-F])'(?:[^'\\\n]|\\.)+'"
    r"|^[ \t]*#(?:[^\n\\]|\\.|\\\n)*",
    re.DOTALL | re.MULTILINE,
)

TYPE = re.compile(r"(?:typedef\s+)?(?:class|struct|union|enum)\b")
SCOPE = re.compile(r'(?:inline\s+)?namespace\b|extern\s*$')
ATTRIBUTE = re.compile(r"__attribute__\s*\(\(.*?\)\)|alignas\s*\([^)]*\)|\[\[.*?\]\]", re.DOTALL)
ACCESS = re.compile(r"^(?:\s*(?:public|private|protected)\s*:)+")
OPERATOR = re.compile(r"\boperator\s*(?:\(\s*\)|\[\s*\]|[^\s\w(]+)")


def blank_opaque(text):
    """The text with comments, strings and preprocessor lines blanked, line breaks kept."""
    return OPAQUE.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)


def strip_template(header):
    """The header without a leading template<...>, whose default arguments may hold anything."""
    match = re.match(r"\s*template\s*<", header)
    if not match:
        return header
    depth = 1
    place = match.end()
    while place < len(header) and depth:
        depth += {"<": 1, ">": -1}.get(header[place], 0)
        place += 1
    return strip_template(header[place:])


def outside_parentheses(text):
    """The text with everything inside parentheses removed."""
    out = []
    depth = 0
    for letter in text:
        depth -= letter == ")"
        if depth == 0:
            out.append(letter)
        depth += letter == "("
    return "".join(out)


def kind_of(header):
    """What a brace after this header opens: scope, type, function, or some value."""
    header = strip_template(ACCESS.sub("", header)).strip()
    header = ATTRIBUTE.sub("", header).strip()
    if SCOPE.match(header):
        return "scope"
    if TYPE.match(header) and "(" not in header:
        return "type"
    flat = outside_parentheses(OPERATOR.sub("operator_", header))
    if "(" not in flat or "=" in flat:
        return "value"
    tail = flat.rpartition(")")[2]
    # `Class(...) : member_{...}` : this brace belongs to a member, the body's comes later.
    if re.search(r"(?<!:):(?!:)", flat.partition(")")[2]) and re.search(r"[\w>]\s*$", tail):
        return "value"
    return "function"


def name_of(header):
    header = strip_template(ACCESS.sub("", header))
    header = ATTRIBUTE.sub("", header)
    match = re.search(r"(operator\s*(?:\(\s*\)|[^\s\w(]+)|[\w:~]+)\s*\(", header)
    return match[1] if match else "?"


def closing_brace(text, opening):
    """The place of the brace that closes the one at `opening`."""
    depth = 0
    for match in re.compile(r"[{}]").finditer(text, opening):
        depth += 1 if match[0] == "{" else -1
        if depth == 0:
            return match.start()
    return len(text) - 1


def find_functions(text):
    """All functions outside of functions, so a lambda counts within the one that holds it."""
    code = blank_opaque(text)
    found = []
    header_start = 0
    parentheses = 0
    place = 0
    while place < len(code):
        letter = code[place]
        if letter in "()":
            parentheses += 1 if letter == "(" else -1
        elif letter == "{" and parentheses > 0:
            place = closing_brace(code, place)
        elif letter == "{":
            header = code[header_start:place]
            kind = kind_of(header)
            if kind == "function":
                end = closing_brace(code, place)
                label = ACCESS.match(header)
                lead = label.end() if label else 0
                first = header_start + len(header) - len(header[lead:].lstrip())
                lines = (code.count("\n", 0, first) + 1, code.count("\n", 0, end) + 1)
                found.append(Function(name_of(header), *lines))
                place = end
                header_start = end + 1
            elif kind == "value":
                place = closing_brace(code, place)
            else:
                header_start = place + 1
        elif letter in ";}" and parentheses == 0:
            header_start = place + 1
        place += 1
    return found
