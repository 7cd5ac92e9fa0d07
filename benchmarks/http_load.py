"""A gunicorn to measure, and `wrk` (Debian's package of that name) to load it over loopback."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

CORES = 2
_SCALES = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}


@dataclass(frozen=True)
class Load:
    """What one run of `wrk` found: responses, their rate, percentiles in ms, and how many were not 2xx."""

    responses: int
    per_second: float
    p50: float
    p99: float
    refused: int


@dataclass(frozen=True)
class Running:
    """A gunicorn: its address and its process."""

    base: str
    pid: int

    def cpu_seconds(self) -> float:
        """What its workers have used of the processors so far."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text(encoding="ascii")
        return sum(_cpu_seconds(int(pid)) for pid in children.split())

    def resident_bytes(self) -> int:
        """The memory that its workers hold."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text(encoding="ascii")
        return sum(_resident_bytes(int(pid)) for pid in children.split())


@contextmanager
def serving(
    command: Sequence[str],
    environment: Mapping[str, str],
    probe: str,
    folder: Path | None = None,
    log: Path | None = None,
) -> Iterator[Running]:
    """Start a server, whose command holds `{port}`; give it once it responds. Stopped at the end.

    What it writes to standard output goes to the file `log`, if there is one.
    """
    port = free_port()
    with ExitStack() as stack:
        server = subprocess.Popen(
            [part.replace("{port}", str(port)) for part in command],
            env={"PATH": "/usr/bin:/bin", "HOME": tempfile.gettempdir(), **environment},
            cwd=folder,
            stdout=stack.enter_context(log.open("wb")) if log else subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    try:
        base = f"http://127.0.0.1:{port}"
        wait_for(base + probe)
        yield Running(base, server.pid)
    finally:
        server.terminate()
        server.wait(timeout=30)


def load(url: str, seconds: int, connections: int = 64, script: str | None = None) -> Load:
    """Run `wrk` with a Lua script that says what is sent."""
    if shutil.which("wrk") is None:
        sys.exit("this benchmark needs wrk: apt-get install wrk")
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as lua:
        lua.write(script or "")
        lua.flush()
        command = [
            "wrk",
            f"-t{min(2, connections)}",
            f"-c{connections}",
            f"-d{seconds}s",
            "--latency",
            "-s",
            lua.name,
            url,
        ]
        printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", printed)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", printed)
    assert rate is not None, printed  # noqa: S101
    responses = re.search(r"(\d+) requests in", printed)
    assert responses is not None, printed  # noqa: S101
    return Load(
        responses=int(responses[1]),
        per_second=float(rate[1]),
        p50=_milliseconds(printed, "50"),
        p99=_milliseconds(printed, "99"),
        refused=int(refused[1]) if refused else 0,
    )


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(url: str) -> None:
    """Return once something responds, whatever it says."""
    for _ in range(300):
        try:
            urllib.request.urlopen(url, timeout=2)
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
        else:
            return
    sys.exit(f"nothing responds at {url}")


def _cpu_seconds(pid: int) -> float:
    user, system = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def _resident_bytes(pid: int) -> int:
    pages = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def _milliseconds(printed: str, percent: str) -> float:
    found = re.search(rf"{percent}%\s+([\d.]+)(us|ms|s|m)\b", printed)
    assert found is not None, printed  # noqa: S101
    return float(found[1]) * _SCALES[found[2]]
