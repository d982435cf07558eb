# SPDX-License-Identifier: Apache-2.0
"""What repair has to save of a damaged repo: every row that was not hit, as a second reading of
LMDB's pages says, and nothing that was not there before."""

import collections
import json
import os
import re
import shutil

from lmdb_file import LmdbFile, numbers

JOB_KEYS = ("job", "experiment")


def data_of(path):
    return os.path.join(path, ".aimlog", "data.mdb")


def points_of(run):
    """Each point of each series, as often as it is there."""
    return {
        (metric["name"], json.dumps(metric["context"])): collections.Counter(
            json.dumps(point) for point in metric["points"]
        )
        for metric in run["metrics"]
    }


class Base:
    """A sound repo, what it shows, and where everything of it stands. `shown` gives the runs of the
    repo at a path, by their ids."""

    def __init__(self, path, shown):
        self.path = path
        self.file = LmdbFile(data_of(path))
        copy = path + ".copy"
        shutil.copytree(path, copy)
        self.runs = shown(copy)  # which replays what waits in its ring
        shutil.rmtree(copy)
        self.ids = {}
        for (table, key), (value, _) in self.file.rows.items():
            if table == "runs" and key[0] == 3:  # id to number
                self.ids[varint(value[1:])] = key[1:].hex()
        self.numbers = {run_id: number for number, run_id in self.ids.items()}
        self.chunks = collections.defaultdict(list)
        for row in sorted(row for row in self.file.rows if row[0] == "chunks"):
            self.chunks[self.run_of(row)].append(row)

    def run_of(self, row):
        """The id of the run that a row is of, if it is of one."""
        table, key = row
        if table == "runs" and key[:1] == b"\1":
            return self.ids.get(numbers(key[1:], 4)[0])
        if table in ("attempts", "params", "series", "objects", "checkpoints", "chunks"):
            return self.ids.get(numbers(key, 4)[0])
        return None

    def named_by_damage(self, hit, damaged):
        """Runs that damaged keys name now: a row that nobody can read seems to be of them."""
        return {self.run_of((row[0], self.file.key_now(row, damaged))) for row in hit}

    def is_trial_known(self, run_id, hit):
        """Whether something is left that leads from the trial, of which journals tell, to it."""
        number = self.numbers.get(run_id, 0)
        rows = [("runs", b"\1" + number.to_bytes(4, "big"))] + [
            (table, key) for (table, key), (value, _) in self.file.rows.items()
            if table == "runs" and key[0] == 2 and varint(value[1:]) == number
        ]  # fmt: skip
        return not hit.issuperset(rows)

    def is_named(self, run_id, hit):
        """Whether something is left that says the id of this run."""
        number = self.numbers.get(run_id)
        if number is None:  # nothing but the ring knows of it
            return False
        rows = ("runs", b"\1" + number.to_bytes(4, "big")), ("runs", b"\3" + bytes.fromhex(run_id))
        return not hit.issuperset(rows)

    def sealed_points(self, run_id):
        """Each chunk of a run with its points, by series. Every result of these hosts has a point
        in every series, so that those of a chunk are as many as its rows, and stand in a row."""
        of_attempts = collections.defaultdict(lambda: collections.defaultdict(list))
        for metric in self.runs[run_id]["metrics"]:
            series = metric["name"], json.dumps(metric["context"])
            for point in metric["points"]:
                of_attempts[point["attempt"]][series].append(json.dumps(point))
        taken = collections.Counter()
        for row in self.chunks[run_id]:
            attempt = numbers(row[1], 4, 4)[1]
            rows = varint(self.file.rows[row][0][1:])
            assert rows > 0 and of_attempts[attempt], row
            begin = taken[attempt]
            taken[attempt] += rows
            points = {
                series: all_points[begin : begin + rows]
                for series, all_points in of_attempts[attempt].items()
            }
            assert all(len(some) == rows for some in points.values()), row
            yield row, points


def varint(text):
    value, shift = 0, 0
    for byte in text:
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    return value


def without_attempts(points):
    """As if all were of one attempt."""
    return {
        series: collections.Counter({re.sub('"attempt": [0-9]+', "", text): count
                                     for text, count in each.items()})
        for series, each in points.items()
    }  # fmt: skip


def without_names(points):
    return {None: sum(points.values(), collections.Counter())}


