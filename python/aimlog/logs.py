# SPDX-License-Identifier: Apache-2.0
"""Lines of the plugin's log, as records of the logger `aimlog`."""

import logging

logger = logging.getLogger("aimlog")
# By the contract's levels, trace to error.
LEVELS = (5, logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR)


def log_line(level: int, text: str) -> None:
    """For the `log` argument of `aimlog.host.Plugin`."""
    logger.log(LEVELS[min(max(level, 0), len(LEVELS) - 1)], "%s", text)
