#!/usr/bin/env python3
"""Coverage-guided fuzzing: builds the harnesses of tests/fuzz with libFuzzer and runs them.

Inputs that reach something new are kept in build/fuzz/corpus, findings in build/fuzz/findings, and
each run leaves a line in build/fuzz/ledger.jsonl, until --merge brings inputs and numbers into the
tree. SPDX-License-Identifier: Apache-2.0
"""

import argparse
import concurrent.futures
import dataclasses
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

import fuzz_corpus
import fuzz_ledger

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build/fuzz"
OPTIONS = [
    "-Dlibfuzzer=true",
    "-Db_sanitize=address,undefined",
    "-Db_lundef=false",
    "-Doptimization=1",
    "-Ddebug=false",
    "-Dcpp_args=-g1",
    "-Dc_args=-g1",
    "-Dpython=disabled",
    "-Dhost_example=false",
]
# A hang is a finding, and so is an input of some KB that takes GB of memory.
LIMITS = ["-timeout=20", "-rss_limit_mb=3000", "-malloc_limit_mb=1500", "-max_len=8192"]
# Weighing inputs by their rarest features takes longer than it gains where there are thousands.
WEIGHING = "-entropic=0"
ENVIRONMENT = {
    # Freed memory is kept for a while, but not so long that filling it is most of the work.
    "ASAN_OPTIONS": "strict_string_checks=1:quarantine_size_mb=16:malloc_context_size=8",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
}
DONE = re.compile(r"#\d+\s+DONE\s+cov: (\d+)")
UNITS = re.compile(r"stat::number_of_executed_units:\s*(\d+)")
PROGRESS = re.compile(r"^#(\d+)\s.*?cov: (\d+)", re.MULTILINE)


class Failure(Exception):
    """A step that could not be done; the text says which."""


@dataclasses.dataclass
class Outcome:
    """What one run of one harness did."""

    target: str
    cpu_seconds: float
    executions: int
    edges: int
    findings: int
    text: str


def clang():
    """The C and C++ compilers, with ccache before them where there is one."""
    suffix = "-14" if shutil.which("clang++-14") else ""
    if not shutil.which("clang++" + suffix):
        raise Failure("clang is not installed: libFuzzer is a part of it (Debian: clang-14)")
    cache = "ccache " if shutil.which("ccache") else ""
    return f"{cache}clang{suffix}", f"{cache}clang++{suffix}"


def all_targets():
    names = [path.stem[len("fuzz_") :] for path in sorted((ROOT / "tests/fuzz").glob("fuzz_*.cc"))]
    return [name for name in names if name != "main" and not name.startswith("planted")]


def build(targets, folder=BUILD):
    """Returns the programs by target."""
    if not (folder / "build.ninja").exists():
        c, cpp = clang()
        folder.parent.mkdir(parents=True, exist_ok=True)
        step(["meson", "setup", folder, *OPTIONS], {"CC": c, "CXX": cpp})
    programs = {name: folder / f"tests/fuzz/fuzz_{name}" for name in targets}
    paths = [str(path.relative_to(folder)) for path in programs.values()]
    step(["ninja", "-C", folder, "--quiet", *paths])
    return programs


def step(command, environment=None):
    done = subprocess.run(
        [str(part) for part in command],
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode != 0:
        raise Failure(f"{' '.join(map(str, command[:3]))} failed:\n{done.stdout[-8000:]}")


def seeds(target, folder):
    """Folders of inputs to begin with; the packed ones are unpacked below `folder`."""
    return [fuzz_corpus.unpack(target, folder / "packed" / target), *fuzz_corpus.named(target)]


def memory_folder():
    """A place in memory, where there is room, for the repos that harnesses make: a sync costs
    nothing there."""
    shared = "/dev/shm"
    usable = os.access(shared, os.W_OK)
    room = os.statvfs(shared) if usable else None
    usable = usable and room.f_bavail * room.f_frsize >= 2 << 30
    return tempfile.mkdtemp(prefix="aimlog-fuzz.", dir=shared if usable else None)


def run_program(command, log):
    """Returns its exit code and CPU seconds; what it writes goes to the file `log`."""
    temporary = memory_folder()
    environment = {**os.environ, **ENVIRONMENT, "TMPDIR": temporary}
    try:
        with open(log, "wb") as out:
            process = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=environment,
            )
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return process.returncode, usage.ru_utime + usage.ru_stime


