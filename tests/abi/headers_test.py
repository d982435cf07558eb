#!/usr/bin/env python3
"""The headers compile alone: in every standard they promise, with gcc and clang, without a warning.

usage: headers_test.py INCLUDE_DIR

A compiler that is missing is a failure, never a pass. Headers with planted faults must be refused.
"""
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

C_STANDARDS = ["c11", "c17"]
CPP_STANDARDS = ["c++17", "c++20", "c++2b"]
FLAGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Werror", "-fsyntax-only"]

PLANTED_FAULTS = [
    ("c", "c11", "size_t lonely(void);\n"),  # a header that forgets what it needs
    ("c", "c11", "typedef struct { int a; } t; t f(void); int b = { 1, 2 };\n"),
    ("c++", "c++17", "template <class T> concept C = true;\n"),  # too new for the standard
    ("c++", "c++17", "#pragma once\ninline int f(int a) { int a_ = 1; return a; }\n"),  # a warning
]


def compilers():
    """(language, command) of every compiler that must be there."""
    for language, names in (
        ("c", (["gcc"], ["clang", "clang-14"])),
        ("c++", (["g++"], ["clang++", "clang++-14"])),
    ):
        for candidates in names:
            found = [path for path in map(shutil.which, candidates) if path]
            if not found:
                raise SystemExit(f"missing compiler: {' or '.join(candidates)}")
            yield language, found[0]


def problem(compiler, language, standard, header, include_dir):
    """What the compiler has to say about a file that includes only `header`; "" if nothing."""
    command = [compiler, f"-std={standard}", *FLAGS, "-I", include_dir, "-x", language, "-"]
    source = f'#include "{header}"\n#include "{header}"\n'
    done = subprocess.run(command, input=source, capture_output=True, text=True)
    if done.returncode == 0 and not done.stderr:
        return ""
    return f"{os.path.basename(compiler)} {standard} {header}:\n{done.stderr}"


def cases(include_dir):
    extension = "../extensions/aimlog_read.h"
    conveniences = ["tuner_plugin.hpp"]
    folder = os.path.join(include_dir, "tuner_plugin")
    alone = [f"tuner_plugin/{name}" for name in sorted(os.listdir(folder))]
    for language, compiler in compilers():
        if language == "c":
            for standard in C_STANDARDS:
                for header in ["tuner_plugin.h", extension]:
                    yield compiler, language, standard, header, include_dir
            continue
        for standard in CPP_STANDARDS:
            for header in ["tuner_plugin.h", extension] + conveniences:
                yield compiler, language, standard, header, include_dir
        # Once is enough to see what they forgot to include.
        if not os.path.basename(compiler).startswith("clang"):
            for header in alone:
                yield compiler, language, "c++17", header, include_dir


def unnoticed_faults():
    with tempfile.TemporaryDirectory() as folder:
        for number, (language, standard, text) in enumerate(PLANTED_FAULTS):
            name = f"planted_{number}.h"
            with open(os.path.join(folder, name), "w") as file:
                file.write(text)
            for its_language, compiler in compilers():
                if its_language == language and not problem(
                    compiler, language, standard, name, folder
                ):
                    yield f"{compiler} did not notice planted fault {number}"


def main(include_dir):
    with ThreadPoolExecutor(2) as pool:
        problems = list(filter(None, pool.map(lambda case: problem(*case), cases(include_dir))))
    problems += list(unnoticed_faults())
    for text in problems:
        print(text)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
