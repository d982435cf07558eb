#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Damage in a file that is too large to be walked at every opening. At the first opening after a
start of the machine it is detected or harmless, as in a small one. Later rows may be hidden or come
twice, or a reader may end; what is shown is right as far as it goes, and `aimlog check` finds it.

usage: large_damage_test.py CRASH_HOST PLUGIN COMMAND [SEED]
"""

import collections
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile

from crash_support import LONG, SCRATCH, Programs, Repo
from lmdb_file import PAGE, LmdbFile

PROGRAMS = Programs(sys.argv[1:4])
CASES = 6 if LONG == 1 else 100
WALKED_BYTES = 4 << 20  # up to here a file is walked each time
SHOW = ("show", "--all", "--json", "--types", "--points")
HOWS = ("flip", "page", "cut")


def command(repo, *words):
    return subprocess.run(
        [PROGRAMS.command, words[0], "--repo", repo.path, *words[1:]],
        capture_output=True,
        text=True,
        timeout=120,
    )


class Large:
    """A repo of a few thousand short trials, and what is shown of it."""

    def __init__(self, root):
        self.repo = Repo(PROGRAMS, root, "large")
        words = ("--trials", 20, "--complete-in", 8, "--seed", 1, "--job", 1)
        self.repo.run(*words, "--results", 150000)
        self.file = LmdbFile(self.data_of(self.repo.path))
        assert len(self.file.data) > WALKED_BYTES, len(self.file.data)
        done = command(self.repo, *SHOW)
        assert done.returncode == 0, done.stderr
        self.runs = {json.loads(line)["id"]: line for line in done.stdout.splitlines()}
        assert len(self.runs) > 10000, len(self.runs)
        assert os.path.exists(self.mark_of(self.repo.path)), "nothing says that it was walked"

    @staticmethod
    def data_of(path):
        return os.path.join(path, ".aimlog", "data.mdb")

    @staticmethod
    def mark_of(path):
        return os.path.join(path, ".aimlog", "checked")

    def damaged(self, source):
        """The file with something in use that is not what it was."""
        used = sorted({page for pages in self.file.leaves.values() for page in pages})
        inner = sorted({page for pages in self.file.branches.values() for page in pages})
        how = source.choice(HOWS)
        data = bytearray(self.file.data)
        page = source.choice(source.choice((used, inner)))
        if how == "flip":
            data[page * PAGE + source.randrange(PAGE)] ^= 1 << source.randrange(8)
        elif how == "page":
            data[page * PAGE : page * PAGE + PAGE] = bytes(PAGE)
        else:
            del data[page * PAGE + source.randrange(PAGE) :]
        return f"{how} in page {page}", bytes(data)


def points_of(run):
    """Each point, by attempt and series."""
    return {
        (metric["name"], json.dumps(metric["context"]), json.dumps(point))
        for metric in run["metrics"]
        for point in metric["points"]
    }


def expect_nothing_wrong(large, text):
    """Each run that is shown is one that was there, with points that it had."""
    for line in text.splitlines():
        run = json.loads(line)
        assert run["id"] in large.runs, run["id"]
        if large.runs[run["id"]] == line:
            continue
        made_up = points_of(run) - points_of(json.loads(large.runs[run["id"]]))
        assert not made_up, (run["id"], sorted(made_up)[:3])


def try_case(large, root, source, restarted):
    repo = Repo(PROGRAMS, root, "damaged")
    shutil.rmtree(repo.path, ignore_errors=True)
    shutil.copytree(large.repo.path, repo.path)
    what, data = large.damaged(source)
    with open(large.data_of(repo.path), "wb") as file:
        file.write(data)
    if restarted:
        os.remove(large.mark_of(repo.path))
    try:
        done = command(repo, *SHOW)
        equal = done.stdout.splitlines() == list(large.runs.values())
        if restarted:
            assert done.returncode in (0, 1), done.returncode
            assert equal or (done.returncode == 1 and "aimlog: " in done.stderr), done.stderr[:500]
        outcome = "harmless" if equal and done.returncode == 0 else "detected"
        if done.returncode == 0 and not equal:
            outcome = "hidden"
        elif done.returncode not in (0, 1):
            outcome = "ended"
        if done.returncode in (0, 1):
            expect_nothing_wrong(large, done.stdout)
        checked = command(repo, "check", "--json")
        assert checked.returncode in (0, 1), (checked.returncode, checked.stderr)
        assert checked.returncode == 1 or outcome == "harmless", (outcome, checked.stdout[:500])
        return outcome
    except BaseException:
        print(f"FAILED: {what}, {'first' if restarted else 'later'} opening")
        raise


def expect_wrong_points_noticed(large):
    """Planted: a step is another one in what is shown."""
    line = next(line for line in large.runs.values() if '"step":3' in line)
    wrong = line.replace('"step":3', '"step":4')
    assert wrong != line
    try:
        expect_nothing_wrong(large, wrong)
    except AssertionError:
        return
    raise AssertionError("a wrong step was not noticed")


def main():
    seed = int(sys.argv[4]) if len(sys.argv) > 4 else random.randrange(1 << 32)
    print(f"seed {seed}", flush=True)
    source = random.Random(seed)
    outcomes = {True: collections.Counter(), False: collections.Counter()}
    with tempfile.TemporaryDirectory(prefix="aimlog-large-", dir=SCRATCH) as root:
        large = Large(root)
        expect_wrong_points_noticed(large)
        for number in range(CASES):
            restarted = number % 2 == 0
            outcomes[restarted][try_case(large, root, source, restarted)] += 1
    print(f"{CASES} damaged repos: at first {dict(outcomes[True])}, later {dict(outcomes[False])}")
    assert outcomes[True]["detected"] > 0, "nothing was damaged"


if __name__ == "__main__":
    main()
