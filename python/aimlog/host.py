# SPDX-License-Identifier: Apache-2.0
"""A host for any plugin that speaks the tuner contract (`tuner_plugin.h`), aimlog's own or another.

    with Plugin(aimlog.library_path(), config_text="repo: runs") as plugin:
        plugin.setup(experiment_name="digits")
        plugin.trial_start("t1", params={"lr": 0.1})
        plugin.trial_result("t1", {"loss": 0.5, "training_iteration": 1})
        plugin.trial_complete("t1")

What a value becomes: int, float, bool, str, bytes and None stay what they are, dicts and other
mappings become maps, lists and tuples lists; NumPy scalars and arrays without dimension the number
they hold, arrays up to 1,024 numbers lists; scalars of other libraries what their item() says; an
int beyond 64 bits, an enum, a path, a Decimal, a date text; anything else "<type> text".
"""

from ._host import (
    DROPPED,
    INERT,
    INTERNAL,
    INVALID_ARGUMENT,
    INVALID_CONFIG,
    INVALID_STATE,
    IO_ERROR,
    NOT_DURABLE,
    OK,
    OUT_OF_MEMORY,
    RESUMED_NO,
    RESUMED_UNKNOWN,
    RESUMED_YES,
    TRIAL_COMPLETED,
    TRIAL_FAILED,
    TRIAL_PAUSED,
    TRIAL_PENDING,
    TRIAL_RUNNING,
    TRIAL_STOPPED,
    UNIMPLEMENTED,
    UNKNOWN,
    UNSUPPORTED_VERSION,
    WRONG_STATE,
    Plugin,
    PluginError,
    PluginLoadError,
)

__all__ = [
    "DROPPED",
    "INERT",
    "INTERNAL",
    "INVALID_ARGUMENT",
    "INVALID_CONFIG",
    "INVALID_STATE",
    "IO_ERROR",
    "NOT_DURABLE",
    "OK",
    "OUT_OF_MEMORY",
    "RESUMED_NO",
    "RESUMED_UNKNOWN",
    "RESUMED_YES",
    "TRIAL_COMPLETED",
    "TRIAL_FAILED",
    "TRIAL_PAUSED",
    "TRIAL_PENDING",
    "TRIAL_RUNNING",
    "TRIAL_STOPPED",
    "UNIMPLEMENTED",
    "UNKNOWN",
    "UNSUPPORTED_VERSION",
    "WRONG_STATE",
    "Plugin",
    "PluginError",
    "PluginLoadError",
]
