# SPDX-License-Identifier: Apache-2.0
"""An Aim repo that a job keeps up to date, read by Aim's SDK, beside a plain export of the same."""

import logging
import os
import shutil
import signal
import sys
import time
from pathlib import Path

import pytest
import ray_crash_test as crash
from python_support import command
from ray_elsewhere import Elsewhere
from ray_fakes import Fit
from ray_jobs_test import Counter, curve
from ray_support import LONG, fit, new_storage

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "aim"))
from aim_support import Fault, read_repo

from ray import tune
from ray.tune import Callback

from aimlog.ray import AimlogCallback

logging.disable(logging.NOTSET)  # which aim_support sets for itself


def exported(repo, tmp_path, *words):
    """What a plain export makes of a repo."""
    directory = tmp_path / f"plain-{time.monotonic_ns()}"
    command(repo, "export", "--format", "aim", "--output", directory, *words)
    return read_repo(directory)


def assert_complete(directory, repo, tmp_path, *words):
    """The Aim repo is what a plain export would have made, and nobody works at it."""
    kept = read_repo(directory)
    assert repr(kept) == repr(exported(repo, tmp_path, *words))
    live = [path for kind in ("meta", "seqs") for path in
            (Path(directory) / ".aim" / kind / "progress").glob("*")]  # fmt: skip
    assert live == [] and not list((Path(directory) / ".aim" / "locks").glob("*.softlock"))
    return kept


def points_of(runs, name="ray/tune/loss"):
    return {
        run["params"]["trial_id"]: len(run["series"].get((name, "[]"), [])) for run in runs.values()
    }


@pytest.fixture
def exp(tmp_path):
    (tmp_path / "exp").mkdir()
    return tmp_path / "exp"


@pytest.fixture
def job(tmp_path, exp):
    """A driver's loop with a trial that runs, and an Aim repo beside."""
    made = Fit(AimlogCallback(aim_repo=tmp_path / "aim"), exp)
    made.run(made.add("t"), steps=3)
    yield made
    made.end()


def tick(job):
    job.callback._next_scan = 0.0
    job.step()


def wait_for(condition, seconds=120):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "took too long"
        time.sleep(0.05)


class Reader(Callback):
    """Looks into the Aim repo when a result comes; the last one waits for what is to be seen."""

    def __init__(self, directory):
        self.directory, self.seen = directory, []

    def on_trial_result(self, iteration, trials, trial, result, **info):
        if result["training_iteration"] == 50:
            wait_for(lambda: self.points(trial) >= 10)
        if result["training_iteration"] % 10 == 0:
            self.seen.append(self.points(trial))

    def points(self, trial):
        try:
            return points_of(read_repo(self.directory)).get(trial.trial_id, 0)
        except (Fault, LookupError, OSError, RuntimeError):
            # It is not there yet, or was replaced while it was read.
            return self.seen[-1] if self.seen else 0


def slow_curve(config):
    for step in range(1, 51):
        time.sleep(0.1)
        tune.report({"loss": 1 / step})


def test_points_are_in_aim_while_the_job_runs(tmp_path):
    reader = Reader(tmp_path / "aim")
    job = fit(slow_curve, [AimlogCallback(aim_repo=tmp_path / "aim"), reader])
    kept = assert_complete(tmp_path / "aim", job.directory, tmp_path)
    assert list(points_of(kept).values()) == [50]
    assert reader.seen == sorted(reader.seen) and reader.seen[-1] >= 10, reader.seen
    assert (job.directory / "aimlog-export.log").exists()


def test_true_is_the_directory_of_the_experiment(tmp_path):
    callback = AimlogCallback(aim_repo=True, aim_attempts="split")
    space = {"fails_at": tune.grid_search([3, 100])}
    failures = tune.FailureConfig(max_failures=1)
    job = fit(Counter, callback, space, stop={"training_iteration": 4}, failure_config=failures)
    words = ["--attempts", "split"]
    kept = assert_complete(job.directory, job.directory, tmp_path, *words)
    assert sorted(run["params"]["status"] for run in kept.values()) == [
        "completed", "failed", "failed",
    ]  # fmt: skip


def test_a_repo_of_its_own_serves_two_jobs_one_after_the_other(tmp_path):
    callback = AimlogCallback(repo=tmp_path / "repo", aim_repo=tmp_path / "aim")
    fit(curve, callback, {"a": tune.grid_search([1, 2]), "n": 3})
    fit(curve, callback, {"a": 3, "n": 3}, name="other")
    kept = assert_complete(tmp_path / "aim", tmp_path / "repo", tmp_path)
    assert list(points_of(kept).values()) == [3, 3, 3]


