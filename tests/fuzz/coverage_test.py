#!/usr/bin/env python3
"""Fuzzing by coverage works: a planted fault that only such an engine can reach is found.

With AIMLOG_LONG set every harness runs for a while, ten minutes in all with two cores, and must
find nothing. SPDX-License-Identifier: Apache-2.0
"""

import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
import fuzz  # noqa: E402

LONG_SECONDS = 600


def fault_is_found(source, folder):
    """The engine reaches the planted fault, and the runner counts it and keeps its input."""
    program = folder / "planted"
    compiler = fuzz.clang()[1].split()
    subprocess.run(
        [*compiler, "-g1", "-fsanitize=fuzzer,address", source, "-o", program], check=True
    )
    outcome = fuzz.run("planted", program, 60, folder)
    kept = list((folder / "findings").glob("planted-crash-*"))
    assert outcome.findings == 1, f"the planted fault was not found:\n{outcome}"
    assert len(kept) == 1 and kept[0].read_bytes().startswith(b"aimlog"), kept
    assert outcome.executions > 0 and "deadly signal" in outcome.text, outcome
    print(f"the planted fault was found after {outcome.executions} inputs")


def nothing_else_is_found():
    targets = fuzz.all_targets()
    jobs = os.cpu_count() or 1
    outcomes = fuzz.fuzz(targets, max(10, LONG_SECONDS * min(jobs, 2) // len(targets)), jobs)
    fuzz.print_outcomes(outcomes)
    assert len(outcomes) == len(targets)
    for outcome in outcomes:
        assert outcome.findings == 0, f"{outcome.target}: see above and {fuzz.BUILD}/findings"
        assert outcome.executions > 1000 and outcome.edges > 50, outcome


def main():
    with tempfile.TemporaryDirectory(prefix="aimlog-fuzz.") as folder:
        fault_is_found(sys.argv[1], pathlib.Path(folder))
    if os.environ.get("AIMLOG_LONG"):
        nothing_else_is_found()


if __name__ == "__main__":
    main()
