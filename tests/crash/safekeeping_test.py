#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Verbs that keep a repo safe, on repos that real writers write or have just been killed over.

usage: safekeeping_test.py CRASH_HOST PLUGIN COMMAND [TEST...]
"""

import contextlib
import fcntl
import glob
import json
import os
import signal
import subprocess
import sys
import time

import safekeeping
from crash_support import ACKNOWLEDGED, RESULT, Programs, Repo, count_acks, run_tests, series
from crash_support import wait_until
from safekeeping import contents

PROGRAMS = Programs(sys.argv[1:4])
RING_HEAD = 4096


def check(path, *words):
    return safekeeping.check(PROGRAMS, path, *words)


def killed(root, *options, results=400):
    """A repo whose writer was killed between two commits: its ring holds events."""
    repo = Repo(PROGRAMS, root)
    host = repo.start("--results", 10**6, "--trials", 6, "--pace-us", 100, *options)
    wait_until(lambda: count_acks(repo.acks) > results, "results were recorded")
    host.kill()
    host.communicate()
    return repo


def ring_of(repo):
    (ring,) = glob.glob(f"{repo.path}/.aimlog/journals/*.ring")
    return ring


def change(path, at, bytes_):
    with open(path, "r+b") as file:
        file.seek(at)
        file.write(bytes_)


def check_beside_a_writer_is_sound(root):
    repo = Repo(PROGRAMS, root)
    # Commits one after the other: pages are used anew as fast as can be.
    quick = ("--set", "commit_interval_ms=10", "--complete-in", 50)
    host = repo.start("--results", 10**6, "--trials", 8, "--pace-us", 50, *quick)
    try:
        wait_until(lambda: count_acks(repo.acks) > 500, "results were recorded")
        for i in range(12):
            said = check(repo.path, *(["--deep"] if i % 2 else []))
            assert said["sound"], said
            assert [journal["live"] for journal in said["journals"]] == [True], said
        assert host.poll() is None
    finally:
        host.kill()
        host.communicate()


def check_says_how_many_events_wait_and_replays_none(root):
    repo = killed(root)
    before = contents(repo.path)
    said = check(repo.path, "--deep")
    assert said["sound"] and contents(repo.path) == before, said
    (journal,) = said["journals"]
    waiting = journal["events_waiting"]
    assert not journal["live"] and waiting > 0, said
    stats = subprocess.run(
        [PROGRAMS.command, "ls", "--repo", repo.path], capture_output=True, text=True, check=True
    )
    assert f"replayed {waiting} events" in stats.stderr, (waiting, stats.stderr)
    said = check(repo.path, "--deep")
    assert said["sound"] and said["journals"] == [], said
    told = sum(record.answer == ACKNOWLEDGED for record in repo.records())
    assert said["results"] > 0 and told > 0, said


def the_name_of_a_journal_is_not_printed_raw(root):
    repo = killed(root)
    os.rename(ring_of(repo), f"{repo.path}/.aimlog/journals/\x1b[31mx.ring")
    text = subprocess.run([PROGRAMS.command, "check", repo.path], capture_output=True).stdout
    assert b"x.ring: its writer is dead" in text and b"\x1b" not in text, text


def damaged_records_of_a_ring_are_counted(root):
    # Nothing is committed meanwhile, so that all records wait.
    repo = killed(root, "--set", "commit_interval_ms=60000")
    ring = ring_of(repo)
    waiting = check(repo.path)["journals"][0]["events_waiting"]
    with open(ring, "rb") as file:
        end = len(file.read().rstrip(b"\0"))
    change(ring, (RING_HEAD + end) // 2, b"\xff" * 8)
    said = check(repo.path)
    (journal,) = said["journals"]
    lost = waiting - journal["events_waiting"]
    assert journal["records_damaged"] == lost > 0, (said, waiting)
    (finding,) = said["findings"]
    assert finding["table"] == "journal" and "cannot be read back" in finding["what"], said


def a_ring_without_its_head_is_found(root):
    repo = killed(root)
    change(ring_of(repo), 0, b"nonsense")
    (finding,) = check(repo.path)["findings"]
    assert finding["table"] == "journal" and finding["what"] and finding["todo"], finding


def children(pid):
    """Those that are at work, and those that have ended and are not collected yet."""
    at_work, ended = [], []
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            found = file.read().split()
        for child in found:
            with open(f"/proc/{child}/stat", encoding="utf-8", errors="replace") as file:
                state = file.read().rpartition(")")[2].split()[0]
            (ended if state == "Z" else at_work).append(int(child))
    except (FileNotFoundError, ProcessLookupError):
        pass  # gone meanwhile
    return at_work, ended


def a_ring_that_went_round_while_it_was_looked_at_is_sound(root):
    ring = ("--set", "journal_bytes=64KiB", "--set", "on_full=block")
    quick = ("--set", "commit_interval_ms=10")
    # A ring holds some hundred results. Between once and twice round it some of what the rows say
    # to be next still looks right.
    for more in (400, 600, 900, 1400, 2100, 8000):
        repo = Repo(PROGRAMS, root, f"repo-{more}")
        host = repo.start("--results", 10**6, "--trials", 6, "--pace-us", 20, *ring, *quick)
        try:
            wait_until(lambda: count_acks(repo.acks) > 3000, "results were recorded")
            process = held_behind_its_first_look(repo)
            begun = count_acks(repo.acks)
            wait_until(lambda: count_acks(repo.acks) > begun + more, "the ring went round")
        finally:
            host.kill()
            host.communicate()
        process.send_signal(signal.SIGCONT)
        said = json.loads(process.communicate(timeout=60)[0])
        assert said["sound"] and process.returncode == 0, (more, said)
        assert said["journals"] == check(repo.path)["journals"], (more, said)


def held_behind_its_first_look(repo):
    """A check that is stopped when it has read the rows, and before it looks at journals."""
    for _ in range(50):
        line = [PROGRAMS.command, "check", repo.path, "--json"]
        process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        while process.poll() is None and children(process.pid) == ([], []):
            pass
        process.send_signal(signal.SIGSTOP)
        wait_until(lambda: not children(process.pid)[0], "its child had read the rows")
        if children(process.pid)[1]:
            return process
        process.send_signal(signal.SIGCONT)
        process.communicate()
    raise AssertionError("it was always over before it could be stopped")


def backup(repo, dest, status=0):
    words = [PROGRAMS.command, "backup", repo.path, dest]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert done.returncode == status, done
    return done


def results_of(runs):
    """The steps of each trial's attempts, in their order."""
    return {
        (run["job"]["experiment_dir"], run["trial_id"]): [
            (point["attempt"], point["step"]) for point in series(run, "value")
        ]
        for run in runs
    }


