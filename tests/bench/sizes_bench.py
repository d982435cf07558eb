#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a point takes on disk: the mixed report of twenty metrics in our repo, and the same points
in files and trackers that keep them otherwise.

usage: sizes_bench.py --plugin LIBRARY --fill FILL_REPO [--quick] [--json]

A point is one value of one metric; what it takes includes its share of step and time. The files
get the whole of the runs, one row a result; trackers, which need up to a millisecond a point, get
the first run's first results, and then so does the repo that they stand beside.
"""

import json
import pathlib
import subprocess
import tempfile

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

RUNS = 8


def size_on_disk(path):
    files = [path] if path.is_file() else path.rglob("*")
    return sum(file.stat().st_blocks * 512 for file in files if file.is_file())


def fill(options, directory, runs, results):
    words = [options.fill, options.plugin, directory, str(runs), str(results), "20"]
    subprocess.run(words, check=True)
    return size_on_disk(directory) / (runs * results * 20)


def read(directory):
    """A table of each run: step, time, and a column a metric."""
    tables = []
    repo = aimlog.open(directory)
    for word in repo.runs(metrics=False)["id"]:
        run = repo[word]
        series = {name: run[name] for name in sorted(run)}
        first = next(iter(series.values()))
        columns = {"step": first.step, "time": first.time}
        columns |= {name: each.value for name, each in series.items()}
        tables.append(pyarrow.table(columns))
    return tables


def write_parquet(tables, path, **options):
    with pyarrow.parquet.ParquetWriter(path, tables[0].schema, **options) as writer:
        for table in tables:
            writer.write_table(table)


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
        f"{number}/{name}": table[name].to_numpy()
        for number, table in enumerate(tables)
        for name in table.column_names
    }
    numpy.savez_compressed(path, **arrays)


FILES = {
    "Parquet, zstd": lambda t, path: write_parquet(t, path, compression="zstd"),
    "Parquet, byte stream split, zstd": lambda t, path: write_parquet(
        t,
        path,
        compression="zstd",
        use_dictionary=False,
        column_encoding={
            field.name: "BYTE_STREAM_SPLIT" for field in t[0].schema if field.type == "double"
        },
    ),
    "NumPy, compressed": lambda t, path: write_numpy(t, path.with_suffix(".npz")),
    "CSV": write_csv,
    "JSON lines": write_json,
}


def metrics_of(row):
    return [name for name in row if name not in ("step", "time")]


def write_tensorboard(rows, path):
    with tensorboardX.SummaryWriter(str(path)) as writer:
        for row in rows:
            for name in metrics_of(row):
                writer.add_scalar(name, row[name], row["step"])


def write_aim(rows, path):
    run = aim.Run(repo=str(path), system_tracking_interval=None, capture_terminal_logs=False)
    for row in rows:
        run.track({name: row[name] for name in metrics_of(row)}, step=row["step"])
    run.close()


def write_optuna(rows, path):
    storage = JournalStorage(JournalFileBackend(str(path)))
    study = storage.create_new_study([optuna.study.StudyDirection.MINIMIZE])
    for name in metrics_of(rows[0]):
        trial = storage.create_new_trial(study)  # a trial of Optuna's has one series
        for row in rows:
            storage.set_trial_intermediate_value(trial, row["step"], float(row[name]))


TRACKERS = {
    "TensorBoardX": (write_tensorboard, 2000),
    "Aim": (write_aim, 2000),
    "Optuna's journal": (write_optuna, 100),
}


def main():
    options = arguments(__doc__, "--plugin", "--fill").parse_args()
    report = Report(options.json)
    with tempfile.TemporaryDirectory(prefix="aimlog-bench-") as name:
        folder = pathlib.Path(name)
        results = 1500 if options.quick else 12_500
        ours = fill(options, folder / "ours", RUNS, results)
        tables = read(folder / "ours")
        for number, (peer, write) in enumerate(FILES.items()):
            path = folder / f"file{number}"
            write(tables, path)
            (path,) = folder.glob(f"file{number}*")
            bytes_each = size_on_disk(path) / (RUNS * results * 20)
            label = f"a point of {RUNS} runs of {results:,} results, on disk"
            report.add(label, ours, "bytes", peer, bytes_each)
        for number, (peer, (write, count)) in enumerate(TRACKERS.items()):
            count = min(count, 100) if options.quick else count
            rows = tables[0].slice(0, count).to_pylist()
            path = folder / f"tracker{number}"
            write(rows, path)
            ours = fill(options, folder / f"ours{number}", 1, count)
            label = f"a point of one run of {count:,} results, on disk"
            report.add(label, ours, "bytes", peer, size_on_disk(path) / (count * 20))


if __name__ == "__main__":
    main()
