#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An export as Aim's own SDK reads it, and what a second export does to it.

usage: export_test.py AIMLOG PLUGIN  (run by a Python that has Aim)
"""

import contextlib
import gc
import math
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import time

import aim
from aim.sdk.index_manager import RepoIndexManager
from aim_support import Fault, Unreadable, check, check_equal, chunk, export, open_repo, raw_keys
from aim_support import read_repo, run_tests
from export_support import AIMLOG, CONFIG, QUIET, Job, by_trial


def test_a_run_is_what_was_told(folder):
    Job(folder / "ours").run_all().close()
    out, _ = export(AIMLOG, folder / "ours", folder / "aim")
    check("2 runs written with 24 points" in out, out)
    runs = by_trial(read_repo(folder / "aim"))
    run = runs["a"]
    params = run["params"]
    expected = {"lr": 0.1, "net/width": 32, "net/layers": [64, 32], "act": None, "flag": True}
    check_equal(params["hparams"], expected, "hparams")
    check_equal(params["config"], CONFIG, "config")
    check_equal(params["trial_log_dir"], "/results/a", "trial_log_dir")
    check_equal((params["trial_ip"], params["status"]), ("10.0.0.7", "completed"), "ip, status")
    check_equal(run["tags"], ["baseline", "deux mots"], "tags")
    check_equal((run["name"], run["experiment"]), ("train_a", "digits"), "name, experiment")
    check_equal(run["description"], "A first search.", "description")
    check(run["end"] > run["created"] > 1_795_503_599, "times", run["created"], run["end"])
    names = sorted(name for name, _ in run["series"])
    check_equal(names, [f"ray/tune/{n}" for n in ("count", "done", "eval/loss", "loss")], "names")
    points = run["series"][("ray/tune/loss", "[]")]
    plain = [(step, value, time) for step, (value, epoch, time) in
             ((point[0], point[1:]) for point in points)]
    check_equal(plain, [(n, 1.0 / n, 1_795_503_600.0 + n) for n in (1, 2, 3)], "loss")


def test_queries_find_hparams_and_metrics(folder):
    Job(folder / "ours").run_all().close()
    export(AIMLOG, folder / "ours", folder / "aim")
    repo = open_repo(folder / "aim")
    found = repo.query_runs("run.hparams.lr == 0.1 and run.trial_id == 'b'", report_mode=0)
    check_equal(len(list(found.iter_runs())), 1, "query_runs")
    found = repo.query_runs("run.hparams.lr < 0.01", report_mode=0)
    check_equal(len(list(found.iter_runs())), 0, "query_runs of nothing")
    query = "metric.name == 'ray/tune/loss' and metric.last < 0.5"
    metrics = repo.query_metrics(query, report_mode=0)
    check_equal(sum(len(list(each)) for each in metrics.iter_runs()), 2, "query_metrics")
    run_hash = next(iter(read_repo(folder / "aim")))
    run = aim.Run(run_hash, repo=str(folder / "aim"), read_only=True)
    check_equal(run.dataframe()["hparams.lr"][0], 0.1, "dataframe")


def test_a_second_export_changes_nothing(folder):
    Job(folder / "ours").run_all().close()
    export(AIMLOG, folder / "ours", folder / "aim")
    before = read_repo(folder / "aim")
    out, _ = export(AIMLOG, folder / "ours", folder / "aim")
    check("0 runs written" in out and "2 unchanged" in out, out)
    check_equal(repr(read_repo(folder / "aim")), repr(before), "the repo")


def test_a_run_that_went_on_is_brought_up_to_date(folder):
    job = Job(folder / "ours").run_all()
    job.start("c")
    job.results("c", [1, 2])
    job.plugin.flush()
    export(AIMLOG, folder / "ours", folder / "aim")
    run = by_trial(read_repo(folder / "aim"))["c"]
    check_equal((run["end"], run["params"]["status"]), (None, "running"), "an open run")
    before = tables(folder / "aim")
    job.results("c", [3, 4])
    job.plugin.fail("c", "out of memory")
    job.close()
    out, _ = export(AIMLOG, folder / "ours", folder / "aim")
    check("1 run written" in out, out)
    runs = by_trial(read_repo(folder / "aim"))
    check_equal(len(runs), 3, "runs")
    check_equal(len(runs["c"]["series"][("ray/tune/loss", "[]")]), 4, "points")
    check_equal(runs["c"]["params"]["error"], "out of memory", "error")
    check(runs["c"]["end"] is not None, "it is closed")
    # Who opened the run half way must not take a new table for the old one of that name.
    after = tables(folder / "aim")
    check_equal([len(before), len(after), len(before & after)], [6, 6, 4], f"{before} {after}")


def tables(directory):
    """The tables of all runs: one in each of the two databases of a run."""
    return set((directory / ".aim").glob("*/chunks/*/*.sst"))


def test_foreign_runs_stay_and_are_seen(folder):
    for index in ("unindexed", "indexed", "missing"):
        directory = folder / index
        os.mkdir(directory)
        for number in range(2):
            run = aim.Run(repo=str(directory), log_system_params=False, **QUIET)
            run["hparams"] = {"number": number}
            run.track(1.5, name="theirs", step=1)
            run.close()
        theirs = {each: raw_keys(chunk(directory, "meta", each))
                  for each in os.listdir(directory / ".aim/meta/chunks")}
        if index == "indexed":
            for each in theirs:
                RepoIndexManager(open_repo(directory)).index(each)
        open_repo(directory)
        if index == "missing":
            shutil.rmtree(directory / ".aim/meta/index")
        Job(folder / ("ours " + index)).run_all().close()
        export(AIMLOG, folder / ("ours " + index), directory)
        runs = read_repo(directory)
        check_equal(len(runs), 4, index)
        check_equal(sum(len(run["series"]) for run in runs.values()), 2 * 4 + 2, index)
        for each, keys in theirs.items():
            check_equal(raw_keys(chunk(directory, "meta", each)), keys, "a foreign run")
            check_equal(runs[each]["params"]["hparams"]["number"] in (0, 1), True, "its params")


def test_a_damaged_run_is_named_and_still_shown(folder):
    job = Job(folder / "ours", "ab").run_all()
    job.plugin.flush()
    export(AIMLOG, folder / "ours", folder / "aim")
    runs = {run["params"]["trial_id"]: h for h, run in read_repo(folder / "aim").items()}
    for file in os.listdir(chunk(folder / "aim", "meta", runs["a"])):
        if file.endswith(".sst"):
            os.truncate(chunk(folder / "aim", "meta", runs["a"]) / file, 100)
    job.start("c")
    job.results("c", [1])
    job.close()
    _, err = export(AIMLOG, folder / "ours", folder / "aim", "--run", "c")
    check(runs["a"] in err and "damaged" in err, err)
    check_equal(sorted(by_trial(read_repo(folder / "aim"))), ["a", "b", "c"], "runs")
    old = {kind: sorted(os.listdir(chunk(folder / "aim", kind, runs["a"])))
           for kind in ("meta", "seqs")}  # fmt: skip
    _, err = export(AIMLOG, folder / "ours", folder / "aim", "--keep-nan")
    check(runs["a"] in err and "written anew" in err, err)
    check_equal(len(by_trial(read_repo(folder / "aim"))["a"]["series"]), 4, "series")
    kept = folder / "aim/.aim/aimlog/damaged" / runs["a"]
    check(err.rstrip().endswith(str(kept)), err)
    check_equal({kind: sorted(os.listdir(kept / kind)) for kind in old}, old, "what was there")
    _, err = export(AIMLOG, folder / "ours", folder / "aim", "--keep-nan")
    check_equal(err, "", "nothing is damaged now")


def test_a_run_that_cannot_be_read_just_now_is_left_as_it_is(folder):
    job = Job(folder / "ours", "ab").run_all()
    job.plugin.flush()
    export(AIMLOG, folder / "ours", folder / "aim")
    hashes = {run["params"]["trial_id"]: h for h, run in read_repo(folder / "aim").items()}
    run = aim.Run(hashes["a"], repo=str(folder / "aim"), **QUIET)
    run["mine"] = {"rating": 5}
    run.track(17.0, name="mine", step=3)
    run.close()
    del run
    gc.collect()
    for trial in "ab":
        job.start(trial)
        job.results(trial, [4])
        job.plugin.complete(trial)
    job.close()
    meta, seqs = (chunk(folder / "aim", kind, hashes["a"]) for kind in ("meta", "seqs"))
    written = 1  # the other run
    for file in (next(meta.glob("*.sst")), seqs / "CURRENT"):
        with Unreadable(file, folder):
            out, err = export(AIMLOG, folder / "ours", folder / "aim", status=1)
        check(out.startswith(f"{written} run") and hashes["a"] in err, out, err)
        check("left as it is" in err and str(file) in err, err)
        written = 0
    runs = by_trial(read_repo(folder / "aim"))
    check_equal(len(runs["a"]["series"][("ray/tune/loss", "[]")]), 3, "the run that was left")
    check_equal(len(runs["b"]["series"][("ray/tune/loss", "[]")]), 4, "the other one")
    export(AIMLOG, folder / "ours", folder / "aim")
    run = by_trial(read_repo(folder / "aim"))["a"]
    check_equal(len(run["series"][("ray/tune/loss", "[]")]), 4, "as soon as it can be read")
    check_equal(run["params"]["mine"], {"rating": 5}, "a param of others")
    check_equal([p[:2] for p in run["series"][("mine", "[]")]], [(3, 17.0)], "their series")


def test_a_run_of_others_that_cannot_be_looked_at_stops_nothing(folder):
    (folder / "aim").mkdir()
    theirs = aim.Run(repo=str(folder / "aim"), log_system_params=False, **QUIET)
    theirs.track(1.5, name="theirs", step=1)
    theirs.close()
    run_hash = theirs.hash
    del theirs
    gc.collect()
    Job(folder / "ours").run_all().close()
    with Unreadable(chunk(folder / "aim", "meta", run_hash) / "CURRENT", folder):
        out, err = export(AIMLOG, folder / "ours", folder / "aim", status=1)
    check("2 runs written" in out and err.count(run_hash) >= 1, out, err)
    _, err = export(AIMLOG, folder / "ours", folder / "aim")
    check_equal((err, len(read_repo(folder / "aim"))), ("", 3), "afterwards")


def test_a_new_run_appears_with_its_row(folder):
    """Aim's SDK fails on a run without a row, wherever an export waits or is killed."""
    job = Job(folder / "ours").run_all()
    export(AIMLOG, folder / "ours", folder / "aim")
    root = folder / "aim/.aim"
    for trial in ("c", "d"):
        job.start(trial)
        job.plugin.complete(trial)
    job.close()
    words = [AIMLOG, "export", "--format", "aim", "--output", folder / "aim"]
    with contextlib.closing(sqlite3.connect(root / "run_metadata.sqlite")) as others:
        others.execute("begin immediate")
        with subprocess.Popen([*words, "--repo", folder / "ours"]) as exporter:
            staged, end = [], time.monotonic() + 60
            while len(staged) < 2 and time.monotonic() < end:
                staged = list((root / "aimlog/staging").glob("*[0-9a-f]/seqs"))
            check_equal(len(staged), 2, "runs that are ready")
            for _ in range(10):
                time.sleep(0.1)
                check_equal(len(read_repo(folder / "aim")), 2, "runs while the rows are locked")
            others.rollback()
        check_equal(exporter.returncode, 0, "exit status")
    check_equal(len(read_repo(folder / "aim")), 4, "runs")


