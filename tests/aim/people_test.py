#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What people do in Aim to runs of ours, and what the next export makes of it.

usage: people_test.py AIMLOG PLUGIN  (run by a Python that has Aim)
"""

import gc
import math
import os
import signal
import subprocess
import time

import aim
from aim_support import check, check_equal, chunk, export, open_repo, raw_keys, read_repo
from aim_support import run_and_leave, run_tests
from export_support import AIMLOG, QUIET, Job, by_trial
from follow_support import Follower, until

LOSS = ("ray/tune/loss", "[]")


def test_what_people_changed_in_aim_survives(folder):
    job = Job(folder / "ours", "abcd").run_all()
    job.plugin.flush()
    export(AIMLOG, folder / "ours", folder / "aim")
    runs = read_repo(folder / "aim")
    hashes = {run["params"]["trial_id"]: run_hash for run_hash, run in runs.items()}
    repo = open_repo(folder / "aim")
    run = aim.Run(hashes["a"], repo=repo, **QUIET)
    run.name, run.description, run.archived = "the good one", "looked at", True
    run.add_tag("good")
    run.remove_tag("baseline")
    run["mine"] = {"rating": 5}
    run.track(17.0, name="mine", step=3)
    run.track(99.0, name="ray/tune/loss", step=40)
    run.close()
    del run
    gc.collect()  # Aim holds the databases of a closed run until then
    check(repo.delete_run(hashes["b"]), "delete_run")
    for trial in "abc":
        job.start(trial)
        job.results(trial, [4])
        job.plugin.complete(trial)
    job.close()
    out, err = export(AIMLOG, folder / "ours", folder / "aim")
    check("2 runs written" in out and "1 run had been deleted in Aim" in err, out, err)
    runs = by_trial(read_repo(folder / "aim"))
    check_equal(sorted(runs), ["a", "c", "d"], "runs")
    changed = runs["a"]
    check_equal((changed["name"], changed["description"]), ("the good one", "looked at"), "texts")
    check_equal((changed["archived"], changed["tags"]), (True, ["deux mots", "good"]), "tags")
    check_equal(changed["params"]["mine"], {"rating": 5}, "a param of others")
    check_equal([p[:2] for p in changed["series"][("mine", "[]")]], [(3, 17.0)], "their series")
    points = [p[:2] for p in changed["series"][LOSS]]
    check_equal(points, [(1, 1.0), (2, 0.5), (3, 1 / 3), (4, 0.25), (40, 99.0)], "their points")
    head = raw_keys(chunk(folder / "aim", "meta", hashes["a"]))
    last = [v for k, v in head.items() if b"ray/tune/loss\xfelast\xfe" in k]
    check_equal(last, [b"\x03\x00\x00\x00\x00\x00\xc0\x58\x40"], "last")
    check_equal(len(runs["c"]["series"][LOSS]), 4, "an untouched run")


def test_a_value_that_a_newer_attempt_took_back_is_gone(folder):
    job = Job(folder / "ours", "a")
    job.start("a")
    job.results("a", [1, 2, 3])
    job.plugin.result({"only": 0.3, "training_iteration": 3}, "a")
    job.plugin.flush()
    export(AIMLOG, folder / "ours", folder / "aim")
    run_hash = next(iter(read_repo(folder / "aim")))
    run = aim.Run(run_hash, repo=str(folder / "aim"), **QUIET)
    run.track(99.0, name="ray/tune/loss", step=40)
    run.close()
    del run
    gc.collect()
    job.plugin.recover("a", "lost a node", 1)
    job.start("a")
    for name in ("loss", "only"):
        job.plugin.result({name: math.nan, "training_iteration": 3}, "a")
    job.plugin.complete("a")
    job.close()
    export(AIMLOG, folder / "ours", folder / "aim")
    series = by_trial(read_repo(folder / "aim"))["a"]["series"]
    points = [point[:2] for point in series[LOSS]]
    check_equal(points, [(1, 1.0), (2, 0.5), (40, 99.0)], "what stands, and theirs")
    check(("ray/tune/only", "[]") not in series, "a series without points:", series)
    run = aim.Run(run_hash, repo=str(folder / "aim"), **QUIET)
    run.track(98.0, name="ray/tune/only", step=41)
    run.close()
    del run
    gc.collect()
    out, _ = export(AIMLOG, folder / "ours", folder / "aim", "--metrics", "!count")
    check("1 run written" in out, out)
    series = by_trial(read_repo(folder / "aim"))["a"]["series"]
    points = [point[:2] for point in series[("ray/tune/only", "[]")]]
    check_equal(points, [(41, 98.0)], "theirs alone")


def test_a_run_that_people_take_while_it_is_exported_is_left_alone(folder):
    job = job_that_went_on(folder).close()
    words = ["export", "--format", "aim", "--output", folder / "aim", "--repo", folder / "ours"]
    exporter = subprocess.Popen(
        list(map(str, [AIMLOG, *words])), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )  # fmt: skip
    opened, changed = hold_behind_two_runs(exporter, folder / "aim/.aim/aimlog/staging")
    held = edit(folder / "aim", opened)
    edit(folder / "aim", changed).close()
    gc.collect()
    exporter.send_signal(signal.SIGCONT)
    out, err = exporter.communicate(timeout=300)
    check_equal(exporter.returncode, 0, "exit status")
    check("98 runs written with 1568 points" in out, out, err)
    check("2 runs were opened or changed in Aim meanwhile" in err, err)
    held.close()
    del held
    gc.collect()
    out, err = export(AIMLOG, folder / "ours", folder / "aim")
    check("2 runs written" in out and err == "", out, err)
    runs = read_repo(folder / "aim")
    check_equal(sorted(run["params"]["trial_id"] for run in runs.values()), job.trials, "runs")
    for run_hash in runs:
        expect_steps(runs, run_hash, is_edited=run_hash in (opened, changed))


def test_a_follower_writes_what_people_took_when_they_are_done(folder):
    job = job_that_went_on(folder)
    job.start("live")
    job.plugin.flush()
    with Follower(folder / "ours", folder / "aim") as follower:
        opened, changed = hold_behind_two_runs(
            follower.process, folder / "aim/.aim/aimlog/staging"
        )  # fmt: skip
        held = edit(folder / "aim", opened)
        edit(folder / "aim", changed).close()
        gc.collect()
        follower.process.send_signal(signal.SIGCONT)
        until(lambda: is_up_to_date(folder / "aim", changed), "the run that was changed")
        steps = [p[0] for p in read_repo(folder / "aim")[opened]["series"][LOSS]]
        check_equal(steps, [1, 2, 3, 40], "of the run that is open")
        held.close()
        del held
        gc.collect()
        until(lambda: is_up_to_date(folder / "aim", opened), "the run that was open")
        job.close()
        _, err = follower.ended()
    check_equal(err.count("open for writing in Aim"), 1, err)


def is_up_to_date(directory, run_hash):
    expect_steps(read_repo(directory), run_hash, is_edited=True)
    return True


def job_that_went_on(folder):
    """A job of 100 trials that was exported, and went on."""
    job = Job(folder / "ours", [f"t{number:03d}" for number in range(100)]).run_all()
    job.plugin.flush()
    export(AIMLOG, folder / "ours", folder / "aim")
    for trial in job.trials:
        job.start(trial)
        job.results(trial, [4])
        job.plugin.complete(trial)
    return job


def edit(directory, run_hash):
    """The run, still open in Aim."""
    run = aim.Run(run_hash, repo=str(directory), **QUIET)
    run["mine"] = {"rating": 5}
    run.track(99.0, name="ray/tune/loss", step=40)
    return run


def expect_steps(runs, run_hash, is_edited):
    run = runs[run_hash]
    points = [point[0] for point in run["series"][LOSS]]
    check_equal(points, [1, 2, 3, 4] + ([40] if is_edited else []), run_hash)
    check_equal(run["params"].get("mine"), {"rating": 5} if is_edited else None, run_hash)


def hold_behind_two_runs(exporter, staging):
    """Stops an export that has built two runs anew and not put them in place; gives those two."""
    def built():
        hashes = [name.split("-")[0] for name in os.listdir(staging) if not name.endswith(".part")]
        return [each for each in hashes if chunk(staging.parents[2], "meta", each).exists()]

    while exporter.poll() is None:
        if staging.is_dir() and len(built()) >= 2:
            exporter.send_signal(signal.SIGSTOP)
            break
    check(exporter.poll() is None, "it was over before it could be held")
    time.sleep(0.2)
    return built()[:2]


def test_a_run_that_aim_has_open_is_left_alone(folder):
    job = Job(folder / "ours", "a").run_all()
    job.plugin.flush()
    export(AIMLOG, folder / "ours", folder / "aim")
    run_hash = next(iter(read_repo(folder / "aim")))
    run = aim.Run(run_hash, repo=str(folder / "aim"), **QUIET)
    job.results("a", [4])
    job.close()
    _, err = export(AIMLOG, folder / "ours", folder / "aim")
    check("1 run is open for writing in Aim" in err, err)
    run.close()
    del run
    gc.collect()
    out, _ = export(AIMLOG, folder / "ours", folder / "aim")
    check("1 run written" in out, out)


if __name__ == "__main__":
    run_and_leave(lambda: run_tests(globals()))
