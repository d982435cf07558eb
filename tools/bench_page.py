#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes docs/benchmarks.md and its pictures from what the benchmarks printed.

usage: bench_page.py LINES.jsonl [--out DIR] [--note TEXT] [--no-pictures]

Every row of the page's tables is an object of the run. The lines themselves are kept beside the
page, as benchmarks.jsonl.
"""

import argparse
import importlib.metadata
import json
import math
import os
import pathlib
import platform
import re
import shutil
import subprocess
import tempfile
import textwrap
from typing import NamedTuple

from bench_themes import CURVES, PEERS, THEMES


class Goal(NamedTuple):
    """To be reached by the lines of that name and unit. The limit is a value, or, where `part_of`
    names a reference, a part of that. The floor is a reference that shows what forbids it."""

    name: str
    limit: float
    unit: str
    floor: str = ""
    part_of: str = ""


CHECKSUMMED = "a plugin that copies it with a checksum"
SYNCED = "write+fdatasync of the journal"
STARTED = "aimlog version"
GOALS = [
    Goal("on_trial_result p50, full speed", 500, "ns", CHECKSUMMED),
    Goal("on_trial_result p99, full speed", 2000, "ns", CHECKSUMMED),
    Goal("on_trial_result p99.9, full speed", 10_000, "ns", CHECKSUMMED),
    Goal("on_trial_result p50, 1,000 results/s", 500, "ns", CHECKSUMMED),
    Goal("on_trial_result p99, 1,000 results/s", 2000, "ns", CHECKSUMMED),
    Goal("on_trial_result p99.9, 1,000 results/s", 10_000, "ns", CHECKSUMMED),
    Goal("on_trial_result, float, in turns, p50", 5, "us"),
    Goal("ingest, the committer's core", 20, "M points/s", SYNCED),
    Goal("ingest, the committer's core, slowest of ten parts", 20, "M points/s", SYNCED),
    Goal("repo, bytes a point", 3.2, "bytes"),
    Goal("small trial, on disk", 1024, "bytes"),
    Goal("live trials, written by the store", 20, "B/point"),
    Goal("memory grown over the second half of the trials", 1, "MB"),
    Goal("open files after all trials", 1, "files", part_of="those after a tenth of the trials"),
    Goal(
        "scan, all twenty in turn", 300, "M points/s", "checksums and decoders of steps and values"
    ),
    Goal(
        "scan of all points, cold",
        0.7,
        "MB/s",
        "the slower of that and the scan when warm",
        "reading the file from begin to end, cold",
    ),
    Goal("ls, 10,000 runs", 100, "ms", STARTED),
    Goal("ls, 100,000 runs", 1000, "ms", STARTED),
    Goal("best, 10,000 runs", 50, "ms", STARTED),
    Goal("repo opened and a run found, 10,000 runs", 5, "ms"),
    Goal("plugin created, 10,000 runs", 5, "ms", "a synced write of a page"),
    Goal("first ls after kill -9 with 64 MiB of journal", 1000, "ms", "reading it with CRC"),
]


INTRODUCTION = (
    "What aimlog costs, as `./do bench` measures it. A number alone says little, so each stands "
    "beside a reference that was measured in the same run, in turns with ours: another way to do "
    "the same, or a floor that nothing can go below. *Ratio* is ours by the reference's: for times "
    "and bytes small is good, for rates (`/s`) large is. Where another way is better, the ratio is "
    "bold."
)
AGAIN = (
    "`./do bench --page` measures again and writes this page; `./do bench --quick` takes two "
    "minutes. The lines of this run are [benchmarks.jsonl](benchmarks.jsonl)."
)

GOALS_TEXT = (
    "What we set out to reach. Where a goal is missed, a floor stands beside it: what takes as "
    "long however it is done, measured in the same run."
)

PACKAGES = ("ray", "aim", "mltraq", "tensorboardX", "optuna", "numpy", "pyarrow")
LIBRARIES = ("rocksdb", "sqlite3", "libzstd", "lmdb")


def read_lines(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


def number_text(value):
    """Three digits that count: more is noise."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.{2 if abs(value) >= 1 else 3}g}" if abs(value) < 10 else f"{value:.1f}"


