#!/usr/bin/env python3
"""Files: each is used, ends well, is named as agreed, and speaks of the project only.

SPDX-License-Identifier: Apache-2.0
"""

import pathlib
import posixpath
import re
import sys

import project
from project import Fault

RULES = {
    "unlisted-source": "a source file that no meson.build names is never built or run",
    "unused-header": "a header that nobody includes",
    "leftover-marker": "a marker of work left over",
    "final-newline": "a text file without a line break at its end",
    "trailing-space": "white space at the end of a line",
    "never-renumber": "numbers stored on disk, without the mark that says so",
    "pragma-once": "a header that can be included twice",
    "file-name": "file names are small letters and underscores, .cc and .h",
    "machine-path": "a path that exists on one machine only",
    "foreign-word": "words that are not about the project",
}

# The pieces are put together here so that this file does not trip over itself.
MARKER = re.compile(
    r"\b(?:" + "|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"]) + r")\b"
    r"|not " + "implemented"
    r"|^(?:" + "|".join(["<" * 7, ">" * 7]) + r") "  # of a merge
)
FOREIGN = re.compile(
    r"\b(?:"
    + "|".join(["C" + "EO", "AI " + "agents?", "language " + "models?", "sub" + "agents?"])
    + "|steering " + "repo)"
    + r"\b",
    re.IGNORECASE,
)
MACHINE_PATH = re.compile(r"(?:^|[^A-Za-z0-9_.])/(?:work|farm|root|tmp/brief)" + "/")
NEVER_RENUMBER = re.compile(r"stored on disk: never renumber", re.IGNORECASE)
FILE_NAME = re.compile(r"[a-z0-9_]+\.(?:c|cc|h|hpp|py|sh)")
BUILT_SUFFIXES = (".c", ".cc")
DATA_FOLDERS = ("golden", "corpus", "data", "bad")

EXCEPTIONS = {}


def is_data(path):
    """Recorded output and inputs of tests are as they are."""
    return any(part in DATA_FOLDERS for part in pathlib.PurePath(path).parts)


def named_affixes(build_text):
    """Patterns such as 'fuzz_@0@.cc' or 'fuzz_' + name + '.cc', as (prefix, suffix)."""
    for match in re.finditer(r"'([\w/]*)@0@([\w.]*)'", build_text):
        yield match[1], match[2]
    for match in re.finditer(r"(?:'([\w/]*)'\s*\+\s*)?[\w\[\]]+\s*\+\s*'([\w.]+)'", build_text):
        yield match[1] or "", match[2]


def named_by_pattern(build_text, relative):
    for prefix, suffix in named_affixes(build_text):
        if relative.startswith(prefix) and relative.endswith(suffix):
            stem = relative[len(prefix) : len(relative) - len(suffix)]
            if f"'{stem}'" in build_text:
                return True
    return False


def builds_of(project_):
    """The text of each meson.build, by its folder."""
    return {
        posixpath.dirname(path): project_.text(path)
        for path in project_.files
        if posixpath.basename(path) == "meson.build"
    }


def named_files(builds):
    """All paths that a meson.build names, from the top."""
    return {
        posixpath.normpath(posixpath.join(folder, name))
        for folder, text in builds.items()
        for name in re.findall(r"'([^'\n]+)'", text)
    }


class Builds:
    """What the build knows of."""

    def __init__(self, project_):
        self._texts = builds_of(project_)
        self._named = named_files(self._texts)

    def names(self, path):
        if path in self._named:
            return True
        for folder in pathlib.PurePath(path).parents:
            text = self._texts.get("" if folder.name == "" else folder.as_posix())
            relative = pathlib.PurePath(path).relative_to(folder).as_posix()
            if text and named_by_pattern(text, relative):
                return True
        return False


def must_be_listed(path):
    pure = pathlib.PurePath(path)
    if pure.parts[0] in ("subprojects", "tools"):
        return False
    return pure.suffix in BUILT_SUFFIXES or (
        pure.parts[0] == "tests" and pure.name.endswith("_test.py")
    )


def check_listed(path, builds, included):
    pure = pathlib.PurePath(path)
    if must_be_listed(path) and not builds.names(path):
        yield Fault("unlisted-source", path, 1, "no meson.build names it")
    if pure.suffix in (".h", ".hpp"):
        is_used = pure.name in included or builds.names(path)
        if not is_used:
            yield Fault("unused-header", path, 1, "nobody includes it")
    if pure.suffix in project.CODE_SUFFIXES and not FILE_NAME.fullmatch(pure.name):
        yield Fault("file-name", path, 1, f"{pure.name} is not named as the others are")


def check_header(project_, path):
    pure = pathlib.PurePath(path)
    text = project_.text(path)
    if pure.suffix not in (".h", ".hpp"):
        return
    if "#pragma once" not in text and not re.search(r"^#ifndef \w+_H", text, re.MULTILINE):
        yield Fault("pragma-once", path, 1, "no #pragma once")
    if pure.name.endswith("_format.h") and not NEVER_RENUMBER.search(text):
        yield Fault("never-renumber", path, 1, 'no "Stored on disk: never renumber"')


def check_words(project_, path):
    text = project_.text(path)
    if not text or path == "LICENSE":
        return
    if not text.endswith("\n"):
        yield Fault("final-newline", path, text.count("\n") + 1, "no line break at the end")
    for number, line in enumerate(text.splitlines(), 1):
        if line != line.rstrip() and pathlib.PurePath(path).suffix != ".md":
            yield Fault("trailing-space", path, number, "white space at the end")
        marker = MARKER.search(line)
        if marker:
            yield Fault("leftover-marker", path, number, f"left over: {marker[0]}", marker[0])
        if MACHINE_PATH.search(line):
            yield Fault("machine-path", path, number, f"path of one machine: {line.strip()}")
        foreign = FOREIGN.search(line)
        if foreign:
            yield Fault("foreign-word", path, number, f"not about the project: {foreign[0]}")


def included_names(project_):
    names = set()
    for path in project_.sources():
        for match in re.finditer(r'#\s*include\s*[<"]([^>"]+)', project_.text(path)):
            names.add(pathlib.PurePath(match[1]).name)
    return names


def check(project_):
    included = included_names(project_)
    builds = Builds(project_)
    faults = []
    for path in project_.files:
        faults += check_listed(path, builds, included)
        if not is_data(path):
            faults += check_header(project_, path)
            faults += check_words(project_, path)
    return faults


if __name__ == "__main__":
    sys.exit(project.main(check, EXCEPTIONS))
