#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A live job that is followed, as others see it meanwhile: `aim up` through its own API, and
readers of the index that is replaced all the time.

usage: follow_served_test.py AIMLOG PLUGIN  (run by a Python that has Aim)
"""

import json
import multiprocessing
import os
import sys
import threading
import time
import urllib.request

from aim_support import LONG, check, check_equal, export, raw_keys, run_tests
from follow_support import AIMLOG, Follower, Job, by_trial, check_like_fresh, until
from serve_test import Served


def read_index_until(stop, found, index):
    """Reads an index over and over; tells how often, and what went wrong."""
    reads, faults = 0, []
    while not stop.is_set():
        try:
            ends = [key for key in raw_keys(index) if b"end_time" in key]
            check_equal(len(ends), 2, "runs in the index")
            reads += 1
        except Exception as fault:  # noqa: BLE001
            faults.append(f"{type(fault).__name__} {fault}")
    found.put((reads, faults))


def test_readers_find_an_index_that_is_whole(folder):
    job = Job(folder / "ours")
    job.start("a", "b")
    job.results("a", [1])
    job.complete("a", "b")
    job.end()
    export(AIMLOG, folder / "ours", folder / "aim")
    stop, found = multiprocessing.Event(), multiprocessing.Queue()
    index = folder / "aim/.aim/meta/index"
    reader = threading.Thread(target=read_index_until, args=(stop, found, index))
    reader.start()
    for number in range(100 if LONG else 30):
        export(AIMLOG, folder / "ours", folder / "aim", *["--keep-nan"][number % 2 :])
    stop.set()
    reader.join()
    reads, faults = found.get()
    check(reads > 30, "reads:", reads)
    # One that takes so long that the index is replaced twice meanwhile may find a file gone.
    check(len(faults) <= 3 and "Corruption" not in str(faults), faults)


class View:
    """A run as `aim up` shows it."""

    def __init__(self, served, run_hash):
        self.served, self.path = served, f"/api/runs/{run_hash}"

    def info(self):
        return self.served.get(f"{self.path}/info/")

    def steps(self, name="ray/tune/loss"):
        wanted = json.dumps([{"name": name, "context": {}}]).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.served.port}{self.path}/metric/get-batch/", data=wanted,
            headers={"Content-Type": "application/json"},
        )  # fmt: skip
        with urllib.request.urlopen(request, timeout=30) as answer:
            traces = json.loads(answer.read())
        return sorted(traces[0]["iters"]) if traces else []


def indexed_step(directory, run_hash):
    """The last step of a run's `acc` that the index knows of."""
    keys = raw_keys(directory / ".aim/meta/index")
    wanted = run_hash.encode() + b"\xfetraces"
    found = [value for key, value in keys.items()
             if wanted in key and key.endswith(b"acc\xfelast_step\xfe")]  # fmt: skip
    return int.from_bytes(found[0][1:], "little")


def test_aim_up_shows_a_live_job(folder):
    job = Job(folder / "ours")
    job.start("first")
    job.results("first", [1])
    job.complete("first")
    job.plugin.flush()
    export(AIMLOG, folder / "ours", folder / "aim")
    with Served(folder / "aim") as served:
        with Follower(folder / "ours", folder / "aim") as follower:
            job.start("a")
            told, behind, heads_behind, slow = [], [], [], 0.0
            run_hash = None
            for step in range(1, 120 if LONG else 70):
                job.result("a", step)
                told.append(time.monotonic())
                time.sleep(0.15)
                if step % 20 == 0:  # others come and go
                    job.start(f"short{step}")
                    job.result(f"short{step}", step)
                    job.complete(f"short{step}")
                if step < 20 or step % 5 != 0:
                    continue
                run_hash = run_hash or until(lambda: by_trial(folder / "aim")["a"]["hash"], "a run")
                view = View(served, run_hash)
                began = time.monotonic()
                steps = view.steps()
                behind.append(began - told[len(steps)] if len(steps) < len(told) else 0)
                check_equal(steps, list(range(1, len(steps) + 1)), "steps")
                info = view.info()
                slow = max(slow, time.monotonic() - began)
                check(info["props"]["active"], "a live run is active")
                names = sorted(each["name"] for each in info["traces"]["metric"])
                check_equal(names, ["ray/tune/acc", "ray/tune/loss"], "metrics")
                known = until(lambda: indexed_step(folder / "aim", run_hash), "the index")
                heads_behind.append(step - known)
            # Where reading alone takes long so does writing.
            check(max(behind) < 5 + 10 * slow, "seconds behind in aim up:", behind, slow)
            job.complete("a")
            until(lambda: not view.info()["props"]["active"], "its end in aim up")
            job.end()
            follower.ended()
            check(max(heads_behind) * 0.15 < 5 + 10 * slow, "the index is behind:", heads_behind)
            print(f"aim up was {max(behind):.1f} s behind at most")
        for each in os.listdir(folder / "aim/.aim/meta/chunks"):
            check(View(served, each).info()["props"]["end_time"], "closed in aim up:", each)
        text = served.log.read_text()
        check("Traceback" not in text and "rror" not in text, text)
    check_like_fresh(folder)


if __name__ == "__main__":
    sys.exit(run_tests(globals()))
