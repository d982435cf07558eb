# SPDX-License-Identifier: Apache-2.0
"""How a plugin lives in a process: its log, threads, forks, and its end."""

import ctypes
import fcntl
import gc
import os
import pathlib
import threading
import time
import weakref

import aimlog
import pytest
import support
from aimlog import host
from aimlog.host import Plugin, PluginError

# ---- Log ----


def open_talking(folder, log):
    """A plugin that has something to say at its end, when the GIL is released: a filter that
    matched nothing."""
    settings = {"metrics": "[no_such_metric]"}
    plugin = Plugin(aimlog.library_path(), settings=settings, base_dir=folder, log=log)
    plugin.setup()
    plugin.trial_result("t", {"a": 1.0})
    return plugin


def test_log_lines_arrive_with_level_when_the_call_is_over(tmp_path):
    said = []
    plugin = open_talking(tmp_path, lambda *line: said.append((*line, threading.get_ident())))
    assert plugin.close() == host.OK
    assert [(level, thread) for level, _, thread in said] == [(3, threading.get_ident())]
    assert "no_such_metric" in said[0][1]


def test_what_keeps_commits_back_and_what_is_dropped_is_said(tmp_path):
    said = []
    settings = {"journal_bytes": "64KiB", "full_wait_ms": "0", "commit_interval_ms": "10"}
    log = lambda level, text: said.append(text)  # noqa: E731
    with Plugin(aimlog.library_path(), settings=settings, base_dir=tmp_path, log=log) as plugin:
        plugin.setup()
        assert plugin.flush() == host.OK and plugin.stats()["health"] == 0
        with open(tmp_path / ".aimlog" / "write.lock", "r+b") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # a neighbour that was stopped while it wrote
            for i in range(5000):
                plugin.trial_result("t", {"a": float(i)})
            deadline = time.monotonic() + 120
            while "nothing was committed for" not in plugin.stats()["message"]:
                assert time.monotonic() < deadline, plugin.stats()
                time.sleep(0.1)
            assert plugin.stats()["health"] == 1 and plugin.stats()["events_dropped"] > 1000
        assert plugin.flush(60000) == host.OK
        assert "nothing was committed" not in plugin.stats()["message"]
    assert sum("events are dropped" in line for line in said) == 1, said


def test_a_failing_log_callable_harms_nothing(tmp_path, capfd):
    calls = []

    def log(level, text):
        calls.append(text)
        raise ValueError(text)

    assert open_talking(tmp_path, log).close() == host.OK
    assert len(calls) == 1
    assert capfd.readouterr() == ("", "")


def test_an_interrupt_in_the_log_callable_is_raised_after_the_call(tmp_path):
    def log(level, text):
        raise KeyboardInterrupt

    plugin = open_talking(tmp_path, log)
    with pytest.raises(KeyboardInterrupt):
        plugin.close()
    assert plugin.closed and plugin.close() == host.OK


def test_a_log_callable_may_call_the_plugin(tmp_path):
    said = []

    def log(level, text):
        said.append((plugin.closed, plugin.close()))
        plugin.trial_result("t", {"b": 1.0})

    plugin = open_talking(tmp_path, log)
    plugin.close()
    assert said == [(True, host.OK)]


# ---- Threads ----


class Ticks:
    """A thread that counts how often it may run."""

    def __enter__(self):
        self.count, self.done = 0, threading.Event()
        self.thread = threading.Thread(target=self.tick)
        self.thread.start()
        return self

    def tick(self):
        while not self.done.is_set():
            self.count += 1
            time.sleep(0)

    def __exit__(self, *_):
        self.done.set()
        self.thread.join()


def stopped_calls(ticks, call):
    """How many of 25 calls took over 10 ms and let no other thread run.

    One may on a busy machine, where the other thread gets no processor either; a kept GIL makes it
    all of them.
    """
    stopped = 0
    for i in range(30):
        before, begun = ticks.count, time.perf_counter()
        call(i)
        spent = time.perf_counter() - begun
        stopped += i >= 5 and spent > 0.01 and ticks.count <= before + 1
    return stopped


