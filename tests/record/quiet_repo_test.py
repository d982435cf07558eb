#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A repo that breaks in mid-job: the tuner ends as ever, and nothing of the plugin's is printed.

usage: quiet_repo_test.py TUNER AIMLOG_PLUGIN
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time

TUNER, PLUGIN = (os.path.abspath(path) for path in sys.argv[1:3])
CONFIG = """repo: repo
commit_interval_ms: 10
close_timeout_ms: 1000
log: {level: debug, file: aimlog.log}
"""


def remove(repo):
    shutil.rmtree(repo)


def remove_data(repo):
    os.remove(os.path.join(repo, "data.mdb"))


def cut_data(repo):
    with open(os.path.join(repo, "data.mdb"), "r+b") as file:
        file.write(b"\xff" * 8192)


def leave(_repo):
    """Nothing happens: the planted opposite, whose log must say nothing of failures."""


def run(directory, harm):
    with open(os.path.join(directory, "aimlog.yaml"), "w", encoding="utf-8") as file:
        file.write(CONFIG)
    command = [TUNER, "--quiet", "--samples", "4", "--epochs", "4", "--throttle-ms", "15"]
    command += ["--plugin", PLUGIN, "--config", "aimlog.yaml"]
    process = subprocess.Popen(
        command, cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    repo = os.path.join(directory, "repo", ".aimlog")
    until = time.monotonic() + 20
    while not os.path.exists(os.path.join(repo, "data.mdb")) and time.monotonic() < until:
        time.sleep(0.01)
    time.sleep(0.1)
    assert process.poll() is None, process.communicate()
    harm(repo)
    out, err = process.communicate(timeout=60)
    log_path = os.path.join(directory, "aimlog.log")
    log = ""
    if os.path.exists(log_path):
        with open(log_path, encoding="utf-8") as file:
            log = file.read()
    return process.returncode, out, err, log


def main():
    for harm in (remove, remove_data, cut_data, leave):
        with tempfile.TemporaryDirectory() as directory:
            status, out, err, log = run(directory, harm)
            assert status == 0 and out == err == "", (harm.__name__, status, out, err)
            assert ("commit failed" in log) == (harm is not leave), (harm.__name__, log)
            print("ok:", harm.__name__)


if __name__ == "__main__":
    main()
