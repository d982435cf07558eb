# SPDX-License-Identifier: Apache-2.0
"""Who records a trial of Optuna's where several could: forks, copied studies, the dead, locks."""

import contextlib
import datetime
import fcntl
import logging
import os
import signal
import threading
import time

import optuna
import pytest
import support
from optuna_test import expect_same
from python_support import records_of

import aimlog
from aimlog.host import DROPPED, INERT
from aimlog.optuna import AimlogCallback, locks, study_record
from aimlog.optuna.claims import Claims
from aimlog.optuna.job import ATTRIBUTE

optuna.logging.set_verbosity(optuna.logging.ERROR)


def objective(trial):
    return trial.suggest_float("x", 0, 1)


def ask_and_tell(study):
    trial = study.ask()
    study.tell(trial, objective(trial))


def storage_of(tmp_path, name="study"):
    return f"sqlite:///{tmp_path}/{name}.db"


def job_of(study):
    return study.user_attrs[ATTRIBUTE]


def notes(repo):
    return repo / ".aimlog" / "optuna"


def warnings_in(caplog, text):
    return [record.message for record in caplog.records if text in record.message]


# ---- forks
def in_child(action):
    """Runs it in a forked process; whether it went well, and without waiting for ever."""
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        code = 1
        with contextlib.suppress(BaseException):
            action()
            code = 0
        os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_forked_process_claims_nothing_and_its_trials_are_recorded_later(tmp_path, capfd):
    storage = storage_of(tmp_path)
    study = optuna.create_study(study_name="forked", storage=storage)
    callback = AimlogCallback(tmp_path)
    study.optimize(objective, n_trials=1, callbacks=[callback])
    ask_and_tell(study)

    def tracked(trial):
        callback.track(trial).log({"loss": 1.0})
        return objective(trial)

    def work():
        logging.getLogger("aimlog").addHandler(logging.StreamHandler())
        mine = optuna.load_study(study_name="forked", storage=storage)
        mine.optimize(objective, n_trials=2, callbacks=[callback])
        mine.optimize(tracked, n_trials=2, callbacks=[callback])
        callback.flush()
        callback.close()

    assert in_child(work)
    study.optimize(objective, n_trials=1, callbacks=[callback])
    callback.close()
    assert len(study.trials) == 7
    expect_same(study, tmp_path)
    assert capfd.readouterr().err.count("records nothing in a process that was forked") == 1


def test_a_forked_process_waits_for_no_thread_of_its_parent(tmp_path):
    callback = AimlogCallback(tmp_path)
    let_go, has_lock = threading.Event(), threading.Event()

    def keep():
        with callback._lock:
            has_lock.set()
            let_go.wait()

    keeper = threading.Thread(target=keep)
    keeper.start()
    has_lock.wait()
    flushed, closed = in_child(callback.flush), in_child(callback.close)
    let_go.set()
    keeper.join()
    callback.close()
    assert (flushed, closed) == (True, True)


FORK_AND_EXIT = """
import os, sys, optuna
from aimlog.optuna import AimlogCallback
def objective(trial):
    return trial.suggest_float("x", 0, 1)
study = optuna.create_study()
callback = AimlogCallback(sys.argv[1])
study.optimize(objective, n_trials=1, callbacks=[callback])
for _ in range(2):
    trial = study.ask()
    study.tell(trial, objective(trial))
if os.fork() == 0:
    sys.exit(0)
os.wait()
study.optimize(objective, n_trials=1, callbacks=[callback])
"""


def test_the_exit_of_a_forked_process_closes_nothing_of_its_parent(tmp_path):
    done = support.run_python(FORK_AND_EXIT, tmp_path)
    assert done.returncode == 0, done.stderr
    assert [run["status"] for run in records_of(tmp_path)] == ["completed"] * 4


class Refusing:
    """A plugin that stands for one in trouble."""

    last_error = "there is no room"

    def __init__(self, plugin, statuses):
        self.plugin = plugin
        self.statuses = statuses

    def __getattr__(self, name):
        real = getattr(self.plugin, name)
        return lambda *args, **named: self.statuses.get(name) or real(*args, **named)


@pytest.mark.parametrize("status", [INERT, DROPPED])
@pytest.mark.parametrize("hook", ["trial_start", "trial_complete"])
def test_what_the_plugin_refuses_is_left_to_who_can_record_it(tmp_path, caplog, hook, status):
    study = optuna.create_study()
    callback = AimlogCallback(tmp_path)
    study.optimize(objective, n_trials=1, callbacks=[callback])
    (record,) = callback._records.values()
    plugin = record._recorder.plugin
    record._recorder.plugin = Refusing(plugin, {hook: status})
    study.optimize(objective, n_trials=2, callbacks=[callback])
    record._recorder.plugin = plugin
    callback.close()
    assert [run["status"] for run in records_of(tmp_path)] == ["completed"] * 3
    assert len(warnings_in(caplog, "there is no room")) == 1


