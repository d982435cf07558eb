# SPDX-License-Identifier: Apache-2.0
"""Optuna studies as they are run: what the repo has is compared with what the storage has."""

import contextlib
import gc
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import optuna
import pytest
from python_support import records_of, shown_runs

import aimlog
from aimlog.optuna import AimlogCallback

optuna.logging.set_verbosity(optuna.logging.ERROR)
STATUS = {"COMPLETE": "completed", "PRUNED": "stopped", "FAIL": "failed"}


def objective(trial):
    x = trial.suggest_float("x", -10, 10)
    kind = trial.suggest_categorical("kind", ["a", "b"])
    for step in range(trial.number % 4):
        trial.report(x / (step + 1), step)
        if step == 2 and kind == "b":
            raise optuna.TrialPruned
    if trial.number % 7 == 5:
        raise ValueError("no luck")
    return x**2


def expect_same(study, repo, job=None):
    """Each finished trial is one run of one attempt, with its state, params and values."""
    runs = {int(run["trial_id"]): run for run in records_of(repo, job)}
    finished = [t for t in study.trials if t.state.is_finished()]
    assert sorted(runs) == sorted(t.number for t in finished)
    for trial in finished:
        run = runs[trial.number]
        assert run["status"] == STATUS[trial.state.name], trial
        assert len(run["attempts"]) == 1, trial
        assert run["params"] == trial.params
        points = {(name, step): value for name, step, value in run["points"]}
        for step, value in trial.intermediate_values.items():
            assert points[("intermediate_value", step)] == value
        if trial.values and len(trial.values) == 1:
            assert value_of(run, "value") == trial.values[0]
        count = len(trial.intermediate_values) + len(trial.values or [])
        assert len(points) == count, (points, trial)


def value_of(run, name):
    (value,) = [value for at, _, value in run["points"] if at == name]
    return value


def test_every_trial_of_a_study_is_recorded(tmp_path):
    study = optuna.create_study(study_name="plain")
    with AimlogCallback(tmp_path, tags=["t"]) as callback:
        study.optimize(objective, n_trials=30, callbacks=[callback], catch=(ValueError,))
    expect_same(study, tmp_path)
    assert {run["experiment"] for run in records_of(tmp_path)} == {"plain"}


def test_threads_may_call_at_once(tmp_path):
    study = optuna.create_study()
    with AimlogCallback(tmp_path) as callback:
        study.optimize(
            objective, n_trials=80, n_jobs=4, callbacks=[callback], catch=(ValueError,)
        )
    expect_same(study, tmp_path)


def test_values_of_several_objectives_have_their_names(tmp_path):
    study = optuna.create_study(directions=["minimize", "maximize"])
    named = optuna.create_study(directions=["minimize", "maximize"])
    named.set_metric_names(["loss", "accuracy"])

    def two(trial):
        x = trial.suggest_int("x", 0, 9)
        return x, -x

    with AimlogCallback(tmp_path) as callback:
        study.optimize(two, n_trials=3, callbacks=[callback])
        named.optimize(two, n_trials=3, callbacks=[callback])
    runs = records_of(tmp_path)
    names = sorted({name for run in runs for name, _, _ in run["points"]})
    assert names == ["accuracy", "loss", "values_0", "values_1"]
    assert len(runs) == 6
    for run in runs:
        first = "loss" if "loss" in {name for name, _, _ in run["points"]} else "values_0"
        assert value_of(run, first) == run["params"]["x"]


def test_an_uncaught_error_and_ask_and_tell_are_taken_from_the_storage(tmp_path):
    study = optuna.create_study()
    callback = AimlogCallback(tmp_path)
    for _ in range(3):
        with pytest.raises(ValueError):
            study.optimize(objective, n_trials=20, callbacks=[callback])
        trial = study.ask()
        trial.suggest_float("x", 0, 1)
        study.tell(trial, 0.5)
    callback.close()
    assert sum(t.state.name == "FAIL" for t in study.trials) == 3
    expect_same(study, tmp_path)


