#!/usr/bin/env python3
"""aimlog check: each kind of damage is found where it is, and a sound repo is sound.

usage: check_test.py AIMLOG MAKE_REPO PLANT_FAULT
SPDX-License-Identifier: Apache-2.0
"""

import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

AIMLOG, MAKE_REPO, PLANT_FAULT = (str(pathlib.Path(word).resolve()) for word in sys.argv[1:4])
PAGE = 4096
SOUND, DAMAGED, NOT_LOOKED_AT = 0, 1, 2

# Of each planted fault: the table, the begin of the key, and what is found to be wrong.
FOUND = {
    "name": ("shapes", "number 1", "names a metric that is missing"),
    "name-index": ("names", "number", "it is not in its index"),
    "context": ("shapes", "number", "names a metric that is missing"),
    "shape": ("tails", "journal 1", "a result has a shape that is missing"),
    "experiment": ("jobs", "number 1", "its experiment is missing"),
    "job": ("runs", "run ", "its job is missing"),
    "job-token": ("jobs", "number", "no token leads to the job"),
    "job-index": ("jobs", "number", "its experiment does not list it"),
    "run": ("attempts", "run number 1, attempt 1", "the run that it belongs to is missing"),
    "run-id": ("runs", "run ", "it is not found by its id"),
    "run-trial": ("runs", "run ", "it is not found by its trial"),
    "attempt": ("attempts", "run ", "it is missing"),
    "attempt-too-many": ("attempts", "run ", "the run does not know of it"),
    "summaries": ("series", "run ", "its summaries are missing"),
    "summary-count": ("series", "run ", "10 points in chunks where the summary says 11"),
    "results": ("chunks", "run ", "10 results in its chunks where it should have 11"),
    "chunk": ("series", "run ", "0 points in chunks where the summary says 10"),
    "chunk-moved": ("chunks", "run ", "it begins with another result than its key says"),
    "chunk-of-nobody": ("chunks", "run number 77", "the attempt that it belongs to is missing"),
    "tail-doubled": ("tails", "run ", "a result is in a chunk and not sealed"),
    "tail-lost": ("tails", "run ", "says to be in a chunk is in none"),
    "seal-of-nobody": ("tails", "journal 1", "a seal is of a run that is missing"),
    "params": ("params", "key 0000000100000000", "damaged value"),
    "params-of-nobody": ("params", "run number 77", "the run that it belongs to is missing"),
    "newer": ("checkpoints", "key 0000000100000000", "version 127"),
    "counter": ("meta", "counter 6", "it would give a number a second time"),
    "open-run": ("journals", "journal 1", "it holds a run open that is missing"),
    "key": ("runs", "key 01", "damaged key"),
}
ONLY_DEEP = {"summary-value": ("series", "run ", "the summary is not that of its points")}


def check(repo, *words):
    done = subprocess.run([AIMLOG, "check", str(repo), *words], capture_output=True, text=True,
                          timeout=60, env={"PATH": os.environ["PATH"], "TZ": "UTC"})
    assert "\x1b" not in done.stdout + done.stderr
    return done


def findings(repo, *words):
    done = check(repo, "--json", *words)
    assert done.returncode in (SOUND, DAMAGED), done
    said = json.loads(done.stdout)
    assert said["sound"] == (done.returncode == SOUND) == (said["found"] == 0), said
    return said["findings"]


def has(found, table, key, what):
    return any(each["table"] == table and each["key"].startswith(key) and what in each["what"]
               and each["todo"] for each in found)


def contents(repo):
    """All files but LMDB's table of readers."""
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(repo.rglob("*")) if path.is_file() and path.name != "lock.mdb"}


