#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Copies of a repo on a network disk, where LMDB must not open them.

usage: network_disk_test.py CRASH_HOST PLUGIN COMMAND NETWORK_DISK [TEST...]
"""

import os
import shutil
import subprocess
import sys

from crash_support import Programs, Repo, run_tests
from safekeeping import contents

PROGRAMS = Programs(sys.argv[1:4])
ON_NETWORK = {**os.environ, "LD_PRELOAD": os.path.abspath(sys.argv[4])}


def on_network(root, name="copy"):
    os.makedirs(f"{root}/network", exist_ok=True)
    return f"{root}/network/{name}"


def command(*words, status=0):
    done = subprocess.run(
        [PROGRAMS.command, *words], capture_output=True, text=True, timeout=60, env=ON_NETWORK
    )
    assert done.returncode == status, done
    return done


def recorded(root):
    repo = Repo(PROGRAMS, root)
    repo.run("--results", 100, "--trials", 2, "--complete-in", 20)
    return repo


def a_backup_is_kept_on_a_network_disk(root):
    repo = recorded(root)
    ended = [run["trial_id"] for run in repo.runs() if run["status"] == "completed"]
    (job,) = {run["job"]["id"] for run in repo.runs()}
    os.mkdir(f"{repo.path}/.aimlog/optuna")
    with open(f"{repo.path}/.aimlog/optuna/{job}.trials", "w", encoding="ascii") as file:
        file.write("".join(f"{trial}\n" for trial in [*ended, "not-there-yet"]))
    kept = on_network(root)
    command("backup", repo.path, kept)
    assert not os.path.exists(f"{kept}/.aimlog/lock.mdb"), "LMDB opened it"
    with open(f"{kept}/.aimlog/optuna/{job}.trials", encoding="ascii") as file:
        assert file.read().split() == ended
    # It may be looked over where it is, and used where it is brought back to.
    before = contents(kept)
    assert command("check", "--deep", kept).stdout.startswith("sound: ")
    assert "local disk" in command("ls", "--repo", kept, status=1).stderr
    assert contents(kept) == before
    back = Repo(PROGRAMS, root, "back")
    shutil.copytree(kept, back.path)
    assert back.runs() == repo.runs() != []


def damage_in_a_backup_on_a_network_disk_is_found(root):
    repo = recorded(root)
    kept = on_network(root)
    command("backup", repo.path, kept)
    with open(f"{kept}/.aimlog/data.mdb", "r+b") as file:
        at = file.read().index(b"trial-0")
        file.seek(at)
        file.write(b"x")
    assert "checksum" in command("check", kept, status=1).stdout


def a_repair_to_a_network_disk_is_refused_before_it_begins(root):
    repo = Repo(PROGRAMS, root)
    # What it would meet first if it began: that somebody records.
    host = repo.start("--results", 10**6, "--trials", 2, "--pace-us", 1000)
    try:
        while not os.path.exists(f"{repo.path}/.aimlog/FORMAT"):
            assert host.poll() is None
        said = command("repair", repo.path, on_network(root), status=1).stderr
    finally:
        host.kill()
        host.communicate()
    assert "put the repo on a local disk" in said, said
    assert os.listdir(f"{root}/network") == []


TESTS = (
    a_backup_is_kept_on_a_network_disk,
    damage_in_a_backup_on_a_network_disk_is_found,
    a_repair_to_a_network_disk_is_refused_before_it_begins,
)

if __name__ == "__main__":
    sys.exit(run_tests(TESTS, sys.argv[5:]))
