#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The power is cut, and what a commit had covered is in the repo, equal and once.

usage: power_cut_test.py CRASH_HOST PLUGIN COMMAND [--seed N] [--cuts N] [--kinds FS:SETTINGS,...]
                         [--again N] [--cuts-again N] [--expect-caught]
                         [--recording DIR --cut N]

Hosts record on a file system of which every write and every flush is logged (block_rig.py), and
note for each answer what a commit covers and how long the log was then. One recording is cut many
times: at a place in the log, with all that a flush had covered until there and a part of the rest
(block_log.py). The image is mounted, recovered and compared. On some of them a host goes on, and
the power is cut again, also during the recovery.

Which cuts are made follows from the seed. A recording in which one failed is kept where AIMLOG_KEEP
says, and `--recording DIR --cut N` repeats that cut alone.
"""

import argparse
import collections
import os
import random
import sys
import tempfile
import time

from block_log import CutDisk, choose_cut, copy_sparse, read_entries
from block_rig import Boots, LoggedDisk, MountedImage, RigError, call, enter_own_namespace
from block_rig import missing_programs, what_machine_lacks
from crash_support import ACKNOWLEDGED, LONG, NOT_ANSWERED, REFUSED, SCRATCH
from crash_support import Programs, compare, expected_statuses, preloadable, read_acks
from power_recording import SETTINGS, Recording, key_of, results_in

ALL_KINDS = ",".join(f"{fs}:{how}" for fs in ("ext4", "xfs") for how in SETTINGS)
SHORT = {"kinds": "ext4:interval,ext4:always", "cuts": 5, "again": 1, "cuts_again": 2}
LONG_FORM = {"kinds": ALL_KINDS, "cuts": 50, "again": 2, "cuts_again": 10}
FIRST_WORDS = (("ls",), ("stats",), ("show", "--all"))
LATER_JOB = 77


class Cuts:
    """The cuts of one recording."""

    def __init__(self, recording, root, boots):
        self.recording, self.root = recording, root
        self.boots = boots
        self.only_backup = recording.backup_preload is not None
        self.image = os.path.join(root, "cut.img")
        self.cut_at = {}
        self.counts = collections.Counter()

    def plan(self, numbers):
        facts = self.recording.facts
        entries = read_entries(os.path.join(self.recording.root, "log.img"))
        answers = [r.block_entries for r in self.recording.repo("").records()]
        answers = [place for place in answers if facts["first"] < place <= facts["last"]]
        # The making of the repo, the recovery, an end in order, the making of a copy.
        moments = [facts["first"], *facts["covered"].values()]
        moments += [facts["backup_at"]] if "backup_at" in facts else []
        if self.only_backup:
            answers, moments = [], [facts["backup_at"]]
        cuts = []
        for number in numbers:
            chance = random.Random(f"{facts['seed']}/{number}")
            places = (facts["first"], facts["last"], entries, answers, moments)
            cuts.append((*choose_cut(chance, *places), chance, number))
        return sorted(cuts, key=lambda cut: cut[0])

    def disk(self):
        base = os.path.join(self.root, "moving.img")
        copy_sparse(os.path.join(self.recording.root, "base.img"), base)
        return CutDisk(os.path.join(self.recording.root, "log.img"), base)

    def image_of(self, number):
        return os.path.join(self.root, f"cut-{number}.img")

    def make(self, numbers, kept=(), stop_when_wrong=False):
        """What is wrong, as texts by the number of the cut. Of `kept` numbers the image of the
        disk stays as it was left: its place in the log is noted in `cut_at`."""
        disk = self.disk()
        wrong = {}
        for cut, loss, chance, number in self.plan(numbers):
            self.counts["loose writes"] += disk.image(self.image, cut, loss, chance)
            if number in kept:
                copy_sparse(self.image, self.image_of(number))
                self.cut_at[number] = cut
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
        disk = self.disk()
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
            there = self.recording.is_repo(repo)
            assert there or not required, f"no repo, and {len(required)} events were in it"
            if there:
                self.recover(repo, chance)
                self.compare(repo, known)
            self.look_at_backup(cut, self.recording.backup(place), chance)
            if not there or chance.random() < 0.25:
                self.go_on(repo, known)

    @staticmethod
    def recover(repo, chance):
        repo.command(*chance.choice(FIRST_WORDS))
        repo.command("check", "--deep")

    def look_at_backup(self, cut, backup, chance):
        """It is there with all that belongs to it, or not at all."""
        made_at = self.recording.facts.get("backup_at")
        there = os.path.exists(backup.path)
        assert there or made_at is None or cut < made_at, "the backup was made, and is gone"
        if there and made_at is not None and (cut < made_at or chance.random() < 0.5):
            backup.command("check", "--deep")
            first = [r for r in self.recording.repo("").records() if r.process == 1]
            problems = compare(backup.runs(), first)
            assert not problems, ("the backup", len(problems), problems[:5])
            self.counts["backups"] += 1

    def compare(self, repo, known):
        runs = repo.runs()
        shown = results_in(runs)
        beyond = [r for r in known if r.answer == NOT_ANSWERED and key_of(r) in shown]
        self.counts["results beyond the commits"] += len(beyond)
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


class Kind:
    """A file system and a way to record: one recording, its cuts, and recordings on the disks that
    some of these left, which are cut again."""

    def __init__(self, programs, kind, seed, options):
        self.programs, self.kind, self.seed, self.options = programs, kind, seed, options
        self.cuts, self.failed = 0, 0

    def run(self, root, boots):
        recording = Recording(self.programs, os.path.join(root, "recording"), self.kind)
        if self.options.backup_preload:
            recording.backup_preload = preloadable(self.options.backup_preload)
        if self.options.recording:
            recording.root = self.options.recording
            recording.load()
        else:
            os.mkdir(recording.root)
            recording.make(self.seed)
        chosen = [self.options.cut] if self.options.recording else range(self.options.cuts)
        again = () if self.options.recording else range(self.options.again)
        cuts = self.cut(recording, root, boots, chosen, again)
        for number in again:
            if number in cuts.cut_at:
                self.run_again(cuts, number, boots)

    def run_again(self, cuts, number, boots):
        root = os.path.join(cuts.root, f"again-{number}")
        recording = Recording(self.programs, os.path.join(root, "recording"), self.kind)
        os.makedirs(recording.root)
        known = cuts.recording.known_at(cuts.cut_at[number])
        seed = self.seed * 1000 + number
        recording.make_after_cut(seed, cuts.image_of(number), known)
        self.cut(recording, root, boots, range(self.options.cuts_again))

    def cut(self, recording, root, boots, numbers, kept=()):
        began = time.monotonic()
        cuts = Cuts(recording, root, boots)
        wrong = cuts.make(numbers, kept, stop_when_wrong=self.options.expect_caught)
        if not self.options.expect_caught:
            cuts.expect_lost_flushes_noticed()
        facts = recording.facts
        for number, text in sorted(wrong.items())[:3]:
            print(f"{facts['kind']}, seed {facts['seed']}, cut {number}: {text}", flush=True)
        print(
            f"{facts['kind']}{' after a cut' if facts['earlier'] else ''}: "
            f"{recording.events()} events, "
            f"{facts['last'] - facts['first']} log entries; "
            f"{len(numbers)} cuts in {time.monotonic() - began:.1f} s, "
            + ", ".join(f"{count} {what}" for what, count in sorted(cuts.counts.items()))
            + f", {len(wrong)} failed",
            flush=True,
        )
        keep = os.environ.get("AIMLOG_KEEP")
        if wrong and keep and not self.options.recording:
            place = os.path.join(keep, f"power-{facts['seed']}")
            call("cp", "-r", "--sparse=always", recording.root, place)
        self.cuts += len(numbers)
        self.failed += len(wrong)
        return cuts


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
    parser.add_argument("--again", type=int, default=form["again"], help="disks to go on with")
    parser.add_argument("--cuts-again", type=int, default=form["cuts_again"], help="of each")
    parser.add_argument("--kinds", default=form["kinds"])
    parser.add_argument("--expect-caught", action="store_true", help="the plugin has a fault")
    parser.add_argument("--backup-preload", help="a library with a fault of the command's")
    parser.add_argument("--recording")
    parser.add_argument("--cut", type=int)
    options = parser.parse_args()
    if options.recording:
        options.recording = os.path.abspath(options.recording)
        options.kinds = "as recorded"
    if options.expect_caught:
        options.again = 0
    return options


def main():
    options = parse()
    lacking = what_machine_lacks()
    missing = missing_programs()
    if lacking or missing:
        print("not run:", lacking or "these programs are missing: " + ", ".join(missing))
        return 0
    enter_own_namespace()
    print(f"seed {options.seed}", flush=True)
    began = time.monotonic()
    expect_forgotten_flush_noticed()
    programs = Programs(options.programs)
    cuts, failed = 0, 0
    for i, name in enumerate(options.kinds.split(",")):
        with tempfile.TemporaryDirectory(prefix="aimlog-power-", dir=SCRATCH) as root:
            kind = Kind(programs, name, options.seed + i, options)
            boots = Boots(root)
            try:
                kind.run(root, boots)
            finally:
                boots.end()
        cuts, failed = cuts + kind.cuts, failed + kind.failed
    print(f"{cuts} cuts, {failed} failed, {time.monotonic() - began:.1f} s")
    return int(failed == 0) if options.expect_caught else int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
