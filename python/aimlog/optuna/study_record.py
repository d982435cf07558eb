# SPDX-License-Identifier: Apache-2.0
"""One study as one instance of the plugin records it: each trial once, whoever saw its end."""

import datetime
import time
from collections.abc import Mapping
from typing import Any

import optuna
from optuna.trial import FrozenTrial, Trial, TrialState

from aimlog.host import Plugin
from aimlog.optuna.claims import Claims
from aimlog.optuna.recorder import Recorder

FINISHED = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)
# No callback comes for a trial whose error was not caught, for ask and tell, and when a worker is
# killed: they are looked for in the study's storage, which takes a while to read.
LOOK_EVERY_S = 1.0


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
        self._tracked: set[int] = set()
        self._next_number = 0
        self._gaps: set[int] = set()  # numbers below that nobody has claimed
        self._next_look = 0.0
        if directory is None:  # what was before us may be recorded or not
            for trial in self._finished_trials():
                if trial.datetime_complete is None or trial.datetime_complete < since:
                    self._claims.add(trial.number)

    def log(self, trial: Trial, values: Mapping[str, Any], step: int | None) -> None:
        """A result of a trial that runs."""
        if trial.number not in self._tracked:
            with self._claims.locked():
                self._recorder.start(self.study, self.study._storage.get_trial(trial._trial_id))
                self._tracked.add(trial.number)
                self._claims.add(trial.number)
        self._recorder.log(trial.number, values, step)

    def finished(self, trial: FrozenTrial) -> None:
        """A trial came to its end."""
        with self._claims.locked():
            self._record(trial)
        self._gaps |= set(range(self._next_number, trial.number))
        self._next_number = max(self._next_number, trial.number + 1)
        self._gaps.discard(trial.number)
        if self._gaps and time.monotonic() >= self._next_look:
            self.take_in_others()

    def take_in_others(self) -> None:
        """Records the trials that ended without a callback."""
        self._next_look = time.monotonic() + LOOK_EVERY_S
        trials = self._finished_trials()
        with self._claims.locked():
            troubles = [trouble for trial in trials if (trouble := self._trouble_with(trial))]
            self._gaps = {number for number in self._gaps if number not in self._claims}
        if troubles:
            raise troubles[0]

    def close(self) -> None:
        """Takes in what is left in the storage; the job ends with its last process."""
        try:
            self.take_in_others()
            self.plugin.experiment_end()
        finally:
            self.plugin.close()
            self._claims.close()

    def _finished_trials(self) -> list[FrozenTrial]:
        return self.study.get_trials(deepcopy=False, states=FINISHED)

    def _trouble_with(self, trial: FrozenTrial) -> Exception | None:
        """Records a trial; one that cannot be is no reason to leave out the others."""
        try:
            self._record(trial)
        except Exception as error:
            return error
        return None

    def _record(self, trial: FrozenTrial) -> None:
        is_tracked = trial.number in self._tracked
        if trial.number in self._claims and not is_tracked:
            return
        self._recorder.finished(self.study, trial, is_tracked)
        self._tracked.discard(trial.number)
        if not is_tracked:
            # Only now: a process killed before this has recorded nothing that would be missed, and
            # what was refused is left to who can record it.
            self._claims.add(trial.number)
