# SPDX-License-Identifier: Apache-2.0
"""The host's calls: each hook and field, errors, state, statistics."""

import inspect
import pathlib

import aimlog
import pytest
import support
from aimlog import host
from aimlog.host import Plugin, PluginError, PluginLoadError

# ---- Every hook and every field ----

START = {
    "key": 2**64 - 1,
    "time_ns": 1_700_000_000_000_000_001,
    "status": host.TRIAL_RUNNING,
    "name": "name",
    "trainable_name": "train",
    "experiment_tag": "1_lr=0.1",
    "local_dir": pathlib.Path("/local"),
    "remote_dir": "s3://remote",
    "node_ip": "10.0.0.1",
    "pid": 4711,
    "failure_count": 2,
    "attempt": 3,
    "params": {"lr": 0.1},
    "config": {"lr": 0.1, "layers": [1, 2]},
    "checkpoint_path": "/checkpoint",
}
SETUP = {
    "resumed": host.RESUMED_UNKNOWN,
    "job_id": "job",
    "experiment_name": "experiment",
    "experiment_dir": pathlib.Path("/dir"),
    "host_name": "host",
    "host_version": "1.2",
    "metric_namespace": "ray/tune/",
    "reserved_keys": ["config", "pid"],
    "stop": {"training_iteration": 10},
    "num_samples": 4,
    "total_num_samples": 8,
    "time_budget_s": 60.5,
    "metric": "loss",
    "mode": "min",
}
ENDED = {"trial_id": "t", "key": 5, "time_ns": 7}
TRIAL = {"key": 5, "time_ns": 7}
EVENTS = [
    ("setup", "setup", (), SETUP),
    ("step_begin", "step_begin", (3,), {}),
    ("step_end", "step_end", (4,), {}),
    ("trial_start", "trial_start", ("t",), START),
    ("trial_restore", "trial_restore", ("t",), START),
    ("trial_save", "trial_save", ("t",), {**TRIAL, "path": "/c", "step": 0}),
    ("checkpoint", "checkpoint", ("t",), {**TRIAL, "path": pathlib.Path("/c"), "step": -3}),
    ("trial_complete", "trial_complete", ("t",), {**TRIAL, "status": host.TRIAL_STOPPED}),
    ("trial_pause", "trial_pause", ("t",), {**TRIAL, "status": host.TRIAL_PAUSED}),
    ("trial_error", "trial_error", ("t",), {**TRIAL, "failure_count": 1, "error_text": "boom"}),
    ("trial_recover", "trial_recover", ("t",), {**TRIAL, "failure_count": 1, "error_text": "x"}),
    ("experiment_end", "experiment_end", (), {"interrupted": True, "time_ns": 9}),
]


@pytest.mark.parametrize(("method", "event", "positional", "fields"), EVENTS)
def test_each_hook_carries_each_field(witness, method, event, positional, fields):
    assert getattr(witness.plugin, method)(*positional, **fields) == host.OK
    told = witness.lines()[-1]
    assert told["event"] == event
    names = {"key": "trial_key"}
    for name, value in fields.items():
        found = told[names.get(name, name)]
        found = found["$uint64"] if isinstance(found, dict) and "$uint64" in found else found
        assert found == (str(value) if isinstance(value, pathlib.Path) else value), name
    if positional:
        assert told.get("trial_id", told.get("iteration")) == positional[0]


def test_a_result_is_told_by_position_and_by_name(witness):
    witness.plugin.trial_result("t", {"a": 1}, 5, 7, None)
    witness.plugin.trial_result(skip=None, time_ns=7, key=5, result={"a": 1}, trial_id="t")
    first, second = witness.lines()
    assert {**first, "seq": 0} == {**second, "seq": 0}
    assert (first["trial_id"], first["trial_key"], first["time_ns"]) == ("t", 5, 7)


def test_what_is_none_is_not_given(witness):
    witness.plugin.trial_start("t", name=None, pid=None, params=None, config=None)
    assert set(witness.lines()[0]) == {"event", "seq", "time_ns", "trial_id"}


# ---- Errors ----


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda p: p.trial_start(), TypeError, "needs trial_id"),
        (lambda p: p.trial_start("t", lr=1), TypeError, "no argument 'lr'; it takes trial_id, key"),
        (lambda p: p.trial_start("t", "u"), TypeError, "takes 1 arguments by position"),
        (lambda p: p.trial_start("t", trial_id="u"), TypeError, "twice"),
        (lambda p: p.trial_start(3), TypeError, "trial_id: a str is expected, not 3"),
        (lambda p: p.trial_start("t", pid="x"), TypeError, "pid: an int is expected"),
        (lambda p: p.trial_start("t", pid=2**64), ValueError, "pid: .* out of range"),
        (lambda p: p.trial_start("t", key=-1), ValueError, "key: -1 is out of range"),
        (lambda p: p.trial_start("t", attempt=2**32), ValueError, "attempt"),
        (lambda p: p.trial_start("t", params=[1]), TypeError, "params: a mapping"),
        (lambda p: p.trial_start("t", local_dir=3), TypeError, "local_dir: a str or os.PathLike"),
        (lambda p: p.setup(time_budget_s="x"), TypeError, "time_budget_s: a float"),
        (lambda p: p.setup(reserved_keys=[1]), TypeError, "reserved_keys: a str"),
        (lambda p: p.setup(reserved_keys=3), TypeError, "not iterable"),
        (lambda p: p.trial_result("t"), TypeError, "needs trial_id and result"),
        (lambda p: p.trial_result("t", 1), TypeError, "result: a mapping is expected"),
        (lambda p: p.trial_result("t", {}, x=1), TypeError, "no argument 'x'"),
        (lambda p: p.trial_result("t", {}, 1, key=1), TypeError, "twice 'key'"),
        (lambda p: p.trial_result("t", {}, -1), ValueError, "64 bits"),
        (lambda p: p.trial_result("t", {}, 1, 1, 1), TypeError, "skip"),
        (lambda p: p.trial_result("t", {}, 1, 1, "a", 1), TypeError, "takes 5"),
        (lambda p: p.set_state("text"), TypeError, "bytes-like"),
        (lambda p: p.extension(1), TypeError, "name: a str"),
        (lambda p: p.__init__("x"), TypeError, "once"),
    ],
)
def test_wrong_arguments_are_refused_by_name(witness, call, error, text):
    with pytest.raises(error, match=text):
        call(witness.plugin)
    assert not witness.path.exists() or not witness.lines()
    assert witness.plugin.trial_result("t", {"a": 1}) == host.OK


