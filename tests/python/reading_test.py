# SPDX-License-Identifier: Apache-2.0
"""The reading interface: runs, points as arrays, what is said of what is not there, and memory."""

import datetime
import gc
import json
import math
import os
import shutil
import subprocess
import sys

import made_runs
import numpy
import pyarrow
import pytest
import python_support

import aimlog
from aimlog import _read
from aimlog.reading import AmbiguousError, NotFoundError, ReadError, RepoNotFoundError


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("reading")
    with made_runs.open_host(made) as plugin:
        made_runs.record_all(plugin)
    return made


@pytest.fixture(scope="module")
def shown(folder):
    return {run["trial_id"]: run for run in python_support.shown_runs(folder)}


@pytest.fixture
def repo(folder):
    with aimlog.open(folder) as opened:
        yield opened


def same(values, wanted):
    """Bit for bit, NaN and -0.0 included."""
    return numpy.array_equal(
        numpy.asarray(values).view("u8"), numpy.array(wanted, values.dtype).view("u8"))


@pytest.mark.parametrize("attempts", ["newest", "all"])
def test_arrays_are_what_the_command_shows(repo, shown, attempts):
    checked = 0
    for trial, run in shown.items():
        for metric in run["metrics"]:
            points = made_runs.shown_points(run, metric, attempts)
            context = python_support.plain(metric["context"])
            got = repo[trial].series(metric["name"], context, attempts)
            attempt, step, value, time, epoch = zip(*points, strict=True)
            assert got.step.tolist() == list(step)
            assert got.attempt.tolist() == list(attempt)
            assert got.time.view("i8").tolist() == list(time)
            assert numpy.isnan(got.epoch).tolist() == [each is None for each in epoch]
            if got.exact is None and got.value.dtype != bool:
                assert same(got.value, value)
            else:
                assert numpy.array_equal(got.value, numpy.array(value, got.value.dtype))
            assert len(got) == len(points)
            checked += 1
    assert checked == 10


def test_arrays_share_the_memory_that_was_read(repo):
    loss = repo["open"]["loss"]
    assert loss.step.dtype == "i8" and loss.value.dtype == "f8"
    assert loss.time.dtype == "datetime64[ns]"
    for column in (loss.step, loss.value, loss.time, loss.attempt):
        assert not column.flags.owndata and not column.flags.writeable
    assert loss.value is loss.value
    assert loss.to_arrow()["step"].chunk(0).buffers()[1].address == loss.step.ctypes.data


def test_a_number_that_is_no_double_is_there_as_text(repo):
    mixed = repo["open"]["loss"]
    whole = [text for text in mixed.exact if text]
    assert set(whole) == {str(made_runs.ODD)}
    assert repo["plain"]["count"].value.dtype == "i8"
    assert repo["plain"]["count"].value[1] == 2 * made_runs.ODD
    assert repo["retried"]["huge"].value.dtype == "u8"
    assert repo["plain"]["done"].value.tolist()[-1] is True


def test_a_run_tells_what_is_recorded_of_it(repo, shown):
    run = repo["plain"]
    assert run.params == python_support.plain(shown["plain"]["params"])
    assert isinstance(repo["retried"].params["lr"], int)
    assert (run.status, run.trial_name, run.experiment) == ("completed", "train_plain", "search")
    assert run.tags == ["digits", "night"]
    assert run.texts == {"note": "at 29"}
    assert run.created.tzinfo == datetime.timezone.utc
    assert run.created.isoformat()[:19] == shown["plain"]["created"][:19]
    assert set(run) == set(run.metrics) == {"loss", "count", "done", "eval/acc"}
    failed = repo["retried"]
    assert [each["status"] for each in failed.attempts] == ["failed", "completed"]
    assert failed.info["failures"] == 1
    assert repo["empty"].metrics == [] and repo["empty"].params == {}
    assert len(repo) == 5 and [each.trial_id for each in repo][:2] == ["plain", "retried"]


