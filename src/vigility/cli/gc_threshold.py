"""Python's garbage collector, while batches go by."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from vigility.core.events.tracking import BATCH_SIZE

# A batch is some four objects an event, none in a cycle: they go as the batch goes. At its default of
# 700 new objects the collector walks them again and again, which took a third of an import's time.
_THRESHOLD: Final = 10 * BATCH_SIZE


@contextmanager
def gc_less_often() -> Iterator[None]:
    """Let the collector begin only when more piles up than a batch explains."""
    before = gc.get_threshold()
    gc.set_threshold(_THRESHOLD, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