def a_backup_beside_a_writer_is_one_moment_of_it(root):
    repo = Repo(PROGRAMS, root)
    quick = ("--set", "commit_interval_ms=10", "--job", 4, "--state", repo.state)
    host = repo.start("--results", 10**6, "--trials", 6, "--pace-us", 200, *quick)
    try:
        for i in range(3):
            begun = count_acks(repo.acks)
            wait_until(lambda: count_acks(repo.acks) > begun + 300, "results were recorded")
            told = [record for record in repo.records() if record.answer == ACKNOWLEDGED]
            time.sleep(0.5)  # so that a commit covers them
            dest = Repo(PROGRAMS, root, f"backup-{i}")
            backup(repo, dest.path)
            said = check(dest.path, "--deep")
            assert said["sound"] and said["journals"] == [], said
            expect_prefix(results_of(dest.runs()), told)
            # Nobody will go on with the copy's journals; the writer goes on with its own.
            assert set(dest.statuses().values()) == {"crashed"}, dest.statuses()
            assert set(repo.statuses().values()) == {"running"}, repo.statuses()
        assert host.poll() is None
    finally:
        host.kill()
        host.communicate()
    goes_on_in_the_copy(repo, dest)


def expect_prefix(seen, told):
    for (job, trial), steps in seen.items():
        assert steps == [(1, i + 1) for i in range(len(steps))], (job, trial, steps[:9])
    for record in told:
        if record.kind == RESULT:
            steps = seen[(f"job-{record.job}", f"trial-{record.trial}")]
            assert record.step <= len(steps), (record, len(steps))


