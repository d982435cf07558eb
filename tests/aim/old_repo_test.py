#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs of Aim 3.10.3, whose points are in the place of their steps, come in like any others.

usage: old_repo_test.py AIMLOG PLUGIN  (run by a Python that has Aim)
"""

import os
import pathlib
import sys
import tarfile

from aim_support import Fault, check, check_equal, run_command, run_tests
from import_test import bring, listing, show

GOLDEN = pathlib.Path(__file__).resolve().parent / "golden/aim-3.10.3.tar.xz"


def old_repo(folder):
    with tarfile.open(GOLDEN) as tar:
        tar.extractall(folder / "old")
    return folder / "old"


def shown_runs(folder):
    return {run["trial_name"]: run for run in show(folder / "ours").values()}


def points_of(run, name):
    (metric,) = [each for each in run["metrics"] if each["name"] == name]
    return metric, {point["step"]: point for point in metric["points"]}


def value_of(point, key="value"):
    return (point[key]["type"], point[key]["value"])


def test_old_series_come_in(folder):
    old = old_repo(folder)
    before = listing(old)
    out, err = bring(old, folder / "ours")
    check("2 runs imported with 40 points" in out, out)
    check("1 series that are no metrics were left out: texts" in err, err)
    check_equal(listing(old), before, "the Aim repo was touched")
    run = shown_runs(folder)["closed"]
    check_equal(run["experiment"], "old", "experiment")
    check_equal((run["status"], run["job"]["tags"]), ("completed", ["kept"]), "status and tags")
    check_equal(run["params"]["value"]["lr"]["value"], 0.1, "lr")
    check_equal(run["config"]["value"]["n"]["value"], 3, "n")

    check_points(run)


def check_points(run):
    metric, loss = points_of(run, "loss")
    check_equal(metric["context"]["value"]["subset"]["value"], "val", "context")
    check_equal(sorted(loss), [0, 1, 2, 3, 300, 2**40], "steps")
    for step, point in loss.items():
        check_equal(value_of(point), ("double", 7.5 if step == 1 else step / 7), step)
        if step != 1:
            check_equal(value_of(point, "epoch"), ("int64", step // 2), step)
    check("epoch" not in loss[1], loss[1])
    _, count = points_of(run, "count")
    check_equal({s: value_of(p) for s, p in count.items()}, {s: ("int64", s) for s in count}, "n")
    _, auto = points_of(run, "auto")
    check_equal([value_of(auto[i]) for i in range(20)],
                [("double", 1.0 / (i + 1)) for i in range(20)], "steps that Aim counted")
    check_equal(value_of(points_of(run, "np")[1][0]), ("double", 0.1), "a number of NumPy's")
    check_equal(value_of(points_of(run, "nan")[1][0]), ("double", "NaN"), "NaN")
    check_equal(value_of(points_of(run, "negative")[1][-5]), ("double", -1.0), "a negative step")


def test_an_old_run_that_nobody_closed_comes_in(folder):
    bring(old_repo(folder), folder / "ours")
    run = shown_runs(folder)["lost"]
    check_equal(run["status"], "crashed", "status")
    loss = points_of(run, "loss")[1]
    check_equal({s: p["value"]["value"] for s, p in loss.items()}, {s: s for s in range(5)}, "loss")


def test_a_second_import_changes_nothing(folder):
    old = old_repo(folder)
    bring(old, folder / "ours")
    before = show(folder / "ours")
    out, _ = bring(old, folder / "ours")
    check("0 runs imported with 0 points, 0 brought up to date, 2 unchanged" in out, out)
    check_equal(show(folder / "ours"), before, "the repo")


def test_old_runs_go_out_as_new_ones(folder):
    bring(old_repo(folder), folder / "ours")
    aimlog = os.path.abspath(sys.argv[1])
    run_command(aimlog, "export", "--format", "aim", "--output", folder / "new", "--repo",
                folder / "ours", "--keep-nan")  # fmt: skip
    bring(folder / "new", folder / "again")
    check_equal(len(show(folder / "again")), 2, "runs")
    old, new = show(folder / "ours"), show(folder / "again")
    for run_id, run in old.items():
        check_equal(new[run_id]["metrics"], run["metrics"], "metrics")


def test_a_planted_fault_is_seen(folder):
    bring(old_repo(folder), folder / "ours")
    run = shown_runs(folder)["closed"]
    points_of(run, "auto")[1][7]["value"]["value"] += 1e-9
    try:
        check_points(run)
    except Fault:
        return
    raise Fault("a changed value went unseen")


def test_a_repo_of_a_later_aim_is_refused(folder):
    old = old_repo(folder)
    (old / ".aim/VERSION").write_text("1.4")
    _, err = bring(old, folder / "ours", status=1)
    check("format version 1.4" in err, err)


if __name__ == "__main__":
    os._exit(run_tests(globals()))
