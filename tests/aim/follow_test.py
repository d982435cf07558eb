#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`aimlog export --format aim --follow` beside a live job: what Aim's SDK sees of it meanwhile, and
that what is left at the end is what an export that was made then has.

usage: follow_test.py AIMLOG PLUGIN  (run by a Python that has Aim)
"""

import math
import os
import random
import signal
import subprocess
import sys
import time
import uuid

from aim_support import LONG, Fault, check, check_equal, export, open_repo, read_repo
from follow_support import AIMLOG, SERIES, Follower, Job, by_trial, check_like_fresh, marks
from follow_support import run_side_by_side, steps_of, trees, until

# Aimlog's own commit comes every second; two more are the follower's promise.
LAG_S = 3.0


def test_a_live_job_grows_in_aim_and_closes(folder):
    with Follower(folder / "ours", folder / "aim") as follower:
        said = follower.process.stderr.readline()
        check("waiting" in said and "there is no .aimlog" in said, said)
        job = Job(folder / "ours")
        job.start("a", "b")
        told, seen, behind, next_look, slow = [], [], [], 0.0, 0.0
        for step in range(1, 101):
            for trial in "ab":
                job.result(trial, step)
            told.append(time.monotonic())
            time.sleep(0.08)
            if time.monotonic() < next_look or step < 40:
                continue
            next_look = time.monotonic() + 0.7
            began = time.monotonic()
            steps = until(lambda: steps_of(folder / "aim", "a"), "points")
            slow = max(slow, time.monotonic() - began)  # 0.1 s where nothing else is going on
            seen.append(len(steps))
            behind.append(began - told[len(steps)] if len(steps) < len(told) else 0)
            check_equal(steps, list(range(1, len(steps) + 1)), "steps")
        check(seen == sorted(seen) and len(set(seen)) > 3, "it grows", seen)
        check(max(behind) < LAG_S + 10 * slow, "seconds behind:", behind, slow)
        run = until(lambda: by_trial(folder / "aim")["a"], "the run")
        check_equal((run["end"], run["params"]["status"]), (None, "running"), "a live run")
        check_equal(len(open_repo(folder / "aim").list_active_runs()), 2, "active runs")
        until(lambda: len(marks(folder / "aim")) == 8, "marks of 2 runs")
        job.complete("a")
        until(lambda: by_trial(folder / "aim")["a"]["end"], "the end of a run")
        check_equal(by_trial(folder / "aim")["b"]["end"], None, "the other one")
        job.complete("b")
        job.end()
        follower.ended()
    check_like_fresh(folder)


def test_a_killed_follower_is_taken_over(folder):
    job = Job(folder / "ours")
    job.start("a", "b")
    job.results("a", range(1, 10))
    with Follower(folder / "ours", folder / "aim") as follower:
        until(lambda: len(steps_of(folder / "aim", "a")) == 9, "points")
        job.results("a", range(10, 20))
        until(lambda: len(steps_of(folder / "aim", "a")) == 19, "points")
        run_hash = by_trial(folder / "aim")["a"]["hash"]
        follower.process.kill()
    check_equal(len(marks(folder / "aim")), 8, "marks that were left")
    lock = (folder / "aim/.aim/locks" / f"{run_hash}.softlock").read_text()
    machine, process, began = lock.split("-")
    check_equal(int(process), follower.process.pid, "whose lock it is")
    if not uuid.getnode() >> 40 & 1:  # else it was made up, for want of a network
        check_equal(int(machine), uuid.getnode(), "the machine of the lock")
    check(abs(float(began) - time.time()) < 60, "the time of the lock:", began)
    check_equal(len(steps_of(folder / "aim", "a")), 19, "what Aim reads")
    with Follower(folder / "ours", folder / "aim"):
        job.results("b", range(1, 5))
        until(lambda: len(steps_of(folder / "aim", "b")) == 4, "points of the next follower")
    job.complete("a", "b")
    job.end()
    export(AIMLOG, folder / "ours", folder / "aim")
    check_like_fresh(folder)


def test_a_follower_is_killed_at_any_moment(folder):
    chance = random.Random(11)
    job = Job(folder / "ours")
    step = 0
    for number in range(30 if LONG else 5):
        job.start(f"t{number}")
        with Follower(folder / "ours", folder / "aim") as follower:
            end = time.monotonic() + chance.uniform(0.02, 2.5)
            while time.monotonic() < end:
                step += 1
                for trial in range(max(0, number - 2), number + 1):
                    job.result(f"t{trial}", step)
                time.sleep(0.02)
            if number > 2:
                job.complete(f"t{number - 3}")
            follower.process.kill()
        if (folder / "aim/.aim").exists():
            read_repo(folder / "aim")
    job.complete(*[f"t{number}" for number in range(30 if LONG else 5)])
    job.end()
    with Follower(folder / "ours", folder / "aim") as follower:
        follower.ended()
    check_like_fresh(folder)


def test_a_follower_that_is_stopped_leaves_open_runs(folder):
    job = Job(folder / "ours")
    job.start("a")
    job.results("a", range(1, 6))
    with Follower(folder / "ours", folder / "aim") as follower:
        until(lambda: len(steps_of(folder / "aim", "a")) == 5, "points")
        job.results("a", range(6, 9))
        job.plugin.flush()
        out, _ = follower.stop()
        check("written at the end" in out, out)
    check_like_fresh(folder)
    check_equal(len(steps_of(folder / "aim", "a")), 8, "its last pass")
    check_equal(by_trial(folder / "aim")["a"]["end"], None, "an open run")
    job.complete("a")
    job.end()
    with Follower(folder / "ours", folder / "aim") as follower:
        follower.ended()
    check_like_fresh(folder)
    check(by_trial(folder / "aim")["a"]["end"] is not None, "closed")


def drive_until_killed(directory):
    """A driver that dies with a run at work; its end of a pipe to the follower goes with it."""
    try:
        job = Job(directory)
        job.start("a")
        for step in range(1, 1000):
            job.result("a", step)
            time.sleep(0.05)
    finally:
        os._exit(1)


def test_the_end_of_stdin_ends_it_after_a_last_export(folder):
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        drive_until_killed(folder / "ours")
    os.close(write)
    words = ["--until-stdin-ends", "--attempts", "split"]
    with Follower(folder / "ours", folder / "aim", *words, stdin=read) as follower:
        os.close(read)
        until(lambda: len(steps_of(folder / "aim", "a")) > 20, "points")
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        follower.ended()
    check_like_fresh(folder, "--attempts", "split")
    run = by_trial(folder / "aim")["a"]
    check_equal(run["params"]["status"], "crashed", "status")
    check(run["end"] is not None, "closed")


def test_two_followers_of_one_directory_are_refused(folder):
    job = Job(folder / "ours")
    job.start("a")
    job.plugin.flush()
    with Follower(folder / "ours", folder / "aim") as first:
        until(lambda: marks(folder / "aim"), "the first one")
        with Follower(folder / "ours", folder / "aim") as second:
            _, err = second.ended(1)
            check("another export into" in err and "under way" in err, err)
        first.stop()
    job.end()


def test_a_run_deleted_in_aim_stays_deleted(folder):
    job = Job(folder / "ours")
    job.start("a", "b")
    job.results("a", [1, 2])
    job.results("b", [1, 2])
    with Follower(folder / "ours", folder / "aim") as follower:
        until(lambda: len(steps_of(folder / "aim", "b")) == 2, "points")
        runs = by_trial(folder / "aim")
        repo = open_repo(folder / "aim")
        check(repo.delete_run(runs["a"]["hash"]), "delete_run")
        repo.structured_db.find_run(runs["b"]["hash"]).archived = True
        for trial in "ab":
            job.results(trial, [3, 4])
        until(lambda: len(steps_of(folder / "aim", "b")) == 4, "points of the other run")
        job.complete("a", "b")
        job.end()
        _, err = follower.ended()
        check(err.count("was deleted in Aim") == 1, err)
    left = by_trial(folder / "aim")
    check_equal((sorted(left), left["b"]["archived"]), (["b"], True), "runs")
    check(left["b"]["end"] is not None, "closed")


def points_with(directory, point):
    """Steps and values of all runs' losses, as soon as `point` is among them."""
    series = [run["series"].get(SERIES, []) for run in read_repo(directory).values()]
    points = {each[:2] for one in series for each in one}
    return point in points and points


