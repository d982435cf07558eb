#!/usr/bin/env python3
"""What abi/README.md quotes is what its examples say, and these work.

usage: readme_test.py ABI_FOLDER MINIMAL_HOST TUNER_JSONL.so TUNER_BEST.so
"""
import os
import re
import subprocess
import sys
import tempfile
import textwrap

abi, host, jsonl, best = sys.argv[1:5]


def quotes(text):
    """(file, code) for each code block that names the file it quotes."""
    return re.findall(r"<!-- (\S+) -->\n```\w+\n(.*?)```", text, re.S)


def marked_part(text):
    found = re.search(r"^[^\n]*begin: \w+[^\n]*\n(.*?)\n[^\n]*end: \w+", text, re.S | re.M)
    return textwrap.dedent(found.group(1)).strip() if found else None


def differs(code, path):
    with open(path) as file:
        return marked_part(file.read()) != code.strip()


failures = []
with open(os.path.join(abi, "README.md")) as file:
    found = quotes(file.read())
if len(found) != 2:
    failures.append(f"README.md quotes {len(found)} files, not 2")
for name, code in found:
    if differs(code, os.path.join(abi, name)):
        failures.append(f"README.md quotes another {name} than there is")
    if not differs(code.replace(";", ",", 1), os.path.join(abi, name)):
        failures.append(f"a planted change in the quote of {name} goes unnoticed")

with tempfile.TemporaryDirectory() as folder:
    events = os.path.join(folder, "events.jsonl")
    done = subprocess.run([host, jsonl, f"path: {events}"], capture_output=True, text=True)
    if done.returncode != 0 or '"loss":0.5' not in open(events).read():
        failures.append(f"the host fails with the JSON-lines plugin: {done}")
    done = subprocess.run([host, best, ""], capture_output=True, text=True)
    if done.returncode != 0 or done.stdout:
        failures.append(f"the host fails with the plugin of the page: {done}")
    done = subprocess.run([host, jsonl, "wrong: 1"], capture_output=True, text=True)
    if done.returncode != 1 or "the only key is 'path'" not in done.stdout:
        failures.append(f"the host does not tell what is wrong: {done}")

for failure in failures:
    print(failure)
sys.exit(1 if failures else 0)
