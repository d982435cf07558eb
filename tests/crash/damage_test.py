#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Files of a repo are cut short or have bits flipped when they are opened: the command and the
plugin notice it or it is harmless. Nobody crashes, and nothing wrong is shown.

usage: damage_test.py CRASH_HOST PLUGIN COMMAND [SEED [FILE HOW PLACE]]
"""

import concurrent.futures
import glob
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile

from crash_support import LONG, RESULT, SCRATCH, Programs, Repo, compare, series
from fault_support import JOB, Seed

# Of truncations and flipped bits; zeroed sectors and garbled words come on top.
CASES = 200 if LONG == 1 else 10000
SHOW = ("show", "--all", "--json", "--types", "--points")
LIST = ("ls", "--json", "--columns", "trial,status,value.count,value.last")
LATER_JOB = 5
RING = "journals/*.ring"
END_RECORDS = 8  # at most in a sector
# Where damage is, and how often; a ring is of a writer that died.
FILES = {"data.mdb": 12, RING: 6, "lock.mdb": 2, "FORMAT": 1, "write.lock": 1, "recovery.lock": 1}
HOWS = ("flip", "flip", "flip", "cut", "sector", "garble")


class Damage:
    def __init__(self, arguments):
        self.programs = Programs(arguments)
        self.number = int(arguments[3]) if len(arguments) > 3 else random.randrange(1 << 32)
        self.only = arguments[4:]
        self.sound = {}  # seed -> what is shown of it

    def cases(self, seeds):
        if self.only:
            return [(self.only[0], self.only[1], int(self.only[2]))]
        chance = random.Random(self.number)
        names = [name for name, weight in FILES.items() for _ in range(weight)]
        cases = []
        for name in ("FORMAT", "lock.mdb", "data.mdb", RING):
            size = os.path.getsize(self.file_in(seeds[name == RING].repo, name))
            step = 1 if LONG > 1 else 7
            cases += [(name, "cut", size - n) for n in range(1, min(size, 300) + 1, 2 * step)]
        while count_plain(cases) < CASES:
            name = chance.choice(names)
            path = self.file_in(seeds[name == RING].repo, name)
            used = used_bytes(path)
            if used > 0:
                cases.append((name, chance.choice(HOWS), chance.randrange(8 * used)))
        return cases

    @staticmethod
    def file_in(repo, name):
        return glob.glob(os.path.join(repo.path, ".aimlog", name))[0]

    def command(self, repo, *words):
        return subprocess.run(
            [self.programs.command, words[0], "--repo", repo.path, *words[1:]],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=60,
            env={"PATH": os.environ["PATH"], "TZ": "UTC"},
        )


def count_plain(cases):
    return sum(how in ("flip", "cut") for _, how, _ in cases)


def used_bytes(path):
    with open(path, "rb") as file:
        return len(file.read().rstrip(b"\0"))


def damage(path, how, place):
    with open(path, "r+b") as file:
        data = bytearray(file.read())
        if how == "cut":
            file.truncate(place if place < len(data) else place // 8)
            return
        at = place // 8
        if how == "flip":
            data[at] ^= 1 << place % 8
        elif how == "sector":
            begin = at // 512 * 512
            data[begin : begin + 512] = bytes(len(data[begin : begin + 512]))
        else:
            data[at : at + 8] = bytes(255 - byte for byte in data[at : at + 8])
        file.seek(0)
        file.write(data)


def expect_said(done, codes):
    assert done.returncode in codes, done
    assert done.returncode in (0, 3) or "aimlog: " in done.stderr or done.stdout, done


def judge_shown(case, seed, sound, done):
    """Equal, or said to be wrong; what is shown then is right as far as it goes."""
    expect_said(done, (0, 1))
    if done.stdout == sound:
        return "harmless"
    if done.returncode == 1:
        lines = sound.splitlines()
        assert all(line in lines for line in done.stdout.splitlines()), (case, "shown is wrong")
        return "detected"
    # A ring whose records are lost: what was lost is said, and the rest is right.
    runs = [json.loads(line) for line in done.stdout.splitlines()]
    for run in runs:  # of a start that is lost the host's own count is lost as well
        for attempt in run["attempts"]:
            attempt["host_attempt"] = attempt["host_attempt"] or 1
    problems = compare(runs, seed.records)
    lacking = ("missing", "attempts", "no run")
    wrong = [p for p in problems if not any(word in p for word in lacking)]
    assert case[0] == RING and not wrong, (case, wrong[:3], done.stderr[:300])
    if not problems:
        return "harmless"
    # The last record may as well have been torn when its writer died: nobody can tell.
    said = any(word in done.stderr for word in ("damaged", "shorter", "cannot be replayed"))
    return "detected" if said else "end of journal"


def judge_listed(case, sound, done):
    """The same of a list: it is equal, or said to be wrong; of a ring whose records are lost it has
    fewer results."""
    expect_said(done, (0, 1, 3))
    rows, whole = (json.loads(text) if text.strip() else [] for text in (done.stdout, sound))
    if rows == whole:
        return
    if case[0] != RING:
        assert done.returncode == 1 and all(row in whole for row in rows), (case, "ls", done)
        return
    for row in rows:
        known = [each["value.count"] or 0 for each in whole if each["trial"] == row["trial"]]
        assert known and (row["value.count"] or 0) <= max(known), (case, "ls", row, done.stderr)


def expect_only_end_missing(seed, shown):
    """Whatever is missing came last of all that the journal's host was told is recorded."""
    seen = set()
    for line in shown.splitlines():
        run = json.loads(line)
        if run["job"]["experiment_dir"] == "job-91":
            seen |= {point["value"]["value"] for point in series(run, "value")}
    told = [r.value for r in seed.records if (r.job, r.kind) == (91, RESULT)]
    assert set(told[: len(seen)]) == seen and len(told) - len(seen) <= END_RECORDS, (told, seen)


