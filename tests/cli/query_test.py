#!/usr/bin/env python3
"""Queries: which runs they choose, and what is said of those that cannot be understood.

usage: query_test.py AIMLOG MAKE_REPO
SPDX-License-Identifier: Apache-2.0
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

AIMLOG, MAKE_REPO = (str(pathlib.Path(word).resolve()) for word in sys.argv[1:3])
ODD = "odd"  # the run with the hostile names

# What each query chooses of the repo of make_repo: t1 completed, t2 failed after two attempts, t3
# running, and one crashed run of another experiment, without lr and loss.
CHOSEN = {
    # comparisons and their spellings
    "run.hparams.lr < 0.01": "t2 t3",
    "run.hparams.lr <= 0.005": "t2 t3",
    'run["hparams"]["lr"] == 0.1': "t1",
    "run.hparams['lr'] = 0.1": "t1",
    "lr > 1e-3": "t1 t2",
    "params.lr >= .005 AND params.`lr` <> 0.1": "t2",
    'params."width" = 128': "t3",
    "0.001 < lr <= 0.1": "t1 t2",
    "0.1 > lr": "t2 t3",
    "lr != 0.1": "t2 t3",
    "width == 64.0": "t2",
    "-1 < loss.min": "t1 t2 t3",
    # metrics
    'run.metrics["loss"].min < 2': "t1 t2",
    'run.metrics["loss"].last == 0.1': "t1",
    "run.metrics.loss.count == 10": "t1",
    "metrics.loss < 1": "t1",
    "metrics.loss.max_step == 4 and metrics.loss.min > 0.5": "t2",
    "loss.min < 2 and loss.mean < 1": "t1",
    'run.metrics["eval/loss", {"subset": "val"}].last == 0.25': "t1",
    'run.metrics["eval/loss{subset=train}"].min < 1': "t1",
    'metrics."eval/loss{subset=val}".last > 1': "t3",
    'run.metrics["eval/loss", {"subset": "train"}] is not None': "t1",
    "run.metrics['dots.last'].last == 5": ODD,
    "run.metrics['dots.last'] == 5": ODD,
    "loss.last == 9007199254740993": "t3",
    "loss.last == 9007199254740992": "",
    # what a run is
    'run.experiment == "digits"': "t1 t2 t3",
    'experiment != "digits"': ODD,
    "run.status == 'failed'": "t2",
    "status IN ('failed', 'running')": "t2 t3",
    "run.status not in ['failed', 'running']": "t1 " + ODD,
    "run.active": "t3",
    "not run.active": "t1 t2 " + ODD,
    'run.name == "train_t1"': "t1",
    'run.hash.startswith("ae8b3a10")': "t1",
    "attributes.run_id like 'ae8b%'": "t1",
    "run.trial_id == 't2'": "t2",
    '"baseline" in run.tags and lr > 0': "t1 t2 t3",
    'run.tags.contains("digits") and lr > 0.05': "t1",
    '"baselin" in run.tags': "",
    "tags.baseline and status = 'running'": "t3",
    "run.attempts > 1": "t2",
    "run.failures == 1": "t2",
    "run.error.contains('memory')": "t2",
    "run.error is None": "t1 t3 " + ODD,
    "run.last_step >= 4": "t1 t2",
    "run.duration < 96 and run.duration_s == 95": "t1 t2 " + ODD,
    "run.archived": "",
    "run.created_at < '2026-11-24T07:02:00.5Z'": "t1 t2",
    "run.created_at < '2026-11-24T09:01:30+02:00'": "t1",
    "start_time > '2026-11-24 07:02:30'": "t3 " + ODD,
    "run.created_at >= datetime(2026, 11, 24, 7, 3)": "t3 " + ODD,
    "run.created_at < datetime(2026, 11, 24)": "",
    "created > '1000 weeks ago'": "t1 t2 t3 " + ODD,
    "run.ended is None": "t3",
    "run.ended == None": "t3",
    "run.ended != None": "t1 t2 " + ODD,
    # the configuration, nested, with lists
    "run.config.seed == 7": "t1 t2 t3 " + ODD,
    "run.config.p.lr == 0.01": "t2",
    'run["config"]["p"]["width"] > 64': "t3",
    "run.p.lr == 0.01": "t2",
    "run.hparams.layers[1] == 64": "t2",
    "run.hparams.layers == [64, 32]": "t1",
    "32 in run.hparams.layers": "t1",
    "'lr' in run.hparams": "t1 t2 t3",
    # and, or, not
    "lr == 0.1 or lr < 1e-6 and width == 128": "t1 t3",
    "(lr == 0.1 or lr < 1e-6) and width == 128": "t3",
    "not lr > 0.01": "t2 t3 " + ODD,
    "not (lr > 0.01 or run.experiment != 'digits')": "t2 t3",
    "not not lr == 0.1": "t1",
    "true": "t1 t2 t3 " + ODD,
    "False or 0 or '' or None or []": "",
    "(lr < 1) == True": "t1 t2 t3",
    # what a run does not have is None, and a comparison with it is false
    "lr is None": ODD,
    "lr == None": ODD,
    "lr != None": "t1 t2 t3",
    "lr IS NOT NULL": "t1 t2 t3",
    "lr not in [1]": "t1 t2 t3",
    "not lr in [1]": "t1 t2 t3 " + ODD,
    "loss.last != loss.last": "",
    # texts
    "optimizer == 'adam'": "t1 t2 t3",
    'optimizer == "sgd"': "",
    "optimizer in ('sgd', 'adam') and width < 64": "t1",
    "'da' in optimizer": "t1 t2 t3",
    "optimizer like 'AD%'": "",
    "optimizer ilike 'AD%'": "t1 t2 t3",
    "optimizer like '_d_m' and not optimizer like 'a'": "t1 t2 t3",
    "optimizer not like '%a%'": "",
    "name =~ 't[12]$'": "t1 t2",
    r"name =~ '_\w\d$' and name =~ '(?i)T[12]'": "t1 t2",
    r"name like 'train\_t1' or name == 'train_t\2'": "t1",
    "run.experiment == 'digits' and name !~ '^train_t(1|2)$'": "t3",
    "run.name.endswith('3')": "t3",
    "`\u5b66\u7fd2` == '\u00e9t\u00e9'": ODD,
    "\u5b66\u7fd2 == '\u00e9t\u00e9'": ODD,
    "metrics.`a,b` == 2": ODD,
}

# Exit status, what is said, and the text that the mark stands below.
MISTAKES = {
    "lr <": (2, "missing before the end", ""),
    "lr < and": (2, "missing before 'and'", "and"),
    "": (2, "missing before the end", ""),
    "lr < 0.1 status": (2, "'and' or 'or' is missing before 'status'", "status"),
    "(lr < 0.1": (2, "')' is missing before the end", ""),
    "lr < 0.1)": (2, "')' closes nothing", ")"),
    "lr < 'x": (2, "the quote ' is never closed", "'x"),
    "lr < 0.1.2": (2, "'0.1.2' is no number", "0.1.2"),
    "lr < 12px": (2, "'12px' is no number", "12px"),
    "lr < 1 && width > 3": (2, "write 'and'", "&&"),
    "!run.active": (2, "write 'not'", "!run"),
    "lr ; width": (2, "';' means nothing", "; width"),
    "lr not 3": (2, "'not' is followed by", "3"),
    "lr is 3": (2, "'is' takes None", "3"),
    "name like lr": (2, "takes a text in quotes", "lr"),
    "name =~ '(a'": (2, "the pattern cannot be used", "'(a'"),
    "name =~ 'a{99}{99}'": (2, "bad repetition operator: {99}{99}", "'a{99"),
    r"name =~ '(a)\1'": (2, r"invalid escape sequence: \1", "'(a"),
    "run.name.starts('a')": (2, "did you mean 'startswith'?", "starts"),
    "run.created_at > 'yesterday'": (2, "this is no time", "'yesterday'"),
    "run.created_at > datetime(2026, 13, 1)": (2, "no such date", "datetime"),
    "run.created_at > datetime(2026, 2, 30)": (2, "no such date", "datetime"),
    'metrics["loss"].median < 1': (2, "a metric has no 'median'", "median"),
    "run.metrics[0] < 1": (2, "has a name, not a number", "0]"),
    "run == 3": (2, "say which field of the run", "run == 3"),
    "run.metrics": (2, "say which metric", "metrics"),
    "((((" * 80 + "lr": (2, "nested too deeply", None),
    "run.stauts == 'failed'": (3, "did you mean 'run.status'?", "run.stauts"),
    "run.hparams.lrr < 1": (3, "did you mean 'lr'?", "lrr"),
    "widht < 1": (3, "did you mean 'width'?", "widht"),
    'run.metrics["los"].min < 1': (3, "did you mean 'loss'?", '"los"'),
    'run.metrics["eval/loss", {"subset": "x"}] < 1': (3, "not recorded in this context", '"eval'),
    "run.config.sede == 1": (3, "did you mean 'seed'?", "sede"),
    "\u5b66\u7fd2 == 1 and widht == 2": (3, "did you mean 'width'?", "widht"),
}


def aimlog(*words, repo):
    kept = {key: value for key, value in os.environ.items() if key in ("PATH", "LD_LIBRARY_PATH")}
    return subprocess.run([AIMLOG, *words], capture_output=True, text=True, encoding="utf-8",
                          env={**kept, "TZ": "UTC", "AIMLOG_REPO": repo})


def marked(err):
    """What stands at the mark, by columns of a terminal."""
    line, mark = err.splitlines()[-2:]
    column, at = len(mark) - 1, 0
    while column > 0:
        column -= 2 if line[at] >= "\u1100" and line[at] != "\u2026" else 1
        at += 1
    return line[at:]


class Queries(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="aimlog-query.")
        cls.repo = cls.folder.name
        subprocess.run([MAKE_REPO, cls.repo], check=True)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def chosen(self, *words):
        done = aimlog("ls", "--json", "--columns", "trial,experiment", *words, repo=self.repo)
        self.assertIn(done.returncode, (0, 3), done.stderr)
        rows = json.loads(done.stdout or "[]")
        names = [r["trial"] if r["experiment"] == "digits" else ODD for r in rows]
        return " ".join(sorted(names, key=lambda name: (name == ODD, name)))

    def test_queries_choose_runs(self):
        for query, expected in CHOSEN.items():
            with self.subTest(query):
                self.assertEqual(self.chosen("-q", query), expected)

    def test_mistakes_are_pointed_at(self):
        for query, (status, text, at) in MISTAKES.items():
            with self.subTest(query):
                done = aimlog("ls", "--query", query, repo=self.repo)
                self.assertEqual(done.returncode, status, done.stderr)
                self.assertIn(text, done.stderr)
                if at is not None:
                    self.assertTrue(marked(done.stderr).startswith(at), done.stderr)
                    if not at:
                        self.assertEqual(marked(done.stderr), at, done.stderr)

    def test_long_queries_are_shown_around_the_mistake(self):
        query = " and ".join(["lr < 1"] * 100) + " and widht < 2 and " + "x" * 1000
        err = aimlog("ls", "-q", query, repo=self.repo).stderr
        self.assertTrue(marked(err).startswith("widht"), err)
        self.assertLess(max(map(len, err.splitlines())), 110)

    def test_hostile_queries_do_not_reach_a_terminal(self):
        err = aimlog("ls", "-q", "\x1b[31m < 1\n", repo=self.repo).stderr
        self.assertIn("\\x1b[31m", err)
        self.assertNotIn("\x1b", err)

    def test_comparisons_that_cannot_be_meant_are_told(self):
        done = aimlog("ls", "-q", "optimizer < 3 or lr == 0.1", repo=self.repo)
        self.assertEqual((done.returncode, done.stderr.count("number with a text")), (0, 1))
        self.assertTrue(marked(done.stderr).startswith("< 3"), done.stderr)
        done = aimlog("ls", "-q", "lr == 0.1", repo=self.repo)
        self.assertEqual(done.stderr, "")

    def test_every_verb_that_lists_runs_takes_it(self):
        query = ["-q", "lr < 0.01"]
        for words in (["ls"], ["best"], ["exps"], ["metrics"], ["show", "--all", "--json"],
                      ["plot", "loss"]):
            done = aimlog(*words, *query, repo=self.repo)
            self.assertEqual((done.returncode, done.stderr), (0, ""), words)
            other = aimlog(*words, "-q", "lr < 0", repo=self.repo)
            self.assertEqual(other.returncode, 3, words)
        rows = json.loads(aimlog("exps", "--json", *query, repo=self.repo).stdout)
        self.assertEqual([(row["experiment"], row["runs"]) for row in rows], [("digits", 2)])
        best = json.loads(aimlog("best", "--json", *query, repo=self.repo).stdout)
        self.assertEqual([row["trial"] for row in best], ["t2", "t3"])
        self.assertEqual(self.chosen("--status", "running", *query), "t3")

    def test_exports_take_it(self):
        words = ["export", "--format", "aim", "--output", self.repo + "/aim", "--dry-run"]
        done = aimlog(*words, "-q", "lr < 0.01", repo=self.repo)
        if "built without support for Aim" in done.stderr:
            self.skipTest("no Aim")
        self.assertTrue(done.stdout.startswith("2 runs would be written"), done)
        self.assertEqual(aimlog(*words, "-q", "lr < 0", repo=self.repo).returncode, 3)

    def test_a_query_of_nothing_matches_nothing(self):
        done = aimlog("ls", "-q", "lr > 5", repo=self.repo)
        self.assertEqual((done.returncode, done.stdout), (3, ""))

    def test_a_planted_fault_is_seen(self):
        self.assertNotEqual(self.chosen("-q", "lr < 0.01"), self.chosen("-q", "lr <= 0.1"))
        with self.assertRaises(AssertionError):
            self.assertEqual(marked("  a < b\n    ^"), "b")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
