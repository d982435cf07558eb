#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Real Ray jobs, logged by AimLoggerCallback and AimlogCallback at once; ours is exported with
--attempts split, and both Aim repos are compared: by Aim's SDK, and key by key. A third one, which
was kept while the jobs ran (aim_repo=), must be the same as the export.

Equal must be the runs (by trial and order of their starts), params, series, contexts, steps, values
with their types, epochs and heads (first, last, min, max), bit for bit. The times of a point must
be from the same hook call. Differences that are meant:
- ours has the additional params of attempts.ADDED;
- `hparams` are those with which the attempt began; AimLoggerCallback repeats the first sample after
  an exploit of PBT;
- NumPy's float16, small integers and bools are numbers too (BEYOND);
- an attempt before the newest has no `trial_ip` where Ray did not know it when the worker started;
- an attempt ends when it fails or pauses, not when the next one starts, and also where the driver
  was killed or the job was cut short.

usage: ray_differential_test.py AIMLOG PLUGIN  (PYTHONPATH has the package)
"""

import logging
import os
import shutil
import sys
import warnings
from pathlib import Path

HERE = str(Path(__file__).resolve().parent)
os.environ["PYTHONPATH"] = os.pathsep.join([HERE, os.environ.get("PYTHONPATH", "")])

import ray_two_loggers
from aim_support import LONG, Folder, check, check_equal, export, read_repo, run_and_leave
from attempts import END, attempts_of, check_faults_are_seen, compare
import ray_searches
from ray_support import new_storage, start_ray

logging.disable(logging.ERROR)  # of trials that fail
warnings.simplefilter("ignore")  # Ray's, of jobs as they are meant
AIMLOG = os.path.abspath(sys.argv[1])
SEARCHES = ray_searches.LONG if LONG else ray_searches.SHORT
LEAST_JOBS, LEAST_POINTS = (15, 20_000) if LONG else (7, 10_000)
BEYOND = {"numbers_of_all_kinds": {"half", "small", "bool"}}
IP = b"meta\xfeattrs\xfetrial_ip\xfe"
CUT_SHORT = {"kill_and_restore", "time_budget", "fail_fast"}
END_S = 300.0  # until the next start of a trial that failed or paused


class Fit:
    """What a search gets: runs its job with both loggers."""

    def __init__(self, places, name, address):
        self.places, self.name, self.address = places, name, address

    def __call__(self, trainable, space, tune_config=None, metrics=None, experiment_name=None,
                 **run):  # fmt: skip
        options = {"metrics": metrics, "experiment_name": experiment_name}
        callbacks = ray_two_loggers.callbacks_for(self.places, self.name, **options)
        ray_two_loggers.tuner_for(
            trainable, space, tune_config, self.places, self.name, callbacks, **run
        ).fit()


class Differences:
    """Compares attempts and counts what is meant to differ."""

    def __init__(self, told):
        self.told = told
        self.points, self.sampled_anew, self.left_open = 0, 0, 0
        self.beyond, self.no_address = 0, 0

    def compare(self, ours, theirs, number, is_newest):
        job = self.told.job[ours.trial]
        ours = self.without(ours, BEYOND.get(job, ()))
        changed = self.told.changed[ours.trial, number]
        excused = set() if changed is None else {"hparams"}
        self.sampled_anew += changed is not None
        if not is_newest and IP not in ours.keys:
            excused.add("trial_ip")
            self.no_address += 1
        self.points += compare(ours, theirs, self.judge(job, ours.trial), excused)

    def without(self, ours, names):
        marks = [f"\xferay/tune/{name}\xfe".encode("latin-1") for name in names]
        more = {key for key in ours.keys if any(mark in key for mark in marks)}
        check(bool(more) == bool(marks), "no", names, "in", ours.trial)
        self.beyond += len(more)
        return ours.planted(without=more)

    def judge(self, job, trial):
        def same_time(key, ours_s, theirs_s):
            if not key.endswith(END):
                return self.told.same_result(trial, ours_s, theirs_s)
            if theirs_s is None:
                self.left_open += 1
                return job in CUT_SHORT and ours_s is not None
            return ours_s is not None and -60.0 < theirs_s - ours_s < END_S

        return same_time


def compare_shown(ours, theirs, runs, told):
    """What Aim's SDK shows of an attempt is the same too."""
    for (trial, number), (mine, its) in runs.items():
        mine, its = ours[mine.hash], theirs[its.hash]
        changed = told.changed[trial, number]
        names = {f"ray/tune/{name}" for name in BEYOND.get(told.job[trial], ())}
        series = {key: points for key, points in mine["series"].items() if key[0] not in names}
        check_equal(sorted(series), sorted(its["series"]), f"{trial}: series")
        for key, points in series.items():
            bare = [[repr(point[:-1]) for point in each] for each in (points, its["series"][key])]
            check_equal(bare[0], bare[1], f"{trial} {key}")
        params = its["params"]
        if "trial_ip" not in mine["params"] and (trial, number + 1) in runs:
            params.pop("trial_ip")
        for name, value in params.items():
            expected = changed if name == "hparams" and changed is not None else value
            check_equal(mine["params"].get(name), expected, f"{trial} {name}")
        for name in ("experiment", "tags", "archived"):
            check_equal(mine[name], its[name], f"{trial} {name}")


