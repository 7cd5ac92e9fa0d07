"""Imports a file of events, block by block. Each is stored in one transaction before the next is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from vigility.cli.old_events import reason_of
from vigility.cli.parsers.parsed import Parsed
from vigility.cli.parsers.parsed_file import ParsedFile
from vigility.cli.parsers.records import Block
from vigility.cli.parsers.source import Source
from vigility.cli.pluralize import pluralize
from vigility.cli.progress import Progress
from vigility.cli.rejects import RejectLog
from vigility.cli.signals import Signals
from vigility.core.batch_jobs import batch_job
from vigility.core.events.model import NewEvent
from vigility.core.events.tracking import IngestResult


class Storing(Protocol):
    """Takes batches: the importer, or the preview of one."""

    def store(self, batch: Sequence[NewEvent]) -> IngestResult:
        """Store the events of a batch, or only say what would become of them."""
        ...


@dataclass(slots=True)
class Stored:
    """The progress of an import. Counts only what is durable."""

    first_line: int
    last_line: int
    events: int = 0
    duplicates: int = 0
    unconfirmed: Block | None = None
    """The block that is being written. It is not known whether it is stored."""

    def describe(self) -> str:
        """Say how many events are stored, and of which lines."""
        if self.last_line < self.first_line:
            return f"no events are stored{self._doubt()}"
        lines = f"lines {self.first_line:,} to {self.last_line:,}"
        return f"{pluralize(self.events, 'event')} of {lines} are stored{self._doubt()}"

    def _doubt(self) -> str:
        if self.unconfirmed is None:
            return ""
        lines = f"lines {self.unconfirmed.first:,} to {self.unconfirmed.last:,}"
        return f"; it is not known whether those of {lines} are stored"


class EventImport:
    """Stores the events of one file. `stored` is correct at any time, also after an interruption."""

    def __init__(
        self,
        storing: Storing,
        events: ParsedFile[NewEvent],
        signals: Signals,
        rejects: RejectLog,
        done: str = "stored",
    ) -> None:
        """`done` says what the progress counts: the events that are stored, or checked."""
        self._storing = storing
        self._events = events
        self._signals = signals
        self._rejects = rejects
        self._done = done
        self.stored = Stored(first_line=events.first, last_line=events.first - 1)

    def run(self, source: Source, progress: Progress) -> None:
        """Store all blocks. Raises UnreadableInput, StoreError or Interrupted between two blocks."""
        for block, parsed in self._events.batches:
            with self._signals.deferred():
                self._store(block, parsed)
                progress.reached(source.position, f"{pluralize(self.stored.events, 'event')} {self._done}")

    def _store(self, block: Block, parsed: Parsed[NewEvent]) -> None:
        self.stored.unconfirmed = block
        try:
            with batch_job():
                result = self._storing.store(parsed.values)
        except Exception:
            self.stored.unconfirmed = None  # these errors mean that nothing of the block was stored
            raise
        self._count(block, result)
        self._reject(block, parsed, result)

    def _count(self, block: Block, result: IngestResult) -> None:
        self.stored.events += result.accepted
        self.stored.duplicates += result.duplicates
        self.stored.last_line = block.last
        self.stored.unconfirmed = None

    def _reject(self, block: Block, parsed: Parsed[NewEvent], result: IngestResult) -> None:
        if not parsed.invalid and not result.rejected:
            return
        reasons = dict(parsed.invalid)
        reasons.update((parsed.indexes[entry.index], reason_of(entry.error)) for entry in result.rejected)
        for index in sorted(reasons):
            self._rejects.add(
                block.lines[index], block.last_line_of(index), reasons[index], block.records[index]
            )
        self._rejects.flush()
