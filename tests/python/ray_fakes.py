# SPDX-License-Identifier: Apache-2.0
"""A driver's loop and its trials without a cluster, and storages that have their moods."""

import time
from pathlib import Path
from types import SimpleNamespace

import pyarrow.fs


class FakeTrial:
    """As much of a Trial as the callback may use."""

    def __init__(self, directory, name="t", **fields):
        self.trial_id, self.status = name, "PENDING"
        self.trainable_name, self.experiment_tag = "f", "0"
        self.config, self.evaluated_params = {"a": 1, "b": 2}, {"a": 1}
        self.experiment_dir_name, self.num_failures, self.node_ip = Path(directory).name, 0, None
        self.local_experiment_path = self.local_path = self.path = str(directory)
        self.checkpoint = self.error_file = None
        self.has_reported_at_least_once, self.last_result = False, {}
        filesystem = pyarrow.fs.LocalFileSystem()
        self.storage = SimpleNamespace(
            storage_filesystem=filesystem, experiment_fs_path=str(directory)
        )
        self.__dict__.update(fields)


class Fit:
    """A driver's loop in the hand."""

    def __init__(self, callback, directory, resumed=False, state=None):
        self.callback, self.directory, self.trials, self.steps = callback, directory, [], 0
        if state is not None:
            callback.set_state(state)
        callback.setup(stop=None, num_samples=1, total_num_samples=1)
        if resumed:
            self.add("t")
        callback.on_step_begin(iteration=0, trials=self.trials)

    def add(self, name, **fields):
        self.trials.append(FakeTrial(self.directory, name, **fields))
        return self.trials[-1]

    def say(self, hook, trial, **more):
        hook = getattr(self.callback, hook)
        return hook(iteration=self.steps, trials=self.trials, trial=trial, **more)

    def step(self):
        self.steps += 1
        self.callback.on_step_end(iteration=self.steps, trials=self.trials)

    def run(self, trial, steps=2):
        self.say("on_trial_start", trial)
        trial.status = "RUNNING"
        for i in range(1, steps + 1):
            self.say("on_trial_result", trial, result={"x": i, "training_iteration": i})

    def end(self):
        self.callback.on_experiment_end(trials=self.trials)


class Refusing:
    """A storage of which some files cannot be read, the first few times. Children see none of
    that, as it is over when they come."""

    type_name = "s3"

    def __init__(self, root, suffix, times):
        self.root, self.suffix, self.times = root, suffix, times
        self.inner = pyarrow.fs.SubTreeFileSystem(str(root), pyarrow.fs.LocalFileSystem())

    def open_input_stream(self, path):
        if path.endswith(self.suffix) and self.times > 0:
            self.times -= 1
            raise OSError("503 Slow Down")
        return self.inner.open_input_stream(path)

    def __getattr__(self, name):
        return getattr(self.inner, name)

    def __reduce__(self):
        return (pyarrow.fs.SubTreeFileSystem, (str(self.root), pyarrow.fs.LocalFileSystem()))


class Gated:
    """A storage whose first upload is not over before the file `go` is there."""

    type_name = "s3"

    def __init__(self, root):
        self.root = root
        self.inner = pyarrow.fs.SubTreeFileSystem(str(root), pyarrow.fs.LocalFileSystem())

    def open_input_stream(self, path):
        return self.inner.open_input_stream(path)

    def open_output_stream(self, path):
        return self.inner.open_output_stream(path)

    def move(self, source, target):
        try:
            (self.root / "first").touch(exist_ok=False)
        except FileExistsError:
            pass
        else:
            wait_for((self.root / "go").exists)
        self.inner.move(source, target)

    def __reduce__(self):
        return (Gated, (self.root,))


def wait_for(condition, seconds=300):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
