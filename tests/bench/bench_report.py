# SPDX-License-Identifier: Apache-2.0
"""What a benchmark in Python prints: one number a line, each beside a reference measured in the
same run, in the form of report.h."""

import argparse
import json


def short(number):
    """Six digits that count: no measurement has more."""
    return float(f"{number:.6g}")


class Report:
    def __init__(self, as_json):
        self.as_json = as_json

    def say(self, text):
        """A line of explanation for people."""
        if not self.as_json:
            print(text, flush=True)

    def add(self, name, value, unit, reference, reference_value):
        ratio = value / reference_value if reference_value > 0 else 0.0
        if self.as_json:
            line = {"name": name, "value": short(value), "unit": unit, "reference": reference}
            line |= {"reference_value": short(reference_value), "ratio": short(ratio)}
            print(json.dumps(line), flush=True)
        else:
            print(
                f"  {name:52} {value:10.4g} {unit:10} {reference:34} {reference_value:10.4g}"
                f"   ratio {ratio:.4g}",
                flush=True,
            )


def arguments(description, *names):
    """A benchmark's command line: the two options that all have, and those it needs itself."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="one object a line")
    parser.add_argument("--quick", action="store_true", help="less of everything")
    for name in names:
        parser.add_argument(name, required=True)
    return parser
