#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/aim/golden/aim-3.10.3.tar.xz: a repo as Aim wrote it before it hashed steps.

usage: make_old_repo.py  (with Aim 3.10.3, sqlalchemy<2, numpy<2; there is none for Python 3.11)
old_repo_test.py says what must be in it.
"""

import gc
import math
import os
import pathlib
import subprocess
import sys
import tarfile
import tempfile

import aim
import numpy

HERE = pathlib.Path(__file__).resolve().parent
NEEDED = ("VERSION", ".sqlite", "CURRENT", ".sst", ".log", "LOCK")
QUIET = {"system_tracking_interval": None, "log_system_params": False}


def closed_run(repo):
    run = aim.Run(repo=repo, experiment="old", **QUIET)
    run.name = "closed"
    run.add_tag("kept")
    run["hparams"] = {"lr": 0.1, "deep": {"x": [1, None, {"y": 2}]}}
    run["n"] = 3
    for step in (3, 0, 1, 2, 300, 2**40):
        run.track(step / 7, name="loss", step=step, epoch=step // 2, context={"subset": "val"})
        run.track(step, name="count", step=step)
    run.track(7.5, name="loss", step=1, context={"subset": "val"})  # in the place of another
    for i in range(20):
        run.track(1.0 / (i + 1), name="auto")
    run.track(numpy.float64(0.1), name="np", step=0)
    run.track(math.nan, name="nan", step=0)
    run.track(-1.0, name="negative", step=-5)
    run.track(aim.Text("words"), name="texts", step=0)
    run.finalize()


def lost_run(repo):
    """Never closed, and still in the write-ahead log."""
    run = aim.Run(repo=repo, experiment="old", **QUIET)
    run.name = "lost"
    for step in range(5):
        run.track(float(step), name="loss", step=step)
    os._exit(0)


def main():
    if sys.argv[1:2] == ["--write"]:
        closed_run(sys.argv[2])
        gc.collect()
        lost_run(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, __file__, "--write", folder], check=True)
        with tarfile.open(HERE / "golden/aim-3.10.3.tar.xz", "w:xz") as tar:
            for path in sorted(pathlib.Path(folder).rglob("*")):
                needed = path.name.startswith("MANIFEST") or path.name.endswith(NEEDED)
                if path.is_file() and needed and "index" not in path.parts:
                    tar.add(path, path.relative_to(folder))


if __name__ == "__main__":
    main()
