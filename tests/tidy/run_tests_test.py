#!/usr/bin/env python3
"""What `./do test` makes of a test that could not do everything: it passed, and in a long run it
has failed.

SPDX-License-Identifier: Apache-2.0
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))

import run_tests  # noqa: E402

TESTS = [{"name": name, "suite": ["aimlog:crash"]} for name in ("whole", "in part", "skipped")]
RESULTS = [
    {"name": "whole", "duration": 1.0, "result": "OK", "stdout": "a line: not run: no\n"},
    {"name": "in part", "duration": 1.0, "result": "OK", "stdout": "a line\nnot run: why\n"},
    {"name": "skipped", "duration": 1.0, "result": "SKIP"},
]


def main():
    lenient, strict = (
        run_tests.count(RESULTS, TESTS, ["crash"], each)["crash"] for each in (False, True)
    )
    lines = [line for result in RESULTS for line in run_tests.not_run(result)]
    assert lenient == [3.0, 2, 1], lenient
    assert strict == [3.0, 1, 2], strict
    assert lines == ["in part: not run: why"], lines


if __name__ == "__main__":
    main()
