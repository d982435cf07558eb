#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""aimlog repair: what it saves of a damaged repo is what was not hit, it says what is lost, and
what it makes is sound. AIMLOG_LONG=1 damages more; a seed as the last word does only that one.

usage: repair_test.py CRASH_HOST PLUGIN COMMAND [TEST...] [SEED]
"""

import collections
import json
import os
import random
import shutil
import struct
import subprocess
import sys

from crash_support import LONG, Programs, Repo, count_acks, run_tests, wait_until
from lmdb_file import PAGE, LmdbFile, numbers
from repair_oracle import Base, data_of, expect_same, expect_saved
from safekeeping import check, contents

PROGRAMS = Programs(sys.argv[1:4])
SEEDS = [int(word) for word in sys.argv[4:] if word.isdigit()]
DAMAGED_REPOS = 120 if LONG > 1 else 6
NOTHING_MATCHED = 3


def run_command(*words, statuses=(0,)):
    done = subprocess.run([PROGRAMS.command, *words], capture_output=True, text=True, timeout=120)
    assert done.returncode in statuses, (words, done.returncode, done.stdout[-2000:], done.stderr)
    return done.stdout


def repair(damaged, target):
    return json.loads(run_command("repair", damaged, target, "--json"))


def shown(path):
    words = ("show", "--all", "--json", "--types", "--points", "--repo", path)
    text = run_command(*words, statuses=(0, NOTHING_MATCHED))
    return {run["id"]: run for run in map(json.loads, text.splitlines())}


def base_of(path):
    return Base(path, shown)


def flip_bits(data, source):
    for _ in range(source.choice((1, 3, 20))):
        bit = source.randrange(len(data) * 8)
        data[bit // 8] ^= 1 << bit % 8


def zero_pages(data, source):
    for _ in range(source.choice((1, 2, 5))):
        page = source.randrange(len(data) // PAGE) * PAGE
        data[page : page + PAGE] = bytes(PAGE)


def scramble_sectors(data, source):
    for _ in range(source.choice((1, 4))):
        at = source.randrange(len(data) // 512) * 512
        data[at : at + 512] = source.randbytes(512)


def cut(data, source):
    del data[source.randrange(PAGE, len(data)) :]


def cut_and_flip(data, source):
    flip_bits(data, source)
    cut(data, source)


DAMAGES = (flip_bits, zero_pages, scramble_sectors, cut, cut_and_flip)


def make_finished(root):
    """Several jobs of many runs, all at their ends: pages that were used again and again."""
    repo = Repo(PROGRAMS, root, "finished")
    for seed in range(3):
        words = ("--trials", 40, "--results", 1200, "--seed", seed, "--job", seed)
        repo.run(*words, "--set", "commit_interval_ms=10")
    repo.run("--trials", 2, "--results", 2400, "--seed", 7, "--job", 7)
    return base_of(repo.path)


def make_killed(root):
    """A writer that was killed: tails that wait for their chunks, events that wait in the ring."""
    repo = Repo(PROGRAMS, root, "killed")
    repo.run("--trials", 20, "--results", 3000, "--seed", 1, "--job", 1)
    host = repo.start("--trials", 9, "--results", 10**6, "--pace-us", 50, "--job", 2)
    begun = count_acks(repo.acks)
    wait_until(lambda: count_acks(repo.acks) > begun + 2000, "results were recorded")
    host.kill()
    host.communicate()
    return base_of(repo.path)


def repair_with(base, root, data):
    """Of the repo with `data` in the place of its own: what repair reports, and what it saved."""
    damaged, target = os.path.join(root, "damaged"), os.path.join(root, "saved")
    for path in (damaged, target):
        shutil.rmtree(path, ignore_errors=True)
    shutil.copytree(base.path, damaged)
    with open(data_of(damaged), "wb") as file:
        file.write(data)
    before = contents(damaged)
    report = repair(damaged, target)
    assert contents(damaged) == before, "the damaged repo was changed"
    said = check(PROGRAMS, target, "--deep")
    assert said["sound"], said["findings"][:5]
    return report, shown(target)


def damage_and_repair(base, root, seed):
    data = bytearray(base.file.data)
    DAMAGES[seed % len(DAMAGES)](data, random.Random(seed))
    report, saved = repair_with(base, root, data)
    hit = expect_saved(base, bytes(data), saved, report)
    return hit, sum(not run["whole"] for run in report["runs"])


def damage_many(base, root, seeds):
    for seed in seeds:
        try:
            hit, not_whole = damage_and_repair(base, root, seed)
        except BaseException:
            print(f"seed {seed} ({DAMAGES[seed % len(DAMAGES)].__name__}) of {base.path}")
            raise
        if LONG > 1:
            print(f"seed {seed}: {hit} rows hit, {not_whole} runs not whole")


def half_of_the_seeds(odd):
    return SEEDS or [2 * i + odd for i in range(DAMAGED_REPOS // 2)]


def what_is_saved_of_finished_runs_is_what_was_not_hit(root):
    damage_many(make_finished(root), root, half_of_the_seeds(0))


def what_is_saved_of_a_killed_writer_is_what_was_not_hit(root):
    damage_many(make_killed(root), root, half_of_the_seeds(1))


def expect_all_saved(base, root, data):
    """Every run is saved as it was; gives the report."""
    report, saved = repair_with(base, root, data)
    assert set(saved) == set(base.runs), set(base.runs) - set(saved)
    for run_id, run in base.runs.items():
        expect_same(run, saved[run_id], set())
    return report


def nothing_is_lost_with_pages_that_only_lead_to_others(root):
    """Heads, lists of tables, inner pages: all rows are found again."""
    base = make_finished(root)
    inner = [page for pages in base.file.branches.values() for page in pages]
    assert inner, "the repo is too small"
    lists = (base.file.root, base.file.free_root)
    for pages in ((0,), inner, (0, 1, *lists, *inner)):
        data = bytearray(base.file.data)
        for page in pages:
            if page * PAGE < len(data):
                data[page * PAGE : page * PAGE + PAGE] = bytes(PAGE)
        assert not base.file.hit_rows(bytes(data))
        report = expect_all_saved(base, root, data)
        # Without the list of free pages nobody can tell an older row from the newest.
        if report["rows_stale"] == 0:
            assert report["runs_whole"] == len(base.runs), (pages, report["notes"])


def expect_all_saved_with_bits(base, root, places):
    """Of a repo in which one bit of each place is hit, everything is saved."""
    data = bytearray(base.file.data)
    for place in places:
        data[place] ^= 8
    expect_all_saved(base, root, data)


def one_bit_of_the_name_of_a_table_loses_none_of_it(root):
    base = make_finished(root)
    for name, at in base.file.tables.items():
        print(name)
        for byte in (0, len(name) - 1):
            expect_all_saved_with_bits(base, root, [at + 8 + byte])
    expect_all_saved_with_bits(base, root, [at + 8 for at in base.file.tables.values()])


def one_bit_of_a_version_is_no_other_lmdb(root):
    base = make_finished(root)
    for page in (0, 1):
        for byte in range(4):
            expect_all_saved_with_bits(base, root, [page * PAGE + 20 + byte])


def rows_that_their_pages_do_not_name_are_found(root):
    """None of them, all but the last, and the first twice in place of the second; on each leaf page
    of a table, and on all of all tables."""
    base = make_finished(root)
    leaves = {table: pages for table, pages in base.file.leaves.items() if table != "tables"}
    places = [*leaves.values(), sum(leaves.values(), [])]
    for pages in places:
        for change in (name_none, do_not_name_the_last, name_the_first_twice):
            data = bytearray(base.file.data)
            for page in pages:
                change(data, page * PAGE)
            expect_all_saved(base, root, data)


def name_none(data, page):
    struct.pack_into("<H", data, page + 12, 16)  # where the page says that its list ends


def do_not_name_the_last(data, page):
    end = struct.unpack_from("<H", data, page + 12)[0]
    struct.pack_into("<H", data, page + 12, end - 2)


def name_the_first_twice(data, page):
    if struct.unpack_from("<H", data, page + 12)[0] >= 20:
        data[page + 18 : page + 20] = data[page + 16 : page + 18]


def long_chunks_are_found_without_the_pages_that_name_them(root):
    base = make_finished(root)
    data = bytearray(base.file.data)
    for page in base.file.leaves["chunks"]:
        data[page * PAGE : page * PAGE + PAGE] = bytes(PAGE)
    chunks = [row for row in base.file.rows if row[0] == "chunks"]
    short = {base.run_of(row) for row in chunks if not base.file.is_long(row)}
    kept = {base.run_of(row) for row in chunks} - short
    assert kept, "no chunk is long enough"
    report, saved = repair_with(base, root, data)
    told = {run["id"]: run for run in report["runs"]}
    for run_id, run in base.runs.items():
        # A short one may stand on a page that is no longer in use, too.
        assert told[run_id]["whole"] or run_id not in kept, told[run_id]
        if run_id in kept:
            expect_same(run, saved[run_id], set())


def a_damaged_copy_of_a_chunk_does_not_pass_for_it(root):
    """The copy comes first in the file, and nobody knows that its page is free."""
    base = make_finished(root)
    free = min(free_pages(base.file))
    row = next(
        row
        for row, (_, ranges) in base.file.rows.items()
        if row[0] == "chunks" and not base.file.is_long(row) and ranges[0][0] // PAGE > free
    )
    begin, end = base.file.rows[row][1][0]
    page = begin // PAGE * PAGE
    data = bytearray(base.file.data)
    data[base.file.free_root * PAGE : base.file.free_root * PAGE + PAGE] = bytes(PAGE)
    copy = bytearray(data[page : page + PAGE])
    struct.pack_into("<Q", copy, 0, free)
    copy[end - page - 10] ^= 1  # the last of its columns
    data[free * PAGE : free * PAGE + PAGE] = copy
    place = data.index(struct.pack("<H", begin - page), page + 16)
    data[place + 1] ^= 0x80  # where the page says that the row is
    expect_all_saved(base, root, data)


def free_pages(file):
    used = {0, 1}
    all_ranges = [ranges for _, _, ranges in file.nodes(file.free_root, "free")]
    for ranges in all_ranges + [ranges for _, ranges in file.rows.values()]:
        for begin, end in ranges:
            used.update(range(begin // PAGE, (end - 1) // PAGE + 1))
    for kind in (file.leaves, file.branches):
        used.update(page for pages in kind.values() for page in pages)
    return [page for page in range(len(file.data) // PAGE) if page not in used]


def older_versions(root):
    """A repo that came to its end, and leaf pages of an earlier state of it."""
    repo = Repo(PROGRAMS, root, "older")
    words = ("--trials", 3, "--seed", 1, "--job", 1, "--set", "commit_interval_ms=10")
    host = repo.start(*words, "--results", 10**6, "--pace-us", 500)
    wait_until(lambda: count_acks(repo.acks) > 200, "results were recorded")
    host.kill()
    host.communicate()
    older = LmdbFile(data_of(repo.path))
    repo.run(*words, "--results", 600, "--resumed", 1)
    return base_of(repo.path), older


def repair_with_older_version(base, older, row, root):
    """Of a repo in which `row` is hit, and which has only its older version on a free page."""
    data = bytearray(base.file.data)
    data[base.file.rows[row][1][0][0] + 7] ^= 0x80  # the length of its key
    for page in free_pages(base.file):
        data[page * PAGE : page * PAGE + PAGE] = bytes(PAGE)
    source = older.rows[row][1][0][0] // PAGE * PAGE
    data[page * PAGE : page * PAGE + PAGE] = older.data[source : source + PAGE]
    struct.pack_into("<Q", data, page * PAGE, page)
    return repair_with(base, root, data)


def an_older_version_does_not_pass_for_the_newest(root):
    base, older = older_versions(root)
    tried = collections.Counter()
    for row in base.file.rows:
        table, key = row
        if table != "attempts" and (table != "jobs" or key[0] != 1):
            continue
        if older.rows.get(row, base.file.rows[row])[0] == base.file.rows[row][0]:
            continue
        tried[table] += 1
        report, saved = repair_with_older_version(base, older, row, root)
        other = {run_id for run_id, run in base.runs.items() if saved[run_id] != run}
        assert other, "the newest was found after all"
        if table == "jobs":
            text = f"maybe what job {numbers(key[1:], 4)[0]} came to"
            assert any(text in note for note in report["notes"]), report["notes"]
            continue
        assert other == {base.run_of(row)}, (key, other)
        text = f"maybe the newest status of attempt {numbers(key, 4, 4)[1]}"
        for run in report["runs"]:
            assert run["whole"] == (run["id"] not in other), run
            assert run["whole"] or any(text in lost for lost in run["lost"]), run
    assert tried["attempts"] and tried["jobs"], tried


TESTS = (
    an_older_version_does_not_pass_for_the_newest,
    what_is_saved_of_finished_runs_is_what_was_not_hit,
    what_is_saved_of_a_killed_writer_is_what_was_not_hit,
    nothing_is_lost_with_pages_that_only_lead_to_others,
    one_bit_of_the_name_of_a_table_loses_none_of_it,
    one_bit_of_a_version_is_no_other_lmdb,
    rows_that_their_pages_do_not_name_are_found,
    long_chunks_are_found_without_the_pages_that_name_them,
    a_damaged_copy_of_a_chunk_does_not_pass_for_it,
)

if __name__ == "__main__":
    sys.exit(run_tests(TESTS, [word for word in sys.argv[4:] if not word.isdigit()]))
