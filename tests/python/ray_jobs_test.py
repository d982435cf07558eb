# SPDX-License-Identifier: Apache-2.0
"""Real jobs of Ray Tune, compared point by point with Ray's own JSON logger and last results."""

import json
import os
import tarfile
import time
from pathlib import Path

import numpy as np
from pyarrow.fs import LocalFileSystem, SubTreeFileSystem
from ray import tune
from ray.tune.schedulers import (
    AsyncHyperBandScheduler,
    HyperBandScheduler,
    PopulationBasedTraining,
)
from ray_support import (
    JSON_LINES,
    assert_recorded,
    expected_points,
    fit,
    library_is_loaded,
    points,
    statuses,
)

from aimlog.ray import AimlogCallback


def curve(config):
    for i in range(1, config.get("n", 4) + 1):
        tune.report({"loss": config["a"] / i, "deep": {"er": {"x": i, "flag": i % 2 == 0}}})


class Counter(tune.Trainable):
    """Counts; keeps its count in checkpoints; does what its configuration says."""

    def setup(self, config):
        self.count = 0
        self.config = config
        if config.get("breaks"):
            raise RuntimeError("this worker cannot start")

    def step(self):
        self.count += 1
        if self.count == self.config.get("fails_at"):
            raise ValueError(f"failed at {self.count}")
        return {"count": self.count, "score": self.count * self.config.get("a", 1)}

    def save_checkpoint(self, directory):
        Path(directory, "count.json").write_text(json.dumps(self.count))

    def load_checkpoint(self, directory):
        self.count = json.loads(Path(directory, "count.json").read_text())

    def reset_config(self, config):
        self.config, self.count = config, 0
        return True


def checkpoints(**options):
    return {"checkpoint_config": tune.CheckpointConfig(**options)}


def test_grid_of_functions_is_recorded_as_the_json_logger_has_it():
    job = fit(curve, AimlogCallback(), {"a": tune.grid_search([1.5, 2, -3]), "n": 3})
    runs = assert_recorded(job)
    assert set(statuses(runs).values()) == {"completed"}
    for trial_id, trial in job.trials.items():
        run = runs[trial_id]
        assert run["experiment"] == "exp" and run["trial_name"] == str(trial)
        assert run["params"]["value"]["a"]["value"] == trial.config["a"]
        assert run["config"]["value"].keys() == {"a", "n"}
        assert run["remote_dir"] == trial.path
        assert run["job"]["metric_namespace"] == "ray/tune/"
        assert "config" not in {item["name"] for item in run["objects"]}
    assert not library_is_loaded()


def odd_numbers(config):
    for i in range(1, 4):
        tune.report({
            "nan": float("nan"), "inf": -float("inf"), "zero": -0.0, "text": f"word {i}",
            "none": None, "list": [1, 2, i], "big": 2**53 + i, "flag": True,
            "np": {
                "f16": np.float16(1.5), "f32": np.float32(0.1), "f64": np.float64(0.1) * i,
                "i8": np.int8(-i), "u8": np.uint8(200), "i64": np.int64(2**62 + i),
                "b": np.bool_(i == 2),
            },
            "epoch": i * 10, "context": {"subset": "val"}, "timesteps_total": i * 100,
        })  # fmt: skip


def test_odd_numbers_contexts_and_epochs_are_kept():
    job = fit(odd_numbers, AimlogCallback(), {})
    ((trial_id, run),) = job.runs().items()
    expected = expected_points(job.results[trial_id])
    for name, pairs in expected.items():
        kept = points(run, name)
        assert [step for step, _ in kept] == [100, 200, 300]
        assert [repr(float(number)) for _, number in kept] == [repr(float(b)) for _, b in pairs]
    np_names = {"f16", "f32", "f64", "i8", "u8", "i64", "b"}
    for name in np_names:
        kept = [number for _, number in points(run, f"np/{name}")]
        assert kept == [r["np"][name].item() for r in job.results[trial_id]]
    assert [n for _, n in points(run, "big")] == [2**53 + 1, 2**53 + 2, 2**53 + 3]
    metric = next(m for m in run["metrics"] if m["name"] == "nan")
    assert metric["context"]["value"]["subset"]["value"] == "val" and metric["nan_count"] == 3
    assert [point["epoch"]["value"] for point in metric["points"]] == [10, 20, 30]
    kept = {item["name"]: item for item in run["objects"]}
    assert kept["text"]["last"]["value"] == "word 3" and kept["none"]["count"] == 3
    assert [item["value"] for item in kept["list"]["last"]["value"]] == [1, 2, 3]


