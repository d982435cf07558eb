#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Planted faults: the comparison must notice each way in which a listing can be wrong.

usage: checker_test.py CRASH_HOST PLUGIN COMMAND
"""

import collections
import copy
import subprocess
import sys
import time
import types

from crash_support import ACKNOWLEDGED, REFUSED, RESULT, Programs, Repo, compare, memory_with_room
from crash_support import preloadable, run_tests
from kill_tuner_test import judge_ids, judge_job
from soak_support import Watch, growth, wrong_with_copy
from soak_test import VICTIMS, judge_kills

PROGRAMS = Programs(sys.argv[1:4])


def points_of(runs, name):
    return next(m for m in runs[0]["metrics"] if m["name"] == name)["points"]


def remove_result(runs):
    for name in ("value", "loss"):
        del points_of(runs, name)[3]


def double_result(runs):
    for name in ("value", "loss"):
        points = points_of(runs, name)
        points.append(dict(points[3]))


def double_run(runs):
    runs.append(copy.deepcopy(runs[1]))


def remove_run(runs):
    del runs[1]


def move_to_other_trial(runs):
    first, second = points_of(runs, "value"), points_of(runs[1:], "value")
    first[2], second[2] = second[2], first[2]


def change_step(runs):
    points_of(runs, "value")[1]["step"] += 1


def change_loss(runs):
    value = points_of(runs, "loss")[1]["value"]
    value["bits"] = f"{int(value['bits'], 16) ^ 1:016x}"


def change_attempt(runs):
    runs[0]["attempts"][0]["host_attempt"] = 7


def invent_result(runs):
    for name, value in (("value", {"value": 999}), ("loss", {"bits": f"{0x3f5066a9ebd1ad07:x}"})):
        points_of(runs, name).append({"attempt": 1, "step": 999, "value": value})


PLANTED = (
    remove_result,
    double_result,
    double_run,
    remove_run,
    move_to_other_trial,
    change_step,
    change_loss,
    change_attempt,
    invent_result,
)


def each_planted_fault_is_noticed(root):
    repo = Repo(PROGRAMS, root)
    repo.run("--results", 40, "--trials", 3)
    runs, records = repo.runs(), repo.records()
    assert compare(runs, records) == [], compare(runs, records)
    for plant in PLANTED:
        altered = copy.deepcopy(runs)
        plant(altered)
        assert compare(altered, records), f"{plant.__name__} was not noticed"


def a_refused_result_that_is_there_is_noticed(root):
    repo = Repo(PROGRAMS, root)
    repo.run("--results", 10)
    records = repo.records()
    at = next(i for i, r in enumerate(records) if r.kind == RESULT and r.answer == ACKNOWLEDGED)
    records[at] = records[at]._replace(answer=REFUSED)
    assert compare(repo.runs(), records), "it was not noticed"


def what_a_copy_may_not_lack_is_noticed(root):
    repo = Repo(PROGRAMS, root)
    repo.run("--results", 40, "--trials", 3)
    runs, records = repo.runs(), repo.records()
    assert wrong_with_copy(runs, records, records) == [], wrong_with_copy(runs, records, records)
    last = max(r.value for r in records if r.kind == RESULT)
    shorter = copy.deepcopy(runs)
    for run in shorter:
        for metric in run["metrics"]:
            at = [p["value"].get("value") for p in points_of([run], "value")]
            if metric["name"] == "loss" and last in at:
                del metric["points"][at.index(last)]
        values = points_of([run], "value")
        values[:] = [point for point in values if point["value"]["value"] != last]
    assert wrong_with_copy(shorter, records, []) == [], "a copy of an earlier moment is right"
    assert wrong_with_copy(shorter, records, records), "a durable result is missing"
    for plant in (remove_result, double_result, change_step, change_loss, invent_result):
        altered = copy.deepcopy(runs)
        plant(altered)
        assert wrong_with_copy(altered, records, []), f"{plant.__name__} was not noticed"


# A process that does nothing for a while, but for one thing, again and again.
IDLE = """
import time
kept = []
print("begun", flush=True)
for turn in range(1000):
    {}
    time.sleep(0.005)
"""
HABITS = {
    "pass": [],
    "kept.append(open('/dev/null'))": ["descriptors grew"],
    "kept.append(bytearray(b'x' * 100000))": ["memory grew"],
}


def a_process_that_grows_is_noticed(_):
    for habit, expected in HABITS.items():
        words = [sys.executable, "-c", IDLE.format(habit)]
        process = subprocess.Popen(words, stdout=subprocess.PIPE)
        process.stdout.readline()
        time.sleep(0.3)  # until it has what it needs
        watch = Watch(process.pid, 0.02)
        watch.start()
        time.sleep(1)
        wrong = growth(watch.stop())
        process.kill()
        process.communicate()
        assert [" ".join(text.split()[:2]) for text in wrong] == expected, (habit, wrong)
    assert growth([]), "no samples are no proof"


def a_soak_that_spares_somebody_is_noticed(_):
    for spared in ([], VICTIMS[:1], VICTIMS[1:2], VICTIMS[2:]):
        killed = [name for name in VICTIMS if name not in spared]
        counts = collections.Counter(f"{name} killed" for name in killed)
        try:
            judge_kills(types.SimpleNamespace(counts=counts))
        except AssertionError:
            assert spared, "all were killed"
            continue
        assert not spared, f"{spared} were not killed"


def noticed(judge, *arguments):
    """What `judge` has to say against them; nothing where it accepts them."""
    try:
        judge(*arguments)
    except AssertionError as error:
        return str(error)
    return ""


def what_a_killed_tuner_may_not_lose_is_noticed(_):
    told = collections.Counter(range(10))
    for more in ((), (10,), (10, 11)):  # recorded before two processes came to say so
        assert noticed(judge_job, "job", told, 2, told + collections.Counter(more)) == ""
    for seen, expected in (
        (range(9), "job: missing [9]"),
        (range(13), "job: not told [10, 11, 12]"),
        ((*range(10), 4), "job: doubled"),
    ):
        assert noticed(judge_job, "job", told, 2, collections.Counter(seen)) == expected, expected

    run, known = {"job": {"experiment_dir": "/job"}, "trial_id": "a", "id": 1}, {}
    for accepted in (run, run, {**run, "trial_id": "b", "id": 2}):
        assert noticed(judge_ids, [accepted], known) == ""
    assert "new run" in noticed(judge_ids, [{**run, "id": 3}], known)


def odd_places_are_minded(root):
    """Memory for files that is too small, and a library whose path LD_PRELOAD would not take."""
    assert memory_with_room(root, 0) == root
    assert memory_with_room(root, 1 << 62) is None
    link = preloadable(f"{root}/of a: library.so")
    assert not set(link) & {" ", ":"}, link


TESTS = (
    each_planted_fault_is_noticed,
    a_refused_result_that_is_there_is_noticed,
    what_a_copy_may_not_lack_is_noticed,
    a_process_that_grows_is_noticed,
    a_soak_that_spares_somebody_is_noticed,
    what_a_killed_tuner_may_not_lose_is_noticed,
    odd_places_are_minded,
)

if __name__ == "__main__":
    sys.exit(run_tests(TESTS, sys.argv[4:]))
