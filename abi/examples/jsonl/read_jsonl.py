"""Reads what the JSON-lines plugin has written, exactly.

SPDX-License-Identifier: Apache-2.0

Values become: None, bool, int (int64), UInt64, float, NaN (its bits), str, bytes, list, and Map for
maps (pairs in order, keys may repeat). A line that a full disk or a power cut left torn is skipped.
"""
import json
import struct


class UInt64(int):
    """A number that the host gave as unsigned."""


class Map(list):
    """(key, value) pairs in the host's order."""

    def get(self, key, default=None):
        """The last value of `key`: of equal keys the last one counts."""
        return next((value for name, value in reversed(self) if name == key), default)


class NaN(int):
    """The 64 bits of a NaN, so that two of them can be compared."""


def bits_of(number):
    """The 64 bits of a float or NaN."""
    if isinstance(number, NaN):
        return int(number)
    return struct.unpack("<Q", struct.pack("<d", number))[0]


def _from_pairs(pairs):
    names = [name for name, _ in pairs]
    if names == ["$uint64"]:
        return UInt64(pairs[0][1])
    if names == ["$bytes"]:
        return bytes.fromhex(pairs[0][1])
    if names == ["$double", "bits"]:
        bits = int(pairs[1][1], 16)
        if pairs[0][1] == "nan":
            return NaN(bits)
        return struct.unpack("<d", struct.pack("<Q", bits))[0]
    return Map((name[1:] if name.startswith("$$") else name, value) for name, value in pairs)


def read_events(path):
    """The events of a file, each a Map, in the order in which they were written."""
    with open(path, "rb") as file:
        for line in file:
            try:
                event = json.loads(line, object_pairs_hook=_from_pairs)
            except ValueError:
                continue
            if line.endswith(b"\n") and isinstance(event, Map):
                yield event
