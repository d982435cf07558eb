# SPDX-License-Identifier: Apache-2.0
"""Reading while others write: this process, another one, one that was killed, a forked child."""

import contextlib
import os
import signal
import subprocess
import sys
import threading

import made_runs
import pytest
import python_support

import aimlog
from aimlog.reading import ReadError

WRITER = """
import os, signal, sys
import made_runs
plugin = made_runs.open_host(sys.argv[1])
count = int(sys.argv[2])
plugin.setup(job_id="other", reserved_keys=["timesteps_total"])
plugin.trial_start("other")
for step in range(1, count + 1):
    assert plugin.trial_result("other", made_runs.result(step, loss=float(step))) == 0
    if step % 100 == 0:
        print(step, flush=True)
if len(sys.argv) > 3:
    os.kill(os.getpid(), signal.SIGKILL)
plugin.trial_complete("other")
plugin.close()
"""


def start_writer(folder, count, *more):
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, folder, str(count), *more], stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})


def steps_of(repo, trial):
    return repo[trial]["loss"].step.tolist() if trial in repo.runs()["trial_id"] else []


def check_steps(steps, seen):
    """The first points of a trial, each once, and no fewer than were seen before."""
    assert steps == list(range(1, len(steps) + 1))
    assert len(steps) >= seen
    return len(steps)


@pytest.mark.parametrize("steps", [[1, 3], [1, 2, 2], [2], [1]])
def test_a_point_lost_doubled_or_gone_would_be_seen(steps):
    with pytest.raises(AssertionError):
        check_steps(steps, 2)


def check_growth(folder, trial, seen):
    """Opens, reads and closes: more points each time."""
    with aimlog.open(folder) as repo:
        try:
            steps = steps_of(repo, trial)
        except KeyError:  # the trial is there before its first point
            steps = []
        seen[trial] = check_steps(steps, seen.get(trial, 0))
        for run in repo.runs().to_pylist():
            assert run["status"] == "running" or run["trial_id"] == "other"
            if run["trial_id"] == trial and seen[trial]:
                assert run["loss.count"] >= seen[trial]


def test_nothing_is_lost_while_this_process_reads_and_a_second_writes(tmp_path):
    count, seen, failures = 3000, {}, []
    with made_runs.open_host(tmp_path) as plugin:
        plugin.setup(job_id="mine", reserved_keys=["timesteps_total"])
        plugin.trial_start("mine")
        writer = start_writer(tmp_path, count)
        done = threading.Event()

        def read_on():
            try:
                while not done.is_set():
                    check_growth(tmp_path, "other", seen)
            except BaseException as error:
                failures.append(error)
                raise

        reader = threading.Thread(target=read_on)
        reader.start()
        for step in range(1, count + 1):
            assert plugin.trial_result("mine", made_runs.result(step, loss=float(step))) == 0
            if step % 250 == 0:
                check_growth(tmp_path, "mine", seen)
        assert writer.wait(60) == 0
        done.set()
        reader.join(60)
        assert not failures
        assert plugin.flush() == 0
        check_growth(tmp_path, "mine", seen)
        assert seen["mine"] == count
    for run in python_support.shown_runs(tmp_path):
        points = [point["step"] for point in run["metrics"][0]["points"]]
        assert points == list(range(1, count + 1))
        assert run["attempt_count"] == 1


def test_a_killed_writers_journal_is_replayed_first(tmp_path, caplog):
    with start_writer(tmp_path, 700, "kill") as writer:
        assert writer.wait(60) == -signal.SIGKILL
    with aimlog.open(tmp_path) as repo:
        run = repo["other"]
        assert run.status == "crashed"
        assert run["loss"].step.tolist() == list(range(1, 701))
    assert "marked crashed" in caplog.text
    caplog.clear()
    aimlog.open(tmp_path).close()
    assert not caplog.text


