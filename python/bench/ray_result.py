# SPDX-License-Identifier: Apache-2.0
"""A trial, and a result as Ray's controller hands it over: 20 metrics in nested maps, with all that
Ray adds."""

import os

import ray
from ray.air.constants import TRAINING_ITERATION
from ray.train._internal.storage import StorageContext
from ray.tune.experiment.trial import Trial


def start_ray():
    """Trials want to know its folder."""
    os.environ["TUNE_WARN_THRESHOLD_S"] = "1000"
    ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False, logging_level="ERROR")


def make_config():
    """Large, as where a whole experiment is configured by it."""
    return {f"key_{i}": i * 0.5 if i % 3 else f"text {i}" for i in range(300)}


def make_trial(folder, number, config):
    """One that never runs."""
    storage = StorageContext(storage_path=str(folder / "ray"), experiment_dir_name="bench")
    storage.trial_dir_name = f"trial_{number}"
    trial = Trial(
        "stub",
        stub=True,
        config=config,
        trial_id=f"{number:08x}",
        storage=storage,
        evaluated_params={"lr": 0.1, "width": 32},
    )
    trial.init_local_path()
    return trial


def make_result(number_type, iteration, config, trial):
    value = number_type(1.0 / (iteration + 1))
    return {
        "loss": value,
        "eval": {f"recall_{digit}": value for digit in range(10)},
        "perf": {f"timing_{part}": value for part in range(9)},
        TRAINING_ITERATION: iteration,
        "trial_id": trial.trial_id,
        "date": "2026-01-01_00-00-00",
        "timestamp": 1767225600 + iteration,
        "time_this_iter_s": 0.1,
        "time_total_s": 0.1 * iteration,
        "time_since_restore": 0.1 * iteration,
        "iterations_since_restore": iteration,
        "pid": 4711,
        "hostname": "driver",
        "node_ip": "127.0.0.1",
        "done": False,
        "checkpoint_dir_name": None,
        "config": config,
    }
