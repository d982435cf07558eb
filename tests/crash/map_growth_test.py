#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The map of a repo grows under readers of the process that writes, and of others, where the system
has little room for it.

usage: map_growth_test.py CRASH_HOST PLUGIN COMMAND READER_HOST SMALL_MAP
"""

import collections
import json
import os
import subprocess
import sys

from crash_support import Programs, Repo, preloadable, run_tests, wait_until

PROGRAMS = Programs(sys.argv[1:4])
READER_HOST, SMALL_MAP = os.path.abspath(sys.argv[4]), preloadable(sys.argv[5])
# Of 100 kB each: the room is 16 MiB, which is doubled twice.
RESULTS = 400


class Grown:
    """A repo and who works on it with little room."""

    def __init__(self, root):
        self.repo = Repo(PROGRAMS, root)
        self.note = os.path.join(root, "map")
        self.environment = {"PATH": os.environ["PATH"], "TZ": "UTC", "LD_PRELOAD": SMALL_MAP}
        self.environment["AIMLOG_MAP_NOTE"] = self.note

    def start(self, *words):
        return subprocess.Popen(
            list(map(str, words)),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment,
        )

    def reader(self, mode, *more):
        return self.start(READER_HOST, mode, PROGRAMS.plugin, self.repo.path, *more)

    def maps(self):
        with open(self.note, encoding="ascii") as file:
            return collections.Counter(file.read().split())


def readers_live_while_the_map_grows(root):
    grown = Grown(root)
    writer = grown.reader("record", RESULTS)
    data = os.path.join(grown.repo.path, ".aimlog", "data.mdb")
    wait_until(lambda: os.path.exists(data) and os.path.getsize(data) > 1 << 20, "it had begun")
    watcher = grown.reader("watch")
    try:
        listed = 0
        while writer.poll() is None:
            words = (PROGRAMS.command, "ls", "--json", "--repo", grown.repo.path)
            command = grown.start(*words, "--columns", "id,value.count")
            out, err = command.communicate(timeout=60)
            assert (command.returncode, err) == (0, ""), (command.returncode, out, err)
            count = json.loads(out)[0]["value.count"] or 0
            assert count >= listed, "there are fewer points than before"
            listed = count
        out, err = writer.communicate()
        assert (writer.returncode, err) == (0, ""), (writer.returncode, out, err)
        assert out.startswith(f"ok, {RESULTS} points, "), out
    finally:
        for process in (writer, watcher):
            process.terminate()
    out, err = watcher.communicate(timeout=60)
    assert (watcher.returncode, err) == (0, ""), (watcher.returncode, out, err)
    assert int(out.split()[0]) > 0, out
    assert grown.maps()["reader_host"] >= 2, grown.maps()


TESTS = (readers_live_while_the_map_grows,)

if __name__ == "__main__":
    sys.exit(run_tests(TESTS, sys.argv[6:]))
