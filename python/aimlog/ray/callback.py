# SPDX-License-Identifier: Apache-2.0
"""AimlogCallback: Ray Tune's hooks, told to a plugin.

Whatever happens in here, the job goes on: each hook is guarded, the first trouble is one warning
and the others are counted. Nothing that Ray hands over is changed.
"""

import functools
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any, NoReturn

from ray.tune import Callback

from aimlog.host import TRIAL_COMPLETED, TRIAL_STOPPED, Plugin
from aimlog.ray.fit import Fit, check_options
from aimlog.ray.job import Remembered, unpack_state
from aimlog.ray.options import parse_options
from aimlog.ray.trial import (
    LiveTrial,
    checkpoint_path,
    checkpoint_step,
    error_text,
    failure_count,
    read,
    start_fields,
)

SCAN_PERIOD_S = 0.5
OF_A_FIT = ("_fit", "_restored", "_live", "_touched", "_next_scan")
NOT_PICKLED = (*OF_A_FIT, "_record", "_step_begin", "_step_end")


def not_open(*_: Any) -> NoReturn:
    """Stands for a method of the plugin that there is not."""
    raise LookupError("no plugin is open")


def guarded(hook: Callable) -> Callable:
    """A hook that never raises; an interrupt by the user passes."""

    @functools.wraps(hook)
    def call(self: "AimlogCallback", *args: Any, **info: Any) -> Any:
        try:
            return hook(self, *args, **info)
        except Exception as error:
            self._trouble(hook.__name__, error)
            return None

    return call


