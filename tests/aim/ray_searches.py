# SPDX-License-Identifier: Apache-2.0
"""The Ray jobs of ray_differential_test.py: each a function that gets `fit`."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from ray import tune
from ray.tune.schedulers import (
    AsyncHyperBandScheduler,
    HyperBandScheduler,
    MedianStoppingRule,
    PopulationBasedTraining,
)
from ray.tune.search import BasicVariantGenerator, ConcurrencyLimiter, Repeater
from ray.tune.search.optuna import OptunaSearch
from ray.tune.stopper import TrialPlateauStopper
from ray_trainables import Counter, Endless, contexts, curve, odd_numbers, timesteps

STEPS = {"training_iteration": 30}
CHECKPOINTS = {"checkpoint_config": tune.CheckpointConfig(checkpoint_frequency=10)}
# One worker for all trials: most of a small job's time goes into the start of workers.
ONE_WORKER = {"max_concurrent_trials": 1, "reuse_actors": True}
SCORE = {"metric": "score", "mode": "max"}


def grid(fit):
    fit(curve, {"a": tune.grid_search([1.5, 2, -3]), "net": {"width": tune.grid_search([16])}})


def random_samples(fit):
    space = {
        "a": tune.uniform(0, 1), "lr": tune.loguniform(1e-5, 1e-1), "i": tune.randint(0, 100),
        "q": tune.quniform(0, 1, 0.25), "opt": {"name": tune.choice(["adam", "sgd", None])},
        "on": tune.choice([True, False]), "layers": tune.choice([[64, 32], [128]]), "fixed": 7,
    }  # fmt: skip
    fit(curve, space, {"num_samples": 3})


def early_stopping(fit):
    scheduler = AsyncHyperBandScheduler(metric="loss", mode="min", max_t=30, grace_period=4)
    fit(curve, {"a": tune.grid_search([1, 5, 9, 2])}, {"scheduler": scheduler})


def pauses_of_hyperband(fit):
    scheduler = HyperBandScheduler(**SCORE, max_t=9, reduction_factor=3)
    space = {"a": tune.grid_search([1, 2, 3, 4, 5])}
    fit(Counter, space, {"scheduler": scheduler, "reuse_actors": True},
        stop={"training_iteration": 9})  # fmt: skip


def population(fit, synch=True):
    scheduler = PopulationBasedTraining(
        time_attr="training_iteration", **SCORE, perturbation_interval=10, quantile_fraction=0.5,
        resample_probability=0, hyperparam_mutations={"a": [1, 2, 3, 4, 5]}, synch=synch,
    )  # fmt: skip
    space = {"a": tune.grid_search([1, 5]), "b": tune.choice([1, 2])}
    fit(Counter, space, {"scheduler": scheduler}, stop={"training_iteration": 20}, **CHECKPOINTS)


def population_that_does_not_wait(fit):
    population(fit, synch=False)


def retries(fit):
    """From a checkpoint, from the beginning, and one that fails once too often."""
    space = {"fails_at": tune.grid_search([17, 4, 100])}
    failures = tune.FailureConfig(max_failures=1)
    fit(Counter, space, stop=STEPS, failure_config=failures, **CHECKPOINTS)


def contexts_and_epochs(fit):
    fit(contexts, {"kind": tune.grid_search(["contexts", "epochs", "both"])}, ONE_WORKER)


def numbers_of_all_kinds(fit):
    fit(odd_numbers, {"a": tune.grid_search([1, 2])}, ONE_WORKER)


def steps_of_the_user(fit):
    fit(timesteps, {"way": tune.grid_search(["far", "falling", "repeated", "huge"])}, ONE_WORKER)


def repeated_samples(fit):
    search = Repeater(OptunaSearch(metric="loss", mode="min", seed=3), repeat=2)
    limited = ConcurrencyLimiter(search, max_concurrent=2)
    fit(curve, {"a": tune.uniform(1, 2), "n": 20}, {"search_alg": limited, "num_samples": 4})


def limited_variants(fit):
    search = BasicVariantGenerator(max_concurrent=1)
    fit(curve, {"a": tune.grid_search([3, 4])}, {"search_alg": search})


def median_stopping(fit):
    scheduler = MedianStoppingRule(**SCORE, grace_period=5, min_samples_required=2)
    fit(Counter, {"a": tune.grid_search([1, 2, 3])}, {"scheduler": scheduler}, stop=STEPS)


def a_stopper(fit):
    stop = TrialPlateauStopper("m00", std=100.0, num_results=12)
    fit(Counter, {"a": tune.grid_search([1, 2])}, stop=stop)


def chosen_metrics(fit):
    names = ["loss", "deep/er/x", "m03"]
    fit(curve, {"a": tune.grid_search([1, 2])}, metrics=names, experiment_name="of another name")


def time_budget(fit):
    """Ends while trials run: AimLoggerCallback is not told so and leaves its runs open."""
    fit(Endless, {"a": tune.grid_search([1, 2])}, {"time_budget_s": 6})


def fail_fast(fit):
    space = {"fails_at": tune.grid_search([12, 1000]), "pace": 0.02}
    failures = tune.FailureConfig(fail_fast=True)
    fit(Counter, space, failure_config=failures, stop={"training_iteration": 2000})


def kill_and_restore(fit):
    """The driver, a process of its own, is killed in a hook, and the job restored."""
    killed = drive(fit, "run")
    if killed.returncode != -signal.SIGKILL:
        raise RuntimeError(f"the driver was not killed: {killed.stderr[-2000:]}")
    restored = drive(fit, "restore")
    if restored.returncode != 0:
        raise RuntimeError(
            f"the restore ended with {restored.returncode}: {restored.stderr[-2000:]}"
        )


def drive(fit, do):
    order = {**fit.places, "address": fit.address, "name": fit.name, "do": do}
    driver = Path(__file__).resolve().parent / "ray_killed_driver.py"
    return subprocess.run([sys.executable, driver, json.dumps(order)], capture_output=True,
                          text=True, timeout=180, check=False, env=os.environ)  # fmt: skip


# Some always, all with --long.
SHORT = [grid, population, retries, contexts_and_epochs, numbers_of_all_kinds, steps_of_the_user,
         kill_and_restore]  # fmt: skip
LONG = [
    *SHORT, random_samples, early_stopping, pauses_of_hyperband, population_that_does_not_wait,
    repeated_samples, limited_variants, median_stopping, a_stopper, chosen_metrics, time_budget,
    fail_fast,
]  # fmt: skip
