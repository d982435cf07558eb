#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Planted faults in what the tests of single calls rest on: a library that hits no call, and hosts
that do not mind what their calls say.

usage: fault_checker_test.py CRASH_HOST PLUGIN COMMAND NTH_CALL BLUNT_NTH_CALL OTHER_LIBRARY
"""

import json
import sys

from crash_support import REFUSED, run_tests
from fault_support import Ended, Faults, Seed, count_calls, expect_host_unharmed, run_cases

KINDS = ("kill-before", "EIO", "short", "memory")


def faults_with(library):
    return Faults([*sys.argv[1:4], library, "1"])


def run_host(faults, repo, fault):
    return faults.host(repo, fault)


def is_noticed(check, *more):
    try:
        return check(*more) == 1
    except AssertionError:
        return True


def a_library_that_counts_nothing_is_noticed(_):
    assert is_noticed(count_calls, faults_with(sys.argv[6]), ["none"], KINDS, run_host)
    blind = Ended(0, "", "", "none of 0")
    faults = faults_with(sys.argv[4])
    assert is_noticed(count_calls, faults, ["none"], KINDS, lambda *_: blind), "no call was counted"


def a_library_that_hits_nothing_is_noticed(_):
    """It counts, but the call that is due is made as ever."""
    for kind in KINDS:
        for library, expected in ((sys.argv[5], True), (sys.argv[4], False)):
            faults = faults_with(library)

            def try_case(faults, seed, repo, text):
                ended = faults.host(repo, " ".join(text.split()[1:]))
                return "not reached" if ended.note.startswith("none of") else "hit"

            noticed = is_noticed(run_cases, faults, ["none"], [f"none {kind} 3"], try_case)
            assert noticed == expected, (kind, library)


def a_host_that_minds_nothing_is_noticed(root):
    """What a sound run and its list would be if the host, or its plugin, had not been sound."""
    faults = faults_with(sys.argv[4])
    repo = Seed(faults.programs, root, "none").copy(root, "repo")
    ended = faults.host(repo, "ENOSPC 1000000000")
    said = expect_host_unharmed(repo, ended)
    changes = ({"dropped": 1}, {"lost": 1}, {"destroy": -1}, {"destroy_ms": 60000})
    for change in (*changes, {"left_open": 1}):
        altered = ended._replace(out=json.dumps(said | change))
        assert is_noticed(expect_host_unharmed, repo, altered), change
    for other in (ended._replace(code=-6), ended._replace(err="something was printed")):
        assert is_noticed(expect_host_unharmed, repo, other), other
    refuse_one(repo)
    assert is_noticed(expect_host_unharmed, repo, ended), "of a refusal nothing was counted"


def refuse_one(repo):
    """As if the last event had been refused, and nothing noted; ack_log.h has the layout."""
    with open(repo.acks, "r+b") as file:
        file.seek(64 * len(repo.records()) + 4)
        file.write(REFUSED.to_bytes(4, "little"))
    assert repo.records()[-1].answer == REFUSED


TESTS = (
    a_library_that_counts_nothing_is_noticed,
    a_library_that_hits_nothing_is_noticed,
    a_host_that_minds_nothing_is_noticed,
)

if __name__ == "__main__":
    sys.exit(run_tests(TESTS, sys.argv[7:]))
