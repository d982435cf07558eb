# SPDX-License-Identifier: Apache-2.0
"""The callback without a cluster: saved states, hooks in any order, odd trials and values."""

import copy
import gc
import json
import logging
import os
import pickle
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from ray import cloudpickle
from ray_fakes import FakeTrial, Fit
from ray_support import JSON_LINES, library_is_loaded, points, runs_of, statuses

from aimlog.ray import AimlogCallback
from aimlog.ray.job import find_in_job_file, unpack_state
from aimlog.ray.trial import describe_failure, sampled_params


@pytest.fixture
def exp(tmp_path):
    (tmp_path / "exp").mkdir()
    return tmp_path / "exp"


def test_the_callback_is_pickled_before_during_and_after_a_fit(exp):
    callback = AimlogCallback()
    for dump in (pickle, cloudpickle):
        assert dump.loads(dump.dumps(callback))._options == callback._options
    fit = Fit(callback, exp)
    trial = fit.add("t")
    fit.run(trial)
    other = copy.deepcopy(pickle.loads(pickle.dumps(callback)))
    assert other._fit is None and callback._fit.plugin is not None
    del other
    gc.collect()
    fit.say("on_trial_complete", trial)
    fit.end()
    assert pickle.loads(pickle.dumps(callback))._fit is None
    assert statuses(runs_of(exp)) == {"t": "completed"}


def test_the_state_is_there_from_the_first_call(exp):
    callback = AimlogCallback()
    assert callback.get_state() is None
    fit = Fit(callback, exp)
    first = callback.get_state()
    assert first["job"] and first["repo"] is None
    fit.run(fit.add("t"))
    second = callback.get_state()
    assert second["job"] == first["job"] and second["repo"] == str(exp)
    assert second["plugin_state"]
    fit.end()
    assert callback.get_state()["job"] == first["job"]


FOREIGN = [None, {}, [], b"", 5, "text", {"magic": "other"}, {"magic": "aimlog.ray/1"}]
FOREIGN += [{"magic": "aimlog.ray/1", "key": "||", "job": 5, "plugin_state": b""}]
FOREIGN += [{"magic": "aimlog.ray/1", "key": "of another", "job": "x", "plugin_state": b""}]


@pytest.mark.parametrize("state", FOREIGN, ids=repr)
def test_a_foreign_state_is_no_state(exp, state):
    assert unpack_state("||", state) is None
    fit = Fit(AimlogCallback(), exp)
    fit.run(fit.add("t"))
    fit.callback._fit.plugin.flush()
    job = fit.callback.get_state()["job"]
    restored = Fit(AimlogCallback(), exp, resumed=True, state=state)
    restored.run(restored.trials[0])
    assert restored.callback.get_state()["job"] == job, "the file beside the trials says it"
    restored.end()
    fit.end()
    (run,) = runs_of(exp).values()
    assert len(run["attempts"]) == 2


def test_a_state_whose_operators_raise_is_no_state():
    class Hostile(dict):
        def __getitem__(self, name):
            raise ZeroDivisionError

    callback = AimlogCallback()
    callback.set_state(Hostile())
    assert callback._restored is None


@pytest.mark.parametrize("text", [None, "", "{}", "[1]", "nonsense", '{"callbacks": 5}'])
def test_a_broken_job_file_names_no_job(text):
    assert find_in_job_file(text, "||") is None


def test_a_fresh_job_of_the_same_name_is_another_job(exp):
    for _ in range(2):
        fit = Fit(AimlogCallback(), exp)
        trial = fit.add("t" + str(time.time_ns()))
        fit.run(trial)
        fit.say("on_trial_complete", trial)
        fit.end()
    runs = runs_of(exp)
    assert len(runs) == 2 and len({run["job"]["id"] for run in runs.values()}) == 2


def test_hooks_in_any_order_make_what_they_need(exp):
    callback = AimlogCallback()  # and no setup
    fit = SimpleNamespace(trials=[])
    trials = {name: FakeTrial(exp, name) for name in ("result", "error", "complete", "save")}
    common = {"iteration": 0, "trials": fit.trials}
    result = {"x": 1, "training_iteration": 1}
    callback.on_trial_result(trial=trials["result"], result=result, **common)
    callback.on_trial_error(trial=trials["error"], **common)
    callback.on_trial_complete(trial=trials["complete"], **common)
    callback.on_trial_complete(trial=trials["complete"], **common)
    callback.on_trial_save(trial=trials["save"], **common)
    callback.on_experiment_end(trials=[])
    callback.on_experiment_end(trials=[])
    callback.on_trial_result(trial=trials["result"], result=result | {"x": 2}, **common)
    callback.on_experiment_end(trials=[])
    runs = runs_of(exp)
    assert statuses(runs) == {
        "result": "stopped", "error": "failed", "complete": "stopped", "save": "stopped"
    }  # fmt: skip
    assert [number for _, number in points(runs["result"], "x")] == [1, 2]


