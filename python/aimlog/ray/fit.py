# SPDX-License-Identifier: Apache-2.0
"""One job in this process, from `setup` to its end: its identity, its plugin, its troubles."""

import atexit
import contextlib
import itertools
import logging
import os
import tempfile
import threading
import weakref
from typing import Any

import ray

import aimlog
from aimlog.host import OK, Plugin, PluginError
from aimlog.logs import log_line
from aimlog.ray.aim_repo import AimExport, check_command, check_directory
from aimlog.ray.copies import patiently
from aimlog.ray.copy_children import Copies
from aimlog.ray.job import (
    BESIDE,
    ELSEWHERE,
    EXPLICIT,
    JOB_FILE,
    Remembered,
    find_in_job_file,
    job_file_with,
    new_job_id,
    pack_state,
)
from aimlog.ray.options import Options
from aimlog.ray.restore import begin_with_newest
from aimlog.ray.storage import Storage, directory_elsewhere, has_repo
from aimlog.settings import yaml_value

logger = logging.getLogger("aimlog")

# What Ray puts into every result for its own book-keeping.
RESERVED_KEYS = ("config", "pid", "timestamp", "time_total_s", "training_iteration")
NAMESPACE = "ray/tune/"


def library_of(options: Options) -> str:
    if options.plugin is not None:
        return options.plugin
    return str(aimlog.library_path())


def create_plugin(options: Options, directory: str, by_path: bool = False) -> Plugin:
    """A plugin that records into `directory`. Raises PluginError."""
    settings = dict(options.settings)
    config: dict[str, Any] = {}
    if options.config_text is not None:
        if by_path:
            config["config_path"] = options.config_path
        else:
            config |= {"config_text": options.config_text, "base_dir": options.config_dir}
    if options.plugin is None:
        settings["repo"] = yaml_value(directory)
        if options.experiment_name is not None:
            settings["experiment"] = yaml_value(options.experiment_name)
    elif options.config_text is None:
        config["base_dir"] = directory
    return Plugin(
        library_of(options), settings=settings, log=log_line, host_name="Ray Tune", **config
    )


def check_options(options: Options) -> None:
    """Raises what is wrong with them as far as it shows before the job.

    PluginError, OSError or ValueError.
    """
    check_plugin(options)
    if options.aim_repo:
        check_command()
    if isinstance(options.aim_repo, str):
        check_directory(options.aim_repo)


def check_plugin(options: Options) -> None:
    if options.repo is not None:
        os.makedirs(options.repo, exist_ok=True)
        create_plugin(options, options.repo, by_path=True).close()
        return
    with tempfile.TemporaryDirectory(prefix="aimlog-check-") as directory:
        try:
            create_plugin(options, directory, by_path=True).close()
        except PluginError as error:
            # It is the settings that are checked here, not what temporary files may do.
            if options.plugin is None and directory in str(error):
                return
            raise


