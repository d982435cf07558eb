#!/usr/bin/env python3
"""Whether clang-format would change a C or C++ file; with --fix, lets it.

usage: check_format.py [--check | --fix] [ROOT]
Version 14 decides: other versions lay out a few things differently.
SPDX-License-Identifier: Apache-2.0
"""

import pathlib
import shutil
import subprocess
import sys

import project
from project import Fault

RULES = {"format": "a file that is not laid out as .clang-format says"}
EXCEPTIONS = {}
STYLE = pathlib.Path(__file__).resolve().parents[2] / ".clang-format"


def program():
    found = shutil.which("clang-format-14") or shutil.which("clang-format")
    if found is None:
        raise SystemExit("clang-format is not installed; ./do test installs it")
    return found


def run(project_, *options):
    files = project_.sources()
    if not files:
        return ""
    command = [program(), f"--style=file:{STYLE}", *options, *files]
    return subprocess.run(command, cwd=project_.root, capture_output=True, text=True).stderr


def check(project_):
    faults = {}
    for line in run(project_, "--dry-run").splitlines():
        if "[-Wclang-format-violations]" in line:
            path, number = line.split(":")[:2]
            text = "not laid out as .clang-format says; ./do format mends it"
            faults.setdefault(path, Fault("format", path, int(number), text))
    return list(faults.values())


def main():
    if "--fix" in sys.argv:
        sys.argv.remove("--fix")
        run(project.Project(pathlib.Path(__file__).resolve().parents[2]), "-i")
    if "--check" in sys.argv:
        sys.argv.remove("--check")
    return project.main(check, EXCEPTIONS)


if __name__ == "__main__":
    sys.exit(main())
