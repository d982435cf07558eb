#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each allocation of the plugin in a host, or of the command, fails once, or eight in a row, or all
from there on: nobody crashes, what cannot be done is said, and once there is memory it goes on.

usage: failing_memory_test.py CRASH_HOST PLUGIN COMMAND NTH_CALL [SEED [CASE...]]
"""

import json

from crash_support import REFUSED, RESULT, START, compare
from fault_support import CLOSE_MS, SLACK_MS, command_verdict, count_calls, expect_closed
from fault_support import expect_equal, main, one_of, pick, resume, run_cases

KINDS = ("memory",)
SEEDS = ("none", "dead")
SHARE = (20, 800)  # of each kind, where not all are tried
SHOW = ("show", "--all", "--json", "--types", "--points")
OUT_OF_MEMORY = -10
BROKEN = 2
SOUND, NOT_LOOKED_AT = 0, 2  # what check says; 1 is damage


def run_host(faults, repo, fault):
    return faults.host(repo, fault)


def run_command(faults, repo, fault):
    return faults.command(repo, fault, *SHOW)


def try_host(faults, seed, repo, fault):
    ended = run_host(faults, repo, fault)
    records = repo.records()
    if ended.code == 1:  # create refused
        assert ended.err.startswith("crash_host: ") and not records, ended
        assert "left open" not in ended.err, ended
    else:
        assert (ended.code, ended.err) == (0, ""), ended
        said = json.loads(ended.out)
        assert said["destroy_ms"] < CLOSE_MS + SLACK_MS, said
        expect_closed(said)
        statuses = {record.status for record in records}
        assert statuses <= {0, 1, 2, OUT_OF_MEMORY}, statuses
        lost = [r for r in records if r.status == OUT_OF_MEMORY and r.kind in (START, RESULT)]
        assert said["dropped"] >= len(lost), (said, len(lost))
        assert said["health"] != BROKEN or fault.endswith("ever"), said
    expect_recorded(repo, seed, records)
    if not any(r.status == OUT_OF_MEMORY for r in records):
        resume(repo, seed)
    if ended.note.startswith("none of"):
        return "not reached"
    return "create refused" if ended.code == 1 else "host went on"


def expect_recorded(repo, seed, records):
    if not records:
        return
    runs = repo.runs()
    # Where a start was refused, its trial's first result began an attempt of which the host said
    # nothing.
    refused = {(r.job, r.trial) for r in records if (r.kind, r.answer) == (START, REFUSED)}
    for run in runs:
        # Where the setup was refused, the job's directory is not known either.
        run["job"]["experiment_dir"] = run["job"]["experiment_dir"] or "job-2"
        job = int(run["job"]["experiment_dir"].removeprefix("job-"))
        if (job, int(run["trial_id"].removeprefix("trial-"))) in refused:
            for attempt in run["attempts"]:
                attempt["host_attempt"] = 1
    problems = compare(runs, seed.records + records)
    assert not problems, problems[:5]


def try_command(faults, seed, repo, fault):
    ended = run_command(faults, repo, fault)
    sound = faults.command(repo, "memory 1000000000", *SHOW)
    assert sound.code == 0, sound
    if ended.code == 0:
        assert ended.out == sound.out or ended.err.strip(), ended
    else:
        assert ended.code == 1 and "memory" in ended.err, ended
        assert ended.out == "" or sound.out.startswith(ended.out), ended
    expect_equal(repo, seed)
    expect_no_damage(faults, repo, fault)
    return command_verdict(ended)


def expect_no_damage(faults, repo, fault):
    ended = faults.command(repo, fault, "check")
    assert ended.code in (SOUND, NOT_LOOKED_AT), ended


try_case = one_of({"host": try_host, "command": try_command})


def words(who, picked):
    for name, kind, number in picked:
        yield f"{name} {who} {kind} {number}"
        if number % 4 == 0:
            yield f"{name} {who} {kind} {number} ever"
        if number % 4 == 2:
            yield f"{name} {who} {kind} {number} few"


def test(faults):
    hosts = count_calls(faults, SEEDS, KINDS, run_host)
    commands = count_calls(faults, SEEDS[1:], KINDS, run_command)
    print(hosts, commands, flush=True)
    cases = list(words("host", pick(faults, hosts, SHARE)))
    cases += words("command", pick(faults, commands, SHARE))
    return run_cases(faults, SEEDS, cases, try_case)


if __name__ == "__main__":
    main(test)
