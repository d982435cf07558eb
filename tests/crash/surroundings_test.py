#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What goes on around a host: readers that are stopped or killed or too many, clocks that step, two
recoveries at once, and a full disk while a journal is replayed.

usage: surroundings_test.py CRASH_HOST PLUGIN COMMAND LMDB_NEIGHBOUR [TEST...]
"""

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time

from crash_support import LONG, Programs, Repo, compare, count_acks, run_tests, series
from crash_support import wait_until, waits
from fault_support import Seed

PROGRAMS = Programs(sys.argv[1:4])
NEIGHBOUR = os.path.abspath(sys.argv[4])
ROOM = 1 << 20
QUICK = ("--set", "commit_interval_ms=10", "--pace-us", 200, "--complete-in", 50)


def stopped_and_killed_readers(root):
    repo = Repo(PROGRAMS, root)
    chance = random.Random(1)
    host = repo.start(*QUICK)
    wait_until(lambda: count_acks(repo.acks) > 500, "the host began")
    with holder_of_a_snapshot(repo) as holder:
        before = size_and_told(repo)
        holder.send_signal(signal.SIGSTOP)
        # No commit can use anew what the stopped one reads.
        wait_until(lambda: growth(repo, before) > 2 * ROOM, "the file had grown")
        assert host.poll() is None
        holder.send_signal(signal.SIGCONT)
        out, _ = holder.communicate("look again\n", timeout=60)
        assert (holder.returncode, out) == (0, holder.seen), "its snapshot changed"
    before = size_and_told(repo)
    wait_until(lambda: count_acks(repo.acks) > before[1] + 1000, "it recorded on")
    assert growth(repo, before) <= 0, "what is free again was not used"
    shown = repo.start_command("show", "--all", "--points", "--json")
    time.sleep(0.01)
    shown.send_signal(signal.SIGSTOP)
    kill_readers(repo, chance)
    shown.send_signal(signal.SIGCONT)
    _, err = shown.communicate(timeout=120)
    assert (shown.returncode, err) == (0, ""), err
    # Those that are killed keep nothing.
    before = size_and_told(repo)
    kill_readers(repo, chance)
    assert growth(repo, before) < ROOM, growth(repo, before)
    host.kill()
    host.communicate()
    problems = compare(repo.runs(), repo.records())
    assert not problems, problems[:5]


def kill_readers(repo, chance):
    for _ in range(20 * LONG):
        reader = repo.start_command("show", "--all", "--json")
        time.sleep(chance.uniform(0, 0.02))
        reader.kill()
        reader.communicate()


@contextlib.contextmanager
def holder_of_a_snapshot(repo):
    """Another program, in the middle of a transaction; what it saw is in `seen`."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    words = [NEIGHBOUR, os.path.join(repo.path, ".aimlog"), "read"]
    with subprocess.Popen(words, **pipes) as holder:
        holder.seen = holder.stdout.readline()
        assert holder.seen, "it did not begin"
        try:
            yield holder
        finally:
            holder.kill()


def growth(repo, before):
    """Bytes of the file beyond what is recorded takes by itself."""
    size, told = (now - then for now, then in zip(size_and_told(repo), before, strict=True))
    return size - 400 * told


def size_and_told(repo):
    return os.path.getsize(os.path.join(repo.path, ".aimlog", "data.mdb")), count_acks(repo.acks)


