# SPDX-License-Identifier: Apache-2.0
"""What the crash tests share: the programs, the list of acknowledged results, and the comparison
of that list with what the repo shows."""

import atexit
import collections
import json
import mmap
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time

SETUP, START, RESULT, COMPLETE = 1, 2, 3, 4
NOT_ANSWERED, ACKNOWLEDGED, REFUSED, NOT_DURABLE = 0, 1, 2, 3



def memory_with_room(path="/dev/shm", room_min=2 << 30):
    """That place, or None where it is not to be had or small: containers often have 64 MB of it."""
    if not os.access(path, os.W_OK):
        return None
    room = os.statvfs(path)
    return path if room.f_bavail * room.f_frsize >= room_min else None


# In memory where that is possible: the tests kill processes, not machines.
SCRATCH = memory_with_room()
LONG = max(1, int(os.environ.get("AIMLOG_LONG", "0") or "0") * 5)

Record = collections.namedtuple(
    "Record",
    "kind answer job process trial attempt step value took_ns status durable_events block_entries "
    "answered_ms",
)


class Programs:
    """The files under test, from the command line."""

    def __init__(self, arguments):
        names = ("host", "plugin", "command", "tuner")
        for name, path in zip(names, arguments):
            setattr(self, name, os.path.abspath(path))


class Repo:
    """A directory with a repo, a list of acknowledged results, and a saved state."""

    def __init__(self, programs, root, name="repo"):
        self.programs = programs
        self.path = os.path.join(root, name)
        self.acks = self.path + ".acks"
        self.state = self.path + ".state"

    def host_words(self, *options, acks=None):
        words = [self.programs.host, "--plugin", self.programs.plugin, "--repo", self.path]
        return words + ["--acks", acks or self.acks, *map(str, options)]

    def start(self, *options, acks=None):
        return subprocess.Popen(
            self.host_words(*options, acks=acks),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *options, acks=None):
        """A job to its end in order: its line of JSON."""
        process = self.start(*options, acks=acks)
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, (process.returncode, out, err)
        return json.loads(out)

    def start_command(self, *words):
        line = [self.programs.command, words[0], "--repo", self.path, *words[1:]]
        return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def command(self, *words):
        done = subprocess.run(
            [self.programs.command, words[0], "--repo", self.path, *words[1:]],
            capture_output=True,
            text=True,
            timeout=600,  # of a large repo on a busy machine it takes minutes
            env={"PATH": os.environ["PATH"], "TZ": "UTC"},
        )
        # 3: nothing matched, a repo without a run
        assert done.returncode in (0, 3), (words, done.returncode, done.stderr)
        return done.stdout

    def statuses(self):
        text = self.command("ls", "--json")
        return {row["trial"]: row["status"] for row in json.loads(text)} if text.strip() else {}

    def runs(self, points=True):
        """Every run with every point, as `aimlog show` tells it."""
        text = self.command("show", "--all", "--json", "--types", *(["--points"] if points else []))
        return [json.loads(line) for line in text.splitlines()]

    def stats(self):
        return json.loads(self.command("stats", "--json"))

    def records(self):
        return read_acks(self.acks)

    def records_of(self, job):
        return read_acks(f"{self.acks}{job}")


def waits(**short):
    """Settings for a host: the waits that a test is about. All others get a minute, far beyond the
    slack that a busy machine is given: one who goes by another's bound is seen, although those that
    are stated are short."""
    bounds = {"full_wait_ms": 60000, "close_timeout_ms": 60000, "always_wait_ms": 60000} | short
    return tuple(word for name, ms in bounds.items() for word in ("--set", f"{name}={ms}"))


def preloadable(library):
    """A name for LD_PRELOAD, which takes spaces and colons for the ends of names: a checkout may
    have them in its path. A link, as a program may not be loaded from /dev/shm everywhere."""
    folder = tempfile.mkdtemp(prefix="aimlog-preload-", dir=SCRATCH)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    link = os.path.join(folder, "library.so")
    os.symlink(os.path.abspath(library), link)
    return link


def run_instances(host, *words):
    """What instances_host sees, as pairs."""
    done = subprocess.run([host, *words], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, ""), (done.returncode, done.stdout, done.stderr)
    return [line.split(": ", 1) for line in done.stdout.splitlines()]


def read_acks(path):
    if count_acks(path) == 0:  # killed before it made the file
        return []
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as memory:
        magic, version, size, count = struct.unpack_from("<8sIIQ", memory, 0)
        assert (magic, version, size) == (b"CRASHACK", 1, 64)
        layout = struct.Struct("<IIIIIIqQQiIII")
        return [Record(*layout.unpack_from(memory, 64 + 64 * i)) for i in range(count)]


def count_acks(path):
    try:
        with open(path, "rb") as file:
            head = file.read(24)
    except FileNotFoundError:
        return 0
    return struct.unpack_from("<Q", head, 16)[0] if len(head) == 24 else 0


