"""What reading a block of records comes to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")


class Fault(NamedTuple):
    """A record that cannot be used: its place in the block, and why."""

    place: int
    reason: str


@dataclass(frozen=True, slots=True)
class Parsed(Generic[T]):
    """The values of a block. `indexes` has for each the index of its record; blank records have none."""

    values: Sequence[T]
    indexes: Sequence[int]
    faults: list[Fault] = field(default_factory=list)


class BadRecord(Exception):
    """A record cannot be used; the text says why, without naming its line."""
