# SPDX-License-Identifier: Apache-2.0
"""A driver in a process of its own, to be killed. Works with Ray 2.9 as with 2.60.

usage: ray_drive.py ADDRESS STORAGE OPTIONS

OPTIONS is JSON: {"do": "run" | "restore" | "resume_behind_another", "die": {...}}, and arguments of
AimlogCallback; each result that a hook has seen, after AimlogCallback's hook for it returned, is a
line in STORAGE/told.jsonl.
"""

import atexit
import functools
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

os.environ.setdefault("RAY_AIR_NEW_OUTPUT", "0")
os.environ["TUNE_GLOBAL_CHECKPOINT_S"] = "0.2"

import ray
from ray import tune
from ray.tune import Callback

from aimlog.ray import AimlogCallback

try:
    from ray.tune import CheckpointConfig, RunConfig
except ImportError:
    from ray.train import CheckpointConfig, RunConfig

NAME = "job"


class Counter(tune.Trainable):
    def setup(self, config):
        self.count = 0

    def step(self):
        time.sleep(self.config["pace"])
        self.count += 1
        return {"count": self.count, "a": self.config["a"]}

    def save_checkpoint(self, directory):
        Path(directory, "count").write_text(str(self.count))

    def load_checkpoint(self, directory):
        self.count = int(Path(directory, "count").read_text())


class Teller(Callback):
    """Writes down what was acknowledged, and kills its process when it is told to."""

    def setup(self, **info):
        # Not from the constructor: a restored one would die again.
        self.path = Path(os.environ["TOLD"])
        self.die, self.results = json.loads(os.environ["DIE"]), 0

    def on_step_end(self, iteration, trials, **info):
        if self.die.get("before_start") and trials:
            time.sleep(1.5)  # Ray's first state is on its way to the storage
            os.kill(os.getpid(), signal.SIGKILL)

    def on_trial_result(self, iteration, trials, trial, result, **info):
        with open(self.path, "a", encoding="utf-8") as file:
            step = result["training_iteration"]
            file.write(json.dumps([trial.trial_id, step, result["count"]]) + "\n")
        self.results += 1
        if self.results == self.die.get("fork_at") and os.fork() == 0:
            os.close(1), os.close(2)
            time.sleep(20)
            os._exit(0)
        if self.results == self.die.get("say_at"):
            if self.die.get("slow_exit"):
                atexit.register(time.sleep, 20)
            print("running", flush=True)
        if result["training_iteration"] == self.die.get("kill_at"):
            time.sleep(0.7)  # the state with its first checkpoints is on its way to the storage
            os.kill(os.getpid(), signal.SIGKILL)
        if self.results == self.die.get("raise_at"):
            raise KeyboardInterrupt


class Other(Callback):
    """Keeps a state, so that places in the list matter."""

    def get_state(self):
        return {"mine": 1}

    def set_state(self, state):
        self.given = state


def run(storage, die, **arguments):
    callback, teller = AimlogCallback(**arguments), Teller()
    first_dies = die.get("before_start") == "unseen"
    callbacks = [teller, callback] if first_dies else [callback, teller]
    tuner = tune.Tuner(
        Counter,
        param_space={"a": tune.grid_search([1, 2, 3]), "pace": 0.12},
        run_config=RunConfig(
            name=NAME,
            storage_path=storage,
            callbacks=callbacks,
            stop={"training_iteration": die.get("stop", 10)},
            checkpoint_config=CheckpointConfig(checkpoint_frequency=3),
            verbose=0,
        ),
    )
    tuner.fit()


def restore(storage):
    tune.Tuner.restore(str(Path(storage) / NAME), trainable=Counter).fit()


def resume_behind_another(storage):
    tune.run(
        Counter,
        name=NAME,
        storage_path=storage,
        resume=True,
        callbacks=[Other(), AimlogCallback(), Teller()],
        stop={"training_iteration": 10},
        verbose=0,
    )


def main():
    signal.signal(signal.SIGINT, signal.default_int_handler)
    address, storage, options = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
    os.environ["TOLD"] = str(Path(storage) / "told.jsonl")
    os.environ["DIE"] = json.dumps(options.get("die", {}))
    cluster = {"address": address} if address else {"num_cpus": 3, "include_dashboard": False}
    ray.init(log_to_driver=False, logging_level="ERROR", **cluster)
    if options["do"] == "run":
        arguments = {name: options[name] for name in ("repo", "aim_repo") if name in options}
        job = functools.partial(run, storage, options.get("die", {}), **arguments)
        if options.get("in_thread"):
            threading.Thread(target=job).start()
            while not Path(os.environ["TOLD"]).exists():
                time.sleep(0.05)
            return  # the job goes on while the interpreter waits for its thread
        job()
    elif options["do"] == "restore":
        restore(storage)
    else:
        resume_behind_another(storage)
    print("done", flush=True)


if __name__ == "__main__":
    main()