def try_host(programs, repo):
    """What it was told is recorded is there, unless somebody says that something is wrong."""
    acks = f"{repo.acks}{LATER_JOB}"
    words = repo.host_words("--job", LATER_JOB, *JOB, acks=acks)
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, timeout=60)
    assert done.returncode in (0, 1), done
    assert not done.stderr or done.stderr.startswith("crash_host: "), done
    if done.returncode == 1:
        return
    ended_well = json.loads(done.stdout)["destroy"]
    assert ended_well in (0, 2), done
    shown = programs.command(repo, *SHOW)
    expect_said(shown, (0, 1))
    if ended_well == 0 and shown.returncode == 0:
        runs = [json.loads(line) for line in shown.stdout.splitlines()]
        own = [run for run in runs if run["job"]["experiment_dir"] == f"job-{LATER_JOB}"]
        problems = compare(own, repo.records_of(LATER_JOB))
        assert not problems, (problems[:3], shown.stderr)


def try_case(programs, root, number, seed, sound, listed, case):
    name, how, place = case
    with tempfile.TemporaryDirectory(prefix=f"{number}-", dir=root) as directory:
        repo = seed.copy(directory, "repo")
        damage(programs.file_in(repo, name), how, place)
        second = Repo(programs.programs, directory, "second")
        shutil.copytree(repo.path, second.path)
        checked = programs.command(repo, "check", "--deep")
        assert checked.returncode in (0, 1, 2), checked
        shown = programs.command(repo, *SHOW)
        outcome = judge_shown(case, seed, sound, shown)
        if outcome == "end of journal":
            expect_only_end_missing(seed, shown.stdout)
        if outcome != "harmless" and name != RING:
            assert checked.returncode != 0, (case, "check finds nothing", shown)
        judge_listed(case, listed, programs.command(second, *LIST))
        if number % 3 == 0:
            try_host(programs, second)
        return outcome


def expect_wrong_values_noticed(seed, sound, listed):
    """Planted: a step is another one, or a count, in what a command shows that says nothing or that
    fails."""
    wrong = sound.replace('"step":3', '"step":4')
    rows = json.loads(listed)
    rows[0]["value.count"] += 1000
    assert wrong != sound
    judges = ((judge_shown, (seed, sound), wrong), (judge_listed, (listed,), json.dumps(rows)))
    for name in ("data.mdb", RING):
        for code in (0, 1):
            for judge, words, shown in judges:
                said = "aimlog: damaged" if code else ""
                done = subprocess.CompletedProcess([], code, shown, said)
                try:
                    judge((name, "flip", 1), *words, done)
                except AssertionError:
                    continue
                raise AssertionError(f"{judge.__name__} missed it, {name}, exit code {code}")


def main():
    programs = Damage(sys.argv[1:])
    print(f"seed {programs.number}", flush=True)
    outcomes, failed = {}, 0
    with tempfile.TemporaryDirectory(prefix="aimlog-damage-", dir=SCRATCH) as root:
        seeds = [Seed(programs.programs, root, name) for name in ("dead", "dead-ring")]
        replayed = programs.command(seeds[0].repo, *SHOW)
        assert replayed.returncode == 0, replayed
        sounds = [programs.command(seeds[0].repo, *SHOW).stdout, "of a replay"]
        listed = programs.command(seeds[0].repo, *LIST).stdout
        expect_wrong_values_noticed(seeds[0], sounds[0], listed)
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            runs = []
            for number, case in enumerate(programs.cases(seeds)):
                at = int(case[0] == RING)
                words = (programs, root, number, seeds[at], sounds[at], listed, case)
                runs.append((case, pool.submit(try_case, *words)))
            for case, run in runs:
                if run.exception() is None:
                    outcomes[run.result()] = outcomes.get(run.result(), 0) + 1
                else:
                    failed += 1
                    print("FAILED", *case, f"{run.exception()!r}"[:1000], flush=True)
    plain = count_plain(case for case, _ in runs)
    print(f"{len(runs)} damaged repos, {plain} cut or flipped: {outcomes}, {failed} failed")
    return 1 if failed or (not outcomes.get("detected") and not programs.only) else 0


if __name__ == "__main__":
    sys.exit(main())
