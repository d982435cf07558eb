#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each call by which a host or a command touches the repo fails once, or from there on for ever:
nothing is lost, and what a command shows, finds sound, copies or saves is right or said not to be.

usage: failing_calls_test.py CRASH_HOST PLUGIN COMMAND NTH_CALL [SEED [CASE...]]
"""

import itertools
import json
import os

from crash_support import NOT_ANSWERED, Repo, compare, series
from fault_support import command_verdict, count_calls, expect_equal, expect_host_unharmed, main
from fault_support import one_of, pick, resume, run_cases
from safekeeping import contents

KINDS = ("EIO", "ENOSPC", "EINTR", "EAGAIN", "EMFILE", "short")
SEEDS = ("none", "dead")
SHARE = (2, 1000)  # of each kind: in a long run all
NEVER = "EIO 1000000000"
SHOW = ("show", "--all", "--json", "--types", "--points")


def run_host(faults, repo, fault):
    return faults.host(repo, fault)


def run_show(faults, repo, fault):
    return faults.command(repo, fault, *SHOW)


def run_check(faults, repo, fault):
    return faults.command(repo, fault, "check", "--deep", "--json")


def copy_of(faults, repo):
    root, name = os.path.split(repo.path)
    return Repo(faults.programs, root, f"copy of {name}")


def run_backup(faults, repo, fault):
    return faults.command(repo, fault, "backup", copy_of(faults, repo).path)


def run_repair(faults, repo, fault):
    line = [faults.programs.command, "repair", repo.path, copy_of(faults, repo).path, "--json"]
    return faults.run(line, fault, repo.path + ".note")


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


def is_held(fault, ended):
    """A lock that another holds means a writer that lives, of whom nothing is to be said. Where
    more than one call fails, a lock may be among the later ones."""
    is_one = not fault.endswith((" ever", " few"))
    return fault.startswith("EAGAIN") and (ended.note == "flock" or not is_one)


def try_show(faults, seed, repo, fault):
    """It tells everything, or what was committed and that there is more, or why it cannot."""
    ended = run_show(faults, repo, fault)
    sound = run_show(faults, repo, NEVER)
    assert sound.code == 0, sound
    if ended.code == 0:
        assert ended.out == sound.out or ended.err.strip() or is_held(fault, ended), ended
    else:
        assert ended.code == 1 and ended.err.startswith("aimlog: "), ended
        assert ended.out == "" or sound.out.startswith(ended.out), ended
    expect_equal(repo, seed)
    return command_verdict(ended)


def try_check(faults, seed, repo, fault):
    """It changes nothing, and calls nothing damaged but what the disk cannot read, or gives less of
    than LMDB wants of a file's head, as no local disk does."""
    before = contents(repo.path)
    ended = run_check(faults, repo, fault)
    assert contents(repo.path) == before, ended
    if ended.code == 0:
        sound = run_check(faults, repo, NEVER)
        assert sound.code == 0, sound
        assert ended.out == sound.out or is_held(fault, ended), (ended, sound)
    elif ended.code == 1:
        said = json.loads(ended.out)
        assert fault.startswith(("EIO", "short")), ended
        assert not said["sound"], ended
    else:
        assert ended.code == 2 and ended.err.startswith("aimlog: ") and not ended.out, ended
    expect_equal(repo, seed)
    return command_verdict(ended)


def try_backup(faults, seed, repo, fault):
    """The copy is whole or not there; only what waits in the journal may be missing, and is said
    to be."""
    ended, copy = run_backup(faults, repo, fault), copy_of(faults, repo)
    if ended.code != 0:
        assert ended.code in (1, 2) and ended.err.startswith("aimlog: ") and not ended.out, ended
    if ended.code == 0 or os.path.exists(copy.path):
        copy.command("check", "--deep")
        waiting = seed.waiting
        if ended.err.strip() or is_held(fault, ended):
            waiting = [record._replace(answer=NOT_ANSWERED) for record in waiting]
        problems = compare(copy.runs(), seed.finished + waiting)
        assert not problems, (problems[:5], ended)
    expect_equal(repo, seed)
    return command_verdict(ended)


def says_of_losses(report):
    return report["notes"] or report["damage"] or report["runs_whole"] < len(report["runs"])


def try_repair(faults, seed, repo, fault):
    """What is saved is sound and right; what is not is said to be lost."""
    before = contents(repo.path)
    ended, copy = run_repair(faults, repo, fault), copy_of(faults, repo)
    assert contents(repo.path) == before, ended
    if ended.code != 0:
        assert ended.code in (1, 2) and ended.err.startswith("aimlog: ") and not ended.out, ended
    if ended.code == 0 or os.path.exists(copy.path):
        copy.command("check", "--deep")
        told = {record.value for record in seed.records}
        for run in copy.runs():
            values = [point["value"]["value"] for point in series(run, "value")]
            assert len(set(values)) == len(values) and told.issuperset(values), (run, ended)
    if ended.code == 0 and not says_of_losses(json.loads(ended.out)):
        problems = compare(copy.runs(), seed.records)
        assert not problems, (problems[:5], ended)
    expect_equal(repo, seed)
    return command_verdict(ended)


COMMANDS = {
    "show": (run_show, try_show),
    "check": (run_check, try_check),
    "backup": (run_backup, try_backup),
    "repair": (run_repair, try_repair),
}
try_case = one_of({"host": try_host} | {name: one for name, (_, one) in COMMANDS.items()})


def words(who, picked):
    for name, kind, number in picked:
        yield f"{name} {who} {kind} {number}"
        # A call that goes on after each short one is the same as one after the first.
        if kind != "EINTR":
            yield f"{name} {who} {kind} {number} ever"


def test(faults):
    hosts = count_calls(faults, SEEDS, KINDS, run_host)
    print("host", {f"{a} {b}": n for (a, b), n in hosts.items()}, flush=True)
    cases = [words("host", pick(faults, hosts, SHARE))]
    for name, (run, _) in COMMANDS.items():
        calls = count_calls(faults, SEEDS[1:], KINDS, run)
        print(name, {kind: n for (_, kind), n in calls.items()}, flush=True)
        cases.append(words(name, pick(faults, calls, SHARE)))
    return run_cases(faults, SEEDS, list(itertools.chain(*cases)), try_case)


if __name__ == "__main__":
    main(test)
