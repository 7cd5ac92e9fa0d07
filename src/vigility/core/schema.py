"""Which version of the schema a database has, as against the one that this version of vigility needs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SchemaState:
    """`revision` is what the database has, None where it has none yet; `newest` what this vigility needs."""

    revision: str | None
    newest: str
    is_known: bool = True
    """False where a newer version of vigility made it."""

    @property
    def is_newest(self) -> bool:
        """Whether this version of vigility can work with it as it is."""
        return self.revision == self.newest
