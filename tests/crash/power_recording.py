# SPDX-License-Identifier: Apache-2.0
"""What hosts do on a logged disk, and what must be there when its power was cut at some place."""

import collections
import json
import os
import random
import subprocess
import threading
import time

from block_rig import LoggedDisk
from crash_support import ACKNOWLEDGED, NOT_ANSWERED, NOT_DURABLE, RESULT
from crash_support import Record, Repo, count_acks, series, wait_until

ENDS = ("--complete-in", 60)  # and other trials begin
INTERVALS_MS = {"interval": 15, "drop": 60, "slow": 15}
INTERVAL, DROP, SLOW = (("--set", f"commit_interval_ms={ms}") for ms in INTERVALS_MS.values())
# Of a commit, at most: a busy machine has other things to do. What was told so long before a cut
# must be there whatever the plugin says of what is pending; only "slow" hosts live longer.
COMMIT_MS = 3000
SECONDS = {"slow": (4, 5)}
SETTINGS = {
    "interval": (*INTERVAL, "--pace-us", 300, *ENDS),
    "always": ("--set", "durability=always", "--set", "always_wait_ms=5000", *ENDS),
    # The smallest journal laps many times, and results that find no room are dropped.
    "drop": ("--set", "journal_bytes=65536", "--set", "full_wait_ms=0", "--pace-us", 30, *DROP),
    "slow": (*SLOW, "--pace-us", 2000, *ENDS),
}
NEIGHBOUR = 900  # a job, and its list of answers


