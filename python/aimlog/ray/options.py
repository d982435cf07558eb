# SPDX-License-Identifier: Apache-2.0
"""What a user may say to the callback, checked before any compute is spent."""

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aimlog.settings import absolute, repo_of_config, yaml_value

logger = logging.getLogger("aimlog")

# Keyword -> key of the plugin's configuration.
SETTINGS = {
    "tags": "tags",
    "description": "description",
    "context_and_epoch": "context_and_epoch",
    "durability": "durability",
    "commit_interval_ms": "commit_interval_ms",
    "always_wait_ms": "always_wait_ms",
    "journal_bytes": "journal_bytes",
    "on_full": "on_full",
    "full_wait_ms": "full_wait_ms",
    "close_timeout_ms": "close_timeout_ms",
    "log_file": "log.file",
    "log_level": "log.level",
}
# What `aim.Run` takes and AimLoggerCallback passes on, and what has no meaning here.
OF_AIM_RUN = (
    "run_hash",
    "read_only",
    "force_resume",
    "system_tracking_interval",
    "log_system_params",
    "capture_terminal_logs",
)
OWN = (
    "config",
    "experiment",
    "plugin",
    "settings",
    "sync_period",
    "aim_repo",
    "aim_attempts",
    "aim_wait",
)

SYNC_PERIOD_S = 300.0
AIM_WAIT_S = 30.0
AIM_ATTEMPTS = ("merged", "split")
AIM_REPO = (
    "AimlogCallback records into a directory of its own; aim_repo=DIR keeps an Aim repo in DIR up "
    "to date with it while the job runs, and `aimlog export --format aim` makes one later"
)


@dataclass(frozen=True)
class Options:
    """Arguments in the form in which they can be pickled and used in another process."""

    repo: str | None = None
    """The directory that the user named, absolute; None = beside the trials."""
    experiment_name: str | None = None
    settings: dict[str, str] = field(default_factory=dict)
    """Keys of the plugin's configuration and YAML values, without the place of the repo."""
    config_path: str | None = None
    config_text: str | None = None
    """The file's text as it was at construction: a restored job does not need the file."""
    plugin: str | None = None
    """Another plugin's library; None = aimlog's own."""
    sync_period: float = SYNC_PERIOD_S
    """Seconds between copies of the repo into a storage that is not on a local disk."""
    aim_repo: str | bool = False
    """The directory of an Aim repo to keep up to date, absolute; True = the experiment's."""
    aim_attempts: str = AIM_ATTEMPTS[0]
    aim_wait: float = AIM_WAIT_S
    """Seconds that the end of the job waits for the last export into the Aim repo."""

    @property
    def key(self) -> str:
        """Tells several callbacks of one job apart, the same after a restore elsewhere."""
        words = [self.plugin and Path(self.plugin).name, self.repo, self.config_path]
        return "|".join(word or "" for word in words)

    @property
    def config_dir(self) -> str | None:
        return os.path.dirname(self.config_path) if self.config_path else None


def parse_options(
    repo: Any, experiment_name: str | None, metrics: Any, options: dict[str, Any]
) -> Options:
    """Checks the constructor's arguments.

    Raises TypeError for arguments that do not exist, ValueError for values that cannot be.
    """
    refuse_unknown(options)
    say_what_has_no_meaning(options)
    config_path, config_text = read_config(options.get("config"))
    repo = repo_directory(repo)
    if repo is None and config_text is not None and options.get("plugin") is None:
        repo = repo_of_config(config_text, os.path.dirname(config_path or ""))
    return Options(
        repo=repo,
        experiment_name=one_name(experiment_name, options.get("experiment")),
        settings=settings_of(metrics, options),
        config_path=config_path,
        config_text=config_text,
        plugin=absolute(options["plugin"]) if options.get("plugin") is not None else None,
        sync_period=seconds("sync_period", options.get("sync_period", SYNC_PERIOD_S)),
        aim_repo=aim_directory(options.get("aim_repo"), options.get("plugin")),
        aim_attempts=aim_attempts(options.get("aim_attempts")),
        aim_wait=seconds("aim_wait", options.get("aim_wait", AIM_WAIT_S)),
    )


