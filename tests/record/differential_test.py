#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One tuner binary with both plugins, with one, with none, and with plugins exchanged in mid-job.

What the repo holds is, bit for bit, what the recording rules make of the JSON lines.

usage: differential_test.py TUNER AIMLOG_PLUGIN JSONL_PLUGIN AIMLOG_COMMAND
"""

import concurrent.futures
import copy
import json
import math
import os
import subprocess
import sys
import tempfile
import threading

from json_lines import from_typed, read_lines
from recording_rules import ANY, Job, summarize

TUNER, AIMLOG_PLUGIN, JSONL_PLUGIN, AIMLOG = (os.path.abspath(path) for path in sys.argv[1:5])
SCRATCH = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
SCHEDULERS = ("random", "asha", "pbt")
SEEDS = range(1, 25)
SWAP_SEEDS = range(1, 7)
ALONE_SEEDS = range(1, 4)
TEXTS = "trial_id trial_name trainable_name experiment_tag local_dir remote_dir".split()
HOST_TEXTS = "experiment_dir host_name host_version metric_namespace metric mode".split()
AGGREGATES = "first last min max".split()
COUNTS = "count first_step last_step min_step max_step nan_count inf_count".split()


class Search:
    """A directory in which the tuner runs with some plugins."""

    def __init__(self, root, name, seed):
        self.directory, self.seed = os.path.join(root, name), seed
        os.mkdir(self.directory)
        for file, text in (("repo.yaml", "repo: repo\n"), ("lines.conf", "path: lines.jsonl\n")):
            with open(os.path.join(self.directory, file), "w", encoding="utf-8") as out:
                out.write(text)

    AIMLOG = (AIMLOG_PLUGIN, "repo.yaml")
    JSONL = (JSONL_PLUGIN, "lines.conf")

    def run(self, *plugins, swap=None, quiet=True):
        command = [TUNER, "--fixed-clock", "--samples", "5", "--epochs", "4", "--fail-rate", "0.3"]
        command += ["--scheduler", SCHEDULERS[self.seed % 3], "--seed", str(self.seed)]
        for library, config in plugins:
            command += ["--plugin", library, "--config", config]
        if swap:
            command += ["--swap-after", str(swap[0]), "--swap-to", ",".join(swap[1])]
        command += ["--quiet"] * quiet
        done = subprocess.run(
            command, cwd=self.directory, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        assert not quiet or done.stdout == done.stderr == "", (command, done.stdout, done.stderr)
        return done.stdout

    def lines(self):
        return read_lines(os.path.join(self.directory, "lines.jsonl"))

    def runs(self):
        """The repo, run by run in the order of the trials' ids, without what only it can know."""
        command = [AIMLOG, "show", "--all", "--json", "--types", "--points", "--repo", "repo"]
        out = subprocess.check_output(command, cwd=self.directory, text=True, timeout=60)
        runs = [json.loads(line) for line in out.splitlines()]
        return sorted(runs, key=lambda run: run["trial_id"])