class Check(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory(prefix="aimlog-check.")
        cls.sound = pathlib.Path(cls.scratch.name) / "sound"
        subprocess.run([MAKE_REPO, cls.sound], check=True)

    @classmethod
    def tearDownClass(cls):
        cls.scratch.cleanup()

    def copy(self):
        repo = pathlib.Path(self.scratch.name) / "copy"
        shutil.rmtree(repo, ignore_errors=True)
        shutil.copytree(self.sound, repo)
        return repo

    def data(self, repo):
        return repo / ".aimlog" / "data.mdb"

    def change(self, repo, change):
        data = bytearray(self.data(repo).read_bytes())
        change(data)
        self.data(repo).write_bytes(data)

    def expect(self, repo, table, key, what, *words):
        before = contents(repo)
        found = findings(repo, *words)
        self.assertTrue(has(found, table, key, what), (table, key, what, found))
        self.assertEqual(contents(repo), before)

    def test_a_sound_repo_is_sound_and_left_alone(self):
        for words in ([], ["--deep"]):
            before = contents(self.sound)
            self.assertEqual(findings(self.sound, *words), [])
            self.assertEqual(contents(self.sound), before)
        self.assertIn("sound: 4 runs", check(self.sound).stdout)

    def test_every_planted_fault_is_found(self):
        listed = subprocess.run([PLANT_FAULT], capture_output=True, text=True, check=True).stdout
        self.assertEqual(set(listed.split()), {*FOUND, *ONLY_DEEP})
        for fault, found in {**FOUND, **ONLY_DEEP}.items():
            repo = self.copy()
            subprocess.run([PLANT_FAULT, repo, fault], check=True)
            self.expect(repo, *found, "--deep")
            if fault in FOUND:
                self.expect(repo, *found)
            else:
                self.assertEqual(findings(repo), [])

    def test_a_flipped_bit_in_a_value_is_a_wrong_checksum(self):
        repo = self.copy()

        def flip(data):
            at = data.index(b"train_t1")
            data[at] ^= 1

        self.change(repo, flip)
        self.expect(repo, "runs", "key 0100000001", "the checksum of the row is wrong")

    def test_a_lost_page_is_named_with_what_hung_on_it(self):
        repo = self.copy()
        page = self.data(repo).read_bytes().index(b"train_t1") // PAGE

        def clear(data):
            data[page * PAGE:(page + 1) * PAGE] = bytes(PAGE)

        self.change(repo, clear)
        self.expect(repo, "runs", f"page {page}", "its number is wrong")
        self.expect(repo, "attempts", "run number 1, attempt 1", "is missing")

    def test_keys_out_of_order_are_found(self):
        repo = self.copy()

        def swap(data):
            page = data.index(b"train_t1") // PAGE * PAGE
            data[page + 16:page + 20] = data[page + 18:page + 20] + data[page + 16:page + 18]

        self.change(repo, swap)
        self.expect(repo, "runs", "page", "its keys are out of order")

    def test_damaged_heads_are_found(self):
        for page in (0, 1):
            repo = self.copy()

            def clear(data, at=page * PAGE):
                data[at:at + PAGE] = bytes(PAGE)

            self.change(repo, clear)
            self.expect(repo, "file", "page 0", "damaged at its head")

    def test_a_cut_file_is_found(self):
        size = self.data(self.sound).stat().st_size
        for left in (1, 100, PAGE, 2 * PAGE, 3 * PAGE, size // 2, size - PAGE):
            repo = self.copy()
            os.truncate(self.data(repo), left)
            self.assertTrue(findings(repo), left)
        os.truncate(self.data(repo), 0)
        self.expect(repo, "file", "data.mdb", "it is empty")
        self.data(repo).unlink()
        self.expect(repo, "file", "data.mdb", "it is missing")

    def test_row_counts_that_do_not_fit_are_found(self):
        repo = self.copy()
        table = crc32c_table()

        def recount(data):
            # The row of counts: key 01 of table 0; version 1, transaction, 15 counts.
            node = b"\x00\x00\x00\x00\x01\x00\x01\x01"
            at = data.find(node)
            self.assertGreater(at, 0)
            while at >= 0:
                size = int.from_bytes(data[at - 2:at], "little")
                begin = at + len(node) - 1
                payload = bytearray(data[begin:begin + size - 4])
                payload[4] += 1  # rows of `names`
                data[begin:begin + size - 4] = payload
                crc = crc32c(table, b"\x00\x01" + payload)
                data[begin + size - 4:begin + size] = crc.to_bytes(4, "little")
                at = data.find(node, at + 1)

        self.change(repo, recount)
        self.expect(repo, "names", "the whole table", "rows where there should be")

    def test_a_damaged_format_file_is_found(self):
        repo = self.copy()
        (repo / ".aimlog" / "FORMAT").write_text("something\n")
        self.expect(repo, "file", "FORMAT", "does not say which format")
        (repo / ".aimlog" / "FORMAT").unlink()
        self.expect(repo, "file", "FORMAT", "it is missing")
        (repo / ".aimlog" / "FORMAT").write_text("aimlog repo, format 9\n")
        self.assertEqual(check(repo).returncode, NOT_LOOKED_AT)

    def test_what_cannot_be_looked_at_is_no_damage(self):
        for words in (["/"], ["/no/such/place"], [str(self.sound), "--dep"]):
            done = check(*words)
            self.assertEqual(done.returncode, NOT_LOOKED_AT, done)
            self.assertIn("aimlog: ", done.stderr)
            self.assertEqual(done.stdout, "")

    def test_repair_says_what_it_gave_another_name(self):
        for fault, note in (("name", "is called lost-name-"),
                            ("context", 'is called {"lost-context": ')):
            repo = self.copy()
            new = repo.with_name("new")
            shutil.rmtree(new, ignore_errors=True)
            subprocess.run([PLANT_FAULT, repo, fault], check=True)
            done = subprocess.run([AIMLOG, "repair", repo, new, "--json"], capture_output=True,
                                  text=True, check=True, timeout=60)
            notes = json.loads(done.stdout)["notes"]
            self.assertTrue(any(note in each for each in notes), (fault, notes))
            self.assertIn(note.split()[-1].strip('{": '), self.show(new))

    def test_findings_are_lines_that_say_what_to_do(self):
        repo = self.copy()
        subprocess.run([PLANT_FAULT, repo, "run"], check=True)
        done = check(repo)
        self.assertEqual(done.returncode, DAMAGED)
        lines = done.stdout.splitlines()
        self.assertTrue(lines[-1].startswith("damaged, "), lines)
        for line in lines[:-1]:
            self.assertIn("aimlog repair", line)

    def test_every_flipped_bit_is_found_or_harmless(self):
        """None makes the command die, and what is not found does not change what is shown."""
        shown = self.show(self.sound)
        size = self.data(self.sound).stat().st_size
        for i in range(60 * (10 if os.environ.get("AIMLOG_LONG") else 1)):
            repo = self.copy()
            bit = int.from_bytes(hashlib.sha256(b"%d" % i).digest()[:8], "little") % (size * 8)

            def flip(data, at=bit):
                data[at // 8] ^= 1 << at % 8

            self.change(repo, flip)
            if not findings(repo, "--deep"):
                self.assertEqual(self.show(repo), shown, f"bit {bit}")

    def show(self, repo):
        done = subprocess.run([AIMLOG, "show", "--all", "--points", "--json", "--repo", repo],
                              capture_output=True, text=True, check=True, timeout=60)
        return done.stdout


def crc32c_table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


def crc32c(table, text):
    crc = 0xFFFFFFFF
    for byte in text:
        crc = crc >> 8 ^ table[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]])