def test_another_plugin_is_told_every_trial_once(tmp_path):
    before = optuna.create_study()
    before.optimize(objective, n_trials=2)
    events = tmp_path / "events.jsonl"
    callback = AimlogCallback(plugin=support.JSONL, path=str(events))
    for _ in range(2):
        before.optimize(objective, n_trials=2, callbacks=[callback])
        callback.close()
    assert events.read_text().count('"event":"trial_start"') == 4


# ---- copies of a study
def expect_two_jobs(first, second, repo):
    assert job_of(first) != job_of(second)
    for study in (first, second):
        expect_same(study, repo, job_of(study))


def test_a_copied_study_is_another_job(tmp_path):
    storage = storage_of(tmp_path)
    first = optuna.create_study(study_name="first", storage=storage)
    with AimlogCallback(tmp_path) as callback:
        first.optimize(objective, n_trials=2, callbacks=[callback])
        job = job_of(first)
        optuna.copy_study(
            from_study_name="first",
            from_storage=storage,
            to_storage=storage,
            to_study_name="second",
        )
        second = optuna.load_study(study_name="second", storage=storage)
        second.optimize(objective, n_trials=2, callbacks=[callback])
        first.optimize(objective, n_trials=2, callbacks=[callback])
    assert job_of(first) == job
    expect_two_jobs(first, second, tmp_path)


@pytest.mark.parametrize("callbacks", [1, 2])
def test_a_copy_under_the_same_name_is_another_job_once_both_went_on(tmp_path, caplog, callbacks):
    here, there = storage_of(tmp_path, "here"), storage_of(tmp_path, "there")
    study = optuna.create_study(study_name="same", storage=here)
    used = [AimlogCallback(tmp_path) for _ in range(callbacks)]
    study.optimize(objective, n_trials=2, callbacks=[used[0]])
    optuna.copy_study(from_study_name="same", from_storage=here, to_storage=there)
    moved = optuna.load_study(study_name="same", storage=there)
    moved.optimize(objective, n_trials=2, callbacks=[used[-1]])
    assert job_of(moved) == job_of(study) and not warnings_in(caplog, "shares the job")
    ask_and_tell(moved)
    study.optimize(objective, n_trials=3, callbacks=[used[0]])
    moved.optimize(objective, n_trials=1, callbacks=[used[-1]])
    for callback in used:
        callback.close()
    expect_two_jobs(study, moved, tmp_path)
    assert len(warnings_in(caplog, "shares the job")) == 1


def test_a_tracked_trial_of_a_copy_shows_that_it_is_one(tmp_path):
    here, there = storage_of(tmp_path, "here"), storage_of(tmp_path, "there")
    study = optuna.create_study(study_name="same", storage=here)
    optuna.copy_study(from_study_name="same", from_storage=here, to_storage=there)
    moved = optuna.load_study(study_name="same", storage=there)
    moved.set_user_attr(ATTRIBUTE, "0" * 32)
    study.set_user_attr(ATTRIBUTE, "0" * 32)
    callback = AimlogCallback(tmp_path)
    for value, each in enumerate((study, moved)):
        callback.track(each.ask()).log({"loss": value})
    callback.close()
    losses = {run["job"]: run["points"][0][2] for run in records_of(tmp_path)}
    assert losses == {job_of(study): 0, job_of(moved): 1}


def test_what_an_earlier_version_left_is_gone_on_with(tmp_path):
    study = optuna.create_study()
    study.optimize(objective, n_trials=2)
    study.set_user_attr(ATTRIBUTE, "0" * 32)
    notes(tmp_path).mkdir(parents=True)
    (notes(tmp_path) / f"{'0' * 32}.trials").write_text("0\n1\n")
    with AimlogCallback(tmp_path) as callback:
        study.optimize(objective, n_trials=2, callbacks=[callback])
    runs = records_of(tmp_path)
    assert [run["trial_id"] for run in runs] == ["2", "3"]
    assert {run["job"] for run in runs} == {"0" * 32}


def test_starts_that_time_zones_and_databases_change_are_one_trials():
    known = Claims(None, "job")

    def trial(when):
        made = optuna.trial.create_trial(value=0.0)
        made.number = 7
        made.datetime_start = when and datetime.datetime.fromisoformat(when)
        return made

    known.begin(trial("2026-03-04 10:14:59.600000"))
    for same in ("2026-03-04 15:44:59.600000", "2026-03-04 10:14:59", "2026-03-04 10:15:00", None):
        assert not known.is_of_another(trial(same)), same
    for other in ("2026-03-04 10:14:59.600001", "2026-03-04 10:14:58", "2026-03-04 10:15:01"):
        assert known.is_of_another(trial(other)), other


# ---- processes that died, and such that live
TRACKED_AND_KILLED = """
import os, signal, sys, time, optuna
from aimlog.optuna import AimlogCallback
callback = AimlogCallback(sys.argv[2])
def objective(trial):
    x = trial.suggest_float("x", 0, 1)
    for step in range(3):
        callback.track(trial).log({"loss": step}, step=step)
    return x
def die(study, trial):
    child = os.fork()
    if child == 0:  # which has what its parent had open, and lives on
        os.closerange(0, 3)
        time.sleep(60)
        os._exit(0)
    print(child, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
study = optuna.load_study(study_name="s", storage=sys.argv[1])
study.optimize(objective, n_trials=1, callbacks=[die, callback])
"""


