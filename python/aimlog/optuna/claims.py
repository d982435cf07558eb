# SPDX-License-Identifier: Apache-2.0
"""Which trials of a study have been recorded, by whichever process.

A file beside the repo's data, one for each job: a line for each trial. Processes that record into
one repo are on one machine, for it cannot be on a network disk; so a lock on that file keeps two of
them from recording the same trial, and from making two jobs of one study.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator


class Claims:
    """Not thread-safe: the callback's lock is around every call.

    directory: of the file; None = nothing is shared with other processes (another plugin's
    records have no place that is known here).
    """

    def __init__(self, directory: str | None, job_id: str) -> None:
        self._fd: int | None = None
        self._offset = 0  # read up to here
        self._numbers: set[int] = set()
        if directory is not None:
            os.makedirs(directory, exist_ok=True)
            path = os.path.join(directory, f"{job_id}.trials")
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)

    def __contains__(self, number: int) -> bool:
        return number in self._numbers

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """What others have claimed is known inside, and nobody claims more meanwhile."""
        if self._fd is None:
            yield
            return
        fcntl.flock(self._fd, fcntl.LOCK_EX)
        try:
            self._read(self._fd)
            yield
        finally:
            fcntl.flock(self._fd, fcntl.LOCK_UN)

    def add(self, number: int) -> None:
        """Inside `locked`."""
        self._numbers.add(number)
        if self._fd is not None:
            os.write(self._fd, b"%d\n" % number)

    def close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _read(self, fd: int) -> None:
        while more := os.pread(fd, 1 << 16, self._offset):
            whole = more[: more.rfind(b"\n") + 1]
            if not whole:
                return
            self._offset += len(whole)
            self._numbers |= {int(line) for line in whole.split() if line.isdigit()}


@contextlib.contextmanager
def directory_lock(directory: str | None) -> Iterator[None]:
    """One process at a time."""
    if directory is None:
        yield
        return
    os.makedirs(directory, exist_ok=True)
    fd = os.open(os.path.join(directory, "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)
