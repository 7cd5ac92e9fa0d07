"""Write cli.md, the reference of the command line, from the program itself: `make docs`.

A test fails if the page is stale.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from vigility.cli.app import app

START = """\
# Command line

Generated from the program by `make docs`; the texts are in `src/vigility/cli/`.

`--database` goes before the command. Results go to stdout; progress and errors go to stderr, each error as
one line. Colours and bars adapt to the terminal; `NO_COLOR` and pipes are respected.

| Exit code | Meaning |
|---|---|
| 0 | done |
| 1 | the command failed, or did only a part of its work: invalid lines, or rollups or copies that differ |
| 2 | invalid usage |
| 3, 4 | `vigility db check`: the schema is older than this version of vigility needs, or newer |
| 130, 143 | ended by Ctrl-C, by SIGTERM; whatever was reported as stored is stored |
"""


def reference() -> str:
    """The whole page. It depends only on the program, not on the terminal or the environment."""
    command = typer.main.get_command(app)
    context = command.make_context("vigility", [], resilient_parsing=True)
    return "\n".join([START, *_section(command, context, "vigility")])


def _section(command: Any, context: Any, path: str) -> Iterator[str]:  # noqa: ANN401 - Typer's are private
    yield f"## {path}\n"
    yield f"{command.help.strip()}\n"
    yield f"```\n{_usage(command, context, path)}\n```\n"
    yield from _parameters(command)
    if command.epilog:
        yield _examples(command.epilog)
    for name in getattr(command, "commands", {}):
        subcommand = command.commands[name]
        inner = subcommand.make_context(name, [], parent=context, resilient_parsing=True)
        yield from _section(subcommand, inner, f"{path} {name}")


def _usage(command: Any, context: Any, path: str) -> str:  # noqa: ANN401
    return " ".join([path, *command.collect_usage_pieces(context)])


def _parameters(command: Any) -> Iterator[str]:  # noqa: ANN401
    rows = [_row(parameter) for parameter in command.params]
    if rows:
        yield "| Option | |"
        yield "|---|---|"
        yield from rows
        yield ""


def _row(parameter: Any) -> str:  # noqa: ANN401
    if parameter.param_type_name == "argument":
        names = f"`{parameter.metavar}`"
    else:
        placeholder = "" if parameter.is_flag or parameter.is_eager else f" {parameter.metavar}"
        names = ", ".join(f"`{option}{placeholder}`" for option in parameter.opts)
    return f"| {names} | {_cell(_description(parameter))} |"


def _description(parameter: Any) -> str:  # noqa: ANN401
    parts = [parameter.help]
    if parameter.envvar:
        parts.append(f"Environment: `{parameter.envvar}`.")
    if parameter.required:
        parts.append("Required.")
    elif parameter.default not in (None, False):
        parts.append(f"Default: `{parameter.default}`.")
    return " ".join(parts)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "\\<").replace("\n", " ")


def _examples(epilog: str) -> str:
    lines = [line.removeprefix("  ") for line in epilog.splitlines()[2:]]
    return "\n".join(["Examples:\n", "```sh", *lines, "```\n"])


if __name__ == "__main__":
    Path(__file__).with_name("cli.md").write_text(reference(), encoding="utf-8")
