# SPDX-License-Identifier: Apache-2.0
"""Records an Optuna study: ``study.optimize(..., callbacks=[AimlogCallback()])``."""

from aimlog.optuna.callback import AimlogCallback

__all__ = ["AimlogCallback"]