def test_a_first_export_that_fails_leaves_nothing(folder):
    Job(folder / "ours").run_all().close()

    def no_room():
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))

    # Python has it that the limit is an error and no signal; so it is for what it starts.
    full = {"preexec_fn": no_room, "restore_signals": False}
    export(AIMLOG, folder / "ours", folder / "aim", status=1, **full)
    check_equal(os.listdir(folder / "aim"), [], "leftovers")


def test_attempts_are_merged_or_split(folder):
    job = Job(folder / "ours", "ab").run_all(steps=1)
    job.start("c")
    job.results("c", [1, 2, 3])
    job.plugin.recover("c", "lost a node", 1)
    job.start("c")
    job.results("c", [3, 4], scale=10.0)
    job.plugin.complete("c")
    job.close()
    export(AIMLOG, folder / "ours", folder / "aim")
    runs = by_trial(read_repo(folder / "aim"))
    points = [p[:2] for p in runs["c"]["series"][("ray/tune/loss", "[]")]]
    check_equal(points, [(1, 1.0), (2, 0.5), (3, 10 / 3), (4, 2.5)], "merged")
    _, err = export(AIMLOG, folder / "ours", folder / "aim", "--attempts", "split", status=1)
    check("name another directory" in err, err)
    export(AIMLOG, folder / "ours", folder / "split", "--attempts", "split")
    split = read_repo(folder / "split")
    check_equal(len(split), 4, "attempts")
    found = sorted(
        (run["params"]["aimlog"]["attempt"], run["params"]["status"],
         [p[0] for p in run["series"][("ray/tune/loss", "[]")]])
        for run in split.values() if run["params"]["trial_id"] == "c"
    )  # fmt: skip
    check_equal(found, [(1, "failed", [1, 2, 3]), (2, "completed", [3, 4])], "split")
    check(not set(split) & {run["params"]["aimlog"]["run_id"] for run in split.values()}, "hashes")