@pytest.mark.parametrize("options", [{}, {"release_gil": True}])
def test_the_gil_is_free_where_hooks_wait_for_a_disk(tmp_path, options):
    settings = {"durability": "always", "commit_interval_ms": "10"}
    with Plugin(aimlog.library_path(), settings=settings, base_dir=tmp_path, **options) as plugin:
        plugin.setup()
        with Ticks() as ticks:
            call = lambda i: plugin.trial_result("t", {"a": float(i)})  # noqa: E731
            assert stopped_calls(ticks, call) < 13


def test_a_kept_gil_is_noticed():
    lock_step = ctypes.PyDLL(None).usleep  # keeps the GIL
    with Ticks() as ticks:
        assert stopped_calls(ticks, lambda i: lock_step(15000)) > 13


@pytest.mark.parametrize("releases", [False, True])
def test_threads_take_turns(tmp_path, releases):
    with support.open_plugin("jsonl", tmp_path, release_gil=releases) as plugin:

        def record(name):
            for i in range(300):
                assert plugin.trial_result(name, {"a": float(i), "text": name * 5}) == host.OK
                if i % 50 == 0:
                    assert plugin.flush() == host.OK

        threads = [threading.Thread(target=record, args=(f"t{i}",)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert plugin.stats()["results"] == 1200
    told = [line for line in support.json_lines.read_lines(tmp_path / "events.jsonl")]
    for name in ("t0", "t1", "t2", "t3"):
        values = [line["result"]["a"] for line in told if line["trial_id"] == name]
        assert values == [float(i) for i in range(300)]
    assert all(line["result"]["text"] == line["trial_id"] * 5 for line in told)


def test_close_waits_for_calls_of_other_threads(tmp_path):
    plugin = support.open_plugin("aimlog", tmp_path, release_gil=True)
    ends = []

    def record():
        try:
            while True:
                plugin.trial_result("t", {"a": 1.0})
        except ValueError as error:
            ends.append(str(error))

    threads = [threading.Thread(target=record) for _ in range(3)]
    for thread in threads:
        thread.start()
    time.sleep(0.05)
    assert plugin.close() >= host.OK
    for thread in threads:
        thread.join()
    assert ends == ["this plugin is closed"] * 3


# ---- Fork ----


def test_a_forked_child_does_nothing(either):
    either.trial_result("t", {"a": 1.0})
    before = either.stats()["results"]
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        answers = "failed"
        try:
            calls = [either.trial_result("t", {"a": 2.0}), either.trial_start("t"), either.setup()]
            calls += [either.flush(), either.close(), either.close()]
            try:
                either.get_state()
            except PluginError as error:
                calls.append(error.status)
            answers = repr(calls)
        finally:
            os.write(writing, answers.encode())
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        answers = pipe.read()
    assert os.waitpid(child, 0)[1] == 0
    assert answers == repr([host.INERT] * 7)
    assert either.trial_result("t", {"a": 3.0}) == host.OK
    assert either.stats()["results"] == before + 1


def test_a_child_forked_during_a_call_of_another_thread_is_not_stuck(tmp_path):
    with support.open_plugin("aimlog", tmp_path, release_gil=True) as plugin:
        done = threading.Event()

        def record():
            while not done.is_set():
                plugin.trial_result("t", {"a": 1.0})

        thread = threading.Thread(target=record)
        thread.start()
        for _ in range(20):
            child = os.fork()
            if child == 0:
                os._exit(plugin.trial_result("t", {"a": 2.0}) - host.INERT)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        done.set()
        thread.join()


# ---- The end ----


@pytest.mark.parametrize("call", ["stats", "get_state", "flush"])
def test_after_close_calls_are_refused(either, call):
    name, version = either.name, either.version
    assert either.close() == host.OK
    assert either.close() == host.OK
    assert either.closed and (either.name, either.version) == (name, version)
    with pytest.raises(ValueError, match="closed"):
        getattr(either, call)()
    with pytest.raises(ValueError, match="closed"):
        either.trial_result("t", {})


CODE = """
import sys
import support
from aimlog.host import Plugin
names = {"jsonl": "tuner_jsonl.so", "aimlog": "libaimlog.so"}
for name, file in names.items():
    for how in ("close", "with", "del"):
        plugin = support.open_plugin(name, sys.argv[1])
        plugin.trial_result("t", {"a": 1.0})
        assert file in support.mapped_libraries(), file
        if how == "close":
            plugin.close()
        elif how == "with":
            with plugin:
                pass
        del plugin
        assert file not in support.mapped_libraries(), (file, how)
print("gone")
"""


def test_the_library_is_gone_after_close(tmp_path):
    done = support.run_python(CODE, tmp_path, cwd=pathlib.Path(__file__).parent)
    assert (done.stdout, done.stderr, done.returncode) == ("gone\n", "", 0)


def test_a_failed_create_leaves_no_library(tmp_path):
    code = CODE.partition("names =")[0]
    code += "try: Plugin(support.PLUGINS['aimlog'], config_text='foo: 1')\n"
    code += "except Exception as error: print(error.status)\n"
    code += "assert 'libaimlog.so' not in support.mapped_libraries()"
    done = support.run_python(code, tmp_path, cwd=pathlib.Path(__file__).parent)
    assert (done.stdout, done.stderr, done.returncode) == ("-4\n", "", 0)


def test_an_interpreter_that_ends_takes_its_plugins_along(tmp_path):
    code = CODE.partition("names =")[0] + (
        "import threading\n"
        "kept = support.open_plugin('aimlog', sys.argv[1], log=lambda *_: 1 / 0)\n"
        "cycle = [kept]; cycle.append(cycle)\n"
        "kept.setup(); kept.trial_result('t', {'a': 1.0})\n"
        "def record():\n"
        "    while True: kept.trial_result('t', {'a': 1.0})\n"
        "threading.Thread(target=record, daemon=True).start()\n"
    )
    done = support.run_python(code, tmp_path, cwd=pathlib.Path(__file__).parent)
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


COLLECTED = """
import gc, sys, aimlog, aimlog.host
plugin = aimlog.host.Plugin(aimlog.library_path(), config_text="repo: .", base_dir=sys.argv[1])
called = []

class Cycle:
    def __init__(self):
        self.me = self

    def __del__(self):
        called.append(plugin.stats()["events"])

gc.disable()
kept = []
for _ in range(5):
    Cycle()
    kept += [{} for _ in range(200)]  # so that none is left to be used again without the collector
    gc.enable()
    plugin.stats()
    gc.disable()
print(len(called) > 0)
"""


def test_what_the_collector_runs_may_call_the_plugin(tmp_path):
    done = support.run_python(COLLECTED, tmp_path)
    assert done.stdout == "True\n", done.stderr


def test_the_collector_ends_a_plugin_in_a_cycle(tmp_path):
    closed = []

    class Log:
        def __call__(self, level, text):
            closed.append(self.plugin.closed)

    log = Log()
    log.plugin = open_talking(tmp_path, log)
    gone = weakref.ref(log.plugin)
    del log
    gc.collect()
    assert closed == [True]
    assert gone() is None


def test_many_instances_leave_nothing_behind(tmp_path):
    def files():
        return len(os.listdir("/proc/self/fd"))

    support.open_plugin("aimlog", tmp_path).close()
    before = files()
    for _ in range(20):
        with support.open_plugin("aimlog", tmp_path) as plugin:
            plugin.trial_result("t", {"a": 1.0})
    assert files() == before
