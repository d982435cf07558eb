#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a point takes on disk: in our repo, and the same points in files and trackers that keep them
otherwise. The mixed report of twenty metrics, in a few long runs and in many short ones, and what a
Ray Tune job recorded of networks that it trained.

usage: sizes_bench.py --plugin LIBRARY --fill FILL_REPO --codec-bench CODEC_BENCH --demo RAY_DEMO
                      [--quick] [--json]

A point is one value of one metric; what it takes includes its share of step and time, and in our
repo and in trackers all that they keep of a run. The files get the whole of the runs, one row a
result; trackers, which need up to a millisecond a point, get the first results of the first runs,
and then so does the repo that they stand beside. Aim records the job of Ray's itself.
"""

import json
import pathlib
import subprocess
import sys
import tempfile
from typing import NamedTuple

import aim
import numpy
import optuna
import pyarrow
import pyarrow.csv
import pyarrow.parquet
import tensorboardX
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

import aimlog
from bench_report import Report, arguments
from gorilla import time_bits, xor_bits

AXES = ("step", "time")
COUNTER = "training_iteration"  # the step once more


def size_on_disk(path):
    files = [path] if path.is_file() else path.rglob("*")
    return sum(file.stat().st_blocks * 512 for file in files if file.is_file())


def fill(options, directory, runs, results):
    """Bytes of a repo of so many runs."""
    words = [options.fill, options.plugin, directory, str(runs), str(results), "20"]
    subprocess.run(words, check=True)
    return size_on_disk(directory / ".aimlog")


def run_table(run):
    """Step, time, and a column a metric, which is empty where a result did not have it."""
    series = {name: run[name] for name in sorted(run) if name != COUNTER}
    longest = max(series.values(), key=lambda each: len(each.step))
    columns = {"step": longest.step, "time": longest.time}
    for name, each in series.items():
        if len(each.step) == len(longest.step):
            columns[name] = each.value
        else:
            values = dict(zip(each.step.tolist(), each.value.tolist(), strict=True))
            columns[name] = [values.get(step) for step in longest.step.tolist()]
    return pyarrow.table(columns)


def read(directory):
    """A table of each run that has points; all have the same columns."""
    repo = aimlog.open(directory)
    runs = [repo[word] for word in repo.runs(metrics=False)["id"]]
    tables = [run_table(run) for run in runs if len(run) > 0]
    if len({table.schema for table in tables}) == 1:
        return tables
    schema = pyarrow.unify_schemas([table.schema for table in tables])
    return [pyarrow.concat_tables([schema.empty_table(), t], promote_options="default")
            for t in tables]  # fmt: skip


def count_points(tables):
    return sum(
        table.num_rows - table[name].null_count
        for table in tables
        for name in table.column_names
        if name not in AXES
    )


def words_of(table, name):
    """The values of a column that are there, as numbers of 64 bits."""
    values = table[name].drop_null().to_numpy()
    if values.dtype.itemsize != 8:
        values = values.astype(numpy.int64)
    return values.view(numpy.uint64)


def write_parquet(tables, path, **options):
    with pyarrow.parquet.ParquetWriter(path, tables[0].schema, **options) as writer:
        for table in tables:
            writer.write_table(table)


def write_split_parquet(tables, path):
    doubles = [field.name for field in tables[0].schema if field.type == "double"]
    encoding = dict.fromkeys(doubles, "BYTE_STREAM_SPLIT")
    write_parquet(tables, path, compression="zstd", use_dictionary=False, column_encoding=encoding)


def write_csv(tables, path):
    with pyarrow.csv.CSVWriter(path, tables[0].schema) as writer:
        for table in tables:
            writer.write_table(table)


def write_json(tables, path):
    with open(path, "w", encoding="utf-8") as file:
        for table in tables:
            file.writelines(json.dumps(row, default=str) + "\n" for row in table.to_pylist())


def write_numpy(tables, path):
    arrays = {
        f"{number}/{name}": words_of(table, name)
        for number, table in enumerate(tables)
        for name in table.column_names
    }
    with open(path, "wb") as file:
        numpy.savez_compressed(file, **arrays)


def write_zstd(tables, path):
    """All columns of a run, one after the other: nothing says where they begin."""
    codec = pyarrow.Codec("zstd", compression_level=3)
    with open(path, "wb") as file:
        for table in tables:
            columns = b"".join(words_of(table, name).tobytes() for name in table.column_names)
            file.write(codec.compress(columns, asbytes=True))


def write_gorilla(tables, path):
    """As many bytes as there would be: each run's steps and times once, not for each metric."""
    bits = 0
    for table in tables:
        for name in table.column_names:
            words = words_of(table, name)
            if name in AXES:
                bits += time_bits(words.view(numpy.int64).tolist())
            elif len(words) > 0:
                bits += xor_bits(words.tolist())
    path.write_bytes(bytes(bits // 8))


FILES = {
    "Parquet, zstd": lambda tables, path: write_parquet(tables, path, compression="zstd"),
    "Parquet, byte stream split, zstd": write_split_parquet,
    "zstd -3 of the raw columns": write_zstd,
    "Gorilla": write_gorilla,
    "NumPy, compressed": write_numpy,
    "CSV": write_csv,
    "JSON lines": write_json,
}


def metrics_of(row):
    return [name for name in row if name not in AXES]


def write_tensorboard(runs, path):
    for number, rows in enumerate(runs):
        with tensorboardX.SummaryWriter(str(path / str(number))) as writer:
            for row in rows:
                for name in metrics_of(row):
                    writer.add_scalar(name, row[name], row["step"])


def write_aim(runs, path):
    for rows in runs:
        run = aim.Run(repo=str(path), system_tracking_interval=None, capture_terminal_logs=False)
        for row in rows:
            run.track({name: row[name] for name in metrics_of(row)}, step=row["step"])
        run.close()


def write_optuna(runs, path):
    storage = JournalStorage(JournalFileBackend(str(path)))
    study = storage.create_new_study([optuna.study.StudyDirection.MINIMIZE])
    for rows in runs:
        for name in metrics_of(rows[0]):
            trial = storage.create_new_trial(study)  # a trial of Optuna's has one series
            for row in rows:
                storage.set_trial_intermediate_value(trial, row["step"], float(row[name]))


class Tracker(NamedTuple):
    name: str
    write: object
    runs: int
    results: int


TRACKERS = [
    Tracker("TensorBoardX", write_tensorboard, 1, 2000),
    Tracker("Aim", write_aim, 1, 2000),
    Tracker("TensorBoardX", write_tensorboard, 10, 100),
    Tracker("Aim", write_aim, 10, 100),
    Tracker("Optuna's journal", write_optuna, 1, 100),
]


class Bench:
    def __init__(self, options, folder):
        self.options = options
        self.report = Report(options.json)
        self.folder = folder

    def files(self, label, directory, ours):
        """Beside all kinds of files; `ours` bytes hold the same points."""
        tables = read(directory)
        points = count_points(tables)
        self.report.say(f"{label}: {points:,} points")
        for peer, write in FILES.items():
            path = self.folder / "file"
            write(tables, path)
            bytes_each = size_on_disk(path) / points
            path.unlink()
            self.report.add(f"a point of {label}", ours / points, "bytes", peer, bytes_each)
        return points

    def mixed(self, runs, results):
        directory = self.folder / f"{runs}x{results}"
        ours = fill(self.options, directory, runs, results)
        self.files(f"{runs} runs of {results:,} results", directory, ours)
        return directory

    def tracker(self, number, tracker, directory):
        few, many = tracker.runs, tracker.results
        if self.options.quick:
            few, many = min(few, 2), min(many, 100)
        runs = [table.slice(0, many).to_pylist() for table in read(directory)[:few]]
        path = self.folder / f"tracker{number}"
        tracker.write(runs, path)
        points = few * many * 20
        ours = fill(self.options, self.folder / f"ours{number}", few, many) / points
        label = f"a point of {few} {'run' if few == 1 else 'runs'} of {many:,} results"
        self.report.add(label, ours, "bytes", tracker.name, size_on_disk(path) / points)

    def job(self, trials, iterations):
        """Recorded by AimlogCallback and AimLoggerCallback."""
        directory = self.folder / "job"
        words = [sys.executable, self.options.demo, directory]
        words += ["--trials", str(trials), "--iterations", str(iterations)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"the job failed: {done.stderr[-2000:]}")
        label = f"a recorded job, {2 * trials} networks of {iterations} epochs"
        ours = size_on_disk(directory / ".aimlog")
        points = self.files(label, directory, ours)
        aim_bytes = size_on_disk(directory / ".aim")
        self.report.add(f"a point of {label}", ours / points, "bytes", "Aim", aim_bytes / points)
        self.blocks(label, directory)

    def blocks(self, label, directory):
        """The same points without all else that the repo keeps."""
        words = [self.options.codec_bench, "--json", "--repo", directory]
        done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True)
        for line in map(json.loads, done.stdout.splitlines()):
            kind, _, what = line["name"].partition(": ")
            if kind == "size of a value" and what == "all of them":
                name = f"a point of {label}, its blocks alone"
                beside = (line["reference"], line["reference_value"])
                self.report.add(name, line["value"], "bytes", *beside)


def main():
    options = arguments(__doc__, "--plugin", "--fill", "--codec-bench", "--demo").parse_args()
    with tempfile.TemporaryDirectory(prefix="aimlog-bench-") as name:
        bench = Bench(options, pathlib.Path(name))
        long_runs = bench.mixed(8, 1500 if options.quick else 12_500)
        bench.mixed(20 if options.quick else 200, 100)
        for number, tracker in enumerate(TRACKERS):
            bench.tracker(number, tracker, long_runs)
        bench.job(*((2, 10) if options.quick else (4, 40)))


if __name__ == "__main__":
    main()
