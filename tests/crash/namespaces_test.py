#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Hosts and commands in pid namespaces of their own, as in containers, on one repo at once; also
with equal process ids.

usage: namespaces_test.py CRASH_HOST PLUGIN COMMAND LMDB_NEIGHBOUR own|shared [TEST...]

`own`: the plugin's LMDB has process ids of its own. `shared`: it is a shared library, which uses
the system's; then a second process with an equal id is refused.
"""

import os
import signal
import subprocess
import sys
import time

from crash_support import LONG, Programs, Repo, compare, count_acks, read_acks, run_tests
from crash_support import wait_until

PROGRAMS = Programs(sys.argv[1:4])
NEIGHBOUR = os.path.abspath(sys.argv[4])
ALONE = ("unshare", "--pid", "--fork", "--kill-child")
QUICK = ("--set", "commit_interval_ms=10", "--pace-us", 200, "--complete-in", 50)


def start(words, **more):
    return subprocess.Popen(
        list(map(str, words)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more
    )


def alone(number, words):
    """In a pid namespace of its own, of which it is process number `number` + 2."""
    waste = f'for i in $(seq {number}); do /bin/true; done; "$@" & wait $!'
    return [*ALONE, "sh", "-c", waste, "sh", *words]


class Alone:
    """A host that has an equal process id in each namespace."""

    def __init__(self, repo, job, *options):
        self.acks = f"{repo.acks}{job}"
        self.words = repo.host_words("--job", job, *options, acks=self.acks)
        self.told = count_acks(self.acks)
        self.namespace = start(alone(1, self.words))

    def ids(self):
        """Its process id as we see it, and as it sees itself; None before it is there."""
        wanted = [str(word).encode() for word in self.words]
        for entry in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{entry}/cmdline", "rb") as file:
                    if file.read().split(b"\0")[:-1] != wanted:
                        continue
                with open(f"/proc/{entry}/status", encoding="utf-8") as file:
                    inside = next(line for line in file if line.startswith("NSpid:"))
            except OSError:
                continue
            return int(entry), int(inside.split()[-1])
        return None

    def wait_until_told(self, more):
        def has_told():
            assert self.namespace.poll() is None, self.namespace.communicate()
            return count_acks(self.acks) > self.told + more

        wait_until(has_told, "the host told results")

    def kill(self):
        self.namespace.kill()  # and as its namespace ends, the host
        _, err = self.namespace.communicate(timeout=60)
        assert (self.namespace.returncode, err) == (-9, ""), err

    def end(self):
        out, err = self.namespace.communicate(timeout=60)
        assert (self.namespace.returncode, err) == (0, "") and '"destroy": 0' in out, (out, err)


def expect_nothing_lost(repo, jobs):
    wait_until(lambda: repo.stats()["journals.live"] == 0, "killed hosts were gone")
    problems = compare(repo.runs(), [record for job in jobs for record in repo.records_of(job)])
    assert not problems, problems[:5]
    repo.command("check", "--deep")


def other_process_ids(root):
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
    expect_nothing_lost(repo, (1, 2, 3))


def equal_process_ids_are_refused(root):
    """A shared LMDB cannot tell their readers apart. The one that came first goes on unharmed."""
    repo = Repo(PROGRAMS, root)
    first = Alone(repo, 1, "--results", 2500, *QUICK)
    first.wait_until_told(100)
    second = start(alone(1, repo.host_words("--results", 10, acks=repo.acks + "2")))
    _, err = second.communicate(timeout=60)
    assert second.returncode == 1 and "pid namespace" in err, (second.returncode, err)
    first.end()
    expect_nothing_lost(repo, (1,))


def equal_process_ids(root):
    """Both are killed and go on, round by round, while commands with that id read."""
    repo = Repo(PROGRAMS, root)
    rounds = 4 * LONG
    for i in range(rounds):
        last = i == rounds - 1
        options = ("--resumed", min(i, 1), "--results", 1500 if last else 0, *QUICK)
        if last:  # so long that they are still there when the commands have come up
            options += ("--pace-us", 2000)
        hosts = [Alone(repo, job, *options) for job in (1, 2, 3)]
        for host in hosts:
            host.wait_until_told(100)
        inside = [host.ids()[1] for host in hosts]
        assert inside[0] == inside[1] == inside[2], inside
        ls = start(alone(1, [PROGRAMS.command, "ls", "--repo", repo.path]))
        _, err = ls.communicate(timeout=60)
        assert (ls.returncode, err) == (0, ""), err
        for host in hosts:
            if last:
                host.end()
            else:
                host.kill()
    expect_nothing_lost(repo, (1, 2, 3))


def holds_write_lock(repo, pid):
    inode = os.stat(os.path.join(repo.path, ".aimlog", "write.lock")).st_ino
    with open("/proc/locks", encoding="utf-8") as file:
        lines = [line.split() for line in file]
    return any(
        line[1] == "FLOCK" and line[4] == str(pid) and line[5].endswith(f":{inode}")
        for line in lines
    )


def stop_in_commit(repo, host):
    """Stops it where it holds the write lock; its syncs take long."""
    pid, _ = host.ids()

    def stops():
        if not holds_write_lock(repo, pid):
            return False
        os.kill(pid, signal.SIGSTOP)
        if holds_write_lock(repo, pid):
            return True
        os.kill(pid, signal.SIGCONT)
        return False

    wait_until(stops, "the host was stopped in a commit")
    return pid


def the_writer_stops_or_dies_in_a_commit(root):
    """The one that waits for it has an equal id. Its hooks go on; killed while it waits, it frees
    nobody's lock; when the first one dies, it commits."""
    repo = Repo(PROGRAMS, root)
    slow = ("--slow-after", 50, "--slow-ms", 100, *QUICK)
    for turn in range(2 * LONG):
        jobs = [10 * turn + n for n in (1, 2, 3)]
        first = Alone(repo, jobs[0], "--results", 0, *slow)
        first.wait_until_told(60)
        waiting = Alone(repo, jobs[1], "--results", 0, *QUICK)
        waiting.wait_until_told(20)
        pid = stop_in_commit(repo, first)
        before = count_acks(waiting.acks)
        wait_until(lambda: count_acks(waiting.acks) > before + 200, "its hooks went on")
        assert first.ids()[1] == waiting.ids()[1]
        committed = data_of(repo)
        waiting.kill()
        third = Alone(repo, jobs[2], "--results", 0, *QUICK)
        time.sleep(0.3)
        assert data_of(repo) == committed, "somebody wrote although the first holds the lock"
        if turn % 2 == 0:
            os.kill(pid, signal.SIGCONT)
            first.wait_until_told(count_acks(first.acks) + 50)
        first.kill()
        third.wait_until_told(100)
        wait_until(lambda: data_of(repo) != committed, "the next one committed")
        third.kill()
    expect_nothing_lost(repo, [10 * turn + n for turn in range(2 * LONG) for n in (1, 2, 3)])


