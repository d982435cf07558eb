#!/usr/bin/env python3
"""Runs clang-tidy with the checks of .clang-tidy, each of which has its reason there.

usage: check_clang_tidy.py BUILD_FOLDER [--all]
By default only the layers with threads and with the C border; with --all, or AIMLOG_LONG set,
every source file of the plugin, the command, the example tuner and the benchmarks.
SPDX-License-Identifier: Apache-2.0
"""

import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import project
from project import Fault

RULES = {
    "clang-tidy": "a mistake that clang-tidy finds",
    "clang-tidy-reason": "a check of .clang-tidy without its reason",
}
EXCEPTIONS = {}

ALWAYS = ("plugin/journal/", "plugin/commit/", "plugin/adapter/")
ALL = ("plugin/", "cli/", "host-example/", "tests/bench/")
# Flags of gcc that clang refuses.
FOREIGN_FLAGS = {"-fno-gnu-unique", "-Wno-restrict"}
WARNING = re.compile(r"^(/[^:]+):(\d+):\d+: (?:warning|error): (.*)$")


def check_reasons(project_):
    text = project_.text(".clang-tidy") if ".clang-tidy" in project_.files else ""
    reasons = set(re.findall(r"^# ([\w.-]+): \S", text, re.MULTILINE))
    checks = re.search(r"^Checks: >-\n((?:  .*\n)+)", text, re.MULTILINE)
    for name in re.findall(r"[\w.-]+", checks[1] if checks else ""):
        if name != "-" and name not in reasons:
            yield Fault("clang-tidy-reason", ".clang-tidy", 1, f"no reason for {name}", name)


def commands_for_clang(build):
    """The build's commands without what clang refuses, and with whole paths."""
    commands = json.loads((pathlib.Path(build) / "compile_commands.json").read_text())
    for entry in commands:
        short = entry["file"]
        entry["file"] = str(pathlib.Path(entry["directory"], short).resolve())
        words = [word for word in entry["command"].split(" ") if word not in FOREIGN_FLAGS]
        entry["command"] = " ".join(entry["file"] if word == short else word for word in words)
    return commands


def tidy_file(root, commands_folder, path):
    program = shutil.which("clang-tidy-14") or shutil.which("clang-tidy")
    if program is None:
        raise SystemExit("clang-tidy is not installed; ./do test installs it")
    command = [program, "--quiet", f"--config-file={root}/.clang-tidy", "-p", commands_folder]
    done = subprocess.run([*command, f"{root}/{path}"], capture_output=True, text=True)
    faults = set()
    for line in done.stdout.splitlines():
        match = WARNING.match(line)
        if match:
            file = os.path.relpath(match[1], root)
            faults.add(Fault("clang-tidy", file, int(match[2]), match[3]))
    if done.returncode != 0 and not faults:
        faults.add(Fault("clang-tidy", path, 1, done.stderr.strip()[-300:]))
    return faults


def check(project_, build=None, folders=ALL):
    faults = set(check_reasons(project_))
    if build is None:
        return sorted(faults, key=str)
    root = project_.root.resolve()
    commands = commands_for_clang(build)
    known = {os.path.relpath(entry["file"], root) for entry in commands}
    files = [path for path in project_.sources() if path in known and path.startswith(folders)]
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "compile_commands.json").write_text(json.dumps(commands))
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            for found in pool.map(lambda path: tidy_file(root, folder, path), files):
                faults |= found
    print(f"{len(files)} files")
    return sorted(faults, key=str)


def main():
    build = sys.argv[1]
    everything = "--all" in sys.argv or bool(os.environ.get("AIMLOG_LONG"))
    sys.argv[1:] = []
    folders = ALL if everything else ALWAYS
    return project.main(lambda files: check(files, build, folders), EXCEPTIONS)


if __name__ == "__main__":
    sys.exit(main())
