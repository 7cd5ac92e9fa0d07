"""Day summaries: how many events a feature has on a day, by age group and gender.

Every report is read from them. They are written in the transaction of the events they count, and the
raw events alone can make them again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Subquery,
    bindparam,
    case,
    delete,
    func,
    insert,
    select,
)

from vigility.core.dimensions import OLDEST_OF_MIDDLE_GROUP, YOUNGEST_ADULT, AgeGroup, Gender
from vigility.core.events.model import EventRecord
from vigility.core.reports.filters import Filters
from vigility.core.reports.report import Counts
from vigility.core.reports.ports import RollupDifference
from vigility.core.times import MICROS_PER_DAY, day_from_number, day_number
from vigility.adapters.sql.database import RollupRow
from vigility.adapters.sql.schema import daily_rollups, events, features

_Key = tuple[int, int, str, str]
"""feature_id, day, age group, gender."""


def rows_of(records: Sequence[EventRecord]) -> list[RollupRow]:
    """The summary rows that count these events.

    In key order: writers that lock rows as they go then never wait for each other in a circle.
    """
    _, names, ats, ages, genders, _ = zip(*records, strict=True)
    days = [at // MICROS_PER_DAY for at in ats]
    by_age = Counter(zip(names, days, ages, genders, strict=True))
    by_group: Counter[tuple[str, int, str, str]] = Counter()
    for (name, day, age, gender), count in by_age.items():
        by_group[name, day, AgeGroup.of(age).value, gender] += count
    return [(*key, count) for key, count in sorted(by_group.items())]


def read(connection: Connection, filters: Filters, feature: str | None) -> Counts:
    """The counts that a report under these filters shows."""
    selected = _selected(filters)
    # Grouped before the names are joined: by numbers, in the order in which the table lies.
    by_id = (
        select(daily_rollups.c.feature_id, func.sum(daily_rollups.c["count"]).label("count"))
        .where(*selected)
        .group_by(daily_rollups.c.feature_id)
        .subquery()
    )
    by_feature = connection.execute(
        select(features.c.name, by_id.c["count"]).join(by_id, by_id.c.feature_id == features.c.id)
    )
    counts = {name: int(count) for name, count in by_feature}
    if feature is None:
        return Counts(by_feature=counts, by_day={}, first_day=None, last_day=None, feature_known=False)
    number, first, last = connection.execute(_SPAN, {"feature": feature}).one()
    if number is None:
        return Counts(by_feature=counts, by_day={}, first_day=None, last_day=None, feature_known=False)
    by_day = connection.execute(
        select(daily_rollups.c.day, func.sum(daily_rollups.c["count"]))
        .where(daily_rollups.c.feature_id == number, *selected)
        .group_by(daily_rollups.c.day)
    )
    return Counts(
        by_feature=counts,
        by_day={day_from_number(day): int(count) for day, count in by_day},
        first_day=day_from_number(first),
        last_day=day_from_number(last),
        feature_known=True,
    )


def differences(connection: Connection) -> list[RollupDifference]:
    """Where the summaries and the raw events disagree."""
    summarised = _by_key(connection, select(daily_rollups))
    counted = _by_key(connection, select(counted_from_events()))
    names = dict(connection.execute(select(features.c.id, features.c.name)).all())
    return [
        RollupDifference(
            day=day_from_number(day),
            feature=names[number],
            age_group=AgeGroup(age_group),
            gender=Gender(gender),
            in_summary=summarised.get(key, 0),
            in_events=counted.get(key, 0),
        )
        for key in sorted(summarised.keys() | counted.keys())
        if summarised.get(key) != counted.get(key)
        for number, day, age_group, gender in [key]
    ]


def rebuild(connection: Connection) -> None:
    """Replace all summaries by what the raw events say."""
    connection.execute(delete(daily_rollups))
    columns = [column.name for column in daily_rollups.c]
    connection.execute(insert(daily_rollups).from_select(columns, select(counted_from_events())))


def _selected(filters: Filters) -> list[ColumnElement[bool]]:
    columns = daily_rollups.c
    chosen: list[ColumnElement[bool]] = []
    if filters.start:
        chosen.append(columns.day >= day_number(filters.start))
    if filters.end:
        chosen.append(columns.day <= day_number(filters.end))
    if filters.age_group:
        chosen.append(columns.age_group == filters.age_group.value)
    if filters.gender:
        chosen.append(columns.gender == filters.gender.value)
    return chosen


def _span() -> Select[Any]:
    """The id of a feature, and the first and the last day of any event.

    Two seeks a feature, however many rows there are.
    """
    per_feature = [
        select(edge(daily_rollups.c.day))
        .where(daily_rollups.c.feature_id == features.c.id)
        .correlate(features)
        .scalar_subquery()
        for edge in (func.min, func.max)
    ]
    first, last = per_feature
    named = select(features.c.id).where(features.c.name == bindparam("feature")).scalar_subquery()
    return select(named, func.min(first), func.max(last)).select_from(features)


# Built once: building it takes longer than a database takes to run it.
_SPAN: Final = _span()


def counted_from_events(*chosen: ColumnElement[bool]) -> Subquery:
    """What the summaries of all or of the chosen events should be: the raw events, grouped."""
    # Whole-number division rounds towards zero, and days before 1970 must round down.
    time_of_day = (events.c.at % MICROS_PER_DAY + MICROS_PER_DAY) % MICROS_PER_DAY
    day = ((events.c.at - time_of_day) // MICROS_PER_DAY).label("day")
    age_group = case(
        (events.c.age < YOUNGEST_ADULT, AgeGroup.UNDER_18.value),
        (events.c.age <= OLDEST_OF_MIDDLE_GROUP, AgeGroup.FROM_18_TO_40.value),
        else_=AgeGroup.OVER_40.value,
    ).label("age_group")
    keys = select(events.c.feature_id, day, age_group, events.c.gender).where(*chosen).subquery()
    return select(*keys.c, func.count().label("count")).group_by(*keys.c).subquery()


def _by_key(connection: Connection, query: Select[Any]) -> dict[_Key, int]:
    return {(number, day, group, gender): n for number, day, group, gender, n in connection.execute(query)}
