# SPDX-License-Identifier: Apache-2.0
"""How the page of the benchmarks is ordered: its parts, and its pictures."""

import re
from typing import NamedTuple


class Theme(NamedTuple):
    title: str
    text: str
    pattern: str


# A line belongs to the first theme that its name fits.
THEMES = [
    Theme(
        "From Python: Ray callbacks",
        "What the driver pays for a result of 20 metrics with all that Ray adds, and for a trial's "
        "start: `AimlogCallback` beside Ray's own callbacks and others. *In turns*: each gets 20 "
        "results, then the next one does; *one by one*: after each result all the others run, "
        "which leaves nothing of ours in the processor's caches.",
        r"on_trial_result, (float|float32|float64),|on_trial_start|memory a trial",
    ),
    Theme(
        "From Python: where the time goes",
        "The same result with one stage more each time, in turns; a stage takes what it adds.",
        r"from Python:",
    ),
    Theme(
        "The hook, from C and C++",
        "What `on_trial_result` costs the host, beside a plugin that reads a result once and "
        "copies it into a mapped file, unchecked and unreadable (nothing that survives `kill -9` "
        "does less), beside the same with a checksum and a commit word (nothing that can be told "
        "from a torn record after a power cut does less: the floor), and beside a plugin that "
        "writes JSON lines. At 1,000 results a "
        "second what counts is how much code and data has left the processor's caches in between.",
        r"on_trial_result",
    ),
    Theme(
        "A result kept in other ways",
        "Twenty numbers a result, one process, all ways in turns; none loses anything when the "
        "process is killed.",
        r"a result of 20,|on disk, a point",
    ),
    Theme(
        "From the hook into a synced store",
        "100 M points as fast as the plugin takes them (`on_full: block`), until `destroy` "
        "returned; each tenth of them is timed apart. What is written to the block device counts "
        "all that writes to it meanwhile, other programs too.",
        r"ingest|repo, bytes a point|written by the store, bytes|written to the block|made dirty",
    ),
    Theme(
        "Many trials",
        "Small trials have 3 results of 5 metrics; live trials report 20 metrics once a second. "
        "Memory is the process's own, after a flush: LMDB keeps the pages of its largest commit "
        "for the next one, and commits grow until they are full.",
        r"small trial|memory (after all|grown)|open files|live trials"
        r"|written by the store, [\d,]+ live",
    ),
    Theme(
        "Bytes a point, beside files and trackers",
        "The same points in each. A repo also keeps what is known of each run, and has some pages "
        "of its own, which is most of a small one. The recorded job is one of Ray Tune's, by PBT "
        "and ASHA, with all its trials, configurations and checkpoints' names, as "
        "`./do ray-demo` makes it; so is the Aim repo beside it. Of Gorilla's coding and raw zstd "
        "there is nothing but the numbers: no names, and steps and times once a run.",
        r"a point of ",
    ),
    Theme(
        "Bytes a value, by kind of metric",
        "Blocks of 1,024 values, with the codec that was chosen most often.",
        r"(size of|time to encode) a value",
    ),
    Theme(
        "Reading points",
        "On one core, steps and checksums included; warm, unless a line says that nothing of the "
        "file was in memory. The decoders stand beside it over the same bytes.",
        r"scan|Arrow|series into NumPy",
    ),
    Theme(
        "The command, and opening a repo",
        "Whole processes, from start to end, unless the line says *time on a core*, which leaves "
        "out what they waited for one. `aimlog version` only starts and prints a line.",
        r"(ls|best|get|stats|exps)\b|repo opened|plugin (created|destroyed)|first ls",
    ),
    Theme(
        "The pieces",
        "Each alone and warm, beside copying the same bytes: no less can be done with them.",
        r"crc32c|(un)?packing|a record into|summary of|taking a result",
    ),
    Theme("More", "", r""),
]

# References that are other ways to do the same; the rest are floors and parts of our own.
PEERS = re.compile(
    r"RocksDB|SQLite|JSON.lines|write\(2\)|\w+Callback|MLtraq|Optuna|TensorBoardX|Aim$|Parquet|CSV"
    r"|NumPy|numpy\.load|zstd|Gorilla"
)


class Curve(NamedTuple):
    file: str
    pattern: str  # its group is the number that grows
    title: str
    growing: str
    shown: str


CURVES = [
    Curve(
        "bench_scan",
        r"series into NumPy, ([\d,]+) points",
        "Reading one series into NumPy",
        "points of the series",
        "milliseconds",
    ),
    Curve(
        "bench_hook",
        r"on_trial_result p50, ([\d,]+) metrics",
        "The hook (p50)",
        "metrics a result",
        "nanoseconds",
    ),
    Curve(
        "bench_live",
        r"written by the store, ([\d,]+) live runs",
        "Written while runs report once a second",
        "live runs",
        "bytes a point",
    ),
    Curve(
        "bench_ls",
        r"ls, ([\d,]+) runs",
        "aimlog ls, from start to end",
        "runs in the repo",
        "milliseconds",
    ),
]
