#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Exports while `aim up` serves the same directory: it shows every run with its params and metrics
after each of them, and neither side has anything to complain about.

usage: serve_test.py AIMLOG PLUGIN  (run by a Python that has Aim)
"""

import json
import os
import pathlib
import random
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

from aim_support import LONG, Fault, Folder, check, check_equal, export, plugin_host, read_repo

AIMLOG, PLUGIN = (os.path.abspath(path) for path in sys.argv[1:3])
AIM = pathlib.Path(sys.executable).parent / "aim"
ROUNDS = 30 if LONG else 8
START_S = 120


def free_port():
    """One below those that the system gives to others in the seconds until it is used."""
    while True:
        port = random.SystemRandom().randrange(20000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


class Served:
    """`aim up` over a directory, until the end of the block."""

    def __init__(self, directory):
        self.directory, self.port = directory, free_port()
        self.log = directory / "aim-up.log"

    def __enter__(self):
        words = [AIM, "up", "--repo", self.directory, "--port", str(self.port), "--workers", "1"]
        environment = {**os.environ, "AIM_UI_TELEMETRY_ENABLED": "0"}
        with open(self.log, "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment,
                start_new_session=True,
            )  # fmt: skip
        end = time.monotonic() + START_S
        while time.monotonic() < end:
            try:
                self.get("/api/projects/")
                return self
            except (urllib.error.URLError, ConnectionError, OSError):
                check(self.process.poll() is None, "aim up ended:", self.log.read_text())
                time.sleep(0.3)
        raise TimeoutError("aim up does not answer")

    def __exit__(self, *_):
        os.killpg(self.process.pid, 15)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, 9)

    def get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=30) as answer:
            return json.loads(answer.read())


def told(plugin, trial, steps):
    plugin.start(trial, params={"lr": 0.1}, config={"seed": 1})
    for step in steps:
        plugin.result({"loss": 1.0 / step, "training_iteration": step}, trial)
    plugin.complete(trial)


def look(served, run_hash):
    info = served.get(f"/api/runs/{run_hash}/info/")
    check_equal(info["params"]["hparams"], {"lr": 0.1}, f"params of {run_hash}")
    names = [trace["name"] for trace in info["traces"]["metric"]]
    check_equal(names, ["ray/tune/loss"], f"metrics of {run_hash}")


def plant(served):
    """The check is seen to fail: a run that Aim does not show."""
    try:
        look(served, "0" * 24)
    except urllib.error.HTTPError:
        return
    raise Fault("a run that is not there went unnoticed")


def main():
    with Folder() as folder:
        plugin = plugin_host.Plugin(PLUGIN, f"repo: {folder / 'ours'}\n")
        plugin.setup(experiment_name="served", host_name="ray", metric_namespace="ray/tune/",
                     reserved=["training_iteration"])  # fmt: skip
        told(plugin, "t0", range(1, 4))
        plugin.flush()
        export(AIMLOG, folder / "ours", folder / "aim")
        with Served(folder / "aim") as served:
            looked = 0
            for number in range(1, ROUNDS + 1):
                told(plugin, f"t{number}", range(1, 4))
                told(plugin, "t0", range(3 + number, 4 + number))
                plugin.flush()
                _, err = export(AIMLOG, folder / "ours", folder / "aim")
                check_equal(err, "", "what the export complained about")
                for run_hash in os.listdir(folder / "aim/.aim/meta/chunks"):
                    look(served, run_hash)
                    looked += 1
                check_equal(len(served.get("/api/projects/params/?sequence=metric")["metric"]), 1,
                            "names of metrics")  # fmt: skip
            plant(served)
            text = served.log.read_text()
            check("Traceback" not in text and "rror" not in text, text)
        check_equal(len(read_repo(folder / "aim")), ROUNDS + 1, "runs")
        print(f"{ROUNDS} exports beside aim up, {looked} runs looked at")
    plugin.destroy()
    return 0


if __name__ == "__main__":
    sys.exit(main())
