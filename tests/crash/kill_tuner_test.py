#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The example tuner is killed at random moments and resumed: with the plugin's state, without it,
without its own state too, or not at all but for `aimlog ls`.

usage: kill_tuner_test.py CRASH_HOST PLUGIN COMMAND TUNER [SEED]
"""

import collections
import concurrent.futures
import os
import random
import struct
import subprocess
import sys
import tempfile
import time

from crash_support import LONG, SCRATCH, Programs, Repo, series, wait_until

CHAINS, KILLS = 2 * LONG, 10
SCHEDULERS = ("random", "pbt", "asha")


def read_tuner_acks(path):
    """How often each result was acknowledged, by how many processes: host-example/ack_file.h."""
    with open(path, "rb") as file:
        magic, version, size, count = struct.unpack("<8sIIQ40x", file.read(64))
        data = file.read(64 * count)
    if version == 0:  # it has just been made
        return collections.Counter(), 0
    assert (magic, version, size) == (b"TUNERACK", 1, 64)
    told = collections.Counter()
    processes = set()
    for i in range(count):
        name, attempt, subset, step, loss, _, process, when = struct.unpack_from(
            "<24sIIqQIIq", data, 64 * i
        )
        told[(name.rstrip(b"\0").decode(), attempt, subset, step, loss, when)] += 1
        processes.add(process)
    return told, len(processes)


def recorded(runs):
    """The same, of the repo: job directory -> counts."""
    jobs = collections.defaultdict(collections.Counter)
    for run in runs:
        seen = jobs[os.path.basename(run["job"]["experiment_dir"].rstrip("/"))]
        attempts = [attempt["host_attempt"] for attempt in run["attempts"]]
        for metric in run["metrics"]:
            if metric["name"] != "loss":
                continue
            subset = ("train", "val").index(metric["context"]["value"]["subset"]["value"])
            for point in metric["points"]:
                bits = int(point["value"]["bits"], 16)
                attempt = attempts[point["attempt"] - 1]
                key = (run["trial_id"], attempt, subset, point["step"], bits, point["time_ns"])
                seen[key] += 1
    return jobs


def judge_job(name, told, processes, seen):
    """`told`: what was acknowledged to so many processes; `seen`: what is recorded."""
    missing, more = told - seen, seen - told
    assert not missing, f"{name}: missing {list(missing)[:5]}"
    # One result of each process may have been recorded and not come to be acknowledged.
    assert sum(more.values()) <= processes, f"{name}: not told {list(more)[:5]}"
    assert max(seen.values()) == 1, f"{name}: doubled"


def judge_ids(runs, known):
    """`known`: the run of each trial so far; those of new trials are added."""
    for run in runs:
        key = (run["job"]["experiment_dir"], run["trial_id"])
        assert known.setdefault(key, run["id"]) == run["id"], ("the trial has a new run", key)


class Chain:
    def __init__(self, programs, root, seed, scheduler):
        self.random = random.Random(seed)
        self.repo = Repo(programs, root)
        self.root = root
        self.scheduler = scheduler
        self.jobs = 0
        self.processes = 0  # of the newest job
        self.kills = 0
        self.ids = {}
        with open(os.path.join(root, "aimlog.yaml"), "w", encoding="utf-8") as file:
            file.write("repo: repo\ncommit_interval_ms: 20\n")
        self.new_job()

    def new_job(self):
        self.jobs += 1
        self.processes = 0

    def path(self, name=""):
        return os.path.join(self.root, f"job-{self.jobs}", name)

    def acks(self):
        return os.path.join(self.root, f"acks-{self.jobs}")

    def start(self, *options):
        words = [self.repo.programs.tuner, "--plugin", self.repo.programs.plugin, "--quiet"]
        words += ["--config", os.path.join(self.root, "aimlog.yaml"), "--job-dir", self.path()]
        words += ["--ack-file", self.acks(), "--scheduler", self.scheduler, *options]
        words += ["--samples", "4", "--epochs", "6", "--fail-rate", "0.2"]
        words += ["--resume"] if self.processes > 0 else ["--seed", str(self.jobs)]
        self.processes += 1
        return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def told(self):
        if not os.path.exists(self.acks()) or os.path.getsize(self.acks()) < 64:
            return 0
        return sum(read_tuner_acks(self.acks())[0].values())

    def kill_one(self):
        # The moment is counted in results: a quick machine is through with a job in 0.1 s.
        enough = self.told() + self.random.randint(1, 16)
        process = self.start()
        wait_until(lambda: self.told() >= enough or process.poll() is not None, "it told results")
        time.sleep(self.random.uniform(0, 0.02))
        process.kill()
        out, err = process.communicate()
        assert process.returncode in (-9, 0), (process.returncode, out, err)
        self.kills += process.returncode == -9
        return process.returncode == 0  # it had come to its end

    def after_kill(self, turn, ended):
        if turn % 3 == 1 and not ended:
            self.forget("plugin-0.state")
            if self.random.random() < 0.3:
                self.forget("job.state")
        elif turn % 3 == 2 or ended:
            open_runs = [s for s in self.repo.statuses().values() if s in ("running", "paused")]
            assert not open_runs, "a run of a dead writer is open"
            self.check()
            self.new_job()

    def forget(self, name):
        if os.path.exists(self.path(name)):
            os.unlink(self.path(name))

    def check(self):
        runs = self.repo.runs()
        jobs = recorded(runs)
        for number in range(1, self.jobs + 1):
            acks = os.path.join(self.root, f"acks-{number}")
            if os.path.exists(acks):
                judge_job(f"job {number}", *read_tuner_acks(acks), jobs[f"job-{number}"])
        judge_ids(runs, self.ids)

    def finish(self):
        process = self.start()
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, (out, err)
        self.check()
        stats = self.repo.stats()
        assert (stats["lost.results"], stats["lost.others"]) == (0, 0), stats


def run_chain(programs, seed, scheduler):
    with tempfile.TemporaryDirectory(prefix="aimlog-kill-", dir=SCRATCH) as root:
        chain = Chain(programs, root, seed, scheduler)
        try:
            for turn in range(5 * KILLS):
                chain.after_kill(turn, chain.kill_one())
                if chain.kills == KILLS:
                    break
            assert chain.kills == KILLS, f"it was killed {chain.kills} times only"
            chain.finish()
        except Exception as error:
            saved = os.environ.get("AIMLOG_KEEP")
            if saved:
                os.rename(root, os.path.join(saved, f"tuner-{seed}"))
                os.mkdir(root)
            raise AssertionError(f"seed {seed}, {scheduler}: {error!r}") from error


def main():
    programs = Programs(sys.argv[1:5])
    seed = int(sys.argv[5]) if len(sys.argv) > 5 else random.randrange(1 << 32)
    print(f"seed {seed}", flush=True)
    failed = False
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        chains = [
            pool.submit(run_chain, programs, seed + i, SCHEDULERS[(seed + i) % 3])
            for i in range(CHAINS)
        ]
        for chain in chains:
            if chain.exception() is not None:
                failed = True
                print(f"FAILED {chain.exception()}", flush=True)
    print(f"{CHAINS * KILLS} kills of the tuner")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