def test_a_tracked_trial_has_its_metrics_while_it_runs(tmp_path):
    study = optuna.create_study()
    callback = AimlogCallback(tmp_path)

    def tracked(trial):
        x = trial.suggest_float("x", 0, 1)
        track = callback.track(trial)
        for step in range(5):
            track.log({"loss": x / (step + 1), "deep": {"er": step}}, step=step)
        callback.flush()
        (run,) = [r for r in records_of(tmp_path) if r["trial_id"] == str(trial.number)]
        assert run["status"] == "running"
        assert len([p for p in run["points"] if p[0] == "loss"]) == 5
        trial.report(x, 0)
        return x

    study.optimize(tracked, n_trials=3, callbacks=[callback])
    callback.close()
    for run in records_of(tmp_path):
        assert (run["status"], len(run["attempts"])) == ("completed", 1)
        assert [v for n, _, v in run["points"] if n == "deep/er"] == [0, 1, 2, 3, 4]
        assert value_of(run, "value") == run["params"]["x"]


def test_config_is_a_name_like_any_other(tmp_path):
    study = optuna.create_study()
    study.set_metric_names(["config"])
    with AimlogCallback(tmp_path) as callback:

        def tracked(trial):
            callback.track(trial).log({"config": {"depth": 3}, "loss": 1.0}, step=1)
            return 2.0

        study.optimize(tracked, n_trials=1, callbacks=[callback])
    (run,) = records_of(tmp_path)
    values = {name: value for name, _, value in run["points"]}
    assert values == {"config/depth": 3, "loss": 1.0, "config": 2.0}


@pytest.mark.parametrize(
    "name", ["runs", "~/runs", "2025-01-31", "2024", "on", "1_0", "0x1F", "'~'", "{tmp}/runs"]
)
def test_a_configuration_s_repo_is_where_the_plugin_makes_it(tmp_path, monkeypatch, name):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "aimlog.yaml").write_text(f"repo: {name.format(tmp=tmp_path)}\n")
    with AimlogCallback(config="~/aimlog.yaml") as callback:
        (made,) = [Path(folder) for folder, names, _ in os.walk(tmp_path) if ".aimlog" in names]
        assert callback._directory == str(made / ".aimlog" / "optuna")


def test_a_configuration_that_is_no_text_is_the_plugin_s_to_refuse(tmp_path):
    (tmp_path / "aimlog.yaml").write_bytes(b"repo: \xff\n")
    with pytest.raises(aimlog.host.PluginError, match="aimlog.yaml"):
        AimlogCallback(config=tmp_path / "aimlog.yaml")


def test_studies_of_one_name_are_two_jobs(tmp_path):
    with AimlogCallback(tmp_path) as callback:
        for _ in range(2):
            study = optuna.create_study(study_name="same")
            study.optimize(objective, n_trials=4, callbacks=[callback])
    runs = records_of(tmp_path)
    assert len(runs) == 8
    assert len({run["job"] for run in runs}) == 2


def test_a_study_made_again_under_its_name_is_another_job(tmp_path):
    storage = f"sqlite:///{tmp_path}/study.db"
    for _ in range(2):
        study = optuna.create_study(study_name="again", storage=storage)
        with AimlogCallback(tmp_path / "repo") as callback:
            study.optimize(objective, n_trials=3, callbacks=[callback])
        optuna.delete_study(study_name="again", storage=storage)
    assert len({run["job"] for run in records_of(tmp_path / "repo")}) == 2


WORKER = """
import sys, optuna
sys.path.insert(0, {here!r})
from optuna_test import objective
from aimlog.optuna import AimlogCallback
storage, repo, trials = sys.argv[1:]
study = optuna.load_study(study_name="shared", storage=storage)
with AimlogCallback(repo) as callback:
    study.optimize(objective, n_trials=int(trials), callbacks=[callback], catch=(ValueError,))
"""


def start_worker(storage, repo, trials):
    script = WORKER.format(here=os.path.dirname(__file__))
    return subprocess.Popen([sys.executable, "-c", script, storage, str(repo), str(trials)])


@pytest.fixture
def shared(tmp_path):
    storage = f"sqlite:///{tmp_path}/study.db"
    return optuna.create_study(study_name="shared", storage=storage), storage, tmp_path / "repo"