def child_of(path):
    with open(path, "rb") as file:
        return struct.unpack_from("<i", file.read(32), 28)[0]


def wait_until(condition, what, seconds=120):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long until " + what
        time.sleep(0.002)


def double_bits(number):
    return struct.unpack("<Q", struct.pack("<d", number))[0]


def series(run, name):
    for metric in run["metrics"]:
        if metric["name"] == name:
            return metric["points"]
    return []


def trial_of(run):
    job = int(run["job"]["experiment_dir"].removeprefix("job-"))
    return job, int(run["trial_id"].removeprefix("trial-"))


def results_of(run, wrong):
    """Each result of a run, as its host knows it; what does not fit goes to `wrong`."""
    job, trial = trial_of(run)
    host_attempts = [attempt["host_attempt"] for attempt in run["attempts"]]
    values, losses = series(run, "value"), series(run, "loss")
    if len(values) != len(losses):
        wrong.append(f"job {job} trial {trial}: {len(values)} values, {len(losses)} losses")
    for value, loss in zip(values, losses):
        number = value["value"]["value"]
        attempt = host_attempts[value["attempt"] - 1]
        if int(loss["value"]["bits"], 16) != double_bits(1.0 / number):
            wrong.append(f"job {job} trial {trial}: loss beside value {number} is another's")
        yield job, trial, attempt, value["step"], number


def compare(runs, records, lost_allowed=False):
    """What is wrong with the runs, as texts: acknowledged things that are missing or doubled, or
    things that nobody said. What was begun when the process died may be there or not."""
    wrong = []
    told = {}
    starts = collections.defaultdict(list)
    for record in records:
        if record.kind == RESULT:
            told[(record.job, record.trial, record.attempt, record.step, record.value)] = record
        elif record.kind == START:
            starts[(record.job, record.trial)].append(record)
    seen = collections.Counter()
    trials = collections.Counter()
    for run in runs:
        job, trial = trial_of(run)
        trials[(job, trial)] += 1
        host_attempts = [attempt["host_attempt"] for attempt in run["attempts"]]
        wrong += compare_attempts(job, trial, host_attempts, starts[(job, trial)])
        seen.update(results_of(run, wrong))
    wrong += [f"{key} is there {count} times" for key, count in seen.items() if count > 1]
    wrong += [f"run of {key} is there {count} times" for key, count in trials.items() if count > 1]
    for key, record in told.items():
        if record.answer in (ACKNOWLEDGED, NOT_DURABLE) and not lost_allowed and key not in seen:
            wrong.append(f"{key} was acknowledged and is missing")
        if record.answer == REFUSED and key in seen:
            wrong.append(f"{key} was refused and is there")
    wrong += [f"{key} was never told" for key in seen if key not in told]
    for key, begun in starts.items():
        if trials[key] == 0 and any(r.answer == ACKNOWLEDGED for r in begun):
            wrong.append(f"trial {key} was started and has no run")
    return wrong


def compare_attempts(job, trial, host_attempts, starts):
    begun = [r.attempt for r in starts]
    acknowledged = [r.attempt for r in starts if r.answer in (ACKNOWLEDGED, NOT_DURABLE)]
    if host_attempts != sorted(set(host_attempts)):
        return [f"job {job} trial {trial}: attempts {host_attempts} are out of order"]
    if not set(acknowledged) <= set(host_attempts) <= set(begun):
        return [f"job {job} trial {trial}: attempts {host_attempts}, begun were {begun}"]
    return []


def expected_statuses(records):
    """(job, trial) -> the statuses that a run may have after its writer died."""
    expected = {}
    for record in records:
        if record.kind == SETUP or record.answer == REFUSED:
            continue
        key = (record.job, record.trial)
        if record.kind == COMPLETE:
            answered = record.answer == ACKNOWLEDGED
            expected[key] = {"completed"} if answered else {"completed", "crashed"}
        elif record.answer == ACKNOWLEDGED:
            expected[key] = {"crashed"}
        else:
            expected[key] = expected.get(key, set()) | {"crashed", "pending"}
    return expected


def run_tests(tests, chosen):
    """Calls each test with an empty directory. Exit code 1 if one fails."""
    failed = 0
    for test in tests:
        if chosen and test.__name__ not in chosen:
            continue
        began = time.monotonic()
        try:
            with tempfile.TemporaryDirectory(prefix="aimlog-crash-", dir=SCRATCH) as root:
                test(root)
            word = "ok"
        except Exception as error:  # the next test says more
            import traceback

            traceback.print_exc(file=sys.stdout)
            word, failed = f"FAILED: {error}", failed + 1
        print(f"{test.__name__}: {word} ({time.monotonic() - began:.1f} s)", flush=True)
    return 1 if failed else 0
