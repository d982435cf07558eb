# SPDX-License-Identifier: Apache-2.0
"""Locks between the processes that work on one study.

Processes that record into one repo are on one machine, for it cannot be on a network disk; so
locks of the kernel's tell them apart, and none outlives its process. Nobody waits for one without
a bound: a process that was stopped inside a lock must not stop the others' trials.
"""

import contextlib
import fcntl
import os
import secrets
import struct
import time
from collections.abc import Iterator

PATIENCE_S = 1.0
POLL_S = 0.002


class LockBusy(Exception):
    """Another process kept the lock for longer than one should wait."""


class Patience:
    """How long to wait for one lock: a bound once, then not at all until it was had again, so that
    a lock which is never let go costs one wait and not one for each trial."""

    def __init__(self) -> None:
        self.seconds = PATIENCE_S

    def renew(self) -> None:
        self.seconds = PATIENCE_S

    @contextlib.contextmanager
    def locked(self, fd: int) -> Iterator[None]:
        """Raises LockBusy."""
        deadline = time.monotonic() + self.seconds
        while not has_locked(fd):
            if time.monotonic() >= deadline:
                self.seconds = 0.0
                raise LockBusy("another process keeps the lock of this study's notes")
            time.sleep(POLL_S)
        self.renew()
        try:
            yield
        finally:
            # Closing would not do: a child that was forked meanwhile has the descriptor, too.
            fcntl.flock(fd, fcntl.LOCK_UN)


def has_locked(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextlib.contextmanager
def directory_lock(directory: str | None, patience: Patience) -> Iterator[None]:
    """One process at a time. Raises LockBusy."""
    if directory is None:
        yield
        return
    os.makedirs(directory, exist_ok=True)
    fd = os.open(os.path.join(directory, "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        with patience.locked(fd):
            yield
    finally:
        os.close(fd)


def byte_lock(fd: int, command: int, kind: int, at: int) -> int:
    """A lock on one byte that belongs to the open file, unlike those of POSIX, which end when the
    process closes any other descriptor of it. Returns the kind of lock that was found."""
    wanted = struct.pack("hhqqi0q", kind, os.SEEK_SET, at, 1, 0)
    return struct.unpack_from("h", fcntl.fcntl(fd, command, wanted))[0]


def show_life(fd: int) -> int:
    """A token that says for as long as the file is open that who made it lives: the number of a
    byte, far behind the file's end, that is locked. It is even where there are no such locks."""
    token = 1 << 61 | secrets.randbits(60) << 1 | 1
    try:
        byte_lock(fd, fcntl.F_OFD_SETLK, fcntl.F_WRLCK, token)
    except OSError:
        return token - 1
    return token


def end_life(fd: int, token: int) -> None:
    """By a word and not by closing, for the same reason as above."""
    with contextlib.suppress(OSError):
        byte_lock(fd, fcntl.F_OFD_SETLK, fcntl.F_UNLCK, token)


def is_alive(fd: int, token: int) -> bool:
    """Whether another open file has that token; assumed where it cannot be known."""
    if token % 2 == 0:
        return True
    try:
        return byte_lock(fd, fcntl.F_OFD_GETLK, fcntl.F_WRLCK, token) != fcntl.F_UNLCK
    except OSError:
        return True
