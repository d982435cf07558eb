#!/usr/bin/env python3
"""Who may include whom: the table of ARCHITECTURE.md, and what follows from it.

SPDX-License-Identifier: Apache-2.0
"""

import pathlib
import posixpath
import re
import sys

import project
from project import Fault

RULES = {
    "layer": "a folder includes one that the table does not allow it",
    "unknown-folder": "a folder with sources that the table does not know",
    "third-party-home": "one third-party library lives in one folder",
    "include-root": "our headers are included by their path from the top",
    "extern-c": "only the adapter speaks C",
    "silence": "the plugin never prints, exits or aborts: it lives in somebody's process",
}

LAYERS = {
    "plugin/base": [],
    "plugin/model": ["plugin/base"],
    "plugin/config": ["plugin/base", "plugin/model"],
    "plugin/journal": ["plugin/base"],
    "plugin/store": ["plugin/base", "plugin/model"],
    "plugin/commit": ["plugin/base", "plugin/model", "plugin/journal", "plugin/store"],
    # The hot call walks the host's tree directly, hence abi. Never store: the host's thread opens
    # no LMDB transaction.
    "plugin/tracker": ["abi", "plugin/base", "plugin/model", "plugin/config", "plugin/journal"],
    # Of config and commit only "did you mean" and the entry to recovery, see SINGLE_HEADERS.
    "plugin/read": ["abi", "plugin/base", "plugin/model", "plugin/store"],
}
ALL_LAYERS = [*LAYERS, "plugin/adapter"]

TABLE = {
    "abi": [],
    **LAYERS,
    "plugin/adapter": ["abi", *LAYERS],
    # Of journal and commit only the entry to recovery, see SINGLE_HEADERS.
    "cli": [
        "plugin/base",
        "plugin/model",
        "plugin/config",
        "plugin/store",
        "cli/aim",
        "cli/query/expression",
    ],
    # Aim's format alone, which knows nothing of our store.
    "cli/aim": ["plugin/base", "plugin/model"],
    # Queries as text and as trees, which know nothing of runs.
    "cli/query/expression": ["plugin/base", "plugin/model"],
    "host-example": ["abi"],
    "python": ["abi"],
    "tests/support": ["abi", *LAYERS],
    "tests/abi": ["abi", "tests/support"],
    "tests/record": ["abi", *ALL_LAYERS, "host-example", "tests/support"],
    "tests/crash": ["abi", *ALL_LAYERS, "host-example", "tests/support"],
    "tests/simulator": ["abi", *ALL_LAYERS],
    "tests/cli": ["abi", *ALL_LAYERS, "cli", "tests/support"],
    "tests/aim": ["cli/aim", *ALL_LAYERS, "tests/support"],
    "tests/unit/aim": ["cli/aim", "plugin/base", "plugin/model", "tests/support"],
    "tests/fuzz": ["abi", *ALL_LAYERS, "cli/aim", "cli/query/expression", "tests/support"],
    "tests/bench": ["abi", *ALL_LAYERS, "tests/support"],
}
for _layer in ALL_LAYERS:
    # A layer's tests see what the layer sees.
    TABLE[f"tests/unit/{_layer.split('/')[1]}"] = [_layer, *TABLE[_layer], "tests/support"]

# Headers that a folder may include though the table closes their layer to it.
SINGLE_HEADERS = {
    "cli": ["plugin/commit/recovery.h"],
    "cli/query/expression": ["cli/args/suggest.h"],
    "plugin/read": ["plugin/commit/recovery.h", "plugin/config/suggestion.h"],
}

# Folders that stand for somebody else's project, or are copied into one: they see no path from our
# top, and name the headers beside them.
STRANGERS = ("abi", "host-example", "tests/abi")

HOMES = {
    r"lmdb\.h": ["plugin/store", "tests/support"],  # a test stands for somebody else
    r"zstd\w*\.h": ["plugin/store", "tests/bench"],  # a bench compares with it
    r"rocksdb/.*": ["cli/aim", "tests/bench"],
    r"sqlite3\.h": ["cli/aim", "tests/bench"],
    r"yaml-cpp/.*": ["plugin/config"],
    r"spdlog/.*": ["plugin/base"],
    r"fmt/.*": ["plugin/base"],
    r"xxh\w+\.h": ["plugin/base"],
    r"boost/.*": ["host-example"],
    r"CLI/.*": ["cli"],
    r"nlohmann/.*": ["cli"],
    r"re2/.*": ["cli/query/expression"],
    r"catch2/.*": ["tests/support"],
    r"n?curses\.h": [],
}

EXCEPTIONS = {
    ("extern-c", "plugin/store/lmdb_process_id.h", ""): "LMDB, which is C, calls it",
    ("extern-c", "plugin/store/lmdb_process_id.cc", ""): "LMDB, which is C, calls it",
}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
EXTERN_C = re.compile(r'\bextern\s+"C"')
LOUD = re.compile(
    r"\bstd::(?:cout|cerr|clog|abort|exit|quick_exit|terminate)\b"
    r"|(?<!\w::)(?<![\w.>])(?:printf|puts|putchar|perror|abort|exit|_exit|_Exit)\s*\("
    r"|\bf(?:printf|puts)\s*\(\s*std(?:out|err)\b|\bassert\s*\("
)


def folder_of(path):
    """The longest folder of the table that holds the path, or None."""
    parts = pathlib.PurePath(path).parts[:-1]
    for length in range(len(parts), 0, -1):
        folder = "/".join(parts[:length])
        if folder in TABLE:
            return folder
    return None


def check_include(files, path, folder, number, quote, header):
    for pattern, homes in HOMES.items():
        if re.fullmatch(pattern, header) and folder not in homes:
            home = " or ".join(homes) or "nowhere"
            text = f"{header} belongs to {home}"
            yield Fault("third-party-home", path, number, text, header)
    if quote != '"':
        return
    # A header may be made from a template by the build.
    target = folder_of(header) if header in files or f"{header}.in" in files else None
    if target is None:
        beside = posixpath.normpath(posixpath.join(posixpath.dirname(path), header))
        if header.startswith("tuner_plugin"):
            target = "abi"
        elif beside in files and folder in STRANGERS:
            target = folder_of(beside)
        else:
            yield Fault("include-root", path, number, f'no file "{header}" from the top', header)
            return
    allowed = target == folder or target in TABLE[folder]
    if not allowed and header not in SINGLE_HEADERS.get(folder, []):
        yield Fault("layer", path, number, f"{folder} may not include {target}", header)


def check_file(project_, files, path):
    folder = folder_of(path)
    if folder is None:
        yield Fault("unknown-folder", path, 1, "its folder is not in the table of layers")
        return
    for number, line in enumerate(project_.lines(path), 1):
        match = INCLUDE.match(line)
        if match:
            yield from check_include(files, path, folder, number, match[1], match[2])
            continue
        code = line.split("//")[0]
        if folder.startswith("plugin/"):
            if EXTERN_C.search(code) and folder != "plugin/adapter":
                yield Fault("extern-c", path, number, 'extern "C" outside the adapter')
            loud = LOUD.search(code)
            if loud:
                text = f"{loud[0].strip('( ')} in the plugin"
                yield Fault("silence", path, number, text, loud[0].strip("( "))


def check(project_):
    files = set(project_.files)
    return [
        fault for path in project_.sources() for fault in check_file(project_, files, path)
    ]


if __name__ == "__main__":
    sys.exit(project.main(check, EXCEPTIONS))
