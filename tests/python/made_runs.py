# SPDX-License-Identifier: Apache-2.0
"""A repo with runs of every kind, and what the command says of it, as plain Python values."""

import math

from python_support import plain

import aimlog
from aimlog import host

SETTINGS = "repo: .\ncommit_interval_ms: 10\nexperiment: search\ntags: [digits, night]\n"
ODD = 2**53 + 1  # no double


def open_host(folder, text=SETTINGS, **options):
    return host.Plugin(aimlog.library_path(), config_text=text, base_dir=folder, **options)


def result(step, **values):
    return {"timesteps_total": step, **values}


def record_all(plugin):
    """Trials whose values, attempts and contexts differ in all that reading has to keep."""
    plugin.setup(job_id="job-1", metric="loss", mode="min", reserved_keys=["timesteps_total"])
    params = {"lr": 0.1, "n": 3, "mix": 1, "odd": "x", "flag": True, "layers": [64, 0.5, "a"],
              "model": {"depth": 2, "wide": None}, "big": 2**64 - 1}
    plugin.trial_start("plain", name="train_plain", params=params)
    for step in range(1, 30):
        plugin.trial_result("plain", result(
            step, loss=1 / step, count=step * ODD, done=step == 29, epoch=step // 10,
            eval={"acc": step / 30}, note=f"at {step}"))
    plugin.trial_complete("plain")
    plugin.trial_start("retried", params={"lr": 1, "n": -3, "mix": 0.5, "odd": 7})
    for step, loss in enumerate([1.0, math.nan, math.inf, 0.25], 1):
        plugin.trial_result("retried", result(step, loss=loss, huge=2**64 - step))
    plugin.trial_error("retried", failure_count=1, error_text="ValueError: no\nat line 3")
    plugin.trial_start("retried", failure_count=1)
    for step, loss in [(3, 9.0), (4, 8.0), (5, -math.inf)]:
        plugin.trial_result("retried", result(step, loss=loss))
    plugin.trial_complete("retried")
    plugin.trial_start("contexts", params={"lr": 1e-30})
    for step in range(1, 4):
        for subset in ("train", "val"):
            plugin.trial_result("contexts", result(
                step, loss=step if step < 3 else 0.5, context={"subset": subset, "fold": 1}))
    plugin.trial_start("open", params={})
    for step in range(2500):  # more than a chunk holds
        plugin.trial_result("open", result(step, loss=-0.0 if step % 2 else ODD, sparse=step)
                            if step % 3 else result(step, loss=step * 0.1))
    plugin.trial_start("empty")
    plugin.flush()


def context_text(metric):
    context = plain(metric["context"]) or {}
    return ",".join(f"{key}={value}" for key, value in context.items())


def series_name(metric):
    context = context_text(metric)
    return f"{metric['name']}{{{context}}}" if context else metric["name"]


def shown_points(run, metric, attempts):
    """(attempt, step, value, time, epoch) of a series, in the order in which reading gives them."""
    points = [(p["attempt"], p["step"], plain(p["value"]), p["time_ns"], plain(p.get("epoch")))
              for p in metric["points"]]
    if attempts == "newest":
        points = [last for _, last in sorted({p[1]: p for p in points}.items())]
    return points


def shown_series(runs, name, attempts):
    """Rows of `repo.series` by what the command shows."""
    return [(run["id"], context_text(metric) or None, *point)
            for run in runs for metric in run["metrics"] if metric["name"] == name
            for point in shown_points(run, metric, attempts)]


def flat(params, prefix=""):
    for key, value in params.items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{key}/")
        else:
            yield prefix + key, value


def shown_row(run):
    """A row of `repo.runs` by what the command shows; a column that the run lacks is not in it."""
    row = {key: run[key] for key in ("id", "experiment", "trial_id", "trial_name", "status")}
    row |= {"job_id": run["job"]["id"], "tags": run["job"]["tags"], "error": run["error"]}
    row |= {"created": run["created_ns"], "ended": run["ended_ns"]}
    row["started"] = run["attempts"][0]["started_ns"] if run["attempts"] else None
    row |= {"attempts": run["attempt_count"], "failures": run["failures"]}
    steps = [metric["last_step"] for metric in run["metrics"]]
    row["last_step"] = max(steps) if steps else None
    for key, value in flat(plain(run["params"]) or {}):
        row[f"params.{key}"] = value
    for metric in run["metrics"]:
        for part in ("last", "min", "max", "first"):
            row[f"{series_name(metric)}.{part}"] = plain(metric[part])
        for part in ("mean", "count"):
            row[f"{series_name(metric)}.{part}"] = metric[part]
    return row
