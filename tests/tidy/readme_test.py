#!/usr/bin/env python3
"""README's ten lines of a host, compiled and run as they stand, and a broken copy that is not.

usage: readme_test.py ROOT PLUGIN AIMLOG
SPDX-License-Identifier: Apache-2.0
"""

import csv
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

ROOT, PLUGIN, COMMAND = map(pathlib.Path, sys.argv[1:4])
SNIPPET = re.search(r"```cpp\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)[1]


def compile_host(folder, source):
    (folder / "host.cc").write_text(source)
    command = ["g++", "-std=c++20", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
    command += [f"-I{ROOT}/abi/include", "host.cc", "-o", "host", "-ldl"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


class Readme(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.folder = pathlib.Path(holder.name)

    def test_its_host_records_what_it_says(self):
        built = compile_host(self.folder, SNIPPET)
        self.assertEqual(built.returncode, 0, built.stderr)
        (self.folder / "aimlog.yaml").write_text("repo: .\n")
        command = [self.folder / "host", PLUGIN, self.folder / "aimlog.yaml"]
        ran = subprocess.run(command, capture_output=True, text=True)
        self.assertEqual((ran.returncode, ran.stdout, ran.stderr), (0, "", ""))
        command = [COMMAND, "--repo", self.folder, "get", "last", "loss", "--format", "csv"]
        read = subprocess.run(command, capture_output=True, text=True)
        self.assertEqual(read.returncode, 0, read.stderr)
        rows = list(csv.DictReader(read.stdout.splitlines()))
        points = [(int(row["step"]), float(row["value"])) for row in rows]
        self.assertEqual(points, [(step, 1 / step) for step in range(1, 11)])

    def test_a_wrong_name_in_it_would_be_seen(self):
        broken = SNIPPET.replace("on_trial_result(", "on_trial_results(")
        self.assertNotEqual(compile_host(self.folder, broken).returncode, 0)


if __name__ == "__main__":
    del sys.argv[1:]
    unittest.main()