def test_contexts_are_chosen_by_their_values(repo):
    run = repo["contexts"]
    with pytest.raises(AmbiguousError, match=r"loss\{subset=train,fold=1\}"):
        run["loss"]
    val = run.series("loss", {"subset": "val", "fold": 1})
    assert val.contexts == [{"subset": "train", "fold": 1}, {"subset": "val", "fold": 1}]
    assert val.context == {"subset": "val", "fold": 1}
    assert val.step.tolist() == run["loss{subset=val,fold=1}"].step.tolist() == [1, 2, 3]
    with pytest.raises(NotFoundError, match="with exactly this context"):
        run.series("loss", {"subset": "val"})
    assert len(repo.series("loss", {"subset": "val"})) == 3
    assert "contexts" not in {row["run"] for row in repo.series("loss", {}).to_pylist()}


CONTEXTS = [1, 1.0, "1", "1.0", True, "true", None, "null", "", "val", 'a "b"', "[1]", "+1", "1_0"]
CONTEXTS += [0.1, -0.0, 1e5, 1e-4, 1e15, 2.0**60, 1.2345678901234568e17, 5e-324, 1e300, -3.5e-7]
CONTEXTS += [math.inf, -math.inf, math.nan, 2**63, -(2**63), numpy.float32(0.1), numpy.bool_(False)]
CONTEXTS += [[1, "a"], {"n": 3}, numpy.int64(7)]


def test_a_context_is_found_by_what_was_recorded_with(tmp_path):
    """And by nothing else: 1, 1.0 and "1" are three series."""
    with aimlog.run(tmp_path, "x", {}) as run:
        for number, value in enumerate(CONTEXTS):
            run.log({"m": number}, context={"c": value})
    repo = aimlog.open(tmp_path)
    for number, value in enumerate(CONTEXTS):
        assert repo["last"].series("m", {"c": value}).value.tolist() == [number], value
        assert repo.series("m", {"c": value})["value"] == [number], value
    assert len(set(repo["last"].metrics)) == len(CONTEXTS)
    names = [name for name in repo.runs().names if name.endswith(".last")]
    assert len(set(names)) == len(CONTEXTS)


def test_the_best_run_is_the_commands(repo, folder):
    for metric, mode in (("loss", "min"), ("loss", "max"), ("eval/acc", "max"), ("count", "min")):
        ranked = python_support.command(
            folder, "best", "--metric", metric, "--mode", mode, "--format", "jsonl")
        assert repo.best(metric, mode).id == json.loads(ranked.splitlines()[0])["id"], metric
    with pytest.raises(ValueError, match="min"):
        repo.best("loss", "lowest")


def test_runs_are_found_by_id_prefix_trial_and_place(repo):
    last = repo["last"]
    assert last.trial_id == repo["@1"].trial_id == "empty"
    assert repo[last.id].id == repo[last.id[:10]].id == last.id
    with pytest.raises(NotFoundError, match="did you mean 'retried'"):
        repo["retired"]
    with pytest.raises(KeyError):
        repo["@9"]
    with pytest.raises(TypeError):
        repo[0]


def test_an_ambiguous_beginning_names_the_candidates(tmp_path):
    with made_runs.open_host(tmp_path) as plugin:
        for trial in range(17):
            plugin.trial_start(f"trial {trial}")
    with aimlog.open(tmp_path) as repo:
        ids = repo.runs()["id"]
        twice = next(digit for digit in "0123456789abcdef"
                     if sum(each.startswith(digit) for each in ids) > 1)
        with pytest.raises(AmbiguousError, match="names more than one run") as caught:
            repo[twice]
        assert all(each in str(caught.value) for each in ids if each.startswith(twice))


def test_what_is_not_there_is_said_with_what_is_near(repo, tmp_path):
    with pytest.raises(NotFoundError, match="did you mean 'loss'"):
        repo["plain"]["los"]
    with pytest.raises(NotFoundError, match="did you mean 'count'"):
        repo.series("cont")
    with pytest.raises(NotFoundError, match="did you mean 'loss'"):
        repo.best("lss", "min")
    with pytest.raises(NotFoundError, match="no such context"):
        repo.series("loss", {"subset": "test"})
    with pytest.raises(RepoNotFoundError, match="no .aimlog in"):
        aimlog.open(tmp_path)
    with pytest.raises(FileNotFoundError):
        aimlog.open(tmp_path / "nowhere")
    (tmp_path / ".aimlog").mkdir()  # of a repo that is being made
    with pytest.raises(RepoNotFoundError):
        aimlog.open(tmp_path)
    with pytest.raises(ValueError, match="attempts"):
        repo.series("loss", attempts="latest")
    for word in ("", "\udcff"):  # the second is half a character
        with pytest.raises(NotFoundError):
            repo[word]
    with pytest.raises(NotFoundError):
        repo.series("\udcff")
    with pytest.raises(RepoNotFoundError):
        aimlog.open(tmp_path / "\udcff")


