"""Copying one installation into another: users, events and revoked tokens, under the ids they have.

    copy = Copy(source, target, clock)
    copy.begin()                 # decides what to copy; refuses if the target holds anything else
    copy.users()
    while copy.events():         # each call is one durable transaction of the target
        ...                      # copy.copied of copy.total
    copy.finish()                # revoked tokens, then the comparison

Whatever was copied stays, even if the rest fails: a new Copy over the same databases continues after it. The
source is only read, and may take events meanwhile. A copy covers the events up to the high watermark when
it began; the next copy covers the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from vigility.core.batch_jobs import batch_job
from vigility.core.errors import CopyDiffers, CopyRefused, InvalidInput
from vigility.core.events.export import Checksum
from vigility.core.installation import Installation
from vigility.core.reports.rollups import RollupKey
from vigility.core.times import Clock, to_micros
from vigility.core.users.model import User

EVENTS_PER_STEP: Final = 20_000
"""Events in one transaction: as many as tracking writes in one (`tracking.BATCH_SIZE`)."""

USERS_PER_STEP: Final = 5_000

MAX_ID: Final = 2**63 - 1
"""No id is above it."""


class Copy:
    """One run. `copied` of the `total` events to copy are in the target."""

    def __init__(self, source: Installation, target: Installation, clock: Clock) -> None:
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
        """Decide what to copy, and find out how much of it the target has.

        Raises InvalidInput if the target is the source, and CopyRefused if it holds something that the
        source does not. Nothing was changed then.
        """
        if self._source.identity & self._target.identity:
            raise InvalidInput("target", "must be another database than the source")
        # The events first: each of their users was stored earlier.
        self._upto = self._source.event_log.high_watermark()
        self._reached = self._target.event_log.high_watermark()
        present = self._target.event_log.checksum(self._reached)
        if self._reached > self._upto or self._source.event_log.checksum(self._reached) != present:
            raise CopyRefused("the target holds other events than the first ones of the source")
        for _ in self._missing_users():
            pass
        self._expected = self._source.event_log.checksum(self._upto)
        self.total, self.copied = self._expected.events, present.events

    @batch_job()
    def users(self) -> None:
        """Copy the users that the target lacks. Raises StoreError."""
        for missing in self._missing_users():
            self._target.users.insert_with_ids(missing)
            self.new_users += len(missing)

    @batch_job()
    def events(self) -> bool:
        """Copy the next events in one transaction; return whether there were any. Raises StoreError."""
        page = self._source.event_log.page(self._reached, self._upto, EVENTS_PER_STEP)
        if not page.ids:
            return False
        self._target.event_log.insert_with_ids(page)
        self._reached = page.ids[-1]
        self.copied += len(page.ids)
        return True

    @batch_job()
    def finish(self) -> bool:
        """Copy the revoked tokens, then compare; return whether the source took events meanwhile.

        Raises CopyDiffers if the counts, the checksums or any row of the daily rollup differ.
        """
        now = to_micros(self._clock())
        self._target.revoked_tokens.add_all(self._source.revoked_tokens.expiring(now), now)
        _require_same_checksums(self._expected, self._target.event_log.checksum(MAX_ID))
        expected = self._source.rollups.counts_upto(self._upto)
        _require_same_rollups(expected, self._target.rollups.counts_upto(MAX_ID))
        return bool(self._source.event_log.page(self._upto, MAX_ID, 1).ids)

    def _missing_users(self) -> Iterator[Sequence[User]]:
        """Users of the source that the target lacks, page by page. Raises CopyRefused if it has others."""
        last = 0
        while page := self._source.users.after(last, USERS_PER_STEP):
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


def _require_same_checksums(expected: Checksum, found: Checksum) -> None:
    if found.events != expected.events:
        raise CopyDiffers(f"the target holds {found.events:,} events, and the source {expected.events:,}")
    if found != expected:
        raise CopyDiffers("the target holds as many events as the source, but not the same")


def _require_same_rollups(expected: Mapping[RollupKey, int], found: Mapping[RollupKey, int]) -> None:
    differing = [key for key in expected.keys() | found.keys() if expected.get(key) != found.get(key)]
    if differing:
        first = min(differing)
        raise CopyDiffers(
            f"{len(differing):,} rows of the daily rollup differ, first {first.feature} on {first.day} "
            f"({', '.join(first.values)}): {found.get(first, 0):,} in the target, "
            f"{expected.get(first, 0):,} in the source"
        )
