"""What to do about an event that is too old: the option is named with each refusal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from vigility.core.errors import InvalidInput, OutsideWindow, VigilityError

_HINT: Final = "; to take older events, use --oldest-days"


def reason_of(error: VigilityError) -> str:
    """Why an event was rejected, for a person at the command line."""
    return f"{error}{_HINT}" if isinstance(error, OutsideWindow) and error.too_old else str(error)


@contextmanager
def older_by_option() -> Iterator[None]:
    """Make the refusal of a single old event name the option."""
    try:
        yield
    except OutsideWindow as error:
        raise InvalidInput(error.field, f"{error.rule}{_HINT if error.too_old else ''}") from None
