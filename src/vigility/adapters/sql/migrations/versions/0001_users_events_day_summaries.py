"""Users, features, events and day summaries."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

# A revision never changes once it is released, so it repeats what `schema.py` says today.
_BIG_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_WITH_EVENT_ID = sa.text("event_id IS NOT NULL")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "vigility_users",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("username", sa.String(64), nullable=False),
        sa.Column("password_hash", sa.String(60), nullable=True),
        sa.Column("age", sa.SmallInteger, nullable=False),
        sa.Column("gender", sa.String(6), nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_vigility_users"),
        sa.UniqueConstraint("username", name="uq_vigility_users_username"),
    )
    op.create_table(
        "vigility_features",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_vigility_features"),
        sa.UniqueConstraint("name", name="uq_vigility_features_name"),
    )
    op.create_table(
        "vigility_events",
        sa.Column("id", _BIG_ID, nullable=False),
        sa.Column("user_id", sa.Integer, nullable=False),
        sa.Column("feature_id", sa.Integer, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("age", sa.SmallInteger, nullable=False),
        sa.Column("gender", sa.String(6), nullable=False),
        sa.Column("event_id", sa.String(36), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_vigility_events"),
        sa.ForeignKeyConstraint(["user_id"], ["vigility_users.id"], name="fk_vigility_events_user_id"),
        sa.ForeignKeyConstraint(
            ["feature_id"], ["vigility_features.id"], name="fk_vigility_events_feature_id"
        ),
    )
    op.create_index(
        "uq_vigility_events_event_id",
        "vigility_events",
        ["event_id"],
        unique=True,
        sqlite_where=_WITH_EVENT_ID,
        postgresql_where=_WITH_EVENT_ID,
    )
    op.create_table(
        "vigility_day_summaries",
        sa.Column("feature_id", sa.Integer, nullable=False),
        sa.Column("day", sa.Integer, nullable=False),
        sa.Column("age_group", sa.String(5), nullable=False),
        sa.Column("gender", sa.String(6), nullable=False),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("feature_id", "day", "age_group", "gender", name="pk_vigility_day_summaries"),
        sa.ForeignKeyConstraint(
            ["feature_id"], ["vigility_features.id"], name="fk_vigility_day_summaries_feature_id"
        ),
        sqlite_with_rowid=False,
    )
