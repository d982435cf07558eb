# SPDX-License-Identifier: Apache-2.0
"""The `aimlog` console entry: becomes the packaged command."""

import os
import sys

from . import command_path


def main():
    """Runs the command in place of this process. Raises OSError if it is not in the package."""
    path = str(command_path())
    os.execv(path, [path, *sys.argv[1:]])
