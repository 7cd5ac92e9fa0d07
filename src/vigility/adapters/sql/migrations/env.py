"""Alembic's entry: runs the revisions on the connection, and in the transaction, that it is given."""

from alembic import context

from vigility.adapters.sql.schema import metadata
from vigility.adapters.sql.schema_version import VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    transactional_ddl=True,  # SQLite's DDL is, in a transaction begun by hand: all of an upgrade or none
)
with context.begin_transaction():
    context.run_migrations()