class Comparison:
    """Counts what was equal, and lists what was not."""

    def __init__(self):
        self.points = self.values = 0
        self.differences = []
        self.lock = threading.Lock()

    def add(self, points, values):
        with self.lock:
            self.points += points
            self.values += values

    def equal(self, where, wanted, found):
        self.values += 1
        if wanted != found and wanted != ANY:
            self.differences.append((where, wanted, found))

    def job(self, job, runs):
        self.equal("trials", sorted(job.runs), [run["trial_id"] for run in runs])
        for run in runs:
            if run["trial_id"] in job.runs:
                self.run(job.runs[run["trial_id"]], run)
                self.setup(job, run)

    def setup(self, job, run):
        where = run["trial_id"] + ": job "
        found = run["job"]
        self.equal(where + "id", job.setup.get("job_id"), found["id"])
        self.equal("experiment", job.setup.get("experiment_name"), run["experiment"])
        for field in HOST_TEXTS:
            self.equal(where + field, job.setup.get(field), found[field])
        for field in ("num_samples", "total_num_samples"):
            self.equal(where + field, job.setup.get(field, 0), found[field])
        self.equal(where + "ended", job.ended_ns, found["ended_ns"])
        self.equal(where + "interrupted", job.interrupted, found["interrupted"])

    def run(self, wanted, found):
        where = wanted.texts["trial_id"] + ": "
        for field in TEXTS:
            self.equal(where + field, wanted.texts.get(field), found[field])
        for field in ("status", "created_ns", "ended_ns", "failures", "error"):
            self.equal(where + field, getattr(wanted, field), found[field])
        self.equal(where + "attempts", len(wanted.attempts), len(found["attempts"]))
        for number, (ours, theirs) in enumerate(zip(wanted.attempts, found["attempts"]), 1):
            for field, value in vars(ours).items():
                self.equal(f"{where}attempt {number}: {field}", value, theirs[field])
        history = [
            (at["time_ns"], at["attempt"], from_typed(at["params"]), from_typed(at["config"]))
            for at in found["params_history"]
        ]
        self.equal(where + "history of params", wanted.history, history)
        newest = (from_typed(found["params"]), from_typed(found["config"]))
        self.equal(where + "params", wanted.history[-1][2:] if history else (None, None), newest)
        checkpoints = [
            (at["time_ns"], at["attempt"], at["saved"], at["step"], at["path"])
            for at in found["checkpoints"]
        ]
        self.equal(where + "checkpoints", wanted.checkpoints, checkpoints)
        objects = {
            series_of(each): (each["count"], each["last_step"], from_typed(each["last"]))
            for each in found["objects"]
        }
        self.equal(where + "objects", wanted.objects, objects)
        names = sorted(map(series_of, found["metrics"]))
        self.equal(where + "metrics", sorted(wanted.series), names)
        for metric in found["metrics"]:
            self.metric(where, wanted.series.get(series_of(metric), []), metric)

    def metric(self, where, wanted, found):
        where += str(series_of(found))
        self.equal(where + " points", wanted, points_of(found))
        self.points += len(wanted)
        if not wanted:
            return
        summary = summarize(wanted)
        for field in AGGREGATES:
            self.equal(f"{where} {field}", summary[field], from_typed(found[field]))
        for field in COUNTS:
            self.equal(f"{where} {field}", summary[field], found[field])
        ours, theirs = summary["mean"], found["mean"]
        close = ours == theirs or (None not in (ours, theirs) and math.isclose(ours, theirs))
        self.equal(f"{where} mean {ours} {theirs}", True, close)


def series_of(node):
    return (node["name"], repr(from_typed(node["context"])))


def points_of(metric):
    points = []
    for at in metric["points"]:
        epoch, value = from_typed(at.get("epoch")), from_typed(at["value"])
        points.append((at["attempt"], at["step"], at["time_ns"], epoch, value))
    return points


def compare(events, runs, total, close=False):
    """`close`: the plugin was taken away in the middle, at a time that the events do not tell."""
    job = Job().take(events)
    if close:
        job.close(ANY)
    comparison = Comparison()
    comparison.job(job, runs)
    total.add(comparison.points, comparison.values)
    return comparison.differences


def expect_equal(name, differences):
    assert not differences, (name, len(differences), differences[:5])


# ---- the jobs


def both_at_once(root, seed, total):
    search = Search(root, f"both-{seed}", seed)
    search.run(search.AIMLOG, search.JSONL)
    runs = search.runs()
    expect_equal(f"seed {seed}", compare(search.lines(), runs, total))
    return search


def alone_and_none(root, seed, total):
    both = both_at_once(root, seed, total)
    lines, repo, none = (Search(root, f"{kind}-{seed}", seed) for kind in ("lines", "repo", "none"))
    told = [lines.run(lines.JSONL, quiet=False), repo.run(repo.AIMLOG, quiet=False)]
    told.append(none.run(quiet=False))
    assert lines.lines() == both.lines(), seed
    expect_equal(f"alone, seed {seed}", compare(both.lines(), repo.runs(), total))
    # What the tuner finds does not depend on who watches.
    assert told[0] == told[1] == told[2] and "trial_0" in told[2], told


