# SPDX-License-Identifier: Apache-2.0
"""The child processes that copy a repo into a storage that it cannot live in (`copies.py`)."""

import logging
import os
import pickle
import pickletools
import subprocess
import sys
import tempfile
import time
from typing import Any

from aimlog.ray import copies
from aimlog.ray.copies import COPY, OTHER_NAME, name_beside, read_own

FINAL_WAIT_S = 300.0
LATE = f"it was not whole {FINAL_WAIT_S:.0f} s after the job's end"

logger = logging.getLogger("aimlog")


class Copies:
    """Starts the children; never waits for one, but for the last at the end of the job."""

    def __init__(self, filesystem: Any, path: str, directory: str, period: float, job: str) -> None:
        # The path first: what the file system is made of may be a module of the driver's script.
        self.order = pickle.dumps(list(map(str, sys.path)))
        self.order += pickle_storage(filesystem, path, directory, job)
        # What the children write to stderr.
        self.said = tempfile.TemporaryFile(buffering=0, dir=directory)
        self.repo = os.path.join(directory, ".aimlog")
        self.data = os.path.join(self.repo, "data.mdb")
        self.period = period
        self.next = time.monotonic() + period
        self.copied: tuple[int, int] | None = None
        self.child: subprocess.Popen | None = None
        self.problems: list[str] = []
        self.said_name = False

    def version(self) -> tuple[int, int] | None:
        try:
            state = os.stat(self.data)
        except OSError:
            return None
        return state.st_mtime_ns, state.st_size

    def tick(self, now: float) -> None:
        if now >= self.next and self.is_idle():
            self.next = now + self.period
            self.start()

    def is_idle(self) -> bool:
        if self.child is None:
            return True
        code = self.child.poll()
        if code is None:
            return False
        self.child = None
        if code == OTHER_NAME:
            self.say_name()
        elif code != 0:
            self.fail(last_line(self.said) or f"the child ended with {code}")
        return True

    def fail(self, why: str) -> None:
        self.problems.append(f"{self.data}: {why}")
        self.copied = None

    def take_problems(self) -> list[str]:
        """One for each copy that failed since the last call."""
        taken, self.problems = self.problems, []
        return taken

    def say_name(self) -> None:
        own = read_own(self.repo)
        if own is not None and not self.said_name:
            self.said_name = True
            text = "aimlog: %s in the storage has runs that this job did not begin with, and stays "
            logger.warning(text + "as it is; the copies go to %s", COPY, name_beside(own.mark))

    def start(self) -> None:
        version = self.version()
        if version is None or version == self.copied:
            return
        self.copied = version
        self.said.seek(0)
        self.said.truncate()
        # A session of its own: what interrupts the job leaves the copy alone.
        self.child = subprocess.Popen(
            [sys.executable, "-P", os.path.abspath(copies.__file__)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=self.said,
            start_new_session=True,
        )
        pipe = self.child.stdin
        if pipe is not None:
            with pipe:
                pipe.write(self.order)

    def finish(self, wait: bool) -> None:
        """The last copy. Without `wait` the children go on alone, one after the other."""
        with self.said:
            deadline = time.monotonic() + FINAL_WAIT_S
            if wait and not self.ends_by(deadline):
                # What hangs for so long would let a second child hang as well.
                self.fail(LATE)
                return
            self.is_idle()
            self.start()
            if wait and not self.ends_by(deadline):
                self.fail(LATE)

    def ends_by(self, deadline: float) -> bool:
        """Waits for the child, if there is one; False if it still runs at the deadline."""
        if self.child is not None:
            try:
                self.child.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                return False
        return self.is_idle()


def pickle_storage(*order: Any) -> bytes:
    """Raises what cannot be pickled, also what only this process could unpickle."""
    pickled = pickle.dumps(order)
    if any(word in ("__main__", b"__main__") for _, word, _ in pickletools.genops(pickled)):
        raise TypeError(
            "its file system is defined in the script itself, where the process that makes copies "
            "cannot find it; define it in a module"
        )
    return pickled


def last_line(file: Any) -> str:
    file.seek(max(0, file.seek(0, os.SEEK_END) - 4096))
    lines = file.read().decode("utf-8", "replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