def test_options_choose(folder):
    job = Job(folder / "ours").run_all()
    job.plugin.result({"loss": math.nan, "training_iteration": 4}, "a")
    job.plugin.result({"loss": math.inf, "training_iteration": 5}, "a")
    job.close()
    export(AIMLOG, folder / "ours", folder / "1", "--no-namespace", "--metrics", "loss,count")
    runs = by_trial(read_repo(folder / "1"))
    check_equal(sorted(n for n, _ in runs["a"]["series"]), ["count", "loss"], "--metrics")
    check_equal(len(runs["a"]["series"][("loss", "[]")]), 3, "without NaN")
    export(AIMLOG, folder / "ours", folder / "2", "--keep-nan", "--run", "a")
    runs = by_trial(read_repo(folder / "2"))
    check_equal((list(runs), len(runs["a"]["series"][("ray/tune/loss", "[]")])), (["a"], 5), "2")
    export(AIMLOG, folder / "ours", folder / "1")
    runs = by_trial(read_repo(folder / "1"))
    check_equal(len(runs["a"]["series"]), 4, "names that are no longer ours are gone")
    out, _ = export(AIMLOG, folder / "ours", folder / "\x1b[31m", "--dry-run")
    check(r"\x1b[31m" in out and "\x1b" not in out, ascii(out))
    out, _ = export(AIMLOG, folder / "ours", folder / "3", "--dry-run")
    check("2 runs would be written" in out and not (folder / "3").exists(), out)
    export(AIMLOG, folder / "ours", folder / "3", "--experiment", "nothing", status=3)


def test_refusals_say_why(folder):
    Job(folder / "ours").run_all().close()
    export(AIMLOG, folder / "ours", folder / "aim")
    (folder / "aim/.aim/VERSION").write_text("9.9\n")
    _, err = export(AIMLOG, folder / "ours", folder / "aim", status=1)
    check("9.9" in err, err)


def test_a_planted_fault_is_seen(folder):
    Job(folder / "ours").run_all().close()
    export(AIMLOG, folder / "ours", folder / "aim")
    runs = read_repo(folder / "aim")
    try:
        next(iter(runs.values()))["series"][("ray/tune/loss", "[]")][1] = (2, 0.5000000000000001)
        check_equal(repr(runs), repr(read_repo(folder / "aim")), "a value in its last bit")
    except Fault:
        return
    raise Fault("a difference went unseen")


if __name__ == "__main__":
    sys.exit(run_tests(globals()))
