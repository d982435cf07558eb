# SPDX-License-Identifier: Apache-2.0
"""One study as one instance of the plugin records it: each trial once, whoever saw its end."""

import contextlib
import datetime
import time
from collections.abc import Mapping
from typing import Any

import optuna
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, Trial, TrialState

from aimlog.host import Plugin
from aimlog.optuna.claims import Claims
from aimlog.optuna.locks import LockBusy
from aimlog.optuna.recorder import Recorder

FINISHED = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)
# No callback comes for a trial whose error was not caught, for ask and tell, and when a worker is
# killed: they are looked for in the study's storage, which takes a while to read.
LOOK_EVERY_S = 1.0


class AnotherStudy(Exception):
    """The job has a trial of the same number that began at another time: one of the two studies
    is a copy of the other, made under the same name in another storage."""


class StudyRecord:
    """Not thread-safe: the callback's lock is around every call.

    since: when the callback was made, for where there is no directory.
    """

    def __init__(
        self,
        study: optuna.Study,
        plugin: Plugin,
        job_id: str,
        directory: str | None,
        since: datetime.datetime,
    ) -> None:
        self.study = study
        self.plugin = plugin
        self._recorder = Recorder(study, plugin, job_id)
        self._claims = Claims(directory, job_id)
        self._tracked: dict[int, BaseStorage] = {}  # of trials that log() began
        self._next_number = 0
        self._gaps: set[int] = set()  # numbers below that are not recorded to their end
        self._next_look = 0.0
        if directory is None:  # what was before us may be recorded or not
            for trial in self._finished_trials():
                if trial.datetime_complete is None or trial.datetime_complete < since:
                    self._claims.end(trial)

    def log(self, trial: Trial, values: Mapping[str, Any], step: int | None) -> None:
        """A result of a trial that runs. Needs no lock, as nobody else speaks of it."""
        storage = trial.study._storage
        # Another storage may be another connection to the same study, or hold a copy of it.
        if self._tracked.get(trial.number) is not storage:
            frozen = storage.get_trial(trial._trial_id)
            self._claims.catch_up()
            self._expect_own(frozen)
            if trial.number not in self._tracked:
                self._recorder.start(trial.study, frozen)
                self._claims.begin(frozen)
            self._tracked[trial.number] = storage
        self._recorder.log(trial.number, values, step)

    def finished(self, trial: FrozenTrial) -> None:
        """A trial came to its end. Where the lock is busy it is taken in with the others later."""
        self._gaps |= set(range(self._next_number, trial.number + 1))
        self._next_number = max(self._next_number, trial.number + 1)
        with contextlib.suppress(LockBusy):
            with self._claims.locked():
                self._expect_own(trial)
                self._record(trial)
            self._gaps.discard(trial.number)
            if self._gaps and time.monotonic() >= self._next_look:
                self.take_in_others()

    def take_in_others(self) -> None:
        """Records the trials that ended without a callback, or whose process died before it came.

        Raises LockBusy, and the first trouble with a trial when the others are done.
        """
        self._next_look = time.monotonic() + LOOK_EVERY_S
        trials = self._finished_trials()
        troubles: list[Exception] = []
        with self._claims.locked():
            for trial in trials:
                self._expect_own(trial)
            for trial in trials:
                try:
                    self._record(trial)
                except Exception as error:
                    troubles.append(error)
            self._gaps = {number for number in self._gaps if not self._claims.has_ended(number)}
        if troubles:
            raise troubles[0]

    def take_in_last(self) -> None:
        """The same before the end, where nobody comes later: worth to wait for the lock again."""
        self._claims.patience.renew()
        self.take_in_others()

    def close(self) -> None:
        """The job ends with its last process."""
        try:
            self.plugin.experiment_end()
        finally:
            self.plugin.close()
            self._claims.close()

    def _finished_trials(self) -> list[FrozenTrial]:
        return self.study.get_trials(deepcopy=False, states=FINISHED)

    def _expect_own(self, trial: FrozenTrial) -> None:
        if self._claims.is_of_another(trial):
            raise AnotherStudy(self.study.study_name)

    def _record(self, trial: FrozenTrial) -> None:
        """Inside the claims' lock. Raises if the plugin refuses the trial."""
        is_tracked = trial.number in self._tracked
        if not is_tracked and self._claims.is_taken(trial.number):
            return
        self._recorder.finished(self.study, trial, is_tracked)
        # Only now: a process killed before this has recorded nothing that would be missed, and
        # what was refused is left to who can record it.
        self._claims.end(trial)
        self._tracked.pop(trial.number, None)
