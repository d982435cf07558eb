# SPDX-License-Identifier: Apache-2.0
"""A table: what a host does, and what is recorded of it."""

import math

from json_lines import double
from plugin_host import Bits, Pairs, Tag, U64

ONE = {"loss": 1.0}


def at(step, **values):
    return {"training_iteration": step, **values}


def loss(*points):
    """Points of the metric `loss`, as (attempt, step, number)."""
    return {"loss": [(attempt, step, double(value)) for attempt, step, value in points]}


def values(**numbers):
    """One point of each metric at step 1 of attempt 1."""
    return {name: [(1, 1, value)] for name, value in numbers.items()}


def run(status, *attempts, points=None, failed=None, objects=None):
    recorded = {"status": status, "attempts": list(attempts)}
    recorded |= {"points": points} if points else {}
    recorded |= {"failed": failed} if failed else {}
    return recorded | ({"objects": objects} if objects else {})


def one_result(result, recorded, objects=None):
    """A trial that reports `result` once and completes."""

    def act(host):
        host.start()
        expect_ok(host.result(result))
        host.complete()

    return (act, {"t": run("completed", ("completed", 1), points=recorded, objects=objects)})


def steps(*calls):
    """Calls of hooks, one after the other: (name, arguments...)."""

    def act(host):
        for name, *arguments in calls:
            expect_ok(getattr(host, name)(*arguments))

    return act


def expect_ok(status):
    assert status == "ok", status


def say(host, *results, trial="t"):
    for result in results:
        expect_ok(host.result(result, trial))


def two_trials_with_one_id(host):
    host.start("t", name="first")
    say(host, at(1, loss=1.0))
    host.start("t", name="second")
    say(host, at(1, loss=2.0))
    host.complete()


def thousands_of_metrics(host):
    host.start()
    say(host, {f"m{i:05}": float(i) for i in range(10000)})
    host.complete()


def each_of_two_results(first, second):
    return steps(("start",), ("result", first), ("result", second), ("complete",))


DEEP = {"leaf": 1.0}
for _ in range(62):
    DEEP = {"d": DEEP}
TOO_DEEP = {"d": {"d": DEEP}}
DEEP_NAME = "d/" * 62 + "leaf"
LONG_KEY = "k" * 65536
BIG = 2**53 + 1
MAX = 2**64 - 1
MIXED = [(1, 1, ("int64", 1)), (1, 2, ("bool", True))]
ENDED = ("completed", 1)

