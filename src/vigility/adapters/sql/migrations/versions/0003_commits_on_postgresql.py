"""On PostgreSQL: which transaction each connection committed last, and events without foreign keys.

Foreign keys, a trigger for each event, took more than half of the time of a batch (docs/postgresql.md).
Whoever writes events holds their users once a batch instead. An SQLite file needs neither.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the table and drop the keys."""
    if op.get_bind().dialect.name != "postgresql":
        return
    op.create_table(
        "vigility_commits",
        sa.Column("writer", sa.String(32), nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("writer", name="pk_vigility_commits"),
    )
    for name in ("fk_vigility_events_user_id", "fk_vigility_events_feature_id"):
        op.drop_constraint(name, "vigility_events", type_="foreignkey")