def test_class_trainables_and_their_checkpoints():
    space = {"a": tune.grid_search([1, 2])}
    run = checkpoints(checkpoint_frequency=2, checkpoint_at_end=True)
    job = fit(Counter, AimlogCallback(), space, stop={"training_iteration": 4}, **run)
    runs = assert_recorded(job)
    assert set(statuses(runs).values()) == {"completed"}
    for trial_id, trial in job.trials.items():
        saved = [kept["path"] for kept in runs[trial_id]["checkpoints"]]
        assert trial.checkpoint.path in saved and len(set(saved)) == 2
        assert {kept["step"] for kept in runs[trial_id]["checkpoints"]} == {2, 4}


def test_early_stopping_keeps_one_run_a_trial():
    scheduler = AsyncHyperBandScheduler(metric="loss", mode="min", max_t=8, grace_period=2)
    space = {"a": tune.grid_search([1, 5, 9, 2]), "n": 8}
    job = fit(curve, AimlogCallback(), space, tune_config={"scheduler": scheduler})
    runs = assert_recorded(job)
    assert set(statuses(runs).values()) == {"completed"}


def test_hyperband_pauses_and_cuts_short():
    scheduler = HyperBandScheduler(metric="score", mode="max", max_t=4, reduction_factor=2)
    job = fit(
        Counter,
        AimlogCallback(),
        {"a": tune.grid_search([1, 2, 3, 4, 5, 6, 7, 8])},
        tune_config={"scheduler": scheduler, "reuse_actors": True},
        stop={"training_iteration": 4},
    )
    runs = assert_recorded(job)
    assert set(statuses(runs).values()) <= {"completed", "stopped"}
    assert "completed" in statuses(runs).values()
    attempts = [attempt for run in runs.values() for attempt in run["attempts"]]
    assert any(attempt["status"] == "paused" for attempt in attempts)
    resumed = [attempt for attempt in attempts if attempt["attempt"] > 1]
    assert resumed and all(at["restored"] and at["checkpoint_path"] for at in resumed)


def test_population_based_training_with_both_plugins():
    scheduler = PopulationBasedTraining(
        time_attr="training_iteration",
        metric="score",
        mode="max",
        perturbation_interval=2,
        quantile_fraction=0.5,
        resample_probability=0,
        hyperparam_mutations={"a": [1, 2, 3, 4, 5]},
        synch=True,
    )
    lines = AimlogCallback(plugin=JSON_LINES)
    job = fit(
        Counter,
        [AimlogCallback(), lines],
        {"a": tune.grid_search([1, 5])},
        tune_config={"scheduler": scheduler},
        stop={"training_iteration": 8},
        **checkpoints(checkpoint_frequency=2),
    )
    runs = assert_recorded(job)
    assert set(statuses(runs).values()) == {"completed"}
    assert max(len(run["attempts"]) for run in runs.values()) >= 2
    changed = [run for run in runs.values() if len(run["params_history"]) > 1]
    assert changed, "an exploit changes the parameters"
    for run in changed:
        newest = job.trials[run["trial_id"]].config["a"]
        assert run["params"]["value"]["a"]["value"] == newest
    assert_json_lines_agree(job.directory / "events.jsonl", runs)
    assert not library_is_loaded() and not library_is_loaded(JSON_LINES)