def more_readers_than_fit(root):
    """Who reads is told so; who records goes on. A killed reader's place is free."""
    repo = Repo(PROGRAMS, root)
    host = repo.start("--results", 8000, *QUICK, "--pace-us", 1000)
    wait_until(lambda: count_acks(repo.acks) > 100, "the host began")
    words = [NEIGHBOUR, os.path.join(repo.path, ".aimlog"), "fill"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(words, **pipes) as filler:
        taken = int(filler.stdout.readline())
        assert taken > 1000, taken
        for words in (("ls",), ("show", "--all"), ("stats",)):
            command = repo.start_command(*words)
            out, err = command.communicate(timeout=60)
            assert (command.returncode, out) == (1, ""), (command.returncode, out, err)
            assert "too many programs read this repo" in err and "try again" in err, err
        late = repo.start("--results", 10, acks=repo.acks + "2")
        _, err = late.communicate(timeout=60)
        assert late.returncode == 1 and "too many programs" in err, (late, err)
        told = count_acks(repo.acks)
        wait_until(lambda: count_acks(repo.acks) > told + 500, "the host went on")
        filler.kill()
    repo.command("ls")
    assert host.poll() is None  # else the table of readers was made anew
    out, err = host.communicate(timeout=60)
    assert (host.returncode, err) == (0, ""), (out, err)
    said = json.loads(out)
    assert (said["destroy"], said["commit_errors"], said["dropped"]) == (0, 0, 0), said
    problems = compare(repo.runs(), repo.records())
    assert not problems, problems[:5]


def expect_in_time(said, seconds):
    """Commits came at their interval of 50 ms, as far as a busy machine lets them."""
    assert said["commits"] > seconds / 0.05 / 5, (said["commits"], seconds)
    assert said["pending_age_ms"] < 2000 and said["destroy_ms"] < 2000, said
    assert (said["destroy"], said["dropped"], said["lost"]) == (0, 0, 0), said


CLOCK_STEPS = ("--clock-every", 150, "--clock-step-s", 4 * 3600)


def run_with_clock_steps(repo, *more):
    began = time.monotonic()
    interval = ("--set", "commit_interval_ms=50", "--pace-us", 500, "--complete-in", 200)
    said = repo.run("--results", 2000, *interval, *CLOCK_STEPS, *more)
    expect_in_time(said, time.monotonic() - began)


def the_wall_clock_steps(root):
    """By four hours on and back, often. Commits and waits go by the monotonic clock; results stand
    in the order in which they were told."""
    repo = Repo(PROGRAMS, root)
    for i in range(4 * LONG):  # killed while the clock is ahead or behind
        options = ("--resumed", min(i, 1), *QUICK)
        host = repo.start(*options, *(CLOCK_STEPS if i % 2 == 0 else ()))
        told = count_acks(repo.acks)
        wait_until(lambda: count_acks(repo.acks) > told + 200 + 100 * i, "the host told results")
        host.kill()
        host.communicate()
    run_with_clock_steps(repo, "--resumed", 1)
    slow = ("--set", "journal_bytes=65536", *waits(full_wait_ms=20), "--pace-us", 20)
    slow += ("--slow-after", 100, "--slow-ms", 200, "--mend-after", 1900)
    repo.run("--job", 2, "--results", 2000, *CLOCK_STEPS, *slow, acks=repo.acks + "2")
    records = repo.records() + repo.records_of(2)
    assert max(record.took_ns for record in records) < 5e9
    runs = repo.runs()
    problems = compare(runs, records)
    assert not problems, problems[:5]
    times = []
    for run in runs:
        points = series(run, "value")
        values = [(point["attempt"], point["value"]["value"]) for point in points]
        assert values == sorted(values), "results are in another order"
        times += [point["time_ns"] for point in points]
    hours = (max(times) - min(times)) / 3600e9
    assert 7.9 < hours < 8.1, hours  # the clock did step
    repo.command("check", "--deep")
    # What a plugin would do that goes by the wall clock.
    try:
        fooled = Repo(PROGRAMS, root, "fooled")
        run_with_clock_steps(fooled, "--all-clocks", "--set", "close_timeout_ms=500")
    except AssertionError:
        return
    raise AssertionError("late commits were not seen")


def recoveries_at_once(root):
    seed = Seed(PROGRAMS, root, "dead")
    for i in range(5 * LONG):
        repo = seed.copy(root, f"repo-{i}")
        commands = [repo.start_command("ls", "--json") for _ in range(4)]
        for command in commands:
            command.communicate(timeout=60)
            assert command.returncode == 0
        problems = compare(repo.runs(), seed.records)
        assert not problems, problems[:5]


def the_disk_is_full_while_a_journal_is_replayed(root):
    disk, image = os.path.join(root, "disk"), os.path.join(root, "image")
    os.mkdir(disk)
    with open(image, "wb") as file:
        file.truncate(8 << 20)
    # Not on the PATH of a usual user.
    mkfs = shutil.which("mkfs.ext4", path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    if mkfs is None:
        print("not run: mkfs.ext4 is missing")
        return
    subprocess.run([mkfs, "-q", "-F", "-m", "0", image], check=True)
    done = subprocess.run(["mount", "-o", "loop", image, disk], capture_output=True, text=True)
    if done.returncode != 0:
        print("not run: a file system cannot be mounted here: " + done.stderr.strip())
        return
    try:
        seed = Seed(PROGRAMS, root, "dead")
        repo = seed.copy(disk, "repo")
        filler = os.path.join(disk, "somebody else's")
        subprocess.run(["dd", "if=/dev/zero", "of=" + filler, "bs=1k"], capture_output=True)
        ls = repo.start_command("ls", "--json")
        _, err = ls.communicate(timeout=60)
        assert ls.returncode in (0, 1) and "aimlog: " in err, (ls.returncode, err)
        os.unlink(filler)
        problems = compare(repo.runs(), seed.records)
        assert not problems, problems[:5]
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


TESTS = (
    stopped_and_killed_readers,
    more_readers_than_fit,
    the_wall_clock_steps,
    recoveries_at_once,
    the_disk_is_full_while_a_journal_is_replayed,
)

if __name__ == "__main__":
    sys.exit(run_tests(TESTS, sys.argv[5:]))
