# SPDX-License-Identifier: Apache-2.0
"""What the tests of check, repair and backup share."""

import glob
import hashlib
import json
import os
import subprocess


def check(programs, path, *words):
    """What `aimlog check` says, as data."""
    done = subprocess.run(
        [programs.command, "check", path, "--json", *words],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode in (0, 1) and not done.stderr, done
    said = json.loads(done.stdout)
    assert (done.returncode == 0) == said["sound"], said
    return said


def contents(path):
    """Every file of a repo but LMDB's table of readers, by a hash."""
    files = {}
    for each in sorted(glob.glob(f"{path}/.aimlog/**", recursive=True)):
        if os.path.isfile(each) and not each.endswith("/lock.mdb"):
            with open(each, "rb") as file:
                files[each] = hashlib.sha256(file.read()).hexdigest()
    return files