class Odd:
    """A trial of which everything raises but its id and its storage."""

    def __init__(self, trial):
        self.trial = trial

    def __getattr__(self, name):
        if name in ("trial_id", "storage", "status"):
            return getattr(self.trial, name)
        raise RuntimeError(name)

    def __str__(self):
        raise RuntimeError("no name")


def test_odd_trials_and_results_never_raise(exp, caplog):
    callback = AimlogCallback()
    fit = Fit(callback, exp)
    trial = Odd(FakeTrial(exp, "t"))
    fit.trials.append(trial)
    for result in (None, 5, "text", [], {1: 2, (3,): 4, "good": 1}, {"x": {}}, object()):
        fit.say("on_trial_result", trial, result=result)
    for hook in ("on_trial_start", "on_trial_save", "on_trial_recover", "on_trial_error"):
        fit.say(hook, trial)
    fit.say("on_checkpoint", trial, checkpoint=None)
    fit.say("on_trial_result", SimpleNamespace(), result={})
    callback.on_step_end(iteration=1, trials=[None])
    fit.end()
    assert len([r for r in caplog.records if "records job" not in r.getMessage()]) <= 1
    assert set(runs_of(exp)) == {"t"}


class Stubborn:
    """Raises at everything that one may ask of it."""

    def __getattr__(self, name):
        raise RuntimeError(name)

    def fails(self, *_):
        raise RuntimeError("no")

    __float__ = __str__ = __repr__ = __iter__ = __len__ = fails


def test_hostile_values_are_neither_kept_nor_changed(exp):
    fit = Fit(AimlogCallback(), exp)
    trial = fit.add("t", config={"stubborn": Stubborn(), "endless": []})
    trial.config["endless"].append(trial.config)
    trial.evaluated_params = {"stubborn": Stubborn()}
    fit.run(trial, steps=1)
    stubborn, cycle = Stubborn(), {}
    cycle["again"] = cycle
    result = {"a": stubborn, "b": [stubborn], "c": cycle, stubborn: 1, "x": 5}
    result["training_iteration"] = 2
    names = list(result)
    counts = [sys.getrefcount(item) for item in (stubborn, cycle, result)]
    for _ in range(100):
        fit.say("on_trial_result", trial, result=result)
    assert [sys.getrefcount(item) for item in (stubborn, cycle, result)] == counts
    assert list(result) == names and fit.callback._fit.troubles == 0
    fit.say("on_trial_complete", trial)
    fit.end()
    assert points(runs_of(exp)["t"], "x")[-1] == (2, 5)


def test_callbacks_that_get_each_other_s_state_know_their_jobs(exp, tmp_path):
    def both(resumed=False, states=(None, None)):
        callbacks = AimlogCallback(), AimlogCallback(repo=tmp_path / "other")
        fits = [Fit(c, exp, resumed, state) for c, state in zip(callbacks, states, strict=True)]
        for fit in fits:
            if not resumed:
                fit.add("t")
            fit.run(fit.trials[0])
        return fits

    first, second = both()
    states = first.callback.get_state(), second.callback.get_state()
    assert states[0]["job"] != states[1]["job"]
    first.callback._fit.plugin.close(), second.callback._fit.plugin.close()
    for fit, state in zip(both(resumed=True, states=states[::-1]), states, strict=True):
        assert fit.callback.get_state()["job"] == state["job"]
        fit.end()
    for repo in (exp, tmp_path / "other"):
        (run,) = runs_of(repo).values()
        assert len(run["attempts"]) == 2


def test_runs_that_did_not_move_with_the_trials_are_found(exp, tmp_path):
    fit = Fit(AimlogCallback(), exp)
    fit.run(fit.add("t"))
    state = fit.callback.get_state()
    fit.end()
    moved = tmp_path / "moved"
    moved.mkdir()  # by a tool that leaves hidden files alone
    later = Fit(AimlogCallback(), moved, resumed=True, state=state)
    later.run(later.trials[0])
    later.end()
    assert len(runs_of(exp)["t"]["attempts"]) == 2 and not (moved / ".aimlog").exists()


def test_a_renamed_experiment_goes_on_without_its_state(exp, tmp_path):
    fit = Fit(AimlogCallback(), exp)
    fit.run(fit.add("t"))
    fit.end()
    renamed = exp.rename(tmp_path / "renamed")
    later = Fit(AimlogCallback(), renamed, resumed=True)
    later.run(later.trials[0])
    later.end()
    (run,) = runs_of(renamed).values()
    assert (run["experiment"], len(run["attempts"])) == (exp.name, 2)


def test_pauses_are_seen_and_the_rest_is_stopped_at_the_end(exp):
    fit = Fit(AimlogCallback(), exp)
    trials = [fit.add(name) for name in ("runs", "waits", "quiet", "never")]
    for trial in trials[:3]:
        fit.run(trial)
    trials[1].status = "PAUSED"  # by the result of another
    fit.callback._next_scan = 0.0
    fit.step()
    fit.callback._fit.plugin.flush()
    assert statuses(runs_of(exp)) == {"runs": "running", "waits": "paused", "quiet": "running"}
    trials[3].status = "TERMINATED"
    fit.end()
    runs = runs_of(exp)
    assert set(statuses(runs).values()) == {"stopped"} and len(runs) == 4
    assert runs["waits"]["attempts"][0]["status"] == "paused"
    assert runs["never"]["attempt_count"] == 0


