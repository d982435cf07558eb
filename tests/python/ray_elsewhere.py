# SPDX-License-Identifier: Apache-2.0
"""Jobs whose storage no repo can live in, and machines that go on with them."""

import json
import os
import shutil
import tarfile
from contextlib import contextmanager
from types import SimpleNamespace

import pyarrow.fs
from ray_fakes import Fit
from ray_support import runs_of

from aimlog.ray import AimlogCallback
from aimlog.ray.copies import COPY


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
