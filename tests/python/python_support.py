# SPDX-License-Identifier: Apache-2.0
"""What a repo holds, read by the command, short enough to compare."""

import json
import struct
import subprocess

import aimlog


def command(repo, *words, codes=(0,)):
    """What the package's own command prints."""
    words = [aimlog.command_path(), *words, "--repo", repo]
    done = subprocess.run(
        [str(word) for word in words], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode in codes, done.stderr
    return done.stdout


def shown_runs(repo, codes=(0,)):
    """All runs and points as `aimlog show` prints them, oldest first."""
    text = command(repo, "show", "--all", "--json", "--types", "--points", codes=codes)
    return [json.loads(line) for line in text.splitlines()]


def records_of(repo, job=None):
    """A dict a run; points as (metric, step, value), of all attempts, as they came."""
    return [brief(run) for run in shown_runs(repo) if job in (None, run["job"]["id"])]


def brief(run):
    points = [
        (metric["name"], point["step"], plain(point["value"]))
        for metric in run["metrics"]
        for point in metric["points"]
    ]
    words = {key: run[key] for key in ("trial_id", "experiment", "status", "attempts", "error")}
    return words | {"job": run["job"]["id"], "params": plain(run["params"]), "points": points}


def plain(typed):
    """A value as Python has it; doubles by their bits."""
    if typed is None:
        return None
    kind, value = typed["type"], typed.get("value")
    if kind == "double":
        return struct.unpack(">d", bytes.fromhex(typed["bits"]))[0]
    if kind == "map":
        return {key: plain(item) for key, item in value.items()}
    if kind == "list":
        return [plain(item) for item in value]
    return value
