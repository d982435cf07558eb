# SPDX-License-Identifier: Apache-2.0
"""What a result, and the start of a trial, cost the driver: AimlogCallback beside Ray's own
callbacks and MLtraq, in one process, one after the other for each result.

usage: callbacks_bench.py [--quick] [--json]

"in turns": each callback gets 20 results, then the next one does, as where nothing but the callback
runs; "one by one": after each result all the others run, which leaves nothing of ours in the
processor's caches. "aimlog, aim_repo=" is the same callback that keeps an Aim repo up to date.

20 metrics in a nested map with all that Ray adds, a config of 300 keys, and the numbers as Python
floats, np.float32 or np.float64. No trial runs: real Trial objects are handed to the callbacks as
Ray's controller does it.
"""

import gc
import os
import pathlib
import random
import shutil
import statistics
import tempfile
import time

import numpy as np
import optuna
import ray
from mltraq.utils.sequence import Sequence
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from ray.tune.logger import CSVLoggerCallback, JsonLoggerCallback, TBXLoggerCallback
from ray.tune.logger.aim import AimLoggerCallback

from aimlog.ray import AimlogCallback
from bench_report import Report, arguments
from ray_result import make_config, make_result, make_trial, start_ray

OURS = "aimlog"
WITH_AIM = "aimlog, aim_repo="
# Each of a slow callback's calls stands for this many of ours.
EVERY = {
    "AimLoggerCallback": 20,
    "AimLoggerCallback, extras off": 20,
    "TBXLoggerCallback": 4,
    "Optuna's journal, the loss alone": 4,
}
EXTRAS_OFF = {"system_tracking_interval": None, "capture_terminal_logs": False}


class MLtraq:
    """As its users do it: a sequence of records in memory, flat."""

    def __init__(self):
        self.sequence = Sequence()

    def on_trial_start(self, **_):
        pass

    def on_trial_result(self, result, **_):
        self.sequence.append(**result["eval"], **result["perf"], loss=result["loss"])


class OptunaJournal:
    """One number of a result: a trial of Optuna's has one for each step."""

    def __init__(self, path):
        self.storage = JournalStorage(JournalFileBackend(str(path)))
        self.study = self.storage.create_new_study([optuna.study.StudyDirection.MINIMIZE])

    def on_trial_start(self, **_):
        self.trial = self.storage.create_new_trial(self.study)

    def on_trial_result(self, result, iteration, **_):
        self.storage.set_trial_intermediate_value(self.trial, iteration, float(result["loss"]))


def make_callbacks(folder):
    return {
        OURS: AimlogCallback(repo=folder / "ours", experiment_name="bench"),
        "CSVLoggerCallback": CSVLoggerCallback(),
        "JsonLoggerCallback": JsonLoggerCallback(),
        "TBXLoggerCallback": TBXLoggerCallback(),
        WITH_AIM: AimlogCallback(
            repo=folder / "ours_in_aim", experiment_name="bench", aim_repo=folder / "aim_of_ours"
        ),
        "AimLoggerCallback": AimLoggerCallback(repo=str(folder / "aim")),
        "AimLoggerCallback, extras off": AimLoggerCallback(
            repo=str(folder / "aim_off"), **EXTRAS_OFF
        ),
        "MLtraq": MLtraq(),
        "Optuna's journal, the loss alone": OptunaJournal(folder / "optuna.log"),
    }


