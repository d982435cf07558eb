# SPDX-License-Identifier: Apache-2.0
"""Records hyper-parameter searches: every trial's parameters, metrics, status and checkpoints.

`aimlog.run` records a loop of one's own, `aimlog.open` reads a repo, `aimlog.ray` and
`aimlog.optuna` are callbacks for Ray Tune and Optuna, `aimlog.host` loads any plugin. Importing
this module imports none of them, and nothing beside the standard library.
"""

import importlib
import pathlib

from ._version import __version__

__all__ = ["Run", "__version__", "command_path", "library_path", "open", "run"]

_HERE = pathlib.Path(__file__).resolve().parent
# No module has the name of what is taken from it: importing that module would put it in its place.
_LAZY = {"Run": ("_run", "Run"), "open": ("reading", "open"), "run": ("_run", "run")}


def library_path() -> pathlib.Path:
    """The plugin's shared library in this package, for hosts that are told a path."""
    return _HERE / "libaimlog.so"


def command_path() -> pathlib.Path:
    """The `aimlog` command in this package."""
    return _HERE / "bin" / "aimlog"


def __getattr__(name):
    if name not in _LAZY:
        raise AttributeError(f"module 'aimlog' has no attribute {name!r}")
    module, attribute = _LAZY[name]
    value = getattr(importlib.import_module(f"aimlog.{module}"), attribute)
    globals()[name] = value
    return value


def __dir__():
    return sorted({*globals(), *_LAZY})