@pytest.mark.parametrize(
    ("options", "error", "status", "text"),
    [
        ({"config_text": "foo: 1"}, PluginError, host.INVALID_CONFIG, "'foo': the only key is"),
        ({"config_path": "/nowhere.yaml"}, PluginError, host.INVALID_CONFIG, "nowhere.yaml"),
        ({"settings": {"foo": "1"}}, PluginError, host.INVALID_CONFIG, "setting 'foo'"),
        ({"settings": {"path": 1}}, TypeError, None, "settings: keys and values"),
        ({"settings": ["path"]}, TypeError, None, "settings"),
        ({"log": 3}, TypeError, None, "log: a callable"),
        ({"base_dir": "a\0b"}, ValueError, None, "NUL"),
        ({"unknown": 1}, TypeError, None, "unknown"),
    ],
)
def test_what_create_refuses_says_why(options, error, status, text):
    with pytest.raises(error, match=text) as raised:
        Plugin(support.JSONL, **options)
    assert getattr(raised.value, "status", None) == status


def test_an_error_that_fills_the_room_for_it_is_cut_and_not_dropped():
    with pytest.raises(PluginError) as refused:
        Plugin(aimlog.library_path(), config_path="/none/" + "long/" * 600)
    assert len(str(refused.value)) == 2048 and str(refused.value).startswith("/none/long/")


def test_what_is_no_plugin_is_refused(tmp_path):
    (tmp_path / "text.so").write_text("no library")
    for path in (tmp_path / "none.so", tmp_path / "text.so", "none.so", tmp_path):
        with pytest.raises(PluginLoadError, match="cannot load the plugin") as raised:
            Plugin(path)
        assert isinstance(raised.value, OSError) and raised.value.status == host.IO_ERROR
    with pytest.raises(PluginLoadError, match="no tuner plugin: it has no function tuner_plugin_e"):
        Plugin(aimlog._host.__file__)


def test_hooks_return_what_the_plugin_says(either):
    assert either.last_error == ""
    assert either.trial_result("", {}) == host.INVALID_ARGUMENT
    assert "trial" in either.last_error
    assert either.trial_start("") == host.INVALID_ARGUMENT
    assert either.stats()["hook_errors"] == 2
    assert either.trial_result("t", {}) == host.OK


def test_a_second_setup_is_a_status(either):
    assert either.setup() == host.OK
    assert either.setup() == host.WRONG_STATE


# ---- State and statistics ----


def test_state_goes_to_the_next_instance(tmp_path):
    for name in support.PLUGINS:
        (tmp_path / name).mkdir()
        with support.open_plugin(name, tmp_path / name) as first:
            first.setup(job_id="j")
            first.trial_result("t", {"a": 1.0})
            state = first.get_state()
        assert isinstance(state, bytes) and state
        with support.open_plugin(name, tmp_path / name) as second:
            for bad in (b"", state[:-1], state + b"x", b"\0" * 64, memoryview(state)[1:]):
                with pytest.raises(PluginError) as raised:
                    second.set_state(bad)
                assert raised.value.status == host.INVALID_STATE and str(raised.value)
            second.set_state(bytearray(state))
            assert second.trial_result("t", {"a": 2.0}) == host.OK
            with pytest.raises(PluginError) as raised:
                second.set_state(state)
            assert raised.value.status == host.WRONG_STATE


def test_statistics_count(either):
    either.setup()
    for i in range(10):
        either.trial_result("t", {"a": i, "b": 0.5, "c": 2**70, "d": object(), "e": {"f": 1}})
    assert either.flush() == host.OK
    stats = either.stats()
    assert (stats["results"], stats["points"], stats["events_pending"]) == (10, 30, 0)
    assert (stats["ints_as_text"], stats["objects_as_text"]) == (10, 10)
    assert (stats["health"], stats["message"], stats["hook_errors"]) == (0, "", 0)


def test_what_is_known_of_a_plugin(either):
    assert either.name in support.PLUGINS
    assert either.version and either.abi == 1 and not either.closed
    assert either.extension("nobody.has_this/1") is None


def test_methods_have_signatures_and_texts():
    for name, method in inspect.getmembers(Plugin, callable):
        if not name.startswith("_"):
            assert method.__doc__ and "self" in inspect.signature(method).parameters, name
