#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""On a network file system a repo is neither made nor opened, by hosts and by commands, and what
stands there stays as it is.

usage: network_disk_test.py CRASH_HOST PLUGIN COMMAND NETWORK_DISK [--expect-caught TEST]

A plugin with a planted fault is caught by the test named, and by no other.
"""

import os
import subprocess
import sys

from crash_support import Programs, Repo, preloadable, run_tests
from safekeeping import contents

PROGRAMS = Programs(sys.argv[1:4])
NETWORK_DISK = preloadable(sys.argv[4])
REFUSED = "is on a NFS file system"


def expect_refused(words):
    environment = {"PATH": os.environ["PATH"], "LD_PRELOAD": NETWORK_DISK}
    words = list(map(str, words))
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1 and REFUSED in done.stderr, done
    assert "local disk" in done.stderr and not done.stdout, done


def no_repo_is_made(root):
    repo = Repo(PROGRAMS, root)
    expect_refused(repo.host_words("--results", 10))
    assert contents(repo.path) == {}, contents(repo.path)
    repo.run("--results", 10)  # as soon as the disk is another one


def no_repo_is_opened(root):
    repo = Repo(PROGRAMS, root)
    repo.run("--results", 10)
    before = contents(repo.path)
    expect_refused(repo.host_words("--results", 10))
    for words in (("ls",), ("show", "--all"), ("backup", os.path.join(root, "copy"))):
        expect_refused([PROGRAMS.command, words[0], "--repo", repo.path, *words[1:]])
    assert contents(repo.path) == before
    assert sorted(os.listdir(root)) == ["repo", "repo.acks"], os.listdir(root)


TESTS = (no_repo_is_made, no_repo_is_opened)

if __name__ == "__main__":
    caught = [test.__name__ for test in TESTS if run_tests((test,), []) != 0]
    sys.exit(0 if caught == sys.argv[6:] else 1)
