"""`/docs`: the description of the API as a page, made here, with nothing from another host."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any, Final

import msgspec
from falcon.asgi import Response

from vigility.web.openapi.document import document
from vigility.web.http.static_files import File, send_file
from vigility.web.http.requests import Request

_HEAD: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>vigility: the HTTP API</title><link rel="stylesheet" href="/static/docs.css"></head><body><main>
<h1>vigility: the HTTP API</h1>"""
_TAIL: Final = "</main></body></html>\n"


class DocsResource:
    """`GET /docs`."""

    def __init__(self) -> None:
        self._file = File(page(document()).encode(), ".html")

    async def on_get(self, req: Request, resp: Response) -> None:
        """Answer with the page."""
        send_file(req, resp, self._file)

    on_head = on_get


def page(description: dict[str, Any]) -> str:
    """The description as HTML."""
    about = f'<p>{_prose(description["info"]["description"])} <a href="/openapi.json">openapi.json</a></p>'
    operations = [
        part
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
        for part in _operation(f"{method.upper()} {path}", operation)
    ]
    schemas = [
        f'<section id="{escape(name)}"><h3>{escape(name)}</h3><p>{_prose(schema.get("description", ""))}</p>'
        f"<pre>{_json(schema)}</pre></section>"
        for name, schema in description["components"]["schemas"].items()
    ]
    return "\n".join([_HEAD, about, *operations, "<h2>Bodies</h2>", *schemas, _TAIL])


def _operation(title: str, operation: dict[str, Any]) -> Iterator[str]:
    yield f'<section id="{escape(operation["operationId"])}"><h2>{escape(title)}</h2>'
    login = (
        " Needs a token: <code>Authorization: Bearer</code>, or the cookie."
        if "security" in operation
        else ""
    )
    yield f"<p>{_prose(operation['summary'])}{login}</p>"
    if body := operation.get("requestBody"):
        yield f"<p>Body: {_body(body)}</p>"
    if parameters := operation.get("parameters"):
        yield _table(
            ("Parameter", "Meaning", "Allowed"),
            [
                (
                    f"<code>{escape(p['name'])}</code>",
                    _prose(p["description"]),
                    f"<code>{_json(p['schema'])}</code>",
                )
                for p in parameters
            ],
        )
    answers = operation["responses"].items()
    yield _table(
        ("Status", "Meaning", "Body"),
        [(status, _prose(answer["description"]), _body(answer)) for status, answer in answers],
    )
    yield "</section>"


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    def line(cells: tuple[str, ...], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{cell}</{tag}>" for cell in cells) + "</tr>"

    body = "\n".join(line(row, "td") for row in rows)
    return f"<table><thead>{line(head, 'th')}</thead>\n<tbody>{body}</tbody></table>"


def _body(part: dict[str, Any]) -> str:
    for media_type, content in part.get("content", {}).items():
        reference = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
        if reference:
            return f'<a href="#{escape(reference)}">{escape(reference)}</a>'
        return f"<code>{escape(media_type)}</code>"
    return ""


def _prose(text: str) -> str:
    """Text whose backquotes are code."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if index % 2 else part for index, part in enumerate(parts))


def _json(value: object) -> str:
    return escape(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())
