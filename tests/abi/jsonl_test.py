#!/usr/bin/env python3
"""The JSON-lines plugin loses nothing of a value, and survives what happens to files.

usage: jsonl_test.py C_HOST TUNER_JSONL.so FOLDER_OF_READ_JSONL
"""
import math
import os
import subprocess
import sys
import tempfile

host, plugin = sys.argv[1:3]
sys.path.insert(0, sys.argv[3])
from read_jsonl import Map, NaN, UInt64, bits_of, read_events  # noqa: E402

failures = []


def check(promise, is_kept):
    if not is_kept:
        failures.append(promise)


def same(promise, found, wanted):
    is_same = type(found) is type(wanted) and found == wanted
    check(f"{promise}: {found!r} instead of {wanted!r}", is_same)


def run_host(config, folder):
    command = [host, plugin, config, folder]
    return subprocess.run(command, capture_output=True, text=True)


def run(folder, config="path: events.jsonl"):
    done = run_host(config, folder)
    check(f"the host ends well: {done.stderr}", done.returncode == 0)
    check("nothing is printed", done.stdout == "" and done.stderr == "")


def values_are_exact(events):
    names = [event.get("event") for event in events]
    wanted_names = ["setup", "trial_start", "trial_result", "trial_complete", "experiment_end"]
    same("the events", names, wanted_names)
    same("seq counts", [event.get("seq") for event in events], [1, 2, 3, 4, 5])
    result_event = events[2]
    same("the host's time", result_event.get("time_ns"), 1234567890123456789)
    same("no time is 0", events[1].get("time_ns"), 0)
    result = result_event.get("result")
    for name, wanted in {
        "int": -(2**63),
        "uint": UInt64(2**64 - 1),
        "small uint": UInt64(5),
        "whole": 3.0,
        "tenth": 0.1,
        "large": 1e300,
        "tiny": 5e-324,
        "inf": math.inf,
        "minus inf": -math.inf,
        "nan": NaN(0x7FF8000000000ABC),
        "signalling nan": NaN(0xFFF0000000000001),
        "true": True,
        "null": None,
        "bytes": b"\0\xff",
        "nul": "a\0b",
        'quote " and \\ and\nline': '\t"\\',
        "bad": "a\ufffd(\ufffd\ufffd",
        "list": [1.0, "two", None],
        "empty list": [],
        "map": Map([("accuracy", 0.1), ("$bytes", "not bytes")]),
    }.items():
        same(name, result.get(name), wanted)
    same("minus zero", bits_of(result.get("minus zero")), 1 << 63)
    same("repeated keys", [value for name, value in result if name == "again"], [1.0, 2.0])
    check("an unknown tag is left out", "unknown" not in [name for name, _ in result])


with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "events.jsonl")
    run(folder)
    values_are_exact(list(read_events(path)))

    # A second job is appended; a torn line costs itself only.
    with open(path, "ab") as file:
        file.write(b'{"event":"torn')
    run(folder)
    check("both jobs are there", len(list(read_events(path))) == 10)

    # The default, quotes, comments, and the setting of an absolute path.
    run(folder, "")
    run(folder, "# a comment\npath: 'other.jsonl'\n")
    check("quotes are no part of a name", os.path.exists(os.path.join(folder, "other.jsonl")))
    check("the default name", len(list(read_events(path))) == 15)

    # A disk that is full: the hook returns with a remark, which this host takes for a failure.
    done = run_host("path: /dev/full", folder)
    is_told = "returned 1: jsonl: an event was lost" in done.stderr
    check(f"a full disk is told: {done.stderr}", is_told)

    done = run_host("path: x\nfile: y", folder)
    check(f"a bad key is told with its line: {done.stderr}", ":2:1: 'file'" in done.stderr)

# The checks above see what they claim to see.
kept = len(failures)
same("planted", UInt64(5), 5)
same("planted", 3.0, 3)
check("planted", len(failures) == kept + 2)
del failures[kept:]

for failure in failures:
    print(failure)
sys.exit(1 if failures else 0)
