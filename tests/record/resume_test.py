#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Which job a host joins: by its saved state, its job id, or what was left over; never by chance.

usage: resume_test.py AIMLOG_PLUGIN AIMLOG_COMMAND
"""

import itertools
import os
import subprocess
import sys
import tempfile

from recorded import Repo

LIBRARY, COMMAND = (os.path.abspath(path) for path in sys.argv[1:3])
SCRATCH = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
FRESH, RESUMED, UNKNOWN = 0, 1, 2


def job(repo, resumed, job_id="", value=1, state=None, experiment="e"):
    """A live host that has started the trial `t` and reported `value`."""
    host = repo.host()
    if state is not None:
        host.set_state(state)
    status = host.setup(experiment_name=experiment, resumed=resumed, job_id=job_id)
    assert status == "ok", host.error()
    host.start()
    assert host.result({"x": value}) == "ok"
    assert host.flush() == "ok", host.error()
    return host


def finished(repo, *words, **more):
    """Such a job that reached its end."""
    host = job(repo, *words, **more)
    host.complete()
    host.end()
    host.destroy()


def left(repo, *words, **more):
    """Such a job without its end."""
    job(repo, *words, **more).destroy()


# The other life of this file: a host in a process of its own, which dies without a word when its
# input ends.
def other_process(repo, resumed, job_id, value):
    command = [sys.executable, __file__, LIBRARY, COMMAND, "host", repo.directory]
    process = subprocess.Popen(
        [*command, str(resumed), job_id, str(value)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout.readline() == b"recorded\n"
    return process


def be_a_host(directory, resumed, job_id, value):
    job(Repo(directory, LIBRARY, COMMAND), int(resumed), job_id, int(value))
    print("recorded", flush=True)
    sys.stdin.read()
    os._exit(0)


def die(process):
    process.communicate(b"")
    process.wait()


def recorded(repo):
    """The values of each run of `t`, oldest job first."""
    return [
        [point["value"]["value"] for point in metric["points"]]
        for run in repo.runs()
        for metric in run["metrics"]
    ]


def expect(repo, *values):
    found = recorded(repo)
    assert sorted(found) == sorted(map(list, values)), (found, values)


# ---- two hosts that live at once, with one experiment name and one trial id


def live_hosts_never_mix(repo_of):
    for resumed, ids in itertools.product(
        (FRESH, RESUMED, UNKNOWN), (("", ""), ("a", ""), ("", "a"), ("a", "b"), ("a", "a"))
    ):
        repo = repo_of(f"live-{resumed}-{ids}")
        first = job(repo, resumed, ids[0], 1)
        second = job(repo, resumed, ids[1], 2)
        first.result({"x": 3})
        second.result({"x": 4})
        for host in (first, second):
            host.destroy()
        joined = resumed != FRESH and ids == ("a", "a")
        if not joined:
            expect(repo, [1, 3], [2, 4])
            continue
        (run,) = repo.runs()
        points = sorted(point["value"]["value"] for point in run["metrics"][0]["points"])
        assert points == [1, 2, 3, 4] and len(run["attempts"]) == 2, run


def live_processes_never_mix(repo_of):
    for resumed in (FRESH, RESUMED, UNKNOWN):
        repo = repo_of(f"processes-{resumed}")
        process = other_process(repo, resumed, "", 1)
        job(repo, resumed, value=2).destroy()
        assert {run["status"] for run in repo.runs()} == {"running", "stopped"}
        expect(repo, [1], [2])
        die(process)
        assert {run["status"] for run in repo.runs()} == {"crashed", "stopped"}


# ---- one host after another


def without_an_id_the_newest_job_that_nobody_writes(repo_of):
    repo = repo_of("newest")
    finished(repo, FRESH, value=1)
    finished(repo, FRESH, value=2)
    left(repo, FRESH, value=3, experiment="other")
    live = job(repo, FRESH, value=4)
    left(repo, RESUMED, value=5)
    live.destroy()
    expect(repo, [1], [2, 5], [3], [4])


def unknown_joins_only_what_did_not_end(repo_of):
    repo = repo_of("ended")
    finished(repo, FRESH, value=1)
    left(repo, UNKNOWN, value=2)  # the first one ended: a new job
    left(repo, UNKNOWN, value=3)  # joins the second
    finished(repo, UNKNOWN, value=4)  # so does this one, and ends it
    left(repo, UNKNOWN, value=5)
    expect(repo, [1], [2, 3, 4], [5])


def an_id_finds_its_job(repo_of):
    for resumed in (RESUMED, UNKNOWN):
        repo = repo_of(f"id-{resumed}")
        finished(repo, FRESH, "a", value=1)
        finished(repo, FRESH, "b", value=2)
        left(repo, resumed, "a", value=3)  # also after its end, and with the state lost
        left(repo, resumed, "c", value=4)  # no such job: a new one, whatever was left over
        expect(repo, [1, 3], [2], [4])
        assert sorted(len(run["attempts"]) for run in repo.runs()) == [1, 1, 2]


def an_id_finds_its_job_under_another_experiment(repo_of):
    for resumed in (RESUMED, UNKNOWN):
        repo = repo_of(f"moved-{resumed}")
        finished(repo, FRESH, "a", value=1)
        left(repo, resumed, "a", value=2, experiment="renamed")
        # Who cannot tell whether it goes on may have made its id under that name for itself.
        expect(repo, *([[1, 2]] if resumed == RESUMED else [[1], [2]]))
        made = {run["experiment"] for run in repo.runs()}
        assert made == ({"e"} if resumed == RESUMED else {"e", "renamed"}), made
    repo = repo_of("moved-two")
    finished(repo, FRESH, "a", value=1)
    finished(repo, FRESH, "a", value=2, experiment="f")
    left(repo, RESUMED, "a", value=3, experiment="f")
    left(repo, RESUMED, "a", value=4, experiment="renamed")  # whose it is nobody can say
    expect(repo, [1], [2, 3], [4])


def fresh_is_always_new(repo_of):
    repo = repo_of("fresh")
    left(repo, FRESH, "a", value=1)
    left(repo, FRESH, "a", value=2)
    left(repo, FRESH, value=3)
    expect(repo, [1], [2], [3])


def the_state_wins(repo_of):
    for resumed in (RESUMED, UNKNOWN):
        repo = repo_of(f"state-{resumed}")
        host = job(repo, FRESH, "a", value=1)
        status, state = host.get_state()
        assert status == "ok" and state
        host.destroy()
        left(repo, FRESH, "b", value=2)
        left(repo, resumed, "b", value=3, state=state)
        left(repo, resumed, "", value=4, state=state)
        expect(repo, [1, 3, 4], [2])


def a_damaged_state_is_refused_and_the_id_still_finds_the_job(repo_of):
    repo = repo_of("damaged")
    host = job(repo, FRESH, "a", value=1)
    _, state = host.get_state()
    host.destroy()
    for bad in (b"", state[:-1], state[:-1] + bytes([state[-1] ^ 1]), b"x" + state[1:]):
        host = repo.host()
        assert host.set_state(bad) == "invalid state"
        host.destroy()
    left(repo, RESUMED, "a", value=2, state=state[:-1])
    expect(repo, [1, 2])


def a_dead_host_s_job_goes_on(repo_of):
    for resumed, job_id in ((RESUMED, ""), (RESUMED, "a"), (UNKNOWN, ""), (UNKNOWN, "a")):
        repo = repo_of(f"dead-{resumed}-{job_id}")
        die(other_process(repo, FRESH, job_id, 1))
        # Its journal is replayed before the job is looked for.
        host = job(repo, resumed, job_id, value=2)
        host.complete()
        host.end()
        host.destroy()
        expect(repo, [1, 2])
        (run,) = repo.runs()
        statuses = [attempt["status"] for attempt in run["attempts"]]
        assert (run["status"], statuses) == ("completed", ["crashed", "completed"]), run


def a_dead_attempt_ends_in_a_crash_even_without_a_new_start(repo_of):
    repo = repo_of("no-start")
    die(other_process(repo, FRESH, "a", 1))
    host = repo.host()
    host.setup(experiment_name="e", resumed=RESUMED, job_id="a")
    host.result({"x": 2})
    host.complete()
    host.destroy()
    (run,) = repo.runs()
    statuses = [attempt["status"] for attempt in run["attempts"]]
    assert (run["status"], statuses) == ("completed", ["crashed", "completed"]), run


def a_wrong_record_is_noticed(repo_of):
    repo = repo_of("planted")
    left(repo, FRESH, value=1)
    try:
        expect(repo, [2])
    except AssertionError:
        return
    raise AssertionError("a wrong record passes")


TESTS = [live_hosts_never_mix, live_processes_never_mix, fresh_is_always_new, the_state_wins]
TESTS += [without_an_id_the_newest_job_that_nobody_writes, unknown_joins_only_what_did_not_end]
TESTS += [an_id_finds_its_job, a_damaged_state_is_refused_and_the_id_still_finds_the_job]
TESTS += [a_dead_host_s_job_goes_on, a_dead_attempt_ends_in_a_crash_even_without_a_new_start]
TESTS += [an_id_finds_its_job_under_another_experiment, a_wrong_record_is_noticed]


def main():
    with tempfile.TemporaryDirectory(dir=SCRATCH) as root:

        def repo_of(name):
            return Repo(os.path.join(root, name), LIBRARY, COMMAND)

        for test in TESTS:
            test(repo_of)
            print("ok:", test.__name__)


if __name__ == "__main__":
    if sys.argv[3:4] == ["host"]:
        be_a_host(*sys.argv[4:8])
    main()
