# SPDX-License-Identifier: Apache-2.0
"""Real Ray jobs for tests, and what the repo then holds beside what Ray itself wrote."""

import atexit
import copy
import json
import math
import os
import shutil
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("RAY_AIR_NEW_OUTPUT", "0")
os.environ.setdefault("TUNE_DISABLE_AUTO_CALLBACK_SYNCER", "1")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
# A busy machine is no reason to kill workers or to give up on them.
os.environ.setdefault("RAY_memory_monitor_refresh_ms", "0")
os.environ.setdefault("RAY_worker_register_timeout_seconds", "300")

import ray
from ray import tune
from ray.tune import Callback

from python_support import shown_runs

import aimlog

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "record"))
from json_lines import from_typed, number_of  # noqa: E402

PACKAGE = Path(aimlog.__file__).resolve().parent
JSON_LINES = os.environ.get(
    "AIMLOG_TEST_JSONL",
    str(PACKAGE.parent.parent / "abi" / "examples" / "jsonl" / "tuner_jsonl.so"),
)
LONG = os.environ.get("AIMLOG_LONG") == "1"
RESERVED = {"config", "pid", "timestamp", "time_total_s", "training_iteration", "context", "epoch"}


def start_ray():
    """One cluster a test process, shared by its jobs and by the drivers that it starts."""
    if not ray.is_initialized():
        # Workers import the test's module, wherever it was started.
        paths = [str(Path(__file__).resolve().parent), os.environ.get("PYTHONPATH", "")]
        os.environ["PYTHONPATH"] = os.pathsep.join(paths)
        ray.init(num_cpus=4, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    return ray.get_runtime_context().gcs_address


def new_storage():
    scratch = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    storage = tempfile.mkdtemp(prefix="aimlog-ray-", dir=scratch)
    atexit.register(shutil.rmtree, storage, ignore_errors=True)
    return storage


class Witness(Callback):
    """Two of them around a callback show that it changes nothing it is given."""

    def __init__(self):
        self.seen = []
        self.results = {}

    def on_trial_result(self, iteration, trials, trial, result, **info):
        if self.seen:
            before, config = self.seen.pop()
            assert repr(result) == before, "the result was changed"
            assert repr(trial.config) == config, "the configuration was changed"
        else:
            self.seen.append((repr(result), repr(trial.config)))
            self.results.setdefault(trial.trial_id, []).append(copy.deepcopy(result))


def fit(trainable, callback, space=None, storage=None, name="exp", tune_config=None, **run):
    """Runs a job; returns the directory of the experiment, its trials and what a witness saw."""
    start_ray()
    storage = storage or new_storage()
    witness = Witness()
    callbacks = callback if isinstance(callback, list) else [callback]
    tuner = tune.Tuner(
        trainable,
        param_space=space or {},
        tune_config=tune.TuneConfig(**(tune_config or {})),
        run_config=tune.RunConfig(
            name=name,
            storage_path=storage,
            callbacks=[witness, *callbacks, witness],
            verbose=0,
            **run,
        ),
    )
    grid = tuner.fit()
    return Job(Path(storage) / name, grid._experiment_analysis.trials, witness.results)


class Job:
    def __init__(self, directory, trials, results):
        self.directory = directory
        self.trials = {trial.trial_id: trial for trial in trials}
        self.results = results

    def runs(self, repo=None):
        return runs_of(repo or self.directory)


def runs_of(repo):
    """The runs of a repo by trial id; two runs of one trial are an error."""
    runs = shown_runs(repo, codes=(0, 3))  # 3: a repo without a run
    by_trial = {run["trial_id"]: run for run in runs}
    assert len(by_trial) == len(runs), "a trial has two runs"
    return by_trial


def statuses(runs):
    return {trial_id: run["status"] for trial_id, run in runs.items()}


def points(run, name):
    """The points of all attempts: (step, number), in the order in which they came."""
    found = [metric for metric in run["metrics"] if metric["name"] == name]
    assert len(found) <= 1, f"{name} has {len(found)} contexts"
    kept = found[0]["points"] if found else []
    return [(point["step"], number_of(from_typed(point["value"]))) for point in kept]


def flatten(result, prefix=""):
    for name, value in result.items():
        if isinstance(value, dict):
            yield from flatten(value, f"{prefix}{name}/")
        else:
            yield f"{prefix}{name}", value


def expected_points(results):
    """What the rules of recording make of results: {name: [(step, number)]}."""
    expected = {}
    for result in results:
        step = result.get("timesteps_total") or result["training_iteration"]
        plain = {name: value for name, value in result.items() if name not in RESERVED}
        for name, value in flatten(plain):
            if isinstance(value, (bool, int, float)) and name not in ("node_ip",):
                expected.setdefault(name, []).append((step, value))
    return expected


def json_results(trial, directory):
    """What Ray's own JSON logger wrote for a trial."""
    (path,) = Path(directory).glob(f"{Path(trial.path).name}/result.json")
    return [json.loads(line) for line in path.read_text().splitlines()]


def same(a, b):
    both_nan = isinstance(a, float) and isinstance(b, float) and math.isnan(a) and math.isnan(b)
    return both_nan or (a == b and isinstance(a, bool) == isinstance(b, bool))


def assert_points(run, expected):
    """The repo's points are the expected ones, no more and no fewer."""
    recorded = {metric["name"] for metric in run["metrics"]}
    assert recorded == set(expected), (recorded ^ set(expected), run["trial_id"])
    for name, pairs in expected.items():
        kept = points(run, name)
        assert len(kept) == len(pairs), (name, kept, pairs)
        for (step, number), (its_step, its_number) in zip(kept, pairs, strict=True):
            assert step == its_step and same(number, its_number), (name, kept, pairs)


def assert_contains(run, expected):
    """What the JSON logger has is there; when a trial goes on it may lose its own newest lines."""
    for name, pairs in expected.items():
        kept = points(run, name)
        for step, number in pairs:
            assert any(step == s and same(number, n) for s, n in kept), (name, step, number, kept)


def assert_last_result(run, last, told):
    """What Ray ends with is the last point, unless the trial went back to a checkpoint."""
    if last["training_iteration"] == told["training_iteration"]:
        expected = expected_points([{**last, "done": told["done"]}])
        for name, (pair,) in expected.items():
            assert same(points(run, name)[-1][1], pair[1]), name


def assert_recorded(job, repo=None):
    """Every trial has one run, with exactly the points that its results had."""
    runs = job.runs(repo)
    assert set(runs) == set(job.trials)
    for trial_id, trial in job.trials.items():
        if trial_id in job.results:
            assert_points(runs[trial_id], expected_points(job.results[trial_id]))
            assert_contains(runs[trial_id], expected_points(json_results(trial, job.directory)))
            assert_last_result(runs[trial_id], trial.last_result, job.results[trial_id][-1])
        else:
            assert not runs[trial_id]["metrics"]
    return runs


def library_is_loaded(path=None):
    name = Path(path).name if path else "libaimlog"
    return any(name in line for line in Path("/proc/self/maps").read_text().splitlines())