def amount(value, unit):
    return f"{number_text(value)} {unit}"


def cell(text):
    return text.replace("|", "\\|")


def is_rate(line):
    return line["unit"].endswith("/s")


def is_worse(line):
    """Beside a peer, by more than two measurements of the same would differ."""
    if not PEERS.search(line["reference"]) or not line["reference_value"]:
        return False
    return line["ratio"] < 0.95 if is_rate(line) else line["ratio"] > 1.05


def theme_of(line):
    return next(theme for theme in THEMES if re.match(theme.pattern, line["name"]))


def table(lines):
    rows = ["| What | aimlog | Beside | Its number | Ratio |", "|---|---:|---|---:|---:|"]
    for line in lines:
        ours, other = (amount(line[key], line["unit"]) for key in ("value", "reference_value"))
        ratio = f"{line['ratio']:.3g}"
        if is_worse(line):
            ratio = f"**{ratio}**"
        rows.append(
            f"| {cell(line['name'])} | {ours} | {cell(line['reference'])} | {other} | {ratio} |"
        )
    return rows


def goal_row(goal, lines):
    """Of the goal and the lines of its name; the floor only where the goal is missed."""
    beside = {line["reference"]: line for line in lines}
    line = beside.get(goal.part_of, lines[0])
    reached = line["ratio"] if goal.part_of else line["value"]
    met = reached >= goal.limit if is_rate(line) else reached <= goal.limit
    wanted = (
        f"{goal.limit:.0%} of {goal.part_of}" if goal.part_of else amount(goal.limit, goal.unit)
    )
    row = [cell(goal.name), amount(line["value"], goal.unit)]
    row += [f"{'at least' if is_rate(line) else 'at most'} {wanted}", "met", "", ""]
    if not met:
        row[3] = "**missed**"
        floor = beside.get(goal.floor)
        if floor:
            row[4] = f"{cell(goal.floor)}: {amount(floor['reference_value'], goal.unit)}"
            row[5] = f"{floor['ratio']:.3g}"
    return f"| {' | '.join(row)} |"


def goal_table(lines):
    rows = ["| What | aimlog | Goal | | The floor that forbids it | aimlog by floor |"]
    rows += ["|---|---:|---:|---|---|---:|"]
    for goal in GOALS:
        mine = [line for line in lines if (line["name"], line["unit"]) == (goal.name, goal.unit)]
        if mine:
            rows.append(goal_row(goal, mine))
    return rows


def curve_points(curve, lines):
    """(what grows, ours, the reference), smallest first."""
    points = {}
    for line in lines:
        found = re.fullmatch(curve.pattern, line["name"])
        if found:
            points.setdefault(
                int(found[1].replace(",", "")), (line["value"], line["reference_value"])
            )
    return [(grown, *values) for grown, values in sorted(points.items())]


def draw(curve, lines, path):
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = curve.file
    from matplotlib import pyplot

    points = curve_points(curve, lines)
    reference = next(
        line["reference"] for line in lines if re.fullmatch(curve.pattern, line["name"])
    )
    grown = [point[0] for point in points]
    figure, axes = pyplot.subplots(figsize=(6.4, 3.8), layout="constrained")
    axes.plot(grown, [point[1] for point in points], "o-", color="#1f5fa8", label="aimlog")
    axes.plot(grown, [point[2] for point in points], "s--", color="#8a8a8a", label=reference)
    heights = [height for point in points for height in point[1:] if height > 0]
    # Whole decades, so that there are always two numbers at the axis.
    low, high = math.floor(math.log10(min(heights))), math.ceil(math.log10(max(heights)))
    axes.set(xscale="log", yscale="log", ylim=(10**low, 10 ** max(high, low + 1)))
    axes.set_title(curve.title)
    axes.set_xlabel(curve.growing)
    axes.set_ylabel(curve.shown)
    plain = matplotlib.ticker.FuncFormatter(lambda value, _: f"{value:,.10g}")
    axes.xaxis.set_major_formatter(plain)
    axes.yaxis.set_major_formatter(plain)
    axes.yaxis.set_minor_formatter(matplotlib.ticker.NullFormatter())
    axes.grid(True, which="major", color="#dddddd")
    axes.legend(frameon=False)
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
    drawn = path.read_text(encoding="utf-8").splitlines()
    path.write_text("".join(line.rstrip() + "\n" for line in drawn), encoding="utf-8")


