#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A second copy of the library in a process is refused on a repo that the first has open, and the
first goes on unharmed: a copied file, or the same file loaded among libraries of its own.

usage: copies_test.py CRASH_HOST PLUGIN COMMAND INSTANCES_HOST file|file,dlmopen [TEST...]
"""

import os
import shutil
import sys

from crash_support import Programs, Repo, run_instances, run_tests, series

PROGRAMS = Programs(sys.argv[1:4])
INSTANCES_HOST = os.path.abspath(sys.argv[4])
KINDS = sys.argv[5].split(",")


def copies(root):
    copy = os.path.join(root, "another.so")
    shutil.copy(PROGRAMS.plugin, copy)
    files = {"file": copy, "dlmopen": PROGRAMS.plugin}
    for kind in KINDS:
        yield kind, files[kind]


def a_second_copy_is_refused(root):
    for kind, copy in copies(root):
        repo = Repo(PROGRAMS, root, kind)
        said = dict(run_instances(INSTANCES_HOST, "copies", PROGRAMS.plugin, copy, repo.path))
        refusal = said["copy while the first is open"]
        assert "another copy of this library" in refusal and "process" in refusal, refusal
        assert said["same library again"] == "created", said
        assert (said["acknowledged"], said["destroy"]) == ("2000", "ok"), said
        assert said["copy after the first is closed"] == "created", said
        (run,) = repo.runs()
        assert len(series(run, "value")) == 2000


def two_copies_that_open_it_at_once(root):
    for kind, copy in copies(root):
        path = os.path.join(root, kind)
        said = run_instances(INSTANCES_HOST, "race", PROGRAMS.plugin, copy, path)
        assert said == [["rounds in which none, one, both were created", "0 100 0"]], said


TESTS = (a_second_copy_is_refused, two_copies_that_open_it_at_once)

if __name__ == "__main__":
    sys.exit(run_tests(TESTS, sys.argv[6:]))
