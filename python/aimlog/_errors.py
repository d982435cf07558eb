# SPDX-License-Identifier: Apache-2.0
"""What goes wrong where a repo is read."""

from . import _read


class ReadError(Exception):
    """A repo that cannot be read. `status` is the library's number, below 0."""

    status: int

    def __init__(self, text, status=0):
        super().__init__(text)
        self.status = status

    __str__ = Exception.__str__


class NotFoundError(ReadError, KeyError):
    """No such run, metric or context; the text names the nearest."""

    __str__ = Exception.__str__


class AmbiguousError(ReadError, KeyError):
    """A word that fits several runs or series; the text names them."""

    __str__ = Exception.__str__


class RepoNotFoundError(ReadError, FileNotFoundError):
    """There is no repo at that place."""

    __str__ = Exception.__str__


def call(function, *args, not_found=NotFoundError):
    """Calls the library; its refusals become the errors above."""
    kinds = {_read.NOT_FOUND: not_found, _read.AMBIGUOUS: AmbiguousError}
    try:
        return function(*args)
    except UnicodeEncodeError as error:  # nothing is recorded under half a character
        raise not_found(f"{error.object!r} is no text", _read.NOT_FOUND) from None
    except _read.ReadError as error:
        status, text = error.args
        raise kinds.get(status, ReadError)(text, status) from None
