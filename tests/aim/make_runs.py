# SPDX-License-Identifier: Apache-2.0
"""A repo of ours with many runs, through the plugin as any tuner would make it."""

import math
import pathlib
import random
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "record"))
import plugin_host

START_NS = 1_795_503_600_000_000_000


def params_of(number):
    """Sampled params and the whole configuration of a trial."""
    sampled = {"lr": 10 ** -(1 + number % 5), "width": 2 ** (number % 8), "optimizer": "adam"}
    return sampled, {**sampled, "seed": number, "data": {"name": "digits", "split": [0.8, 0.2]}}


def make_repo(library, directory, runs, metrics, steps, seed=0):
    """`runs` trials with `metrics` metrics and `steps` results each, all completed."""
    chance = random.Random(seed)
    plugin = plugin_host.Plugin(library, f"repo: {directory}\n")
    plugin.setup(
        experiment_name="many", host_name="bench", metric_namespace="ray/tune/", job_id="j"
    )
    plugin.time_ns = START_NS
    for number in range(runs):
        trial = f"trial_{number:05d}"
        sampled, config = params_of(number)
        plugin.start(trial, name=f"train_{trial}", local_dir=f"/results/{trial}",
                     node_ip="127.0.0.1", params=sampled, config=config)
        for step in range(1, steps + 1):
            result = {f"m{i:02d}": math.exp(-step / (10 + i)) + chance.random() * 0.01
                      for i in range(metrics)}
            plugin.result({**result, "training_iteration": step}, trial)
        plugin.complete(trial)
    plugin.end()
    plugin.destroy()


if __name__ == "__main__":
    make_repo(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6]))
