# SPDX-License-Identifier: Apache-2.0
"""Columns of an answer as NumPy arrays that share its memory, or as Python values without NumPy."""

try:
    import numpy
except ImportError:  # then memory views and lists
    numpy = None

_TIME = "tsn:UTC"
_CASTS = {"i": "i", "I": "I", "l": "q", "L": "Q", "g": "d", _TIME: "q"}
_DTYPES = {
    "i": "<i4", "I": "<u4", "l": "<i8", "L": "<u8", "g": "<f8", _TIME: "datetime64[ns]",
}


def _bits(view, rows):
    """Bits, low ones first, as a list of bools."""
    data = bytes(view)
    return [bool(data[i >> 3] >> (i & 7) & 1) for i in range(rows)]


def _with_none(values, validity, rows, nulls):
    if not nulls:
        return values
    return [value if there else None
            for value, there in zip(values, _bits(validity, rows), strict=True)]


def _texts(column):
    form, rows, nulls, validity, ends, data, _ = column
    ends = ends.cast("q" if form == "U" else "i")
    data = bytes(data)
    texts = [data[ends[i]:ends[i + 1]].decode("utf-8", "replace") for i in range(rows)]
    return _with_none(texts, validity, rows, nulls)


def _lists(column):
    _, rows, nulls, validity, ends, _, child = column
    ends = ends.cast("i")
    items = as_list(child)
    return _with_none([items[ends[i]:ends[i + 1]] for i in range(rows)], validity, rows, nulls)


def _named(column):
    _, rows, nulls, validity, indexes, _, dictionary = column
    words = _texts(dictionary)
    indexes = indexes.cast("i")
    return _with_none([words[i] if words else None for i in indexes], validity, rows, nulls)


def as_list(column):
    """Python values, None where there is none; times are nanoseconds since the epoch."""
    form, rows, nulls, validity, data, _, inner = column
    if form in ("u", "U"):
        return _texts(column)
    if form == "+l":
        return _lists(column)
    if inner is not None:
        return _named(column)
    values = _bits(data, rows) if form == "b" else data.cast(_CASTS[form]).tolist()
    return _with_none(values, validity, rows, nulls)


def _is_numeric(column):
    return column[0] in _DTYPES and column[6] is None or column[0] == "b"


def _numpy_column(column):
    form, rows, nulls, validity, data, _, _ = column
    if form == "b":
        return numpy.unpackbits(
            numpy.frombuffer(data, "u1"), count=rows, bitorder="little").astype(bool)
    values = numpy.frombuffer(data, _DTYPES[form])
    if form == _TIME and nulls:
        there = numpy.unpackbits(
            numpy.frombuffer(validity, "u1"), count=rows, bitorder="little").astype(bool)
        values = numpy.where(there, values, numpy.datetime64("NaT", "ns"))
    return values  # under a null double stands NaN


def _named_objects(parts):
    """Texts by dictionary: one object for each text, however many rows."""
    chosen = []
    for _, rows, nulls, validity, indexes, _, dictionary in parts:
        words = numpy.array([*_texts(dictionary), None], dtype=object)
        places = numpy.frombuffer(indexes, "<i4")
        if nulls:
            there = numpy.unpackbits(
                numpy.frombuffer(validity, "u1"), count=rows, bitorder="little")
            places = numpy.where(there, places, len(words) - 1)
        chosen.append(words[places])
    return chosen


def _joined_views(parts):
    """Memory views of one column, as one."""
    views = [column[4].cast(_CASTS[column[0]]) for column in parts]
    if len(views) == 1:
        return views[0]
    return memoryview(b"".join(bytes(view) for view in views)).cast(_CASTS[parts[0][0]])


def join(parts):
    """One column of all batches.

    Numbers and times: a NumPy array, without a copy where there is one batch; without NumPy a
    memory view (times as nanoseconds). Whole numbers and booleans of which some are missing, and
    texts and lists: a list with None; texts of a dictionary: an array of objects, or a list.
    """
    first = parts[0]
    nulls = sum(column[2] for column in parts)
    keeps_nulls = first[0] in ("g", _TIME) or not nulls
    if numpy is not None and first[6] is not None and first[0] == "i":
        chosen = _named_objects(parts)
    elif _is_numeric(first) and keeps_nulls and numpy is not None:
        chosen = [_numpy_column(column) for column in parts]
    elif _is_numeric(first) and first[0] != "b" and (first[0] == "g" or not nulls):
        return _joined_views(parts)
    else:
        return [value for column in parts for value in as_list(column)]
    return chosen[0] if len(chosen) == 1 else numpy.concatenate(chosen)


def empty(form):
    """A column without rows."""
    if numpy is not None and form in _DTYPES:
        return numpy.empty(0, _DTYPES[form])
    return []
