#!/usr/bin/env python3
"""Runs a command with the name of a fresh directory as its last argument; passes on its exit code.

usage: run_in_temp_dir.py COMMAND...
"""
import subprocess
import sys
import tempfile

with tempfile.TemporaryDirectory() as folder:
    sys.exit(subprocess.run([*sys.argv[1:], folder]).returncode)
