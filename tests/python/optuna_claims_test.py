# SPDX-License-Identifier: Apache-2.0
"""Who records a trial of Optuna's where several could: forks, copied studies, the dead, locks."""

import optuna
from optuna_test import expect_same

from aimlog.optuna import AimlogCallback

optuna.logging.set_verbosity(optuna.logging.ERROR)


def objective(trial):
    return trial.suggest_float("x", 0, 1)


def notes(repo):
    return repo / ".aimlog" / "optuna"


def test_two_spellings_of_a_repo_are_one(tmp_path):
    study = optuna.create_study()
    config = tmp_path / "aimlog.yaml"
    config.write_text("repo: .aimlog\n")
    for words in ({"repo": tmp_path}, {"repo": f"{tmp_path}/.aimlog/"}, {"config": config}):
        with AimlogCallback(**words) as callback:
            study.optimize(objective, n_trials=1, callbacks=[callback])
    expect_same(study, tmp_path)
    assert not notes(tmp_path / ".aimlog").exists()