def points_not_hit(base, run_id, hit, waiting_hit):
    """The points of a run that stand in chunks of which nothing is hit, by series, and those that
    were in no chunk yet, unless something that these need is hit."""
    kept = points_of(base.runs[run_id])
    for row, points in base.sealed_points(run_id):
        if row in hit:
            for series, some in points.items():
                kept[series].subtract(some)
    if waiting_hit:
        sealed = {series: collections.Counter() for series in kept}
        for _, points in base.sealed_points(run_id):
            for series, some in points.items():
                sealed[series].update(some)
        kept = {series: points & sealed[series] for series, points in kept.items()}
    return {series: +points for series, points in kept.items()}


def expect_points(base, run_id, hit, waiting_hit, names_hit, now):
    """All points that were not hit are there, and none that was not before. How many were lost."""
    before, after = points_of(base.runs[run_id]), points_of(now)
    kept = points_not_hit(base, run_id, hit, waiting_hit)
    number = base.numbers.get(run_id, 0).to_bytes(4, "big")
    if any(table == "attempts" and key[:4] == number for table, key in hit):
        # What waited comes to the next attempt after those that are known.
        before, after, kept = map(without_attempts, (before, after, kept))
    if names_hit:
        before, after, kept = map(without_names, (before, after, kept))
    assert set(after) <= set(before), (run_id, set(after) - set(before))
    lost = 0
    for series, points in before.items():
        saved = after.get(series, collections.Counter())
        made_up, missing = saved - points, kept[series] - saved
        assert not made_up, (run_id, series, list(made_up)[:3])
        assert not missing, (run_id, series, sum(missing.values()), list(missing)[:3])
        lost += sum((points - saved).values())
    return lost


def expect_saved(base, damaged, saved, report):
    """What was not hit is as it was, to the row; nothing is made up, and what differs is told. How
    many rows were hit."""
    hit = base.file.hit_rows(damaged)
    also_named = base.named_by_damage(hit, damaged)
    hit_runs = {base.run_of(row) for row in hit}
    hit_tables = {table for table, _ in hit}
    # A tail holds results of many runs; the journal's row says where its replay begins.
    waiting_hit = bool(hit_tables & {"tails", "journals", "shapes"})
    # Where the list of tables is an older one, it is not known any more where replaying begins.
    waiting_hit = waiting_hit or any("are not replayed" in note for note in report["notes"])
    names_hit = bool(hit_tables & {"names", "shapes", "meta"})
    told = {run["id"]: run for run in report["runs"]}
    for run_id, run in base.runs.items():
        was_open = run["status"] == "crashed"
        if run_id not in saved:
            assert not base.is_named(run_id, hit), (run_id, report)
            assert run_id in base.numbers or waiting_hit, (run_id, report)
            told_so = ("rows are lost", "runs may be missing")
            assert any(text in note for note in report["notes"] for text in told_so), report
            continue
        now, whole = saved[run_id], told[run_id]["whole"]
        trial_lost = not base.is_trial_known(run_id, hit)
        if was_open and trial_lost and not waiting_hit:
            assert any("not known any more" in note for note in report["notes"]), report["notes"]
        lost = expect_points(base, run_id, hit, waiting_hit or trial_lost, names_hit, now)
        untouched = run_id not in hit_runs and not (waiting_hit and was_open) and not names_hit
        assert not untouched or lost == 0, (run_id, lost)
        if lost > 0 and not was_open:
            assert not whole, (run_id, lost, told[run_id])
            if not told[run_id]["count_unknown"]:
                assert told[run_id]["points_lost"] == lost, (lost, told[run_id])
        if untouched:
            expect_same(run, now, hit_tables)
            may_seem_hit = run_id in also_named or report["rows_stale"] > 0
            assert was_open or whole or may_seem_hit, told[run_id]
    return len(hit)


def expect_same(before, after, hit_tables):
    for key in before:
        if key in JOB_KEYS and hit_tables & {"jobs", "experiments"}:
            continue
        # When a run that was open crashed is told by its last event, or by its last result.
        if key in ("ended", "ended_ns", "attempts") and before["status"] == "crashed":
            continue
        if key == "metrics":
            assert points_of(before) == points_of(after)
            continue
        assert before[key] == after[key], (key, before[key], after[key])
