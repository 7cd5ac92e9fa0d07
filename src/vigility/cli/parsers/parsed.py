"""The result of parsing a block of records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Parsed(Generic[T]):
    """The values of a block, for each the index of its record, and the invalid records.

    `invalid` maps the index of each invalid record to the reason. Blank records are in neither.
    """

    values: Sequence[T]
    indexes: Sequence[int]
    invalid: Mapping[int, str] = field(default_factory=dict)


class InvalidRecord(Exception):
    """A record cannot be used. The text is the reason, without the number of the line."""