# What the host does -> what is recorded, by trial. setup comes first, experiment_end and destroy
# last, where a vector does not call them itself.
VECTORS = {
    "start twice": (
        steps(("start",), ("result", ONE), ("start",), ("result", ONE), ("complete",)),
        {"t": run("completed", ("stopped", 1), ENDED, points=loss((1, 1, 1), (2, 1, 1)))},
    ),
    "result before start": (
        steps(("result", ONE), ("complete",)),
        {"t": run("completed", ENDED, points=loss((1, 1, 1)))},
    ),
    "result, then start": (
        steps(("result", ONE), ("start",), ("complete",)),
        {"t": run("completed", ("stopped", 1), ("completed", 0), points=loss((1, 1, 1)))},
    ),
    "error before start": (
        steps(("fail", "t", "no actor", 1)),
        {"t": run("failed", failed=(1, "no actor"))},
    ),
    "error after results": (
        steps(("start",), ("result", ONE), ("fail", "t", "boom", 0)),
        {"t": run("failed", ("failed", 1), failed=(1, "boom"), points=loss((1, 1, 1)))},
    ),
    "retried after an error": (
        steps(("start",), ("recover", "t", "boom"), ("start",), ("result", ONE), ("complete",)),
        {"t": run("completed", ("failed", 0), ENDED, failed=(1, "boom"), points=loss((2, 1, 1)))},
    ),
    "retried without a new start": (
        steps(("start",), ("recover", "t", "boom"), ("result", ONE), ("complete",)),
        {"t": run("completed", ("failed", 0), ENDED, failed=(1, "boom"), points=loss((2, 1, 1)))},
    ),
    "complete of a trial that never started": (
        steps(("complete",)),
        {"t": run("stopped")},
    ),
    "only started when the job ends": (steps(("start",)), {"t": run("stopped", ("stopped", 0))}),
    "only a checkpoint": (steps(("checkpoint",)), {"t": run("stopped")}),
    "end twice": (
        steps(("start",), ("complete",), ("complete", "t", 6), ("fail", "t", "late", 3)),
        {"t": run("completed", ("completed", 0))},
    ),
    "two trials with one id": (
        two_trials_with_one_id,
        {"t": run("completed", ("stopped", 1), ENDED, points=loss((1, 1, 1), (2, 1, 2)))},
    ),
    "pause and go on": (
        steps(("start",), ("pause",), ("start",), ("result", ONE), ("complete",)),
        {"t": run("completed", ("paused", 0), ENDED, points=loss((2, 1, 1)))},
    ),
    "result while paused": (
        steps(("start",), ("pause",), ("result", ONE), ("complete",)),
        {"t": run("completed", ("paused", 1), points=loss((1, 1, 1)))},
    ),
    "paused for ever": (
        steps(("start",), ("pause",)),
        {"t": run("stopped", ("paused", 0))},
    ),
    "pause of a trial that never started": (steps(("pause",)), {"t": run("stopped")}),
    "restore without start": (
        steps(("restore",), ("result", ONE), ("complete",)),
        {"t": run("completed", ENDED, points=loss((1, 1, 1)))},
    ),
    "restore of the same start": (
        steps(("start",), ("restore",), ("result", ONE), ("complete",)),
        {"t": run("completed", ENDED, points=loss((1, 1, 1)))},
    ),
    "restore after start and results": (
        steps(("start",), ("result", ONE), ("restore",), ("result", ONE), ("complete",)),
        {"t": run("completed", ("stopped", 1), ENDED, points=loss((1, 1, 1), (2, 1, 1)))},
    ),
    "stopped by the host": (
        steps(("start",), ("complete", "t", 6)),
        {"t": run("stopped", ("stopped", 0))},
    ),
    "result after complete": (
        steps(("start",), ("complete",), ("result", at(5, loss=5.0))),
        {"t": run("completed", ENDED, points=loss((1, 5, 5)))},
    ),
    "start after complete": (
        steps(("start",), ("complete",), ("start",), ("complete", "t", 6)),
        {"t": run("stopped", ("completed", 0), ("stopped", 0))},
    ),
    "experiment_end, then more results": (
        steps(("start",), ("result", ONE), ("end",), ("result", ONE), ("complete",)),
        {"t": run("completed", ("completed", 2), points=loss((1, 1, 1), (1, 2, 1)))},
    ),
    "experiment_end twice": (
        steps(("start",), ("end",), ("end",)),
        {"t": run("stopped", ("stopped", 0))},
    ),
    # ---- steps
    "step 0": one_result(at(0, loss=1.0), loss((1, 0, 1))),
    "no step": (
        each_of_two_results(ONE, ONE),
        {"t": run("completed", ("completed", 2), points=loss((1, 1, 1), (1, 2, 1)))},
    ),
    "step falls": (
        each_of_two_results(at(5, loss=1.0), at(2, loss=2.0)),
        {"t": run("completed", ("completed", 2), points=loss((1, 5, 1), (1, 2, 2)))},
    ),
    "one step twice": (
        each_of_two_results(at(5, loss=1.0), at(5, loss=2.0)),
        {"t": run("completed", ("completed", 2), points=loss((1, 5, 1), (1, 5, 2)))},
    ),
    "negative step": one_result(at(-3, loss=1.0), loss((1, -3, 1))),
    "timesteps_total wins": one_result(
        at(2, timesteps_total=640, loss=1.0),
        {**loss((1, 640, 1)), "timesteps_total": [(1, 640, ("int64", 640))]},
    ),
    "timesteps_total is 0": one_result(
        at(2, timesteps_total=0, loss=1.0),
        {**loss((1, 2, 1)), "timesteps_total": [(1, 2, ("int64", 0))]},
    ),
    "timesteps_total is null": one_result(
        at(2, timesteps_total=None, loss=1.0),
        loss((1, 2, 1)),
        {"timesteps_total": (1, 2, ("null", None))},
    ),
    # ---- numbers
    "numbers that are none": one_result(
        {"a": math.nan, "b": Bits(0xFFF0DEAD00000001), "c": math.inf, "d": -math.inf},
        values(a=double(math.nan), b=("double", 0xFFF0DEAD00000001), c=double(math.inf))
        | values(d=double(-math.inf)),
    ),
    "small and negative zero": one_result(
        {"a": -0.0, "b": 5e-324, "c": -5e-324, "d": 0.0},
        values(a=double(-0.0), b=double(5e-324), c=double(-5e-324), d=double(0.0)),
    ),
    "large integers": one_result(
        {"a": BIG, "b": U64(MAX), "c": -(2**63), "d": float(2**53)},
        values(a=("int64", BIG), b=("uint64", MAX), c=("int64", -(2**63)), d=double(2.0**53)),
    ),
    "bool and int": one_result(
        {"a": True, "b": 1, "c": False, "d": 0},
        values(a=("bool", True), b=("int64", 1), c=("bool", False), d=("int64", 0)),
    ),
    "a series of many types": (
        each_of_two_results({"x": 1}, {"x": True}),
        {"t": run("completed", ("completed", 2), points={"x": MIXED})},
    ),
    # ---- trees
    "empty result": one_result({}, None),
    "empty map": one_result({"a": {}, "loss": 1.0}, loss((1, 1, 1))),
    "deepest map": one_result(DEEP, {DEEP_NAME: [(1, 1, double(1.0))]}),
    "too deep map": one_result({"loss": 1.0, "deep": TOO_DEEP}, loss((1, 1, 1))),
    "odd keys": one_result(
        {"a/b": 1, "c.d": 2, "e f": 3, "größe": 4, "": 5, "g": {"": 6, "/": 7}},
        values(**{"a/b": ("int64", 1), "c.d": ("int64", 2), "e f": ("int64", 3)})
        | values(**{"größe": ("int64", 4), "": ("int64", 5), "g/": ("int64", 6)})
        | values(**{"g//": ("int64", 7)}),
    ),
    "key that is no UTF-8": one_result({"a\udcff": 1}, values(**{"a\ufffd": ("int64", 1)})),
    "a key of 64 KB": one_result({LONG_KEY: 1.0}, {LONG_KEY: [(1, 1, double(1.0))]}),
    "nested and flat key of one name": one_result(
        Pairs([("a/b", 1), ("a", {"b": 2})]), values(**{"a/b": ("int64", 2)})
    ),
    "a key twice": one_result(Pairs([("a", 1), ("a", 2)]), values(a=("int64", 2))),
    "unknown tag": one_result({"loss": 1.0, "x": Tag(99)}, loss((1, 1, 1))),
    "ten thousand metrics": (
        thousands_of_metrics,
        {
            "t": run(
                "completed",
                ENDED,
                points={f"m{i:05}": [(1, 1, double(float(i)))] for i in range(10000)},
            )
        },
    ),
    "texts, lists, nulls, bytes": one_result(
        {"a": "text", "b": [1, "x"], "c": None, "d": b"\x00\xff"},
        None,
        {
            "a": (1, 1, ("string", "text")),
            "b": (1, 1, ("list", [("int64", 1), ("string", "x")])),
            "c": (1, 1, ("null", None)),
            "d": (1, 1, ("bytes", "00ff")),
        },
    ),
    # ---- context and epoch
    "context": one_result(
        {"context": {"subset": "val"}, "loss": 1.0}, {("loss", "subset=val"): [(1, 1, double(1.0))]}
    ),
    "empty context": one_result({"context": {}, "loss": 1.0}, loss((1, 1, 1))),
    "context is no map": one_result(
        {"context": "val", "loss": 1.0}, loss((1, 1, 1)), {"context": (1, 1, ("string", "val"))}
    ),
    "context is a number": one_result(
        {"context": 3, "loss": 1.0}, loss((1, 1, 1)) | values(context=("int64", 3))
    ),
    "epoch is no number": one_result(
        {"epoch": "two", "loss": 1.0}, loss((1, 1, 1)), {"epoch": (1, 1, ("string", "two"))}
    ),
    "context below the top is a metric": one_result(
        {"eval": {"context": 1, "epoch": 2}},
        values(**{"eval/context": ("int64", 1), "eval/epoch": ("int64", 2)}),
    ),
}
