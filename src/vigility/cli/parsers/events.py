"""Files of events: JSON lines or CSV, distinguished by name and content."""

from __future__ import annotations

from itertools import chain, islice
from pathlib import PurePath
from typing import Final

from vigility.cli.parsers.csv_rows import Columns, CsvRows
from vigility.cli.parsers.json_lines import TIMESTAMP_MISSING, JsonLines
from vigility.cli.parsers.parsed import Parsed
from vigility.cli.parsers.parsed_file import ParsedFile, first_line
from vigility.cli.parsers.records import Block, blocks, join_quoted, split_lines
from vigility.cli.parsers.source import Source, UnreadableInput
from vigility.core.events.model import NewEvent

COLUMNS: Final = Columns(required=("username", "feature_name", "timestamp"), optional=("event_id",))

_JSON_NAMES: Final = frozenset({".jsonl", ".ndjson", ".json"})
_LINES_INSPECTED: Final = 10


def read_events(source: Source, from_line: int = 1) -> ParsedFile[NewEvent]:
    """Read the events of a file, starting at a line.

    Raises UnreadableInput if the file is neither JSON lines nor CSV.
    """
    lines = split_lines(source.chunks())
    number, first = first_line(lines)
    if first and not _is_json(source.name, first):
        try:
            rows = CsvEvents(first, source.name)
        except UnreadableInput:
            # There is no CSV header. If objects follow, this is JSON and only its first line is invalid.
            following = list(islice(lines, _LINES_INSPECTED))
            if not any(map(_is_object, following)):
                raise
            lines = chain(following, lines)
        else:
            start = max(from_line, number + 1)
            records = join_quoted(islice(lines, start - number - 1, None))
            return ParsedFile(blocks(records, start), rows.parse, start, header=first)
    start = max(from_line, number)
    kept = islice(chain([first], lines), start - number, None)
    return ParsedFile(blocks(kept, start), JsonLines().parse, start)


class CsvEvents:
    """Parses the rows below a header as events."""

    def __init__(self, header: bytes, name: str) -> None:
        self._rows = CsvRows(COLUMNS, header, name)

    def parse(self, block: Block) -> Parsed[NewEvent]:
        """Parse the events of a block. A row without a timestamp is invalid: here it does not mean now."""
        parsed = self._rows.parse(block)
        events = [
            NewEvent(user, feature, at, event_id or None) for user, feature, at, event_id in parsed.values
        ]
        if all(event.at for event in events):
            return Parsed(events, parsed.indexes, parsed.invalid)
        timed = [(event, index) for event, index in zip(events, parsed.indexes, strict=True) if event.at]
        untimed = set(parsed.indexes).difference(index for _, index in timed)
        invalid = {**parsed.invalid, **dict.fromkeys(untimed, TIMESTAMP_MISSING)}
        return Parsed([event for event, _ in timed], [index for _, index in timed], invalid)


def _is_json(name: str, first: bytes) -> bool:
    if first.lstrip().startswith(b"["):
        raise UnreadableInput(f"{name} begins with a JSON list: write each object on its own line instead")
    endings = {suffix.lower() for suffix in PurePath(name).suffixes[-2:]}
    return _is_object(first) or bool(endings & _JSON_NAMES)


def _is_object(line: bytes) -> bool:
    return line.lstrip().startswith(b"{")
