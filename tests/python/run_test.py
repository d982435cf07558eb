# SPDX-License-Identifier: Apache-2.0
"""aimlog.run: what a loop of one's own records, as the command shows it."""

import json
import os
import pathlib
import signal
import subprocess

import aimlog
import aimlog.reading
import hostile
import pytest
import support


def command(repo, *words):
    environment = {**os.environ, "AIMLOG_REPO": str(repo)}
    done = subprocess.run(
        [support.COMMAND, *words], capture_output=True, text=True, env=environment, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def shown(repo, run_id):
    return json.loads(command(repo, "show", run_id, "--json"))


def points(repo, run_id, metric):
    text = command(repo, "get", run_id, metric, "--format", "jsonl")
    return [(point["step"], point["value"]) for point in map(json.loads, text.splitlines())]


def test_a_run_is_recorded_with_params_metrics_and_steps(tmp_path):
    with aimlog.run(tmp_path, "digits", {"lr": 0.1, "layers": [3, 4]}, name="first") as r:
        for step in range(0, 30, 10):
            assert r.log({"loss": 1 / (step + 1), "eval": {"acc": step}}, step=step) == 0
        assert r.log({"note": "text"}, step=30) == 0
        assert r.checkpoint("/checkpoint", step=30) == 0
        assert r.flush() == 0
    run = shown(tmp_path, r.id)
    assert (run["status"], run["experiment"]) == ("completed", "digits")
    assert (run["trial_id"], run["trial_name"]) == (r.id, "first")
    assert run["params"] == {"lr": 0.1, "layers": [3, 4]}
    assert points(tmp_path, r.id, "loss") == [(0, 1.0), (10, 1 / 11), (20, 1 / 21)]
    assert points(tmp_path, r.id, "eval/acc") == [(0, 0), (10, 10), (20, 20)]


def test_without_steps_calls_are_counted(tmp_path):
    with aimlog.run(tmp_path) as r:
        for value in (5, 6):
            r.log({"x": value})
    assert points(tmp_path, r.id, "x") == [(1, 5), (2, 6)]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ValueError("no such luck"), "failed"),
        (SystemExit(3), "failed"),
        (SystemExit(0), "completed"),
        (SystemExit(), "completed"),
        (KeyboardInterrupt(), "stopped"),
        (hostile.Boom(), "failed"),
    ],
)
def test_how_the_block_is_left_is_the_status(tmp_path, error, status):
    with pytest.raises(type(error)):
        with aimlog.run(tmp_path) as r:
            r.log({"x": 1.0})
            raise error
    run = shown(tmp_path, r.id)
    assert run["status"] == status
    if status == "failed":
        assert type(error).__name__ in json.dumps(run)
    if isinstance(error, ValueError):
        assert "no such luck" in json.dumps(run) and "run_test.py" in json.dumps(run)


@pytest.mark.parametrize("name", sorted({*hostile.NAMES} - {"growing dict"}))
def test_odd_values_do_not_raise(tmp_path, name):
    value = hostile.value(name)
    with aimlog.run(tmp_path, params={"odd": value}) as r:
        assert r.log({"odd": value, "loss": 0.5}, step=1) == 0
    assert points(tmp_path, r.id, "loss") == [(1, 0.5)]


def test_a_run_goes_on_under_its_id(tmp_path):
    with aimlog.run(tmp_path) as r:
        r.log({"x": 1.0}, step=1)
    with aimlog.run(tmp_path, id=r.id) as again:
        again.log({"x": 2.0}, step=2)
    assert len(json.loads(command(tmp_path, "ls", "--json"))) == 1
    assert points(tmp_path, r.id, "x") == [(1, 1.0), (2, 2.0)]


def test_a_run_goes_on_whatever_it_is_called_by(tmp_path):
    config = tmp_path / "aimlog.yaml"
    config.write_text("experiment: other\nrepo: runs")
    repo = tmp_path / "runs"
    with aimlog.run(repo, "digits") as r:
        r.log({"x": 1.0}, step=1)
    shown_id = shown(repo, r.id)["id"]
    ways = [
        {"repo": repo, "id": r.id},
        {"repo": repo, "id": shown_id},
        {"repo": repo, "id": shown_id[:8]},
        {"repo": repo, "experiment": "other", "id": r.id},
        {"config": config, "id": r.id},
        {"repo": repo, "id": "last"},
    ]
    for step, way in enumerate(ways, start=2):
        with aimlog.run(**way) as again:
            again.log({"x": float(step)}, step=step)
        assert again.id == r.id
    assert len(json.loads(command(repo, "ls", "--json"))) == 1
    run = shown(repo, r.id)
    assert (run["experiment"], len(run["attempts"])) == ("digits", 1 + len(ways))
    assert points(repo, r.id, "x") == [(step, float(step)) for step in range(1, 2 + len(ways))]
    names = [each["experiment"] for each in json.loads(command(repo, "exps", "--json"))]
    assert names == ["digits"]


