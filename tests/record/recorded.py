# SPDX-License-Identifier: Apache-2.0
"""A repo that a test's host writes into, and what it then holds, short enough for tables."""

import json
import os
import subprocess

from json_lines import from_typed
from plugin_host import Plugin


class Repo:
    def __init__(self, directory, library, command):
        self.directory, self.library, self.command = directory, library, command
        os.makedirs(directory, exist_ok=True)

    def host(self, settings=""):
        return Plugin(self.library, "repo: .\ncommit_interval_ms: 10\n" + settings, self.directory)

    def runs(self):
        command = [self.command, "show", "--all", "--json", "--types", "--points"]
        done = subprocess.run(
            [*command, "--repo", self.directory], capture_output=True, timeout=60, check=False
        )
        assert done.returncode in (0, 3), done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def record(self):
        """By trial: status, attempts as (status, results), points as (attempt, step, value)."""
        return {run["trial_id"]: brief(run) for run in self.runs()}


def series(node):
    context = from_typed(node["context"])
    return node["name"] if context is None else (node["name"], *map(plain_pair, context[1]))


def plain_pair(pair):
    return f"{pair[0]}={pair[1][1]}"


def brief(run):
    recorded = {"status": run["status"]}
    recorded["attempts"] = [(at["status"], at["results"]) for at in run["attempts"]]
    if run["failures"]:
        recorded["failed"] = (run["failures"], run["error"])
    for metric in run["metrics"]:
        points = [(at["attempt"], at["step"], from_typed(at["value"])) for at in metric["points"]]
        recorded.setdefault("points", {})[series(metric)] = points
    for each in run["objects"]:
        value = (each["count"], each["last_step"], from_typed(each["last"]))
        recorded.setdefault("objects", {})[series(each)] = value
    return recorded
