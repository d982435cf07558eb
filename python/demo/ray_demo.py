# SPDX-License-Identifier: Apache-2.0
"""Tunes the digits with Ray Tune, by PBT and by ASHA, with AimLoggerCallback and AimlogCallback
side by side, and tells what each cost the driver and what it left behind.

usage: ray_demo.py DIRECTORY [--trials N] [--iterations N]
"""

import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import time

os.environ.setdefault("RAY_AIR_NEW_OUTPUT", "0")
import ray
from digits import Digits
from ray import tune
from ray.tune import Callback, CheckpointConfig, RunConfig
from ray.tune.schedulers import ASHAScheduler, PopulationBasedTraining

import aimlog
from aimlog.ray import AimlogCallback

try:
    from ray.tune.logger.aim import AimLoggerCallback
except ImportError:
    AimLoggerCallback = None

HOOKS = [name for name in dir(Callback) if name.startswith("on_")] + ["setup"]
SPACE = {
    "lr": tune.loguniform(1e-4, 1e-1),
    "weight_decay": tune.loguniform(1e-6, 1e-2),
    "width": tune.choice([16, 32, 64]),
    "batch": tune.choice([16, 32, 64]),
}


class Timed(Callback):
    """Passes every hook on, and keeps how long each took."""

    def __init__(self, inner):
        self.inner = inner
        self.seconds = {name: [] for name in HOOKS}

    def get_state(self):
        return self.inner.get_state()

    def set_state(self, state):
        self.inner.set_state(state)


def timed(name):
    def hook(self, *args, **kwargs):
        begin = time.perf_counter()
        try:
            return getattr(self.inner, name)(*args, **kwargs)
        finally:
            self.seconds[name].append(time.perf_counter() - begin)

    return hook


for each in HOOKS:
    setattr(Timed, each, timed(each))


def schedulers(iterations):
    pbt = PopulationBasedTraining(
        time_attr="training_iteration",
        perturbation_interval=max(2, iterations // 5),
        hyperparam_mutations={"lr": SPACE["lr"], "weight_decay": SPACE["weight_decay"]},
    )
    return {"PBT": pbt, "ASHA": ASHAScheduler(max_t=iterations, grace_period=2)}


def search(name, scheduler, directory, trials, iterations):
    """The callbacks, with their times."""
    callbacks = {"AimlogCallback": Timed(AimlogCallback(repo=directory, experiment_name=name))}
    if AimLoggerCallback is not None:
        aim = AimLoggerCallback(repo=str(directory), experiment_name=name)
        callbacks["AimLoggerCallback"] = Timed(aim)
    tune.Tuner(
        Digits,
        param_space=SPACE,
        tune_config=tune.TuneConfig(
            metric="accuracy",
            mode="max",
            num_samples=trials,
            scheduler=scheduler,
            reuse_actors=True,
        ),
        run_config=RunConfig(
            name=name,
            storage_path=str(directory / "ray"),
            stop={"training_iteration": iterations},
            callbacks=list(callbacks.values()),
            checkpoint_config=CheckpointConfig(checkpoint_frequency=2, num_to_keep=4),
            verbose=0,
        ),
    ).fit()
    return callbacks


def size_of(directory):
    return sum(f.stat().st_size for f in pathlib.Path(directory).rglob("*") if f.is_file())


def aim_runs(directory):
    """How many runs there are in the Aim repo; each has a directory of its own."""
    chunks = pathlib.Path(directory) / ".aim" / "meta" / "chunks"
    return sum(1 for _ in chunks.iterdir()) if chunks.is_dir() else 0


def row(name, directory, all_seconds, runs):
    results, starts = all_seconds["on_trial_result"], all_seconds["on_trial_start"]
    spent = sum(sum(times) for times in all_seconds.values())
    folder = ".aimlog" if name == "AimlogCallback" else ".aim"
    return (
        f"{name:18} {statistics.median(results) * 1e6:12.1f} us {max(results) * 1e3:10.2f} ms"
        f" {statistics.median(starts) * 1e3:12.2f} ms {spent:10.3f} s"
        f" {size_of(directory / folder) / 1e6:8.2f} MB {runs:6}"
    )


def table(directory, searches):
    print(f"\n{'':18} {'a result':>15} {'longest':>13} {'a trial start':>15} {'in all':>12} "
          f"{'on disk':>11} {'runs':>6}")  # fmt: skip
    for name in ("AimLoggerCallback", "AimlogCallback"):
        timers = [callbacks[name] for callbacks in searches.values() if name in callbacks]
        if not timers:
            continue
        seconds = {hook: [s for timer in timers for s in timer.seconds[hook]] for hook in HOOKS}
        if name == "AimlogCallback":
            runs = len(aimlog.open(directory).runs(metrics=False))
        else:
            runs = aim_runs(directory)
        print(row(name, directory, seconds, runs))


def show(*words):
    print(f"\n$ aimlog {' '.join(words)}", flush=True)
    command = os.path.join(os.path.dirname(aimlog.__file__), "bin", "aimlog")
    subprocess.run([command, *words], check=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("--trials", type=int, default=6)
    parser.add_argument("--iterations", type=int, default=20)
    words = parser.parse_args()
    directory = words.directory.resolve()
    directory.mkdir(parents=True, exist_ok=True)
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    searches = {}
    for name, scheduler in schedulers(words.iterations).items():
        print(f"--- {name}: {words.trials} trials of {words.iterations} epochs", flush=True)
        searches[name] = search(name, scheduler, directory, words.trials, words.iterations)
    ray.shutdown()
    table(directory, searches)
    os.environ["AIMLOG_REPO"] = str(directory)
    show("ls", "--limit", "12", "--columns", "id,experiment,trial,status,attempts,step,loss.min")
    show("best", "--metric", "accuracy", "--mode", "max")
    show("plot", "accuracy", "best:accuracy:max")
    print(f"\n--- The repo is {directory}/.aimlog")


if __name__ == "__main__":
    sys.exit(main())
