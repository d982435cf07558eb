#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The same jobs told to Ray's AimLoggerCallback and to our plugin; both Aim repos, key by key.

Ours is exported with --attempts split, which is how AimLoggerCallback leaves attempts. Equal must
be all params but the additions, all series, contexts, steps, values with their types, epochs, and
heads (first, last, min, max, dtype); times within the difference of the two calls.

usage: differential_test.py AIMLOG PLUGIN  (run by a Python that has Aim and Ray)
"""

import math
import os
import random
import sys
import time
import types

from aim_support import LONG, Folder, check, check_equal, export, plugin_host, run_and_leave
from attempts import attempts_of, check_faults_are_seen, close_to, compare
from ray.tune.logger.aim import AimLoggerCallback

AIMLOG, PLUGIN = (os.path.abspath(path) for path in sys.argv[1:3])
JOBS = 36 if LONG else 6
LEAST_POINTS = 20_000 if LONG else 3_500
RESERVED = ["config", "pid", "timestamp", "time_total_s", "training_iteration"]
QUIET = {"system_tracking_interval": None, "log_system_params": False,
         "capture_terminal_logs": False}
same_time = close_to(30.0)  # a very busy machine between the two calls


class Trial(types.SimpleNamespace):
    """What AimLoggerCallback asks of a trial."""

    def init_local_path(self):
        pass

    def get_ray_actor_ip(self):
        return "10.1.2.3"

    def __hash__(self):
        return hash(self.trial_id)


class Jobs:
    """One job, told to both."""

    def __init__(self, folder, seed):
        self.chance, self.seed = random.Random(seed), seed
        self.ours, self.theirs = folder / f"ours{seed}", folder / "theirs"
        name = f"job{seed}"
        self.callback = AimLoggerCallback(repo=str(self.theirs), experiment_name=name, **QUIET)
        self.plugin = plugin_host.Plugin(PLUGIN, f"repo: {folder / 'ours'}\n")
        self.plugin.setup(reserved=RESERVED, experiment_name=f"job{seed}", job_id=f"j{seed}",
                          host_name="ray", metric_namespace="ray/tune/")  # fmt: skip
        self.iteration = {}

    def start(self, name):
        params = {"lr": self.chance.random(), "net/width": self.chance.choice([16, 32]),
                  "act": self.chance.choice(["relu", None]), "l": [1, "x", 2.5], "on": True}
        trial = Trial(trial_id=name, path=f"/r/{name}", experiment_dir_name="job",
                      local_experiment_path="/r", evaluated_params=params)
        self.callback.log_trial_start(trial)
        self.plugin.time_ns = time.time_ns()
        self.plugin.start(name, name=name, local_dir=trial.path, node_ip="10.1.2.3", params=params,
                          config={**params, "seed": self.seed})  # fmt: skip
        return trial

    def number(self):
        return self.chance.choice([
            self.chance.random, lambda: self.chance.randrange(-1000, 1000), lambda: math.nan,
            lambda: math.inf, lambda: True, lambda: -0.0, lambda: self.chance.gauss(0, 1e30),
            lambda: 2**53 + self.chance.randrange(99), lambda: 5e-324,
        ])()  # fmt: skip

    def result(self, trial):
        step = self.iteration[trial.trial_id] = self.iteration.get(trial.trial_id, 0) + 1
        loss = 1.0 / step + self.chance.random()
        result = {
            "loss": loss, "acc": 1 - loss, "n": step * 3, "mixed": self.number(),
            "odd": self.number(), "done": step > 20, "date": "today", "nothing": None, "list": [1],
            "eval": {"loss": loss * 2, "deep": {"x": self.number(), "empty": {}}},
            "training_iteration": step, "pid": 1, "timestamp": 2, "time_total_s": 3.0,
            "time_this_iter_s": 0.25, "config": {"lr": 0.1},
        }  # fmt: skip
        for metric in range(20):
            result[f"m{metric}"] = self.chance.random()
        if self.seed % 3 == 1:
            result["timesteps_total"] = step * 100
        if self.seed % 4 == 2:
            result["context"] = {"subset": ("val", "train")[step % 2], "fold": {"n": 1.0}}
            result["epoch"] = step // 2 if step % 3 else step / 2
        self.plugin.result(result, trial.trial_id, time_ns=time.time_ns())
        self.callback.log_trial_result(step, trial, result)

    def run(self):
        for number in range(2):
            name = f"job{self.seed}_{number}"
            trial = self.start(name)
            for _ in range(8):
                self.result(trial)
            if number == 1:
                self.plugin.time_ns = time.time_ns()
                self.plugin.recover(name, "a node was lost", 1)
                self.iteration[name] -= 3  # back to a checkpoint
                trial = self.start(name)
                for _ in range(6):
                    self.result(trial)
                if self.seed % 2:  # donor's checkpoint, as PBT does
                    self.iteration[name] = 2
                    for _ in range(8):
                        self.result(trial)
            self.plugin.time_ns = time.time_ns()
            self.plugin.complete(name)
            self.callback.log_trial_end(trial)
        self.plugin.end()
        self.plugin.destroy()


def main():
    with Folder() as folder:
        (folder / "theirs").mkdir()
        for seed in range(JOBS):
            Jobs(folder, seed).run()
        export(AIMLOG, folder / "ours", folder / "aim", "--attempts", "split")
        ours, theirs = attempts_of(folder / "aim"), attempts_of(folder / "theirs")
        check_equal(sorted(ours), sorted(theirs), "the attempts")
        points = sum(compare(ours[each], theirs[each], same_time) for each in ours)
        print(f"{JOBS} jobs, {len(ours)} runs, {points} points compared")
        check(points >= LEAST_POINTS, "too few points compared")
        check_faults_are_seen(ours["job0_0", 0], theirs["job0_0", 0], same_time)
    return 0


if __name__ == "__main__":
    run_and_leave(main)
