# SPDX-License-Identifier: Apache-2.0
"""Drivers that are killed or interrupted, and what a restore then makes of their runs."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from ray_support import LONG, new_storage, points, runs_of, start_ray, statuses

DRIVER = str(Path(__file__).resolve().parent / "ray_drive.py")
NAME = "job"
OLDEST = os.environ.get("AIMLOG_OLDEST_RAY_PYTHON")  # see requirements-oldest-ray.txt


def drive(storage, python=sys.executable, **options):
    address = start_ray() if python == sys.executable else ""
    command = [python, DRIVER, address, storage, json.dumps(options)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def outcome(driver, timeout=300):
    output, errors = driver.communicate(timeout=timeout)
    return driver.returncode, output, errors


def run_and_die(storage, arguments=None, **die):
    code, _, errors = outcome(drive(storage, do="run", die=die, **(arguments or {})))
    assert code == -signal.SIGKILL, errors


def go_on(storage, do="restore"):
    code, output, errors = outcome(drive(storage, do=do))
    assert code == 0 and "done" in output, errors


def told(storage):
    """What the hooks acknowledged, over all drivers: {trial: [(step, count)]}."""
    by_trial = {}
    for line in (Path(storage) / "told.jsonl").read_text().splitlines():
        trial, step, count = json.loads(line)
        by_trial.setdefault(trial, []).append((step, count))
    return by_trial


def assert_complete(storage, repo=None):
    """Each trial is one completed run that holds all that was ever acknowledged."""
    runs = runs_of(repo or Path(storage) / NAME)
    acknowledged = told(storage)
    assert set(runs) == set(acknowledged) and len(runs) == 3
    assert set(statuses(runs).values()) == {"completed"}
    assert len({run["job"]["id"] for run in runs.values()}) == 1
    for trial, pairs in acknowledged.items():
        kept = points(runs[trial], "count")
        assert sorted(kept) == sorted(pairs), (kept, pairs)
        assert sorted(set(kept))[-1] == (10, 10)
    return runs


def assert_resumed(runs, from_checkpoint=True):
    attempts = [run["attempts"] for run in runs.values()]
    assert max(map(len, attempts)) == 2
    for first, *later in attempts:
        if later:
            assert first["status"] == "crashed"
            assert later[0]["restored"] == bool(later[0]["checkpoint_path"])
    # The oldest Ray had not saved in time which checkpoints there were, and began anew.
    assert any(attempt[-1]["restored"] for attempt in attempts) or not from_checkpoint


def test_a_killed_job_goes_on_in_its_runs():
    storage = new_storage()
    run_and_die(storage, kill_at=8)
    assert set(statuses(runs_of(Path(storage) / NAME)).values()) == {"crashed"}
    go_on(storage)
    assert_resumed(assert_complete(storage))


def test_a_killed_job_goes_on_without_its_saved_state():
    storage = new_storage()
    run_and_die(storage, kill_at=8)
    states = list((Path(storage) / NAME).glob("callback-states-*.pkl"))
    assert states
    for path in states:
        path.unlink()
    go_on(storage)
    assert_resumed(assert_complete(storage))


def test_a_killed_job_goes_on_behind_another_callback():
    storage = new_storage()
    run_and_die(storage, kill_at=8)
    go_on(storage, do="resume_behind_another")
    assert_resumed(assert_complete(storage))


def test_a_killed_job_goes_on_where_its_storage_was_moved():
    storage, moved = new_storage(), new_storage()
    run_and_die(storage, kill_at=8)
    shutil.move(os.path.join(storage, NAME), os.path.join(moved, NAME))
    shutil.move(os.path.join(storage, "told.jsonl"), moved)
    go_on(moved)
    assert_resumed(assert_complete(moved))
    assert not (Path(storage) / NAME / ".aimlog").exists()


@pytest.mark.parametrize("when", ["seen", "unseen"] if LONG else ["unseen"])
def test_a_job_killed_before_its_first_trial_goes_on(when):
    storage = new_storage()
    run_and_die(storage, before_start=when)
    go_on(storage)
    runs = assert_complete(storage)
    assert {len(run["attempts"]) for run in runs.values()} == {1}


def test_a_forked_worker_outlives_its_driver():
    storage = new_storage()
    run_and_die(storage, kill_at=8, fork_at=5)
    go_on(storage)
    assert_resumed(assert_complete(storage))


def interrupted(signals, **die):
    storage = new_storage()
    driver = drive(storage, do="run", die={"say_at": 5, "stop": 10000, **die})
    assert "running" in driver.stdout.readline()
    for number in signals:
        driver.send_signal(number)
    ended = outcome(driver)
    runs = runs_of(Path(storage) / NAME)
    assert runs and set(statuses(runs).values()) == {"stopped"}, ended
    assert {run["job"]["interrupted"] for run in runs.values()} == {True}
    for trial, pairs in told(storage).items():
        kept = points(runs[trial], "count")
        assert kept[: len(pairs)] == pairs and len(kept) <= len(pairs) + 1


def test_ctrl_c_stops_the_runs():
    interrupted([signal.SIGINT])


def test_sigterm_stops_the_runs():
    interrupted([signal.SIGTERM])


def test_sigterm_stops_the_runs_where_ray_aborts_a_slow_exit():
    """Ray ends its driver by SIGABRT 3 s after SIGTERM; what others do at exit may take longer."""
    interrupted([signal.SIGTERM], slow_exit=True)


def test_a_job_in_a_thread_goes_on_behind_the_main_thread():
    storage = new_storage()
    driver = drive(storage, do="run", in_thread=True)
    code, _, errors = outcome(driver)
    assert code == 0, errors
    assert errors.count("aimlog records job") == 1, errors  # it was not ended and begun again
    assert_complete(storage)


def test_an_interrupt_inside_a_hook_stops_the_runs():
    interrupted([], raise_at=6)


@pytest.mark.skipif(not LONG, reason="takes its time")
def test_two_drivers_record_into_one_repo_at_once(tmp_path):
    storages = [new_storage(), new_storage()]
    drivers = [drive(storage, do="run", repo=str(tmp_path)) for storage in storages]
    assert [outcome(driver)[0] for driver in drivers] == [0, 0]
    runs = runs_of(tmp_path)
    assert set(statuses(runs).values()) == {"completed"} and len(runs) == 6
    assert len({run["job"]["id"] for run in runs.values()}) == 2
    for storage in storages:
        for trial, pairs in told(storage).items():
            assert points(runs[trial], "count") == pairs


@pytest.mark.skipif(not (LONG and OLDEST), reason="needs an interpreter with Ray 2.9")
def test_the_oldest_ray_records_and_restores():
    storage = new_storage()
    code, _, errors = outcome(drive(storage, python=OLDEST, do="run", die={"kill_at": 8}), 180)
    assert code == -signal.SIGKILL, errors
    code, output, errors = outcome(drive(storage, python=OLDEST, do="restore"), 180)
    assert code == 0, errors
    runs = assert_complete(storage)
    assert_resumed(runs, from_checkpoint=False)
    assert {run["job"]["host_version"] for run in runs.values()} == {"2.9.0"}
