# SPDX-License-Identifier: Apache-2.0
"""The log of all writes to a disk, and what may be on the disk if its power was cut.

The log is what QEMU's driver blklogwrites writes, in the format of Linux's dm-log-writes: a sector
with the header, then per entry a sector that says where, how much and of which kind, and the bytes.
A disk keeps what it had before a flush was answered; of all that came later it keeps any part.
"""

import collections
import os
import random
import struct

MAGIC = 0x6A736677736872
HEADER, ENTRY = struct.Struct("<QQQI"), struct.Struct("<QQQQ")
SECTOR = 512
FLUSH = 1  # of the flags; 2 and 4 are FUA and discard
NEAR = 40  # entries
# ext4's superblock has two sectors and one checksum: torn, it needs e2fsck before anything else.
SUPERBLOCK_END = 8

# `position`: of the bytes in the log's file.
Entry = collections.namedtuple("Entry", "sector sectors flags position")

# What becomes of the writes that no flush covers.
LOSSES = ("all lost", "none lost", "some lost", "some torn", "only the last kept")


def count_entries(path):
    with open(path, "rb") as file:
        head = file.read(HEADER.size)
    magic, version, count, sector = HEADER.unpack(head) if len(head) == HEADER.size else [0] * 4
    if magic == 0:  # nothing was written yet
        return 0
    assert (magic, version, sector) == (MAGIC, 1, SECTOR), (magic, version, sector)
    return count


def read_entries(path):
    entries = []
    with open(path, "rb") as file:
        position = SECTOR
        for _ in range(count_entries(path)):
            file.seek(position)
            sector, sectors, flags, more = ENTRY.unpack(file.read(ENTRY.size))
            # FUA and discards would need rules of their own below; this disk is never sent any.
            assert flags in (0, FLUSH) and more == 0, (flags, more)
            entries.append(Entry(sector, sectors, flags, position + SECTOR))
            position += SECTOR * (1 + sectors)
    return entries


class CutDisk:
    """Images of the disk as cuts leave it; `base` is the disk before the log, and moves on with
    the flushes: cuts come in the order of the log."""

    def __init__(self, log, base):
        self.log = open(log, "rb")
        self.base = open(base, "r+b")
        self.base_path = base
        self.entries = read_entries(log)
        self.done = 0  # entries that are in the base

    def close(self):
        self.log.close()
        self.base.close()

    def flushed(self, cut):
        """How many of the first `cut` entries are on the disk for certain."""
        while cut > 0 and not self.entries[cut - 1].flags & FLUSH:
            cut -= 1
        return cut

    def image(self, path, cut, loss, chance):
        """Writes the disk as a power cut behind `cut` entries may leave it."""
        flushed = self.flushed(cut)
        assert self.done <= flushed, "cuts must come in the order of the log"
        for entry in self.entries[self.done : flushed]:
            self.write(self.base, entry)
        self.base.flush()
        self.done = flushed
        copy_sparse(self.base_path, path)
        loose = [entry for entry in self.entries[flushed:cut] if entry.sectors > 0]
        keep_part = chance.random()
        with open(path, "r+b") as image:
            for entry in loose:
                if loss == "none lost" or (loss == "only the last kept" and entry is loose[-1]):
                    self.write(image, entry)
                elif loss == "some lost" and chance.random() < keep_part:
                    self.write(image, entry)
                elif loss == "some torn" and chance.random() < keep_part:
                    self.tear(image, entry, chance)
        return len(loose)

    def write(self, image, entry, first=0, count=None):
        count = entry.sectors if count is None else count
        self.log.seek(entry.position + first * SECTOR)
        image.seek((entry.sector + first) * SECTOR)
        image.write(self.log.read(count * SECTOR))

    def tear(self, image, entry, chance):
        """Parts of a write, in units of what disks write as a whole: a sector, or eight."""
        unit = chance.choice((1, 8))
        if entry.sector < SUPERBLOCK_END:
            unit = 8
        from_start = chance.random() < 0.5
        whole = chance.randrange(entry.sectors + 1)
        for first in range(0, entry.sectors, unit):
            kept = first < whole if from_start else chance.random() < 0.5
            if kept:
                self.write(image, entry, first, min(unit, entry.sectors - first))


def copy_sparse(source, target):
    """Only what is not a hole."""
    with open(source, "rb", 0) as old, open(target, "wb", 0) as new:
        size = os.fstat(old.fileno()).st_size
        new.truncate(size)
        place = 0
        while place < size:
            try:
                start = os.lseek(old.fileno(), place, os.SEEK_DATA)
            except OSError:  # no more data
                break
            place = os.lseek(old.fileno(), start, os.SEEK_HOLE)
            old.seek(start)
            new.seek(start)
            while old.tell() < place:
                new.write(old.read(min(1 << 20, place - old.tell())))


def choose_cut(chance, first, last, entries, answers, moments):
    """Right behind an answer that somebody got; right before a flush, where most is loose; near a
    moment at which something special was done; or anywhere. Without answers: at such a moment."""
    if not answers:
        return chance.choice(moments), chance.choice(LOSSES)
    where = chance.randrange(4)
    cut = chance.randint(first, last)
    if where == 0:
        cut = chance.choice(answers)
    elif where == 1:
        while cut < last and not entries[cut].flags & FLUSH:
            cut += 1
    elif where == 2:
        cut = chance.choice(moments) + chance.randint(-NEAR, NEAR)
    return max(first, min(cut, last)), chance.choice(LOSSES)
