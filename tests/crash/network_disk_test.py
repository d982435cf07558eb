#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""On a network file system a repo is neither made nor opened, by hosts and by commands, and what
stands there stays as it is; copies of one may lie there, where LMDB must not open them.

usage: network_disk_test.py CRASH_HOST PLUGIN COMMAND NETWORK_DISK [--expect-caught TEST]

A plugin with a planted fault is caught by the test named, and by no other.
"""

import os
import shutil
import subprocess
import sys

from crash_support import Programs, Repo, preloadable, run_tests
from safekeeping import contents

PROGRAMS = Programs(sys.argv[1:4])
ON_NETWORK = {"PATH": os.environ["PATH"], "LD_PRELOAD": preloadable(sys.argv[4])}
REFUSED = "is on a NFS file system"


def on_network(root, name="copy"):
    os.makedirs(f"{root}/network", exist_ok=True)
    return f"{root}/network/{name}"


def run(*words, status=0):
    words = list(map(str, words))
    done = subprocess.run(words, env=ON_NETWORK, capture_output=True, text=True, timeout=120)
    assert done.returncode == status, done
    return done


def expect_refused(words):
    done = run(*words, status=1)
    assert REFUSED in done.stderr and "local disk" in done.stderr and not done.stdout, done


def recorded(root):
    repo = Repo(PROGRAMS, root)
    repo.run("--results", 100, "--trials", 2, "--complete-in", 20)
    return repo


def no_repo_is_made(root):
    repo = Repo(PROGRAMS, root, os.path.relpath(on_network(root, "repo"), root))
    expect_refused(repo.host_words("--results", 10))
    assert contents(repo.path) == {}, contents(repo.path)
    repo.run("--results", 10)  # as soon as the disk is another one


def no_repo_is_opened(root):
    repo = Repo(PROGRAMS, root, os.path.relpath(on_network(root, "repo"), root))
    repo.run("--results", 10)
    before = contents(repo.path)
    expect_refused(repo.host_words("--results", 10))
    for words in (("ls",), ("show", "--all")):
        expect_refused([PROGRAMS.command, words[0], "--repo", repo.path, *words[1:]])
    assert contents(repo.path) == before


def a_backup_is_kept_on_a_network_disk(root):
    repo = recorded(root)
    ended = [each["trial_id"] for each in repo.runs() if each["status"] == "completed"]
    (job,) = {each["job"]["id"] for each in repo.runs()}
    os.mkdir(f"{repo.path}/.aimlog/optuna")
    with open(f"{repo.path}/.aimlog/optuna/{job}.trials", "w", encoding="ascii") as file:
        file.write("".join(f"{trial}\n" for trial in [*ended, "not-there-yet"]))
    kept = on_network(root)
    run(PROGRAMS.command, "backup", repo.path, kept)
    assert not os.path.exists(f"{kept}/.aimlog/lock.mdb"), "LMDB opened it"
    with open(f"{kept}/.aimlog/optuna/{job}.trials", encoding="ascii") as file:
        assert file.read().split() == ended
    # It may be looked over where it is, and used where it is brought back to.
    before = contents(kept)
    assert run(PROGRAMS.command, "check", "--deep", kept).stdout.startswith("sound: ")
    expect_refused((PROGRAMS.command, "ls", "--repo", kept))
    assert contents(kept) == before
    back = Repo(PROGRAMS, root, "back")
    shutil.copytree(kept, back.path)
    assert back.runs() == repo.runs() != []


def damage_in_a_backup_on_a_network_disk_is_found(root):
    repo = recorded(root)
    kept = on_network(root)
    run(PROGRAMS.command, "backup", repo.path, kept)
    with open(f"{kept}/.aimlog/data.mdb", "r+b") as file:
        at = file.read().index(b"trial-0")
        file.seek(at)
        file.write(b"x")
    assert "checksum" in run(PROGRAMS.command, "check", kept, status=1).stdout


def a_repair_to_a_network_disk_is_refused_before_it_begins(root):
    repo = Repo(PROGRAMS, root)
    # What it would meet first if it began: that somebody records.
    host = repo.start("--results", 10**6, "--trials", 2, "--pace-us", 1000)
    try:
        while not os.path.exists(f"{repo.path}/.aimlog/FORMAT"):
            assert host.poll() is None
        said = run(PROGRAMS.command, "repair", repo.path, on_network(root), status=1).stderr
    finally:
        host.kill()
        host.communicate()
    assert "put the repo on a local disk" in said, said
    assert os.listdir(f"{root}/network") == []


TESTS = (
    no_repo_is_made,
    no_repo_is_opened,
    a_backup_is_kept_on_a_network_disk,
    damage_in_a_backup_on_a_network_disk_is_found,
    a_repair_to_a_network_disk_is_refused_before_it_begins,
)

if __name__ == "__main__":
    caught = [test.__name__ for test in TESTS if run_tests((test,), []) != 0]
    sys.exit(0 if caught == sys.argv[6:] else 1)
