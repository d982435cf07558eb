# SPDX-License-Identifier: Apache-2.0
"""Copies of a repo into a storage that it cannot live in.

A child process makes them, at low priority and with nothing of Ray in it: this file is its program,
and what it is to do its input. A copy is one file, so that it is whole or not there.

Each copy carries a mark: its job, the repo that made it, and a number. A job that is restored on
one machine after another has a repo on each, and only one of them has the newest runs. The mark
says which, and a copy is replaced only by the repo that made it or that began with it.
"""

import fcntl
import io
import json
import os
import pickle
import shutil
import signal
import sys
import tarfile
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeVar

COPY = "aimlog-copy.tar"
# All that a repo needs beside journals, whose events are in the store after a commit.
FILES = ("FORMAT", "data.mdb")
# In the repo, so that it is never another repo's.
OWN_MARK = "copies.json"
# A storage that fails for longer than this is not waited for: the driver stands still meanwhile.
PATIENCE_S = 4.0
# A child that waits this long for another one's upload gives up: that one hangs.
TURN_WAIT_S = 3600
# Directories of stores in the making, beside the repo.
SCRATCH = ".aimlog-copy-"
# What the child ends with if the copy is whole, but not under the usual name.
OTHER_NAME = 3

Result = TypeVar("Result")


@dataclass(frozen=True)
class Mark:
    """Which copy it is. A file of which nothing can be told has the empty one."""

    job: str = ""
    repo: str = ""
    number: int = 0
    """Grows from copy to copy of a repo, and goes on from that of the copy it began with."""


@dataclass(frozen=True)
class Own:
    """What a repo knows of its copies."""

    mark: Mark
    """Of the newest copy that it ever began to make."""
    base: Mark | None = None
    """Of the copy that it began with; None if it began empty."""

    def knows(self, mark: Mark) -> bool:
        """Whether all that is in the copy is in the repo. A larger number of our own is not ours:
        then two machines have the same directory, one of them by a snapshot."""
        is_ours = mark.repo == self.mark.repo and mark.number <= self.mark.number
        return is_ours or mark == self.base


def new_own(job: str, base: Mark | None = None) -> Own:
    number = 0 if base is None else base.number
    return Own(Mark(job, uuid.uuid4().hex, number), base)


def name_beside(mark: Mark) -> str:
    """Where copies of a repo go that may not take the usual name."""
    stem, suffix = os.path.splitext(COPY)
    return f"{stem}-{mark.repo[:12]}{suffix}"


def mark_of(fields: Any) -> Mark:
    try:
        mark = Mark(**fields)
        words = isinstance(mark.job, str) and isinstance(mark.repo, str)
        return mark if words and isinstance(mark.number, int) else Mark()
    except TypeError:
        return Mark()


def mark_in(archive: tarfile.TarFile) -> Mark:
    try:
        return mark_of(json.loads(archive.pax_headers["comment"]))
    except (KeyError, ValueError):
        return Mark()


def read_own(repo: str) -> Own | None:
    """None: the repo never made a copy and began with none."""
    try:
        with open(os.path.join(repo, OWN_MARK), encoding="utf-8") as file:
            fields = json.load(file)
        mark, base = mark_of(fields["mark"]), fields["base"]
        return Own(mark, None if base is None else mark_of(base)) if mark.repo else None
    except (OSError, ValueError, LookupError, TypeError):
        return None


def write_own(repo: str, own: Own) -> None:
    """Survives a power cut once this returns: a number must not be given twice."""
    temporary = os.path.join(repo, f"{OWN_MARK}.tmp")
    with open(temporary, "w", encoding="utf-8") as file:
        json.dump(asdict(own), file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, os.path.join(repo, OWN_MARK))
    sync_directory(repo)


def sync_directory(path: str) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class BrokenCopy(Exception):
    """A file that is no whole copy, however often it is read."""


def patiently(action: Callable[[], Result]) -> Result:
    """Tries again for a short while: object stores refuse a request now and then."""
    begun, pause = time.monotonic(), 0.1
    while True:
        try:
            return action()
        except BrokenCopy:
            raise
        except Exception:  # each file system has errors of its own
            if time.monotonic() + pause > begun + PATIENCE_S:
                raise
        time.sleep(pause)
        pause *= 2


