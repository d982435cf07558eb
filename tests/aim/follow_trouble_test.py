#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`aimlog export --format aim --follow` where something cannot be written, read or asked.

usage: follow_trouble_test.py AIMLOG PLUGIN  (run by a Python that has Aim)
"""

import os
import signal
import sys
import time

from aim_support import Unreadable, check, check_equal, chunk, export
from follow_support import AIMLOG, Follower, Job, by_trial, check_like_fresh, marks
from follow_support import run_side_by_side, steps_of, until


def test_a_query_that_becomes_ambiguous_ends_nothing(folder):
    def tell(trial, step, subset):
        result = {"loss": 1.0 / step, "context": {"subset": subset}, "training_iteration": step}
        job.told().result(result, trial)

    job = Job(folder / "ours")
    job.start("a", "b")
    tell("a", 5, "train")
    job.plugin.flush()
    query = "loss < 0.3 or status < 3"  # the second is worth a remark
    with Follower(folder / "ours", folder / "aim", "-q", query) as follower:
        until(lambda: sorted(by_trial(folder / "aim")) == ["a"], "the run that fits")
        time.sleep(3)  # some more looks
        tell("b", 6, "val")
        tell("a", 6, "train")
        key = ("ray/tune/loss", "[('subset', 'train')]")
        until(lambda: len(by_trial(folder / "aim")["a"]["series"][key]) == 2, "its next point")
        time.sleep(2)
        job.complete("a", "b")
        job.end()
        _, err = follower.ended()
    check_equal(err.count("recorded in several contexts"), 1, err)
    check_equal(err.count("compares a number with a text"), 1, err)
    check_equal(sorted(by_trial(folder / "aim")), ["a"], "runs")
    check(by_trial(folder / "aim")["a"]["end"] is not None, "closed")
    # What could never be asked is a mistake.
    with Follower(folder / "ours", folder / "other", "-q", query) as follower:
        _, err = follower.ended(2)
        check("recorded in several contexts" in err, err)


def test_a_follower_that_fails_at_its_end_leaves_no_marks(folder):
    job = Job(folder / "ours")
    job.start("a")
    job.results("a", [1, 2])
    with Follower(folder / "ours", folder / "aim") as follower:
        until(lambda: len(steps_of(folder / "aim", "a")) == 2, "points")
        staging = folder / "aim/.aim/aimlog/staging"
        until(lambda: not staging.exists() and len(marks(folder / "aim")) == 4, "a live run")
        job.results("a", [3])
        job.plugin.flush()
        staging.write_text("")  # in place of a disk that is full
        follower.process.send_signal(signal.SIGINT)
        follower.ended(1)
    check_equal(marks(folder / "aim"), [], "marks")
    job.complete("a")
    job.end()
    staging.unlink()
    export(AIMLOG, folder / "ours", folder / "aim")
    check_like_fresh(folder)


def test_what_cannot_be_written_for_a_while_is_written_then(folder):
    job = Job(folder / "ours")
    job.start("a")
    job.results("a", [1, 2])
    root = folder / "aim/.aim"
    with Follower(folder / "ours", folder / "aim") as follower:
        until(lambda: len(steps_of(folder / "aim", "a")) == 2, "points")
        # In place of a disk that is full: no heartbeat has a place, and no run of a pass.
        os.rename(root / "check_ins", root / "elsewhere")
        staging = root / "aimlog/staging"
        until(lambda: not staging.exists(), "the end of its pass")
        staging.write_text("")
        job.start("b")
        job.results("b", [1, 2])
        job.results("a", [3])
        until(lambda: len(steps_of(folder / "aim", "a")) == 3, "points of a live run")
        time.sleep(15)  # a heartbeat comes every 5 s
        check_equal(follower.process.poll(), None, "it goes on")
        beats = os.listdir(root / "elsewhere")
        os.rename(root / "elsewhere", root / "check_ins")
        until(lambda: len(steps_of(folder / "aim", "b")) == 2, "the other run")
        until(lambda: set(os.listdir(root / "check_ins")) - set(beats), "a heartbeat")
        job.complete("a", "b")
        job.end()
        _, err = follower.ended()
        check(err.count("heartbeats for Aim wait") == 1 and "staging" in err, err)
    check_like_fresh(folder)


def test_a_run_that_cannot_be_read_is_written_when_it_can(folder):
    job = Job(folder / "ours")
    job.start("a")
    job.results("a", [1, 2])
    job.plugin.flush()
    export(AIMLOG, folder / "ours", folder / "aim")
    run_hash = by_trial(folder / "aim")["a"]["hash"]
    file = chunk(folder / "aim", "seqs", run_hash) / "CURRENT"
    with Follower(folder / "ours", folder / "aim") as follower, Unreadable(file, folder):
        job.start("b")
        job.results("b", [1, 2])
        until(lambda: (folder / "aim/.aim/meta/progress").is_dir() and
              len(marks(folder / "aim")) == 4, "the other run")  # fmt: skip
        job.complete("a", "b")
        job.end()
        _, err = follower.ended(1)
        check(run_hash in err and "left as it is" in err, err)
    export(AIMLOG, folder / "ours", folder / "aim")
    check_like_fresh(folder)


if __name__ == "__main__":
    sys.exit(run_side_by_side(globals()))
