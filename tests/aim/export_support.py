# SPDX-License-Identifier: Apache-2.0
"""A small job that is over before it is exported."""

import os
import sys

from aim_support import plugin_host

AIMLOG, PLUGIN = (os.path.abspath(path) for path in sys.argv[1:3])
# For a run that is opened through Aim.
QUIET = {"system_tracking_interval": None, "capture_terminal_logs": False}
SECOND = 1_000_000_000
START = 1_795_503_600 * SECOND
PARAMS = {"lr": 0.1, "net": {"width": 32, "layers": [64, 32]}, "act": None, "flag": True}
CONFIG = {"lr": 0.1, "seed": 7, "nothing": {}, "data": {"name": "digits", "split": [0.75, 0.25]}}


class Job:
    """A small job in a repo of ours, told to the real plugin."""

    def __init__(self, directory, trials=("a", "b"), experiment="digits"):
        self.directory, self.trials = directory, list(trials)
        config = f"repo: {directory}\ntags: [baseline, 'deux mots']\n"
        config += "description: A first search.\n"
        self.plugin = plugin_host.Plugin(PLUGIN, config)
        self.plugin.setup(
            experiment_name=experiment, host_name="test", metric_namespace="ray/tune/", job_id="j1",
            reserved=["training_iteration"],
        )  # fmt: skip
        self.plugin.time_ns = START

    def start(self, trial, **fields):
        told = {"params": PARAMS, "config": CONFIG, "node_ip": "10.0.0.7", **fields}
        self.plugin.start(trial, name=f"train_{trial}", local_dir=f"/results/{trial}", **told)

    def results(self, trial, steps, scale=1.0):
        for step in steps:
            result = {"loss": scale / step, "count": step, "eval": {"loss": -scale * step},
                      "done": step == 3, "training_iteration": step, "note": "text"}
            self.plugin.result(result, trial, time_ns=START + step * SECOND)

    def run_all(self, steps=3):
        for trial in self.trials:
            self.start(trial)
            self.results(trial, range(1, steps + 1))
            self.plugin.complete(trial)
        return self

    def close(self):
        self.plugin.end()
        self.plugin.destroy()
        return self


def by_trial(runs):
    return {run["params"]["trial_id"]: run for run in runs.values()}
