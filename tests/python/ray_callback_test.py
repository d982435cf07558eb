# SPDX-License-Identifier: Apache-2.0
"""The callback without a cluster: arguments, saved states, hooks in any order and odd trials."""

import copy
import gc
import json
import logging
import os
import pickle
import time
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pyarrow.fs
import pytest
from ray import cloudpickle
from ray_support import JSON_LINES, library_is_loaded, points, runs_of, statuses

from aimlog.host import PluginError
from aimlog.ray import AimlogCallback
from aimlog.ray.job import find_in_job_file, unpack_state
from aimlog.ray.trial import describe_failure, sampled_params


class FakeTrial:
    """As much of a Trial as the callback may use."""

    def __init__(self, directory, name="t", **fields):
        self.trial_id, self.status = name, "PENDING"
        self.trainable_name, self.experiment_tag = "f", "0"
        self.config, self.evaluated_params = {"a": 1, "b": 2}, {"a": 1}
        self.experiment_dir_name, self.num_failures, self.node_ip = Path(directory).name, 0, None
        self.local_experiment_path = self.local_path = self.path = str(directory)
        self.checkpoint = self.error_file = None
        self.has_reported_at_least_once, self.last_result = False, {}
        filesystem = pyarrow.fs.LocalFileSystem()
        self.storage = SimpleNamespace(
            storage_filesystem=filesystem, experiment_fs_path=str(directory)
        )
        self.__dict__.update(fields)


class Fit:
    """A driver's loop in the hand."""

    def __init__(self, callback, directory, resumed=False, state=None):
        self.callback, self.directory, self.trials, self.steps = callback, directory, [], 0
        if state is not None:
            callback.set_state(state)
        callback.setup(stop=None, num_samples=1, total_num_samples=1)
        if resumed:
            self.add("t")
        callback.on_step_begin(iteration=0, trials=self.trials)

    def add(self, name, **fields):
        self.trials.append(FakeTrial(self.directory, name, **fields))
        return self.trials[-1]

    def say(self, hook, trial, **more):
        hook = getattr(self.callback, hook)
        return hook(iteration=self.steps, trials=self.trials, trial=trial, **more)

    def step(self):
        self.steps += 1
        self.callback.on_step_end(iteration=self.steps, trials=self.trials)

    def run(self, trial, steps=2):
        self.say("on_trial_start", trial)
        trial.status = "RUNNING"
        for i in range(1, steps + 1):
            self.say("on_trial_result", trial, result={"x": i, "training_iteration": i})

    def end(self):
        self.callback.on_experiment_end(trials=self.trials)


@pytest.fixture
def exp(tmp_path):
    (tmp_path / "exp").mkdir()
    return tmp_path / "exp"


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"metrics": []}, ValueError, "metrics"),
        ({"nonsense": 1}, TypeError, "nonsense; valid: repo, experiment_name, metrics, config"),
        ({"repo": "aim://host:53800"}, ValueError, "aim_repo="),
        ({"repo": "s3://bucket/x"}, ValueError, "no directory of this machine"),
        ({"repo": 5}, TypeError, "path of a directory"),
        ({"aim_repo": "/tmp/x"}, TypeError, "aim_repo="),
        ({"experiment": "a", "experiment_name": "b"}, ValueError, "same argument"),
        ({"experiment_name": 5}, TypeError, "experiment_name"),
        ({"metrics": ["a["]}, PluginError, "metrics"),
        ({"durability": "sometimes"}, PluginError, "durability"),
        ({"settings": {"metrcs": "a"}}, PluginError, "metrcs"),
        ({"sync_period": 0}, ValueError, "sync_period"),
        ({"config": "/no/such/file"}, FileNotFoundError, "no/such"),
        ({"repo": "/proc/nowhere"}, OSError, "/proc"),
        ({"repo": "/proc"}, PluginError, "/proc"),
        ({"plugin": "/no/such/plugin.so"}, PluginError, "/no/such/plugin.so"),
    ],
)
def test_what_cannot_be_is_refused_before_the_job(arguments, error, words):
    with pytest.raises(error, match=words.replace("[", r"\[")):
        AimlogCallback(**arguments)
    assert not library_is_loaded()


def test_a_bad_file_is_named_with_its_line(tmp_path):
    path = tmp_path / "aimlog.yaml"
    path.write_text("repo: .\nmetrcs: [loss]\n")
    with pytest.raises(PluginError, match=f"{path}:2:1.*metrcs"):
        AimlogCallback(config=path)


def test_arguments_for_aim_runs_are_accepted_with_one_line(caplog):
    with caplog.at_level(logging.INFO, "aimlog"):
        AimlogCallback(system_tracking_interval=5, capture_terminal_logs=False, run_hash=None)
    (line,) = [record.getMessage() for record in caplog.records]
    assert "capture_terminal_logs, run_hash, system_tracking_interval" in line


def test_the_constructor_says_nothing(tmp_path, caplog, capfd):
    with caplog.at_level(logging.INFO, "aimlog"):
        AimlogCallback(metrics=["loss"])
        AimlogCallback(repo=tmp_path, metrics=["loss"])
    assert caplog.messages == [] and capfd.readouterr() == ("", "")


def test_temporary_files_on_a_bad_disk_do_not_matter(monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", "/proc/self/fd")
    monkeypatch.setattr("tempfile.TemporaryDirectory", lambda **_: nullcontext("/proc/self/fd"))
    AimlogCallback()
    with pytest.raises(PluginError, match="metrcs"):
        AimlogCallback(settings={"metrcs": "a"})


def test_an_aim_repo_object_is_refused():
    repo = type("Repo", (), {"__module__": "aim.sdk.repo"})()
    with pytest.raises(TypeError, match="aim_repo="):
        AimlogCallback(repo=repo)


def test_relative_repos_become_absolute(tmp_path, monkeypatch, exp):
    monkeypatch.chdir(tmp_path)
    callback = AimlogCallback(repo="data")
    monkeypatch.chdir("/")
    fit = Fit(callback, exp)
    fit.run(fit.add("t"))
    fit.end()
    assert set(runs_of(tmp_path / "data")) == {"t"} and not (exp / ".aimlog").exists()


def test_the_file_s_repo_and_settings_count_and_arguments_win(tmp_path, exp):
    path = tmp_path / "aimlog.yaml"
    path.write_text("repo: here\nexperiment: of the file\nmetrics: [x]\ntags: [a]\n")
    callback = cloudpickle.loads(cloudpickle.dumps(AimlogCallback(config=path, tags=["b"])))
    path.unlink()  # a restore elsewhere has no such file
    fit = Fit(callback, exp)
    fit.run(fit.add("t"))
    fit.end()
    (run,) = runs_of(tmp_path / "here").values()
    assert run["experiment"] == "of the file" and run["job"]["tags"] == ["b"]
    assert [metric["name"] for metric in run["metrics"]] == ["x"]


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
