# SPDX-License-Identifier: Apache-2.0
"""What the tests of Aim's format share: the command, and an Aim repo as Aim's own code reads it."""

import logging
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "record"))

import aimrocks
from aim import Repo
import plugin_host  # noqa: F401: for the tests

LONG = os.environ.get("AIMLOG_LONG") == "1"
SCRATCH = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
# Where a query says nothing of it, Aim leaves out what is archived.
ALL = "run.archived or not run.archived"
logging.disable(logging.WARNING)


class Fault(Exception):
    """What must not be."""


def check(condition, *what):
    if not condition:
        raise Fault(" ".join(map(str, what)))


def check_equal(ours, theirs, what):
    check(ours == theirs, f"{what}: {ours!r} is not {theirs!r}")


class Folder:
    """A directory that goes away."""

    def __enter__(self):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="aimlog-aim.", dir=SCRATCH))
        return self.path

    def __exit__(self, *_):
        Repo._pool.clear()
        shutil.rmtree(self.path, ignore_errors=True)


class Unreadable:
    """A file that nobody can open, root neither, until the end of the block."""

    def __init__(self, path, folder):
        self.path, self.kept = path, folder / "kept aside"

    def __enter__(self):
        os.rename(self.path, self.kept)
        self.path.symlink_to(self.path.name)  # to itself

    def __exit__(self, *_):
        os.replace(self.kept, self.path)


def run_command(command, *words, status=0, **more):
    """Runs the command and gives stdout and stderr."""
    done = subprocess.run(
        [command, *map(str, words)], capture_output=True, text=True, timeout=300, check=False,
        **more,
    )  # fmt: skip
    check(done.returncode == status, words, "ended with", done.returncode, done.stdout, done.stderr)
    return done.stdout, done.stderr


def export(command, repo, directory, *words, status=0, **more):
    words = ["export", "--format", "aim", "--output", directory, "--repo", repo, *words]
    return run_command(command, *words, status=status, **more)


def open_repo(directory):
    """A Repo that has seen nothing yet."""
    Repo._pool.clear()
    return Repo(str(directory))


def raw_keys(path):
    """Every key and value of one of Aim's databases."""
    database = aimrocks.DB(str(path), aimrocks.Options(create_if_missing=False), read_only=True)
    items = database.iteritems()
    items.seek_to_first()
    return dict(items)


def chunk(directory, kind, run_hash):
    return pathlib.Path(directory) / ".aim" / kind / "chunks" / run_hash


def props_of(run):
    return {
        "name": run.name, "experiment": run.experiment, "description": run.description,
        "tags": sorted(run.tags), "archived": run.archived, "created": run.creation_time,
        "end": run.end_time,
    }  # fmt: skip


def read_repo(directory):
    """All runs as Aim's SDK shows them: props, params, and series with all their points."""
    repo = open_repo(directory)
    runs = {}
    for run in repo.iter_runs():
        runs[run.hash] = {**props_of(run), "params": run[...], "series": {}}
    listed = {each.run.hash for each in repo.query_runs(ALL, report_mode=0).iter_runs()}
    check_equal(sorted(listed), sorted(runs), "query_runs beside iter_runs")
    for collection in repo.query_metrics(ALL, report_mode=0).iter_runs():
        for metric in collection:
            key = (metric.name, str(sorted(metric.context.to_dict().items())))
            steps, columns = metric.data.items_list()
            points = list(zip(steps, *map(list, columns)))
            runs[metric.run.hash]["series"][key] = points
    return runs


def run_tests(names):
    """Calls each test of a module with an empty folder. Returns the exit status."""
    tests = [value for name, value in sorted(names.items()) if name.startswith("test_")]
    failures = 0
    for test in tests:
        try:
            with Folder() as folder:
                test(folder)
            print("ok  ", test.__name__, flush=True)
        except Exception as fault:  # noqa: BLE001: the next test runs all the same
            failures += 1
            print("FAIL", test.__name__, type(fault).__name__, str(fault)[:1000], flush=True)
            if not isinstance(fault, Fault):
                traceback.print_exc()
    print(f"{len(tests) - failures} of {len(tests)} passed", flush=True)
    return 1 if failures else 0


def run_and_leave(main):
    """Aim waits for ever at the end of a process that failed with a run open: leave without it."""
    try:
        status = main()
    except BaseException:
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    os._exit(status)