def test_newer_attempts_and_nan_come_as_they_are(folder):
    for mode in ("merged", "split"):
        job = Job(folder / mode)
        job.start("a")
        job.results("a", range(1, 8))
        with Follower(folder / mode, folder / f"aim {mode}", "--attempts", mode) as follower:
            directory = folder / f"aim {mode}"
            until(lambda: len(steps_of(directory, "a")) == 7, "points")
            job.plugin.recover("a", "lost a node", 1)
            job.start("a")
            job.result("a", 3, 33.0)
            job.result("a", 4, math.nan)
            job.result("a", 9, 99.0)
            time.sleep(0.3)

            points = until(lambda: points_with(directory, (9, 99.0)), "the new attempt")
            check((3, 33.0) in points, points)
            if mode == "merged":
                check_equal(sorted(step for step, _ in points), [1, 2, 3, 5, 6, 7, 9], "steps")
            job.complete("a")
            job.end()
            follower.ended()
        export(AIMLOG, folder / mode, folder / "fresh", "--attempts", mode)
        check_equal(trees(directory), trees(folder / "fresh"), mode)
        subprocess.run(["rm", "-r", folder / "fresh"], check=True)


def test_more_live_runs_than_may_be_open(folder):
    trials = [f"t{number:03d}" for number in range(150 if LONG else 90)]
    job = Job(folder / "ours")
    job.start(*trials)
    with Follower(folder / "ours", folder / "aim") as follower:
        for step in range(1, 5):
            for trial in trials:
                job.result(trial, step)
            time.sleep(0.7)
        all_there = [4] * len(trials)
        until(lambda: [len(run["series"].get(SERIES, []))
                       for run in by_trial(folder / "aim").values()] == all_there,
              "points")  # fmt: skip
        check_equal(len(os.listdir(folder / "aim/.aim/meta/progress")), len(trials), "marks")
        files = len(os.listdir(f"/proc/{follower.process.pid}/fd"))
        check(files < 1024, "open files:", files)
        job.complete(*trials)
        job.end()
        follower.ended()
    check_like_fresh(folder)


