#!/usr/bin/env python3
"""Plants one fault or more for every rule of every check and sees each of them caught.

A rule without a planted fault fails this test, so does a sound file that a check complains about.
SPDX-License-Identifier: Apache-2.0
"""

import json
import pathlib
import sys
import tempfile
import unittest

import check_budgets
import check_clang_tidy
import check_docs
import check_format
import check_layers
import check_sources
import functions
import project
from plants import PLANTS, SOUND

CHECKS = [
    check_budgets, check_clang_tidy, check_docs, check_format, check_layers, check_sources,
]


def write_tree(root, files):
    for name, text in files.items():
        path = pathlib.Path(root, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def run_check(check, root, plant):
    """The faults of one check over a tree; a plant may carry what a check gets from a build."""
    extra = {key: plant[key] for key in ("helps", "needed") if key in plant}
    if plant.get("compiled"):
        build = pathlib.Path(root, "build")
        build.mkdir()
        entries = [
            {"directory": str(build), "file": f"../{file}", "command": f"c++ -std=c++20 ../{file}"}
            for file in plant["compiled"]
        ]
        (build / "compile_commands.json").write_text(json.dumps(entries))
        extra["build"] = build
    return project.without_exceptions(check.check(project.Project(root), **extra), {})


class PlantedFaults(unittest.TestCase):
    def test_every_planted_fault_is_caught(self):
        checks = {check.__name__: check for check in CHECKS}
        for plant in PLANTS:
            with self.subTest(rule=plant["rule"], note=plant.get("note", "")):
                with tempfile.TemporaryDirectory() as root:
                    write_tree(root, {**SOUND, **plant["files"]})
                    faults = run_check(checks[plant["check"]], root, plant)
                    places = [(fault.rule, fault.path, fault.line) for fault in faults]
                    wanted = [(plant["rule"], plant["path"], line) for line in plant["lines"]]
                    self.assertEqual(places, wanted, [str(fault) for fault in faults])

    def test_every_rule_has_a_planted_fault(self):
        planted = {(plant["check"], plant["rule"]) for plant in PLANTS}
        rules = {(check.__name__, rule) for check in CHECKS for rule in check.RULES}
        self.assertEqual(rules - planted, set())
        self.assertEqual(planted - rules, set())

    def test_a_sound_project_has_no_faults(self):
        for check in CHECKS:
            with self.subTest(check=check.__name__), tempfile.TemporaryDirectory() as root:
                write_tree(root, SOUND)
                self.assertEqual(check.check(project.Project(root)), [])


class Exceptions(unittest.TestCase):
    fault = project.Fault("wide-line", "a.cc", 3, "too wide", "f")

    def test_a_named_exception_silences_its_fault_only(self):
        other = project.Fault("wide-line", "b.cc", 3, "too wide", "f")
        listed = {("wide-line", "a.cc", "f"): "a reason"}
        self.assertEqual(project.without_exceptions([self.fault, other], listed), [other])

    def test_an_exception_that_is_needed_no_more_is_a_fault(self):
        listed = {("wide-line", "gone.cc", "f"): "a reason"}
        rules = [fault.rule for fault in project.without_exceptions([], listed)]
        self.assertEqual(rules, ["stale-exception"])

    def test_every_exception_has_a_reason(self):
        for check in CHECKS:
            for key, reason in check.EXCEPTIONS.items():
                self.assertGreater(len(reason.split()), 3, key)


class Functions(unittest.TestCase):
    """The finder of functions, on what C++ can look like."""

    def names(self, text):
        return [function.name for function in functions.find_functions(text)]

    def test_braces_in_text_and_comments_do_not_count(self):
        text = (
            "int f() { /* { */ char c = '{'; g(\"{\", R\"x({{)\")x\"); return 1'000; }\n"
            "int h() {}\n"
        )
        self.assertEqual(self.names(text), ["f", "h"])

    def test_member_initializers_with_braces_belong_to_their_constructor(self):
        self.assertEqual(self.names("struct A { A(int a) : a_{a}, b_(a), c_{1} { f(); } };"), ["A"])

    def test_types_tables_and_defaults_are_no_functions(self):
        text = "enum class E : int { a };\nint t[] = {1};\nstruct S : B<int> { int a{3}; };\n"
        self.assertEqual(self.names(text), [])

    def test_operators_templates_and_trailing_types_are_found(self):
        text = (
            "template <class T = int> auto f(T x = {}) -> T { return x; }\n"
            "bool operator==(A a, B b) { return true; }\n"
            "struct S { int operator()(int x) const noexcept { return x; } };\n"
        )
        self.assertEqual(self.names(text), ["f", "operator==", "operator()"])

    def test_lines_run_from_the_head_to_the_closing_brace(self):
        found = functions.find_functions("// why\nint\nf(int a,\n  int b) {\n  return a;\n}\n")
        self.assertEqual([(one.first, one.last) for one in found], [(2, 6)])

    def test_the_python_functions_are_measured_too(self):
        found = list(check_budgets.python_functions("def f():\n    x = 1\n    return x\n"))
        self.assertEqual([one.length for one in found], [3])


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    unittest.main()