class Bench:
    def __init__(self, folder):
        self.folder = folder
        self.config = make_config()
        self.callbacks = make_callbacks(folder)
        self.trials = []
        for callback in self.callbacks.values():
            if hasattr(callback, "setup"):
                callback.setup()

    def start_trial(self, among):
        trial = make_trial(self.folder, len(self.trials), self.config)
        self.trials.append(trial)
        spent = {}
        for name in among:
            begin = time.perf_counter_ns()
            self.callbacks[name].on_trial_start(iteration=0, trials=self.trials, trial=trial)
            spent[name] = time.perf_counter_ns() - begin
        return trial, spent

    def results(self, trial, number_type, count, block):
        """Nanoseconds of each call, by callback; each has its turn for `block` results."""
        spent = {name: [] for name in self.callbacks}
        order, chance = list(self.callbacks), random.Random(7)
        one, other = order.index(OURS), order.index(WITH_AIM)
        for first in range(1, count + 1, block):
            # The two of ours come after whatever comes before them equally often.
            if chance.random() < 0.5:
                order[one], order[other] = order[other], order[one]
            for name in order:
                for iteration in range(first, first + block):
                    if iteration % EVERY.get(name, 1) == 0:
                        spent[name].append(self.result(name, trial, number_type, iteration))
        return spent

    def result(self, name, trial, number_type, iteration):
        result = make_result(number_type, iteration, self.config, trial)
        hook = self.callbacks[name].on_trial_result
        begin = time.perf_counter_ns()
        hook(iteration=iteration, trials=self.trials, trial=trial, result=result)
        return time.perf_counter_ns() - begin

    def end(self):
        for name in (OURS, WITH_AIM):
            self.callbacks[name].on_experiment_end(trials=[])

    def memory_of_trials(self, count):
        """Growth in bytes of the process for each trial started and ended with aimlog alone."""
        ours = self.callbacks[OURS]

        def one():
            trial, _ = self.start_trial([OURS])
            result = make_result(float, 1, self.config, trial)
            ours.on_trial_result(iteration=1, trials=[], trial=trial, result=result)
            ours.on_trial_complete(iteration=1, trials=[], trial=trial)
            self.trials.pop()
            self.trials.append(None)

        for _ in range(2500):  # until buffers and caches have their size
            one()
        gc.collect()
        before = resident_bytes()
        for _ in range(count):
            one()
        gc.collect()
        return (resident_bytes() - before) / count


def resident_bytes():
    """Memory of the process itself, without pages of files that the kernel can take back."""
    with open("/proc/self/status", encoding="ascii") as file:
        (line,) = [line for line in file if line.startswith("RssAnon:")]
    return int(line.split()[1]) * 1024


def percentile(values, part):
    return sorted(values)[min(len(values) - 1, int(part * len(values)))]


def report_results(report, spent, label):
    for part, name in ((0.5, "p50"), (0.99, "p99")):
        ours = percentile(spent[OURS], part) / 1000
        for peer in spent:
            if peer != OURS:
                other = percentile(spent[peer], part) / 1000
                report.add(f"{label}, {name}", ours, "us", peer, other)


def run(folder, report, quick):
    bench = Bench(folder)
    bench.start_trial(list(bench.callbacks))  # the first one opens the repo
    starts = [bench.start_trial(list(bench.callbacks)) for _ in range(3 if quick else 9)]
    trial = starts[-1][0]
    bench.results(trial, float, 40, 20)  # warm
    for number_type in (float, np.float32, np.float64):
        for block, way in ((20, "in turns"), (1, "one by one")):
            spent = bench.results(trial, number_type, 400 if quick else 2000, block)
            report_results(report, spent, f"on_trial_result, {number_type.__name__}, {way}")
    for peer in bench.callbacks:
        if peer not in (OURS, "MLtraq"):
            ours, other = (
                statistics.median(spent[name] for _, spent in starts) / 1e6 for name in (OURS, peer)
            )
            report.add("on_trial_start, p50", ours, "ms", peer, other)
    bytes_each = bench.memory_of_trials(1000 if quick else 20000)
    report.add("memory a trial started and ended", max(bytes_each, 0.0), "bytes", "a pointer", 8.0)
    bench.end()


def main():
    words = arguments(__doc__).parse_args()
    start_ray()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="aimlog-bench-"))
    try:
        run(folder, Report(words.json), words.quick)
    finally:
        ray.shutdown()
        shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)  # Aim's threads would go on


if __name__ == "__main__":
    main()
