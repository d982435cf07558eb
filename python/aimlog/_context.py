# SPDX-License-Identifier: Apache-2.0
"""How a context is named to the library: each of its values as text, nested ones by a path."""

import decimal
import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

WORDS = ("null", "true", "false", "NaN", "Infinity", "-Infinity")


def pairs_of(context: Mapping) -> tuple[tuple[str, str], ...]:
    """Of every value, also in maps within maps: "fold/n" and "3"."""
    return tuple(_flat(context, ""))


def _flat(context: Mapping, prefix: str) -> Iterator[tuple[str, str]]:
    for key, value in context.items():
        name = prefix + str(key)
        if isinstance(value, Mapping) and value:
            yield from _flat(value, name + "/")
        else:
            yield name, text_of(value)


def text_of(value: Any) -> str:
    """As the library writes it (plugin/model/context_text.h): values of different types have
    different texts."""
    if hasattr(value, "item") and getattr(value, "ndim", 0) == 0:
        value = value.item()  # a scalar of NumPy's
    if isinstance(value, str):
        return _quoted(value) if _reads_as_another(value) else value
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _float_text(value)
    if isinstance(value, (list, tuple, Mapping)):
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=str)
    return str(value)


def _float_text(value: float) -> str:
    """The shorter of the two ways to write it, as std::to_chars chooses."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    number = decimal.Decimal(repr(value))
    sign, digits, _ = number.normalize().as_tuple()
    places = "".join(map(str, digits))
    exponent = number.adjusted() if value else 0
    scientific = "-" * sign + places[0] + ("." + places[1:] if len(places) > 1 else "")
    scientific += f"e{'-' if exponent < 0 else '+'}{abs(exponent):02}"
    # From 2**53 on the shortest digits are not those of the integer that it is.
    fixed = f"{decimal.Decimal(value) if abs(value) >= 2**53 else number:f}".removesuffix(".0")
    text = fixed if len(fixed) <= len(scientific) else scientific
    return text if "." in text or "e" in text else text + ".0"


def _reads_as_another(text: str) -> bool:
    if not text or text[0] in '"[{' or text in WORDS:
        return True
    # What float() takes and the library does not: blanks around, underscores, a plus sign.
    if text != text.strip() or "_" in text or text[0] == "+":
        return False
    try:
        float(text)
    except ValueError:
        return False
    return True


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
