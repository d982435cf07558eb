#!/usr/bin/env python3
"""What the command prints, against what it printed when somebody last looked.

usage: golden_test.py AIMLOG MAKE_REPO
AIMLOG_ACCEPT=1 writes what is printed now into tests/cli/golden/.
SPDX-License-Identifier: Apache-2.0
"""

import os
import pathlib
import subprocess
import sys
import tempfile

GOLDEN = pathlib.Path(__file__).resolve().parent / "golden"

# Name of the golden file, and the words of the command line.
CASES = {
    "help": ["--help"],
    "ls": ["ls"],
    "ls.csv": ["ls", "--format", "csv"],
    "ls.jsonl": ["ls", "--format", "jsonl"],
    "ls.json": ["ls", "--json", "--types"],
    "ls.md": ["ls", "--format", "md", "--experiment", "digits"],
    "ls_columns": ["ls", "--columns", "id,lr,loss.min,loss.mean,loss.nan_count,eval/loss"],
    "ls_without": ["ls", "--experiment=digits", "--columns=-layers,-experiment"],
    "ls_sort": ["ls", "--sort", "loss.min", "--columns", "trial,loss.min,loss.min_step"],
    "ls_sort_desc": ["ls", "--sort", "lr:desc", "--columns", "trial,lr", "--limit", "2"],
    "ls_status": ["ls", "--status", "failed,crashed", "--columns", "trial,status,error,duration"],
    "ls_context": ["ls", "--columns", "trial,eval/loss{subset=val}.last"],
    "ls_config": ["ls", "--columns", "trial,config.seed,config.p/lr"],
    "exps": ["exps"],
    "exps.json": ["exps", "--json"],
    "metrics": ["metrics"],
    "metrics_run": ["metrics", "t2"],
    "metrics.json": ["metrics", "t2", "--json", "--types"],
    "get": ["get", "t1", "loss"],
    "get_back": ["get", "t2", "loss"],
    "get_all": ["get", "t2", "loss", "--attempt", "all"],
    "get_one": ["get", "t2", "loss", "--attempt", "1", "--steps", "2:3"],
    "get.csv": ["get", "t2", "loss", "--format", "csv", "--types"],
    "get.json": ["get", "t3", "loss", "--json", "--types"],
    "get_contexts": ["get", "t1", "eval/loss"],
    "get_context": ["get", "t1", "eval/loss", "--context", "subset=val"],
    "get_best": ["get", "best:loss:min", "loss", "--steps", "10"],
    "get_odd_name": ["get", "last", "x{y}"],
    "best": ["best"],
    "best_last": ["best", "--metric", "loss", "--mode", "max", "--scope", "last"],
    "best_context": ["best", "--metric", "eval/loss{subset=val}", "--mode", "min"],
    "best.json": ["best", "--metric", "acc", "--mode", "max", "--json"],
    "show": ["show", "t2"],
    "show_hostile": ["show", "last"],
    "show.json": ["show", "t2", "--json", "--types", "--points"],
    "show_all.jsonl": ["show", "--all", "--format", "jsonl"],
    "plot": ["plot", "loss", "t1", "t2", "--width", "60", "--height", "10"],
    "plot_one": ["plot", "acc", "t1", "--width", "50", "--height", "8"],
    "plot_contexts": ["plot", "eval/loss", "t1", "--width", "50", "--height", "5"],
    "plot_hostile": ["plot", "\x1b[31mloss", "--width", "40", "--height", "5"],
    "check": ["check"],
    "check.json": ["check", "--deep", "--json"],
    "check_nothing": ["check", "/no/such/place"],
    "backup_nothing": ["backup", "/no/such/place", "/no/such/place/either"],
    "repair_nothing": ["repair", "/no/such/place", "/no/such/place/either"],
    "completion_bash": ["completion", "bash"],
    "completion_zsh": ["completion", "zsh"],
    "no_verb": [],
    "unknown_verb": ["plto", "loss"],
    "unknown_option": ["ls", "--lmit", "3"],
    "unknown_column": ["ls", "--columns", "statsu"],
    "unknown_aggregate": ["ls", "--columns", "loss.median"],
    "unknown_metric": ["get", "t1", "los"],
    "unknown_run": ["get", "t9", "loss"],
    "unknown_status": ["ls", "--status", "done"],
    "unknown_experiment": ["ls", "--experiment", "digit"],
    "unknown_format": ["ls", "--format", "xml"],
    "bad_limit": ["ls", "--limit", "many"],
    "bad_steps": ["get", "t1", "loss", "--steps", "x:y"],
    "ambiguous_series": ["best", "--metric", "eval/loss", "--mode", "min"],
    "no_mode": ["best", "--metric", "acc"],
    "no_run_given": ["show"],
    "far_index": ["show", "@99"],
}
VERBS = ["ls", "best", "exps", "metrics", "show", "get", "plot", "export", "stats", "version"]
VERBS += ["import", "completion", "check", "repair", "backup"]
CASES.update({f"help_{verb}": [verb, "--help"] for verb in VERBS})


def environment(**more):
    kept = {key: value for key, value in os.environ.items() if key in ("PATH", "LD_LIBRARY_PATH")}
    kept.update({"TZ": "UTC", "LC_ALL": "C"}, **more)
    return kept


def transcript(command, words, repo):
    """Exit code, stdout and stderr, as the golden files keep them."""
    done = subprocess.run([command, *words], capture_output=True, env=environment(AIMLOG_REPO=repo))
    text = f"exit {done.returncode}\n".encode() + done.stdout
    if done.stderr:
        text += b"--- stderr\n" + done.stderr
    return text


def controls(text):
    """Bytes that a terminal would act on."""
    shown = text.decode("utf-8", "surrogateescape")
    return {c for c in shown
            if (ord(c) < 32 and c != "\n") or 127 <= ord(c) < 160
            or 0xDC80 <= ord(c) <= 0xDCFF or 0x202A <= ord(c) <= 0x202E}


def main():
    command, make_repo = (str(pathlib.Path(word).resolve()) for word in sys.argv[1:3])
    accept = os.environ.get("AIMLOG_ACCEPT") == "1"
    failures = 0
    with tempfile.TemporaryDirectory(prefix="aimlog-golden.") as repo:
        subprocess.run([make_repo, repo], check=True)
        for name, words in CASES.items():
            path = GOLDEN / f"{name}.txt"
            text = transcript(command, words, repo)
            if controls(text):
                print(f"{name}: hazards reach the terminal: {sorted(map(ascii, controls(text)))}")
                failures += 1
            if accept:
                GOLDEN.mkdir(exist_ok=True)
                path.write_bytes(text)
            elif not path.exists() or path.read_bytes() != text:
                print(f"{name}: aimlog {' '.join(words)!a} printed\n{text.decode(errors='replace')}"
                      f"instead of what {path.name} holds")
                failures += 1
    for path in GOLDEN.glob("*.txt"):
        if path.stem not in CASES:
            print(f"{path.name}: no case makes this file")
            failures += 1
    # The planted fault of the check for hazards.
    if controls("a\x1b[31m".encode()) != {"\x1b"} or controls(b"\xff") == set():
        print("hazards are not seen")
        failures += 1
    print(f"{len(CASES)} cases, {failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
