#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Repos that cannot be used: create fails and says in which line of the configuration the path
stands, what is wrong with it and what to do. Each error text is compared whole.

usage: unusable_repos_test.py AIMLOG_PLUGIN
"""

import contextlib
import os
import sys
import tempfile

from plugin_host import CreateError, Plugin

LIBRARY = os.path.abspath(sys.argv[1])
NOBODY = 65534
PLAIN = "experiment: digits\nrepo: runs\n"


def write(path, text=""):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def make_repo(at):
    Plugin(LIBRARY, "repo: runs\n", at).destroy()


def repo_on_a_file(at):
    write(f"{at}/runs", "not a directory")


def repo_inside_a_file(at):
    write(f"{at}/notes", "not a directory")


def aimlog_is_a_file(at):
    write(f"{at}/runs/.aimlog")


def journals_is_a_file(at):
    make_repo(at)
    os.rmdir(f"{at}/runs/.aimlog/journals")
    write(f"{at}/runs/.aimlog/journals")


def unwritable_parent(at):
    os.chmod(at, 0o555)


def unwritable_repo(at):
    make_repo(at)
    os.chmod(f"{at}/runs/.aimlog", 0o555)


def unwritable_journals(at):
    make_repo(at)
    os.chmod(f"{at}/runs/.aimlog/journals", 0o555)


def unwritable_data(at):
    make_repo(at)
    os.chmod(f"{at}/runs/.aimlog/data.mdb", 0o444)


def journals_missing(at):
    """As copies by tools that leave out empty directories."""
    make_repo(at)
    os.rmdir(f"{at}/runs/.aimlog/journals")


def too_new(at):
    make_repo(at)
    write(f"{at}/runs/.aimlog/FORMAT", "aimlog repo, format 9\n")


def unreadable_format(at):
    make_repo(at)
    write(f"{at}/runs/.aimlog/FORMAT", "something else\n")


def data_missing(at):
    make_repo(at)
    os.unlink(f"{at}/runs/.aimlog/data.mdb")


def data_empty(at):
    make_repo(at)
    write(f"{at}/runs/.aimlog/data.mdb")


def data_is_text(at):
    make_repo(at)
    write(f"{at}/runs/.aimlog/data.mdb", "not a database\n" * 1000)


def data_cut(at):
    make_repo(at)
    os.truncate(f"{at}/runs/.aimlog/data.mdb", 3 * 4096)


def log_in_a_file(at):
    write(f"{at}/notes", "not a directory")


IO, CONFIG = "io error", "invalid config"
INSIDE = "experiment: digits\nmetrics: [loss]\nrepo: notes/runs\n"
LOG = "repo: .\nlog:\n  level: info\n  file: notes/plugin.log\n"
LINE_2 = "{at}/aimlog.yaml:2:7: repo: "
HOME = "{at}/runs/.aimlog"
WRONG_PLACE = "choose another directory for the repo"
PERMISSIONS = f"(change its permissions, or {WRONG_PLACE}): Permission denied"
BACKUP = "restore it from a backup"
ADVICE = f"'aimlog check' shows the damage, 'aimlog repair' saves the rest; or {BACKUP}"
IS_A_REPO = f"though {HOME}/FORMAT says that this is a repo: {BACKUP}; what its journals hold"
IS_A_REPO += " 'aimlog repair' saves; or move the directory away to begin a new one"
NEEDS = "is a file where the repo needs a directory:"
MOVE = "move it away, or"
# What is done to the directory {at}, the configuration, the status, the text.
CASES = [
    (repo_on_a_file, PLAIN, CONFIG, f"{LINE_2}{{at}}/runs {NEEDS} {WRONG_PLACE}"),
    (
        repo_inside_a_file,
        INSIDE,
        CONFIG,
        f"{{at}}/aimlog.yaml:3:7: repo: {{at}}/notes {NEEDS} {WRONG_PLACE}",
    ),
    (aimlog_is_a_file, PLAIN, CONFIG, f"{LINE_2}{HOME} {NEEDS} {MOVE} {WRONG_PLACE}"),
    (journals_is_a_file, PLAIN, CONFIG, f"{LINE_2}{HOME}/journals {NEEDS} {MOVE} {WRONG_PLACE}"),
    (
        unwritable_parent,
        PLAIN,
        IO,
        f"{LINE_2}cannot make the repo directory {HOME} (choose a directory that you may write to):"
        " Permission denied",
    ),
    (unwritable_repo, PLAIN, IO, f"{LINE_2}cannot write to {HOME} {PERMISSIONS}"),
    (unwritable_journals, PLAIN, IO, f"{LINE_2}cannot write to {HOME}/journals {PERMISSIONS}"),
    (unwritable_data, PLAIN, IO, f"{LINE_2}cannot write to {HOME}/data.mdb {PERMISSIONS}"),
    (
        too_new,
        PLAIN,
        CONFIG,
        f"{LINE_2}the repo {{at}}/runs has format 9, and this program reads up to format 1: use a"
        " newer aimlog",
    ),
    (
        unreadable_format,
        PLAIN,
        IO,
        f"{LINE_2}{HOME}/FORMAT does not say which format the repo has; it should read"
        f' "aimlog repo, format 1": {ADVICE}',
    ),
    (data_missing, PLAIN, IO, f"{LINE_2}{HOME}/data.mdb is missing, {IS_A_REPO}"),
    (data_empty, PLAIN, IO, f"{LINE_2}{HOME}/data.mdb is empty, {IS_A_REPO}"),
    (
        data_is_text,
        PLAIN,
        IO,
        f"{LINE_2}{HOME}/data.mdb is damaged at its head (page 0 or 1): its page size is wrong;"
        f" {ADVICE}",
    ),
    (
        data_cut,
        PLAIN,
        IO,
        f"{LINE_2}{HOME}/data.mdb is damaged at page 3: the file ends before it; {ADVICE}",
    ),
    (
        log_in_a_file,
        LOG,
        IO,
        "{at}/aimlog.yaml:4:9: log.file: cannot write the log file {at}/notes/plugin.log: Failed"
        " opening file {at}/notes/plugin.log for writing: Not a directory",
    ),
    (journals_missing, PLAIN, "ok", ""),
]


@contextlib.contextmanager
def as_nobody():
    """Root may write everywhere, so that nothing would be unwritable."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def answer_of(prepare, config, at):
    """Status and text of create, with {at} for the directory."""
    os.mkdir(at)
    write(f"{at}/aimlog.yaml", config)
    prepare(at)
    try:
        Plugin(LIBRARY, config_path=f"{at}/aimlog.yaml").destroy()
    except CreateError as error:
        return error.args[0], error.args[1].replace(at, "{at}")
    return "ok", ""


