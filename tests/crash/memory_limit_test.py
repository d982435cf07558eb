#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Hosts under limits of memory that are too tight: one works, or is refused at its begin, or the
kernel kills it. It never dies of anything else, and nothing that was acknowledged is lost.

usage: memory_limit_test.py CRASH_HOST PLUGIN COMMAND [TEST...]
"""

import collections
import os
import subprocess
import sys
import tempfile

from crash_support import LONG, Programs, Repo, compare, run_tests, wait_until

PROGRAMS = Programs(sys.argv[1:4])
JOB = ("--complete-in", 100, "--pace-us", 20, "--set", "commit_interval_ms=10")
JOB += ("--set", "journal_bytes=1048576")
# A program with its libraries needs 3 MB; the repo grows by as much again.
LIMITS_KB = tuple(range(2000, 9000, 1000 // LONG))


class Group:
    """A control group with a limit of memory, of either version. Throws OSError where there is no
    leave to make one."""

    KINDS = (
        ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.memsw.limit_in_bytes"),
        ("/sys/fs/cgroup", "memory.max", "memory.swap.max"),
    )

    def __init__(self, bytes_max):
        top, limit, swap = next(kind for kind in self.KINDS if os.path.isdir(kind[0]))
        self.path = os.path.join(top, f"aimlog-test-{os.getpid()}")
        os.mkdir(self.path)
        try:
            self.write(limit, bytes_max)
            if os.path.exists(os.path.join(self.path, swap)):
                # Of version 1 it is the sum of both.
                self.write(swap, bytes_max if "memsw" in swap else 0)
        except OSError:
            os.rmdir(self.path)
            raise

    def write(self, name, value):
        with open(os.path.join(self.path, name), "w", encoding="utf-8") as file:
            file.write(str(value))

    def run(self, words):
        into = 'echo $$ >"$0" && exec "$@"'
        place = os.path.join(self.path, "cgroup.procs")
        return subprocess.run(
            ["sh", "-c", into, place, *map(str, words)], capture_output=True, text=True, timeout=120
        )

    def close(self):
        def gone():
            try:
                os.rmdir(self.path)
            except OSError:  # a killed process is not gone at once
                return False
            return True

        wait_until(gone, "the group was empty")


def run_limited(place, kilobytes):
    """How a host came to its end under that limit."""
    repo = Repo(PROGRAMS, place, f"repo-{kilobytes}")
    group = Group(kilobytes * 1024)
    try:
        done = group.run(repo.host_words("--results", 4000, *JOB))
    finally:
        group.close()
    records = repo.records()
    if done.returncode == 1:
        assert done.stderr.startswith("crash_host: ") and not records, done
        return "refused"
    assert done.returncode in (0, -9), done
    if not records:
        assert done.returncode == -9, done
        return "killed at its begin"
    problems = compare(repo.runs(), records)
    assert not problems, (kilobytes, done, problems[:5])
    said = repo.run("--resumed", 1, "--results", 200, *JOB)
    assert (said["destroy"], said["dropped"], said["lost"]) == (0, 0, 0), said
    problems = compare(repo.runs(), repo.records())
    assert not problems, (kilobytes, done, problems[:5])
    return "ended" if done.returncode == 0 else "killed"


def tight(root, needed):
    try:
        Group(1 << 30).close()
    except OSError as error:
        print(f"  skipped: no group with a limit of memory can be made here: {error}")
        return
    ends = collections.Counter(run_limited(root, limit) for limit in LIMITS_KB)
    print("  " + ", ".join(f"{count} {end}" for end, count in sorted(ends.items())))
    for end in needed:
        assert ends[end] > 0, ends


def in_memory(root):
    """The repo's files are in memory too, and count."""
    tight(root, ("ended", "killed"))


def on_disk(_):
    """What the repo's files need can be written back to the disk."""
    with tempfile.TemporaryDirectory(prefix="aimlog-crash-") as root:
        tight(root, ("ended",))


TESTS = (in_memory, on_disk)

if __name__ == "__main__":
    sys.exit(run_tests(TESTS, sys.argv[4:]))