def assert_json_lines_agree(path, runs):
    events = [json.loads(line) for line in path.read_text().splitlines()]
    results = [event for event in events if event["event"] == "trial_result"]
    told = {}
    for event in results:
        step = event["result"]["training_iteration"]
        told.setdefault(event["trial_id"], []).append((step, event["result"]["score"]))
    assert told == {trial_id: points(run, "score") for trial_id, run in runs.items()}
    starts = [event["event"] for event in events].count("trial_start")
    assert starts == sum(run["attempt_count"] for run in runs.values())


def test_failures_with_retries_are_attempts_of_one_run():
    job = fit(
        Counter,
        AimlogCallback(),
        {"fails_at": tune.grid_search([3, 100])},
        stop={"training_iteration": 4},
        failure_config=tune.FailureConfig(max_failures=1),
    )
    runs = assert_recorded(job)
    by_failure = {run["config"]["value"]["fails_at"]["value"]: run for run in runs.values()}
    assert by_failure[100]["status"] == "completed"
    failed = by_failure[3]
    assert failed["status"] == "failed" and failed["failures"] == 2
    assert [at["status"] for at in failed["attempts"]] == ["failed", "failed"]
    for attempt in failed["attempts"]:
        lines = attempt["error"].splitlines()
        assert lines[0] == "ValueError: failed at 3" and "in step" in attempt["error"]
        assert "\x1b" not in attempt["error"]
    assert [number for _, number in points(failed, "count")] == [1, 2, 1, 2]


def test_a_constructor_that_raises_harms_nobody():
    job = fit(
        Counter,
        AimlogCallback(),
        {"breaks": tune.grid_search([True, False])},
        stop={"training_iteration": 2},
    )
    runs = assert_recorded(job)
    by_config = {run["params"]["value"]["breaks"]["value"]: run for run in runs.values()}
    assert by_config[True]["status"] == "failed" and by_config[False]["status"] == "completed"
    assert "this worker cannot start" in by_config[True]["error"]


class Endless(tune.Trainable):
    def step(self):
        time.sleep(0.05)
        if self.config.get("fails") and self.iteration >= 3:
            raise ValueError("failed")
        return {"x": self.iteration}


def test_a_time_budget_stops_what_is_open():
    job = fit(
        Endless,
        AimlogCallback(),
        {"a": tune.grid_search(list(range(6)))},
        tune_config={"time_budget_s": 3},
    )
    runs = job.runs()
    assert set(runs) == set(job.trials) and set(statuses(runs).values()) == {"stopped"}
    assert {run["job"]["interrupted"] for run in runs.values()} == {True}
    assert 0 in {run["attempt_count"] for run in runs.values()}, "a trial that never started"


def test_fail_fast_stops_the_others():
    job = fit(
        Endless,
        AimlogCallback(),
        {"fails": tune.grid_search([True, False])},
        failure_config=tune.FailureConfig(fail_fast=True),
    )
    runs = assert_recorded(job)
    assert sorted(statuses(runs).values()) == ["failed", "stopped"]


def test_one_callback_serves_several_jobs_also_of_one_name(tmp_path):
    callback = AimlogCallback(repo=str(tmp_path))
    first = fit(curve, callback, {"a": 1, "n": 2})
    second = fit(curve, callback, {"a": 2, "n": 2}, storage=str(first.directory.parent))
    other = fit(curve, callback, {"a": 3, "n": 1}, name="other")
    runs = second.runs(tmp_path)
    assert set(runs) == {*first.trials, *second.trials, *other.trials}
    assert len({run["job"]["id"] for run in runs.values()}) == 3
    assert {run["experiment"] for run in runs.values()} == {"exp", "other"}
    assert set(statuses(runs).values()) == {"completed"}


