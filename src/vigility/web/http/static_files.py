"""The files of the dashboard, read once at the start."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import falcon
from falcon.asgi import Response

from vigility.web.http.requests import Request

_CONTENT_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".woff2": "font/woff2",
}


@dataclass(frozen=True)
class File:
    """The content of a file, and the suffix that tells its type."""

    content: bytes
    suffix: str

    @cached_property
    def etag(self) -> str:
        """Its ETag."""
        return f'"{hashlib.sha256(self.content).hexdigest()[:16]}"'


class StaticFiles:
    """The files in one directory, by their paths in it. No other file can be requested."""

    def __init__(self, directory: Path) -> None:
        self._files = {
            path.relative_to(directory).as_posix(): File(path.read_bytes(), path.suffix)
            for path in sorted(directory.rglob("*"))
            if path.suffix in _CONTENT_TYPES
        }

    @property
    def index(self) -> File:
        """The HTML page that loads all the others."""
        return self._files["index.html"]

    def file(self, path: str) -> File | None:
        """The file with this path, or None."""
        return self._files.get(path)


class PageResource:
    """A resource whose GET sends the HTML page."""

    def __init__(self, page: File) -> None:
        self._page = page

    async def on_get(self, req: Request, resp: Response) -> None:
        """Send the page."""
        send_file(req, resp, self._page)

    on_head = on_get


class StaticResource:
    """`GET /static/{path}`."""

    def __init__(self, static_files: StaticFiles) -> None:
        self._static_files = static_files

    async def on_get(self, req: Request, resp: Response, path: str) -> None:
        """Send the file."""
        file = self._static_files.file(path)
        if file is None:
            raise falcon.HTTPNotFound
        send_file(req, resp, file)

    on_head = on_get


def send_file(req: Request, resp: Response, file: File) -> None:
    """Send a file, or 304 if the browser has it.

    The browser asks each time, because the names of the files hold no version.
    """
    resp.set_header("ETag", file.etag)
    resp.set_header("Cache-Control", "no-cache")
    known = (req.get_header("If-None-Match") or "").split(",")
    if file.etag in [etag.strip().removeprefix("W/") for etag in known]:
        resp.status = falcon.HTTP_304
        return
    resp.content_type = _CONTENT_TYPES[file.suffix]
    resp.data = file.content
