# SPDX-License-Identifier: Apache-2.0
"""Storages in which no repo can live: copies go there, and come back for a restore elsewhere."""

import os
import shutil
import time
from pathlib import Path

import pytest
from ray_elsewhere import (
    Elsewhere,
    entry,
    filesystem_of,
    machine,
    names_in,
    part_of_job,
    trials_of_copy,
)
from ray_fakes import Refusing
from ray_support import points, runs_of, statuses

from aimlog.ray import AimlogCallback, copies
from aimlog.ray.copies import COPY, FILES
from aimlog.ray.restore import begin_with_newest


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


class Overtaken:
    """A storage in which another machine's copy lands between the first look at the copy and the
    next one."""

    type_name = "s3"

    def __init__(self, root, newer):
        self.root, self.newer, self.looks = root, newer, 0
        self.inner = filesystem_of(root)

    def open_input_stream(self, path):
        self.looks += path.endswith(COPY)
        if self.looks == 2:
            (self.root / "exp" / COPY).write_bytes(self.newer)
        return self.inner.open_input_stream(path)

    def __getattr__(self, name):
        return getattr(self.inner, name)


def test_a_restore_knows_which_copy_it_began_with(bucket, tmp_path):
    copy = bucket / "exp" / COPY
    with machine(tmp_path, "a"):
        state = part_of_job(bucket, "a1")
        first = copy.read_bytes()
        part_of_job(bucket, "a2", state)
    newer = copies.read_mark(filesystem_of(bucket), f"exp/{COPY}")
    second = copy.read_bytes()
    copy.write_bytes(first)
    here = str(tmp_path / "here")
    begin_with_newest(Overtaken(bucket, second), "exp", here, state["job"])
    assert set(runs_of(here)) == {"a1", "a2"}
    assert copies.read_own(f"{here}/.aimlog").base == newer


def test_a_restore_begins_with_no_other_job_s_copy(bucket, tmp_path):
    copy = bucket / "exp" / COPY
    with machine(tmp_path, "a"):
        state = part_of_job(bucket, "a1")
        mine = copy.read_bytes()
    copy.unlink()
    with machine(tmp_path, "b"):
        part_of_job(bucket, "b1")
    other = copy.read_bytes()
    copy.write_bytes(mine)
    here = tmp_path / "here"
    begin_with_newest(Overtaken(bucket, other), "exp", str(here), state["job"])
    assert copy.read_bytes() == other and not (here / ".aimlog").exists()
