# SPDX-License-Identifier: Apache-2.0
"""Storages in which no repo can live: copies go there, and come back for a restore elsewhere."""

import json
import os
import shutil
import time
from pathlib import Path
from types import SimpleNamespace

import pyarrow.fs
import pytest
from ray_fakes import Fit
from ray_support import points, runs_of, statuses

from aimlog.ray import AimlogCallback
from aimlog.ray.copies import COPY, fetch


@pytest.fixture
def bucket(tmp_path, monkeypatch):
    """A storage that is no local disk as far as its type tells."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    (tmp_path / "bucket" / "exp").mkdir(parents=True)
    return tmp_path / "bucket"


def storage_of(bucket):
    filesystem = pyarrow.fs.SubTreeFileSystem(str(bucket), pyarrow.fs.LocalFileSystem())
    return SimpleNamespace(storage_filesystem=filesystem, experiment_fs_path="exp")


class Elsewhere(Fit):
    def add(self, name, **fields):
        return super().add(name, storage=storage_of(self.directory), **fields)

    def tick(self):
        self.callback._next_scan = 0.0
        self.step()


def entry(bucket):
    content = json.loads((bucket / "exp" / "aimlog.json").read_text())
    return content["callbacks"]["||"]


def test_a_finished_job_leaves_a_whole_copy(bucket, tmp_path):
    fit = Elsewhere(AimlogCallback(), bucket)
    trial = fit.add("t")
    trial.experiment_dir_name = "exp"
    fit.run(trial)
    fit.say("on_trial_complete", trial)
    fit.end()
    repo = entry(bucket)["repo"]
    assert repo.startswith(str(tmp_path / "data" / "aimlog" / "exp-"))
    assert points(runs_of(repo)["t"], "x") == [(1, 1), (2, 2)]
    assert sorted(os.listdir(bucket / "exp")) == [COPY, "aimlog.json"]
    assert fetch(storage_of(bucket).storage_filesystem, "exp", str(tmp_path / "back"))
    assert runs_of(tmp_path / "back") == runs_of(repo)


def test_a_restore_on_another_machine_fetches_the_copy(bucket, tmp_path):
    fit = Elsewhere(AimlogCallback(sync_period=0.01), bucket)
    trial = fit.add("t")
    fit.run(trial)
    fit.callback._fit.plugin.flush()
    deadline = time.monotonic() + 30
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


def test_an_unchanged_repo_is_not_copied_again(bucket):
    fit = Elsewhere(AimlogCallback(sync_period=0.001), bucket)
    fit.run(fit.add("t"))
    fit.callback._fit.plugin.flush()
    time.sleep(0.1)
    copies = fit.callback._fit.copies
    fit.tick()
    assert copies.child.wait(30) == 0
    fit.tick()
    assert copies.child is None and copies.failed == 0
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
