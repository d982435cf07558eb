# SPDX-License-Identifier: Apache-2.0
"""The callback for ``study.optimize``."""

import atexit
import contextlib
import datetime
import functools
import logging
import os
import threading
import weakref
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any

import optuna
from optuna.trial import FrozenTrial, Trial

import aimlog
from aimlog.host import Plugin
from aimlog.optuna.job import job_id_of
from aimlog.optuna.locks import LockBusy, Patience
from aimlog.optuna.study_record import AnotherStudy, StudyRecord
from aimlog.logs import log_line
from aimlog.settings import absolute, plugin_settings, repo_directory

logger = logging.getLogger("aimlog")


class AimlogCallback:
    """Records each trial of a study as a run: params, distributions, values, state, and everything
    given to ``trial.report``, with no change to the objective.

    Args:
        repo: directory that holds ``.aimlog``; None = what the configuration says, else the
            working directory. Made if it is not there.
        experiment_name: name that groups jobs; None = the configuration's, else the study's.
        metrics: patterns of the metrics to record (``["value", "loss*", "!loss/debug"]``); None =
            all.
        config: path of a YAML file with the plugin's configuration; arguments win over it.
        plugin: path of another plugin's library; None = aimlog's own.
        options: further keys of the configuration (``durability="always"``, ``tags=[...]``).

    Raises:
        aimlog.host.PluginError: the repo or the configuration cannot be used; the text says why.
            Only here: afterwards nothing is raised, trouble is logged once and counted.

    One callback may serve several studies, one after the other or at once, and several threads
    (``n_jobs``). Several processes may work on one study, each with a callback of its own: one that
    a forked process inherited records nothing there. Call :meth:`close` at the end, or use it as a
    context manager; else it is done when the object goes, or at exit.
    """

    def __init__(
        self,
        repo: str | os.PathLike[str] | None = None,
        experiment_name: str | None = None,
        metrics: str | Iterable[str] | None = None,
        *,
        config: str | os.PathLike[str] | None = None,
        plugin: str | os.PathLike[str] | None = None,
        **options: Any,
    ) -> None:
        settings = plugin_settings(
            repo=None if repo is None else absolute(repo),
            experiment=experiment_name,
            metrics=metrics,
            **options,
        )
        self._library = str(plugin) if plugin is not None else aimlog.library_path()
        self._arguments: dict[str, Any] = {
            "settings": settings,
            "config_path": None if config is None else absolute(config),
            "base_dir": os.getcwd(),
            "log": log_line,
            "host_name": "Optuna",
        }
        directory = None if plugin is not None else repo_directory(repo, config)
        self._directory = directory and notes_directory(directory)
        self._pid = os.getpid()
        self._since = datetime.datetime.now()  # trials that ended earlier are not ours to record
        self._lock = threading.RLock()
        self._patience = Patience()
        self._warned = False
        self._warned_of_fork = False
        self._records: dict[str, StudyRecord] = {}
        self._left: set[optuna.Study] = set()  # a lock was busy when their job was to be found
        self._job_ids: weakref.WeakKeyDictionary[optuna.Study, str] = weakref.WeakKeyDictionary()
        # Made now, so that what is wrong is said before any compute is spent.
        self._spare: Plugin | None = self._make_plugin()
        callbacks.add(self)

    def __call__(self, study: optuna.Study, trial: FrozenTrial) -> None:
        def tell() -> None:
            with contextlib.suppress(LockBusy):  # taken from the storage at the next call
                self._on_record(study, lambda record: record.finished(trial))

        self._guarded(tell)

    def track(self, trial: Trial) -> "Tracked":
        """Records a trial while it runs: ``track(trial).log({"loss": 0.1}, step=3)``.

        Call it in the objective, after the params were suggested.
        """
        return Tracked(self, trial)

    def flush(self) -> None:
        """Blocks until all that was recorded is safe from a power cut."""
        self._guarded(lambda: [record.plugin.flush() for record in self._records.values()])

    def close(self) -> None:
        """Takes in trials that no callback was called for, closes what is open. The object may be
        used again: it then goes on with the same jobs."""
        if os.getpid() != self._pid:
            return
        with self._lock:
            self._patience.renew()
            for study in {record.study for record in self._records.values()} | self._left:
                take_in = functools.partial(self._on_record, study, StudyRecord.take_in_last)
                self._guarded(take_in)
            for record in self._records.values():
                self._guarded(record.close)
            self._records.clear()
            self._left.clear()
            self._since = datetime.datetime.now()
            if self._spare is not None:
                self._spare.close()
                self._spare = None

    def __del__(self) -> None:
        if "_spare" in self.__dict__:  # else the constructor has raised
            self.close()

    def __enter__(self) -> "AimlogCallback":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _make_plugin(self) -> Plugin:
        return Plugin(self._library, **self._arguments)

    def _on_record(self, study: optuna.Study, action: Callable[[StudyRecord], None]) -> None:
        try:
            try:
                action(self._record_of(study))
            except AnotherStudy:
                self._separate(study)
                action(self._record_of(study))
        except LockBusy:
            self._left.add(study)
            raise

    def _record_of(self, study: optuna.Study) -> StudyRecord:
        job_id = self._job_ids.get(study)
        if job_id is None:
            job_id = job_id_of(study, self._directory, self._patience)
            self._job_ids[study] = job_id
        record = self._records.get(job_id)
        if record is None:
            plugin, self._spare = self._spare or self._make_plugin(), None
            record = StudyRecord(study, plugin, job_id, self._directory, self._since)
            self._records[job_id] = record
            with contextlib.suppress(LockBusy):
                record.take_in_others()
        return record

    def _separate(self, study: optuna.Study) -> None:
        """Makes a study another job than the one that its copy, or its model, went on with."""
        taken = self._job_ids.pop(study)
        record = self._records.pop(taken, None)
        if record is not None:  # made again at the next call if it is the other study's
            record.close()
        job_id = job_id_of(study, self._directory, self._patience, other_than=taken)
        self._job_ids[study] = job_id
        logger.warning(
            "aimlog: study %s shares the job %s with a copy of it that went on; it is job %s now",
            study.study_name,
            taken,
            job_id,
        )

    def _guarded(self, action: Callable[[], Any]) -> None:
        """A study must not fail because of its records."""
        if os.getpid() != self._pid:  # before the lock, which a thread of the parent may have had
            self._warn_of_fork()
            return
        try:
            with self._lock:
                action()
        except Exception as error:
            if not self._warned:
                self._warned = True
                logger.warning("aimlog: a trial could not be recorded: %r", error, exc_info=True)

    def _warn_of_fork(self) -> None:
        """The plugin does nothing in a forked process, so nothing may be claimed either."""
        if not self._warned_of_fork:
            self._warned_of_fork = True
            logger.warning(
                "aimlog: a callback records nothing in a process that was forked after it was made;"
                " the next one that goes on with the study takes its trials from the storage"
            )


class Tracked:
    """A trial that is recorded while it runs; from :meth:`AimlogCallback.track`."""

    def __init__(self, callback: AimlogCallback, trial: Trial) -> None:
        self._callback = callback
        self._trial = trial

    def log(self, values: Mapping[str, Any], step: int | None = None) -> None:
        """Records one result: a mapping, nested at will; `step` None = the count of results."""

        def tell() -> None:
            self._callback._on_record(
                self._trial.study, lambda record: record.log(self._trial, values, step)
            )

        self._callback._guarded(tell)


def notes_directory(repo: str) -> str:
    """As the plugin reads it, a path may name the repo itself as well as what holds it."""
    holder = os.path.dirname(repo) if os.path.basename(repo) == ".aimlog" else repo
    return os.path.join(holder, ".aimlog", "optuna")


callbacks: "weakref.WeakSet[AimlogCallback]" = weakref.WeakSet()


@atexit.register
def close_callbacks() -> None:
    """Those that nobody closed."""
    for callback in list(callbacks):
        callback.close()
