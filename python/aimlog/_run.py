# SPDX-License-Identifier: Apache-2.0
"""Records one run of a loop of one's own.

    with aimlog.run("runs", "digits", {"lr": 0.1}) as r:
        for step in range(100):
            r.log({"loss": ...}, step=step)
"""

import atexit
import os
import sys
import time
import traceback
import uuid
import weakref
from collections.abc import Mapping, Sequence
from typing import Any

from . import library_path
from .host import (
    RESUMED_NO,
    RESUMED_YES,
    TRIAL_COMPLETED,
    TRIAL_RUNNING,
    TRIAL_STOPPED,
    Plugin,
    PluginError,
)
from .logs import log_line
from .settings import absolute, plugin_settings, repo_directory, yaml_value

__all__ = ["Run", "run"]

_STEP = "training_iteration"
_ERROR_CHARS_MAX = 16000
# A run that was begun a moment ago is found once its beginning is committed.
_COMMIT_WAIT_S = 2.0
_open_runs: "weakref.WeakSet[Run]" = weakref.WeakSet()


def _error_text(error: BaseException) -> str:
    """The traceback; of a long one the end, which says what happened."""
    try:
        text = "".join(traceback.format_exception(error))
    except Exception:  # an exception whose own text fails is still to be recorded
        text = type(error).__name__
    return text[-_ERROR_CHARS_MAX:]


def _is_stop(error: BaseException) -> bool:
    return isinstance(error, (KeyboardInterrupt, GeneratorExit))


def _is_good_exit(error: BaseException) -> bool:
    return isinstance(error, SystemExit) and error.code in (None, 0)


class Run:
    """One run that is being recorded; made by `aimlog.run`. Any thread may log."""

    def __init__(self, plugin: Plugin, run_id: str):
        self._plugin = plugin
        self._id = run_id
        self._pid = os.getpid()
        self._is_open = True
        _open_runs.add(self)

    @property
    def id(self) -> str:
        """Names the run: for the command (`aimlog show ID`), and to go on with it: `run(id=ID)`."""
        return self._id

    @property
    def plugin(self) -> Plugin:
        """The plugin behind the run, for its statistics."""
        return self._plugin

    def log(
        self,
        values: Mapping[str, Any],
        step: int | None = None,
        *,
        epoch: int | None = None,
        context: Mapping[str, Any] | None = None,
        time_ns: int = 0,
    ) -> int:
        """Records what is known at one step.

        values: metrics by name, nested at will: `{"eval": {"loss": 1.0}}` is `eval/loss`. Texts and
        lists are kept too, the last one of each name. `timesteps_total`, where it is among them, is
        the step, as with Ray Tune.
        step: left out, calls are counted from 1. epoch, context: apply to all values.
        time_ns: nanoseconds since 1970 (UTC), 0 = now.

        Returns a status of `aimlog.host`, OK = 0. Odd values never make it raise; after the end of
        the run it raises ValueError.
        """
        told = dict(values)
        if step is not None:
            told[_STEP] = step
        if epoch is not None:
            told["epoch"] = epoch
        if context is not None:
            told["context"] = context
        return self._plugin.trial_result(self._id, told, 0, time_ns, None)

    def checkpoint(self, path: "str | os.PathLike[str]", step: int | None = None) -> int:
        """Records that a checkpoint of that step was saved. Returns a status."""
        return self._plugin.trial_save(self._id, path=path, step=step)

    def flush(self, timeout_ms: int = 0) -> int:
        """Waits until everything is safe from a power cut; OK or NOT_DURABLE."""
        return self._plugin.flush(timeout_ms)

    def close(self, error: BaseException | None = None, *, stopped: bool = False) -> None:
        """Ends the run: failed with the text of `error`, stopped, or completed.

        Later calls do nothing, and so do calls in a forked child.
        """
        if not self._is_open or os.getpid() != self._pid:
            return
        self._is_open = False
        _open_runs.discard(self)
        if error is not None and not _is_stop(error) and not _is_good_exit(error):
            self._plugin.trial_error(self._id, failure_count=1, error_text=_error_text(error))
        elif stopped or (error is not None and _is_stop(error)):
            self._plugin.trial_complete(self._id, status=TRIAL_STOPPED)
        else:
            self._plugin.trial_complete(self._id, status=TRIAL_COMPLETED)
        self._plugin.experiment_end(interrupted=stopped or error is not None)
        self._plugin.close()

    def __enter__(self) -> "Run":
        return self

    def __exit__(self, kind, error, trace) -> None:
        self.close(error)


