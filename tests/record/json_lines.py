# SPDX-License-Identifier: Apache-2.0
"""Reads what the JSON-lines plugin wrote, and what `aimlog show --json --types` prints.

Both in one form, a value being a pair of type and content: ("double", bits), ("int64", 3),
("bool", True), ("null", None), ("string", text), ("bytes", hex), ("list", [values]),
("map", [(key, value), ...]).
"""

import json
import struct


def double(number):
    return ("double", struct.unpack("<Q", struct.pack("<d", number))[0])


def from_line(value):
    """A value as the JSON-lines plugin writes it."""
    if value is None:
        return ("null", None)
    if isinstance(value, bool):
        return ("bool", value)
    if isinstance(value, int):
        return ("int64", value)
    if isinstance(value, float):
        return double(value)
    if isinstance(value, str):
        return ("string", value)
    if isinstance(value, list):
        return ("list", [from_line(item) for item in value])
    if value.keys() == {"$uint64"}:
        return ("uint64", value["$uint64"])
    if value.keys() == {"$double", "bits"}:
        return ("double", int(value["bits"], 16))
    if value.keys() == {"$bytes"}:
        return ("bytes", value["$bytes"])
    # Keys of the host's own that begin with a dollar have it doubled.
    return ("map", [(key[key.startswith("$") :], from_line(item)) for key, item in value.items()])


def from_typed(node):
    """A value as the command prints it with --types; None where there is none."""
    if node is None:
        return None
    kind, content = node["type"], node["value"]
    if kind == "double":
        return ("double", int(node["bits"], 16))
    if kind == "list":
        return ("list", [from_typed(item) for item in content])
    if kind == "map":
        return ("map", [(key, from_typed(item)) for key, item in content.items()])
    return (kind, content)


def number_of(value):
    """A value as a Python number, whose comparison is exact across types; None where it is none."""
    kind, content = value
    if kind == "double":
        return struct.unpack("<d", struct.pack("<Q", content))[0]
    return content if kind in ("bool", "int64", "uint64") else None


def read_lines(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]