def test_nothing_is_kept_of_trials_that_ended(exp):
    fit = Fit(AimlogCallback(journal_bytes="16MiB"), exp)

    def thousand_more():
        for i in range(1000):
            trial = FakeTrial(exp, f"t{time.time_ns()}-{i}")
            fit.run(trial, steps=1)
            fit.say("on_trial_complete", trial)
        # A commit's size has a peak of its own; the repo's mapped pages are the kernel's.
        fit.callback._fit.plugin.flush()
        gc.collect()
        status = Path("/proc/self/status").read_text(encoding="ascii")
        return int(status.split("RssAnon:")[1].split()[0]) << 10

    before = [thousand_more(), thousand_more()][-1]
    long = os.environ.get("AIMLOG_LONG") == "1"
    grown = [thousand_more() for _ in range(20 if long else 2)][-1] - before
    assert fit.callback._live == {} and fit.callback._touched is None
    fit.end()
    assert grown < 4 << 20, f"{grown >> 10} KiB"


def test_a_broken_plugin_costs_one_line_and_counters(exp, caplog, monkeypatch):
    fit = Fit(AimlogCallback(), exp)
    trial = fit.add("t")
    fit.run(trial)
    fit.callback._fit.plugin.close()
    for _ in range(5):
        fit.say("on_trial_result", trial, result={"x": 1})
        fit.step()
    assert fit.callback._fit.troubles >= 5
    fit.end()
    said = [record for record in caplog.records if "records job" not in record.getMessage()]
    assert len(said) == 1 and said[0].levelno == logging.WARNING


def test_another_plugin_records_behind_the_same_callback(exp):
    fit = Fit(AimlogCallback(plugin=JSON_LINES, settings={"path": "told.jsonl"}), exp)
    trial = fit.add("t")
    fit.run(trial)
    fit.say("on_trial_complete", trial)
    fit.end()
    events = [json.loads(line) for line in (exp / "told.jsonl").read_text().splitlines()]
    told = [event["result"]["x"] for event in events if event["event"] == "trial_result"]
    assert told == [1, 2] and not library_is_loaded(JSON_LINES)


def test_the_driver_s_fork_leaves_the_job_alone(exp):
    fit = Fit(AimlogCallback(), exp)
    trial = fit.add("t")
    fit.run(trial, steps=1)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            fit.say("on_trial_result", trial, result={"x": 99, "training_iteration": 9})
            fit.end()
            code = 0
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    fit.say("on_trial_result", trial, result={"x": 2, "training_iteration": 2})
    fit.say("on_trial_complete", trial)
    fit.end()
    (run,) = runs_of(exp).values()
    assert points(run, "x") == [(1, 1), (2, 2)] and run["status"] == "completed"


def test_a_child_may_run_the_fit_of_a_callback_that_its_parent_made(exp, tmp_path):
    callback = AimlogCallback(repo=tmp_path / "repo")
    child = os.fork()
    if child == 0:
        code = 1
        try:
            fit = Fit(callback, exp)
            fit.run(fit.add("t"))
            fit.end()
            code = 0
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    assert statuses(runs_of(tmp_path / "repo")) == {"t": "stopped"}


def test_a_fit_that_an_exception_left_open_ends_when_its_restore_begins(exp):
    left = Fit(AimlogCallback(), exp)
    left.run(left.add("t"))
    state = left.callback.get_state()
    restored = Fit(pickle.loads(pickle.dumps(left.callback)), exp, resumed=True, state=state)
    assert left.callback._fit.plugin is None
    restored.run(restored.trials[0])
    restored.say("on_trial_complete", restored.trials[0])
    restored.end()
    (run,) = runs_of(exp).values()
    assert [at["status"] for at in run["attempts"]] == ["stopped", "completed"]


def test_sampled_parameters_are_read_from_the_configuration():
    config = {"a": {"b": [1, {"c": 2}]}, "d/e": 3, "f": abs}
    evaluated = {"a/b/1/c": 1, "d/e": 1, "f": ("__ref_ph", "x"), "gone": 4}
    assert sampled_params(evaluated, config) == {"a/b/1/c": 2, "d/e": 3, "f": abs, "gone": 4}
    assert sampled_params(None, None) == {}


def test_failures_begin_with_the_line_that_names_them():
    kept = "Failure # 1 (occurred at x)\nold\nFailure # 2 (occurred at y)\n"
    kept += "\x1b[36mray::f()\x1b[39m\n  at line 3\nValueError: no\n"
    assert describe_failure(kept) == "ValueError: no\n\nray::f()\n  at line 3\nValueError: no"
    assert len(describe_failure("a\n" * 50000 + "Error: x")) < 20000
    assert describe_failure("") == ""
