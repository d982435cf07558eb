#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 in the middle of exports: Aim opens what is left, every run that is seen is whole, none
of an earlier export is lost, and the next export ends as one that nobody disturbed.

usage: kill_test.py AIMLOG PLUGIN LIBNTH_CALL  (run by a Python that has Aim)
"""

import contextlib
import os
import pathlib
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time

from aim.sdk.errors import RepoIntegrityError
from aim_support import ALL, LONG, Fault, Folder, check, check_equal, chunk, export, open_repo
from aim_support import read_repo
from make_runs import make_repo

AIMLOG, PLUGIN, NTH_CALL = (os.path.abspath(path) for path in sys.argv[1:4])
KILLS = 50 if LONG else 12
RUNS = 15


class Killer:
    """Kills exports at work at random moments, however fast the machine is just now."""

    def __init__(self, repo, took_s):
        self.repo, self.took_s = repo, took_s
        self.chance = random.Random(7)
        self.killed = self.missed = 0

    def export(self, directory):
        """Starts an export and kills it."""
        # As often in the last fifth, where the runs appear, as anywhere else.
        part = self.chance.uniform(self.chance.choice([0, 0.8]), 1.1)
        words = [AIMLOG, "export", "--format", "aim", "--output", directory, "--repo", self.repo]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        with subprocess.Popen(words, **quiet) as process:
            time.sleep(part * self.took_s)
            was_running = process.poll() is None
            process.kill()
        self.killed += was_running
        self.missed += not was_running
        if part > 0.8:
            self.took_s *= 1.1 if was_running else 0.9
        elif not was_running:
            self.took_s *= part


def check_left(directory, least, whole):
    """What Aim sees of an interrupted export; gives how many runs."""
    if not (directory / ".aim").exists():
        check(not least, "the repo is gone")
        return 0
    try:
        seen = read_repo(directory)
    except RepoIntegrityError:
        # Killed after the index and before the rows: the pages do not show the new runs yet.
        runs = open_repo(directory).query_runs(ALL, report_mode=0).iter_runs()
        check_equal({run.run.hash for run in runs}, set(least), "runs with a row")
        return len(least)
    check(set(least) <= set(seen), "lost:", set(least) - set(seen))
    for run_hash, run in seen.items():
        check_equal(repr(run), repr(whole[run_hash]), f"run {run_hash} of {len(seen)}")
    return len(seen)


def main():
    with Folder() as folder:
        ours = folder / "ours"
        make_repo(PLUGIN, ours, RUNS, 5, 200)
        begun = time.monotonic()
        export(AIMLOG, ours, folder / "reference")
        killer = Killer(ours, time.monotonic() - begun)
        whole = read_repo(folder / "reference")
        check_equal(len(whole), RUNS, "runs")
        names = [f"trial_{number:05d}" for number in range(0, RUNS, 3)]
        early = [word for name in names for word in ("--run", name)]
        export(AIMLOG, ours, folder / "early", *early)
        least = set(read_repo(folder / "early"))
        repos, partly = 0, 0
        while killer.killed < KILLS and killer.missed < 5 * KILLS:
            directory = folder / f"killed{repos}"
            before = repos % 2 == 1  # an export stands there already
            if before:
                shutil.copytree(folder / "early", directory)
            for _ in range(killer.chance.choice([1, 1, 3])):
                killer.export(directory)
                seen = check_left(directory, least if before else (), whole)
                partly += seen < RUNS
            export(AIMLOG, ours, directory)
            check_equal(repr(read_repo(directory)), repr(whole), "after the next export")
            left = sorted(os.listdir(directory / ".aim/aimlog"))
            check_equal(left, ["export.sqlite", "lock"], "leftovers")
            shutil.rmtree(directory)
            repos += 1
        print(f"{repos} repos, {killer.killed} exports killed at work, {killer.missed} had ended, "
              f"{partly} looked at unfinished")  # fmt: skip
        check(killer.killed >= KILLS, "too few kills met an export at work")
        check(partly >= KILLS // 3, "too few were looked at unfinished")
        check_killed_at_every_kind_of_moment(folder, least, whole)
        check_killed_between_two_renames(folder, ours, whole)
        plant(folder, whole)
    return 0


def check_killed_at_every_kind_of_moment(folder, early, whole):
    """Killed before one of the calls by which it changes files, also where a moment is too short
    to be hit by chance: five runs stand there, the others are new."""
    ours = folder / "ours"
    at = folder / ".aimlog-killed/aim"  # under a name by which the calls are known as a repo's
    note = folder / "note"

    def export_until(nth):
        shutil.rmtree(at, ignore_errors=True)
        shutil.copytree(folder / "early", at)
        words = [AIMLOG, "export", "--format", "aim", "--output", at, "--repo", ours]
        faults = {"LD_PRELOAD": NTH_CALL, "AIMLOG_FAULT": f"kill-before {nth}",
                  "AIMLOG_FAULT_NOTE": str(note)}  # fmt: skip
        done = subprocess.run(words, env=os.environ | faults, capture_output=True)
        return done.returncode, note.read_text()

    status, text = export_until(10**9)
    check_equal(status, 0, text)
    calls = int(text.removeprefix("none of "))
    killed_at = set()
    for nth in range(1, calls, 4 if LONG else calls // 60):
        status, name = export_until(nth)
        killed_at.add(name)
        check_equal(status, -signal.SIGKILL, f"exit status, call {nth} of {calls}")
        check_left(at, early, whole)
    print(f"{calls} calls: killed at {sorted(killed_at)}")
    check(len(killed_at) > 3, killed_at)


def check_killed_between_two_renames(folder, ours, whole):
    """A new run's points are in their place and all else of it is not: too short to be hit."""
    directory = folder / "between"
    shutil.copytree(folder / "reference", directory)
    root, run_hash = directory / ".aim", next(iter(whole))
    with contextlib.closing(sqlite3.connect(root / "aimlog/export.sqlite")) as state:
        of_run = (run_hash,)
        rows = state.execute("select fingerprint from exported where hash = ?", of_run)
        fingerprint = rows.fetchone()[0]
        state.execute("delete from exported where hash = ?", of_run)
        state.commit()
    with contextlib.closing(sqlite3.connect(root / "run_metadata.sqlite")) as rows:
        rows.execute("delete from run where hash = ?", of_run)
        rows.commit()
    boot = pathlib.Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    staged = root / f"aimlog/staging/{run_hash}-{fingerprint}-{boot}"
    staged.mkdir(parents=True)
    os.rename(chunk(directory, "meta", run_hash), staged / "meta")
    export(AIMLOG, ours, directory)
    check_equal(repr(read_repo(directory)), repr(whole), "after a kill between two renames")


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
