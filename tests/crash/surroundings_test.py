#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What goes on around a host: the same pids in other pid namespaces, readers that are stopped or
killed, two recoveries at once, and a full disk while a journal is replayed.

usage: surroundings_test.py CRASH_HOST PLUGIN COMMAND [TEST...]
"""

import os
import random
import signal
import subprocess
import sys
import time

from crash_support import LONG, Programs, Repo, compare, count_acks, read_acks, run_tests
from crash_support import wait_until
from fault_support import Seed

PROGRAMS = Programs(sys.argv[1:4])
ALONE = ("unshare", "--pid", "--fork", "--kill-child")
QUICK = ("--set", "commit_interval_ms=10", "--pace-us", 200, "--complete-in", 50)


def namespaces_work():
    done = subprocess.run([*ALONE, "true"], capture_output=True, text=True)
    if done.returncode != 0:
        print("  skipped: no pid namespaces here: " + done.stderr.strip())
    return done.returncode == 0


def start(words):
    return subprocess.Popen(
        list(map(str, words)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def alone(number, words):
    """In a pid namespace of its own, of which it is process number `number` + 2."""
    waste = f'for i in $(seq {number}); do /bin/true; done; "$@" & wait $!'
    return [*ALONE, "sh", "-c", waste, "sh", *words]


def pid_namespaces_of_their_own(root):
    if not namespaces_work():
        return
    repo = Repo(PROGRAMS, root)
    hosts = []
    for job in (1, 2, 3):
        words = ("--job", job, "--results", 0 if job == 3 else 1500, *QUICK)
        words = repo.host_words(*words, acks=f"{repo.acks}{job}")
        hosts.append(start(alone(10 * job, words)))
    wait_until(lambda: count_acks(repo.acks + "3") > 100, "the hosts began")
    for i in range(5):
        show = start(alone(100 + i, [PROGRAMS.command, "ls", "--repo", repo.path]))
        _, err = show.communicate(timeout=60)
        assert (show.returncode, err) == (0, ""), err
    hosts[2].kill()  # and with it, as its namespace ends, the host
    for host in hosts:
        _, err = host.communicate(timeout=60)
        assert host.returncode == (-9 if host is hosts[2] else 0), (host.returncode, err)
    records = [record for job in (1, 2, 3) for record in read_acks(f"{repo.acks}{job}")]
    wait_until(lambda: repo.stats()["journals.live"] == 0, "the killed host was gone")
    problems = compare(repo.runs(), records)
    assert not problems, problems[:5]


def the_same_pid_in_another_namespace_is_refused(root):
    """LMDB could not tell their readers apart. The one that came first goes on unharmed."""
    if not namespaces_work():
        return
    repo = Repo(PROGRAMS, root)
    first = start(alone(1, repo.host_words("--results", 2500, *QUICK)))
    wait_until(lambda: count_acks(repo.acks) > 100, "the host began")
    second = start(alone(1, repo.host_words("--results", 10, acks=repo.acks + "2")))
    _, err = second.communicate(timeout=60)
    assert second.returncode == 1 and "pid namespace" in err, (second.returncode, err)
    out, err = first.communicate(timeout=60)
    assert (first.returncode, err) == (0, "") and '"destroy": 0' in out, (first, out, err)
    problems = compare(repo.runs(), repo.records())
    assert not problems, problems[:5]


def stopped_and_killed_readers(root):
    repo = Repo(PROGRAMS, root)
    chance = random.Random(1)
    host = repo.start(*QUICK)
    wait_until(lambda: count_acks(repo.acks) > 500, "the host began")
    stopped = repo.start_command("show", "--all", "--points", "--json")
    time.sleep(0.01)
    stopped.send_signal(signal.SIGSTOP)
    for _ in range(40 * LONG):
        reader = repo.start_command("show", "--all", "--json")
        time.sleep(chance.uniform(0, 0.02))
        reader.kill()
        reader.communicate()
    assert host.poll() is None
    stopped.send_signal(signal.SIGCONT)
    _, err = stopped.communicate(timeout=60)
    assert (stopped.returncode, err) == (0, ""), err
    host.kill()
    host.communicate()
    problems = compare(repo.runs(), repo.records())
    assert not problems, problems[:5]
    told = len(repo.records())
    size = os.path.getsize(os.path.join(repo.path, ".aimlog", "data.mdb"))
    assert size < 4 << 20 or size < 400 * told, (size, told)


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
    subprocess.run(["mkfs.ext4", "-q", "-F", "-m", "0", image], check=True)
    done = subprocess.run(["mount", "-o", "loop", image, disk], capture_output=True, text=True)
    if done.returncode != 0:
        print("  skipped: a file system cannot be mounted here: " + done.stderr.strip())
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
    pid_namespaces_of_their_own,
    the_same_pid_in_another_namespace_is_refused,
    stopped_and_killed_readers,
    recoveries_at_once,
    the_disk_is_full_while_a_journal_is_replayed,
)

if __name__ == "__main__":
    sys.exit(run_tests(TESTS, sys.argv[4:]))
