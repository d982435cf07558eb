# SPDX-License-Identifier: Apache-2.0
"""Python values as settings of the plugin: keys of its configuration and YAML scalars."""

import json
import os
from collections.abc import Mapping
from typing import Any


def plugin_settings(**options: Any) -> dict[str, str]:
    """Each keyword that is not None as a setting; `log_file` means the key `log.file`.

    Raises:
        ValueError: `metrics` is empty. Which keys there are is the plugin's to say.
    """
    metrics = options.get("metrics")
    if metrics is not None and not isinstance(metrics, str):
        options["metrics"] = metrics = list(metrics)
        if not metrics:
            raise ValueError("metrics must name at least one pattern, or be None for all")
    return {
        name.replace("log_", "log.", 1) if name.startswith("log_") else name: yaml_value(value)
        for name, value in options.items()
        if value is not None
    }


def yaml_value(value: Any) -> str:
    """In YAML's flow style, of which JSON is a part."""
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if isinstance(value, Mapping):
        raise TypeError("a setting is one value or a list; name nested keys with dots")
    if isinstance(value, (list, tuple, set, frozenset)):
        return "[" + ", ".join(yaml_value(item) for item in value) + "]"
    if isinstance(value, (bool, int, float)):
        return json.dumps(value)
    return json.dumps(str(value), ensure_ascii=False)


def absolute(path: Any) -> str:
    """With `~` for the home directory; relative ones rest on the working directory."""
    return os.path.abspath(os.path.expanduser(os.fspath(path)))


def repo_directory(
    repo: str | os.PathLike[str] | None, config: str | os.PathLike[str] | None
) -> str | None:
    """The directory in which a plugin with these arguments has its repo. None: the configuration
    cannot be read, and the plugin says what is wrong with it.

    Raises:
        ImportError: only the configuration says it, and there is no PyYAML.
    """
    if repo is not None:
        return absolute(repo)
    if config is None:
        return os.getcwd()
    path = absolute(config)
    directory = os.path.dirname(path)
    try:
        with open(path, encoding="utf-8") as file:
            return repo_of_config(file.read(), directory) or directory
    except (OSError, UnicodeDecodeError):
        return None


def repo_of_config(text: str, directory: str) -> str | None:
    """The repo that a configuration names, if it names one; what is wrong with the text the plugin
    says better. Relative paths rest on `directory`."""
    import yaml  # Ray and Optuna need it too

    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except Exception:
        return None
    # The text as it stands, whatever type YAML would give it: a directory may be called 2025-01-31.
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    repo = next((value for key, value in pairs if key.value == "repo"), None)
    if not isinstance(repo, yaml.ScalarNode) or repo.tag == "tag:yaml.org,2002:null":
        return None
    return os.path.abspath(os.path.join(directory, os.path.expanduser(repo.value)))
