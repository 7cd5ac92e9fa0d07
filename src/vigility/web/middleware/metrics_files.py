"""The files in which workers count, and what becomes of those of a worker that is gone.

prometheus-client gives each worker files of its own (`counter_<pid>.db`) and leaves them there for ever, as a
counter must not go back. Here they are added up into one, so that restarts do not fill the directory.
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
_OF_THE_GONE: Final = 0  # no process has this id


@contextmanager
def reading(directory: Path) -> Iterator[None]:
    """While the files are read, none is added up."""
    with (directory / _LOCK).open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield


def merge_dead_worker(directory: Path, pid: int) -> None:
    """Called when a worker is gone: add its counts to those of others before it, and drop its gauges."""
    with (directory / _LOCK).open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        mark_process_dead(pid, str(directory))  # type: ignore[no-untyped-call]
        for kind in _KINDS:
            _add(directory / f"{kind}_{pid}.db", directory / f"{kind}_{_OF_THE_GONE}.db")


def _add(source: Path, target: Path) -> None:
    if not source.exists():
        return
    total = MmapedDict(str(target))  # type: ignore[no-untyped-call]
    for key, value, *_ in MmapedDict.read_all_values_from_file(str(source)):  # type: ignore[no-untyped-call]
        before, timestamp = total.read_value(key)  # type: ignore[no-untyped-call]
        total.write_value(key, before + value, timestamp)  # type: ignore[no-untyped-call]
    total.close()  # type: ignore[no-untyped-call]
    source.unlink()
