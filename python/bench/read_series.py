#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A metric's points into NumPy, from a hundred of them to ten million, beside numpy.load of the
same columns.

usage: read_series.py [--quick] [--json]

Each number of points is one run, recorded beforehand. Columns: step, value, time, epoch, attempt.
"""

import pathlib
import random
import tempfile
import time

import numpy

import aimlog
from aimlog.host import Plugin
from bench_report import Report, arguments

COLUMNS = ("step", "value", "time", "epoch", "attempt")


def record(folder, sizes):
    """Losses as training gives them: doubles that use all their bits."""
    text = "repo: .\njournal_bytes: 64MiB\non_full: block\n"
    noise = random.Random(1)
    with Plugin(aimlog.library_path(), config_text=text, base_dir=folder) as plugin:
        plugin.setup(reserved_keys=["timesteps_total"])
        for key, points in enumerate(sizes, 1):
            plugin.trial_start(f"run {points}", key=key)
            tell = plugin.trial_result
            for step in range(1, points + 1):
                tell(f"run {points}", {"loss": noise.random() / step, "timesteps_total": step}, key)
            plugin.trial_complete(f"run {points}")


def best_of(times, work):
    best = float("inf")
    for _ in range(times):
        begun = time.perf_counter()
        result = work()
        best = min(best, time.perf_counter() - begun)
    return best, result


def measure(folder, points, report):
    repo = aimlog.open(folder)
    runs = repo.runs(metrics=False)
    trials = dict(zip(runs["trial_id"], runs["id"], strict=True))
    word = trials[f"run {points}"]
    times = 3 if points > 1_000_000 else 9

    def read():
        series = repo[word]["loss"]
        return [getattr(series, name) for name in COLUMNS]

    seconds, columns = best_of(times, read)
    if len(columns[0]) != points:
        raise SystemExit(f"{len(columns[0])} points where {points} were recorded")
    files = [pathlib.Path(folder) / f"{name}.npy" for name in COLUMNS]
    for file, array in zip(files, columns, strict=True):
        numpy.save(file, array)
    floor, _ = best_of(times, lambda: [numpy.load(file) for file in files])
    report.add(
        f"series into NumPy, {points:,} points", seconds * 1e3, "ms", "numpy.load", floor * 1e3
    )


def main():
    options = arguments(__doc__).parse_args()
    sizes = [100, 1000, 10_000, 100_000, 1_000_000]
    if not options.quick:
        sizes.append(10_000_000)
    report = Report(options.json)
    with tempfile.TemporaryDirectory(prefix="aimlog-bench-") as folder:
        record(folder, sizes)
        for points in sizes:
            measure(folder, points, report)


if __name__ == "__main__":
    main()
