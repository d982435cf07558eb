# SPDX-License-Identifier: Apache-2.0
"""Storages in which no repo can live: copies go there, and come back for a restore elsewhere."""

import json
import os
import shutil
import subprocess
import tarfile
import time
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pyarrow.fs
import pytest
from ray_fakes import Fit, Gated, Refusing, wait_for
from ray_support import points, runs_of, statuses

from aimlog.ray import AimlogCallback, copies
from aimlog.ray.copies import COPY, FILES
from aimlog.ray.restore import begin_with_newest, set_aside


@pytest.fixture
def bucket(tmp_path, monkeypatch):
    """A storage that is no local disk as far as its type tells."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    (tmp_path / "bucket" / "exp").mkdir(parents=True)
    return tmp_path / "bucket"


def filesystem_of(bucket):
    return pyarrow.fs.SubTreeFileSystem(str(bucket), pyarrow.fs.LocalFileSystem())


class Elsewhere(Fit):
    filesystem = None

    def add(self, name, **fields):
        filesystem = self.filesystem or filesystem_of(self.directory)
        storage = SimpleNamespace(storage_filesystem=filesystem, experiment_fs_path="exp")
        return super().add(name, storage=storage, experiment_dir_name="exp", **fields)

    def tick(self):
        self.callback._next_scan = 0.0
        self.step()


def entry(bucket):
    content = json.loads((bucket / "exp" / "aimlog.json").read_text())
    return content["callbacks"]["||"]


@contextmanager
def machine(tmp_path, name):
    """Every machine has its own repos, under the same path."""
    (tmp_path / name).mkdir(exist_ok=True)
    (tmp_path / name).rename(tmp_path / "data")
    yield
    (tmp_path / "data").rename(tmp_path / name)


def part_of_job(bucket, trial, state=None, killed=False, filesystem=None):
    """A driver that runs one trial of a job; returns what Ray keeps for the next driver."""
    fit = Elsewhere(AimlogCallback(), bucket, state=state)
    fit.filesystem = filesystem
    fit.callback._fit.resumed = state is not None
    fit.run(fit.add(trial))
    fit.say("on_trial_complete", fit.trials[0])
    if killed:
        fit.callback._fit.copies = None
    state = fit.callback.get_state()
    fit.end()
    return state


def names_in(bucket):
    return sorted(os.listdir(bucket / "exp"))


def trials_of_copy(bucket, tmp_path, name=COPY):
    where = tmp_path / "copy" / ".aimlog"
    shutil.rmtree(tmp_path / "copy", ignore_errors=True)
    (where / "journals").mkdir(parents=True)
    with tarfile.open(bucket / "exp" / name) as archive:
        for file in ("FORMAT", "data.mdb"):
            archive.extract(file, where)
    return set(runs_of(tmp_path / "copy"))


def test_a_finished_job_leaves_a_whole_copy(bucket, tmp_path):
    fit = Elsewhere(AimlogCallback(), bucket)
    trial = fit.add("t")
    fit.run(trial)
    fit.say("on_trial_complete", trial)
    fit.end()
    repo = entry(bucket)["repo"]
    assert repo.startswith(str(tmp_path / "data" / "aimlog" / "exp-"))
    assert points(runs_of(repo)["t"], "x") == [(1, 1), (2, 2)]
    assert names_in(bucket) == [COPY, "aimlog.json"]
    begin_with_newest(filesystem_of(bucket), "exp", str(tmp_path / "back"), entry(bucket)["job"])
    assert runs_of(tmp_path / "back") == runs_of(repo)


def test_a_restore_on_another_machine_fetches_the_copy(bucket, tmp_path):
    fit = Elsewhere(AimlogCallback(sync_period=0.01), bucket)
    trial = fit.add("t")
    fit.run(trial)
    fit.callback._fit.plugin.flush()
    deadline = time.monotonic() + 300
    while not (bucket / "exp" / COPY).exists() and time.monotonic() < deadline:
        fit.tick()
        time.sleep(0.05)
    state = fit.callback.get_state()
    fit.callback._fit.copies = None  # the machine is gone
    fit.end()
    shutil.rmtree(tmp_path / "data")

    later = Elsewhere(AimlogCallback(), bucket, resumed=True, state=state)
    later.run(later.trials[0], steps=3)
    later.say("on_trial_complete", later.trials[0])
    later.end()
    runs = runs_of(entry(bucket)["repo"])
    assert statuses(runs) == {"t": "completed"} and len(runs["t"]["attempts"]) == 2
    assert [step for step, _ in points(runs["t"], "x")] == [1, 2, 1, 2, 3]


def test_a_fetched_copy_is_durable_before_it_is_the_repo(bucket, tmp_path, monkeypatch):
    fit = Elsewhere(AimlogCallback(), bucket)
    fit.run(fit.add("t"))
    fit.end()
    done, sync, rename = [], os.fsync, os.rename
    named = lambda fd: Path(os.readlink(f"/proc/self/fd/{fd}")).name  # noqa: E731
    monkeypatch.setattr(os, "fsync", lambda fd: (done.append(named(fd)), sync(fd))[1])
    monkeypatch.setattr(os, "rename", lambda *two: (done.append("renamed"), rename(*two))[1])
    begin_with_newest(filesystem_of(bucket), "exp", str(tmp_path / "back"), entry(bucket)["job"])
    assert set(FILES) | {"repo"} <= set(done[: done.index("renamed")]), done
    assert done[-1] == "back", done


def test_an_unchanged_repo_is_not_copied_again(bucket):
    fit = Elsewhere(AimlogCallback(sync_period=0.001), bucket)
    fit.run(fit.add("t"))
    fit.callback._fit.plugin.flush()
    time.sleep(0.1)
    of_fit = fit.callback._fit.copies
    fit.tick()
    assert of_fit.child.wait(300) == 0
    fit.tick()
    assert of_fit.child is None and of_fit.failed == 0
    fit.end()


def test_a_storage_that_takes_nothing_harms_nobody(bucket, caplog):
    fit = Elsewhere(AimlogCallback(), bucket)
    trial = fit.add("t")
    shutil.rmtree(bucket)
    bucket.write_text("gone")
    fit.run(trial)
    fit.end()
    said = [record for record in caplog.records if "records job" not in record.getMessage()]
    assert len(said) == 1
    assert statuses(runs_of(fit.callback.get_state()["repo"])) == {"t": "stopped"}


@pytest.mark.parametrize("content", [b"", b"no archive", b"\0" * 2048])
def test_a_broken_copy_is_no_copy(bucket, tmp_path, content):
    (bucket / "exp" / COPY).write_bytes(content)
    fit = Elsewhere(AimlogCallback(), bucket, resumed=True)
    fit.run(fit.trials[0])
    fit.end()
    assert set(runs_of(entry(bucket)["repo"])) == {"t"}
    assert not list(Path(entry(bucket)["repo"]).glob(".aimlog-*"))


def test_a_restore_begins_with_the_newest_copy_wherever_it_was_made(bucket, tmp_path, caplog):
    with machine(tmp_path, "a"):
        state = part_of_job(bucket, "a1")
    with machine(tmp_path, "b"):
        state = part_of_job(bucket, "b1", state)
    with machine(tmp_path, "a"):
        part_of_job(bucket, "a2", state)
        aside = Path(entry(bucket)["repo"]) / "set-aside-1"
        assert set(runs_of(aside)) == {"a1"}
    assert trials_of_copy(bucket, tmp_path) == {"a1", "b1", "a2"}
    assert names_in(bucket) == [COPY, "aimlog.json"]
    assert [str(aside) in record.getMessage() for record in caplog.records].count(True) == 1


def test_a_repo_with_more_than_its_copy_is_kept(bucket, tmp_path):
    with machine(tmp_path, "a"):
        state = part_of_job(bucket, "a1")
    with machine(tmp_path, "b"):
        # Begins with a copy, and is killed before it made one.
        state = part_of_job(bucket, "b1", state, killed=True)
        part_of_job(bucket, "b2", state)
        # Made copies, and is killed before the next one.
        state = part_of_job(bucket, "b3", state, killed=True)
        state = part_of_job(bucket, "b4", state)
        assert not list(Path(state["repo"]).glob("set-aside-*"))
    assert trials_of_copy(bucket, tmp_path) == {"a1", "b1", "b2", "b3", "b4"}


def test_a_driver_that_was_left_behind_replaces_no_newer_copy(bucket, tmp_path, caplog):
    copy = bucket / "exp" / COPY
    with machine(tmp_path, "a"):
        state = part_of_job(bucket, "a1")
    of_a = copy.read_bytes()
    with machine(tmp_path, "b"):
        part_of_job(bucket, "b1", state)
    of_b = copy.read_bytes()
    with machine(tmp_path, "a"):
        copy.write_bytes(of_a)
        late = Elsewhere(AimlogCallback(), bucket, state=state)
        late.callback._fit.resumed = True
        late.run(late.add("late"))
        copy.write_bytes(of_b)
        late.end()
    assert copy.read_bytes() == of_b
    beside = names_in(bucket)[0]
    assert trials_of_copy(bucket, tmp_path, beside) == {"a1", "late"}
    assert beside in caplog.text
    with machine(tmp_path, "c"):
        part_of_job(bucket, "c1", state)
    assert trials_of_copy(bucket, tmp_path) == {"a1", "b1", "c1"}


def test_a_copy_has_the_mark_of_the_repo_that_is_in_it(bucket, monkeypatch):
    """Also where a restore puts another one in its place while it is copied."""
    state = part_of_job(bucket, "t")
    repo, next_own = Path(state["repo"]) / ".aimlog", copies.next_own
    own = copies.read_own(str(repo))

    def meanwhile(*args):
        set_aside(state["repo"])
        repo.mkdir()
        return next_own(*args)

    monkeypatch.setattr(copies, "next_own", meanwhile)
    monkeypatch.setattr(os, "nice", lambda _: 0)
    copies.make_copy(filesystem_of(bucket), "exp", state["repo"], state["job"])
    mark = copies.read_mark(filesystem_of(bucket), f"exp/{COPY}")
    assert (mark.repo, mark.number) == (own.mark.repo, own.mark.number + 1)


def test_a_new_job_leaves_the_copy_of_an_older_one(bucket, tmp_path):
    with machine(tmp_path, "a"):
        older = part_of_job(bucket, "older")
        newer = part_of_job(bucket, "newer")
    with machine(tmp_path, "b"):
        newer = part_of_job(bucket, "newer2", newer)
        assert set(runs_of(newer["repo"])) == {"newer", "newer2"}
        older = part_of_job(bucket, "older2", older)
        assert set(runs_of(older["repo"])) == {"older", "older2"}


@pytest.mark.parametrize("name", [COPY, "aimlog.json"])
def test_a_storage_that_refuses_once_is_asked_again(bucket, tmp_path, name):
    with machine(tmp_path, "a"):
        part_of_job(bucket, "a1")
    job = entry(bucket)["job"]
    with machine(tmp_path, "b"):
        fit = Elsewhere(AimlogCallback(), bucket)
        fit.callback._fit.see_trials(["a1"])  # goes on, but Ray's state is lost
        fit.filesystem = Refusing(bucket, name, times=1)
        fit.run(fit.add("b1"))
        fit.end()
    assert entry(bucket)["job"] == job
    assert trials_of_copy(bucket, tmp_path) == {"a1", "b1"}


def test_a_copy_that_cannot_be_read_is_not_replaced(bucket, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(copies, "PATIENCE_S", 0.0)
    with machine(tmp_path, "a"):
        state = part_of_job(bucket, "a1")
    refusing = Refusing(bucket, COPY, times=99)
    with machine(tmp_path, "b"):
        state = part_of_job(bucket, "b1", state, filesystem=refusing)
    assert trials_of_copy(bucket, tmp_path) == {"a1"}
    beside = names_in(bucket)[0]
    assert trials_of_copy(bucket, tmp_path, beside) == {"b1"}
    assert "503 Slow Down" in caplog.text and beside in caplog.text
    # Nor where it is the copy's own child that cannot read it.
    own = copies.new_own(state["job"])
    assert copies.name_for(refusing, "exp", own) == copies.name_beside(own.mark)


def test_a_job_file_that_cannot_be_read_is_not_rewritten(bucket, monkeypatch, caplog):
    monkeypatch.setattr(copies, "PATIENCE_S", 0.0)
    part_of_job(bucket, "t")
    before = (bucket / "exp" / "aimlog.json").read_bytes()
    fit = Elsewhere(AimlogCallback(), bucket)
    fit.filesystem = Refusing(bucket, "aimlog.json", times=99)
    fit.run(fit.add("t2"))
    fit.end()
    assert (bucket / "exp" / "aimlog.json").read_bytes() == before
    assert "aimlog.json" in caplog.text


class Clock:
    now = 0.0

    def monotonic(self):
        return self.now


class Child:
    """A process that ends at a time of the clock."""

    def __init__(self, clock, end):
        self.clock, self.end = clock, end

    def poll(self):
        return 0 if self.clock.now >= self.end else None

    def wait(self, timeout):
        self.clock.now = min(self.end, self.clock.now + timeout)
        if self.poll() is None:
            raise subprocess.TimeoutExpired("copy", timeout)


@pytest.mark.parametrize("first, started", [(9999, 0), (200, 1)])
def test_the_end_waits_at_most_once(bucket, monkeypatch, first, started):
    fit = Elsewhere(AimlogCallback(), bucket)
    fit.run(fit.add("t"))
    of_fit, clock, seen = fit.callback._fit.copies, Clock(), []

    def start():
        seen.append(of_fit.child)
        of_fit.child = Child(clock, 9999)

    monkeypatch.setattr(copies, "time", clock)
    monkeypatch.setattr(of_fit, "start", start)
    of_fit.child = Child(clock, first)
    fit.end()
    assert clock.now == 300 and seen == [None] * started
    assert fit.callback.stats()["callback_troubles"] == 1


def test_the_newest_copy_lands_last(bucket, tmp_path, monkeypatch):
    path = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    monkeypatch.setenv("PYTHONPATH", path)
    fit = Elsewhere(AimlogCallback(sync_period=0.01), bucket)
    fit.filesystem = Gated(bucket)
    fit.run(fit.add("early"))
    fit.callback._fit.plugin.flush()
    time.sleep(0.02)
    fit.tick()
    first = fit.callback._fit.copies.child
    wait_for((bucket / "first").exists)
    fit.run(fit.add("late"))
    fit.callback._fit.end(wait=False)
    second = fit.callback._fit.copies.child
    # Long enough for the second child to overtake the first one.
    wait_for((bucket / "exp" / COPY).exists, seconds=2)
    (bucket / "go").touch()
    assert first is not second and first.wait(300) == 0 and second.wait(300) == 0
    assert trials_of_copy(bucket, tmp_path) == {"early", "late"}