def data_of(repo):
    """LMDB's two meta pages: each commit writes one."""
    with open(os.path.join(repo.path, ".aimlog", "data.mdb"), "rb") as file:
        return file.read(8192)


class Reader:
    """Another program that reads one snapshot for long, with LMDB as it comes."""

    def __init__(self, repo, *more):
        place = os.path.join(repo.path, ".aimlog")
        self.process = start([NEIGHBOUR, place, "read", *more], stdin=subprocess.PIPE)
        self.hash = self.process.stdout.readline()
        assert self.hash, self.process.communicate()

    def sees_the_same(self):
        out, _ = self.process.communicate("go on\n", timeout=60)
        return self.process.returncode == 0 and out == self.hash


def other_users_of_lmdb(root):
    """Their snapshots stay whole while we commit and look for dead readers. Without its lock one is
    taken for dead, and sees what it should not."""
    repo = Repo(PROGRAMS, root)
    host = repo.start("--job", 1, "--results", 0, *QUICK, acks=repo.acks + "1")
    wait_until(lambda: count_acks(repo.acks + "1") > 200, "the host began")
    careful, careless = Reader(repo), Reader(repo, "careless")
    seen = count_acks(repo.acks + "1")
    repo.command("ls")  # frees dead readers' slots
    wait_until(lambda: count_acks(repo.acks + "1") > seen + 500, "the host went on")
    assert careful.sees_the_same()
    repos = set()
    wait_until(lambda: repos.add(data_of(repo)) or len(repos) > 30, "it committed often")
    assert not careless.sees_the_same()
    host.kill()
    host.communicate()
    expect_nothing_lost(repo, (1,))


def main():
    done = subprocess.run([*ALONE, "true"], capture_output=True, text=True)
    tests = [other_users_of_lmdb]
    if done.returncode != 0:
        print("not run: no pid namespaces here: " + done.stderr.strip())
    elif sys.argv[5] == "own":
        tests += [other_process_ids, equal_process_ids, the_writer_stops_or_dies_in_a_commit]
    else:
        tests += [other_process_ids, equal_process_ids_are_refused]
    return run_tests(tests, sys.argv[6:])


if __name__ == "__main__":
    sys.exit(main())
