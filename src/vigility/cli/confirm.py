"""Asking before something is deleted."""

from __future__ import annotations

import sys

import typer

from vigility.cli.errors import CommandError


def require_yes(question: str, *, yes: bool) -> None:
    """Return if the user agrees, by --yes or in the terminal. Raises CommandError otherwise."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise CommandError(f"{question} There is no terminal to answer: use --yes")
    if not typer.confirm(question, err=True):
        raise CommandError("nothing was changed")
