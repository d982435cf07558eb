#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Hosts are killed at random moments, and nothing that was acknowledged may be missing or doubled.

usage: kill_test.py CRASH_HOST PLUGIN COMMAND [CHAINS [SEED]]

A chain is one repo and a row of processes that are killed in it, each time followed by one of
three: resumed with the saved state, resumed with the state deleted, or only `aimlog ls` and then a
job of its own. In some chains the command is killed too, while it replays what a host left, or a
neighbour is killed at the same time. At the end of a chain all that the repo shows is compared with
the list that the hosts kept in shared memory.
"""

import concurrent.futures
import os
import random
import sys
import tempfile
import time

from crash_support import LONG, SCRATCH, Programs, Repo, compare, expected_statuses
from crash_support import ACKNOWLEDGED, REFUSED, SETUP, count_acks, read_acks, trial_of
from crash_support import wait_until

KILLS = 10  # of one chain; CHAINS is 18 unless said
# What makes a chain special; the ring of the smallest size laps many times.
KINDS = (
    ("ids",),
    ("ids", "small ring"),
    ("no ids",),
    ("no ids", "unknown"),
    ("ids", "always durable"),
    ("ids", "unknown", "small ring"),
    ("ids", "neighbour"),
    ("ids", "small ring", "drop"),
    ("no ids", "replay killed"),
)


class Chain:
    def __init__(self, programs, root, seed, kind):
        self.random = random.Random(seed)
        self.repo = Repo(programs, root)
        self.kind = kind
        self.job = 1
        self.ids = {}  # (job, trial) -> run id, once seen
        self.resumed = 0  # as the next process will say it

    def options(self):
        words = ["--job", self.job, "--resumed", self.resumed, "--state", self.repo.state]
        words += ["--seed", self.random.randrange(1 << 40), "--complete-in", 150]
        words += ["--set", f"commit_interval_ms={self.random.choice((10, 30, 1000))}"]
        if "no ids" in self.kind:
            words += ["--no-job-id"]
        if "drop" in self.kind:
            # Not at full speed: each result becomes a line that is read again ten times.
            words += ["--set", "journal_bytes=65536", "--set", "full_wait_ms=0", "--pace-us", 4]
        elif "small ring" in self.kind:
            words += ["--set", "journal_bytes=65536", "--set", "on_full=block", "--pace-us", 10]
        else:
            words += ["--pace-us", self.random.choice((40, 200))]
        if "always durable" in self.kind:
            words += ["--set", "durability=always", "--set", "always_wait_ms=2000"]
        return words

    def kill_one(self):
        neighbour = None
        if "neighbour" in self.kind:
            words = ("--job", 900, "--resumed", 1, "--pace-us", 300)
            neighbour = self.repo.start(*words, acks=self.repo.acks + "900")
        self.kill_host()
        if neighbour:
            neighbour.kill()
            neighbour.communicate()
        if "replay killed" in self.kind:
            command = self.repo.start_command("ls")
            time.sleep(self.random.uniform(0, 0.03))
            command.kill()
            command.communicate()

    def kill_host(self):
        before = count_acks(self.repo.acks)
        process = self.repo.start(*self.options())
        # Most after it has begun, some before.
        if self.random.random() < 0.9:
            wait_until(
                lambda: count_acks(self.repo.acks) > before or process.poll() is not None,
                "the host began",
            )
        time.sleep(self.random.uniform(0, 0.05))
        process.kill()
        _, err = process.communicate()
        assert process.returncode == -9, (process.returncode, err)

    def has_begun(self):
        return any(
            r.kind == SETUP and r.job == self.job and r.answer == ACKNOWLEDGED
            for r in self.repo.records()
        )

    def after_kill(self, turn):
        """Settles how it goes on."""
        if not os.path.exists(self.repo.acks) or not self.has_begun():
            # Nobody could know of that job.
            self.job += 1
            self.resumed = 0
            self.forget_state()
            return
        self.resumed = 2 if "unknown" in self.kind else 1
        if turn % 3 == 1:
            self.forget_state()
        elif turn % 3 == 2:
            self.expect_crashed()
            self.job += 1
            self.resumed = 0
            self.forget_state()

    def forget_state(self):
        for name in (self.repo.state, self.repo.state + ".new"):
            if os.path.exists(name):
                os.unlink(name)

    def expect_crashed(self):
        self.repo.command("ls")
        expected = expected_statuses(self.records())
        for run in self.repo.runs(points=False):
            key = trial_of(run)
            assert run["status"] in expected[key], (key, run["status"], expected[key])

    def records(self):
        if "neighbour" in self.kind:
            return self.repo.records() + read_acks(self.repo.acks + "900")
        return self.repo.records()

    def check(self):
        runs = self.repo.runs()
        problems = compare(runs, self.records())
        assert not problems, problems[:10]
        for run in runs:
            known = self.ids.setdefault(trial_of(run), run["id"])
            assert known == run["id"], ("the trial has a new run", trial_of(run))
        return runs

    def finish(self):
        """The last process ends in order: what it went on with is completed."""
        said = self.repo.run(*self.options(), "--results", 100)
        assert (said["destroy"], said["lost"]) == (0, 0), said
        for run in self.check():
            job, trial = trial_of(run)
            if job == self.job:
                assert run["status"] == "completed", (job, trial, run["status"])
        stats = self.repo.stats()
        refused = sum(record.answer == REFUSED for record in self.records())
        assert refused == 0 or "drop" in self.kind, refused
        # What was dropped just before a kill nobody could write down.
        assert stats["lost.results"] + stats["lost.others"] <= refused, (refused, stats)
        assert stats["rows.tails"] == stats["rows.journals"] == 0, stats
        assert (stats["journals.live"], stats["journals.dead"]) == (0, 0), stats
        return len(self.repo.records()), refused


def run_chain(programs, seed, kind):
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="aimlog-kill-", dir=SCRATCH) as root:
        chain = Chain(programs, root, seed, kind)
        try:
            for turn in range(KILLS):
                chain.kill_one()
                chain.after_kill(turn)
            told, refused = chain.finish()
            print(f"{', '.join(kind)}: {told} events, {time.monotonic() - began:.1f} s", flush=True)
            return told, refused
        except Exception as error:
            saved = os.environ.get("AIMLOG_KEEP")
            if saved:
                os.rename(root, os.path.join(saved, f"kill-{seed}"))
                os.mkdir(root)
            raise AssertionError(f"seed {seed}, {' '.join(kind)}: {error}") from error


def main():
    programs = Programs(sys.argv[1:4])
    count = (int(sys.argv[4]) if len(sys.argv) > 4 else 18) * LONG
    seed = int(sys.argv[5]) if len(sys.argv) > 5 else random.randrange(1 << 32)
    print(f"seed {seed}", flush=True)
    began = time.monotonic()
    failed = []
    told = refused = 0
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        chains = [
            pool.submit(run_chain, programs, seed + i, KINDS[i % len(KINDS)])
            for i in range(count)
        ]
        for chain in chains:
            if chain.exception() is not None:
                failed.append(chain.exception())
                print(f"FAILED {chain.exception()}", flush=True)
            else:
                told += chain.result()[0]
                refused += chain.result()[1]
    took = time.monotonic() - began
    print(f"{count * KILLS} kills, {told} events told, {refused} refused, {took:.1f} s")
    # On a machine that has other things to do not every chain that may drop does.
    tried = any("drop" in KINDS[i % len(KINDS)] for i in range(count))
    return 1 if failed or (tried and refused == 0) else 0


if __name__ == "__main__":
    sys.exit(main())