def test_options_choose_while_following(folder):
    job = Job(folder / "ours")
    job.start("a", "b")
    job.results("a", [1, 2])
    words = ["--run", "a", "--metrics", "loss", "--no-namespace", "--keep-nan"]
    with Follower(folder / "ours", folder / "aim", *words) as follower:
        until(lambda: by_trial(folder / "aim"), "the run")
        job.result("a", 3, math.inf)
        job.results("b", [1, 2])
        key = ("loss", "[]")
        until(lambda: len(by_trial(folder / "aim")["a"]["series"][key]) == 3, "points")
        job.complete("a", "b")
        job.end()
        follower.ended()
    check_like_fresh(folder, *words)
    check_equal(sorted(by_trial(folder / "aim")), ["a"], "runs")
    _, err = export(AIMLOG, folder / "ours", folder / "aim", "--until-stdin-ends", status=2)
    check("--follow" in err, err)


def test_it_ends_where_no_run_is_chosen(folder):
    with Follower(folder / "ours", folder / "aim", "--status", "paused") as follower:
        Job(folder / "ours").end()
        time.sleep(2)
        check_equal(follower.process.poll(), None, "before the first run of a job")
        job = Job(folder / "ours", job_id="2")
        job.start("a")
        job.complete("a")
        job.end()
        out, _ = follower.ended()
        check(out.startswith("0 runs written"), out)


def test_a_planted_fault_is_seen(folder):
    job = Job(folder / "ours")
    job.start("a")
    job.results("a", [1, 2, 3])
    job.complete("a")
    job.end()
    export(AIMLOG, folder / "ours", folder / "aim", "--metrics", "loss")
    try:
        check_like_fresh(folder)
    except Fault:
        return
    raise Fault("a series that is missing went unseen")


if __name__ == "__main__":
    sys.exit(run_side_by_side(globals()))
