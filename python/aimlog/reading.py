# SPDX-License-Identifier: Apache-2.0
"""Reading a repo.

    repo = aimlog.open("runs")
    repo.runs().to_pandas()                # one row a run
    run = repo["last"]                     # or an id, its beginning, or a trial's id
    run.params["lr"], run.status
    run["loss"].step, run["loss"].value    # NumPy arrays
    repo.series("loss").to_polars()        # all runs' points, one row each
    repo.best("loss", "min")

A repo that is being written can be read at any time, by the writing process too; what is seen is
what is committed (by default at most a second old; `flush()` of the writer brings in the rest).
pandas, polars, pyarrow and NumPy are used where they are there, and needed by their `to_` methods
only. Everything may be called from any thread.
"""

import builtins
import datetime
import json
import logging
import os
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

from . import _read, library_path
from ._context import pairs_of
from ._errors import AmbiguousError, NotFoundError, ReadError, RepoNotFoundError, call
from ._table import Table

__all__ = [
    "AmbiguousError", "NotFoundError", "ReadError", "Repo", "RepoNotFoundError", "Run", "Series",
    "Table", "open",
]

_logger = logging.getLogger("aimlog")


def _read_table(ask, *args):
    """All of an answer, in memory."""
    return call(call(ask, *args).table)


def _search_upward() -> pathlib.Path:
    here = pathlib.Path.cwd()
    for folder in (here, *here.parents):
        if (folder / ".aimlog").is_dir():
            return folder
    raise RepoNotFoundError("there is no .aimlog in this directory or above it; name the repo")


def open(path: str | os.PathLike | None = None) -> "Repo":  # noqa: A001
    """Opens a repo to read it.

    path: the directory that the recording's `repo` names, or the .aimlog in it; without one
    AIMLOG_REPO, else the nearest .aimlog upward, as the command does.

    Journals of writers that died are replayed first, as by the command; where the repo cannot be
    written, what is committed is shown. Raises RepoNotFoundError, ReadError.
    """
    if path is None:
        path = os.environ.get("AIMLOG_REPO") or _search_upward()
    return Repo(os.path.expanduser(path))


def _attempts(attempts: str) -> bool:
    if attempts not in ("newest", "all"):
        raise ValueError(f'attempts is "newest" or "all", not {attempts!r}')
    return attempts == "all"


