#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The power is cut, and what a commit had covered is in the repo, equal and once.

usage: power_cut_test.py CRASH_HOST PLUGIN COMMAND [--seed N] [--cuts N] [--kinds FS:SETTINGS,...]
                         [--expect-caught] [--recording DIR --cut N]

Hosts record on a file system of which every write and every flush is logged (block_rig.py), and
note for each answer what a commit covers and how long the log was then. One recording is cut many
times: at a place in the log, with all that a flush had covered until there and a part of the rest
(block_log.py). The image is mounted, recovered and compared.

Which cuts are made follows from the seed. A recording in which one failed is kept where AIMLOG_KEEP
says, and `--recording DIR --cut N` repeats that cut alone.
"""

import argparse
import collections
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time

from block_log import CutDisk, choose_cut, read_entries
from block_rig import Boots, LoggedDisk, MountedImage, RigError, call, enter_own_namespace
from block_rig import missing_programs, what_machine_lacks
from crash_support import ACKNOWLEDGED, LONG, NOT_ANSWERED, NOT_DURABLE, REFUSED, SCRATCH
from crash_support import Programs, Repo, compare, count_acks, expected_statuses, read_acks
from crash_support import wait_until

ENDS = ("--complete-in", 60)  # and other trials begin
SETTINGS = {
    "interval": ("--set", "commit_interval_ms=15", "--pace-us", 300, *ENDS),
    "always": ("--set", "durability=always", "--set", "always_wait_ms=5000", *ENDS),
    # The smallest journal laps many times, and results that find no room are dropped.
    "drop": ("--set", "journal_bytes=65536", "--set", "full_wait_ms=0", "--pace-us", 30)
    + ("--set", "commit_interval_ms=60"),
}
SHORT = {"kinds": "ext4:interval,ext4:always", "cuts": 6}
LONG_FORM = {"kinds": ",".join(f"{fs}:{how}" for fs in ("ext4", "xfs") for how in SETTINGS)}
LONG_FORM["cuts"] = 50
FIRST_WORDS = (("ls",), ("stats",), ("show", "--all"))
LATER_JOB = 77


class Recording:
    """What hosts did on a logged disk, in a directory: the log, the disk before it, the list of
    answers, and `facts`: the places where the cuts may be, and at which length of the log all
    that a process had told was in the repo."""

    def __init__(self, programs, root, kind):
        self.programs, self.root = programs, root
        self.kind = kind
        self.facts = {}

    def make(self, seed):
        fs, how = self.kind.split(":")
        disk = LoggedDisk(self.root, fs)
        try:
            disk.expect_flushes()
            self.facts = {"kind": self.kind, "seed": seed, "first": disk.entries(), "covered": {}}
            self.record(disk, how, random.Random(seed))
            self.facts["last"] = disk.entries()
        finally:
            disk.end()
        with open(os.path.join(self.root, "facts.json"), "w", encoding="utf-8") as file:
            json.dump(self.facts, file)

    def load(self):
        with open(os.path.join(self.root, "facts.json"), encoding="utf-8") as file:
            self.facts = json.load(file)
        self.kind = self.facts["kind"]

    def repo(self, place):
        repo = Repo(self.programs, place)
        repo.acks = os.path.join(self.root, "acks")
        return repo

    def record(self, disk, how, chance):
        """A job that is killed, its recovery, the job resumed to its end, and one more job in
        which the power is cut; meanwhile the kernel writes what it likes."""
        repo = self.repo(disk.place)
        over = threading.Event()
        writer = threading.Thread(target=self.write_back, args=(disk, over, chance.random()))
        writer.start()
        words = ("--block-log", disk.log, "--seed", chance.randrange(1 << 30), *SETTINGS[how])
        try:
            self.run_until_killed(repo, words, chance)
            repo.command("ls")
            self.facts["covered"][1] = disk.entries()
            said = repo.run("--resumed", 1, "--results", 200, *words)
            assert said["destroy"] == 0, said
            self.facts["covered"][2] = disk.entries()
            self.run_until_killed(repo, ("--job", 2, *words), chance)
        finally:
            over.set()
            writer.join()

    @staticmethod
    def run_until_killed(repo, words, chance):
        before = count_acks(repo.acks)
        host = repo.start(*words)
        wait_until(lambda: count_acks(repo.acks) > before or host.poll() is not None, "it began")
        time.sleep(chance.uniform(0.3, 0.6))
        host.kill()
        _, err = host.communicate()
        assert host.returncode == -9, (host.returncode, err)

    @staticmethod
    def write_back(disk, over, seed):
        chance = random.Random(seed)
        while not over.wait(chance.uniform(0.005, 0.08)):
            for folder, _, names in os.walk(os.path.join(disk.place, "repo")):
                for name in names:
                    if chance.random() < 0.4:
                        disk.start_writeback(os.path.join(folder, name))
            if chance.random() < 0.1:
                disk.sync_all()

    def known_at(self, cut):
        """The list of answers as the power cut leaves it: acknowledged is what must be there, and
        what else was begun may be there or not."""
        told, durable, answered = [], collections.Counter(), collections.Counter()
        always = ":always" in self.kind
        latest = 0
        for record in self.repo("").records():
            if latest > cut:
                break
            told.append(record)
            if record.answer != NOT_ANSWERED:
                latest = max(latest, record.block_entries)
                if record.block_entries <= cut:
                    durable[record.process] = max(durable[record.process], record.durable_events)
        for process, entries in self.facts["covered"].items():
            if entries <= cut:
                durable[int(process)] = len(told)
        known = []
        for record in told:
            if record.answer in (ACKNOWLEDGED, NOT_DURABLE):
                answered[record.process] += 1
                returned = always and record.answer == ACKNOWLEDGED and record.block_entries <= cut
                is_durable = answered[record.process] <= durable[record.process]
                answer = ACKNOWLEDGED if returned or is_durable else NOT_ANSWERED
                record = record._replace(answer=answer)
            known.append(record)
        return known


class Cuts:
    """The cuts of one recording."""

    def __init__(self, recording, root):
        self.recording, self.root = recording, root
        self.boots = Boots(root)
        self.image = os.path.join(root, "cut.img")
        self.counts = collections.Counter()

    def plan(self, numbers):
        facts = self.recording.facts
        entries = read_entries(os.path.join(self.recording.root, "log.img"))
        answers = [r.block_entries for r in self.recording.repo("").records()]
        answers = [place for place in answers if facts["first"] < place <= facts["last"]]
        cuts = []
        for number in numbers:
            places = (facts["first"], facts["last"], entries, answers)
            cuts.append((*choose_cut(facts["seed"], number, *places), number))
        return sorted(cuts, key=lambda cut: cut[0])

    def make(self, numbers, stop_when_wrong):
        """What is wrong, as texts by the number of the cut."""
        base = os.path.join(self.root, "moving.img")
        shutil.copy(os.path.join(self.recording.root, "base.img"), base)
        subprocess.run(["fallocate", "--dig-holes", base], check=True)
        disk = CutDisk(os.path.join(self.recording.root, "log.img"), base)
        wrong = {}
        for cut, loss, chance, number in self.plan(numbers):
            self.counts["loose writes"] += disk.image(self.image, cut, loss, chance)
            try:
                self.look(cut, chance)
            except AssertionError as error:
                wrong[number] = f"behind {cut} entries, {loss}: {error}"
                if stop_when_wrong:
                    break
        disk.close()
        return wrong

    def expect_lost_flushes_noticed(self):
        """Planted: a disk that forgets what flushes had covered, of the second half."""
        facts = self.recording.facts
        base = os.path.join(self.root, "forgetful.img")
        shutil.copy(os.path.join(self.recording.root, "base.img"), base)
        disk = CutDisk(os.path.join(self.recording.root, "log.img"), base)
        middle = disk.flushed((facts["first"] + facts["last"]) // 2)
        disk.image(self.image, middle, "all lost", random.Random(0))
        disk.close()
        try:
            self.look(facts["last"], random.Random(0))
        except AssertionError as error:
            assert "is missing" in str(error) or "has no run" in str(error), error
            return
        raise AssertionError("flushed writes were left out, and nothing was missed")

    def look(self, cut, chance):
        """Mounts the image, as after a start of the machine, and compares."""
        known = self.recording.known_at(cut)
        required = [record for record in known if record.answer == ACKNOWLEDGED]
        self.counts["required events"] += len(required)
        self.boots.next()
        with MountedImage(self.image, os.path.join(self.root, "mounted")) as place:
            repo = self.recording.repo(place)
            there = os.path.exists(os.path.join(repo.path, ".aimlog", "FORMAT"))
            assert there or not required, f"no repo, and {len(required)} events were in it"
            if there:
                self.recover(repo, chance)
                self.compare(repo, known)
            if not there or chance.random() < 0.25:
                self.go_on(repo, known)

    @staticmethod
    def recover(repo, chance):
        repo.command(*chance.choice(FIRST_WORDS))
        repo.command("check", "--deep")

    @staticmethod
    def compare(repo, known):
        runs = repo.runs()
        problems = compare(runs, known)
        assert not problems, (len(problems), problems[:5])
        expected = expected_statuses(known)
        for run in runs:
            job = int(run["job"]["experiment_dir"].removeprefix("job-"))
            key = (job, int(run["trial_id"].removeprefix("trial-")))
            assert run["status"] in expected[key], (key, run["status"], expected[key])
        stats = repo.stats()
        dead = [stats[name] for name in ("journals.dead", "journals.live", "rows.journals")]
        assert dead == [0, 0, 0], stats
        unsure = sum(record.answer in (REFUSED, NOT_ANSWERED) for record in known)
        assert stats["lost.results"] + stats["lost.others"] <= unsure, (unsure, stats)

    def go_on(self, repo, known):
        """The next host finds a repo that it can use."""
        acks = os.path.join(self.root, "later.acks")
        said = repo.run("--job", LATER_JOB, "--results", 20, acks=acks)
        assert (said["destroy"], said["dropped"], said["lost"]) == (0, 0, 0), said
        later = read_acks(acks)
        os.unlink(acks)
        problems = compare(repo.runs(), known + later)
        assert not problems, (len(problems), problems[:5])
        self.counts["hosts after a cut"] += 1


def run_kind(programs, kind, seed, options):
    """Records once and cuts often; returns how many cuts failed."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="aimlog-power-", dir=SCRATCH) as root:
        recording = Recording(programs, os.path.join(root, "recording"), kind)
        if options.recording:
            recording.root = options.recording
            recording.load()
        else:
            os.mkdir(recording.root)
            recording.make(seed)
        recorded = time.monotonic()
        cuts = Cuts(recording, root)
        try:
            numbers = range(options.cuts) if options.cut is None else [options.cut]
            wrong = cuts.make(numbers, options.expect_caught)
            if not options.expect_caught:
                cuts.expect_lost_flushes_noticed()
        finally:
            cuts.boots.end()
        for number, text in sorted(wrong.items())[:3]:
            print(f"{kind}, seed {seed}, cut {number}: {text}", flush=True)
        facts = recording.facts
        print(
            f"{kind}: {len(recording.repo('').records())} events, "
            f"{facts['last'] - facts['first']} log entries in {recorded - began:.1f} s; "
            f"{len(numbers)} cuts in {time.monotonic() - recorded:.1f} s, "
            + ", ".join(f"{count} {what}" for what, count in sorted(cuts.counts.items()))
            + f", {len(wrong)} failed",
            flush=True,
        )
        keep = os.environ.get("AIMLOG_KEEP")
        if wrong and keep and not options.recording:
            call("cp", "-r", "--sparse=always", recording.root, os.path.join(keep, f"power-{seed}"))
    return len(wrong)


