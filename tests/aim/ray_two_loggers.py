# SPDX-License-Identifier: Apache-2.0
"""A Ray job logged by AimLoggerCallback and AimlogCallback at once, with a clock around them."""

import json
import os
import sys
import time
from bisect import bisect_right
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python"))
os.environ.setdefault("TUNE_DISABLE_AUTO_CALLBACK_LOGGERS", "1")
os.environ["TUNE_WARN_THRESHOLD_S"] = "1000"
os.environ["TUNE_GLOBAL_CHECKPOINT_S"] = "0.2"

from ray import tune
from ray.tune import Callback
from ray.tune.logger.aim import AimLoggerCallback

from aimlog.ray import AimlogCallback
from aimlog.ray.trial import sampled_params

QUIET = {"system_tracking_interval": None, "log_system_params": False,
         "capture_terminal_logs": False}  # fmt: skip
SLACK_S = 1e-5  # seconds as a double, and Aim's are microseconds


class Clock(Callback):
    """Writes down when the hooks came. One stands before the loggers, one behind them."""

    def __init__(self, path, place):
        self.path, self.place = path, place

    def write(self, hook, trial, **more):
        line = {"at": time.time(), "place": self.place, "hook": hook, "trial": trial.trial_id}
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(json.dumps(line | more) + "\n")

    def on_trial_start(self, iteration, trials, trial, **info):
        sampled = trial.evaluated_params
        same = sampled_params(sampled, trial.config) == sampled
        now = None if same else {name: trial.config[name] for name in sampled}
        self.write("start", trial, job=trial.experiment_dir_name, changed=now)

    def on_trial_result(self, iteration, trials, trial, result, **info):
        self.write("result", trial)


class Told:
    """What the clocks wrote down."""

    def __init__(self, path):
        self.job, self.changed, self.results = {}, {}, {}
        starts = {}
        for line in map(json.loads, Path(path).read_text(encoding="utf-8").splitlines()):
            trial = line["trial"]
            spans = self.results.setdefault(trial, [])
            if line["place"] == "behind":
                if line["hook"] == "result":
                    spans[-1][1] = line["at"]
            elif line["hook"] == "result":
                spans.append([line["at"], float("inf")])
            else:
                starts[trial] = starts.get(trial, -1) + 1
                self.job[trial] = line["job"]
                self.changed[trial, starts[trial]] = line["changed"]

    def same_result(self, trial, ours_s, theirs_s):
        """Whether both times are from one and the same hook call."""
        spans = self.results[trial]
        at = bisect_right(spans, ours_s + SLACK_S, key=lambda span: span[0]) - 1
        if at < 0:
            return False
        begin, end = spans[at][0] - SLACK_S, spans[at][1] + SLACK_S
        return begin <= min(ours_s, theirs_s) and max(ours_s, theirs_s) <= end


def callbacks_for(places, name, more=(), **options):
    """Both loggers between clocks, and `more` behind them; each is the first one now and then."""
    followed = {"aim_repo": places["followed"], "aim_attempts": "split"}
    ours = AimlogCallback(repo=places["ours"], **followed, **options)
    theirs = AimLoggerCallback(repo=places["theirs"], **options, **QUIET)
    both = [ours, theirs] if len(name) % 2 else [theirs, ours]
    before, behind = (Clock(places["clock"], place) for place in ("before", "behind"))
    return [before, *both, behind, *more]


def tuner_for(trainable, space, tune_config, places, name, callbacks, **run):
    return tune.Tuner(
        trainable,
        param_space=space,
        tune_config=tune.TuneConfig(**(tune_config or {})),
        run_config=tune.RunConfig(
            name=name, storage_path=places["storage"], callbacks=callbacks, verbose=0, **run
        ),
    )
