"""Tokens ended before they expired, and how often log-in was tried."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "vigility_revoked_tokens",
        sa.Column("token_id", sa.String(64), nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("token_id", name="pk_vigility_revoked_tokens"),
    )
    op.create_index("ix_vigility_revoked_tokens_expires", "vigility_revoked_tokens", ["expires"])
    op.create_table(
        "vigility_attempts",
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("empty_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_vigility_attempts"),
    )
    op.create_index("ix_vigility_attempts_empty_at", "vigility_attempts", ["empty_at"])
