#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writers, readers, `aimlog check` and `aimlog backup` at once on one repo, for a while, and any of
them is killed again and again. What was acknowledged is there, whoever lives stays small, and the
map grows under all of them, since little is reserved for it.

usage: soak_test.py CRASH_HOST PLUGIN COMMAND READER_HOST SMALL_MAP [SEED]
"""

import collections
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback

from crash_support import ACKNOWLEDGED, LONG, REFUSED, SCRATCH, SETUP, Programs, Repo, compare
from crash_support import preloadable, read_acks, trial_of, waits
from soak_support import Deadline, Watch, growth, hook_times, tell, wrong_with_copy

SECONDS = 10 if LONG == 1 else 1800
PACE_US = 1000 if LONG == 1 else 10000
KILL_EVERY = (0.1, 0.5) if LONG == 1 else (0.2, 1.2)
# Of 100 kB each, at first: more than the room for a map, so that each growth of the file is one of
# the map.
LARGE_RESULTS = 300
# A hook waits at most full_wait_ms, or always_wait_ms; the rest is for a machine that has other
# things to do.
WAIT_MS, ALWAYS_WAIT_MS, SLACK_MS = 50, 1000, 3000
NOTHING_MATCHED = 3
REPLAYED = "aimlog: replayed "  # a command, what a writer left that died
SPARED = "spared"
FULL_WAITS = waits(full_wait_ms=WAIT_MS)
WRITERS = {
    "large ring": FULL_WAITS,
    "small ring": ("--set", "journal_bytes=65536", "--set", "commit_interval_ms=20", *FULL_WAITS),
    "always": ("--set", "durability=always", *waits(always_wait_ms=ALWAYS_WAIT_MS)),
    SPARED: ("--set", "commit_interval_ms=100", *FULL_WAITS),
}
# Whom a long soak kills; a short one kills the first two and somebody else.
VICTIMS = ["writer", "long reader"]
VICTIMS += ["aimlog " + verb for verb in ("ls", "best", "get", "check", "backup")]


class Soak:
    """One repo, and who works on it: each in a thread here, which starts its processes again."""

    def __init__(self, arguments, root):
        self.programs = Programs(arguments)
        self.reader, small_map = os.path.abspath(arguments[3]), preloadable(arguments[4])
        self.repo = Repo(self.programs, root)
        self.root = root
        self.time = Deadline(SECONDS)
        self.map_note = os.path.join(root, "map")
        self.environment = {"PATH": os.environ["PATH"], "TZ": "UTC", "LD_PRELOAD": small_map}
        self.environment |= {"AIMLOG_MAP_NOTE": self.map_note}
        self.lock = threading.Lock()
        self.victims = {}  # who may be killed: process -> name
        self.killed = set()  # processes
        self.started = set()  # and not yet ended
        self.counts = collections.Counter()
        self.problems = []
        self.copies = 0

    def start(self, name, words, spared=False):
        process = subprocess.Popen(
            list(map(str, words)),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment,
        )
        with self.lock:
            self.started.add(process)
            if not spared:
                self.victims[process] = name
        return process

    def end(self, name, process, codes=(0,)):
        """Its output; None where it was killed."""
        out, err = process.communicate(timeout=120)
        with self.lock:
            self.victims.pop(process, None)
            self.started.discard(process)
        assert name.startswith("aimlog ") or err == "", (name, process.returncode, err)
        if process in self.killed and process.returncode == -9:
            self.counts[f"{name} killed"] += 1
            assert name.startswith("aimlog ") or out == "", (name, out)
            return None
        self.counts[name] += 1
        assert process.returncode in codes, (name, process.returncode, out, err)
        lines = [line for line in err.splitlines() if not line.startswith(REPLAYED)]
        assert not lines or process.returncode == NOTHING_MATCHED, (name, out, err)
        return out

    def kill_some(self, chance):
        while not self.time.wait(chance.uniform(*KILL_EVERY)):
            with self.lock:
                self.kill(self.choose_victim(chance))
        while threading.active_count() > 2:  # nobody begins anything more that would not end
            with self.lock:
                for process in self.victims:
                    self.kill(process)
            time.sleep(0.1)

    def choose_victim(self, chance):
        """Half of the time one of those of which fewest were killed: some live but a moment."""
        victims = list(self.victims)
        if victims and chance.random() < 0.5:
            kills = {each: self.counts[f"{name} killed"] for each, name in self.victims.items()}
            victims = [each for each in victims if kills[each] == min(kills.values())]
        return chance.choice(victims or [None])

    def kill(self, process):
        if process and process.poll() is None:
            self.killed.add(process)
            process.kill()

    def command(self, *words, spared=False):
        name = "aimlog " + words[0]
        line = [self.programs.command, words[0], "--repo", self.repo.path, *words[1:]]
        return self.end(name, self.start(name, line, spared), (0, NOTHING_MATCHED))

    # Who works on the repo, each until the time is over.

    def list_runs(self, _):
        newest = {}
        while not self.time.wait(0.05):
            text = self.command("ls", "--json", "--columns", "id,status,value.count")
            for row in json.loads(text) if text else []:
                count = row["value.count"] or 0
                assert count >= newest.get(row["id"], 0), "a run has fewer points than before"
                newest[row["id"]] = count

    def get_and_best(self, _):
        while not self.time.wait(0.05):
            self.command("best", "--metric", "loss", "--mode", "min")
            self.command("get", "last", "value", "--format", "csv")

    def check(self, _):
        while not self.time.wait(0.1):
            text = self.command("check", spared=self.counts["aimlog check"] == 0)
            assert text is None or "sound" in text, text

    def read_on(self, _):
        while not self.time.over():
            words = (self.reader, "watch", self.programs.plugin, self.repo.path)
            self.end("long reader", self.start("long reader", words))

    def back_up(self, _):
        number = 0
        while not self.time.wait(0.3):
            number += 1
            copy = Repo(self.programs, self.root, f"copy-{number}")
            durable = read_acks(self.acks_of("always"))
            # The first is left alone: in a short soak all others may be killed.
            self.command("backup", copy.path, spared=self.copies == 0)
            if os.path.exists(copy.path):  # also of one that was killed it is whole
                began = time.monotonic()
                self.judge_copy(copy, durable)
                self.time.wait(4 * (time.monotonic() - began))

    def judge_copy(self, copy, durable):
        copy.command("check", "--deep")
        runs = told_runs(copy)
        wrong = wrong_with_copy(runs, self.records(), durable)
        if wrong and os.environ.get("AIMLOG_KEEP"):
            os.rename(copy.path, os.path.join(os.environ["AIMLOG_KEEP"], "soak-copy"))
        assert not wrong, wrong[:5]
        self.copies += 1
        subprocess.run(["rm", "-r", copy.path], check=True)

    def acks_of(self, writer):
        return self.repo.acks + writer.replace(" ", "-")

    def records(self):
        return [record for writer in WRITERS for record in read_acks(self.acks_of(writer))]

    def write(self, chance, name):
        writer = Writer(self, name)
        while not self.time.over():
            process = self.start("writer", writer.words(chance))
            self.end("writer", process)
            writer.go_on(chance)
        writer.finish(chance)

    def write_spared(self, chance):
        writer = Writer(self, SPARED)
        process = self.start("writer", writer.words(chance), spared=True)
        self.watch_spared("spared writer", process)
        process.kill()
        self.killed.add(process)
        self.end("writer", process)
        writer.finish(chance)

    def read_spared(self, _):
        words = (self.reader, "watch", self.programs.plugin, self.repo.path)
        process = self.start("long reader", words, spared=True)
        self.watch_spared("spared reader", process)
        process.terminate()
        assert int(self.end("long reader", process).split()[0]) > 0, "it did not look"

    def watch_spared(self, name, process):
        watch = Watch(process.pid, SECONDS / 200)
        watch.start()
        while not self.time.wait(1):
            assert process.poll() is None, (name, process.returncode, process.communicate())
        samples = watch.stop()
        wrong = growth(samples)
        assert not wrong, (name, wrong)
        tell(name, samples)

    def run(self, seed):
        roles = [self.list_runs, self.get_and_best, self.check, self.read_on, self.back_up]
        roles += [self.kill_some, self.write_spared, self.read_spared]
        work = [(role, ()) for role in roles]
        work += [(self.write, (name,)) for name in WRITERS if name != SPARED]
        threads = [
            threading.Thread(target=self.carry_out, args=(role, random.Random(seed + i), *more))
            for i, (role, more) in enumerate(work)
        ]
        self.fill()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def fill(self):
        """A large repo with a run, before anybody looks."""
        words = (self.reader, "record", self.programs.plugin, self.repo.path, LARGE_RESULTS)
        out = self.end("filler", self.start("filler", words, spared=True))
        assert out.startswith(f"ok, {LARGE_RESULTS} points, "), out

    def end_all(self):
        """Whatever is left where something went wrong: nobody else would end it."""
        self.time.stopped.set()
        with self.lock:
            for process in self.started:
                process.kill()

    def carry_out(self, role, chance, *more):
        try:
            role(chance, *more)
        except Exception:
            self.problems.append(traceback.format_exc())
            self.time.stopped.set()


class Writer:
    """A row of processes: each goes on with the job, with the saved state or without, or begins
    another one."""

    def __init__(self, soak, name):
        self.soak, self.name = soak, name
        self.job = 1000 * list(WRITERS).index(name) + 1
        self.resumed = 0
        self.acks = soak.acks_of(name)
        self.state = self.acks + ".state"

    def words(self, chance):
        words = ["--job", self.job, "--resumed", self.resumed, "--state", self.state]
        words += ["--seed", chance.randrange(1 << 40), "--complete-in", 150, "--pace-us", PACE_US]
        return self.soak.repo.host_words(*words, *WRITERS[self.name], acks=self.acks)

    def go_on(self, chance):
        begun = any(
            (r.kind, r.job, r.answer) == (SETUP, self.job, ACKNOWLEDGED)
            for r in read_acks(self.acks)
        )
        way = chance.choice(("state", "no state", "new job"))
        self.resumed = 1 if begun and way != "new job" else 0
        if self.resumed == 0:
            self.job += 1
        if self.resumed == 0 or way == "no state":
            for name in (self.state, self.state + ".new"):
                if os.path.exists(name):
                    os.unlink(name)

    def finish(self, chance):
        """The last process ends in order, and says so."""
        self.resumed = int(self.resumed or self.name == SPARED)
        words = [*self.words(chance), "--results", "100", "--pace-us", "0"]
        said = json.loads(self.soak.end("writer", self.soak.start("writer", words, spared=True)))
        assert (said["destroy"], said["dropped"], said["lost"]) == (0, 0, 0), said


def told_runs(repo):
    """All runs but that of the filler, who kept no list."""
    return [run for run in repo.runs() if run["experiment"] != "reader"]


def judge(soak):
    """The repo at the end, beside what was acknowledged."""
    records = soak.records()
    runs = told_runs(soak.repo)
    wrong = compare(runs, records)
    assert not wrong, wrong[:10]
    ids = {trial_of(run): run["id"] for run in runs}
    assert len(ids) == len(runs), "a trial has two runs"
    soak.repo.command("check", "--deep")
    stats = soak.repo.stats()
    assert stats["rows.tails"] == stats["rows.journals"] == stats["journals.dead"] == 0, stats
    refused = sum(record.answer == REFUSED for record in records)
    assert stats["lost.results"] + stats["lost.others"] <= refused, (refused, stats)
    judge_hooks(soak)
    size = os.path.getsize(os.path.join(soak.repo.path, ".aimlog", "data.mdb"))
    print(f"{len(runs)} runs, {len(records)} events told, {refused} refused, {size / 1e6:.1f} MB")
    with open(soak.map_note, encoding="ascii") as file:
        maps = collections.Counter(file.read().split())
    print(f"{soak.copies} copies compared, maps {dict(maps)}, {dict(sorted(soak.counts.items()))}")
    assert all(maps[each] > 0 for each in ("crash_host", "reader_host", "aimlog")), maps
    assert soak.copies > 0 and soak.counts["aimlog check"] > 0
    judge_kills(soak)


def judge_kills(soak):
    spared = [name for name in VICTIMS if soak.counts[f"{name} killed"] == 0]
    if LONG == 1:
        assert not set(VICTIMS[:2]) & set(spared) and len(spared) < len(VICTIMS) - 2, spared
    else:
        assert not spared, spared


def judge_hooks(soak):
    for writer in WRITERS:
        middle, most, longest = hook_times(read_acks(soak.acks_of(writer)))
        bound = SLACK_MS + (ALWAYS_WAIT_MS if writer == "always" else WAIT_MS)
        print(f"hooks of {writer}: {middle:.4f}, {most:.3f}, {longest:.1f} ms of {bound}")
        assert longest < bound, (writer, longest)


def main():
    seed = int(sys.argv[6]) if len(sys.argv) > 6 else random.randrange(1 << 32)
    print(f"seed {seed}, {SECONDS} s", flush=True)
    with tempfile.TemporaryDirectory(prefix="aimlog-soak-", dir=SCRATCH) as root:
        soak = Soak(sys.argv[1:6], root)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended from outside"))
        try:
            soak.run(seed)
        finally:
            soak.end_all()
        for problem in soak.problems:
            print(f"FAILED {problem}", flush=True)
        if not soak.problems:
            judge(soak)
        return 1 if soak.problems else 0


if __name__ == "__main__":
    sys.exit(main())
