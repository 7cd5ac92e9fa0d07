"""The folder of the workers' metrics files.

Each server has a folder of its own, and a file in it is locked as long as one of its processes lives. A
server that is killed leaves its folder behind; the next one removes it.

prometheus-client decides when it is imported whether the processes share their metrics. So nothing here may
import it: the folder must exist before.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

_PREFIX: Final = "vigility-metrics-"
_IN_USE: Final = "in-use"


def new_folder() -> Path:
    """Make the folder of this server, and mark it as in use until the last of its processes has ended."""
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    unlocked = folder / f"{_IN_USE}.new"
    descriptor = os.open(unlocked, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)  # and never closed: the workers inherit it
    unlocked.rename(folder / _IN_USE)
    return folder


def remove_abandoned_folders() -> None:
    """Remove the folders of this user's servers of which no process is left."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError):  # another server that starts has just removed it
            if _is_abandoned(folder):
                shutil.rmtree(folder)


def _is_abandoned(folder: Path) -> bool:
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        return False
    # A folder without this file is being made at this moment, or is older than this file is.
    with (folder / _IN_USE).open("rb") as in_use:
        try:
            fcntl.flock(in_use, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True
