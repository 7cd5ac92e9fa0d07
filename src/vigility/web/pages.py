"""The page and the files it loads, read once at the start."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

import falcon
from falcon.asgi import Response

from vigility.web.requests import Request

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


class Pages:
    """The files under one directory, by their paths in it. Nothing else can be asked for."""

    def __init__(self, directory: Path) -> None:
        self._files = {
            path.relative_to(directory).as_posix(): path.read_bytes()
            for path in sorted(directory.rglob("*"))
            if path.suffix in _CONTENT_TYPES
        }

    @property
    def index(self) -> bytes:
        """The page."""
        return self._files["index.html"]

    def file(self, path: str) -> bytes | None:
        """The file of this path."""
        return self._files.get(path)


class Page:
    """A GET that shows the page."""

    def __init__(self, page: bytes) -> None:
        self._page = page

    async def on_get(self, req: Request, resp: Response) -> None:
        """Answer with the page."""
        send_file(req, resp, self._page, ".html")

    on_head = on_get


class StaticResource:
    """`GET /static/{path}`."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    async def on_get(self, req: Request, resp: Response, path: str) -> None:
        """Answer with the file."""
        content = self._pages.file(path)
        if content is None:
            raise falcon.HTTPNotFound
        send_file(req, resp, content, Path(path).suffix)

    on_head = on_get


def send_file(req: Request, resp: Response, content: bytes, suffix: str) -> None:
    """Answer with a file, or by 304 where the browser has it. It asks each time: names hold no version."""
    tag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
    resp.set_header("ETag", tag)
    resp.set_header("Cache-Control", "no-cache")
    if tag in [
        known.strip().removeprefix("W/") for known in (req.get_header("If-None-Match") or "").split(",")
    ]:
        resp.status = falcon.HTTP_304
        return
    resp.content_type = _CONTENT_TYPES[suffix]
    resp.data = content