def test_a_repo_is_found_as_the_command_finds_it(folder, monkeypatch, tmp_path):
    (folder / "below").mkdir(exist_ok=True)
    monkeypatch.delenv("AIMLOG_REPO", raising=False)
    monkeypatch.chdir(folder / "below")
    assert len(aimlog.open()) == len(aimlog.open(folder / ".aimlog")) == 5
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AIMLOG_REPO", str(folder))
    assert len(aimlog.open()) == 5


def test_a_closed_repo_says_so_and_what_was_read_stays(folder):
    repo = aimlog.open(folder)
    table, points = repo.runs(), repo["plain"]["loss"]
    repo.close()
    repo.close()
    with pytest.raises(ValueError, match="closed"):
        repo.runs()
    assert len(table) == 5 and points.step[-1] == 29
    assert pyarrow.table(table).num_rows == 5


def test_everything_is_freed_when_nobody_looks(repo):
    gc.collect()
    before = _read.batches_alive()
    view = repo["open"]["loss"].value
    table = repo.series("loss").to_arrow()
    half_read = pyarrow.RecordBatchReader.from_stream(repo.runs())
    gc.collect()
    assert _read.batches_alive() > before
    kept = table["step"]
    del table, half_read, view
    gc.collect()
    assert _read.batches_alive() > before  # a column alone keeps its batch
    del kept
    gc.collect()
    assert _read.batches_alive() == before
    repo.runs().__arrow_c_stream__()  # a capsule that nobody takes
    gc.collect()
    assert _read.batches_alive() == before


def memory_kb():
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE") // 1024


def test_reading_again_and_again_takes_no_more_memory(repo):
    def read():
        repo.series("loss").to_arrow()
        repo.runs().to_arrow()
        repo["open"]["loss"].value.sum()
        repo.runs().__arrow_c_schema__()
    for _ in range(20):
        read()
    before = memory_kb()
    for _ in range(60):
        read()
    assert memory_kb() - before < 6 * 1024


WITHOUT_NUMPY = """
import sys
sys.modules["numpy"] = sys.modules["pyarrow"] = None
import aimlog
repo = aimlog.open(sys.argv[1])
loss = repo["plain"]["loss"]
assert type(loss.step) is memoryview and loss.step.format == "q", loss.step
assert loss.step.tolist() == list(range(1, 30))
assert loss.value[1] == 0.5 and loss.epoch[28] == 2.0 and loss.time[0] > 10**18
assert repo["plain"]["done"].value[-1] is True
both = repo.series("loss")
assert len(both["step"]) == len(both["run"]) == len(both)
assert repo.runs()["loss.min"][0] == 1 / 29
assert repo.best("eval/acc", "max").trial_id == "plain"
"""


def test_numpy_is_not_needed(folder):
    done = subprocess.run([sys.executable, "-c", WITHOUT_NUMPY, folder], capture_output=True,
                          text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def test_a_second_copy_of_the_library_is_refused(tmp_path):
    copy = shutil.copy(aimlog.library_path(), tmp_path / "libcopy.so")
    with made_runs.open_host(tmp_path):
        with pytest.raises(_read.ReadError) as caught:
            _read.Repo(str(copy), str(tmp_path))
        assert "copy" in caught.value.args[1]
        assert len(aimlog.open(tmp_path)) == 0


def test_a_plugin_that_cannot_read_says_so(folder):
    with pytest.raises(_read.ReadError, match="aimlog.read/1"):
        _read.Repo(os.environ["AIMLOG_TEST_JSONL"], str(folder))
    with pytest.raises(_read.ReadError, match="cannot load"):
        _read.Repo("/nowhere/lib.so", str(folder))


def test_a_damaged_repo_is_an_error_with_a_text(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "copy")
    with (tmp_path / "copy/.aimlog/data.mdb").open("r+b") as file:
        file.truncate(8192)
    with pytest.raises(ReadError, match="data.mdb"):
        aimlog.open(tmp_path / "copy").runs()
