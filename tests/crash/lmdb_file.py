# SPDX-License-Identifier: Apache-2.0
"""Where the rows of a repo stand in its data file: a second reading of LMDB's format, which the
tests use as their own opinion."""

import struct

PAGE = 4096
NO_PAGE = 2**64 - 1
BRANCH, LEAF, BIG, SUB = 1, 2, 1, 2


class LmdbFile:
    """`rows`: (table, key) to the value and to the ranges of bytes [begin, end) that it needs: its
    node on a leaf page, and the pages of a long value. `tables`: where the node that names each one
    begins. `branches`: the inner pages, by table."""

    def __init__(self, path):
        with open(path, "rb") as file:
            self.data = file.read()
        self.rows, self.tables, self.branches, self.leaves = {}, {}, {}, {}
        metas = [(self.word(page * PAGE + 16 + 128), page) for page in (0, 1)]
        self.transaction, page = max(metas)
        # Magic, version, address, map size, then the trees: free pages, tables.
        self.free_root, self.root = (self.word(page * PAGE + 16 + 24 + 48 * i + 40) for i in (0, 1))
        for name, value, ranges in self.nodes(self.root, "tables"):
            table = name.decode()
            self.tables[table] = ranges[0][0]
            root = struct.unpack_from("<Q", value, 40)[0]
            for key, row, ranges in self.nodes(root, table):
                self.rows[table, key] = row, ranges

    def word(self, at):
        return struct.unpack_from("<Q", self.data, at)[0]

    def nodes(self, page, table):
        if page == NO_PAGE:
            return
        base = page * PAGE
        flags, lower = struct.unpack_from("<HH", self.data, base + 10)
        for i in range((lower - 16) // 2):
            at = base + struct.unpack_from("<H", self.data, base + 16 + 2 * i)[0]
            low, high, node_flags, key_bytes = struct.unpack_from("<HHHH", self.data, at)
            if flags & BRANCH:
                yield from self.nodes(low | high << 16 | node_flags << 32, table)
                continue
            key = self.data[at + 8 : at + 8 + key_bytes]
            begin, size = at + 8 + key_bytes, low | high << 16
            if node_flags & BIG:
                first = self.word(begin)
                value = first * PAGE + 16
                ranges = [(at, begin + 8), (value, value + size)]
                yield key, self.data[value : value + size], ranges
            else:
                yield key, self.data[begin : begin + size], [(at, begin + size)]
        kind = self.branches if flags & BRANCH else self.leaves
        kind.setdefault(table, []).append(page)

    def key_now(self, row, damaged):
        """What a damaged copy of the file has in the place of a row's key."""
        at = self.rows[row][1][0][0] + 8
        return damaged[at : at + len(row[1])]

    def is_long(self, row):
        return len(self.rows[row][1]) > 1

    def hit_rows(self, damaged):
        """The rows that a damaged copy of the file has not whole any more."""
        hit = set()
        for row, (_, ranges) in self.rows.items():
            if any(self.data[a:b] != damaged[a:b] for a, b in ranges):
                hit.add(row)
        return hit


def numbers(key, *sizes):
    """Big-endian numbers of so many bytes each, from the begin of a key."""
    at, out = 0, []
    for size in sizes:
        out.append(int.from_bytes(key[at : at + size], "big"))
        at += size
    return out