def check_followed(folder, exported, shown):
    """The Aim repo that was kept while the jobs ran is the one that was made afterwards."""
    followed = attempts_of(folder / "followed")
    check_equal(sorted(followed), sorted(exported), "the attempts that were followed")
    for each, attempt in exported.items():
        check_equal(followed[each].hash, attempt.hash, f"{each}: hash")
        check_equal(followed[each].keys, attempt.keys, f"{each}: followed")
    check_equal(repr(read_repo(folder / "followed")), repr(shown), "what Aim shows of it")


def run_jobs(folder):
    places = {name: str(folder / name) for name in ("ours", "theirs", "clock", "followed")}
    places["storage"] = new_storage()
    (folder / "theirs").mkdir()
    address = start_ray()
    for search in SEARCHES:
        search(Fit(places, search.__name__, address))
        print("ran ", search.__name__, flush=True)
    return ray_two_loggers.Told(folder / "clock")


def main():
    with Folder() as folder:
        told = run_jobs(folder)
        export(AIMLOG, folder / "ours", folder / "aim", "--attempts", "split")
        ours, theirs = attempts_of(folder / "aim"), attempts_of(folder / "theirs")
        check_equal(sorted(ours), sorted(theirs), "the attempts")
        check_equal(sorted(ours), sorted(told.changed), "the starts")
        runs = {each: (ours[each], theirs[each]) for each in ours}
        found = Differences(told)
        for (_, number), pair in runs.items():
            found.compare(*pair, number, (pair[0].trial, number + 1) not in runs)
        jobs = set(told.job.values())
        print(f"{len(jobs)} jobs, {len(runs)} runs, {found.points} points compared; meant: "
              f"{found.sampled_anew} runs sampled anew, {found.left_open} left open by Aim, "
              f"{found.no_address} without an address, "
              f"{found.beyond} keys of more numbers")  # fmt: skip
        check_equal(len(jobs), len(SEARCHES), "jobs")
        check(len(jobs) >= LEAST_JOBS and found.points >= LEAST_POINTS, "too few compared")
        check(found.sampled_anew, "no attempt of PBT was sampled anew")
        check(len(runs) > len(told.job), "no trial was started twice")
        some = next(each for each in runs if told.job[each[0]] == "grid")
        check_faults_are_seen(*runs[some], found.judge("grid", some[0]))
        # Without an index, which nobody has filled, Aim reads the runs themselves.
        shutil.rmtree(folder / "theirs/.aim/meta/index")
        shown = read_repo(folder / "aim"), read_repo(folder / "theirs")
        compare_shown(*shown, runs, told)
        check_followed(folder, ours, shown[0])
    return 0


if __name__ == "__main__":
    run_and_leave(main)
