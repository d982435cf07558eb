#!/usr/bin/env python3
"""Builds and runs the tests: plain, then under ASan + UBSan, then the threaded ones under TSan.

Prints the time of each suite, what was not run, and ends with `N passed, N failed`. A skipped test
counts as failed: what was not run was not shown. What a test says that it could not do on this
machine ("not run: ...") is listed; in a long run it is a failure, unless it is allowed.
SPDX-License-Identifier: Apache-2.0
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
SUITES = ["unit", "abi", "record", "crash", "cli", "python", "aim", "tidy", "fuzz"]
GOOD = ("OK", "EXPECTEDFAIL")

# The command, CLI11 and json would take minutes to compile again, and are no test of the plugin, so
# these builds borrow that of the plain build. Long runs have a build of its own for it.
COMMAND = ROOT / "build/debug/cli/aimlog"
WITHOUT_COMMAND = ["-Dcli=false", f"-Duse_command={COMMAND}"]
COMMAND_ALONE = ["-Daim=enabled", "-Dpython=disabled", "-Dhost_example=false"]

# Enough to name lines. With -O2 -g the plain build takes nearly twice as long, and with any
# optimization a sanitized test program a minute longer.
LINES_ONLY = ["-Ddebug=false", "-Dcpp_args=-g1", "-Dc_args=-g1"]
# The package and the exports are tested with what ./do has installed.
PYTHON = ["-Daim=enabled", "-Dpython=enabled", f"-Dtest_python={ROOT}/build/venv/bin/python"]
PLAIN = ["-Doptimization=1", *LINES_ONLY, *PYTHON]
FAST_TO_BUILD = ["-Doptimization=0", *LINES_ONLY]

# A pass is one build of the project and the suites that run in it, of which it builds only what
# its tests need.
PASSES = {
    "plain": {"dir": "build/debug", "suites": SUITES, "options": PLAIN},
    "asan": {
        "dir": "build/asan",
        "suites": ["unit", "abi", "record", "crash", "fuzz"],
        "options": ["-Db_sanitize=address,undefined", *WITHOUT_COMMAND, *FAST_TO_BUILD],
    },
    "tsan": {
        "dir": "build/tsan",
        "suites": ["tsan"],
        "options": ["-Db_sanitize=thread", *WITHOUT_COMMAND, *FAST_TO_BUILD],
    },
    "command": {
        "dir": "build/asan-command",
        "suites": ["cli"],
        "options": ["-Db_sanitize=address,undefined", *COMMAND_ALONE, *FAST_TO_BUILD],
        "long": True,  # only with --long, or where it is named
    },
}

SANITIZED = [name for name in PASSES if name != "plain"]
SANITIZER_ENVIRONMENT = {
    "ASAN_OPTIONS": "halt_on_error=1:abort_on_error=1:strict_string_checks=1",
    "UBSAN_OPTIONS": "halt_on_error=1:abort_on_error=1:print_stacktrace=1",
    "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1",
}


class Failure(Exception):
    """A step that could not be done; the text says which."""


def run(command, **kwargs):
    return subprocess.run([str(part) for part in command], cwd=ROOT, **kwargs)


def configure(build, options):
    if (ROOT / build / "build.ninja").exists():
        return
    done = run(["meson", "setup", build, *options], capture_output=True, text=True)
    if done.returncode != 0:
        raise Failure(f"meson setup {build} failed:\n{done.stdout[-4000:]}{done.stderr}")


def ninja(build, *targets):
    done = run(["ninja", "-C", build, "--quiet", *targets], stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise Failure(f"the build in {build} failed:\n{done.stdout[-20000:]}")


def tests_of(build, suites):
    """Meson's description of the tests of these suites."""
    known = json.loads((ROOT / build / "meson-info/intro-tests.json").read_text())
    wanted = {f"aimlog:{suite}" for suite in suites}
    return [test for test in known if wanted & set(test["suite"])]


def build_for(build, tests):
    """Builds the programs that these tests name, and nothing else."""
    targets = json.loads((ROOT / build / "meson-info/intro-targets.json").read_text())
    needed = {name for test in tests for name in test["depends"]}
    folder = ROOT / build
    files = [
        str(pathlib.Path(file).relative_to(folder))
        for target in targets
        if target["id"] in needed
        for file in target["filename"]
    ]
    if files:
        ninja(build, *files)


def without_randomized_addresses():
    """A prefix: sanitizers of this age need the classic address layout, where it may be had."""
    command = ["setarch", os.uname().machine, "-R"]
    if not shutil.which("setarch"):
        return []
    allowed = subprocess.run([*command, "true"], capture_output=True).returncode == 0
    return command if allowed else []


