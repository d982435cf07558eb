"""The faults that planted_faults_test.py plants, each into a small sound project.

`files` are written over SOUND; the check must report exactly `rule` at `path`, at `lines`.
SPDX-License-Identifier: Apache-2.0
"""

HEADER = "#pragma once\n"
DO = """\
usage() {
  cat <<'END'
  build   builds
  help    shows this
END
}
case $verb in
  build) build ;;
  help | -h | --help) usage ;;
esac
"""

SOUND = {
    "README.md": "Run `./do build`. [Licence](LICENSE)\n\nThe plugin needs only `libc.so`.\n",
    "LICENSE": "A licence.\n",
    "do": DO,
    ".clang-tidy": "# bugprone-infinite-loop: hangs.\n"
    "Checks: >-\n  -*,\n  bugprone-infinite-loop\n",
    "docs/aimlog.1": ".B ls\n.B \\-\\-limit\nHow many.\n",
    "plugin/meson.build": "lib = static_library('x', 'base/a.cc', 'store/b.cc')\n",
    "plugin/base/a.h": HEADER,
    "plugin/base/a.cc": '#include "plugin/base/a.h"\n\n#include <string>\n',
    "plugin/store/b.h": HEADER,
    "plugin/store/b.cc": '#include "plugin/store/b.h"\n\n#include <lmdb.h>\n\n'
    '#include "plugin/base/a.h"\n',
}


def plant(check, rule, path, lines, files, **more):
    return {"check": check, "rule": rule, "path": path, "lines": lines, "files": files, **more}


def lines(count, line="int x;\n"):
    return line * count


def long_function(count):
    """A function of exactly so many lines."""
    return "int f() {\n" + lines(count - 2, "  g();\n") + "}\n"


BASE = "plugin/base/a.cc"
A_H = '#include "plugin/base/a.h"\n'

BUDGETS = [
    plant("check_budgets", "long-function", BASE, [3], {BASE: A_H + "\n" + long_function(71)}),
    plant(
        "check_budgets", "long-function", "tools/x.py", [1],
        {"tools/x.py": "def f():\n" + lines(70, "    g()\n")}, note="Python",
    ),
    plant(
        "check_budgets", "long-function", BASE, [4],
        {BASE: "namespace n {\nclass C {\n public:\n" + long_function(71) + "};\n}\n"},
        note="a method in a class in a namespace",
    ),
    plant("check_budgets", "long-file", BASE, [1], {BASE: lines(401)}),
    plant("check_budgets", "long-header", "plugin/base/a.h", [1], {"plugin/base/a.h": lines(151)}),
    plant("check_budgets", "wide-line", BASE, [2], {BASE: A_H + "// " + "x" * 98 + "\n"}),
    plant(
        "check_budgets", "wide-line", "meson.build", [1], {"meson.build": "# " + "x" * 99 + "\n"},
    ),
]

LAYERS = [
    plant(
        "check_layers", "layer", BASE, [2], {BASE: A_H + '#include "plugin/store/b.h"\n'},
        note="upward",
    ),
    plant(
        "check_layers", "layer", "plugin/tracker/t.cc", [1],
        {"plugin/tracker/t.cc": '#include "plugin/store/b.h"\n'},
        note="the host's thread must not reach the store",
    ),
    plant(
        "check_layers", "layer", "host-example/m.cc", [1],
        {"host-example/m.cc": A_H}, note="a stranger sees the contract only",
    ),
    plant(
        "check_layers", "layer", "tests/unit/base/t.cc", [1],
        {"tests/unit/base/t.cc": '#include "plugin/store/b.h"\n'},
    ),
    plant("check_layers", "unknown-folder", "extra/x.cc", [1], {"extra/x.cc": "int x;\n"}),
    plant(
        "check_layers", "unknown-folder", "plugin/extra/x.cc", [1],
        {"plugin/extra/x.cc": "int x;\n"},
    ),
    plant("check_layers", "third-party-home", BASE, [2], {BASE: A_H + "#include <lmdb.h>\n"}),
    plant(
        "check_layers", "third-party-home", "plugin/config/c.cc", [1],
        {"plugin/config/c.cc": "#include <spdlog/spdlog.h>\n"},
    ),
    plant(
        "check_layers", "third-party-home", "cli/c.cc", [1],
        {"cli/c.cc": "#include <rocksdb/db.h>\n"}, note="Aim's format alone sees RocksDB",
    ),
    plant(
        "check_layers", "layer", "cli/aim/c.cc", [1],
        {"cli/aim/c.cc": '#include "plugin/store/b.h"\n'}, note="and it knows nothing of our store",
    ),
    plant("check_layers", "include-root", BASE, [1], {BASE: '#include "a.h"\n'}),
    plant("check_layers", "extern-c", BASE, [2], {BASE: A_H + 'extern "C" int f();\n'}),
    plant(
        "check_layers", "silence", BASE, [2, 3, 4, 5],
        {BASE: A_H + "void f() { std::cerr << 1; }\nvoid g() { printf(0); }\n"
         "void h() { ::abort(); }\nvoid i() { std::exit(1); }\n"},
    ),
]