def goes_on_in_the_copy(repo, dest):
    """The job is resumed there: the same runs, by a second attempt."""
    before = {run["id"]: results_of([run]) for run in dest.runs()}
    dest.run("--results", 60, "--trials", 6, "--job", 4, "--resumed", 1)
    for run in dest.runs():
        if run["id"] in before:
            (old,), (new,) = before[run["id"]].values(), results_of([run]).values()
            assert new[: len(old)] == old and len(new) > len(old), (len(old), len(new))
    assert set(before) == {run["id"] for run in dest.runs()}
    assert check(dest.path, "--deep")["sound"]


def a_backup_has_what_a_killed_writer_left(root):
    repo = killed(root)
    dest = Repo(PROGRAMS, root, "backup")
    assert "replayed" in backup(repo, dest.path).stderr
    assert results_of(dest.runs()) == results_of(repo.runs())
    assert glob.glob(f"{root}/*.tmp") == []


def a_copy_notes_no_trial_that_it_does_not_have(root):
    """The Python package notes which trials of a study are recorded, before they are committed."""
    repo = Repo(PROGRAMS, root)
    repo.run("--results", 100, "--trials", 2, "--complete-in", 20)
    ended = [run["trial_id"] for run in repo.runs() if run["status"] == "completed"]
    assert ended
    (job,) = {run["job"]["id"] for run in repo.runs()}
    os.mkdir(f"{repo.path}/.aimlog/optuna")
    with open(f"{repo.path}/.aimlog/optuna/{job}.trials", "w", encoding="ascii") as file:
        file.write("".join(f"{trial}\n" for trial in [*ended, "not-there-yet", "10"]))
    for verb in ("backup", "repair"):
        dest = Repo(PROGRAMS, root, verb)
        subprocess.run([PROGRAMS.command, verb, repo.path, dest.path], check=True)
        with open(f"{dest.path}/.aimlog/optuna/{job}.trials", encoding="ascii") as file:
            assert file.read().split() == ended


def notes_that_cannot_be_read_are_named(root):
    repo = Repo(PROGRAMS, root)
    repo.run("--results", 20, "--trials", 1)
    notes = f"{repo.path}/.aimlog/optuna"
    os.mkdir(notes)
    unreadable = ("a.trials", "b.trials", "c.claims")
    with open(f"{notes}/sound.trials", "w", encoding="ascii"):
        pass
    for name in unreadable:
        os.symlink(name, f"{notes}/{name}")  # to itself
        dest = os.path.join(root, "backup of " + name)
        assert name in backup(repo, dest, status=1).stderr and not os.path.exists(dest)
        os.unlink(f"{notes}/{name}")
    os.symlink("a.trials", f"{notes}/a.trials")
    os.mkdir(f"{notes}/b.trials")
    os.symlink("c.claims", f"{notes}/c.claims")
    dest = Repo(PROGRAMS, root, "repaired")
    line = [PROGRAMS.command, "repair", repo.path, dest.path, "--json"]
    report = json.loads(subprocess.run(line, check=True, capture_output=True).stdout)
    for name in unreadable:
        assert any(name in note for note in report["notes"]), (name, report["notes"])
    assert os.path.exists(f"{dest.path}/.aimlog/optuna/sound.trials")
    assert len(dest.runs()) == len(repo.runs())


def a_backup_that_cannot_be_looked_over_was_not_made(root):
    """The process that looks over the copy is ended, as by the kernel for want of memory."""
    repo = Repo(PROGRAMS, root)
    repo.run("--results", 10000, "--trials", 6)

    def ended_in_the_middle(dest):
        line = [PROGRAMS.command, "backup", repo.path, dest]
        process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        copiers = set()
        while process.poll() is None:
            at_work, _ = children(process.pid)
            copiers.update(at_work[: not copiers])
            for child in set(at_work) - copiers:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
        said = process.communicate()[1]
        assert process.returncode == (1 if said else 0), (process.returncode, said)
        return said

    for i in range(50):
        said = ended_in_the_middle(f"{root}/backup-{i}")
        if "could not be looked at" in said:
            break
    assert "no backup was made" in said and "could not be looked at" in said, said