def refuse_unknown(options: dict[str, Any]) -> None:
    unknown = sorted(set(options) - {*SETTINGS, *OF_AIM_RUN, *OWN})
    if unknown:
        valid = ["repo", "experiment_name", "metrics", *OWN, *SETTINGS]
        raise TypeError(
            f"AimlogCallback has no argument {', '.join(unknown)}; valid: {', '.join(valid)}; "
            f"accepted without effect, for aim.Run: {', '.join(OF_AIM_RUN)}"
        )


def say_what_has_no_meaning(options: dict[str, Any]) -> None:
    given = sorted(set(options) & set(OF_AIM_RUN))
    if given:
        level = logging.WARNING if any(options[name] for name in given) else logging.INFO
        text = "AimlogCallback: no effect here: %s (system metrics, terminal output not recorded)"
        logger.log(level, text, ", ".join(given))


def repo_directory(repo: Any) -> str | None:
    if repo is None:
        return None
    if isinstance(repo, (str, os.PathLike)):
        text = os.fspath(repo)
        if isinstance(text, str):
            if text.startswith("aim://"):
                raise ValueError(f"repo={text!r}: {AIM_REPO}")
            if "://" in text and not text.startswith("file://"):
                raise ValueError(f"repo={text!r} is no directory of this machine")
            return absolute(text.removeprefix("file://"))
    if type(repo).__module__.split(".")[0] == "aim":
        raise TypeError(f"repo is an Aim Repo: {AIM_REPO}")
    raise TypeError(f"repo is a {type(repo).__name__}; valid: the path of a directory, or None")


def aim_directory(aim_repo: Any, plugin: Any) -> str | bool:
    if aim_repo is None or aim_repo is False:
        return False
    if plugin is not None:
        raise ValueError("aim_repo= goes with aimlog's own plugin, not with plugin=")
    if aim_repo is True:
        return True
    if isinstance(aim_repo, (str, os.PathLike)) and isinstance(os.fspath(aim_repo), str):
        text = os.fspath(aim_repo)
        if "://" in text and not text.startswith("file://"):
            raise ValueError(f"aim_repo={text!r} is no directory of this machine")
        path = absolute(text.removeprefix("file://"))
        return os.path.dirname(path) if os.path.basename(path) == ".aim" else path
    kind = type(aim_repo).__name__
    raise TypeError(f"aim_repo is a {kind}; valid: the path of a directory, True, or None")


def aim_attempts(how: Any) -> str:
    if how is None:
        return AIM_ATTEMPTS[0]
    if how not in AIM_ATTEMPTS:
        raise ValueError(f"aim_attempts={how!r}; valid: {', '.join(AIM_ATTEMPTS)}")
    return how


def seconds(name: str, period: Any) -> float:
    if isinstance(period, bool) or not isinstance(period, (int, float)) or not period > 0:
        raise ValueError(f"{name}={period!r}; valid: seconds, more than 0")
    return float(period)


def one_name(experiment_name: str | None, experiment: str | None) -> str | None:
    if None not in (experiment_name, experiment) and experiment_name != experiment:
        raise ValueError("experiment and experiment_name are the same argument; give one")
    name = experiment if experiment_name is None else experiment_name
    if name is not None and not isinstance(name, str):
        raise TypeError(f"experiment_name is a {type(name).__name__}; valid: text")
    return name


def read_config(config: Any) -> tuple[str | None, str | None]:
    if config is None:
        return None, None
    path = absolute(config)
    with open(path, encoding="utf-8") as file:
        return path, file.read()


def settings_of(metrics: Any, options: dict[str, Any]) -> dict[str, str]:
    settings = {}
    if metrics is not None:
        patterns = [metrics] if isinstance(metrics, str) else list(metrics)
        if not patterns:
            raise ValueError(
                "metrics must have at least one name or pattern, or be None: then all is recorded"
            )
        settings["metrics"] = yaml_value(patterns)
    for name, key in SETTINGS.items():
        value = options.get(name)
        if value is not None:
            settings[key] = yaml_value(absolute(value) if name == "log_file" else value)
    given = options.get("settings") or {}
    if not isinstance(given, Mapping):
        raise TypeError("settings is no mapping from the plugin's keys to values")
    return settings | {str(key): yaml_value(value) for key, value in given.items()}
