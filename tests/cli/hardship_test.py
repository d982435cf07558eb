#!/usr/bin/env python3
"""The command where something about it is odd: its streams, its words, its room, what it reads.

usage: hardship_test.py AIMLOG MAKE_REPO
SPDX-License-Identifier: Apache-2.0
"""

import fcntl
import json
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

AIMLOG, MAKE_REPO = (str(pathlib.Path(word).resolve()) for word in sys.argv[1:3])
NOT_LOOKED_AT = 2
SANITIZED = "ASAN_OPTIONS" in os.environ


def aimlog(*words, **more):
    return subprocess.run([AIMLOG, *map(str, words)], capture_output=True, text=True, timeout=60,
                          **more)


def contents(folder):
    """Of all files; the lock table of LMDB notes who reads, too."""
    return {path: path.read_bytes() for path in pathlib.Path(folder).rglob("*")
            if path.is_file() and path.name != "lock.mdb"}


class Hardship(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="aimlog-cli.")
        self.addCleanup(self.folder.cleanup)
        self.root = pathlib.Path(self.folder.name)
        self.repo = self.root / "repo"
        subprocess.run([MAKE_REPO, self.repo], check=True)

    def test_closed_streams_are_no_files_of_the_repo(self):
        self.assertEqual(aimlog("ls", "--repo", self.repo).returncode, 0)
        before = contents(self.repo)
        lock_bytes = (self.repo / ".aimlog/lock.mdb").stat().st_size
        nothing = ["-q", "status < 3"]  # which is worth a warning
        for closed, words, code in (((1,), [], 1), ((2,), nothing, 3), ((0, 1, 2), nothing, 3)):
            def close(fds=closed):
                for fd in fds:
                    os.close(fd)
            self.assertEqual(aimlog("ls", "--repo", self.repo, *words, preexec_fn=close).returncode,
                             code)
            self.assertEqual(contents(self.repo), before)
            self.assertEqual((self.repo / ".aimlog/lock.mdb").stat().st_size, lock_bytes)

    def test_a_slow_reader_of_a_pipe_that_does_not_wait_gets_all(self):
        many = self.root / "many"
        subprocess.run([MAKE_REPO, many, "many"], check=True)
        words = [AIMLOG, "ls", "--format", "csv", "--repo", str(many)]
        all_of_it = subprocess.run(words, capture_output=True, check=True).stdout
        reading, writing = os.pipe()
        fcntl.fcntl(writing, fcntl.F_SETFL, os.O_NONBLOCK)
        with subprocess.Popen(words, stdout=writing) as process:
            os.close(writing)
            time.sleep(0.3)
            with os.fdopen(reading, "rb") as file:
                self.assertEqual(file.read(), all_of_it)
            self.assertEqual(process.wait(), 0)

    def test_one_long_text_does_not_widen_all_rows(self):
        many = self.root / "many"
        subprocess.run([MAKE_REPO, many, "many"], check=True)
        table = aimlog("ls", "--columns", "comment,lr", "--repo", many).stdout
        self.assertIn("x" * 20000, table)
        self.assertLess(len(table), 10_000_000)

    def test_losses_are_on_the_line_of_the_other_facts(self):
        lines = aimlog("stats", "--format", "jsonl", "--repo", self.repo).stdout.splitlines()
        self.assertEqual(len(lines), 1)
        self.assertTrue(json.loads(lines[0])["losses"])

    def test_a_word_that_is_called_as_a_verb_is_a_word(self):
        done = aimlog("backup", "check", cwd=self.repo)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("saved in check", done.stdout)
        self.assertEqual(aimlog("show", "ls", "--repo", self.repo).returncode, 3)
        self.assertEqual(aimlog("ls", "exps", "--repo", self.repo).returncode, 2)

    def test_filters_beside_a_named_run_are_refused(self):
        for verb in (["show", "t1"], ["metrics", "t1"], ["plot", "loss", "t1"]):
            done = aimlog(*verb, "--status", "failed", "--repo", self.repo)
            self.assertEqual(done.returncode, 2, done)
            self.assertIn("--status chooses among all runs", done.stderr)

    def test_an_empty_list_is_no_list_of_everything(self):
        self.assertEqual(aimlog("ls", "--status", "", "--repo", self.repo).returncode, 2)
        words = ("export", "--format", "aim", "--output", self.root / "aim", "--metrics", "")
        self.assertEqual(aimlog(*words, "--repo", self.repo).returncode, 2)

    def test_experiments_can_be_chosen(self):
        names = [row["experiment"] for row in json.loads(
            aimlog("exps", "--json", "--repo", self.repo).stdout)]
        self.assertGreater(len(names), 1)
        one = json.loads(aimlog("exps", "--json", "--experiment", names[0],
                                "--repo", self.repo).stdout)
        self.assertEqual([row["experiment"] for row in one], [names[0]])

    def test_a_place_for_nothing_is_a_mistake(self):
        for verb in ("backup", "repair"):
            done = aimlog(verb, self.repo, "")
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertIn("name the directory", done.stderr)

    def test_a_chart_replaces_another_one_whole_or_not_at_all(self):
        chart = self.root / "chart.svg"
        chart.write_text("the old one")
        words = ("plot", "loss", "--svg", chart, "--repo", self.repo)

        def little_room():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (512, 512))
        done = aimlog(*words, preexec_fn=little_room)
        self.assertEqual(done.returncode, 1)
        self.assertIn("File too large", done.stderr)
        self.assertEqual(chart.read_text(), "the old one")
        self.assertEqual(sorted(path.name for path in self.root.iterdir()), ["chart.svg", "repo"])
        mine = self.root / "chart.svg.tmp"
        mine.write_text("somebody's own")
        self.assertEqual(aimlog(*words).returncode, 0)
        self.assertEqual(sorted(path.name for path in self.root.iterdir()),
                         ["chart.svg", "chart.svg.tmp", "repo"])
        self.assertEqual(mine.read_text(), "somebody's own")
        self.assertTrue(chart.read_text().startswith("<svg"))
        self.assertIn("<svg", aimlog("plot", "loss", "--svg", "/dev/stdout", "--repo",
                                     self.repo).stdout)

    def test_want_of_means_is_no_damage(self):
        for what, amount in ((resource.RLIMIT_NOFILE, 5), (resource.RLIMIT_AS, 36 << 20)):
            def limit(what=what, amount=amount):
                resource.setrlimit(what, (amount, amount))
            if what == resource.RLIMIT_AS and SANITIZED:
                continue  # a sanitizer's shadow needs more
            done = aimlog("check", "--deep", self.repo, preexec_fn=limit)
            self.assertEqual(done.returncode, NOT_LOOKED_AT, done)
            self.assertNotIn("damaged", done.stdout + done.stderr)

    def test_a_report_that_cannot_be_written_is_no_damage(self):
        with open("/dev/full", "w", encoding="ascii") as full:
            for words in ([], ["--json"]):
                done = subprocess.run([AIMLOG, "check", *words, self.repo], stdout=full,
                                      stderr=subprocess.PIPE, text=True, check=False)
                self.assertEqual(done.returncode, NOT_LOOKED_AT, done)
                self.assertIn("No space left", done.stderr)
        closed = aimlog("check", self.repo, preexec_fn=lambda: os.close(1))
        self.assertEqual(closed.returncode, NOT_LOOKED_AT, closed)

    def test_what_was_made_stays_made_where_its_report_cannot_be_written(self):
        for verb in ("backup", "repair"):
            made = self.root / verb
            with open("/dev/full", "w", encoding="ascii") as full:
                done = subprocess.run([AIMLOG, verb, self.repo, made], stdout=full,
                                      stderr=subprocess.PIPE, text=True, check=False)
            self.assertEqual(done.returncode, 0, done)
            self.assertIn("No space left", done.stderr)
            self.assertEqual(aimlog("check", made).returncode, 0)

    def test_words_in_brackets_are_one_word(self):
        for word in ("[old]", "[a,b]", "[]", "\x01", "\x01[x]"):
            done = aimlog("backup", self.repo, word, cwd=self.root)
            self.assertEqual(done.returncode, 0, done)
            self.assertEqual(sorted(path.name for path in self.root.iterdir()),
                             sorted(["repo", word]))
            self.assertEqual(aimlog("check", "--repo", word, cwd=self.root).returncode, 0)
            shutil.rmtree(self.root / word)
        done = aimlog("plot", "loss", "[t1,t2]", "--repo", self.repo)
        self.assertEqual(done.returncode, 3, done)
        self.assertIn("'[t1,t2]'", done.stderr)
        done = aimlog("ls", "[t1]", "--repo", self.repo)
        self.assertEqual(done.returncode, 2, done)
        self.assertIn("'[t1]' is not expected here", done.stderr)

    def test_runs_without_a_text_come_last(self):
        for column in ("error", "error:desc"):
            rows = json.loads(aimlog("ls", "--sort", column, "--columns", "trial,error", "--json",
                                     "--repo", self.repo).stdout)
            self.assertEqual([row["error"] is None for row in rows], [False, True, True, True])
            self.assertEqual(rows[0]["trial"], "t2")

    def test_a_column_that_is_named_twice_is_one(self):
        text = aimlog("ls", "--columns", "lr,params.lr,loss,lr,loss.last,loss.min", "--json",
                      "--repo", self.repo).stdout
        keys = [[key for key, _ in row] for row in json.loads(text, object_pairs_hook=list)]
        self.assertEqual(keys[0], ["params.lr", "loss.last", "loss.min"])

    def test_no_pattern_takes_all_time_or_memory(self):
        for pattern in ("(a{60}){60}{60}", "((a{60}){60}){60}", "a{1,2000}", "^a$1******+++x",
                        "(|a)++++++++++"):
            done = aimlog("ls", "-q", f"run.name =~ '{pattern}'", "--repo", self.repo)
            self.assertEqual(done.returncode, 2, done)
            self.assertRegex(done.stderr, "bad repetition operator|invalid repetition size")
        nested = "(" * 21 + "a" + "+)" * 21
        for pattern in ("^(t|u)[0-9]+$", "[]+{]+", r"(\w+-){2,40}x+", "a{1,200}", "((a+)+)+",
                        nested, "(a|$)*" * 100, "((t*)(1*))*x"):
            done = aimlog("ls", "-q", f"run.name =~ '{pattern}'", "--repo", self.repo)
            self.assertIn(done.returncode, (0, 3), (pattern, done))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
