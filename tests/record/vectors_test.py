#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What hosts may do that nobody expects, and what is recorded of it. The host never fails.

usage: vectors_test.py AIMLOG_PLUGIN AIMLOG_COMMAND
"""

import os
import sys
import tempfile
import time
import traceback

from json_lines import double, from_typed
from plugin_host import CreateError, Plugin
from recorded import Repo
from vectors import ONE, VECTORS, at, expect_ok, loss, run, say

LIBRARY, COMMAND = (os.path.abspath(path) for path in sys.argv[1:3])
SCRATCH = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def vector(repo, act, recorded):
    host = repo.host()
    expect_ok(host.setup(experiment_name="vectors", reserved=["training_iteration"]))
    act(host)
    expect_ok(host.end())
    stats = host.stats()
    assert stats["events_dropped"] == stats["events_lost"] == stats["health"] == 0, stats
    expect_ok(host.destroy())
    found = repo.record()
    assert found == recorded, f"recorded: {str(found)[:2000]}\n  wanted: {str(recorded)[:2000]}"


# ---- vectors that take more than one instance, or look at more than points


def params_change_with_their_history(repo):
    host = repo.host()
    host.setup()
    host.start(params={"lr": 0.1}, config={"lr": 0.1, "fixed": 1})
    host.start()  # unchanged
    host.start(params={"lr": 0.1}, config={"lr": 0.1, "fixed": 1})
    host.start(params={"lr": 0.2}, config={"lr": 0.2, "fixed": 1})
    host.destroy()
    (shown,) = repo.runs()
    history = [(row["attempt"], from_typed(row["params"])) for row in shown["params_history"]]
    first, last = ([("lr", double(rate))] for rate in (0.1, 0.2))
    assert history == [(1, ("map", first)), (4, ("map", last))], history
    assert from_typed(shown["params"]) == ("map", last)


def attempt_goes_on_when_swapped_in_mid_job(repo):
    first = repo.host()
    first.setup(job_id="j", reserved=["training_iteration"])
    first.start(attempt=1)
    say(first, at(1, loss=1.0))
    _, state = first.get_state()
    expect_ok(first.destroy())
    assert repo.record()["t"]["status"] == "stopped"
    second = repo.host()
    expect_ok(second.set_state(state))
    second.setup(job_id="j", resumed=1, reserved=["training_iteration"])
    say(second, at(2, loss=2.0))
    second.flush()
    assert repo.record()["t"]["status"] == "running"
    second.complete()
    second.destroy()
    wanted = run("completed", ("completed", 2), points=loss((1, 1, 1), (1, 2, 2)))
    assert repo.record() == {"t": wanted}, repo.record()


def end_comes_after_a_swap(repo):
    """What we concluded ourselves gives way to what the host says."""
    first = repo.host()
    first.setup(job_id="j")
    for trial in ("complete", "fail", "pause", "recover", "idle"):
        first.start(trial)
    first.pause("idle")
    _, state = first.get_state()
    first.destroy()
    second = repo.host()
    second.set_state(state)
    second.setup(job_id="j", resumed=1)
    for trial in ("complete", "fail", "pause", "recover"):
        expect_ok(getattr(second, trial)(trial))
    second.complete("idle", 6)
    second.flush()
    found = {trial: (of["status"], of["attempts"][0][0]) for trial, of in repo.record().items()}
    second.destroy()
    assert found == {
        "complete": ("completed", "completed"),
        "fail": ("failed", "failed"),
        "pause": ("paused", "paused"),
        "recover": ("pending", "failed"),
        "idle": ("stopped", "paused"),
    }, found


def two_instances_work_on_one_job(repo):
    hosts = [repo.host(), repo.host()]
    for number, host in enumerate(hosts):
        expect_ok(host.setup(job_id="j", resumed=2))
        host.start(f"t{number}")
        say(host, ONE, trial=f"t{number}")
        host.flush()
    expect_ok(hosts[0].destroy())
    statuses = {trial: of["status"] for trial, of in repo.record().items()}
    assert statuses == {"t0": "stopped", "t1": "running"}, statuses
    hosts[1].complete("t1")
    hosts[1].end()
    hosts[1].destroy()
    runs = repo.runs()
    assert len({of["job"]["token"] for of in runs}) == 1
    assert {of["trial_id"]: of["status"] for of in runs} == {"t0": "stopped", "t1": "completed"}


def unknown_option_is_refused(repo):
    try:
        repo.host("colour: red\n")
    except CreateError as refused:
        assert "colour" in str(refused) and "invalid config" in str(refused), refused
        return
    raise AssertionError("an unknown option was taken")


def hooks_without_setup_make_a_job(repo):
    host = repo.host()
    say(host, ONE)
    host.destroy()
    (shown,) = repo.runs()
    assert (shown["experiment"], shown["status"]) == ("default", "stopped"), shown


def bad_events_are_refused_and_the_rest_goes_on(repo):
    host = repo.host()
    host.setup()
    assert host.setup() == "wrong state"
    assert host.result(ONE, trial="") == "invalid argument"
    assert host.result([1, 2]) == "invalid argument"
    assert host.result(None) == "invalid argument"
    say(host, ONE)
    host.destroy()
    assert repo.record() == {"t": run("stopped", ("stopped", 1), points=loss((1, 1, 1)))}


def what_waits_has_its_own_age_not_that_of_the_last_commit(repo):
    host = Plugin(LIBRARY, "repo: .\ncommit_interval_ms: 600000\n", repo.directory)
    host.setup()
    host.start()
    host.flush()
    time.sleep(2)
    told = time.monotonic()
    host.result(ONE)
    stats = host.stats()
    assert stats["events_pending"] > 0, stats
    assert stats["pending_age_ms"] < 1000 * (time.monotonic() - told) + 1500, stats
    time.sleep(0.2)
    assert host.stats()["pending_age_ms"] >= 200
    host.destroy()


MORE = [params_change_with_their_history, attempt_goes_on_when_swapped_in_mid_job]
MORE += [end_comes_after_a_swap, two_instances_work_on_one_job, unknown_option_is_refused]
MORE += [what_waits_has_its_own_age_not_that_of_the_last_commit]
MORE += [hooks_without_setup_make_a_job, bad_events_are_refused_and_the_rest_goes_on]


def planted_fault_is_noticed(repo):
    try:
        vector(repo, VECTORS["step falls"][0], VECTORS["one step twice"][1])
    except AssertionError:
        return
    raise AssertionError("a wrong record passes")


def main():
    tests = [(name, lambda repo, row=row: vector(repo, *row)) for name, row in VECTORS.items()]
    tests += [(test.__name__, test) for test in [*MORE, planted_fault_is_noticed]]
    failed = 0
    with tempfile.TemporaryDirectory(dir=SCRATCH) as root:
        for number, (name, test) in enumerate(tests):
            try:
                test(Repo(os.path.join(root, str(number)), LIBRARY, COMMAND))
            except Exception:  # pylint: disable=broad-except
                failed += 1
                print(f"FAILED: {name}")
                traceback.print_exc(file=sys.stdout)
    print(f"{len(tests) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
