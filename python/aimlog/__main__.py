# SPDX-License-Identifier: Apache-2.0
"""`python -m aimlog` is the `aimlog` command."""

from ._command import main

main()
