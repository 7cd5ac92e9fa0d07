"""Marks batch jobs: they wait for other writers as long as these make progress.

A caller of `track` wants an answer within seconds. An import, a copy or a rebuild takes minutes anyway, and
gains nothing from giving up while the database is busy with other batch jobs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

_BATCH_JOB: Final = ContextVar("batch_job", default=False)


@contextmanager
def batch_job() -> Iterator[None]:
    """Mark what this thread (or task) writes inside the block as part of a batch job."""
    token = _BATCH_JOB.set(True)
    try:
        yield
    finally:
        _BATCH_JOB.reset(token)


def in_batch_job() -> bool:
    """Whether the current thread (or task) is inside a batch job."""
    return _BATCH_JOB.get()
