# SPDX-License-Identifier: Apache-2.0
"""Tries an installed package: records a run, reads it, asks the command. For tools/wheel.sh."""

import os
import pathlib
import subprocess
import sys
import tempfile

import aimlog
from aimlog.host import Plugin

COMMAND = pathlib.Path(sys.executable).with_name("aimlog")


def check(repo):
    with aimlog.run(repo, "digits", {"lr": 0.1}) as run:
        assert run.log({"loss": 0.5}, step=3) == 0
    (row,) = aimlog.open(repo).runs().to_pylist()
    assert (row["trial_id"], row["status"], row["loss.last"]) == (run.id, "completed", 0.5)
    done = subprocess.run(
        [COMMAND, "get", run.id, "loss"],
        env={**os.environ, "AIMLOG_REPO": repo},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0 and "0.5" in done.stdout, done


def outside_libraries():
    """Libraries that came from elsewhere than the environment, beside C's and C++'s own."""
    with open("/proc/self/maps", encoding="utf-8") as maps:
        files = {line.split()[-1] for line in maps if ".so" in line}
    ours = ("yaml", "lmdb", "zstd", "spdlog", "fmt", "aimlog")
    return [file for file in files if any(f"lib{name}" in file for name in ours)]


def main():
    with tempfile.TemporaryDirectory() as repo, Plugin(aimlog.library_path(), base_dir=repo):
        check(repo)
        for file in outside_libraries():
            assert file.startswith(sys.prefix), file
    print(f"aimlog {aimlog.__version__} works from {pathlib.Path(aimlog.__file__).parent}")


if __name__ == "__main__":
    main()
