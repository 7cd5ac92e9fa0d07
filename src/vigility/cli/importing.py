"""The import of a file of events: block by block, each stored as one transaction before the next is read."""

from __future__ import annotations

from dataclasses import dataclass

from vigility.cli.rejects import RejectLog
from vigility.cli.progress import Progress
from vigility.cli.parsers.parsed_file import ParsedFile
from vigility.cli.parsers.parsed import Parsed
from vigility.cli.parsers.records import Block
from vigility.cli.parsers.source import Source
from vigility.cli.signals import Signals
from vigility.cli.pluralize import pluralize
from vigility.core.events.model import NewEvent
from vigility.core.service import Vigility
from vigility.core.events.tracking import IngestResult


@dataclass(slots=True)
class Stored:
    """How far an import is. Says only what is durable."""

    first_line: int
    last_line: int
    events: int = 0
    duplicates: int = 0
    write_events: Block | None = None
    """The block that is on its way, of which it is not known whether it is stored."""

    def describe(self) -> str:
        """What is stored, of which lines."""
        if self.last_line < self.first_line:
            return f"no events are stored{self._doubt()}"
        lines = f"lines {self.first_line:,} to {self.last_line:,}"
        return f"{counted(self.events, 'event')} of {lines} are stored{self._doubt()}"

    def _doubt(self) -> str:
        if self.write_events is None:
            return ""
        return f"; whether those of lines {self.storing.first:,} to {self.storing.last:,} are is not known"


class EventImport:
    """Stores the events of one file. `stored` is true at every moment, also when a signal ends it."""

    def __init__(
        self, vigility: Vigility, events: ParsedFile[NewEvent], signals: Signals, faults: RejectLog
    ) -> None:
        self._importer = vigility.importer()
        self._events = events
        self._signals = signals
        self._faults = faults
        self.stored = Stored(first_line=events.first, last_line=events.first - 1)

    def run(self, source: Source, progress: Progress) -> None:
        """Store all blocks. Raises UnreadableInput, StoreError or Interrupted between two of them."""
        for block in self._events.blocks:
            parsed = self._events.parse(block)
            with self._signals.held():
                self._store(block, parsed)
                progress.reached(source.position, f"{counted(self.stored.events, 'event')} stored")

    def _store(self, block: Block, parsed: Parsed[NewEvent]) -> None:
        self.stored.write_events = block
        try:
            outcome = self._importer.store(parsed.values)
        except Exception:
            self.stored.write_events = None  # the store's errors mean that nothing of the call was kept
            raise
        self._count(block, outcome)
        self._report(block, parsed, outcome)

    def _count(self, block: Block, outcome: IngestResult) -> None:
        self.stored.events += outcome.accepted
        self.stored.duplicates += outcome.duplicates
        self.stored.last_line = block.last
        self.stored.write_events = None

    def _report(self, block: Block, parsed: Parsed[NewEvent], outcome: IngestResult) -> None:
        if not parsed.faults and not outcome.rejected:
            return
        wrong = dict(parsed.faults)
        wrong.update((parsed.indexes[entry.index], str(entry.error)) for entry in outcome.rejected)
        for index in sorted(wrong):
            record = block.records[index]
            self._faults.add(block.lines[index], wrong[index], record, self._events.header)
        self._faults.flush()