def test_the_reader_may_be_there_before_the_writer_and_after(tmp_path):
    with made_runs.open_host(tmp_path) as plugin:
        repo = aimlog.open(tmp_path)
        plugin.trial_start("t")
        plugin.trial_result("t", made_runs.result(1, loss=1.0))
        plugin.flush()
        assert repo["t"].status == "running"
    run = repo["t"]
    assert run.status == "stopped" and len(run["loss"]) == 1
    with made_runs.open_host(tmp_path) as plugin:  # through the environment that reading opened
        plugin.trial_start("u")
        plugin.flush()
        assert len(repo.runs()) == 2
        assert run.refresh().status == "stopped"
    repo.close()
    assert len(python_support.shown_runs(tmp_path)) == 2


def test_points_that_come_later_are_found_in_a_run_that_was_taken_before(tmp_path):
    with made_runs.open_host(tmp_path) as plugin, aimlog.open(tmp_path) as repo:
        plugin.trial_start("t")
        plugin.flush()
        run = repo["t"]
        with pytest.raises(KeyError):
            run["loss"]
        plugin.trial_result("t", made_runs.result(1, loss=1.0))
        plugin.flush()
        assert run["loss"].step.tolist() == [1]


def test_a_repo_closes_only_after_the_calls_under_way(tmp_path):
    with made_runs.open_host(tmp_path) as plugin:
        made_runs.record_all(plugin)
    for _ in range(20):
        repo = aimlog.open(tmp_path)
        outcomes = []

        def read(repo=repo, outcomes=outcomes):
            try:
                for _ in range(20):
                    outcomes.append(len(repo.series("loss")))
            except ValueError as error:
                outcomes.append(str(error))

        threads = [threading.Thread(target=read) for _ in range(3)]
        for thread in threads:
            thread.start()
        repo.close()
        for thread in threads:
            thread.join(60)
        assert set(outcomes) - {"the repo is closed"} <= {len(aimlog.open(tmp_path).series("loss"))}


def test_a_forked_child_is_told_and_harms_nothing(tmp_path):
    with made_runs.open_host(tmp_path) as plugin:
        plugin.trial_start("t")
        plugin.trial_result("t", made_runs.result(1, loss=1.0))
        plugin.flush()
        repo = aimlog.open(tmp_path)
        points = repo["t"]["loss"]
        child = os.fork()
        if child == 0:
            code = 1
            try:
                assert points.step.tolist() == [1]
                with pytest.raises(ReadError, match="forked child"):
                    repo.runs()
                with aimlog.open(tmp_path) as own:
                    assert own["t"]["loss"].step.tolist() == [1]
                repo.close()
                code = 0
            finally:
                os._exit(code)
        assert os.waitpid(child, 0)[1] == 0
        assert plugin.trial_result("t", made_runs.result(2, loss=0.5)) == 0
        plugin.flush()
        assert repo["t"]["loss"].step.tolist() == [1, 2]


@contextlib.contextmanager
def unwritable(disk):
    """Makes a directory one that nobody may write; false where that cannot be had here."""
    if os.geteuid() == 0:  # to whom permissions mean nothing
        mount = f"mount --bind {disk} {disk} && mount -o remount,ro,bind {disk} {disk}"
        done = subprocess.run(mount, shell=True, capture_output=True, text=True, check=False)
        try:
            yield done.returncode == 0
        finally:
            subprocess.run(["umount", "-l", disk], capture_output=True, check=False)
        return
    paths = [disk, *disk.rglob("*")]
    for path in paths:
        path.chmod(path.stat().st_mode & ~0o222)
    try:
        yield True
    finally:
        for path in paths:
            path.chmod(path.stat().st_mode | 0o200)


def test_what_may_not_be_written_is_read_all_the_same(tmp_path, caplog):
    disk = tmp_path / "disk"
    disk.mkdir()
    with made_runs.open_host(disk) as plugin:
        made_runs.record_all(plugin)
    with start_writer(disk, 50, "kill") as writer:
        writer.wait(60)
    with unwritable(disk) as is_so:
        if not is_so:
            return
        with aimlog.open(disk) as repo:
            assert len(repo["plain"]["loss"]) == 29
            assert "of writers that died are not shown" in caplog.text
    with aimlog.open(disk) as repo:
        assert len(repo["other"]["loss"]) == 50
