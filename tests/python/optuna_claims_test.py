# SPDX-License-Identifier: Apache-2.0
"""Who records a trial of Optuna's where several could: forks, copied studies, the dead, locks."""

import contextlib
import logging
import os
import signal
import threading

import optuna
import pytest
import support
from optuna_test import expect_same
from python_support import records_of

from aimlog.host import DROPPED, INERT
from aimlog.optuna import AimlogCallback

optuna.logging.set_verbosity(optuna.logging.ERROR)


def objective(trial):
    return trial.suggest_float("x", 0, 1)


def ask_and_tell(study):
    trial = study.ask()
    study.tell(trial, objective(trial))


def storage_of(tmp_path, name="study"):
    return f"sqlite:///{tmp_path}/{name}.db"


def notes(repo):
    return repo / ".aimlog" / "optuna"


def warnings_in(caplog, text):
    return [record.message for record in caplog.records if text in record.message]


# ---- forks
def in_child(action):
    """Runs it in a forked process; whether it went well, and without waiting for ever."""
    child = os.fork()
    if child == 0:
        signal.alarm(10)
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


def test_two_spellings_of_a_repo_are_one(tmp_path):
    study = optuna.create_study()
    config = tmp_path / "aimlog.yaml"
    config.write_text("repo: .aimlog\n")
    for words in ({"repo": tmp_path}, {"repo": f"{tmp_path}/.aimlog/"}, {"config": config}):
        with AimlogCallback(**words) as callback:
            study.optimize(objective, n_trials=1, callbacks=[callback])
    expect_same(study, tmp_path)
    assert not notes(tmp_path / ".aimlog").exists()
