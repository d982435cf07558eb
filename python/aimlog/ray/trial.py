# SPDX-License-Identifier: Apache-2.0
"""What is read from a `ray.tune.experiment.Trial`, in Ray 2.9 as in 2.60.

Only what costs the driver no remote call: `last_result` of a trial that has not reported yet, for
one, waits for the worker.
"""

import os
import re
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from aimlog.host import TRIAL_PENDING

ERROR_BYTES_MAX = 16 * 1024
ERROR_HEADER = re.compile(r"^Failure # \d+ \(occurred at [^)\n]*\)\n", re.MULTILINE)
COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


class LiveTrial:
    """A trial between its first hook and its end."""

    __slots__ = ("key", "paused", "started", "trial")

    def __init__(self, trial: Any) -> None:
        self.trial = trial
        # A number that is the same whenever the trial comes back, so that none need be kept.
        digest = blake2b(trial.trial_id.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        self.key = int.from_bytes(digest, "little") or 1
        self.started = False
        self.paused = False


def read(trial: Any, name: str, default: Any = None) -> Any:
    """An attribute that may be a property with opinions of its own."""
    try:
        value = getattr(trial, name)
    except Exception:
        return default
    return default if value is None else value


def text(trial: Any, name: str) -> str:
    value = read(trial, name, "")
    return value if isinstance(value, str) else str(value)


def name_of(trial: Any) -> str:
    try:
        return str(trial)
    except Exception:  # trial_name_creator and config["env"] are the user's
        return ""


def start_fields(trial: Any) -> dict[str, Any]:
    """The keyword arguments of `Plugin.trial_start`."""
    config = read(trial, "config", {})
    location = read(read(trial, "temporary_state"), "location")
    pid = read(location, "pid", 0)
    return {
        "status": TRIAL_PENDING,  # as Ray has it while a worker starts
        "name": name_of(trial),
        "trainable_name": text(trial, "trainable_name"),
        "experiment_tag": text(trial, "experiment_tag"),
        "local_dir": text(trial, "local_path"),
        "remote_dir": text(trial, "path"),
        "node_ip": text(trial, "node_ip"),
        "pid": pid if isinstance(pid, int) else 0,
        "failure_count": failure_count(trial),
        "params": sampled_params(read(trial, "evaluated_params", {}), config),
        "config": config,
        "checkpoint_path": checkpoint_path(read(trial, "checkpoint")),
    }


def failure_count(trial: Any) -> int:
    count = read(trial, "num_failures", 0)
    return count if isinstance(count, int) and count >= 0 else 0


def checkpoint_path(checkpoint: Any) -> str:
    return text(checkpoint, "path")


def checkpoint_step(trial: Any) -> int | None:
    """The step of the newest result, which is the one that a checkpoint belongs to."""
    if not read(trial, "has_reported_at_least_once", False):
        return None
    result = read(trial, "last_result", {})
    for name in ("timesteps_total", "training_iteration"):
        try:
            step = int(result.get(name) or 0)
        except Exception:
            continue
        if step:
            return step
    return None


def sampled_params(evaluated: Any, config: Any) -> dict[str, Any]:
    """The values that the sampled parameters have now.

    `evaluated_params` has flat names ("a/b"), the values as first sampled, and placeholders for
    what is no primitive; schedulers change the configuration only.
    """
    if not isinstance(evaluated, Mapping):
        return {}
    return {name: look_up(config, name, value) for name, value in evaluated.items()}


def look_up(config: Any, name: Any, default: Any) -> Any:
    try:
        if name in config:
            return config[name]
        for part in name.split("/"):
            config = config[int(part)] if isinstance(config, (list, tuple)) else config[part]
        return config
    except Exception:
        return default


def error_text(trial: Any) -> str:
    """The last failure: the line that names it, then all that Ray kept of it."""
    path = read(trial, "error_file")
    if path is None:
        return ""
    try:
        with open(path, "rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - 4 * ERROR_BYTES_MAX))
            kept = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    return describe_failure(kept)


def describe_failure(kept: str) -> str:
    traceback = COLOURS.sub("", ERROR_HEADER.split(kept)[-1]).strip()
    lines = traceback.splitlines()
    if len(lines) < 2:
        return traceback[-ERROR_BYTES_MAX:]
    return f"{lines[-1].strip()[:1024]}\n\n{traceback[-ERROR_BYTES_MAX:]}"