def test_a_tracked_trial_whose_process_died_before_its_callback_has_value_and_end(tmp_path):
    storage = storage_of(tmp_path)
    study = optuna.create_study(study_name="s", storage=storage)
    killed = support.run_python(TRACKED_AND_KILLED, storage, tmp_path)
    assert killed.returncode == -9, killed.stderr
    with AimlogCallback(tmp_path) as callback:
        study.optimize(objective, n_trials=1, callbacks=[callback])
    os.kill(int(killed.stdout), signal.SIGKILL)
    runs = {run["trial_id"]: run for run in records_of(tmp_path)}
    assert [runs[number]["status"] for number in "01"] == ["completed"] * 2
    points = {(name, step): value for name, step, value in runs["0"]["points"]}
    assert points[("value", 0)] == study.trials[0].value
    assert [points[("loss", step)] for step in range(3)] == [0, 1, 2]


def test_a_tracked_trial_is_left_to_its_process_for_as_long_as_that_lives(tmp_path):
    study = optuna.create_study()
    mine, other = AimlogCallback(tmp_path), AimlogCallback(tmp_path)
    trials = [study.ask() for _ in range(2)]
    for trial in trials:
        mine.track(trial).log({"loss": 1.0})
    study.tell(trials[0], 0.5)
    study.optimize(objective, n_trials=1, callbacks=[other])
    mine.flush()
    other.flush()
    statuses = {run["trial_id"]: run["status"] for run in records_of(tmp_path)}
    assert statuses == {"0": "running", "1": "running", "2": "completed"}
    mine.close()
    study.tell(trials[1], 0.5)  # of this one nobody is left to speak
    other.close()
    runs = {run["trial_id"]: run for run in records_of(tmp_path)}
    assert {run["status"] for run in runs.values()} == {"completed"}
    assert len(runs["0"]["attempts"]) == 1


def test_two_spellings_of_a_repo_are_one(tmp_path):
    study = optuna.create_study()
    config = tmp_path / "aimlog.yaml"
    config.write_text("repo: .aimlog\n")
    for words in ({"repo": tmp_path}, {"repo": f"{tmp_path}/.aimlog/"}, {"config": config}):
        with AimlogCallback(**words) as callback:
            study.optimize(objective, n_trials=1, callbacks=[callback])
    expect_same(study, tmp_path)
    assert not notes(tmp_path / ".aimlog").exists()


# ---- locks that others keep
@contextlib.contextmanager
def kept(path):
    """A lock that somebody keeps, though not for ever, so that a wait without bound shows."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT)
    fcntl.flock(fd, fcntl.LOCK_EX)
    let_go = threading.Timer(18, fcntl.flock, (fd, fcntl.LOCK_UN))
    let_go.start()
    began = time.monotonic()
    try:
        yield
        assert time.monotonic() - began < 15  # of 18 if each of 30 trials waited
    finally:
        let_go.cancel()
        let_go.join()
        os.close(fd)


def test_nobody_waits_long_for_a_lock_that_another_process_keeps(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(locks, "PATIENCE_S", 0.6)
    monkeypatch.setattr(study_record, "LOOK_EVERY_S", 0)
    study = optuna.create_study()
    callback = AimlogCallback(tmp_path)
    study.optimize(objective, n_trials=1, callbacks=[callback])
    path = notes(tmp_path) / f"{job_of(study)}.trials"
    with kept(path):
        study.optimize(objective, n_trials=30, callbacks=[callback])
        callback.track(study.ask()).log({"loss": 1.0})
    assert not caplog.records
    study.optimize(objective, n_trials=1, callbacks=[callback])
    callback.flush()
    assert len(aimlog.open(tmp_path)) == 33
    with kept(path):
        study.optimize(objective, n_trials=1, callbacks=[callback])
        study.tell(31, 0.5)
        callback.close()
    assert len(warnings_in(caplog, "could not be recorded")) == 1
    with AimlogCallback(tmp_path) as callback:
        study.optimize(objective, n_trials=1, callbacks=[callback])
    assert len(study.trials) == 35
    assert {run["status"] for run in records_of(tmp_path)} == {"completed"}
    assert len(aimlog.open(tmp_path)) == 35


def test_nobody_waits_long_for_the_lock_under_which_a_job_is_made(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(locks, "PATIENCE_S", 0.6)
    notes(tmp_path).mkdir(parents=True)
    study = optuna.create_study()
    callback = AimlogCallback(tmp_path)
    with kept(notes(tmp_path) / "lock"):
        study.optimize(objective, n_trials=30, callbacks=[callback])
    assert not caplog.records
    callback.close()
    expect_same(study, tmp_path)
    other = optuna.create_study()
    with kept(notes(tmp_path) / "lock"):
        other.optimize(objective, n_trials=1, callbacks=[callback])
        callback.close()
    assert len(warnings_in(caplog, "could not be recorded")) == 1
