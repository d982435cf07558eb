#!/usr/bin/env python3
"""A program into which a fault was planted: the test that is about it fails, and by its name.

usage: caught_test.py PROGRAM CASE

SPDX-License-Identifier: Apache-2.0
"""

import subprocess
import sys


def main(program, case):
    # Some faults need two to come at the same time, which a busy machine may put off.
    for _ in range(3):
        done = subprocess.run([program, case], capture_output=True, text=True, timeout=100)
        print(done.stdout[-3000:], done.stderr[-1000:])
        caught = done.returncode != 0 and case in done.stdout and "FAILED:" in done.stdout
        if caught:
            break
    if not caught:
        print(f"the planted fault was not caught by {case}, exit code {done.returncode}")
    return 0 if caught else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
