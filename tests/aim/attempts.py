# SPDX-License-Identifier: Apache-2.0
"""The runs of an Aim repo, each one an attempt of a trial, key by key: what AimLoggerCallback wrote
beside what our export wrote."""

import copy
import sqlite3
import struct
from contextlib import closing

from aim_support import Fault, check, check_equal, chunk, raw_keys

ADDED = {"config", "status", "error", "aimlog"}
VALUE = b"\xfeval\xfe\xfe"
END = b"\xfeend_time\xfe"
TRIAL = b"meta\xfeattrs\xfetrial_id\xfe"


class Attempt:
    """One run of Aim's; keys have its hash made neutral."""

    def __init__(self, directory, run_hash):
        self.hash, self.keys = run_hash, {}
        for kind in ("meta", "seqs"):
            for key, value in raw_keys(chunk(directory, kind, run_hash)).items():
                self.keys[key.replace(run_hash.encode(), b"HASH")] = value
        self.trial = self.keys[TRIAL][1:].decode()

    def planted(self, changes=None, without=()):
        """A copy with a fault in it."""
        made = copy.copy(self)
        made.keys = {key: value for key, value in self.keys.items() if key not in without}
        made.keys |= changes or {}
        return made


def attempts_of(directory):
    """Every run of a repo by (trial, number of its start)."""
    order = "select hash from run order by created_at"
    with closing(sqlite3.connect(directory / ".aim/run_metadata.sqlite")) as structured:
        hashes = [row[0] for row in structured.execute(order)]
    found, counted = {}, {}
    for attempt in (Attempt(directory, run_hash) for run_hash in hashes):
        number = counted[attempt.trial] = counted.get(attempt.trial, -1) + 1
        found[attempt.trial, number] = attempt
    return found


def param_of(key):
    """The top-level param that a key belongs to, or None."""
    parts = key.split(b"\xfe")
    if parts[:2] == [b"meta", b"attrs"]:
        return parts[2].decode()
    if parts[:4] == [b"meta", b"chunks", b"HASH", b"attrs"]:
        return parts[4].decode()
    return None


def is_time(key, value):
    return len(value) == 9 and (b"\xfetime\xfe" in key or key.endswith(END))


def close_to(tolerance_s):
    """A judge of times that only looks at how far they are from each other."""
    return lambda _, ours_s, theirs_s: abs(ours_s - theirs_s) < tolerance_s


def compare(ours, theirs, same_time, excused=frozenset()):
    """Compares two attempts; gives the number of points.

    same_time: judges (key, seconds of ours, seconds of theirs).
    excused: params that are looked at elsewhere.
    """
    what = f"{ours.trial} {ours.hash}"
    names, others = set(ours.keys), set(theirs.keys)
    added = {key for key in names if param_of(key) in ADDED}
    check(added, "no additions in", what)
    names, others = (
        {key for key in keys if param_of(key) not in ADDED | excused} for keys in (names, others)
    )
    check_equal(sorted(names - others), [], f"{what}: only in ours")
    check_equal(sorted(others - names), [], f"{what}: only in theirs")
    for key in names:
        mine, its = ours.keys[key], theirs.keys[key]
        if is_time(key, mine) and is_time(key, its):
            times = (struct.unpack("<d", value[1:])[0] for value in (mine, its))
            check(same_time(key, *times), what, key, mine, its)
        elif key.endswith(END):
            check(same_time(key, *map(end_seconds, (mine, its))), what, "end", mine, its)
        else:
            check_equal(mine, its, f"{what} {key}")
    return sum(VALUE in key for key in names)


def end_seconds(value):
    return struct.unpack("<d", value[1:])[0] if len(value) == 9 else None


def faults(attempt):
    """Copies of an attempt with one fault each, by name: all must be noticed."""
    point = next(key for key in attempt.keys if VALUE in key and attempt.keys[key][0] == 3)
    column = [point.replace(b"\xfeval\xfe", b"\xfe%s\xfe" % name)
              for name in (b"val", b"step", b"epoch", b"time")]  # fmt: skip
    value = bytearray(attempt.keys[point])
    value[1] ^= 1
    head = next(key for key in attempt.keys if key.endswith(b"\xfemax\xfe"))
    time_s = struct.unpack("<d", attempt.keys[column[3]][1:])[0]
    return {
        "a bit of a value": attempt.planted({point: bytes(value)}),
        "the type of a value": attempt.planted({point: b"\x02" + bytes(value[1:])}),
        "a missing point": attempt.planted(without=column),
        "a missing column": attempt.planted(without=column[2:3]),
        "a step": attempt.planted({column[1]: b"\x02" + b"\x7f" * 8}),
        "an epoch": attempt.planted({column[2]: b"\x02" + b"\x7f" * 8}),
        "a time": attempt.planted({column[3]: b"\x03" + struct.pack("<d", time_s + 60)}),
        "a head": attempt.planted({head: b"\x03" + b"\x11" * 8}),
        "an unknown param": attempt.planted({b"meta\xfeattrs\xfelr\xfe": b"\x00"}),
    }


def check_faults_are_seen(ours, theirs, same_time):
    """The comparison is seen to fail for each fault."""
    compare(ours, theirs, same_time)
    for name, planted in faults(ours).items():
        try:
            compare(planted, theirs, same_time)
        except Fault:
            continue
        raise Fault(f"went unseen: {name}")
