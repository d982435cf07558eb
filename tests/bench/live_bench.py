#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What is written for a point, as more and more runs report at the same time, each once a second.

usage: live_bench.py --trials-bench TRIALS_BENCH --plugin LIBRARY [--quick] [--json]
"""

import json
import subprocess

from bench_report import Report, arguments

WRITTEN = "live trials, written by the store"


def main():
    options = arguments(__doc__, "--trials-bench", "--plugin").parse_args()
    report = Report(options.json)
    for runs in (100, 1000) if options.quick else (100, 1000, 10_000, 100_000):
        words = [options.trials_bench, options.plugin, "--json", "--small", "10"]
        words += ["--live", str(runs), "--seconds", "5" if options.quick else "20"]
        done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        (line,) = [line for line in lines if line["name"] == WRITTEN]
        name = f"written by the store, {runs:,} live runs"
        report.add(
            name, line["value"], line["unit"], line["reference"], line["reference_value"]
        )


if __name__ == "__main__":
    main()
