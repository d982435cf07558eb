"""What fuzzing came to over all runs: a line for each in build/fuzz/ledger.jsonl, and their sums in
tests/fuzz/ledger.json, which the table in SECURITY.md shows.

SPDX-License-Identifier: Apache-2.0
"""

import json
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent
TOTALS = ROOT / "tests/fuzz/ledger.json"
PAGE = ROOT / "SECURITY.md"
# Of the page's table: the harness, its three numbers, and what was found, which is told in words.
ROW = re.compile(r"^\| `fuzz_(\w+)` \|[^|]*\|[^|]*\|[^|]*\| (.*) \|$", re.MULTILINE)


def read_totals():
    """By target: cpu_seconds, executions, edges, findings."""
    return json.loads(TOTALS.read_text())


def add_up(totals, lines):
    """The totals with further runs; of edges the most that one run reached."""
    totals = {name: dict(each) for name, each in totals.items()}
    for line in lines:
        total = totals.setdefault(
            line["target"], {"cpu_seconds": 0, "executions": 0, "edges": 0, "findings": 0}
        )
        for key in ("cpu_seconds", "executions", "findings"):
            total[key] = round(total[key] + line[key], 1)
        total["edges"] = max(total["edges"], line["edges"])
    return totals


def print_table(totals):
    print(f"{'target':12}{'CPU hours':>10}{'executions':>14}{'edges':>8}{'findings':>10}")
    for name, each in sorted(totals.items()):
        hours = each["cpu_seconds"] / 3600
        print(f"{name:12}{hours:10.3f}", end="")
        print(f"{each['executions']:14,}{each['edges']:8,}{each['findings']:10}")


def shown(totals, page):
    """The page with the numbers of the totals in its table."""

    def row(match):
        each = totals[match[1]]
        minutes = each["cpu_seconds"] / 60
        numbers = f"{minutes:,.1f} | {each['executions']:,} | {each['edges']:,}"
        return f"| `fuzz_{match[1]}` | {numbers} | {match[2]} |"

    return ROW.sub(row, page)


def keep(lines):
    """Adds the runs to the totals that are checked in, and shows them in SECURITY.md."""
    totals = add_up(read_totals(), lines)
    TOTALS.write_text(json.dumps(totals, indent=2, sort_keys=True) + "\n")
    PAGE.write_text(shown(totals, PAGE.read_text()))
