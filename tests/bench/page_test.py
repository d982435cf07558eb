#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The page of the benchmarks says what the run printed, and nothing else.

usage: page_test.py PROJECT_ROOT
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(sys.argv.pop(1))
sys.path.insert(0, str(ROOT / "tools"))

import bench_page

COPIED = "a plugin that only copies it"
SAMPLE = [
    ("on_trial_result p50, full speed", 210.5, "ns", "JSON-lines plugin", 4000),
    ("on_trial_result p50, 1000 metrics", 9000, "ns", COPIED, 300),
    ("on_trial_result p50, 5 metrics", 90, "ns", COPIED, 30),
    ("ls, 10,000 runs", 140, "ms", "aimlog version", 2),
    ("ingest, the committer's core", 25, "M points/s", "write+fdatasync of the journal", 50),
    ("scan of all points, cold", 600, "MB/s", "the slower of that and the scan when warm", 800),
    ("scan of all points, cold", 600, "MB/s", "reading the file from begin to end, cold", 1000),
    ("open files after all trials", 12, "files", "those after a tenth of the trials", 12),
    ("series into NumPy, 1,000,000 points", 22, "ms", "numpy.load", 9.8),
    ("a thing nobody foresaw", 0.000123456, "bytes", "a | b", 0),
]
KEYS = ("name", "value", "unit", "reference", "reference_value")


def sample_lines():
    for each in SAMPLE:
        line = dict(zip(KEYS, each, strict=True))
        line["ratio"] = line["value"] / line["reference_value"] if line["reference_value"] else 0
        yield json.dumps(line) + "\n"


def rows(text):
    """Cells of each row of each table, heads left out; a bar with a stroke before it is text."""
    found = []
    for line in text.splitlines():
        if line.startswith("| ") and not line.startswith("| What "):
            cells = re.split(r"(?<!\\)\|", line.strip().strip("|"))
            found.append([each.strip().replace("\\|", "|") for each in cells])
    return found


def strangers(text, lines):
    """Rows of the page that are no line of the run."""
    known = {(each["name"], bench_page.amount(each["value"], each["unit"])) for each in lines}
    return [row for row in rows(text) if (row[0], row[1]) not in known]


class PageTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.out = pathlib.Path(scratch.name)
        (self.out / "run.jsonl").write_text("".join(sample_lines()), encoding="utf-8")
        command = [sys.executable, ROOT / "tools/bench_page.py", self.out / "run.jsonl"]
        command += ["--out", self.out, "--no-pictures", "--note", "Not idle."]
        subprocess.run(command, check=True)
        self.text = (self.out / "benchmarks.md").read_text(encoding="utf-8")
        self.lines = bench_page.read_lines(self.out / "run.jsonl")

    def test_each_line_is_a_row_and_each_row_is_a_line(self):
        shown = {(row[0], row[2]) for row in rows(self.text)}
        for line in self.lines:
            self.assertIn((line["name"], line["reference"]), shown)
        self.assertEqual(strangers(self.text, self.lines), [])

    def test_a_row_that_no_run_printed_is_seen(self):
        planted = self.text + "| ls, 10,000 runs | 40.0 ms | aimlog version | 2 ms | 20 |\n"
        self.assertEqual(len(strangers(planted, self.lines)), 1)

    def test_what_is_worse_comes_first_and_goals_are_judged(self):
        worse, _, rest = self.text.partition("## Goals")
        self.assertIn("series into NumPy, 1,000,000 points", worse)
        self.assertNotIn("full speed", worse)
        goals = {row[0]: row[3] for row in rows(rest.partition("\n## ")[0])}
        self.assertEqual(goals["on_trial_result p50, full speed"], "met")
        self.assertEqual(goals["ingest, the committer's core"], "met")
        self.assertEqual(goals["ls, 10,000 runs"], "**missed**")
        self.assertEqual(goals["open files after all trials"], "met")

    def test_a_missed_goal_has_its_floor_and_a_met_one_none(self):
        goals = self.text.partition("## Goals")[2].partition("\n## ")[0]
        rest = {row[0]: row[2:] for row in rows(goals)}
        self.assertEqual(
            rest["scan of all points, cold"],
            [
                "at least 70% of reading the file from begin to end, cold",
                "**missed**",
                "the slower of that and the scan when warm: 800 MB/s",
                "0.75",
            ],
        )
        self.assertEqual(rest["on_trial_result p50, full speed"][1:], ["met", "", ""])

    def test_machine_and_note_are_named(self):
        self.assertIn("cores", self.text)
        self.assertIn("Not idle.", self.text)

    def test_curves_are_sorted_by_what_grows(self):
        hook = next(curve for curve in bench_page.CURVES if curve.file == "bench_hook")
        points = bench_page.curve_points(hook, self.lines)
        self.assertEqual(points, [(5, 90, 30), (1000, 9000, 300)])

    def test_the_page_of_the_project_is_of_the_run_beside_it(self):
        text = (ROOT / "docs/benchmarks.md").read_text(encoding="utf-8")
        lines = bench_page.read_lines(ROOT / "docs/benchmarks.jsonl")
        self.assertEqual(strangers(text, lines), [])
        shown = {(row[0], row[2]) for row in rows(text)}
        missing = [one for one in lines if (one["name"], one["reference"]) not in shown]
        self.assertEqual(missing, [])
        self.assertGreater(len(rows(text)), 100)


if __name__ == "__main__":
    unittest.main()