def values_that_kill(config):
    for i in range(1, 3):
        report = {
            "timesteps_total": np.int64(i), "epoch": np.int32(i), "huge": 2**70 + i,
            "unsigned": 2**63 + i, "context": {"c": np.float32(1)}, "tuple": (1, "a"),
            "array": np.arange(3), "set": {1}, "path": Path("/x"), "longdouble": np.longdouble(1.5),
            "type": int, "bytes": b"\xff\x00", "half": np.float16("nan"),
            "nested": {"a/b": 1, "": 2, "ünïcode": 3}, "good": i,
        }  # fmt: skip
        tune.report(report)


def test_values_that_kill_other_loggers_do_not_kill_the_job(monkeypatch):
    monkeypatch.setenv("TUNE_DISABLE_AUTO_CALLBACK_LOGGERS", "1")  # they die of these too
    space = {"list": [np.float32(1), {"a": np.int64(2)}], "fn": tune.choice([abs, len])}
    space |= {"np": tune.choice([np.int64(4), np.float16(4)]), "deep": {"x": tune.uniform(0, 1)}}
    callback = AimlogCallback()
    job = fit(values_that_kill, callback, space)
    ((trial_id, run),) = job.runs().items()
    assert run["status"] == "completed" and callback._fit.troubles == 0
    assert points(run, "good") == [(1, 1), (2, 2)]
    assert points(run, "unsigned") == [(1, 2**63 + 1), (2, 2**63 + 2)]
    assert points(run, "longdouble") == [(1, 1.5), (2, 1.5)]
    kept = {item["name"]: item["last"]["value"] for item in run["objects"]}
    assert str(2**70 + 2) in str(kept["huge"]) and kept["path"] == "/x"
    params = run["params"]["value"]
    assert params.keys() == {"fn", "np", "deep/x"}
    assert params["np"]["value"] == 4 and "__ref_ph" not in json.dumps(params)
    assert params["deep/x"]["value"] == job.trials[trial_id].config["deep"]["x"]


def test_metrics_are_filtered_by_name_and_pattern():
    callback = AimlogCallback(metrics=["loss", "deep/*", "!deep/er/x"], experiment="named")
    job = fit(curve, callback, {"a": 1, "n": 2})
    (run,) = job.runs().values()
    assert {metric["name"] for metric in run["metrics"]} == {"loss", "deep/er/flag"}
    assert run["experiment"] == "named"


def test_a_repo_that_breaks_later_costs_one_warning(tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    callback = AimlogCallback(repo=str(tmp_path / "repo"))
    os.rename(tmp_path / "repo", tmp_path / "gone")
    (tmp_path / "repo").write_text("in the way")
    job = fit(curve, callback, {"a": 1, "n": 2})
    said = [record.getMessage() for record in caplog.records if record.name == "aimlog"]
    assert len([line for line in said if "instead" in line]) == 1, said
    (spare,) = (tmp_path / "data" / "aimlog").iterdir()
    assert spare.name.startswith("exp-") and set(job.runs(spare)) == set(job.trials)
    known = json.loads((job.directory / "aimlog.json").read_text())["callbacks"]
    assert [entry["repo"] for entry in known.values()] == [str(spare)]


def test_a_job_on_a_remote_storage_leaves_a_copy_there(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    (tmp_path / "bucket").mkdir()
    remote = SubTreeFileSystem(str(tmp_path / "bucket"), LocalFileSystem())
    job = fit(curve, AimlogCallback(), {"a": 1}, storage="jobs", storage_filesystem=remote)
    directory = tmp_path / "bucket" / "jobs" / "exp"
    (entry,) = json.loads((directory / "aimlog.json").read_text())["callbacks"].values()
    assert entry["repo"].startswith(str(tmp_path / "data"))
    assert set(job.runs(entry["repo"])) == set(job.trials)
    # As docs/ray.md says it is looked at by hand.
    (tmp_path / "copy" / ".aimlog" / "journals").mkdir(parents=True)
    with tarfile.open(directory / "aimlog-copy.tar") as archive:
        archive.extractall(tmp_path / "copy" / ".aimlog")
    assert job.runs(tmp_path / "copy") == job.runs(entry["repo"])
