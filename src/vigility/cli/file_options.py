"""The options of commands that read files: which encoding, which names the columns have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from vigility.cli.errors import UsageError

if TYPE_CHECKING:
    from vigility.cli.parsers.parsed_file import FileOptions

EncodingName = Annotated[
    str | None,
    typer.Option(
        "--encoding",
        metavar="NAME",
        help="The encoding of the file, as latin-1 or utf-16-le. Default: what its byte order mark tells, or "
        "UTF-8.",
    ),
]
Map = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="NAME=COLUMN",
        help="Read NAME from the column (in JSON: key) COLUMN, as in username=user_id; can be repeated.",
    ),
]
IgnoreUnknown = Annotated[
    bool,
    typer.Option(
        "--ignore-unknown", help="Ignore further keys of JSON objects, which are invalid otherwise."
    ),
]


def file_options(
    names: Sequence[str], encoding: str | None, maps: Sequence[str] | None, *, ignore_unknown: bool = False
) -> FileOptions:
    """Check the options; `names` are those that --map can give another column. Raises UsageError."""
    from vigility.cli.parsers.encodings import valid_encoding
    from vigility.cli.parsers.parsed_file import FileOptions

    mapped: dict[str, str] = {}
    for text in maps or ():
        name, _, column = map(str.strip, text.partition("="))
        if name not in names or not column:
            raise UsageError(f"--map must be NAME=COLUMN, NAME one of {', '.join(names)}, not {text!a}")
        if name in mapped or column in mapped.values():
            raise UsageError(f"--map must have each name and each column once, not again in {text!a}")
        mapped[name] = column
    chosen = None if encoding is None else valid_encoding(encoding)
    return FileOptions(chosen, mapped, ignore_unknown)


def arguments_of(options: FileOptions) -> list[str]:
    """The arguments that mean these options."""
    arguments = ["--encoding", options.encoding] if options.encoding else []
    for name, column in options.names.items():
        arguments += ["--map", f"{name}={column}"]
    return [*arguments, "--ignore-unknown"] if options.ignore_unknown else arguments
