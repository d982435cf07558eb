#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs of Aim's in a repo of ours, and both round trips.

usage: import_test.py AIMLOG PLUGIN  (run by a Python that has Aim)
"""

import contextlib
import gc
import json
import math
import os
import random
import sqlite3
import subprocess
import sys

import aim
import aimrocks
from aim_support import Fault, Unreadable, check, check_equal, chunk, export, open_repo
from aim_support import plugin_host, raw_keys, read_repo, run_command, run_tests

AIMLOG, PLUGIN = (os.path.abspath(path) for path in sys.argv[1:3])
QUIET = {"system_tracking_interval": None, "capture_terminal_logs": False}
SECOND = 1_000_000_000
START = 1_795_503_600 * SECOND


def bring(directory, repo, *words, status=0):
    return run_command(AIMLOG, "import", "--from", "aim", directory, "--repo", repo, *words,
                       status=status)  # fmt: skip


def show(repo):
    """All runs of a repo of ours, as far as Aim can hold them, by id."""
    out, _ = run_command(AIMLOG, "show", "--all", "--json", "--types", "--points", "--repo", repo)
    runs = {run["id"]: run for run in map(json.loads, out.splitlines())}
    for run in runs.values():
        run["metrics"].sort(key=lambda metric: (metric["name"], str(metric["context"])))
    return runs


def same(ours, back, path="", holes=()):
    """Equal but for what Aim cannot hold: times to a microsecond, bools of metrics as integers."""
    if path.endswith(holes):
        return
    if isinstance(ours, dict) and isinstance(back, dict):
        if ours.get("type") == "bool" and "/metrics" in path:
            ours = {"type": "int64", "value": int(ours["value"])}
        check_equal(sorted(ours), sorted(back), path)
        for key in ours:
            same(ours[key], back[key], f"{path}/{key}", holes)
    elif isinstance(ours, list) and isinstance(back, list):
        check_equal(len(ours), len(back), path)
        for pair in zip(ours, back):
            same(*pair, path, holes)
    elif path.endswith("_ns") and isinstance(ours, int):
        check(abs(ours - back) <= 1_000, path, ours, back)
    else:
        check_equal(ours, back, path)


# Texts of times beside their nanoseconds, and what an export leaves out.
HOLES = ("/time", "/created", "/started", "/ended", "/duration_s", "/objects", "/checkpoints",
         "/params_history", "/pid", "/restored", "/host_attempt", "/checkpoint_path",
         "/journal", "/num_samples", "/total_num_samples", "/stop", "/time_budget_s",
         "/job/ended_ns")  # fmt: skip


def make_ours(directory):
    plugin = plugin_host.Plugin(
        PLUGIN, f"repo: {directory}\ntags: [baseline]\ndescription: A first search.\n"
    )
    plugin.setup(experiment_name="digits", host_name="test", host_version="1.2", metric="loss",
                 mode="min", metric_namespace="ray/tune/", job_id="j1", experiment_dir="/e",
                 reserved=["training_iteration"])  # fmt: skip
    plugin.time_ns = START
    for number, trial in enumerate("abc"):
        plugin.start(trial, name=f"train_{trial}", local_dir=f"/r/{trial}", node_ip="10.0.0.7",
                     params={"lr": 0.1 * number, "net/width": 8}, config={"seed": number})
        for step in range(1, 30):
            result = {"loss": 1.0 / step, "n": step, "mixed": step if step % 2 else 0.5,
                      "on": step > 3, "odd": math.nan if step == 4 else -math.inf,
                      "training_iteration": step}
            if number == 2:
                result |= {"context": {"subset": "val", "fold": {"n": 3}}, "epoch": step / 4}
            plugin.result(result, trial, time_ns=START + step * SECOND // 7)
        if trial == "b":
            plugin.fail(trial, "out of memory", 1)
        else:
            plugin.complete(trial)
    plugin.end()
    plugin.destroy()


def add_attempt(directory):
    """A resumed job in which a trial goes back over steps."""
    plugin = plugin_host.Plugin(PLUGIN, f"repo: {directory}\n")
    plugin.setup(experiment_name="digits", host_name="test", metric_namespace="ray/tune/",
                 job_id="j1", resumed=1, reserved=["training_iteration"])  # fmt: skip
    plugin.time_ns = START + 100 * SECOND
    plugin.start("b", name="train_b", local_dir="/r/b", node_ip="10.0.0.8")
    for step in range(20, 35):
        plugin.result({"loss": 2.0 / step, "training_iteration": step}, "b")
    plugin.complete("b")
    plugin.end()
    plugin.destroy()


def make_theirs(directory, runs=3):
    directory.mkdir(exist_ok=True)
    for number in range(runs):
        run = aim.Run(repo=str(directory), experiment=f"e{number % 2}", log_system_params=False,
                      **QUIET)  # fmt: skip
        run.name, run.description = f"run {number}", "d" * number
        run.archived = number == 1
        for tag in ("a", "b")[:number]:
            run.add_tag(tag)
        run["hparams"] = {"lr": 0.1, "deep": {"x": [1, None, {"y": 2}]}, "nothing": {}}
        run["config"] = {"hparams": 1}
        run["n"] = number
        for step in (5, 1, 2, 3, 2**40 + number):
            run.track(step / 3, name="loss", step=step, context={"subset": "val"}, epoch=step / 2)
            run.track(step, name="count", step=step)
            run.track(math.nan, name="nan", step=step)
        run.track(0.125, name="loss", step=3, context={"subset": "val"})  # in the place of another
        run.track(aim.Text("a text"), name="texts", step=1)
        run.close()
        del run
    gc.collect()


def test_ours_come_back_equal(folder):
    make_ours(folder / "ours")
    export(AIMLOG, folder / "ours", folder / "aim", "--keep-nan")
    out, _ = bring(folder / "aim", folder / "back")
    check("3 runs imported" in out, out)
    ours, back = show(folder / "ours"), show(folder / "back")
    check_equal(sorted(ours), sorted(back), "ids")
    same(ours, back, "", HOLES)


def test_split_attempts_come_back_as_one_run(folder):
    make_ours(folder / "ours")
    add_attempt(folder / "ours")
    export(AIMLOG, folder / "ours", folder / "aim", "--keep-nan", "--attempts", "split")
    bring(folder / "aim", folder / "back")
    ours, back = show(folder / "ours"), show(folder / "back")
    check_equal(sorted(ours), sorted(back), "ids")
    check_equal(sorted(run["attempt_count"] for run in back.values()), [1, 1, 2], "attempts")
    same(ours, back, "", (*HOLES, "/error", "/failures"))


def test_an_attempt_that_aim_does_not_have_is_no_damage(folder):
    make_ours(folder / "ours")
    add_attempt(folder / "ours")
    export(AIMLOG, folder / "ours", folder / "aim", "--keep-nan", "--attempts", "split")
    repo = open_repo(folder / "aim")
    first = [run.hash for run in repo.iter_runs() if run["aimlog"].get("attempt") == 1
             and run["trial_id"] == "b"]  # fmt: skip
    check_equal(len(first), 1, "runs of a first attempt that has a second")
    repo.delete_run(first[0])
    del repo
    gc.collect()
    bring(folder / "aim", folder / "back")
    check_sound(folder / "back")


def check_sound(repo):
    out, _ = run_command(AIMLOG, "check", "--deep", repo)
    check(out.startswith("sound"), out)


def test_imported_runs_can_be_repaired(folder):
    make_ours(folder / "ours")
    export(AIMLOG, folder / "ours", folder / "aim", "--keep-nan")
    bring(folder / "aim", folder / "back")
    run_command(AIMLOG, "repair", folder / "back", folder / "repaired")
    check_sound(folder / "repaired")
    check_equal(show(folder / "back"), show(folder / "repaired"), "runs")


def keys_without_texts(directory, run_hash):
    keys = {**raw_keys(chunk(directory, "meta", run_hash)),
            **raw_keys(chunk(directory, "seqs", run_hash))}  # fmt: skip
    return {k: v for k, v in keys.items() if b"texts\xfe" not in k and not k.startswith(b"BLOBS")}


# Of points that were tracked out of order Aim keeps what depends on the order, and we do not.
UNORDERED = (b"\xfefirst\xfe", b"\xfefirst_step\xfe")


def test_theirs_go_back_equal(folder):
    make_theirs(folder / "theirs")
    before = listing(folder / "theirs")
    _, err = bring(folder / "theirs", folder / "ours")
    check("3 series" in err and "texts" in err, err)
    check_equal(listing(folder / "theirs"), before, "the Aim repo was touched")
    export(AIMLOG, folder / "ours", folder / "again", "--keep-nan")
    theirs, again = read_props(folder / "theirs"), read_props(folder / "again")
    check_equal(again, theirs, "props")
    for run_hash in theirs:
        old = keys_without_texts(folder / "theirs", run_hash)
        new = keys_without_texts(folder / "again", run_hash)
        check_equal(sorted(set(old) ^ set(new)), [], "keys")
        for key in old:
            if not key.endswith((b"end_time\xfe", *UNORDERED)):
                check_equal(new[key], old[key], key)


def read_props(directory):
    repo = open_repo(directory)
    found = {}
    for run_hash in repo.list_all_runs():
        props = repo.structured_db.find_run(run_hash)
        found[run_hash] = [props.name, props.description or "", props.experiment,
                           sorted(props.tags), props.archived, props.creation_time]
    return found


def listing(directory):
    found = {}
    for folder, _, files in os.walk(directory):
        for file in files:
            info = os.stat(os.path.join(folder, file))
            found[os.path.join(folder, file)] = (info.st_size, info.st_mtime_ns)
    return found


def test_a_second_import_adds_what_came_since(folder):
    make_theirs(folder / "theirs", 2)
    bring(folder / "theirs", folder / "ours")
    before = show(folder / "ours")
    out, _ = bring(folder / "theirs", folder / "ours")
    check("0 runs imported with 0 points, 0 brought up to date, 2 unchanged" in out, out)
    check_equal(show(folder / "ours"), before, "the repo")
    run_hash = sorted(before)[0]
    run = aim.Run(run_hash, repo=str(folder / "theirs"), **QUIET)
    run.track(7, name="count", step=2**41)
    run["n"] = 17
    out, _ = bring(folder / "theirs", folder / "ours")  # while Aim has it open
    check("1 brought up to date" in out and "with 1 point," in out, out)
    check_equal(show(folder / "ours")[run_hash]["status"], "running", "an open run")
    run.close()
    del run
    gc.collect()
    bring(folder / "theirs", folder / "ours")
    shown = show(folder / "ours")[run_hash]
    check_equal(shown["status"], "completed", "a closed run")
    check_equal(shown["config"]["value"]["n"]["value"], 17, "a param")


def test_damaged_runs_are_named_and_the_rest_is_read(folder):
    make_theirs(folder / "theirs", 3)
    victim = sorted(os.listdir(folder / "theirs/.aim/meta/chunks"))[1]
    os.remove(chunk(folder / "theirs", "seqs", victim) / "CURRENT")
    out, err = bring(folder / "theirs", folder / "ours", status=1)
    check("2 runs imported" in out and "1 damaged" in out and victim in err, out, err)
    check_equal(len(show(folder / "ours")), 2, "runs")


def test_runs_that_cannot_be_looked_at_are_named_and_the_rest_is_read(folder):
    make_theirs(folder / "theirs", 2)
    victim = sorted(os.listdir(folder / "theirs/.aim/meta/chunks"))[0]
    for kind in ("meta", "seqs"):
        file = chunk(folder / "theirs", kind, victim) / "CURRENT"
        with Unreadable(file, folder):
            out, err = bring(folder / "theirs", folder / kind, status=1)
        check("1 run imported" in out and "1 not read" in out and victim in err, out, err)
        check(str(file) in err, err)
        check_equal(len(show(folder / kind)), 1, "runs")


def test_a_flipped_bit_is_named_or_harmless(folder):
    make_theirs(folder / "theirs", 1)
    bring(folder / "theirs", folder / "whole")
    (whole,) = show(folder / "whole").values()
    run_hash = os.listdir(folder / "theirs/.aim/seqs/chunks")[0]
    (table,) = chunk(folder / "theirs", "seqs", run_hash).glob("*.sst")
    good = table.read_bytes()
    chance, named = random.Random(1), 0
    for number in range(16):
        bad = bytearray(good)
        # Near the end there is what the reader looks at itself.
        bad[-1 - chance.randrange((len(bad), 53, 400)[number % 3])] ^= 1 << chance.randrange(8)
        table.write_bytes(bad)
        words = [AIMLOG, "import", "--from", "aim", folder / "theirs", "--repo"]
        done = subprocess.run([*words, folder / f"n{number}"], capture_output=True, check=False)
        check(done.returncode in (0, 1), done)
        named += done.returncode
        if done.returncode == 0:
            (run,) = show(folder / f"n{number}").values()
            check_equal(run["metrics"], whole["metrics"], "metrics")
    check(0 < named, "no flipped bit was seen")


def test_a_run_that_nobody_closed_is_crashed(folder):
    make_theirs(folder / "theirs", 1)
    run_hash = os.listdir(folder / "theirs/.aim/meta/chunks")[0]
    path = str(chunk(folder / "theirs", "meta", run_hash))
    database = aimrocks.DB(path, aimrocks.Options(create_if_missing=False))
    database.put(f"meta\xfechunks\xfe{run_hash}\xfeend_time\xfe".encode("latin-1"), b"\x00")
    del database
    gc.collect()
    bring(folder / "theirs", folder / "ours")
    check_equal(show(folder / "ours")[run_hash]["status"], "crashed", "status")
    export(AIMLOG, folder / "ours", folder / "again")
    check_equal(read_repo(folder / "again")[run_hash]["end"], None, "end")


def test_a_time_beyond_what_nanoseconds_hold_is_none(folder):
    make_theirs(folder / "theirs", 3)
    times = ("9999-12-31 23:59:59.999999", "99999999999-01-01 00:00:00", "2026-11-28 10:00:00.5")
    with contextlib.closing(sqlite3.connect(folder / "theirs/.aim/run_metadata.sqlite")) as base:
        for number, time in enumerate(times):
            base.execute("update run set created_at = ? where name = ?", (time, f"run {number}"))
        base.commit()
    bring(folder / "theirs", folder / "ours")
    runs = show(folder / "ours").values()
    years = sorted((run["trial_name"], (run["created"] or "none")[:4]) for run in runs)
    check_equal(years, [("run 0", "none"), ("run 1", "none"), ("run 2", "2026")], "years")


def test_our_own_runs_are_not_taken_twice(folder):
    make_ours(folder / "ours")
    before = show(folder / "ours")
    export(AIMLOG, folder / "ours", folder / "aim")
    out, _ = bring(folder / "aim", folder / "ours")
    check("3 recorded here" in out, out)
    check_equal(show(folder / "ours"), before, "the repo")


def test_a_series_that_is_called_as_one_of_ours_stays_apart(folder):
    make_ours(folder / "ours")
    export(AIMLOG, folder / "ours", folder / "aim", "--keep-nan")
    ids = {run["trial_id"]: run_id for run_id, run in show(folder / "ours").items()}
    run_hash = ids["a"]  # the loss of c has a context, so that nothing would clash
    run = aim.Run(run_hash, repo=str(folder / "aim"), **QUIET)
    run.track(7, name="loss", step=1)
    run.close()
    del run
    gc.collect()
    bring(folder / "aim", folder / "back")
    metrics = show(folder / "back")[run_hash]["metrics"]
    counts = {metric["name"]: metric["count"] for metric in metrics}
    check_equal((counts["loss"], counts["aim:loss"]), (29, 1), "points")


def test_two_runs_that_say_they_are_the_same_become_one(folder):
    make_ours(folder / "ours")
    export(AIMLOG, folder / "ours", folder / "aim")
    run_hash = sorted(show(folder / "ours"))[0]
    first = aim.Run(run_hash, repo=str(folder / "aim"), read_only=True)
    copy = aim.Run(repo=str(folder / "aim"), log_system_params=False, **QUIET)
    copy["aimlog"] = first["aimlog"]
    copy.track(0.5, name="ray/tune/loss", step=1000)
    copy.close()
    del first, copy
    gc.collect()
    bring(folder / "aim", folder / "back")
    back = show(folder / "back")
    check_equal(len(back), 3, "runs")
    steps = {metric["last_step"] for metric in back[run_hash]["metrics"]}
    check(steps >= {29, 1000}, steps)


def test_a_planted_fault_is_seen(folder):
    make_ours(folder / "ours")
    ours, other = show(folder / "ours"), show(folder / "ours")
    next(iter(other.values()))["metrics"][0]["points"][3]["value"]["bits"] = "0" * 16
    try:
        same(ours, other, "", HOLES)
    except Fault:
        return
    raise Fault("a difference went unseen")


if __name__ == "__main__":
    os._exit(run_tests(globals()))
