#!/usr/bin/env python3
"""Sizes that keep code readable: functions, files, headers, lines.

SPDX-License-Identifier: Apache-2.0
"""

import ast
import pathlib
import sys

import functions
import project
from project import Fault

RULES = {
    "long-function": "a function of more than 70 lines",
    "long-file": "a file of more than 400 lines",
    "long-header": "a header of more than 150 lines",
    "wide-line": "a line of more than 100 columns",
}

FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 400
HEADER_LINES_MAX = 150
LINE_COLUMNS_MAX = 100

CONTRACT = "abi/include/tuner_plugin.h"
READING = "abi/extensions/aimlog_read.h"
EXCEPTIONS = {
    ("long-header", READING, ""): "a contract too, and it carries the structs of another one",
    ("long-header", CONTRACT, ""): "the contract is a document, to be read from top to bottom",
    ("long-file", CONTRACT, ""): "the contract is one file that people copy",
}


def python_functions(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield functions.Function(node.name, node.lineno, node.end_lineno)


def functions_of(path, text):
    suffix = pathlib.PurePath(path).suffix
    if suffix == ".py":
        return python_functions(text)
    return functions.find_functions(text) if suffix in project.SOURCE_SUFFIXES else []


def check_file(project_, path):
    lines = project_.lines(path)
    suffix = pathlib.PurePath(path).suffix
    if len(lines) > FILE_LINES_MAX:
        yield Fault("long-file", path, 1, f"{len(lines)} lines, {FILE_LINES_MAX} allowed")
    if suffix in (".h", ".hpp") and len(lines) > HEADER_LINES_MAX:
        yield Fault("long-header", path, 1, f"{len(lines)} lines, {HEADER_LINES_MAX} allowed")
    for number, line in enumerate(lines, 1):
        if len(line) > LINE_COLUMNS_MAX:
            text = f"{len(line)} columns, {LINE_COLUMNS_MAX} allowed"
            yield Fault("wide-line", path, number, text)
    for function in functions_of(path, project_.text(path)):
        if function.length > FUNCTION_LINES_MAX:
            text = f"{function.name}: {function.length} lines, {FUNCTION_LINES_MAX} allowed"
            yield Fault("long-function", path, function.first, text, function.name)


def checked_files(project_):
    builds = [path for path in project_.files if pathlib.PurePath(path).name == "meson.build"]
    return [*project_.code(), *builds]


def check(project_):
    return [fault for path in checked_files(project_) for fault in check_file(project_, path)]


if __name__ == "__main__":
    sys.exit(project.main(check, EXCEPTIONS))
