# SPDX-License-Identifier: Apache-2.0
"""What a restored job begins with where its repo is not in Ray's storage: the newest of its runs.

They are in the repo that is here, unless the job went on elsewhere in the meantime. Nothing is
thrown away: a repo that turns out to be the older one is set aside.
"""

import contextlib
import logging
import os
import tarfile
from typing import Any

from aimlog.ray.copies import (
    COPY,
    FILES,
    BrokenCopy,
    Mark,
    as_file,
    mark_in,
    new_own,
    patiently,
    read_mark,
    read_own,
    scratch,
    sync_directory,
    write_file,
    write_own,
)
from aimlog.ray.storage import REPO

logger = logging.getLogger("aimlog")


def begin_with_newest(filesystem: Any, path: str, directory: str, job: str) -> None:
    """Brings the job's newest copy into `directory`, if what is there does not have all of it.

    Raises if that cannot be done or found out. Then what is there is as it was, and so are the
    copies: none is replaced by a repo that does not have its runs.
    """
    patiently(lambda: begin_once(filesystem, path, directory, job))


def begin_once(filesystem: Any, path: str, directory: str, job: str) -> None:
    # The copy's mark first: a child of an earlier driver may be making one just now.
    newest = find_newest(filesystem, path, job)
    if newest is None:
        return
    name, mark = newest
    repo = os.path.join(directory, REPO)
    own = read_own(repo)
    if os.path.isdir(repo) and (not mark.job or (own is not None and own.knows(mark))):
        return
    aside = fetch(filesystem, f"{path}/{name}", directory, job, mark.job)
    if aside is not None:
        text = "aimlog: the job went on elsewhere, and goes on with %s of the storage; the repo "
        logger.warning(text + "that was here is kept in %s", name, aside)


def find_newest(filesystem: Any, path: str, job: str) -> tuple[str, Mark] | None:
    """The name and the mark of the job's newest copy."""
    marks = {}
    for name in names_of_copies(filesystem, path):
        mark = read_mark(filesystem, f"{path}/{name}")
        if mark is not None:
            marks[name] = mark
    found = {name: mark for name, mark in marks.items() if mark.job == job}
    usual = marks.get(COPY)
    if usual is not None and COPY in found:
        # It has the job from its begin. One beside it counts only where the same repo made both.
        found = {name: mark for name, mark in found.items() if mark.repo == usual.repo}
    if not found:
        # One that says nothing of itself is better than none.
        return None if usual is None or usual.job else (COPY, usual)
    return max(found.items(), key=lambda item: item[1].number)


def names_of_copies(filesystem: Any, path: str) -> list[str]:
    stem, suffix = os.path.splitext(COPY)
    try:
        from pyarrow.fs import FileSelector

        listed = [entry.base_name for entry in filesystem.get_file_info(FileSelector(path))]
    except Exception:  # not every storage can tell what it has; the usual name is asked for
        listed = []
    beside = [name for name in listed if name.startswith(f"{stem}-") and name.endswith(suffix)]
    return [COPY, *sorted(beside)]


def fetch(filesystem: Any, path: str, directory: str, job: str, of_job: str) -> str | None:
    """Makes the copy the repo of `directory`. Returns where the repo is that was there before.

    of_job: what the copy's mark said. By now a newer one may have its place, or another job's.
    """
    os.makedirs(directory, exist_ok=True)
    with scratch(directory) as made:
        whole = os.path.join(made, "repo")
        os.mkdir(whole)
        with filesystem.open_input_stream(path) as stream:
            mark = unpack(stream, whole)
        if mark.job != of_job:
            raise OSError("another job's copy has just taken the place of this job's")
        os.mkdir(os.path.join(whole, "journals"))
        write_own(whole, new_own(job, mark))
        aside = set_aside(directory)
        os.rename(whole, os.path.join(directory, REPO))
        with contextlib.suppress(OSError):  # else it would be fetched and set aside once more
            sync_directory(directory)
    return aside


def unpack(stream: Any, whole: str) -> Mark:
    try:
        with tarfile.open(fileobj=as_file(stream), mode="r|") as archive:
            mark = mark_in(archive)
            for member in archive:
                if member.isfile() and member.name in FILES:
                    write_file(os.path.join(whole, member.name), archive.extractfile(member))
    except tarfile.TarError as error:
        raise BrokenCopy(f"the copy is broken: {error}") from error
    if not all(os.path.exists(os.path.join(whole, name)) for name in FILES):
        raise BrokenCopy("the copy is broken: it lacks files")
    return mark


def set_aside(directory: str) -> str | None:
    """Moves the repo of `directory` into a directory of its own, where it is a repo as before."""
    repo = os.path.join(directory, REPO)
    if not os.path.isdir(repo):
        return None
    number = 1
    while os.path.exists(aside := os.path.join(directory, f"set-aside-{number}")):
        number += 1
    os.mkdir(aside)
    os.rename(repo, os.path.join(aside, REPO))
    return aside