class AimlogCallback(Callback):
    """Records a tuning job into an aimlog repo: `RunConfig(callbacks=[AimlogCallback()])`.

    Args:
        repo: The directory that holds the repo (`.aimlog` is made in it). None: the experiment's
            directory in Ray's storage if that is on a local disk, else a directory under
            `$XDG_DATA_HOME/aimlog`; it is named in one log line and in `aimlog.json`.
        experiment_name: The name that groups jobs; None: Ray's name of the experiment.
        metrics: Names and patterns of the metrics to record (`"eval/*"`, `"!eval/debug_*"`).
            None: all.
        config: A YAML file with the plugin's settings; the other arguments win over it.
        plugin: A library with another plugin to record with.
        settings: Further settings of the plugin by their key, such as `{"log.level": "debug"}`.
        sync_period: Seconds between copies of a repo that cannot be in Ray's storage into it.
        aim_repo: The directory of an Aim repo to keep up to date while the job runs; True: the
            experiment's directory. `aim_attempts="split"` makes an Aim run of each attempt, as
            AimLoggerCallback does, and `aim_wait` is how many seconds the end of the job waits for
            the last points.
        **options: `tags`, `description`, `durability` and the other settings of
            docs/configuration.md by name, and what AimLoggerCallback takes for `aim.Run`.

    Raises:
        TypeError: An argument that does not exist, with the valid ones.
        ValueError: A value that cannot be; `aim_repo` where the command cannot write Aim repos.
        OSError: A directory that cannot be used.
        aimlog.host.PluginError: An explicit repo that cannot be used, or a bad setting, with
            file, line and key.
    """

    def __init__(
        self,
        repo: str | Path | None = None,
        experiment_name: str | None = None,
        metrics: list[str] | None = None,
        **options: Any,
    ) -> None:
        self._options = parse_options(repo, experiment_name, metrics, options)
        check_options(self._options)
        self._forget()

    def _forget(self) -> None:
        self._fit: Fit | None = None
        self._restored: tuple[Remembered, bytes] | None = None
        self._live: dict[str, LiveTrial] = {}
        # Methods of the fit's plugin, so that the frequent hooks look up as little as possible.
        self._record: Callable[..., int] = not_open
        self._step_begin: Callable[..., int] = not_open
        self._step_end: Callable[..., int] = not_open
        self._touched: LiveTrial | None = None
        self._next_scan = 0.0

    # ---- kept by Ray
    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        for name in NOT_PICKLED:
            state.pop(name, None)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._forget()

    @guarded
    def get_state(self) -> dict[str, Any] | None:
        return None if self._fit is None else self._fit.state()

    @guarded
    def set_state(self, state: Any) -> None:
        self._restored = unpack_state(self._options.key, state)

    def __del__(self) -> None:
        fit = getattr(self, "_fit", None)
        if fit is not None:
            fit.end()

    # ---- the job
    @guarded
    def setup(
        self, stop: Any = None, num_samples: Any = None, total_num_samples: Any = None, **info: Any
    ) -> None:
        about = {"stop": stop, "num_samples": num_samples, "total_num_samples": total_num_samples}
        if self._fit is not None:
            self._fit.end()
        restored = self._restored
        self._forget()
        self._fit = Fit(self._options, restored, about | info)

    def on_step_begin(self, iteration: int, trials: list, **info: Any) -> None:
        # As often as results, as is on_step_end: what is seldom needed is elsewhere.
        try:
            self._step_begin(iteration)
        except Exception:
            self._step_begin_first(iteration, trials)

    @guarded
    def _step_begin_first(self, iteration: int, trials: list) -> None:
        fit = self._fit_or_new()
        if not fit.begun:
            fit.see_trials(trials)
        if fit.plugin is not None or self._begin(trials):
            self._plugin.step_begin(iteration)

    def on_step_end(self, iteration: int, trials: list, **info: Any) -> None:
        try:
            touched = self._touched
            if touched is not None:
                self._touched = None
                if touched.trial.status == "PAUSED":
                    self._pause(touched)
            if monotonic() >= self._next_scan:
                self._tend()
            self._step_end(iteration)
        except Exception:
            self._step_end_first(iteration, trials)

    @guarded
    def _step_end_first(self, iteration: int, trials: list) -> None:
        fit = self._fit_or_new()
        if fit.plugin is not None or self._begin(trials):
            self._plugin.step_end(iteration)

    @guarded
    def _tend(self) -> None:
        now = monotonic()
        if self._fit is not None and self._fit.plugin is not None:
            self._find_paused()
            self._fit.tend(now)
        # A scan takes at most a fiftieth of the time.
        self._next_scan = now + max(SCAN_PERIOD_S, 50 * (monotonic() - now))

    @guarded
    def on_experiment_end(self, trials: list, **info: Any) -> None:
        fit = self._fit_or_new()
        if fit.plugin is None and not self._begin(trials):
            return
        unfinished = bool(self._live)
        for trial in trials:
            if trial.trial_id not in self._live and was_never_started(trial):
                unfinished = True
                self._plugin.trial_complete(trial.trial_id, status=TRIAL_STOPPED)
        self._live.clear()
        self._record = self._step_begin = self._step_end = not_open
        fit.end(interrupted=unfinished, wait=True)

    # ---- trials
    @guarded
    def on_trial_start(self, iteration: int, trials: list, trial: Any, **info: Any) -> None:
        live = self._find(trial)
        if live is not None:
            self._start(live)

    @guarded
    def on_trial_restore(self, iteration: int, trials: list, trial: Any, **info: Any) -> None:
        live = self._find(trial)
        if live is not None:
            live.started, live.paused = True, False
            self._plugin.trial_restore(trial.trial_id, key=live.key, **start_fields(trial))

    def on_trial_result(
        self, iteration: int, trials: list, trial: Any, result: dict, **info: Any
    ) -> None:
        # The frequent hook: what is not needed for a known trial is in _record_first.
        try:
            trial_id = trial.trial_id
            live = self._touched = self._live[trial_id]
            self._record(trial_id, result, live.key)
        except Exception:
            self._record_first(trial=trial, result=result)

    @guarded
    def _record_first(self, trial: Any, result: dict) -> None:
        live = self._touched = self._find(trial)
        if live is not None:
            self._record(trial.trial_id, result, live.key)

    @guarded
    def on_checkpoint(
        self, iteration: int, trials: list, trial: Any, checkpoint: Any, **info: Any
    ) -> None:
        self._tell_checkpoint("checkpoint", trial, checkpoint)

    @guarded
    def on_trial_save(self, iteration: int, trials: list, trial: Any, **info: Any) -> None:
        self._tell_checkpoint("trial_save", trial, read(trial, "checkpoint"))

    @guarded
    def on_trial_complete(self, iteration: int, trials: list, trial: Any, **info: Any) -> None:
        try:
            live = self._find(trial)
            if live is None:
                return
            # A trial that runs came to its end; one that waits is cut short by its scheduler.
            status = TRIAL_COMPLETED if trial.status == "RUNNING" else TRIAL_STOPPED
            self._plugin.trial_complete(trial.trial_id, key=live.key, status=status)
        finally:
            self._drop(trial)

    @guarded
    def on_trial_recover(self, iteration: int, trials: list, trial: Any, **info: Any) -> None:
        live = self._tell_failure("trial_recover", trial)
        if live is not None:
            live.started = False

    @guarded
    def on_trial_error(self, iteration: int, trials: list, trial: Any, **info: Any) -> None:
        try:
            self._tell_failure("trial_error", trial)
        finally:
            self._drop(trial)

    # ---- for people
    def stats(self) -> dict[str, Any]:
        """Counters of the plugin, and `callback_troubles`: what went wrong on the way to it."""
        fit = self._fit
        if fit is None:
            return {"callback_troubles": 0}
        counted = fit.last_stats if fit.plugin is None else fit.plugin.stats()
        return {**counted, "callback_troubles": fit.troubles}

    # ---- helpers
    def _trouble(self, hook: str, error: Exception) -> None:
        if self._fit is not None:
            self._fit.trouble(hook, error)

    @property
    def _plugin(self) -> Plugin:
        """The fit's plugin, where it is known that there is one."""
        if self._fit is None or self._fit.plugin is None:
            not_open()
        return self._fit.plugin

    def _fit_or_new(self) -> Fit:
        """The fit; hosts that call no setup get one that goes on with whatever there is."""
        fit = self._fit
        if fit is None or fit.ended:
            restored, self._restored = self._restored, None
            if fit is not None and fit.known is not None:
                # A hook after the end begins the same job again.
                restored = (fit.known, fit.plugin_state)
            fit = self._fit = Fit(self._options, restored, {})
        return fit

    def _begin(self, trials: list) -> bool:
        """Makes the plugin as soon as there is a trial."""
        fit = self._fit_or_new()
        if not trials or not fit.open(trials[0]):
            return False
        plugin = self._plugin
        self._record = plugin.trial_result
        self._step_begin, self._step_end = plugin.step_begin, plugin.step_end
        return True

    def _find(self, trial: Any) -> LiveTrial | None:
        """What is known of a trial; None if nothing can be recorded."""
        fit = self._fit_or_new()
        if fit.plugin is None and not self._begin([trial]):
            return None
        live = self._live.get(trial.trial_id)
        if live is None:
            live = self._live[trial.trial_id] = LiveTrial(trial)
        live.trial = trial
        return live

    def _drop(self, trial: Any) -> None:
        """Nothing of a trial stays in memory after its end."""
        live = self._live.pop(trial.trial_id, None)
        if self._touched is live:
            self._touched = None

    def _start(self, live: LiveTrial) -> None:
        trial, plugin = live.trial, self._plugin
        fields = start_fields(trial)
        live.started, live.paused = True, False
        plugin.trial_start(trial.trial_id, key=live.key, **fields)
        if fields["checkpoint_path"]:
            # Ray has a hook for this and never calls it.
            path = fields["checkpoint_path"]
            plugin.trial_restore(trial.trial_id, key=live.key, checkpoint_path=path)

    def _tell_failure(self, hook: str, trial: Any) -> LiveTrial | None:
        live = self._find(trial)
        if live is None:
            return None
        if not live.started:
            # The worker's constructor failed: Ray announces the start only after it.
            self._start(live)
        getattr(self._plugin, hook)(
            trial.trial_id,
            key=live.key,
            failure_count=failure_count(trial),
            error_text=error_text(trial),
        )
        return live

    def _tell_checkpoint(self, hook: str, trial: Any, checkpoint: Any) -> None:
        fit = self._fit_or_new()
        if fit.plugin is None and not self._begin([trial]):
            return
        live = self._touched = self._live.get(trial.trial_id)
        getattr(self._plugin, hook)(
            trial.trial_id,
            key=0 if live is None else live.key,
            path=checkpoint_path(checkpoint),
            step=checkpoint_step(trial),
        )

    def _find_paused(self) -> None:
        for live in self._live.values():
            if live.started and not live.paused and live.trial.status == "PAUSED":
                self._pause(live)

    def _pause(self, live: LiveTrial) -> None:
        if not live.paused and live.started:
            live.paused = True
            self._plugin.trial_pause(live.trial.trial_id, key=live.key)


def was_never_started(trial: Any) -> bool:
    """Told as over by Ray, without a result; a repeated end is harmless for one that has ended."""
    return trial.status == "TERMINATED" and not read(trial, "has_reported_at_least_once", True)
