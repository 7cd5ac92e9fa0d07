"""Revoked tokens in the order of their revocation, and from which networks each account has signed in."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_NUMBERED = {
    "sqlite": "UPDATE vigility_revoked_tokens SET number = rowid",
    "postgresql": "UPDATE vigility_revoked_tokens AS t SET number = o.number FROM ("
    "SELECT token_id, row_number() OVER (ORDER BY expires) AS number FROM vigility_revoked_tokens"
    ") AS o WHERE t.token_id = o.token_id",
}
# 25 hours: a day, which is how long a token lives, and a margin.
_DATED = "UPDATE vigility_revoked_tokens SET passed = 0, kept_until = 90000000000"


def upgrade() -> None:
    """Add the columns, fill them, and make the table."""
    for name in ("number", "clock", "passed", "kept_until"):
        op.add_column("vigility_revoked_tokens", sa.Column(name, sa.BigInteger, nullable=True))
    op.execute(_NUMBERED[op.get_bind().dialect.name])
    op.execute(_DATED)
    op.create_index("ix_vigility_revoked_tokens_number", "vigility_revoked_tokens", ["number"], unique=True)
    op.create_index("ix_vigility_revoked_tokens_kept_until", "vigility_revoked_tokens", ["kept_until"])
    op.create_table(
        "vigility_known_networks",
        sa.Column("account", sa.String(64), nullable=False),
        sa.Column("network", sa.String(64), nullable=False),
        sa.Column("seen", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("account", "network", name="pk_vigility_known_networks"),
    )
