# SPDX-License-Identifier: Apache-2.0
"""What the host's tests share: the built plugins, and the JSON-lines plugin as a witness."""

import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "record"))
import json_lines  # noqa: E402

import aimlog  # noqa: E402
from aimlog.host import Plugin  # noqa: E402

JSONL = os.environ["AIMLOG_TEST_JSONL"]
COMMAND = str(aimlog.command_path())
PLUGINS = {"jsonl": JSONL, "aimlog": str(aimlog.library_path())}


def open_plugin(name, folder, **options):
    """One of the two plugins, writing into `folder`."""
    text = {"jsonl": "path: events.jsonl", "aimlog": "repo: ."}[name]
    return Plugin(PLUGINS[name], config_text=text, base_dir=folder, **options)


class Witness:
    """The JSON-lines plugin behind the host: what it was told can be read back, bit for bit."""

    def __init__(self, folder, **options):
        self.path = pathlib.Path(folder) / "events.jsonl"
        self.plugin = open_plugin("jsonl", folder, **options)

    def lines(self):
        return json_lines.read_lines(self.path)

    def last(self, field="result"):
        """One field of the last event, as (type, content)."""
        return json_lines.from_line(self.lines()[-1][field])

    def told(self, value, **options):
        """What a value in a result arrives as."""
        assert self.plugin.trial_result("t", {"v": value}, **options) == 0
        kind, content = self.last()
        assert kind == "map" and [key for key, _ in content] == ["v"]
        return content[0][1]

    def text(self, value):
        kind, content = self.told(value)
        assert kind == "string", kind
        return content


def run_python(code, *arguments, **options):
    """Another interpreter that sees the same package; what it printed, and how it ended."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, **options)


def mapped_libraries():
    """The names of all files that this process has mapped."""
    with open("/proc/self/maps", encoding="utf-8") as maps:
        return {line.split("/")[-1].strip() for line in maps if "/" in line}
