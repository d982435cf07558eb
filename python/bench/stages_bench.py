# SPDX-License-Identifier: Apache-2.0
"""Where the time of a result goes on its way from Ray's callback into the journal: the same hook,
each time with one stage more, in turns.

usage: stages_bench.py --idle-plugin LIBRARY [--quick] [--json]

The stages: a call in Python that does nothing; the tree of C values that is made of the result and
handed to a plugin that looks for one name in it; our plugin instead, which copies the result into
the journal; and AimlogCallback around it. What a stage takes is the difference to the one before.
"""

import gc
import itertools
import pathlib
import statistics
import tempfile
import time

import aimlog
from aimlog.host import Plugin
from aimlog.ray import AimlogCallback
from aimlog.ray.fit import RESERVED_KEYS
from bench_report import Report, arguments
from ray_result import make_config, make_result, make_trial, start_ray

TURN = 20  # results a stage, then the next one has its turn
STAGES = ("a call that does nothing", "the tree of C values", "the hook", "AimlogCallback")


def through_plugin(plugin, trial):
    """As the callback calls it."""
    plugin.setup(experiment_name="bench", reserved_keys=RESERVED_KEYS)
    plugin.trial_start(trial.trial_id, key=1)
    record = plugin.trial_result
    return lambda result: record(trial.trial_id, result, 1)


def through_callback(callback, trial):
    callback.setup()
    callback.on_trial_start(iteration=0, trials=[trial], trial=trial)
    trials, hook = [trial], callback.on_trial_result
    return lambda result: hook(iteration=1, trials=trials, trial=trial, result=result)


def measure(calls, trial, turns):
    """Microseconds of the usual call of each."""
    spent = [[] for _ in calls]
    counter = itertools.count(1)
    for _ in range(turns):
        for call, times in zip(calls, spent, strict=True):
            for _ in range(TURN):
                result = make_result(float, next(counter), trial.config, trial)
                begin = time.perf_counter_ns()
                call(result)
                times.append(time.perf_counter_ns() - begin)
    return [statistics.median(times) / 1000 for times in spent]


def main():
    options = arguments(__doc__, "--idle-plugin").parse_args()
    report = Report(options.json)
    start_ray()
    gc.disable()
    with (
        tempfile.TemporaryDirectory(prefix="aimlog-bench-") as folder,
        Plugin(options.idle_plugin, base_dir=folder) as idle,
        Plugin(aimlog.library_path(), config_text="repo: plugin", base_dir=folder) as ours,
    ):
        trial = make_trial(pathlib.Path(folder), 1, make_config())
        callback = AimlogCallback(repo=f"{folder}/callback", experiment_name="bench")
        calls = [lambda _: None, through_plugin(idle, trial)]
        calls += [through_plugin(ours, trial), through_callback(callback, trial)]
        measure(calls, trial, 20)  # warm
        spent = measure(calls, trial, 100 if options.quick else 2000)
        if callback.stats()["callback_troubles"]:
            raise SystemExit(f"the callback had troubles: {callback.stats()}")
        callback.on_experiment_end(trials=[])
    for stage, (before, until) in zip(STAGES, itertools.pairwise([0, *spent]), strict=True):
        report.add(f"from Python: {stage}", until - before, "us", "all four stages", spent[-1])


if __name__ == "__main__":
    main()
