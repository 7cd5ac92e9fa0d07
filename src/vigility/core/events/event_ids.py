"""Ids for events whose sender chose none."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final
from uuid import UUID

_MICROS_PER_MILLI: Final = 1_000
_VERSION: Final = 7 << 76
_VARIANT: Final = 0b10 << 62
_RANDOM_BYTES: Final = 10
_RANDOM_A: Final = (1 << 12) - 1
_RANDOM_B: Final = (1 << 62) - 1


def uuid7(now: int, random: Callable[[int], bytes] = os.urandom) -> str:
    """A UUID version 7 (RFC 9562, 5.7): its order is that of time, and 74 of its bits are random.

    Args:
        now: microseconds since the epoch. Before 1970 the UUID says 1970.
        random: returns so many random bytes.
    """
    drawn = int.from_bytes(random(_RANDOM_BYTES), "big")
    time = (max(now, 0) // _MICROS_PER_MILLI) << 80
    high, low = (drawn >> 62 & _RANDOM_A) << 64, drawn & _RANDOM_B
    return str(UUID(int=time | _VERSION | high | _VARIANT | low))