def is_absent(filesystem: Any, path: str, error: Exception) -> bool:
    """Whether reading failed because there is no such file, and for no other reason."""
    if isinstance(error, (FileNotFoundError, NotADirectoryError)):
        return True
    try:
        return filesystem.get_file_info([path])[0].type.name == "NotFound"
    except Exception:
        return False


def read_mark(filesystem: Any, path: str) -> Mark | None:
    """None if there is no such copy. Raises what the file system raises."""
    try:
        with filesystem.open_input_stream(path) as stream:
            with tarfile.open(fileobj=as_file(stream), mode="r|") as archive:
                return mark_in(archive)
    except tarfile.TarError:
        return Mark()
    except Exception as error:
        if is_absent(filesystem, path, error):
            return None
        raise


def as_file(stream: Any) -> io.BufferedIOBase:
    return stream if hasattr(stream, "read") else io.BytesIO(stream.readall())


def write_file(path: str, source: Any) -> None:
    with open(path, "wb") as target:
        while block := source.read(1 << 20):
            target.write(block)
        target.flush()
        os.fsync(target.fileno())  # what says that all is here is durable, too


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


@contextmanager
def turn_taken(directory: str) -> Iterator[None]:
    """One child after the other, also of several drivers: an older copy never lands last."""
    lock = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        signal.alarm(TURN_WAIT_S)
        fcntl.flock(lock, fcntl.LOCK_EX)
        signal.alarm(0)
        yield
    finally:
        os.close(lock)


@contextmanager
def scratch(directory: str) -> Iterator[str]:
    """A directory for a store in the making. What processes that were killed left of theirs is
    taken away first: it is not locked."""
    for name in os.listdir(directory):
        if name.startswith(SCRATCH):
            with suppress(OSError), alone_in(os.path.join(directory, name)) as left:
                shutil.rmtree(left)
    with tempfile.TemporaryDirectory(prefix=SCRATCH, dir=directory) as made, alone_in(made):
        yield made


@contextmanager
def alone_in(directory: str) -> Iterator[str]:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield directory
    finally:
        os.close(handle)


@contextmanager
def held(repo: str) -> Iterator[str]:
    """A path that stays this repo's, also if a restore sets it aside and puts another there."""
    handle = os.open(repo, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{handle}"
    finally:
        os.close(handle)


def next_own(repo: str, job: str) -> Own:
    """What the repo knows of its copies when another one is begun."""
    own = read_own(repo) or new_own(job)
    return replace(own, mark=replace(own.mark, number=own.mark.number + 1))


def name_for(filesystem: Any, path: str, own: Own) -> str:
    """The usual name, unless what has it may be all that is left of somebody's runs."""
    with suppress(Exception):
        newest = patiently(lambda: read_mark(filesystem, f"{path}/{COPY}"))
        if newest is None or own.knows(newest):
            return COPY
    return name_beside(own.mark)


def make_copy(filesystem: Any, path: str, directory: str, job: str) -> str:
    """Returns the name that the copy has."""
    with (
        turn_taken(directory),
        held(os.path.join(directory, ".aimlog")) as repo,
        scratch(directory) as made,
    ):
        # At the job's own priority as long as commits wait.
        with write_locked(repo):
            for name in FILES:
                copy_file(os.path.join(repo, name), os.path.join(made, name))
        os.nice(19)
        own = next_own(repo, job)
        # Before the upload, so that a copy that came to be is known as ours whatever happens then.
        write_own(repo, own)
        target = name_for(filesystem, path, own)
        temporary = f"{path}/{COPY}.{own.mark.repo}.tmp"
        with filesystem.open_output_stream(temporary) as stream:
            write_archive(stream, made, own.mark)
        filesystem.move(temporary, f"{path}/{target}")
    return target


def write_archive(stream: Any, made: str, mark: Mark) -> None:
    # Where every tar program knows that it is nothing to unpack.
    headers = {"comment": json.dumps(asdict(mark))}
    with tarfile.open(
        fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT, pax_headers=headers
    ) as archive:
        for name in FILES:
            archive.add(os.path.join(made, name), arcname=name)


if __name__ == "__main__":
    sys.path[:] = pickle.load(sys.stdin.buffer)
    if make_copy(*pickle.load(sys.stdin.buffer)) != COPY:
        sys.exit(OTHER_NAME)
