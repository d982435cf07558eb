# SPDX-License-Identifier: Apache-2.0
"""Which job this is: the callback's saved state, and the file beside the trials.

Ray gives a state back by the place of the callback in the list: it may be another's, or be gone.
Then `aimlog.json` in the experiment's directory says which job goes on.
"""

import json
import uuid
from dataclasses import asdict, dataclass
from typing import Any

MAGIC = "aimlog.ray/1"
JOB_FILE = "aimlog.json"

# Where a repo is: where the user said, beside the trials, or where there was room for it.
EXPLICIT, BESIDE, ELSEWHERE = "explicit", "beside", "elsewhere"


def new_job_id() -> str:
    return uuid.uuid4().hex


@dataclass(frozen=True)
class Remembered:
    """What an earlier process of the same job left."""

    job: str
    repo: str | None = None
    """The directory that holds `.aimlog`, absolute; None = it was not opened yet."""
    place: str = BESIDE


def pack_state(key: str, known: Remembered, plugin_state: bytes) -> dict[str, Any]:
    """The state of a callback with the options `key`, for Ray to keep."""
    return {"magic": MAGIC, "key": key, **asdict(known), "plugin_state": plugin_state}


def unpack_state(key: str, state: Any) -> tuple[Remembered, bytes] | None:
    """What pack_state made; None for everything else, also for a like callback's."""
    try:
        if state["magic"] != MAGIC or state["key"] != key:
            return None
        plugin_state = state["plugin_state"]
        return remembered(state), plugin_state if isinstance(plugin_state, bytes) else b""
    except Exception:  # whatever another callback keeps, and whatever its operators do
        return None


def remembered(fields: Any) -> Remembered:
    job, repo, place = fields["job"], fields.get("repo"), fields.get("place")
    if not isinstance(job, str) or not job:
        raise ValueError("no job")
    return Remembered(
        job,
        repo if isinstance(repo, str) and repo else None,
        place if place in (EXPLICIT, BESIDE, ELSEWHERE) else BESIDE,
    )


def parse_job_file(text: str | None) -> dict[str, Any]:
    """The callbacks in a job file, by key; empty where it is none."""
    try:
        content = json.loads(text or "")
        callbacks = content["callbacks"] if content["magic"] == MAGIC else {}
        return callbacks if isinstance(callbacks, dict) else {}
    except Exception:
        return {}


def find_in_job_file(text: str | None, key: str) -> Remembered | None:
    try:
        return remembered(parse_job_file(text)[key])
    except Exception:
        return None


def job_file_with(text: str | None, key: str, known: Remembered) -> str:
    """The job file `text` with this callback's entry. A repo beside the trials moves with them."""
    fields = asdict(known)
    if known.place == BESIDE:
        fields["repo"] = None
    content = {"magic": MAGIC, "callbacks": parse_job_file(text) | {key: fields}}
    return json.dumps(content, indent=2) + "\n"
