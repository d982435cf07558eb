#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""After create the plugin's own troubles never reach the host: hooks return within their bound,
the process ends as ever, and what was lost is counted.

usage: troubles_test.py CRASH_HOST PLUGIN COMMAND [TEST...]
"""

import errno
import fcntl
import json
import os
import resource
import shutil
import subprocess
import sys

from crash_support import ACKNOWLEDGED, NOT_DURABLE, REFUSED, RESULT, Programs, Repo
from crash_support import compare, count_acks, run_tests, wait_until, waits

PROGRAMS = Programs(sys.argv[1:4])
FULL_WAIT_MS, CLOSE_MS, ALWAYS_WAIT_MS = 50, 600, 40
# A machine may be busy; what is to be shown is that nobody waits for a disk: a minute, or for ever.
SLACK_MS = 10000
OK, TUNER_NOT_DURABLE = 0, 2
QUICK = ("--set", "commit_interval_ms=20")
SMALL = QUICK + ("--set", "journal_bytes=65536")
END_WAITS = QUICK + waits(close_timeout_ms=CLOSE_MS)
FULL_WAITS = SMALL + waits(full_wait_ms=FULL_WAIT_MS)
BOTH_WAIT = SMALL + waits(full_wait_ms=FULL_WAIT_MS, close_timeout_ms=CLOSE_MS)


def finish(host):
    out, err = host.communicate(timeout=120)
    assert (host.returncode, err) == (0, ""), (host.returncode, out, err)
    return json.loads(out)


def expect_bounded(repo, said, wait_ms=0):
    longest = max(record.took_ns for record in repo.records()) / 1e6
    assert longest < wait_ms + SLACK_MS, f"a hook took {longest} ms"
    assert said["destroy_ms"] < CLOSE_MS + SLACK_MS, said
    statuses = {record.status for record in repo.records()}
    assert statuses <= {0, 1, 2}, f"a hook failed: {statuses}"


def refused(repo):
    return sum(record.answer == REFUSED for record in repo.records())


def refused_results(repo):
    return sum((r.answer, r.kind) == (REFUSED, RESULT) for r in repo.records())


def expect_all_recorded(repo):
    problems = compare(repo.runs(), repo.records())
    assert not problems, problems[:10]


def expect_losses_shown(repo, said):
    """All but what was refused is there, and as many are told to be lost."""
    expect_all_recorded(repo)
    assert said["dropped"] == refused(repo) > 0, (said, refused(repo))
    assert said["health"] == 1 and "dropped" in said["message"], said
    stats = repo.stats()
    assert stats["lost.results"] == refused_results(repo), (stats, refused_results(repo))
    assert (stats["journals.dead"], stats["journals.live"]) == (0, 0), stats


class WriteLock:
    """Another process that is in the middle of a write."""

    def __init__(self, repo):
        self.file = open(os.path.join(repo.path, ".aimlog", "write.lock"), "r+b")

    def __enter__(self):
        fcntl.flock(self.file, fcntl.LOCK_EX)
        return self

    def __exit__(self, *_):
        fcntl.flock(self.file, fcntl.LOCK_UN)
        self.file.close()


def wait_for_events(repo, count, host):
    wait_until(lambda: count_acks(repo.acks) >= count or host.poll() is not None, "events came")


def the_repo_is_removed(root):
    repo = Repo(PROGRAMS, root)
    host = repo.start("--results", 4000, "--pace-us", 200, *END_WAITS)
    wait_for_events(repo, 200, host)
    shutil.rmtree(os.path.join(repo.path, ".aimlog"))
    said = finish(host)
    expect_bounded(repo, said)
    assert said["commit_errors"] > 0 and said["health"] == 1, said
    assert "gone" in said["message"] and said["destroy"] == TUNER_NOT_DURABLE, said
    assert not os.path.exists(os.path.join(repo.path, ".aimlog", "data.mdb"))


def a_write_fails_for_a_while(root):
    for error in (errno.ENOSPC, errno.EIO, errno.EROFS):
        repo = Repo(PROGRAMS, root, f"repo-{error}")
        faults = ("--fail-after", 300, "--fail-errno", error, "--mend-after", 2500)
        said = finish(repo.start("--results", 3000, "--pace-us", 300, *faults, *QUICK, *waits()))
        expect_bounded(repo, said)
        assert said["commit_errors"] > 0 and said["destroy"] == OK, said
        assert refused(repo) == 0
        expect_all_recorded(repo)


def a_write_fails_for_ever(root):
    for error, on_full in ((errno.ENOSPC, "drop"), (errno.EIO, "block"), (errno.EROFS, "block")):
        repo = Repo(PROGRAMS, root, f"repo-{error}")
        faults = ("--fail-after", 300, "--fail-errno", error, "--set", f"on_full={on_full}")
        said = finish(repo.start("--results", 6000, "--pace-us", 20, *faults, *BOTH_WAIT))
        expect_bounded(repo, said, FULL_WAIT_MS)
        assert said["commit_errors"] > 0 and said["destroy"] == TUNER_NOT_DURABLE, said
        # A slow machine may be in the middle of one more try when the time is over.
        assert "replayed" in said["text"] or "hangs" in said["text"], said["text"]
        expect_losses_shown(repo, said)


def files_may_not_grow(root):
    """`ulimit -f` below the size of a journal: an error of create, and no signal."""
    repo = Repo(PROGRAMS, root)
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (300 << 20, 300 << 20))  # noqa: E731
    words = repo.host_words("--results", 10, "--set", "journal_bytes=536870912")
    done = subprocess.run(words, capture_output=True, text=True, preexec_fn=limit)
    assert done.returncode > 0, done
    assert "File too large" in done.stderr and "journals/" in done.stderr, done


def mounted(path, size):
    os.mkdir(path)
    words = ["mount", "-t", "tmpfs", "-o", f"size={size}", "aimlog-test", path]
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode != 0:
        print("not run: a file system cannot be mounted here: " + done.stderr.strip())
    return done.returncode == 0


def fill(path):
    with open(path, "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError as error:
            assert error.errno == errno.ENOSPC, error


def the_disk_is_full(root):
    disk = os.path.join(root, "disk")
    if not mounted(disk, "4m"):
        return
    try:
        repo = Repo(PROGRAMS, disk)
        repo.acks = os.path.join(root, "acks")
        host = repo.start("--results", 12000, "--pace-us", 200, *BOTH_WAIT)
        wait_for_events(repo, 300, host)
        fill(os.path.join(disk, "somebody else's"))
        said = finish(host)
        expect_bounded(repo, said, FULL_WAIT_MS)
        assert said["commit_errors"] > 0 and said["dropped"] > 0, said
        assert said["destroy"] == TUNER_NOT_DURABLE, said
        subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
        expect_losses_shown(repo, said)
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def the_committer_waits_and_the_ring_fills(root):
    repo = Repo(PROGRAMS, root)
    host = repo.start("--results", 6000, "--pace-us", 400, *FULL_WAITS)
    wait_for_events(repo, 100, host)
    with WriteLock(repo):
        wait_until(lambda: refused(repo) > 1000, "the ring was full")
    said = finish(host)
    expect_bounded(repo, said, FULL_WAIT_MS)
    assert said["destroy"] == OK, said
    expect_losses_shown(repo, said)


def the_committer_waits_until_after_destroy(root):
    repo = Repo(PROGRAMS, root)
    host = repo.start("--results", 3000, "--pace-us", 400, *BOTH_WAIT)
    wait_for_events(repo, 100, host)
    with WriteLock(repo):
        said = finish(host)
    expect_bounded(repo, said, FULL_WAIT_MS)
    assert said["destroy"] == TUNER_NOT_DURABLE and "hangs" in said["text"], said
    expect_losses_shown(repo, said)


def a_sync_takes_a_minute_at_destroy(root):
    repo = Repo(PROGRAMS, root)
    slow = ("--slow-after", 999, "--slow-ms", 60000)
    said = finish(repo.start("--results", 1000, "--pace-us", 50, *slow, *END_WAITS))
    expect_bounded(repo, said)
    assert said["destroy"] == TUNER_NOT_DURABLE and "hangs" in said["text"], said
    assert refused(repo) == 0
    expect_all_recorded(repo)
    assert set(repo.statuses().values()) == {"completed"}, repo.statuses()


def who_looks_waits_for_no_stopped_writer(root):
    """A dead journal, and somebody who was stopped in the middle of a write."""
    repo = Repo(PROGRAMS, root)
    host = repo.start("--results", 0, "--pace-us", 200, *QUICK, *waits())
    wait_for_events(repo, 300, host)
    host.kill()
    host.communicate()
    with WriteLock(repo):
        for words in (("ls",), ("stats",)):
            out, err = repo.start_command(*words).communicate(timeout=120)
            assert out and "were not replayed" in err and "write.lock is locked" in err, (out, err)
    _, err = repo.start_command("ls").communicate(timeout=120)
    assert "replayed" in err and "not replayed" not in err, err


def always_durable_says_that_it_is_not(root):
    repo = Repo(PROGRAMS, root)
    always = ("--set", "durability=always", *waits(always_wait_ms=ALWAYS_WAIT_MS))
    host = repo.start("--results", 600, "--pace-us", 1000, *always, *QUICK)
    wait_for_events(repo, 10, host)
    with WriteLock(repo):
        begun = count_acks(repo.acks)
        wait_for_events(repo, begun + 10, host)
    said = finish(host)
    expect_bounded(repo, said, ALWAYS_WAIT_MS)
    answers = {record.answer for record in repo.records()}
    assert answers == {ACKNOWLEDGED, NOT_DURABLE}, answers
    assert said["destroy"] == OK, said
    expect_all_recorded(repo)


TESTS = (
    the_repo_is_removed,
    a_write_fails_for_a_while,
    a_write_fails_for_ever,
    files_may_not_grow,
    the_disk_is_full,
    the_committer_waits_and_the_ring_fills,
    the_committer_waits_until_after_destroy,
    a_sync_takes_a_minute_at_destroy,
    who_looks_waits_for_no_stopped_writer,
    always_durable_says_that_it_is_not,
)

if __name__ == "__main__":
    sys.exit(run_tests(TESTS, sys.argv[4:]))
