"""Copying one store into another: users, events and ended tokens, under the ids they have.

    copy = Copy(source, target, clock)
    copy.begin()                 # what may be copied; refused where the target holds anything else
    copy.users()
    while copy.events():         # each call one durable transaction of the target
        ...                      # copy.copied of copy.total
    copy.finish()                # ended tokens, then the proof

What was copied stays, whatever ends the rest: a new Copy over the same stores goes on behind it. The
source is only read from, and may take events meanwhile; a copy covers those that were settled when it
began, the next one the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from vigility.core.errors import CopyDiffers, CopyRefused, InvalidInput
from vigility.core.users.model import User
from vigility.core.installation import Store
from vigility.core.times import Clock, to_micros
from vigility.core.reports.rollups import RollupKey
from vigility.core.events.export import Checksum

EVENTS_A_STEP: Final = 20_000
"""Events in one transaction: as many as tracking writes in one (`tracking.BATCH_SIZE`)."""

USERS_A_STEP: Final = 5_000

ANY_ID: Final = 2**63 - 1
"""No id is above it."""


class Copy:
    """One run. `total` events of the source are to be in the target, `copied` of them are."""

    def __init__(self, source: Store, target: Store, clock: Clock) -> None:
        self._source = source
        self._target = target
        self._clock = clock
        self._upto = 0
        self._expected = Checksum()
        self._reached = 0
        self.total = 0
        self.copied = 0
        self.new_users = 0

    def begin(self) -> None:
        """Fix what is to be copied, and see what is there already.

        Raises InvalidInput where the target is the source; CopyRefused where it holds what the source does
        not. Then nothing was changed.
        """
        if self._source.identity == self._target.identity:
            raise InvalidInput("target", "must be another database than the source")
        # The events first: each of their users was stored before them.
        self._upto = self._source.events.high_watermark()
        self._reached = self._target.events.high_watermark()
        there = self._target.events.tally(self._reached)
        if self._reached > self._upto or self._source.events.tally(self._reached) != there:
            raise CopyRefused("the target holds other events than the first ones of the source")
        for _ in self._missing_users():
            pass
        self._expected = self._source.events.tally(self._upto)
        self.total, self.copied = self._expected.events, there.events

    def users(self) -> None:
        """Copy the users that the target lacks. Raises StoreError."""
        for missing in self._missing_users():
            self._target.users.restore(missing)
            self.new_users += len(missing)

    def events(self) -> bool:
        """Copy the next events, in one transaction; returns whether there were any. Raises StoreError."""
        page = self._source.events.page(self._reached, self._upto, EVENTS_A_STEP)
        if not page.ids:
            return False
        self._target.events.restore(page)
        self._reached = page.ids[-1]
        self.copied += len(page.ids)
        return True

    def finish(self) -> bool:
        """Copy the ended tokens, then compare; returns whether the source took events meanwhile.

        Raises CopyDiffers where the counts, the tallies or any day summary differ.
        """
        ended = self._source.revoked_tokens.expiring(to_micros(self._clock()))
        self._target.revoked_tokens.restore(ended)
        _same_tallies(self._expected, self._target.events.tally(ANY_ID))
        expected = self._source.events.day_counts(self._upto)
        _same_summaries(expected, self._target.events.day_counts(ANY_ID))
        return bool(self._source.events.page(self._upto, ANY_ID, 1).ids)

    def _missing_users(self) -> Iterator[Sequence[User]]:
        """Users of the source that the target lacks, page by page. Raises CopyRefused where it has others."""
        last = 0
        while page := self._source.users.after(last, USERS_A_STEP):
            there = [user for user in self._target.users.after(last, len(page)) if user.id <= page[-1].id]
            by_id = {user.id: user for user in page}
            for user in there:
                if by_id.get(user.id) != user:
                    raise _other_user(user)
                del by_id[user.id]
            if by_id:
                yield list(by_id.values())
            last = page[-1].id
        for user in self._target.users.after(last, 1):
            raise _other_user(user)


def _other_user(user: User) -> CopyRefused:
    return CopyRefused(f"the target holds a user that the source does not: {user.username!r}, id {user.id}")


def _same_tallies(expected: Checksum, found: Checksum) -> None:
    if found.events != expected.events:
        raise CopyDiffers(f"the target holds {found.events:,} events, and the source {expected.events:,}")
    if found != expected:
        raise CopyDiffers("the target holds as many events as the source, but not the same")


def _same_summaries(expected: Mapping[RollupKey, int], found: Mapping[RollupKey, int]) -> None:
    differing = [key for key in expected.keys() | found.keys() if expected.get(key) != found.get(key)]
    if differing:
        first = min(differing)
        raise CopyDiffers(
            f"{len(differing):,} day summaries differ, the first that of {first.feature} on {first.day} "
            f"({first.age_group.value}, {first.gender.value}): {found.get(first, 0):,} in the target, "
            f"{expected.get(first, 0):,} in the source"
        )
