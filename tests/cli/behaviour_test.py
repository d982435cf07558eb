#!/usr/bin/env python3
"""How the command behaves besides what it prints: on terminals, in pipes, with odd repos.

usage: behaviour_test.py AIMLOG MAKE_REPO
SPDX-License-Identifier: Apache-2.0
"""

import csv
import fcntl
import io
import json
import os
import pathlib
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
import unicodedata
import unittest
import xml.etree.ElementTree

AIMLOG, MAKE_REPO = (str(pathlib.Path(word).resolve()) for word in sys.argv[1:3])
ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


def environment(**more):
    kept = {key: value for key, value in os.environ.items() if key in ("PATH", "LD_LIBRARY_PATH")}
    return {**kept, "TZ": "UTC", "TERM": "xterm", **more}


def aimlog(*words, repo=None, cwd=None, **more):
    if repo is not None:
        more["AIMLOG_REPO"] = repo
    return subprocess.run([AIMLOG, *words], capture_output=True, text=True,
                          errors="surrogateescape", env=environment(**more), cwd=cwd)


def on_terminal(columns, *words, repo, **more):
    """What a terminal of so many columns gets to see."""
    child, fd = pty.fork()
    if child == 0:
        os.environ.clear()
        os.environ.update(environment(AIMLOG_REPO=repo, **more))
        fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 30, columns, 0, 0))
        os.execv(AIMLOG, [AIMLOG, *words])
    seen = b""
    while True:
        try:
            piece = os.read(fd, 65536)
        except OSError:
            break
        if not piece:
            break
        seen += piece
    os.waitpid(child, 0)
    os.close(fd)
    return seen.decode("utf-8", "surrogateescape").replace("\r\n", "\n")


def width(text):
    wide = {c: 2 for c in text if unicodedata.east_asian_width(c) in "WF"}
    return sum(0 if unicodedata.combining(c) else wide.get(c, 1) for c in text)


