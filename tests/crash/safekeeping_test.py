#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Verbs that keep a repo safe, on repos that real writers write or have just been killed over.

usage: safekeeping_test.py CRASH_HOST PLUGIN COMMAND [TEST...]
"""

import glob
import subprocess
import sys

import safekeeping
from crash_support import ACKNOWLEDGED, Programs, Repo, count_acks, run_tests, wait_until
from safekeeping import contents

PROGRAMS = Programs(sys.argv[1:4])
RING_HEAD = 4096


def check(path, *words):
    return safekeeping.check(PROGRAMS, path, *words)


def killed(root, *options, results=400):
    """A repo whose writer was killed between two commits: its ring holds events."""
    repo = Repo(PROGRAMS, root)
    host = repo.start("--results", 10**6, "--trials", 6, "--pace-us", 100, *options)
    wait_until(lambda: count_acks(repo.acks) > results, "results were recorded")
    host.kill()
    host.communicate()
    return repo


def ring_of(repo):
    (ring,) = glob.glob(f"{repo.path}/.aimlog/journals/*.ring")
    return ring


def change(path, at, bytes_):
    with open(path, "r+b") as file:
        file.seek(at)
        file.write(bytes_)


def check_beside_a_writer_is_sound(root):
    repo = Repo(PROGRAMS, root)
    # Commits one after the other: pages are used anew as fast as can be.
    quick = ("--set", "commit_interval_ms=10", "--complete-in", 50)
    host = repo.start("--results", 10**6, "--trials", 8, "--pace-us", 50, *quick)
    try:
        wait_until(lambda: count_acks(repo.acks) > 500, "results were recorded")
        for i in range(12):
            said = check(repo.path, *(["--deep"] if i % 2 else []))
            assert said["sound"], said
            assert [journal["live"] for journal in said["journals"]] == [True], said
        assert host.poll() is None
    finally:
        host.kill()
        host.communicate()


def check_says_how_many_events_wait_and_replays_none(root):
    repo = killed(root)
    before = contents(repo.path)
    said = check(repo.path, "--deep")
    assert said["sound"] and contents(repo.path) == before, said
    (journal,) = said["journals"]
    waiting = journal["events_waiting"]
    assert not journal["live"] and waiting > 0, said
    stats = subprocess.run(
        [PROGRAMS.command, "ls", "--repo", repo.path], capture_output=True, text=True, check=True
    )
    assert f"replayed {waiting} events" in stats.stderr, (waiting, stats.stderr)
    said = check(repo.path, "--deep")
    assert said["sound"] and said["journals"] == [], said
    told = sum(record.answer == ACKNOWLEDGED for record in repo.records())
    assert said["results"] > 0 and told > 0, said


def damaged_records_of_a_ring_are_counted(root):
    # Nothing is committed meanwhile, so that all records wait.
    repo = killed(root, "--set", "commit_interval_ms=60000")
    ring = ring_of(repo)
    waiting = check(repo.path)["journals"][0]["events_waiting"]
    with open(ring, "rb") as file:
        end = len(file.read().rstrip(b"\0"))
    change(ring, (RING_HEAD + end) // 2, b"\xff" * 8)
    said = check(repo.path)
    (journal,) = said["journals"]
    lost = waiting - journal["events_waiting"]
    assert journal["records_damaged"] == lost > 0, (said, waiting)
    (finding,) = said["findings"]
    assert finding["table"] == "journal" and "cannot be read back" in finding["what"], said


def a_ring_without_its_head_is_found(root):
    repo = killed(root)
    change(ring_of(repo), 0, b"nonsense")
    (finding,) = check(repo.path)["findings"]
    assert finding["table"] == "journal" and finding["what"] and finding["todo"], finding


TESTS = (
    check_beside_a_writer_is_sound,
    check_says_how_many_events_wait_and_replays_none,
    damaged_records_of_a_ring_are_counted,
    a_ring_without_its_head_is_found,
)

if __name__ == "__main__":
    sys.exit(run_tests(TESTS, sys.argv[4:]))
