#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Everything that Aim itself reads a repo with, on an export of ours: alone, and beside runs of
others whose index is empty, stale or missing; then what people do to runs in Aim.

usage: readers_test.py AIMLOG PLUGIN  (run by a Python that has Aim)
"""

import gc
import os
import pathlib
import shutil
import sys

import aim
from aim.sdk.index_manager import RepoIndexManager
from aim.storage.context import Context
from aim_support import ALL, Fault, check, check_equal, chunk, export, open_repo, plugin_host
from aim_support import run_command, run_tests

AIMLOG, PLUGIN = (os.path.abspath(path) for path in sys.argv[1:3])
AIM = pathlib.Path(sys.executable).parent / "aim"
QUIET = {"system_tracking_interval": None, "capture_terminal_logs": False}
START_NS = 1_795_503_600_000_000_000
RATES = [0.5, 0.2, 0.1, 0.05, 0.02]
STEPS = [1, 2, 3, 4]
LOSS = "ray/tune/loss"
NAMES = {LOSS, "ray/tune/count"}
# What the runs of others hold.
SCORES = [0.25, 0.75]


def record(directory):
    """A search over five learning rates; the loss of a trial is its rate divided by the step."""
    plugin = plugin_host.Plugin(PLUGIN, f"repo: {directory}\ntags: [readers]\n")
    plugin.setup(experiment_name="rates", host_name="ray", metric_namespace="ray/tune/",
                 reserved=["training_iteration"])  # fmt: skip
    plugin.time_ns = START_NS
    for number, rate in enumerate(RATES):
        trial = f"t{number}"
        told = {"lr": rate, "net": {"width": 2**number}}
        plugin.start(trial, name=f"train_{number}", params=told, config={**told, "seed": 7})
        for step in STEPS:
            plugin.time_ns += 1_000_000_000
            plugin.result({"loss": rate / step, "count": step, "training_iteration": step}, trial)
        plugin.complete(trial)
    plugin.end()
    plugin.destroy()


def exported(folder, directory):
    """Exports a search into `directory`. Gives the hashes, in the order of RATES."""
    record(folder / "ours")
    _, err = export(AIMLOG, folder / "ours", directory)
    check_equal(err, "", "what the export complained about")
    runs = open_repo(directory).iter_runs()
    numbers = {run["trial_id"]: run.hash for run in runs if run.get("trial_id")}
    return [numbers[f"t{number}"] for number in range(len(RATES))]


def ls(directory):
    """The hashes that `aim runs ls` prints."""
    out, _ = run_command(AIM, "runs", "--repo", directory, "ls")
    listed, total = out.strip().splitlines()
    hashes = listed.split("\t")
    check_equal(total, f"Total {len(hashes)} runs.", "the last line of aim runs ls")
    return sorted(hashes)


def found(repo, query):
    """The hashes that a query for runs finds, in order."""
    return sorted(each.run.hash for each in repo.query_runs(query, report_mode=0).iter_runs())


def metrics(repo, query):
    """What a query for metrics finds: hash -> name -> (steps, values)."""
    result = {}
    for collection in repo.query_metrics(query, report_mode=0).iter_runs():
        for metric in collection:
            result.setdefault(metric.run.hash, {})[metric.name] = points_of(metric)
    return result


def points_of(metric):
    """Steps and values of a series."""
    steps, (values, _, _) = metric.data.items_list()
    return list(steps), list(values)


def look_at_lists(directory, hashes, others):
    everything = sorted(hashes + others)
    check_equal(ls(directory), everything, "aim runs ls")
    repo = open_repo(directory)
    check_equal(sorted(repo.list_all_runs()), everything, "list_all_runs")
    check_equal(sorted(run.hash for run in repo.iter_runs()), everything, "iter_runs")
    check_equal(list(repo.list_corrupted_runs()), [], "list_corrupted_runs")
    check_equal(found(repo, ALL), everything, "query_runs")
    info = repo.collect_sequence_info("metric")
    check_equal(
        set(info["metric"]), NAMES | ({"score"} if others else set()), "collect_sequence_info"
    )
    check_equal(
        repo.collect_params_info()["hparams"]["lr"], {"__example_type__": "<class 'float'>"}, "lr"
    )


def look_at_queries(directory, hashes, others):
    repo = open_repo(directory)
    for bound in (0.01, 0.1, 0.3, 1.0):
        wanted = sorted(h for h, rate in zip(hashes, RATES) if rate < bound)
        check_equal(found(repo, f"run.hparams.lr < {bound}"), wanted, f"lr < {bound}")
    query = "run.hparams['net/width'] >= 4 and run.config.net.width < 16"
    check_equal(found(repo, query), sorted(hashes[2:4]), "nested params")
    query = "run.experiment == 'rates' and 'readers' in run.tags and not run.active"
    check_equal(found(repo, query), sorted(hashes), "experiment, tags, active")
    query = "run.status == 'completed' and run.name == 'train_3' and run.duration > 2"
    check_equal(found(repo, query), [hashes[3]], "status, name, duration")
    curves = {h: {LOSS: (STEPS, [rate / n for n in STEPS])} for h, rate in zip(hashes, RATES)}
    check_equal(metrics(repo, f"metric.name == '{LOSS}'"), curves, "query_metrics")
    query = f"metric.name == '{LOSS}' and metric.last < 0.02 and run.hparams.lr < 0.1"
    check_equal(metrics(repo, query), {h: curves[h] for h in hashes[3:]}, "metric.last")
    query = f"run.metrics['{LOSS}', {{}}].last < 0.02"
    check_equal(found(repo, query), sorted(hashes[3:]), "runs by a metric")
    scores = {h: {"score": ([0, 1], [score, 2 * score])} for h, score in zip(others, SCORES)}
    check_equal(metrics(repo, "metric.name == 'score'"), scores, "metrics of others")
    wanted = [h for h, score in zip(others, SCORES) if score > 0.5]
    check_equal(found(repo, "run.hparams.score > 0.5"), wanted, "params of others")


def look_at_run(directory, run_hash, rate, steps=STEPS):
    run = aim.Run(run_hash, repo=open_repo(directory), read_only=True)
    values = [rate / step for step in steps]
    check_equal(run["hparams", "lr"], rate, "a param of a read-only run")
    check_equal(run[...]["config"]["lr"], rate, "the params of a read-only run")
    series = run.get_metric(LOSS, Context({}))
    check_equal(points_of(series), (steps, values), "get_metric")
    check_equal({each.name for each in run.metrics()}, NAMES, "run.metrics()")
    table = series.dataframe()
    check_equal(list(table["value"]), values, "values of Metric.dataframe")
    check_equal(list(table["step"]), steps, "steps of Metric.dataframe")
    row = run.dataframe().iloc[0]
    got = (row["hash"], row["hparams.lr"], row["experiment"], row["tags"], row["active"])
    check_equal(got, (run_hash, rate, "rates", '["readers"]', False), "Run.dataframe")
    info = run.collect_sequence_info("metric")["metric"]
    check_equal({each["name"] for each in info}, NAMES, "collect_sequence_info of a run")


def look(directory, hashes, others=()):
    look_at_lists(directory, hashes, list(others))
    look_at_queries(directory, hashes, list(others))
    for run_hash, rate in zip(hashes, RATES):
        look_at_run(directory, run_hash, rate)


def foreign_run(directory, score):
    run = aim.Run(repo=str(directory), log_system_params=False, **QUIET)
    run["hparams"] = {"score": score}
    run.track(score, name="score", step=0)
    run.track(2 * score, name="score", step=1)
    run.close()
    return run.hash


def test_aim_reads_a_repo_of_ours(folder):
    look(folder / "aim", exported(folder, folder / "aim"))


def test_aim_reads_ours_beside_an_empty_index(folder):
    others = [foreign_run(folder, score) for score in SCORES]
    aim.Repo(str(folder), init=True)
    check((folder / ".aim/meta/index/CURRENT").exists(), "Aim made no index")
    check_equal(metrics(open_repo(folder), "metric.name == 'score'"), {}, "the index is not empty")
    look(folder, exported(folder, folder), others)


def test_aim_reads_ours_beside_a_stale_index(folder):
    """It knows the first of two runs, and that one as it was before its second metric."""
    others = [foreign_run(folder, SCORES[0])]
    RepoIndexManager(open_repo(folder)).index(others[0])
    run = aim.Run(others[0], repo=str(folder), **QUIET)
    run.track(3.0, name="late", step=0)
    run.close()
    del run
    gc.collect()
    others.append(foreign_run(folder, SCORES[1]))
    hashes = exported(folder, folder)
    late = metrics(open_repo(folder), "metric.name == 'late'")
    check_equal(late, {others[0]: {"late": ([0], [3.0])}}, "a metric that the index did not know")
    look_at_queries(folder, hashes, others)
    check_equal(ls(folder), sorted(hashes + others), "aim runs ls")


def test_aim_reads_ours_beside_a_missing_index(folder):
    others = [foreign_run(folder, score) for score in SCORES]
    open_repo(folder)
    shutil.rmtree(folder / ".aim/meta/index", ignore_errors=True)
    look(folder, exported(folder, folder), others)


def test_runs_of_ours_are_archived_and_deleted(folder):
    directory = folder / "aim"
    others = [foreign_run(directory, score) for score in SCORES]
    hashes = exported(folder, directory)
    run = aim.Run(hashes[0], repo=open_repo(directory), read_only=True)
    run.archived = True
    del run
    repo = open_repo(directory)
    check_equal(found(repo, "run.experiment == 'rates'"), sorted(hashes[1:]), "the unarchived")
    check_equal(found(repo, "run.archived"), [hashes[0]], "the archived")
    check(repo.delete_run(hashes[1]), "Repo.delete_run")
    out, _ = run_command(AIM, "runs", "--repo", directory, "rm", "-y", hashes[2])
    check("Successfully deleted 1 runs" in out, out)
    for run_hash in hashes[1:3]:
        for kind in ("meta", "seqs"):
            check(not chunk(directory, kind, run_hash).exists(), run_hash, "is still there")
    left = [hashes[0], *hashes[3:]]
    check_equal(ls(directory), sorted(left + others), "aim runs ls")
    repo = open_repo(directory)
    check_equal(found(repo, ALL), sorted(left + others), "query_runs")
    check_equal(sorted(metrics(repo, f"({ALL}) and metric.name == '{LOSS}'")), sorted(left), "ours")
    check_equal(len(metrics(repo, "metric.name == 'score'")), 2, "metrics of others")
    look_at_run(directory, hashes[3], RATES[3])


def go_on(directory, run_hash, rate):
    run = aim.Run(run_hash, repo=str(directory), **QUIET)
    check_equal((run["hparams", "lr"], run.experiment), (rate, "rates"), "the run as it goes on")
    for step in (5, 6):
        run.track(rate / step, name=LOSS, step=step)
    run["reviewed"] = True
    run.close()
    del run
    gc.collect()  # Aim holds the databases of a closed run until then


def test_a_run_of_ours_goes_on_in_aim(folder):
    directory, rate, steps = folder / "aim", RATES[2], [*STEPS, 5, 6]
    foreign_run(directory, SCORES[0])
    hashes = exported(folder, directory)
    go_on(directory, hashes[2], rate)
    RepoIndexManager(open_repo(directory)).index(hashes[2])  # as `aim up` does by itself
    curves = metrics(open_repo(directory), f"metric.name == '{LOSS}'")
    check_equal(sorted(curves), sorted(hashes), "runs with a loss")
    check_equal(curves[hashes[2]][LOSS], (steps, [rate / n for n in steps]), "what went on")
    check_equal(curves[hashes[3]][LOSS], (STEPS, [RATES[3] / n for n in STEPS]), "another run")
    check_equal(found(open_repo(directory), "run.reviewed == True"), [hashes[2]], "a new param")
    query = f"run.metrics['{LOSS}', {{}}].last == {rate / 6!r}"
    check_equal(found(open_repo(directory), query), [hashes[2]], "its last value")
    look_at_run(directory, hashes[2], rate, steps)


def test_planted_faults_are_seen(folder):
    """Each look fails on a repo that lacks what it looks for."""
    directory = folder / "aim"
    hashes = exported(folder, directory)
    shutil.rmtree(directory / ".aim/meta/index")
    aim.Repo(str(directory), init=True)
    plants = [
        lambda: look_at_lists(directory, hashes, []),
        lambda: look_at_queries(directory, hashes, []),
        lambda: look_at_run(directory, hashes[0], RATES[1]),
        lambda: look_at_lists(directory, hashes[1:], []),
    ]
    for number, plant in enumerate(plants):
        try:
            plant()
        except (Fault, KeyError):
            continue
        raise Fault(f"planted fault {number} went unseen")


if __name__ == "__main__":
    sys.exit(run_tests(globals()))
