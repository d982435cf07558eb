# SPDX-License-Identifier: Apache-2.0
"""Copies of a repo into a storage that it cannot live in, and back for a restore elsewhere.

A child process makes them, at low priority and with nothing of Ray in it: this file is its program,
and the pickled storage its input. A copy is one file, so that it is whole or not there.
"""

import fcntl
import io
import os
import pickle
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

COPY = "aimlog-copy.tar"
# All that a repo needs beside journals, whose events are in the store after a commit.
FILES = ("FORMAT", "data.mdb")
FINAL_WAIT_S = 300.0


class Copies:
    """Starts the children; never waits for one, but for the last at the end of the job."""

    def __init__(self, filesystem: Any, path: str, directory: str, period: float) -> None:
        self.order = pickle.dumps((filesystem, path, directory))
        self.data = os.path.join(directory, ".aimlog", "data.mdb")
        self.period = period
        self.next = time.monotonic() + period
        self.copied: tuple[int, int] | None = None
        self.child: subprocess.Popen | None = None
        self.failed = 0

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
        if code != 0:
            self.failed += 1
            self.copied = None
        return True

    def start(self) -> None:
        version = self.version()
        if version is None or version == self.copied:
            return
        self.copied = version
        # A session of its own: what interrupts the job leaves the copy alone.
        self.child = subprocess.Popen(
            [sys.executable, "-P", os.path.abspath(__file__)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        pipe = self.child.stdin
        if pipe is not None:
            with pipe:
                pipe.write(self.order)

    def finish(self, wait: bool) -> None:
        """The last copy. Without `wait` the child goes on alone."""
        if wait and self.child is not None:
            self.wait()
        self.is_idle()
        self.start()
        if wait:
            self.wait()

    def wait(self) -> None:
        if self.child is None:
            return
        try:
            self.child.wait(FINAL_WAIT_S)
        except subprocess.TimeoutExpired:
            self.failed += 1
        else:
            self.is_idle()


def fetch(filesystem: Any, path: str, directory: str) -> bool:
    """Brings the newest copy into `directory`; False if there is none that is whole."""
    try:
        with filesystem.open_input_stream(f"{path}/{COPY}") as stream:
            return unpack(stream, directory)
    except Exception:  # each file system has errors of its own, and so has an archive
        return False


def unpack(stream: Any, directory: str) -> bool:
    os.makedirs(directory, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".aimlog-", dir=directory) as made:
        whole = os.path.join(made, "repo")
        os.mkdir(whole)
        with tarfile.open(fileobj=as_file(stream), mode="r|") as archive:
            for member in archive:
                if member.isfile() and member.name in FILES:
                    write_file(os.path.join(whole, member.name), archive.extractfile(member))
        if not all(os.path.exists(os.path.join(whole, name)) for name in FILES):
            return False
        os.mkdir(os.path.join(whole, "journals"))
        os.rename(whole, os.path.join(directory, ".aimlog"))
    return True


def as_file(stream: Any) -> io.BufferedIOBase:
    return stream if hasattr(stream, "read") else io.BytesIO(stream.readall())


def write_file(path: str, source: Any) -> None:
    with open(path, "wb") as target:
        while block := source.read(1 << 20):
            target.write(block)


@contextmanager
def write_locked(repo: str) -> Iterator[None]:
    """No commit happens meanwhile: the store's file is what the last one left."""
    lock = os.open(os.path.join(repo, "write.lock"), os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
        fcntl.flock(lock, fcntl.LOCK_UN)
    finally:
        os.close(lock)


def copy_file(source: str, target: str) -> None:
    """In the kernel, so that commits wait as briefly as can be."""
    with open(source, "rb") as read, open(target, "wb") as write:
        left = os.fstat(read.fileno()).st_size
        while left > 0:
            count = os.copy_file_range(read.fileno(), write.fileno(), left)
            if count == 0:
                break
            left -= count


def make_copy(filesystem: Any, path: str, directory: str) -> None:
    repo = os.path.join(directory, ".aimlog")
    with tempfile.TemporaryDirectory(prefix=".aimlog-copy-", dir=directory) as made:
        # At the job's own priority as long as commits wait.
        with write_locked(repo):
            for name in FILES:
                copy_file(os.path.join(repo, name), os.path.join(made, name))
        os.nice(19)
        temporary = f"{path}/{COPY}.{os.getpid()}.tmp"
        with filesystem.open_output_stream(temporary) as stream:
            with tarfile.open(fileobj=stream, mode="w|") as archive:
                for name in FILES:
                    archive.add(os.path.join(made, name), arcname=name)
        filesystem.move(temporary, f"{path}/{COPY}")


if __name__ == "__main__":
    make_copy(*pickle.load(sys.stdin.buffer))