class Fit:
    """Identity, plugin and troubles of one job. Methods but `open` and `end` may raise."""

    def __init__(self, options: Options, state: tuple[Remembered, bytes] | None, about: dict):
        self.options = options
        self.known: Remembered | None = None
        self.plugin_state = b""
        if state is not None:
            self.known, self.plugin_state = state
        self.resumed = state is not None
        self.about = about
        self.begun = False  # the first step has told whether there were trials before
        self.ended = False
        self.plugin: Plugin | None = None
        self.copies: Copies | None = None
        self.aim: AimExport | None = None
        self.troubles = 0
        self.failed_opens = 0
        self.last_stats: dict[str, Any] = {}
        self.pid = os.getpid()
        self.thread: threading.Thread | None = None  # in which its hooks are called, once open
        # Which of two fits came first; one that no setup announced is nobody's restore.
        self.created = next(tickets) if about else 0
        self.opened = 0
        if state is None:
            # A state may be asked for before it shows that the job is an earlier one's.
            self.known = Remembered(new_job_id())

    # ---- beginning
    def see_trials(self, trials: Any) -> None:
        """The first step: only a job that goes on has trials then."""
        self.begun = True
        if trials and not self.resumed:
            self.resumed = True
            self.known = None

    def open(self, trial: Any) -> bool:
        """Makes the plugin, once a trial tells where. Returns whether there is one."""
        if self.plugin is not None:
            return True
        if self.failed_opens:
            return False
        try:
            self.begin_recording(Storage(trial))
        except Exception as error:
            self.failed_opens += 1
            self.trouble("cannot record this job", error)
        return self.plugin is not None

    def begin_recording(self, storage: Storage) -> None:
        job_file, is_readable = self.read_job_file(storage)
        in_file = find_in_job_file(job_file, self.options.key) if self.resumed else None
        earlier = self.known if self.resumed and self.known else in_file
        if in_file is not None and earlier is not None and earlier.repo is None:
            # Killed between the first state and the opening of the repo.
            earlier = in_file if in_file.job == earlier.job else earlier
        job = (earlier or self.known or Remembered(new_job_id())).job
        self.end_abandoned(job)
        plugin, known = self.open_somewhere(storage, job, earlier)
        self.known = known
        self.set_up(plugin, storage, job)
        self.plugin = plugin
        self.thread = threading.current_thread()
        self.opened = next(tickets)
        open_fits.add(self)
        say = logger.warning if self.options.plugin is None else logger.info
        say("aimlog records job %s of %s into %s", job, storage.experiment, known.repo)
        if is_readable:
            self.remember(storage, job_file, known)
        self.begin_copies(storage, known)
        self.begin_aim_export(storage, known)

    def begin_aim_export(self, storage: Storage, known: Remembered) -> None:
        directory = self.options.aim_repo
        if not directory or known.repo is None:
            return
        if directory is True:
            # A storage in which our repo cannot be is none for Aim's either.
            directory = known.repo if known.place == ELSEWHERE else storage.directory or known.repo
        try:
            self.aim = AimExport(known.repo, str(directory), self.options.aim_attempts)
            self.aim.start()
        except Exception as error:
            self.trouble("cannot keep an Aim repo", error)

    def begin_copies(self, storage: Storage, known: Remembered) -> None:
        if known.place != ELSEWHERE or known.repo is None or self.options.plugin is not None:
            return
        try:
            period = self.options.sync_period
            self.copies = Copies(storage.filesystem, storage.path, known.repo, period, known.job)
        except Exception as error:
            self.loud_trouble("this storage cannot have copies of the repo", error)

    def end_abandoned(self, job: str) -> None:
        """A fit that an exception left open does not go on beside its own restore."""
        for other in list(open_fits):
            same = other.known is not None and other.known.job == job
            if same and other.options == self.options and other.opened < self.created:
                other.end()

    def open_somewhere(
        self, storage: Storage, job: str, earlier: Remembered | None
    ) -> tuple[Plugin, Remembered]:
        """Tries the places in which the job's runs are or may be, the best first."""
        problem: Exception | None = None
        for directory, place in places(self.options, storage, job, earlier):
            try:
                os.makedirs(directory, exist_ok=True)
                if place == ELSEWHERE and self.resumed and self.options.plugin is None:
                    self.fetch_newest(storage, directory, job)
                plugin = create_plugin(self.options, directory)
            except (PluginError, OSError) as error:
                problem = problem or error
                continue
            if problem is not None:
                logger.warning("aimlog: recording into %s instead: %s", directory, problem)
            return plugin, Remembered(job, directory, place)
        raise problem or RuntimeError("no directory to record into")

    def read_job_file(self, storage: Storage) -> tuple[str | None, bool]:
        """The job file's text, and whether it may be rewritten: what cannot be read stays."""
        try:
            return patiently(lambda: storage.read_text(JOB_FILE)), True
        except Exception as error:
            self.loud_trouble(f"cannot read {JOB_FILE}, which stays as it is", error)
            return None, False

    def fetch_newest(self, storage: Storage, directory: str, job: str) -> None:
        try:
            begin_with_newest(storage.filesystem, storage.path, directory, job)
        except Exception as error:
            text = "cannot begin with the newest copy of the repo, which stays as it is, but with "
            has_runs = has_repo(directory)
            self.loud_trouble(text + ("what is here" if has_runs else "nothing"), error)

    def set_up(self, plugin: Plugin, storage: Storage, job: str) -> None:
        if self.plugin_state:
            # Another plugin's or a damaged one does not matter: the job's id says the same.
            with contextlib.suppress(PluginError):
                plugin.set_state(self.plugin_state)
        budget = self.about.get("time_budget_s")
        stop = self.about.get("stop")
        plugin.setup(
            resumed=int(self.resumed),
            job_id=job,
            experiment_name=self.options.experiment_name or storage.experiment,
            experiment_dir=storage.path,
            host_name="Ray Tune",
            host_version=str(ray.__version__),
            metric_namespace=NAMESPACE,
            reserved_keys=RESERVED_KEYS,
            stop=stop if isinstance(stop, dict) and stop else None,
            num_samples=count(self.about.get("num_samples")),
            total_num_samples=count(self.about.get("total_num_samples")),
            time_budget_s=float(budget) if isinstance(budget, (int, float)) else 0.0,
        )

    def remember(self, storage: Storage, job_file: str | None, known: Remembered) -> None:
        text = job_file_with(job_file, self.options.key, known)
        if text == job_file:
            return
        try:
            storage.write_text(JOB_FILE, text)
        except Exception as error:
            self.trouble(f"cannot write {JOB_FILE}", error)

    # ---- while it goes on
    def state(self) -> dict[str, Any] | None:
        if self.known is None:
            return None
        if self.plugin is not None and not self.ended:
            try:
                self.plugin_state = self.plugin.get_state()
            except PluginError as error:
                self.trouble("get_state", error)
        return pack_state(self.options.key, self.known, self.plugin_state)

    def trouble(self, what: str, error: Exception) -> None:
        """Counts; says the first one, so that a broken repo costs one line and not thousands."""
        if self.troubles == 0:
            self.loud_trouble(what, error)
        else:
            self.troubles += 1

    def loud_trouble(self, what: str, error: Exception) -> None:
        """One that is said in any case, as runs seem to be missing then."""
        self.troubles += 1
        logger.warning("aimlog: %s: %s", what, str(error) or type(error).__name__)

    def tend(self, now: float) -> None:
        """What is to be done now and then."""
        self.notice_hook_errors()
        if self.copies is not None:
            self.copies.tick(now)
            self.notice_failed_copies(self.copies)
        if self.aim is not None:
            problem = self.aim.tick(now)
            if problem is not None:
                self.trouble(f"cannot keep the Aim repo {self.aim.directory}", OSError(problem))

    def notice_failed_copies(self, copies: Copies, at_end: bool = False) -> None:
        for problem in copies.take_problems():
            # The last one is all that other machines will ever see.
            say = self.loud_trouble if at_end and copies.copied is None else self.trouble
            say("a copy of the repo failed", RuntimeError(problem))

    def notice_hook_errors(self) -> None:
        """Hooks return their errors, and the frequent one looks at none of them."""
        if self.troubles == 0 and self.plugin is not None and self.plugin.stats()["hook_errors"]:
            self.trouble("the plugin failed in a hook", RuntimeError(self.plugin.last_error))

    # ---- end
    def end(self, interrupted: bool = True, wait: bool = False) -> None:
        """Closes what is open; never raises, and does nothing the second time.

        wait: for the last copy of the repo and the last export, where there are such.
        """
        plugin, self.ended = self.plugin, True
        open_fits.discard(self)
        if plugin is None or self.pid != os.getpid():
            return
        try:
            self.notice_hook_errors()
            plugin.experiment_end(interrupted=interrupted)
            self.plugin_state = plugin.get_state()
            self.last_stats = plugin.stats()
        except Exception as error:
            self.trouble("cannot end the job", error)
        try:
            if plugin.close() != OK:
                self.loud_trouble("the job's end", RuntimeError(plugin.last_error))
        except Exception as error:
            self.trouble("cannot close the plugin", error)
        self.plugin = None
        if self.aim is not None:
            self.aim.stop()
        try:
            if self.copies is not None:
                self.copies.finish(wait)
                self.notice_failed_copies(self.copies, at_end=True)
        except Exception as error:
            self.trouble("cannot copy the repo", error)
        if self.aim is not None and wait:
            self.finish_aim_export(self.aim)

    def finish_aim_export(self, export: AimExport) -> None:
        try:
            problem = export.finish(self.options.aim_wait)
        except Exception as error:
            problem = str(error) or type(error).__name__
        if problem is not None:
            self.troubles += 1
            text = "aimlog: the Aim repo %s lacks the newest points: %s (more in %s); later: %s"
            logger.warning(text, export.directory, problem, export.log, export.by_hand())


