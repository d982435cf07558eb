# SPDX-License-Identifier: Apache-2.0
"""An Aim repo that is kept up to date while the job runs: `AimlogCallback(aim_repo=...)`.

The `aimlog` command does it, in a child process of low priority that only reads our repo. It ends
when its standard input does: at the end of the job, or with the driver, however that ends. The
driver's part is to start it, and to look twice a second whether it is still there.
"""

import contextlib
import json
import logging
import os
import shlex
import subprocess
import tempfile
import time
import weakref
from pathlib import Path

import aimlog

logger = logging.getLogger("aimlog")

NICENESS = 10
LOG = "aimlog-export.log"
# Another export may hold the Aim repo: that of a job before this one, or one by hand.
RETRY_S = (2.0, 5.0, 15.0, 60.0)
CHECK_TIMEOUT_S = 60.0


class AimRepoError(ValueError):
    """An Aim repo that cannot be kept; the text says what to do."""


def check_command() -> None:
    """Raises AimRepoError if the package's command cannot write Aim repos."""
    command = str(aimlog.command_path())
    try:
        done = subprocess.run(
            [command, "version", "--json"],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=CHECK_TIMEOUT_S,
            check=True,
        )
        can = json.loads(done.stdout).get("aim", False)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise AimRepoError(f"aim_repo= needs the command {command}: {error}") from None
    if not can:
        raise AimRepoError(
            f"aim_repo= needs a command with support for Aim repos, and {command} was built "
            "without it: install librocksdb-dev and libsqlite3-dev, then build the package again"
        )


def check_directory(directory: str) -> None:
    """Makes it; raises OSError if no Aim repo can be made in it."""
    try:
        os.makedirs(directory, exist_ok=True)
        existing = os.path.join(directory, ".aim")
        place = existing if os.path.isdir(existing) else directory
        with tempfile.TemporaryDirectory(prefix=".aimlog-", dir=place):
            pass
    except OSError as error:
        raise OSError(error.errno, f"aim_repo: {error.strerror}", directory) from None


class AimExport:
    """The child, and its successors if it fails. Only `start` may raise."""

    def __init__(self, repo: str, directory: str, attempts: str) -> None:
        self.directory = directory
        self.words = [str(aimlog.command_path()), "export", "--repo", repo, "--format", "aim"]
        self.words += ["--output", directory, "--attempts", attempts]
        # Named .aimlog, the directory is the repo itself.
        beside = os.path.dirname(repo) if os.path.basename(repo) == ".aimlog" else repo
        self.log = os.path.join(beside, LOG)
        self.child: subprocess.Popen | None = None
        self.failures = 0  # one after another
        self.next_start = 0.0
        open_exports.add(self)

    def start(self) -> None:
        """Raises OSError."""
        try:
            self.child = self.spawn("--follow", "--until-stdin-ends")
        except OSError:
            self.failures += 1
            raise

    def spawn(self, *more: str) -> subprocess.Popen:
        with open_log(self.log) as log:
            # A session of its own: what interrupts the job leaves its last pass alone.
            child = subprocess.Popen(
                [*self.words, *more],
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        lower_priority(child.pid)
        return child

    def tick(self, now: float) -> str | None:
        """Starts it again if it ended; what went wrong, once it does not pass by itself."""
        if self.child is not None:
            code = self.child.poll()
            if code is None:
                self.failures = self.failures if now < self.next_start else 0
                return None
            self.drop()
            wait = RETRY_S[min(self.failures, len(RETRY_S) - 1)]
            self.failures += 1
            self.next_start = now + wait
            return self.last_words() if self.failures == len(RETRY_S) else None
        if now >= self.next_start:
            self.next_start = now + RETRY_S[-1]
            self.start()
        return None

    def stop(self) -> None:
        """Tells it to write what is left, and to end."""
        open_exports.discard(self)
        if self.child is not None and self.child.stdin is not None:
            self.child.stdin.close()

    def finish(self, wait: float) -> str | None:
        """Waits for the last pass, at most `wait` seconds; what is wrong with the Aim repo then."""
        self.stop()
        deadline = time.monotonic() + wait
        problem = "the last export goes on"
        while self.child is not None or self.failures:
            left = deadline - time.monotonic()
            if left <= 0:
                return problem
            if self.child is None:
                self.child = self.spawn()
                self.stop()
            try:
                code = self.child.wait(left)
            except subprocess.TimeoutExpired:
                return problem
            self.drop()
            if code == 0:
                return None
            problem = self.last_words()
            self.failures += 1
            time.sleep(min(0.5, max(0.0, deadline - time.monotonic())))
        return None

    def drop(self) -> None:
        child, self.child = self.child, None
        if child is not None and child.stdin is not None:
            child.stdin.close()

    def last_words(self) -> str:
        try:
            lines = Path(self.log).read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            lines = []
        said = [line.strip() for line in lines if line.strip()]
        return said[-1] if said else "the export failed"

    def by_hand(self) -> str:
        return shlex.join(["aimlog", *self.words[1:]])


def open_log(path: str):
    try:
        return open(path, "ab")
    except OSError:
        return open(os.devnull, "ab")


def lower_priority(pid: int) -> None:
    """For processor and disk, below everything that the job does."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, pid, NICENESS)
    # A session is a group for the scheduler, and niceness counts within a group: the group has one
    # of its own.
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/autogroup").write_text(str(NICENESS), encoding="ascii")


open_exports: "weakref.WeakSet[AimExport]" = weakref.WeakSet()


def let_go() -> None:
    """A process forked from the driver must not keep the pipe open."""
    for export in list(open_exports):
        child = export.child
        if child is not None and child.stdin is not None:
            child.stdin.close()


os.register_at_fork(after_in_child=let_go)
