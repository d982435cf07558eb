# SPDX-License-Identifier: Apache-2.0
"""Hosts and commands to which something happens at the Nth call (nth_call.cc), on copies of a repo
whose contents are known."""

import collections
import concurrent.futures
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile

from crash_support import LONG, REFUSED, SCRATCH, Programs, Repo, compare, count_acks, preloadable
from crash_support import wait_until, waits

LONG_RUN = LONG > 1
FULL_WAIT_MS, CLOSE_MS, SLACK_MS = 20, 500, 3000
JOB = ("--trials", 3, "--results", 36, "--complete-in", 9, "--pace-us", 250)
JOB += ("--set", "commit_interval_ms=10", "--set", "journal_bytes=65536")
JOB += waits(full_wait_ms=FULL_WAIT_MS, close_timeout_ms=CLOSE_MS)

# A process after its end; `note`: which call was hit, "none of N", or "" if it died before that.
Ended = collections.namedtuple("Ended", "code out err note")


class Seed:
    """A repo to begin with: none, or one with a finished job, and another one whose host was
    killed and which waits in a journal."""

    def __init__(self, programs, root, name):
        self.programs, self.name = programs, name
        self.repo = Repo(programs, root, "seed-" + name)
        self.records = []
        if name == "none":
            os.mkdir(self.repo.path)
            return
        self.repo.run("--job", 90, "--results", 30, "--complete-in", 9, acks=self.repo.acks + "90")
        self.leave_dead_journal()
        self.finished, self.waiting = (self.repo.records_of(job) for job in (90, 91))
        self.records = self.finished + self.waiting

    def leave_dead_journal(self):
        words = ("--job", 91, "--results", 60, "--linger", "--set", "commit_interval_ms=60000")
        words += ("--set", "journal_bytes=65536", "--complete-in", 20)
        host = self.repo.start(*words, acks=self.repo.acks + "91")
        wait_until(lambda: count_acks(self.repo.acks + "91") >= 65, "the results were told")
        host.kill()
        host.communicate()

    def copy(self, root, name):
        repo = Repo(self.programs, root, name)
        shutil.copytree(self.repo.path, repo.path)
        return repo


class Faults:
    """Runs with faults; each in a directory of its own."""

    def __init__(self, arguments):
        self.programs = Programs(arguments[:3])
        self.library = preloadable(arguments[3])
        self.seed = int(arguments[4]) if len(arguments) > 4 else random.randrange(1 << 32)
        self.only = arguments[5:]

    def environment(self, fault, note):
        environment = {"PATH": os.environ["PATH"], "TZ": "UTC"}
        environment |= {"AIMLOG_FAULT": fault, "AIMLOG_FAULT_NOTE": note}
        return environment | {"LD_PRELOAD": self.library}

    def run(self, words, fault, note):
        process = subprocess.run(
            list(map(str, words)),
            env=self.environment(fault, note),
            capture_output=True,
            text=True,
            timeout=120,
        )
        said = ""
        if os.path.exists(note):
            with open(note, encoding="utf-8") as file:
                said = file.read()
            os.unlink(note)
        return Ended(process.returncode, process.stdout, process.stderr, said)

    def host(self, repo, fault, *more):
        words = repo.host_words("--job", 2, *JOB, *more)
        return self.run(words, fault, repo.path + ".note")

    def command(self, repo, fault, *words):
        line = [self.programs.command, words[0], "--repo", repo.path, *words[1:]]
        return self.run(line, fault, repo.path + ".note")


def expect_equal(repo, seed):
    records = seed.records + repo.records()
    if not records and not os.path.exists(os.path.join(repo.path, ".aimlog", "FORMAT")):
        return  # there is no repo yet, and nobody was told that there is
    problems = compare(repo.runs(), records)
    assert not problems, problems[:5]


def expect_host_unharmed(repo, ended):
    """The host came to its end, was told how things are, and lost what it was told is lost."""
    if ended.code == 1:  # create refused, or what came before it
        assert ended.err.startswith("crash_host: ") and ended.err.count("\n") == 1, ended
        assert "left open" not in ended.err, ended
        assert not repo.records(), ended
        return None
    assert (ended.code, ended.err) == (0, ""), ended
    said = json.loads(ended.out)
    records = repo.records()
    longest = max(record.took_ns for record in records) / 1e6
    assert longest < FULL_WAIT_MS + SLACK_MS, f"a hook took {longest} ms"
    assert said["destroy_ms"] < CLOSE_MS + SLACK_MS, said
    assert said["destroy"] in (0, 2), said
    assert said["lost"] == 0, said
    expect_closed(said)
    refused = [record for record in records if record.answer == REFUSED]
    assert said["dropped"] == len(refused) == sum(r.status == 1 for r in refused), (said, refused)
    return said


