# SPDX-License-Identifier: Apache-2.0
"""Which trials of a study have been recorded, by whichever process.

A file beside the repo's data, one for each job, to which lines are added:

    NUMBER                      the trial is recorded to its end
    begun:NUMBER:TOKEN:START    a process began to record it; for as long as it lives (`locks.py`)
                                the end is its own to tell

Backups of the repo keep the lines of the first kind, and earlier versions wrote no others. START
tells trials of one number apart, for a copied study goes on from the same number as its model.
"""

import contextlib
import os
import weakref
from collections.abc import Iterator

from optuna.trial import FrozenTrial

from aimlog.optuna.locks import Patience, end_life, is_alive, show_life

SECOND = 1_000_000
QUARTER = 900 * SECOND


class Claims:
    """Not thread-safe: the callback's lock is around every call.

    directory: of the file; None = nothing is shared with other processes (another plugin's
    records have no place that is known here).
    """

    def __init__(self, directory: str | None, job_id: str) -> None:
        self.patience = Patience()
        self._fd: int | None = None
        self._token = 0
        self._offset = 0  # read up to here
        self._ended: set[int] = set()
        self._begun: dict[int, int] = {}  # the token of who began it last
        self._starts: dict[int, int] = {}  # of trials, as start_of has it
        if directory is not None:
            os.makedirs(directory, exist_ok=True)
            path = os.path.join(directory, f"{job_id}.trials")
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
            self._token = show_life(self._fd)
            open_claims.add(self)

    def has_ended(self, number: int) -> bool:
        """Whether it is recorded to its end."""
        return number in self._ended

    def is_taken(self, number: int) -> bool:
        """Whether it is recorded, or will be by another one that lives."""
        if number in self._ended:
            return True
        token = self._begun.get(number, self._token)
        return token != self._token and self._fd is not None and is_alive(self._fd, token)

    def is_of_another(self, trial: FrozenTrial) -> bool:
        """Whether the trial of this number that is known is another study's."""
        known, start = self._starts.get(trial.number), start_of(trial)
        if known is None or start is None or known == start:
            return False
        apart = min((known - start) % QUARTER, (start - known) % QUARTER)
        # Some databases keep whole seconds, where the process that began the trial knows more.
        is_cut = known % SECOND == 0 or start % SECOND == 0
        return not (is_cut and apart <= SECOND)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """What others have claimed is known inside, and nobody ends a trial meanwhile.

        Raises LockBusy.
        """
        if self._fd is None:
            yield
            return
        with self.patience.locked(self._fd):
            self.catch_up()
            yield

    def catch_up(self) -> None:
        """Reads what others have claimed meanwhile."""
        while self._fd is not None and (more := os.pread(self._fd, 1 << 16, self._offset)):
            whole = more[: more.rfind(b"\n") + 1]
            if not whole:
                return
            self._offset += len(whole)
            for line in whole.decode("ascii", "replace").splitlines():
                self._take_in(line)

    def begin(self, trial: FrozenTrial) -> None:
        """Of a trial that runs, of which nobody else speaks yet: without the lock."""
        self._write(self._begin_line(trial))

    def end(self, trial: FrozenTrial) -> None:
        """Inside `locked`."""
        is_known = trial.number in self._starts
        self._write(("" if is_known else self._begin_line(trial)) + f"{trial.number}\n")

    def close(self) -> None:
        if self._fd is not None:
            end_life(self._fd, self._token)
            self.leave()

    def leave(self) -> None:
        """Gives up the file without a word, as in a child whose parent goes on with it."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def __del__(self) -> None:
        self.leave()

    def _begin_line(self, trial: FrozenTrial) -> str:
        start = start_of(trial)
        return f"begun:{trial.number}:{self._token:x}:{'' if start is None else start}\n"

    def _write(self, lines: str) -> None:
        for line in lines.splitlines():
            self._take_in(line)
        if self._fd is not None:
            os.write(self._fd, lines.encode())

    def _take_in(self, line: str) -> None:
        """A line that is none of ours is left alone."""
        if line.isdigit():
            self._ended.add(int(line))
        words = line.split(":")
        if len(words) == 4 and words[0] == "begun":
            with contextlib.suppress(ValueError):
                self._begun[int(words[1])] = int(words[2], 16)
                self._starts[int(words[1])] = int(words[3])


def start_of(trial: FrozenTrial) -> int | None:
    """Microseconds since the last full quarter of an hour, as that is the same in all time zones:
    some storages keep local times, and their processes may be in different ones."""
    start = trial.datetime_start
    if start is None:
        return None
    return ((start.minute % 15) * 60 + start.second) * SECOND + start.microsecond


open_claims: "weakref.WeakSet[Claims]" = weakref.WeakSet()


def leave_all() -> None:
    """In a forked child, which would else keep the token of a parent that died."""
    for claims in list(open_claims):
        claims.leave()


os.register_at_fork(after_in_child=leave_all)
