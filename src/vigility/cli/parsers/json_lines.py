"""JSON lines: one object per line, with the keys of an event."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final

import msgspec

from vigility.cli.parsers.encodings import Encoding
from vigility.cli.parsers.parsed import InvalidRecord, Parsed
from vigility.cli.parsers.parsed_file import FileOptions
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

    def __init__(self, options: FileOptions, encoding: Encoding) -> None:
        self._keys = [options.names.get(key, key) for key in KEYS]
        self._ignore_unknown = options.ignore_unknown
        self._encoding = encoding
        self._decode: Callable[[bytes], Any] = msgspec.json.Decoder(_line_type(options)).decode

    def parse(self, block: Block) -> Parsed[NewEvent]:
        """Parse the events of a block: by the fast path if all are valid, otherwise one by one."""
        try:
            events = [
                NewEvent(line.username, line.feature_name, line.timestamp, line.event_id)
                for line in map(self._decode, block.records)
            ]
        except (ValueError, RecursionError):  # msgspec's errors are ValueErrors
            return self._one_by_one(block)
        return Parsed(events, range(len(events)))

    def _one_by_one(self, block: Block) -> Parsed[NewEvent]:
        events: list[NewEvent] = []
        indexes: list[int] = []
        invalid: dict[int, str] = {}
        for index, line in enumerate(block.records):
            try:
                if line and not line.isspace():
                    events.append(self._event(line))
                    indexes.append(index)
            except InvalidRecord as error:
                invalid[index] = str(error)
        return Parsed(events, indexes, invalid)

    def _event(self, line: bytes) -> NewEvent:
        """Parse the event of a line. The keys are checked here; the values, of any type, by the core."""
        fields = self._object(line)
        if not self._ignore_unknown and (unknown := fields.keys() - set(self._keys)):
            keys = ", ".join(self._keys)
            raise InvalidRecord(
                f"unknown key {min(unknown)!a}: the keys are {keys}; to ignore others: --ignore-unknown"
            )
        username, feature, at, event_id = (fields.get(key) for key in self._keys)
        if at is None:
            raise InvalidRecord(TIMESTAMP_MISSING)
        return NewEvent(username, feature, at, event_id)  # type: ignore[arg-type] # see above

    def _object(self, line: bytes) -> dict[str, object]:
        try:
            fields = msgspec.json.decode(line)
        except UnicodeDecodeError:
            raise InvalidRecord(self._encoding.invalid) from None
        except (msgspec.DecodeError, RecursionError) as error:
            raise InvalidRecord(f"is not JSON: {str(error).removeprefix('JSON is malformed: ')}") from None
        if not isinstance(fields, dict):
            raise InvalidRecord("is not a JSON object")
        return fields


def unknown_keys(line: bytes, options: FileOptions) -> Sequence[str]:
    """The keys of a line that have no meaning here."""
    known = {options.names.get(key, key) for key in KEYS}
    with suppress(ValueError, RecursionError):
        fields = msgspec.json.decode(line)
        return [key for key in fields if key not in known] if isinstance(fields, dict) else ()
    return ()


def _line_type(options: FileOptions) -> type:
    if not options.names and not options.ignore_unknown:
        return EventLine
    return msgspec.defstruct(
        "EventLineOfOtherNames",
        [("username", str), ("feature_name", str), ("timestamp", str), ("event_id", str | None, None)],
        rename=dict(options.names) or None,
        forbid_unknown_fields=not options.ignore_unknown,
        gc=False,
    )
