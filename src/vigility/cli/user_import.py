"""Imports a file of users, block by block. Each block is stored in one transaction."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from vigility.cli.parsers.csv_rows import Row
from vigility.cli.parsers.parsed_file import ParsedFile
from vigility.cli.parsers.source import Source
from vigility.cli.pluralize import pluralize
from vigility.cli.progress import Progress
from vigility.cli.rejects import RejectLog
from vigility.cli.signals import Signals
from vigility.core.batch_jobs import batch_job
from vigility.core.errors import InvalidInput
from vigility.core.service import Vigility
from vigility.core.users.model import NewUser


@dataclass(slots=True)
class Imported:
    """The progress of an import. `different` are existing users with another age or gender."""

    added: int = 0
    unchanged: int = 0
    different: list[str] = field(default_factory=list)


class UserImport:
    """Stores the users of one file."""

    def __init__(
        self, vigility: Vigility, rows: ParsedFile[Row], signals: Signals, rejects: RejectLog
    ) -> None:
        self._vigility = vigility
        self._rows = rows
        self._signals = signals
        self._rejects = rejects
        self._seen: dict[str, NewUser] = {}
        self.imported = Imported()

    def run(self, source: Source, progress: Progress) -> None:
        """Store all rows. Any error gets a note that says how many users were added."""
        try:
            for block, parsed in self._rows.batches:
                invalid = dict(parsed.invalid)
                users = self._validated(zip(parsed.indexes, parsed.values, strict=True), invalid)
                for index in sorted(invalid):
                    lines = block.lines[index], block.last_line_of(index)
                    self._rejects.add(*lines, invalid[index], block.records[index])
                with self._signals.deferred(), batch_job():
                    self._store(users)
                    progress.reached(source.position, f"{pluralize(self.imported.added, 'user')} added")
        except BaseException as error:
            added = pluralize(self.imported.added, "user")
            error.add_note(f"{added} added so far; run the same command again to continue")
            raise

    def _store(self, users: list[NewUser]) -> None:
        result = self._vigility.users.import_many(users)
        self.imported.added += result.added
        self.imported.unchanged += result.unchanged
        self.imported.different += result.different

    def _validated(self, rows: Iterable[tuple[int, Row]], invalid: dict[int, str]) -> list[NewUser]:
        """Return the users of the valid rows; add the reasons for the others to `invalid`, by index."""
        users = []
        for index, row in rows:
            try:
                user = self._vigility.users.validated(*row)
            except InvalidInput as error:
                invalid[index] = str(error)
                continue
            first = self._seen.setdefault(user.username, user)
            if (first.age, first.gender) != (user.age, user.gender):
                invalid[index] = f"{user.username} was on an earlier line with another age or gender"
            elif first is user:
                users.append(user)
        return users
