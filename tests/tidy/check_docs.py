#!/usr/bin/env python3
"""What the pages say is so: commands exist, links lead somewhere, the man page knows each option.

usage: check_docs.py [--command AIMLOG] [--plugin LIBRARY]
SPDX-License-Identifier: Apache-2.0
"""

import argparse
import pathlib
import re
import subprocess
import sys

import project
from project import Fault

RULES = {
    "do-command": "a page shows a ./do command that does not exist",
    "do-help": "./do help and what ./do understands are not the same",
    "dead-link": "a link to a file that is not there",
    "man-page": "a verb or an option of the command is not in the man page",
    "plugin-libraries": "README's list of libraries is not what the plugin needs",
}

EXCEPTIONS = {}

MAN_PAGE = "docs/aimlog.1"
LIBRARIES_MARK = "The plugin needs only"


def do_verbs(project_):
    """The verbs that the script understands, and those that its help shows."""
    text = project_.text("do")
    understood = set()
    for match in re.finditer(r"^  ([a-z |-]+)\) ", text, re.MULTILINE):
        understood |= {verb for verb in match[1].split(" | ") if not verb.startswith("-")}
    usage = text.partition("<<'END'\n")[2].partition("\nEND\n")[0]
    shown = set(re.findall(r"^  ([a-z][a-z-]*)(?= )", usage, re.MULTILINE))
    return understood, shown


def check_do(project_):
    if "do" not in project_.files:
        return
    understood, shown = do_verbs(project_)
    for verb in sorted(understood ^ shown):
        yield Fault("do-help", "do", 1, f"only in one of help and script: {verb}", verb)
    for path in project_.files:
        if not path.endswith(".md"):
            continue
        for number, line in enumerate(project_.lines(path), 1):
            for verb in re.findall(r"\./do ([a-z][a-z-]*)", line):
                if verb not in understood:
                    yield Fault("do-command", path, number, f"no such command: ./do {verb}", verb)


def check_links(project_):
    for path in project_.files:
        if not path.endswith(".md"):
            continue
        folder = (project_.root / path).parent
        for number, line in enumerate(project_.lines(path), 1):
            for target in re.findall(r"\]\(([^)\s]+)\)", line):
                file = target.split("#")[0]
                if file and "://" not in file and not (folder / file).exists():
                    yield Fault("dead-link", path, number, f"no such file: {target}", target)


def plain_man(text):
    """A man page's text without its font marks and escapes."""
    return re.sub(r"\\f[A-Z]|\\&", "", text).replace("\\-", "-")


def check_man(project_, helps):
    """`helps` maps a verb ("" for the command itself) to the text of its --help."""
    page = plain_man(project_.text(MAN_PAGE)) if MAN_PAGE in project_.files else ""
    for verb, text in helps.items():
        if verb and not re.search(rf"^\.B[RI]? {verb}\b", page, re.MULTILINE):
            yield Fault("man-page", MAN_PAGE, 1, f"no entry for the verb {verb}", verb)
        for option in sorted(set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text))):
            if not re.search(rf"{option}(?![\w-])", page):
                text = f"no entry for {option} of {verb or 'the command'}"
                yield Fault("man-page", MAN_PAGE, 1, text, option)


def check_libraries(project_, needed):
    """`needed`: the libraries that the built plugin names, without version numbers."""
    lines = project_.lines("README.md") if "README.md" in project_.files else []
    for number, line in enumerate(lines, 1):
        if line.startswith(LIBRARIES_MARK):
            listed = set(re.findall(r"`([\w.+-]+\.so)", line))
            # A part of libc, and whether it is needed depends on how far the build optimizes.
            needed = set(needed) - {"libm.so"}
            if listed != needed:
                text = f"README lists {sorted(listed)}, the plugin needs {sorted(needed)}"
                yield Fault("plugin-libraries", "README.md", number, text)
            return
    yield Fault("plugin-libraries", "README.md", 1, f'no line "{LIBRARIES_MARK} ..."')


def output_of(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))} failed: {done.stderr}")
    return done.stdout


def helps_of(command):
    """The help texts of the command and of each of its verbs."""
    top = output_of(command, "--help")
    verbs = re.findall(r"^  ([a-z]+)  +\S", top, re.MULTILINE)
    return {"": top, **{verb: output_of(command, verb, "--help") for verb in verbs}}


def libraries_of(plugin):
    dynamic = output_of("readelf", "--dynamic", "--wide", plugin)
    return re.findall(r"\(NEEDED\)[^\[]*\[([\w.+-]+?\.so)", dynamic)


def check(project_, helps=None, needed=None):
    faults = [*check_do(project_), *check_links(project_)]
    if helps is not None:
        faults += check_man(project_, helps)
    if needed is not None:
        faults += check_libraries(project_, needed)
    return faults


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--command", type=pathlib.Path)
    parser.add_argument("--plugin", type=pathlib.Path)
    options = parser.parse_args()
    sys.argv[1:] = []
    helps = helps_of(options.command) if options.command else None
    needed = libraries_of(options.plugin) if options.plugin else None
    return project.main(lambda files: check(files, helps, needed), EXCEPTIONS)


if __name__ == "__main__":
    sys.exit(main())