@atexit.register
def _close_all() -> None:
    """What is still open when the program ends was not ended by it: stopped."""
    for left in list(_open_runs):
        left.close(stopped=True)


def _settings(repo, experiment, metrics, settings) -> dict[str, str]:
    made = {key: value if isinstance(value, str) else yaml_value(value) for key, value in settings}
    repo = None if repo is None else absolute(repo)
    return made | plugin_settings(repo=repo, experiment=experiment, metrics=metrics)


def _find_earlier(word: str, directory: str) -> tuple[str, str]:
    """Id and experiment of the run that is to be gone on with. Raises ReadError, ValueError."""
    from . import reading  # which a run that is new does not need

    deadline = time.monotonic() + _COMMIT_WAIT_S
    while True:
        try:
            with reading.open(directory) as repo:
                found = repo[word]
            break
        except reading.NotFoundError:
            if time.monotonic() >= deadline:
                raise
        time.sleep(0.05)
    if found.info["job"]["id"] != found.trial_id:
        raise ValueError(
            f"run {found.id[:8]} is the trial {found.trial_id!r} of a tuner, which alone can go on "
            "with it"
        )
    return found.trial_id, found.experiment


def run(
    repo: "str | os.PathLike[str] | None" = None,
    experiment: str | None = None,
    params: Mapping[str, Any] | None = None,
    *,
    config: "str | os.PathLike[str] | None" = None,
    metrics: str | Sequence[str] | None = None,
    name: str = "",
    id: str | None = None,
    settings: Mapping[str, Any] | None = None,
    plugin: "str | os.PathLike[str] | None" = None,
) -> Run:
    """Begins a run; use it with `with`.

    repo: the directory that holds the repo (`.aimlog`), made if it is not there; left out: the
        configuration's, $AIMLOG_REPO, or the working directory.
    experiment: a name that groups runs. params: the hyper-parameters. name: for people.
    metrics: which ones to record, patterns such as "eval/*" and "!debug/*"; left out: all.
    config: an aimlog.yaml, over which the arguments win. settings: further keys of it.
    id: of an earlier run, to go on with it in its experiment: `Run.id`, or what else
        `aimlog.open(repo)[id]` takes. plugin: another plugin's library, which is given `id` as is.

    An exception out of the `with` makes the run failed, with its text; KeyboardInterrupt makes it
    stopped; else it is completed. Raises PluginError if the repo or the configuration cannot be
    used; with `id`, what `aimlog.open` raises, and ValueError for a run that is a tuner's.
    """
    if repo is None and config is None and plugin is None:
        repo = os.environ.get("AIMLOG_REPO") or "."
    run_id, earlier = uuid.uuid4().hex[:24] if id is None else id, ""
    if id is not None and plugin is None:
        named = repo if repo is not None else (settings or {}).get("repo")
        directory = repo_directory(named, config)
        if directory is not None:
            run_id, earlier = _find_earlier(id, directory)
    opened = Plugin(
        library_path() if plugin is None else plugin,
        config_path=None if config is None else absolute(config),
        settings=_settings(repo, experiment, metrics, (settings or {}).items()),
        log=log_line,
        host_name="aimlog.run",
    )
    made = Run(opened, run_id)
    try:
        status = opened.setup(
            resumed=RESUMED_NO if id is None else RESUMED_YES,
            job_id=run_id,
            experiment_name=experiment or earlier,
            host_name="Python",
            host_version=".".join(map(str, sys.version_info[:3])),
            reserved_keys=(_STEP,),
        )
        if status >= 0:
            status = opened.trial_start(
                run_id,
                status=TRIAL_RUNNING,
                name=name,
                pid=os.getpid(),
                params=params,
            )
        if status < 0:
            refused = PluginError(opened.last_error)
            refused.status = status
            raise refused
    except BaseException as error:
        made.close(error)
        raise
    return made
