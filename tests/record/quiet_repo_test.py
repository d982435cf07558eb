#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A repo that breaks in mid-job: the tuner ends as ever, and nothing of the plugin's is printed.

usage: quiet_repo_test.py TUNER AIMLOG_PLUGIN
"""

import concurrent.futures
import glob
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


def leave(_repo):
    """Nothing happens: the planted opposite, whose log must say nothing of failures."""


def run(directory, harm):
    with open(os.path.join(directory, "aimlog.yaml"), "w", encoding="utf-8") as file:
        file.write(CONFIG)
    command = [TUNER, "--quiet", "--samples", "4", "--epochs", "4", "--throttle-ms", "30"]
    command += ["--plugin", PLUGIN, "--config", "aimlog.yaml"]
    process = subprocess.Popen(
        command, cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    repo = os.path.join(directory, "repo", ".aimlog")
    until = time.monotonic() + 20
    # The journal comes after the store.
    while not glob.glob(os.path.join(repo, "journals", "*.ring")) and time.monotonic() < until:
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


def check(harm):
    with tempfile.TemporaryDirectory() as directory:
        status, out, err, log = run(directory, harm)
        assert status == 0 and out == err == "", (harm.__name__, status, out, err)
        assert ("commit failed" in log) == (harm is not leave), (harm.__name__, log)
        return harm.__name__


def main():
    # At once, because the tuner waits for its last flush as long as it may.
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        for name in pool.map(check, (remove, remove_data, leave)):
            print("ok:", name)


if __name__ == "__main__":
    main()
