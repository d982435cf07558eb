# SPDX-License-Identifier: Apache-2.0
from collections.abc import Callable, Iterable, Mapping
from os import PathLike
from types import TracebackType
from typing import Any, Final, Self

OK: Final = 0
DROPPED: Final = 1
NOT_DURABLE: Final = 2
UNKNOWN: Final = -1
INVALID_ARGUMENT: Final = -2
UNSUPPORTED_VERSION: Final = -3
INVALID_CONFIG: Final = -4
WRONG_STATE: Final = -5
INVALID_STATE: Final = -6
IO_ERROR: Final = -7
INERT: Final = -8
UNIMPLEMENTED: Final = -9
OUT_OF_MEMORY: Final = -10
INTERNAL: Final = -11
TRIAL_PENDING: Final = 1
TRIAL_RUNNING: Final = 2
TRIAL_PAUSED: Final = 3
TRIAL_COMPLETED: Final = 4
TRIAL_FAILED: Final = 5
TRIAL_STOPPED: Final = 6
RESUMED_NO: Final = 0
RESUMED_YES: Final = 1
RESUMED_UNKNOWN: Final = 2

_Path = str | PathLike[str]

class PluginError(Exception):
    status: int

class PluginLoadError(PluginError, OSError): ...

class Plugin:
    @property
    def name(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def abi(self) -> int: ...
    @property
    def closed(self) -> bool: ...
    @property
    def last_error(self) -> str: ...
    def __init__(
        self,
        library: _Path,
        *,
        config_path: _Path | None = None,
        config_text: str | None = None,
        base_dir: _Path | None = None,
        settings: Mapping[str, str] | None = None,
        log: Callable[[int, str], object] | None = None,
        host_name: str = "Python",
        release_gil: bool = False,
    ) -> None: ...
    def setup(
        self,
        *,
        resumed: int = 0,
        job_id: str = "",
        experiment_name: str = "",
        experiment_dir: _Path = "",
        host_name: str = "",
        host_version: str = "",
        metric_namespace: str = "",
        reserved_keys: Iterable[str] = (),
        stop: Any = None,
        num_samples: int = 0,
        total_num_samples: int = 0,
        time_budget_s: float = 0.0,
        metric: str = "",
        mode: str = "",
    ) -> int: ...
    def step_begin(self, iteration: int) -> int: ...
    def step_end(self, iteration: int) -> int: ...
    def trial_start(
        self,
        trial_id: str,
        *,
        key: int = 0,
        time_ns: int = 0,
        status: int = 0,
        name: str = "",
        trainable_name: str = "",
        experiment_tag: str = "",
        local_dir: _Path = "",
        remote_dir: _Path = "",
        node_ip: str = "",
        pid: int = 0,
        failure_count: int = 0,
        attempt: int = 0,
        params: Mapping[Any, Any] | None = None,
        config: Mapping[Any, Any] | None = None,
        checkpoint_path: _Path = "",
    ) -> int: ...
    def trial_restore(
        self,
        trial_id: str,
        *,
        key: int = 0,
        time_ns: int = 0,
        status: int = 0,
        name: str = "",
        trainable_name: str = "",
        experiment_tag: str = "",
        local_dir: _Path = "",
        remote_dir: _Path = "",
        node_ip: str = "",
        pid: int = 0,
        failure_count: int = 0,
        attempt: int = 0,
        params: Mapping[Any, Any] | None = None,
        config: Mapping[Any, Any] | None = None,
        checkpoint_path: _Path = "",
    ) -> int: ...
    def trial_result(
        self,
        trial_id: str,
        result: Mapping[Any, Any],
        key: int = 0,
        time_ns: int = 0,
        skip: str | None = "config",
    ) -> int: ...
    def trial_save(
        self,
        trial_id: str,
        *,
        key: int = 0,
        time_ns: int = 0,
        path: _Path = "",
        step: int | None = None,
    ) -> int: ...
    def checkpoint(
        self,
        trial_id: str,
        *,
        key: int = 0,
        time_ns: int = 0,
        path: _Path = "",
        step: int | None = None,
    ) -> int: ...
    def trial_complete(
        self, trial_id: str, *, key: int = 0, time_ns: int = 0, status: int = 0
    ) -> int: ...
    def trial_pause(
        self, trial_id: str, *, key: int = 0, time_ns: int = 0, status: int = 0
    ) -> int: ...
    def trial_error(
        self,
        trial_id: str,
        *,
        key: int = 0,
        time_ns: int = 0,
        failure_count: int = 0,
        error_text: str = "",
    ) -> int: ...
    def trial_recover(
        self,
        trial_id: str,
        *,
        key: int = 0,
        time_ns: int = 0,
        failure_count: int = 0,
        error_text: str = "",
    ) -> int: ...
    def experiment_end(self, *, interrupted: bool = False, time_ns: int = 0) -> int: ...
    def flush(self, timeout_ms: int = 0) -> int: ...
    def get_state(self) -> bytes: ...
    def set_state(self, state: bytes | bytearray | memoryview, /) -> None: ...
    def stats(self) -> dict[str, int | str]: ...
    def extension(self, name: str, /) -> int | None: ...
    def close(self) -> int: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...
