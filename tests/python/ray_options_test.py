# SPDX-License-Identifier: Apache-2.0
"""The constructor's arguments: what is refused before the job, and what they do."""

import logging
from contextlib import nullcontext

import pytest
from ray import cloudpickle
from ray_fakes import Fit
from ray_support import library_is_loaded, runs_of

from aimlog.host import PluginError
from aimlog.ray import AimlogCallback


@pytest.fixture
def exp(tmp_path):
    (tmp_path / "exp").mkdir()
    return tmp_path / "exp"


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"metrics": []}, ValueError, "metrics"),
        ({"nonsense": 1}, TypeError, "nonsense; valid: repo, experiment_name, metrics, config"),
        ({"repo": "aim://host:53800"}, ValueError, "aim_repo="),
        ({"repo": "s3://bucket/x"}, ValueError, "no directory of this machine"),
        ({"repo": 5}, TypeError, "path of a directory"),
        ({"aim_repo": 5}, TypeError, "path of a directory, True"),
        ({"aim_repo": "aim://host:53800"}, ValueError, "no directory of this machine"),
        ({"aim_repo": "/proc"}, OSError, "aim_repo"),
        ({"aim_repo": "/proc/nowhere"}, OSError, "aim_repo"),
        ({"aim_repo": True, "plugin": "/no/such/plugin.so"}, ValueError, "aimlog's own plugin"),
        ({"aim_attempts": "all"}, ValueError, "valid: merged, split"),
        ({"aim_wait": 0}, ValueError, "aim_wait"),
        ({"experiment": "a", "experiment_name": "b"}, ValueError, "same argument"),
        ({"experiment_name": 5}, TypeError, "experiment_name"),
        ({"metrics": ["a["]}, PluginError, "metrics"),
        ({"durability": "sometimes"}, PluginError, "durability"),
        ({"settings": {"metrcs": "a"}}, PluginError, "metrcs"),
        ({"sync_period": 0}, ValueError, "sync_period"),
        ({"config": "/no/such/file"}, FileNotFoundError, "no/such"),
        ({"repo": "/proc/nowhere"}, OSError, "/proc"),
        ({"repo": "/proc"}, PluginError, "/proc"),
        ({"plugin": "/no/such/plugin.so"}, PluginError, "/no/such/plugin.so"),
    ],
)
def test_what_cannot_be_is_refused_before_the_job(arguments, error, words):
    with pytest.raises(error, match=words.replace("[", r"\[")):
        AimlogCallback(**arguments)
    assert not library_is_loaded()


def test_a_bad_file_is_named_with_its_line(tmp_path):
    path = tmp_path / "aimlog.yaml"
    path.write_text("repo: .\nmetrcs: [loss]\n")
    with pytest.raises(PluginError, match=f"{path}:2:1.*metrcs"):
        AimlogCallback(config=path)


def test_arguments_for_aim_runs_are_accepted_with_one_line(caplog):
    with caplog.at_level(logging.INFO, "aimlog"):
        AimlogCallback(system_tracking_interval=5, capture_terminal_logs=False, run_hash=None)
    (line,) = [record.getMessage() for record in caplog.records]
    assert "capture_terminal_logs, run_hash, system_tracking_interval" in line


def test_the_constructor_says_nothing(tmp_path, caplog, capfd):
    with caplog.at_level(logging.INFO, "aimlog"):
        AimlogCallback(metrics=["loss"])
        AimlogCallback(repo=tmp_path, metrics=["loss"])
    assert caplog.messages == [] and capfd.readouterr() == ("", "")


def test_temporary_files_on_a_bad_disk_do_not_matter(monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", "/proc/self/fd")
    monkeypatch.setattr("tempfile.TemporaryDirectory", lambda **_: nullcontext("/proc/self/fd"))
    AimlogCallback()
    with pytest.raises(PluginError, match="metrcs"):
        AimlogCallback(settings={"metrcs": "a"})


def test_an_aim_repo_object_is_refused():
    repo = type("Repo", (), {"__module__": "aim.sdk.repo"})()
    with pytest.raises(TypeError, match="aim_repo="):
        AimlogCallback(repo=repo)


def test_a_command_without_aim_is_refused(tmp_path, monkeypatch):
    command = tmp_path / "aimlog"
    monkeypatch.setattr("aimlog.command_path", lambda: command)
    with pytest.raises(ValueError, match="needs the command"):
        AimlogCallback(aim_repo=True)
    command.write_text("""#!/bin/sh\necho '{"version": "1", "aim": false}'\n""")
    command.chmod(0o755)
    with pytest.raises(ValueError, match="install librocksdb-dev"):
        AimlogCallback(aim_repo=True)
    AimlogCallback()  # is not asked for anything


def test_relative_repos_become_absolute(tmp_path, monkeypatch, exp):
    monkeypatch.chdir(tmp_path)
    callback = AimlogCallback(repo="data")
    monkeypatch.chdir("/")
    fit = Fit(callback, exp)
    fit.run(fit.add("t"))
    fit.end()
    assert set(runs_of(tmp_path / "data")) == {"t"} and not (exp / ".aimlog").exists()


def test_the_file_s_repo_and_settings_count_and_arguments_win(tmp_path, exp):
    path = tmp_path / "aimlog.yaml"
    path.write_text("repo: here\nexperiment: of the file\nmetrics: [x]\ntags: [a]\n")
    callback = cloudpickle.loads(cloudpickle.dumps(AimlogCallback(config=path, tags=["b"])))
    path.unlink()  # a restore elsewhere has no such file
    fit = Fit(callback, exp)
    fit.run(fit.add("t"))
    fit.end()
    (run,) = runs_of(tmp_path / "here").values()
    assert run["experiment"] == "of the file" and run["job"]["tags"] == ["b"]
    assert [metric["name"] for metric in run["metrics"]] == ["x"]
