# SPDX-License-Identifier: Apache-2.0
"""Runs and series through every library that takes Arrow, against the command's JSON."""

import datetime
import json
import math

import duckdb
import made_runs
import pandas
import polars
import pyarrow
import pytest
import python_support

import aimlog

TIMES = ("created", "started", "ended", "time")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("frames")
    with made_runs.open_host(made) as plugin:
        made_runs.record_all(plugin)
        yield made  # still being recorded


@pytest.fixture(scope="module")
def repo(folder):
    with aimlog.open(folder) as opened:
        yield opened


@pytest.fixture(scope="module")
def shown(folder):
    """The command's JSON, one object a run."""
    return python_support.shown_runs(folder)


def rows_of_arrow(table):
    table = pyarrow.table(table)
    for index, field in enumerate(table.schema):
        if pyarrow.types.is_timestamp(field.type):
            table = table.set_column(index, field.name, table[index].cast("int64"))
    return table.to_pylist()


def rows_of_polars(table):
    frame = table.to_polars()
    frame = frame.with_columns(
        [polars.col(name).dt.timestamp("ns") for name in TIMES if name in frame.columns])
    return frame.to_dicts()


def rows_of_pandas(table):
    frame = table.to_pandas()
    rows = []
    for row in frame.to_dict("records"):
        for name in TIMES:
            if name in row:
                row[name] = None if row[name] is pandas.NaT else row[name].value
        rows.append({key: list(value) if key == "tags" else value for key, value in row.items()})
    return rows


def rows_of_duckdb(source):
    replaced = ", ".join(f"epoch_ns({name}) as {name}" for name in TIMES if name in source.names)
    answer = duckdb.sql(f"select * replace ({replaced}) from source")
    return [dict(zip(source.names, row, strict=True)) for row in answer.fetchall()]


def rows_of_python(table):
    return table.to_pylist()


LIBRARIES = {"pyarrow": rows_of_arrow, "polars": rows_of_polars, "pandas": rows_of_pandas,
             "duckdb": rows_of_duckdb, "python": rows_of_python}


def is_nothing(value):
    return value is None or value is pandas.NA or value is pandas.NaT


def plainest(value, library):
    """One form for what libraries give differently: pandas has one word for NaN and for nothing."""
    if is_nothing(value):
        return None
    if isinstance(value, (list, dict)):
        return value
    if isinstance(value, float):
        if math.isnan(value):
            return None if library == "pandas" else "NaN"
        return math.copysign(1, value), value
    if isinstance(value, datetime.datetime):
        raise AssertionError("times are compared as numbers")
    return value


def column_form(name, values):
    """What a column makes of the values that the command shows: see `runs` in aimlog_read.h."""
    there = [value for value in values if value is not None]
    if any(isinstance(value, (str, list)) for value in there) and name != "tags":
        def as_text(value):
            return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
        return as_text
    return float if any(isinstance(value, float) for value in there) else lambda value: value


def compare_tables(got, expected, library):
    assert len(got) == len(expected)
    names = {name for row in expected for name in row}
    forms = {name: column_form(name, [row.get(name) for row in expected]) for name in names}
    for row, wanted in zip(got, expected, strict=True):
        for name in names:
            value = wanted.get(name)
            form = None if value is None else plainest(forms[name](value), library)
            assert plainest(row[name], library) == form, name


@pytest.mark.parametrize("library", LIBRARIES)
def test_runs_are_what_the_command_shows(repo, shown, library):
    expected = [made_runs.shown_row(run) for run in shown]
    got = LIBRARIES[library](repo.runs())
    assert {name for row in expected for name in row} | {"job"} == set(got[0])
    compare_tables(got, expected, library)


@pytest.mark.parametrize("attempts", ["newest", "all"])
@pytest.mark.parametrize("metric", ["loss", "count", "done", "huge", "eval/acc", "sparse"])
@pytest.mark.parametrize("library", LIBRARIES)
def test_series_are_what_the_command_shows(repo, shown, library, metric, attempts):
    names = ("run", "context", "attempt", "step", "value", "time", "epoch")
    expected = [dict(zip(names, row, strict=True))
                for row in made_runs.shown_series(shown, metric, attempts)]
    got = LIBRARIES[library](repo.series(metric, attempts=attempts))
    # Where types are mixed, `exact` has what a double cannot hold.
    for row, wanted in zip(got, expected, strict=True):
        exact = row.pop("exact", None)
        if not is_nothing(exact) and exact == exact:
            assert int(exact) == wanted["value"] != int(row["value"])
            wanted["value"] = row["value"]
        elif isinstance(row["value"], float):
            assert float(wanted["value"]) == wanted["value"] or math.isnan(wanted["value"])
        wanted["epoch"] = None if wanted["epoch"] is None else float(wanted["epoch"])
    compare_tables(got, expected, library)


def test_a_wrong_value_would_be_seen(repo, shown):
    expected = [made_runs.shown_row(run) for run in shown]
    expected[0]["loss.min"] = math.nextafter(expected[0]["loss.min"], 1)
    with pytest.raises(AssertionError, match=r"loss\.min"):
        compare_tables(rows_of_arrow(repo.runs()), expected, "pyarrow")


def test_numbers_have_the_type_that_holds_all_of_them(repo):
    types = {field.name: str(field.type) for field in repo.runs().to_arrow().schema}
    assert types["params.lr"] == "double"
    assert types["params.n"] == types["last_step"] == types["count.last"] == "int64"
    assert types["params.big"] == types["huge.first"] == "uint64"
    assert types["params.flag"] == types["done.max"] == "bool"
    assert types["params.odd"] == types["params.layers"] == "string"
    assert types["created"] == "timestamp[ns, tz=UTC]"
    assert types["tags"] == "list<item: string>"


def test_names_with_a_nul_are_told_apart(tmp_path):
    with aimlog.run(tmp_path, "x", {"p\0q": 1, "p\0r": 2}) as run:
        run.log({"a\0b": 1.0, "a\0c": 2.0})
    table = aimlog.open(tmp_path).runs()
    frame = table.to_polars()
    assert frame["params.p\\x00q"].to_list() == [1]
    assert frame["params.p\\x00r"].to_list() == [2]
    assert table.to_pandas()["a\\x00c.last"].tolist() == [2.0]


def test_pandas_takes_the_table_itself(repo):
    frame = pandas.DataFrame.from_arrow(repo.runs())
    assert frame["id"].tolist() == repo.runs()["id"]


def test_frames_outlive_the_table_and_the_repo(folder):
    repo = aimlog.open(folder)
    frames = [repo.series("loss").to_arrow(), repo.series("loss").to_polars()]
    repo.close()
    del repo
    assert frames[0].num_rows == frames[1].height > 2500
    assert frames[0]["step"].to_pylist() == frames[1]["step"].to_list()


def test_pandas_needs_no_pyarrow(repo, monkeypatch):
    with_arrow = repo.runs().to_pandas()
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    without = repo.runs().to_pandas()
    assert list(without.columns) == list(with_arrow.columns)
    for name in ("id", "loss.last", "params.n", "created", "last_step"):
        values = (without[name].tolist(), with_arrow[name].tolist())
        assert str(values[0]) == str(values[1]), name