def test_three_processes_work_on_one_study(shared):
    study, storage, repo = shared
    workers = [start_worker(storage, repo, 12) for _ in range(3)]
    assert [worker.wait(timeout=120) for worker in workers] == [0, 0, 0]
    expect_same(study, repo)
    assert len({run["job"] for run in records_of(repo)}) == 1


def test_a_killed_worker_costs_nothing_that_the_storage_has(shared):
    study, storage, repo = shared
    worker = start_worker(storage, repo, 10_000)
    deadline = time.monotonic() + 60
    while len(study.get_trials(deepcopy=False)) < 12 and time.monotonic() < deadline:
        time.sleep(0.01)
    worker.send_signal(signal.SIGKILL)
    worker.wait(timeout=30)
    assert len(study.trials) >= 12
    assert start_worker(storage, repo, 3).wait(timeout=120) == 0
    expect_same(study, repo)


def test_a_study_is_not_disturbed_by_a_repo_that_goes_away(tmp_path, caplog):
    study = optuna.create_study()
    callback = AimlogCallback(tmp_path)
    study.optimize(objective, n_trials=2, callbacks=[callback])
    callback._records[next(iter(callback._records))].plugin.close()
    with caplog.at_level(logging.WARNING, "aimlog"):
        study.optimize(objective, n_trials=3, callbacks=[callback])
    assert len(study.trials) == 5
    assert len([r for r in caplog.records if "could not be recorded" in r.message]) == 1
    callback.close()


def test_a_bad_repo_is_told_in_the_constructor(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(aimlog.host.PluginError, match="is a file where the repo needs"):
        AimlogCallback(tmp_path / "file")
    with pytest.raises(aimlog.host.PluginError, match="valid keys"):
        AimlogCallback(tmp_path, colour="red")
    with pytest.raises(ValueError, match="metrics"):
        AimlogCallback(tmp_path, metrics=[])


def test_a_forgotten_callback_leaves_no_thread(tmp_path):
    def threads():
        return threading.active_count(), len(os.listdir("/proc/self/task"))

    before = threads()
    callback = AimlogCallback(tmp_path)
    callback.close()
    del callback
    gc.collect()
    deadline = time.monotonic() + 20
    while threads() != before and time.monotonic() < deadline:
        time.sleep(0.01)  # one that was joined may be in the system's list for a moment longer
    assert threads() == before


def test_callbacks_that_nobody_keeps_or_closes_leave_nothing_open(tmp_path):
    def study_of(number):
        study = optuna.create_study(study_name=f"study {number}")
        callback = AimlogCallback(tmp_path)

        def tracked(trial):
            callback.track(trial).log({"loss": 1.0})
            if trial.number == 1:
                raise ValueError("no luck")
            return 1.0

        # No callback comes for the trial that fails.
        with contextlib.suppress(ValueError):
            study.optimize(tracked, n_trials=2, callbacks=[callback])

    study_of(0)
    gc.collect()
    before = len(os.listdir("/proc/self/fd"))
    for number in range(1, 4):
        study_of(number)
        gc.collect()
    assert len(os.listdir("/proc/self/fd")) == before
    runs = shown_runs(tmp_path)
    assert [run["status"] for run in runs] == ["completed", "failed"] * 4
    assert all(run["job"]["ended"] for run in runs)


@pytest.mark.filterwarnings("error")  # such as one of an exception in a finalizer
def test_a_callback_that_could_not_be_made_goes_without_a_word(tmp_path):
    (tmp_path / "file").write_text("x")
    for arguments in ({"repo": tmp_path / "file"}, {"metrics": []}):
        with pytest.raises((aimlog.host.PluginError, ValueError)):
            AimlogCallback(**arguments)
        gc.collect()


def test_the_comparison_notices_what_is_missing_or_wrong(tmp_path):
    study = optuna.create_study()
    with AimlogCallback(tmp_path) as callback:
        study.optimize(lambda trial: trial.suggest_float("x", 0, 1), 3, callbacks=[callback])
    expect_same(study, tmp_path)
    study.optimize(lambda trial: 1.0, 1)
    with pytest.raises(AssertionError):
        expect_same(study, tmp_path)
    other = optuna.create_study()
    other.optimize(lambda trial: trial.suggest_float("x", 2, 3), 3)
    with pytest.raises(AssertionError):
        expect_same(other, tmp_path)
