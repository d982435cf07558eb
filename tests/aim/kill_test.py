#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 in the middle of exports: Aim opens what is left, every run that is seen is whole, none
of an earlier export is lost, and the next export ends as one that nobody disturbed.

usage: kill_test.py AIMLOG PLUGIN  (run by a Python that has Aim)
"""

import os
import random
import shutil
import subprocess
import sys
import time

from aim_support import LONG, Fault, Folder, check, check_equal, export, read_repo
from make_runs import make_repo

AIMLOG, PLUGIN = (os.path.abspath(path) for path in sys.argv[1:3])
KILLS = 50 if LONG else 12
RUNS = 15


def killed_export(repo, directory, delay):
    """Starts an export and kills it; gives whether it was still at work."""
    words = [AIMLOG, "export", "--format", "aim", "--output", directory, "--repo", repo]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        time.sleep(delay)
        was_running = process.poll() is None
        process.kill()
    return was_running


def check_left(directory, least, whole):
    """What Aim sees of an interrupted export; gives how many runs."""
    if not (directory / ".aim").exists():
        check(not least, "the repo is gone")
        return 0
    seen = read_repo(directory)
    check(set(least) <= set(seen), "lost:", set(least) - set(seen))
    for run_hash, run in seen.items():
        check_equal(repr(run), repr(whole[run_hash]), f"run {run_hash} of {len(seen)}")
    return len(seen)


def main():
    chance = random.Random(7)
    with Folder() as folder:
        ours = folder / "ours"
        make_repo(PLUGIN, ours, RUNS, 5, 200)
        begun = time.monotonic()
        export(AIMLOG, ours, folder / "reference")
        took = time.monotonic() - begun
        whole = read_repo(folder / "reference")
        check_equal(len(whole), RUNS, "runs")
        names = [f"trial_{number:05d}" for number in range(0, RUNS, 3)]
        early = [word for name in names for word in ("--run", name)]
        export(AIMLOG, ours, folder / "early", *early)
        least = set(read_repo(folder / "early"))
        killed, partly = 0, 0
        for number in range(KILLS):
            directory = folder / f"killed{number}"
            before = number % 2 == 1  # an export stands there already
            if before:
                shutil.copytree(folder / "early", directory)
            for _ in range(chance.choice([1, 1, 3])):
                # As often in the last fifth, where the runs appear, as anywhere else.
                delay = chance.uniform(chance.choice([0, 0.8]), 1.1) * took
                killed += killed_export(ours, directory, delay)
                seen = check_left(directory, least if before else (), whole)
                partly += seen < RUNS
            export(AIMLOG, ours, directory)
            check_equal(repr(read_repo(directory)), repr(whole), "after the next export")
            left = sorted(os.listdir(directory / ".aim/aimlog"))
            check_equal(left, ["export.sqlite", "lock"], "leftovers")
            shutil.rmtree(directory)
        print(f"{KILLS} repos, {killed} exports killed at work, {partly} looked at unfinished")
        check(killed >= KILLS // 2, "too few kills met an export at work")
        plant(folder, whole)
    return 0


def plant(folder, whole):
    """The check is seen to fail: a run whose points are gone."""
    run_hash = next(iter(whole))
    victim = folder / "reference/.aim/seqs/chunks" / run_hash
    other = folder / "reference/.aim/seqs/chunks" / next(h for h in whole if h != run_hash)
    shutil.rmtree(victim)
    shutil.copytree(other, victim)
    try:
        check_left(folder / "reference", (), whole)
    except Fault:
        return
    raise Fault("a run without points went unseen")


if __name__ == "__main__":
    sys.exit(main())
