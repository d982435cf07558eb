# SPDX-License-Identifier: Apache-2.0
"""What the Ray jobs of ray_differential_test.py train. Workers import it: nothing heavy here."""

import json
import math
import random
import time
from pathlib import Path

import numpy as np
from ray import tune

METRICS = 20


def numbers(config, step):
    """Metrics that make points cheap; the same for the same parameters and step."""
    chance = random.Random(f"{config.get('a')} {config.get('seed')} {step}")
    return {f"m{number:02}": chance.gauss(0, 1) for number in range(METRICS)}


def curve(config):
    for step in range(1, config.get("n", 30) + 1):
        loss = float(config["a"]) / step
        deep = {"er": {"x": step, "flag": step % 2 == 0, "empty": {}}, "a/b": loss}
        tune.report({"loss": loss, "deep": deep, "deep/y": -loss, **numbers(config, step)})


def contexts(config):
    """Contexts and epochs that change from result to result."""
    kinds = [{"subset": "train"}, {"subset": "val", "fold": {"n": 1.0}}, {}, None, {"k": [1, None]}]
    for step in range(1, 31):
        result = {"loss": 1 / step, **numbers(config, step)}
        if config["kind"] != "epochs":
            result["context"] = kinds[step % len(kinds)]
        if config["kind"] != "contexts":
            result["epoch"] = step // 4 if step % 3 else step / 4
        if step % 7 == 0:
            result.pop("context", None)
        tune.report(result)


def odd_numbers(config):
    """NaN and infinities, series that are nothing else, types that change within a series."""
    changing = [1, 2.5, True, np.float32(0.1), np.int64(2**62), np.float64(-0.0), np.int32(-7)]
    for step in range(1, 31):
        tune.report({
            "mixed": changing[step % len(changing)], "first_nan": math.nan if step < 4 else step,
            "last_inf": math.inf if step > 27 else step / 3, "never": math.nan, "none": None,
            "minus_inf": -math.inf if step % 2 else step, "tiny": 5e-324 * step, "big": 1e308,
            "exact": 2**53 + step, "negative": -(2**60) - step, "text": f"{step}", "list": [step],
            "half": np.float16(step), "small": np.int8(step), "bool": np.bool_(step % 2),
            "int_then_float": step if step < 15 else step / 2, "ünï code": {"κ λ": 1.0 * step},
            **numbers(config, step),
        })  # fmt: skip


def timesteps(config):
    """Steps of the user's own: far apart, repeated, falling, and none at first."""
    way = {"far": lambda n: n * 1000, "falling": lambda n: 40 - n, "repeated": lambda n: n // 3,
           "huge": lambda n: 2**40 + n}[config["way"]]  # fmt: skip
    for step in range(1, 31):
        tune.report({"loss": 1 / step, "timesteps_total": way(step), **numbers(config, step)})


class Counter(tune.Trainable):
    """Counts, keeps its count in checkpoints, and does what its configuration says."""

    def setup(self, config):
        self.count, self.config, self.gone_on = 0, config, False

    def step(self):
        time.sleep(self.config.get("pace", 0))
        self.count += 1
        if self.count == self.config.get("fails_at") and not self.gone_on:
            raise ValueError(f"failed at {self.count}")
        score = self.count * self.config.get("a", 1)
        return {"count": self.count, "score": score, **numbers(self.config, self.count)}

    def save_checkpoint(self, directory):
        Path(directory, "count.json").write_text(json.dumps(self.count))

    def load_checkpoint(self, directory):
        self.count = json.loads(Path(directory, "count.json").read_text())
        # A second failure at the same place: only where there was no checkpoint to go on from.
        self.gone_on = True

    def reset_config(self, config):
        self.setup(config)
        return True


class Endless(tune.Trainable):
    def step(self):
        time.sleep(0.02)
        return {"x": self.iteration, **numbers(self.config, self.iteration)}
