"""What all checks share: the project's files, faults, and named exceptions with their reasons.

SPDX-License-Identifier: Apache-2.0
"""

import dataclasses
import os
import pathlib
import sys

SKIPPED_FOLDERS = {".git", ".cache", ".aimlog", ".venv", "__pycache__", "node_modules"}
SOURCE_SUFFIXES = {".c", ".cc", ".h", ".hpp"}
CODE_SUFFIXES = SOURCE_SUFFIXES | {".py", ".sh"}


@dataclasses.dataclass(frozen=True)
class Fault:
    """One thing that is wrong, at one place."""

    rule: str
    path: str
    line: int
    text: str
    name: str = ""  # what a named exception would call it: a function, an include

    def __str__(self):
        return f"{self.path}:{self.line}: {self.text} [{self.rule}]"


class Project:
    """The files of a checkout: everything but build outputs and fetched subprojects."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.files = sorted(self._walk())
        self._texts = {}

    def _walk(self):
        for folder, names, files in os.walk(self.root):
            here = pathlib.Path(folder).relative_to(self.root)
            names[:] = [name for name in names if not self._is_skipped(here / name)]
            for file in set(files) - {".git"}:
                yield (here / file).as_posix()

    @staticmethod
    def _is_skipped(folder):
        if folder.name in SKIPPED_FOLDERS or folder.name.endswith(".egg-info"):
            return True
        if len(folder.parts) == 1:
            return folder.name.startswith("build")
        in_subprojects = len(folder.parts) == 2 and folder.parts[0] == "subprojects"
        return in_subprojects and folder.name != "packagefiles"

    def text(self, path):
        """The file's text; empty for a file that is not text."""
        if path not in self._texts:
            data = (self.root / path).read_bytes()
            is_text = b"\0" not in data
            self._texts[path] = data.decode("utf-8", "replace") if is_text else ""
        return self._texts[path]

    def lines(self, path):
        return self.text(path).splitlines()

    def sources(self):
        """C and C++ files."""
        return [path for path in self.files if pathlib.PurePath(path).suffix in SOURCE_SUFFIXES]

    def code(self):
        """Everything that is written by hand and runs: C, C++, Python, shell."""
        return [path for path in self.files if is_code(path)]


def is_code(path):
    return pathlib.PurePath(path).suffix in CODE_SUFFIXES or path in ("do", ".ci/run")


def without_exceptions(faults, exceptions):
    """Drops the faults that an exception names; an exception that names none is a fault itself.

    An exception is (rule, path, name): reason.
    """
    used = set()
    rest = []
    for fault in faults:
        key = (fault.rule, fault.path, fault.name)
        if key in exceptions:
            used.add(key)
        else:
            rest.append(fault)
    for key in sorted(set(exceptions) - used):
        rest.append(Fault("stale-exception", key[1], 0, f"the exception {key} is needed no more"))
    return rest


def main(check, exceptions):
    """Runs one check as a program: `check_x.py [ROOT]`."""
    root = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[2]
    faults = without_exceptions(check(Project(root)), exceptions)
    for fault in faults:
        print(fault)
    print(f"{len(faults)} faults")
    return 1 if faults else 0