def answers(cases):
    """Those cases that are answered otherwise than the table says."""
    wrong = []
    for prepare, config, *expected in cases:
        with tempfile.TemporaryDirectory(prefix="aimlog-unusable-") as top:
            os.chmod(top, 0o777)
            with as_nobody():
                answer = answer_of(prepare, config, f"{top}/work")
        if list(answer) != expected:
            wrong.append(f"{prepare.__name__}: expected {expected}, got {list(answer)}")
    return wrong


def an_override_is_named():
    with tempfile.TemporaryDirectory(prefix="aimlog-unusable-") as at:
        write(f"{at}/runs", "not a directory")
        try:
            Plugin(LIBRARY, base_dir=at, settings=[("repo", "runs")]).destroy()
        except CreateError as error:
            return error.args[1].startswith(f'override "repo": repo: {at}/runs {NEEDS}')
    return False


def main():
    wrong = answers(CASES)
    planted = [(repo_on_a_file, PLAIN, CONFIG, "another text"), (journals_missing, PLAIN, IO, "")]
    if len(answers(planted)) != len(planted):
        wrong.append("a wrong table is not noticed")
    if not an_override_is_named():
        wrong.append("an override's key is not named")
    print("\n".join(wrong) or f"{len(CASES)} repos, each with its answer")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
