# SPDX-License-Identifier: Apache-2.0
"""Where a job's files are: Ray's storage, which may be far away, and this machine's directories."""

import os
import tempfile
from pathlib import Path
from typing import Any

from aimlog.ray.copies import is_absent
from aimlog.ray.trial import read

REPO = ".aimlog"


class Storage:
    """The experiment's directory on Ray's storage, as a trial knows it."""

    def __init__(self, trial: Any) -> None:
        storage = read(trial, "storage")
        self.filesystem = read(storage, "storage_filesystem")
        self.path = str(read(storage, "experiment_fs_path", ""))
        self.experiment = str(read(trial, "experiment_dir_name", "")) or Path(self.path).name
        self.staging = str(read(trial, "local_experiment_path", ""))

    @property
    def directory(self) -> str | None:
        """The experiment's directory, if the storage is the file system of this machine. Whether
        that is a disk or a network the plugin finds out itself, from the kind of mount."""
        is_local = read(self.filesystem, "type_name", "") == "local"
        return os.path.abspath(self.path) if is_local and self.path else None

    def read_text(self, name: str) -> str | None:
        """None if there is no such file. Raises what the file system raises otherwise."""
        path = f"{self.path}/{name}"
        if self.filesystem is None:
            return None
        try:
            with self.filesystem.open_input_stream(path) as stream:
                return bytes(stream.readall()).decode("utf-8", "replace")
        except Exception as error:  # each file system has errors of its own
            if is_absent(self.filesystem, path, error):
                return None
            raise

    def write_text(self, name: str, text: str) -> None:
        """Replaces the file at once where that is possible. Raises what the file system raises."""
        if self.directory is not None:
            replace_file(os.path.join(self.directory, name), text)
        else:
            with self.filesystem.open_output_stream(f"{self.path}/{name}") as stream:
                stream.write(text.encode())
        # Ray fetched an older copy here if it restored the job, and will send it back.
        copy = os.path.join(self.staging, name) if self.staging else ""
        if copy and os.path.exists(copy):
            replace_file(copy, text)


def replace_file(path: str, text: str) -> None:
    directory = os.path.dirname(path)
    os.makedirs(directory, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=".aimlog-", suffix=".tmp", dir=directory)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), 0o644)
            file.write(text)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def has_repo(directory: str | None) -> bool:
    """Whether `directory`, as a user names it, holds a repo."""
    if directory is None:
        return False
    return (
        os.path.basename(directory) == REPO
        and os.path.isdir(directory)
        or os.path.isdir(os.path.join(directory, REPO))
    )


def directory_elsewhere(experiment: str, job: str) -> str:
    """Where a repo goes that cannot be where it should be."""
    home = os.environ.get("XDG_DATA_HOME") or ""
    if not os.path.isabs(home):
        home = os.path.expanduser("~/.local/share")
    name = "".join(c if c.isalnum() or c in "-_." else "_" for c in experiment)[:100] or "job"
    return os.path.join(home, "aimlog", f"{name}-{job}")
