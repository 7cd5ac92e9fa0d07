"""JSON lines: one object per line, with the keys of an event."""

from __future__ import annotations

from typing import Final

import msgspec

from vigility.cli.parsers.csv_rows import NOT_UTF_8
from vigility.cli.parsers.parsed import InvalidRecord, Parsed
from vigility.cli.parsers.records import Block
from vigility.core.events.model import NewEvent

KEYS: Final = ("username", "feature_name", "timestamp", "event_id")
TIMESTAMP_MISSING: Final = "timestamp is required"


class EventLine(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """An event as a line of a file has it."""

    username: str
    feature_name: str
    timestamp: str
    event_id: str | None = None


class JsonLines:
    """Parses lines as events."""

    def __init__(self) -> None:
        self._decode = msgspec.json.Decoder(EventLine).decode

    def parse(self, block: Block) -> Parsed[NewEvent]:
        """Parse the events of a block: by the fast path if all are valid, otherwise one by one."""
        try:
            events = [
                NewEvent(line.username, line.feature_name, line.timestamp, line.event_id)
                for line in map(self._decode, block.records)
            ]
        except (ValueError, RecursionError):  # msgspec's errors are ValueErrors
            return _one_by_one(block)
        return Parsed(events, range(len(events)))


def _one_by_one(block: Block) -> Parsed[NewEvent]:
    events: list[NewEvent] = []
    indexes: list[int] = []
    invalid: dict[int, str] = {}
    for index, line in enumerate(block.records):
        try:
            if line and not line.isspace():
                events.append(_event(line))
                indexes.append(index)
        except InvalidRecord as error:
            invalid[index] = str(error)
    return Parsed(events, indexes, invalid)


def _event(line: bytes) -> NewEvent:
    """Parse the event of a line. The core validates the values, of any type; the keys are checked here."""
    fields = _object(line)
    if unknown := fields.keys() - set(KEYS):
        raise InvalidRecord(f"unknown key {min(unknown)!a}: the keys are {', '.join(KEYS)}")
    if fields.get("timestamp") is None:
        raise InvalidRecord(TIMESTAMP_MISSING)
    username, feature, at, event_id = (fields.get(key) for key in KEYS)
    return NewEvent(username, feature, at, event_id)  # type: ignore[arg-type] # see above


def _object(line: bytes) -> dict[str, object]:
    try:
        fields = msgspec.json.decode(line)
    except UnicodeDecodeError:
        raise InvalidRecord(NOT_UTF_8) from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidRecord(f"is not JSON: {str(error).removeprefix('JSON is malformed: ')}") from None
    if not isinstance(fields, dict):
        raise InvalidRecord("is not a JSON object")
    return fields
