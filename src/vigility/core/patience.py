"""Which writers are patient: those of a batch job wait for other writers as long as these make progress.

A caller of `track` wants an answer within seconds. An import, a copy or a rebuild takes minutes anyway, and
gains nothing from giving up while the database is busy with the like of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

_PATIENT: Final = ContextVar("patient", default=False)


@contextmanager
def patient() -> Iterator[None]:
    """What this thread (or task) writes inside the block belongs to a batch job."""
    token = _PATIENT.set(True)
    try:
        yield
    finally:
        _PATIENT.reset(token)


def is_patient() -> bool:
    """Whether the present writer belongs to a batch job."""
    return _PATIENT.get()
