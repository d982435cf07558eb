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

from crash_support import LONG, Programs, Repo, compare, count_acks, run_tests, wait_until

PROGRAMS = Programs(sys.argv[1:4])
JOB = ("--complete-in", 100, "--pace-us", 20, "--set", "commit_interval_ms=10")
JOB += ("--set", "journal_bytes=1048576")
# Around what a host needs, which depends on the machine, and one that is enough.
LIMITS_KB = (*range(2000, 9000, 2000 // LONG), 100_000)


class Group:
    """A control group with a limit of memory, of either version. Throws OSError where there is no
    leave to make one."""

    FIRST = ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes")
    SECOND = ("/sys/fs/cgroup", "memory.max", "memory.current")

    def __init__(self, bytes_max):
        top, self.limit, self.usage = self.FIRST if os.path.isdir(self.FIRST[0]) else self.SECOND
        self.path = os.path.join(top, f"aimlog-test-{os.getpid()}")
        os.mkdir(self.path)
        try:
            self.set_limit(bytes_max)
        except OSError:
            os.rmdir(self.path)
            raise

    def set_limit(self, bytes_max):
        with open(os.path.join(self.path, self.limit), "w", encoding="utf-8") as file:
            file.write(str(bytes_max))

    def used(self):
        with open(os.path.join(self.path, self.usage), encoding="utf-8") as file:
            return int(file.read())

    def start(self, words):
        into = 'echo $$ >"$0" && exec "$@"'
        words = ["sh", "-c", into, os.path.join(self.path, "cgroup.procs"), *map(str, words)]
        return subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace"
        )

    def close(self):
        def gone():
            try:
                os.rmdir(self.path)
            except OSError:  # a killed process is not gone at once
                return False
            return True

        wait_until(gone, "the group was empty")


def expect_whole(repo):
    """What was told is there, and the job goes on without a limit."""
    problems = compare(repo.runs(), repo.records())
    assert not problems, problems[:5]
    said = repo.run("--resumed", 1, "--results", 200, *JOB)
    assert (said["destroy"], said["dropped"], said["lost"]) == (0, 0, 0), said
    problems = compare(repo.runs(), repo.records())
    assert not problems, problems[:5]


def run_limited(place, kilobytes):
    """How a host came to its end under that limit."""
    repo = Repo(PROGRAMS, place, f"repo-{kilobytes}")
    group = Group(kilobytes * 1024)
    try:
        host = group.start(repo.host_words("--results", 4000, *JOB))
        out, err = host.communicate(timeout=120)
    finally:
        group.close()
    records = repo.records()
    if host.returncode == 1:
        assert err.startswith("crash_host: ") and not records, err
        return "refused"
    assert host.returncode in (0, -9), (host.returncode, out, err)
    if not records:
        assert host.returncode == -9, (out, err)
        return "killed at its begin"
    expect_whole(repo)
    return "ended" if host.returncode == 0 else "killed"


def limits_from_the_begin(root):
    with tempfile.TemporaryDirectory(prefix="aimlog-crash-") as disk:
        for place in (root, disk):  # files in memory count; those on a disk can be written back
            ends = collections.Counter(run_limited(place, limit) for limit in LIMITS_KB)
            print("  " + ", ".join(f"{count} {end}" for end, count in sorted(ends.items())))
            assert ends["ended"] > 0, ends


def limits_to(group, more):
    try:
        group.set_limit(group.used() + more)
    except OSError:  # it has grown meanwhile
        return False
    return True


def limits_that_are_met_later(root):
    """The repo is in memory and grows until the kernel kills the host."""
    for more in range(0, 400, 100 // LONG):
        repo = Repo(PROGRAMS, root, f"repo-{more}")
        group = Group(100 << 20)
        try:
            host = group.start(repo.host_words("--results", 0, *JOB))
            wait_until(lambda: count_acks(repo.acks) > 300, "the host began")
            wait_until(lambda: limits_to(group, more * 1024), "the limit was set")
            out, err = host.communicate(timeout=120)
        finally:
            host.kill()
            group.close()
        assert (host.returncode, out, err) == (-9, "", ""), (host.returncode, out, err)
        assert count_acks(repo.acks) > 300
        expect_whole(repo)


def main():
    try:
        Group(1 << 30).close()
    except OSError as error:
        print(f"not run: no group with a limit of memory can be made here: {error}")
        return 0
    return run_tests((limits_from_the_begin, limits_that_are_met_later), sys.argv[4:])


if __name__ == "__main__":
    sys.exit(main())