def a_repair_tells_of_what_journals_brought(root):
    repo = killed(root, "--set", "commit_interval_ms=60000", results=300)
    dest = Repo(PROGRAMS, root, "repaired")
    line = [PROGRAMS.command, "repair", repo.path, dest.path, "--json"]
    report = json.loads(subprocess.run(line, check=True, capture_output=True).stdout)
    assert report["events_replayed"] > 0
    shown = {run["id"]: sum(a["results"] for a in run["attempts"]) for run in dest.runs()}
    assert {run["id"]: run["results"] for run in report["runs"]} == shown and sum(shown.values())
    assert all(run["points"] > 0 for run in report["runs"] if run["results"] > 0)


def a_backup_never_replaces_and_never_copies_damage(root):
    repo = Repo(PROGRAMS, root)
    repo.run("--results", 300)
    there = os.path.join(root, "there")
    os.mkdir(there)
    assert "exists already" in backup(repo, there, status=2).stderr
    assert os.listdir(there) == []
    data = f"{repo.path}/.aimlog/data.mdb"
    with open(data, "rb") as file:
        bytes_ = file.read()
    for change_at in (bytes_.index(b"trial-0"), 0):
        change(data, change_at, b"x")
        dest = os.path.join(root, "backup")
        assert "damaged" in backup(repo, dest, status=1).stderr
        assert not os.path.exists(dest) and glob.glob(f"{root}/*.tmp") == []
        change(data, change_at, bytes_[change_at : change_at + 1])
    backup(repo, dest)


def what_a_killed_backup_left_is_removed_by_the_next(root):
    repo = killed(root)
    dest = os.path.join(root, "backup")
    line = [PROGRAMS.command, "backup", repo.path, dest]

    def started(there):
        """A backup that has made its directory; `there`: how many there are then."""
        process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        wait_until(lambda: new_ones(before) and len(unfinished()) == there, "it made a directory")
        return process

    def unfinished():
        return set(glob.glob(dest + ".*.tmp"))

    def new_ones(before):
        return unfinished() - before

    # As long as another process writes, a backup waits to replay what the killed writer left.
    with open(f"{repo.path}/.aimlog/write.lock", "r+b") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        before = unfinished()
        first = started(there=1)
        first.kill()
        first.communicate()
        before = unfinished()
        assert len(before) == 1, before
        second = started(there=1)
        assert not before & unfinished(), "the leftover is still there"
        before = unfinished()
        third = started(there=2)
        assert before < unfinished(), "what a living process made was removed"
    ends = [(process, process.communicate()) for process in (second, third)]
    assert sorted(process.returncode for process, _ in ends) == [0, 2], ends
    assert unfinished() == set() and check(dest, "--deep")["sound"]
    # Of anything else it keeps its hands.
    others = {f"{dest}2.0123abcd.tmp", f"{dest}.0123abcd.tmp2", f"{dest}.0123abcX.tmp"}
    for path in others | {f"{dest}.0123abcd.tmp"}:
        os.mkdir(path)
    backup(repo, dest, status=2)
    assert others < set(glob.glob(dest + "*")) == others | {dest}


TESTS = (
    check_beside_a_writer_is_sound,
    check_says_how_many_events_wait_and_replays_none,
    the_name_of_a_journal_is_not_printed_raw,
    damaged_records_of_a_ring_are_counted,
    a_ring_without_its_head_is_found,
    a_ring_that_went_round_while_it_was_looked_at_is_sound,
    a_backup_beside_a_writer_is_one_moment_of_it,
    a_backup_has_what_a_killed_writer_left,
    a_copy_notes_no_trial_that_it_does_not_have,
    notes_that_cannot_be_read_are_named,
    a_backup_that_cannot_be_looked_over_was_not_made,
    a_repair_tells_of_what_journals_brought,
    a_backup_never_replaces_and_never_copies_damage,
    what_a_killed_backup_left_is_removed_by_the_next,
)

if __name__ == "__main__":
    sys.exit(run_tests(TESTS, sys.argv[4:]))
