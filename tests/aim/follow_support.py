# SPDX-License-Identifier: Apache-2.0
"""A job that goes on, the command that follows it, and what Aim's SDK sees of it."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time

from aim_support import Fault, check, check_equal, chunk, export, plugin_host, raw_keys, read_repo
from aim_support import run_tests
from aimrocks.errors import RocksIOError

AIMLOG, PLUGIN = (os.path.abspath(path) for path in sys.argv[1:3])
SERIES = ("ray/tune/loss", "[]")
WAIT_S = 120  # also of a machine that has much else to do


class Job:
    """A job in a repo of ours, told to the real plugin in this process."""

    def __init__(self, directory, **fields):
        self.plugin = plugin_host.Plugin(PLUGIN, f"repo: {directory}\ntags: [live]\n")
        told = {"experiment_name": "live", "host_name": "test", "metric_namespace": "ray/tune/"}
        self.plugin.setup(reserved=["training_iteration"], **told, **fields)

    def told(self):
        """The plugin, to be told of something that happens now."""
        self.plugin.time_ns = time.time_ns()
        return self.plugin

    def start(self, *trials):
        for trial in trials:
            self.told().start(trial, name=f"train_{trial}", params={"lr": 0.1}, config={"seed": 1})

    def result(self, trial, step, value=None):
        loss = 1.0 / step if value is None else value
        self.told().result({"loss": loss, "acc": step, "training_iteration": step}, trial)

    def results(self, trial, steps):
        for step in steps:
            self.result(trial, step)

    def complete(self, *trials):
        for trial in trials:
            self.told().complete(trial)

    def end(self):
        self.told().end()
        self.plugin.destroy()


class Follower:
    """The command at work, until the end of the block."""

    def __init__(self, repo, directory, *words, stdin=subprocess.DEVNULL):
        self.words = [AIMLOG, "export", "--format", "aim", "--repo", repo, "--output", directory]
        self.words += ["--follow", *words]
        self.stdin = stdin

    def __enter__(self):
        self.process = subprocess.Popen(
            list(map(str, self.words)), stdin=self.stdin, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def ended(self, status=0):
        """Waits for it to end by itself; gives stdout and stderr."""
        out, err = self.process.communicate(timeout=WAIT_S)
        check_equal(self.process.returncode, status, f"exit status: {out} {err}")
        return out, err

    def stop(self, number=signal.SIGINT):
        self.process.send_signal(number)
        return self.ended()


def until(probe, what, limit=WAIT_S):
    """Waits until `probe` gives something; gives that."""
    end = time.monotonic() + limit
    found = None
    while time.monotonic() < end:
        try:
            found = probe()
        except (LookupError, FileNotFoundError, RuntimeError, RocksIOError, Fault):
            found = None  # it is not there yet, or came or was replaced while it was looked at
        if found:
            return found
        time.sleep(0.1)
    raise Fault(f"waited {limit} s for {what}")


def by_trial(directory):
    if not (directory / ".aim").exists():
        return {}
    return {run["params"]["trial_id"]: {**run, "hash": run_hash}
            for run_hash, run in read_repo(directory).items()}  # fmt: skip


def steps_of(directory, trial):
    """Steps of a trial's loss as the SDK sees them now."""
    return [point[0] for point in by_trial(directory)[trial]["series"].get(SERIES, [])]


def marks(directory):
    root = directory / ".aim"
    folders = ["meta/progress", "seqs/progress", "check_ins", "locks"]
    return sorted(f"{folder}/{name}" for folder in folders for name in os.listdir(root / folder))


def trees(directory):
    """Every key of every run."""
    hashes = os.listdir(directory / ".aim/meta/chunks")
    kinds = ("meta", "seqs")
    return {each: [raw_keys(chunk(directory, kind, each)) for kind in kinds] for each in hashes}


def check_like_fresh(folder, *words, repo="ours", directory="aim"):
    """What was followed is what an export into another directory gives now."""
    export(AIMLOG, folder / repo, folder / "fresh", *words)
    left, fresh = trees(folder / directory), trees(folder / "fresh")
    check_equal(sorted(left), sorted(fresh), "runs")
    for run_hash, pair in fresh.items():
        for kind in (0, 1):
            ours, theirs = left[run_hash][kind], pair[kind]
            check_equal(ours, theirs, f"{run_hash}, {('meta', 'seqs')[kind]}")
    index = raw_keys(folder / directory / ".aim/meta/index")
    for meta, _ in left.values():
        own = {key: value for key, value in meta.items() if key.startswith(b"meta\xfechunks")}
        check(own.items() <= index.items(), "the index lacks something of a run")
    check_equal(marks(folder / directory), [], "marks")
    left = sorted(os.listdir(folder / directory / ".aim/aimlog"))
    check_equal(left, ["export.sqlite", "lock"], "leftovers")


def run_one(test):
    return run_tests({test.__name__: test})


def run_side_by_side(names):
    """As run_tests(), several at once: these wait more than they work."""
    tests = [value for name, value in sorted(names.items()) if name.startswith("test_")]
    with multiprocessing.get_context("fork").Pool(5, maxtasksperchild=1) as pool:
        return max(pool.map(run_one, tests, chunksize=1))
