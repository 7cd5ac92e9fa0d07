"""The files in which workers count, and merging those of workers that have ended.

prometheus-client gives each worker its own files (`counter_<pid>.db`) and never deletes them, because a
counter must not go back. Here the files of workers that have ended are merged into one, so that restarts do
not fill the directory.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import mark_process_dead

_LOCK: Final = "lock"
_KINDS: Final = ("counter", "histogram")
_DEAD_WORKERS: Final = 0  # stands in for a process id; no process has it


@contextmanager
def read_lock(directory: Path) -> Iterator[None]:
    """Keep files from being merged inside the block, while they are read."""
    with (directory / _LOCK).open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield


def merge_dead_worker(directory: Path, pid: int) -> None:
    """Add the counts of a worker that has ended to those of earlier ones, and drop its gauges."""
    with (directory / _LOCK).open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        mark_process_dead(pid, str(directory))  # type: ignore[no-untyped-call]
        for kind in _KINDS:
            _merge(directory / f"{kind}_{pid}.db", directory / f"{kind}_{_DEAD_WORKERS}.db")


def _merge(source: Path, target: Path) -> None:
    if not source.exists():
        return
    total = MmapedDict(str(target))  # type: ignore[no-untyped-call]
    for key, value, *_ in MmapedDict.read_all_values_from_file(str(source)):  # type: ignore[no-untyped-call]
        before, timestamp = total.read_value(key)  # type: ignore[no-untyped-call]
        total.write_value(key, before + value, timestamp)  # type: ignore[no-untyped-call]
    total.close()  # type: ignore[no-untyped-call]
    source.unlink()