class Behaviour(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="aimlog-cli.")
        cls.repo = cls.folder.name
        subprocess.run([MAKE_REPO, cls.repo], check=True)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def test_tables_fit_every_terminal(self):
        for columns in (40, 60, 80, 100, 200):
            for words in (["ls"], ["best"], ["exps"], ["metrics"], ["show", "last"],
                          ["plot", "loss", "t1", "t2"]):
                seen = ESCAPES.sub("", on_terminal(columns, *words, repo=self.repo))
                self.assertIn("\n", seen)
                self.assertNotIn("aimlog:", seen)
                if columns < 80:
                    continue  # what may not be hidden still needs some room
                for line in seen.split("\n"):
                    self.assertLessEqual(width(line), columns, (words, line))

    def test_what_is_hidden_is_said(self):
        self.assertRegex(on_terminal(60, "ls", repo=self.repo), r"\d+ more columns?: ")
        self.assertNotIn("more column", on_terminal(400, "ls", repo=self.repo))

    def test_columns_line_up_under_wide_characters(self):
        lines = aimlog("ls", "--columns", "学習,trial,status", repo=self.repo).stdout.split("\n")
        at = [width(line[:line.index(word)]) for line, word in zip(lines, ("trial", "\\xff"))]
        self.assertEqual(at[0], at[1], lines)

    def test_colours_only_on_a_terminal_that_wants_them(self):
        self.assertIn("\x1b[1m", on_terminal(120, "ls", repo=self.repo))
        self.assertNotIn("\x1b", on_terminal(120, "ls", repo=self.repo, NO_COLOR="1"))
        self.assertNotIn("\x1b", on_terminal(120, "ls", repo=self.repo, TERM="dumb"))
        self.assertNotIn("\x1b", aimlog("ls", repo=self.repo).stdout)

    def test_hostile_names_do_not_reach_a_terminal(self):
        for words in (["ls"], ["ls", "--json"], ["ls", "--format", "csv"], ["exps"], ["metrics"],
                      ["show", "last"], ["show", "last", "--json"], ["plot", "\x1b[31mloss"],
                      ["get", "no\x1b[2Jrun", "loss"]):
            seen = ESCAPES.sub("", on_terminal(120, *words, repo=self.repo))
            hazards = "[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\udc80-\udcff]"
            self.assertFalse(re.search(hazards, seen), ascii(seen))

    def test_json_and_csv_are_whole(self):
        for words in (["ls"], ["best"], ["exps"], ["metrics"], ["stats"], ["get", "t2", "loss"]):
            data = json.loads(aimlog(*words, "--json", repo=self.repo).stdout)
            self.assertTrue(data)
            text = aimlog(*words, "--format", "csv", repo=self.repo).stdout
            rows = list(csv.reader(io.StringIO(text)))
            self.assertEqual({len(row) for row in rows}, {len(rows[0])})

    def test_numbers_are_exact(self):
        rows = json.loads(aimlog("get", "t3", "loss", "--json", "--types", repo=self.repo).stdout)
        self.assertEqual(rows[1]["value"], {"type": "int64", "value": 2**53 + 1})
        rows = json.loads(aimlog("get", "t3", "acc", "--json", "--types", repo=self.repo).stdout)
        self.assertEqual(rows[0]["value"],
                         {"type": "double", "value": -0.0, "bits": "8000000000000000"})
        self.assertEqual(rows[1]["value"], {"type": "bool", "value": True})
        rows = json.loads(aimlog("get", "t3", "eval/loss", "--json", repo=self.repo).stdout)
        self.assertEqual(rows[0]["value"], 2**64 - 1)

    def test_ls_equals_what_get_gives(self):
        runs = json.loads(aimlog("ls", "--json", "--columns", "id,loss.last,loss.min,loss.count",
                                 "--experiment", "digits", repo=self.repo).stdout)
        self.assertEqual(len(runs), 3)
        for run in runs:
            points = json.loads(aimlog("get", run["id"], "loss", "--json", repo=self.repo).stdout)
            values = [float(point["value"]) for point in points]
            self.assertEqual(run["loss.count"], len(values))
            self.assertEqual(float(run["loss.last"]), values[-1])
            self.assertEqual(float(run["loss.min"]), min(v for v in values if v == v))

    def test_show_all_gives_a_run_a_line(self):
        lines = aimlog("show", "--all", "--json", "--types", "--points",
                       repo=self.repo).stdout.splitlines()
        runs = [json.loads(line) for line in lines]
        self.assertEqual(len(runs), 4)
        second = next(run for run in runs if run["trial_id"] == "t2")
        loss = next(metric for metric in second["metrics"] if metric["name"] == "loss")
        self.assertEqual([(p["attempt"], p["step"]) for p in loss["points"]],
                         [(1, 1), (1, 2), (1, 3), (1, 4), (2, 3), (2, 4)])
        self.assertEqual(sum(attempt["results"] for attempt in second["attempts"]), 6)

    def test_words_for_runs(self):
        first = json.loads(aimlog("show", "t1", "--json", repo=self.repo).stdout)["id"]
        for word in (first, first[:8], first[:3], "@4", "best:loss", "best:loss:min",
                     "best:acc:max"):
            done = aimlog("get", word, "eval/loss", repo=self.repo)
            self.assertEqual(done.returncode, 0, (word, done.stderr))

    def test_a_repo_is_found(self):
        inner = pathlib.Path(self.repo) / "a" / "b"
        inner.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as elsewhere:
            self.assertEqual(aimlog("ls", cwd=inner).returncode, 0)
            for words in (["ls", "--repo", self.repo + "/.aimlog"], ["--repo", self.repo, "ls"]):
                self.assertEqual(aimlog(*words, cwd=elsewhere).returncode, 0)
            missing = aimlog("ls", cwd=elsewhere)
            self.assertEqual(missing.returncode, 1)
            self.assertRegex(missing.stderr, r"\Aaimlog: [^\n]+\n\Z")
            self.assertEqual(aimlog("ls", "--repo", elsewhere).returncode, 1)

    def test_a_pager_that_is_left_is_no_error(self):
        done = subprocess.run(["bash", "-o", "pipefail", "-c", f"'{AIMLOG}' completion zsh | true"],
                              capture_output=True, env=environment())
        self.assertEqual((done.returncode, done.stderr), (0, b""))

    def test_a_full_disk_is_an_error(self):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([AIMLOG, "version"], stdout=full, stderr=subprocess.PIPE,
                                  text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("cannot write the output: No space left", done.stderr)

    def test_svg_is_well_formed(self):
        file = pathlib.Path(self.repo) / "plot.svg"
        for metric in ("loss", "eval/loss", "\x1b[31mloss"):
            done = aimlog("plot", metric, "--svg", str(file), repo=self.repo)
            self.assertEqual(done.returncode, 0)
            root = xml.etree.ElementTree.parse(file).getroot()
            self.assertEqual(root.tag, "{http://www.w3.org/2000/svg}svg")
            self.assertTrue(root.findall(".//{http://www.w3.org/2000/svg}path"))
        done = aimlog("plot", "loss", "--svg", "/nowhere/x.svg", repo=self.repo)
        self.assertEqual(done.returncode, 1)

    def test_completion_works_in_bash(self):
        script = ('source <("$0" completion bash); COMP_WORDS=(aimlog "$@"); '
                  'COMP_CWORD=$#; _aimlog; echo "${COMPREPLY[@]}"')

        def complete(*words):
            return subprocess.run(["bash", "-c", script, AIMLOG, *words], capture_output=True,
                                  text=True, env=environment(), check=True).stdout.split()
        self.assertEqual(complete("pl"), ["plot"])
        self.assertEqual(complete("ls", "--li"), ["--limit"])
        self.assertEqual(complete("best", "--mode", ""), ["min", "max"])
        self.assertEqual(complete("--repo", "x", "exps"), ["exps"])

    def test_ten_thousand_runs(self):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([MAKE_REPO, folder, "many"], check=True)
            done = aimlog("ls", "--sort", "loss.min", "--limit", "1", "--json", repo=folder)
            self.assertEqual(json.loads(done.stdout)[0]["trial"], "m0")
            plot = aimlog("plot", "long", "--width", "40", repo=folder).stdout
            self.assertRegex(plot, r"\n\d{2,3} of 5000 points drawn")
            self.assertIn("\n500 ┤", plot)  # the one point that stands out is still there
            ambiguous = aimlog("show", "a", repo=folder)
            self.assertEqual(ambiguous.returncode, 2)
            self.assertIn("more than one run", ambiguous.stderr)

    def test_the_repo_may_be_read_only(self):
        # Root may write everywhere, but not without these capabilities.
        bounded = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--"]
        prefix = bounded if os.geteuid() == 0 else []
        subprocess.run(["chmod", "-R", "a-w", self.repo + "/.aimlog"], check=True)
        try:
            written = subprocess.run([*prefix, "touch", self.repo + "/.aimlog/new"],
                                     capture_output=True)
            self.assertEqual(written.returncode, 1, "the repo can be written to")
            done = subprocess.run([*prefix, AIMLOG, "ls"], capture_output=True, text=True,
                                  env=environment(AIMLOG_REPO=self.repo))
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertIn("t1", done.stdout)
        finally:
            subprocess.run(["chmod", "-R", "u+w", self.repo + "/.aimlog"], check=True)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