SOURCES = [
    plant("check_sources", "unlisted-source", "plugin/base/c.cc", [1], {"plugin/base/c.cc": "\n"}),
    plant(
        "check_sources", "unlisted-source", "tests/cli/x_test.py", [1],
        {"tests/cli/x_test.py": "pass\n", "tests/cli/meson.build": "# x_test\n"},
    ),
    plant("check_sources", "unused-header", "plugin/base/c.h", [1], {"plugin/base/c.h": HEADER}),
    plant(
        "check_sources", "leftover-marker", BASE, [2, 3, 4],
        {BASE: A_H + "// TO" + "DO: later\n// not " + "implemented\n" + "<" * 7 + " main\n"},
    ),
    plant("check_sources", "final-newline", BASE, [2], {BASE: A_H + "int x;"}),
    plant("check_sources", "trailing-space", BASE, [2], {BASE: A_H + "int x; \n"}),
    plant(
        "check_sources", "never-renumber", "plugin/base/ring_format.h", [1],
        {"plugin/base/ring_format.h": HEADER, BASE: A_H + '#include "plugin/base/ring_format.h"\n'},
    ),
    plant("check_sources", "pragma-once", "plugin/base/a.h", [1], {"plugin/base/a.h": "int x;\n"}),
    plant(
        "check_sources", "file-name", "plugin/base/BigName.cc", [1],
        {"plugin/base/BigName.cc": A_H, "plugin/base/meson.build": "x = 'BigName.cc'\n"},
    ),
    plant("check_sources", "machine-path", BASE, [2], {BASE: A_H + '// "/ro' + 'ot/x"\n'}),
    plant("check_sources", "foreign-word", "README.md", [1], {"README.md": "a sub" + "agent\n"}),
]

DOCS = [
    plant("check_docs", "do-command", "README.md", [2], {"README.md": "\nRun ./do fly\n"}),
    plant("check_docs", "do-help", "do", [1], {"do": DO.replace("  build   builds\n", "")}),
    plant("check_docs", "dead-link", "README.md", [1], {"README.md": "[a](docs/gone.md#x)\n"}),
    plant(
        "check_docs", "man-page", "docs/aimlog.1", [1, 1], {},
        helps={"": "", "ls": "--limit N", "fly": "--high"}, note="a verb and its option",
    ),
    plant("check_docs", "plugin-libraries", "README.md", [3], {}, needed=["libc.so", "libz.so"]),
    plant("check_docs", "plugin-libraries", "README.md", [1], {"README.md": "x\n"}, needed=[]),
]

FORMAT = [plant("check_format", "format", BASE, [2], {BASE: A_H + "int  f( ) {return 1 ;}\n"})]

CLANG_TIDY = [
    plant(
        "check_clang_tidy", "clang-tidy", BASE, [2],
        {BASE: "int f(int n) {\n  for (int i = 0; n < 9;) i++;\n  return 1;\n}\n"}, compiled=[BASE],
    ),
    plant(
        "check_clang_tidy", "clang-tidy-reason", ".clang-tidy", [1],
        {".clang-tidy": "Checks: >-\n  -*,\n  bugprone-infinite-loop\n"},
    ),
]

PLANTS = [*BUDGETS, *LAYERS, *SOURCES, *DOCS, *FORMAT, *CLANG_TIDY]