def expect_closed(said):
    """Where destroy came to its end, no thread is left that could use a file."""
    assert said["left_open"] == 0 or said["destroy"] != 0, said


def resume(repo, seed):
    """The next process, without faults: it goes on where the other came to its end."""
    patient = ("--set", "close_timeout_ms=30000")  # no fault is left that could take this long
    said = repo.run("--job", 2, "--resumed", 1, *JOB, *patient)
    assert (said["destroy"], said["dropped"], said["lost"]) == (0, 0, 0), said
    expect_equal(repo, seed)
    stats = repo.stats()
    assert (stats["journals.dead"], stats["rows.tails"], stats["rows.journals"]) == (0, 0, 0), stats


def run_cases(faults, seed_names, cases, try_case):
    """`cases`: texts "SEED ..."; calls try_case(faults, seed, repo, text) for each, two at a time.
    Returns the exit code; a failed case can be run alone: its text goes behind the number of the
    seed of chance."""
    chosen = [" ".join(faults.only)] if faults.only else cases
    counts, failed = collections.Counter(), []
    with tempfile.TemporaryDirectory(prefix="aimlog-faults-", dir=SCRATCH) as root:
        seeds = {name: Seed(faults.programs, root, name) for name in seed_names}

        def run_one(number, text):
            with tempfile.TemporaryDirectory(prefix=f"{number}-", dir=root) as place:
                seed = seeds[text.split()[0]]
                return try_case(faults, seed, seed.copy(place, "repo"), text)

        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            runs = [(text, pool.submit(run_one, i, text)) for i, text in enumerate(chosen)]
            for text, run in runs:
                if run.exception() is None:
                    counts[run.result()] += 1
                else:
                    failed.append(text)
                    print(f"FAILED {text}: {run.exception()!r}", flush=True)
    print(f"{len(chosen)} cases:", ", ".join(f"{n} {what}" for what, n in sorted(counts.items())))
    reached = len(failed) + sum(n for what, n in counts.items() if what != "not reached")
    if chosen and reached == 0:
        print("FAILED no case was one: nothing happened to any of them")
        return 1
    return 1 if failed else 0


def command_verdict(ended):
    if ended.note.startswith("none of"):
        return "not reached"
    return "command went on" if ended.code == 0 else "command said why not"


def one_of(tries):
    """A case's words are its seed, who meets the fault, and the fault."""

    def try_case(faults, seed, repo, text):
        _, who, *fault = text.split()
        return tries[who](faults, seed, repo, " ".join(fault))

    return try_case


def count_calls(faults, seed_names, kinds, run):
    """(seed, kind) -> how many calls of that kind there are, by a run in which none is hit."""
    counts = {}
    with tempfile.TemporaryDirectory(prefix="aimlog-faults-", dir=SCRATCH) as root:
        for name in seed_names:
            seed = Seed(faults.programs, root, name)
            for kind in kinds:
                repo = seed.copy(root, f"{name}-{kind}")
                ended = run(faults, repo, f"{kind} 1000000000")
                assert ended.note.startswith("none of "), ended
                counts[(name, kind)] = int(ended.note.split()[-1])
                assert counts[(name, kind)] > 0, f"{name}: there is no call for {kind}"
    return counts


def pick(faults, counts, share, spare=5):
    """Of each kind some numbers of calls, by chance; `share`: how many, and how many in a long run.
    Where that is all, some beyond, as no two runs are quite the same."""
    chance = random.Random(faults.seed)
    share = share[LONG_RUN]
    for (name, kind), count in sorted(counts.items()):
        numbers = list(range(1, count + spare))
        if len(numbers) > share:
            numbers = sorted(chance.sample(numbers, share))
        for number in numbers:
            yield name, kind, number


def main(test):
    faults = Faults(sys.argv[1:])
    print(f"seed {faults.seed}", flush=True)
    sys.exit(test(faults))
