"""An `event_id` is unique among the events of its user: nobody can take one that another user will send."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_INDEX = "uq_vigility_events_event_id"
_WITH_EVENT_ID = sa.text("event_id IS NOT NULL")


def upgrade() -> None:
    """Make the index again, with the user in it."""
    op.drop_index(_INDEX, "vigility_events")
    op.create_index(
        _INDEX,
        "vigility_events",
        ["event_id", "user_id"],
        unique=True,
        sqlite_where=_WITH_EVENT_ID,
        postgresql_where=_WITH_EVENT_ID,
    )
