"""The page and the files it loads, read once at the start."""

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
    """What a file holds, and the suffix that says what it is."""

    content: bytes
    suffix: str

    @cached_property
    def tag(self) -> str:
        """Its ETag."""
        return f'"{hashlib.sha256(self.content).hexdigest()[:16]}"'


class Pages:
    """The files under one directory, by their paths in it. Nothing else can be asked for."""

    def __init__(self, directory: Path) -> None:
        self._files = {
            path.relative_to(directory).as_posix(): File(path.read_bytes(), path.suffix)
            for path in sorted(directory.rglob("*"))
            if path.suffix in _CONTENT_TYPES
        }

    @property
    def index(self) -> File:
        """The page."""
        return self._files["index.html"]

    def file(self, path: str) -> File | None:
        """The file of this path."""
        return self._files.get(path)


class PageResource:
    """A GET that shows the page."""

    def __init__(self, page: File) -> None:
        self._page = page

    async def on_get(self, req: Request, resp: Response) -> None:
        """Answer with the page."""
        send_file(req, resp, self._page)

    on_head = on_get


class StaticResource:
    """`GET /static/{path}`."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    async def on_get(self, req: Request, resp: Response, path: str) -> None:
        """Answer with the file."""
        file = self._pages.file(path)
        if file is None:
            raise falcon.HTTPNotFound
        send_file(req, resp, file)

    on_head = on_get


def send_file(req: Request, resp: Response, file: File) -> None:
    """Answer with a file, or by 304 where the browser has it. It asks each time: names hold no version."""
    resp.set_header("ETag", file.tag)
    resp.set_header("Cache-Control", "no-cache")
    if file.tag in [
        known.strip().removeprefix("W/") for known in (req.get_header("If-None-Match") or "").split(",")
    ]:
        resp.status = falcon.HTTP_304
        return
    resp.content_type = _CONTENT_TYPES[file.suffix]
    resp.data = file.content
