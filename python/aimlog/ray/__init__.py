# SPDX-License-Identifier: Apache-2.0
"""Records Ray Tune jobs: `RunConfig(callbacks=[AimlogCallback()])`."""

from aimlog.ray.callback import AimlogCallback

__all__ = ["AimlogCallback"]
