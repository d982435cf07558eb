#!/usr/bin/env python3
"""Writes tests/unit/aim/golden/run.txt: the keys and values that Aim's SDK writes, byte by byte.

usage: make_golden.py  (with Aim 3.29.1, in an environment of its own)
The unit test builds the same run with our code. Lines: `meta|seqs KEY VALUE` in hex, `hash
INDEX NUMBER`, `double BITS NUMBER`.
SPDX-License-Identifier: Apache-2.0
"""

import pathlib
import random
import struct
import sys
import tempfile

import aim
import aimrocks
from aim.storage.hashing import hash_auto

ROOT = pathlib.Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests/unit/aim/golden/run.txt"
HASH = "00112233445566778899aabb"
START = 1795503600.25
END = START + 100

PARAMS = {
    "hparams": {"lr": 0.01, "a/b": 3, "n": None, "l": [1, "x", {"q": 2}], "e": {}, "el": []},
    "trial_id": "t1",
    "flag": True,
    "text": "\u00e9t\u00e9",
    "big": -(2**63),
}
INF, NAN = float("inf"), float("nan")
# Name, context, and points: step, value, epoch.
SERIES = [
    ("loss", {}, [(1, 1.0, None), (2, 0.5, None), (3, 0.25, None), (255, -0.0, None)]),
    ("acc", {"subset": "val"}, [(1, 1, 1), (2, 2, 2), (3, 3, 3), (4, 0.5, 3.5)]),
    ("acc", {"subset": "train", "fold": 3}, [(0, 7, None)]),
    ("nan", {}, [(4, NAN, None)]),
    ("later_nan", {}, [(4, 2.0, None), (5, NAN, None), (6, INF, None), (7, -INF, None)]),
    ("done", {}, [(4, True, None), (2, True, None), (4, 5, None)]),
    ("back", {}, [(5, 1.0, None), (3, 9.0, None), (5, -2.0, None), (6, 3.0, None)]),
    ("negative", {}, [(-5, 1.0, None), (-3, 2, None), (-4, 1.5, None)]),
    ("rising", {}, [(-2, 1, None), (-1, 0.5, None), (0, 2, None), (1, 3.5, None)]),
    ("deep", {"a": {"b": [1, None, True, 1.5]}},
     [(2**53, 2**53 + 1, None), (7, 2**63 - 1, None)]),
]
HASHED = [None, 0, 1, -1, 10, 1.5, -0.0, 2**53 + 1, True, "", "subset", "\u00e9", {}, [], [1, [2]],
          {"subset": "val"}, {"a": 1, "b": {"c": [None, True, 2.5]}}, {"z": "x", "a": 1e300}]


def dump(out, kind, path):
    database = aimrocks.DB(str(path), aimrocks.Options(create_if_missing=False), read_only=True)
    items = database.iteritems()
    items.seek_to_first()
    for key, value in items:
        key = key.replace(path.name.encode(), HASH.encode())
        if key.endswith(b"\xfeend_time\xfe"):
            value = b"\x03" + struct.pack("<d", END)
        out.append(f"{kind} {key.hex()} {value.hex() or '-'}")


def main():
    out = []
    with tempfile.TemporaryDirectory() as folder:
        run = aim.Run(repo=folder, system_tracking_interval=None, log_system_params=False,
                      capture_terminal_logs=False)
        for name, value in PARAMS.items():
            run[name] = value
        for name, context, points in SERIES:
            for step, value, epoch in points:
                run._tracker._track(value, START + step % 1000, name, step, epoch, context=context)
        run.close()
        for kind in ("meta", "seqs"):
            dump(out, kind, pathlib.Path(folder) / ".aim" / kind / "chunks" / run.hash)
    out += [f"hash {i} {hash_auto(value)}" for i, value in enumerate(HASHED)]
    chance = random.Random(6)
    for _ in range(300):
        bits = struct.pack(">Q", chance.getrandbits(64))
        out.append(f"double {bits.hex()} {hash_auto(struct.unpack('>d', bits)[0])}")
    GOLDEN.parent.mkdir(parents=True, exist_ok=True)
    GOLDEN.write_text("\n".join(out) + "\n")
    print(f"{len(out)} lines")
    return 0


if __name__ == "__main__":
    sys.exit(main())
