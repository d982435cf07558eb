#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Planted faults: the comparison must notice each way in which a listing can be wrong.

usage: checker_test.py CRASH_HOST PLUGIN COMMAND
"""

import copy
import sys

from crash_support import ACKNOWLEDGED, REFUSED, RESULT, Programs, Repo, compare, run_tests

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


TESTS = (each_planted_fault_is_noticed, a_refused_result_that_is_there_is_noticed)

if __name__ == "__main__":
    sys.exit(run_tests(TESTS, sys.argv[4:]))
