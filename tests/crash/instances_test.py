#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Several instances, hosts and readers on one repo.

usage: instances_test.py CRASH_HOST PLUGIN COMMAND INSTANCES_HOST [TEST...]
"""

import json
import os
import signal
import sys
import time

from crash_support import LONG, Programs, Repo, child_of, compare, count_acks, read_acks, run_tests
from crash_support import expected_statuses, run_instances, series, wait_until

PROGRAMS = Programs(sys.argv[1:4])
INSTANCES_HOST = os.path.abspath(sys.argv[4])


def two_instances_work_at_once(root):
    os.mkdir(os.path.join(root, "target"))
    os.symlink("target", os.path.join(root, "link"))
    for name, other in (("target", "target"), ("target", "link"), ("one", "two")):
        paths = [os.path.join(root, each) for each in (name, other)]
        said = run_instances(INSTANCES_HOST, "together", PROGRAMS.plugin, *paths)
        assert said == [["acknowledged", "2000 2000"], ["destroy", "ok"], ["destroy", "ok"]], said
    for name, count in (("target", 4), ("one", 1), ("two", 1)):
        runs = Repo(PROGRAMS, root, name).runs()
        assert len(runs) == count, (name, len(runs))
        for run in runs:
            values = [point["value"]["value"] for point in series(run, "value")]
            assert values == list(range(1, 2001)), (name, run["experiment"], len(values))


def a_child_that_outlives_its_host_keeps_nothing(root):
    repo = Repo(PROGRAMS, root)
    host = repo.start("--fork-child", "--results", 300, "--linger")
    wait_until(lambda: count_acks(repo.acks) >= 305, "all was told")
    child = child_of(repo.acks)
    try:
        wait_until(lambda: set(repo.statuses().values()) == {"running"}, "the runs were shown")
        host.kill()
        host.wait()
        os.kill(child, 0)  # it lives, and did not find its calls to do anything
        assert set(repo.statuses().values()) == {"crashed"}, repo.statuses()
        assert not compare(repo.runs(), repo.records())
        said = repo.run("--resumed", 1, "--results", 100)
        assert said["destroy"] == 0, said
        assert not compare(repo.runs(), repo.records())
        assert set(repo.statuses().values()) == {"completed"}, repo.statuses()
        os.kill(child, 0)
    finally:
        os.kill(child, signal.SIGKILL)
    host.communicate()


def a_ring_that_lapped_loses_nothing(root):
    repo = Repo(PROGRAMS, root)
    ring = ("--set", "journal_bytes=65536", "--set", "on_full=block")
    host = repo.start(*ring)
    # A record has 64 bytes at least.
    wait_until(lambda: count_acks(repo.acks) > 4 * 65536 / 64, "the ring lapped four times")
    host.kill()
    host.communicate()
    problems = compare(repo.runs(), repo.records())
    assert not problems, problems[:10]
    assert set(repo.statuses().values()) == {"crashed"}, repo.statuses()


def live_hosts_never_mix(root):
    for resumed in (0, 1, 2):
        for ids in ([], ["--no-job-id"]):
            repo = Repo(PROGRAMS, root, f"repo-{resumed}-{len(ids)}")
            # A job that is over, which both could take for theirs.
            repo.run("--job", 3, "--results", 20, *ids, acks=repo.acks + "3")
            words = ["--resumed", resumed, "--results", 400, "--pace-us", 1000, *ids]
            hosts = [
                repo.start("--job", job, *words, acks=f"{repo.acks}{job}") for job in (1, 2)
            ]
            for host in hosts:
                out, err = host.communicate(timeout=60)
                assert host.returncode == 0, (out, err)
            check_apart(repo, [host.pid for host in hosts], resumed, ids)


def check_apart(repo, pids, resumed, ids):
    runs = repo.runs()
    for job, pid in zip((1, 2), pids):
        own = [run for run in runs if any(a["pid"] == pid for a in run["attempts"])]
        assert len(own) == 4, (job, len(own))
        others = [a["pid"] for run in own for a in run["attempts"] if a["pid"] in pids]
        assert set(others) == {pid}, (resumed, ids, "two live hosts wrote one run")
        assert {run["job"]["experiment_dir"] for run in own} == {f"job-{job}"}
        for run in own:
            at = [i + 1 for i, a in enumerate(run["attempts"]) if a["pid"] == pid]
            told = [r for r in read_acks(f"{repo.acks}{job}") if r.kind == 3]
            trial = int(run["trial_id"].removeprefix("trial-"))
            wanted = [(r.step, r.value) for r in told if r.trial == trial]
            points = [p for p in series(run, "value") if p["attempt"] in at]
            assert [(p["step"], p["value"]["value"]) for p in points] == wanted, (job, trial)


def readers_and_writers_do_not_disturb_each_other(root):
    repo = Repo(PROGRAMS, root)
    words = ["--results", 4000 * LONG, "--pace-us", 1000, "--complete-in", 500]
    words += ["--set", "commit_interval_ms=100"]
    hosts = [repo.start("--job", job, *words, acks=f"{repo.acks}{job}") for job in (1, 2)]
    wait_until(lambda: count_acks(repo.acks + "1") > 0, "the host began")
    looks, newest = 0, {}
    while any(host.poll() is None for host in hosts):
        text = repo.command("ls", "--json", "--columns", "id,status,step,value.count")
        for row in json.loads(text) if text.strip() else []:
            count = row["value.count"] or 0
            assert count >= newest.get(row["id"], 0), "a run has fewer points than before"
            assert row["status"] in ("pending", "running", "completed"), row
            newest[row["id"]] = count
        looks += 1
        time.sleep(0.05)
    records = []
    for job, host in zip((1, 2), hosts):
        out, err = host.communicate()
        assert host.returncode == 0, (out, err)
        assert json.loads(out)["dropped"] == 0, out
        records += read_acks(f"{repo.acks}{job}")
    assert looks > 3, looks
    problems = compare(repo.runs(), records)
    assert not problems, problems[:10]
    expected = expected_statuses(records)
    assert all(statuses == {"completed"} for statuses in expected.values())


TESTS = (
    two_instances_work_at_once,
    a_child_that_outlives_its_host_keeps_nothing,
    a_ring_that_lapped_loses_nothing,
    live_hosts_never_mix,
    readers_and_writers_do_not_disturb_each_other,
)

if __name__ == "__main__":
    sys.exit(run_tests(TESTS, sys.argv[5:]))
