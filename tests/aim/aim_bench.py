#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An export beside Aim's SDK on the same data: time and bytes to write, time to read. JSON lines.

usage: aim_bench.py AIMLOG PLUGIN [RUNS]  (run by a Python that has Aim; default 200 runs)
"""

import json
import math
import os
import random
import subprocess
import sys
import time

import aim
from aim_support import Folder, export, open_repo, run_command
from make_runs import make_repo, params_of

AIMLOG, PLUGIN = (os.path.abspath(path) for path in sys.argv[1:3])
RUNS = int(sys.argv[3]) if len(sys.argv) > 3 else 200
METRICS, STEPS = 20, 100


def write_with_sdk(directory):
    """What make_repo tells the plugin, told to Aim: tracking, nothing else on."""
    chance = random.Random(0)
    for number in range(RUNS):
        run = aim.Run(repo=str(directory), experiment="many", system_tracking_interval=None,
                      log_system_params=False, capture_terminal_logs=False)
        sampled, config = params_of(number)
        run["hparams"], run["config"] = sampled, config
        for step in range(1, STEPS + 1):
            for metric in range(METRICS):
                value = math.exp(-step / (10 + metric)) + chance.random() * 0.01
                run.track(value, name=f"ray/tune/m{metric:02d}", step=step)
        run.close()
        del run


def seconds(work, *args):
    begun = time.monotonic()
    work(*args)
    return time.monotonic() - begun


def size_of(directory):
    words = ["du", "-s", "--block-size=1", directory]
    done = subprocess.run(words, capture_output=True, check=True)
    return int(done.stdout.split()[0])


def read_metric(directory, name):
    repo = open_repo(directory)
    points = 0
    for each in repo.query_metrics(f"metric.name == '{name}'", report_mode=0).iter_runs():
        for metric in each:
            points += len(metric.values.values_list())
    assert points == RUNS * STEPS, points


def index_of(directory):
    """What `aim storage reindex` does: the SDK alone leaves its repos without."""
    from aim.sdk.index_manager import RepoIndexManager

    manager = RepoIndexManager(open_repo(directory))
    for run_hash in os.listdir(directory / ".aim/meta/chunks"):
        manager.index(run_hash)


def report(name, ours, theirs, unit, goal):
    ratio = theirs / ours
    line = {"name": name, "ours": round(ours, 6), "aim": round(theirs, 6), "unit": unit,
            "ratio": round(ratio, 2), "goal": goal, "reached": ratio >= goal}
    print(json.dumps(line), flush=True)


def main():
    with Folder() as folder:
        for name in ("ours", "theirs"):
            (folder / name).mkdir()
        make_repo(PLUGIN, folder / "ours", RUNS, METRICS, STEPS)
        theirs = seconds(write_with_sdk, folder / "theirs")
        ours = min(
            seconds(export, AIMLOG, folder / "ours", folder / f"aim{i}") for i in range(3)
        )
        report("write a run", ours / RUNS, theirs / RUNS, "s", 20)
        report("bytes of a repo", size_of(folder / "aim0"), size_of(folder / "theirs"), "bytes", 10)
        index_of(folder / "theirs")
        times = [(seconds(read_metric, folder / "aim0", "ray/tune/m03"),
                  seconds(read_metric, folder / "theirs", "ray/tune/m03")) for _ in range(3)]
        ours_read, theirs_read = (min(column) for column in zip(*times))
        report("read a metric of all runs", ours_read, theirs_read, "s", 1)
        unchanged = seconds(export, AIMLOG, folder / "ours", folder / "aim0")
        report("export again, nothing new", unchanged, ours, "s", 5)
        # Beside a million points a second: what an export wrote, and what Aim did.
        points = RUNS * METRICS * STEPS
        for name, source in (("import", "aim0"), ("import of Aim's own", "theirs")):
            times = []
            for i in range(3):
                words = ["import", "--from", "aim", folder / source, "--repo",
                         folder / f"from {source} {i}"]  # fmt: skip
                times.append(seconds(run_command, AIMLOG, *words))
            report(name, min(times), points / 1e6, "s", 1)


if __name__ == "__main__":
    main()
