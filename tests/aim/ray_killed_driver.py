# SPDX-License-Identifier: Apache-2.0
"""A driver with both loggers, to be killed, and the one that restores its job.

usage: ray_killed_driver.py JSON  (see `drive` in ray_searches.py)
"""

import json
import os
import signal
import sys
import time

import ray
from ray_trainables import Counter
from ray_two_loggers import callbacks_for, tuner_for
from ray import tune
from ray.tune import Callback


class Killer(Callback):
    """Behind all others, so that both loggers have seen the result."""

    def setup(self, **info):
        # Not from what was pickled with the job: a restored one would kill again.
        self.kills = json.loads(sys.argv[1])["do"] == "run"

    def on_trial_result(self, iteration, trials, trial, result, **info):
        if self.kills and result["training_iteration"] == 24:
            time.sleep(0.7)  # the state with its first checkpoints is on its way to the storage
            os.kill(os.getpid(), signal.SIGKILL)


def main():
    ray.init(address=ORDER["address"], log_to_driver=False, logging_level="ERROR")
    if ORDER["do"] == "restore":
        path = os.path.join(ORDER["storage"], ORDER["name"])
        tune.Tuner.restore(path, trainable=Counter).fit()
        return
    callbacks = callbacks_for(ORDER, ORDER["name"], [Killer()])
    space = {"a": tune.grid_search([1, 2]), "pace": 0.05}
    checkpoints = tune.CheckpointConfig(checkpoint_frequency=8)
    tuner_for(Counter, space, None, ORDER, ORDER["name"], callbacks,
              stop={"training_iteration": 30}, checkpoint_config=checkpoints).fit()  # fmt: skip


if __name__ == "__main__":
    ORDER = json.loads(sys.argv[1])
    main()
    sys.stdout.flush()
    os._exit(0)  # Aim's threads would go on
