# SPDX-License-Identifier: Apache-2.0
"""What a soak judges: whether a process stays as small as it was, and whether a copy that was made
meanwhile holds, of each process, the first that it was told."""

import collections
import os
import statistics
import threading
import time

from crash_support import ACKNOWLEDGED, NOT_DURABLE, REFUSED, RESULT, results_of

# What an allocator may do in a while without losing anything.
MEMORY_SLACK = 1 << 20

Sample = collections.namedtuple("Sample", "memory descriptors")


def sample(pid):
    """Memory of its own, without pages of files, and open descriptors; None where it is gone."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            lines = dict(line.split(":", 1) for line in file)
        return Sample(
            int(lines["RssAnon"].split()[0]) * 1024, len(os.listdir(f"/proc/{pid}/fd"))
        )
    except (FileNotFoundError, ProcessLookupError, KeyError):
        return None


class Watch(threading.Thread):
    """Takes samples of a process until it is told to stop."""

    def __init__(self, pid, every):
        super().__init__()
        self.pid, self.every = pid, every
        self.samples = []
        self.over = threading.Event()

    def run(self):
        while not self.over.wait(self.every):
            taken = sample(self.pid)
            if taken:
                self.samples.append(taken)

    def stop(self):
        self.over.set()
        self.join()
        return self.samples


def growth(samples):
    """What is wrong with these samples, as texts: the last third is compared with the first, which
    begins when a process has what it needs."""
    samples = samples[len(samples) // 10 :]
    third = len(samples) // 3
    if third < 3:
        return [f"{len(samples)} samples are too few"]
    first, last = samples[:third], samples[-third:]
    wrong = []
    before, after = (statistics.median(s.memory for s in part) for part in (first, last))
    if after > before + MEMORY_SLACK:
        wrong.append(f"memory grew from {before / 1e6:.1f} MB to {after / 1e6:.1f} MB")
    # A look of a reader holds some for a moment, so the fewest of many looks are compared.
    before, after = (min(s.descriptors for s in part) for part in (first, last))
    if after > before:
        wrong.append(f"descriptors grew from {before} to {after}")
    return wrong


def tell(name, samples):
    third = max(1, len(samples) // 3)
    parts = [samples[at : at + third] for at in (0, third, 2 * third)]
    memory = [f"{statistics.median(s.memory for s in part) / 1e6:.2f}" for part in parts]
    descriptors = [f"{statistics.median(s.descriptors for s in part):.0f}" for part in parts]
    print(f"{name}: {', '.join(memory)} MB; {', '.join(descriptors)} descriptors", flush=True)


def wrong_with_copy(runs, records, durable):
    """`durable`: those of the records that were to be durable when the copy began. Of all else that
    a process was told the copy holds the first results and lacks the others."""
    wrong = []
    seen = collections.Counter(key for run in runs for key in results_of(run, wrong))
    wrong += [f"{key} is there {count} times" for key, count in seen.items() if count > 1]
    told, ended = set(), {}
    for record in records:
        if record.kind != RESULT:
            continue
        key = key_of(record)
        told.add(key)
        process = (record.job, record.process)
        if record.answer == REFUSED:
            if key in seen:
                wrong.append(f"{key} was refused and is there")
        elif key not in seen:
            ended.setdefault(process, key)
        elif process in ended:
            wrong.append(f"{key} is there and {ended[process]} is not, which was told before")
    wrong += [f"{key} was never told" for key in seen if key not in told]
    for record in durable:
        if record.kind == RESULT and record.answer == ACKNOWLEDGED and key_of(record) not in seen:
            wrong.append(f"{key_of(record)} was durable and is missing")
    return wrong


def key_of(record):
    return (record.job, record.trial, record.attempt, record.step, record.value)


def hook_times(records):
    """Milliseconds: median, 99th percentile, longest."""
    times = sorted(r.took_ns / 1e6 for r in records if r.answer in (ACKNOWLEDGED, NOT_DURABLE, 2))
    return times[len(times) // 2], times[len(times) * 99 // 100], times[-1]


class Deadline:
    """How long something goes on, and who asks waits at most so long."""

    def __init__(self, seconds):
        self.until = time.monotonic() + seconds
        self.stopped = threading.Event()

    def over(self):
        return self.stopped.is_set() or time.monotonic() >= self.until

    def wait(self, seconds):
        """True where it is over."""
        return self.stopped.wait(max(0, min(seconds, self.until - time.monotonic()))) or self.over()
