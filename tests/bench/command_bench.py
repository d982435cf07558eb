#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the command takes, from its start to its end, as the repo grows: whole processes, in turns
with one that only starts (`aimlog version`). Then the plugin's create and destroy, and the first
command after a host was killed with a full journal.

usage: command_bench.py --command AIMLOG --plugin LIBRARY --fill FILL_REPO [--quick] [--json]

The repos are filled by fill_repo; a run has 3 results of 5 metrics unless its line says otherwise.
"""

import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
import zlib

import aimlog
from aimlog.host import Plugin
from bench_report import Report, arguments

BEST = ["best", "--metric", "train/loss", "--mode", "min"]
COMMANDS = {
    "ls": ["ls"],
    "ls --limit 20": ["ls", "--limit", "20"],
    "best": BEST,
    "get": ["get", "last", "train/loss"],
    "get --steps": ["get", "last", "train/loss", "--steps", "2:3"],
    "stats": ["stats"],
    "exps": ["exps"],
}
FLOOR = "aimlog version"
JOURNAL_MIB = 64


def milliseconds(words):
    """From start to end, and what of it the process had a core, system calls included: on a busy
    machine only the second says what the command costs."""
    begin = time.perf_counter()
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    passed = time.perf_counter() - begin
    if process.returncode != 0:
        raise SystemExit(f"{words} ended with {process.returncode}")
    return passed * 1e3, (used.ru_utime + used.ru_stime) * 1e3


class Stopwatch:
    def __init__(self):
        self.begin = time.perf_counter()

    def milliseconds(self):
        """Since it was made or last asked."""
        begin, self.begin = self.begin, time.perf_counter()
        return (self.begin - begin) * 1e3


def synced_write(path):
    with open(path, "wb", buffering=0) as file:
        file.write(bytes(4096))
        os.fdatasync(file)


class Bench:
    def __init__(self, options, report, folder):
        self.options = options
        self.report = report
        self.folder = folder

    def fill(self, name, *words):
        directory = self.folder / name
        begin = time.perf_counter()
        fill = [self.options.fill, self.options.plugin, directory]
        done = subprocess.run([*fill, *words], check=False)  # it may be killed as it should
        print(f"{name} filled in {time.perf_counter() - begin:.1f} s", file=sys.stderr)
        return directory, done.returncode

    def filled(self, runs, results, metrics):
        directory, status = self.fill(f"{runs}x{metrics}", str(runs), str(results), str(metrics))
        if status != 0:
            raise SystemExit(f"fill_repo ended with {status}")
        return directory

    def commands(self, runs, rounds, metrics=5, names=tuple(COMMANDS)):
        directory = self.filled(runs, 3, metrics)
        aimlog = self.options.command
        spent = {name: [] for name in (FLOOR, *names)}
        for _ in range(rounds + 1):  # the first finds nothing in the caches, and is not counted
            spent[FLOOR].append(milliseconds([aimlog, "version"]))
            for name in names:
                words = [aimlog, *COMMANDS[name], "--repo", str(directory)]
                spent[name].append(milliseconds(words))
        middle = {
            name: [statistics.median(column) for column in zip(*times[1:], strict=True)]
            for name, times in spent.items()
        }
        size = f"{runs:,} runs" + (f" of {metrics} metrics" if metrics != 5 else "")
        for kind, suffix in enumerate(("", ", time on a core")):
            for name in names:
                ours, floor = middle[name][kind], middle[FLOOR][kind]
                self.report.add(f"{name}, {size}{suffix}", ours, "ms", FLOOR, floor)
        self.plugin_life(directory, size, middle[FLOOR][0])

    def plugin_life(self, directory, size, floor):
        spent = {"created": [], "destroyed": [], "found": [], "synced": []}
        for _ in range(11):
            timed = Stopwatch()
            plugin = Plugin(self.options.plugin, config_text="repo: .", base_dir=str(directory))
            spent["created"].append(timed.milliseconds())
            plugin.close()
            spent["destroyed"].append(timed.milliseconds())
            with aimlog.open(directory) as repo:
                found = repo["last"].status
            spent["found"].append(timed.milliseconds())
            if not found:
                raise SystemExit(f"no run was found in {directory}")
            synced_write(self.folder / "page")
            spent["synced"].append(timed.milliseconds())
        middle = {name: statistics.median(times) for name, times in spent.items()}
        for word in ("created", "destroyed"):
            self.report.add(f"plugin {word}, {size}", middle[word], "ms", FLOOR, floor)
            name = "a synced write of a page"
            self.report.add(f"plugin {word}, {size}", middle[word], "ms", name, middle["synced"])
        name = f"repo opened and a run found, {size}"
        self.report.add(name, middle["found"], "ms", FLOOR, floor)

    def replay(self, rounds):
        spent, floors = [], []
        for number in range(rounds):
            directory, _ = self.fill(
                f"killed{number}", "100", "3", "20", "--dead-journal", str(JOURNAL_MIB)
            )
            (ring,) = (directory / ".aimlog/journals").glob("*.ring")
            floors.append(checked_read_ms(ring, JOURNAL_MIB))
            words = [self.options.command, "ls", "--limit", "1", "--repo", str(directory)]
            timed = Stopwatch()
            done = subprocess.run(words, capture_output=True, text=True, check=True)
            spent.append(timed.milliseconds())
            if "replayed" not in done.stderr:
                raise SystemExit(f"nothing was replayed: {done.stderr}")
            print(done.stderr.strip(), file=sys.stderr)
        name = f"first ls after kill -9 with {JOURNAL_MIB} MiB of journal"
        self.report.add(
            name, statistics.median(spent), "ms", "reading it with CRC", statistics.median(floors)
        )


def checked_read_ms(path, mib):
    timed = Stopwatch()
    crc = 0
    with open(path, "rb") as file:
        for _ in range(mib):
            crc = zlib.crc32(file.read(1 << 20), crc)
    return timed.milliseconds()


def main():
    options = arguments(__doc__, "--command", "--plugin", "--fill").parse_args()
    report = Report(options.json)
    with tempfile.TemporaryDirectory(prefix="aimlog-bench-") as name:
        bench = Bench(options, report, pathlib.Path(name))
        for runs in (100, 1000) if options.quick else (100, 1000, 10_000, 100_000):
            bench.commands(runs, 5 if runs > 10_000 else 9)
        if not options.quick:
            bench.commands(10_000, 9, 20, ("ls", "ls --limit 20", "best"))
        bench.replay(1 if options.quick else 3)


if __name__ == "__main__":
    main()
