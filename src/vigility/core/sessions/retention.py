"""How long the database keeps a revocation: by a clock that the revocations themselves keep.

If the system's clock is a year ahead, every token seems to have expired. If their revocations were deleted
then, the tokens would be valid again as soon as the clock is put right. So nothing is deleted by the system's
clock. Instead each revocation notes how much time the revocations have seen pass: it adds the time since the
one before it, but at most `MAX_STEP`. So a clock that jumps moves this sum by one step only. Where
revocations are rare, the sum falls behind the real time, and they are kept longer.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from vigility.core.times import MICROS_PER_DAY, MICROS_PER_SECOND

MAX_STEP: Final = 3600 * MICROS_PER_SECOND
"""The most that one revocation adds, in µs. The clocks of several instances may differ by as much."""

MARGIN: Final = 3600 * MICROS_PER_SECOND

MIN_KEPT: Final = MICROS_PER_DAY
"""A token lives a day. If the clock was wrong when it was revoked, less may have seemed to be left of it."""


class Witnessed(NamedTuple):
    """The time that the revocations have seen pass, and what the system's clock showed then; both in µs."""

    passed: int = 0
    clock: int | None = None


def witness(last: Witnessed, now: int) -> Witnessed:
    """What a revocation at `now` notes, after the one that noted `last`."""
    if last.clock is None or last.clock - now > MAX_STEP:  # the first one, or the clock was put back
        return Witnessed(last.passed, now)
    step = min(max(now - last.clock, 0), MAX_STEP)
    return Witnessed(last.passed + step, max(last.clock, now))


def kept_until(witnessed: Witnessed, expires: int, now: int) -> int:
    """When the revocation of a token that expires at `expires` may be deleted, as `Witnessed.passed`."""
    return witnessed.passed + max(expires - now, MIN_KEPT) + MARGIN