def output_of(*words):
    try:
        done = subprocess.run(
            words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False
        )
    except OSError:
        return ""
    return done.stdout.strip()


def file_system(path):
    """The type of the file system that holds the path."""
    return output_of("stat", "-f", "-c", "%T", str(path)).replace("ext2/ext3", "ext4")


def versions():
    found = []
    for package in PACKAGES:
        try:
            found.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    for library in LIBRARIES:
        version = output_of("pkg-config", "--modversion", library)
        if version:
            found.append(f"{library} {version}")
    return found


def machine(note):
    info = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8")
    model = re.search(r"model name\s*: (.*)", info)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    cores = f"{os.cpu_count()} cores ({model[1] if model else platform.machine()})"
    kernel = f"Linux {platform.release().split('-')[0]}"
    files = file_system(tempfile.gettempdir())
    compiler = output_of("c++", "--version").splitlines()[0]
    lines = [
        f"- Machine: {cores}, {memory:.0f} GiB, {kernel}, {files}.",
        f"- Built by {compiler}, as release; Python {platform.python_version()}.",
        f"- Beside: {', '.join(versions())}.",
    ]
    if note:
        lines.append(f"- {note}")
    return lines


def page(lines, facts, curves):
    wrapped = [textwrap.fill(fact, 100, subsequent_indent="  ") for fact in facts]
    text = [
        "# Benchmarks",
        "",
        *textwrap.wrap(INTRODUCTION, 100),
        "",
        *textwrap.wrap(AGAIN, 100),
        "",
        *wrapped,
        "",
        "## What others do better",
        "",
    ]
    worse = [line for line in lines if is_worse(line)]
    text += table(worse) if worse else ["Nothing in this run."]
    text += ["", "## Goals", "", *textwrap.wrap(GOALS_TEXT, 100), "", *goal_table(lines), ""]
    if curves:
        text += ["## As work grows", ""]
        for curve in curves:
            text += [f"![{curve.title}: {curve.shown} by {curve.growing}](images/{curve.file}.svg)"]
            text += [""]
    for theme in THEMES:
        mine = [line for line in lines if theme_of(line) is theme]
        if mine:
            text += [f"## {theme.title}", "", *textwrap.wrap(theme.text, 100)]
            text += ["", *table(mine), ""] if theme.text else [*table(mine), ""]
    return "\n".join(text).rstrip() + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lines", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("docs"))
    parser.add_argument("--note", default="")
    parser.add_argument("--no-pictures", action="store_true")
    options = parser.parse_args()
    lines = read_lines(options.lines)
    curves = []
    if not options.no_pictures:
        curves = [curve for curve in CURVES if len(curve_points(curve, lines)) > 1]
    for curve in curves:
        draw(curve, lines, options.out / f"images/{curve.file}.svg")
    text = page(lines, machine(options.note), curves)
    (options.out / "benchmarks.md").write_text(text, encoding="utf-8")
    kept = options.out / "benchmarks.jsonl"
    if not (kept.exists() and kept.samefile(options.lines)):
        shutil.copyfile(options.lines, kept)


if __name__ == "__main__":
    main()