def run_tests(build, suites, sanitized, long):
    environment = dict(os.environ)
    if long:
        environment["AIMLOG_LONG"] = "1"
    prefix = []
    if sanitized:
        environment.update(SANITIZER_ENVIRONMENT)
        prefix = without_randomized_addresses()
    command = [*prefix, "meson", "test", "-C", build, "--no-rebuild", "--print-errorlogs"]
    command += ["--timeout-multiplier", "10" if long else "8" if sanitized else "4"]
    for suite in suites:
        command += ["--suite", f"aimlog:{suite}"]
    log = ROOT / build / "meson-logs/testlog.json"
    log.unlink(missing_ok=True)
    run(command, env=environment)
    if not log.exists():
        raise Failure(f"meson test wrote no log in {build}")
    return [json.loads(line) for line in log.read_text().splitlines()]


def count(results, tests, suites, strict):
    """Per suite: seconds, passed, failed. A test of two suites counts in the first. `strict`: one
    that could not do everything has failed."""
    suites_of = {
        test["name"]: [suite.replace("aimlog:", "") for suite in test["suite"]] for test in tests
    }
    table = {suite: [0.0, 0, 0] for suite in suites}
    for result in results:
        # Meson's log calls a test "aimlog:unit+tsan / name", or just "name" where all are alike.
        prefix, slash, _ = result["name"].partition(" / ")
        own = prefix.replace("aimlog:", "").split("+") if slash else suites_of[prefix]
        suite = next(suite for suite in suites if suite in own)
        table[suite][0] += result["duration"]
        good = result["result"] in GOOD and not (strict and not_run(result))
        table[suite][1 if good else 2] += 1
    return table


def not_run(result):
    """What a test says that this machine did not let it do, or what is not installed."""
    lines = result.get("stdout", "").splitlines()
    return [f"{result['name']}: {line}" for line in lines if line.startswith("not run:")]


def run_pass(name, suites, options):
    """One build and its tests; returns rows of (pass, suite, seconds, passed, failed), and what was
    not run."""
    settings = PASSES[name]
    build = settings["dir"]
    started = time.monotonic()
    if WITHOUT_COMMAND[0] in settings["options"]:
        configure(PASSES["plain"]["dir"], PLAIN)
        ninja(PASSES["plain"]["dir"], "cli/aimlog")
    configure(build, settings["options"])
    ninja(build, "build.ninja")  # takes in changed build files
    tests = tests_of(build, suites)
    build_for(build, tests)
    built = time.monotonic()
    print(f"== {name}: built in {built - started:.0f} s", flush=True)
    results = run_tests(build, suites, name != "plain", options.long)
    table = count(results, tests, suites, options.long and not options.allow_not_run)
    lacking = [f"{name}: {line}" for result in results for line in not_run(result)]
    print(f"== {name}: ran in {time.monotonic() - built:.0f} s", flush=True)
    rows = []
    for suite, (seconds, passed, failed) in table.items():
        if passed + failed == 0:
            print(f"error: the suite {suite} has no test in {build}", file=sys.stderr)
            failed = 1
        rows.append((name, suite, seconds, passed, failed))
    return rows, lacking


def selected(names, long):
    """Passes and their suites for what was asked; everything if nothing was."""
    if not names:
        passes = {name: each for name, each in PASSES.items() if long or not each.get("long")}
        return {name: each["suites"] for name, each in passes.items()}
    chosen = {}
    plain = [suite for suite in SUITES if suite in names]
    if plain:
        chosen["plain"] = plain
    for name in PASSES:
        if name in names:
            chosen[name] = PASSES[name]["suites"]
    return chosen


def main():
    parser = argparse.ArgumentParser(prog="./do test")
    parser.add_argument("--long", action="store_true", help="longer loops, more files")
    parser.add_argument(
        "--allow-not-run",
        action="store_true",
        help="with --long: what this machine does not let a test do is no failure",
    )
    parser.add_argument("suite", nargs="*", help=" ".join([*SUITES, *SANITIZED]))
    options = parser.parse_args()
    for name in options.suite:
        if name not in [*SUITES, *SANITIZED]:
            parser.error(f"no suite {name}")
    started = time.monotonic()
    rows, lacking = [], []
    broken = 0
    for name, suites in selected(options.suite, options.long).items():
        try:
            more_rows, more_lacking = run_pass(name, suites, options)
            rows += more_rows
            lacking += more_lacking
        except Failure as failure:
            print(f"error: {failure}", file=sys.stderr)
            broken += 1
    print(f"\n{'build':8}{'suite':8}{'seconds':>9}{'passed':>8}{'failed':>8}")
    for name, suite, seconds, passed, failed in rows:
        print(f"{name:8}{suite:8}{seconds:9.1f}{passed:8}{failed:8}")
    passed = sum(row[3] for row in rows)
    failed = sum(row[4] for row in rows) + broken
    print(f"{time.monotonic() - started:.0f} s in all")
    for line in lacking:
        print(line)
    print(f"{len(lacking)} checks not run")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