def kill_a_job(tmp_path):
    storage = new_storage()
    crash.run_and_die(storage, {"aim_repo": True}, kill_at=8)
    directory = Path(storage) / crash.NAME
    wait_for(lambda: not exports_into(directory))
    kept = assert_complete(directory, directory, tmp_path)
    assert {run["params"]["status"] for run in kept.values()} == {"crashed"}
    return storage, directory


def test_a_killed_driver_leaves_an_aim_repo_that_is_complete(tmp_path):
    kill_a_job(tmp_path)


@pytest.mark.skipif(not LONG, reason="takes its time")
def test_a_restored_job_goes_on_with_it(tmp_path):
    storage, directory = kill_a_job(tmp_path)
    crash.go_on(storage)
    kept = assert_complete(directory, directory, tmp_path)
    assert {run["params"]["status"] for run in kept.values()} == {"completed"}
    assert set(points_of(kept, "ray/tune/count").values()) == {10}


def exports_into(directory):
    """The processes that keep this Aim repo."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if b"--output" in words and str(directory).encode() in words:
            found.append(int(path.parent.name))
    return found


def test_the_child_is_apart_and_of_low_priority(job):
    child = job.callback._fit.aim.child
    assert os.getsid(child.pid) == child.pid != os.getsid(0)
    assert os.getpriority(os.PRIO_PROCESS, child.pid) == 10
    assert sorted(os.readlink(f"/proc/{child.pid}/fd/{fd}").split(":")[0] for fd in (0, 1, 2)) == [
        str(job.directory / "aimlog-export.log"), str(job.directory / "aimlog-export.log"), "pipe",
    ]  # fmt: skip


def test_a_killed_export_is_started_again(job, tmp_path):
    export = job.callback._fit.aim
    wait_for(lambda: (tmp_path / "aim" / ".aim").exists())
    first = export.child.pid
    os.kill(first, signal.SIGKILL)
    os.waitid(os.P_PID, first, os.WEXITED | os.WNOWAIT)
    tick(job)
    assert export.child is None and export.failures == 1
    export.next_start = 0.0
    tick(job)
    assert export.child.pid != first and job.callback._fit.troubles == 0
    job.end()
    assert points_of(assert_complete(tmp_path / "aim", job.directory, tmp_path), "ray/tune/x") == {
        "t": 3
    }


def test_an_export_that_was_killed_last_is_made_up_for_at_the_end(job, tmp_path):
    os.kill(job.callback._fit.aim.child.pid, signal.SIGKILL)
    job.end()
    assert_complete(tmp_path / "aim", job.directory, tmp_path)
    assert job.callback._fit.troubles == 0


def test_a_forked_process_does_not_keep_it_alive(job, tmp_path):
    child = os.fork()
    if child == 0:
        time.sleep(600)
        os._exit(0)
    try:
        begun = time.monotonic()
        job.end()
        assert time.monotonic() - begun < 200
        assert_complete(tmp_path / "aim", job.directory, tmp_path)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def test_the_end_waits_no_longer_than_it_is_told(tmp_path, exp, monkeypatch, caplog):
    callback = AimlogCallback(aim_repo=tmp_path / "aim", aim_wait=0.5)
    slow = tmp_path / "aimlog"
    slow.write_text("#!/bin/sh\nexec sleep 10\n")
    slow.chmod(0o755)
    monkeypatch.setattr("aimlog.command_path", lambda: slow)
    job = Fit(callback, exp)
    job.run(job.add("t"))
    child = callback._fit.aim.child
    begun = time.monotonic()
    job.end()
    assert 0.5 <= time.monotonic() - begun < 8
    said = caplog.messages[-1]
    assert "the last export goes on" in said and "later: aimlog export --repo" in said
    child.kill()


def test_what_cannot_work_is_one_warning_that_says_what_to_do(tmp_path, exp, caplog):
    callback = AimlogCallback(aim_repo=tmp_path / "aim", aim_wait=1)
    shutil.rmtree(tmp_path / "aim")
    (tmp_path / "aim").write_text("in the way")
    job = Fit(callback, exp)
    job.run(job.add("t"))
    for _ in range(4):
        export = callback._fit.aim
        if export.child is not None:
            export.child.wait(120)
        tick(job)
        export.next_start = 0.0
        tick(job)
    job.end()
    assert callback._fit.troubles == 2
    first, last = [line for line in caplog.messages if "Aim repo" in line]
    assert str(tmp_path / "aim") in first and "aimlog export --repo" in last


def test_a_job_on_a_remote_storage_has_it_beside_the_repo(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    (tmp_path / "bucket" / "exp").mkdir(parents=True)
    job = Elsewhere(AimlogCallback(aim_repo=True), tmp_path / "bucket")
    job.run(job.add("t"))
    job.end()
    (repo,) = (tmp_path / "data" / "aimlog").iterdir()
    kept = assert_complete(repo, repo, tmp_path)
    assert points_of(kept, "ray/tune/x") == {"t": 2}
