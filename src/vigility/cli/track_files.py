"""`vigility track --file`: imports files of events, one after another, or previews that."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from shlex import quote
from typing import BinaryIO

from vigility.cli.console import rate, show
from vigility.cli.context import RunContext
from vigility.cli.errors import FAILED, CommandError, UsageError
from vigility.cli.event_import import EventImport, Storing
from vigility.cli.file_options import arguments_of
from vigility.cli.gc_threshold import higher_gc_threshold
from vigility.cli.parsers.events import read_events
from vigility.cli.parsers.parsed_file import FileForm, FileOptions, ParsedFile
from vigility.cli.parsers.source import STDIN, Source, open_source
from vigility.cli.pluralize import pluralize
from vigility.cli.progress import Progress, show_progress
from vigility.cli.rejects import RejectLog, log_ignored, other_form
from vigility.cli.track_preview import preview_lines
from vigility.core.events.model import NewEvent


@dataclass(slots=True)
class TrackFiles:
    """One run over some files. What it stored is correct at any time, also after an interruption."""

    run: RunContext
    paths: Sequence[str]
    options: FileOptions
    rejects_path: Path | None
    from_line: int | None
    oldest_days: int | None
    is_preview: bool
    rejects: RejectLog = field(default_factory=RejectLog)
    tasks: list[EventImport] = field(default_factory=list)

    def run_all(self, seconds: Callable[[], float]) -> None:
        """Import all files, or preview that; then print a summary. Checks all before the first is read.

        `seconds` returns the seconds since some moment.
        """
        began = seconds()
        self._check_paths()
        with (
            self.run.open_for_tracking(self.oldest_days, upgrade=not self.is_preview) as vigility,
            self._open_rejects() as file,
            higher_gc_threshold(),
        ):
            self.rejects = RejectLog(file)
            preview = vigility.preview() if self.is_preview else None
            storing = preview or vigility.events.importer()
            for position, path in enumerate(self.paths):
                with self._progress_in_errors(position):
                    self._one(path, storing)
            self.rejects.close()
        self._summarize(seconds() - began)
        for line in preview_lines(preview) if preview else ():
            show(line)

    def _one(self, path: str, storing: Storing) -> None:
        with open_source(path, self.options.encoding) as source, show_progress(source.size) as progress:
            from_line = 1 if self.tasks else self.from_line or 1
            events = read_events(source, self.options, from_line)
            self._begin(source, events, progress)
            done = "checked" if self.is_preview else "stored"
            task = EventImport(storing, events, self.run.signals, self.rejects, done)
            self.tasks.append(task)
            task.run(source, progress)

    def _begin(self, source: Source, events: ParsedFile[NewEvent], progress: Progress) -> None:
        self.rejects.begin(events.form, progress, source.name if len(self.paths) > 1 else "")
        log_ignored(events, source, progress)

    def _check_paths(self) -> None:
        """Refuse what would fail later, when a part is stored already. Pipes can be read only once."""
        if self.paths.count(STDIN) > 1:
            raise UsageError("--file - is given twice, but stdin can be read only once")
        if "" in self.paths:
            raise UsageError("--file must be the path of a file, not empty")
        files = [path for path in self.paths if not _is_pipe(_found(path))]
        for index, path in enumerate(files):
            if any(_is_same(_found(path), _found(earlier)) for earlier in files[:index]):
                raise UsageError(f"--file {path} is given twice: its events would be stored twice")
            if self.rejects_path and _is_same(_found(path), _found(self.rejects_path)):
                raise UsageError("--rejects and --file must be different files")
        forms = {path: self._form(path) for path in files if path != STDIN}
        for path, form in forms.items():
            if self.rejects_path and form != next(iter(forms.values())):
                raise other_form(path)

    def _form(self, path: str) -> FileForm:
        with open_source(path, self.options.encoding) as source:
            return read_events(source, self.options).form

    @contextmanager
    def _open_rejects(self) -> Iterator[BinaryIO | None]:
        if self.rejects_path is None:
            yield None
            return
        self.run.forbid_overwriting(self.rejects_path)
        try:
            # When an import continues, keep what was rejected before the interruption.
            file = self.rejects_path.open("wb" if self.from_line is None else "ab")
        except OSError as error:
            raise CommandError(f"cannot write {self.rejects_path}: {error.strerror}") from error
        with file:
            yield file

    @contextmanager
    def _progress_in_errors(self, position: int) -> Iterator[None]:
        """Add to any error how much was stored and how to continue in the file at this position."""
        try:
            yield
        except BaseException as error:
            if not self.is_preview and self.tasks:
                error.add_note(f"{self._stored(position)}. To continue: {self._resume(position)}")
            raise

    def _stored(self, position: int) -> str:
        """What of the files is stored, if the run ends in the one at this position."""
        done = ", ".join(map(_name, self.paths[:position]))
        whole = [f"all valid events of {done} are stored"] if done else []
        here = [task.stored.describe() for task in self.tasks[position:]]
        return "; ".join(whole + here)

    def _resume(self, position: int) -> str:
        """The command that continues in the file at this position."""
        files = [part for path in self.paths[position:] for part in ("--file", path)]
        rejects = ["--rejects", str(self.rejects_path)] if self.rejects_path else []
        oldest = ["--oldest-days", str(self.oldest_days)] if self.oldest_days else []
        line = self.tasks[position].stored.last_line + 1 if position < len(self.tasks) else 1
        arguments = [*files, *rejects, *oldest, *arguments_of(self.options), "--from-line", str(line)]
        return f"{self.run.command} track {' '.join(map(quote, arguments))}"

    def _summarize(self, seconds: float) -> None:
        if self.rejects.rejected:
            self.run.exit_code = FAILED
        if len(self.paths) > 1:
            for path, task in zip(self.paths, self.tasks, strict=True):
                stored = pluralize(task.stored.events, "event")
                show(f"{_name(path)}: {stored} {'would be ' if self.is_preview else ''}stored.")
        events = sum(task.stored.events for task in self.tasks)
        duplicates = sum(task.stored.duplicates for task in self.tasks)
        would_be = "would be " if self.is_preview else ""
        parts = [f"{pluralize(events, 'event')} {would_be}stored"]
        parts += [f"{duplicates:,} already stored (same event_id)"] if duplicates else []
        parts += [f"{self._rejected()} {would_be}skipped"] if self.rejects.rejected else []
        show(f"{', '.join(parts)}{'' if self.is_preview else rate(events, seconds)}.")

    def _rejected(self) -> str:
        rejected, lines = self.rejects.rejected, self.rejects.lines
        if rejected == lines:
            return pluralize(rejected, "invalid line")
        return f"{pluralize(rejected, 'invalid record')} of {pluralize(lines, 'line')}"


def _name(path: str) -> str:
    return "stdin" if path == STDIN else path


def _found(path: str | Path) -> os.stat_result | None:
    """What is at a path or, for `-`, at stdin; None if nothing is."""
    try:
        return os.fstat(sys.stdin.fileno()) if path == STDIN else Path(path).stat()
    except (OSError, ValueError):  # stdin is closed, or no file of the system
        return None


def _is_pipe(found: os.stat_result | None) -> bool:
    return found is not None and not stat.S_ISREG(found.st_mode) and not stat.S_ISDIR(found.st_mode)


def _is_same(found: os.stat_result | None, other: os.stat_result | None) -> bool:
    return found is not None and other is not None and os.path.samestat(found, other)