def _time(ns: int | None) -> datetime.datetime | None:
    if ns is None:
        return None
    return datetime.datetime.fromtimestamp(ns // 10**9, datetime.timezone.utc).replace(
        microsecond=ns % 10**9 // 1000)


class Series(Table):
    """The points of one metric in one context of a run.

    step, value, time, epoch, attempt: one NumPy array each, which shares the memory that was read
    (read-only), or a memory view without NumPy. step is int64; value int64, uint64 or bool where
    every point is, else double; time datetime64[ns] in UTC; epoch double, NaN where there was none;
    attempt uint32, from 1. By rising step, or as recorded with attempts="all".
    """

    def __init__(self, taken: _read.Table, metric: str, context: dict, contexts: list[dict]):
        super().__init__(taken)
        self.metric = metric
        self.context = context
        #: All contexts in which the run has the metric.
        self.contexts = contexts

    @property
    def step(self) -> Any:
        return self.columns["step"]

    @property
    def value(self) -> Any:
        return self.columns["value"]

    @property
    def time(self) -> Any:
        return self.columns["time"]

    @property
    def epoch(self) -> Any:
        return self.columns["epoch"]

    @property
    def attempt(self) -> Any:
        return self.columns["attempt"]

    @property
    def exact(self) -> list[str | None] | None:
        """Where numbers of several types are mixed: text of each that is no double; else None."""
        return self.columns.get("exact")


class Run(Mapping[str, "Series"]):
    """One run: a mapping of metrics to their points, and what is recorded beside them.

    Its fields are as they were when it was taken from the repo (`refresh` looks again); points are
    read when they are asked for.
    """

    def __init__(self, repo: "Repo", word: str):
        self._repo = repo
        self.refresh(word)

    def refresh(self, word: str | None = None) -> "Run":
        """Reads all but the points again."""
        text = call(self._repo._handle.describe, self.id if word is None else word)
        #: All that is recorded, as `aimlog show --json` has it; times in nanoseconds.
        self.info: dict[str, Any] = json.loads(text)
        return self

    @property
    def id(self) -> str:
        """24 hex digits."""
        return self.info["id"]

    @property
    def trial_id(self) -> str:
        """The host's name of it."""
        return self.info["trial_id"]

    @property
    def trial_name(self) -> str | None:
        return self.info["trial_name"]

    @property
    def experiment(self) -> str:
        return self.info["experiment"]

    @property
    def status(self) -> str:
        """pending, running, paused, completed, failed, stopped or crashed."""
        return self.info["status"]

    @property
    def error(self) -> str | None:
        """Text of the newest failure."""
        return self.info["error"]

    @property
    def tags(self) -> list[str]:
        """The job's."""
        return self.info["job"]["tags"]

    @property
    def params(self) -> dict[str, Any]:
        """Hyper-parameters, nested as they were given; the newest where they changed."""
        return self.info["params"] or {}

    @property
    def config(self) -> dict[str, Any]:
        """The whole configuration."""
        return self.info["config"] or {}

    @property
    def attempts(self) -> list[dict[str, Any]]:
        """What is known of each start of the trial's worker."""
        return self.info["attempts"]

    @property
    def created(self) -> datetime.datetime | None:
        """In UTC."""
        return _time(self.info["created_ns"])

    @property
    def ended(self) -> datetime.datetime | None:
        """In UTC; None while it is open."""
        return _time(self.info["ended_ns"])

    @property
    def metrics(self) -> list[str]:
        """Names of the metrics; those in a context as "loss{subset=val}"."""
        return [each["text"] for each in self.info["metrics"]]

    @property
    def texts(self) -> dict[str, Any]:
        """Last values of what is no number, by name."""
        return {each["text"]: each["last"] for each in self.info["objects"]}

    def series(self, metric: str, context: Mapping | None = None,
               attempts: str = "newest") -> Series:
        """The points of a metric.

        context: its values; without, the series that has no context, or the only one there is.
        attempts: "newest" for each step the newest attempt that has it; "all" every point recorded.
        Raises NotFoundError, AmbiguousError.
        """
        chosen = self._find(metric, context)
        if chosen is None:
            chosen = self.refresh()._find(metric, context)  # it may have come meanwhile
        all_attempts = _attempts(attempts)
        if chosen is None:
            pairs = pairs_of(context or {})
            call(self._repo._handle.series, metric, self.id, pairs, False, False)
            raise NotFoundError(f"run {self.id[:8]} has no {metric!r} with exactly this context")
        pairs = tuple(chosen["context_texts"].items())
        taken = _read_table(self._repo._handle.series, chosen["name"], self.id, pairs, True,
                            all_attempts)
        contexts = [each["context"] or {} for each in self._named(chosen["name"])]
        return Series(taken, chosen["name"], chosen["context"] or {}, contexts)

    def _named(self, metric):
        return [each for each in self.info["metrics"] if each["name"] == metric]

    def _find(self, metric, context):
        """The entry that is meant, None if there is none."""
        found = self._named(metric)
        if not found and context is None:
            found = [each for each in self.info["metrics"] if each["text"] == metric]
        if context is not None:
            pairs = dict(pairs_of(context))
            return next((each for each in found if each["context_texts"] == pairs), None)
        plain = [each for each in found if not each["context_texts"]]
        if len(found) > 1 and not plain:
            known = ", ".join(each["text"] for each in found)
            raise AmbiguousError(f"{metric!r} is recorded in several contexts: {known}")
        return (plain or found or [None])[0]

    def __getitem__(self, metric: str) -> Series:
        return self.series(metric)

    def __iter__(self) -> Iterator[str]:
        return iter(self.metrics)

    def __len__(self) -> int:
        return len(self.metrics)

    def __repr__(self):
        return f"<aimlog run {self.id[:8]} of {self.experiment}: {self.trial_id}, {self.status}>"


class Repo:
    """An open repo; made by `aimlog.open`. Also a context manager."""

    def __init__(self, path: str | os.PathLike):
        self.path = pathlib.Path(path)
        self._handle = call(_read.Repo, str(library_path()), os.fsencode(path),
                             not_found=RepoNotFoundError)
        if self._handle.remark:
            _logger.warning("%s: %s", self.path, self._handle.remark)

    def runs(self, *, metrics: bool = True) -> Table:
        """All runs, oldest first, one row each.

        Columns: id, experiment, job, job_id, trial_id, trial_name, status, created, started, ended,
        attempts, failures, error, tags, last_step; `params.NAME` for each hyper-parameter; and of
        each metric `NAME.last`, .min, .max, .first, .mean, .count (none with metrics=False).
        """
        return Table(_read_table(self._handle.runs, "", metrics))

    def series(self, metric: str, context: Mapping | None = None, run: str = "",
               attempts: str = "newest") -> Table:
        """The points of a metric of all runs, one row each: run, context, attempt, step, value,
        time, epoch, and `exact` where value is double for a mixture of types.

        context: only series whose context has these values; {} only those without any.
        run: only of this run. attempts: as for `Run.series`. Raises NotFoundError.
        """
        exact = context is not None and not context
        return Table(_read_table(self._handle.series, metric, run, pairs_of(context or {}), exact,
                                 _attempts(attempts)))

    def best(self, metric: str, mode: str) -> Run:
        """The run with the least ("min") or greatest ("max") value of a metric, over its whole
        life. `metric` as in the columns of `runs`: "loss", "loss{subset=val}". Raises NotFoundError
        where no run has a value that is a number."""
        if mode not in ("min", "max"):
            raise ValueError(f'mode is "min" or "max", not {mode!r}')
        best = None
        for row in self._values_of(metric, mode):
            if row[0] is None or row[0] != row[0]:
                continue
            if best is None or (row[0] < best[0] if mode == "min" else row[0] > best[0]):
                best = row
        if best is None:
            raise NotFoundError(f"no run has a value of {metric!r}")
        return self[best[1]]

    def _values_of(self, metric, mode):
        """(value, run id) of all runs."""
        table = self.runs()
        names = table.names
        column = f"{metric}.{mode}"
        if column not in names:
            call(self._handle.series, metric, "", (), False, False)  # says what is near
            found = [name for name in names
                     if name.startswith(metric + "{") and name.endswith("}." + mode)]
            if len(found) != 1:
                known = ", ".join(name[: -len(mode) - 1] for name in found)
                raise AmbiguousError(f"{metric!r} is recorded in several contexts: {known}")
            column = found[0]
        return zip(table[column], table["id"], strict=True)

    def __getitem__(self, word: str) -> Run:
        """A run by its id or a beginning of it, its trial's id, "last", or "@2" for the second
        newest. Raises NotFoundError, AmbiguousError."""
        if not isinstance(word, str):
            raise TypeError(f"a run is named by a text, not {type(word).__name__}")
        if not word:
            raise NotFoundError("a run must be named", _read.NOT_FOUND)
        return Run(self, word)

    def __iter__(self) -> Iterator[Run]:
        """All runs, oldest first."""
        return (self[word] for word in self.runs(metrics=False)["id"])

    def __len__(self) -> int:
        return len(self.runs(metrics=False))

    def close(self) -> None:
        """Ends it. Tables and arrays that were read stay."""
        self._handle.close()

    def __enter__(self) -> "Repo":
        return self

    def __exit__(self, *_):
        self.close()

    def __repr__(self):
        return f"<aimlog repo {builtins.str(self.path)}>"