class Recording:
    """What hosts did on a logged disk, in a directory: the log, the disk before it, the list of
    answers, and `facts`: the places where the cuts may be, and at which length of the log all
    that a process had told was in the repo. `earlier` are the records of before the log, which
    may be of a power cut already."""

    def __init__(self, programs, root, kind):
        self.programs, self.root = programs, root
        self.backup_preload = None  # a library, for the making of a copy
        self.kind = kind
        self.facts = {"earlier": []}

    def make(self, seed):
        fs, how = self.kind.split(":")
        disk = LoggedDisk(self.root, fs)
        try:
            disk.expect_flushes()
            self.facts |= {"kind": self.kind, "seed": seed, "first": disk.entries(), "covered": {}}
            self.record(disk, how, random.Random(seed))
            self.facts["last"] = disk.entries()
        finally:
            disk.end()
        self.save()

    def make_after_cut(self, seed, image, earlier):
        """On the disk that a power cut left: its recovery, and a job in which the power is cut
        again. What a reader was shown meanwhile is to be kept, too."""
        fs, how = self.kind.split(":")
        disk = LoggedDisk(self.root, fs, image=image)
        try:
            self.facts = {"kind": self.kind, "seed": seed, "first": 0, "covered": {}}
            chance = random.Random(seed)
            repo = self.repo(disk.place)
            shown = results_in(repo.runs()) if self.is_repo(repo) else set()
            self.facts["shown_at"] = disk.entries()
            self.facts["earlier"] = [(*record, key_of(record) in shown) for record in earlier]
            words = ("--block-log", disk.log, "--seed", chance.randrange(1 << 30), *SETTINGS[how])
            self.run_until_killed(repo, ("--job", 3, *words), chance)
            self.facts["last"] = disk.entries()
        finally:
            disk.end()
        self.save()

    def save(self):
        with open(os.path.join(self.root, "facts.json"), "w", encoding="utf-8") as file:
            json.dump(self.facts, file)

    def load(self):
        with open(os.path.join(self.root, "facts.json"), encoding="utf-8") as file:
            self.facts = json.load(file)
        self.kind = self.facts["kind"]

    def events(self):
        repo = self.repo("")
        return len(repo.records()) + len(repo.records_of(NEIGHBOUR))

    @staticmethod
    def is_repo(repo):
        return os.path.exists(os.path.join(repo.path, ".aimlog", "FORMAT"))

    def repo(self, place):
        repo = Repo(self.programs, place)
        repo.acks = os.path.join(self.root, "acks")
        return repo

    def backup(self, place):
        """A copy of the repo, of when its first process was dead and recovered."""
        return Repo(self.programs, place, "backup")

    def make_backup(self, disk, repo, over):
        dest = self.backup(disk.place).path
        environment = {"PATH": os.environ["PATH"]}
        if self.backup_preload:
            environment["LD_PRELOAD"] = self.backup_preload
            over.set()  # or the kernel does what the library left out
        words = [self.programs.command, "backup", repo.path, dest]
        done = subprocess.run(words, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done
        self.facts["backup_at"] = disk.entries()

    def record(self, disk, how, chance):
        """A job that is killed, its recovery, a copy, the job resumed to its end, and two more
        jobs at once in which the power is cut; meanwhile the kernel writes what it likes."""
        repo = self.repo(disk.place)
        over = threading.Event()
        if how == "slow":
            over.set()  # or what no commit has covered would be in what is left of the journal
        writer = threading.Thread(target=self.write_back, args=(disk, over, chance.random()))
        writer.start()
        words = ("--block-log", disk.log, "--seed", chance.randrange(1 << 30), *SETTINGS[how])
        try:
            self.run_until_killed(repo, words, chance)
            repo.command("ls")
            self.facts["covered"][1] = disk.entries()
            self.make_backup(disk, repo, over)
            said = repo.run("--resumed", 1, "--results", 200, *words)
            assert said["destroy"] == 0, said
            self.facts["covered"][2] = disk.entries()
            self.run_until_killed(repo, ("--job", 2, *words), chance, neighbour=True)
        finally:
            over.set()
            writer.join()

    @staticmethod
    def start_host(repo, words, acks):
        # One that outlives this process would keep the mounts.
        line = ["setpriv", "--pdeathsig", "KILL", *repo.host_words(*words, acks=acks)]
        return subprocess.Popen(line, stderr=subprocess.PIPE, text=True)

    def run_until_killed(self, repo, words, chance, neighbour=False):
        """A host, with another one beside it or none."""
        lists = [repo.acks, f"{repo.acks}{NEIGHBOUR}"] if neighbour else [repo.acks]
        before = [count_acks(acks) for acks in lists]
        hosts = [self.start_host(repo, words, repo.acks)]
        if neighbour:
            hosts.append(self.start_host(repo, (*words, "--job", NEIGHBOUR), lists[1]))
        for acks, count, host in zip(lists, before, hosts):
            wait_until(lambda: count_acks(acks) > count or host.poll() is not None, "it began")
        time.sleep(chance.uniform(*SECONDS.get(self.kind.split(":")[1], (0.3, 0.6))))
        for host in hosts:
            host.kill()
        for host in hosts:
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
        """The lists of answers as the power cut leaves them: acknowledged is what must be there,
        and what else was begun may be there or not."""
        known = []
        for *fields, shown in self.facts["earlier"]:
            record = Record(*fields)
            if shown and cut >= self.facts["shown_at"] and record.answer == NOT_ANSWERED:
                record = record._replace(answer=ACKNOWLEDGED)
            known.append(record)
        repo = self.repo("")
        covered = {int(process): at for process, at in self.facts["covered"].items()}
        known += self.known_of(repo.records(), covered, cut)
        return known + self.known_of(repo.records_of(NEIGHBOUR), {}, cut)

    def known_of(self, records, covered, cut):
        told, durable, answered = [], collections.Counter(), collections.Counter()
        latest, moment_ms = 0, 0  # of the cut, at least: somebody was answered then
        for record in records:
            if latest > cut:
                break
            told.append(record)
            if record.answer != NOT_ANSWERED:
                latest = max(latest, record.block_entries)
                if record.block_entries <= cut:
                    durable[record.process] = max(durable[record.process], record.durable_events)
                    moment_ms = max(moment_ms, record.answered_ms)
        for process, entries in covered.items():
            if entries <= cut:
                durable[process] = len(told)
        how = self.kind.split(":")[1]
        due_ms = moment_ms - INTERVALS_MS[how] - COMMIT_MS if how in INTERVALS_MS else 0
        known = []
        for record in told:
            if record.answer in (ACKNOWLEDGED, NOT_DURABLE):
                answered[record.process] += 1
                returned = record.answer == ACKNOWLEDGED and record.block_entries <= cut
                promised = returned and (how == "always" or record.answered_ms < due_ms)
                is_durable = answered[record.process] <= durable[record.process]
                answer = ACKNOWLEDGED if promised or is_durable else NOT_ANSWERED
                record = record._replace(answer=answer)
            known.append(record)
        return known


def key_of(record):
    if record.kind != RESULT:
        return None
    return (record.job, record.trial, record.attempt, record.step, record.value)


def results_in(runs):
    keys = set()
    for run in runs:
        job = int(run["job"]["experiment_dir"].removeprefix("job-"))
        trial = int(run["trial_id"].removeprefix("trial-"))
        for point in series(run, "value"):
            attempt = run["attempts"][point["attempt"] - 1]["host_attempt"]
            keys.add((job, trial, attempt, point["step"], point["value"]["value"]))
    return keys
