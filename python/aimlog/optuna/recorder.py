# SPDX-License-Identifier: Apache-2.0
"""One study, told to one plugin: its trials as they are in the storage."""

import datetime
from collections.abc import Mapping
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from aimlog.host import NOT_DURABLE, OK, Plugin, PluginError

RESUMED_UNKNOWN = 2
COMPLETED, STOPPED = 4, 6
STEP = "training_iteration"


def nanoseconds(when: datetime.datetime | None) -> int:
    """Since 1970; 0, which is now, if it is not known. Optuna's times are local ones."""
    return int(when.timestamp() * 1e9) if when is not None else 0


def value_names(study: optuna.Study) -> list[str]:
    """As Optuna's own data frame calls the objectives."""
    names = study.metric_names
    if names is not None:
        return list(names)
    count = len(study.directions)
    return ["value"] if count == 1 else [f"values_{i}" for i in range(count)]


def params_of(trial: FrozenTrial) -> dict[str, Any]:
    return dict(trial.params)


def config_of(study: optuna.Study, trial: FrozenTrial) -> dict[str, Any]:
    """What is known of a trial besides its params."""
    return {
        "number": trial.number,
        "distributions": {name: repr(d) for name, d in trial.distributions.items()},
        "user_attrs": dict(trial.user_attrs),
        "sampler": type(study.sampler).__name__,
        "pruner": type(study.pruner).__name__,
    }


class Recorder:
    """Not thread-safe: the callback's lock is around every call.

    What makes a run, its start and its end, raises PluginError if it was not recorded, as then the
    trial must not count as recorded. Of results that were dropped the plugin keeps the count.
    """

    def __init__(self, study: optuna.Study, plugin: Plugin, job_id: str) -> None:
        self.plugin = plugin
        self.job_id = job_id
        self.names = value_names(study)
        single = len(self.names) == 1
        plugin.setup(
            resumed=RESUMED_UNKNOWN,
            job_id=job_id,
            experiment_name=study.study_name,
            host_name="Optuna",
            host_version=optuna.__version__,
            reserved_keys=(STEP,),
            metric=self.names[0] if single else "",
            mode=study.direction.name.lower()[:3] if single else "",
        )

    def start(self, study: optuna.Study, trial: FrozenTrial, time_ns: int = 0) -> None:
        status = self.plugin.trial_start(
            str(trial.number),
            time_ns=time_ns,
            name=f"trial_{trial.number}",
            params=params_of(trial),
            config=config_of(study, trial),
        )
        self._expect_recorded(status)

    def log(self, number: int, values: Mapping[str, Any], step: int | None) -> None:
        result = dict(values)
        if step is not None:
            result[STEP] = step
        self.plugin.trial_result(str(number), result, skip=None)

    def finished(self, study: optuna.Study, trial: FrozenTrial, tracked: bool) -> None:
        """A trial that came to its end; `tracked`: it was started by start() already."""
        if not tracked:
            self.start(study, trial, nanoseconds(trial.datetime_start))
        ended = nanoseconds(trial.datetime_complete)
        self.report(trial, ended)
        self.end(trial, ended)

    def report(self, trial: FrozenTrial, ended: int) -> None:
        """What was reported, and the values. When they were reported Optuna does not keep."""
        number = str(trial.number)
        for step in sorted(trial.intermediate_values):
            value = trial.intermediate_values[step]
            result = {STEP: step, "intermediate_value": value}
            self.plugin.trial_result(number, result, 0, ended, None)
        values = trial.values or []
        if values:
            last = max(trial.intermediate_values, default=0)
            result = dict(zip(self.names, values, strict=False)) | {STEP: last}
            self.plugin.trial_result(number, result, 0, ended, None)

    def end(self, trial: FrozenTrial, ended: int) -> None:
        number = str(trial.number)
        if trial.state == TrialState.FAIL:
            text = str(trial.system_attrs.get("fail_reason", ""))
            status = self.plugin.trial_error(
                number, time_ns=ended, failure_count=1, error_text=text
            )
        else:
            became = STOPPED if trial.state == TrialState.PRUNED else COMPLETED
            status = self.plugin.trial_complete(number, time_ns=ended, status=became)
        self._expect_recorded(status)

    def _expect_recorded(self, status: int) -> None:
        if status not in (OK, NOT_DURABLE):
            refused = PluginError(self.plugin.last_error or f"the plugin returned {status}")
            refused.status = status
            raise refused
