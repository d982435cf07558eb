# SPDX-License-Identifier: Apache-2.0
"""The processes that copy a repo into a storage: when they run, what they leave, how they fail."""

import os
import shutil
import subprocess
import sys
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
from ray_fakes import Gated, wait_for
from ray_support import runs_of, statuses

from aimlog.ray import AimlogCallback, copies, copy_children
from aimlog.ray.copies import COPY
from aimlog.ray.restore import set_aside


def test_an_unchanged_repo_is_not_copied_again(bucket):
    fit = Elsewhere(AimlogCallback(sync_period=0.001), bucket)
    fit.run(fit.add("t"))
    fit.callback._fit.plugin.flush()
    time.sleep(0.1)
    of_fit = fit.callback._fit.copies
    fit.tick()
    assert of_fit.child.wait(300) == 0
    fit.tick()
    assert of_fit.child is None and not of_fit.problems
    fit.end()


def test_a_storage_that_takes_nothing_harms_nobody(bucket, caplog):
    fit = Elsewhere(AimlogCallback(), bucket)
    trial = fit.add("t")
    shutil.rmtree(bucket)
    bucket.write_text("gone")
    fit.run(trial)
    fit.end()
    said = [text for text in caplog.messages if "records job" not in text]
    assert len(said) == 2, said
    assert "cannot write aimlog.json" in said[0]
    # In any case, and with what the child has to say of it.
    assert "a copy of the repo failed" in said[1] and "Not a directory" in said[1]
    assert statuses(runs_of(fit.callback.get_state()["repo"])) == {"t": "stopped"}


def test_each_copy_that_fails_is_counted(bucket, caplog):
    fit = Elsewhere(AimlogCallback(sync_period=300), bucket)
    fit.callback._fit.trouble("something else", OSError("before any copy"))
    for number in range(3):
        fit.run(fit.add(f"t{number}"))
        fit.callback._fit.plugin.flush()
        of_fit = fit.callback._fit.copies
        shutil.move(bucket / "exp", bucket / "gone")
        of_fit.next = 0.0
        fit.tick()
        assert of_fit.child.wait(300) == 1
        shutil.move(bucket / "gone", bucket / "exp")
        of_fit.next = time.monotonic() + 300
        assert of_fit.is_idle()
        fit.tick()
        assert fit.callback.stats()["callback_troubles"] == 2 + number
    assert "a copy of" not in caplog.text
    fit.end()
    assert fit.callback.stats()["callback_troubles"] == 4 and COPY in names_in(bucket)


def test_a_file_system_of_the_script_itself_has_no_copies_and_that_is_said(
    bucket, monkeypatch, caplog
):
    main = sys.modules["__main__"]
    monkeypatch.setattr(main, "Mine", type("Mine", (Gated,), {"__module__": "__main__"}), False)
    monkeypatch.setattr(main.Mine, "__reduce__", lambda self: (main.Mine, (self.root,)))
    fit = Elsewhere(AimlogCallback(), bucket)
    fit.filesystem = main.Mine(bucket)
    fit.run(fit.add("t"))
    assert fit.callback._fit.copies is None
    fit.end()
    assert "define it in a module" in caplog.text
    assert set(runs_of(entry(bucket)["repo"])) == {"t"}


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


def left_by_a_killed_process(repo):
    left = Path(repo) / (copies.SCRATCH + "left")
    left.mkdir()
    (left / "data.mdb").write_text("a store")
    return left


def test_what_killed_processes_left_is_taken_away(bucket, tmp_path):
    with machine(tmp_path, "a"):
        state = part_of_job(bucket, "a1")
        left = left_by_a_killed_process(state["repo"])
        state = part_of_job(bucket, "a2", state)
        assert not left.exists()
    with machine(tmp_path, "b"):
        Path(state["repo"]).mkdir(parents=True)
        left = left_by_a_killed_process(state["repo"])
        part_of_job(bucket, "b1", state)
        assert not left.exists()


def test_what_a_process_is_using_stays(tmp_path):
    with copies.scratch(str(tmp_path)) as used, copies.scratch(str(tmp_path)) as other:
        assert os.path.isdir(used) and used != other
    assert not os.listdir(tmp_path)


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

    monkeypatch.setattr(copy_children, "time", clock)
    monkeypatch.setattr(of_fit, "start", start)
    of_fit.child = Child(clock, first)
    fit.end()
    assert clock.now == 300 and seen == [None] * started
    assert fit.callback.stats()["callback_troubles"] == 1


def test_the_newest_copy_lands_last(bucket, tmp_path):
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
