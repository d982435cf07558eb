#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each call by which a host or a command touches the repo fails once, or from there on for ever.

usage: failing_calls_test.py CRASH_HOST PLUGIN COMMAND NTH_CALL [SEED [CASE...]]
"""

import itertools

from fault_support import command_verdict, count_calls, either, expect_equal
from fault_support import expect_host_unharmed, main, pick, resume, run_cases

KINDS = ("EIO", "ENOSPC", "EINTR", "EAGAIN", "EMFILE", "short")
SEEDS = ("none", "dead")
SHARE = (2, 60)  # of each kind, where not all are tried
SHOW = ("show", "--all", "--json", "--types", "--points")


def run_host(faults, repo, fault):
    return faults.host(repo, fault)


def run_command(faults, repo, fault):
    return faults.command(repo, fault, *SHOW)


def try_host(faults, seed, repo, fault):
    ended = run_host(faults, repo, fault)
    try:
        said = expect_host_unharmed(repo, ended)
        expect_equal(repo, seed)
        if said is not None and said["destroy"] == 0 and said["dropped"] == 0:
            statuses = {run["status"] for run in repo.runs(points=False)}
            assert "running" not in statuses and "pending" not in statuses, statuses
        resume(repo, seed)
    except AssertionError as error:
        raise AssertionError(f"{ended.note}: {error}") from error
    if ended.note.startswith("none of"):
        return "not reached"
    if said is None:
        return "create refused"
    return "host went on" if said["destroy"] == 0 else "host went on, journal left"


def try_command(faults, seed, repo, fault):
    """It tells everything, or what was committed and that there is more, or why it cannot."""
    ended = run_command(faults, repo, fault)
    sound = faults.command(repo, "EIO 1000000000", *SHOW)
    assert sound.code == 0, sound
    if ended.code == 0:
        # A lock that another holds means a writer that lives, of whom nothing is to be said.
        held = fault.startswith("EAGAIN") and ended.note == "flock"
        assert ended.out == sound.out or ended.err.strip() or held, ended
    else:
        assert ended.code == 1 and ended.err.startswith("aimlog: "), ended
        assert ended.out == "" or sound.out.startswith(ended.out), ended
    expect_equal(repo, seed)
    return command_verdict(ended)


try_case = either(try_host, try_command)


def words(who, picked):
    for name, kind, number in picked:
        yield f"{name} {who} {kind} {number}"
        # A call that goes on after each short one is the same as one after the first.
        if kind != "EINTR":
            yield f"{name} {who} {kind} {number} ever"


def test(faults):
    hosts = count_calls(faults, SEEDS, KINDS, run_host)
    commands = count_calls(faults, SEEDS[1:], KINDS, run_command)
    print({f"{a} {b}": n for (a, b), n in hosts.items()}, flush=True)
    cases = itertools.chain(
        words("host", pick(faults, hosts, SHARE)), words("command", pick(faults, commands, SHARE))
    )
    return run_cases(faults, SEEDS, list(cases), try_case)


if __name__ == "__main__":
    main(test)
