"""The tables as the newest revision under `migrations/` makes them; a test compares the two.

Every table has the prefix `vigility_`, so that a team can point vigility at the database of its own
application. Times are whole microseconds and days whole numbers since 1970-01-01 UTC
(`vigility.core.times`); genders and age groups are their texts, so that a person can read the tables.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    String,
    Table,
    text,
)

from vigility.core.reports.rollups import DAILY
from vigility.core.validators import MAX_FEATURE_LENGTH, MAX_USERNAME_LENGTH

metadata: Final = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)

# SQLite numbers rows by a column of exactly the type INTEGER, which holds 64 bits there.
BigId: Final = BigInteger().with_variant(Integer, "sqlite")

users: Final = Table(
    "vigility_users",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("username", String(MAX_USERNAME_LENGTH), nullable=False, unique=True),
    Column("password_hash", String(60), nullable=True),
    Column("age", SmallInteger, nullable=False),
    Column("gender", String(6), nullable=False),
    Column("created", BigInteger, nullable=False),
)

features: Final = Table(
    "vigility_features",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(MAX_FEATURE_LENGTH), nullable=False, unique=True),
)

events: Final = Table(
    "vigility_events",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("user_id", Integer, ForeignKey(users.c.id), nullable=False),
    Column("feature_id", Integer, ForeignKey(features.c.id), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("age", SmallInteger, nullable=False),
    Column("gender", String(6), nullable=False),
    Column("event_id", String(36), nullable=True),
    # Partial: events without an event_id cost the index nothing. (The revisions declare the same for
    # PostgreSQL. Declared here too, it would load that dialect at every start, in 50 ms.) The event_id comes
    # first, so that events are looked up by it alone.
    Index(
        "uq_vigility_events_event_id",
        "event_id",
        "user_id",
        unique=True,
        sqlite_where=text("event_id IS NOT NULL"),
    ),
)

# On PostgreSQL without the two foreign keys: see revision 0003.

# The feature comes first in the key: a report seeks each feature's range of days and reads no other row,
# and finds the first and the last day of a feature with one seek each.
daily_rollup: Final = Table(
    DAILY.table,
    metadata,
    Column("feature_id", Integer, ForeignKey(features.c.id), primary_key=True),
    Column("day", Integer, primary_key=True),
    *(
        Column(dimension.name, String(max(map(len, dimension.values))), primary_key=True)
        for dimension in DAILY.dimensions
    ),
    Column("count", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# A row is deleted when `passed` of the newest row reaches its `kept_until`: core/sessions/retention.py. The
# last four columns are empty where an instance with an older version has just written a row.
revoked_tokens: Final = Table(
    "vigility_revoked_tokens",
    metadata,
    Column("token_id", String(64), primary_key=True),
    Column("expires", BigInteger, nullable=False, index=True),
    Column("number", BigInteger, nullable=True),
    Column("clock", BigInteger, nullable=True),
    Column("passed", BigInteger, nullable=True),
    Column("kept_until", BigInteger, nullable=True, index=True),
    Index("ix_vigility_revoked_tokens_number", "number", unique=True),
)

# A bucket leaves the table when it is empty (`vigility.core.sessions.rate_limit`).
attempts: Final = Table(
    "vigility_attempts",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("empty_at", BigInteger, nullable=False, index=True),
)

# The account and the network are hashes of their names.
known_networks: Final = Table(
    "vigility_known_networks",
    metadata,
    Column("account", String(64), primary_key=True),
    Column("network", String(64), primary_key=True),
    Column("seen", BigInteger, nullable=False),
)

# Children before parents: the order in which rows can be deleted. Revoked tokens and attempts outlive a
# wipe, which must not bring a session back to life.
DELETE_ORDER: Final = (daily_rollup, events, features, known_networks, users)
