#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What Plugin.trial_result costs: 20 metrics nested as Ray Tune delivers them, with its own keys.

usage: hot_call.py [--plugin LIBRARY] [--calls N] [--rate R]
One JSON line for each kind of number: nanoseconds a call, p50, p99, p99.9 and the largest, without
the clock's own. NumPy is left out where it is not installed. --rate paces the calls (a second), as
a job does.
"""

import argparse
import gc
import json
import pathlib
import tempfile
import time

import aimlog
from aimlog.host import Plugin

try:
    import numpy
except ImportError:
    numpy = None


def result_of(number):
    """What on_trial_result gets: 20 metrics, Ray's keys, and the configuration that is left out."""
    metrics = {f"metric_{i}": number(0.1 * i) for i in range(12)}
    nested = {f"score_{i}": number(0.2 * i) for i in range(8)}
    own = {
        "timestamp": 1_700_000_000,
        "checkpoint_dir_name": None,
        "done": False,
        "training_iteration": 1,
        "trial_id": "7c1e0_00001",
        "date": "2026-11-24_10-00-00",
        "time_this_iter_s": 0.25,
        "time_total_s": 12.5,
        "pid": 4711,
        "hostname": "node",
        "node_ip": "10.0.0.1",
        "config": {f"key_{i}": i for i in range(300)},
        "time_since_restore": 12.5,
        "iterations_since_restore": 1,
    }
    return {**metrics, "eval": nested, **own}


def measure(call, result, calls, rate):
    times = []
    clock = time.perf_counter_ns
    begun = clock()
    for i in range(calls):
        result["training_iteration"] = i + 1
        if rate:
            while clock() < begun + i * 1e9 / rate:
                pass
        before = clock()
        call("7c1e0_00001", result, 1)
        times.append(clock() - before)
    return sorted(times[calls // 10 :])


def clock_cost(calls):
    nothing = measure(lambda *_: None, {}, calls, 0)
    return nothing[len(nothing) // 2]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plugin", default=str(aimlog.library_path()), type=str)
    parser.add_argument("--calls", default=100_000, type=int)
    parser.add_argument("--rate", default=0, type=float)
    options = parser.parse_args()
    numbers = {"float": float}
    if numpy is not None:
        numbers |= {"float32": numpy.float32, "float64": numpy.float64}
    idle = clock_cost(options.calls)
    gc.disable()
    with tempfile.TemporaryDirectory() as folder:
        text = f"repo: {folder}" if "aimlog" in pathlib.Path(options.plugin).name else ""
        with Plugin(options.plugin, config_text=text, base_dir=folder) as plugin:
            plugin.setup(reserved_keys=["config", "pid", "timestamp", "training_iteration"])
            plugin.trial_start("7c1e0_00001", key=1)
            for name, number in numbers.items():
                times = measure(plugin.trial_result, result_of(number), options.calls, options.rate)
                at = {f"p{p}_ns": times[int(len(times) * p / 100)] - idle for p in (50, 99, 99.9)}
                line = {"numbers": name, **at, "max_ns": times[-1] - idle, "calls": len(times)}
                print(json.dumps({**line, "plugin": plugin.name}))


if __name__ == "__main__":
    main()
