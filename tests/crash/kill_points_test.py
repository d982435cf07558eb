#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A host, and a command that replays a journal, die at each call by which they touch the repo:
before it, after it, and in the middle of each write.

usage: kill_points_test.py CRASH_HOST PLUGIN COMMAND NTH_CALL [SEED [CASE...]]
"""

import itertools

from fault_support import count_calls, expect_equal, main, pick, resume, run_cases

KINDS = ("kill-before", "kill-half", "kill-after")
SEEDS = ("none", "dead")
SHARE = (8, 300)  # of each kind, where not all are tried


def run_host(faults, repo, fault):
    return faults.host(repo, fault)


def run_command(faults, repo, fault):
    return faults.command(repo, fault, "ls")


def try_case(faults, seed, repo, text):
    _, who, kind, number = text.split()
    run = run_host if who == "host" else run_command
    ended = run(faults, repo, f"{kind} {number}")
    assert ended.err == "" or who == "command", ended
    if ended.code == 0:
        assert ended.note.startswith("none of"), ended
    else:
        assert ended.code == -9, ended
    if int(number) % 2:  # the next process is a command, or a host
        expect_equal(repo, seed)
    resume(repo, seed)
    return "not reached" if ended.code == 0 else f"of a {who} {kind.removeprefix('kill-')}"


def test(faults):
    hosts = count_calls(faults, SEEDS, KINDS, run_host)
    commands = count_calls(faults, SEEDS[1:], KINDS, run_command)
    print({f"{a} {b}": n for (a, b), n in hosts.items()}, flush=True)
    cases = itertools.chain(
        (f"{name} host {kind} {n}" for name, kind, n in pick(faults, hosts, SHARE)),
        (f"{name} command {kind} {n}" for name, kind, n in pick(faults, commands, SHARE)),
    )
    return run_cases(faults, SEEDS, list(cases), try_case)


if __name__ == "__main__":
    main(test)