def expect_forgotten_flush_noticed():
    """Planted: a disk that does nothing when it is told to flush."""
    with tempfile.TemporaryDirectory(prefix="aimlog-power-", dir=SCRATCH) as root:
        disk = LoggedDisk(root, "ext4", forgets_flushes=True)
        try:
            disk.expect_flushes()
        except RigError as error:
            assert "no flush" in str(error), error
            return
        finally:
            disk.end()
    raise AssertionError("a disk ignored a flush, and nobody noticed")


def parse():
    form = LONG_FORM if LONG > 1 else SHORT
    parser = argparse.ArgumentParser()
    parser.add_argument("programs", nargs=3)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--cuts", type=int, default=form["cuts"], help="of each recording")
    parser.add_argument("--kinds", default=form["kinds"])
    parser.add_argument("--expect-caught", action="store_true", help="the plugin has a fault")
    parser.add_argument("--recording")
    parser.add_argument("--cut", type=int)
    return parser.parse_args()


def main():
    options = parse()
    lacking = what_machine_lacks()
    missing = missing_programs()
    if lacking or missing:
        print("not run:", lacking or "these programs are missing: " + ", ".join(missing))
        return 1 if LONG > 1 and not lacking else 0
    enter_own_namespace()
    print(f"seed {options.seed}", flush=True)
    began = time.monotonic()
    expect_forgotten_flush_noticed()
    programs = Programs(options.programs)
    kinds = options.kinds.split(",")
    failed = sum(
        run_kind(programs, kind, options.seed + i, options) for i, kind in enumerate(kinds)
    )
    print(f"{len(kinds) * options.cuts} cuts, {failed} failed, {time.monotonic() - began:.1f} s")
    if options.expect_caught:
        return 0 if failed > 0 else 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
