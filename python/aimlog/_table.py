# SPDX-License-Identifier: Apache-2.0
"""Answers as tables: for pandas, polars, pyarrow, DuckDB, NumPy, or none of them."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from . import _arrow, _read

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow


class Columns(Mapping):
    """Columns by name; each is made when it is first asked for."""

    def __init__(self, table):
        self._table = table
        self._places = {name: index for index, (name, _) in enumerate(table.fields())}
        self._made = {}

    def __getitem__(self, name):
        if name not in self._made:
            index = self._places[name]
            batches = range(len(self._table.lengths()))
            parts = [self._table.column(batch, index) for batch in batches]
            form = self._table.fields()[index][1]
            self._made[name] = _arrow.join(parts) if parts else _arrow.empty(form)
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self):
        return len(self._places)

    def __repr__(self):
        return f"<columns {', '.join(self._places)}>"


class Table:
    """Rows and columns that were read from a repo.

    Whatever takes the Arrow PyCapsule interface takes it: `pyarrow.table(t)`,
    `polars.DataFrame(t)`, `duckdb.sql("from t")`. Without them `t.columns` has NumPy arrays and
    lists.

    What was read stays as it is; `repo.runs()` and `repo.series()` look anew. All receivers share
    one copy in memory.
    """

    def __init__(self, taken: _read.Table):
        self._table = taken
        self._columns = Columns(taken)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """An Arrow stream; as often as one likes. No other types are offered than the table has."""
        return self._table.capsule()

    def __arrow_c_schema__(self) -> object:
        return self._table.schema_capsule()

    def __len__(self) -> int:
        return sum(self._table.lengths())

    @property
    def names(self) -> list[str]:
        """Names of the columns."""
        return [name for name, _ in self._table.fields()]

    @property
    def columns(self) -> Mapping[str, Any]:
        """Columns by name, a mapping.

        Numbers are NumPy arrays that share the table's memory and are read-only, NaN where a double
        is missing; times are datetime64[ns] in UTC, NaT where missing. Texts, lists, and whole
        numbers or booleans of which some are missing, are lists with None. Without NumPy numbers
        are memory views, and times whole nanoseconds.
        """
        return self._columns

    def __getitem__(self, name: str) -> Any:
        try:
            return self.columns[name]
        except KeyError:
            raise KeyError(f"no column {name!r}; there are {', '.join(self.names)}") from None

    def to_pylist(self) -> list[dict[str, Any]]:
        """Rows as dicts of Python values, None where there is none; times in nanoseconds."""
        table = self._table
        names = self.names
        rows = []
        for batch in range(len(table.lengths())):
            columns = [_arrow.as_list(table.column(batch, i)) for i in range(len(names))]
            rows += [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
        return rows

    def to_arrow(self) -> "pyarrow.Table":
        """A pyarrow.Table. Needs pyarrow 14 or later."""
        import pyarrow

        return pyarrow.table(self)

    def to_polars(self) -> "polars.DataFrame":
        """A polars.DataFrame. Needs polars 1.3 or later."""
        import polars

        return polars.DataFrame(self)

    def to_pandas(self) -> "pandas.DataFrame":
        """A pandas.DataFrame. Whole numbers of which some are missing are "Int64" or "UInt64"."""
        import pandas

        try:
            import pyarrow  # noqa: F401
        except ImportError:
            return self._pandas_of_columns(pandas)
        table = self.to_arrow()
        frame = table.to_pandas()
        for name in table.column_names:
            kind = {"int64": "Int64", "uint64": "UInt64"}.get(str(table[name].type))
            if kind and table[name].null_count:
                frame[name] = pandas.array(table[name].to_pylist(), dtype=kind)
        return frame

    def _pandas_of_columns(self, pandas):
        frame = {}
        forms = dict(self._table.fields())
        for name, column in self.columns.items():
            if forms[name] == "tsn:UTC":
                column = pandas.to_datetime(column, utc=True)
            elif forms[name] in ("l", "L") and isinstance(column, list):
                column = pandas.array(column, dtype="Int64" if forms[name] == "l" else "UInt64")
            frame[name] = column
        return pandas.DataFrame(frame)

    def __repr__(self):
        return f"<aimlog table of {len(self)} rows and {len(self.names)} columns>"