def run(target, program, seconds, folder=BUILD):
    """Fuzzes for so long, or until something is found."""
    for part in ("findings", "logs"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    grown = folder / "corpus" / target
    grown.mkdir(parents=True, exist_ok=True)
    prefix = folder / "findings" / f"{target}-"
    before = set(prefix.parent.glob(f"{target}-*"))
    log = folder / "logs" / f"{target}.log"
    command = [program, f"-max_total_time={seconds}", f"-artifact_prefix={prefix}", WEIGHING]
    command += LIMITS
    code, cpu = run_program([*command, "-print_final_stats=1", grown, *seeds(target, folder)], log)
    text = log.read_text(errors="replace")
    progress = PROGRESS.findall(text) or [("0", "0")]
    units = UNITS.search(text)
    done = DONE.search(text)
    kept = sorted(set(prefix.parent.glob(f"{target}-*")) - before)
    failed = code != 0 and "run interrupted" not in text
    outcome = Outcome(
        target,
        round(cpu, 1),
        int(units[1]) if units else int(progress[-1][0]),
        int(done[1]) if done else int(progress[-1][1]),
        len(kept) if kept else int(failed),
        text if failed else "",
    )
    with open(folder / "ledger.jsonl", "a") as ledger:
        line = {**dataclasses.asdict(outcome), "when": int(time.time())}
        line.pop("text")
        ledger.write(json.dumps(line) + "\n")
    return outcome


def fuzz(targets, seconds, jobs):
    """Runs each target; returns the outcomes. What was found is told at once."""
    return run_while(targets, seconds, jobs, lambda ran: [n for n in targets if n not in ran])


def fuzz_evenly(targets, seconds, jobs, goal, deadline):
    """Runs what has had the least CPU time over all runs so far, until each has had `goal` seconds
    or `deadline` (time.monotonic) is near. A target with a finding is left alone from then on."""

    def due(ran):
        if time.monotonic() + seconds > deadline:
            return []
        totals = fuzz_ledger.add_up(fuzz_ledger.read_totals(), read_ledger())  # with these runs
        spent = {name: totals.get(name, {}).get("cpu_seconds", 0) for name in targets}
        found = {name for name in ran if any(each.findings for each in ran[name])}
        return sorted((n for n in targets if spent[n] < goal and n not in found), key=spent.get)

    return run_while(targets, seconds, jobs, due)


def run_while(targets, seconds, jobs, due):
    """Runs the first of due({target: outcomes so far}) that does not run yet, until none is due."""
    programs = build(targets)
    ran, running = {}, {}
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        while True:
            waiting = [name for name in due(ran) if name not in running.values()]
            for name in waiting[: jobs - len(running)]:
                running[pool.submit(run, name, programs[name], seconds)] = name
            if not running:
                return [each for outcomes in ran.values() for each in outcomes]
            ended, _ = concurrent.futures.wait(running, return_when="FIRST_COMPLETED")
            for future in ended:
                outcome = future.result()
                ran.setdefault(running.pop(future), []).append(outcome)
                tell(outcome)


def tell(outcome):
    spent = f"{outcome.cpu_seconds:.0f} CPU seconds, {outcome.executions:,} executions"
    now = time.strftime("%H:%M")
    print(f"{now} {outcome.target}: {spent}, {outcome.edges:,} edges", flush=True)
    if outcome.findings:
        print(f"{outcome.target}: a finding, kept in {BUILD}/findings")
        print(outcome.text[-6000:], flush=True)


def print_outcomes(outcomes):
    fuzz_ledger.print_table(fuzz_ledger.add_up({}, map(dataclasses.asdict, outcomes)))


def merge(targets):
    """Makes the packs anew: what of all inputs reaches something that the smaller ones do not."""
    programs = build(targets)
    for name in targets:
        for part in ("findings", "logs"):
            (BUILD / part).mkdir(exist_ok=True)
        log = BUILD / "logs" / f"{name}.merge.log"
        with tempfile.TemporaryDirectory(prefix="aimlog-fuzz.") as chosen:
            first = fuzz_corpus.named(name)
            grown = BUILD / "corpus" / name
            more = [folder for folder in (grown, *seeds(name, BUILD)) if folder.is_dir()]
            command = [programs[name], "-set_cover_merge=1", *LIMITS]
            # Else an input that ends the harness would be left in the tree.
            command += [f"-artifact_prefix={BUILD}/findings/{name}-", chosen, *more]
            code, _ = run_program(command, log)
            if code != 0:
                text = log.read_text(errors="replace")
                raise Failure(f"the merge of {name} failed: {text[-3000:]}")
            count, size = fuzz_corpus.pack(name, pathlib.Path(chosen))
        named = sum(1 for folder in first for _ in folder.iterdir())
        print(f"{name}: {count} packed inputs, {size:,} bytes, and {named} with names", flush=True)


def read_ledger():
    """The runs of this checkout that --merge has not yet brought into the tree."""
    ledger = BUILD / "ledger.jsonl"
    return [json.loads(line) for line in ledger.read_text().splitlines()] if ledger.exists() else []


def fuzz_as_asked(targets, options):
    if options.goal is None:
        return fuzz(targets, options.seconds, options.jobs)
    deadline = time.monotonic() + 60 * options.minutes
    return fuzz_evenly(targets, options.seconds, options.jobs, options.goal, deadline)


def main():
    parser = argparse.ArgumentParser(prog="./do fuzz")
    parser.add_argument("target", nargs="*", help="harnesses; default: all")
    parser.add_argument("--seconds", type=int, default=60, help="for each (60)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="at a time")
    parser.add_argument("--goal", type=float, metavar="S", help="until each has had S CPU seconds")
    parser.add_argument("--minutes", type=float, default=60, help="of --goal, at most (60)")
    parser.add_argument("--merge", action="store_true", help="into tests/fuzz")
    parser.add_argument("--ledger", action="store_true", help="what all runs so far came to")
    options = parser.parse_args()
    targets = options.target or all_targets()
    for name in targets:
        if name not in all_targets():
            parser.error(f"no target {name}; there are: {' '.join(all_targets())}")
    try:
        if options.ledger:
            totals = fuzz_ledger.add_up(fuzz_ledger.read_totals(), read_ledger())
            fuzz_ledger.print_table(totals)
        elif options.merge:
            merge(targets)
            fuzz_ledger.keep(read_ledger())
            (BUILD / "ledger.jsonl").unlink(missing_ok=True)
        else:
            outcomes = fuzz_as_asked(targets, options)
            print_outcomes(outcomes)
            return 1 if any(each.findings for each in outcomes) else 0
    except Failure as failure:
        print(f"error: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
