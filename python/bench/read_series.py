#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Ten million points of one metric into NumPy, beside numpy.load of the same columns.

usage: read_series.py [--points N] [--runs N] [--times N] [--dir DIR]
Records the points first (in DIR, or in a directory that is removed at the end), then reads them:
one JSON line with the best times and their ratio. Columns: step, value, time, epoch, attempt.
"""

import argparse
import json
import pathlib
import random
import tempfile
import time

import numpy

import aimlog
from aimlog.host import Plugin

COLUMNS = ("step", "value", "time", "epoch", "attempt")


def record(folder, points, runs):
    """Losses as training gives them: doubles that use all their bits."""
    text = "repo: .\njournal_bytes: 64MiB\non_full: block\n"
    noise = random.Random(1)
    with Plugin(aimlog.library_path(), config_text=text, base_dir=folder) as plugin:
        plugin.setup(reserved_keys=["timesteps_total"])
        for run in range(runs):
            plugin.trial_start(f"run {run}")
            tell = plugin.trial_result
            for step in range(1, points // runs + 1):
                result = {"loss": noise.random() / step, "timesteps_total": step}
                tell(f"run {run}", result, run + 1)
            plugin.trial_complete(f"run {run}")


def best_of(times, work):
    best = float("inf")
    for _ in range(times):
        begun = time.perf_counter()
        result = work()
        best = min(best, time.perf_counter() - begun)
    return best, result


def measure(folder, times):
    repo = aimlog.open(folder)
    words = list(repo.runs(metrics=False)["id"])

    def read():
        series = [repo[word]["loss"] for word in words]
        return [[getattr(each, name) for name in COLUMNS] for each in series]

    seconds, columns = best_of(times, read)
    files = []
    for run, arrays in enumerate(columns):
        for name, array in zip(COLUMNS, arrays, strict=True):
            files.append(pathlib.Path(folder) / f"{run}-{name}.npy")
            numpy.save(files[-1], array)
    floor, _ = best_of(times, lambda: [numpy.load(file) for file in files])
    return seconds, floor, sum(len(arrays[0]) for arrays in columns)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--points", type=int, default=10_000_000)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--dir")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.dir or scratch
        if not (pathlib.Path(folder) / ".aimlog").is_dir():
            record(folder, options.points, options.runs)
        seconds, floor, points = measure(folder, options.times)
        size = (pathlib.Path(folder) / ".aimlog/data.mdb").stat().st_size
    print(json.dumps({
        "name": "read_series", "points": points, "runs": options.runs, "seconds": round(seconds, 4),
        "numpy_load_seconds": round(floor, 4), "ratio": round(seconds / floor, 2),
        "million_points_per_second": round(points / seconds / 1e6, 1),
        "file_bytes_per_point": round(size / points, 2),
    }))


if __name__ == "__main__":
    main()
