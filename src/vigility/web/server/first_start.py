"""How far any process of this server has come, known to all of them.

At the first start a fault ends the server with one clear line. Later a worker that cannot start must not end
the server, whose other workers may be well: it waits until it can.
"""

from __future__ import annotations

import mmap
from typing import Final

CHECKED: Final = 1
"""The master has checked the settings and opened the database."""
SERVED: Final = 2
"""A worker has created the application."""

# Shared with the workers: the master imports this module, with the worker's class, before it forks them.
_stage: Final = mmap.mmap(-1, 1)


def reach(stage: int) -> None:
    """Note that this server has come so far."""
    _stage[0] = max(_stage[0], stage)


def has_reached(stage: int) -> bool:
    """Whether this server had come so far at some time."""
    return _stage[0] >= stage
