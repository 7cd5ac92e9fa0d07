"""The import of a file of users: block by block, each one transaction."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from vigility.cli.rejects import RejectLog
from vigility.cli.progress import Progress
from vigility.cli.parsers.csv_rows import Row
from vigility.cli.parsers.parsed_file import ParsedFile
from vigility.cli.parsers.source import Source
from vigility.cli.signals import Signals
from vigility.cli.pluralize import pluralize
from vigility.core.errors import InvalidInput
from vigility.core.users.model import NewUser
from vigility.core.service import Vigility


@dataclass(slots=True)
class Imported:
    """What is stored so far. `different` are users who were there with another age or gender."""

    added: int = 0
    unchanged: int = 0
    different: list[str] = field(default_factory=list)


class UserImport:
    """Stores the users of one file."""

    def __init__(self, vigility: Vigility, rows: ParsedFile[Row], signals: Signals, faults: RejectLog) -> None:
        self._vigility = vigility
        self._rows = rows
        self._signals = signals
        self._faults = faults
        self._met: dict[str, NewUser] = {}
        self.imported = Imported()

    def run(self, source: Source, progress: Progress) -> None:
        """Store all rows. What ends it early says how many were added."""
        try:
            for block in self._rows.blocks:
                parsed = self._rows.parse(block)
                wrong = dict(parsed.faults)
                users = self._checked(zip(parsed.indexes, parsed.values, strict=True), wrong)
                for index in sorted(wrong):
                    self._faults.add(block.lines[index], wrong[index], block.records[index])
                with self._signals.held():
                    self._store(users)
                    progress.reached(source.position, f"{counted(self.imported.added, 'user')} added")
        except BaseException as error:
            error.add_note(f"{counted(self.imported.added, 'user')} added so far; import again for the rest")
            raise

    def _store(self, users: list[NewUser]) -> None:
        done = self._vigility.accounts.import_users(users)
        self.imported.added += done.added
        self.imported.unchanged += done.unchanged
        self.imported.different += done.different

    def _checked(self, rows: Iterable[tuple[int, Row]], wrong: dict[int, str]) -> list[NewUser]:
        """The users of the rows; what is wrong with others goes to `wrong`, by index."""
        users = []
        for index, row in rows:
            try:
                user = self._vigility.accounts.checked(*row)
            except InvalidInput as error:
                wrong[index] = str(error)
                continue
            first = self._met.setdefault(user.username, user)
            if (first.age, first.gender) != (user.age, user.gender):
                wrong[index] = f"{user.username} stands further up with another age or gender"
            elif first is user:
                users.append(user)
        return users
