"""On PostgreSQL: which transaction each connection committed last."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the table. An SQLite file, in one process with who writes it, needs none."""
    if op.get_bind().dialect.name != "postgresql":
        return
    op.create_table(
        "vigility_commits",
        sa.Column("writer", sa.String(32), nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("writer", name="pk_vigility_commits"),
    )