def count(number: Any) -> int:
    return number if isinstance(number, int) and 0 <= number < 2**63 else 0


def places(
    options: Options, storage: Storage, job: str, earlier: Remembered | None
) -> list[tuple[str, str]]:
    """Directories to record into, the best first."""
    found = [(directory_elsewhere(storage.experiment, job), ELSEWHERE)]
    if options.repo is not None:
        found.insert(0, (options.repo, EXPLICIT))
    elif storage.directory is not None:
        found.insert(0, (storage.directory, BESIDE))
    has_runs = has_repo if options.plugin is None else os.path.isdir
    if earlier is None or earlier.repo is None or not has_runs(earlier.repo):
        return found
    there = (earlier.repo, earlier.place)
    # The runs are where they were, unless they moved with the trials.
    if earlier.place == BESIDE and storage.directory and has_runs(storage.directory):
        return found
    return [there, *(place for place in found if place[0] != earlier.repo)]


tickets = itertools.count(1)
open_fits: "weakref.WeakSet[Fit]" = weakref.WeakSet()


def end_fits_of_main_thread() -> None:
    """As end_open_fits, and before all that others gave to atexit, of which the latest comes first:
    the writers of Ray's TensorBoard callback wait for their threads there, and Ray aborts a driver
    three seconds after SIGTERM. Fits of other threads may go on until those are joined."""
    for fit in list(open_fits):
        if fit.thread is threading.main_thread():
            fit.end()


@atexit.register
def end_open_fits() -> None:
    """Ray has no hook for SIGTERM, a second Ctrl-C or an exception in another callback."""
    for fit in list(open_fits):
        fit.end()


with contextlib.suppress(AttributeError, RuntimeError):
    # Python has no public name for what runs before atexit; without it atexit is what there is.
    threading._register_atexit(end_fits_of_main_thread)  # type: ignore[attr-defined]