def test_a_run_that_is_still_being_recorded_is_found_at_once(tmp_path):
    with aimlog.run(tmp_path, "digits") as r, aimlog.run(tmp_path, id=r.id) as other:
        assert r.log({"x": 1.0}, step=1) == other.log({"y": 2.0}, step=1) == 0
    (run,) = aimlog.open(tmp_path)
    assert sorted(run.metrics) == ["x", "y"]


def test_an_id_that_nothing_was_recorded_under_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        aimlog.run(tmp_path / "none", id="abc")
    assert not (tmp_path / "none").exists()
    with aimlog.run(tmp_path):
        pass
    with pytest.raises(aimlog.reading.NotFoundError, match="no such"):
        aimlog.run(tmp_path, id="no such")
    with support.open_plugin("aimlog", tmp_path) as tuner:
        tuner.setup(job_id="night-1")
        tuner.trial_start("trial 7")
    with pytest.raises(ValueError, match="trial 7"):
        aimlog.run(tmp_path, id="trial 7")
    assert len(json.loads(command(tmp_path, "ls", "--json"))) == 2


def test_context_epoch_and_filter(tmp_path):
    with aimlog.run(tmp_path, metrics=["loss", "eval/*"]) as r:
        r.log({"loss": 1.0, "other": 2.0, "eval": {"a": 3}}, 1, epoch=4, context={"subset": "val"})
    run = shown(tmp_path, r.id)
    assert "other" not in json.dumps(run) and "subset" in json.dumps(run)


def test_a_repo_that_cannot_be_used_is_an_error_at_once(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(aimlog.host.PluginError, match="file"):
        aimlog.run(tmp_path / "file")
    with pytest.raises(aimlog.host.PluginError, match="no_such_key"):
        aimlog.run(tmp_path, settings={"no_such_key": 1})


def test_after_the_end_log_is_refused(tmp_path):
    with aimlog.run(tmp_path) as r:
        pass
    r.close()
    with pytest.raises(ValueError, match="closed"):
        r.log({"x": 1})


SCRIPT = """
import aimlog, sys, time
r = aimlog.run(sys.argv[1])
r.log({"x": 1.0})
print(r.id, flush=True)
if sys.argv[2] == "wait":
    time.sleep(60)
"""


def test_a_script_that_ends_without_close_is_stopped(tmp_path):
    done = support.run_python(SCRIPT, tmp_path, "end")
    assert done.returncode == 0 and not done.stderr
    assert shown(tmp_path, done.stdout.strip())["status"] == "stopped"


def test_a_killed_script_is_crashed_and_loses_nothing(tmp_path):
    command_line = [support.sys.executable, "-c", SCRIPT, str(tmp_path), "wait"]
    with subprocess.Popen(command_line, stdout=subprocess.PIPE, text=True) as script:
        run_id = script.stdout.readline().strip()
        script.send_signal(signal.SIGKILL)
    assert shown(tmp_path, run_id)["status"] == "crashed"
    assert points(tmp_path, run_id, "x") == [(1, 1.0)]


def test_the_package_says_where_its_parts_are(tmp_path):
    assert aimlog.library_path().is_file() and aimlog.command_path().is_file()
    assert {"open", "run", "library_path"} <= set(dir(aimlog))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        aimlog.nothing
    done = subprocess.run(
        [support.sys.executable, "-m", "aimlog", "version"], capture_output=True, text=True
    )
    assert aimlog.__version__ in done.stdout and done.returncode == 0


def test_importing_the_package_imports_nothing_else(tmp_path):
    code = "import sys, aimlog, aimlog.host; aimlog.run; print('numpy' in sys.modules)"
    assert support.run_python(code).stdout == "False\n"
    assert pathlib.Path(aimlog.__file__).with_name("py.typed").exists()


IMPORTS = """
import contextlib, aimlog
with contextlib.suppress(ImportError):
    import aimlog.run
with contextlib.suppress(ImportError):
    from aimlog.run import Run
from aimlog import Run, run
import aimlog.reading, aimlog._run
with aimlog.run({repo!r}) as made:
    print(isinstance(made, Run), aimlog.run is run, aimlog.open({repo!r}) is not None)
"""


def test_no_import_takes_the_place_of_run(tmp_path):
    done = support.run_python(IMPORTS.format(repo=str(tmp_path)))
    assert done.stdout == "True True True\n", done.stderr
