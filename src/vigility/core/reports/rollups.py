"""Rollup tables: counts of events by feature, day and dimensions. Declared once, as data.

Reports are read from rollups. They are written in the transaction of the events that they count, and the
events alone suffice to build them again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple

from vigility.core.dimensions import DIMENSIONS, Dimension
from vigility.core.events.model import EventRecord
from vigility.core.times import MICROS_PER_DAY


class RollupKey(NamedTuple):
    """What one row of a rollup counts. `values` are those of the rollup's dimensions, in their order."""

    feature: str
    day: date
    values: tuple[str, ...]


RollupRow = tuple[str | int, ...]
"""Feature, day number, a value for each dimension, count."""


@dataclass(frozen=True, slots=True)
class Rollup:
    """A table that counts events by feature, UTC day and dimensions."""

    table: str
    dimensions: tuple[Dimension, ...]

    def rows_of(self, records: Sequence[EventRecord]) -> list[RollupRow]:
        """The rows that count these events, in key order.

        The order matters: writers that lock rows as they go never wait for each other in a circle.
        """
        _, features, ats, ages, genders, _ = zip(*records, strict=True)
        days = [at // MICROS_PER_DAY for at in ats]
        by_source = Counter(zip(features, days, ages, genders, strict=True))
        rows: Counter[RollupRow] = Counter()
        for (feature, day, age, gender), count in by_source.items():
            source = {"age": age, "gender": gender}
            values = [dimension.value_of(source[dimension.source]) for dimension in self.dimensions]
            rows[feature, day, *values] += count
        return [(*key, count) for key, count in sorted(rows.items())]

    def key_of(self, record: EventRecord, day: date) -> RollupKey:
        """The key of the row that counts one event of this day."""
        values = (dimension.value_of(getattr(record, dimension.source)) for dimension in self.dimensions)
        return RollupKey(record.feature, day, tuple(values))


DAILY: Final = Rollup(table="vigility_day_summaries", dimensions=DIMENSIONS)
"""The daily rollup, from which every report is read."""