def in_the_middle(root, seed, total):
    whole = Search(root, f"whole-{seed}", seed)
    whole.run(whole.JSONL)
    events = whole.lines()
    results = sum(event["event"] == "trial_result" for event in events)
    after = results * (1 + seed % 3) // 4
    forth, back, same = (Search(root, f"{way}-{seed}", seed) for way in ("forth", "back", "same"))
    forth.run(forth.AIMLOG, swap=(after, forth.JSONL))
    back.run(back.JSONL, swap=(after, back.AIMLOG))
    same.run(same.AIMLOG, swap=(after, same.AIMLOG))
    first, second = back.lines(), forth.lines()[1:]
    assert untold(first + second) == untold(events), seed
    forth_runs, back_runs = forth.runs(), back.runs()
    expect_equal(f"forth, seed {seed}", compare(first, forth_runs, total, close=True))
    expect_equal(f"back, seed {seed}", compare(events[:1] + second, back_runs, total))
    expect_equal(f"same, seed {seed}", compare(events, same.runs(), total))
    # Both parts together are the whole, whatever attempts each part could tell apart.
    wanted = points_told(Job().take(events))
    for repo, lines in ((forth_runs, second), (back_runs, first)):
        union = points_kept(repo) + points_told(Job().take(events[:1] + lines))
        assert sorted(union) == sorted(wanted), seed
        total.add(len(wanted), 0)


def untold(events):
    return [{k: v for k, v in event.items() if k not in ("seq", "resumed")} for event in events]


def points_told(job):
    return [
        repr((trial, series, point[1:]))
        for trial, run in job.runs.items()
        for series, points in run.series.items()
        for point in points
    ]


def points_kept(runs):
    return [
        repr((run["trial_id"], series_of(metric), point[1:]))
        for run in runs
        for metric in run["metrics"]
        for point in points_of(metric)
    ]


# ---- planted faults: each of these changes must be noticed


def change_last_bit(events):
    event = next(e for e in events if e["event"] == "trial_result" and "recall" in e["result"])
    event["result"]["recall"]["3"] = math.nextafter(event["result"]["recall"]["3"], 2.0)


def change_type(events):
    event = next(e for e in events if e["event"] == "trial_result")
    event["result"]["samples_seen"] = float(event["result"]["samples_seen"])


def change_step(events):
    [e for e in events if e["event"] == "trial_result"][-1]["result"]["training_iteration"] += 1


def change_time(events):
    [e for e in events if e["event"] == "trial_result"][3]["time_ns"] += 1


def change_epoch(events):
    [e for e in events if e["event"] == "trial_result"][2]["result"]["epoch"] = 77


def change_context(events):
    [e for e in events if e["event"] == "trial_result"][4]["result"]["context"]["subset"] = "test"


def change_param(events):
    [e for e in events if e["event"] == "trial_start"][-1]["params"]["momentum"] = 0.5


def change_config(events):
    [e for e in events if e["event"] == "trial_start"][0]["config"]["data"]["classes"].append(10)


def change_status(events):
    event = [e for e in events if e["event"] == "trial_complete"][0]
    event["status"] = 6 if event.get("status") == 4 else 4


def change_error(events):
    [e for e in events if "error_text" in e][-1]["error_text"] = "other"


def change_text(events):
    [e for e in events if "note" in e.get("result", {})][-1]["result"]["note"] = "other"


def lose_a_line(events):
    events.remove([e for e in events if e["event"] == "trial_result"][5])


def double_a_line(events):
    events.insert(-1, [e for e in events if e["event"] == "trial_start"][0])


def lose_a_checkpoint(events):
    events.remove([e for e in events if e["event"] == "trial_save"][0])


PLANTS = [change_last_bit, change_type, change_step, change_time, change_epoch, change_context]
PLANTS += [change_param, change_config, change_status, change_error, change_text]
PLANTS += [lose_a_line, double_a_line, lose_a_checkpoint]


def planted_faults_are_noticed(search):
    runs, events = search.runs(), search.lines()
    expect_equal("unchanged", compare(events, runs, Comparison()))
    for plant in PLANTS:
        changed = copy.deepcopy(events)
        plant(changed)
        assert json.dumps(changed) != json.dumps(events), plant.__name__
        assert compare(changed, runs, Comparison()), plant.__name__


def main():
    total = Comparison()
    with tempfile.TemporaryDirectory(dir=SCRATCH) as root:
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            jobs = [pool.submit(in_the_middle, root, seed, total) for seed in SWAP_SEEDS]
            for seed in SEEDS:
                work = alone_and_none if seed in ALONE_SEEDS else both_at_once
                jobs.append(pool.submit(work, root, seed, total))
            results = [job.result() for job in jobs]
        # Has failures, retries and texts.
        planted_faults_are_noticed(results[-1])
    print(f"{len(jobs)} jobs, {total.points} points and {total.values} other values compared")
    assert len(SEEDS) >= 20 and total.points > 20000 and total.values > 70000


if __name__ == "__main__":
    main()
